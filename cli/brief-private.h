/* How a brief (a digest, a dossier) is shown: on the terminal, as Markdown, HTML, JSON, mail. */
#pragma once

#include "cli-private.h"

/* ---- brief-text.c ---- */

void cli_brief_print (const CliOptions *options, const RagBrief *brief);
void cli_brief_json (const RagBrief *brief);
/* ESCAPE FALSE: the same as plain text, for people. */
char *cli_brief_markdown (const RagBrief *brief, gboolean escape);
/* TEXT, which is POINT's, with its numbers: "“…” [1][2]". Quotation marks say that the words are the
 * document's. */
char *cli_brief_point (const RagPoint *point, const char *text);
/* "3 of 14 sentences were left out…", with the reading ease; NULL when no model wrote. */
char *cli_brief_figures (const RagBrief *brief);
/* Each citation once, by number. Elements: RagCitation*, borrowed. */
GPtrArray *cli_brief_sources (const RagBrief *brief);
/* The name of what CITATION cites, as people know it, and its page: "policy.pdf, p. 3". */
char *cli_citation_place (const RagCitation *citation);

/* ---- brief-html.c ---- */

/* A whole page without scripts, pictures or anything that would be loaded. */
char *cli_brief_html (const RagBrief *brief);
/* Where CITATION leads: an http(s) address or a file with its page. */
char *cli_citation_uri (const RagCitation *citation);

/* ---- brief-pdf.c ---- */

GBytes *cli_brief_pdf (const RagBrief *brief, GError **error);

/* ---- brief-review.c ---- */

/* Lets a person accept, edit and drop in $EDITOR. FALSE: nothing was accepted, or it failed. */
gboolean cli_brief_review (RagBrief *brief, GError **error);

/* ---- brief-mail.c ---- */

typedef struct
{
  const char *from, *to;
  const char *thread;      /* what digests of one month have in common: the collection, or NULL */
  const char *unsubscribe; /* NULL: a mail to FROM */
} CliMail;

/* A whole message, multipart/alternative. */
GBytes *cli_brief_mail (const RagBrief *brief, const CliMail *mail, GError **error);
/* Delivers MESSAGE into DIR, made when missing; a message with this NAME is replaced. */
gboolean cli_maildir_deliver (const char *dir, const char *name, GBytes *message, GError **error);

/* ---- brief-output.c: what digest and dossier have in common ---- */

typedef enum
{
  BRIEF_TEXT,
  BRIEF_MARKDOWN,
  BRIEF_HTML,
  BRIEF_PDF,
  BRIEF_MAIL,
} BriefFormat;

/* NAME: "text", "markdown", "html", "pdf" and, with MAIL, "mail"; NULL: by the ending of OUTPUT. */
gboolean cli_brief_format (const char *name, const char *output, gboolean mail,
                           BriefFormat *ret_format, GError **error);
/* To OUTPUT, or standard output when it is NULL. MAIL is for BRIEF_MAIL only. */
gboolean cli_brief_write (const CliOptions *options, const RagBrief *brief, BriefFormat format,
                          const CliMail *mail, const char *output, GError **error);
