-- Documents, their chunks and vectors.

-- :find_by_path
SELECT id, path, title, mime_type, language, collection, sha256, size_bytes, mtime_ns, added_at,
       n_pages, n_chunks, failure, date, checksum
FROM document WHERE path = ?1;

-- :find_by_id
SELECT id, path, title, mime_type, language, collection, sha256, size_bytes, mtime_ns, added_at,
       n_pages, n_chunks, failure, date, checksum
FROM document WHERE id = ?1;

-- :find_by_sha256
SELECT id, path, title, mime_type, language, collection, sha256, size_bytes, mtime_ns, added_at,
       n_pages, n_chunks, failure, date, checksum
FROM document WHERE sha256 = ?1 ORDER BY id LIMIT 1;

-- What a scope lets through; of a document in another language, some of its passages.
-- :list_documents
SELECT id, path, title, mime_type, language, collection, sha256, size_bytes, mtime_ns, added_at,
       n_pages, n_chunks, failure, date, checksum
FROM document
WHERE (?1 IS NULL OR collection = ?1)
  AND (?2 IS NULL OR path = ?2
       OR substr(path, 1, length(rtrim(?2, '/')) + 1) = rtrim(?2, '/') || '/')
  AND (?3 IS NULL OR language = ?3
       OR EXISTS (SELECT 1 FROM chunk WHERE chunk.language = ?3 AND chunk.document = document.id))
  AND (?4 IS NULL OR EXISTS (SELECT 1 FROM document_tag
                             WHERE document_tag.document = document.id AND tag = ?4))
  AND (?5 = 0 OR ifnull(CAST(strftime('%s', date, 'utc') AS INTEGER), mtime_ns / 1000000000) >= ?5)
  AND (?6 = 0 OR ifnull(CAST(strftime('%s', date, 'utc') AS INTEGER), mtime_ns / 1000000000) < ?6);

-- :put_document
INSERT INTO document (path, title, mime_type, language, collection, sha256, size_bytes, mtime_ns,
                      added_at, n_pages, n_chunks, failure, date, checksum, n_vectors)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
ON CONFLICT (path) DO UPDATE SET
  title = excluded.title, mime_type = excluded.mime_type, language = excluded.language,
  collection = excluded.collection, sha256 = excluded.sha256, size_bytes = excluded.size_bytes,
  mtime_ns = excluded.mtime_ns, added_at = excluded.added_at, n_pages = excluded.n_pages,
  n_chunks = excluded.n_chunks, failure = excluded.failure, date = excluded.date,
  checksum = excluded.checksum, n_vectors = excluded.n_vectors;

-- :update_file
UPDATE document SET path = ?2, size_bytes = ?3, mtime_ns = ?4, checksum = ?5 WHERE id = ?1;

-- :delete_document
DELETE FROM document WHERE id = ?1;

-- :document_id
SELECT id FROM document WHERE path = ?1;

-- :insert_chunk
INSERT INTO chunk (id, document, position, stable_id, text, section, first_page, last_page,
                   first_label, last_label, start_byte, end_byte, x0, y0, x1, y1, checksum,
                   flags, language)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19);

-- :last_chunk
SELECT max (ifnull ((SELECT seq FROM sqlite_sequence WHERE name = 'chunk'), 0),
            ifnull ((SELECT max (id) FROM chunk), 0));

-- :insert_vector
INSERT INTO vector (chunk, floats, checksum) VALUES (?1, ?2, ?3);

-- :index_words
INSERT INTO passage (rowid, text, section, title)
SELECT id, text, section, title FROM passage_source
WHERE id IN (SELECT id FROM chunk WHERE document = ?1);

-- :forget_words
DELETE FROM passage WHERE rowid IN (SELECT id FROM chunk WHERE document = ?1);

-- A negative number makes all segments one, so many pages at a time.
-- :merge_words
INSERT INTO passage (passage, rank) VALUES ('merge', ?1);

-- Vectors newer than the FAISS file need no note: they are not in it.
-- :note_removed_vectors
INSERT INTO dense_removed (chunk)
SELECT chunk.id FROM chunk JOIN vector ON vector.chunk = chunk.id
WHERE chunk.document = ?1 AND chunk.id <= (SELECT last_chunk FROM dense_cache);

-- :delete_chunks
DELETE FROM chunk WHERE document = ?1;

-- :known_vector
SELECT vector.floats FROM document
JOIN chunk ON chunk.document = document.id AND chunk.stable_id = ?2
JOIN vector ON vector.chunk = chunk.id
WHERE document.path = ?1
ORDER BY chunk.position LIMIT 1;

-- :hit
SELECT chunk.id, document.id, document.path, document.title, document.collection, chunk.section,
       chunk.text, ifnull(chunk.language, document.language), chunk.first_page, chunk.last_page,
       chunk.first_label, chunk.last_label, chunk.start_byte, chunk.end_byte, chunk.x0, chunk.y0,
       chunk.x1, chunk.y1, chunk.flags
FROM chunk JOIN document ON document.id = chunk.document
WHERE chunk.id = ?1;

-- :neighbours
SELECT near.id
FROM chunk AS here JOIN chunk AS near
  ON near.document = here.document
 AND near.position BETWEEN here.position - ?2 AND here.position + ?3
WHERE here.id = ?1
ORDER BY near.position;

-- :document_chunks
SELECT id FROM chunk
WHERE document = ?1 AND (?2 = 0 OR last_page >= ?2) AND (?3 = 0 OR first_page <= ?3)
ORDER BY position;

-- :stats
SELECT count(*), count(failure), ifnull(sum(n_chunks), 0), ifnull(sum(n_pages), 0),
       ifnull(sum(size_bytes), 0), ifnull(sum(n_vectors), 0)
FROM document WHERE ?1 IS NULL OR collection = ?1;
