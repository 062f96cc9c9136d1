/* One run of fsck. */
#pragma once

#include "index/index-private.h"

G_BEGIN_DECLS

typedef struct
{
  Index *index;
  const IndexFsck *options;
  guint n_remaining;
  gboolean rows_changed; /* by a repair: what is derived from rows is rebuilt */
  GArray *distrusted;    /* gint64: documents to be read again from their files */
} Fsck;

void index_fsck_report (Fsck *fsck, gboolean repaired, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
/* Damage is a finding, and the next check may still tell more; anything else ends the run.
 * Takes FAILURE. */
gboolean index_fsck_survives (Fsck *fsck, GError *failure, GError **error);

/* ---- fsck-rows.c: FALSE with ERROR when the check itself failed ------------------------- */

gboolean index_fsck_settings (Fsck *fsck, GError **error);
gboolean index_fsck_documents (Fsck *fsck, GError **error);
gboolean index_fsck_chunks (Fsck *fsck, GError **error);
gboolean index_fsck_vectors (Fsck *fsck, GError **error);
gboolean index_fsck_next (Fsck *fsck, GError **error);
/* Makes the next `add` or `sync` read the documents of damaged rows again. */
gboolean index_fsck_distrust (Fsck *fsck, GError **error);

G_END_DECLS
