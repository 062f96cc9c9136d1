/* Cuts text into the words that byte-pair encoding works on, as each model's training did.
 * pretokenize.c. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _EnginePretokenizer EnginePretokenizer;

/* The row for tokenizer.ggml.pre = NAME (LENGTH bytes); NULL when it is unknown. */
const EnginePretokenizer *engine_pretokenizer_find (const char *name, gsize length);
const char *engine_pretokenizer_name (const EnginePretokenizer *pretokenizer);
/* A word that is a token as it stands is not taken apart and merged again. */
gboolean engine_pretokenizer_ignores_merges (const EnginePretokenizer *pretokenizer);
/* What the family does where the file does not say. */
gboolean engine_pretokenizer_adds_bos (const EnginePretokenizer *pretokenizer);
gboolean engine_pretokenizer_adds_eos (const EnginePretokenizer *pretokenizer);

/* The end of the first word of TEXT, valid UTF-8 that is not empty. */
const char *engine_pretokenizer_next (const EnginePretokenizer *pretokenizer, const char *text,
                                      const char *end);

G_END_DECLS
