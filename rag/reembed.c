/* Lets another encoder take over a library.
 *
 * In come the library's passages, out go vectors of the encoder that was asked for (or that an
 * earlier run began with), a batch at a time, each kept as soon as it is made. Searches go on with
 * the old vectors all the while, in other processes; the last batch is followed by the switch. */
#include "rag/rag-private.h"

#include <string.h>

/* As in store.c: enough to sort by length, few enough to stop within a second. */
#define BATCH 32

typedef struct
{
  Rag *rag;
  const RagAddOptions *options;
  RagAddReport *report;
  EngineEncoder *encoder;
  guint done, total;
} Change;

/* ---- Which ---- */

/* NULL without an error: the library keeps its own. */
static EngineEncoder *open_next (Rag *rag, EngineModel **ret_model, GError **error)
{
  const char *ours = index_encoder (rag->index, NULL);
  if (ours == NULL)
    return NULL;
  if (rag->encoder_name == NULL)
    {
      const char *begun = index_next_encoder (rag->index, NULL);
      return begun != NULL ? rag_find_encoder (rag, begun, ret_model, error) : NULL;
    }
  EngineEncoder *named = rag_open_encoder (rag, rag->encoder_name, ret_model, error);
  if (named == NULL || strcmp (engine_encoder_fingerprint (named), ours) != 0)
    return named;
  engine_encoder_free (named);
  g_clear_pointer (ret_model, engine_model_unref);
  return NULL;
}

gboolean rag_encoder_changes (Rag *rag, gboolean *ret_changes, GError **error)
{
  GError *inner = NULL;
  EngineModel *model = NULL;
  g_autoptr (EngineEncoder) next = open_next (rag, &model, &inner);
  if (model != NULL)
    engine_model_unref (model);
  *ret_changes = next != NULL;
  return inner == NULL || rag_translate_error (error, inner);
}

/* ---- The work ---- */

static void tell (const Change *change)
{
  const RagAddProgress progress
      = { .eta_seconds = -1, .reembedded = change->done, .to_reembed = change->total };
  if (change->options->progress != NULL)
    change->options->progress (&progress, change->options->user_data);
}

static gboolean stopped (const Change *change, GError **error)
{
  if (!g_cancellable_is_cancelled (change->options->cancellable))
    return FALSE;
  g_set_error (error, RAG_ERROR, RAG_ERROR_CANCELLED,
               "Stopped: %u of %u passages have been read for the encoder that takes over; "
               "`docent sync` goes on from there, and until then the old one serves",
               change->done, change->total);
  return TRUE;
}

static gboolean read_batch (Change *change, const GPtrArray *texts, GError **error)
{
  GError *inner = NULL;
  g_autoptr (GPtrArray) readable = g_ptr_array_new_with_free_func (g_free);
  g_autofree float *vectors
      = g_new (float, (gsize)texts->len *engine_encoder_dimension (change->encoder));
  for (guint i = 0; i < texts->len; i++)
    {
      const IndexText *text = g_ptr_array_index (texts, i);
      g_ptr_array_add (readable, rag_text_to_encode (text->title, text->section, text->text));
    }
  if (!engine_encode (change->encoder, ENGINE_TEXT_PASSAGE, (const char *const *)readable->pdata,
                      readable->len, vectors, change->options->cancellable, &inner))
    {
      if (stopped (change, error))
        g_error_free (inner);
      else
        rag_translate_error (error, inner);
      return FALSE;
    }
  if (!index_put_next_vectors (change->rag->index, texts, vectors, &inner))
    return rag_translate_error (error, inner);
  change->done += texts->len;
  change->report->reembedded += texts->len;
  return TRUE;
}

static gboolean read_all (Change *change, GError **error)
{
  GError *inner = NULL;
  for (gint64 after = 0; !stopped (change, error);)
    {
      tell (change);
      g_autoptr (GPtrArray) texts = index_next_texts (change->rag->index, after, BATCH, &inner);
      if (texts == NULL)
        return rag_translate_error (error, inner);
      if (texts->len == 0)
        return TRUE;
      if (!read_batch (change, texts, error))
        return FALSE;
      after = ((const IndexText *)g_ptr_array_index (texts, texts->len - 1))->chunk;
    }
  return FALSE;
}

/* A new vector that was damaged on the disk meanwhile is made again before the switch. */
static gboolean take_over (Change *change, GError **error)
{
  GError *inner = NULL;
  gboolean complete = FALSE;
  while (!complete)
    {
      if (!read_all (change, error))
        return FALSE;
      if (!index_switch_encoder (change->rag->index, &complete, &inner))
        return rag_translate_error (error, inner);
    }
  change->report->encoder = g_strdup (engine_encoder_fingerprint (change->encoder));
  return TRUE;
}

static gboolean begin (Change *change, GError **error)
{
  Index *index = change->rag->index;
  GError *inner = NULL;
  IndexStats stats;
  if (!index_set_next_encoder (index, engine_encoder_fingerprint (change->encoder),
                               engine_encoder_dimension (change->encoder), &inner)
      || !index_count_next_vectors (index, &change->done, &inner)
      || !index_stats (index, NULL, &stats, &inner))
    return rag_translate_error (error, inner);
  change->total = stats.n_vectors;
  return TRUE;
}

gboolean rag_reembed (Rag *rag, const RagAddOptions *options, RagAddReport *report, GError **error)
{
  GError *inner = NULL;
  EngineModel *model = NULL;
  if (options->dry_run || options->no_embed)
    return TRUE;
  g_autoptr (EngineEncoder) next = open_next (rag, &model, &inner);
  if (inner != NULL)
    return rag_translate_error (error, inner);
  gboolean ok = TRUE;
  if (next != NULL)
    {
      Change change = { .rag = rag, .options = options, .report = report, .encoder = next };
      ok = begin (&change, error) && take_over (&change, error);
    }
  /* Asked for its own encoder, a library stays with it. */
  else if (rag->encoder_name != NULL && index_encoder (rag->index, NULL) != NULL
           && !index_set_next_encoder (rag->index, NULL, 0, &inner))
    ok = rag_translate_error (error, inner);
  g_clear_pointer (&next, engine_encoder_free);
  if (model != NULL)
    engine_model_unref (model);
  return ok;
}
