-- Text search and what a query may see.

-- FTS5 goes by rowid anyway; docent_score relies on it.
-- :score_passages
SELECT rowid, docent_score(passage, ?2) FROM passage WHERE passage MATCH ?1 ORDER BY rowid;

-- :count_chunks
SELECT ifnull(sum(n_chunks), 0) FROM document;

-- :count_term
SELECT doc FROM passage_term WHERE term = ?1;

-- :terms_between
SELECT term, doc FROM passage_term WHERE term >= ?1 AND term < ?2;

-- :languages
SELECT ifnull(language, ''), count(*) FROM document WHERE n_chunks > 0
GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 4;

-- :chunk_range
SELECT ifnull(min(id), 0), ifnull(max(id), -1) FROM main.chunk;

-- Chunks of a document have consecutive ids.
-- :document_range
SELECT ifnull((SELECT id FROM main.chunk WHERE document = ?1 ORDER BY position LIMIT 1), 0),
       ifnull((SELECT id FROM main.chunk WHERE document = ?1 ORDER BY position DESC LIMIT 1), -1);

-- :matching_chunks
SELECT rowid FROM passage WHERE passage MATCH ?1;

-- What a role may see of the length of passages: enough of them to know what is usual.
-- :usual_bytes
SELECT ifnull(avg(end_byte - start_byte), 0)
FROM (SELECT start_byte, end_byte FROM chunk LIMIT 1000);
