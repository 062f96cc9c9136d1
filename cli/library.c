/* What several commands share: opening the library, reading a question, showing what was found.
 *
 * In: the options and what rag returns. Out: text on standard output in which everything that came
 * from a document is escaped. The coverage line is the promise that nothing is passed over in
 * silence: whatever could not be read is named with its reason. */
#include <string.h>
#include <unistd.h>

#include "cli-private.h"

RagOptions cli_rag_options (const CliOptions *options)
{
  return (RagOptions){
    .library_dir = options->library_dir,
    .models_dir = options->models_dir,
    .encoder = options->encoder,
    .generator = options->model,
    .adapters = (const char *const *)options->adapters,
    .n_threads = options->threads,
    .mem_limit_bytes = options->mem_bytes,
    .kv_cache = options->kv_cache,
    .role = options->role,
    .reranker = options->reranker,
    .rerank_ms = (guint)options->rerank_ms,
    .keep_nothing = options->keep_nothing,
  };
}

Rag *cli_open (const CliOptions *options, RagMode mode, GError **error)
{
  const RagOptions rag_options = cli_rag_options (options);
  Rag *rag = rag_open (&rag_options, mode, error);
  if (rag != NULL && rag_is_private (rag, NULL))
    cli_leave_no_trace (options);
  return rag;
}

GBytes *cli_read_stdin (gsize limit, const char *what, GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  guint8 buffer[65536];
  gsize n;
  while ((n = fread (buffer, 1, sizeof buffer, stdin)) > 0)
    {
      if (n > limit - bytes->len)
        {
          g_autofree char *most = cli_format_bytes (limit);
          g_set_error (error, CLI_ERROR, CLI_ERROR_USAGE,
                       "%s on standard input is longer than %s; shorten it", what, most);
          return NULL;
        }
      g_byte_array_append (bytes, buffer, n);
    }
  if (ferror (stdin))
    {
      g_set_error (error, CLI_ERROR, CLI_ERROR_FAILED, "%s could not be read from standard input",
                   what);
      return NULL;
    }
  return g_byte_array_free_to_bytes (g_steal_pointer (&bytes));
}

#define MAX_QUESTION_BYTES 1000000

char *cli_read_question (int argc, char **argv, GError **error)
{
  if (argc != 1 || strcmp (argv[0], "-") != 0)
    {
      g_autofree char *joined = g_strjoinv (" ", argv);
      return g_strdup (g_strstrip (joined));
    }
  g_autoptr (GBytes) bytes = cli_read_stdin (MAX_QUESTION_BYTES, "the question", error);
  if (bytes == NULL)
    return NULL;
  gsize length;
  const char *data = g_bytes_get_data (bytes, &length);
  if (length == 0)
    return g_strdup ("");
  if (!g_utf8_validate (data, length, NULL))
    {
      g_set_error_literal (error, CLI_ERROR, CLI_ERROR_USAGE,
                           "the question on standard input is not UTF-8 text; convert it first");
      return NULL;
    }
  g_autofree char *text = g_strndup (data, length);
  return g_strdup (g_strstrip (text));
}

char *cli_failure_line (const CliOptions *options, const RagFailure *failure)
{
  g_autofree char *base = g_path_get_basename (failure->document);
  g_autofree char *reason = cli_escape_line (failure->reason);
  if (strstr (failure->reason, base) != NULL)
    return g_steal_pointer (&reason);
  g_autofree char *name = cli_document_name (options, failure->document);
  return g_strdup_printf ("%s: %s", name, reason);
}

/* More than these and the line would bury the answer. */
#define MAX_SKIPPED_SHOWN 3

char *cli_coverage_line (const CliOptions *options, const RagCoverage *coverage)
{
  g_autofree char *searched = cli_format_count (coverage->searched);
  g_autofree char *all = cli_format_plural (coverage->documents, "document", "documents");
  GString *line = g_string_new (NULL);
  g_string_append_printf (line, "Searched %s of %s", searched, all);
  const guint n = coverage->skipped != NULL ? coverage->skipped->len : 0;
  for (guint i = 0; i < MIN (n, MAX_SKIPPED_SHOWN); i++)
    {
      g_autofree char *failure
          = cli_failure_line (options, g_ptr_array_index (coverage->skipped, i));
      if (g_str_has_suffix (failure, "."))
        failure[strlen (failure) - 1] = '\0';
      g_string_append_printf (line, "%s%s", i == 0 ? "; not searched: " : "; ", failure);
    }
  if (n > MAX_SKIPPED_SHOWN)
    g_string_append_printf (line, "; and %u more (docent list --failed)", n - MAX_SKIPPED_SHOWN);
  g_string_append_c (line, '.');
  return g_string_free (line, FALSE);
}

/* The best sentence of HIT as byte offsets that can be relied on; FALSE when it has none. */
static gboolean best_sentence (const RagHit *hit, gsize *ret_start, gsize *ret_end)
{
  const gsize length = strlen (hit->text);
  if (hit->best_end <= hit->best_start || hit->best_end > length)
    return FALSE;
  if (((guchar)hit->text[hit->best_start] & 0xC0) == 0x80
      || ((guchar)hit->text[hit->best_end] & 0xC0) == 0x80)
    return FALSE;
  *ret_start = hit->best_start;
  *ret_end = hit->best_end;
  return TRUE;
}

#define CONTEXT_BYTES 160
#define EXCERPT_BYTES 480

/* Where a word begins at or after FROM. */
static gsize word_start (const char *text, gsize from, gsize to)
{
  while (from > 0 && from < to && !g_ascii_isspace (text[from - 1]))
    from++;
  return from;
}

static gsize word_end (const char *text, gsize from, gsize to)
{
  while (to > from && text[to] != '\0' && !g_ascii_isspace (text[to]))
    to--;
  return to;
}

static void print_marked (const CliOptions *options, const char *text, gsize from, gsize start,
                          gsize end, gsize to, guint indent)
{
  const gboolean whole = from == 0 && text[to] == '\0';
  CliWrap wrap;
  cli_wrap_begin (&wrap, options, stdout, indent);
  wrap.dense = !whole;
  if (from > 0 && from < start)
    cli_wrap_text (&wrap, CLI_DIM, "… ", -1);
  cli_wrap_text (&wrap, CLI_PLAIN, text + from, start - from);
  cli_wrap_text (&wrap, CLI_BOLD, text + start, end - start);
  cli_wrap_text (&wrap, CLI_PLAIN, text + end, to - end);
  if (text[to] != '\0')
    cli_wrap_text (&wrap, CLI_DIM, " …", -1);
  cli_wrap_end (&wrap);
}

void cli_print_passage (const CliOptions *options, const RagHit *hit, guint indent, gboolean all)
{
  const char *text = hit->text;
  const gsize length = strlen (text);
  gsize start = 0, end = 0;
  const gboolean marked = best_sentence (hit, &start, &end);
  if (all)
    {
      print_marked (options, text, 0, start, end, length, indent);
      return;
    }
  if (!marked)
    end = word_end (text, 0, MIN (length, EXCERPT_BYTES));
  if (end - start > EXCERPT_BYTES)
    end = word_end (text, start, start + EXCERPT_BYTES);
  /* Without bold type the sentence is marked by standing alone. */
  const gsize context = options->colour && marked ? CONTEXT_BYTES : 0;
  const gsize from = context > 0 ? word_start (text, start - MIN (start, context), start) : start;
  const gsize to = context > 0 ? MAX (word_end (text, end, MIN (length, end + context)), end) : end;
  print_marked (options, text, from, start, end, to, indent);
}

#define SECTION_MARK "› "

/* SECTION without its outer parts, until it takes at most WIDTH columns: where a reader is, the
 * innermost heading says best. */
static char *inner_section (const char *section, guint width)
{
  if (cli_text_width (section) <= width)
    return g_strdup (section);
  for (const char *at = section; (at = strstr (at, SECTION_MARK)) != NULL;)
    {
      g_autofree char *shown = g_strconcat ("… ", at, NULL);
      if (cli_text_width (shown) <= width)
        return g_steal_pointer (&shown);
      at += strlen (SECTION_MARK);
      section = at;
    }
  return cli_shorten (section, width);
}

/* "policy.pdf, p. 3 · Staffing" */
void cli_print_hit_title (const CliOptions *options, const RagHit *hit, guint column)
{
  const char *plain = cli_style (options, CLI_PLAIN), *dim = cli_style (options, CLI_DIM);
  g_autofree char *name = cli_document_name (options, hit->document);
  g_autofree char *page = cli_page_name (hit->page, hit->page_label);
  g_autofree char *place = g_strdup_printf ("%s%s%s%s", name, *page != '\0' ? ", " : "", page, cli_ocr_mark (hit->ocr));
  g_autofree char *section = cli_escape_line (hit->section != NULL ? hit->section : "");
  const guint used = column + cli_text_width (place) + 3;
  const guint width = cli_width () == 0 ? G_MAXUINT : cli_width () - MIN (cli_width (), used);
  g_autofree char *shown = inner_section (section, width);
  g_autofree char *link = cli_link_begin (options, hit->document, hit->page);
  printf ("%s%s%s%s%s%s%s%s%s", link, cli_style (options, CLI_GREEN), place, plain,
          cli_link_end (link), dim, *shown != '\0' ? " · " : "", shown, plain);
  if (options->verbose)
    printf ("%s  (score %.4f, bm25 %.2f, cosine %.3f)%s", dim, hit->score, hit->bm25, hit->cosine,
            plain);
  putchar ('\n');
}

gboolean cli_confirm (const char *question)
{
  if (!isatty (STDIN_FILENO) || !isatty (STDERR_FILENO))
    return FALSE;
  fprintf (stderr, "%s [y/N] ", question);
  fflush (stderr);
  char answer[16];
  return fgets (answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}
