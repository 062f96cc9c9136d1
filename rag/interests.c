/* What the reader wants to know, for the order of a digest.
 *
 * In: topics that were named, questions that were asked, and those on whose answers somebody gave a
 * verdict (LIBRARY/feedback.jsonl, a JSON object a line). Out: texts to compare stories with. Topics
 * stand alone: whoever names them wants nothing else first. */
#include "rag/digest-private.h"

#include <json-glib/json-glib.h>

/* Older ones tell who the reader was. */
#define MAX_JUDGED 30

static void add_all (GPtrArray *texts, const char *const *more)
{
  for (gsize i = 0; more != NULL && more[i] != NULL; i++)
    if (*more[i] != '\0')
      g_ptr_array_add (texts, g_strdup (more[i]));
}

/* The question of LINE, or NULL: the file may have been edited. */
static char *question_of (const char *line)
{
  g_autoptr (JsonNode) node = json_from_string (line, NULL);
  JsonObject *object
      = node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  JsonNode *question = object != NULL ? json_object_get_member (object, "question") : NULL;
  if (question == NULL || json_node_get_value_type (question) != G_TYPE_STRING
      || *json_node_get_string (question) == '\0')
    return NULL;
  return g_strdup (json_node_get_string (question));
}

static void add_judged (const Rag *rag, GPtrArray *texts)
{
  g_autofree char *path = g_build_filename (rag->library_dir, "feedback.jsonl", NULL);
  g_autofree char *text = NULL;
  if (rag->restricted || !g_file_get_contents (path, &text, NULL, NULL))
    return;
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  const guint n = g_strv_length (lines);
  for (guint i = n - MIN (n, MAX_JUDGED); i < n; i++)
    {
      char *question = question_of (lines[i]);
      if (question != NULL)
        g_ptr_array_add (texts, question);
    }
}

GPtrArray *rag_digest_interests (const Rag *rag, const RagDigestOptions *options)
{
  GPtrArray *texts = g_ptr_array_new_with_free_func (g_free);
  add_all (texts, options->topics);
  if (texts->len > 0)
    return texts;
  add_all (texts, options->questions);
  add_judged (rag, texts);
  return texts;
}
