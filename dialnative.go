package tincan

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"tincan/codec"
	"tincan/internal/identity"
	"tincan/internal/journal"
	"tincan/internal/link"
	"tincan/internal/wire"
)

// keyError says that the host's key is not the one that is known.
type keyError struct{ want, got identity.ID }

func (e *keyError) Error() string { return fmt.Sprintf("the key is %s, not %s", e.got, e.want) }

// newKeyError says that nothing is known of the host, and the key that it shows was not asked to be taken.
type newKeyError struct{ got identity.ID }

func (e *newKeyError) Error() string { return "the key " + string(e.got) + " is not known" }

// expects returns the host's key, as the address, the room or an earlier visit say; "" if none does.
func (n *Node) expects(ctx context.Context, a *address) (identity.ID, error) {
	if a.native.key != "" {
		return a.native.key, nil
	}
	if rec, ok, err := n.journal.FindRoom(ctx, a.String()); err != nil || ok && rec.Host != "" {
		return identity.ID(rec.Host), err
	}
	ps, err := n.journal.Peers(ctx)
	for _, p := range ps {
		if p.Host && p.Addr == a.hostport() && p.State == string(Trusted) {
			return identity.ID(p.ID), err
		}
	}
	return "", err
}

// nativeRoom is the record of the room that an address names.
func (n *Node) nativeRoom(ctx context.Context, a *address) (journal.Room, error) {
	host, err := n.expects(ctx, a)
	if err != nil {
		return journal.Room{}, journalError(err)
	}
	if host == identity.ID(n.id) {
		return journal.Room{}, usage("dial another node", "that is this node's own key")
	}
	if host == "" && !a.native.accept && a.native.code == "" {
		return journal.Room{}, fail(CodeRefused, nil, say("the key of %s is not known", a.hostport()),
			say("ask for a ticket (`tincan ticket` there prints one), pair with --code, or take whatever key it shows with --accept-new"))
	}
	if host == "" { // the copy becomes that host's when it is known
		rec, err := n.journal.MakeRoom(ctx, journal.Room{Name: a.String(), Codec: "tincan", URL: a.plainURL(), Dialled: true})
		return rec, journalError(err)
	}
	rec, err := n.journal.MakeCopy(ctx, string(host), a.room, a.String(), a.plainURL())
	return rec, journalError(err)
}

// dialNative is Dial for an address of the native protocol.
func (n *Node) dialNative(ctx context.Context, a *address) (RoomStatus, error) {
	rec, err := n.nativeRoom(ctx, a)
	if err != nil {
		return RoomStatus{}, err
	}
	if rec.Host != "" {
		n.towards(rec.Host).know(rec)
	}
	return n.keepDialled(ctx, rec, a)
}

// renew takes what another dial of the same room brings: a new ticket, a code.
func (d *dialler) renew(o *nativeOptions) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.addr.native.accept = d.addr.native.accept || o.accept
	if o.key != "" {
		d.addr.native.key = o.key
	}
	if o.secret != nil {
		d.addr.native.secret = o.secret
	}
	if o.code != "" {
		d.addr.native.code = o.code
	}
}

// tryNative dials once, or joins the link to this host that is up already, and stays until the link has ended.
func (d *dialler) tryNative(attempt int) (connected bool) {
	a, err := d.reach()
	if err != nil {
		if d.ctx.Err() != nil {
			d.n.note(Event{Kind: EventDisconnected, Room: d.r.name, Reason: "canceled", Detail: "dialling was stopped"}, d.r)
			return false
		}
		d.failed(err)
		return false
	}
	d.mu.Lock()
	d.forget()
	d.mu.Unlock()
	select {
	case <-a.done:
	case <-d.denied:
		return false
	case <-d.ctx.Done():
		a.part(wire.CloseBody{Code: wire.CodeBye})
	}
	select {
	case <-d.denied: // by the same link
		return false
	default:
	}
	if a.has(d) {
		return true
	}
	v := a.verdict() // the end came before the room was joined
	ms := d.after(v, 0)
	d.n.note(Event{Kind: EventDisconnected, Addr: d.addr.hostport(), Room: d.r.name, Peer: a.peer, Reason: v.reason, Detail: v.detail, Hint: v.hint.in("en"),
		Code: int(v.code), RetryInMS: ms}, d.r)
	return false
}

// failed tells that an attempt did not come as far as the peer's key.
func (d *dialler) failed(err error) {
	var ke *keyError
	var nk *newKeyError
	e, reason := dialError(d.addr, err)
	code := 0
	switch {
	case errors.As(err, &ke):
		code, reason = int(wire.CodeKeyDiffers), wire.CodeKeyDiffers.String()
		e = fail(CodeRefused, err, say("%s shows another key than it had: expected %s, it shows %s", d.addr.hostport(), ke.want.Short(), ke.got.Short()),
			say("somebody may be in between. If its owner says that this is the new key, `tincan forget %s` and dial it with a new ticket", string(ke.want)))
		d.stop()
	case errors.As(err, &nk):
		code, reason = int(wire.CodeUnknownKey), wire.CodeUnknownKey.String()
		e = fail(CodeRefused, err, say("the key of %s is not known: it shows %s", d.addr.hostport(), nk.got.Short()), say("ask for a ticket, or take that key with --accept-new"))
		d.stop()
	}
	ms := d.retry(0)
	d.mu.Lock()
	d.status.Reason, d.status.Error, d.status.Hint = reason, e.Text, e.Hint
	d.mu.Unlock()
	d.n.note(Event{Kind: EventDisconnected, Addr: d.addr.hostport(), Room: d.r.name, Reason: reason, Detail: e.Text, Hint: e.Hint, Code: code, RetryInMS: ms}, d.r)
}

// stop keeps the dialler from dialling until it is asked to.
func (d *dialler) stop() {
	d.mu.Lock()
	d.stay = true
	d.mu.Unlock()
}

// refuse stops the dialler, because the host does not let it into the room.
func (d *dialler) refuse(e *Error) {
	d.mu.Lock()
	d.stay = true
	d.status = DialStatus{URL: d.status.URL, Phase: "stopped", Reason: "refused", Error: e.Text, Hint: e.Hint}
	d.mu.Unlock()
	select {
	case d.denied <- struct{}{}:
	default:
	}
	d.n.note(Event{Kind: EventError, Room: d.r.name, Error: e.Text, Hint: e.Hint}, d.r)
}

// linked notes that the room is joined.
func (d *dialler) linked(id int64) {
	d.mu.Lock()
	d.whole = false
	d.status = DialStatus{URL: d.addr.String(), Phase: "connected", Attempt: d.status.Attempt}
	d.addr.native.spent()
	d.mu.Unlock()
}

// needWhole has the next JOIN ask for own messages with their bodies, at once.
func (d *dialler) needWhole() {
	d.mu.Lock()
	d.whole, d.soon = true, true
	d.mu.Unlock()
}

// swap gives the dialler another room in the place of the one that was set aside.
func (d *dialler) swap(rec journal.Room) {
	old := d.r
	d.n.mu.Lock()
	delete(d.n.rooms, old.name)
	d.n.mu.Unlock()
	fresh := d.n.use(rec)
	fresh.mu.Lock()
	fresh.dial = d
	fresh.mu.Unlock()
	old.mu.Lock()
	old.dial = nil
	old.mu.Unlock()
	d.mu.Lock()
	d.r, d.soon = fresh, true
	d.mu.Unlock()
	old.leave()
}

// after decides how long the pause after a session is. nil: it is not dialled again.
func (d *dialler) after(v verdict, lived time.Duration) *int64 {
	again, least := v.code.Again()
	d.mu.Lock()
	soon := d.soon || !d.stay && v.closed && (v.code == wire.CodeFork || v.ours && v.code == wire.CodeBye) // another room of the link was hung up
	d.soon = false
	if v.closed && !again && !soon && !(v.code == wire.CodeUnknownKey && v.retry > 0) {
		d.stay = true
	}
	d.mu.Unlock()
	ms := d.retry(lived)
	d.mu.Lock()
	d.status.Reason, d.status.Error, d.status.Hint = v.reason, v.detail, v.hint.in("en")
	d.mu.Unlock()
	if ms == nil {
		return nil
	}
	wait := time.Duration(*ms) * time.Millisecond
	switch {
	case soon:
		wait = 0
	case v.closed && v.retry > 0:
		wait = v.retry
	case v.closed:
		wait = max(wait, least)
	}
	d.mu.Lock()
	d.status.Retry = time.Now().Add(wait).UTC()
	d.mu.Unlock()
	*ms = wait.Milliseconds()
	return ms
}

// reach returns a session that has this dialler's room: the one that is up to this host, or a new one.
func (d *dialler) reach() (*attending, error) {
	host, err := d.n.expects(d.ctx, d.addr)
	if err != nil {
		return nil, journalError(err)
	}
	var g *guest
	if host != "" {
		g = d.n.towards(string(host))
		if a, err := g.claim(d); a != nil || err != nil {
			return a, err
		}
		defer g.yield()
	}
	conn, handshake, err := d.connectTCP()
	if err != nil {
		return nil, err
	}
	tc, id, err := d.secure(conn, host)
	if err != nil {
		conn.Close()
		return nil, err
	}
	if g == nil {
		if err := d.adopt(id); err != nil {
			conn.Close()
			return nil, err
		}
		g = d.n.towards(string(id))
		if a, err := g.claim(d); a != nil || err != nil {
			conn.Close()
			return a, err
		}
		defer g.yield()
	}
	a, err := d.greet(g, tc, handshake)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return a, nil
}

// claim waits until nobody else dials this host. If a link is up then, the room joins it.
func (g *guest) claim(d *dialler) (*attending, error) {
	select {
	case <-g.turn:
	case <-d.ctx.Done():
		return nil, d.ctx.Err()
	}
	g.mu.Lock()
	a := g.live
	g.mu.Unlock()
	if a == nil {
		return nil, nil
	}
	defer g.yield()
	j, err := a.ask(d)
	if err != nil {
		return nil, journalError(err)
	}
	a.mu.Lock()
	a.small = append(a.small, codec.Frame{Body: j.Append(nil)})
	a.mu.Unlock()
	a.wake()
	return a, nil
}

func (g *guest) yield() { g.turn <- struct{}{} }

// secure does the TLS handshake. It returns whose key is at the other end.
func (d *dialler) secure(conn net.Conn, host identity.ID) (*tls.Conn, identity.ID, error) {
	var got identity.ID
	c := d.n.key.Client(func(id identity.ID) error {
		got = id
		switch {
		case host != "" && id != host:
			return &keyError{host, id}
		case host == "" && !d.addr.native.accept && d.addr.native.code == "":
			return &newKeyError{id}
		}
		return nil
	})
	ctx, cancel := context.WithTimeout(d.ctx, tlsDeadline)
	defer cancel()
	tc := tls.Client(link.Count(conn), c)
	if err := tc.HandshakeContext(ctx); err != nil {
		return nil, got, err
	}
	return tc, got, nil
}

// adopt makes the room that was dialled without a key the copy of a room of this host.
func (d *dialler) adopt(id identity.ID) error {
	err := d.n.journal.SetRoom(d.n.ctx, d.r.id, func(r *journal.Room) { r.Host, r.Remote = string(id), d.addr.room })
	if err != nil {
		return journalError(err)
	}
	d.r.mu.Lock()
	d.r.rec.Host, d.r.rec.Remote = string(id), d.addr.room
	d.r.mu.Unlock()
	return nil
}

// greet makes a connection a session, and writes all that can be said before the host answers: HELLO and JOIN in one
// flight, so that the host's first message is on its way one round trip later.
func (d *dialler) greet(g *guest, conn *tls.Conn, handshake time.Duration) (*attending, error) {
	n := d.n
	if _, err := g.open(n.ctx); err != nil {
		return nil, journalError(err)
	}
	if err := g.reopen(n.ctx); err != nil {
		return nil, journalError(err)
	}
	s := n.newSession(conn, g.host)
	s.dialled, s.handshake, s.tls, s.order = true, handshake, conn, n.connections.Add(1)
	g.mu.Lock()
	box := g.outbox
	g.mu.Unlock()
	base, _, err := n.journal.ChainAt(n.ctx, box.ID, box.Base)
	if err != nil {
		return nil, journalError(err)
	}
	a := &attending{session: s, g: g, addr: d.addr.hostport(), via: d.via(), greets: make(chan struct{}), box: box,
		seat: &seat{room: box.ID, peer: g.host}, cur: journal.Cursor{Room: box.ID, Peer: g.host}}
	s.side = a
	a.spool = newSpool(&arrivedSlabs, a.store, a.fail)
	if err := s.begin(); err != nil {
		return nil, err
	}
	a.seat.id = s.id
	out, err := d.proof(a)
	if err == nil {
		hello := wire.HelloBody{Role: wire.Guest, Version: wire.Version, Window: receiveWindow, Name: n.name, Software: "tincan " + Version,
			Epoch: box.Epoch, Base: box.Base, Last: box.Last, Chain: base}
		out = append(out, codec.Frame{Body: hello.Append(nil)})
		var j *wire.JoinBody
		if j, err = a.ask(d); err == nil {
			out = append(out, codec.Frame{Body: j.Append(nil)})
			err = s.send(out)
		}
	}
	if err != nil {
		s.link.Close(err)
	}
	s.framing.Open()
	n.replace(s, outgoing)
	go s.run()
	late := time.AfterFunc(greetTime, func() { s.close(wire.CloseBody{Code: wire.CodeGreeting}) })
	defer late.Stop()
	select {
	case <-a.greets:
		g.mu.Lock()
		select {
		case <-a.done:
		default:
			g.live = a
		}
		g.mu.Unlock()
	case <-a.done:
	case <-d.ctx.Done():
	}
	return a, nil
}

// via says how the host's key comes to be trusted.
func (d *dialler) via() string {
	switch {
	case d.addr.native.code != "":
		return "code"
	case d.addr.native.secret != nil, d.addr.native.key != "":
		return "ticket"
	}
	return "first use"
}

// has says that the session has joined the dialler's room.
func (a *attending) has(d *dialler) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.copies {
		if c.d == d && c.joined {
			return true
		}
	}
	return false
}
