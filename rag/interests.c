/* What the reader wants to know, for the order of a digest.
 *
 * In: topics that were named, questions that were asked, and those on whose answers somebody gave a
 * verdict (feedback.c). Out: texts to compare stories with. Topics
 * stand alone: whoever names them wants nothing else first. */
#include "rag/digest-private.h"
#include "rag/golden-private.h"

/* Older ones tell who the reader was. */
#define MAX_JUDGED 30

static void add_all (GPtrArray *texts, const char *const *more)
{
  for (gsize i = 0; more != NULL && more[i] != NULL; i++)
    if (*more[i] != '\0')
      g_ptr_array_add (texts, g_strdup (more[i]));
}

static void add_judged (const Rag *rag, GPtrArray *texts)
{
  g_autofree char *path = rag_feedback_path (rag);
  g_autofree char *text = NULL;
  if (rag->restricted || !g_file_get_contents (path, &text, NULL, NULL))
    return;
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  const guint n = g_strv_length (lines);
  for (guint i = n - MIN (n, MAX_JUDGED); i < n; i++)
    {
      g_autoptr (RagGolden) golden = rag_golden_parse (lines[i]); /* the file may have been edited */
      if (golden != NULL)
        g_ptr_array_add (texts, g_steal_pointer (&golden->question));
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
