-- Version 1 of the library. Everything a user could lose is in document, chunk, vector and source;
-- passage (text search) and dense_cache (FAISS) can be rebuilt from them.
-- Ids are never used twice (AUTOINCREMENT): a cache that still knows a forgotten chunk must not
-- mistake a new one for it.

CREATE TABLE library (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  encoder TEXT,                      -- fingerprint of the model that made the vectors
  dimension INTEGER NOT NULL DEFAULT 0,
  checksum INTEGER NOT NULL DEFAULT 0,
  needs_scrub INTEGER NOT NULL DEFAULT 0 -- something was forgotten: see scrub.c
) STRICT;
INSERT INTO library (only_row) VALUES (1);

CREATE TABLE source (
  path TEXT PRIMARY KEY,
  collection TEXT NOT NULL,
  checksum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE document (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  path TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  mime_type TEXT,
  language TEXT,                     -- ISO 639-1
  collection TEXT NOT NULL,
  sha256 TEXT,
  size_bytes INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  added_at INTEGER NOT NULL,         -- Unix seconds
  n_pages INTEGER NOT NULL,
  n_chunks INTEGER NOT NULL,
  failure TEXT,                      -- why it could not be read
  checksum INTEGER NOT NULL,         -- of all columns above but id
  n_vectors INTEGER NOT NULL         -- counting them takes reading them all
) STRICT;
CREATE INDEX document_by_sha256 ON document (sha256);
CREATE INDEX document_by_collection ON document (collection);
CREATE INDEX document_by_language ON document (language) WHERE n_chunks > 0;

CREATE TABLE chunk (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  document INTEGER NOT NULL REFERENCES document (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,         -- 0, 1, … in the document
  stable_id TEXT NOT NULL,           -- survives edits elsewhere in the document
  text TEXT NOT NULL,
  section TEXT NOT NULL,
  first_page INTEGER NOT NULL,
  last_page INTEGER NOT NULL,
  first_label TEXT,
  last_label TEXT,
  start_byte INTEGER NOT NULL,       -- span in the document's text
  end_byte INTEGER NOT NULL,
  x0 REAL NOT NULL, y0 REAL NOT NULL, x1 REAL NOT NULL, y1 REAL NOT NULL,
  checksum INTEGER NOT NULL,         -- of all columns above
  UNIQUE (document, position)
) STRICT;
CREATE INDEX chunk_by_stable_id ON chunk (document, stable_id);

-- Beside chunk, not in it: listing and text search never read past 1.5 kB of numbers per row.
CREATE TABLE vector (
  chunk INTEGER PRIMARY KEY REFERENCES chunk (id) ON DELETE CASCADE,
  floats BLOB NOT NULL,              -- dimension × float32, little-endian
  checksum INTEGER NOT NULL          -- of chunk and floats
) STRICT;

-- What vectors.<generation>.faiss holds: vectors of chunks up to last_chunk, some of which may be
-- gone by now (dense_removed). Size 0: there is no file.
CREATE TABLE dense_cache (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  generation INTEGER NOT NULL,
  last_chunk INTEGER NOT NULL,
  n_vectors INTEGER NOT NULL,
  dimension INTEGER NOT NULL,
  encoder TEXT,
  size_bytes INTEGER NOT NULL,
  checksum INTEGER NOT NULL
) STRICT;
INSERT INTO dense_cache VALUES (1, 0, 0, 0, 0, NULL, 0, 0);
CREATE TABLE dense_removed (chunk INTEGER PRIMARY KEY) STRICT;

-- What text search indexes. The tokenizer learns the language from the mark at the start of each
-- value (see tokenizer.c), so FTS5 can rebuild and check itself without our help.
CREATE VIEW passage_source (id, text, section, title) AS
SELECT chunk.id,
       char(1) || ifnull(document.language, '') || char(2) || chunk.text,
       char(1) || ifnull(document.language, '') || char(2) || chunk.section,
       char(1) || ifnull(document.language, '') || char(2) || document.title
FROM chunk JOIN document ON document.id = chunk.document;

CREATE VIRTUAL TABLE passage USING fts5 (
  text, section, title,
  content = 'passage_source', content_rowid = 'id', tokenize = 'docent'
);
CREATE VIRTUAL TABLE passage_term USING fts5vocab (passage, row);
