-- The FAISS file and the rows that it does not cover.

-- :dense_state
SELECT generation, last_chunk, n_vectors, dense_cache.dimension, size_bytes, dense_cache.checksum,
       dense_cache.encoder IS library.encoder AND dense_cache.dimension = library.dimension
FROM dense_cache, library;

-- :dense_removed
SELECT chunk FROM dense_removed ORDER BY chunk;

-- :dense_rows
SELECT chunk, floats FROM vector WHERE chunk > ?1 ORDER BY chunk;

-- :vector_of
SELECT floats FROM vector WHERE chunk = ?1;

-- :count_vectors
SELECT ifnull(sum(n_vectors), 0) FROM main.document;

-- :dense_commit
UPDATE dense_cache SET generation = ?1, last_chunk = ?2, n_vectors = ?3, dimension = ?4,
       size_bytes = ?5, checksum = ?6, encoder = (SELECT encoder FROM library);

-- :dense_drop
UPDATE dense_cache SET last_chunk = 0, n_vectors = 0, size_bytes = 0, checksum = 0;

-- :dense_forget_removed
DELETE FROM dense_removed;
