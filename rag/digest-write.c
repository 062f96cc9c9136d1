/* Writes the stories of a digest, best first, with one model or two.
 *
 * In: stories in order. Out: a section for each of the first, and a line that names the others. The
 * first model writes all of them; a story of which it could prove nothing in its own words is only
 * quoted, and a larger model may try it again. */
#include "rag/digest-private.h"

#define DEFAULT_STORIES 10
#define POINTS_PER_STORY 3
#define MAX_TITLES_LEFT_OUT 8
/* Stories without a sentence do not count; so many times the stories wanted are looked at. */
#define MAX_TRIES 3

/* NULL with ERROR set when the library fails. */
static RagSection *write_story (RagWriter *writer, const RagStory *story, GError **error)
{
  const RagNewsItem *first = g_ptr_array_index (story->items, 0);
  const char *title = first->document->title;
  g_autoptr (GPtrArray) hits
      = g_ptr_array_new_with_free_func ((GDestroyNotify)index_hit_free);
  g_autoptr (RagSection) section = rag_section_new (title);
  section->lead = g_strdup (first->lead);
  for (guint i = 0; i < story->items->len && hits->len < RAG_MAX_PASSAGES; i++)
    {
      const RagNewsItem *item = g_ptr_array_index (story->items, i);
      GPtrArray *chunks = rag_digest_chunks (writer->rag, item->document, error);
      if (chunks == NULL)
        return NULL;
      g_ptr_array_add (section->documents, g_strdup (item->document->path));
      g_ptr_array_extend_and_steal (hits, chunks);
    }
  const RagPointPrompt prompt = { "prompts/digest.txt", "prompts/digest-user.txt" };
  if (!rag_write_points (writer, &prompt, title, hits, POINTS_PER_STORY, section, error))
    return NULL;
  return g_steal_pointer (&section);
}

/* The model had nothing to say that the documents prove. */
static gboolean is_tricky (const RagSection *section)
{
  for (guint p = 0; p < section->points->len; p++)
    if (!((RagPoint *)g_ptr_array_index (section->points, p))->quoted)
      return FALSE;
  return section->points->len > 0;
}

/* A story of which nothing can be quoted is named, not shown as an empty one. */
static void note_empty (RagBrief *brief)
{
  g_autoptr (GString) titles = g_string_new (NULL);
  for (guint i = 0; i < brief->sections->len;)
    {
      const RagSection *section = g_ptr_array_index (brief->sections, i);
      if (section->points->len > 0)
        {
          i++;
          continue;
        }
      g_string_append_printf (titles, "%s%s", titles->len > 0 ? "; " : "", section->title);
      g_ptr_array_remove_index (brief->sections, i);
    }
  if (titles->len > 0)
    g_ptr_array_add (brief->notes, g_strdup_printf ("Without a sentence to quote: %s.", titles->str));
}

static void note_left_out (const GPtrArray *stories, guint from, RagBrief *brief)
{
  if (from >= stories->len)
    return;
  g_autoptr (GString) line = g_string_new (NULL);
  g_string_append_printf (line, "Left out (%u): ", stories->len - from);
  for (guint i = from; i < MIN (stories->len, from + MAX_TITLES_LEFT_OUT); i++)
    {
      const RagNewsItem *item
          = g_ptr_array_index (((RagStory *)g_ptr_array_index (stories, i))->items, 0);
      g_string_append_printf (line, "%s%s", i > from ? "; " : "", item->document->title);
    }
  g_string_append (line, stories->len - from > MAX_TITLES_LEFT_OUT ? "; and more." : ".");
  g_ptr_array_add (brief->notes, g_strdup (line->str));
}

/* One model after another: only one is in memory. STORIES: of which the first N have sections. */
typedef struct
{
  Rag *rag;
  const GPtrArray *stories;
  const RagDigestOptions *options;
  RagBrief *brief;
  guint n, limit; /* LIMIT: with something to say */
} Writing;

static gboolean is_stopped (const Writing *writing)
{
  return g_cancellable_is_cancelled (writing->options->cancellable);
}

static void tell_progress (const Writing *writing, const char *step, guint done, guint total)
{
  const RagDigestOptions *options = writing->options;
  if (options->progress != NULL)
    options->progress (step, done, total, options->user_data);
}

static void add_figures (const RagWriter *writer, RagBrief *brief)
{
  brief->written += writer->written;
  brief->struck += writer->struck;
}

static gboolean write_first (Writing *writing, GError **error)
{
  RagWriter writer;
  const guint most = (guint)MIN (writing->stories->len, (guint64)MAX_TRIES * writing->limit);
  guint n_told = 0;
  const RagDigestOptions *options = writing->options;
  gboolean ok = rag_writer_begin (&writer, writing->rag, !options->no_model, options->tone,
                                  options->cancellable, error);
  while (ok && n_told < writing->limit && writing->n < most && !is_stopped (writing))
    {
      tell_progress (writing, "stories", n_told, MIN (writing->limit, writing->stories->len));
      RagSection *section
          = write_story (&writer, g_ptr_array_index (writing->stories, writing->n), error);
      ok = section != NULL;
      if (!ok)
        break;
      g_ptr_array_add (writing->brief->sections, section);
      n_told += section->points->len > 0;
      writing->n++;
    }
  add_figures (&writer, writing->brief);
  rag_writer_clear (&writer);
  return ok;
}

/* Stories that were only quoted, again with a larger model. What it cannot prove either stays
 * quoted. */
static gboolean write_tricky (const Writing *writing, RagWriter *writer, guint *ret_n,
                              GError **error)
{
  GPtrArray *sections = writing->brief->sections;
  for (guint i = 0; i < sections->len && !is_stopped (writing); i++)
    {
      if (!is_tricky (g_ptr_array_index (sections, i)))
        continue;
      tell_progress (writing, "tricky stories", i, sections->len);
      RagSection *section = write_story (writer, g_ptr_array_index (writing->stories, i), error);
      if (section == NULL)
        return FALSE;
      const gboolean better = !is_tricky (section) && section->points->len > 0;
      *ret_n += better;
      if (better)
        {
          rag_section_free (g_ptr_array_index (sections, i));
          g_ptr_array_index (sections, i) = section;
        }
      else
        rag_section_free (section);
    }
  return TRUE;
}

static gboolean escalate (const Writing *writing, GError **error)
{
  RagWriter writer;
  const RagDigestOptions *options = writing->options;
  RagBrief *brief = writing->brief;
  g_autoptr (GError) reason = NULL;
  guint n = 0;
  rag_change_generator (writing->rag, options->escalate);
  /* The digest is there without it. */
  if (!rag_writer_begin (&writer, writing->rag, TRUE, options->tone, options->cancellable, &reason))
    {
      rag_writer_clear (&writer);
      g_ptr_array_add (brief->notes, g_strdup_printf ("Not written by %s: %s.", options->escalate,
                                                      reason->message));
      return TRUE;
    }
  const gboolean ok = write_tricky (writing, &writer, &n, error);
  if (n > 0)
    g_ptr_array_add (brief->notes,
                     g_strdup_printf ("Written by %s: %u of the stories.", options->escalate, n));
  add_figures (&writer, brief);
  rag_writer_clear (&writer);
  return ok;
}

gboolean rag_digest_write (Rag *rag, const GPtrArray *stories, const RagDigestOptions *options,
                           RagBrief *brief, GError **error)
{
  const guint limit = options->max_stories > 0 ? options->max_stories : DEFAULT_STORIES;
  Writing writing = { rag, stories, options, brief, 0, limit };
  if (!write_first (&writing, error))
    return FALSE;
  guint n_tricky = 0;
  for (guint i = 0; i < brief->sections->len; i++)
    n_tricky += is_tricky (g_ptr_array_index (brief->sections, i));
  if (options->escalate != NULL && !options->no_model && n_tricky > 0 && !is_stopped (&writing)
      && !escalate (&writing, error))
    return FALSE;
  brief->complete = !is_stopped (&writing);
  note_empty (brief);
  note_left_out (stories, writing.n, brief);
  return TRUE;
}
