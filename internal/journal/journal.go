// Package journal keeps what must survive: rooms and their messages, cursors over them, the history of links.
// It is a SQLite database with one writer.
//
// The rules that it keeps:
//
//  1. An append returns after its commit is synced (WAL, synchronous=FULL). Many callers share a commit.
//  2. Readers at the tip read from memory, those that lag from the database. What is handed out never changes.
//  3. A failed sync ends the journal for good. A full disk refuses what is new and keeps what is old.
//
// The package knows no network, no codec and no text: a message is bytes, a peer is a name.
package journal

import (
	"context"
	"crypto/rand"
	"database/sql"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"modernc.org/sqlite" // the driver
)

//go:embed schema.sql
var schema string

// version is the schema's; PRAGMA user_version holds the database's.
const version = 1

// Journal is an open journal. Its methods may be called concurrently.
type Journal struct {
	dir  string
	lock *os.File
	w    *sql.DB // one connection, the writer's
	r    *sql.DB // readers

	writer writer

	mu        sync.Mutex
	rooms     map[int64]*roomState
	byName    map[string]*roomState
	tail      tail
	cursors   map[cursorKey]Cursor // the newest, saved or not
	dirty     map[cursorKey]bool   // of these, the unsaved
	followers map[*Follower]struct{}
	notes     []Note // the newest, committed or tried
	seq       int64  // the newest note's
	link      int64  // the newest link's
	orphans   []Link
	trouble   error
}

// roomState is what is kept in memory of a room that was used.
type roomState struct {
	room    Room
	salt    []byte
	changed chan struct{} // closed at the next commit that appends; nil: nobody waits
}

type cursorKey struct {
	room int64
	peer string
}

// Room is one ordered log of messages.
type Room struct {
	ID               int64
	Name             string
	Codec, Encoding  string
	URL              string // the address that is dialled, if any
	Shared, Dialled  bool
	Last             int64 // the newest message's offset
	Created, Updated time.Time
}

// Entry is one message of a room.
type Entry struct {
	Offset   int64
	ID       string // "" when appended: one is derived from the room and the offset
	From     string // who sent it; "" is this node
	Time     time.Time
	Link     int64
	Codec    string
	Encoding string
	Partial  bool
	Replaced bool
	Body     []byte
	Wire     []byte // the bytes on the wire, where the codec would not write Body like this; may be nil
}

// Open opens the journal in dir, which it makes if need be. Only one process at a time can; another one gets
// a *BusyError.
func Open(dir string) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	j := &Journal{dir: dir, lock: lock, rooms: map[int64]*roomState{}, byName: map[string]*roomState{},
		cursors: map[cursorKey]Cursor{}, dirty: map[cursorKey]bool{}, followers: map[*Follower]struct{}{}}
	j.tail.rooms = map[int64]*roomTail{}
	if err := j.open(); err != nil {
		j.closeFiles()
		return nil, explain(dir, err)
	}
	j.writer.init()
	go j.write()
	return j, nil
}

func (j *Journal) open() error {
	path := filepath.Join(j.dir, "journal.db")
	var err error
	if j.w, err = sql.Open("sqlite", dsn(path, "_pragma=cache_size(-4000)&_txlock=immediate")); err != nil {
		return err
	}
	j.w.SetMaxOpenConns(1)
	if err := j.migrate(); err != nil {
		return err
	}
	if j.r, err = sql.Open("sqlite", dsn(path, "_pragma=cache_size(-1000)&_pragma=query_only(1)")); err != nil {
		return err
	}
	j.r.SetMaxOpenConns(4)
	if err := j.prepare(); err != nil {
		return err
	}
	return j.load()
}

func dsn(path string, more string) string {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()}
	return u.String() + "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)" +
		"&_pragma=wal_autocheckpoint(2000)&" + more
}

// migrate makes the schema, or refuses one that is newer than this program.
func (j *Journal) migrate() error {
	var have int
	if err := j.w.QueryRow("PRAGMA user_version").Scan(&have); err != nil {
		return err
	}
	switch {
	case have == version:
		return nil
	case have > version:
		return &NewerError{Dir: j.dir, Version: have}
	}
	tx, err := j.w.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.Exec(schema + "PRAGMA user_version = " + strconv.Itoa(version)); err != nil {
		return err
	}
	return tx.Commit() // a crash before this leaves an empty file, and the next Open starts again
}

// load reads what must be known from the start, none of it in proportion to the messages.
func (j *Journal) load() error {
	if err := j.r.QueryRow("SELECT coalesce(max(seq), 0) FROM notes").Scan(&j.seq); err != nil {
		return err
	}
	if err := j.r.QueryRow("SELECT coalesce(max(id), 0) FROM links").Scan(&j.link); err != nil {
		return err
	}
	open, err := j.queryLinks("WHERE ended = 0 ORDER BY l.id")
	if err != nil || len(open) == 0 {
		return err
	}
	now := time.Now()
	if _, err := j.w.Exec("UPDATE links SET ended = ?, reason = ? WHERE ended = 0", now.UnixMicro(), reasonCrash); err != nil {
		return err
	}
	for i := range open {
		open[i].Ended, open[i].Reason = now, reasonCrash
	}
	j.orphans = open
	return nil
}

const reasonCrash = "tincan ended without closing"

// Close finishes what was asked for and gives the folder back.
func (j *Journal) Close() error {
	j.writer.stop()
	<-j.writer.done
	j.mu.Lock()
	for f := range j.followers {
		f.end(ErrClosed)
	}
	j.mu.Unlock()
	return j.closeFiles()
}

func (j *Journal) closeFiles() error {
	var errs []error
	if j.r != nil {
		errs = append(errs, j.r.Close())
	}
	if j.w != nil {
		errs = append(errs, j.w.Close())
	}
	errs = append(errs, unlockFolder(j.lock))
	return errors.Join(errs...)
}

// Trouble says why nothing can be stored now; nil if all is well.
func (j *Journal) Trouble() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.trouble
}

// FindRoom returns a room by its name.
func (j *Journal) FindRoom(ctx context.Context, name string) (Room, bool, error) {
	s, err := j.room(ctx, "name = ?", name)
	if s == nil || err != nil {
		return Room{}, false, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return s.room, true, nil
}

// RoomByID returns a room by its number.
func (j *Journal) RoomByID(ctx context.Context, id int64) (Room, error) {
	s, err := j.state(ctx, id)
	if err != nil {
		return Room{}, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return s.room, nil
}

// state returns what is kept of a room, read from the database the first time.
func (j *Journal) state(ctx context.Context, id int64) (*roomState, error) {
	j.mu.Lock()
	s := j.rooms[id]
	j.mu.Unlock()
	if s != nil {
		return s, nil
	}
	s, err := j.room(ctx, "id = ?", id)
	if err == nil && s == nil {
		err = fmt.Errorf("no room %d", id)
	}
	return s, err
}

const roomColumns = "id, name, codec, encoding, url, shared, dialled, salt, last, created, updated"

func scanRoom(row interface{ Scan(...any) error }) (*roomState, error) {
	var s roomState
	var created, updated int64
	r := &s.room
	err := row.Scan(&r.ID, &r.Name, &r.Codec, &r.Encoding, &r.URL, &r.Shared, &r.Dialled, &s.salt, &r.Last, &created, &updated)
	r.Created, r.Updated = time.UnixMicro(created), time.UnixMicro(updated)
	return &s, err
}

// room finds one room; nil if there is none.
func (j *Journal) room(ctx context.Context, where string, arg any) (*roomState, error) {
	if name, ok := arg.(string); ok {
		j.mu.Lock()
		s := j.byName[name]
		j.mu.Unlock()
		if s != nil {
			return s, nil
		}
	}
	s, err := scanRoom(j.r.QueryRowContext(ctx, "SELECT "+roomColumns+" FROM rooms WHERE "+where, arg))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, explain(j.dir, err)
	}
	return j.remember(s), nil
}

// remember keeps a room's state, unless it was kept meanwhile.
func (j *Journal) remember(s *roomState) *roomState {
	j.mu.Lock()
	defer j.mu.Unlock()
	if old := j.rooms[s.room.ID]; old != nil {
		return old
	}
	j.rooms[s.room.ID], j.byName[s.room.Name] = s, s
	return s
}

// Rooms returns the rooms used last, newest first.
func (j *Journal) Rooms(ctx context.Context, limit int) ([]Room, error) {
	rows, err := j.r.QueryContext(ctx, "SELECT "+roomColumns+" FROM rooms ORDER BY updated DESC, id DESC LIMIT ?", limit)
	if err != nil {
		return nil, explain(j.dir, err)
	}
	defer rows.Close()
	var out []Room
	for rows.Next() {
		s, err := scanRoom(rows)
		if err != nil {
			return nil, explain(j.dir, err)
		}
		j.mu.Lock()
		if live := j.rooms[s.room.ID]; live != nil {
			s = live
		}
		out = append(out, s.room)
		j.mu.Unlock()
	}
	return out, explain(j.dir, rows.Err())
}

// id is the identity of a message that was given none: the same whenever it is asked for, and not the same in
// another room or journal.
func (s *roomState) id(offset int64) string {
	return hex.EncodeToString(s.salt) + strconv.FormatInt(offset, 36)
}

func newSalt() []byte {
	b := make([]byte, 8)
	rand.Read(b)
	return b
}

// FullError says that there is no space for anything new. What is stored is safe; appends work again when there
// is space.
type FullError struct {
	Dir  string
	Free int64 // bytes; -1 if not known
}

func (e *FullError) Error() string {
	if e.Free < 0 {
		return "the disk of " + e.Dir + " is full"
	}
	return fmt.Sprintf("the disk of %s is full (%d MiB free)", e.Dir, e.Free>>20)
}

// BusyError says that another process has the folder open.
type BusyError struct {
	Dir string
	PID int // 0 if not known
}

func (e *BusyError) Error() string { return fmt.Sprintf("%s is in use by process %d", e.Dir, e.PID) }

// NewerError says that a newer version of this program made the journal.
type NewerError struct {
	Dir     string
	Version int
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("the journal in %s was made by a newer tincan (schema %d, this one knows %d)", e.Dir, e.Version, version)
}

// DamagedError says that the database cannot be read.
type DamagedError struct {
	Path string
	Err  error
}

func (e *DamagedError) Error() string { return fmt.Sprintf("%s is damaged: %v", e.Path, e.Err) }
func (e *DamagedError) Unwrap() error { return e.Err }

// ErrClosed is what methods of a closed journal return.
var ErrClosed = errors.New("the journal is closed")

// ErrFailed is wrapped by every error after a write or sync has failed: what the disk holds is not known, so
// nothing is claimed any more.
var ErrFailed = errors.New("the journal has failed and must be opened again")

// SQLite's result codes that are told apart (https://sqlite.org/rescode.html).
const (
	codeIOErr        = 10
	codeCorrupt      = 11
	codeFull         = 13
	codeCantOpen     = 14
	codeReadOnly     = 8
	codeNotADB       = 26
	codeIOErrWrite   = 778
	codeIOErrShmSize = 4874
)

// explain puts SQLite's error into the words of this package.
func explain(dir string, err error) error {
	var e *sqlite.Error
	if err == nil || !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case codeFull:
		return &FullError{Dir: dir, Free: freeSpace(dir)}
	case codeCorrupt, codeNotADB:
		return &DamagedError{Path: filepath.Join(dir, "journal.db"), Err: err}
	case codeReadOnly, codeCantOpen:
		return fmt.Errorf("the journal in %s cannot be written: %w", dir, errors.Join(os.ErrPermission, err))
	case codeIOErr:
		if f := freeSpace(dir); (e.Code() == codeIOErrWrite || e.Code() == codeIOErrShmSize) && f >= 0 && f < 1<<20 {
			return &FullError{Dir: dir, Free: f}
		}
	}
	return err
}

// isIO says that reading or writing failed in a way after which the disk's state is not known.
func isIO(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == codeIOErr
}
