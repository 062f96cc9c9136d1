-- Collections, their readers, and tags.

-- :list_collections
SELECT name, sum(n), sum(chunks), name IN (SELECT collection FROM private_collection) FROM
  (SELECT collection AS name, 1 AS n, n_chunks AS chunks FROM document
   UNION ALL SELECT collection, 0, 0 FROM reader
   UNION ALL SELECT collection, 0, 0 FROM private_collection)
GROUP BY name ORDER BY name;

-- Only those of which the role, if there is one, sees something.
-- :has_private
SELECT EXISTS (SELECT 1 FROM private_collection AS private
               WHERE (?1 IS NULL OR private.collection = ?1)
                 AND EXISTS (SELECT 1 FROM document
                             WHERE document.collection = private.collection));

-- :add_private
INSERT OR REPLACE INTO private_collection (collection, checksum) VALUES (?1, ?2);

-- :remove_private
DELETE FROM private_collection WHERE collection = ?1;

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
