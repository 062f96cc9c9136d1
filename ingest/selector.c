/* Selectors as style sheets have them, as far as they say which elements of a page are entries:
 * "article.news", "#list > li", "div[role=article] h2, tr.item".
 *
 * In: text of the user. Out: a flat row of tests, so that one walk over a page finds what matches
 * in time proportional to the page, however the page is built (listing.c). */
#include "ingest/selector-private.h"

#include <string.h>

static void step_clear (gpointer data)
{
  IngestSelectorStep *step = data;
  g_free (step->tag);
  g_ptr_array_unref (step->conditions);
}

static void condition_free (gpointer data)
{
  IngestSelectorCondition *condition = data;
  g_free (condition->name);
  g_free (condition->value);
  g_free (condition);
}

/* Letters, digits, - and _, and whatever is no ASCII. */
static char *take_name (const char **at)
{
  const char *start = *at;
  while (g_ascii_isalnum (**at) || **at == '-' || **at == '_' || (guchar)**at >= 0x80)
    (*at)++;
  return *at > start ? g_strndup (start, *at - start) : NULL;
}

/* What stands behind "[name=" up to "]", in quotation marks or not; NULL when it does not end. */
static char *take_value (const char **at)
{
  const char quote = **at == '"' || **at == '\'' ? **at : '\0';
  const char *start = *at + (quote != '\0');
  const char *end = strchr (start, quote != '\0' ? quote : ']');
  if (end == NULL)
    return NULL;
  *at = end + (quote != '\0');
  return g_strndup (start, end - start);
}

static gboolean take_attribute (const char **at, IngestSelectorCondition *condition)
{
  condition->name = take_name (at);
  if (condition->name != NULL && **at == '=')
    {
      (*at)++;
      condition->value = take_value (at);
      if (condition->value == NULL)
        return FALSE;
    }
  if (condition->name == NULL || **at != ']')
    return FALSE;
  (*at)++;
  return TRUE;
}

static gboolean take_condition (const char **at, IngestSelectorStep *step)
{
  IngestSelectorCondition *condition = g_new0 (IngestSelectorCondition, 1);
  const char kind = *(*at)++;
  g_ptr_array_add (step->conditions, condition);
  if (kind == '[')
    return take_attribute (at, condition);
  condition->name = g_strdup (kind == '.' ? "class" : "id");
  condition->value = take_name (at);
  condition->word = kind == '.';
  return condition->value != NULL;
}

/* "div.news[lang=de]" */
static gboolean take_step (const char **at, char combinator, GArray *steps)
{
  IngestSelectorStep step = { .combinator = combinator,
                              .conditions = g_ptr_array_new_with_free_func (condition_free) };
  const char *start = *at;
  g_autofree char *tag = take_name (at);
  step.tag = tag != NULL ? g_ascii_strdown (tag, -1) : NULL;
  if (tag == NULL && **at == '*')
    (*at)++;
  gboolean ok = TRUE;
  while (ok && **at != '\0' && strchr (".#[", **at) != NULL)
    ok = take_condition (at, &step);
  g_array_append_val (steps, step);
  return ok && *at > start;
}

/* What stands between two steps: '\0' begins another alternative, ' ' any depth, '>' a child. */
static char take_combinator (const char **at)
{
  *at += strspn (*at, " \t\n");
  const char sign = **at;
  if (sign != ',' && sign != '>')
    return ' ';
  (*at)++;
  *at += strspn (*at, " \t\n");
  return sign == ',' ? '\0' : '>';
}

GArray *ingest_selector_parse (const char *text, GError **error)
{
  g_autoptr (GArray) steps = g_array_new (FALSE, TRUE, sizeof (IngestSelectorStep));
  g_array_set_clear_func (steps, step_clear);
  const char *at = text + strspn (text, " \t\n");
  gboolean ok = *at != '\0' && g_utf8_validate (text, -1, NULL);
  for (char combinator = '\0'; ok && (*at != '\0' || combinator != ' ');)
    {
      ok = steps->len < INGEST_SELECTOR_MAX_STEPS && take_step (&at, combinator, steps);
      combinator = take_combinator (&at);
    }
  if (ok)
    return g_steal_pointer (&steps);
  g_set_error (error, INGEST_ERROR, INGEST_ERROR_FORMAT,
               "“%s” is not a selector; write it like article, .news, #list > li or "
               "div[role=article]",
               text);
  return NULL;
}

gboolean ingest_check_selector (const char *text, GError **error)
{
  g_autoptr (GArray) steps = ingest_selector_parse (text, error);
  return steps != NULL;
}
