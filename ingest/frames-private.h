/* The pipe between docent-extract and us: a document as a sequence of small typed frames.
 *
 *   frame   = magic u32, type u32, length u32, payload[length]      (little-endian)
 *   stream  = META (PAGE BLOCK*)* END  |  ERROR
 *   META    = title, mime_type, language, date           string = length u32, bytes
 *   PAGE    = number u32, width, height, quality f32, source u32, label
 *   BLOCK   = kind u32, level u32, page u32, x0 y0 x1 y1 f32, text
 *   ERROR   = code u32 (IngestError), detail
 *   END     = pages u32, blocks u32
 *
 * The reader believes nothing: it is fed by a process that may be under a document's control. */
#pragma once

#include "ingest/ingest.h"

#define INGEST_FRAMES_FD 3
#define INGEST_FRAME_MAX (256 * 1024)

/* Writer, in the child. FALSE when the pipe is gone. */
gboolean ingest_frames_write_document (int fd, const IngestDocument *document);
gboolean ingest_frames_write_error (int fd, IngestError code, const char *detail);

/* Reader, in the parent. */
typedef struct _IngestFrameReader IngestFrameReader;
IngestFrameReader *ingest_frame_reader_new (void);
void ingest_frame_reader_free (IngestFrameReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (IngestFrameReader, ingest_frame_reader_free)
/* Takes any cut of the stream. FALSE: *ret_problem is a static phrase ("a page out of order") and
 * the stream is worthless. */
gboolean ingest_frame_reader_feed (IngestFrameReader *reader, const guint8 *data, gsize length,
                                   const char **ret_problem);
/* After the end of the stream: the document, or NULL with *ret_code and *ret_detail set when the
 * child sent an ERROR, or NULL with *ret_detail NULL when the stream stopped early. */
IngestDocument *ingest_frame_reader_finish (IngestFrameReader *reader, IngestError *ret_code,
                                            char **ret_detail);
