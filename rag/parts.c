/* Takes a question apart that asks for several things, and puts their answers together.
 *
 * In comes the text, out go questions that can be answered one by one: "How long is the break and
 * who approves it?" asks twice, and to compare two things is to ask the same of each. A small model
 * answers one thing at a time, and the passages that prove one half seldom prove the other. By
 * patterns, in five languages; where they are in doubt the question stays whole. */
#include "rag/answer-private.h"

#include <string.h>

/* A longer list is answered as one question. */
#define MAX_PARTS 4

/* ---- Comparisons ---- */

#define ASPECT_EN                                                                                  \
  "(?:,? (?:in terms of|regarding|concerning|with regard to|with respect to|when it comes to) "    \
  "(?<aspect>.+?))?"
#define ASPECT_DE "(?:,? (?:hinsichtlich|bezüglich|in Bezug auf) (?<aspect>.+?))?"
#define END "[\\s?.!]*$"

/* The first that matches counts: "the costs and benefits of A with B" is of A and B. */
static const struct
{
  const char *pattern;
  const char *ask, *ask_aspect; /* of one thing */
} comparisons[] = {
  { "^(?:please )?compare (?<one>.+?) (?:with|versus|vs\\.?) (?<other>.+?)" ASPECT_EN END,
    "What is %s?", "What is %s of %s?" },
  { "^(?:please )?compare (?<one>.+?) (?:and|to) (?<other>.+?)" ASPECT_EN END, "What is %s?",
    "What is %s of %s?" },
  { "^what(?:'s| is| are) the differences? between (?<one>.+?) and (?<other>.+?)" ASPECT_EN END,
    "What is %s?", "What is %s of %s?" },
  { "^vergleiche?n?(?: sie)?(?: bitte)? (?<one>.+?) (?:und|mit) (?<other>.+?)" ASPECT_DE END,
    "Was ist %s?", "Was ist %s von %s?" },
  { "^(?:was ist|worin (?:besteht|liegt)|welchen) (?:der )?unterschied (?:gibt es )?zwischen "
    "(?<one>.+?) und (?<other>.+?)" ASPECT_DE END,
    "Was ist %s?", "Was ist %s von %s?" },
  { "^compare[rz]? (?<one>.+?) (?:et|avec|à) (?<other>.+?)" END, "Qu'est-ce que %s ?", NULL },
  { "^quelle est la différence entre (?<one>.+?) et (?<other>.+?)" END, "Qu'est-ce que %s ?",
    NULL },
  { "^comparar? (?<one>.+?) (?:y|con) (?<other>.+?)" END, "¿Qué es %s?", NULL },
  { "^¿?cuál es la diferencia entre (?<one>.+?) y (?<other>.+?)" END, "¿Qué es %s?", NULL },
  { "^confronta(?:re)? (?<one>.+?) (?:e|con) (?<other>.+?)" END, "Che cos'è %s?", NULL },
  { "^(?:qual è la|che) differenza (?:c'è )?(?:tra|fra) (?<one>.+?) e (?<other>.+?)" END,
    "Che cos'è %s?", NULL },
};

static char *ask_of (gsize comparison, const char *thing, const char *aspect)
{
  GString *text = g_string_new (NULL);
  if (aspect != NULL && *aspect != '\0')
    {
      g_string_assign (text, comparisons[comparison].ask_aspect);
      g_string_replace (text, "%s", aspect, 1);
    }
  else
    g_string_assign (text, comparisons[comparison].ask);
  g_string_replace (text, "%s", thing, 1);
  return g_string_free (text, FALSE);
}

static guint n_terms (const char *text)
{
  g_autoptr (RagQuestion) question = rag_question_new_plain (text);
  return question->terms->len;
}

/* Whether THING is less than WHOLE, whose rest it leaves out, and not the WHOLE's own: "its dose".
 */
static gboolean is_elliptic (const char *thing, const char *whole)
{
  return n_terms (thing) < n_terms (whole)
         && !g_regex_match_simple ("^(?:its|their|his|her)\\b", thing, G_REGEX_CASELESS, 0);
}

/* "the notice period for nurses and doctors": what names less is filled in from what names more. */
static void ask_of_both (gsize comparison, const char *one, const char *other, const char *aspect,
                         GPtrArray *parts)
{
  g_autofree char *of_one = ask_of (comparison, one, aspect);
  g_autofree char *of_other = ask_of (comparison, other, aspect);
  if (n_terms (one) == 0 || n_terms (other) == 0)
    return;
  g_ptr_array_add (parts,
                   is_elliptic (one, other) ? rag_fill_in (of_other, one) : g_strdup (of_one));
  g_ptr_array_add (parts,
                   is_elliptic (other, one) ? rag_fill_in (of_one, other) : g_strdup (of_other));
}

static gboolean take_comparison (const char *line, GPtrArray *parts)
{
  for (gsize i = 0; i < G_N_ELEMENTS (comparisons); i++)
    {
      g_autoptr (GMatchInfo) match = NULL;
      if (!g_regex_match (rag_pattern (comparisons[i].pattern, G_REGEX_CASELESS), line, 0, &match))
        continue;
      g_autofree char *one = g_match_info_fetch_named (match, "one");
      g_autofree char *other = g_match_info_fetch_named (match, "other");
      g_autofree char *aspect = g_match_info_fetch_named (match, "aspect");
      ask_of_both (i, one, other, aspect, parts);
      return parts->len > 0;
    }
  return FALSE;
}

/* ---- Several questions in one ---- */

#define AUXILIARY_EN "is|are|does|did|can|may"
#define SUBJECT_EN                                                                                 \
  "it|they|he|she|we|you|I|this|that|these|those|there|the|an?|its|their|his|her|one"
/* "In which year", "¿A quién". */
#define BEFORE_EN "(?:(?:in|on|at|to|by|for|from|of|with|until|since|under) )?"
#define BEFORE_DE "(?:(?:in|an|auf|bei|von|mit|seit|bis|unter|ab|zu) )?"
#define BEFORE_FR "(?:(?:à|de|en|par|pour|dans|avec|depuis) )?"
#define BEFORE_ES "(?:(?:a|de|en|por|para|con|desde) )?"
#define BEFORE_IT "(?:(?:a|di|da|in|per|con) )?"

typedef struct
{
  char *joint;     /* where one question ends; the next begins with the word that asks */
  char *beginning; /* names that word "asking" */
  char *leaning;   /* "say when": it leans on what comes after */
} Patterns;

/* Of each language: "and", and what may stand before the word that asks. */
static const struct
{
  const char *joiner, *before;
} joints[RAG_N_LANGUAGES] = {
  [RAG_LANGUAGE_EN] = { "and", BEFORE_EN }, [RAG_LANGUAGE_DE] = { "und", BEFORE_DE },
  [RAG_LANGUAGE_FR] = { "et", BEFORE_FR },  [RAG_LANGUAGE_ES] = { "y", BEFORE_ES },
  [RAG_LANGUAGE_IT] = { "e", BEFORE_IT },
};

static Patterns make_patterns (void)
{
  g_autoptr (GString) joint = g_string_new ("\\?\\s+(?=[¿\\p{L}])"
                                            "|,?\\s+and\\s+(?=(?:" AUXILIARY_EN ") (?:" SUBJECT_EN ")\\b)");
  g_autoptr (GString) before = g_string_new (NULL), asking = g_string_new (NULL);
  for (RagLanguage i = 0; i < RAG_N_LANGUAGES; i++)
    {
      g_autofree char *words = rag_interrogatives (i);
      g_string_append_printf (joint, "|,?\\s+%s\\s+(?=%s(?:%s)\\b)", joints[i].joiner, joints[i].before, words);
      g_string_append_printf (before, "%s%s", i > 0 ? "|" : "", joints[i].before);
      g_string_append_printf (asking, "%s%s", i > 0 ? "|" : "", words);
    }
  return (Patterns){
    .joint = g_strdup (joint->str),
    .beginning = g_strdup_printf ("^¿?(?:%s)(?<asking>%s|" AUXILIARY_EN ")\\b", before->str, asking->str),
    .leaning = g_strdup_printf ("\\b(?:%s)$", asking->str),
  };
}

static const Patterns *patterns (void)
{
  static Patterns made;
  static gsize once = 0;
  if (g_once_init_enter (&once))
    {
      made = make_patterns ();
      g_once_init_leave (&once, 1);
    }
  return &made;
}

/* The word with which PIECE asks, or NULL. */
static char *asking_word (const char *piece)
{
  g_autoptr (GMatchInfo) match = NULL;
  if (!g_regex_match (rag_pattern (patterns ()->beginning, G_REGEX_CASELESS), piece, 0, &match))
    return NULL;
  g_autofree char *word = g_match_info_fetch_named (match, "asking");
  return g_utf8_strdown (word, -1);
}

/* "nurses who work at night and who smoke": the second "who" asks as little as the first. */
static gboolean repeats (const char *piece, const char *next_word)
{
  if (g_regex_match_simple ("^(?:" AUXILIARY_EN ")$", next_word, 0, 0))
    return FALSE;
  g_autofree char *inside = g_strdup_printf ("\\s%s\\b", next_word);
  g_autofree char *first = asking_word (piece);
  return g_strcmp0 (first, next_word) != 0
         && g_regex_match_simple (inside, piece, G_REGEX_CASELESS, 0);
}

static gboolean stand_alone (char *const *pieces)
{
  for (guint i = 0; pieces[i] != NULL; i++)
    {
      g_autofree char *word = asking_word (pieces[i]);
      if (word == NULL || n_terms (pieces[i]) == 0
          || g_regex_match (rag_pattern (patterns ()->leaning, G_REGEX_CASELESS), pieces[i], 0, NULL)
          || (i > 0 && repeats (pieces[i - 1], word)))
        return FALSE;
    }
  return TRUE;
}

static gboolean take_questions (const char *line, GPtrArray *parts)
{
  g_auto (GStrv) pieces
      = g_regex_split (rag_pattern (patterns ()->joint, G_REGEX_CASELESS | G_REGEX_OPTIMIZE), line, 0);
  const guint n = g_strv_length (pieces);
  if (n < 2 || n > MAX_PARTS || !stand_alone (pieces))
    return FALSE;
  for (guint i = 0; i < n; i++)
    g_ptr_array_add (parts, g_str_has_suffix (pieces[i], "?") ? g_strdup (pieces[i])
                                                              : g_strconcat (pieces[i], "?", NULL));
  return TRUE;
}

GPtrArray *rag_parts (const char *text, gboolean *ret_compares)
{
  g_autofree char *line = rag_one_line (text, -1);
  GPtrArray *parts = g_ptr_array_new_with_free_func (g_free);
  *ret_compares = take_comparison (line, parts);
  if (!*ret_compares && !take_questions (line, parts))
    g_ptr_array_add (parts, g_strdup (text));
  return parts;
}

/* ---- Their answers together ---- */

/* Of the words of either, at least this share stands in what is quoted. */
#define MIN_COVERAGE .5

gboolean rag_proves_all (const RagAnswer *answer, const GPtrArray *parts)
{
  GString *quotes = g_string_new (NULL);
  for (guint i = 0; i < answer->citations->len; i++)
    {
      const RagCitation *citation = g_ptr_array_index (answer->citations, i);
      g_string_append_printf (quotes, "%s\n", citation->quote);
    }
  g_autofree char *text = g_string_free (quotes, FALSE);
  gboolean all = answer->status == RAG_ANSWERED;
  for (guint i = 0; i < parts->len && all; i++)
    {
      g_autoptr (RagQuestion) part = rag_question_new_plain (g_ptr_array_index (parts, i));
      g_autoptr (GHashTable) words = rag_word_set (text, -1, part->language);
      all = rag_question_coverage (part, words) >= MIN_COVERAGE;
    }
  return all;
}

void rag_part_free (RagPart *part)
{
  g_free (part->question);
  g_free (part->answer);
  g_free (part->reason);
  g_free (part);
}

static void add_part (RagAnswer *whole, const RagAnswer *answer)
{
  RagPart *part = g_new0 (RagPart, 1);
  part->question = g_strdup (answer->question);
  part->status = answer->status;
  part->answer = g_strdup (answer->answer);
  part->reason = g_strdup (answer->reason);
  part->n_sentences = answer->status != RAG_REFUSED ? answer->sentences->len : 0;
  g_ptr_array_add (whole->parts, part);
}

static void move_sentences (RagAnswer *whole, RagAnswer *answer)
{
  while (answer->sentences->len > 0)
    {
      RagSentence *sentence = g_ptr_array_steal_index (answer->sentences, 0);
      for (guint i = 0; i < sentence->citations->len; i++)
        {
          guint *n = &g_array_index (sentence->citations, guint, i);
          *n = rag_citations_add (whole->citations,
                                  rag_citation_copy (answer->citations->pdata[*n - 1]));
        }
      g_ptr_array_add (whole->sentences, sentence);
    }
}

static gboolean same_passage (gconstpointer a, gconstpointer b)
{
  const RagHit *one = a, *other = b;
  return strcmp (one->document, other->document) == 0 && one->page == other->page
         && strcmp (one->text, other->text) == 0;
}

static void move_evidence (RagAnswer *whole, RagAnswer *answer)
{
  while (answer->evidence->len > 0)
    {
      RagHit *hit = g_ptr_array_steal_index (answer->evidence, 0);
      if (g_ptr_array_find_with_equal_func (whole->evidence, hit, same_passage, NULL))
        rag_hit_free (hit);
      else
        g_ptr_array_add (whole->evidence, hit);
    }
}

static void move_conflicts (RagAnswer *whole, RagAnswer *answer)
{
  while (answer->conflicts->len > 0)
    g_ptr_array_add (whole->conflicts, g_ptr_array_steal_index (answer->conflicts, 0));
}

static void add_costs (RagAnswer *whole, const RagAnswer *answer)
{
  whole->retrieve_ms += answer->retrieve_ms;
  whole->prefill_ms += answer->prefill_ms;
  whole->total_ms += answer->total_ms;
  whole->prompt_tokens += answer->prompt_tokens;
  whole->reused_tokens += answer->reused_tokens;
  whole->drafted_tokens += answer->drafted_tokens;
  whole->generated_tokens += answer->generated_tokens;
}

static void append_line (char **text, const char *line)
{
  char *longer = **text != '\0' ? g_strconcat (*text, "\n", line, NULL) : g_strdup (line);
  g_free (*text);
  *text = longer;
}

/* What is answered is as sure as its least sure part; a refusal of all is that of the first. */
RagAnswer *rag_answers_join (Rag *rag, const char *question, GPtrArray *answers)
{
  RagAnswer *whole = rag_answer_new (rag, question), *first = g_ptr_array_index (answers, 0);
  whole->status = RAG_REFUSED;
  whole->confidence = 1;
  for (guint i = 0; i < answers->len; i++)
    {
      RagAnswer *answer = g_ptr_array_index (answers, i);
      add_part (whole, answer);
      add_costs (whole, answer);
      move_evidence (whole, answer);
      if (whole->model == NULL)
        whole->model = g_strdup (answer->model);
      if (answer->status == RAG_REFUSED)
        continue;
      append_line (&whole->answer, answer->answer);
      move_sentences (whole, answer);
      move_conflicts (whole, answer);
      whole->confidence = MIN (whole->confidence, answer->confidence);
      whole->status = answer->status;
      if (answer->status == RAG_PARTIAL)
        {
          whole->reason = g_strdup (answer->reason);
          break;
        }
    }
  if (whole->status == RAG_REFUSED)
    {
      append_line (&whole->answer, first->answer);
      whole->reason = g_strdup (first->reason);
      whole->confidence = first->confidence;
    }
  whole->first_token_ms = first->first_token_ms;
  whole->coverage = first->coverage;
  memset (&first->coverage, 0, sizeof first->coverage);
  return whole;
}
