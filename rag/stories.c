/* Which documents tell the same story, and which stories this reader wants first.
 *
 * In: the leads of new documents, with their words and vectors. Out: groups, sorted. Two encoders
 * give quite different cosines for the same pair, so nearness alone never makes a story: some of the
 * words must be shared too, and where there are no vectors the words decide by themselves. */
#include "rag/brief-private.h"

#include <math.h>

/* Shared words of the shorter lead: enough together with nearness, and enough alone. */
#define SHARED_WITH_NEARNESS 0.30
#define SHARED_ALONE 0.60
#define NEAR_COSINE 0.60

#define INTEREST_WEIGHT 1.0
#define NOVELTY_WEIGHT 0.5
/* What many sources report matters more; each doubling counts. */
#define SOURCES_WEIGHT 0.1
/* What an editor threw out lately comes last, but comes: another day it may be wanted. */
#define UNWANTED_WEIGHT 0.5

void rag_news_item_free (RagNewsItem *item)
{
  g_free (item->lead);
  g_hash_table_unref (item->forms);
  g_free (item->vector);
  g_free (item);
}

static void story_free (gpointer data)
{
  RagStory *story = data;
  g_ptr_array_unref (story->items);
  g_free (story);
}

/* Vectors are normalised: their product is the cosine. */
static double cosine (const float *a, const float *b, guint dimension)
{
  double sum = 0;
  for (guint i = 0; i < dimension; i++)
    sum += (double)a[i] * b[i];
  return sum;
}

static double shared_words (GHashTable *a, GHashTable *b)
{
  const guint smaller = MIN (g_hash_table_size (a), g_hash_table_size (b));
  GHashTableIter iter;
  gpointer form;
  guint common = 0;
  g_hash_table_iter_init (&iter, a);
  while (g_hash_table_iter_next (&iter, &form, NULL))
    common += g_hash_table_contains (b, form);
  return smaller > 0 ? (double)common / smaller : 0;
}

gboolean rag_same_story (const RagNewsItem *a, const RagNewsItem *b, guint dimension)
{
  const double shared = shared_words (a->forms, b->forms);
  if (shared >= SHARED_ALONE)
    return TRUE;
  return a->vector != NULL && b->vector != NULL && shared >= SHARED_WITH_NEARNESS
         && cosine (a->vector, b->vector, dimension) >= NEAR_COSINE;
}

static RagStory *find_story (const GPtrArray *stories, const RagNewsItem *item, guint dimension)
{
  for (guint s = 0; s < stories->len; s++)
    {
      RagStory *story = g_ptr_array_index (stories, s);
      for (guint i = 0; i < story->items->len; i++)
        if (rag_same_story (g_ptr_array_index (story->items, i), item, dimension))
          return story;
    }
  return NULL;
}

GPtrArray *rag_cluster_stories (const GPtrArray *items, guint dimension)
{
  GPtrArray *stories = g_ptr_array_new_with_free_func (story_free);
  for (guint i = 0; i < items->len; i++)
    {
      RagNewsItem *item = g_ptr_array_index (items, i);
      RagStory *story = find_story (stories, item, dimension);
      if (story == NULL)
        {
          story = g_new0 (RagStory, 1);
          story->items = g_ptr_array_new ();
          g_ptr_array_add (stories, story);
        }
      g_ptr_array_add (story->items, item);
    }
  return stories;
}

static double nearest (const float *vector, const RagVectors *others, guint dimension)
{
  double best = 0;
  for (guint i = 0; i < others->n && vector != NULL; i++)
    best = MAX (best, cosine (vector, others->vectors + (gsize)i * dimension, dimension));
  return best;
}

static gint compare_stories (gconstpointer a, gconstpointer b)
{
  const RagStory *first = *(const RagStory *const *)a, *second = *(const RagStory *const *)b;
  if (first->score != second->score)
    return first->score < second->score ? 1 : -1;
  const RagNewsItem *item = g_ptr_array_index (first->items, 0);
  const RagNewsItem *other = g_ptr_array_index (second->items, 0);
  return g_strcmp0 (item->document->path, other->document->path);
}

/* How near each story is to OTHERS, stretched over the day: 0 the farthest, 1 the nearest. Encoders
 * differ in how far apart they put any two texts, so only the order and the distances count. */
static double *stretched_nearness (const GPtrArray *stories, const RagVectors *others,
                                   guint dimension)
{
  double *near = g_new0 (double, stories->len + 1);
  double least = G_MAXDOUBLE, most = -G_MAXDOUBLE;
  for (guint s = 0; s < stories->len; s++)
    {
      const RagStory *story = g_ptr_array_index (stories, s);
      const RagNewsItem *item = g_ptr_array_index (story->items, 0);
      near[s] = nearest (item->vector, others, dimension);
      least = MIN (least, near[s]);
      most = MAX (most, near[s]);
    }
  for (guint s = 0; s < stories->len; s++)
    near[s] = most > least ? (near[s] - least) / (most - least) : 0;
  return near;
}

void rag_rank_stories (GPtrArray *stories, guint dimension, const RagVectors *interests,
                       const RagVectors *known, const RagVectors *unwanted)
{
  g_autofree double *interest = stretched_nearness (stories, interests, dimension);
  g_autofree double *staleness = stretched_nearness (stories, known, dimension);
  g_autofree double *dislike = stretched_nearness (stories, unwanted, dimension);
  for (guint s = 0; s < stories->len; s++)
    {
      RagStory *story = g_ptr_array_index (stories, s);
      story->score = INTEREST_WEIGHT * interest[s] - NOVELTY_WEIGHT * staleness[s]
                     - UNWANTED_WEIGHT * dislike[s] + SOURCES_WEIGHT * log2 (story->items->len);
    }
  g_ptr_array_sort (stories, compare_stories);
}
