/* JSON files of model folders, read defensively: size, nesting and UTF-8 are checked before the
 * parser sees them, and a member of the wrong kind counts as absent. json.c. */
#pragma once

#include <json-glib/json-glib.h>

#include "engine/engine.h"

/* Parses LENGTH bytes that hold one JSON object; NAME is the file for error messages. */
JsonObject *engine_json_parse (const char *data, gsize length, const char *name, GError **error);
JsonObject *engine_json_load (const char *path, GError **error);

/* Each leaves the return parameter alone (or returns NULL) when KEY is absent or of another kind.
 * What is returned is borrowed from OBJECT. */
gboolean engine_json_get_uint (JsonObject *object, const char *key, guint64 *ret_value);
gboolean engine_json_get_double (JsonObject *object, const char *key, double *ret_value);
gboolean engine_json_get_bool (JsonObject *object, const char *key, gboolean *ret_value);
const char *engine_json_get_string (JsonObject *object, const char *key);
JsonObject *engine_json_get_object (JsonObject *object, const char *key);
JsonArray *engine_json_get_array (JsonObject *object, const char *key);

/* The same for one node, which may be NULL. */
gboolean engine_json_node_uint (JsonNode *node, guint64 *ret_value);
gboolean engine_json_node_double (JsonNode *node, double *ret_value);
const char *engine_json_node_string (JsonNode *node);
