-- Version 6: passages in another language than their document.

ALTER TABLE chunk ADD COLUMN language TEXT; -- ISO 639-1; NULL: the document's
CREATE INDEX chunk_by_language ON chunk (language, document) WHERE language IS NOT NULL;

DROP VIEW passage_source;
CREATE VIEW passage_source (id, text, section, title) AS
SELECT chunk.id,
       char(1) || coalesce(chunk.language, document.language, '') || char(2) || chunk.text,
       char(1) || coalesce(chunk.language, document.language, '') || char(2) || chunk.section,
       char(1) || ifnull(document.language, '') || char(2) || document.title
FROM chunk JOIN document ON document.id = chunk.document;
