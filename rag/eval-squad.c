/* Reads questions whose answers are known, in SQuAD 2.0's format, and draws samples of them.
 *
 * In comes a JSON file, out go its paragraphs and questions. Each second article can be left out,
 * with its questions kept as questions about what is not there. A sample holds as many answerable
 * as unanswerable questions, always the same for the same seed. */
#include "rag/eval-private.h"

#include <json-glib/json-glib.h>
#include <string.h>

static void question_free (gpointer data)
{
  RagSquadQuestion *question = data;
  g_free (question->text);
  g_free (question->paragraph);
  g_ptr_array_unref (question->expected);
  g_free (question);
}

void rag_squad_clear (RagSquad *squad)
{
  g_clear_pointer (&squad->paragraphs, g_ptr_array_unref);
  g_clear_pointer (&squad->questions, g_ptr_array_unref);
}

/* ---- Reading ---- */

/* Members and elements of another kind than the format's count as absent. */
static JsonArray *list_member (JsonObject *object, const char *name)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name) : NULL;
  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

static guint list_length (JsonArray *list)
{
  return list != NULL ? json_array_get_length (list) : 0;
}

static JsonObject *object_element (JsonArray *list, guint i)
{
  JsonNode *node = json_array_get_element (list, i);
  return JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static const char *text_member (JsonObject *object, const char *name)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name) : NULL;
  gboolean is_text = node != NULL && json_node_get_value_type (node) == G_TYPE_STRING;
  return is_text ? json_node_get_string (node) : "";
}

static gboolean is_true_member (JsonObject *object, const char *name)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name) : NULL;
  return node != NULL && json_node_get_value_type (node) == G_TYPE_BOOLEAN
         && json_node_get_boolean (node);
}

static GPtrArray *read_expected (JsonArray *answers)
{
  GPtrArray *expected = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < list_length (answers); i++)
    g_ptr_array_add (expected, g_strdup (text_member (object_element (answers, i), "text")));
  return expected;
}

static void read_question (RagSquad *squad, JsonObject *object, const char *paragraph,
                           gboolean away)
{
  gboolean impossible = is_true_member (object, "is_impossible");
  if (squad->without == RAG_SQUAD_ABSENT && impossible)
    return;
  RagSquadQuestion *question = g_new0 (RagSquadQuestion, 1);
  question->text = g_strdup (text_member (object, "question"));
  question->answerable = !impossible && !away;
  question->paragraph = g_strdup (paragraph);
  question->expected = read_expected (list_member (object, "answers"));
  g_ptr_array_add (squad->questions, question);
}

static void read_paragraph (RagSquad *squad, JsonObject *object, const char *title, guint n,
                            gboolean asked, gboolean away)
{
  g_autofree char *path = g_strdup_printf ("/%s/%u", title, n);
  JsonArray *questions = list_member (object, "qas");
  if (!away)
    {
      char **row = g_new0 (char *, 4);
      row[0] = g_strdup (path);
      row[1] = g_strdup (title);
      row[2] = g_strdup (text_member (object, "context"));
      g_ptr_array_add (squad->paragraphs, row);
    }
  for (guint i = 0; asked && i < list_length (questions); i++)
    read_question (squad, object_element (questions, i), path, away);
}

static void read_article (RagSquad *squad, JsonObject *object, guint article, guint fold,
                          guint n_folds)
{
  g_autofree char *title = g_strdup (text_member (object, "title"));
  JsonArray *paragraphs = list_member (object, "paragraphs");
  gboolean away = squad->without == RAG_SQUAD_ABSENT && article % 2 == 1;
  gboolean asked = n_folds == 0 || article % n_folds == fold;
  g_strdelimit (title, "_", ' ');
  for (guint i = 0; i < list_length (paragraphs); i++)
    read_paragraph (squad, object_element (paragraphs, i), title, i + 1, asked, away);
}

gboolean rag_squad_read (const char *file, RagSquadKind without, guint fold, guint n_folds,
                         RagSquad *ret_squad, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  GError *inner = NULL;
  if (!json_parser_load_from_file (parser, file, &inner))
    return rag_translate_error (error, inner);
  JsonNode *root = json_parser_get_root (parser);
  gboolean is_object = root != NULL && JSON_NODE_HOLDS_OBJECT (root);
  JsonArray *articles = is_object ? list_member (json_node_get_object (root), "data") : NULL;
  if (articles == NULL)
    {
      g_set_error (error, RAG_ERROR, RAG_ERROR_INPUT,
                   "%s is not in SQuAD's format: it has no list “data”", file);
      return FALSE;
    }
  RagSquad squad = { without, g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev),
                     g_ptr_array_new_with_free_func (question_free) };
  for (guint i = 0; i < json_array_get_length (articles); i++)
    read_article (&squad, object_element (articles, i), i, fold, n_folds);
  *ret_squad = squad;
  return TRUE;
}

/* ---- Sampling ---- */

void rag_shuffle (GPtrArray *array, GRand *random)
{
  for (guint i = array->len; i > 1; i--)
    {
      guint k = (guint)g_rand_int_range (random, 0, (gint32)i);
      gpointer held = array->pdata[k];
      array->pdata[k] = array->pdata[i - 1];
      array->pdata[i - 1] = held;
    }
}

GPtrArray *rag_squad_sample (const RagSquad *squad, guint limit, guint64 seed)
{
  const guint32 seeds[] = { (guint32)seed, (guint32)(seed >> 32) };
  g_autoptr (GRand) random = g_rand_new_with_seed_array (seeds, G_N_ELEMENTS (seeds));
  g_autoptr (GPtrArray) answerable = g_ptr_array_new ();
  g_autoptr (GPtrArray) unanswerable = g_ptr_array_new ();
  GPtrArray *drawn = g_ptr_array_new ();
  for (guint i = 0; i < squad->questions->len; i++)
    {
      RagSquadQuestion *question = g_ptr_array_index (squad->questions, i);
      GPtrArray *kind = question->answerable ? answerable : unanswerable;
      g_ptr_array_add (limit > 0 ? kind : drawn, question);
    }
  rag_shuffle (answerable, random);
  rag_shuffle (unanswerable, random);
  for (guint i = 0; drawn->len < limit && (i < unanswerable->len || i < answerable->len); i++)
    {
      if (i < answerable->len)
        g_ptr_array_add (drawn, g_ptr_array_index (answerable, i));
      if (i < unanswerable->len && drawn->len < limit)
        g_ptr_array_add (drawn, g_ptr_array_index (unanswerable, i));
    }
  return drawn;
}
