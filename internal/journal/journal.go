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
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Journal is an open journal. Its methods may be called concurrently.
type Journal struct {
	dir   string
	lock  *os.File
	ctx   context.Context // for what must not be interrupted; never ends
	wdb   *sql.DB
	w     *sql.Conn // its one connection, the writer's
	r     *sql.DB   // readers
	reads readStatements

	record func(r Room, e *Entry, dst []byte) []byte // what the chain is made over; set before it is needed

	writer writer
	once   sync.Once // closing
	closed error

	namesMu sync.Mutex
	names   map[int64]string // that were read lately

	mu        sync.Mutex
	rooms     map[int64]*roomState
	byName    map[string]*roomState
	forgotten int // how often rooms were
	tail      tail
	cursors   map[cursorKey]Cursor // the newest, saved or not
	dirty     map[cursorKey]bool   // of these, the unsaved
	handled   map[int64]int64      // outboxes whose Handled is not saved
	followers map[*Follower]struct{}
	notes     []Note // the newest, committed or tried
	seq       int64  // the newest note's
	noted     int64  // the newest note's that followers know of
	let       int64  // the newest note's that memory has let go
	link      int64  // the newest link's
	orphans   []Link
	trouble   error
	ended     bool
}

type cursorKey struct {
	room int64
	peer string
}

// Entry is one message of a room.
type Entry struct {
	Offset   int64
	ID       string // "" when appended: one is derived from the room and the offset
	Chosen   bool   // of an outbox or a copy: the ID is the sender's choice, to find it by
	From     string // who sent it; "" is this node
	Time     time.Time
	Link     int64
	Codec    string
	Encoding string
	Partial  bool
	Replaced bool
	Name     string // what the sender called itself then
	Body     []byte
	Meta     []byte // what else belongs to the message, as its owner writes it; nil if nothing does
	Wire     []byte // the bytes on the wire, where the codec would not write Body like this; nil if there are none
}

// Open opens the journal in dir, which it makes if need be. Only one process at a time can; another one gets
// a *BusyError.
func Open(dir string) (*Journal, error) {
	if err := makeFolder(dir); err != nil {
		return nil, err
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	j := &Journal{dir: dir, lock: lock, ctx: context.Background(), rooms: map[int64]*roomState{}, byName: map[string]*roomState{},
		cursors: map[cursorKey]Cursor{}, dirty: map[cursorKey]bool{}, followers: map[*Follower]struct{}{}}
	j.tail.rooms = map[int64]*roomTail{}
	j.writer.init()
	if err := j.open(); err != nil {
		j.closeFiles()
		return nil, j.explain(err)
	}
	go j.write()
	return j, nil
}

// makeFolder makes a folder that only this user can look into, and makes sure that it stays.
func makeFolder(dir string) error {
	if fi, err := os.Stat(dir); err == nil && !fi.IsDir() {
		return &os.PathError{Op: "open", Path: dir, Err: syscall.ENOTDIR}
	} else if err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	if parent, err := os.Open(filepath.Dir(filepath.Clean(dir))); err == nil {
		parent.Sync() // not every system can
		parent.Close()
	}
	return nil
}

func (j *Journal) open() (err error) {
	if err := inspect(j.dir); err != nil {
		return err
	}
	path := filepath.Join(j.dir, "journal.db")
	if j.wdb, err = sql.Open("sqlite", dsn(path, always+"_pragma=cache_size(-4000)")); err != nil {
		return err
	}
	if j.w, err = j.wdb.Conn(j.ctx); err != nil {
		return err
	}
	if err := migrate(j.ctx, j.w, steps); err != nil {
		return err
	}
	if j.r, err = sql.Open("sqlite", dsn(path, always+"_pragma=cache_size(-1000)&_pragma=query_only(1)")); err != nil {
		return err
	}
	j.r.SetMaxOpenConns(4)
	if err := j.prepare(j.ctx); err != nil {
		return err
	}
	if err := j.prepareReads(); err != nil {
		return err
	}
	return j.load()
}

// load reads what must be known from the start, none of it in proportion to the messages.
func (j *Journal) load() error {
	if err := j.r.QueryRow("SELECT coalesce(max(seq), 0) FROM notes").Scan(&j.seq); err != nil {
		return err
	}
	j.noted, j.let = j.seq, j.seq
	// A link is noted before it is recorded, and a crash may have come in between.
	err := j.r.QueryRow(`SELECT max((SELECT coalesce(max(id), 0) FROM links),
		(SELECT coalesce(max(link), 0) FROM (SELECT link FROM notes ORDER BY seq DESC LIMIT 10000)))`).Scan(&j.link)
	if err != nil {
		return err
	}
	open, err := j.queryLinks(j.ctx, "WHERE ended = 0 ORDER BY l.id")
	if err != nil || len(open) == 0 {
		return err
	}
	now := time.Now().Truncate(time.Microsecond)
	for i := range open {
		open[i].Ended, open[i].Reason = now, reasonCrash
	}
	j.orphans = open
	return nil
}

const reasonCrash = "tincan ended without closing"

// Close finishes what was asked for and gives the folder back.
func (j *Journal) Close() error {
	j.once.Do(func() {
		j.writer.stop()
		<-j.writer.done
		j.mu.Lock()
		j.ended = true
		for f := range j.followers {
			f.end(ErrClosed)
		}
		j.mu.Unlock()
		j.closed = j.closeFiles()
	})
	return j.closed
}

func (j *Journal) closeFiles() error {
	var errs []error
	if j.r != nil {
		errs = append(errs, j.r.Close())
	}
	if j.w != nil {
		j.writer.stmts.close()
		errs = append(errs, j.w.Close())
	}
	if j.wdb != nil {
		errs = append(errs, j.wdb.Close())
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
