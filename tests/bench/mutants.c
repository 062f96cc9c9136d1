/* Reads thousands of damaged copies of real documents, each as `docent add` would. In: how many, a
 * seed, and the documents to damage. Out: one line of JSON with how they ended; exit status 1 when
 * an end was none of those that a user may see: parsed, or refused with a sentence that names the
 * file. Between them an intact document is read again and again, because a bad one may cost nothing
 * but itself.
 *
 * usage: mutants COUNT SEED FILE… */
#include "ingest/ingest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WALL_MS 20000
#define NEIGHBOUR_EVERY 50

typedef struct
{
  guint parsed, refused, crashed, limits, forbidden, unclear, lost_neighbours;
  guint slowest_ms;
} Ends;

/* Flips of bits, runs of noise, cuts, and pieces of the file in the wrong place. */
static void damage (GByteArray *bytes, GRand *rand)
{
  guint n_faults = g_rand_int_range (rand, 1, 20);
  for (guint i = 0; i < n_faults && bytes->len > 16; i++)
    {
      guint at = g_rand_int_range (rand, 0, bytes->len - 8);
      guint n = g_rand_int_range (rand, 1, 200);
      n = MIN (n, bytes->len - at - 1); /* MIN evaluates its arguments twice */
      switch (g_rand_int_range (rand, 0, 5))
        {
        case 0:
          bytes->data[at] ^= 1u << g_rand_int_range (rand, 0, 8);
          break;
        case 1:
          for (guint k = 0; k < MIN (n, 16); k++)
            bytes->data[at + k] = (guint8)g_rand_int (rand);
          break;
        case 2:
          memmove (bytes->data + at, bytes->data + g_rand_int_range (rand, 0, bytes->len - n), n);
          break;
        case 3: /* a number in the text of a PDF, made large or odd */
          for (guint k = at; k < bytes->len && k < at + 500; k++)
            if (g_ascii_isdigit (bytes->data[k]) && g_rand_boolean (rand))
              {
                bytes->data[k] = (guint8)('0' + g_rand_int_range (rand, 0, 10));
                break;
              }
          break;
        default:
          if (i == 0 && g_rand_int_range (rand, 0, 4) == 0)
            g_byte_array_set_size (bytes, at + 1);
          else
            g_byte_array_remove_range (bytes, at, MIN (n, 30));
        }
    }
}

static void judge (Ends *ends, const char *path, const IngestDocument *document,
                   const GError *error)
{
  if (document != NULL)
    ends->parsed++;
  else if (error == NULL || strstr (error->message, path) == NULL
           || strchr (error->message, '\n') != NULL)
    {
      ends->unclear++;
      fprintf (stderr, "unclear: %s: %s\n", path, error != NULL ? error->message : "no error");
    }
  else if (strstr (error->message, "leave the sandbox") != NULL)
    ends->forbidden++;
  else if (g_error_matches (error, INGEST_ERROR, INGEST_ERROR_LIMIT))
    ends->limits++;
  else if (g_error_matches (error, INGEST_ERROR, INGEST_ERROR_EXTRACTOR))
    ends->crashed++;
  else
    ends->refused++;
}

static void read_one (Ends *ends, const char *path)
{
  const IngestLimits limits = { .wall_ms = WALL_MS, .ocr = INGEST_OCR_NEVER };
  g_autoptr (GError) error = NULL;
  gint64 start = g_get_monotonic_time ();
  g_autoptr (IngestDocument) document = ingest_extract (path, &limits, NULL, &error);
  guint took_ms = (guint)((g_get_monotonic_time () - start) / 1000);
  ends->slowest_ms = MAX (ends->slowest_ms, took_ms);
  judge (ends, path, document, error);
}

static void read_mutant (Ends *ends, const char *folder, const char *original, GRand *rand)
{
  g_autofree char *data = NULL;
  gsize length;
  if (!g_file_get_contents (original, &data, &length, NULL) || length > 4u << 20)
    return;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_byte_array_append (bytes, (const guint8 *)data, (guint)length);
  damage (bytes, rand);
  const char *dot = strrchr (original, '.');
  g_autofree char *name = g_strconcat ("mutant", dot != NULL ? dot : "", NULL);
  g_autofree char *path = g_build_filename (folder, name, NULL);
  if (g_file_set_contents_full (path, (const char *)bytes->data, bytes->len,
                                G_FILE_SET_CONTENTS_NONE, 0600, NULL))
    read_one (ends, path);
  unlink (path);
}

static void read_neighbour (Ends *ends, const char *folder)
{
  g_autofree char *path = g_build_filename (folder, "neighbour.txt", NULL);
  g_file_set_contents (path, "An intact document.", -1, NULL);
  g_autoptr (IngestDocument) document = ingest_extract (path, NULL, NULL, NULL);
  ends->lost_neighbours += document == NULL || strcmp (document->text, "An intact document.") != 0;
  unlink (path);
}

int main (int argc, char **argv)
{
  if (argc < 4)
    {
      fputs ("usage: mutants COUNT SEED FILE…\n", stderr);
      return 2;
    }
  guint count = (guint)atoi (argv[1]);
  GRand *rand = g_rand_new_with_seed ((guint32)atoi (argv[2]));
  g_autofree char *folder = g_dir_make_tmp ("docent-mutants-XXXXXX", NULL);
  Ends ends = { 0 };
  gint64 start = g_get_monotonic_time ();
  for (guint i = 0; i < count; i++)
    {
      read_mutant (&ends, folder, argv[3 + g_rand_int_range (rand, 0, argc - 3)], rand);
      if (i % NEIGHBOUR_EVERY == 0)
        read_neighbour (&ends, folder);
    }
  printf ("{\"mutants\":%u,\"parsed\":%u,\"refused\":%u,\"crashed\":%u,\"limits\":%u,"
          "\"stopped_by_sandbox\":%u,\"unclear\":%u,\"lost_neighbours\":%u,\"slowest_ms\":%u,"
          "\"seconds\":%.1f}\n",
          count, ends.parsed, ends.refused, ends.crashed, ends.limits, ends.forbidden, ends.unclear,
          ends.lost_neighbours, ends.slowest_ms,
          (double)(g_get_monotonic_time () - start) / G_USEC_PER_SEC);
  rmdir (folder);
  g_rand_free (rand);
  return ends.unclear + ends.lost_neighbours + ends.forbidden > 0;
}
