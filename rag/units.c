/* Notices another unit: 5 mg is not 5 g, though both sentences have a 5.
 *
 * In come the words of what was said and of its source, out goes whether a number of the one has a
 * unit with which the other never has it. A number that stands alone in the source is no proof
 * against: in a table the unit stands in the first row. */
#include "rag/text-private.h"

#include <string.h>

/* All spellings of one unit, in lower case, between spaces. */
static const char *const units[] = {
  " kg kilo kilos kilogram kilograms kilogramm kilogramme kilogrammes kilogramos chilogrammi ",
  " g gram grams gramm gramme grammes gramo gramos grammo grammi ",
  " mg milligram milligrams milligramm milligramme milligrammes miligramos milligrammi ",
  " µg μg mcg ug microgram micrograms mikrogramm microgrammes microgramos microgrammi ",
  " ml milliliter milliliters millilitre millilitres mililitros millilitri ",
  " l liter liters litre litres litro litros litri ",
  " mm millimeter millimeters millimetre millimetres milímetros millimetri ",
  " cm centimeter centimeters centimetre centimetres zentimeter centímetros centimetri ",
  " m meter meters metre metres mètre mètres metro metros metri ",
  " km kilometer kilometers kilometre kilometres kilómetros chilometri ",
  " mile miles meile meilen ",
  " ms millisecond milliseconds millisekunden ",
  " s sec second seconds sekunde sekunden seconde secondes segundo segundos secondo secondi ",
  " min minute minutes minuten minuto minutos minuti ",
  " h hour hours stunde stunden std heure heures hora horas ora ore ",
  " day days tag tage tagen jour jours día días giorno giorni ",
  " week weeks woche wochen semaine semaines semana semanas settimana settimane ",
  " month months monat monate monaten mois mes meses mese mesi ",
  " year years jahr jahre jahren an ans année années año años anno anni ",
  " mmol millimol ",
  " mol ",
  " percent % prozent percentage ",
  " € euro euros eur ",
  " $ dollar dollars usd ",
  " £ pound pounds gbp ",
};
#define FIRST_CURRENCY (G_N_ELEMENTS (units) - 3)

/* Index into units, or −1. */
static int unit_of (const char *text, const RagWord *word)
{
  g_autofree char *lower = g_utf8_strdown (text + word->start, word->end - word->start);
  g_autofree char *spaced = g_strdup_printf (" %s ", lower);
  for (gsize i = 0; i < G_N_ELEMENTS (units); i++)
    if (strstr (units[i], spaced) != NULL)
      return (int)i;
  return -1;
}

/* Spaces, a hyphen or nothing between two words: "5 mg", "24-hour", "5mg". */
static gboolean is_beside (const char *text, const RagWord *left, const RagWord *right)
{
  for (guint i = left->end; i < right->start; i++)
    if (strchr (" -\n\xC2\xA0", text[i]) == NULL)
      return FALSE;
  return TRUE;
}

/* The word that is the unit of number I, NULL when it has none that we know. */
static const RagWord *unit_word (const char *text, const GArray *words, guint i)
{
  const RagWord *word = &g_array_index (words, RagWord, i);
  if (i + 1 < words->len && is_beside (text, word, word + 1) && unit_of (text, word + 1) >= 0)
    return word + 1;
  if (i > 0 && is_beside (text, word - 1, word) && unit_of (text, word - 1) >= (int)FIRST_CURRENCY)
    return word - 1;
  return NULL;
}

/* Its index, −1 when there is none. */
static int unit_beside (const char *text, const GArray *words, guint i)
{
  const RagWord *word = unit_word (text, words, i);
  return word != NULL ? unit_of (text, word) : -1;
}

const char *rag_unit_beside (const char *text, const GArray *words, guint i, guint *ret_start,
                             guint *ret_end)
{
  const RagWord *unit = unit_word (text, words, i);
  if (unit == NULL)
    return NULL;
  *ret_start = MIN (*ret_start, unit->start);
  *ret_end = MAX (*ret_end, unit->end);
  return units[unit_of (text, unit)];
}

/* Whether the source has the number FORM, and never with UNIT or alone. */
static gboolean has_only_other (const char *text, const GArray *words, const char *form, int unit)
{
  gboolean found = FALSE;
  for (guint i = 0; i < words->len; i++)
    if (strcmp (g_array_index (words, RagWord, i).form, form) == 0)
      {
        int other = unit_beside (text, words, i);
        if (other < 0 || other == unit)
          return FALSE;
        found = TRUE;
      }
  return found;
}

gboolean rag_has_other_unit (const char *said_text, const GArray *said_words,
                             const char *source_text, const GArray *source_words)
{
  for (guint i = 0; i < said_words->len; i++)
    {
      const RagWord *word = &g_array_index (said_words, RagWord, i);
      int unit = word->kind == RAG_WORD_NUMBER ? unit_beside (said_text, said_words, i) : -1;
      if (unit >= 0 && has_only_other (source_text, source_words, word->form, unit))
        return TRUE;
    }
  return FALSE;
}
