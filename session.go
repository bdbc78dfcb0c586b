package tincan

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"tincan/codec"
	"tincan/internal/journal"
	"tincan/internal/link"
	"tincan/internal/wire"
)

// Times of a native link [PROTOCOL 1.6, 3.4].
const (
	pingAfter    = 15 * time.Second // without sending
	deadAfter    = 45 * time.Second // without a byte from the peer
	tlsDeadline  = 5 * time.Second
	greetTime    = 5 * time.Second
	nativeWrites = 10 * time.Second // a peer that takes nothing for so long is not reading
	closingTime  = time.Second      // what a close may wait for
)

// side is what a session does: hosting or attending. Its methods are called by one goroutine each.
type side interface {
	// frame takes one frame, whose bytes are the link's until the next read. It never writes. An error ends the session.
	frame(t wire.Type, flags uint8, body []byte) error
	// keep hands the messages of the frames so far, which had so many bytes, to be stored.
	keep(bytes int) error
	// drain returns when what arrived is stored, or cannot be. Nothing is read any more.
	drain()
	// owed returns frames to write, and what to do when they are written.
	owed() (out []codec.Frame, wrote func(), err error)
	// seats are the session's cursors, and where they are.
	seats() map[*seat]journal.Cursor
	// over is called once, when the session has ended and nothing is read or written any more: it tells, with e.
	over(v verdict, lived time.Duration, e Event)
}

// session is one native link from the moment that the peer's key is known until it dies. Two goroutines run it, as
// with a plain link:
//
//	receive   reads the link, stores, never writes
//	pump      writes what is owed; there is one only while something is
type session struct {
	n         *Node
	id        int64  // of the link
	peer      string // the key at the other end
	name      string // what it calls itself
	side      side
	link      *link.Link
	framing   *wire.Codec
	dialled   bool
	listener  *listener
	host      string // the remote IP address
	handshake time.Duration
	rec       journal.Link
	order     int64 // of the connections of this node: which is newer
	tls       *tls.Conn
	room      *room // the first room, in whose history the link stands; set before it is announced
	announced atomic.Bool

	pumping atomic.Int32
	pumped  chan struct{} // closed when there will be no other pump
	done    chan struct{} // closed when the end is recorded
	alarm   *time.Timer
	wrote   atomic.Int64 // when something was last written, Unix nanoseconds
	heard   atomic.Int64 // when something last arrived

	mu      sync.Mutex
	pong    [][8]byte // PINGs to answer
	ping    bool
	closing *wire.CloseBody // to be sent, then the link ends
	closed  bool            // it was sent
	told    *wire.CloseBody // what the peer said
}

// closeError is why this side ends a session: a close code of the protocol.
type closeError struct {
	wire.CloseBody
	err error
}

func (e *closeError) Error() string {
	if e.Reason != "" {
		return e.Reason
	}
	return e.Code.String()
}
func (e *closeError) Unwrap() error { return e.err }

func closing(code wire.Code, reason string) *closeError {
	return &closeError{CloseBody: wire.CloseBody{Code: code, Reason: reason}}
}

// newSession takes over a connection that is past its TLS handshake.
func (n *Node) newSession(conn net.Conn, peer string) *session {
	s := &session{n: n, peer: peer, host: hostOf(conn.RemoteAddr().String()), framing: wire.NewCodec(), pumped: make(chan struct{}), done: make(chan struct{})}
	s.link = link.New(conn, s.framing)
	s.link.SetPatience(nativeWrites)
	s.pumping.Store(called) // until run: a newer session may close this one while it is still being made
	s.rec = journal.Link{Peer: peer, Local: conn.LocalAddr().String(), Remote: conn.RemoteAddr().String(), Codec: "tincan", Choice: choiceAddress}
	return s
}

// begin numbers and starts a session whose peer was admitted. The caller has made it the peer's only one.
func (s *session) begin() error {
	n := s.n
	s.id = n.journal.NextLink()
	s.rec.ID, s.rec.Dialled, s.rec.Began, s.rec.HandshakeUS = s.id, s.dialled, time.Now().UTC(), s.handshake.Microseconds()
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return ErrClosed
	}
	n.sessions[s.id] = s
	n.wg.Add(1)
	n.mu.Unlock()
	now := time.Now().UnixNano()
	s.wrote.Store(now)
	s.heard.Store(now)
	s.alarm = time.AfterFunc(time.Hour, s.look)
	s.alarm.Reset(n.pingAfter) // look sets it again, so it must be here before it rings
	return nil
}

// undo takes back begin, for a session that does not run.
func (s *session) undo() {
	s.alarm.Stop()
	s.n.forgetSession(s)
	close(s.done) // a newer one may wait for it
	s.n.wg.Done()
}

// announce tells that a room has the link, and records the link with its first room.
func (s *session) announce(r *room) {
	if !s.announced.Load() {
		s.room = r
		s.rec.Room = r.id
		s.n.journal.BeginLink(s.rec)
		s.announced.Store(true) // whoever sees it sees the room
	}
	e := Event{Kind: EventConnected, Link: s.id, Room: r.name, Peer: s.peer, Name: s.name, Local: s.rec.Local, Remote: s.rec.Remote,
		Codec: s.rec.Codec, Choice: s.rec.Choice, HandshakeUS: s.rec.HandshakeUS}
	if s.listener != nil {
		e.Listener = s.listener.id
	}
	s.n.note(e, r)
}

// run reads until the session ends, and records the end.
func (s *session) run() {
	defer s.n.wg.Done()
	go s.pump() // the first: nobody else can start one before
	err := s.receive()
	s.fail(err)
	<-s.link.Done()
	s.side.drain()
	s.link.Close(nil)
	s.alarm.Stop()
	if !s.pumping.CompareAndSwap(resting, over) {
		<-s.pumped
	}
	s.end()
}

// receive is the only reader.
func (s *session) receive() error {
	for {
		fs, err := s.link.Read(context.Background(), 0)
		if err != nil {
			return err
		}
		s.heard.Store(time.Now().UnixNano())
		if fs[len(fs)-1].Partial { // the stream ended inside a frame
			fs = fs[:len(fs)-1]
		}
		bytes := 0
		for _, f := range fs {
			t, flags, body := wire.Split(f.Body)
			done, err := s.common(t, flags, body)
			if err == nil && !done {
				err = s.side.frame(t, flags, body)
			}
			if err != nil {
				return err
			}
			bytes += len(f.Body)
		}
		if err := s.side.keep(bytes); err != nil {
			return err
		}
	}
}

// read reads a frame's body and has it taken.
func read[T any](parse func(flags uint8, body []byte) (T, error), flags uint8, body []byte, take func(*T) error) error {
	b, err := parse(flags, body)
	if err != nil {
		return err
	}
	return take(&b)
}

// common does what both sides do with a frame; taken says that it was one of these.
func (s *session) common(t wire.Type, flags uint8, body []byte) (taken bool, err error) {
	switch t {
	case wire.Ping:
		p, err := wire.ParsePing(flags, body)
		if err != nil {
			return true, err
		}
		s.mu.Lock()
		if len(s.pong) < 16 { // one that asks more often than it is answered is answered less often
			s.pong = append(s.pong, p)
		}
		s.mu.Unlock()
		s.wake()
		return true, nil
	case wire.Pong:
		_, err := wire.ParsePing(flags, body)
		return true, err
	case wire.Close:
		c, err := wire.ParseClose(flags, body)
		if err != nil {
			return true, err
		}
		s.mu.Lock()
		s.told = &c
		s.mu.Unlock()
		return true, errTold
	case wire.Want, wire.Chunk:
		return true, closing(wire.CodeUnsupported, "this version sends no files")
	}
	return t >= 0x80 && t != wire.Receipt && t != wire.Ephemeral, nil
}

// errTold ends a session whose peer has said CLOSE.
var errTold = errors.New("the peer closed")

// fail ends the session because of an error of its reader.
func (s *session) fail(err error) {
	switch c, said := s.answer(err); {
	case said:
		s.close(c)
	case errors.Is(err, errTold):
		s.link.Close(io.EOF)
	default:
		s.link.Close(err)
	}
}

// answer is the CLOSE that an error is answered with; there is none for the end of the link itself.
func (s *session) answer(err error) (c wire.CloseBody, ok bool) {
	var ce *closeError
	var we *wire.Error
	var cod *codec.Error
	switch {
	case errors.As(err, &ce):
		return ce.CloseBody, true
	case errors.As(err, &we):
		return wire.CloseBody{Code: we.Code, Reason: we.Reason}, true
	case errors.As(err, &cod):
		return wire.CloseBody{Code: s.framing.Broken(), Reason: cod.Reason}, true
	}
	return c, false
}

// unable ends a session because nothing can be stored now, in a room if one is known. Who is at the other end keeps what it
// has, and comes back.
func (s *session) unable(err error) error {
	if s.n.ctx.Err() != nil {
		return closing(wire.CodeShutdown, "")
	}
	var r *room
	if s.announced.Load() {
		r = s.room
	}
	text, _, _ := Explain(journalError(err))
	s.n.trouble(err, r)
	c := closing(wire.CodeStorage, text)
	c.Retry, c.err = uint32(s.n.limits.StorageRetry.Milliseconds()), err
	return c
}

// close says why, gives what was promised a moment to go out, and ends the link. Any goroutine may call it; it does
// not wait.
func (s *session) close(c wire.CloseBody) {
	s.mu.Lock()
	first := s.closing == nil
	if first {
		s.closing = &c
	}
	s.mu.Unlock()
	if !first {
		return
	}
	s.wake()
	time.AfterFunc(closingTime, func() { s.link.Close(s.cause()) })
}

// cause is why this side closes.
func (s *session) cause() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing == nil {
		return nil
	}
	return &closeError{CloseBody: *s.closing}
}

// part closes the session and waits for its end.
func (s *session) part(c wire.CloseBody) {
	s.close(c)
	<-s.done
}

// look is what the timer calls: a link that is silent is asked, one that does not answer is dead.
func (s *session) look() {
	now := time.Now()
	silent := now.Sub(time.Unix(0, s.heard.Load()))
	if silent >= s.n.deadAfter {
		s.link.Abort(link.TimedOut)
		return
	}
	next := s.n.deadAfter - silent
	if idle := now.Sub(time.Unix(0, s.wrote.Load())); idle >= s.n.pingAfter {
		s.mu.Lock()
		s.ping = true
		s.mu.Unlock()
		s.wake()
		next = min(next, s.n.pingAfter)
	} else {
		next = min(next, s.n.pingAfter-idle)
	}
	s.alarm.Reset(next)
}

// wake has the pump look at what is owed.
func (s *session) wake() {
	for {
		switch state := s.pumping.Load(); {
		case state == resting && s.pumping.CompareAndSwap(resting, called):
			go s.pump()
			return
		case state == looking && s.pumping.CompareAndSwap(looking, called):
			return
		case state == called || state == over:
			return
		}
	}
}

// pump is the only writer.
func (s *session) pump() {
	for {
		s.pumping.Store(looking)
		wrote, err := s.write()
		if err != nil {
			if !errors.Is(err, errSaid) {
				s.link.Close(s.wrap(err))
			}
			s.pumping.Store(over)
			close(s.pumped)
			return
		}
		if wrote {
			continue
		}
		if s.pumping.CompareAndSwap(looking, resting) {
			select {
			case <-s.link.Done():
				if s.pumping.CompareAndSwap(resting, over) {
					close(s.pumped)
				}
			default:
			}
			return
		}
	}
}

// wrap makes a failure of the journal the reason of the link's end.
func (s *session) wrap(err error) error {
	var end link.End
	if errors.As(err, &end) {
		return err
	}
	return journalError(err)
}

// errSaid ends the pump after CLOSE.
var errSaid = errors.New("closed")

// write writes one round in one go: what the side owes, what keeps the link alive, and CLOSE last.
func (s *session) write() (wrote bool, err error) {
	select {
	case <-s.link.Done():
		return false, s.link.End()
	default:
	}
	s.mu.Lock()
	pong, ping, last := s.pong, s.ping, s.closing
	s.pong, s.ping = nil, false
	s.mu.Unlock()
	out, done, err := s.side.owed()
	if err != nil {
		return false, err
	}
	for _, p := range pong {
		out = append(out, codec.Frame{Body: wire.AppendPing(nil, wire.Pong, p)})
	}
	if ping {
		out = append(out, codec.Frame{Body: wire.AppendPing(nil, wire.Ping, [8]byte{})})
	}
	if err := s.send(out); err != nil {
		return false, err
	}
	if done != nil {
		done()
	}
	if last == nil {
		return len(out) > 0, nil
	}
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	if err := s.send([]codec.Frame{{Body: last.Append(nil)}}); err != nil {
		return false, err
	}
	s.link.FinishSending()
	s.link.Close(&closeError{CloseBody: *last})
	return false, errSaid
}

// send writes frames. Only the pump calls it, and the greeting before there is one.
func (s *session) send(fs []codec.Frame) error {
	if len(fs) == 0 {
		return nil
	}
	_, err := s.link.Write(context.Background(), fs...)
	s.wrote.Store(time.Now().UnixNano())
	return err
}
