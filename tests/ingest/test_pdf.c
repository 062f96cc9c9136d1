#include "ingest/parse-private.h"
#include "pdf-maker.h"
#include "support.h"

/* Widths of Times and Courier are not needed to the point: lines of about this many letters fill a
 * column of 240 points at 11 points. */
static IngestDocument *parse (PdfMaker *maker)
{
  g_autoptr (GBytes) pdf = pdf_finish (maker);
  g_autoptr (GError) error = NULL;
  IngestDocument *document = ingest_parse_pdf (pdf, &error);
  ck_assert_msg (document != NULL, "%s", error ? error->message : "");
  check_document (document);
  return document;
}

static void check_pdf (PdfMaker *maker, const char *expected)
{
  g_autoptr (IngestDocument) document = parse (maker);
  g_autofree char *got = describe (document);
  ck_assert_str_eq (got, expected);
}

static const char *const story[]
    = { "The night shift begins at nine in the evening, and whoever is late",
        "calls the ward before that. The report is read together, because it",
        "names the patients who need attention during the night, and what the",
        "day has left undone.", NULL };
#define STORY                                                                                      \
  "The night shift begins at nine in the evening, and whoever is late calls the ward before "      \
  "that. The report is read together, because it names the patients who need attention during "    \
  "the night, and what the day has left undone."

START_TEST (test_lines_become_paragraphs)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  pdf_add_page (maker);
  double y = pdf_put_lines (maker, 11, 72, 100, story);
  pdf_put_lines (maker, 11, 72, y + 8, story);
  check_pdf (maker, "P " STORY "|P " STORY);
}
END_TEST

/* The sentence was cut in two, with the footnote between its halves. */
START_TEST (test_a_footnote_does_not_part_a_paragraph_that_goes_on)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  pdf_add_page (maker);
  double y = pdf_put_lines (maker, 11, 72, 100, story);
  pdf_put_lines (maker, 11, 72, 690,
                 (const char *[]){ "Whoever leaves the ward in the night tells the coordinator and",
                                   "takes the telephone along, because the", NULL });
  pdf_put (maker, 'r', 8, 72, 760, "1 See the rota of the ward, which is");
  pdf_put (maker, 'r', 8, 72, 769.6, "made by the matron.");
  pdf_put (maker, 'r', 8, 72, 785, "2 It lies on the table.");
  pdf_add_page (maker);
  y = pdf_put_lines (
      maker, 11, 72, 100,
      (const char *[]){ "report may have to be read again before the end of the shift", "has come.",
                        NULL });
  pdf_put_lines (maker, 11, 72, y + 10, story);
  g_autoptr (IngestDocument) document = parse (maker);
  g_autofree char *got = describe (document);
  ck_assert_str_eq (got, "P " STORY "|F 1 See the rota of the ward, which is made by the matron.|"
                         "F 2 It lies on the table.|"
                         "P Whoever leaves the ward in the night tells the coordinator and takes "
                         "the telephone along, because the|"
                         "P report may have to be read again before the end of the shift has come.|"
                         "P " STORY);
  g_autoptr (GPtrArray) chunks = ingest_chunk_document (document, NULL);
  gboolean whole = FALSE;
  for (guint i = 0; i < chunks->len; i++)
    whole = whole
            || strstr (((IngestChunk *)g_ptr_array_index (chunks, i))->text,
                       "because the report may have to be read again")
                   != NULL;
  ck_assert (whole);
}
END_TEST

START_TEST (test_a_first_line_indent_begins_a_paragraph)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  pdf_add_page (maker);
  double y = pdf_put_lines (maker, 11, 72, 100, story);
  pdf_put (maker, 'r', 11, 86, y, "A second paragraph begins with an indent and goes on for a");
  pdf_put (maker, 'r', 11, 72, y + 13.2, "while, until it ends as well.");
  check_pdf (maker,
             "P " STORY "|P A second paragraph begins with an indent and goes on for a while, "
             "until it ends as well.");
}
END_TEST

START_TEST (test_headings_by_size_and_weight)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  pdf_add_page (maker);
  pdf_put (maker, 'b', 20, 72, 80, "Night shift policy");
  pdf_put (maker, 'b', 14, 72, 120, "Handover");
  double y = pdf_put_lines (maker, 11, 72, 150, story);
  pdf_put (maker, 'b', 11, 72, y + 14, "At nine");
  pdf_put_lines (maker, 11, 72, y + 34, story);
  check_pdf (maker, "H1 Night shift policy|H2 Handover|P " STORY "|H3 At nine|P " STORY);
}
END_TEST

START_TEST (test_numbers_say_the_level)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  pdf_add_page (maker);
  pdf_put (maker, 'b', 14, 72, 80, "2");
  pdf_put (maker, 'b', 14, 100, 80, "Methods");
  pdf_put (maker, 'b', 12, 72, 110, "2.1");
  pdf_put (maker, 'b', 12, 110, 110, "Patients");
  pdf_put_lines (maker, 11, 72, 140, story);
  check_pdf (maker, "H1 2 Methods|H2 2.1 Patients|P " STORY);
}
END_TEST

START_TEST (test_the_outline_knows_better)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  pdf_add_page (maker);
  pdf_add_bookmark (maker, "Handover");
  pdf_put (maker, 'r', 11, 72, 80, "1. Handover");
  pdf_put_lines (maker, 11, 72, 110, story);
  check_pdf (maker, "H1 1. Handover|P " STORY);
}
END_TEST

START_TEST (test_a_note_is_no_section)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  pdf_add_page (maker);
  pdf_put (maker, 'b', 11, 72, 80, "Note");
  pdf_put_lines (maker, 11, 72, 110, story);
  check_pdf (maker, "P Note|P " STORY);
}
END_TEST

static void put_columns (PdfMaker *maker, double y)
{
  static const char *const left[]
      = { "The left column is read first, from",  "its top to its bottom, before the eye",
          "turns to the other one. It has some",  "lines that fill its whole width, and",
          "ends in the middle of a sentence, so", NULL };
  static const char *const right[]
      = { "that it must be joined with the right", "column, which goes on here with more",
          "words. Nothing of it may stand in the", "middle of what is written in the left",
          "column. That would be nonsense.",       NULL };
  pdf_put_lines (maker, 11, 72, y, left);
  pdf_put_lines (maker, 11, 320, y, right);
}
#define COLUMNS                                                                                    \
  "The left column is read first, from its top to its bottom, before the eye turns to the other "  \
  "one. It has some lines that fill its whole width, and ends in the middle of a sentence, so "    \
  "that it must be joined with the right column, which goes on here with more words. Nothing of "  \
  "it may stand in the middle of what is written in the left column. That would be nonsense."

START_TEST (test_two_columns_are_read_one_after_the_other)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  pdf_add_page (maker);
  put_columns (maker, 100);
  check_pdf (maker, "P " COLUMNS);
}
END_TEST

START_TEST (test_a_title_may_cross_the_gutter)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  pdf_add_page (maker);
  pdf_put (maker, 'b', 20, 120, 80, "A title that is wider than one column");
  put_columns (maker, 120);
  double y = pdf_put_lines (maker, 11, 72, 220, story);
  put_columns (maker, y + 20);
  check_pdf (maker,
             "H1 A title that is wider than one column|P " COLUMNS "|P " STORY "|P " COLUMNS);
}
END_TEST

START_TEST (test_tables_are_read_row_by_row)
{
  static const char *const rows[][3] = { { "Drug", "Dose", "Note" },
                                         { "Aspirin", "100 mg", "with water" },
                                         { "Iron", "", "fasting" },
                                         { "Ibuprofen", "400 mg", "after meals" } };
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  pdf_add_page (maker);
  double y = pdf_put_lines (maker, 11, 72, 100, story) + 10;
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++, y += 14)
    for (gsize c = 0; c < 3; c++)
      if (*rows[i][c] != '\0')
        pdf_put (maker, 'r', 11, 80 + 120 * c, y, rows[i][c]);
  pdf_put (maker, 'r', 11, 72, y + 8, "Table 1: Drugs of the ward");
  pdf_put_lines (maker, 11, 72, y + 30, story);
  check_pdf (maker,
             "P " STORY "|T Drug\tDose\tNote|T Aspirin\t100 mg\twith water|T Iron\t\tfasting|"
             "T Ibuprofen\t400 mg\tafter meals|C Table 1: Drugs of the ward|P " STORY);
}
END_TEST

START_TEST (test_a_cell_of_several_lines_stays_in_its_row)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  pdf_add_page (maker);
  pdf_put (maker, 'r', 11, 80, 100, "Task");
  pdf_put (maker, 'r', 11, 220, 100, "What to do");
  pdf_put (maker, 'r', 11, 80, 120, "Hands");
  pdf_put (maker, 'r', 11, 220, 120, "wash them before and after");
  pdf_put (maker, 'r', 11, 220, 133, "each patient");
  pdf_put (maker, 'r', 11, 80, 153, "Gloves");
  pdf_put (maker, 'r', 11, 220, 153, "one pair each");
  check_pdf (
      maker,
      "T Task\tWhat to do|T Hands\twash them before and after each patient|T Gloves\tone pair "
      "each");
}
END_TEST

START_TEST (test_cells_in_the_middle_of_their_rows)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  pdf_add_page (maker);
  pdf_put (maker, 'r', 11, 80, 100, "Task");
  pdf_put (maker, 'r', 11, 220, 100, "What to do");
  pdf_put (maker, 'r', 11, 220, 120, "wash them before and after");
  pdf_put (maker, 'r', 11, 80, 126, "Hands");
  pdf_put (maker, 'r', 11, 220, 132, "each patient");
  pdf_put (maker, 'r', 11, 220, 150, "one pair for each of the");
  pdf_put (maker, 'r', 11, 80, 156, "Gloves");
  pdf_put (maker, 'r', 11, 220, 162, "patients");
  pdf_put (maker, 'r', 11, 80, 180, "Pen");
  pdf_put (maker, 'r', 11, 220, 180, "blue");
  check_pdf (maker, "T Task\tWhat to do|T Hands\twash them before and after each patient|"
                    "T Gloves\tone pair for each of the patients|T Pen\tblue");
}
END_TEST

START_TEST (test_contents_lose_their_dots)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  pdf_add_page (maker);
  pdf_put (maker, 'r', 11, 72, 100, "1.1 Handover . . . . . . . . . . . . . . . . . . . 7");
  pdf_put (maker, 'r', 11, 72, 114, "1.2 Hygiene ...................................... 12");
  check_pdf (maker, "T 1.1 Handover\t7|T 1.2 Hygiene\t12");
}
END_TEST

START_TEST (test_headers_footers_and_page_numbers_go)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  static const char *const sections[] = { "Hygiene", "Handover", "Drugs", "Pain", "Falls" };
  for (guint page = 1; page <= 5; page++)
    {
      g_autofree char *number = g_strdup_printf ("%u", page + 10);
      g_autofree char *line = g_strdup_printf ("Chapter page %u has this to say.", page);
      pdf_add_page (maker);
      pdf_put (maker, 'r', 9, 72, 40, "St. Anna Hospital");
      pdf_put (maker, 'r', 9, 450, 40, sections[page - 1]);
      pdf_put (maker, 'r', 9, 500, 40, number);
      pdf_put (maker, 'r', 11, 72, 110, line);
      pdf_put_lines (maker, 11, 72, 130, story);
      pdf_put (maker, 'r', 9, 250, 810, "Policy 12, version 3");
    }
  g_autoptr (IngestDocument) document = parse (maker);
  ck_assert_ptr_null (strstr (document->text, "Anna"));
  ck_assert_ptr_null (strstr (document->text, "Handover"));
  ck_assert_ptr_null (strstr (document->text, "version"));
  ck_assert_ptr_null (strstr (document->text, "13"));
  ck_assert_ptr_nonnull (strstr (document->text, "Chapter page 5 has this to say."));
}
END_TEST

START_TEST (test_a_page_of_only_a_repeated_line_keeps_it)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  for (guint page = 0; page < 4; page++)
    {
      pdf_add_page (maker);
      pdf_put (maker, 'r', 11, 72, 80, "Label");
    }
  check_pdf (maker, "P Label|P Label|P Label|P Label");
}
END_TEST

START_TEST (test_hyphens_and_ligatures)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  static const char *const lines[] = { "Everyone on the ward must read the whole docu-",
                                       "ment before the well-known rules come into a-",
                                       "pplication for the staff of the night shift, all", NULL };
  pdf_add_page (maker);
  double y = pdf_put_lines (maker, 11, 72, 100, lines);
  pdf_put (maker, 'r', 11, 72, y, "of whom know the well-known application of it by now.");
  check_pdf (maker,
             "P Everyone on the ward must read the whole document before the well-known rules "
             "come into application for the staff of the night shift, all of whom know the "
             "well-known application of it by now.");
}
END_TEST

START_TEST (test_a_word_across_pages_is_mended)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  pdf_add_page (maker);
  pdf_put_lines (maker, 11, 72, 100, story);
  pdf_put (maker, 'r', 11, 72, 160,
           "This is the last line of the first page, and it has an inter-");
  pdf_add_page (maker);
  pdf_put (maker, 'r', 11, 72, 100,
           "national end on the next page. Then there is more of it here.");
  g_autoptr (IngestDocument) document = parse (maker);
  ck_assert_ptr_nonnull (
      strstr (document->text, "it has an international\n\nend on the next page."));
}
END_TEST

START_TEST (test_lists_with_markers_that_stand_apart)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  pdf_add_page (maker);
  pdf_put (maker, 'r', 11, 72, 100, "\x95");
  pdf_put (maker, 'r', 11, 90, 100, "Gloves are worn by everyone who touches the patients of this");
  pdf_put (maker, 'r', 11, 90, 113, "ward.");
  pdf_put (maker, 'r', 11, 72, 126, "\x95");
  pdf_put (maker, 'r', 11, 90, 126, "Pens are blue.");
  check_pdf (maker,
             "L • Gloves are worn by everyone who touches the patients of this ward.|L • Pens "
             "are blue.");
}
END_TEST

START_TEST (test_code_keeps_its_lines)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  pdf_add_page (maker);
  double y = pdf_put_lines (maker, 11, 72, 100, story) + 6;
  pdf_put (maker, 'm', 10, 72, y, "for f in *.pdf; do");
  pdf_put (maker, 'm', 10, 84, y + 12, "docent add $f");
  pdf_put (maker, 'm', 10, 72, y + 24, "done");
  check_pdf (maker, "P " STORY "|K for f in *.pdf; do\n  docent add $f\ndone");
}
END_TEST

START_TEST (test_turned_text_is_read)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  pdf_add_page (maker);
  pdf_put_upwards (maker, 11, 100, 700, "The night shift begins at nine in the");
  pdf_put_upwards (maker, 11, 113, 700, "evening and ends at seven.");
  g_autoptr (IngestDocument) document = parse (maker);
  ck_assert_str_eq (document->text,
                    "The night shift begins at nine in the evening and ends at seven.");
  const IngestBox *box = &block_at (document, 0)->box;
  ck_assert_float_lt (box->x1 - box->x0, 40);
  ck_assert_float_gt (box->y1 - box->y0, 100);
  ck_assert_float_le (box->y1, 702);
}
END_TEST

/* Font /x writes Arabic and Hebrew: a is alef, l lam, s seen, m meem; A is a glyph for lam and alef,
 * B one for lam and alef with hamza, H one for a Hebrew alef with its dagesh. */
static void add_right_to_left_font (PdfMaker *maker)
{
  pdf_add_object (maker, "<< /Type /Font /Subtype /Type1 /BaseFont /Times-Roman /Encoding "
                         "/WinAnsiEncoding /ToUnicode 9 0 R >>");
  pdf_add_stream (maker, "",
                  "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
                  "1 begincodespacerange <00> <FF> endcodespacerange\n"
                  "7 beginbfchar <61> <0627> <6C> <0644> <73> <0633> <6D> <0645> "
                  "<41> <06440627> <42> <06440625> <48> <05D005BC> endbfchar\n"
                  "endcmap end end");
}

/* Arabic is drawn from the left, last letter first. */
START_TEST (test_right_to_left_text_is_spelled_as_it_is_read)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  add_right_to_left_font (maker);
  pdf_add_page (maker);
  pdf_put (maker, 'x', 12, 300, 100, "sBa mls lsm");
  pdf_put (maker, 'x', 12, 300, 114, "A msl ms");
  pdf_put (maker, 'x', 12, 300, 160, "H");
  check_pdf (maker, "P مسل سلم الإس سم لسم لا|P אּ");
}
END_TEST

START_TEST (test_a_page_of_one_line_from_the_right_is_read)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  add_right_to_left_font (maker);
  pdf_add_page (maker);
  pdf_put (maker, 'x', 40, 72, 140, "A");
  check_pdf (maker, "P لا");
}
END_TEST

START_TEST (test_boxes_are_where_the_text_is)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  pdf_add_page (maker);
  pdf_put (maker, 'r', 12, 72, 100, "Here.");
  g_autoptr (IngestDocument) document = parse (maker);
  const IngestBox *box = &block_at (document, 0)->box;
  ck_assert_float_eq_tol (box->x0, 72, 1);
  ck_assert (box->y0 < 100 && box->y1 > 98 && box->y0 > 85 && box->y1 < 106);
  ck_assert_float_eq (g_array_index (document->pages, IngestPage, 0).height, PDF_HEIGHT);
}
END_TEST

START_TEST (test_labels_and_title)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  maker->labels = g_strdup ("0 << /S /r >> 2 << /S /D /St 1 >>");
  maker->title = g_strdup ("Night shift policy");
  for (guint i = 0; i < 4; i++)
    {
      g_autofree char *line = g_strdup_printf ("Text of page %c.", 'A' + i);
      pdf_add_page (maker);
      pdf_put (maker, 'r', 11, 72, 300, line);
    }
  g_autoptr (IngestDocument) document = parse (maker);
  ck_assert_str_eq (document->title, "Night shift policy");
  static const char *const labels[] = { "i", "ii", "1", "2" };
  for (guint i = 0; i < 4; i++)
    ck_assert_str_eq (g_array_index (document->pages, IngestPage, i).label, labels[i]);
  ck_assert_uint_eq (block_at (document, 3)->page, 4);
}
END_TEST

START_TEST (test_a_useless_title_gives_way_to_the_first_heading)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  maker->title = g_strdup ("Microsoft Word - draft.doc");
  pdf_add_page (maker);
  pdf_put (maker, 'b', 18, 72, 80, "Hand hygiene");
  pdf_put_lines (maker, 11, 72, 120, story);
  g_autoptr (IngestDocument) document = parse (maker);
  ck_assert_str_eq (document->title, "Hand hygiene");
}
END_TEST

START_TEST (test_what_was_filled_into_a_form_is_read_beside_its_label)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  maker->catalog = g_strdup ("/AcroForm << /Fields [8 0 R 9 0 R 10 0 R] >>");
  maker->page = g_strdup ("/Annots [8 0 R 9 0 R 10 0 R]");
  pdf_add_object (maker, "<< /Type /Annot /Subtype /Widget /FT /Tx /T (ward) /V (Linden 4) "
                         "/Rect [110 738 250 752] /F 4 >>");
  pdf_add_object (maker, "<< /Type /Annot /Subtype /Widget /FT /Btn /T (night) /V /On /AS /On "
                         "/AP << /N << /On 11 0 R /Off 11 0 R >> >> /Rect [72 708 84 720] >>");
  pdf_add_object (maker, "<< /Type /Annot /Subtype /Widget /FT /Tx /Ff 8192 /T (key) /V (4711) "
                         "/Rect [110 678 250 692] /F 4 >>");
  pdf_add_stream (maker, "/Type /XObject /Subtype /Form /BBox [0 0 12 12]", "");
  pdf_add_page (maker);
  pdf_put (maker, 'r', 11, 72, 100, "Ward:");
  pdf_put (maker, 'r', 11, 90, 132, "Works at night");
  check_pdf (maker, "P Ward: Linden 4|P [x] Works at night");
}
END_TEST

START_TEST (test_notes_and_link_targets_follow_the_page)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  maker->page = g_strdup ("/Annots [8 0 R 9 0 R 10 0 R 11 0 R]");
  pdf_add_object (maker, "<< /Type /Annot /Subtype /Text /Contents (Ask the works council.) "
                         "/Rect [300 700 320 720] >>");
  pdf_add_object (maker, "<< /Type /Annot /Subtype /Text /F 2 /Contents (Praise this text.) "
                         "/Rect [300 600 320 620] >>");
  pdf_add_object (maker, "<< /Type /Annot /Subtype /Link /Rect [72 700 300 760] "
                         "/A << /S /URI /URI (https://example.org/rota) >> >>");
  pdf_add_object (maker, "<< /Type /Annot /Subtype /Link /Rect [72 600 300 660] "
                         "/A << /S /URI /URI (https://www.example.org/printed/) >> >>");
  pdf_add_page (maker);
  double y = pdf_put_lines (maker, 11, 72, 100, story);
  pdf_put (maker, 'r', 11, 72, y + 20, "All of it is at example.org/printed.");
  check_pdf (maker, "P " STORY "|P All of it is at example.org/printed.|"
                    "F Note: Ask the works council.|F Link: https://example.org/rota");
}
END_TEST

START_TEST (test_pages_without_text)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  pdf_add_page (maker);
  pdf_add_page (maker);
  g_autoptr (GBytes) pdf = pdf_finish (maker);
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (ingest_parse_pdf (pdf, &error));
  ck_assert (g_error_matches (error, INGEST_ERROR, INGEST_ERROR_NO_TEXT));
}
END_TEST

START_TEST (test_an_encrypted_pdf)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  maker->trailer
      = g_strdup ("/ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>] "
                  "/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O "
                  "<0000000000000000000000000000000000000000000000000000000000000000> /U "
                  "<1111111111111111111111111111111111111111111111111111111111111111> >>");
  pdf_add_page (maker);
  pdf_put (maker, 'r', 11, 72, 100, "Secret.");
  g_autoptr (GBytes) pdf = pdf_finish (maker);
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (ingest_parse_pdf (pdf, &error));
  ck_assert (g_error_matches (error, INGEST_ERROR, INGEST_ERROR_ENCRYPTED));
}
END_TEST

START_TEST (test_what_nobody_sees_is_set_apart)
{
  if (!g_file_test ("/usr/share/fonts/truetype", G_FILE_TEST_IS_DIR))
    return;
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  pdf_add_page (maker);
  pdf_put_lines (maker, 11, 72, 100, story);
  pdf_draw (maker, "1 1 1 rg");
  pdf_put (maker, 'r', 11, 72, 300, "White words for the machine.");
  pdf_draw (maker, "0 g 3 Tr");
  pdf_put (maker, 'r', 11, 72, 400, "Words without ink.");
  pdf_draw (maker, "0 Tr");
  pdf_put (maker, 'r', 0.5, 72, 500, "Words of no size.");
  check_pdf (maker, "P " STORY "|X White words for the machine.\nWords without ink.\n"
                    "Words of no size.");
}
END_TEST

START_TEST (test_white_letters_on_a_dark_bar_show)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  pdf_add_page (maker);
  pdf_draw (maker, "0 0 0.4 rg 60 720 400 30 re f 1 1 1 rg");
  pdf_put (maker, 'b', 14, 72, 842 - 730, "Duties");
  pdf_draw (maker, "0 g");
  pdf_put_lines (maker, 11, 72, 200, story);
  check_pdf (maker, "H1 Duties|P " STORY);
}
END_TEST

START_TEST (test_a_pdf_that_is_none)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("%PDF-1.7 nothing else", 21);
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (ingest_parse_pdf (bytes, &error));
  ck_assert (g_error_matches (error, INGEST_ERROR, INGEST_ERROR_FORMAT));
}
END_TEST

int main (void)
{
  const TTest *const tests[] = { test_lines_become_paragraphs,
                                 test_a_footnote_does_not_part_a_paragraph_that_goes_on,
                                 test_a_first_line_indent_begins_a_paragraph,
                                 test_headings_by_size_and_weight,
                                 test_numbers_say_the_level,
                                 test_the_outline_knows_better,
                                 test_a_note_is_no_section,
                                 test_two_columns_are_read_one_after_the_other,
                                 test_a_title_may_cross_the_gutter,
                                 test_tables_are_read_row_by_row,
                                 test_a_cell_of_several_lines_stays_in_its_row,
                                 test_cells_in_the_middle_of_their_rows,
                                 test_contents_lose_their_dots,
                                 test_headers_footers_and_page_numbers_go,
                                 test_a_page_of_only_a_repeated_line_keeps_it,
                                 test_hyphens_and_ligatures,
                                 test_a_word_across_pages_is_mended,
                                 test_lists_with_markers_that_stand_apart,
                                 test_code_keeps_its_lines,
                                 test_turned_text_is_read,
                                 test_right_to_left_text_is_spelled_as_it_is_read,
                                 test_a_page_of_one_line_from_the_right_is_read,
                                 test_boxes_are_where_the_text_is,
                                 test_labels_and_title,
                                 test_a_useless_title_gives_way_to_the_first_heading,
                                 test_what_was_filled_into_a_form_is_read_beside_its_label,
                                 test_notes_and_link_targets_follow_the_page,
                                 test_pages_without_text,
                                 test_an_encrypted_pdf,
                                 test_what_nobody_sees_is_set_apart,
                                 test_white_letters_on_a_dark_bar_show,
                                 test_a_pdf_that_is_none };
  return run_suite ("ingest pdf", tests, G_N_ELEMENTS (tests), NULL, NULL);
}
