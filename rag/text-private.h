/* Words, numbers, names and languages: how this room compares one text with another.
 *
 * Questions, passages and answers are all cut into the same normal forms, so that "Nurses sign"
 * meets "nurse signs", "1,000" meets "1000" and "one thousand", and "5 %" meets "five percent". */
#pragma once

#include <glib.h>

#include "rag/rag.h"

typedef enum
{
  RAG_LANGUAGE_EN,
  RAG_LANGUAGE_DE,
  RAG_LANGUAGE_FR,
  RAG_LANGUAGE_ES,
  RAG_LANGUAGE_IT,
  RAG_N_LANGUAGES,
} RagLanguage;

/* By the stop words in TEXT: a question has few words, but most of them are such. English when
 * nothing tells. */
RagLanguage rag_detect_language (const char *text);
/* ISO 639-1 → RagLanguage; English for NULL and for languages without a word list. */
RagLanguage rag_language_from_code (const char *code);
const char *rag_language_code (RagLanguage language);
/* WORD is in lower case, as below. */
gboolean rag_is_stop_word (const char *word, RagLanguage language);
/* Of the stop words those that add nothing to a sentence: "the", "was", "it". "Not", "all" or
 * "before" may be what was asked for. */
gboolean rag_is_filler (const char *word, RagLanguage language);
/* What questions ask with: "who", "wann". */
gboolean rag_is_interrogative (const char *word, RagLanguage language);
/* All of them as alternatives of a regular expression, in no order: "which|where|how". */
char *rag_interrogatives (RagLanguage language);

typedef enum
{
  RAG_WORD_STOP,
  RAG_WORD_PLAIN,
  RAG_WORD_NAME,   /* capitalised within a sentence, or an identifier such as "ISO" or "B12" */
  RAG_WORD_NUMBER, /* form "#1000": amounts, years, times, months beside a number */
} RagWordKind;

typedef struct
{
  guint start, end; /* bytes of the text */
  RagWordKind kind;
  char *form; /* folded and stemmed */
} RagWord;

/* Elements: RagWord in order. */
GArray *rag_words (const char *text, gssize length, RagLanguage language);
/* The set of forms of TEXT, stop words left out. */
GHashTable *rag_word_set (const char *text, gssize length, RagLanguage language);
/* Lower case, compatibility forms resolved, accents dropped. */
char *rag_fold (const char *text, gssize length);

/* Whether what was SAID (words as from rag_words) is SOURCE with a number or name put in another's
 * place, or with a "not" more or less: align.c */
gboolean rag_is_altered (const char *said_text, const GArray *said_words, const char *source_text,
                         const GArray *source_words);
/* "not", "no", "kein", … */
gboolean rag_is_negation (const char *text, const RagWord *word);
/* How often WORDS deny; "not only" does not. */
guint rag_count_negations (const char *text, const GArray *words);

/* Whether a number has a unit with which SOURCE never has it: units.c */
gboolean rag_has_other_unit (const char *said_text, const GArray *said_words,
                             const char *source_text, const GArray *source_words);
/* All spellings of the unit of number I of WORDS, NULL when it has none that we know; [ret_start,
 * ret_end), bytes of TEXT that hold the number, then hold the unit too. */
const char *rag_unit_beside (const char *text, const GArray *words, guint i, guint *ret_start,
                             guint *ret_end);

/* Amounts: amounts.c */

typedef enum
{
  RAG_AMOUNT_NUMBER,
  RAG_AMOUNT_DAY,  /* a date with its day, perhaps with its year */
  RAG_AMOUNT_TIME, /* a year, or a month of one: when something was so */
} RagAmountKind;

typedef struct
{
  RagAmountKind kind;
  guint start, end;  /* bytes of the text, with unit */
  const char *thing; /* what is counted: the form of a word, or the spellings of a unit; "" for dates */
  char *value;       /* "#20"; of dates "YEAR-N-N", 0 for what is not said */
} RagAmount;

/* Elements: RagAmount in order; they point into WORDS. */
GArray *rag_amounts (const char *text, const GArray *words);
/* Whether A and B are one value of one thing as far as both say: "5 March" may be "5 March 2023". */
gboolean rag_amount_may_equal (const RagAmount *a, const RagAmount *b);

/* Whether a sentence gives orders to a program: orders.c */
gboolean rag_is_order (const char *text, gsize length);

/* Numbers: numbers.c */

/* Whether FORM, of a number, reads as a year: "#1998". */
gboolean rag_is_year (const char *form);

/* "1,000.50" → 1000.5 and the like: the canonical form without '#', or NULL when TEXT (digits and
 * separators only) is none. A date "12.03.2021" comes back as is. */
char *rag_number_form (const char *text, gsize length);
/* Replaces number words and scales in WORDS by numbers: "twenty-one", "5 million"; a month beside a
 * number becomes one ("3 March" → #3 #3). */
void rag_join_numbers (GArray *words, const char *text);

/* A file of rag.gresource.xml without its last line break; "" when there is none. */
char *rag_load_text (const char *name);

/* The regular expression PATTERN, a constant that is always given the same FLAGS: pattern.c */
const GRegex *rag_pattern (const char *pattern, GRegexCompileFlags flags);

/* Sentences: trims [start, end) of TEXT of white space on both sides. */
void rag_trim_span (const char *text, guint *start, guint *end);
/* TEXT as one line, white space runs collapsed. */
char *rag_one_line (const char *text, gssize length);
