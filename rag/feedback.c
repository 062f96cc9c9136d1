/* Keeps what people say about answers, so that it can be asked again: was it good, which page and
 * which words would have been right.
 *
 * In: a verdict. Out: one line of LIBRARY/feedback.jsonl, which is also the format in which a
 * golden set is written: {"question", "phrase", "document", "page"}. Nothing of it leaves the
 * library, and what names a document goes when the document is forgotten. */
#include "rag/golden-private.h"

#include <errno.h>
#include <fcntl.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <unistd.h>

char *rag_feedback_path (const Rag *rag)
{
  return g_build_filename (rag->library_dir, "feedback.jsonl", NULL);
}

static void add_text (JsonBuilder *json, const char *name, const char *value)
{
  json_builder_set_member_name (json, name);
  if (value != NULL)
    json_builder_add_string_value (json, value);
  else
    json_builder_add_null_value (json);
}

static char *line_of (const RagFeedback *feedback)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  json_builder_begin_object (json);
  add_text (json, "question", feedback->question);
  add_text (json, "phrase", feedback->phrase);
  add_text (json, "document", feedback->document);
  json_builder_set_member_name (json, "page");
  json_builder_add_int_value (json, feedback->page);
  add_text (json, "verdict", feedback->good ? "good" : "bad");
  json_builder_set_member_name (json, "none");
  json_builder_add_boolean_value (json, feedback->none);
  json_builder_set_member_name (json, "at");
  json_builder_add_int_value (json, g_get_real_time () / G_USEC_PER_SEC);
  json_builder_end_object (json);
  g_autoptr (JsonNode) root = json_builder_get_root (json);
  g_autofree char *text = json_to_string (root, FALSE);
  return g_strconcat (text, "\n", NULL);
}

static gboolean fail (const char *path, GError **error)
{
  g_set_error (error, RAG_ERROR, RAG_ERROR_FAILED, "%s cannot be written: %s", path,
               g_strerror (errno));
  return FALSE;
}

gboolean rag_feedback_add (Rag *rag, const RagFeedback *feedback, GError **error)
{
  if (!rag_check_question (feedback->question, error))
    return FALSE;
  if (feedback->phrase != NULL && !g_utf8_validate (feedback->phrase, -1, NULL))
    {
      g_set_error (error, RAG_ERROR, RAG_ERROR_INPUT, "The right answer is not valid UTF-8");
      return FALSE;
    }
  g_autofree char *path = rag_feedback_path (rag);
  g_autofree char *line = line_of (feedback);
  int fd = open (path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail (path, error);
  /* One write to the end of the file: lines of two programs do not mix. */
  gboolean ok = write (fd, line, strlen (line)) == (gssize)strlen (line) && fsync (fd) == 0;
  if (!ok)
    fail (path, error);
  close (fd);
  return ok;
}

gboolean rag_feedback_forget (const Rag *rag, const char *document, GError **error)
{
  GError *inner = NULL;
  g_autofree char *path = rag_feedback_path (rag);
  g_autofree char *text = NULL;
  g_autoptr (GString) kept = g_string_new (NULL);
  gsize before;
  if (!g_file_get_contents (path, &text, &before, NULL))
    return TRUE;
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      g_autoptr (RagGolden) golden = rag_golden_parse (*line);
      if (golden != NULL
          && (golden->document == NULL || !rag_names_document (golden->document, document)))
        g_string_append_printf (kept, "%s\n", *line);
    }
  if (kept->len < before
      && !g_file_set_contents_full (path, kept->str, (gssize)kept->len,
                                    G_FILE_SET_CONTENTS_CONSISTENT, 0600, &inner))
    return rag_translate_error (error, inner);
  return TRUE;
}
