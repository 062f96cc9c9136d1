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

-- By the number of documents that have passages in it. The + keeps to the few rows of
-- chunk_by_language, whatever a role may see.
-- :languages
SELECT language, sum(n) FROM
  (SELECT ifnull(language, '') AS language, count(*) AS n
   FROM document WHERE n_chunks > 0 GROUP BY language
   UNION ALL
   SELECT language, count(DISTINCT document) FROM main.chunk
   WHERE language IS NOT NULL AND +document IN (SELECT id FROM document) GROUP BY language)
GROUP BY language ORDER BY 2 DESC, 1;

-- :chunk_range
SELECT ifnull(min(id), 0), ifnull(max(id), -1) FROM main.chunk;

-- Chunks of a document have consecutive ids.
-- :document_range
SELECT ifnull((SELECT id FROM main.chunk WHERE document = ?1 ORDER BY position LIMIT 1), 0),
       ifnull((SELECT id FROM main.chunk WHERE document = ?1 ORDER BY position DESC LIMIT 1), -1);

-- Of a document in another language.
-- :chunks_in_language
SELECT id FROM main.chunk WHERE language = ?2 AND document = ?1;

-- :chunks_in_other_language
SELECT id FROM main.chunk WHERE language <> ?1;

-- :matching_chunks
SELECT rowid FROM passage WHERE passage MATCH ?1;

-- What a role may see of the length of passages: enough of them to know what is usual.
-- :usual_bytes
SELECT ifnull(avg(end_byte - start_byte), 0)
FROM (SELECT start_byte, end_byte FROM chunk LIMIT 1000);
