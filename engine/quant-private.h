/* Between the files that turn floats into quantised blocks: quant-fit.c finds scales, quant-encode.c
 * rounds with them and writes the blocks. The formats themselves are in quant.c. */
#pragma once

#include "engine/kernels/kernels-private.h"

/* A group of numbers that will share a scale. n is a multiple of 4, at most 32. */
typedef struct
{
  const float *x;
  const float *w; /* how much the error of each counts; none is negative */
  gsize n;
} EngineGroup;

/* The scale for which x ≈ scale · code, code from LOW to HIGH, with the least weighted squared
 * error that was found. LOW 0 is for numbers that are not negative. 0 when there is nothing to
 * scale. */
float engine_fit_scale (const EngineGroup *group, int low, int high);
/* The same for x ≈ scale · code − min with codes from 0 to HIGH. Unless ANY_MIN, the min is not
 * negative: formats that store it without a sign. */
float engine_fit_scale_and_min (const EngineGroup *group, int high, gboolean any_min,
                                float *ret_min);
/* The same for x ≈ scale · values[code], where VALUES rises over 16 codes. */
float engine_fit_table (const EngineGroup *group, const gint8 *values);
/* The code whose value is closest to X. */
guint engine_closest_in_table (const gint8 *values, float x);

/* Rounds VALUES into whole blocks of TYPE, with the error of each number weighted by its IMPORTANCE
 * [n_elements], or equally when that is NULL. */
void engine_quantise_weighted (EngineType type, const float *values, const float *importance,
                               gsize n_elements, void *ret_blocks);
