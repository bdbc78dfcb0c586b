package tincan

import (
	"errors"
	"time"

	"tincan/codec"
	"tincan/internal/journal"
)

const (
	pumpEntries = 1024
	pumpBytes   = 256 << 10
	pollFirst   = 50 * time.Microsecond // how soon after a write the peer's acknowledgement is looked for
	pollLast    = 100 * time.Millisecond
)

// pump is the only writer of the link: it writes what is owed past the cursor, in order, and moves the
// cursor as the peer's TCP acknowledges. It waits on the room, never on a queue.
func (m *member) pump() {
	poll := time.NewTimer(time.Hour)
	defer poll.Stop()
	wait := pollFirst
	for {
		wrote, err := m.write()
		if err != nil {
			if m.n.ctx.Err() == nil {
				m.link.Close(err)
			}
			return
		}
		if wrote {
			wait = pollFirst
		}
		waiting := m.reach()
		if wrote {
			continue
		}
		if waiting {
			poll.Reset(wait)
			wait = min(2*wait, pollLast)
		}
		select {
		case <-m.kick:
		case <-poll.C:
		case <-m.link.Done():
			return
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
	es, err := m.n.journal.Read(m.n.ctx, m.r.id, after, pumpEntries, pumpBytes)
	if err != nil || len(es) == 0 {
		return false, err
	}
	last := es[len(es)-1].Offset
	frames := make([]codec.Frame, 0, len(es))
	for i := range es {
		if m.owes(&es[i]) {
			frames = append(frames, codec.Frame{Body: es[i].Body})
		}
	}
	if len(frames) == 0 {
		m.advance(last, m.link.Sent())
		return true, nil
	}
	pos, err := m.link.Write(m.n.ctx, frames...)
	var ce *codec.Error
	if errors.As(err, &ce) {
		return true, m.writeOneByOne(es)
	}
	if err != nil {
		return false, err
	}
	m.advance(last, pos)
	return true, nil
}

// owes says whether an entry of the room is to be sent to this member.
func (m *member) owes(e *journal.Entry) bool {
	if e.Offset <= m.cur.Start || e.Replaced {
		return false
	}
	return e.From == "" || m.r.shared && e.From != m.peer
}

// writeOneByOne writes a batch in which some body has no encoding in this link's codec: that one is given
// up for this peer, and said, the others go.
func (m *member) writeOneByOne(es []journal.Entry) error {
	for i := range es {
		e := &es[i]
		if !m.owes(e) {
			m.advance(e.Offset, m.link.Sent())
			continue
		}
		pos, err := m.link.Write(m.n.ctx, codec.Frame{Body: e.Body})
		var ce *codec.Error
		switch {
		case errors.As(err, &ce):
			m.n.note(Event{Kind: EventError, Room: m.r.name, Link: m.id, Error: "message " + e.ID + " cannot be sent to " + m.peer + ": " + ce.Error(), Hint: ce.Hint}, m.r)
			if err := m.settle(journal.Fate{Room: m.r.id, Peer: m.peer, First: e.Offset, Last: e.Offset, State: string(Discarded)}); err != nil {
				return err
			}
			pos = m.link.Sent()
		case err != nil:
			return err
		}
		m.advance(e.Offset, pos)
	}
	return nil
}

// advance says that everything up to an offset is written and ends at pos of the stream.
func (m *member) advance(upto, pos int64) {
	m.mu.Lock()
	m.cur.Written = upto
	m.marks = append(m.marks, mark{upto: upto, pos: pos})
	cur := m.cur
	m.mu.Unlock()
	m.n.journal.SaveCursor(cur)
	m.n.moved(m)
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

// reach moves the cursor over what the peer's TCP has acknowledged. It returns whether more is awaited.
func (m *member) reach() (waiting bool) {
	acked, known := m.link.Acked()
	if !known {
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
		m.n.moved(m)
	}
	for _, f := range again {
		f.State = string(Reached)
		if err := m.settle(f); err != nil {
			m.n.trouble(err, m.r)
		}
	}
	return waiting
}
