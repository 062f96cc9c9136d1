/* Tells what kind of question was asked, before any model or index runs.
 *
 * In comes the text, out goes what is wanted of it. Most questions want a fact and go the usual
 * way; but the best few passages cannot answer "which documents mention X", and nobody needs a
 * model to return a greeting. By patterns, in five languages: a question of these kinds is put in
 * few ways, and one that is not recognised is only answered as usual. */
#include "rag/answer-private.h"

#include <string.h>

#define DOCUMENTS_EN "(?:documents?|files?|papers?|pages?|passages?|places?|sentences?)"
#define DOCUMENTS_DE "(?:dokumente?n?|dateien?|seiten?|stellen?|sätze?)"
#define OBJECT "(?<object>.+?)"
#define END "[\\s?.!]*$"

static const struct
{
  RagIntent intent;
  const char *pattern;
} patterns[] = {
  { RAG_INTENT_GREETING,
    "^¡?(?:hi|hello|hey|good (?:morning|day|evening|afternoon)|hallo|guten "
    "(?:tag|morgen|abend)|moin|"
    "servus|grüezi|bonjour|bonsoir|salut|hola|buenos días|buenas tardes|ciao|buongiorno|buonasera)"
    "(?: there| everyone| docent| zusammen)?[\\s!.,?]*$" },
  { RAG_INTENT_GREETING,
    "^(?:thanks?|thank you|many thanks|danke|vielen dank|danke schön|merci|gracias|muchas gracias|"
    "grazie)(?: you| very much| a lot| sehr| beaucoup)?[\\s!.,]*$" },

  { RAG_INTENT_MENTION,
    "^(?:which|what|how many|list|list all|show|show me|show me all|name|name all|"
    "find all)(?: of)?(?: the| all| all the| every)? ?" DOCUMENTS_EN
    " (?:that |which |do |does |in which |where )?(?:mentions?|contains?|names?|"
    "discuss(?:es)?|talks? about|speaks? of|speaks? about|refers? to|(?:is|are) "
    "about|says? something about) " OBJECT END },
  { RAG_INTENT_MENTION, "^(?:how often|how many times|where)(?: is| are| does| do) " OBJECT
                        " (?:mentioned|named|discussed|occur|appear)" END },
  { RAG_INTENT_MENTION,
    "^(?:list|show|find)(?: me)? (?:all|every) (?:mentions?|occurrences?) of " OBJECT END },
  { RAG_INTENT_MENTION, "^(?:welche|wie viele|liste alle|zeige alle|nenne alle|alle) " DOCUMENTS_DE
                        "(?:,? die)? (?:erwähnen|enthalten|nennen|behandeln|sprechen (?:von|über)|"
                        "handeln von) " OBJECT END },
  { RAG_INTENT_MENTION,
    "^(?:wie oft|wo) (?:wird|werden|kommt|kommen) " OBJECT " (?:erwähnt|genannt|vor)" END },
  { RAG_INTENT_MENTION, "^(?:quels|combien de) (?:documents?|fichiers?|pages?) (?:mentionnent|"
                        "contiennent|parlent d['e]|citent) ?" OBJECT END },
  { RAG_INTENT_MENTION, "^¿?(?:qué|cuáles|cuántos) (?:documentos?|archivos?|páginas?) (?:mencionan|"
                        "contienen|hablan de|citan) " OBJECT END },
  { RAG_INTENT_MENTION, "^(?:quali|quanti) (?:documenti|file) (?:menzionano|contengono|parlano di|"
                        "citano) " OBJECT END },

  { RAG_INTENT_LIBRARY,
    "^(?:how many|which|what) (?:documents|files)(?: (?:are|do you have|do you know|"
    "have you|does (?:this|the|my) library|can you)\\b.*)?" END },
  { RAG_INTENT_LIBRARY,
    "^(?:what (?:is|do you have) in (?:this|the|my|your) library|what do you know|"
    "what can you do|what can i ask(?: you)?|who are you|what are you|"
    "what is docent|list (?:all )?(?:the |my )?(?:documents|files))" END },
  { RAG_INTENT_LIBRARY,
    "^(?:wie viele|welche) (?:dokumente|dateien)(?: (?:gibt es|hast du|kennst du|"
    "sind)\\b.*)?" END },
  { RAG_INTENT_LIBRARY,
    "^(?:was kannst du|wer bist du|was ist in der bibliothek|was weißt du)" END },
  { RAG_INTENT_LIBRARY, "^(?:quels|combien de) documents (?:y a|as-tu|avez-vous|sont)\\b.*$" },
  { RAG_INTENT_LIBRARY, "^¿?(?:qué|cuántos) documentos (?:hay|tienes|son)\\b.*$" },
  { RAG_INTENT_LIBRARY, "^(?:quali|quanti) documenti (?:ci sono|hai|sono)\\b.*$" },

  { RAG_INTENT_SUMMARY, "^(?:please )?(?:summari[sz]e|sum up|give (?:me )?a summary of|what is the "
                        "summary of)(?: the)?(?: (?:document|file|paper))? " OBJECT END },
  { RAG_INTENT_SUMMARY, "^(?:bitte )?fasse?(?: das| die| den)?(?: dokument| datei)? " OBJECT
                        " (?:bitte )?zusammen" END },
  { RAG_INTENT_SUMMARY, "^résume[zr]?(?: le document)? " OBJECT END },
  { RAG_INTENT_SUMMARY, "^(?:resume|resumir)(?: el documento)? " OBJECT END },
  { RAG_INTENT_SUMMARY, "^riassumi(?: il documento)? " OBJECT END },
};

static char *unquoted (const char *object)
{
  static const char *const marks[] = { "\"", "'", "“", "”", "„", "«", "»", "‘", "’" };
  const char *begin = object, *end = object + strlen (object);
  for (gboolean more = TRUE; more;)
    {
      more = FALSE;
      for (guint i = 0; i < G_N_ELEMENTS (marks); i++)
        {
          gsize length = strlen (marks[i]);
          if (begin + length <= end && memcmp (begin, marks[i], length) == 0)
            begin += length, more = TRUE;
          if (begin + length <= end && memcmp (end - length, marks[i], length) == 0)
            end -= length, more = TRUE;
        }
    }
  return g_strndup (begin, end - begin);
}

/* "the word “break”" is about break. */
static char *clean_object (char *object)
{
  static const char *const before[]
      = { "the word ",    "the term ", "the name ",   "the ",      "das wort ",
          "den begriff ", "le mot ",   "la palabra ", "la parola " };
  g_autofree char *held = g_strstrip (object);
  const char *text = held;
  for (guint i = 0; i < G_N_ELEMENTS (before); i++)
    if (g_ascii_strncasecmp (text, before[i], strlen (before[i])) == 0)
      {
        text += strlen (before[i]);
        break;
      }
  return unquoted (text);
}

const char *rag_intent_name (RagIntent intent)
{
  static const char *const names[] = { [RAG_INTENT_QUESTION] = "question",
                                       [RAG_INTENT_GREETING] = "greeting",
                                       [RAG_INTENT_LIBRARY] = "library",
                                       [RAG_INTENT_MENTION] = "mention",
                                       [RAG_INTENT_SUMMARY] = "summary" };
  return names[intent];
}

RagIntent rag_intent (const char *text, char **ret_object)
{
  g_autofree char *line = rag_one_line (text, -1);
  for (guint i = 0; i < G_N_ELEMENTS (patterns); i++)
    {
      g_autoptr (GMatchInfo) match = NULL;
      if (!g_regex_match (rag_pattern (patterns[i].pattern, G_REGEX_CASELESS), line, 0, &match))
        continue;
      char *object = g_match_info_fetch_named (match, "object");
      *ret_object = object != NULL ? clean_object (object) : NULL;
      return patterns[i].intent;
    }
  *ret_object = NULL;
  return RAG_INTENT_QUESTION;
}
