package tincan

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"tincan/codec"
	"tincan/internal/journal"
	"tincan/internal/link"
)

const (
	pumpEntries = 1024
	pumpBytes   = 256 << 10

	behindEntries = 128 // the same for a peer that is behind
	behindBytes   = 16 << 10

	pollFirst = 50 * time.Microsecond // how soon after a write the peer's acknowledgement is looked for
	pollLast  = 100 * time.Millisecond
)

// What the pump is doing.
const (
	resting int32 = iota // there is no goroutine: nothing is owed and nothing awaited
	looking              // it looks at what is owed
	called               // it has to look once more
	over                 // the link has ended; there will be no other pump
)

// wake has the pump look at what is owed.
func (m *member) wake() {
	for {
		switch state := m.pumping.Load(); {
		case state == resting && m.pumping.CompareAndSwap(resting, called):
			if m.kick == nil {
				m.kick = make(chan struct{}, 1)
			}
			go m.pump()
			return
		case state == looking && m.pumping.CompareAndSwap(looking, called):
			select {
			case m.kick <- struct{}{}:
			default:
			}
			return
		case state == called || state == over:
			return
		}
	}
}

// rest ends a pump that has nothing to do; false when it was called meanwhile.
func (m *member) rest() bool {
	if !m.pumping.CompareAndSwap(looking, resting) {
		return false
	}
	if !m.alive() && m.pumping.CompareAndSwap(resting, over) { // run may be waiting
		close(m.pumped)
	}
	return true
}

// pump is the only writer of the link: it writes what is owed past the cursor, in order, and moves the
// cursor as the peer's TCP acknowledges. It waits on the room, never on a queue.
func (m *member) pump() {
	poll := time.NewTimer(time.Hour)
	defer poll.Stop()
	wait := pollFirst
	for {
		m.pumping.Store(looking)
		wrote, err := m.write()
		if err != nil || !m.alive() {
			if err != nil && m.n.ctx.Err() == nil {
				m.link.Close(err)
			}
			m.pumping.Store(over)
			close(m.pumped)
			return
		}
		if wrote {
			wait = pollFirst
		}
		waiting := m.reach()
		if wrote {
			continue
		}
		if m.parting.Load() && m.settled() {
			m.link.FinishSending()
		}
		if !waiting {
			if m.rest() {
				return
			}
			continue
		}
		poll.Reset(wait)
		wait = min(2*wait, pollLast)
		select {
		case <-m.kick:
		case <-poll.C:
		case <-m.link.Done():
		}
	}
}

// write writes one batch of what is owed. wrote says that there may be more.
func (m *member) write() (wrote bool, err error) {
	if did, err := m.writeAgain(); did || err != nil {
		return did, err
	}
	m.mu.Lock()
	after := m.cur.Written
	m.mu.Unlock()
	m.r.mu.Lock()
	owed, newest := m.r.owed, m.r.newest
	m.r.mu.Unlock()
	if owed <= after {
		m.skip(newest)
		return false, nil
	}
	entries, bytes := pumpEntries, pumpBytes
	if m.behind() {
		entries, bytes = behindEntries, behindBytes
	}
	es, err := m.n.journal.Read(m.n.ctx, m.r.id, after, entries, bytes)
	if err != nil || len(es) == 0 {
		return false, err
	}
	last := es[len(es)-1].Offset
	frames := make([]codec.Frame, 0, len(es))
	offsets := make([]int64, 0, len(es))
	for i := range es {
		if m.owes(&es[i]) {
			frames = append(frames, codec.Frame{Body: es[i].Body})
			offsets = append(offsets, es[i].Offset)
		}
	}
	if len(frames) == 0 {
		m.advance(last, m.link.Sent())
		return true, nil
	}
	if err := m.begun(); err != nil {
		return false, err
	}
	pos, err := m.link.Write(context.Background(), frames...)
	var fe *link.FrameError
	if errors.As(err, &fe) {
		last, err = offsets[fe.Index], m.giveUp(offsets[fe.Index], fe)
		pos = m.link.Sent()
	}
	if err != nil {
		if n := m.link.Begun(); n > 0 { // the peer may have these
			m.advance(offsets[n-1], never)
		}
		return false, err
	}
	m.advance(last, pos)
	return true, nil
}

// begun returns when a crash would find that there is this link, so that what it wrote would be uncertain.
func (m *member) begun() error {
	for !m.stored {
		if !m.alive() {
			return m.link.End()
		}
		if err := m.n.journal.Trouble(); errors.Is(err, journal.ErrFailed) {
			return journalError(err)
		}
		select {
		case m.stored = <-m.storing:
		case <-m.link.Done():
			continue
		}
		if m.stored {
			break
		}
		select { // a full disk
		case <-time.After(500 * time.Millisecond):
			m.storing = m.n.journal.BeginLink(m.rec)
		case <-m.link.Done():
		}
	}
	return nil
}

// never is a position that no acknowledgement reaches.
const never = math.MaxInt64

// behind says that the peer's TCP has not yet taken what it was sent. A write may then wait for long, and what it holds
// meanwhile is small.
func (m *member) behind() bool {
	acked, known := m.link.Acked()
	return known && m.link.Sent()-acked > behindBytes
}

// giveUp says that a message has no encoding in this link's codec: it is not sent to this peer.
func (m *member) giveUp(offset int64, why *link.FrameError) error {
	hint := ""
	var ce *codec.Error
	if errors.As(why, &ce) {
		hint = ce.Hint
	}
	m.n.note(Event{Kind: EventError, Room: m.r.name, Link: m.id, Hint: hint,
		Error: fmt.Sprintf("message %d cannot be sent to %s: %v", offset, m.peer, why.Err)}, m.r)
	m.gaveUp.Store(true)
	return m.settle(journal.Fate{Room: m.r.id, Peer: m.peer, First: offset, Last: offset, State: string(Discarded)})
}

// gaps are the stretches of the room that were given up for this peer, though the cursor has passed them.
func (n *Node) gaps(ctx context.Context, m *seat) (gaps []journal.Fate, err error) {
	if !m.gaveUp.Load() {
		return nil, nil
	}
	fs, err := n.journal.Fates(ctx, m.room)
	for _, f := range fs {
		if f.Peer == m.peer && f.State == string(Discarded) {
			gaps = append(gaps, f)
		}
	}
	return gaps, err
}

// owes says whether an entry of the room is to be sent to this member.
func (m *member) owes(e *journal.Entry) bool {
	if e.Offset <= m.cur.Start || e.Replaced {
		return false
	}
	return e.From == "" || m.r.shared && e.From != m.peer
}

// advance says that everything up to an offset is written and ends at pos of the stream.
func (m *member) advance(upto, pos int64) {
	m.mu.Lock()
	m.cur.Written = upto
	m.marks = append(m.marks, mark{upto: upto, pos: pos})
	cur := m.cur
	m.mu.Unlock()
	m.n.journal.SaveCursor(cur)
	m.n.moved(m.seat, cur)
}

// skip moves the cursor over entries that this member is not owed, when nothing else is under way.
func (m *member) skip(newest int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.marks) == 0 && m.cur.Reached == m.cur.Written && newest > m.cur.Written {
		m.r.mu.Lock()
		if m.r.owed <= m.cur.Written {
			m.cur.Written, m.cur.Reached = newest, newest
		}
		m.r.mu.Unlock()
	}
}

// merge keeps the newest mark of the cursor only, where nobody knows whether any is reached.
func (m *member) merge() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := len(m.marks) - 2; i >= 0 && m.marks[i].again == nil && m.marks[i+1].again == nil; i-- {
		m.marks = slices.Delete(m.marks, i, i+1)
	}
}

// reach moves the cursor over what the peer's TCP has acknowledged. It returns whether more is awaited.
func (m *member) reach() (waiting bool) {
	acked, known := m.link.Acked()
	if !known {
		m.merge()
		return false
	}
	m.mu.Lock()
	i := 0
	before := m.cur.Reached
	var again []journal.Fate
	for ; i < len(m.marks) && m.marks[i].pos <= acked; i++ {
		if f := m.marks[i].again; f != nil {
			again = append(again, *f)
		} else {
			m.cur.Reached = m.marks[i].upto
		}
	}
	m.marks = m.marks[:copy(m.marks, m.marks[i:])]
	waiting = len(m.marks) > 0
	cur := m.cur
	m.mu.Unlock()
	if cur.Reached != before {
		m.n.journal.SaveCursor(cur)
		m.n.moved(m.seat, cur)
	}
	for _, f := range again {
		f.State = string(Reached)
		if err := m.settle(f); err != nil {
			m.n.trouble(err, m.r)
		}
	}
	return waiting
}
