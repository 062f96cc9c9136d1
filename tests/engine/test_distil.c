/* Static encoders: what is left of a teacher, and how words are weighed. */
#include <math.h>

#include "engine/components-private.h"
#include "engine/encoder-private.h"
#include "model-folder.h"

#define CASES SOURCE_ROOT "/tests/golden/cases/"

/* ---- Components ----------------------------------------------------------------------------- */

START_TEST (test_points_on_a_line_keep_their_distances_in_one_dimension)
{
  /* (3, 4) · t + (10, −7, 2): five apart for each step of t */
  const float steps[] = { 0, 1, 5, -2 };
  float rows[12];
  double kept;
  for (guint i = 0; i < 4; i++)
    {
      rows[3 * i] = 10 + 3 * steps[i];
      rows[3 * i + 1] = -7 + 4 * steps[i];
      rows[3 * i + 2] = 2;
    }
  ck_assert (engine_components_keep (rows, 4, 3, 1, &kept, NULL));
  ck_assert_double_eq_tol (kept, 1, 1e-9);
  for (guint i = 1; i < 4; i++)
    ck_assert_float_eq_tol (fabsf (rows[i] - rows[0]), 5 * fabsf (steps[i] - steps[0]), 1e-4f);
}
END_TEST

START_TEST (test_the_widest_direction_comes_first)
{
  float rows[] = { 0, 1, 0, -1, 3, 0, -3, 0 };
  double kept;
  ck_assert (engine_components_keep (rows, 4, 2, 2, &kept, NULL));
  ck_assert_double_eq_tol (kept, 1, 1e-9);
  ck_assert_float_eq_tol (fabsf (rows[4]), 3, 1e-5f);
  ck_assert_float_eq_tol (fabsf (rows[1]), 1, 1e-5f);
  float again[] = { 0, 1, 0, -1, 3, 0, -3, 0 };
  ck_assert (engine_components_keep (again, 4, 2, 1, &kept, NULL));
  ck_assert_double_eq_tol (kept, 0.9, 1e-9); /* 18 of 20 */
}
END_TEST

START_TEST (test_rows_that_are_all_alike_are_refused)
{
  float rows[] = { 1, 2, 1, 2, 1, 2 };
  double kept = -1;
  g_autoptr (GError) error = NULL;
  ck_assert (!engine_components_keep (rows, 3, 2, 1, &kept, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_INPUT));
  ck_assert_double_eq (kept, -1);
}
END_TEST

/* ---- A teacher of ten words -------------------------------------------------------------------
 */

#define N_WORDS 5 /* the ##s [ no . */
#define FIRST_WORD 5
#define N_KEPT 4 /* five points have four directions */

typedef struct
{
  char *folder, *path;
  EngineModel *teacher;
} Fixture;

static Fixture make_teacher (void)
{
  Fixture fixture = { .folder = make_folder () };
  g_autoptr (GError) error = NULL;
  write_tiny_bert (fixture.folder, "");
  g_autofree char *teacher = g_build_filename (fixture.folder, "teacher.gguf", NULL);
  fixture.path = g_build_filename (fixture.folder, "static.gguf", NULL);
  ck_assert_msg (engine_convert (fixture.folder, teacher, "F32", NULL, NULL, &error), "%s",
                 error ? error->message : "");
  fixture.teacher = engine_model_open (teacher, &error);
  ck_assert_msg (fixture.teacher != NULL, "%s", error ? error->message : "");
  return fixture;
}

static void clear (Fixture *fixture)
{
  remove_folder (fixture->folder);
  engine_model_unref (fixture->teacher);
  g_free (fixture->folder);
  g_free (fixture->path);
}

static EngineModel *distil (const Fixture *fixture, const char *const *texts, gsize n_texts)
{
  const EngineDistilOptions options
      = { .dimension = N_KEPT, .texts = texts, .n_texts = n_texts, .n_threads = 1 };
  g_autoptr (GError) error = NULL;
  double kept = 0;
  ck_assert_msg (
      engine_distil_file (fixture->teacher, &options, fixture->path, NULL, NULL, &kept, &error),
      "%s", error ? error->message : "");
  ck_assert_double_eq_tol (kept, 1, 1e-6);
  EngineModel *model = engine_model_open (fixture->path, &error);
  ck_assert_msg (model != NULL, "%s", error ? error->message : "");
  return model;
}

static void read_row (const EngineModel *model, guint token, float *ret_row)
{
  const EngineMatrix *w = &model->weights.token_embd;
  engine_type_info (w->type)->dequantise (w->data + token * w->row_bytes, w->n_cols, ret_row);
}

/* What the teacher makes of [CLS] word [SEP] at the word's place, of length 1. */
static void teach (const Fixture *fixture, gint32 word, float *ret_vec)
{
  const gint32 tokens[] = { 2, word, 3 };
  const guint length = 3;
  const EnginePacked packed = { tokens, NULL, &length, 1 };
  g_autoptr (EngineEncoder) encoder = engine_encoder_new (fixture->teacher, 1, NULL);
  memcpy (ret_vec, engine_encoder_hidden (encoder, &packed, NULL) + TINY_EMBD,
          TINY_EMBD * sizeof (float));
  engine_normalise (ret_vec, TINY_EMBD);
}

static double distance (const float *a, double a_scale, const float *b, double b_scale, guint n)
{
  double sum = 0;
  for (guint i = 0; i < n; i++)
    sum += (a[i] / a_scale - b[i] / b_scale) * (a[i] / a_scale - b[i] / b_scale);
  return sqrt (sum);
}

/* a/(a + p), p of the word's rank among the words. */
static double ranked_weight (guint rank)
{
  double sum = 0;
  for (guint i = 0; i < N_WORDS; i++)
    sum += 1.0 / (i + 2);
  return 1e-4 / (1e-4 + 1.0 / (rank + 2) / sum);
}

START_TEST (test_words_keep_the_distances_that_the_teacher_sees)
{
  Fixture fixture = make_teacher ();
  g_autoptr (EngineModel) model = distil (&fixture, NULL, 0);
  ck_assert_str_eq (engine_model_info (model)->architecture, "static-embedding");
  for (guint i = 0; i < N_WORDS; i++)
    for (guint j = 0; j < i; j++)
      {
        float a[TINY_EMBD], b[TINY_EMBD], c[N_KEPT], d[N_KEPT];
        teach (&fixture, (gint32)(FIRST_WORD + i), a);
        teach (&fixture, (gint32)(FIRST_WORD + j), b);
        read_row (model, FIRST_WORD + i, c);
        read_row (model, FIRST_WORD + j, d);
        ck_assert_double_eq_tol (distance (c, ranked_weight (i), d, ranked_weight (j), N_KEPT),
                                 distance (a, 1, b, 1, TINY_EMBD), 5e-3);
      }
  clear (&fixture);
}
END_TEST

START_TEST (test_a_text_is_the_mean_of_its_words_without_what_surrounds_them)
{
  Fixture fixture = make_teacher ();
  g_autoptr (EngineModel) model = distil (&fixture, NULL, 0);
  g_autoptr (EngineEncoder) encoder = engine_encoder_new (model, 1, NULL);
  const char *const texts[] = { "the no no" };
  float vector[N_KEPT], sum[N_KEPT], row[N_KEPT];
  ck_assert_uint_eq (engine_encoder_dimension (encoder), N_KEPT);
  ck_assert (engine_encode (encoder, ENGINE_TEXT_QUERY, texts, 1, vector, NULL, NULL));
  read_row (model, 5, sum);
  read_row (model, 8, row);
  for (guint i = 0; i < N_KEPT; i++)
    sum[i] += 2 * row[i];
  engine_normalise (sum, N_KEPT);
  for (guint i = 0; i < N_KEPT; i++)
    ck_assert_float_eq_tol (vector[i], sum[i], 1e-4f);
  for (guint token = 0; token < FIRST_WORD; token++)
    {
      read_row (model, token, row);
      ck_assert_float_eq (engine_normalise (row, N_KEPT), 0);
    }
  clear (&fixture);
}
END_TEST

START_TEST (test_words_that_the_documents_repeat_say_less)
{
  Fixture fixture = make_teacher ();
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; i < 20000; i++)
    g_string_append (text, "no ");
  const char *const texts[] = { text->str };
  float before[N_KEPT], after[N_KEPT], other[N_KEPT], other_after[N_KEPT];
  EngineModel *ranked = distil (&fixture, NULL, 0);
  read_row (ranked, 8, before);
  read_row (ranked, 5, other);
  engine_model_unref (ranked);
  g_autoptr (EngineModel) counted = distil (&fixture, texts, 1);
  read_row (counted, 8, after);
  read_row (counted, 5, other_after);
  /* Its share of all words rises from 1/7 to 5/7, that of “the” falls. */
  ck_assert_float_lt (engine_normalise (after, N_KEPT) / engine_normalise (other_after, N_KEPT),
                      0.5f * engine_normalise (before, N_KEPT) / engine_normalise (other, N_KEPT));
  clear (&fixture);
}
END_TEST

static void expect_error (EngineModel *teacher, const EngineDistilOptions *options,
                          EngineError code, const char *why)
{
  g_autofree char *folder = make_folder ();
  g_autofree char *path = g_build_filename (folder, "static.gguf", NULL);
  g_autoptr (GError) error = NULL;
  double kept;
  ck_assert (!engine_distil_file (teacher, options, path, NULL, NULL, &kept, &error));
  ck_assert_msg (g_error_matches (error, ENGINE_ERROR, code), "%s", error->message);
  ck_assert_msg (strstr (error->message, why) != NULL, "%s", error->message);
  ck_assert (!g_file_test (path, G_FILE_TEST_EXISTS));
  remove_folder (folder);
}

static gboolean stop (gsize done, gsize total, gpointer user_data)
{
  return FALSE;
}

START_TEST (test_what_cannot_be_distilled_is_refused)
{
  Fixture fixture = make_teacher ();
  const EngineDistilOptions usual = { 0 }, wide = { .dimension = TINY_EMBD + 1 },
                            poor = { .dimension = N_WORDS + 1 },
                            small = { .dimension = 2, .mem_limit_bytes = 1000 };
  g_autoptr (EngineModel) pupil = distil (&fixture, NULL, 0);
  g_autoptr (EngineModel) decoder = engine_model_open (CASES "llama-bias/model.gguf", NULL);
  expect_error (decoder, &usual, ENGINE_ERROR_INPUT, "not an encoder");
  expect_error (pupil, &usual, ENGINE_ERROR_INPUT, "a static encoder");
  expect_error (fixture.teacher, &wide, ENGINE_ERROR_INPUT, "33 dimensions");
  expect_error (fixture.teacher, &poor, ENGINE_ERROR_INPUT, "5 words");
  expect_error (fixture.teacher, &small, ENGINE_ERROR_MEMORY, "limit");
  g_autoptr (GError) error = NULL;
  const EngineDistilOptions two = { .dimension = 2 };
  double kept;
  g_remove (fixture.path);
  ck_assert (!engine_distil_file (fixture.teacher, &two, fixture.path, stop, NULL, &kept, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_CANCELLED));
  ck_assert (!g_file_test (fixture.path, G_FILE_TEST_EXISTS));
  clear (&fixture);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("distil");
  TCase *tests = tcase_create ("distil");
  tcase_set_timeout (tests, 60);
  tcase_add_test (tests, test_points_on_a_line_keep_their_distances_in_one_dimension);
  tcase_add_test (tests, test_the_widest_direction_comes_first);
  tcase_add_test (tests, test_rows_that_are_all_alike_are_refused);
  tcase_add_test (tests, test_words_keep_the_distances_that_the_teacher_sees);
  tcase_add_test (tests, test_a_text_is_the_mean_of_its_words_without_what_surrounds_them);
  tcase_add_test (tests, test_words_that_the_documents_repeat_say_less);
  tcase_add_test (tests, test_what_cannot_be_distilled_is_refused);
  suite_add_tcase (suite, tests);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int n_failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return n_failed != 0;
}
