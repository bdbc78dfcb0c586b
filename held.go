package tincan

import (
	"context"
	"errors"

	"tincan/codec"
	"tincan/internal/journal"
	"tincan/internal/link"
)

// cursor returns where a peer's cursor over a room is; at the start if it never had one.
func (n *Node) cursor(ctx context.Context, room int64, peer string) (journal.Cursor, error) {
	cs, err := n.journal.Cursors(ctx, room)
	for _, c := range cs {
		if c.Peer == peer {
			return c, err
		}
	}
	return journal.Cursor{Room: room, Peer: peer}, err
}

// own returns the stretch from the first to the last own message in (after, upto]; ok is false when there
// is none.
func (n *Node) own(ctx context.Context, room, after, upto int64) (first, last int64, ok bool, err error) {
	if after >= upto {
		return 0, 0, false, nil
	}
	own, err := n.journal.Own(ctx, room, after+1, upto)
	return own.First, own.Last, own.Count > 0, err
}

// settle records what became of a stretch of own messages towards a peer, and tells everybody.
func (m *member) settle(f journal.Fate) error { return m.n.settle(m.n.ctx, m.r, f) }

func (n *Node) settle(ctx context.Context, r *room, f journal.Fate) error {
	if err := n.journal.Settle(ctx, f); err != nil {
		return err
	}
	n.noteFate(f, r)
	if r != nil {
		r.mu.Lock()
		r.heldKnown = false
		r.mu.Unlock()
	}
	return nil
}

// settleLost makes messages uncertain that were written to a link that is gone and not acknowledged. After
// a crash (all) nobody knows which of the newer ones were written, so they are uncertain too. r is nil when the room
// is not in use.
func (n *Node) settleLost(ctx context.Context, r *room, room int64, peer string, all bool) error {
	cur, err := n.cursor(ctx, room, peer)
	if err != nil {
		return err
	}
	upto := cur.Written
	if all {
		rec, err := n.journal.RoomByID(ctx, room)
		if err != nil {
			return err
		}
		upto = rec.Last
	}
	first, last, ok, err := n.own(ctx, room, cur.Reached, upto)
	if err != nil {
		return err
	}
	if ok {
		if err := n.settle(ctx, r, journal.Fate{Room: room, Peer: peer, First: first, Last: last, State: string(Uncertain)}); err != nil {
			return err
		}
	}
	fs, err := n.journal.Fates(ctx, room)
	if err != nil {
		return err
	}
	for _, f := range fs { // released, written once more, and not acknowledged
		if f.Peer == peer && f.State == string(Written) {
			f.State = string(Uncertain)
			if err := n.settle(ctx, r, f); err != nil {
				return err
			}
		}
	}
	cur.Written, cur.Reached = upto, upto
	n.journal.SaveCursor(cur)
	return nil
}

// lost does for a link that ended what settleLost does for a crash.
func (m *member) lost() error {
	m.reach()
	ctx := context.WithoutCancel(m.n.ctx)
	m.mu.Lock()
	cur := m.cur
	marks := m.marks
	m.marks, m.again = nil, nil // what was released and never written keeps its fate
	m.mu.Unlock()
	first, last, ok, err := m.n.own(ctx, m.r.id, cur.Reached, cur.Written)
	if err != nil {
		return err
	}
	if ok {
		if err := m.n.settle(ctx, m.r, journal.Fate{Room: m.r.id, Peer: m.peer, First: first, Last: last, State: string(Uncertain)}); err != nil {
			return err
		}
	}
	for _, k := range marks {
		if k.again != nil {
			f := *k.again
			f.State = string(Uncertain)
			if err := m.n.settle(ctx, m.r, f); err != nil {
				return err
			}
		}
	}
	m.mu.Lock()
	m.cur.Reached = m.cur.Written
	cur = m.cur
	m.mu.Unlock()
	m.n.journal.SaveCursor(cur)
	return nil
}

// hold takes own messages past the cursor and up to an offset out of the cursor's way: they were queued
// while the peer was away, and wait until somebody decides.
func (m *member) hold(ctx context.Context, upto int64) error {
	upto = min(upto, m.r.last())
	if upto <= m.cur.Written {
		return nil
	}
	first, last, ok, err := m.n.own(ctx, m.r.id, m.cur.Written, upto)
	if err != nil {
		return err
	}
	if ok {
		if err := m.n.settle(ctx, m.r, journal.Fate{Room: m.r.id, Peer: m.peer, First: first, Last: last, State: string(Queued)}); err != nil {
			return err
		}
	}
	m.cur.Written, m.cur.Reached = upto, upto
	m.n.journal.SaveCursor(m.cur)
	return nil
}

// heldFates are the stretches of a room that wait for a decision.
func (r *room) heldFates(ctx context.Context) ([]journal.Fate, error) {
	fs, err := r.n.journal.Fates(ctx, r.id)
	if err != nil {
		return nil, err
	}
	var held []journal.Fate
	for _, f := range fs {
		if f.State == string(Queued) || f.State == string(Uncertain) {
			held = append(held, f)
		}
	}
	return held, nil
}

// heldNow counts the messages that wait for a decision, if their fates have changed since the last time.
func (r *room) heldNow(ctx context.Context) (HeldStatus, error) {
	r.counting.Lock()
	defer r.counting.Unlock()
	r.mu.Lock()
	h, known := r.held, r.heldKnown
	r.heldKnown = true // before looking: who changes a fate meanwhile takes it back
	r.mu.Unlock()
	if known {
		return h, nil
	}
	h = HeldStatus{}
	fs, err := r.heldFates(ctx)
	for i := 0; i < len(fs) && err == nil; i++ {
		var own journal.Own
		own, err = r.n.journal.Own(ctx, r.id, fs[i].First, fs[i].Last)
		if fs[i].State == string(Queued) {
			h.Queued += own.Count
		} else {
			h.Uncertain += own.Count
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.heldKnown = false
		return h, err
	}
	r.held = h
	return h, nil
}

// Held settles the messages of a room that wait for a decision. SendNow needs a live link.
func (n *Node) Held(ctx context.Context, name string, d Decision) error {
	r := n.live(name)
	if r == nil {
		return n.noRoom(ctx, name)
	}
	defer r.leave()
	fs, err := r.heldFates(ctx)
	if err != nil {
		return journalError(err)
	}
	switch d {
	case Discard:
		for _, f := range fs {
			f.State = string(Discarded)
			if err := n.settle(ctx, r, f); err != nil {
				return journalError(err)
			}
		}
	case SendNow:
		ms := r.talkers()
		if len(ms) == 0 {
			return fail(CodeUnreachable, nil, say("%s is not connected", name), say("connect first, then send what waits"))
		}
		for _, m := range ms {
			m.release(fs)
		}
	default:
		return usage(`say "send" or "discard"`, "no decision %q", d)
	}
	h, err := r.heldNow(ctx)
	if err != nil {
		return journalError(err)
	}
	n.note(Event{Kind: EventHeld, Room: r.name, Held: &h}, r)
	return nil
}

// release has the pump write held stretches before it goes on.
func (m *member) release(fs []journal.Fate) {
	m.mu.Lock()
	for _, f := range fs {
		if f.Peer == m.peer && !m.releasing(f) {
			m.again = append(m.again, f)
		}
	}
	m.mu.Unlock()
	m.wake()
}

// releasing says that a stretch is on its way already. The caller holds m.mu.
func (m *member) releasing(f journal.Fate) bool {
	for _, g := range m.again {
		if g.First <= f.First && f.Last <= g.Last {
			return true
		}
	}
	for _, k := range m.marks {
		if k.again != nil && k.again.First <= f.First && f.Last <= k.again.Last {
			return true
		}
	}
	return false
}

// waits is the first part of a released stretch that still waits as it did then; false if there is none. It has been
// sent since, or somebody discarded it.
func (m *member) waits(f journal.Fate) (part journal.Fate, ok bool, err error) {
	fs, err := m.n.journal.Fates(m.n.ctx, m.r.id)
	for _, now := range fs {
		if now.Peer == m.peer && now.State == f.State && f.First <= now.Last && now.First <= f.Last {
			f.First, f.Last = max(f.First, now.First), min(f.Last, now.Last)
			return f, true, err
		}
	}
	return f, false, err
}

// releaseOne sends one message that is held because it was never written: its sender has asked again. One
// that may have arrived stays where it is.
func (r *room) releaseOne(ctx context.Context, offset int64) error {
	fs, err := r.heldFates(ctx)
	if err != nil {
		return journalError(err)
	}
	for _, f := range fs {
		if f.State == string(Queued) && f.First <= offset && offset <= f.Last {
			f.First, f.Last = offset, offset
			for _, m := range r.talkers() {
				m.release([]journal.Fate{f})
			}
		}
	}
	return nil
}

// writeAgain writes one batch of a released stretch. did says that there was one.
func (m *member) writeAgain() (did bool, err error) {
	m.mu.Lock()
	if len(m.again) == 0 {
		m.mu.Unlock()
		return false, nil
	}
	f := m.again[0]
	m.mu.Unlock()
	part, ok, err := m.waits(f)
	if err != nil {
		return false, err
	}
	if !ok {
		m.wroteAgain(f, f.Last)
		return true, nil
	}
	es, err := m.n.journal.Read(m.n.ctx, m.r.id, part.First-1, pumpEntries, pumpBytes)
	if err != nil {
		return false, err
	}
	if n := len(es); n > 0 {
		part.Last = min(part.Last, es[n-1].Offset)
	}
	var frames []codec.Frame
	var offsets []int64
	for i := range es {
		if es[i].Offset <= part.Last && m.owes(&es[i]) {
			if _, err := m.codec().Append(nil, codec.Frame{Body: es[i].Body}); err != nil { // the codec was changed by hand
				part.Last = es[i].Offset
				if len(frames) > 0 {
					part.Last--
				} else if err := m.giveUp(es[i].Offset, &link.FrameError{Err: err}); err != nil {
					return false, err
				}
				break
			}
			frames = append(frames, codec.Frame{Body: es[i].Body})
			offsets = append(offsets, es[i].Offset)
		}
	}
	if len(frames) > 0 {
		if err := m.send(part, frames, offsets); err != nil {
			return false, err
		}
	}
	m.wroteAgain(f, part.Last)
	return true, nil
}

// send writes held messages. Before the first byte is out they are uncertain on disk: that is what a crash leaves.
func (m *member) send(part journal.Fate, frames []codec.Frame, offsets []int64) error {
	if err := m.begun(); err != nil {
		return err
	}
	before := part.State
	part.State = string(Uncertain)
	if err := m.n.journal.Settle(m.n.ctx, part); err != nil {
		return err
	}
	pos, err := m.link.Write(context.Background(), frames...)
	if err != nil {
		rest := part
		rest.State = before
		if n := m.link.Begun(); n > 0 { // the peer may have these
			part.Last = offsets[n-1]
			rest.First = part.Last + 1
			m.mu.Lock()
			m.marks = append(m.marks, mark{pos: never, again: &part})
			m.mu.Unlock()
		}
		if rest.First <= rest.Last {
			return errors.Join(err, m.n.journal.Settle(context.WithoutCancel(m.n.ctx), rest))
		}
		return err
	}
	part.State = string(Written)
	if err := m.settle(part); err != nil {
		return err
	}
	m.mu.Lock()
	m.marks = append(m.marks, mark{pos: pos, again: &part}) // now: who sees it says that it is reached
	m.mu.Unlock()
	return nil
}

// wroteAgain takes what is done, up to an offset, from the released stretch f, the first one.
func (m *member) wroteAgain(f journal.Fate, upto int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if upto >= f.Last {
		m.again = m.again[1:]
	} else {
		m.again[0].First = upto + 1
	}
}
