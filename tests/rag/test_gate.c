/* The sentence gate on altered answers: statements of SQuAD's paragraphs and its expected answers,
 * each with one number, date or name changed, must be struck; unchanged, or with another spelling
 * of the same amount, they must stay. So must statements with another unit or a "not" more or less
 * be struck. Skipped where ../shared/data/qa is not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "squad.h"

#define MAX_CASES 500
/* Passages beside the right one, from the same article: other numbers and names of the subject. */
#define N_DISTRACTORS 7

#define MIN_CAUGHT 0.97
#define MAX_STRUCK 0.03

static gboolean verbose;

static GPtrArray *passages_for (const RagSquad *squad, const RagSquadQuestion *question)
{
  GPtrArray *hits = g_ptr_array_new_with_free_func ((GDestroyNotify)index_hit_free);
  const char *slash = strrchr (question->paragraph, '/');
  g_autofree char *article = g_strndup (question->paragraph, slash + 1 - question->paragraph);
  for (guint pass = 0; pass < 2; pass++)
    for (guint i = 0; i < squad->paragraphs->len && hits->len <= N_DISTRACTORS; i++)
      {
        char **row = g_ptr_array_index (squad->paragraphs, i);
        gboolean gold = strcmp (row[0], question->paragraph) == 0;
        if (gold == (pass == 0) && g_str_has_prefix (row[0], article))
          g_ptr_array_add (hits, support_hit (i + 1, 0, row[1], "", row[2]));
      }
  return hits;
}

static gboolean passes (const RagSquad *squad, const RagSquadQuestion *question, const char *answer)
{
  RagCited cited;
  g_autoptr (GPtrArray) hits = passages_for (squad, question);
  g_autoptr (RagQuestion) asked = rag_question_new_plain (question->text);
  g_autoptr (RagEvidence) evidence = rag_evidence_new (asked, hits);
  rag_evidence_select (evidence, 400, NULL, NULL);
  rag_cite (asked, evidence, answer, &cited);
  gboolean ok = cited.sentences->len > 0 && cited.n_supported == cited.sentences->len;
  rag_cited_clear (&cited);
  return ok;
}

static char *with_word (const char *text, const RagWord *word, const char *other)
{
  return g_strdup_printf ("%.*s%s%s", (int)word->start, text, other, text + word->end);
}

/* Another amount written the same way: its last digit changed. */
static char *other_number (const char *text, const RagWord *word, GRand *random)
{
  g_autofree char *digits = g_strndup (text + word->start, word->end - word->start);
  for (gsize i = strlen (digits); i-- > 0;)
    if (g_ascii_isdigit (digits[i]))
      {
        digits[i] = (char)('0' + (digits[i] - '0' + g_rand_int_range (random, 1, 10)) % 10);
        return with_word (text, word, digits);
      }
  return with_word (text, word, g_rand_boolean (random) ? "thirty-seven" : "14");
}

static const char *strange_name (GRand *random)
{
  static const char *const names[]
      = { "Petersen",   "Okonkwo",  "Lindqvist", "Bratislava", "Yamamoto",  "Montevideo",
          "Fitzgerald", "Rousseau", "Tashkent",  "Kowalski",   "Delacroix", "Novak" };
  return names[g_rand_int_range (random, 0, G_N_ELEMENTS (names))];
}

/* A name or number of the same kind from elsewhere in the same article: the hardest change, because
 * the evidence has the word. */
static char *swapped (const RagSquad *squad, const RagSquadQuestion *question, const char *text,
                      const RagWord *word, GRand *random)
{
  g_autoptr (GPtrArray) hits = passages_for (squad, question);
  for (guint attempt = 0; attempt < 200; attempt++)
    {
      const IndexHit *hit = g_ptr_array_index (hits, g_rand_int_range (random, 0, (gint)hits->len));
      g_autoptr (GArray) words = rag_words (hit->text, -1, RAG_LANGUAGE_EN);
      const RagWord *other
          = &g_array_index (words, RagWord, g_rand_int_range (random, 0, (gint)words->len));
      g_autofree char *spelled = g_strndup (hit->text + other->start, other->end - other->start);
      if (other->kind == word->kind && strcmp (other->form, word->form) != 0
          && strstr (text, spelled) == NULL)
        return with_word (text, word, spelled);
    }
  return NULL;
}

/* TEXT with one number or name changed; NULL when it has none. */
static char *altered (const RagSquad *squad, const RagSquadQuestion *question, const char *text,
                      gboolean swap, GRand *random)
{
  g_autoptr (GArray) words = rag_words (text, -1, RAG_LANGUAGE_EN);
  g_autoptr (GPtrArray) hard = g_ptr_array_new ();
  for (guint i = 0; i < words->len; i++)
    {
      RagWord *word = &g_array_index (words, RagWord, i);
      if (word->kind == RAG_WORD_NUMBER || word->kind == RAG_WORD_NAME)
        g_ptr_array_add (hard, word);
    }
  if (hard->len == 0)
    return NULL;
  const RagWord *word = g_ptr_array_index (hard, g_rand_int_range (random, 0, (gint)hard->len));
  if (swap)
    return swapped (squad, question, text, word, random);
  return word->kind == RAG_WORD_NUMBER ? other_number (text, word, random)
                                       : with_word (text, word, strange_name (random));
}

/* The same amounts in another spelling. */
static char *respelled (const char *text)
{
  static const char *const spellings[][2]
      = { { "%", " percent" },  { " percent", " %" }, { "million", "000000" }, { " two ", " 2 " },
          { " three ", " 3 " }, { " ten ", " 10 " },  { " four ", " 4 " },     { " six ", " 6 " } };
  g_autoptr (GString) other = g_string_new (text);
  g_autoptr (GRegex) grouped = g_regex_new ("(\\d),(\\d{3})\\b", 0, 0, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (spellings); i++)
    if (i != 2 && strstr (other->str, spellings[i][0]) != NULL)
      {
        g_string_replace (other, spellings[i][0], spellings[i][1], 0);
        break;
      }
  return g_regex_replace (grouped, other->str, -1, 0, "\\1\\2", 0, NULL);
}

/* TEXT with "not" put behind or taken from its first auxiliary; NULL when it has none. */
static char *denied (const char *text)
{
  static const char *const verbs[]
      = { " is ", " was ", " are ", " were ", " can ", " must ", " has " };
  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    {
      const char *at = strstr (text, verbs[i]);
      if (at == NULL)
        continue;
      const char *rest = at + strlen (verbs[i]);
      gboolean already = g_str_has_prefix (rest, "not ");
      return g_strdup_printf ("%.*s%s%s", (int)(rest - text), text, already ? "" : "not ",
                              already ? rest + strlen ("not ") : rest);
    }
  return NULL;
}

/* TEXT with the unit of a number changed; NULL when it has none. */
static char *other_unit (const char *text)
{
  static const char *const pairs[][2]
      = { { " percent", " years" },     { "%", " km" },         { " years", " days" },
          { " miles", " centimeters" }, { " hours", " weeks" }, { " meters", " kilograms" },
          { " days", " hours" },        { " km", " mm" },       { " months", " minutes" } };
  g_autoptr (GString) other = g_string_new (text);
  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++)
    {
      const char *at = strstr (text, pairs[i][0]);
      if (at == NULL || at == text || !g_ascii_isdigit (at[-1]))
        continue;
      g_string_replace (other, pairs[i][0], pairs[i][1], 0);
      return g_string_free (g_steal_pointer (&other), FALSE);
    }
  return NULL;
}

typedef struct
{
  guint n, wrong;
} Count;

static void count (Count *tally, const RagSquad *squad, const RagSquadQuestion *question,
                   const char *answer, gboolean should_pass)
{
  gboolean ok = passes (squad, question, answer) == should_pass;
  tally->n++;
  tally->wrong += !ok;
  if (!ok && verbose)
    printf ("%s: %s\n    %s\n", should_pass ? "struck" : "missed", question->text, answer);
}

typedef struct
{
  Count statements, answers, swapped, true_statements, true_answers, spellings, denials, units;
} Counts;

static void count_question (const RagSquad *squad, const RagSquadQuestion *question, GRand *random,
                            Counts *counts)
{
  if (!question->answerable || question->expected->len == 0)
    return;
  const char *answer = g_ptr_array_index (question->expected, 0);
  g_autofree char *statement = squad_statement (squad, question);
  if (statement == NULL)
    return;
  g_autofree char *wrong = altered (squad, question, statement, FALSE, random);
  g_autofree char *swap = altered (squad, question, statement, TRUE, random);
  g_autofree char *wrong_answer = altered (squad, question, answer, FALSE, random);
  g_autofree char *spelled = respelled (statement);
  g_autofree char *not_so = denied (statement);
  g_autofree char *unit = other_unit (statement);
  if (not_so != NULL)
    count (&counts->denials, squad, question, not_so, FALSE);
  if (unit != NULL)
    count (&counts->units, squad, question, unit, FALSE);
  count (&counts->true_statements, squad, question, statement, TRUE);
  count (&counts->spellings, squad, question, spelled, TRUE);
  count (&counts->true_answers, squad, question, answer, TRUE);
  if (wrong != NULL)
    count (&counts->statements, squad, question, wrong, FALSE);
  if (swap != NULL)
    count (&counts->swapped, squad, question, swap, FALSE);
  if (wrong_answer != NULL)
    count (&counts->answers, squad, question, wrong_answer, FALSE);
}

static gboolean check (const char *name, const Count *tally, gboolean should_pass)
{
  double wrong = tally->n > 0 ? (double)tally->wrong / tally->n : 1;
  printf ("%-28s %4u cases, %.3f %s\n", name, tally->n, should_pass ? wrong : 1 - wrong,
          should_pass ? "struck" : "caught");
  return wrong <= (should_pass ? MAX_STRUCK : 1 - MIN_CAUGHT);
}

static int judge (const Counts *counts)
{
  gboolean ok = check ("altered statements", &counts->statements, FALSE);
  ok = check ("altered short answers", &counts->answers, FALSE) && ok;
  ok = check ("words of the page swapped in", &counts->swapped, FALSE) && ok;
  ok = check ("a not more or less", &counts->denials, FALSE) && ok;
  ok = check ("another unit", &counts->units, FALSE) && ok;
  ok = check ("true statements", &counts->true_statements, TRUE) && ok;
  ok = check ("true short answers", &counts->true_answers, TRUE) && ok;
  ok = check ("true in another spelling", &counts->spellings, TRUE) && ok;
  return ok ? 0 : 1;
}

int main (int argc, char **argv)
{
  g_autofree char *file = squad_file ();
  RagSquad squad;
  g_autoptr (GError) error = NULL;
  if (!g_file_test (file, G_FILE_TEST_EXISTS))
    {
      printf ("skipped: %s is not here\n", file);
      return 77;
    }
  if (!rag_squad_read (file, RAG_SQUAD_ADVERSARIAL, 0, 0, &squad, &error))
    {
      fprintf (stderr, "%s\n", error->message);
      return 1;
    }
  verbose = argc > 1;
  g_autoptr (GRand) random = g_rand_new_with_seed (argc > 1 ? (guint32)atoi (argv[1]) : 1);
  Counts counts = { 0 };
  for (guint i = 0; i < squad.questions->len * 4 && counts.statements.n < MAX_CASES; i++)
    count_question (&squad,
                    g_ptr_array_index (squad.questions,
                                       g_rand_int_range (random, 0, (gint)squad.questions->len)),
                    random, &counts);
  rag_squad_clear (&squad);
  return judge (&counts);
}
