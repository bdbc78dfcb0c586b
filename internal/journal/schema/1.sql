-- The journal's schema, version 1. It is frozen: what changes is the next step, schema/2.sql.
-- A message's key is its room << 40 | offset, so a room's log is one stretch of the table and needs no index.
-- Times are microseconds since 1970.
PRAGMA application_id = 1952670062; -- "tcan"
CREATE TABLE rooms (
	id       INTEGER PRIMARY KEY,
	name     TEXT NOT NULL UNIQUE,
	codec    TEXT NOT NULL,
	encoding TEXT NOT NULL,
	url      TEXT NOT NULL,
	shared   INTEGER NOT NULL,
	dialled  INTEGER NOT NULL,
	salt     BLOB NOT NULL,
	last     INTEGER NOT NULL,
	created  INTEGER NOT NULL,
	updated  INTEGER NOT NULL
) STRICT;
CREATE INDEX rooms_updated ON rooms (updated);
CREATE TABLE names (
	id   INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE messages (
	key      INTEGER PRIMARY KEY,
	time     INTEGER NOT NULL,
	link     INTEGER NOT NULL,
	sender   INTEGER NOT NULL,
	codec    INTEGER NOT NULL,
	encoding INTEGER NOT NULL,
	flags    INTEGER NOT NULL,
	id       TEXT,
	body     BLOB NOT NULL,
	wire     BLOB
) STRICT;
CREATE TABLE ids (
	room   INTEGER NOT NULL,
	id     TEXT NOT NULL,
	offset INTEGER NOT NULL,
	PRIMARY KEY (room, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE cursors (
	room    INTEGER NOT NULL,
	peer    TEXT NOT NULL,
	start   INTEGER NOT NULL,
	written INTEGER NOT NULL,
	reached INTEGER NOT NULL,
	PRIMARY KEY (room, peer)
) STRICT, WITHOUT ROWID;
CREATE TABLE fates (
	room  INTEGER NOT NULL,
	peer  TEXT NOT NULL,
	first INTEGER NOT NULL,
	last  INTEGER NOT NULL,
	state TEXT NOT NULL,
	PRIMARY KEY (room, peer, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE links (
	id           INTEGER PRIMARY KEY,
	room         INTEGER NOT NULL,
	peer         TEXT NOT NULL,
	local        TEXT NOT NULL,
	remote       TEXT NOT NULL,
	codec        TEXT NOT NULL,
	choice       TEXT NOT NULL,
	dialled      INTEGER NOT NULL,
	began        INTEGER NOT NULL,
	ended        INTEGER NOT NULL,
	handshake_us INTEGER NOT NULL,
	messages_in  INTEGER NOT NULL,
	messages_out INTEGER NOT NULL,
	bytes_in     INTEGER NOT NULL,
	bytes_out    INTEGER NOT NULL,
	reason       TEXT NOT NULL,
	detail       TEXT NOT NULL
) STRICT;
CREATE INDEX links_room ON links (room);
CREATE INDEX links_open ON links (ended) WHERE ended = 0;
CREATE TABLE notes (
	seq  INTEGER PRIMARY KEY,
	time INTEGER NOT NULL,
	kind TEXT NOT NULL,
	room INTEGER NOT NULL,
	at   INTEGER NOT NULL,
	link INTEGER NOT NULL,
	data BLOB NOT NULL
) STRICT;
