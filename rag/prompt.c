/* Words what the model is told.
 *
 * In come the chosen passages and the question, out go the messages of a chat. The texts are in
 * rag/prompts, where they can be read and compared; nothing from a document can end a message,
 * because the engine turns message text into ordinary tokens only. */
#include "rag/answer-private.h"

#include <string.h>

typedef struct
{
  const char *name, *value;
} Slot;

/* One pass from left to right, so that a passage that contains "%QUESTION%" stays text. */
static char *fill (const char *template, const Slot *slots, gsize n_slots)
{
  GString *text = g_string_new (NULL);
  for (const char *p = template; *p != '\0';)
    {
      const Slot *slot = NULL;
      for (gsize i = 0; i < n_slots && slot == NULL; i++)
        if (g_str_has_prefix (p, slots[i].name))
          slot = &slots[i];
      if (slot == NULL)
        g_string_append_c (text, *p++);
      else
        {
          g_string_append (text, slot->value);
          p += strlen (slot->name);
        }
    }
  return g_strchomp (g_string_free (text, FALSE));
}

void rag_prompt_build_from (const RagEvidence *evidence, const RagQuestion *question,
                            const char *system_name, const char *user_name, RagPrompt *ret_prompt)
{
  g_autofree char *template = rag_load_text (user_name);
  g_autofree char *passages = rag_evidence_text (evidence);
  /* Small models answer in English unless they are told otherwise in the language itself. */
  g_autofree char *reminder_name
      = g_strdup_printf ("prompts/answer-%s.txt", rag_language_code (question->language));
  g_autofree char *reminder = rag_load_text (reminder_name);
  const Slot slots[] = { { "%PASSAGES%", passages },
                         { "%QUESTION%", question->text },
                         { "%REMINDER%", reminder } };
  ret_prompt->system = rag_load_text (system_name);
  ret_prompt->n_fixed = strcspn (template, "%");
  ret_prompt->user = fill (template, slots, G_N_ELEMENTS (slots));
}

void rag_prompt_build (const RagEvidence *evidence, const RagQuestion *question,
                       RagPrompt *ret_prompt)
{
  rag_prompt_build_from (evidence, question, "prompts/system.txt", "prompts/user.txt", ret_prompt);
}

void rag_prompt_clear (RagPrompt *prompt)
{
  g_clear_pointer (&prompt->system, g_free);
  g_clear_pointer (&prompt->user, g_free);
}

/* The first is the one that the model is told to write; it may translate it. NULL-terminated. */
static char **refusals (void)
{
  static char **sentences;
  static gsize once = 0;
  if (g_once_init_enter (&once))
    {
      g_autofree char *text = rag_load_text ("prompts/refusal.txt");
      sentences = g_strsplit (g_strstrip (text), "\n", -1);
      g_once_init_leave (&once, 1);
    }
  return sentences;
}

const char *rag_refusal_sentence (void)
{
  return refusals ()[0];
}

/* Letters only, in lower case: "Not in the documents." → "notinthedocuments". */
static char *letters (const char *text)
{
  g_autofree char *folded = rag_fold (text, -1);
  GString *kept = g_string_new (NULL);
  for (const char *p = folded; *p != '\0'; p = g_utf8_next_char (p))
    if (g_unichar_isalnum (g_utf8_get_char (p)))
      g_string_append_unichar (kept, g_utf8_get_char (p));
  return g_string_free (kept, FALSE);
}

/* At its beginning or right after a "no". */
gboolean rag_is_refusal (const char *answer)
{
  const gsize longest_no = strlen ("nein");
  g_autofree char *given = letters (answer);
  for (char **sentence = refusals (); *sentence != NULL; sentence++)
    {
      g_autofree char *refusal = letters (*sentence);
      const char *found = strstr (given, refusal);
      if (found != NULL && (gsize)(found - given) <= longest_no)
        return TRUE;
    }
  return *given == '\0';
}

gboolean rag_may_become_refusal (const char *answer)
{
  g_autofree char *given = letters (answer);
  for (char **sentence = refusals (); *sentence != NULL; sentence++)
    {
      g_autofree char *refusal = letters (*sentence);
      if (g_str_has_prefix (refusal, given))
        return TRUE;
    }
  return FALSE;
}
