-- Version 2: tags on documents, and who may read which collection.

CREATE TABLE document_tag (
  document INTEGER NOT NULL REFERENCES document (id) ON DELETE CASCADE,
  tag TEXT NOT NULL,
  checksum INTEGER NOT NULL,
  PRIMARY KEY (document, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX document_tag_by_tag ON document_tag (tag);

-- Somebody who opens the library in a role sees the collections that name this role, and no others.
CREATE TABLE reader (
  collection TEXT NOT NULL,
  role TEXT NOT NULL,
  checksum INTEGER NOT NULL,
  PRIMARY KEY (collection, role)
) STRICT, WITHOUT ROWID;
