/* How far the confidence of answers is to be trusted in this library: LIBRARY/calibration.ini.
 *
 * One group for each pair of generator and encoder: a line on the logit of the confidence that
 * refuse.c estimates (Platt 1999), and the confidence below which nothing is said. calibrate.c
 * writes it; without it the estimate stands as it is. */
#include "rag/answer-private.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <math.h>

static char *path_of (const Rag *rag)
{
  return g_build_filename (rag->library_dir, "calibration.ini", NULL);
}

static char *group_of (Rag *rag)
{
  const char *encoder = index_encoder (rag->index, NULL);
  return g_strdup_printf ("%s %s", rag->generator_label, encoder != NULL ? encoder : "none");
}

static const RagCalibrationLine as_it_is = { .slope = 1, .intercept = 0, .threshold = 0.20 };

static gboolean makes_sense (const RagCalibrationLine *line)
{
  return isfinite (line->slope) && line->slope >= 0 && isfinite (line->intercept)
         && line->threshold >= 0 && line->threshold <= 1;
}

void rag_calibration_load (Rag *rag)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *path = path_of (rag), *group = group_of (rag);
  rag->calibration = as_it_is;
  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, NULL)
      || !g_key_file_has_group (file, group))
    return;
  const RagCalibrationLine line
      = { .slope = g_key_file_get_double (file, group, "slope", NULL),
          .intercept = g_key_file_get_double (file, group, "intercept", NULL),
          .threshold = g_key_file_get_double (file, group, "threshold", NULL) };
  if (makes_sense (&line))
    rag->calibration = line;
}

gboolean rag_calibration_save (Rag *rag, const RagCalibrationLine *line, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *path = path_of (rag), *group = group_of (rag);
  g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, NULL);
  g_key_file_set_double (file, group, "slope", line->slope);
  g_key_file_set_double (file, group, "intercept", line->intercept);
  g_key_file_set_double (file, group, "threshold", line->threshold);
  if (!rag_key_file_save (file, path, error))
    return FALSE;
  rag->calibration = *line;
  return TRUE;
}

gboolean rag_calibration_reset (Rag *rag, GError **error)
{
  g_autofree char *path = path_of (rag);
  if (g_unlink (path) == 0 || errno == ENOENT)
    return TRUE;
  g_set_error (error, RAG_ERROR, RAG_ERROR_FAILED, "%s cannot be removed: %s", path,
               g_strerror (errno));
  return FALSE;
}

/* ---- Fitting ---- */

/* How much it takes to believe that the estimate is wrong: a penalty on leaving slope 1, intercept
 * 0. */
#define RIDGE 5.0
#define MAX_STEPS 100
/* Newton's method may overshoot where everything is certain. */
#define MAX_MOVE 0.5
#define MAX_LOGIT 6.0

static double logit (double p)
{
  return CLAMP (log (p / (1 - p)), -MAX_LOGIT, MAX_LOGIT);
}

double rag_calibrated (const RagCalibrationLine *line, double confidence)
{
  if (line->slope == 1 && line->intercept == 0)
    return confidence;
  return 1 / (1 + exp (-(line->intercept + line->slope * logit (confidence))));
}

static double limited (double move)
{
  return CLAMP (move, -MAX_MOVE, MAX_MOVE);
}

/* One step of Newton's method on both parameters, on the intercept alone if FLAT; its length. */
static double step (const RagJudged *judged, gsize n, gboolean flat, double *slope,
                    double *intercept)
{
  double da = RIDGE * (*slope - 1), db = RIDGE * *intercept;
  double aa = RIDGE, ab = 0, bb = RIDGE;
  for (gsize i = 0; i < n; i++)
    {
      const double x = logit (judged[i].confidence);
      const double p = 1 / (1 + exp (-(*intercept + *slope * x))), w = p * (1 - p);
      da += (p - judged[i].right) * x;
      db += p - judged[i].right;
      aa += w * x * x;
      ab += w * x;
      bb += w;
    }
  const double det = aa * bb - ab * ab;
  const double move_a = flat ? 0 : limited ((bb * da - ab * db) / det);
  const double move_b = limited (flat ? db / bb : (aa * db - ab * da) / det);
  *slope -= move_a;
  *intercept -= move_b;
  return fabs (move_a) + fabs (move_b);
}

void rag_calibration_fit (const RagJudged *judged, gsize n, RagCalibrationLine *line)
{
  line->slope = 1;
  line->intercept = 0;
  for (guint i = 0; i < MAX_STEPS; i++)
    if (step (judged, n, FALSE, &line->slope, &line->intercept) < 1e-6)
      break;
  if (line->slope >= 0)
    return;
  /* A confidence that misleads is worth nothing: all answers are as sure as their mean. */
  line->slope = line->intercept = 0;
  for (guint i = 0; i < MAX_STEPS; i++)
    if (step (judged, n, TRUE, &line->slope, &line->intercept) < 1e-6)
      break;
}

/* A confidence P is the expectation to be right: so many answers from the most certain down are
 * given as add up to MAX_WRONG expected mistakes. Counting the mistakes seen instead would let one
 * of them decide. */
double rag_calibration_threshold (const RagJudged *judged, gsize n, double max_wrong)
{
  double low = 0, high = 1;
  for (guint step = 0; step < 20; step++)
    {
      const double middle = (low + high) / 2;
      double wrong = 0;
      for (gsize i = 0; i < n; i++)
        if (judged[i].confidence >= middle)
          wrong += 1 - judged[i].confidence;
      if (wrong > max_wrong)
        low = middle;
      else
        high = middle;
    }
  return high;
}
