/* A file that appears whole or not at all. output.c. */
#pragma once

#include "engine/engine.h"

typedef struct _EngineOutput EngineOutput;

/* Creates PATH.tmp and locks it, so that two writers of one file do not mix. */
EngineOutput *engine_output_new (const char *path, GError **error);
/* Appends; buffered. FILE when the disk is full, and then on every later call. */
gboolean engine_output_write (EngineOutput *output, const void *data, gsize n_bytes,
                              GError **error);
guint64 engine_output_size (const EngineOutput *output);
/* SHA-256 of what was written, as 64 hexadecimal digits; nothing may be written after that. */
const char *engine_output_sha256 (EngineOutput *output);
/* Syncs the data, renames PATH.tmp to PATH and syncs the folder. */
gboolean engine_output_commit (EngineOutput *output, GError **error);
/* Removes PATH.tmp unless it was committed. */
void engine_output_free (EngineOutput *output);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngineOutput, engine_output_free)
