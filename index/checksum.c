/* Notices when bytes on the disk are no longer the bytes that were written.
 *
 * Bytes in, 64 bits out, at several gigabytes a second because the FAISS file is summed whenever
 * it is loaded. Every step maps a lane's 64-bit state one to one (xor, rotation, multiplication by
 * an odd number), so a change confined to one eight-byte word is always noticed and any other
 * change escapes with a chance of 2⁻⁶⁴. It does not protect against someone who wants to cheat. */
#include "index/index-private.h"

#include <string.h>

/* Odd, with the bits of the golden ratio and of √2: any odd constant without pattern would do. */
#define MULTIPLIER_A G_GUINT64_CONSTANT (0x9e3779b97f4a7c15)
#define MULTIPLIER_B G_GUINT64_CONSTANT (0x6a09e667f3bcc909)

static inline guint64 mix (guint64 state, guint64 word)
{
  state ^= word;
  state *= MULTIPLIER_A;
  return state ^ state >> 29;
}

static void add_block (IndexChecksum *sum, const guint8 *block)
{
  for (guint lane = 0; lane < 4; lane++)
    {
      guint64 word;

      memcpy (&word, block + lane * sizeof word, sizeof word);
      sum->lanes[lane] = mix (sum->lanes[lane], GUINT64_FROM_LE (word));
    }
}

void index_checksum_init (IndexChecksum *sum)
{
  memset (sum, 0, sizeof *sum);
  for (guint lane = 0; lane < 4; lane++)
    sum->lanes[lane] = MULTIPLIER_B * (lane + 1);
}

void index_checksum_add (IndexChecksum *sum, const void *data, gsize length)
{
  const guint8 *bytes = data;
  gsize filled = sum->length % sizeof sum->rest;

  sum->length += length;
  if (filled)
    {
      gsize take = MIN (length, sizeof sum->rest - filled);

      memcpy (sum->rest + filled, bytes, take);
      bytes += take;
      length -= take;
      if (filled + take < sizeof sum->rest)
        return;
      add_block (sum, sum->rest);
    }
  for (; length >= sizeof sum->rest; bytes += sizeof sum->rest, length -= sizeof sum->rest)
    add_block (sum, bytes);
  if (length)
    memcpy (sum->rest, bytes, length);
}

void index_checksum_add_int (IndexChecksum *sum, gint64 value)
{
  gint64 little = GINT64_TO_LE (value);

  index_checksum_add (sum, &little, sizeof little);
}

void index_checksum_add_text (IndexChecksum *sum, const char *text)
{
  gsize length = text ? strlen (text) : 0;

  index_checksum_add_int (sum, text ? (gint64)length : -1);
  if (length)
    index_checksum_add (sum, text, length);
}

gint64 index_pair_checksum (const char *a, const char *b, gint64 number)
{
  IndexChecksum sum;

  index_checksum_init (&sum);
  index_checksum_add_text (&sum, a);
  index_checksum_add_text (&sum, b);
  index_checksum_add_int (&sum, number);
  return index_checksum_end (&sum);
}

gint64 index_checksum_end (const IndexChecksum *sum)
{
  IndexChecksum last = *sum;
  gsize filled = last.length % sizeof last.rest;
  guint64 result = mix (MULTIPLIER_B, last.length);

  memset (last.rest + filled, 0, sizeof last.rest - filled);
  add_block (&last, last.rest);
  for (guint lane = 0; lane < 4; lane++)
    result = mix (result, last.lanes[lane]);
  return (gint64)(result * MULTIPLIER_B);
}
