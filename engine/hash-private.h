/* Where a few bytes of text go in a table: for the vocabulary and for words met before. */
#pragma once

#include <glib.h>
#include <string.h>

/* Multiply and fold, eight bytes at a time. */
static inline guint32 engine_hash_bytes (guint64 seed, const char *bytes, gsize length)
{
  const guint64 factor = 0x9E3779B97F4A7C15u;
  guint64 hash = (seed ^ length) * factor, block;
  for (; length >= 8; bytes += 8, length -= 8)
    {
      memcpy (&block, bytes, 8);
      hash = (hash ^ block) * factor;
      hash ^= hash >> 29;
    }
  block = 0;
  for (gsize i = 0; i < length; i++)
    block = block << 8 | (guint8)bytes[i];
  hash = (hash ^ block) * factor;
  return hash >> 32;
}
