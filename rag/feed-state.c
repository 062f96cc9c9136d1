/* Which feeds are subscribed, and how far each was read: LIBRARY/feeds.ini.
 *
 * A key file of its own and not the library's database: none of it is worth keeping with the
 * documents, a lost file costs one needless download, and a person can read what is asked of the
 * network. Entries are remembered as hashes, so that nothing of a forgotten one stays. */
#include "rag/feed-private.h"

#include <string.h>

void rag_feed_free (RagFeed *feed)
{
  g_free (feed->url);
  g_free (feed->selector);
  g_free (feed->collection);
  g_free (feed->title);
  g_free (feed->failure);
}

void rag_feed_state_free (RagFeedState *state)
{
  rag_feed_free (&state->feed);
  g_free (state->etag);
  g_free (state->last_modified);
  g_hash_table_unref (state->seen);
  g_free (state);
}

static char *feeds_path (const Rag *rag)
{
  return g_build_filename (rag->library_dir, "feeds.ini", NULL);
}

static char *get_string (GKeyFile *file, const char *group, const char *key)
{
  return g_key_file_get_string (file, group, key, NULL);
}

static RagFeedState *state_from (GKeyFile *file, const char *group)
{
  RagFeedState *state = g_new0 (RagFeedState, 1);
  state->feed.url = g_uri_unescape_string (group, NULL);
  state->feed.selector = get_string (file, group, "selector");
  state->feed.collection = get_string (file, group, "collection");
  state->feed.title = get_string (file, group, "title");
  state->feed.failure = get_string (file, group, "failure");
  state->feed.keep_days = (guint)MAX (g_key_file_get_integer (file, group, "keep_days", NULL), 0);
  state->feed.failures = (guint)MAX (g_key_file_get_integer (file, group, "failures", NULL), 0);
  state->feed.checked_at = g_key_file_get_int64 (file, group, "checked_at", NULL);
  state->feed.next_at = g_key_file_get_int64 (file, group, "next_at", NULL);
  state->etag = get_string (file, group, "etag");
  state->last_modified = get_string (file, group, "last_modified");
  state->seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  if (state->feed.collection == NULL)
    state->feed.collection = g_strdup ("default");
  g_auto (GStrv) seen = g_key_file_get_string_list (file, group, "seen", NULL, NULL);
  for (guint i = 0; seen != NULL && seen[i] != NULL; i++)
    g_hash_table_add (state->seen, g_strdup (seen[i]));
  state->feed.n_items = g_hash_table_size (state->seen);
  return state;
}

GPtrArray *rag_feeds_load (const Rag *rag, GError **error)
{
  g_autofree char *path = feeds_path (rag);
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GError) reason = NULL;
  if (rag->restricted)
    {
      g_set_error_literal (error, RAG_ERROR, RAG_ERROR_INPUT,
                           "feeds are the library's owner's: leave out --as");
      return NULL;
    }
  GPtrArray *states = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_feed_state_free);
  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, &reason)
      && !g_error_matches (reason, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    {
      g_set_error (error, RAG_ERROR, RAG_ERROR_FAILED, "%s cannot be read: %s", path,
                   reason->message);
      g_ptr_array_unref (states);
      return NULL;
    }
  g_auto (GStrv) groups = g_key_file_get_groups (file, NULL);
  for (guint i = 0; groups[i] != NULL; i++)
    {
      RagFeedState *state = state_from (file, groups[i]);
      if (state->feed.url != NULL)
        g_ptr_array_add (states, state);
      else
        rag_feed_state_free (state);
    }
  return states;
}

static void set_string (GKeyFile *file, const char *group, const char *key, const char *value)
{
  if (value != NULL)
    g_key_file_set_string (file, group, key, value);
}

static void state_to (const RagFeedState *state, GKeyFile *file)
{
  /* Brackets would end a group's name. */
  g_autofree char *group = g_uri_escape_string (state->feed.url, ":/?#@!$&'()*+,;=%", FALSE);
  guint n = 0;
  g_autofree gpointer *seen = g_hash_table_get_keys_as_array (state->seen, &n);
  set_string (file, group, "selector", state->feed.selector);
  set_string (file, group, "collection", state->feed.collection);
  set_string (file, group, "title", state->feed.title);
  set_string (file, group, "failure", state->feed.failure);
  set_string (file, group, "etag", state->etag);
  set_string (file, group, "last_modified", state->last_modified);
  g_key_file_set_integer (file, group, "keep_days", (int)state->feed.keep_days);
  g_key_file_set_integer (file, group, "failures", (int)state->feed.failures);
  g_key_file_set_int64 (file, group, "checked_at", state->feed.checked_at);
  g_key_file_set_int64 (file, group, "next_at", state->feed.next_at);
  g_key_file_set_string_list (file, group, "seen", (const char *const *)seen, n);
}

gboolean rag_feeds_save (const Rag *rag, const GPtrArray *states, GError **error)
{
  g_autofree char *path = feeds_path (rag);
  g_autoptr (GKeyFile) file = g_key_file_new ();
  for (guint i = 0; i < states->len; i++)
    state_to (g_ptr_array_index (states, i), file);
  return rag_key_file_save (file, path, error);
}
