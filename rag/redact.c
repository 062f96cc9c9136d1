/* Takes personal data out of a brief before it is sent: addresses, numbers and names by which a
 * person can be found.
 *
 * In: a brief. Out: the same with "[e-mail]", "[phone]" and the like in their places, in statements,
 * quotations, titles and notes. What has a form is found by its form, a name by the title before it
 * ("Dr. Anna Berg"). A name that stands alone cannot be told from any other word without a list of
 * all names, so it stays: whoever must be sure reads it first (--review). */
#include "rag/brief-private.h"

#include <string.h>

/* One of a name: "Anna", "J.", "Müller-Lüdenscheidt". */
#define NAME "(?:\\p{Lu}\\.|\\p{Lu}(?:\\p{L}|['’-])*)"

typedef struct
{
  const char *pattern, *replacement;
} Rule;

/* In this order: an account number holds what looks like a telephone number. */
static const Rule rules[] = {
  { "[\\w.+-]+@[\\w-]+(?:\\.[\\w-]+)+", "[e-mail]" },
  { "\\b[A-Z]{2}\\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\\b", "[account]" },
  { "\\b(?:\\d{4}[ -]){3}\\d{4}\\b", "[card]" },
  { "\\b\\d{3}-\\d{2}-\\d{4}\\b", "[social security number]" },
  { "(?i)(\\b(?:born(?: on)?|date of birth:?|dob:?|geboren(?: am)?|geb\\.(?: am)?|"
    "Geburtsdatum:?|née? le)\\s+)(?:\\d{1,2}[./-]\\d{1,2}[./-]\\d{2,4}|\\d{4}-\\d{2}-\\d{2}|"
    "\\d{1,2}\\.? \\p{L}+,? \\d{4}|\\p{L}+ \\d{1,2},? \\d{4})",
    "\\1[date of birth]" },
  { "(?i)(\\b(?:phone|telephone|tel|fax|mobile|cell|call|Telefon|Tel|Mobil|téléphone)\\b[.:]{0,2}\\s*)"
    "\\+?\\(?\\d[\\d ()/.-]{4,18}\\d",
    "\\1[phone]" },
  { "(?:\\+\\d{1,3}|\\b00\\d{1,3})[ ()/.-]*\\d[\\d ()/.-]{5,16}\\d", "[phone]" },
  { "\\(?\\b\\d{3}\\)?[ .-]\\d{3}[.-]\\d{4}\\b", "[phone]" },
  { "(\\b(?:(?:Dr|Prof|Mr|Mrs|Ms|Mx|Herrn?|Frau|Monsieur|Madame|Mme)\\b\\.?|(?:Hr|Fr|M)\\.))"
    "(?: (?:Dr|Prof|med|rer|nat|phil)\\.)*(?: (?:von|van|de|der|zu|" NAME ")){0,3} " NAME
    "(?!\\p{L})",
    "\\1 [name]" },
};

char *rag_redact (const char *text)
{
  g_autofree char *redacted = g_strdup (text);
  for (gsize i = 0; i < G_N_ELEMENTS (rules); i++)
    {
      /* PCRE gives up on texts made to keep it busy: then nothing of them is shown. */
      char *next = g_regex_replace (rag_pattern (rules[i].pattern, G_REGEX_OPTIMIZE), redacted, -1, 0,
                                    rules[i].replacement, 0, NULL);
      g_free (redacted);
      redacted = next != NULL ? next : g_strdup ("[…]");
    }
  return g_steal_pointer (&redacted);
}

static void redact (char **text)
{
  char *redacted = *text != NULL ? rag_redact (*text) : NULL;
  g_free (*text);
  *text = redacted;
}

static void redact_section (RagSection *section)
{
  redact (&section->title);
  redact (&section->lead);
  for (guint p = 0; p < section->points->len; p++)
    {
      RagPoint *point = g_ptr_array_index (section->points, p);
      redact (&point->text);
      for (guint c = 0; c < point->citations->len; c++)
        {
          RagCitation *citation = g_ptr_array_index (point->citations, c);
          redact (&citation->quote);
          redact (&citation->title);
          redact (&citation->section);
        }
    }
}

void rag_brief_redact (RagBrief *brief)
{
  redact (&brief->title);
  for (guint s = 0; s < brief->sections->len; s++)
    redact_section (g_ptr_array_index (brief->sections, s));
  for (guint i = 0; i < brief->notes->len; i++)
    redact ((char **)&g_ptr_array_index (brief->notes, i));
}
