-- Opening, transactions, settings and sources.

-- :begin_write
BEGIN IMMEDIATE;

-- :begin_read
BEGIN DEFERRED;

-- :commit
COMMIT;

-- :rollback
ROLLBACK;

-- :data_version
PRAGMA data_version;

-- :get_encoder
SELECT encoder, dimension FROM library;

-- :set_encoder
UPDATE library SET encoder = ?1, dimension = ?2, checksum = ?3;

-- :has_vectors
SELECT EXISTS (SELECT 1 FROM vector);

-- :list_sources
SELECT path, collection, include, exclude FROM source ORDER BY path;

-- :add_source
INSERT INTO source (path, collection, include, exclude, checksum) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (path) DO UPDATE SET
  collection = excluded.collection, include = excluded.include, exclude = excluded.exclude,
  checksum = excluded.checksum;

-- :remove_source
DELETE FROM source WHERE path = ?1;

-- :needs_scrub
SELECT needs_scrub FROM library;

-- :scrub_later
UPDATE library SET needs_scrub = 1;

-- :scrubbed
UPDATE library SET needs_scrub = 0;

-- :page_bytes
PRAGMA page_size;

-- :btree_pages
SELECT pageno FROM dbstat WHERE pagetype IN ('leaf', 'internal') ORDER BY pageno;
