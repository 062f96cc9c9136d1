/* Notices sentences that speak to a program instead of a reader.
 *
 * "Ignore all previous instructions" in a document is no evidence of anything, so such a sentence
 * is neither given to the model nor cited. This only makes attacks rarer and dearer: what a model
 * may do is bounded elsewhere (no tools, special tokens off, every sentence proved). */
#include "rag/text-private.h"

#include <string.h>

/* Markers of chat formats that a model could take for the end of the passages. */
static const char *const markers[] = { "<|im_start|>",
                                       "<|im_end|>",
                                       "<|system|>",
                                       "<|user|>",
                                       "<|assistant|>",
                                       "<|eot_id|>",
                                       "[inst]",
                                       "[/inst]",
                                       "<<sys>>",
                                       "<start_of_turn>",
                                       "### instruction",
                                       "### response",
                                       "<|start_header_id|>" };

static const char *const patterns[] = {
  "\\b(?:ignore|disregard|forget|override)(?: all| any| the| your| of)* "
  "(?:previous|prior|above|earlier|preceding) (?:instruction|rule|prompt|message|text|direction)",
  "\\bignor(?:iere|ieren sie) (?:alle )?(?:vorherigen|bisherigen|obigen|früheren) anweisungen",
  "\\bignore[rz]? (?:toutes )?les instructions précédentes",
  "\\bignor[ae] (?:todas )?las instrucciones anteriores",
  "\\bignor[ai] (?:tutte )?le istruzioni precedenti",
  "\\b(?:reply|answer|respond) (?:only|every question|each question|all questions)(?: only)? "
  "with\\b",
  "\\bantworte auf (?:jede|alle) fragen? (?:nur )?mit\\b",
  "\\b(?:note|message|instructions?) (?:to|for) (?:the |an? |any )?(?:ai|assistant|language "
  "model|llm|chatbot)\\b",
  "\\bif you are an? (?:ai|assistant|language model|llm|chatbot)\\b",
  "\\byour (?:system prompt|instructions) and then\\b",
  "^do not answer\\W*$",
  "\\b(?:send|upload|post|print) (?:all )?(?:the )?contents of the library\\b",
};

static GRegex *order_regex (void)
{
  static GRegex *regex;
  static gsize once = 0;
  if (g_once_init_enter (&once))
    {
      g_autoptr (GString) pattern = g_string_new (NULL);
      for (guint i = 0; i < G_N_ELEMENTS (patterns); i++)
        g_string_append_printf (pattern, "%s(?:%s)", i > 0 ? "|" : "", patterns[i]);
      regex = g_regex_new (pattern->str, G_REGEX_CASELESS | G_REGEX_OPTIMIZE, 0, NULL);
      g_once_init_leave (&once, 1);
    }
  return regex;
}

gboolean rag_is_order (const char *text, gsize length)
{
  g_autofree char *line = rag_one_line (text, (gssize)length);
  g_autofree char *lower = g_utf8_strdown (line, -1);
  for (guint i = 0; i < G_N_ELEMENTS (markers); i++)
    if (strstr (lower, markers[i]) != NULL)
      return TRUE;
  return g_regex_match (order_regex (), lower, 0, NULL);
}
