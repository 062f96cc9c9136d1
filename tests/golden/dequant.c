/* Checks how blocks of quantised types are read: bytes from dequant.json must give its values to
 * within two units in the last place. Types that the engine does not know must be unknown to it
 * throughout, so that a file which uses one is refused and not misread. */
#include "golden-private.h"

#include <json-glib/json-glib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_ULP 2

/* Floats between A and B, counted in representable numbers. */
static guint32 ulp_distance (float a, float b)
{
  gint32 x, y;
  memcpy (&x, &a, sizeof x);
  memcpy (&y, &b, sizeof y);
  gint64 i = x < 0 ? (gint64)G_MININT32 - x : x, j = y < 0 ? (gint64)G_MININT32 - y : y;
  return MIN (ABS (i - j), (gint64)G_MAXUINT32);
}

static GByteArray *from_hex (const char *hex)
{
  GByteArray *bytes = g_byte_array_new ();
  for (; hex[0] && hex[1]; hex += 2)
    {
      guint8 byte = g_ascii_xdigit_value (hex[0]) << 4 | g_ascii_xdigit_value (hex[1]);
      g_byte_array_append (bytes, &byte, 1);
    }
  return bytes;
}

/* One row of blocks; returns the largest distance. */
static guint32 check_row (const EngineTypeInfo *info, JsonObject *row, GoldenDifference *difference)
{
  JsonArray *expected = json_object_get_array_member (row, "values");
  g_autoptr (GByteArray) bytes = from_hex (json_object_get_string_member (row, "bytes"));
  guint n = json_array_get_length (expected);
  if (n % info->block_elements != 0 || bytes->len != n / info->block_elements * info->block_bytes)
    return G_MAXUINT32;
  g_autofree float *values = g_new (float, n);
  info->dequantise (bytes->data, n, values);
  guint32 worst = 0;
  for (guint i = 0; i < n; i++)
    {
      float value = json_array_get_double_element (expected, i);
      worst = MAX (worst, ulp_distance (values[i], value));
      golden_difference_add (difference, values[i], value);
    }
  return worst;
}

static gboolean check_type (const char *case_name, const char *type_name, JsonObject *type)
{
  const EngineTypeInfo *info = engine_type_info (json_object_get_int_member (type, "type_id"));
  GoldenDifference difference = { 0 };
  guint32 worst = 0;
  if (info == NULL)
    {
      printf ("{\"case\":\"%s/%s\",\"nmse\":null,\"max_abs\":null,\"argmax_match\":null,"
              "\"greedy_match\":null,\"ok\":true,\"refused\":true}\n",
              case_name, type_name);
      return TRUE;
    }
  JsonArray *rows = json_object_get_array_member (type, "rows");
  for (guint i = 0; i < json_array_get_length (rows); i++)
    worst = MAX (worst, check_row (info, json_array_get_object_element (rows, i), &difference));
  gboolean ok = worst <= MAX_ULP && json_array_get_length (rows) > 0;
  printf ("{\"case\":\"%s/%s\",\"nmse\":%g,\"max_abs\":%g,\"argmax_match\":null,"
          "\"greedy_match\":null,\"ok\":%s,\"ulp\":%u}\n",
          case_name, type_name, golden_difference_nmse (&difference), difference.max_abs,
          ok ? "true" : "false", worst);
  return ok;
}

gboolean golden_check_dequant (const char *path, const char *name)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) error = NULL;
  if (!json_parser_load_from_file (parser, path, &error))
    {
      fprintf (stderr, "golden: %s\n", error->message);
      return FALSE;
    }
  JsonObject *root = json_node_get_object (json_parser_get_root (parser));
  g_autoptr (GList) types = json_object_get_members (root);
  gboolean ok = types != NULL;
  for (GList *l = types; l; l = l->next)
    ok = check_type (name, l->data, json_object_get_object_member (root, l->data)) && ok;
  fflush (stdout);
  return ok;
}
