/* Which elements of a page are entries: selector.c reads what the user wrote, listing.c finds them. */
#pragma once

#include "ingest/ingest.h"

/* A bit of a mask for each. */
#define INGEST_SELECTOR_MAX_STEPS 64

typedef struct
{
  char *name, *value; /* VALUE NULL: the attribute is there */
  gboolean word;      /* VALUE is one of its words */
} IngestSelectorCondition;

typedef struct
{
  char combinator;       /* '\0': begins an alternative; ' ': anywhere below the step before it; '>':
                            a child of that */
  char *tag;             /* lower case; NULL: any */
  GPtrArray *conditions; /* IngestSelectorCondition* */
} IngestSelectorStep;

/* Elements: IngestSelectorStep. */
GArray *ingest_selector_parse (const char *text, GError **error);
