-- The log of changes.

-- :last_event
SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1;

-- :add_event
INSERT INTO event (seq, at, action, subject, hash) VALUES (?1, ?2, ?3, ?4, ?5);

-- :list_events
SELECT seq, at, action, subject, hash FROM event ORDER BY seq;
