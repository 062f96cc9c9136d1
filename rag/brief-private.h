/* From many passages to a few checked sentences: what digest and dossier share.
 *
 *   brief.c    points, sections, briefs: making, freeing, JSON
 *   points.c   the model writes a few sentences about passages; the gate keeps what is proved
 *   tone.c     how the model should sound
 *   reading.c  how easily a text is read
 *   redact.c   takes personal data out
 *   stories.c  which documents tell the same story, and which stories interest the reader */
#pragma once

#include "rag/answer-private.h"

/* ---- brief.c ---- */

void rag_point_free (RagPoint *point);
RagSection *rag_section_new (const char *title);
void rag_section_free (RagSection *section);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RagSection, rag_section_free)
RagBrief *rag_brief_new (const char *title, const char *date);
/* Numbers the citations and measures the text, once all sections are there. */
void rag_brief_finish (RagBrief *brief);
/* Written whole or not at all, readable by its owner only. */
gboolean rag_brief_save (const RagBrief *brief, const char *path, GError **error);
/* NULL without an error when there is no such file. */
RagBrief *rag_brief_load (const char *path, GError **error);

/* ---- points.c ---- */

typedef struct
{
  Rag *rag;
  EngineSession *session; /* NULL: no model, sentences of the documents only */
  char *tone;             /* goes with what the model is told; NULL: nothing */
  RagAskOptions options;
  RagAskEvents events; /* its cancellable is looked at */
  guint written, struck; /* sentences of the model so far, and those that the gate struck */
} RagWriter;

/* What the model is told: names of texts below rag/. */
typedef struct
{
  const char *system, *user;
} RagPointPrompt;

/* USE_MODEL FALSE: quotations only. TONE: as for rag_tone_load, or NULL. */
gboolean rag_writer_begin (RagWriter *writer, Rag *rag, gboolean use_model, const char *tone,
                           GCancellable *cancellable, GError **error);
void rag_writer_clear (RagWriter *writer);
/* Appends to SECTION at most N_POINTS sentences about TOPIC that HITS (IndexHit*, best first) prove.
 * The model's come first; when none of them passes the gate, the best sentences of the passages
 * stand for themselves, word for word. What the section's title says already is no point. */
gboolean rag_write_points (RagWriter *writer, const RagPointPrompt *prompt, const char *topic,
                           const GPtrArray *hits, guint n_points, RagSection *section,
                           GError **error);
/* QUOTE, which stands in HIT, as a quotation. */
RagPoint *rag_point_of_hit (const RagHit *hit, const char *quote);
/* A row of more than a name and a value says nothing without the head of its table. */
gboolean rag_is_wide_row (const char *text, gsize length);
/* Sentence SPAN of EVIDENCE as a quotation. */
RagPoint *rag_point_quote (const RagEvidence *evidence, const RagSpan *span);

/* ---- tone.c ---- */

/* NAME: one of ours, or a file. */
char *rag_tone_load (const char *name, GError **error);

/* ---- redact.c ---- */

/* TEXT without addresses, numbers and names of persons, as far as they have a form. */
char *rag_redact (const char *text);

/* ---- reading.c ---- */

/* Flesch reading ease (Flesch 1948; German: Amstad 1978): 0 hard … 100 easy. NaN without words. */
double rag_reading_ease (const char *text, RagLanguage language);

/* ---- stories.c ---- */

typedef struct
{
  const RagDocument *document;
  char *lead;         /* title and first sentences */
  GHashTable *forms;  /* set: words of the lead */
  float *vector;      /* of the lead, [dimension] */
} RagNewsItem;

typedef struct
{
  GPtrArray *items; /* RagNewsItem*, borrowed, first the one that tells most */
  double score;
} RagStory;

void rag_news_item_free (RagNewsItem *item);
/* Whether A and B tell the same story. */
gboolean rag_same_story (const RagNewsItem *a, const RagNewsItem *b, guint dimension);
/* Elements: RagStory*. */
GPtrArray *rag_cluster_stories (const GPtrArray *items, guint dimension);
/* [n, dimension] */
typedef struct
{
  float *vectors; /* NULL: there are none */
  guint n;
} RagVectors;
/* Sorts STORIES: nearest to INTERESTS and farthest from what is KNOWN and UNWANTED first. */
void rag_rank_stories (GPtrArray *stories, guint dimension, const RagVectors *interests,
                       const RagVectors *known, const RagVectors *unwanted);
