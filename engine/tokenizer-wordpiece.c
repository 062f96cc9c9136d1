/* Tokenizes for the encoders of the BERT family, which turn passages and questions into vectors.
 *
 * Text comes in and is made plain as uncased BERT was trained: control characters dropped, letters
 * decomposed, accents dropped, small letters, punctuation and Chinese characters set apart. Each
 * word is then covered greedily with the longest pieces of the vocabulary; one part that cannot be
 * covered makes the whole word unknown (Devlin et al. 2018; Wu et al. 2016). GGUF files write a
 * piece that begins a word as "▁piece" and one that continues it bare: with ▁ read as a space, one
 * trie holds both.
 *
 * Decomposition is done character by character without sorting the marks: nearly all that sorting
 * could move are accents, which are dropped, and its quadratic time would be a gift to hostile
 * documents. */
#include "engine/tokenizer-algorithms-private.h"

#include <string.h>

#define MAX_WORD_CHARACTERS 100

struct _EngineWordpiece
{
  EngineTrie *pieces;
  guint32 word_start; /* the node of " "; 0 when no piece begins a word */
  gint32 unknown;
};

EngineWordpiece *engine_wordpiece_new (const EngineVocabulary *vocabulary, gint32 unknown)
{
  EngineWordpiece *wordpiece = g_new0 (EngineWordpiece, 1);
  wordpiece->pieces = engine_vocabulary_plain_trie (vocabulary);
  wordpiece->word_start = engine_trie_step (wordpiece->pieces, 0, ' ');
  wordpiece->unknown = unknown;
  return wordpiece;
}

void engine_wordpiece_free (EngineWordpiece *wordpiece)
{
  if (wordpiece == NULL)
    return;
  engine_trie_free (wordpiece->pieces);
  g_free (wordpiece);
}

/* ---- Pieces ------------------------------------------------------------------------------------
 */

typedef struct
{
  const EngineWordpiece *wordpiece;
  GArray *tokens;
  GString *word;
  guint n_characters; /* of the word */
} Writer;

static gboolean cover_word (Writer *writer)
{
  const EngineWordpiece *wordpiece = writer->wordpiece;
  if (writer->n_characters > MAX_WORD_CHARACTERS || wordpiece->word_start == 0)
    return FALSE;
  for (gsize i = 0, n = 0; i < writer->word->len; i += n)
    {
      gint32 id = engine_trie_longest (wordpiece->pieces, i == 0 ? wordpiece->word_start : 0,
                                       writer->word->str + i, writer->word->len - i, &n);
      if (id < 0)
        return FALSE;
      g_array_append_val (writer->tokens, id);
    }
  return TRUE;
}

static void end_word (Writer *writer)
{
  guint before = writer->tokens->len;
  if (writer->n_characters == 0)
    return;
  if (!cover_word (writer))
    {
      g_array_set_size (writer->tokens, before);
      g_array_append_val (writer->tokens, writer->wordpiece->unknown);
    }
  g_string_truncate (writer->word, 0);
  writer->n_characters = 0;
}

static void append_character (Writer *writer, gunichar c)
{
  /* A word that is unknown for its length already need not be kept. */
  if (writer->n_characters <= MAX_WORD_CHARACTERS)
    {
      g_string_append_unichar (writer->word, c);
      writer->n_characters++;
    }
}

/* ---- Characters --------------------------------------------------------------------------------
 */

static gboolean is_chinese (gunichar c)
{
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF)
         || (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F)
         || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B820 && c <= 0x2CEAF)
         || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

static void write_ascii (Writer *writer, char c)
{
  if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
    end_word (writer);
  else if (g_ascii_ispunct (c))
    {
      end_word (writer);
      append_character (writer, c);
      end_word (writer);
    }
  else if (!g_ascii_iscntrl (c))
    append_character (writer, g_ascii_tolower (c));
}

/* Part of a decomposed character; some parts are ASCII, as in ≠. */
static void write_letter (Writer *writer, gunichar c)
{
  if (c < 0x80)
    {
      write_ascii (writer, c);
      return;
    }
  switch (g_unichar_type (c))
    {
    case G_UNICODE_NON_SPACING_MARK:
      return;
    case G_UNICODE_CONNECT_PUNCTUATION:
    case G_UNICODE_DASH_PUNCTUATION:
    case G_UNICODE_CLOSE_PUNCTUATION:
    case G_UNICODE_FINAL_PUNCTUATION:
    case G_UNICODE_INITIAL_PUNCTUATION:
    case G_UNICODE_OTHER_PUNCTUATION:
    case G_UNICODE_OPEN_PUNCTUATION:
      end_word (writer);
      append_character (writer, c);
      end_word (writer);
      return;
    default:
      break;
    }
  gboolean alone = is_chinese (c);
  if (alone)
    end_word (writer);
  append_character (writer, g_unichar_tolower (c));
  if (alone)
    end_word (writer);
}

static void write_wide (Writer *writer, gunichar c)
{
  gunichar parts[G_UNICHAR_MAX_DECOMPOSITION_LENGTH];
  switch (g_unichar_type (c))
    {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_PRIVATE_USE:
    case G_UNICODE_SURROGATE:
      return;
    case G_UNICODE_SPACE_SEPARATOR:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
      end_word (writer);
      return;
    default:
      break;
    }
  if (c == 0xFFFD)
    return;
  gsize n = g_unichar_fully_decompose (c, FALSE, parts, G_N_ELEMENTS (parts));
  for (gsize i = 0; i < n; i++)
    write_letter (writer, parts[i]);
}

void engine_wordpiece_encode (const EngineWordpiece *wordpiece, const char *text, gsize length,
                              GArray *tokens)
{
  g_autoptr (GString) word = g_string_new (NULL);
  Writer writer = { wordpiece, tokens, word, 0 };
  for (const char *p = text, *end = text + length; p < end; p = g_utf8_next_char (p))
    if ((guchar)*p < 0x80)
      write_ascii (&writer, *p);
    else
      write_wide (&writer, g_utf8_get_char (p));
  end_word (&writer);
}
