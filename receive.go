package tincan

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"tincan/codec"
	"tincan/internal/journal"
	"tincan/internal/link"
)

// receive is the only reader of the link. It stores whole batches and never writes. A silent link waits in here, so
// its stack is kept small.
func (m *member) receive() {
	for {
		limit, ok := m.mayRead()
		if !ok || !m.goOn(m.readSome(limit)) {
			return
		}
	}
}

// goOn says whether reading goes on after an error, and ends it in order if not.
func (m *member) goOn(err error) bool {
	switch {
	case err == nil, errors.Is(err, link.ErrInterrupted):
		return true
	case errors.Is(err, io.EOF):
		m.linger()
	default:
		m.keepRest(err)
		m.link.Close(err)
	}
	return false
}

func (m *member) alive() bool {
	select {
	case <-m.link.Done():
		return false
	default:
		return true
	}
}

// readSome reads batches until somebody steers the reader or the link fails; with a limit it reads one.
func (m *member) readSome(limit int) error {
	for {
		frames, err := m.link.Read(context.Background(), limit)
		if err != nil {
			return err
		}
		if err := m.store(frames); err != nil {
			return err
		}
		if limit > 0 {
			m.mu.Lock()
			m.one -= len(frames)
			m.mu.Unlock()
			return nil
		}
	}
}

// mayRead waits while reading is paused and does what was asked of the reader. limit is how many messages
// to read, 0 for no bound. ok is false when the link has ended; what is left of it is stored then.
func (m *member) mayRead() (limit int, ok bool) {
	for {
		m.mu.Lock()
		paused, one := m.reading == Pause, m.one
		if paused && m.turn == nil {
			m.turn = make(chan struct{})
		}
		turn := m.turn
		m.mu.Unlock()
		m.decodeJobs()
		if !paused {
			return 0, true
		}
		if one > 0 {
			return one, true
		}
		select {
		case <-turn:
		case <-m.link.Done():
			m.keepRest(m.link.End())
			return 0, false
		}
	}
}

// steer changes how the link is read and interrupts the reader.
func (m *member) steer(change func()) {
	m.mu.Lock()
	change()
	if m.turn != nil {
		close(m.turn)
		m.turn = nil
	}
	m.mu.Unlock()
	m.link.Interrupt()
}

// store appends a batch to the room. A full disk holds the batch, and through TCP the peer, until there is
// space again; what is not stored is not read further.
func (m *member) store(frames []codec.Frame) error {
	m.mu.Lock()
	framing := m.framing
	a, isAuto := framing.(*auto)
	m.mu.Unlock()
	if isAuto {
		if a.conclude(frames[0].Wire) { // the stream has ended, and all that came is one frame
			frames = split(a, frames[0].Wire)
		}
		m.detected(a)
	}
	held, _ := entryLists.Get().(*[]journal.Entry)
	if held == nil {
		held = new([]journal.Entry)
	}
	es := m.entries((*held)[:0], frames, framing)
	err := m.keep(es, func() error {
		_, err := m.n.journal.Append(m.n.ctx, m.r.id, es)
		return err
	})
	clear(es)
	*held = es[:0]
	entryLists.Put(held)
	return err
}

// entryLists are lent to links while they store a batch: one that has fallen silent keeps nothing of its busy time.
var entryLists sync.Pool

// detected tells what auto took the peer's first bytes for.
func (m *member) detected(a *auto) {
	name, choice := a.state()
	m.mu.Lock()
	told := m.choice == choice
	m.choice = choice
	m.mu.Unlock()
	if choice == choiceDetected && !told {
		m.n.note(Event{Kind: EventCodec, Link: m.id, Room: m.r.name, Codec: name, Choice: choice}, m.r)
	}
}

// keep runs an append until it succeeds or fails for good, and tells the room.
func (m *member) keep(es []journal.Entry, do func() error) error {
	if len(es) == 0 {
		return nil
	}
	told := false
	for {
		err := do()
		var full *journal.FullError
		if err == nil {
			m.r.committed(es[len(es)-1].Offset, m)
			return nil
		}
		if !errors.As(err, &full) {
			return journalError(err)
		}
		if !told {
			m.n.trouble(err, m.r)
			told = true
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-m.n.ctx.Done():
			return journalError(err)
		case <-m.given():
			m.n.trouble(fail(CodeFull, err, say("these messages from %s arrived and could not be stored: %d", m.peer, len(es)),
				say("free some space; what is stored is safe and tincan goes on by itself")), m.r)
			return journalError(err)
		}
	}
}

// given is closed when this side has given the link up; when the peer has, it is nil: what arrived may still be
// stored.
func (m *member) given() <-chan struct{} {
	if m.parting.Load() {
		return m.link.Done()
	}
	return nil
}

// entries turns frames into journal entries that alias them. Bytes that the codec would not write the same
// way are kept beside the body, so that the stream can be decoded again.
func (m *member) entries(es []journal.Entry, frames []codec.Frame, framing codec.Codec) []journal.Entry {
	enc := m.r.encoding()
	name := framing.String()
	var scratch []byte
	for _, f := range frames {
		e := journal.Entry{From: m.peer, Link: m.id, Codec: name, Encoding: enc, Partial: f.Partial, Body: f.Body}
		var err error
		if scratch, err = framing.Append(scratch[:0], f); err != nil || f.Partial || !bytes.Equal(scratch, f.Wire) {
			e.Wire = f.Wire
		}
		es = append(es, e)
	}
	return es
}

// keepRest stores the bytes that arrived and were not read as messages: whole ones, and what is left as a partial one.
func (m *member) keepRest(cause error) {
	rest := m.link.Take()
	var je *Error
	if len(rest) == 0 || errors.As(cause, &je) {
		return
	}
	c := m.codec()
	if a, ok := c.(*auto); ok && a.conclude(rest) {
		m.detected(a)
	}
	es := m.entries(nil, split(c, rest), c)
	if err := m.keep(es, func() error { _, err := m.n.journal.Append(m.n.ctx, m.r.id, es); return err }); err != nil {
		m.n.trouble(err, m.r)
	}
}

// linger keeps the link writable for a while after the peer finished sending, as a peer that only shut its
// sending side down still listens, and then closes it.
func (m *member) linger() {
	m.n.note(Event{Kind: EventFinished, Link: m.id, Room: m.r.name, Peer: m.peer}, m.r)
	m.wake() // the cursor has yet to pass what the peer itself said in a shared room
	quiet := time.NewTimer(m.n.limits.HalfOpen)
	defer quiet.Stop()
	if m.dialled {
		quiet.Reset(0)
	}
	last := time.NewTimer(m.n.limits.WriteDeadline)
	defer last.Stop()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	over := false
	for !over || !m.settled() {
		select {
		case <-quiet.C:
			over = true
		case <-poll.C:
			m.decodeJobs()
		case <-last.C:
			m.link.Close(io.EOF)
			return
		case <-m.link.Done():
			return
		}
	}
	m.reach()
	m.link.Close(io.EOF)
}
