/* Finds the prompts and word lists that are compiled into the program. Naming the resource here
 * also keeps the linker from leaving it out of a static library. */
#include "rag-resources.h"
#include "rag/text-private.h"

char *rag_load_text (const char *name)
{
  g_autofree char *path = g_strconcat ("/docent/rag/", name, NULL);
  g_autoptr (GBytes) bytes
      = g_resource_lookup_data (rag_get_resource (), path, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  gsize size = 0;
  const char *data = bytes != NULL ? g_bytes_get_data (bytes, &size) : "";
  return g_strchomp (g_strndup (data, size));
}
