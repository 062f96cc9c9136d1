/* docent saved list|show|forget|check: answers that were kept with ask --save, and whether they
 * still stand.
 *
 * check is for cron: with --quiet it prints nothing but what has changed, and it ends with 3 when
 * nothing has, as digest does. */
#include <string.h>

#include "cli-private.h"

static char *day_of (gint64 seconds)
{
  g_autoptr (GDateTime) moment = g_date_time_new_from_unix_local (seconds);
  return moment != NULL ? g_date_time_format (moment, "%Y-%m-%d") : g_strdup ("");
}

static const char *status_of (const RagSaved *saved)
{
  return saved->answer == NULL ? "withdrawn" : saved->refused ? "refused" : "answered";
}

static void saved_members (JsonBuilder *json, gconstpointer element)
{
  const RagSaved *saved = element;
  RagScope scope = saved->scope; /* shares the strings */
  const char *name;
  char **text;
  cli_json_string (json, "name", saved->name);
  cli_json_string (json, "question", saved->question);
  cli_json_string (json, "status", status_of (saved));
  cli_json_string (json, "answer", saved->answer);
  cli_json_citations (json, saved->citations);
  cli_json_int (json, "conflicts", saved->n_conflicts);
  for (guint i = 0; (text = rag_scope_field (&scope, i, &name)) != NULL; i++)
    cli_json_string (json, name, *text);
  cli_json_string (json, "model", saved->model);
  cli_json_int (json, "saved_at", saved->saved_at);
  cli_json_int (json, "checked_at", saved->checked_at);
}

static void print_json (const GPtrArray *all)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  cli_json_object (json, NULL);
  cli_json_objects (json, "saved", all, saved_members);
  json_builder_end_object (json);
  cli_json_print (json);
}

static CliExit list_saved (const CliOptions *options, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Rag) rag = cli_open (options, RAG_READ, &error);
  if (rag == NULL)
    return cli_fail (error);
  g_autoptr (GPtrArray) all = rag_saved_list (rag);
  if (options->json)
    {
      print_json (all);
      return CLI_DONE;
    }
  if (all->len == 0)
    {
      cli_note (options, "Nothing is saved; docent ask --save NAME keeps an answer.");
      return CLI_DONE;
    }
  g_autoptr (CliTable) table = cli_table_new ("<Name|~Question|<Status|<Saved|<Checked");
  for (guint i = 0; i < all->len; i++)
    {
      const RagSaved *saved = g_ptr_array_index (all, i);
      g_autofree char *saved_on = day_of (saved->saved_at), *checked = day_of (saved->checked_at);
      cli_table_add (table, saved->name, saved->question, status_of (saved), saved_on, checked,
                     NULL);
    }
  cli_table_print (table, options);
  return CLI_DONE;
}

static void print_saved (const CliOptions *options, const RagSaved *saved)
{
  g_autofree char *checked = day_of (saved->checked_at);
  cli_print_wrapped (options, 0, CLI_BOLD, saved->question);
  cli_print_wrapped (options, 2, CLI_PLAIN,
                     saved->answer != NULL ? saved->answer
                                           : "(a document that the answer rested on is gone)");
  putchar ('\n');
  if (saved->citations->len > 0)
    cli_print_citations (options, saved->citations);
  printf ("Checked on %s.\n", checked);
}

static CliExit show (const CliOptions *options, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Rag) rag = cli_open (options, RAG_READ, &error);
  g_autoptr (RagSaved) saved = rag != NULL ? rag_saved_find (rag, argv[0], &error) : NULL;
  if (saved == NULL)
    return cli_fail (error);
  g_autoptr (GPtrArray) one = g_ptr_array_new ();
  g_ptr_array_add (one, saved);
  if (options->json)
    print_json (one);
  else
    print_saved (options, saved);
  return CLI_DONE;
}

static CliExit forget (const CliOptions *options, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Rag) rag = cli_open (options, RAG_WRITE, &error);
  if (rag == NULL)
    return cli_fail (error);
  for (char **name = argv; *name != NULL; name++)
    if (!rag_saved_remove (rag, *name, &error))
      return cli_fail (error);
  return CLI_DONE;
}

/* ---- Checking ---- */

static const struct
{
  const char *code, *sentence;
} reasons[] = {
  [RAG_SAVED_GONE] = { "gone", "a document that it rested on is gone" },
  [RAG_SAVED_EDITED] = { "edited", "a document does not say so any more" },
  [RAG_SAVED_NEWER] = { "newer", "a document came in that says more" },
  [RAG_SAVED_CONFLICT] = { "conflict", "documents disagree now" },
  [RAG_SAVED_OTHER] = { "other", "other passages are found" },
};

static void change_members (JsonBuilder *json, gconstpointer element)
{
  const RagSavedChange *change = element;
  cli_json_string (json, "reason", reasons[change->reason].code);
  cli_json_string (json, "document", change->document);
  cli_json_string (json, "quote", change->quote);
}

static void check_members (JsonBuilder *json, gconstpointer element)
{
  const RagSavedCheck *check = element;
  cli_json_string (json, "name", check->before->name);
  cli_json_string (json, "question", check->before->question);
  cli_json_bool (json, "changed", check->changes->len > 0);
  cli_json_objects (json, "changes", check->changes, change_members);
  cli_json_bool (json, "asked", check->after != NULL);
  cli_json_string (json, "before", check->before->answer);
  cli_json_string (json, "after",
                   check->after != NULL ? check->after->answer : check->before->answer);
}

static void print_answer (const CliOptions *options, const char *label, const char *answer)
{
  g_autofree char *text
      = g_strdup_printf ("%s: %s", label, answer != NULL ? answer : "(withdrawn)");
  cli_print_wrapped (options, 2, CLI_PLAIN, text);
}

static void print_check (const CliOptions *options, const RagSavedCheck *check)
{
  g_autofree char *name = cli_escape_line (check->before->name);
  if (check->changes->len == 0)
    {
      if (!options->quiet)
        printf ("%s: unchanged\n", name);
      return;
    }
  printf ("%s: changed\n", name);
  cli_print_wrapped (options, 2, CLI_BOLD, check->before->question);
  print_answer (options, "before", check->before->answer);
  print_answer (options, "now", check->after->answer);
  for (guint i = 0; i < check->changes->len; i++)
    {
      const RagSavedChange *change = g_ptr_array_index (check->changes, i);
      g_autofree char *document
          = change->document != NULL ? cli_document_name (options, change->document) : NULL;
      g_autoptr (GString) why = g_string_new ("why: ");
      g_string_append (why, reasons[change->reason].sentence);
      if (document != NULL)
        g_string_append_printf (why, " (%s): “%s”", document, change->quote);
      cli_print_wrapped (options, 2, CLI_PLAIN, why->str);
    }
}

static void failure_members (JsonBuilder *json, gconstpointer element)
{
  const RagFailure *failure = element;
  cli_json_string (json, "name", failure->document);
  cli_json_string (json, "reason", failure->reason);
}

static void print_checks_json (const GPtrArray *checks, const GPtrArray *failed)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  cli_json_object (json, NULL);
  cli_json_objects (json, "checked", checks, check_members);
  cli_json_objects (json, "failed", failed, failure_members);
  json_builder_end_object (json);
  cli_json_print (json);
}

/* The names given, else all. Elements: char*. */
static GPtrArray *names_of (Rag *rag, char **argv)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) all = *argv == NULL ? rag_saved_list (rag) : NULL;
  for (guint i = 0; all != NULL && i < all->len; i++)
    g_ptr_array_add (names, g_strdup (((const RagSaved *)g_ptr_array_index (all, i))->name));
  for (char **name = argv; *name != NULL; name++)
    g_ptr_array_add (names, g_strdup (*name));
  return names;
}

static CliExit exit_of (const GPtrArray *checks, guint n_failed)
{
  gboolean changed = FALSE;
  for (guint i = 0; i < checks->len; i++)
    changed |= ((const RagSavedCheck *)g_ptr_array_index (checks, i))->changes->len > 0;
  if (n_failed > 0)
    return checks->len > 0 ? CLI_PARTLY : CLI_FAILED;
  return changed ? CLI_DONE : CLI_REFUSED;
}

static CliExit check (const CliOptions *options, int argc, char **argv)
{
  if (options->role != NULL)
    return cli_usage ("saved check", "a role (--as) may only read: leave it out");
  g_autoptr (GError) error = NULL;
  g_autoptr (Rag) rag = cli_open (options, RAG_READ, &error);
  if (rag == NULL)
    return cli_fail (error);
  g_autoptr (GPtrArray) names = names_of (rag, argv);
  g_autoptr (GPtrArray) checks
      = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_saved_check_free);
  g_autoptr (GPtrArray) failed = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_failure_free);
  const RagAskEvents events = { .cancellable = cli_cancellable ("stopping the check") };
  for (guint i = 0; i < names->len && !g_cancellable_is_cancelled (events.cancellable); i++)
    {
      g_autoptr (GError) inner = NULL;
      RagSavedCheck *done = rag_saved_check (rag, g_ptr_array_index (names, i), &events, &inner);
      if (done != NULL)
        {
          g_ptr_array_add (checks, done);
          if (!options->json)
            print_check (options, done);
          continue;
        }
      cli_warn ("%s", inner->message);
      g_ptr_array_add (failed, rag_failure_new (g_ptr_array_index (names, i), inner->message));
    }
  if (options->json)
    print_checks_json (checks, failed);
  return exit_of (checks, failed->len);
}

const CliCommand cli_saved_commands[] = {
  { "list", "", "show which answers are saved", 0, 0, NULL, list_saved, NULL },
  { "show", "NAME", "show a saved answer", 1, 1, NULL, show, NULL },
  { "check", "[NAME…]", "tell which answers have changed, and why", 0, G_MAXUINT, NULL, check,
    NULL },
  { "forget", "NAME…", "keep answers no longer", 1, G_MAXUINT, NULL, forget, NULL },
  { NULL },
};
