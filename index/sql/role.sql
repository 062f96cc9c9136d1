-- What a role may see, under the names of the tables (see roles.c).

CREATE TEMP VIEW reader AS
SELECT * FROM main.reader WHERE role = docent_role();

CREATE TEMP VIEW private_collection AS
SELECT * FROM main.private_collection WHERE collection IN (SELECT collection FROM temp.reader);

CREATE TEMP VIEW document AS
SELECT * FROM main.document WHERE collection IN (SELECT collection FROM temp.reader);

CREATE TEMP VIEW document_tag AS
SELECT * FROM main.document_tag WHERE document IN (SELECT id FROM temp.document);

CREATE TEMP VIEW source AS
SELECT * FROM main.source WHERE collection IN (SELECT collection FROM temp.reader);

CREATE TEMP VIEW event AS
SELECT * FROM main.event WHERE FALSE;

CREATE TEMP VIEW chunk AS
SELECT * FROM main.chunk WHERE document IN (SELECT id FROM temp.document);

CREATE TEMP VIEW vector AS
SELECT * FROM main.vector WHERE chunk IN (SELECT id FROM temp.chunk);
