package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
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
	// do runs inside the transaction, on the writer's goroutine. It may run twice, if the first commit fails.
	do func(t *tx) error
	// published runs after the commit, under Journal.mu; nil if there is nothing to publish.
	published func(t *tx)
	size      int
	entries   int
	done      chan error // nil: nobody waits
	state     *opState
}

type opState struct{ taken, withdrawn bool } // under writer.mu

// writer is the queue of the one goroutine that writes.
type writer struct {
	mu      sync.Mutex
	queue   []*op
	bytes   int
	room    *sync.Cond // bytes fell
	wake    chan struct{}
	stopped bool
	done    chan struct{}

	// the writer's goroutine
	stmts statements
	args  []any

	looked time.Time // at the disk
	short  int64     // the free space, when it is too little
}

func (w *writer) init() {
	w.room = sync.NewCond(&w.mu)
	w.wake = make(chan struct{}, 1)
	w.done = make(chan struct{})
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
func (w *writer) add(o *op) error {
	w.mu.Lock()
	for o.done != nil && w.bytes > 0 && w.bytes+o.size > queueBytes && !w.stopped {
		w.room.Wait()
	}
	if w.stopped {
		w.mu.Unlock()
		return ErrClosed
	}
	w.queue = append(w.queue, o)
	w.bytes += o.size
	w.mu.Unlock()
	w.nudge()
	return nil
}

// take returns what goes into the next commit.
func (w *writer) take() (ops []*op, stopped bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	entries, size, i := 0, 0, 0
	for ; i < len(w.queue) && (i == 0 || entries < commitEntries && size < commitBytes); i++ {
		o := w.queue[i]
		w.bytes -= o.size
		if o.state != nil {
			if o.state.withdrawn {
				continue
			}
			o.state.taken = true
		}
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
	o.state = &opState{}
	if err := j.writer.add(o); err != nil {
		return err
	}
	select {
	case err := <-o.done:
		return err
	case <-ctx.Done():
	}
	j.writer.mu.Lock()
	taken := o.state.taken
	o.state.withdrawn = !taken
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

// tx is one transaction of the writer and what it will change in memory once it is committed.
type tx struct {
	j    *Journal
	ctx  context.Context
	tx   *sql.Tx
	last map[int64]int64 // rooms' last offsets in this transaction
	now  time.Time
	news []news

	newNames []string
	saved    []Cursor
}

// news is what followers are told of a commit: entries of a room.
type news struct {
	room    int64
	entries []Entry
}

// write is the writer's goroutine.
func (j *Journal) write() {
	defer close(j.writer.done)
	timer := time.NewTimer(saveAfter)
	defer timer.Stop()
	for {
		select {
		case <-j.writer.wake:
		case <-timer.C:
		}
		for {
			ops, stopped := j.writer.take()
			if len(ops) > 0 {
				j.commit(ops)
				continue
			}
			j.saveCursors()
			if stopped {
				return
			}
			break
		}
		timer.Reset(saveAfter)
	}
}

// saveCursors commits cursors that no other commit has taken along.
func (j *Journal) saveCursors() {
	j.mu.Lock()
	n := len(j.dirty)
	j.mu.Unlock()
	if n > 0 {
		j.commit(nil)
	}
}

// commit runs a batch in one transaction. If that fails because of one op, the others are tried alone.
func (j *Journal) commit(ops []*op) {
	err := j.try(ops)
	if err == nil || len(ops) == 1 || j.failed() != nil || isFull(err) {
		j.report(ops, err)
		return
	}
	for i := range ops {
		j.report(ops[i:i+1], j.try(ops[i:i+1]))
	}
}

func isFull(err error) bool {
	var full *FullError
	return errors.As(err, &full)
}

func (j *Journal) report(ops []*op, err error) {
	for _, o := range ops {
		if err != nil && o.done == nil && o.published != nil { // notes are shown even if they could not be kept
			j.mu.Lock()
			o.published(&tx{j: j, now: time.Now()})
			j.mu.Unlock()
		}
		if o.done != nil {
			o.done <- err
		}
	}
}

// try runs ops in one transaction.
func (j *Journal) try(ops []*op) error {
	if err := j.failed(); err != nil {
		return err
	}
	if free := j.shortOfSpace(); free >= 0 && len(ops) > 0 {
		err := &FullError{Dir: j.dir, Free: free}
		j.setTrouble(err)
		return err
	}
	t := &tx{j: j, ctx: context.Background(), last: map[int64]int64{}, now: time.Now()}
	err := t.run(ops)
	if err == nil {
		j.publish(t, ops)
		j.setTrouble(nil)
		return nil
	}
	t.undo()
	err = explain(j.dir, err)
	switch {
	case isFull(err):
		j.setTrouble(err)
	case isIO(err):
		err = fmt.Errorf("%w: %w", ErrFailed, err)
		j.setTrouble(err)
	}
	return err
}

func (t *tx) run(ops []*op) (err error) {
	t.tx, err = t.j.w.BeginTx(t.ctx, nil)
	if err != nil {
		return err
	}
	defer t.tx.Rollback()
	for _, o := range ops {
		if err := o.do(t); err != nil {
			return err
		}
	}
	if err := t.finish(); err != nil {
		return err
	}
	// A crash before this line loses the whole batch, and nobody was told of it; after it, all of it is there.
	return t.tx.Commit()
}

// publish makes a committed transaction visible.
func (j *Journal) publish(t *tx, ops []*op) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for id, last := range t.last {
		s := j.rooms[id]
		s.room.Last, s.room.Updated = last, t.now
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
		if s.changed != nil {
			close(s.changed)
			s.changed = nil
		}
	}
	for f := range j.followers {
		f.nudge()
	}
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
	s, err := j.state(context.Background(), room)
	if err != nil {
		c := make(chan struct{})
		close(c)
		return c
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed
}
