-- Version 4: what was done to the library, in a chain that cannot be changed unnoticed.

CREATE TABLE event (
  seq INTEGER PRIMARY KEY,           -- 1, 2, … without gaps
  at INTEGER NOT NULL,               -- Unix seconds
  action TEXT NOT NULL,
  subject TEXT NOT NULL,             -- for documents the SHA-256 of the path: no name outlives it
  hash TEXT NOT NULL                 -- SHA-256 of the previous hash and the columns above
) STRICT;
