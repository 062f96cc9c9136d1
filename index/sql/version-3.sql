-- Version 3: which files of a folder are wanted, and passages that are not what they seem.

ALTER TABLE source ADD COLUMN include TEXT; -- rules for the room that walks folders, or NULL
ALTER TABLE source ADD COLUMN exclude TEXT;

-- Bits of IndexChunkFlags.
ALTER TABLE chunk ADD COLUMN flags INTEGER NOT NULL DEFAULT 0;
