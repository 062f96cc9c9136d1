/* Dossiers: templates (template.c) and what is made of a document with one (dossier.c). */
#pragma once

#include "rag/brief-private.h"

typedef struct
{
  char *title;
  char *about;   /* what is asked, or by which words matching sentences are chosen */
  GRegex *match; /* NULL: the model is asked */
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
