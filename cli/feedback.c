/* docent feedback good|bad QUESTION…: says whether an answer was good, and what would have been
 * right.
 *
 * In: a verdict on the answer to a question. Out: a line in the library that `eval replay` and
 * `eval compare` ask again. Nothing leaves the library. */
#include <string.h>

#include "cli-private.h"

static char *phrase, *document;
static int page;
static gboolean none;

const GOptionEntry cli_feedback_options[] = {
  { "answer", 0, 0, G_OPTION_ARG_STRING, &phrase,
    "words of the right answer, alternatives between “|”", "WORDS" },
  { "document", 0, 0, G_OPTION_ARG_FILENAME, &document, "the document that has it", "NAME" },
  { "page", 0, 0, G_OPTION_ARG_INT, &page, "its page, as counted in the file", "N" },
  { "none", 0, 0, G_OPTION_ARG_NONE, &none, "no document answers the question", NULL },
  { NULL },
};

static const char *problem_with_options (const char *verdict)
{
  if (strcmp (verdict, "good") != 0 && strcmp (verdict, "bad") != 0)
    return "say good or bad, then the question";
  if (none && (phrase != NULL || document != NULL))
    return "--none goes without --answer and --document";
  if (page < 0 || (page > 0 && document == NULL))
    return "--page takes a number from 1 and needs --document";
  if (phrase != NULL && *phrase == '\0')
    return "--answer is empty";
  return NULL;
}

CliExit cli_feedback (const CliOptions *options, int argc, char **argv)
{
  const char *problem = problem_with_options (argv[0]);
  if (problem != NULL)
    return cli_usage ("feedback", "%s", problem);
  g_autoptr (GError) error = NULL;
  g_autofree char *question = cli_read_question (argc - 1, argv + 1, &error);
  if (question == NULL)
    return cli_fail (error);
  g_autoptr (Rag) rag = cli_open (options, RAG_WRITE, &error);
  if (rag == NULL)
    return cli_fail (error);
  g_autoptr (RagDocument) found = document != NULL ? rag_find (rag, document, &error) : NULL;
  if (document != NULL && found == NULL)
    return cli_fail (error);
  const RagFeedback feedback = { .question = question,
                                 .good = strcmp (argv[0], "good") == 0,
                                 .none = none,
                                 .phrase = phrase,
                                 .document = found != NULL ? found->path : NULL,
                                 .page = (guint)page };
  if (!rag_feedback_add (rag, &feedback, &error))
    return cli_fail (error);
  cli_note (options, "Kept in the library; “docent eval replay” asks it again.");
  return CLI_DONE;
}
