/* How a brief sounds: a few words for the model beside what it is asked.
 *
 * In: the name of one of ours, or a file that an editor wrote. Out: text for the prompt. A tone is a
 * wish about words only: what it says goes through the same gate as ever. */
#include "rag/brief-private.h"
#include "rag/text-private.h"

#include <string.h>

/* A small model that is told much does little of it, and every word is read again for every story. */
#define MAX_TONE_BYTES 2000

static const char *const names[] = { "formal", "friendly", "press", NULL };

char *rag_tone_load (const char *name, GError **error)
{
  if (g_strv_contains (names, name))
    {
      g_autofree char *text = g_strdup_printf ("prompts/tone-%s.txt", name);
      return rag_load_text (text);
    }
  g_autofree char *text = NULL;
  g_autoptr (GError) reason = NULL;
  gsize size = 0;
  if (g_file_get_contents (name, &text, &size, &reason) && size <= MAX_TONE_BYTES
      && g_utf8_validate (text, (gssize)size, NULL))
    return g_strstrip (g_steal_pointer (&text));
  g_autofree char *all = g_strjoinv (", ", (char **)names);
  g_set_error (error, RAG_ERROR, RAG_ERROR_INPUT,
               "there is no tone “%s” (%s); ours are %s, or name a file", name,
               reason != NULL ? reason->message : "it is no text of at most 2,000 bytes", all);
  return NULL;
}
