package tincan

import (
	"context"
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"sync"

	"tincan/internal/journal"
)

// noteFates is the kind of the notes that carry a change of receipts; followers expand them.
const noteFates = "fate"

func (n *Node) noteFate(f journal.Fate, r *room) {
	data, err := json.Marshal(ReceiptRange{First: f.First, Last: f.Last, Peer: f.Peer, State: Receipt(f.State)})
	if err != nil {
		panic("tincan: internal error: " + err.Error())
	}
	note := journal.Note{Kind: noteFates, Room: f.Room, At: f.Last, Data: data}
	if r != nil {
		note.At = max(note.At, r.last())
	}
	n.journal.Note(note)
}

// follower turns the journal's notes, the rooms' new entries and the members' cursors into events, in an
// order that never shows an effect before its cause. It remembers positions only, so a slow reader costs
// nothing and misses nothing.
type follower struct {
	n    *Node
	jf   *journal.Follower
	wake chan struct{}

	mu    sync.Mutex
	moved map[*seat]journal.Cursor // members whose cursor moved since it was told, and where it is

	// owned by the goroutine that iterates
	shown  map[int64]int64 // room → newest offset shown, for rooms that had links since we follow
	told   map[*seat]journal.Cursor
	names  map[int64]string
	copies map[int64]bool // rooms of which this node has a copy
}

// Events follows everything that happens from the moment of the call. Range over the result once; it ends
// when ctx does, or with an error when the node does.
func (n *Node) Events(ctx context.Context) iter.Seq2[Event, error] {
	f := n.follow()
	stop := context.AfterFunc(ctx, f.close)
	return func(yield func(Event, error) bool) {
		defer stop()
		defer f.close()
		f.run(ctx, yield)
	}
}

// Messages returns a room's messages after an offset, and then each new one as it is stored. The room must
// exist. A program that acts on messages keeps the offset with what it did: then nothing is done twice.
func (n *Node) Messages(ctx context.Context, name string, after int64) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		rec, err := n.findRoom(ctx, name)
		if err != nil {
			yield(Message{}, err)
			return
		}
		for es, err := range n.reads(ctx, rec.ID, after) {
			if err != nil {
				yield(Message{}, err)
				return
			}
			for _, e := range es {
				if !yield(message(name, e), nil) {
					return
				}
			}
		}
	}
}

// reads returns what a room has after an offset, piece by piece, and then what comes. It ends with an error.
func (n *Node) reads(ctx context.Context, room, after int64) iter.Seq2[[]journal.Entry, error] {
	return func(yield func([]journal.Entry, error) bool) {
		for {
			changed := n.journal.Changed(room)
			es, err := n.journal.Read(ctx, room, after, pumpEntries, pumpBytes)
			if err != nil {
				yield(nil, journalError(err))
				return
			}
			if len(es) > 0 {
				if !yield(es, nil) {
					return
				}
				after = es[len(es)-1].Offset
				continue
			}
			select {
			case <-changed:
			case <-ctx.Done():
				yield(nil, ctx.Err())
				return
			case <-n.ctx.Done():
				yield(nil, ErrClosed)
				return
			}
		}
	}
}

// Past returns the newest events that the journal keeps, oldest first: all but messages and receipts, of one room, or
// of all when room is "". The newest 100,000 are kept.
func (n *Node) Past(ctx context.Context, name string, limit int) ([]Event, error) {
	var id int64
	if name != "" {
		rec, err := n.findRoom(ctx, name)
		if err != nil {
			return nil, err
		}
		id = rec.ID
	}
	notes, err := n.journal.Notes(ctx, id, noteFates, limit)
	if err != nil {
		return nil, journalError(err)
	}
	out := make([]Event, len(notes))
	for i, note := range notes {
		if err := json.Unmarshal(note.Data, &out[len(notes)-1-i]); err != nil {
			return nil, journalError(err)
		}
	}
	return out, nil
}

func (n *Node) follow() *follower {
	f := &follower{n: n, wake: make(chan struct{}, 1), moved: map[*seat]journal.Cursor{}, shown: map[int64]int64{},
		told: map[*seat]journal.Cursor{}, names: map[int64]string{}, copies: map[int64]bool{}}
	n.mu.Lock()
	defer n.mu.Unlock()
	f.jf = n.journal.Follow()
	for _, r := range n.rooms {
		f.names[r.id] = r.name
		f.shown[r.id] = r.last()
		f.copies[r.id] = r.isCopy()
	}
	for _, m := range n.links {
		m.mu.Lock()
		f.told[m.seat] = m.cur
		m.mu.Unlock()
	}
	for _, s := range n.sessions {
		maps.Copy(f.told, s.side.seats())
	}
	for id, g := range n.outboxes {
		f.shown[id] = g.newest()
	}
	n.followers[f] = struct{}{}
	return f
}

func (f *follower) close() {
	f.n.mu.Lock()
	delete(f.n.followers, f)
	f.n.mu.Unlock()
	f.jf.Close()
}

// moved tells the followers that a member's cursor moved, or where a new one's starts.
func (n *Node) moved(m *seat, cur journal.Cursor) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for f := range n.followers {
		f.mu.Lock()
		f.moved[m] = cur
		f.mu.Unlock()
		select {
		case f.wake <- struct{}{}:
		default:
		}
	}
}

// run yields events until ctx ends, the node ends or the caller has enough.
func (f *follower) run(ctx context.Context, yield func(Event, error) bool) {
	batches := make(chan journal.Batch)
	failed := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		for {
			b, err := f.jf.Next(ctx)
			if err != nil {
				failed <- err
				return
			}
			select {
			case batches <- b:
			case <-ctx.Done():
				failed <- ctx.Err()
				return
			}
		}
	}()
	for {
		var err error
		more := true
		select {
		case b := <-batches:
			more, err = f.batch(ctx, b, yield)
		case <-f.wake:
			more, err = f.cursors(ctx, yield, nil)
		case err = <-failed:
		}
		if err != nil {
			if f.n.ctx.Err() != nil {
				err = ErrClosed
			}
			yield(Event{}, journalError(err))
			return
		}
		if !more {
			return
		}
	}
}

// batch yields what one commit brought: each note after the messages that were there before it.
func (f *follower) batch(ctx context.Context, b journal.Batch, yield func(Event, error) bool) (more bool, err error) {
	marks := make(map[int64]*journal.Mark, len(b.Rooms))
	for i := range b.Rooms {
		marks[b.Rooms[i].Room] = &b.Rooms[i]
	}
	for _, note := range b.Notes {
		if mark := marks[note.Room]; mark != nil {
			if more, err := f.messages(ctx, mark, min(note.At, mark.Last), yield); !more || err != nil {
				return more, err
			}
		}
		if more, err := f.note(ctx, note, yield); !more || err != nil {
			return more, err
		}
	}
	for i := range b.Rooms {
		if more, err := f.messages(ctx, &b.Rooms[i], b.Rooms[i].Last, yield); !more || err != nil {
			return more, err
		}
	}
	return f.cursors(ctx, yield, nil)
}

// messages yields a room's new messages up to an offset, with the queued receipt of own ones.
func (f *follower) messages(ctx context.Context, mark *journal.Mark, upto int64, yield func(Event, error) bool) (more bool, err error) {
	if mark.After >= upto {
		return true, nil
	}
	name, err := f.name(ctx, mark.Room)
	if err != nil {
		return false, err
	}
	box := f.n.outbox(mark.Room)
	for mark.After < upto {
		es, err := f.n.journal.Read(ctx, mark.Room, mark.After, pumpEntries, pumpBytes)
		if err != nil || len(es) == 0 {
			return true, err
		}
		for _, e := range es {
			if e.Offset > upto {
				break
			}
			mark.After = e.Offset
			f.shown[mark.Room] = e.Offset
			m := message(name, e)
			if box != nil { // its host will number it
				if name := box.name(readMeta(e.Meta).room); name != "" && !yield(Event{Kind: EventReceipt, Time: m.Time, Room: name, ID: wireID(m.ID), State: Queued}, nil) {
					return false, nil
				}
				continue
			}
			if !yield(Event{Kind: EventMessage, Time: m.Time, Room: name, Link: m.Link, Offset: m.Offset, ID: m.ID, Message: &m}, nil) {
				return false, nil
			}
			if e.From == "" && !f.copies[mark.Room] && !yield(Event{Kind: EventReceipt, Time: m.Time, Room: name, ID: m.ID, Offset: m.Offset, State: Queued}, nil) {
				return false, nil
			}
		}
	}
	return true, nil
}

// note yields the event of a note.
func (f *follower) note(ctx context.Context, note journal.Note, yield func(Event, error) bool) (more bool, err error) {
	if note.Kind == noteFates {
		var r ReceiptRange
		if err := json.Unmarshal(note.Data, &r); err != nil {
			return false, err
		}
		if more, err := f.cursors(ctx, yield, &note.Room); !more || err != nil {
			return more, err
		}
		return f.receipts(ctx, note.Room, r.Peer, r.First-1, r.Last, r.State, yield)
	}
	var e Event
	if err := json.Unmarshal(note.Data, &e); err != nil {
		return false, err
	}
	if e.Kind == EventDisconnected && e.Link != 0 {
		only := &note.Room
		if isNative(e.Peer) { // its outbox too
			only = nil
		}
		if more, err := f.cursors(ctx, yield, only); !more || err != nil {
			return more, err
		}
		f.forget(e.Link, note.Room)
	}
	if _, known := f.shown[note.Room]; !known && e.Kind == EventConnected { // a link again, and nothing new was said
		f.shown[note.Room] = note.At
	}
	return yield(e, nil), nil
}

// forget drops what is kept for a link that ended, and for its room when that was the last one.
func (f *follower) forget(link, room int64) {
	others := false
	for m := range f.told {
		switch {
		case m.id == link:
			delete(f.told, m)
		case m.room == room:
			others = true
		}
	}
	if !others {
		delete(f.shown, room)
		delete(f.names, room)
		delete(f.copies, room)
	}
}

// cursors yields the receipts of own messages that cursors moved over, of one room or of all.
func (f *follower) cursors(ctx context.Context, yield func(Event, error) bool, only *int64) (more bool, err error) {
	f.mu.Lock()
	moved := make(map[*seat]journal.Cursor, len(f.moved))
	for m, c := range f.moved {
		if only == nil || m.room == *only {
			moved[m] = c
			delete(f.moved, m)
		}
	}
	f.mu.Unlock()
	for m, c := range moved {
		t, known := f.told[m]
		if !known {
			t = m.from
		}
		shown, known := f.shown[m.room]
		if !known && f.n.outbox(m.room) != nil { // what it owed before it was opened
			shown = f.n.outbox(m.room).newest()
			f.shown[m.room] = shown
		}
		gaps, err := f.n.gaps(ctx, m)
		if err != nil {
			return false, err
		}
		if c.Written > shown { // the journal's news is still on its way to us: the rest follows it
			f.mu.Lock()
			if _, newer := f.moved[m]; !newer {
				f.moved[m] = c
			}
			f.mu.Unlock()
		}
		if to := min(c.Written, shown); to > t.Written {
			if more, err := f.receipts(ctx, m.room, m.peer, t.Written, to, Written, yield, gaps...); !more || err != nil {
				return more, err
			}
			t.Written = to
		}
		if to := min(c.Stored, shown); to > t.Stored {
			if more, err := f.receipts(ctx, m.room, m.peer, t.Stored, to, Stored, yield); !more || err != nil {
				return more, err
			}
			t.Stored, t.Reached = to, max(t.Reached, to)
		}
		if to := min(c.Reached, shown); to > t.Reached && !isNative(m.peer) {
			if more, err := f.receipts(ctx, m.room, m.peer, t.Reached, to, Reached, yield, gaps...); !more || err != nil {
				return more, err
			}
			t.Reached = to
		}
		f.told[m] = t
	}
	return true, nil
}

// receipts yields a receipt for each own message in (after, upto] that is in none of the stretches of but.
func (f *follower) receipts(ctx context.Context, room int64, peer string, after, upto int64, state Receipt, yield func(Event, error) bool, but ...journal.Fate) (more bool, err error) {
	name, err := f.name(ctx, room)
	if err != nil {
		return false, err
	}
	box := f.n.outbox(room)
	for after < upto {
		es, err := f.n.journal.Read(ctx, room, after, pumpEntries, pumpBytes)
		if err != nil || len(es) == 0 {
			return true, err
		}
		for _, e := range es {
			if e.Offset > upto {
				break
			}
			if e.From != "" || slices.ContainsFunc(but, func(f journal.Fate) bool { return f.First <= e.Offset && e.Offset <= f.Last }) {
				continue
			}
			r := Event{Kind: EventReceipt, Room: name, ID: e.ID, Offset: e.Offset, State: state, Peer: peer}
			if box != nil {
				r.Room, r.ID, r.Offset = box.name(readMeta(e.Meta).room), wireID(e.ID), 0
			}
			if !yield(r, nil) {
				return false, nil
			}
		}
		after = es[len(es)-1].Offset
	}
	return true, nil
}

func (f *follower) name(ctx context.Context, id int64) (string, error) {
	if s, ok := f.names[id]; ok {
		return s, nil
	}
	rec, err := f.n.journal.RoomByID(ctx, id)
	if err != nil {
		return "", err
	}
	f.names[id], f.copies[id] = rec.Name, rec.Host != ""
	return rec.Name, nil
}
