/* Which files of a folder are wanted: what .docentignore files and --include, --exclude say. */
#pragma once

#include <glib.h>

/* Does PATH, relative and with '/' between its parts, match GLOB? In a part '*' stands for any
 * characters, '?' for one, "[a-z]" and "[!a-z]" for one of a set; a part "**" stands for any number
 * of parts. */
gboolean ingest_glob_match (const char *glob, const char *path);

/* The rules of one folder, in order; the last one that matches decides. */
typedef struct _IngestPatterns IngestPatterns;
/* LINES as in a .gitignore: blank lines and "# remark" do nothing, "!" takes back an earlier rule,
 * a
 * "/" at the end restricts a rule to folders, one elsewhere ties it to FOLDER; a rule without one
 * holds in all folders below too. */
IngestPatterns *ingest_patterns_new (const char *folder, const char *lines);
void ingest_patterns_free (IngestPatterns *patterns);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (IngestPatterns, ingest_patterns_free)

typedef enum
{
  INGEST_PATTERNS_SILENT, /* no rule matches */
  INGEST_PATTERNS_MATCH,
  INGEST_PATTERNS_TAKEN_BACK,
} IngestPatternsVerdict;
/* PATH lies below the folder of PATTERNS. */
IngestPatternsVerdict ingest_patterns_judge (const IngestPatterns *patterns, const char *path,
                                             gboolean is_folder);
