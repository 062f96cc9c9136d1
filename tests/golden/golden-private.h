/* The golden runner: golden.c finds cases and reports, case.c computes one of them, dequant.c
 * checks the blocks of quantised types. */
#pragma once

#include <glib.h>

#include "engine/model-private.h"

/* What came of one case. NAN: not measured. */
typedef struct
{
  double nmse, max_abs;     /* the worst sequence */
  gboolean compares_tokens; /* a decoder: the two below mean something */
  gboolean argmax_match, greedy_match;
  double tolerance;   /* accepted NMSE */
  double exact_nmse;  /* of quantised models: on the exact path */
  gboolean quantised; /* some matrix is not F32: the exact path is worth a second run */
  gboolean ok;
  char *reason; /* why not ok, or how a file was refused that must be; may be NULL */
} GoldenResult;

/* Runs model.gguf of FOLDER against its expect.json, in the way that DOCENT_EXACT asks for. */
GoldenResult golden_run_case (const char *folder);

/* Prints a line for every type in PATH (dequant.json); FALSE when one is not ok. */
gboolean golden_check_dequant (const char *path, const char *name);

/* Σ(a−b)² / Σb², summed over many calls; and the largest |a−b|. */
typedef struct
{
  double error, energy, max_abs;
} GoldenDifference;

void golden_difference_add (GoldenDifference *difference, double value, double expected);
double golden_difference_nmse (const GoldenDifference *difference);
