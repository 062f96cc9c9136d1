/* How fast an encoder makes vectors of real texts, for a comparison with others on the same file:
 *
 *   encode_bench MODEL TEXTS.jsonl N
 *
 * The first N lines of TEXTS, objects with "title" and "text", are encoded as passages, as many at a
 * time as `docent add` does. Prints one JSON line. Run by hand on an idle machine. */
#include <json-glib/json-glib.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/engine.h"

static void die (const GError *error)
{
  fprintf (stderr, "encode_bench: %s\n", error->message);
  exit (1);
}

static GPtrArray *read_texts (const char *path, guint n)
{
  g_autofree char *content = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonParser) parser = json_parser_new ();
  GPtrArray *texts = g_ptr_array_new_with_free_func (g_free);
  if (!g_file_get_contents (path, &content, NULL, &error))
    die (error);
  g_auto (GStrv) lines = g_strsplit (content, "\n", -1);
  for (guint i = 0; lines[i] != NULL && texts->len < n; i++)
    {
      if (*lines[i] == '\0')
        continue;
      if (!json_parser_load_from_data (parser, lines[i], -1, &error))
        die (error);
      JsonObject *object = json_node_get_object (json_parser_get_root (parser));
      g_ptr_array_add (texts,
                       g_strdup_printf ("%s %s",
                                        json_object_get_string_member_with_default (object, "title", ""),
                                        json_object_get_string_member (object, "text")));
    }
  return texts;
}

int main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  if (argc != 4)
    {
      fprintf (stderr, "usage: encode_bench MODEL TEXTS.jsonl N\n");
      return 2;
    }
  g_autoptr (EngineModel) model = engine_model_open (argv[1], &error);
  if (model == NULL)
    die (error);
  g_autoptr (EngineEncoder) encoder = engine_encoder_new (model, 0, &error);
  if (encoder == NULL)
    die (error);
  g_autoptr (GPtrArray) texts = read_texts (argv[2], (guint)atoi (argv[3]));
  g_autofree float *vectors = g_new (float, (gsize)texts->len *engine_encoder_dimension (encoder));
  const char *const *all = (const char *const *)texts->pdata;
  /* The first texts also bring the weights into memory. */
  if (!engine_encode (encoder, ENGINE_TEXT_PASSAGE, all, MIN (32, texts->len), vectors, NULL, &error))
    die (error);
  const gint64 start = g_get_monotonic_time ();
  if (!engine_encode (encoder, ENGINE_TEXT_PASSAGE, all, texts->len, vectors, NULL, &error))
    die (error);
  const double seconds = (double)(g_get_monotonic_time () - start) / G_USEC_PER_SEC;
  printf ("{\"peer\":\"docent\",\"texts\":%u,\"seconds\":%.3f,\"texts_per_s\":%.1f}\n", texts->len,
          seconds, texts->len / seconds);
  return 0;
}
