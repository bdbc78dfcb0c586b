package tincan

import (
	"fmt"
	"sync"
	"time"

	"tincan/codec"
	"tincan/internal/journal"
	"tincan/internal/stream"
	"tincan/internal/wire"
)

// attending is the guest's side of a session: it publishes its outbox and keeps a copy of each room that it has
// joined, at the host's numbers.
type attending struct {
	*session
	g      *guest
	addr   string        // where the host was reached
	via    string        // how its key came to be trusted
	greets chan struct{} // closed when the host's HELLO was taken
	came   []arrived     // the reader's: read, not yet in the spool
	spool  *spool[arrived]

	mu      sync.Mutex
	up      bool
	box     journal.Room
	seat    *seat          // over the outbox
	cur     journal.Cursor // of it
	send    *stream.Sender // the outbox
	copies  []*replica
	small   []codec.Frame
	wroteAt time.Time   // when messages were last written
	later   *time.Timer // wakes the pump for those that wait
}

// arrived is a message of a room, on its way into the journal.
type arrived struct {
	c     *replica
	entry journal.Entry
	seq   int64 // of an own message: its number in the outbox
}

var arrivedSlabs slabs[arrived]

// replica is the copy of one room.
type replica struct {
	a      *attending
	d      *dialler
	r      *room
	stream uint16

	// the reader's
	in    *stream.Receiver // nil until JOINED
	ahead []journal.Entry  // own messages in the outbox that have not come back yet, read from echoed on
	at    int64            // where that reading stands

	// under a.mu
	joined  bool
	ack     int64 // how far the copy is stored
	acked   int64 // how far that was said
	members map[string]*membership
}

// membership is another member of the room, as the host tells of it.
type membership struct {
	*seat
	name string
	here bool
	cur  journal.Cursor
}

func (a *attending) seats() map[*seat]journal.Cursor {
	a.mu.Lock()
	defer a.mu.Unlock()
	ss := map[*seat]journal.Cursor{a.seat: a.cur}
	for _, c := range a.copies {
		for _, m := range c.members {
			ss[m.seat] = m.cur
		}
	}
	return ss
}

func (a *attending) keep(bytes int) error {
	came := a.came
	a.came = nil
	return a.spool.put(came, bytes)
}

// drain stores what was read whole before the end.
func (a *attending) drain() {
	a.keep(0)
	a.spool.flush()
}

func (a *attending) frame(t wire.Type, flags uint8, body []byte) error {
	if t == wire.Hello {
		return read(wire.ParseHello, flags, body, a.hello)
	}
	a.mu.Lock()
	up := a.up
	a.mu.Unlock()
	if !up {
		return closing(wire.CodeMalformed, fmt.Sprintf("frame %02x came before HELLO", byte(t)))
	}
	switch t {
	case wire.Message:
		return read(wire.ParseMessage, flags, body, a.message)
	case wire.Join:
		return read(wire.ParseJoined, flags, body, a.joined)
	case wire.Ack:
		return read(wire.ParseAck, flags, body, a.progress)
	case wire.Receipt:
		return read(wire.ParseReceipt, flags, body, a.receipt)
	case wire.Ephemeral:
		return read(wire.ParseEphemeral, flags, body, a.presence)
	}
	return closing(wire.CodeMalformed, fmt.Sprintf("frame %02x is not a host's", byte(t)))
}

// hello takes the host's greeting: from here on the link is up, and the host's position says what of the outbox is to
// be sent [PROTOCOL S5].
func (a *attending) hello(b *wire.HelloBody) error {
	a.mu.Lock()
	again, box := a.up, a.box
	a.mu.Unlock()
	if again || b.Role != wire.Host {
		return closing(wire.CodeMalformed, "a second HELLO, or one of a guest")
	}
	send := stream.NewSender(box.Epoch, box.Base, box.Last, box.Handled)
	var failed error
	verdict := send.Greet(stream.Position{Epoch: b.Epoch, N: b.N, Chain: b.Chain}, func(n int64) (stream.Chain, bool) {
		c, known, err := a.n.journal.ChainAt(a.n.ctx, box.ID, n)
		failed = err
		return c, known
	})
	if failed != nil {
		return a.unable(failed)
	}
	a.name = b.Name
	if err := a.n.settleGuest(a); err != nil {
		return a.unable(err)
	}
	switch verdict {
	case stream.Fork:
		return a.forked()
	case stream.Gap:
		if b.Epoch == box.Epoch { // the host had more, and has lost it
			a.n.trouble(fail(CodeInternal, nil, say("%s has lost messages that it had stored: those after %d, up to %d", a.g.host, b.N, box.Base),
				say("was an old copy restored there? they are in the history here")), nil)
		}
	}
	send.Window(int(b.Window))
	a.mu.Lock()
	a.up, a.send = true, send
	a.cur.Written, a.cur.Reached, a.cur.Stored = send.Handled(), send.Handled(), send.Handled()
	a.seat.from = a.cur
	cur := a.cur
	a.mu.Unlock()
	a.g.handled(send.Handled())
	a.g.greeted(send.Handled())
	a.n.journal.SaveHandled(box.ID, send.Handled())
	a.n.moved(a.seat, cur)
	close(a.greets)
	a.wake()
	return nil
}

// forked begins the outbox anew: the host holds what this journal does not, because an old copy of it was restored.
func (a *attending) forked() error {
	if _, err := a.n.journal.Fork(a.n.ctx, a.box.ID); err != nil {
		return a.unable(err)
	}
	if err := a.g.reopen(a.n.ctx); err != nil {
		return a.unable(err)
	}
	a.n.trouble(fail(CodeInternal, nil, say("%s has messages of this node that are not in this journal: was an old copy restored?", a.g.host),
		say("they are in the room's history; what waits here is sent after them")), nil)
	return closing(wire.CodeFork, "the outbox begins anew")
}

// progress takes an acknowledgement: the host has stored the outbox up to there.
func (a *attending) progress(b *wire.AckBody) error {
	if b.Stream != 0 {
		return closing(wire.CodeMalformed, "a host acknowledges the outbox only")
	}
	a.mu.Lock()
	if err := a.send.Ack(b.N, int(b.Window)); err != nil {
		a.mu.Unlock()
		return protocolError(err)
	}
	n := a.send.Handled()
	moved := n > a.cur.Stored
	a.cur.Stored, a.cur.Reached, a.cur.Written = n, max(a.cur.Reached, n), max(a.cur.Written, n)
	cur := a.cur
	a.mu.Unlock()
	if moved {
		a.g.handled(n)
		a.n.journal.SaveHandled(a.box.ID, n)
		a.n.moved(a.seat, cur)
	}
	a.wake()
	return nil
}

func (a *attending) owed() (out []codec.Frame, wrote func(), err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.up { // the greeting is written by who dials
		return nil, nil, nil
	}
	out = a.small
	a.small = nil
	for _, c := range a.copies {
		if c.ack > c.acked {
			c.acked = c.ack
			b := wire.AckBody{Stream: c.stream, N: c.ack, Window: receiveWindow}
			out = append(out, codec.Frame{Body: b.Append(nil)})
		}
	}
	out, err = a.publish(out)
	return out, a.wrote, err
}

// A few messages that would go behind others which are on their way wait for their acknowledgement, or this long: what
// comes meanwhile goes with them, and is one commit of the host instead of many.
const (
	together = 2 * time.Millisecond
	enough   = 256 // messages that do not wait
)

// publish adds the outbox's next messages, as many as fit in one go and in what the host takes. The caller holds a.mu.
func (a *attending) publish(out []codec.Frame) ([]codec.Frame, error) {
	last := a.g.newest()
	a.send.Appended(last)
	next, room := a.send.Next()
	if next > last || room <= 0 {
		return out, nil
	}
	if next-1 > a.send.Handled() && last-next < enough && time.Since(a.wroteAt) < together {
		if a.later == nil {
			a.later = time.AfterFunc(together, a.wake)
		} else {
			a.later.Reset(together)
		}
		return out, nil
	}
	es, err := a.n.journal.Read(a.n.ctx, a.box.ID, next-1, pumpEntries, min(pumpBytes, room))
	if err != nil || len(es) == 0 {
		return out, err
	}
	if es[0].Offset != next {
		return out, fmt.Errorf("message %d of the outbox is missing", next)
	}
	for i := range es {
		p := published(&es[i])
		b := p.Append(make([]byte, 0, 96+len(p.Body)))
		if i > 0 && !a.send.Fits(len(b)) {
			break
		}
		a.send.Sent(p.Seq, len(b))
		out = append(out, codec.Frame{Body: b})
	}
	a.wroteAt = time.Now()
	return out, nil
}

// wrote moves the cursor over what was written.
func (a *attending) wrote() {
	a.mu.Lock()
	next, _ := a.send.Next()
	moved := next-1 > a.cur.Written
	a.cur.Written = max(a.cur.Written, next-1)
	cur := a.cur
	a.mu.Unlock()
	if moved {
		a.n.moved(a.seat, cur)
	}
}

// over lets the rooms' diallers know.
func (a *attending) over(v verdict, lived time.Duration, e Event) {
	a.g.mu.Lock()
	if a.g.live == a {
		a.g.live = nil
	}
	a.g.mu.Unlock()
	a.mu.Lock()
	copies := a.copies
	a.mu.Unlock()
	for _, c := range copies {
		if c.in == nil { // it was never joined: its dialler tells
			continue
		}
		e.Room, e.RetryInMS = c.r.name, c.d.after(v, lived)
		a.n.note(e, c.r)
	}
}

// stay has none of the link's rooms dialled again before it is asked for.
func (a *attending) stay() {
	a.mu.Lock()
	copies := a.copies
	a.mu.Unlock()
	for _, c := range copies {
		c.d.mu.Lock()
		c.d.stay = true
		c.d.forget()
		c.d.mu.Unlock()
	}
}

// handled says how far the host has stored the outbox.
func (g *guest) handled(n int64) {
	g.mu.Lock()
	g.done = n
	base, box := g.outbox.Base, g.outbox.ID
	keep := n - outboxKeeps
	trim := keep-base > outboxKeeps
	if trim {
		g.outbox.Base = keep
	}
	g.mu.Unlock()
	if trim {
		g.n.journal.TrimOutbox(box, keep)
	}
}
