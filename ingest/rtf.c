/* RTF, the text format of WordPad and of clipboards. Text with control words in nested groups; a
 * group may change the character set, hide text or be no text at all (fonts, pictures, styles).
 * Bytes are collected until the character set changes and are decoded then, because a character
 * may take two of them. */
#include "ingest/parse-private.h"
#include "ingest/prose-private.h"

#include <string.h>
#include <unicode/ucnv.h>

#define GROUPS_MAX 512
#define FONTS_MAX 4096

typedef struct
{
  gboolean skip;      /* a destination that is not text */
  gboolean hidden;    /* \v */
  guint unicode_skip; /* \uc */
  guint charset;      /* Windows code page */
  gboolean footnote, title;
} Group;

typedef struct
{
  IngestDocument *document;
  GArray *groups;    /* Group, the innermost last */
  GHashTable *fonts; /* number → code page */
  GString *bytes;    /* in the code page of the innermost group */
  GString *text;     /* UTF-8 of the open paragraph, row or note */
  GString *note;     /* footnotes of the open paragraph */
  GString *title;
  guint code_page; /* of the document */
  guint font;      /* of the font table's entry that is open */
  guint skip_characters;
  guint outline; /* heading level of the paragraph, 0 for none */
  guint n_notes;
  gboolean in_row, in_fonts, item, starred;
} Reader;

static Group *top (Reader *reader)
{
  return &g_array_index (reader->groups, Group, reader->groups->len - 1);
}

static GString *target (Reader *reader)
{
  return top (reader)->footnote ? reader->note : top (reader)->title ? reader->title : reader->text;
}

static void flush_bytes (Reader *reader)
{
  if (reader->bytes->len == 0)
    return;
  char name[24];
  UErrorCode status = U_ZERO_ERROR;
  gsize capacity = reader->bytes->len * 4 + 16;
  g_autofree char *utf8 = g_malloc (capacity);
  g_snprintf (name, sizeof name, "windows-%u", top (reader)->charset);
  gint32 written
      = ucnv_convert ("UTF-8", ucnv_countAliases (name, &status) > 0 ? name : "windows-1252", utf8,
                      capacity, reader->bytes->str, reader->bytes->len, &status);
  if (U_SUCCESS (status))
    g_string_append_len (target (reader), utf8, written);
  g_string_truncate (reader->bytes, 0);
}

static gboolean is_shown (Reader *reader)
{
  return !top (reader)->skip && !top (reader)->hidden;
}

static void add_byte (Reader *reader, char byte)
{
  if (reader->skip_characters > 0)
    reader->skip_characters--;
  else if (is_shown (reader))
    g_string_append_c (reader->bytes, byte);
}

static void add_character (Reader *reader, gunichar c)
{
  flush_bytes (reader);
  if (is_shown (reader) && g_unichar_validate (c) && c != 0)
    g_string_append_unichar (target (reader), c);
}

/* ---- Paragraphs and rows ---- */

static void end_paragraph (Reader *reader)
{
  flush_bytes (reader);
  gsize marker = ingest_prose_marker_length (reader->text->str, reader->text->len);
  IngestBlockKind kind = reader->outline > 0          ? INGEST_BLOCK_HEADING
                         : reader->item && marker > 0 ? INGEST_BLOCK_LIST_ITEM
                                                      : INGEST_BLOCK_PARAGRAPH;
  ingest_document_add_text (reader->document, kind, reader->outline, reader->text->str);
  if (reader->note->len > 0)
    ingest_document_add_text (reader->document, INGEST_BLOCK_FOOTNOTE, 0, reader->note->str);
  g_string_truncate (reader->text, 0);
  g_string_truncate (reader->note, 0);
  reader->item = FALSE;
}

static void end_row (Reader *reader)
{
  flush_bytes (reader);
  ingest_document_add_text (reader->document, INGEST_BLOCK_TABLE_ROW, 0, reader->text->str);
  g_string_truncate (reader->text, 0);
  reader->in_row = FALSE;
}

/* ---- Control words ---- */

static guint code_page_of_charset (gint charset)
{
  static const struct
  {
    gint charset;
    guint page;
  } pages[] = { { 128, 932 },  { 129, 949 },  { 134, 936 },  { 136, 950 },  { 161, 1253 },
                { 162, 1254 }, { 163, 1258 }, { 177, 1255 }, { 178, 1256 }, { 186, 1257 },
                { 204, 1251 }, { 222, 874 },  { 238, 1250 }, { 0, 1252 } };
  for (gsize i = 0; i < G_N_ELEMENTS (pages); i++)
    if (pages[i].charset == charset)
      return pages[i].page;
  return 0;
}

static gboolean is_no_text (const char *word)
{
  static const char *const words[] = { "colortbl",
                                       "stylesheet",
                                       "pict",
                                       "header",
                                       "headerl",
                                       "headerr",
                                       "headerf",
                                       "footer",
                                       "footerl",
                                       "footerr",
                                       "footerf",
                                       "xe",
                                       "tc",
                                       "generator",
                                       "filetbl",
                                       "listtable",
                                       "listoverridetable",
                                       "revtbl",
                                       "rsidtbl",
                                       "themedata",
                                       "colorschememapping",
                                       "datastore",
                                       "latentstyles",
                                       "fldinst",
                                       "bkmkstart",
                                       "bkmkend",
                                       "nonshppict",
                                       "annotation",
                                       "author",
                                       "operator",
                                       "company",
                                       "comment",
                                       "keywords",
                                       "subject",
                                       "doccomm",
                                       "creatim",
                                       "revtim",
                                       "printim",
                                       "template",
                                       "manager",
                                       "category",
                                       "hlinkbase",
                                       "atnid",
                                       "atnauthor",
                                       "atnref",
                                       "atntime",
                                       "atndate",
                                       "userprops",
                                       "xmlnstbl",
                                       "mmathPr" };
  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    if (strcmp (word, words[i]) == 0)
      return TRUE;
  return FALSE;
}

/* TRUE when WORD is a character. */
static gboolean add_symbol (Reader *reader, const char *word)
{
  static const struct
  {
    const char *word;
    gunichar c;
  } symbols[] = { { "emdash", 0x2014 }, { "endash", 0x2013 },    { "lquote", 0x2018 },
                  { "rquote", 0x2019 }, { "ldblquote", 0x201C }, { "rdblquote", 0x201D },
                  { "bullet", 0x2022 }, { "emspace", ' ' },      { "enspace", ' ' },
                  { "qmspace", ' ' },   { "tab", ' ' },          { "line", '\n' } };
  for (gsize i = 0; i < G_N_ELEMENTS (symbols); i++)
    if (strcmp (word, symbols[i].word) == 0)
      {
        add_character (reader, symbols[i].c);
        return TRUE;
      }
  return FALSE;
}

static void select_font (Reader *reader, gint number)
{
  guint page = GPOINTER_TO_UINT (g_hash_table_lookup (reader->fonts, GINT_TO_POINTER (number)));
  flush_bytes (reader);
  reader->font = number;
  top (reader)->charset = page != 0 ? page : reader->code_page;
}

static void set_font_charset (Reader *reader, gint charset)
{
  guint page = code_page_of_charset (charset);
  if (page != 0 && g_hash_table_size (reader->fonts) < FONTS_MAX)
    g_hash_table_insert (reader->fonts, GINT_TO_POINTER ((gint)reader->font),
                         GUINT_TO_POINTER (page));
}

/* Words that change how what follows is read. */
static void change_state (Reader *reader, const char *word, gboolean has_value, gint value)
{
  Group *group = top (reader);
  if (strcmp (word, "ansicpg") == 0 && value > 0)
    group->charset = reader->code_page = value;
  else if (strcmp (word, "uc") == 0)
    group->unicode_skip = CLAMP (value, 0, 16);
  else if (strcmp (word, "f") == 0)
    select_font (reader, value);
  else if (strcmp (word, "fcharset") == 0 && reader->in_fonts)
    set_font_charset (reader, value);
  else if (strcmp (word, "v") == 0)
    {
      flush_bytes (reader);
      group->hidden = !has_value || value != 0;
    }
  else if (strcmp (word, "plain") == 0)
    {
      flush_bytes (reader);
      group->hidden = FALSE;
    }
  else if (strcmp (word, "pard") == 0)
    reader->outline = 0, reader->in_row = FALSE, reader->item = FALSE;
  else if (strcmp (word, "intbl") == 0)
    reader->in_row = TRUE;
  else if (strcmp (word, "outlinelevel") == 0)
    reader->outline = value >= 0 && value < 9 ? MIN (value + 1, 6) : 0;
  else if (strcmp (word, "listtext") == 0 || strcmp (word, "pntext") == 0)
    reader->item = TRUE;
}

static void begin_note (Reader *reader)
{
  flush_bytes (reader);
  reader->n_notes++;
  g_string_append_printf (reader->text, "[%u]", reader->n_notes);
  g_string_append_printf (reader->note, "%s[%u] ", reader->note->len > 0 ? "\n" : "",
                          reader->n_notes);
  top (reader)->footnote = TRUE;
}

static void control_word (Reader *reader, const char *word, gboolean has_value, gint value)
{
  Group *group = top (reader);
  gboolean starred = reader->starred;
  reader->starred = FALSE;
  if (strcmp (word, "fonttbl") == 0)
    reader->in_fonts = group->skip = TRUE;
  else if (is_no_text (word)
           || (starred && strcmp (word, "shpinst") != 0 && strcmp (word, "pntext") != 0))
    {
      flush_bytes (reader);
      group->skip = TRUE;
    }
  else if (strcmp (word, "u") == 0)
    {
      add_character (reader, value < 0 ? value + 65536 : value);
      reader->skip_characters = group->unicode_skip;
    }
  else if (strcmp (word, "footnote") == 0 && !group->skip)
    begin_note (reader);
  else if (strcmp (word, "title") == 0)
    {
      flush_bytes (reader);
      group->title = TRUE;
    }
  else if (group->skip || add_symbol (reader, word))
    change_state (reader, word, has_value, value);
  else if (strcmp (word, "cell") == 0)
    {
      flush_bytes (reader);
      g_string_append_c (reader->text, '\t');
    }
  else if (strcmp (word, "row") == 0)
    end_row (reader);
  else if (strcmp (word, "par") == 0 || strcmp (word, "sect") == 0 || strcmp (word, "page") == 0)
    {
      if (group->footnote || reader->in_row)
        add_character (reader, ' ');
      else
        end_paragraph (reader);
    }
  else
    change_state (reader, word, has_value, value);
}

/* ---- Syntax ---- */

static void open_group (Reader *reader)
{
  flush_bytes (reader);
  Group group = *top (reader);
  g_array_append_val (reader->groups, group);
}

static void close_group (Reader *reader)
{
  flush_bytes (reader);
  if (reader->groups->len > 1)
    g_array_set_size (reader->groups, reader->groups->len - 1);
  reader->in_fonts = reader->in_fonts && top (reader)->skip;
}

/* A backslash and what belongs to it; returns where to go on. */
static const char *read_control (Reader *reader, const char *at, const char *end)
{
  char word[32];
  gsize n = 0;
  const char *start = at;
  while (at < end && g_ascii_isalpha (*at))
    at++;
  n = MIN ((gsize)(at - start), sizeof word - 1);
  memcpy (word, start, n);
  word[n] = '\0';
  if (n == 0)
    {
      if (at + 2 < end && *at == '\'' && g_ascii_isxdigit (at[1]) && g_ascii_isxdigit (at[2]))
        {
          add_byte (reader, g_ascii_xdigit_value (at[1]) * 16 + g_ascii_xdigit_value (at[2]));
          return at + 3;
        }
      if (at < end && *at == '*')
        reader->starred = TRUE;
      else if (at < end && *at == '~')
        add_byte (reader, ' ');
      else if (at < end && *at == '_')
        add_byte (reader, '-');
      else if (at < end && (*at == '\n' || *at == '\r'))
        control_word (reader, "par", FALSE, 0);
      else if (at < end && strchr ("\\{}", *at) != NULL)
        add_byte (reader, *at);
      return at < end ? at + 1 : at;
    }
  gboolean negative = at < end && *at == '-', has_value = FALSE;
  gint64 value = 0;
  for (at += negative; at < end && g_ascii_isdigit (*at); at++, has_value = TRUE)
    value = MIN (value * 10 + (*at - '0'), G_MAXINT);
  at += at < end && *at == ' ';
  if (strcmp (word, "bin") == 0 && !negative)
    return at + MIN (value, end - at);
  control_word (reader, word, has_value, negative ? -value : value);
  return at;
}

static gboolean read_all (Reader *reader, const char *at, const char *end)
{
  while (at < end && reader->groups->len < GROUPS_MAX)
    {
      char c = *at++;
      if (c == '{')
        open_group (reader);
      else if (c == '}')
        close_group (reader);
      else if (c == '\\')
        at = read_control (reader, at, end);
      else if (c != '\n' && c != '\r' && c != '\0')
        add_byte (reader, c);
    }
  end_paragraph (reader);
  return reader->groups->len < GROUPS_MAX;
}

IngestDocument *ingest_parse_rtf (const guint8 *data, gsize length, GError **error)
{
  g_autoptr (IngestDocument) document = ingest_document_new ("application/rtf");
  Reader reader = { .document = document, .code_page = 1252 };
  Group outermost = { .unicode_skip = 1, .charset = 1252 };
  reader.groups = g_array_new (FALSE, FALSE, sizeof (Group));
  g_array_append_val (reader.groups, outermost);
  reader.fonts = g_hash_table_new (NULL, NULL);
  reader.bytes = g_string_new (NULL);
  reader.text = g_string_new (NULL);
  reader.note = g_string_new (NULL);
  reader.title = g_string_new (NULL);
  ingest_document_add_page (document, NULL, 0, 0, 1);
  gboolean ok = read_all (&reader, (const char *)data, (const char *)data + length);
  document->title = ingest_usable_title (reader.title->str);
  g_array_unref (reader.groups);
  g_hash_table_unref (reader.fonts);
  g_string_free (reader.bytes, TRUE);
  g_string_free (reader.text, TRUE);
  g_string_free (reader.note, TRUE);
  g_string_free (reader.title, TRUE);
  if (ok)
    return ingest_parsed (g_steal_pointer (&document), error);
  g_set_error_literal (error, INGEST_ERROR, INGEST_ERROR_LIMIT, "its groups are nested too deeply");
  return NULL;
}
