/* Which drafts are headings, and of which level? The outline says so with certainty where there is
 * one; elsewhere type does: headings are larger or bolder than most of the text, short, and their
 * styles form a hierarchy. Captions and footnotes are told apart by how they begin and where they
 * stand. The document's usual type size is the yardstick for all of it. */
#include "ingest/layout-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HEADING_MAX_BYTES 250
#define HEADING_MAX_LINES 4
#define STYLES_MAX 64

typedef struct
{
  int half_points;
  gboolean bold;
  guint votes[7]; /* per level, from drafts that are in the outline */
  guint level;
} Style;

typedef struct
{
  const LayoutDocument *layout;
  GArray *drafts;
  float body_size;
  gboolean body_bold;
  Style styles[STYLES_MAX];
  guint n_styles;
} Headings;

static LayoutDraft *draft_at (const Headings *headings, guint i)
{
  return &g_array_index (headings->drafts, LayoutDraft, i);
}

static int half_points (float size)
{
  return CLAMP ((int)lroundf (size * 2), 0, 400);
}

/* The size in which most letters are set. */
static void measure_body (Headings *headings)
{
  gsize letters[401][2] = { { 0 } };
  int best = 0;
  for (guint i = 0; i < headings->drafts->len; i++)
    {
      const LayoutDraft *draft = draft_at (headings, i);
      int size = half_points (draft->size);
      letters[size][draft->bold] += strlen (draft->text);
      if (letters[size][0] + letters[size][1] > letters[best][0] + letters[best][1])
        best = size;
    }
  headings->body_size = best / 2.0f;
  headings->body_bold = letters[best][1] > letters[best][0];
}

/* ---- Outline ---- */

static char *key_of (const char *text)
{
  return g_utf8_casefold (text, -1);
}

/* Outlines often lack the number that the page shows, or have one that it lacks. */
static const char *without_number (const char *key)
{
  const char *at = key;
  while (g_ascii_isdigit (*at) || *at == '.')
    at++;
  if (at == key && (g_str_has_prefix (key, "chapter ") || g_str_has_prefix (key, "appendix ")))
    at += strcspn (at, ".: ") + 1 + strcspn (at + strcspn (at, " ") + 1, ".: ");
  return at > key && (*at == ' ' || *at == ':') ? at + strspn (at, " .:") : key;
}

static guint outline_level (const Headings *headings, const LayoutDraft *draft)
{
  const GArray *bookmarks = headings->layout->bookmarks;
  if (bookmarks->len == 0 || strlen (draft->text) > HEADING_MAX_BYTES
      || draft->kind == INGEST_BLOCK_TABLE_ROW)
    return 0;
  g_autofree char *key = NULL;
  for (guint i = 0; i < bookmarks->len; i++)
    {
      const LayoutBookmark *bookmark = &g_array_index (bookmarks, LayoutBookmark, i);
      if (bookmark->page != draft->page)
        continue;
      if (key == NULL)
        key = key_of (draft->text);
      if (strcmp (without_number (key), without_number (bookmark->title)) == 0)
        return bookmark->level;
    }
  return 0;
}

/* ---- Type ---- */

/* "2.1.3 Title" → 3, "Chapter 4" → 1, 0 when it says nothing. */
static guint numbered_level (const char *text)
{
  guint level = 0;
  const char *at = text;
  while (g_ascii_isdigit (*at))
    {
      while (g_ascii_isdigit (*at))
        at++;
      level++;
      if (*at == '.')
        at++;
    }
  return *at == ' ' && level <= 6 ? level : 0;
}

static gboolean has_letters (const char *text)
{
  guint letters = 0;
  for (; *text != '\0' && letters < 2; text = g_utf8_next_char (text))
    letters += g_unichar_isalpha (g_utf8_get_char (text));
  return letters >= 2;
}

/* "Note" and "Warning" in bold introduce a box, not a section. */
static gboolean is_admonition (const char *text)
{
  static const char *const words[]
      = { "Note",     "Notes", "Tip",        "Warning", "Caution", "Important", "Attention",
          "Danger",   "Hint",  "Hinweis",    "Achtung", "Warnung", "Tipp",      "Wichtig",
          "Vorsicht", "NOTE",  "WARNING",    "CAUTION", "TIP",     "IMPORTANT", "Note:",
          "Warning:", "Tip:",  "Important:", "Hinweis:" };
  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    if (strcmp (text, words[i]) == 0)
      return TRUE;
  return FALSE;
}

static gboolean looks_like_heading (const Headings *headings, const LayoutDraft *draft)
{
  gsize length = strlen (draft->text);
  if (draft->kind != INGEST_BLOCK_PARAGRAPH && draft->kind != INGEST_BLOCK_LIST_ITEM)
    return FALSE;
  if (length > HEADING_MAX_BYTES || draft->n_lines > HEADING_MAX_LINES
      || !has_letters (draft->text))
    return FALSE;
  gboolean bullet = draft->kind == INGEST_BLOCK_LIST_ITEM && !g_ascii_isalnum (*draft->text);
  if (bullet || is_admonition (draft->text))
    return FALSE;
  char last = draft->text[length - 1];
  if (draft->size >= headings->body_size * 1.12f)
    return last != ',' && last != ';';
  return draft->bold && !headings->body_bold && draft->size >= headings->body_size * 0.95f
         && length <= 120 && draft->n_lines <= 2 && strchr (".,;:", last) == NULL;
}

static Style *style_of (Headings *headings, const LayoutDraft *draft)
{
  int size = half_points (draft->size);
  for (guint i = 0; i < headings->n_styles; i++)
    if (headings->styles[i].half_points == size && headings->styles[i].bold == draft->bold)
      return &headings->styles[i];
  if (headings->n_styles == STYLES_MAX)
    return &headings->styles[STYLES_MAX - 1];
  Style *style = &headings->styles[headings->n_styles++];
  *style = (Style){ .half_points = size, .bold = draft->bold };
  return style;
}

static int compare_styles (gconstpointer a, gconstpointer b)
{
  const Style *first = a, *second = b;
  if (first->half_points != second->half_points)
    return second->half_points - first->half_points;
  return second->bold - first->bold;
}

/* A style that the outline knows has the outline's level. Of the others, one that is larger than
 * such a style has its level, and what is smaller than all of them lies below. */
static void rank_styles (Headings *headings)
{
  qsort (headings->styles, headings->n_styles, sizeof (Style), compare_styles);
  guint below = 0;
  for (guint i = headings->n_styles; i-- > 0;)
    {
      Style *style = &headings->styles[i];
      guint best = 0;
      for (guint level = 1; level <= 6; level++)
        if (style->votes[level] > style->votes[best])
          best = level;
      style->level = best > 0 ? best : below;
      below = style->level;
    }
  guint above = 0;
  for (guint i = 0; i < headings->n_styles; i++)
    {
      Style *style = &headings->styles[i];
      if (style->level == 0)
        style->level = MIN (above + 1, 6);
      above = MAX (above, style->level);
    }
}

/* ---- Captions and footnotes ---- */

static gboolean looks_like_caption (const char *text)
{
  static const char *const words[]
      = { "Figure", "Fig.",    "Table",     "FIGURE", "TABLE",  "Abbildung", "Abb.",    "Tabelle",
          "Tab.",   "Listing", "Algorithm", "Box",    "Figura", "Tabla",     "Tableau", "Exhibit" };
  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    {
      gsize n = strlen (words[i]);
      if (strncmp (text, words[i], n) != 0 || text[n] != ' ')
        continue;
      gsize digits = strspn (text + n + 1, "0123456789.-ABCDIVX");
      const char *after = text + n + 1 + digits;
      return digits > 0 && (*after == ':' || after[-1] == '.' || *after == ' ' || *after == '\0')
             && strlen (text) < 1000
             && !(*after == ' ' && g_unichar_islower (g_utf8_get_char (after + 1)));
    }
  return FALSE;
}

static gboolean looks_like_footnote (const Headings *headings, const LayoutDraft *draft)
{
  const LayoutPage *page = g_ptr_array_index (headings->layout->pages, draft->page - 1);
  gunichar first = g_utf8_get_char (draft->text);
  return draft->size < headings->body_size * 0.93f && page->height > 0
         && draft->box.y0 > page->height * 0.6f
         && (g_ascii_isdigit (*draft->text) || first == '*' || first == 0x2020 || first == 0x2021
             || first == 0xB9 || first == 0xB2 || first == 0xB3);
}

static void mark (Headings *headings, LayoutDraft *draft, gboolean has_outline)
{
  gboolean prose = draft->kind == INGEST_BLOCK_PARAGRAPH || draft->kind == INGEST_BLOCK_LIST_ITEM;
  guint outlined = outline_level (headings, draft);
  if (outlined > 0)
    {
      draft->kind = INGEST_BLOCK_HEADING;
      draft->level = outlined;
    }
  else if (prose && looks_like_caption (draft->text))
    draft->kind = INGEST_BLOCK_CAPTION;
  else if (looks_like_heading (headings, draft))
    {
      guint numbered = numbered_level (draft->text);
      draft->kind = INGEST_BLOCK_HEADING;
      draft->level = numbered > 0 && !has_outline ? numbered : style_of (headings, draft)->level;
    }
  else if (prose && looks_like_footnote (headings, draft))
    draft->kind = INGEST_BLOCK_FOOTNOTE;
}

void layout_mark_headings (const LayoutDocument *layout, GArray *drafts)
{
  g_autofree Headings *headings = g_new0 (Headings, 1);
  headings->layout = layout;
  headings->drafts = drafts;
  measure_body (headings);
  for (guint i = 0; i < drafts->len; i++)
    {
      const LayoutDraft *draft = draft_at (headings, i);
      guint outlined = outline_level (headings, draft);
      if (outlined > 0 || looks_like_heading (headings, draft))
        style_of (headings, draft)->votes[MIN (outlined, 6)]++;
    }
  for (guint i = 0; i < headings->n_styles; i++)
    headings->styles[i].votes[0] = 0; /* of those that are not in the outline */
  rank_styles (headings);
  for (guint i = 0; i < drafts->len; i++)
    mark (headings, draft_at (headings, i), layout->bookmarks->len > 0);
}
