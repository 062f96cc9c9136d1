/* Reads the JSON files that come with a model (config.json, tokenizer.json, the header of a
 * safetensors file). They are as hostile as the weights: json-glib parses recursively, so a
 * megabyte of "[" would overrun the stack, and its getters print warnings when a member has
 * another kind. So nesting is bounded by a scan that runs before the parser, and the getters here
 * treat a member of the wrong kind as absent. */
#include "engine/json-private.h"

#include <string.h>

/* The largest tokenizer.json in the field, Gemma's with 262,144 pieces, is 33 MB. */
#define MAX_JSON_BYTES (128 * 1024 * 1024)
#define MAX_JSON_DEPTH 64

/* json-glib also takes comments; a quotation mark in one would lead this scan astray, so what JSON
 * itself does not allow between strings is refused. */
static gboolean json_is_plain_and_shallow (const char *data, gsize length)
{
  gsize depth = 0;
  gboolean in_string = FALSE;
  for (gsize i = 0; i < length; i++)
    {
      if (in_string && data[i] == '\\')
        i++;
      else if (data[i] == '"')
        in_string = !in_string;
      else if (in_string)
        continue;
      else if (strchr (" \t\r\n,:.+-[]{}", data[i]) == NULL && !g_ascii_isalnum (data[i]))
        return FALSE;
      else if ((data[i] == '[' || data[i] == '{') && ++depth > MAX_JSON_DEPTH)
        return FALSE;
      else if ((data[i] == ']' || data[i] == '}') && depth > 0)
        depth--;
    }
  return TRUE;
}

JsonObject *engine_json_parse (const char *data, gsize length, const char *name, GError **error)
{
  if (length > MAX_JSON_BYTES || memchr (data, '\0', length) != NULL
      || !g_utf8_validate (data, (gssize)length, NULL) || !json_is_plain_and_shallow (data, length))
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_FILE,
                   "%s is damaged: its JSON is too large, too deeply nested or malformed; "
                   "get the model again",
                   name);
      return NULL;
    }

  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) local = NULL;
  if (!json_parser_load_from_data (parser, data, (gssize)length, &local))
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_FILE,
                   "%s is damaged: its JSON cannot be read (%s); get the model again", name,
                   local->message);
      return NULL;
    }
  JsonNode *root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_FILE,
                   "%s is damaged: a JSON object was expected; get the model again", name);
      return NULL;
    }
  return json_object_ref (json_node_get_object (root));
}

JsonObject *engine_json_load (const char *path, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, &local);
  if (file == NULL)
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_FILE, "Could not read %s: %s", path,
                   local->message);
      return NULL;
    }
  const char *contents = g_mapped_file_get_contents (file);
  return engine_json_parse (contents != NULL ? contents : "", g_mapped_file_get_length (file), path,
                            error);
}

gboolean engine_json_node_uint (JsonNode *node, guint64 *ret_value)
{
  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node)
      || json_node_get_value_type (node) != G_TYPE_INT64 || json_node_get_int (node) < 0)
    return FALSE;
  *ret_value = (guint64)json_node_get_int (node);
  return TRUE;
}

gboolean engine_json_node_double (JsonNode *node, double *ret_value)
{
  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node))
    return FALSE;
  GType type = json_node_get_value_type (node);
  if (type != G_TYPE_DOUBLE && type != G_TYPE_INT64)
    return FALSE;
  *ret_value
      = type == G_TYPE_DOUBLE ? json_node_get_double (node) : (double)json_node_get_int (node);
  return TRUE;
}

const char *engine_json_node_string (JsonNode *node)
{
  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node)
      || json_node_get_value_type (node) != G_TYPE_STRING)
    return NULL;
  return json_node_get_string (node);
}

gboolean engine_json_get_uint (JsonObject *object, const char *key, guint64 *ret_value)
{
  return engine_json_node_uint (json_object_get_member (object, key), ret_value);
}

gboolean engine_json_get_double (JsonObject *object, const char *key, double *ret_value)
{
  return engine_json_node_double (json_object_get_member (object, key), ret_value);
}

gboolean engine_json_get_bool (JsonObject *object, const char *key, gboolean *ret_value)
{
  JsonNode *node = json_object_get_member (object, key);
  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node)
      || json_node_get_value_type (node) != G_TYPE_BOOLEAN)
    return FALSE;
  *ret_value = json_node_get_boolean (node);
  return TRUE;
}

const char *engine_json_get_string (JsonObject *object, const char *key)
{
  return engine_json_node_string (json_object_get_member (object, key));
}

JsonObject *engine_json_get_object (JsonObject *object, const char *key)
{
  JsonNode *node = json_object_get_member (object, key);
  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

JsonArray *engine_json_get_array (JsonObject *object, const char *key)
{
  JsonNode *node = json_object_get_member (object, key);
  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}
