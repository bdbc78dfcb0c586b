-- The journal's schema, version 2: streams between keys. It is frozen: what changes is the next step, schema/3.sql.
-- host and remote: the key that numbers a room and what it calls the room; '' for the rooms of this node. An outbox is
-- a room too: what this node owes its host, of which the host has stored all up to handled.
-- A room with an epoch has a chain: chain is that at last, base_chain that at base, and chains has some in between.
ALTER TABLE rooms ADD COLUMN host TEXT NOT NULL DEFAULT '';
ALTER TABLE rooms ADD COLUMN remote TEXT NOT NULL DEFAULT '';
ALTER TABLE rooms ADD COLUMN outbox INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN epoch BLOB NOT NULL DEFAULT x'';
ALTER TABLE rooms ADD COLUMN base INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN handled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN chain BLOB NOT NULL DEFAULT x'';
ALTER TABLE rooms ADD COLUMN base_chain BLOB NOT NULL DEFAULT x'';
ALTER TABLE rooms ADD COLUMN keep_messages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN keep_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN keep_us INTEGER NOT NULL DEFAULT 0;
CREATE INDEX rooms_host ON rooms (host) WHERE host <> '';
ALTER TABLE messages ADD COLUMN name INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN meta BLOB;
ALTER TABLE cursors ADD COLUMN stored INTEGER NOT NULL DEFAULT 0;
CREATE TABLE chains (
	key   INTEGER PRIMARY KEY,
	chain BLOB NOT NULL
) STRICT;
CREATE TABLE inboxes (
	peer  TEXT PRIMARY KEY,
	epoch BLOB NOT NULL,
	n     INTEGER NOT NULL,
	chain BLOB NOT NULL,
	again INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE gaps (
	room   INTEGER NOT NULL,
	first  INTEGER NOT NULL,
	last   INTEGER NOT NULL,
	after  INTEGER NOT NULL,
	reason TEXT NOT NULL,
	time   INTEGER NOT NULL,
	PRIMARY KEY (room, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE peers (
	id     TEXT PRIMARY KEY,
	name   TEXT NOT NULL,
	called TEXT NOT NULL,
	state  TEXT NOT NULL,
	via    TEXT NOT NULL,
	host   INTEGER NOT NULL,
	addr   TEXT NOT NULL,
	room   TEXT NOT NULL,
	first  INTEGER NOT NULL,
	last   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE tickets (
	hash    BLOB PRIMARY KEY,
	room    TEXT NOT NULL,
	made    INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	uses    INTEGER NOT NULL,
	used_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;
