-- The change to another encoder.

-- :get_next_encoder
SELECT next_encoder, next_dimension, next_checksum FROM library;

-- :set_next_encoder
UPDATE library SET next_encoder = ?1, next_dimension = ?2, next_checksum = ?3;

-- :delete_next_vectors
DELETE FROM next_vector;

-- Without LIMIT it would be all of them.
-- :next_texts
SELECT chunk.id, chunk.text, chunk.section, document.title
FROM vector JOIN chunk ON chunk.id = vector.chunk JOIN document ON document.id = chunk.document
WHERE vector.chunk > ?1
  AND NOT EXISTS (SELECT 1 FROM next_vector WHERE next_vector.chunk = vector.chunk)
ORDER BY vector.chunk LIMIT ?2;

-- :count_next_vectors
SELECT count(*) FROM next_vector;

-- :put_next_vector
INSERT OR REPLACE INTO next_vector (chunk, floats, checksum) VALUES (?1, ?2, ?3);

-- :check_next_vectors
SELECT chunk, floats, checksum FROM next_vector ORDER BY chunk;

-- :delete_next_vector
DELETE FROM next_vector WHERE chunk = ?1;

-- :delete_orphan_next_vectors
DELETE FROM next_vector WHERE chunk NOT IN (SELECT id FROM chunk);

-- :has_next_texts
SELECT EXISTS (SELECT 1 FROM vector
               WHERE NOT EXISTS (SELECT 1 FROM next_vector WHERE next_vector.chunk = vector.chunk));

-- :take_next_vectors
UPDATE vector SET floats = next_vector.floats, checksum = next_vector.checksum
FROM next_vector WHERE next_vector.chunk = vector.chunk;

-- :take_next_encoder
UPDATE library SET encoder = next_encoder, dimension = next_dimension, checksum = next_checksum,
       next_encoder = NULL, next_dimension = 0, next_checksum = 0;
