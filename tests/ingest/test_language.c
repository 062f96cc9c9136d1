#include "ingest/document-private.h"
#include "support.h"

START_TEST (test_languages_by_their_words)
{
  static const struct
  {
    const char *code, *text;
  } cases[] = {
    { "en", "The night shift begins at nine and it is the duty of the nurse to read the report." },
    { "de", "Die Nachtschicht beginnt um neun und es ist die Aufgabe der Pflege, den Bericht zu "
            "lesen, der auf dem Tisch liegt." },
    { "fr", "Le service de nuit commence à neuf heures et il est du devoir de la soignante de lire "
            "le rapport qui est sur la table." },
    { "es", "Quien llega tarde llama antes a la planta. Después de eso todos leen el informe "
            "juntos, porque nombra a los pacientes que necesitan atención durante la noche" },
    { "ru", "Ночная смена начинается в девять, и медсестра должна прочитать отчёт." },
    { "ja", "夜勤は九時に始まり、看護師は報告書を読まなければなりません。" },
    { NULL, "4711 / 0815" },
    { NULL, "Lorem ipsum dolor sit amet" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const char *code = ingest_guess_language (cases[i].text, strlen (cases[i].text));
      ck_assert_msg (g_strcmp0 (code, cases[i].code) == 0, "%s is not %s", code, cases[i].text);
    }
}
END_TEST

START_TEST (test_a_part_has_the_language_of_the_whole_unless_another_is_clear)
{
  static const char *const spanish
      = "El turno de noche empieza a las nueve y es deber de la enfermera "
        "leer el informe que está en la mesa.";
  static const char *const numbers
      = "Table 3: Dose 5 mg 10 mg 20 mg n=32 n=31 n=35 p=0.03 p=0.04 p=0.05";
  ck_assert_str_eq (ingest_language_of_part (spanish, strlen (spanish), "ca"), "ca");
  ck_assert_str_eq (ingest_language_of_part (numbers, strlen (numbers), "de"), "de");
  static const char *const english
      = "The night shift begins at nine and it is the duty of the nurse to "
        "read the report that lies on the table.";
  ck_assert_str_eq (ingest_language_of_part (english, strlen (english), "de"), "en");
  ck_assert_str_eq (ingest_language_of_part (english, strlen (english), NULL), "en");
}
END_TEST

int main (void)
{
  const TTest *const tests[]
      = { test_languages_by_their_words,
          test_a_part_has_the_language_of_the_whole_unless_another_is_clear };
  return run_suite ("ingest language", tests, G_N_ELEMENTS (tests), NULL, NULL);
}
