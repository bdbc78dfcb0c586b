package tincan

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"tincan/codec"
	"tincan/internal/journal"
	"tincan/internal/link"
)

// Why a link ended, when it was this side's doing.
var (
	errHungUp  = errors.New("closed here")
	errStopped = errors.New("tincan stopped")
)

// member is a peer in a room for as long as one link lives: a cursor over the room's log and the link that
// it moves on. Two goroutines run it:
//
//	receive   reads the link, appends to the room, never writes
//	pump      writes what is owed, watches the peer's TCP acknowledge it; there is one only while there is
//	          something to do, so that a link that says nothing costs one goroutine
type member struct {
	*seat
	n        *Node
	r        *room
	link     *link.Link
	dialled  bool
	listener *listener
	host     string // the remote IP address
	rec      journal.Link
	retry    func(lived time.Duration) *int64 // when the dialler tries again; nil for accepted links
	pumping  atomic.Int32                     // resting, looking, called or over
	kick     chan struct{}                    // something to write may be there; the first pump makes it
	pumped   chan struct{}                    // closed when pumping is over
	done     chan struct{}                    // closed when the end is recorded
	parting  atomic.Bool                      // we are about to close
	storing  <-chan bool                      // tells once whether the link's record is stored; the pump's
	stored   bool                             // it is; the pump's

	mu      sync.Mutex
	cur     journal.Cursor
	marks   []mark         // written, not yet acknowledged; oldest first
	again   []journal.Fate // held messages to be written once more, before the cursor goes on
	framing codec.Codec
	choice  string
	reading Reading       // Pause or Resume
	one     int           // messages to read although paused
	turn    chan struct{} // closed when reading changes; nil: nobody waits
	recodes []recode
}

// seat is what followers remember of a member, for longer than it lives if they do not read.
type seat struct {
	id     int64 // of the link
	room   int64
	peer   string
	from   journal.Cursor // where the cursor was when the link came up
	gaveUp atomic.Bool    // a message that has no encoding here
}

// mark says that the peer has everything up to an offset once its TCP acknowledged pos bytes.
type mark struct {
	upto  int64
	pos   int64
	again *journal.Fate // the mark of a message that was written once more, outside the cursor's order
}

// newcomer is what attach needs to know of a connection.
type newcomer struct {
	conn      net.Conn
	room      *room
	peer      string
	codec     codec.Codec // nil: auto
	dialled   bool
	listener  *listener
	handshake time.Duration
	retry     func(lived time.Duration) *int64
	hold      int64 // own messages up to this offset that were never written are held, not sent
}

// attach gives a connection its room and journals the link. The caller runs it; the member's done closes when the
// link has ended and that is recorded.
func (n *Node) attach(ctx context.Context, c newcomer) (*member, error) {
	m := &member{seat: &seat{id: n.journal.NextLink(), room: c.room.id, peer: c.peer}, n: n, r: c.room, dialled: c.dialled, listener: c.listener, host: hostOf(c.conn.RemoteAddr().String()),
		retry: c.retry, pumped: make(chan struct{}), done: make(chan struct{}),
		reading: Resume, framing: c.codec, choice: choiceAddress}
	var a *auto
	if c.codec == nil {
		a = newAuto()
		m.framing, m.choice = a, choiceUndecided
	}
	m.link = link.New(c.conn, m.framing)
	m.link.SetPatience(n.limits.WriteDeadline)
	if a != nil {
		a.mu.Lock()
		a.again = func() { m.link.SetCodec(a) }
		a.assumed = func() {
			m.n.note(Event{Kind: EventCodec, Link: m.id, Room: m.r.name, Codec: a.String(), Choice: choiceAssumed}, m.r)
		}
		a.mu.Unlock()
	}
	if err := m.start(ctx, c); err != nil {
		m.link.Close(err)
		return nil, err
	}
	m.from = m.cur
	if rtt := m.link.State().TCP.RTTUS; !c.dialled && rtt != nil { // measured by the kernel: SYN+ACK to ACK
		c.handshake = time.Duration(*rtt) * time.Microsecond
	}
	m.rec = journal.Link{ID: m.id, Room: m.r.id, Peer: m.peer, Local: c.conn.LocalAddr().String(), Remote: c.conn.RemoteAddr().String(),
		Codec: m.framing.String(), Choice: m.choice, Dialled: c.dialled, Began: time.Now().UTC(), HandshakeUS: c.handshake.Microseconds()}
	m.storing = n.journal.BeginLink(m.rec)
	if c.room.shared { // a disk that is slow makes those wait who come, or their records would fill the memory
		select {
		case m.stored = <-m.storing:
			if !m.stored {
				m.storing = n.journal.BeginLink(m.rec)
			}
		case <-ctx.Done():
		}
	}
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		m.link.Close(errStopped)
		m.rec.Ended, m.rec.Reason = time.Now().UTC(), string(link.ClosedHere)
		n.journal.EndLink(m.rec)
		return nil, ErrClosed
	}
	n.links[m.id] = m
	n.wg.Add(1)
	n.mu.Unlock()
	m.r.mu.Lock()
	m.r.users++
	m.r.members[m.id] = m
	m.r.mu.Unlock()
	n.moved(m.seat, m.from)
	listener := ""
	if c.listener != nil {
		listener = c.listener.id
	}
	n.note(Event{Kind: EventConnected, Listener: listener, Link: m.id, Room: m.r.name, Peer: m.peer, Local: m.rec.Local, Remote: m.rec.Remote,
		Codec: m.rec.Codec, Choice: m.choice, HandshakeUS: m.rec.HandshakeUS}, m.r)
	if h, err := m.r.heldNow(ctx); err == nil && h != (HeldStatus{}) {
		n.note(Event{Kind: EventHeld, Room: m.r.name, Held: &h}, m.r)
	}
	return m, nil
}

// start puts the cursor where this peer's was, and holds what it must not be sent unasked.
func (m *member) start(ctx context.Context, c newcomer) error {
	m.cur = journal.Cursor{Room: m.r.id, Peer: m.peer}
	if m.r.shared {
		last := m.r.last()
		m.cur.Start, m.cur.Written, m.cur.Reached = last, last, last
		m.n.journal.SaveCursor(m.cur) // with the record of the link: a crash must know where it came in
		return nil
	}
	if !c.dialled {
		return nil
	}
	if err := m.n.settleLost(ctx, m.r, m.r.id, m.peer, false); err != nil { // what the last link could not
		return journalError(err)
	}
	cur, err := m.n.cursor(ctx, m.r.id, m.peer)
	if err != nil {
		return journalError(err)
	}
	m.cur = cur
	if err := m.hold(ctx, c.hold); err != nil {
		return journalError(err)
	}
	return nil
}

func (m *member) run() {
	defer m.n.wg.Done()
	m.mu.Lock()
	written := m.cur.Written
	m.mu.Unlock()
	m.r.mu.Lock()
	owed := m.r.owed > written // what comes later wakes the pump: the room knows this member already
	m.r.mu.Unlock()
	if owed {
		m.wake()
	}
	m.receive()
	m.link.Close(nil) // it may have ended without its reader
	if !m.pumping.CompareAndSwap(resting, over) {
		<-m.pumped
	}
	m.end()
}

func (m *member) codec() codec.Codec {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.framing
}

// codecState is the codec's name and how it was chosen.
func (m *member) codecState() (name, choice string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a, ok := m.framing.(*auto); ok {
		return a.state()
	}
	return m.framing.String(), m.choice
}

// How long a link that we close waits: for the peer's TCP to acknowledge what was written, and then for the
// peer to finish too, as long as it goes on saying something.
const (
	partingTime  = time.Second
	partingQuiet = 300 * time.Millisecond
)

// part closes the link in order: what is owed gets a moment to go out, then comes FIN (from the pump), then
// what the peer still says is read.
func (m *member) part(cause error) {
	m.parting.Store(true)
	m.wake()
	limit := time.NewTimer(partingTime)
	defer limit.Stop()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for waiting := true; waiting; {
		select {
		case <-poll.C:
			st := m.link.State()
			waiting = !st.Finished || st.Silence < partingQuiet
		case <-limit.C:
			waiting = false
		case <-m.link.Done():
			waiting = false
		}
	}
	m.reach()
	m.link.Close(cause)
	<-m.done
}

// settled says that nothing is owed that the peer's TCP has not acknowledged.
func (m *member) settled() bool {
	m.r.mu.Lock()
	owed := m.r.owed
	m.r.mu.Unlock()
	_, known := m.link.Acked()
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cur.Written >= owed && len(m.again) == 0 && (len(m.marks) == 0 || !known)
}

// end records why the link ended and what became of the messages that were under way.
func (m *member) end() {
	end := m.link.End()
	st := m.link.State()
	if err := m.lost(); err != nil {
		m.n.trouble(err, m.r)
	}
	m.rec.Codec, m.rec.Choice = m.codecState()
	m.rec.Ended, m.rec.Reason = end.At.UTC(), string(end.Reason)
	how := end.String()
	if m.parting.Load() && (end.Reason == link.PeerClosed || end.Reason == link.ClosedHere) { // our FIN was first
		m.rec.Reason, how = string(link.ClosedHere), link.End{Reason: link.ClosedHere, By: link.Here}.String()
	}
	m.rec.MessagesIn, m.rec.MessagesOut, m.rec.BytesIn, m.rec.BytesOut = st.FramesIn, st.FramesOut, st.BytesIn, st.BytesOut
	lived := m.rec.Ended.Sub(m.rec.Began)
	m.rec.Detail = endDetail(how, m.rec, lived)
	e := Event{Kind: EventDisconnected, Link: m.id, Room: m.r.name, Peer: m.peer, Local: m.rec.Local, Remote: m.rec.Remote,
		Reason: m.rec.Reason, Detail: m.rec.Detail, Hint: endHint(end).in("en"), Code: closeCode(end)}
	if m.retry != nil {
		e.RetryInMS = m.retry(lived)
	}
	if m.listener != nil {
		m.n.left(m.host)
	}
	m.n.journal.EndLink(m.rec)
	m.n.log.Info("link ended", "link", m.id, "room", m.r.name, "reason", e.Reason, "detail", e.Detail)
	m.n.note(e, m.r)
	m.n.mu.Lock()
	delete(m.n.links, m.id)
	m.n.mu.Unlock()
	m.r.mu.Lock()
	delete(m.r.members, m.id)
	m.r.mu.Unlock()
	close(m.done)
	m.r.leave()
}

// endDetail says in one sentence who ended a link and how, how long it lasted and what went each way.
func endDetail(how string, l journal.Link, lived time.Duration) string {
	return fmt.Sprintf("%s after %s; %s and %d bytes in, %s and %d bytes out", how, lived.Round(time.Millisecond),
		count(l.MessagesIn, "message"), l.BytesIn, count(l.MessagesOut, "message"), l.BytesOut)
}

// endHint says what to do about an end that nobody wanted.
func endHint(end link.End) phrase {
	var ce *codec.Error
	switch {
	case errors.As(end.Err, &ce):
		return say(ce.Hint)
	case end.Reason == link.NotReading:
		return say("the program at the other end must read; what it did not take is kept here")
	case end.Reason == link.Crowded:
		return say("send a message in one go, or smaller ones")
	case end.Reason == link.TimedOut:
		return say("check the network, and whether the other machine still runs")
	case end.Reason == link.Unreachable:
		return say("check the network and the address")
	}
	return phrase{}
}

func count(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// closeCode is the close code of PROTOCOL.md that fits a plain link's end.
func closeCode(end link.End) int {
	switch end.Reason {
	case link.Malformed:
		return 100
	case link.TooLarge:
		return 102
	case link.NotReading:
		return 4
	case link.Crowded:
		return 5
	}
	return 0
}
