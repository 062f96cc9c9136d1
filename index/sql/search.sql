-- Text search and what a query may see.

-- FTS5 goes by rowid anyway; docent_score relies on it.
-- :score_passages
SELECT rowid, docent_score(passage, ?2) FROM passage WHERE passage MATCH ?1 ORDER BY rowid;

-- :count_chunks
SELECT ifnull(sum(n_chunks), 0) FROM document;

-- :count_term
SELECT doc FROM passage_term WHERE term = ?1;

-- :languages
SELECT ifnull(language, ''), count(*) FROM document WHERE n_chunks > 0
GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 4;

-- :chunk_range
SELECT ifnull(min(id), 0), ifnull(max(id), -1) FROM chunk;

-- :visible_chunks
SELECT chunk.id FROM document JOIN chunk ON chunk.document = document.id
WHERE document.collection = ?1;

-- :visible_chunks_of_document
SELECT chunk.id FROM document JOIN chunk ON chunk.document = document.id
WHERE document.id = ?1 AND (?2 IS NULL OR document.collection = ?2);
