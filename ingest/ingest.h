/* ingest: turns files into chunks that can be searched and cited.
 *
 * Bytes → pages → blocks → chunks. Parsing runs in another process (docent-extract), because
 * parsers of hostile files have bugs; what comes back over a pipe is validated before use. This
 * room knows nothing of models, databases or terminals. Read in this order: Extract, Chunk, Walk.
 *
 * Ownership: *_free frees everything below. Page numbers are physical and start at 1; `label` is
 * what is printed on the page ("xii"), NULL when the file has none. All text is valid UTF-8, NFC,
 * without control characters other than \n and \t. Offsets are bytes into IngestDocument.text. */
#pragma once

#include <gio/gio.h>
#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  INGEST_ERROR_FILE,      /* missing, unreadable, empty, not a regular file */
  INGEST_ERROR_FORMAT,    /* not a document that we can read, or broken beyond repair */
  INGEST_ERROR_ENCRYPTED, /* needs a password */
  INGEST_ERROR_NO_TEXT,   /* parsed, but there is no text in it (scanned pages) */
  INGEST_ERROR_LIMIT,     /* time, memory or output limit of the extraction */
  INGEST_ERROR_EXTRACTOR, /* the helper process is missing, died or sent nonsense */
  INGEST_ERROR_CANCELLED,
} IngestError;
#define INGEST_ERROR (ingest_error_quark ())
GQuark ingest_error_quark (void);

/* ---- Extract: extract.c (parent), extract-main.c (child), frames.c (the pipe between), pdf.c,
 *      layout.c, text.c, markdown.c
 * ---------------------------------------------------------------- */

typedef enum
{
  INGEST_BLOCK_PARAGRAPH,
  INGEST_BLOCK_HEADING,
  INGEST_BLOCK_LIST_ITEM,
  INGEST_BLOCK_TABLE_ROW, /* cells separated by \t */
  INGEST_BLOCK_CAPTION,
  INGEST_BLOCK_FOOTNOTE,
  INGEST_BLOCK_CODE,
  INGEST_BLOCK_HIDDEN, /* nobody sees it who looks at the page; last on its page */
} IngestBlockKind;

typedef struct
{
  float x0, y0, x1, y1; /* points, origin top left of the page; all 0 when unknown */
} IngestBox;

typedef struct
{
  IngestBlockKind kind;
  guint level;      /* headings: 1 is the highest; otherwise 0 */
  guint page;       /* 1-based */
  gsize start, end; /* of its text in IngestDocument.text */
  IngestBox box;
} IngestBlock;

typedef enum
{
  INGEST_PAGE_TEXT,
  INGEST_PAGE_PICTURE, /* its text is a picture or garbage, and nobody has read it */
  INGEST_PAGE_OCR,     /* its text is what OCR made of the picture */
} IngestPageSource;

typedef struct
{
  char *label; /* printed page label or NULL */
  float width, height;
  gsize start, end; /* of its text in IngestDocument.text */
  float quality;    /* 0 (image or garbage) … 1 (clean text layer, or read by OCR) */
  IngestPageSource source;
} IngestPage;

typedef struct
{
  char *title; /* metadata, else first heading, else file name without its extension */
  char *mime_type;
  char *language; /* ISO 639-1 by the document's own words, NULL when it does not say */
  char *date;     /* YYYY-MM-DD on which it says that it was written, NULL when it does not */
  char *text;     /* blocks in reading order, separated by "\n\n" (table rows by "\n") */
  gsize text_length;
  GArray *pages;  /* IngestPage; files without pages have one */
  GArray *blocks; /* IngestBlock in reading order */
} IngestDocument;
void ingest_document_free (IngestDocument *document);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (IngestDocument, ingest_document_free)

typedef enum
{
  INGEST_OCR_AUTO, /* pages that are pictures or garbage, when tesseract is installed */
  INGEST_OCR_NEVER,
  INGEST_OCR_ALWAYS, /* all pages of PDF files */
} IngestOcr;

/* Of one reading. A document with pages for OCR is read a second time, with time and computing
 * time once more for each of these pages (2000 at most). */
typedef struct
{
  guint wall_ms;         /* 0: 60000 */
  guint cpu_seconds;     /* 0: 20 */
  guint64 memory_bytes;  /* 0: 1 GiB of address space */
  guint64 output_bytes;  /* 0: 64 MiB of frames */
  const char *extractor; /* NULL: $DOCENT_EXTRACT, beside this program, then libexec */
  gboolean unsandboxed;  /* parse where the kernel has no sandbox for the parser */
  const char *selector;  /* of a web page: what matches are entries, as of a feed; NULL: the article */
  IngestOcr ocr;
} IngestLimits;
/* Whether TEXT is a selector: tags, .class, #id, [attribute=value], and lists and chains of them. */
gboolean ingest_check_selector (const char *text, GError **error);

/* Parses PATH in a fresh docent-extract. LIMITS may be NULL. Every error names the file and what
 * to do about it. */
IngestDocument *ingest_extract (const char *path, const IngestLimits *limits,
                                GCancellable *cancellable, GError **error);

/* Pages whose text nobody has read, because it is a picture. */
guint ingest_count_pictures (const IngestDocument *document);

/* ---- Chunk: chunk.c, sentences.c (ICU) ----------------------------------------------------------
 */

typedef struct
{
  guint start, end; /* bytes into the chunk's text */
} IngestSentence;

typedef struct
{
  char *id;      /* hex of a hash over section, text and its repetition number within the
                    document: survives edits elsewhere in the document */
  char *text;    /* what is shown, cited and given to a model */
  char *language; /* ISO 639-1 of its words, else the document's; NULL when that is not known */
  char *section; /* "2 Methods › 2.1 Patients", "" when there is none */
  guint first_page, last_page;
  gsize start, end;  /* span in IngestDocument.text */
  IngestBox box;     /* on first_page */
  GArray *sentences; /* IngestSentence, in order, covering the text */
  gboolean hidden;   /* all of it is INGEST_BLOCK_HIDDEN */
  gboolean ocr;      /* its first page was read by OCR */
} IngestChunk;
void ingest_chunk_free (IngestChunk *chunk);

/* Number of encoder tokens of TEXT, so that chunks fit a window which this room does not know. */
typedef gsize (*IngestTokenCount) (const char *text, gssize length, gpointer user_data);

typedef struct
{
  guint target_tokens;    /* 0: 160; chunks close at the first border after this */
  guint max_tokens;       /* 0: 230; never exceeded, section title included */
  IngestTokenCount count; /* NULL: words × 1.3 */
  gpointer user_data;
} IngestChunkOptions;

/* Elements: IngestChunk*. Chunks end at sentence or paragraph borders and where the language
 * changes; a heading travels with the text below it; a table keeps its header row when it is split.
 */
GPtrArray *ingest_chunk_document (const IngestDocument *document,
                                  const IngestChunkOptions *options);
/* Sentence spans of TEXT in LANGUAGE (NULL: English rules). Elements: IngestSentence. */
GArray *ingest_sentences (const char *text, const char *language);

/* ---- Walk: walk.c, patterns.c, digest.c
 * ---------------------------------------------------------------------- */

typedef struct
{
  char *path; /* absolute, symbolic links resolved */
  guint64 size_bytes;
  gint64 mtime_ns;
} IngestFile;

typedef enum
{
  INGEST_WALK_FILE,     /* FILE is a document that we may be able to read */
  INGEST_WALK_SKIPPED,  /* REASON says why: unknown type, unreadable, too large, loop */
  INGEST_WALK_EXCLUDED, /* a document or folder that is not wanted */
} IngestWalkEvent;

/* FALSE ends the walk early without an error. FILE's strings belong to the walk. */
typedef gboolean (*IngestWalkFunc) (IngestWalkEvent event, const IngestFile *file,
                                    const char *reason, gpointer user_data);

/* Rules in the form of .gitignore, one a line; NULL: none. */
typedef struct
{
  const char *include; /* of the files, only those that match */
  const char *exclude; /* no file and no folder that matches */
} IngestWalkRules;

/* PATH is a file or a folder, walked in sorted order. Hidden entries and files that name no
 * document type are passed over silently inside folders; what RULES (may be NULL) or a
 * .docentignore on the way exclude is reported as that. A PATH that is itself a file is always
 * taken. Fails with FILE when PATH does not exist or cannot be opened. */
gboolean ingest_walk (const char *path, const IngestWalkRules *rules, IngestWalkFunc func,
                      gpointer user_data, GError **error);
/* SHA-256 in hex of the file's bytes. */
char *ingest_file_sha256 (const char *path, GCancellable *cancellable, GError **error);

G_END_DECLS
