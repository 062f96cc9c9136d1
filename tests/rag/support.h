/* Passages for the tests of evidence and citations, made by hand instead of by a search. */
#pragma once

#include <math.h>

#include "rag/answer-private.h"

static inline IndexHit *support_hit (gint64 document, gint64 start, const char *title,
                                     const char *section, const char *text)
{
  IndexHit *hit = g_new0 (IndexHit, 1);
  hit->document_id = document;
  hit->start = start;
  hit->path = g_strdup_printf ("/%" G_GINT64_FORMAT ".txt", document);
  hit->title = g_strdup (title);
  hit->section = g_strdup (section);
  hit->text = g_strdup (text);
  hit->language = g_strdup ("en");
  hit->first_page = hit->last_page = 3;
  hit->first_label = g_strdup ("iii");
  hit->score = 1;
  hit->cosine = NAN;
  return hit;
}

/* Ends with a NULL. */
static inline GPtrArray *support_hits (IndexHit *first, ...)
{
  GPtrArray *hits = g_ptr_array_new_with_free_func ((GDestroyNotify)index_hit_free);
  va_list more;
  va_start (more, first);
  for (IndexHit *hit = first; hit != NULL; hit = va_arg (more, IndexHit *))
    g_ptr_array_add (hits, hit);
  va_end (more);
  return hits;
}
