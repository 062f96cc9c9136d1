-- Version 5: the encoder that is to come, collections of which questions leave no trace, and dates.

-- Vectors are made anew beside the old ones, which serve until the last is there (next-encoder.c).
ALTER TABLE library ADD COLUMN next_encoder TEXT; -- NULL: none is to come
ALTER TABLE library ADD COLUMN next_dimension INTEGER NOT NULL DEFAULT 0;
ALTER TABLE library ADD COLUMN next_checksum INTEGER NOT NULL DEFAULT 0;
CREATE TABLE next_vector (
  chunk INTEGER PRIMARY KEY REFERENCES chunk (id) ON DELETE CASCADE,
  floats BLOB NOT NULL,              -- next_dimension × float32, little-endian
  checksum INTEGER NOT NULL          -- of chunk and floats
) STRICT;

CREATE TABLE private_collection (
  collection TEXT PRIMARY KEY,
  checksum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE document ADD COLUMN date TEXT; -- YYYY-MM-DD when it says that it was written, or NULL
