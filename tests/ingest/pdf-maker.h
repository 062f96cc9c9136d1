/* Small PDFs for tests, written by hand so that every position and font is known: a test says where
 * which words stand, and then what they must become. One page is a list of text pieces; fonts are
 * the standard ones, encoded as WinAnsi, so that no font file is needed. */
#pragma once

#include <glib.h>

typedef struct
{
  GPtrArray *pages;     /* GString*, content streams */
  GPtrArray *bookmarks; /* char*, "page title" */
  char *title;
  char *labels;  /* a PDF number tree, or NULL */
  char *trailer; /* more trailer entries, or NULL */
  char *catalog; /* more catalog entries, or NULL */
  char *page;    /* more entries of every page, or NULL */
  GPtrArray *extra; /* char*, objects of one's own: number 8 and on; font /x is number 8 */
} PdfMaker;

#define PDF_WIDTH 595
#define PDF_HEIGHT 842

static inline PdfMaker *pdf_maker_new (void)
{
  PdfMaker *maker = g_new0 (PdfMaker, 1);
  maker->pages = g_ptr_array_new ();
  maker->bookmarks = g_ptr_array_new_with_free_func (g_free);
  maker->extra = g_ptr_array_new_with_free_func (g_free);
  return maker;
}

static inline void pdf_maker_free (PdfMaker *maker)
{
  for (guint i = 0; i < maker->pages->len; i++)
    g_string_free (g_ptr_array_index (maker->pages, i), TRUE);
  g_ptr_array_unref (maker->pages);
  g_ptr_array_unref (maker->bookmarks);
  g_ptr_array_unref (maker->extra);
  g_free (maker->title);
  g_free (maker->labels);
  g_free (maker->trailer);
  g_free (maker->catalog);
  g_free (maker->page);
  g_free (maker);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PdfMaker, pdf_maker_free)

static inline void pdf_add_page (PdfMaker *maker)
{
  g_ptr_array_add (maker->pages, g_string_new (NULL));
}

/* FONT: 'r'egular, 'b'old, 'm'ono, or 'x'. Y from the top of the page to the baseline. TEXT is WinAnsi. */
static inline void pdf_put (PdfMaker *maker, char font, double size, double x, double y,
                            const char *text)
{
  GString *page = g_ptr_array_index (maker->pages, maker->pages->len - 1);
  g_string_append_printf (page, "BT /%c %g Tf %g %g Td (", font, size, x, PDF_HEIGHT - y);
  for (; *text != '\0'; text++)
    g_string_append_printf (page, strchr ("()\\", *text) != NULL ? "\\%c" : "%c", *text);
  g_string_append (page, ") Tj ET\n");
}

/* Operators of a content stream, as they are. */
static inline void pdf_draw (PdfMaker *maker, const char *operators)
{
  g_string_append_printf (g_ptr_array_index (maker->pages, maker->pages->len - 1), "%s\n",
                          operators);
}

/* Text that reads from the bottom of the page to its top. */
static inline void pdf_put_upwards (PdfMaker *maker, double size, double x, double y,
                                    const char *text)
{
  GString *page = g_ptr_array_index (maker->pages, maker->pages->len - 1);
  g_string_append_printf (page, "BT /r %g Tf 0 1 -1 0 %g %g Tm (%s) Tj ET\n", size, x,
                          PDF_HEIGHT - y, text);
}

/* Lines of regular text, one below the other; returns the y below the last. */
static inline double pdf_put_lines (PdfMaker *maker, double size, double x, double y,
                                    const char *const *lines)
{
  for (; *lines != NULL; lines++, y += size * 1.2)
    pdf_put (maker, 'r', size, x, y, *lines);
  return y;
}

static inline void pdf_add_bookmark (PdfMaker *maker, const char *title)
{
  g_ptr_array_add (maker->bookmarks, g_strdup_printf ("%u %s", maker->pages->len, title));
}

/* An object of one's own; the first is number 8. */
static inline void pdf_add_object (PdfMaker *maker, const char *body)
{
  g_ptr_array_add (maker->extra, g_strdup (body));
}

static inline void pdf_add_stream (PdfMaker *maker, const char *dictionary, const char *data)
{
  g_ptr_array_add (maker->extra,
                   g_strdup_printf ("<< %s /Length %zu >>\nstream\n%s\nendstream", dictionary,
                                    strlen (data), data));
}

static inline void pdf_object (GString *out, GArray *offsets, const char *body)
{
  gsize offset = out->len;
  g_array_append_val (offsets, offset);
  g_string_append_printf (out, "%u 0 obj\n%s\nendobj\n", offsets->len, body);
}

/* Objects: 1 catalog, 2 pages, 3–5 fonts, 6 info, 7 outlines, then one's own, then the bookmarks,
 * then for each page its dictionary and its contents. */
static inline GBytes *pdf_finish (PdfMaker *maker)
{
  GString *out = g_string_new ("%PDF-1.7\n");
  GArray *offsets = g_array_new (FALSE, FALSE, sizeof (gsize));
  guint n_marks = maker->bookmarks->len, first_mark = 8 + maker->extra->len;
  guint first_page = first_mark + n_marks;
  g_autoptr (GString) kids = g_string_new (NULL);
  for (guint i = 0; i < maker->pages->len; i++)
    g_string_append_printf (kids, "%u 0 R ", first_page + 2 * i);
  g_autofree char *labels = maker->labels != NULL
                                ? g_strdup_printf ("/PageLabels << /Nums [%s] >>", maker->labels)
                                : g_strdup ("");
  g_autofree char *catalog
      = g_strdup_printf ("<< /Type /Catalog /Pages 2 0 R /Outlines 7 0 R %s %s >>", labels,
                         maker->catalog != NULL ? maker->catalog : "");
  g_autofree char *pages
      = g_strdup_printf ("<< /Type /Pages /Kids [%s] /Count %u >>", kids->str, maker->pages->len);
  g_autofree char *info
      = g_strdup_printf ("<< /Title (%s) >>", maker->title != NULL ? maker->title : "");
  g_autofree char *outlines
      = n_marks > 0 ? g_strdup_printf ("<< /Type /Outlines /First %u 0 R /Last %u 0 R /Count %u >>",
                                       first_mark, first_page - 1, n_marks)
                    : g_strdup ("<< /Type /Outlines /Count 0 >>");
  pdf_object (out, offsets, catalog);
  pdf_object (out, offsets, pages);
  static const char *const fonts[] = { "Times-Roman", "Times-Bold", "Courier" };
  for (guint i = 0; i < G_N_ELEMENTS (fonts); i++)
    {
      g_autofree char *font = g_strdup_printf (
          "<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>", fonts[i]);
      pdf_object (out, offsets, font);
    }
  pdf_object (out, offsets, info);
  pdf_object (out, offsets, outlines);
  for (guint i = 0; i < maker->extra->len; i++)
    pdf_object (out, offsets, g_ptr_array_index (maker->extra, i));
  for (guint i = 0; i < n_marks; i++)
    {
      char *title;
      guint page = strtoul (g_ptr_array_index (maker->bookmarks, i), &title, 10);
      g_autofree char *next
          = i + 1 < n_marks ? g_strdup_printf ("/Next %u 0 R", first_mark + 1 + i) : g_strdup ("");
      g_autofree char *mark
          = g_strdup_printf ("<< /Title (%s) /Parent 7 0 R %s /Dest [%u 0 R /Fit] >>", title + 1,
                             next, first_page + 2 * (page - 1));
      pdf_object (out, offsets, mark);
    }
  for (guint i = 0; i < maker->pages->len; i++)
    {
      const GString *content = g_ptr_array_index (maker->pages, i);
      g_autofree char *page = g_strdup_printf (
          "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents %u 0 R /Resources << /Font "
          "<< /r 3 0 R /b 4 0 R /m 5 0 R /x 8 0 R >> /XObject << /i 8 0 R >> >> %s >>",
          PDF_WIDTH, PDF_HEIGHT, first_page + 2 * i + 1, maker->page != NULL ? maker->page : "");
      g_autofree char *stream = g_strdup_printf ("<< /Length %zu >>\nstream\n%s\nendstream",
                                                 content->len, content->str);
      pdf_object (out, offsets, page);
      pdf_object (out, offsets, stream);
    }
  gsize xref = out->len;
  g_string_append_printf (out, "xref\n0 %u\n0000000000 65535 f \n", offsets->len + 1);
  for (guint i = 0; i < offsets->len; i++)
    g_string_append_printf (out, "%010zu 00000 n \n", g_array_index (offsets, gsize, i));
  g_string_append_printf (out,
                          "trailer\n<< /Size %u /Root 1 0 R /Info 6 0 R %s >>\nstartxref\n%zu\n%%%%"
                          "EOF\n",
                          offsets->len + 1, maker->trailer != NULL ? maker->trailer : "", xref);
  g_array_unref (offsets);
  return g_string_free_to_bytes (out);
}
