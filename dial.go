package tincan

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"time"

	"tincan/internal/journal"
	"tincan/internal/link"
	"tincan/internal/wire"
)

// dialler keeps one address connected: one goroutine that dials, waits while the link lives, and dials
// again after a pause, until it is cancelled.
type dialler struct {
	n      *Node
	r      *room
	addr   *address
	ctx    context.Context
	cancel context.CancelCauseFunc // says why a link is closed that comes up nevertheless
	again  chan struct{}           // ends a pause
	done   chan struct{}
	since  int64 // own messages up to this offset are from before: held, not sent

	mu     sync.Mutex
	status DialStatus
	stay   bool // the user disconnected: do not dial until asked
	base   time.Duration
	whole  bool          // own messages are asked for with their bodies
	soon   bool          // the next attempt is not to wait
	denied chan struct{} // the host does not let it into the room
}

// Dial returns at once with the room of an address and keeps it connected, with pauses from 0.5 s to 30 s,
// until HangUp. Messages that wait in the room from an earlier time are held; see Held.
func (n *Node) Dial(ctx context.Context, addr string) (RoomStatus, error) {
	a, err := parseAddress(addr, toDial)
	if err != nil {
		return RoomStatus{}, err
	}
	if a.tls != nil { // say now what is wrong with the files
		if _, err := a.tls.config(toDial, a.host); err != nil {
			return RoomStatus{}, err
		}
	}
	if a.native != nil {
		return n.dialNative(ctx, a)
	}
	rec, err := n.journal.MakeRoom(ctx, journal.Room{Name: a.String(), Codec: a.codecName(), Encoding: a.enc, URL: addr, Dialled: true})
	if err != nil {
		return RoomStatus{}, journalError(err)
	}
	if a.enc != rec.Encoding && a.enc != "" {
		if err := n.SetEncoding(ctx, rec.Name, a.enc); err != nil {
			return RoomStatus{}, err
		}
	}
	return n.keepDialled(ctx, rec, a)
}

// keepDialled starts the dialler of a room, if it has none.
func (n *Node) keepDialled(ctx context.Context, rec journal.Room, a *address) (RoomStatus, error) {
	r := n.use(rec)
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		r.leave()
		return RoomStatus{}, ErrClosed
	}
	r.mu.Lock()
	if d := r.dial; d != nil { // already dialled: at once, if it was waiting
		r.mu.Unlock()
		n.mu.Unlock()
		if d.ctx.Err() != nil { // it is being hung up
			r.leave()
			select {
			case <-d.done:
				return n.keepDialled(ctx, rec, a)
			case <-ctx.Done():
				return RoomStatus{}, ctx.Err()
			}
		}
		if a.native != nil {
			d.renew(a.native)
		}
		d.redial()
		s := r.status(ctx)
		r.leave()
		return s, nil
	}
	d := &dialler{n: n, r: r, addr: a, again: make(chan struct{}, 1), denied: make(chan struct{}, 1), done: make(chan struct{}), since: r.newest}
	d.ctx, d.cancel = context.WithCancelCause(n.ctx)
	d.status = DialStatus{URL: a.String(), Phase: "connecting"}
	r.dial = d
	n.wg.Add(1)
	r.mu.Unlock()
	n.mu.Unlock()
	go d.run()
	return r.status(ctx), nil
}

// HangUp stops dialling a room's address and closes the room's links.
func (n *Node) HangUp(_ context.Context, name string) error {
	r := n.live(name)
	if r == nil {
		return fail(CodeNotFound, nil, say("nothing is dialled or connected in %s", name), say("`tincan status` lists what there is"))
	}
	defer r.leave()
	r.hangUp(errHungUp)
	return nil
}

// Disconnect closes one link, after what is owed had a moment to go out. A dialled address is not dialled
// again until Redial.
func (n *Node) Disconnect(_ context.Context, id int64) error {
	n.mu.Lock()
	s := n.sessions[id]
	n.mu.Unlock()
	if s != nil { // after a goodbye neither side dials by itself
		if a, ok := s.side.(*attending); ok {
			a.stay()
		}
		s.part(wire.CloseBody{Code: wire.CodeBye})
		return nil
	}
	m, err := n.member(id)
	if err != nil {
		return err
	}
	m.r.mu.Lock()
	d := m.r.dial
	m.r.mu.Unlock()
	if d != nil && m.dialled {
		d.mu.Lock()
		d.stay = true
		d.forget()
		d.mu.Unlock()
	}
	m.part(errHungUp)
	return nil
}

// Redial ends the pause between two attempts, or dials again after Disconnect.
func (n *Node) Redial(_ context.Context, name string) error {
	r := n.live(name)
	if r == nil {
		return fail(CodeNotFound, nil, say("%s is not dialled", name), say("dial its address"))
	}
	defer r.leave()
	r.mu.Lock()
	d := r.dial
	r.mu.Unlock()
	if d == nil {
		return fail(CodeNotFound, nil, say("%s is not dialled", name), say("dial its address"))
	}
	d.redial()
	return nil
}

func (d *dialler) redial() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stay = false
	select {
	case d.again <- struct{}{}:
	default:
	}
}

// forget drops a wish to dial at once, which came while the link was up. The caller holds d.mu.
func (d *dialler) forget() {
	select {
	case <-d.again:
	default:
	}
}

func (n *Node) member(id int64) (*member, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if m := n.links[id]; m != nil {
		return m, nil
	}
	return nil, fail(CodeNotFound, nil, say("there is no live link %d", id), say("dial its address, or wait until it connects again"))
}

func (d *dialler) run() {
	defer d.n.wg.Done()
	defer d.r.leave()
	defer close(d.done)
	defer func() {
		d.cancel(nil)
		d.r.mu.Lock()
		d.r.dial = nil
		d.r.mu.Unlock()
	}()
	attempt := 0
	for d.ctx.Err() == nil {
		attempt++
		d.set(DialStatus{URL: d.addr.String(), Phase: "connecting", Attempt: attempt})
		d.n.note(Event{Kind: EventConnecting, Addr: d.addr.hostport(), Room: d.r.name, Attempt: attempt}, d.r)
		try := d.try
		if d.addr.native != nil {
			try = d.tryNative
		}
		if try(attempt) {
			attempt = 0
		}
		if !d.pause() {
			return
		}
	}
}

// try dials once and, if that succeeds, stays until the link has ended.
func (d *dialler) try(attempt int) (connected bool) {
	conn, handshake, err := d.connect()
	var m *member
	if err == nil && d.ctx.Err() == nil {
		d.set(DialStatus{URL: d.addr.String(), Phase: "connected", Attempt: attempt})
		m, err = d.n.attach(d.ctx, newcomer{conn: conn, room: d.r, peer: "tcp:" + d.addr.hostport(), codec: d.addr.codec,
			dialled: true, handshake: handshake, retry: d.retry, hold: d.since})
		if err == nil {
			go m.run()
		}
	}
	if m == nil && conn != nil {
		conn.Close()
	}
	if m == nil && d.ctx.Err() != nil {
		d.n.note(Event{Kind: EventDisconnected, Room: d.r.name, Reason: "canceled", Detail: "dialling was stopped"}, d.r)
		return false
	}
	if err != nil {
		e, reason := dialError(d.addr, err)
		ms := d.retry(0)
		d.mu.Lock()
		d.status.Reason, d.status.Error, d.status.Hint = reason, e.Text, e.Hint
		d.mu.Unlock()
		d.n.note(Event{Kind: EventDisconnected, Addr: d.addr.hostport(), Room: d.r.name, Reason: reason, Detail: e.Text, Hint: e.Hint, RetryInMS: ms}, d.r)
		return false
	}
	d.mu.Lock()
	d.forget()
	d.mu.Unlock()
	select {
	case <-m.done:
	case <-d.ctx.Done(): // it came up while somebody hung up, who may not have seen it
		m.part(context.Cause(d.ctx))
	}
	if d.addr.resume {
		return true // what is queued while the peer is away is sent when it is back
	}
	d.since = math.MaxInt64
	return true
}

// connectTCP makes one connection. handshake is the time of connect(2) on the socket that won.
func (d *dialler) connectTCP() (conn net.Conn, handshake time.Duration, err error) {
	var mu sync.Mutex
	var began time.Time
	nd := net.Dialer{Timeout: d.n.limits.DialTimeout, Control: func(string, string, syscall.RawConn) error {
		mu.Lock()
		began = time.Now()
		mu.Unlock()
		return nil
	}}
	conn, err = nd.DialContext(d.ctx, "tcp", d.addr.hostport())
	if err != nil {
		return nil, 0, err
	}
	mu.Lock()
	handshake = time.Since(began)
	mu.Unlock()
	return conn, handshake, nil
}

// connect makes one connection, with TLS if the address says so.
func (d *dialler) connect() (conn net.Conn, handshake time.Duration, err error) {
	conn, handshake, err = d.connectTCP()
	if err != nil || d.addr.tls == nil {
		return conn, handshake, err
	}
	c, err := d.addr.tls.config(toDial, d.addr.host)
	if err != nil {
		conn.Close()
		return nil, 0, err
	}
	ctx, cancel := context.WithTimeout(d.ctx, tlsTime)
	defer cancel()
	tc := tls.Client(link.Count(conn), c)
	if err := tc.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, 0, err
	}
	return tc, handshake, nil
}

// retry decides how long the pause before the next attempt is: doubling from RetryMin to RetryMax, with
// jitter of a quarter either way, from the start again after a link that lived a while. nil: no attempt.
func (d *dialler) retry(lived time.Duration) *int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stay || d.ctx.Err() != nil {
		d.status = DialStatus{URL: d.status.URL, Phase: "stopped", Reason: d.status.Reason, Error: d.status.Error}
		return nil
	}
	if lived > 5*time.Second || d.base == 0 {
		d.base = d.n.limits.RetryMin
	}
	wait := d.base*3/4 + rand.N(d.base/2)
	d.base = min(2*d.base, d.n.limits.RetryMax)
	d.status.Phase, d.status.Retry = "waiting", time.Now().Add(wait).UTC()
	ms := wait.Milliseconds()
	return &ms
}

// pause waits until the next attempt is due or asked for, or the network has returned; false when dialling is over.
func (d *dialler) pause() bool {
	d.mu.Lock()
	retry, stay := d.status.Retry, d.stay
	d.mu.Unlock()
	var due, look <-chan time.Time
	var seen sight
	if !stay {
		t, every := time.NewTimer(time.Until(retry)), time.NewTicker(networkEvery)
		defer t.Stop()
		defer every.Stop()
		due, look, seen = t.C, every.C, d.n.network.look()
	}
	for {
		select {
		case <-due:
			return true
		case <-look:
			now := d.n.network.look()
			if !now.returned(seen) {
				seen = now
				continue
			}
		case <-d.again:
		case <-d.ctx.Done():
			return false
		}
		d.mu.Lock()
		d.base = 0
		d.mu.Unlock()
		return true
	}
}

func (d *dialler) set(s DialStatus) {
	d.mu.Lock()
	d.status = s
	d.mu.Unlock()
}

// dialError says why a connection could not be made, and what to do. reason is short and stable.
func dialError(a *address, err error) (e *Error, reason string) {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &e):
		return e, string(e.Code)
	case errors.As(err, &unknown):
		return fail(CodeRefused, err, say("the certificate of %s is not trusted", a.hostport()), say("name the authority that made it: ?ca=FILE")), "certificate"
	case errors.As(err, &name):
		return fail(CodeRefused, err, say("%v", name), say("dial the name that the certificate is for")), "certificate"
	case errors.As(err, &record):
		return fail(CodeUnreachable, err, say("%s does not speak TLS", a.hostport()), say("leave tls+ out")), "not TLS"
	}
	reason = link.DialReason(err)
	switch reason {
	case "refused":
		return fail(CodeUnreachable, err, say("connection refused by %s", a.hostport()), say("nothing listens there: start the server, or check the port")), reason
	case "timed out":
		return fail(CodeUnreachable, err, say("no answer from %s", a.hostport()), say("check the address; a firewall may drop the packets")), reason
	case "unreachable":
		return fail(CodeUnreachable, err, say("no way to %s", a.host), say("check the network and the address")), reason
	case "name not found":
		return fail(CodeUnreachable, err, say("no address found for %q", a.host), say("check the spelling, or use the IP address")), reason
	}
	return fail(CodeUnreachable, err, say("cannot connect to %s: %v", a.hostport(), err), say("check the network and the address")), reason
}
