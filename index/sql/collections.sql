-- Collections, their readers, and tags.

-- :list_collections
SELECT name, sum(n), sum(chunks) FROM
  (SELECT collection AS name, 1 AS n, n_chunks AS chunks FROM document
   UNION ALL SELECT collection, 0, 0 FROM reader)
GROUP BY name ORDER BY name;

-- :list_readers
SELECT role FROM reader WHERE collection = ?1 ORDER BY role;

-- :add_reader
INSERT OR REPLACE INTO reader (collection, role, checksum) VALUES (?1, ?2, ?3);

-- :remove_reader
DELETE FROM reader WHERE collection = ?1 AND role = ?2;

-- :list_tags
SELECT tag FROM document_tag WHERE document = ?1 ORDER BY tag;

-- :add_tag
INSERT OR REPLACE INTO document_tag (document, tag, checksum) VALUES (?1, ?2, ?3);

-- :remove_tag
DELETE FROM document_tag WHERE document = ?1 AND tag = ?2;
