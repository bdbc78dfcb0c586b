package tincan

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"tincan/codec"
	"tincan/internal/identity"
	"tincan/internal/journal"
	"tincan/internal/link"
	"tincan/internal/stream"
	"tincan/internal/wire"
)

// Whom a native listener lets in.
const (
	admitTicket = "ticket" // keys that are trusted, or bring a ticket or a code
	admitAsk    = "ask"    // any key that the operator accepts
	admitOpen   = "open"   // any key
)

// askAgain is how soon a key that the operator is asked about comes back.
const askAgain = 3 * time.Second

// welcome makes a connection that speaks TLS a session, if its key may come in; nil if it may not.
func (l *listener) welcome(conn net.Conn) runner {
	n := l.n
	order := n.connections.Add(1)
	defer n.greeting.leave(n.greeting.enter(conn))
	tc := tls.Server(link.Count(conn), n.key.Server(func(identity.ID) error { return nil }))
	ctx, cancel := context.WithTimeout(n.ctx, tlsDeadline)
	err := tc.HandshakeContext(ctx)
	cancel()
	if err != nil {
		l.refuse(conn, "TLS: "+err.Error())
		return nil
	}
	id, err := identity.PeerID(tc.ConnectionState())
	if err != nil {
		l.refuse(conn, "TLS: "+err.Error())
		return nil
	}
	s := n.newSession(tc, string(id))
	s.tls = tc
	s.listener, s.order = l, order
	h := &hosting{session: s}
	s.side = h
	if err := h.greeted(); err != nil {
		if c, ok := s.answer(err); ok {
			s.send([]codec.Frame{{Body: c.Append(nil)}})
			s.link.FinishSending()
		}
		s.link.Close(err)
		l.refused.Add(1)
		if n.admission.tell(s.host) {
			n.note(Event{Kind: EventRefused, Addr: l.ln.Addr().String(), Listener: l.id, Remote: s.rec.Remote, Peer: s.peer, Name: s.name, Reason: err.Error()}, nil)
		}
		return nil
	}
	return s
}

// greeted reads until the guest's HELLO, decides whether it may come in, and starts the session.
func (h *hosting) greeted() error {
	ctx, cancel := context.WithTimeout(h.n.ctx, greetTime)
	defer cancel()
	var proof proof
	for {
		fs, err := h.link.Read(ctx, 1)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return closing(wire.CodeGreeting, "")
		case errors.Is(err, context.Canceled):
			return closing(wire.CodeShutdown, "")
		case err != nil:
			return err
		}
		t, flags, body := wire.Split(fs[0].Body)
		switch t {
		case wire.Pair:
			if err := read(wire.ParsePair, flags, body, func(b *wire.PairBody) error { return h.pair(&proof, b) }); err != nil {
				return err
			}
		case wire.Hello:
			b, err := wire.ParseHello(flags, body)
			if err != nil {
				return err
			}
			if b.Role != wire.Guest {
				return closing(wire.CodeMalformed, "a host's HELLO")
			}
			if b.Version != wire.Version { // before a ticket or a code is used up for nothing
				return closing(wire.CodeUnsupported, fmt.Sprintf("version %d is not spoken here, %d is", b.Version, wire.Version))
			}
			h.name = string(append([]byte(nil), b.Name...))
			if err := h.admit(&proof); err != nil {
				return err
			}
			return h.start(&b)
		case wire.Close:
			return errTold
		default:
			if t < 0x80 {
				return closing(wire.CodeMalformed, fmt.Sprintf("frame %02x came before HELLO", byte(t)))
			}
		}
	}
}

// proof is what a key brings to be let in.
type proof struct {
	ticket  []byte
	code    bool // it has shown that it knows the code
	room    string
	pairing *identity.Pairing
	offered string
}

// admit decides who may come in. It is the only place that does:
//
//	the key is …      blocked   trusted   with a ticket or code   none of these
//	?admit=ticket     107       in        in, trusted from now    105
//	?admit=ask        107       in        in, trusted from now    105, come again; the operator is asked
//	?admit=open       107       in        in, trusted from now    in, as long as it stays open
//
// Which rooms it may join is decided by enter.
func (h *hosting) admit(p *proof) error {
	n, ctx := h.n, h.n.ctx
	known, found, err := h.met()
	if err != nil {
		return err
	}
	mode := h.listener.admits()
	via := ""
	switch {
	case found && known.State == string(Trusted):
		h.only = known.Room
	case p.code:
		via, h.only = "code", p.room
	case p.ticket != nil:
		hash := sha256.Sum256(p.ticket)
		ok, err := n.journal.UseTicket(ctx, hash[:], h.peer, func(room string) journal.Peer {
			h.only = room
			return h.trusted(known, found, "ticket")
		})
		if err != nil {
			return h.unable(err)
		}
		if !ok {
			return closing(wire.CodeUnknownKey, "the ticket is used up, revoked or expired")
		}
		via = "ticket"
	case mode == admitOpen:
		via = "open"
	case mode == admitAsk:
		return h.ask(known, found)
	default:
		return closing(wire.CodeUnknownKey, "a ticket is needed")
	}
	if via != "ticket" {
		if err := n.journal.SavePeer(ctx, h.trusted(known, found, via)); err != nil {
			return h.unable(err)
		}
	}
	if via != "" && via != "open" {
		n.note(Event{Kind: EventPaired, Peer: h.peer, Name: h.name, Remote: h.rec.Remote, Listener: h.listener.id, Reason: via}, nil)
	}
	return nil
}

// met is what is known of the key, which is not blocked.
func (h *hosting) met() (p journal.Peer, found bool, err error) {
	p, found, err = h.n.journal.Peer(h.n.ctx, h.peer)
	if err != nil {
		return p, found, h.unable(err)
	}
	if found && p.State == string(Blocked) {
		return p, found, closing(wire.CodeBlocked, "")
	}
	return p, found, nil
}

// trusted is what is known of the peer from now on. via is "" for one that was trusted before.
func (h *hosting) trusted(p journal.Peer, found bool, via string) journal.Peer {
	now := time.Now()
	if !found {
		p = journal.Peer{ID: h.peer, First: now}
	}
	switch via {
	case "":
	case "open":
		p.State, p.Via = string(Seen), via
	default:
		p.State, p.Via, p.Room = string(Trusted), via, h.only
	}
	p.Called, p.Addr, p.Last = h.name, h.rec.Remote, now
	return p
}

// ask has the operator asked; the key comes back for the answer.
func (h *hosting) ask(known journal.Peer, found bool) error {
	now := time.Now()
	again := found && known.State == string(Asking) && now.Sub(known.Last) < time.Minute
	if !found {
		known = journal.Peer{ID: h.peer, First: now}
	}
	known.State, known.Called, known.Addr, known.Last = string(Asking), h.name, h.rec.Remote, now
	if err := h.n.journal.SavePeer(h.n.ctx, known); err != nil {
		return h.unable(err)
	}
	if !again {
		h.n.note(Event{Kind: EventAsking, Peer: h.peer, Name: h.name, Remote: h.rec.Remote, Listener: h.listener.id,
			Hint: fmt.Sprintf("`tincan trust %s` lets it in, `tincan block %s` does not", h.peer, h.peer)}, nil)
	}
	c := closing(wire.CodeUnknownKey, "the operator is asked")
	c.Retry = uint32(askAgain.Milliseconds())
	return c
}

// start makes an admitted guest's link the peer's only one, and takes up its outbox where it stands.
func (h *hosting) start(b *wire.HelloBody) error {
	n := h.n
	h.window = int(b.Window)
	if rtt := h.link.State().TCP.RTTUS; rtt != nil {
		h.handshake = time.Duration(*rtt) * time.Microsecond
	}
	if err := h.begin(); err != nil {
		return closing(wire.CodeShutdown, "")
	}
	if !n.replace(h.session, incoming) {
		h.undo()
		return closing(wire.CodeReplaced, "")
	}
	pos, again, err := n.journal.Inbox(n.ctx, h.peer)
	if err != nil {
		h.undo()
		return h.unable(err)
	}
	h.held = pos
	told := pos
	theirs := stream.Position{Epoch: b.Epoch, N: pos.N, Chain: pos.Chain}
	if pos.Epoch != b.Epoch || pos.N < b.Base {
		theirs.N, theirs.Chain = b.Base, b.Chain
		h.lost(&pos, b)
	}
	if h.again = again; pos.Epoch != b.Epoch {
		h.again = 0
		if pos.N > 0 {
			h.again = b.Last // what it owed when it began anew, it may have sent before
		}
	}
	h.in = stream.NewReceiver(theirs)
	h.spool = newSpool(&takenSlabs, h.store, h.fail)
	h.ack, h.acked = theirs.N, theirs.N
	hello := wire.HelloBody{Role: wire.Host, Version: wire.Version, Window: receiveWindow, Name: n.name, Software: "tincan " + Version,
		Epoch: told.Epoch, N: told.N, Chain: told.Chain}
	h.small = append(h.small, codec.Frame{Body: hello.Append(nil)})
	h.framing.Open()
	return nil
}

// lost tells of what a guest has and this host had, or never had.
func (h *hosting) lost(pos *journal.Position, b *wire.HelloBody) {
	first := int64(1)
	if pos.Epoch == b.Epoch {
		first = pos.N + 1
	}
	if b.Base < first {
		return
	}
	h.n.note(Event{Kind: EventGap, Peer: h.peer, Name: h.name, Offset: first,
		Detail: fmt.Sprintf("messages %d to %d of this peer are not kept there any more and are not here", first, b.Base)}, nil)
}

// admits is whom a listener lets in; "" if it does not speak natively.
func (l *listener) admits() string {
	if l.addr.native == nil {
		return ""
	}
	return l.addr.native.admit
}
