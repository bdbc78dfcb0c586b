package tincan

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"tincan/internal/identity"
	"tincan/internal/journal"
	"tincan/internal/wire"
)

// recordersAtOnce is enough to fill the journal's commits.
const recordersAtOnce = 32

// Version is the program's version.
const Version = "0.1.0"

// Node is one running tincan: a journal, listeners, dialled addresses and the links between them. Its
// methods may be called concurrently.
//
// Rules that the code of this package keeps:
//
//  1. Nothing is shown before it is committed and synced; nothing goes on the wire before it is durable here.
//  2. One goroutine reads a link (receive) and one writes it (pump); the reader never writes.
//  3. A link is never repaired: it dies whole, and another takes its place.
//  4. What moves is a cursor over a room's log. There is no queue of messages beside the journal.
//  5. A message whose fate is not known is called uncertain, and is never sent again without being asked for.
type Node struct {
	dir     string
	limits  Limits
	started time.Time
	journal *journal.Journal
	log     *slog.Logger

	ctx    context.Context // ends with the node
	cancel context.CancelFunc
	wg     sync.WaitGroup // every goroutine that the node started

	mu        sync.Mutex
	closed    bool
	over      chan struct{}    // closed when Close has done everything
	end       error            // what it returned
	rooms     map[string]*room // rooms with a link or a dialler, by name
	links     map[int64]*member
	sessions  map[int64]*session // native links, by number
	pairs     map[pair]*session  // the newest of each peer and way
	guests    map[string]*guest  // what this node is towards hosts, by key
	outboxes  map[int64]*guest   // the same by the outbox's number
	listeners map[string]*listener
	nextID    int
	followers map[*follower]struct{}

	admission admission
	recorders chan struct{} // one for each accepted connection that is being recorded
	greeting  greeters
	network   network
	offer     offer

	connections atomic.Int64 // native ones, for their order
	pingAfter   time.Duration
	deadAfter   time.Duration

	key  *identity.Key
	id   string // the key's
	name string // what this node calls itself
}

// Open opens the journal in a folder, which it makes if need be, and returns a node that does nothing yet.
// One node at a time may hold a folder: an [*Error] with CodeInUse says who does.
func Open(dir string) (*Node, error) {
	j, err := journal.Open(dir)
	if err != nil {
		return nil, journalError(err)
	}
	key, err := identity.Load(dir)
	if err != nil {
		j.Close()
		return nil, keyFileError(err)
	}
	n := &Node{dir: dir, limits: DefaultLimits, network: network{ask: addresses}, started: time.Now(), journal: j, log: slog.New(slog.DiscardHandler),
		rooms: map[string]*room{}, links: map[int64]*member{}, sessions: map[int64]*session{}, pairs: map[pair]*session{},
		guests: map[string]*guest{}, outboxes: map[int64]*guest{}, pingAfter: pingAfter, deadAfter: deadAfter, key: key, id: string(key.ID()), name: ownName(), listeners: map[string]*listener{},
		followers: map[*follower]struct{}{}, over: make(chan struct{}), admission: admission{hosts: map[string]int{}, refused: map[string]time.Time{}}}
	if files := openFiles(); files > 0 {
		n.admission.files = max(files-spareFiles, files/2)
	}
	j.SetRecord(n.record)
	n.recorders = make(chan struct{}, recordersAtOnce)
	n.ctx, n.cancel = context.WithCancel(context.Background())
	if err := n.settleOrphans(); err != nil {
		n.Close()
		return nil, err
	}
	n.wg.Add(1)
	go n.tidy()
	return n, nil
}

// SetLog sends one line per link's end, and what goes wrong, to l. Call it before anything else.
func (n *Node) SetLog(l *slog.Logger) { n.log = l }

// settleOrphans marks what links that the last process left without an end had in flight.
func (n *Node) settleOrphans() error {
	for _, l := range n.journal.Orphans() {
		if isNative(l.Peer) { // what it had not stored is sent again
			continue
		}
		if err := n.settleLost(n.ctx, nil, l.Room, l.Peer, true); err != nil {
			return journalError(err)
		}
	}
	n.journal.EndOrphans()
	return nil
}

// Close stops listening and dialling, gives what is owed a moment to go out, closes every link and the
// journal, and returns when all of its goroutines have ended, however often it is called.
func (n *Node) Close() error {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		<-n.over
		return n.end
	}
	n.closed = true
	var ls []*listener
	for _, l := range n.listeners {
		ls = append(ls, l)
	}
	var rs []*room
	for _, r := range n.rooms {
		rs = append(rs, r)
	}
	n.mu.Unlock()
	for _, l := range ls {
		l.stop()
	}
	var wg sync.WaitGroup
	for _, r := range rs {
		wg.Go(func() { r.hangUp(errStopped) })
	}
	wg.Wait()
	n.lameDuck()
	n.cancel()
	n.mu.Lock()
	for _, m := range n.links { // one that came up just now
		wg.Go(func() { m.link.Close(errStopped) })
	}
	n.mu.Unlock()
	wg.Wait()
	n.wg.Wait()
	n.end = n.journal.Close()
	close(n.over)
	return n.end
}

// lameDuck closes every native link with the word that this node is coming back, at times that are spread, so that not
// all come at once.
func (n *Node) lameDuck() {
	n.mu.Lock()
	var ss []*session
	for _, s := range n.sessions {
		ss = append(ss, s)
	}
	n.mu.Unlock()
	var wg sync.WaitGroup
	for _, s := range ss {
		retry := uint32(0)
		if !s.dialled {
			retry = uint32(500 + rand.N(min(100*len(ss), 10_000)))
		}
		wg.Go(func() { s.part(wire.CloseBody{Code: wire.CodeShutdown, Retry: retry}) })
	}
	wg.Wait()
}

// keyFileError says what is wrong with the node's own key, and how to repair it.
func keyFileError(err error) error {
	var exposed *identity.ExposedError
	var bad *identity.BadKeyError
	switch {
	case errors.As(err, &exposed):
		return fail(CodeRefused, err, say("others can read this node's key %s", exposed.Path), say("chmod 600 %s", exposed.Path))
	case errors.As(err, &bad):
		return fail(CodeInternal, err, say("%v", bad), say("put the key back from a copy, or move the file away: this node then gets a new key, and whoever trusts it must trust it anew"))
	}
	return journalError(err)
}

// ID is this node's peer id: the name of its key.
func (n *Node) ID() string { return n.id }

// Dir is the folder of the node's journal.
func (n *Node) Dir() string { return n.dir }

var _ Talker = (*Node)(nil)

// note journals an event and shows it to everybody who follows. It waits for nothing.
func (n *Node) note(e Event, r *room) {
	if e.Time.IsZero() {
		e.Time = time.Now().UTC()
	}
	data, err := json.Marshal(e)
	if err != nil {
		panic("tincan: internal error: " + err.Error())
	}
	note := journal.Note{Time: e.Time, Kind: string(e.Kind), Link: e.Link, Data: data}
	if r != nil {
		note.Room, note.At = r.id, r.last()
	}
	n.journal.Note(note)
}

// trouble tells everybody that something went wrong that no one call can return.
func (n *Node) trouble(err error, r *room) {
	text, hint, _ := Explain(journalError(err))
	e := Event{Kind: EventError, Error: text, Hint: hint}
	if r != nil {
		e.Room = r.name
	}
	n.log.Error(text, "hint", hint)
	n.note(e, r)
}

// journalError puts a journal's error into the words of this package.
func journalError(err error) error {
	var e *Error
	var busy *journal.BusyError
	var full *journal.FullError
	var newer *journal.NewerError
	var damaged *journal.DamagedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &busy):
		return fail(CodeInUse, err, say("the folder %s is in use by another tincan (pid %d)", busy.Dir, busy.PID),
			say("use that one, end it, or choose another folder with --data"))
	case errors.As(err, &full):
		return fail(CodeFull, err, say("nothing more can be stored: %v", full),
			say("free some space; what is stored is safe and tincan goes on by itself"))
	case errors.As(err, &newer):
		return fail(CodeRefused, err, say("%v", newer), say("use the newer tincan, or another folder with --data"))
	case errors.As(err, &damaged):
		return fail(CodeInternal, err, say("%v", damaged),
			say("`tincan log --salvage` prints what can still be read; then move journal.db and journal.db-wal aside to start a new one"))
	case errors.Is(err, journal.ErrFailed):
		return fail(CodeInternal, err, say("%v", err), say("look after the disk, then end tincan and start it again; what was stored before is safe"))
	case errors.Is(err, journal.ErrClosed):
		return ErrClosed
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOTDIR):
		return fail(CodeRefused, err, say("%v", err), say("choose a folder that you may write with --data"))
	}
	return fail(CodeInternal, err, say("%v", err), phrase{})
}
