/* Dossiers: templates (template.c) and what is made of a document with one (dossier.c). */
#pragma once

#include "rag/brief-private.h"

typedef struct
{
  char *title;
  char *about;   /* what is asked, or by which words matching sentences are chosen */
  GRegex *match; /* NULL, and no TABLES: the model is asked */
  gboolean tables; /* captions of tables are quoted */
  guint n_points;
} RagHeading;

typedef struct
{
  char *title;
  GPtrArray *headings; /* RagHeading* */
} RagTemplate;
void rag_template_free (RagTemplate *template);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RagTemplate, rag_template_free)
/* NAME: one of ours, or a file. */
RagTemplate *rag_template_load (const char *name, GError **error);

/* Takes POINT unless SECTION has it; FALSE when it has. */
gboolean rag_dossier_add_point (RagSection *section, RagPoint *point);

/* ---- dossier-tables.c ---- */

/* Adds captions of the N_POINTS best tables in CHUNKS (IndexHit*); ABOUT: words that make one good. */
void rag_dossier_tables (const GPtrArray *chunks, const char *about, RagLanguage language,
                         guint n_points, RagSection *section);
