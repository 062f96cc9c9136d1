/* cli: the only room that prints, reads configuration and exits.
 *
 * One file per command, named after it; the table in commands.c has name, arguments, one-line
 * help, options and function, and `docent help`, the completions and the check of a command's
 * options are made from it. Options common to all commands are parsed by options.c before or after
 * the command's name. Read in this order: Commands, Errors, Text, Tables, JSON, Progress, Library.
 *
 * Results go to standard output, everything else to standard error. Text that came from documents,
 * feeds or model files is escaped before it reaches a terminal. */
#pragma once

#include <gio/gio.h>
#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdio.h>

#include "rag/rag.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RagDocument, rag_document_free)

typedef enum
{
  CLI_DONE = 0,
  CLI_FAILED = 1,
  CLI_USAGE = 2,
  CLI_REFUSED = 3, /* refused, or nothing found */
  CLI_PARTLY = 4,  /* some files failed; each is named */
} CliExit;

typedef struct
{
  char *library_dir, *models_dir, *collection, *model, *encoder, *reranker, *role;
  int rerank_ms; /* 0: the default */
  char **adapters; /* NULL: none */
  char *tone, *escalate; /* of digest and dossier, from the configuration; NULL: none */
  gboolean json, quiet, verbose;
  gboolean keep_nothing; /* --private */
  gboolean plain;       /* for screen readers and logs: no colours, nothing redrawn, lines whole */
  int threads;          /* 0: all */
  guint64 mem_bytes;    /* 0: no limit */
  char *kv_cache;       /* a name that engine_kv_type_parse knows; NULL: f16 */
  gboolean colour;      /* standard output is a terminal and NO_COLOR is not set */
  gboolean interactive; /* standard error is a terminal: progress may be redrawn */
} CliOptions;

/* ---- Commands: commands.c (the table), options.c, config.c, help.c, completions.c ---- */

typedef struct _CliCommand CliCommand;
struct _CliCommand
{
  const char *name;
  const char *arguments; /* "PATH…", "" */
  const char *help;      /* one line */
  guint min_arguments, max_arguments;
  const GOptionEntry *options; /* its own; NULL: none */
  /* ARGV: the arguments that are not options, without the command's name, ending with NULL. */
  CliExit (*run) (const CliOptions *options, int argc, char **argv);
  const CliCommand *commands; /* "models" has "models list"…; then RUN is NULL */
};

extern const CliCommand cli_commands[];         /* ends with a NULL name */
extern const GOptionEntry cli_global_options[]; /* parsed by options.c */

/* The entry of TABLE named NAME, or NULL. */
const CliCommand *cli_command_find (const CliCommand *table, const char *name);
/* The entry that a person who typed NAME probably meant, or NULL. */
const CliCommand *cli_command_nearest (const CliCommand *table, const char *name);

/* What a command line asks for. */
typedef struct
{
  CliOptions options;
  const CliCommand *command; /* NULL: only general options were given */
  char *name;                /* "models list" */
  char **arguments;          /* positional */
  gboolean help, version;
} CliInvocation;

/* Parses ARGV (changed, as GOption does). Fails with CLI_ERROR_USAGE. */
gboolean cli_parse (int argc, char **argv, CliInvocation *ret_invocation, GError **error);
void cli_invocation_clear (CliInvocation *invocation);
/* Fills what OPTIONS leaves open from the configuration file, then from the defaults. */
gboolean cli_config_apply (CliOptions *options, GError **error);
char *cli_config_path (void);
/* "512M", "2G", "1.5G": powers of 1024. */
gboolean cli_parse_bytes (const char *text, guint64 *ret_bytes, GError **error);

/* Usage and options of COMMAND, or the list of all commands when it is NULL. */
void cli_help_print (FILE *out, const CliCommand *command, const char *name);

CliExit cli_add (const CliOptions *options, int argc, char **argv);
CliExit cli_ask (const CliOptions *options, int argc, char **argv);
CliExit cli_backup (const CliOptions *options, int argc, char **argv);
CliExit cli_bench (const CliOptions *options, int argc, char **argv);
CliExit cli_chat (const CliOptions *options, int argc, char **argv);
CliExit cli_completions (const CliOptions *options, int argc, char **argv);
CliExit cli_dossier (const CliOptions *options, int argc, char **argv);
CliExit cli_schedule (const CliOptions *options, int argc, char **argv);
CliExit cli_digest (const CliOptions *options, int argc, char **argv);
CliExit cli_doctor (const CliOptions *options, int argc, char **argv);
CliExit cli_forget (const CliOptions *options, int argc, char **argv);
CliExit cli_fsck (const CliOptions *options, int argc, char **argv);
CliExit cli_help (const CliOptions *options, int argc, char **argv);
CliExit cli_list (const CliOptions *options, int argc, char **argv);
CliExit cli_log (const CliOptions *options, int argc, char **argv);
CliExit cli_search (const CliOptions *options, int argc, char **argv);
CliExit cli_show (const CliOptions *options, int argc, char **argv);
CliExit cli_sync (const CliOptions *options, int argc, char **argv);
CliExit cli_tag (const CliOptions *options, int argc, char **argv);
CliExit cli_calibrate (const CliOptions *options, int argc, char **argv);
CliExit cli_feedback (const CliOptions *options, int argc, char **argv);
CliExit cli_eval_replay (const CliOptions *options, int argc, char **argv);
CliExit cli_eval_compare (const CliOptions *options, int argc, char **argv);

extern const GOptionEntry cli_add_options[], cli_ask_options[], cli_chat_options[],
    cli_digest_options[], cli_schedule_options[], cli_dossier_options[], cli_forget_options[],
    cli_fsck_options[], cli_list_options[], cli_log_options[], cli_search_options[],
    cli_show_options[], cli_sync_options[], cli_tag_options[], cli_feedback_options[],
    cli_calibrate_options[],
    cli_eval_replay_options[], cli_eval_compare_options[];
extern const CliCommand cli_feed_commands[], cli_models_commands[], cli_eval_commands[],
    cli_collection_commands[], cli_saved_commands[];

/* ---- Parts of the library: scope.c ---- */

/* What the command line keeps the command to. */
extern RagScope cli_scope;

/* Options of the commands that can be kept to a part of the library. */
#define CLI_SCOPE_OPTIONS                                                                          \
  { "folder", 0, 0, G_OPTION_ARG_FILENAME, &cli_scope.folder, "only documents below DIR", "DIR" }, \
  { "lang", 0, 0, G_OPTION_ARG_FILENAME, &cli_scope.language,                                      \
    "only documents in this language: de, en, …", "CODE" },                                        \
  { "tag", 0, 0, G_OPTION_ARG_FILENAME, &cli_scope.tag, "only documents with this tag", "TAG" },   \
  { "after", 0, 0, G_OPTION_ARG_FILENAME, &cli_scope.after,                                        \
    "only documents of DATE or later: 2024, 2024-01 or 2024-01-15", "DATE" },              \
  { "before", 0, 0, G_OPTION_ARG_FILENAME, &cli_scope.before,                                      \
    "only documents of before DATE", "DATE" }
#define CLI_SECTION_OPTION                                                                         \
  { "section", 0, 0, G_OPTION_ARG_FILENAME, &cli_scope.section,                                    \
    "only passages of sections with these words in their title", "WORDS" }

/* How long a question may wait for the first word of its answer; 0: as long as people like to. */
#define CLI_BUDGET_OPTION(seconds)                                                                 \
  { "budget", 0, 0, G_OPTION_ARG_DOUBLE, &(seconds),                                               \
    "let the model read what it can in SECONDS (default: 3)", "SECONDS" }
#define CLI_BUDGET_PROBLEM "--budget takes seconds, from 0.1 to 3600"
static inline gboolean cli_budget_makes_sense (double seconds)
{
  return seconds == 0 || (seconds >= 0.1 && seconds <= 3600);
}

/* How sure of an answer one must be. */
#define CLI_SURE_OPTION(probability)                                                               \
  { "sure", 0, 0, G_OPTION_ARG_DOUBLE, &(probability),                                             \
    "refuse what is less likely to be right than P, from 0 to 1 (default: 0.2)", "P" }
#define CLI_SURE_PROBLEM "--sure takes a number from 0 to 1"
static inline gboolean cli_sure_makes_sense (double probability)
{
  return probability >= 0 && probability <= 1;
}

/* How files are read; WHEN goes through cli_parse_ocr. */
#define CLI_READING_OPTIONS(when, unsandboxed)                                                     \
  { "ocr", 0, 0, G_OPTION_ARG_STRING, &(when),                                                     \
    "read pages that are pictures with tesseract: auto (when it is installed), never, always",     \
    "WHEN" },                                                                                      \
  { "unsandboxed", 0, 0, G_OPTION_ARG_NONE, &(unsandboxed),                                        \
    "read files although this system has no sandbox for their parsers", NULL }
#define CLI_OCR_PROBLEM "--ocr is auto, never or always, not '%s'"

/* How a brief is written, and what is taken out of it. */
#define CLI_WRITING_OPTIONS(tone, redact)                                                          \
  { "tone", 0, 0, G_OPTION_ARG_FILENAME, &(tone),                                                  \
    "formal, friendly, press, or a file that tells the model how to write", "NAME" },              \
  { "redact", 0, 0, G_OPTION_ARG_NONE, &(redact),                                                  \
    "take out mail addresses, telephone numbers, accounts and names after a title", NULL }

/* Moves "in:policy", "after:2024-01" and the like from QUERY to cli_scope; returns the rest. */
char *cli_take_scope (const char *query);
/* Keeps RAG to OWN, and to cli_scope in all that OWN does not say. */
gboolean cli_set_scope (Rag *rag, const RagScope *own, GError **error);
/* Opens the library for reading, kept to cli_scope. */
Rag *cli_open_scoped (const CliOptions *options, GError **error);

/* ---- Errors: main.c ---- */

#define CLI_ERROR (cli_error_quark ())
GQuark cli_error_quark (void);
enum
{
  CLI_ERROR_USAGE, /* the command line cannot be understood: exit 2 */
  CLI_ERROR_FAILED,
};

/* Prints "docent: MESSAGE" and returns the exit code that fits the error. */
CliExit cli_fail (const GError *error);
/* Prints "docent: MESSAGE" about how COMMAND was called, and where to read more: exit 2. */
CliExit cli_usage (const char *command, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* "docent: MESSAGE" on standard error. */
void cli_warn (const char *format, ...) G_GNUC_PRINTF (1, 2);
/* A sentence on standard error, unless --quiet. */
void cli_note (const CliOptions *options, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* ---- Network: network.c ---- */

/* Makes the kernel refuse sockets to this process and all that it starts, unless COMMAND ("models
 * fetch") is one of those that are there to use the network. */
void cli_deny_network (const char *command);
/* VIEWERS: Unix sockets are left. */
void cli_deny_network_now (gboolean viewers);

/* ---- Privacy: private.c ---- */

/* From here on nothing of this process's memory is written to the disk by the system. */
void cli_leave_no_trace (const CliOptions *options);

/* ---- Text: escape.c, output.c, wrap.c, hyperlink.c ---- */

/* A copy of TEXT (UTF-8 or not) that cannot command a terminal: control characters, those that
 * turn or hide text, and broken bytes become "<U+202E>"; line breaks and tabs do in a line, and
 * stay in a text. */
char *cli_escape_line (const char *text);
char *cli_escape_text (const char *text);
/* Columns that TEXT takes on a terminal. */
guint cli_text_width (const char *text);
/* TEXT cut to WIDTH columns, "…" included. */
char *cli_shorten (const char *text, guint width);

/* Columns to wrap at; 0: standard output is not a terminal, keep lines whole. */
guint cli_width (void);
guint cli_height (void);

typedef enum
{
  CLI_PLAIN,
  CLI_BOLD,
  CLI_DIM,
  CLI_GREEN,
  CLI_YELLOW,
  CLI_RED,
} CliStyle;
/* The escape sequence for STYLE, "" when colours are off. */
const char *cli_style (const CliOptions *options, CliStyle style);
/* The escape sequence that begins a link to a document's page, "" where there are no links. */
char *cli_link_begin (const CliOptions *options, const char *document, guint page);
/* What ends the link that BEGIN began. */
const char *cli_link_end (const char *begin);

/* Fills lines word by word; text may come in pieces of any size. */
typedef struct
{
  const CliOptions *options;
  FILE *out;
  guint indent, width; /* width 0: lines stay whole */
  guint column;        /* 0: nothing printed on this line yet */
  guint newlines;      /* line breaks waiting for the next word */
  guint lines;         /* printed so far */
  gboolean space;      /* a space waits for the next word */
  gboolean started;
  gboolean dense; /* no blank lines */
  GString *word;
  guint word_width;
  CliStyle style, shown_style; /* of the word, of what was printed last */
} CliWrap;
void cli_wrap_begin (CliWrap *wrap, const CliOptions *options, FILE *out, guint indent);
/* TEXT is escaped here. */
void cli_wrap_text (CliWrap *wrap, CliStyle style, const char *text, gssize length);
void cli_wrap_end (CliWrap *wrap);
void cli_print_wrapped (const CliOptions *options, guint indent, CliStyle style, const char *text);

char *cli_format_bytes (guint64 bytes);     /* "1.1 GB" */
char *cli_format_count (guint64 n);         /* "12,345" */
char *cli_format_duration (double seconds); /* "3 min 20 s" */
/* "1 document", "1,204 documents" */
char *cli_format_plural (guint64 n, const char *one, const char *many);
/* The document's name as people know it: its file name; its whole path with --verbose. Escaped. */
char *cli_document_name (const CliOptions *options, const char *path);
/* PATH with the home folder as "~". Escaped. */
char *cli_short_path (const char *path);
/* "p. 12", "p. xii (14)" when the printed label is another than the page; "" without pages. */
char *cli_page_name (guint page, const char *label);
/* What follows a page whose text is what OCR made of a picture. */
const char *cli_ocr_mark (gboolean ocr);
/* --ocr VALUE of add and sync; FALSE when it is none. NULL: automatically. */
gboolean cli_parse_ocr (const char *value, RagOcr *ret_ocr);

/* ---- Tables: table.c ---- */

typedef struct _CliTable CliTable;
/* COLUMNS: titles as in "~Document|>Pages|<Type". "<" aligns left, ">" right, "~" left and gives
 * way when the terminal is too narrow. */
CliTable *cli_table_new (const char *columns);
void cli_table_free (CliTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CliTable, cli_table_free)
/* As many strings as there are columns. Escaped here. */
void cli_table_add (CliTable *table, ...) G_GNUC_NULL_TERMINATED;
void cli_table_print (const CliTable *table, const CliOptions *options);

/* ---- JSON: json-output.c ---- */

void cli_json_string (JsonBuilder *json, const char *name, const char *value); /* NULL: null */
void cli_json_int (JsonBuilder *json, const char *name, gint64 value);
void cli_json_double (JsonBuilder *json, const char *name, double value); /* not finite: null */
void cli_json_bool (JsonBuilder *json, const char *name, gboolean value);
void cli_json_object (JsonBuilder *json, const char *name); /* begins; NAME NULL: an element */
void cli_json_array (JsonBuilder *json, const char *name);  /* begins */
/* An array of objects; MEMBERS writes those of one element. */
typedef void (*CliJsonMembers) (JsonBuilder *json, gconstpointer element);
void cli_json_objects (JsonBuilder *json, const char *name, const GPtrArray *elements,
                       CliJsonMembers members);
void cli_json_coverage (JsonBuilder *json, const RagCoverage *coverage);
void cli_json_failures (JsonBuilder *json, const char *name, const GPtrArray *failures);
void cli_json_document (JsonBuilder *json, const RagDocument *document); /* members only */
void cli_json_citations (JsonBuilder *json, const GPtrArray *citations);
void cli_json_hits (JsonBuilder *json, const char *name, const GPtrArray *hits);
/* One line on standard output. */
void cli_json_print (JsonBuilder *json);

/* ---- Progress: progress.c, signals.c ---- */

/* Says on standard error how far a long task is: redrawn at most ten times a second on a terminal,
 * a line every few seconds otherwise, nothing with --quiet. */
typedef struct _CliProgress CliProgress;
CliProgress *cli_progress_new (const CliOptions *options);
void cli_progress_free (CliProgress *progress);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CliProgress, cli_progress_free)
/* TRUE when cli_progress_show would show something now. */
gboolean cli_progress_due (CliProgress *progress);
void cli_progress_show (CliProgress *progress, const char *format, ...) G_GNUC_PRINTF (2, 3);
void cli_progress_clear (CliProgress *progress);
/* "[█████     ] ", or "" where nothing is redrawn. */
char *cli_progress_bar (const CliProgress *progress, guint64 done, guint64 total);
/* DONE of TOTAL bytes of a STEP on NAME, with rate and time left since the step began. */
void cli_progress_bytes (CliProgress *progress, const char *name, const char *step, guint64 done,
                         guint64 total);
/* The same for things that are counted. */
void cli_progress_count (CliProgress *progress, const char *step, guint64 done, guint64 total);

/* The first Ctrl-C (or SIGTERM) cancels this, a second one ends the program. Installs the handlers
 * on the first call. WHAT_HAPPENS is printed when it is pressed: "stopping after this document". */
GCancellable *cli_cancellable (const char *what_happens);
/* Between the questions of a conversation: signals end the program again. */
void cli_cancellable_reset (void);

/* ---- Library: library.c, take-in.c, answer.c, viewer.c, models.c ---- */

/* Points into OPTIONS. */
RagOptions cli_rag_options (const CliOptions *options);
Rag *cli_open (const CliOptions *options, RagMode mode, GError **error);
/* The arguments joined by spaces, or standard input when the only one is "-"; at most 1 MiB. */
char *cli_read_question (int argc, char **argv, GError **error);
/* All of standard input, at most LIMIT bytes. WHAT it is, for the error: "the question". */
GBytes *cli_read_stdin (gsize limit, const char *what, GError **error);
/* "secret.pdf: needs a password" */
char *cli_failure_line (const CliOptions *options, const RagFailure *failure);
/* "Searched 12 of 13 documents; not searched: secret.pdf: needs a password." */
char *cli_coverage_line (const CliOptions *options, const RagCoverage *coverage);
/* "policy.pdf, p. 3 · Staffing", and scores with --verbose, on a line of which COLUMN columns are
 * used. */
void cli_print_hit_title (const CliOptions *options, const RagHit *hit, guint column);
/* The hit's text with its best sentence marked; ALL: the whole passage, otherwise that sentence
 * and what is around it. */
void cli_print_passage (const CliOptions *options, const RagHit *hit, guint indent, gboolean all);
/* Opens a document at PAGE in the user's viewer. */
gboolean cli_view (const char *path, guint page, GError **error);
/* Names of the models here that can write answers: char*. */
GPtrArray *cli_generator_names (const CliOptions *options);
/* Asks on the terminal; FALSE when there is none. */
gboolean cli_confirm (const char *question);
/* What `add` and `sync` have in common: progress and summary. PATHS NULL: sync. HOW: what the
 * command's own options say. */
CliExit cli_take_in (const CliOptions *options, Rag *rag, const char *const *paths, gsize n_paths,
                     RagAddOptions how);

/* Prints one answer as it comes: evidence, streamed text, then what the checks made of it. */
typedef struct
{
  const CliOptions *options;
  CliProgress *progress;
  CliWrap wrap;
  GCancellable *cancellable;
  gboolean streaming, headed;
} CliAnswerView;
void cli_answer_view_begin (CliAnswerView *view, const CliOptions *options);
RagAskEvents cli_answer_view_events (CliAnswerView *view, GCancellable *cancellable);
void cli_answer_view_finish (CliAnswerView *view, const RagAnswer *answer);
/* One of the values that documents disagree on, with its date, version and place. */
char *cli_conflict_value (const CliOptions *options, const RagConflictValue *value);
void cli_answer_view_clear (CliAnswerView *view);
void cli_answer_json (const RagAnswer *answer);
/* CLI_FAILED for an answer that was stopped. */
CliExit cli_answer_exit (const RagAnswer *answer);
void cli_print_evidence (const CliOptions *options, const GPtrArray *hits);
void cli_print_citations (const CliOptions *options, const GPtrArray *citations);
