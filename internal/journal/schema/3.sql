-- The journal's schema, version 3: how far programs that act on messages have come. It is frozen: what changes is the
-- next step, schema/4.sql. Messages of a room up to n are handled by the reader of that name.
CREATE TABLE readers (
	room INTEGER NOT NULL,
	name TEXT    NOT NULL,
	n    INTEGER NOT NULL,
	PRIMARY KEY (room, name)
) STRICT, WITHOUT ROWID;
