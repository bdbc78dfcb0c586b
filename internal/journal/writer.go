package journal

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	commitEntries = 4096     // entries in one commit, about
	commitBytes   = 4 << 20  // bytes in one commit, about
	queueBytes    = 16 << 20 // bytes that may wait; callers wait beyond that
	saveAfter     = 250 * time.Millisecond
)

// op is one thing that the writer does in a commit.
type op struct {
	// do runs inside the transaction, on the writer's goroutine. It may run again, if the first commit fails.
	do func(t *tx) error
	// published runs after the commit, under Journal.mu; nil if there is nothing to publish.
	published func(t *tx)
	// failed runs when the op could not be committed, under Journal.mu. Only an op that nobody waits for has it.
	failed    func()
	size      int
	entries   int
	done      chan error // nil: nobody waits
	taken     bool       // into a commit; under writer.mu
	withdrawn bool       // by its caller; under writer.mu
}

// writer is the queue of the one goroutine that writes.
type writer struct {
	mu      sync.Mutex
	queue   []*op
	bytes   int
	room    *sync.Cond // bytes fell
	wake    chan struct{}
	stopped bool
	done    chan struct{}
	commits atomic.Int64 // that were made

	// the writer's goroutine
	stmts    statements
	args     []driver.NamedValue // of the rows that wait to be inserted
	argsRoom int64               // the last one's room
	time     boxed
	link     boxed
	record   []byte         // of the entry that a chain is taken over
	owed     map[int64]Link // records that could not be stored yet
	wal      walWatch
	disk     disk
}

func (w *writer) init() {
	w.room = sync.NewCond(&w.mu)
	w.wake = make(chan struct{}, 1)
	w.done = make(chan struct{})
	w.owed = map[int64]Link{}
	w.wal.limit = walLimit
}

func (w *writer) stop() {
	w.mu.Lock()
	w.stopped = true
	w.room.Broadcast()
	w.mu.Unlock()
	w.nudge()
}

func (w *writer) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// add queues an op. It waits while too many bytes are waiting, if the op has a caller that can.
func (w *writer) add(ctx context.Context, o *op) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o.done != nil && w.full(o) {
		defer context.AfterFunc(ctx, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.room.Broadcast()
		})()
	}
	for o.done != nil && w.full(o) {
		if err := ctx.Err(); err != nil {
			return err
		}
		w.room.Wait()
	}
	if w.stopped {
		return ErrClosed
	}
	w.queue = append(w.queue, o)
	w.bytes += o.size
	w.nudge()
	return nil
}

func (w *writer) full(o *op) bool { return w.bytes > 0 && w.bytes+o.size > queueBytes && !w.stopped }

// take returns what goes into the next commit.
func (w *writer) take() (ops []*op, stopped bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	entries, size, i := 0, 0, 0
	for ; i < len(w.queue) && (len(ops) == 0 || entries < commitEntries && size < commitBytes); i++ {
		o := w.queue[i]
		w.queue[i] = nil
		w.bytes -= o.size
		if o.withdrawn {
			continue
		}
		o.taken = true
		entries += o.entries
		size += o.size
		ops = append(ops, o)
	}
	w.queue = w.queue[i:]
	if len(w.queue) == 0 {
		w.queue = nil
	}
	w.room.Broadcast()
	return ops, w.stopped
}

// wait queues an op and waits for its commit. A caller whose context ends before the commit starts takes its op
// back; after that it waits for the truth.
func (j *Journal) wait(ctx context.Context, o *op) error {
	if err := j.failed(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	o.done = make(chan error, 1)
	if err := j.writer.add(ctx, o); err != nil {
		return err
	}
	select {
	case err := <-o.done:
		return err
	case <-ctx.Done():
	}
	j.writer.mu.Lock()
	taken := o.taken
	o.withdrawn = !taken
	j.writer.mu.Unlock()
	if !taken {
		return ctx.Err()
	}
	return <-o.done
}

func (j *Journal) failed() error {
	if err := j.Trouble(); errors.Is(err, ErrFailed) {
		return err
	}
	return nil
}

// write is the writer's goroutine. It sleeps until there is something to do; only while something waits to be
// saved with the next commit, or the disk is full, does it look again after a while.
func (j *Journal) write() {
	defer close(j.writer.done)
	timer := time.NewTimer(saveAfter)
	defer timer.Stop()
	armed := true
	for {
		select {
		case <-j.writer.wake:
		case <-timer.C:
			armed = false
			j.tick()
		}
		for {
			ops, stopped := j.writer.take()
			if len(ops) > 0 {
				j.commit(ops)
				continue
			}
			if stopped {
				j.tick()
				return
			}
			break
		}
		if !armed && j.unsaved() {
			timer.Reset(saveAfter)
			armed = true
		}
	}
}

// unsaved says that there is something to look after without being asked.
func (j *Journal) unsaved() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.dirty)+len(j.handled)+len(j.writer.owed) > 0 || j.trouble != nil && !errors.Is(j.trouble, ErrFailed)
}

// tick commits what no other commit has taken along, and sees whether a trouble has passed.
func (j *Journal) tick() {
	if !j.unsaved() || j.failed() != nil {
		return
	}
	j.mu.Lock()
	save := len(j.dirty)+len(j.handled)+len(j.writer.owed) > 0
	j.mu.Unlock()
	if short := j.spaceLeft(1) <= 0; save {
		err := j.try(nil)
		if short && err == nil { // the reserve is for this, not for messages
			j.setTrouble(j.full())
		}
	} else if !short {
		j.setTrouble(nil)
	}
}

func (j *Journal) full() error { return &FullError{Dir: j.dir, Free: j.writer.disk.free} }

// commit runs a batch in one transaction. If that fails because of one op, each is tried alone.
func (j *Journal) commit(ops []*op) {
	ops, refused := j.refuse(ops)
	if refused != nil {
		defer j.setTrouble(refused)
	}
	if len(ops) == 0 {
		return
	}
	err := j.try(ops)
	if err != nil && len(ops) > 1 && ofOne(err) {
		for _, o := range ops {
			j.report(o, j.try([]*op{o}))
		}
		return
	}
	for _, o := range ops {
		j.report(o, err)
	}
}

// refuse takes out of a batch, and reports, what the disk has no space for. Records that nobody waits for stay:
// they are small and may use the reserve, as what ended and why must not get lost.
func (j *Journal) refuse(ops []*op) (rest []*op, err error) {
	need := int64(0)
	for _, o := range ops {
		need += o.cost()
	}
	left := j.spaceLeft(need)
	rest = ops[:0]
	for _, o := range ops {
		if o.done != nil && left < o.cost() {
			err = j.full()
			j.report(o, err)
			continue
		}
		left -= o.cost()
		rest = append(rest, o)
	}
	return rest, err
}

// ofOne says that an error may come from one op of a batch, so that the others are worth trying.
func ofOne(err error) bool {
	var full *FullError
	return !errors.As(err, &full) && !errors.Is(err, ErrFailed) && !isBusy(err)
}

func (j *Journal) report(o *op, err error) {
	if err != nil && o.failed != nil {
		j.mu.Lock()
		o.failed()
		j.mu.Unlock()
	}
	if o.done != nil {
		o.done <- err
	}
}

// try runs ops in one transaction.
func (j *Journal) try(ops []*op) error {
	if err := j.failed(); err != nil {
		return err
	}
	t := &tx{j: j, ctx: context.Background(), conn: j.w, rooms: map[int64]txRoom{}, now: time.Now()}
	err := t.run(ops)
	if err == nil {
		j.writer.commits.Add(1)
		j.publish(t, ops)
		j.setTrouble(nil)
		j.watchWAL()
		return nil
	}
	for _, name := range t.newNames {
		delete(j.writer.stmts.names, name)
	}
	err = j.explain(err)
	var full *FullError
	var damaged *DamagedError
	switch {
	case isIO(err):
		err = fmt.Errorf("%w: %w", ErrFailed, err)
		j.setTrouble(err)
	case errors.As(err, &full):
		j.reclaim() // what the transaction has left in the log
		j.setTrouble(err)
	case errors.As(err, &damaged), isBusy(err):
		j.setTrouble(err)
	}
	return err
}

// tx is one transaction of the writer and what it will change in memory once it is committed.
type tx struct {
	j     *Journal
	ctx   context.Context
	conn  *sql.Conn
	rooms map[int64]txRoom // that were appended to
	now   time.Time
	news  []news

	memory []byte // of what the news say

	newNames []string
	cursors  []Cursor
	handled  map[int64]int64
	links    []Link
}

// txRoom is a room in a transaction: its last offset, and the chain, there.
type txRoom struct {
	state  *roomState
	last   int64
	native bool
	tip    [32]byte // the chain at last
	room   Room     // as it was when the transaction came to it
}

// news is what followers are told of a commit: entries of a room.
type news struct {
	room    int64
	entries []Entry
}

func (t *tx) run(ops []*op) (err error) {
	t.j.writer.emptyArgs()
	if _, err := t.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			t.exec("ROLLBACK") // SQLite may have done it already
		}
	}()
	if err := t.payLinks(); err != nil {
		return err
	}
	for _, o := range ops {
		if o.do == nil {
			continue
		}
		if err := o.do(t); err != nil {
			return err
		}
	}
	if err := t.finish(); err != nil {
		return err
	}
	// A crash before this line loses the whole batch, and nobody was told of it; after it, all of it is there.
	_, err = t.exec("COMMIT")
	return err
}

func (t *tx) exec(query string, args ...any) (sql.Result, error) {
	return t.conn.ExecContext(t.ctx, query, args...)
}

// publish makes a committed transaction visible.
func (j *Journal) publish(t *tx, ops []*op) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for id, r := range t.rooms {
		s := j.rooms[id]
		if s == nil {
			s = r.state
			j.rooms[id], j.byName[s.room.Name] = s, s
		}
		s.room.Last, s.room.Updated, s.tip = r.last, t.now.Truncate(time.Microsecond), r.tip
	}
	for _, c := range t.cursors {
		if k := (cursorKey{c.Room, c.Peer}); j.cursors[k] == c {
			delete(j.dirty, k)
		}
	}
	for room, n := range t.handled {
		if j.handled[room] == n {
			delete(j.handled, room)
		}
	}
	for _, l := range t.links {
		delete(j.writer.owed, l.ID)
	}
	for _, o := range ops {
		if o.published != nil {
			o.published(t)
		}
	}
	for _, n := range t.news {
		j.tail.add(n.room, n.entries)
		s := j.rooms[n.room]
		first, last := n.entries[0].Offset, n.entries[len(n.entries)-1].Offset
		for f := range j.followers {
			f.room(n.room, first-1, last)
		}
		if s != nil && s.changed != nil { // nil: it was set aside in this commit
			close(s.changed)
			s.changed = nil
		}
	}
	for f := range j.followers {
		f.nudge()
	}
	j.forgetRooms()
}

func (j *Journal) setTrouble(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !errors.Is(j.trouble, ErrFailed) {
		j.trouble = err
	}
}

// Changed is closed at the next commit that appends to a room. Take it before looking, so that nothing is missed.
func (j *Journal) Changed(room int64) <-chan struct{} {
	for {
		s, err := j.state(j.ctx, room)
		if err != nil {
			c := make(chan struct{})
			close(c)
			return c
		}
		j.mu.Lock()
		if j.rooms[room] != s { // forgotten in this instant
			j.mu.Unlock()
			continue
		}
		if s.changed == nil {
			s.changed = make(chan struct{})
		}
		c := s.changed
		j.mu.Unlock()
		return c
	}
}
