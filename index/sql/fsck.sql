-- Checks and repairs.

-- :check_database
PRAGMA integrity_check (200);

-- :check_foreign_keys
PRAGMA foreign_key_check;

-- The 1 asks FTS5 to compare its words with passage_source as well.
-- :check_words
INSERT INTO passage (passage, rank) VALUES ('integrity-check', 1);

-- :check_settings
SELECT encoder, dimension, checksum FROM library;

-- :check_sources
SELECT path, collection, include, exclude, checksum FROM source;

-- :check_readers
SELECT collection, role, checksum FROM reader;

-- :check_private
SELECT collection, checksum FROM private_collection;

-- :check_tags
SELECT document, tag, checksum FROM document_tag;

-- The last two columns of the next three tell what the row belongs to.
-- :check_documents
SELECT document.id, path, title, mime_type, language, collection, sha256, size_bytes, mtime_ns,
       added_at, n_pages, n_chunks, failure, date, document.checksum,
       n_chunks = (SELECT count(*) FROM chunk WHERE chunk.document = document.id),
       n_vectors = (SELECT count(vector.chunk) FROM chunk
                    JOIN vector ON vector.chunk = chunk.id WHERE chunk.document = document.id)
FROM document ORDER BY document.id;

-- :check_chunks
SELECT chunk.id, chunk.document, position, stable_id, text, section, first_page, last_page,
       first_label, last_label, start_byte, end_byte, x0, y0, x1, y1, chunk.checksum,
       document.path, flags, chunk.language
FROM chunk LEFT JOIN document ON document.id = chunk.document ORDER BY chunk.id;

-- :check_vectors
SELECT vector.chunk, floats, vector.checksum, document.id, document.path
FROM vector LEFT JOIN chunk ON chunk.id = vector.chunk
LEFT JOIN document ON document.id = chunk.document ORDER BY vector.chunk;

-- What the FAISS file should hold.
-- :cached_chunks
SELECT chunk FROM vector WHERE chunk <= (SELECT last_chunk FROM dense_cache)
UNION SELECT chunk FROM dense_removed
ORDER BY 1;

-- :rebuild_words
INSERT INTO passage (passage) VALUES ('rebuild');

-- :rebuild_indexes
REINDEX;

-- :delete_orphan_chunks
DELETE FROM chunk WHERE document NOT IN (SELECT id FROM document);

-- :delete_orphan_vectors
DELETE FROM vector WHERE chunk NOT IN (SELECT id FROM chunk);

-- :delete_vector
DELETE FROM vector WHERE chunk = ?1;

-- :delete_chunk
DELETE FROM chunk WHERE id = ?1;

-- :delete_source
DELETE FROM source WHERE path = ?1;

-- No file has this size and digest, so the next `add` or `sync` reads it again.
-- :distrust_document
UPDATE document SET sha256 = NULL, size_bytes = 0, mtime_ns = 0,
       n_chunks = (SELECT count(*) FROM chunk WHERE chunk.document = ?1),
       n_vectors = (SELECT count(vector.chunk) FROM chunk
                    JOIN vector ON vector.chunk = chunk.id WHERE chunk.document = ?1)
WHERE id = ?1;

-- :set_document_checksum
UPDATE document SET checksum = ?2 WHERE id = ?1;
