/* What lies on a page without being drawn into it: what was filled into a form, notes that readers
 * left, where links lead. A viewer shows all of it. Values of a form become spans where their
 * fields are, so that they are read beside their labels; notes and link targets follow the page's
 * text. */
#include "ingest/layout-private.h"

#include <string.h>

#define NOTES_MAX 40
/* More than these, and the page is an index whose words say where they lead; addresses would be
 * half of what is embedded of it. */
#define LINKS_MAX 8
#define NOTE_MAX_BYTES 2000
/* Of the height of a field of one line, what its type is as large as. */
#define FIELD_TO_SIZE 0.7f

/* ---- Forms ---- */

static char *choice_value (PopplerFormField *field)
{
  GString *text = g_string_new (NULL);
  if (poppler_form_field_choice_is_editable (field))
    {
      g_autofree char *typed = poppler_form_field_choice_get_text (field);
      g_string_append (text, typed != NULL ? typed : "");
    }
  int n = MIN (poppler_form_field_choice_get_n_items (field), 1000);
  for (int i = 0; i < n; i++)
    if (poppler_form_field_choice_is_item_selected (field, i))
      {
        g_autofree char *item = poppler_form_field_choice_get_item (field, i);
        if (item != NULL && strcmp (item, text->str) != 0)
          g_string_append_printf (text, "%s%s", text->len > 0 ? ", " : "", item);
      }
  return g_string_free (text, FALSE);
}

/* As a reader of the page would say it; NULL when there is nothing to say. */
static char *value_of (PopplerFormField *field)
{
  switch (poppler_form_field_get_field_type (field))
    {
    case POPPLER_FORM_FIELD_TEXT:
      return poppler_form_field_text_is_password (field) ? NULL
                                                         : poppler_form_field_text_get_text (field);
    case POPPLER_FORM_FIELD_CHOICE:
      return choice_value (field);
    case POPPLER_FORM_FIELD_BUTTON:
      if (poppler_form_field_button_get_button_type (field) == POPPLER_FORM_BUTTON_PUSH)
        return NULL;
      return g_strdup (poppler_form_field_button_get_state (field) ? "[x]" : "[ ]");
    default:
      return NULL;
    }
}

/* The page may show the value already, as the field's appearance. */
static gboolean is_shown (const LayoutPage *page, const LayoutSpan *field)
{
  for (guint i = 0; i < page->spans->len; i++)
    {
      const LayoutSpan *span = layout_span (page, i);
      float x = (span->x0 + span->x1) / 2, y = (span->y0 + span->y1) / 2;
      if (x > field->x0 && x < field->x1 && y > field->y0 && y < field->y1)
        return TRUE;
    }
  return FALSE;
}

static void add_field (LayoutPage *page, const PopplerFormFieldMapping *mapping)
{
  const PopplerRectangle *area = &mapping->area;
  g_autofree char *value = value_of (mapping->field);
  g_autofree char *clean
      = ingest_prose_squeeze (ingest_prose_clean (value != NULL ? value : "", -1));
  LayoutSpan span = { .x0 = (float)area->x1, .x1 = (float)area->x2 };
  span.y0 = page->height - (float)area->y2;
  span.y1 = page->height - (float)area->y1;
  if (*clean == '\0' || !(span.x1 > span.x0) || !(span.y1 > span.y0) || span.x1 > 1e5
      || span.y1 > 1e5 || span.x0 < -1e5 || span.y0 < -1e5 || is_shown (page, &span))
    return;
  span.size = MIN (span.y1 - span.y0, 16) * FIELD_TO_SIZE;
  /* The field is as wide as the longest answer. */
  span.x1 = MIN (span.x1, span.x0 + span.size * g_utf8_strlen (clean, -1) / 2);
  span.text = page->text->len;
  span.length = strlen (clean);
  g_string_append (page->text, clean);
  g_array_append_val (page->spans, span);
}

/* ---- Notes and links ---- */

static gboolean says (const char *text, const char *words)
{
  return strstr (text, words) != NULL;
}

/* A line of page->notes, unless the page says the same. */
static void add_note (LayoutPage *page, const char *kind, const char *note)
{
  g_autofree char *clean
      = ingest_prose_squeeze (ingest_prose_clean (note, MIN (strlen (note), NOTE_MAX_BYTES)));
  if (*clean == '\0' || page->n_notes >= NOTES_MAX || says (page->text->str, clean)
      || says (page->notes->str, clean))
    return;
  g_string_append_printf (page->notes, "%s: %s\n", kind, clean);
  page->n_notes++;
}

static gboolean is_visible (PopplerAnnot *annotation)
{
  const PopplerAnnotFlag unseen
      = POPPLER_ANNOT_FLAG_INVISIBLE | POPPLER_ANNOT_FLAG_HIDDEN | POPPLER_ANNOT_FLAG_NO_VIEW;
  PopplerAnnotType type = poppler_annot_get_annot_type (annotation);
  return (poppler_annot_get_flags (annotation) & unseen) == 0 && type != POPPLER_ANNOT_WIDGET
         && type != POPPLER_ANNOT_LINK && type != POPPLER_ANNOT_POPUP;
}

static void read_annotations (LayoutPage *page, PopplerPage *source)
{
  GList *mappings = poppler_page_get_annot_mapping (source);
  for (const GList *at = mappings; at != NULL; at = at->next)
    {
      PopplerAnnot *annotation = ((PopplerAnnotMapping *)at->data)->annot;
      g_autofree char *contents
          = is_visible (annotation) ? poppler_annot_get_contents (annotation) : NULL;
      if (contents != NULL)
        add_note (page, "Note", contents);
    }
  poppler_page_free_annot_mapping (mappings);
}

/* The address without what a text would leave out. */
static const char *bare_address (const char *uri)
{
  static const char *const prefixes[]
      = { "https://www.", "http://www.", "https://", "http://", "mailto:" };
  for (gsize i = 0; i < G_N_ELEMENTS (prefixes); i++)
    if (g_str_has_prefix (uri, prefixes[i]))
      return uri + strlen (prefixes[i]);
  return uri;
}

/* Link targets that the page does not print, each once. Elements: char*, of MAPPINGS. */
static GPtrArray *unprinted_links (const LayoutPage *page, const GList *mappings)
{
  GPtrArray *links = g_ptr_array_new ();
  for (const GList *at = mappings; at != NULL; at = at->next)
    {
      const PopplerLinkMapping *mapping = at->data;
      char *uri = mapping->action->type == POPPLER_ACTION_URI ? mapping->action->uri.uri : NULL;
      if (uri == NULL || links->len > LINKS_MAX
          || g_ptr_array_find_with_equal_func (links, uri, g_str_equal, NULL))
        continue;
      g_autofree char *bare = g_strdup (bare_address (uri));
      gsize length = strlen (bare);
      if (length > 0 && bare[length - 1] == '/')
        bare[length - 1] = '\0';
      if (!says (page->text->str, bare))
        g_ptr_array_add (links, uri);
    }
  return links;
}

static void read_links (LayoutPage *page, PopplerPage *source)
{
  GList *mappings = poppler_page_get_link_mapping (source);
  g_autoptr (GPtrArray) links = unprinted_links (page, mappings);
  for (guint i = 0; i < links->len && links->len <= LINKS_MAX; i++)
    add_note (page, "Link", g_ptr_array_index (links, i));
  poppler_page_free_link_mapping (mappings);
}

void layout_read_annotations (LayoutPage *page, PopplerPage *source)
{
  GList *fields = poppler_page_get_form_field_mapping (source);
  for (const GList *at = fields; at != NULL; at = at->next)
    add_field (page, at->data);
  poppler_page_free_form_field_mapping (fields);
  read_annotations (page, source);
  read_links (page, source);
}
