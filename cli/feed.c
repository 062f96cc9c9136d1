/* docent feed: subscribe to feeds and take their new entries in.
 *
 * add, list and remove only write down what is subscribed; poll is the one that opens connections,
 * to the addresses that were subscribed and where they redirect. A feed that fails is named on
 * standard error, also with --quiet, and the others go on (exit code 4). */
#include <string.h>

#include "cli-private.h"

static int keep_days = 90, timeout_s, max_pages = 20;
static char *selector;
static gboolean poll_all, no_embed;

static const GOptionEntry add_options[] = {
  { "keep", 0, 0, G_OPTION_ARG_INT, &keep_days,
    "forget entries after DAYS (default: 90); 0 keeps them", "DAYS" },
  { "select", 0, 0, G_OPTION_ARG_STRING, &selector,
    "of a web page, each element that matches is an entry: article, .news, #list > li",
    "SELECTOR" },
  { NULL },
};

static const GOptionEntry poll_options[] = {
  { "all", 'a', 0, G_OPTION_ARG_NONE, &poll_all, "also feeds that are not due yet", NULL },
  { "timeout", 0, 0, G_OPTION_ARG_INT, &timeout_s,
    "give each feed N seconds (default: 30)", "N" },
  { "pages", 0, 0, G_OPTION_ARG_INT, &max_pages,
    "read at most N pages of a sitemap, the rest next time (default: 20)", "N" },
  { "no-embed", 0, 0, G_OPTION_ARG_NONE, &no_embed,
    "for search by words only, without an encoder", NULL },
  { NULL },
};

/* ---- add, remove ---- */

static CliExit feed_add (const CliOptions *options, int argc, char **argv)
{
  if (keep_days < 0 || keep_days > 36500)
    return cli_usage ("feed add", "--keep takes a number of days, not %d", keep_days);
  g_autoptr (GError) error = NULL;
  g_autoptr (Rag) rag = cli_open (options, RAG_WRITE, &error);
  if (rag == NULL)
    return cli_fail (error);
  for (int i = 0; i < argc; i++)
    if (!rag_feed_add (rag, argv[i], selector, options->collection, keep_days, &error))
      return cli_fail (error);
  g_autofree char *count = cli_format_plural (argc, "feed", "feeds");
  cli_note (options, "Subscribed to %s; docent feed poll fetches what is new.", count);
  return CLI_DONE;
}

static CliExit feed_remove (const CliOptions *options, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Rag) rag = cli_open (options, RAG_WRITE, &error);
  if (rag == NULL)
    return cli_fail (error);
  for (int i = 0; i < argc; i++)
    if (!rag_feed_remove (rag, argv[i], &error))
      return cli_fail (error);
  cli_note (options, "Unsubscribed; what came from there stays until docent forget removes it.");
  return CLI_DONE;
}

/* ---- list ---- */

static void feed_members (JsonBuilder *json, gconstpointer element)
{
  const RagFeed *feed = element;
  cli_json_string (json, "url", feed->url);
  cli_json_string (json, "title", feed->title);
  cli_json_string (json, "selector", feed->selector);
  cli_json_string (json, "collection", feed->collection);
  cli_json_int (json, "entries", feed->n_items);
  cli_json_int (json, "keep_days", feed->keep_days);
  cli_json_int (json, "checked_at", feed->checked_at);
  cli_json_int (json, "next_at", feed->next_at);
  cli_json_int (json, "failures", feed->failures);
  cli_json_string (json, "failure", feed->failure);
}

static void list_json (const GPtrArray *feeds)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  cli_json_objects (json, NULL, feeds, feed_members);
  cli_json_print (json);
}

static char *when (gint64 time)
{
  g_autoptr (GDateTime) then = time > 0 ? g_date_time_new_from_unix_local (time) : NULL;
  return then != NULL ? g_date_time_format (then, "%Y-%m-%d %H:%M") : g_strdup ("never");
}

static CliExit feed_list (const CliOptions *options, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Rag) rag = cli_open (options, RAG_READ, &error);
  g_autoptr (GPtrArray) feeds = rag != NULL ? rag_feed_list (rag, &error) : NULL;
  if (feeds == NULL)
    return cli_fail (error);
  if (options->json)
    {
      list_json (feeds);
      return CLI_DONE;
    }
  if (feeds->len == 0)
    {
      cli_note (options, "There are no feeds; docent feed add ADDRESS subscribes to one.");
      return CLI_REFUSED;
    }
  g_autoptr (CliTable) table = cli_table_new ("~Feed|<Collection|>Entries|<Checked|~Problem");
  for (guint i = 0; i < feeds->len; i++)
    {
      const RagFeed *feed = rag_feed_at (feeds, i);
      g_autofree char *entries = cli_format_count (feed->n_items);
      g_autofree char *checked = when (feed->checked_at);
      cli_table_add (table, feed->url, feed->collection, entries, checked,
                     feed->failure != NULL ? feed->failure : "", NULL);
    }
  cli_table_print (table, options);
  return CLI_DONE;
}

/* ---- poll ---- */

static void poll_json (const RagPollReport *report)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  cli_json_object (json, NULL);
  cli_json_int (json, "polled", report->polled);
  cli_json_int (json, "unchanged", report->unchanged);
  cli_json_int (json, "waiting", report->waiting);
  cli_json_int (json, "added", report->added);
  cli_json_int (json, "updated", report->updated);
  cli_json_int (json, "duplicates", report->duplicates);
  cli_json_int (json, "expired", report->expired);
  cli_json_failures (json, "failed", report->failed);
  json_builder_end_object (json);
  cli_json_print (json);
}

static void on_progress (const char *url, guint64 done, guint64 total, gpointer user_data)
{
  cli_progress_show (user_data, "feed %u of %u: %s", (guint)done + 1, (guint)total, url);
}

static CliExit feed_poll (const CliOptions *options, int argc, char **argv)
{
  if (timeout_s < 0 || timeout_s > 3600)
    return cli_usage ("feed poll", "--timeout takes 1 to 3600 seconds, not %d", timeout_s);
  if (max_pages < 1 || max_pages > 10000)
    return cli_usage ("feed poll", "--pages takes a number from 1 to 10000, not %d", max_pages);
  g_autoptr (GError) error = NULL;
  g_autoptr (Rag) rag = cli_open (options, RAG_WRITE, &error);
  if (rag == NULL)
    return cli_fail (error);
  g_autoptr (CliProgress) progress = cli_progress_new (options);
  const RagPollOptions poll = { .urls = (const char *const *)argv,
                                .all = poll_all,
                                .no_embed = no_embed,
                                .timeout_s = timeout_s,
                                .max_pages = max_pages,
                                .now = g_get_real_time () / G_USEC_PER_SEC,
                                .progress = on_progress,
                                .user_data = progress,
                                .cancellable = cli_cancellable ("stopping after this entry") };
  g_autoptr (RagPollReport) report = rag_feed_poll (rag, &poll, &error);
  cli_progress_clear (progress);
  if (report == NULL)
    return cli_fail (error);
  for (guint i = 0; i < report->failed->len; i++)
    cli_warn ("%s", ((RagFailure *)g_ptr_array_index (report->failed, i))->reason);
  if (options->json)
    poll_json (report);
  else if (!options->quiet)
    printf ("Feeds: %u polled, %u unchanged, %u not due. Entries: %u added, %u updated, "
            "%u known from elsewhere, %u expired.\n",
            report->polled, report->unchanged, report->waiting, report->added, report->updated,
            report->duplicates, report->expired);
  return report->failed->len > 0 ? CLI_PARTLY : CLI_DONE;
}

const CliCommand cli_feed_commands[] = {
  { "add", "ADDRESS|FILE…", "subscribe to RSS, Atom or JSON feeds, sitemaps or web pages", 1, G_MAXUINT,
    add_options, feed_add, NULL },
  { "list", "", "show what is subscribed, and what failed", 0, 0, NULL, feed_list, NULL },
  { "poll", "[ADDRESS…]", "fetch what is new; opens connections", 0, G_MAXUINT, poll_options,
    feed_poll, NULL },
  { "remove", "ADDRESS…", "end subscriptions", 1, G_MAXUINT, NULL, feed_remove, NULL },
  { NULL },
};
