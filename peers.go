package tincan

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"tincan/internal/identity"
	"tincan/internal/journal"
	"tincan/internal/wire"
)

// way is which of two nodes has dialled: two that dial each other have a link each way.
type way bool

const (
	incoming way = false
	outgoing way = true
)

type pair struct {
	peer string
	way  way
}

// replace makes a session its peer's only one: the one before it ends, and does nothing any more when replace
// returns [PROTOCOL B1]. It is false for a connection that is older than the one that is up: its greeting was slow, and
// who made it has made another since.
func (n *Node) replace(s *session, w way) bool {
	n.mu.Lock()
	old := n.pairs[pair{s.peer, w}]
	if old != nil && old.order > s.order {
		n.mu.Unlock()
		return false
	}
	n.pairs[pair{s.peer, w}] = s
	n.mu.Unlock()
	if old != nil {
		old.part(wire.CloseBody{Code: wire.CodeReplaced})
	}
	return true
}

// forgetSession takes a session out of the node's lists.
func (n *Node) forgetSession(s *session) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.sessions, s.id)
	p := pair{s.peer, way(s.dialled)}
	if n.pairs[p] == s {
		delete(n.pairs, p)
	}
}

// settleGuest keeps the host's key, which was the one that was expected.
func (n *Node) settleGuest(a *attending) error {
	now := time.Now()
	p, found, err := n.journal.Peer(n.ctx, a.peer)
	if err != nil {
		return err
	}
	if !found {
		p = journal.Peer{ID: a.peer, First: now, Via: a.via}
	}
	fresh := p.State != string(Trusted)
	p.State, p.Host, p.Called, p.Addr, p.Last = string(Trusted), true, a.name, a.addr, now
	if err := n.journal.SavePeer(n.ctx, p); err != nil {
		return err
	}
	if fresh {
		n.note(Event{Kind: EventPaired, Peer: a.peer, Name: a.name, Remote: a.rec.Remote, Reason: a.via}, nil)
	}
	return nil
}

// Peers lists the keys that this node has met, those that ask first, then the latest.
func (n *Node) Peers(ctx context.Context) ([]PeerStatus, error) {
	ps, err := n.journal.Peers(ctx)
	if err != nil {
		return nil, journalError(err)
	}
	links := map[string][]int64{}
	n.mu.Lock()
	for id, s := range n.sessions {
		links[s.peer] = append(links[s.peer], id)
	}
	n.mu.Unlock()
	out := make([]PeerStatus, 0, len(ps))
	for _, p := range ps {
		s := peerStatus(p)
		s.Links = links[p.ID]
		slices.Sort(s.Links)
		out = append(out, s)
	}
	rank := func(s PeerStatus) int {
		if s.State == Asking {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(out, func(a, b PeerStatus) int { return cmp.Or(rank(a)-rank(b), b.Last.Compare(a.Last)) })
	return out, nil
}

func peerStatus(p journal.Peer) PeerStatus {
	return PeerStatus{ID: p.ID, Name: p.Name, Called: p.Called, State: PeerState(p.State), Via: p.Via, Host: p.Host, Addr: p.Addr, Room: p.Room,
		First: p.First.UTC(), Last: p.Last.UTC()}
}

// peer finds a peer by its id, by the beginning of one that no other has, or by the name that it was given.
func (n *Node) peer(ctx context.Context, name string) (journal.Peer, error) {
	ps, err := n.journal.Peers(ctx)
	if err != nil {
		return journal.Peer{}, journalError(err)
	}
	var found []journal.Peer
	for _, p := range ps {
		if p.ID == name || p.Name == name && name != "" {
			return p, nil
		}
		if len(name) >= 8 && strings.HasPrefix(p.ID, strings.ToLower(name)) {
			found = append(found, p)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return journal.Peer{}, fail(CodeNotFound, nil, say("there is no peer %s", name), say("`tincan peers` lists them"))
	}
	return journal.Peer{}, usage("write more of the id", "%d peers begin with %s", len(found), name)
}

// SetPeer trusts, blocks or names a peer, by its id or its name. Blocking closes its links.
func (n *Node) SetPeer(ctx context.Context, name string, c PeerChange) (PeerStatus, error) {
	p, err := n.peer(ctx, name)
	if err != nil {
		id, bad := identity.ParseID(name)
		if bad != nil || c.State == nil {
			return PeerStatus{}, err
		}
		p = journal.Peer{ID: string(id), First: time.Now(), Last: time.Now()} // one that is known from elsewhere
	}
	if c.Name != nil {
		called := strings.TrimSpace(*c.Name)
		if other, err := n.peer(ctx, called); err == nil && called != "" && other.ID != p.ID {
			return PeerStatus{}, usage("choose another name", "%s is called %s already", other.ID, called)
		}
		if len(called) > 64 || strings.HasPrefix(called, "tc1") {
			return PeerStatus{}, usage("a name has at most 64 bytes and does not begin with tc1", "%q cannot be a name", called)
		}
		p.Name = called
	}
	paired := false
	if c.State != nil {
		switch *c.State {
		case Trusted:
			if paired = p.State != string(Trusted); paired {
				p.Via = "by hand"
				if p.State == string(Asking) {
					p.Via = "asked"
				}
			}
		case Blocked:
		default:
			return PeerStatus{}, usage(`say "trusted" or "blocked"`, "no state %q for a peer", *c.State)
		}
		p.State = string(*c.State)
	}
	if err := n.journal.SavePeer(ctx, p); err != nil {
		return PeerStatus{}, journalError(err)
	}
	if paired {
		n.note(Event{Kind: EventPaired, Peer: p.ID, Name: cmp.Or(p.Name, p.Called), Reason: p.Via}, nil)
	}
	if p.State == string(Blocked) {
		n.cut(p.ID, wire.CodeBlocked)
	}
	return peerStatus(p), nil
}

// Forget removes what is known of a peer, and closes its links. What was said stays.
func (n *Node) Forget(ctx context.Context, name string) error {
	p, err := n.peer(ctx, name)
	if err != nil {
		return err
	}
	if err := n.journal.ForgetPeer(ctx, p.ID); err != nil {
		return journalError(err)
	}
	n.cut(p.ID, wire.CodeUnknownKey)
	return nil
}

// cut closes the links with a peer and stops dialling it.
func (n *Node) cut(peer string, code wire.Code) {
	n.mu.Lock()
	var ss []*session
	for _, s := range n.sessions {
		if s.peer == peer {
			ss = append(ss, s)
		}
	}
	var ds []*dialler
	for _, r := range n.rooms {
		r.mu.Lock()
		if r.dial != nil && r.rec.Host == peer {
			ds = append(ds, r.dial)
		}
		r.mu.Unlock()
	}
	n.mu.Unlock()
	for _, d := range ds {
		d.cancel(errHungUp)
	}
	for _, s := range ss {
		s.close(wire.CloseBody{Code: code})
	}
}

// MakeTicket returns a new ticket for a native listener of this node.
func (n *Node) MakeTicket(ctx context.Context, t TicketRequest) (Ticket, error) {
	if t.Uses < 0 || t.Uses > 10_000 || t.Valid < 0 {
		return Ticket{}, usage("uses is 1 to 10000, and it is valid for a time such as 24h", "a ticket cannot be like that")
	}
	addr, room, err := n.ticketAddr(t.Addr)
	if err != nil {
		return Ticket{}, err
	}
	if t.Room != "" {
		if room = t.Room; !roomName(room) {
			return Ticket{}, usage("a room is one word, as in lobby", "the room %q cannot be read", room)
		}
	}
	secret := identity.NewSecret()
	hash := sha256.Sum256(secret)
	made := journal.Ticket{Hash: hash[:], Room: room, Made: time.Now(), Uses: max(t.Uses, 1)}
	made.Expires = made.Made.Add(cmp.Or(t.Valid, 24*time.Hour))
	if err := n.journal.AddTicket(ctx, made); err != nil {
		return Ticket{}, journalError(err)
	}
	out := ticketStatus(made)
	out.URL = identity.Ticket{Addr: addr, Room: room, Host: n.key.ID(), Secret: secret}.String()
	return out, nil
}

// ticketAddr is the address that a ticket names: the one that was asked for, or that of the newest native listener.
func (n *Node) ticketAddr(addr string) (hostport, room string, err error) {
	n.mu.Lock()
	var ls []*listener
	for _, l := range n.listeners {
		if l.admits() != "" {
			ls = append(ls, l)
		}
	}
	n.mu.Unlock()
	slices.SortFunc(ls, func(a, b *listener) int { return cmp.Or(len(b.id)-len(a.id), cmp.Compare(b.id, a.id)) })
	if addr != "" {
		a, err := parseAddress("tincan://"+strings.TrimPrefix(addr, "tincan://"), toDial)
		if err != nil {
			return "", "", err
		}
		for _, l := range ls {
			if l.addr.port == a.port && a.room == "" {
				a.room = l.addr.room
			}
		}
		return a.hostport(), a.room, nil
	}
	if len(ls) == 0 {
		return "", "", fail(CodeNotFound, nil, say("nothing listens here that could let a guest in"),
			say("listen first, or name the address that the guest is to dial: tincan ticket host:7000"))
	}
	l := ls[0]
	reach := l.status(0).Reach
	if len(reach) == 0 {
		return net.JoinHostPort("127.0.0.1", l.addr.port), l.addr.room, nil
	}
	return reach[0], l.addr.room, nil
}

// Tickets lists those that are not used up, without their secrets.
func (n *Node) Tickets(ctx context.Context) ([]Ticket, error) {
	ts, err := n.journal.Tickets(ctx)
	if err != nil {
		return nil, journalError(err)
	}
	out := make([]Ticket, len(ts))
	for i, t := range ts {
		out[i] = ticketStatus(t)
	}
	return out, nil
}

func ticketStatus(t journal.Ticket) Ticket {
	return Ticket{ID: ticketID(t), Room: t.Room, Made: t.Made.UTC(), Expires: t.Expires.UTC(), Uses: t.Uses, UsedBy: t.UsedBy}
}

// Revoke makes a ticket worthless.
func (n *Node) Revoke(ctx context.Context, id string) error {
	ts, err := n.journal.Tickets(ctx)
	if err != nil {
		return journalError(err)
	}
	for _, t := range ts {
		if ticketID(t) == id {
			return journalError(n.journal.DropTicket(ctx, t.Hash))
		}
	}
	return fail(CodeNotFound, nil, say("there is no ticket %s", id), say("`tincan ticket --list` lists them"))
}

// ticketID names a ticket without its secret.
func ticketID(t journal.Ticket) string { return hex.EncodeToString(t.Hash[:6]) }

// Gaps lists what is missing from a room.
func (n *Node) Gaps(ctx context.Context, name string) ([]Gap, error) {
	rec, err := n.findRoom(ctx, name)
	if err != nil {
		return nil, err
	}
	gs, err := n.journal.Gaps(ctx, rec.ID)
	if err != nil {
		return nil, journalError(err)
	}
	out := make([]Gap, len(gs))
	for i, g := range gs {
		out[i] = Gap{After: g.After, First: g.First, Last: g.Last, Reason: g.Reason, Time: g.Time.UTC()}
	}
	return out, nil
}

// Retention returns the bounds of a room.
func (n *Node) Retention(ctx context.Context, name string) (Retention, error) {
	rec, err := n.findRoom(ctx, name)
	if err != nil {
		return Retention{}, err
	}
	r, err := n.journal.Retention(ctx, rec.ID)
	return Retention{Messages: r.Messages, Bytes: r.Bytes, Age: r.Age}, journalError(err)
}

// SetRetention sets the bounds of a room; what is over is removed at once, and from then on as more comes.
func (n *Node) SetRetention(ctx context.Context, name string, r Retention) error {
	rec, err := n.findRoom(ctx, name)
	if err != nil {
		return err
	}
	if r.Messages < 0 || r.Bytes < 0 || r.Age < 0 {
		return usage("a bound is a number above 0; 0 bounds nothing", "a room cannot keep less than nothing")
	}
	if err := n.journal.SetRetention(ctx, rec.ID, journal.Retention{Messages: r.Messages, Bytes: r.Bytes, Age: r.Age}); err != nil {
		return journalError(err)
	}
	return journalError(n.journal.Trim(ctx, rec.ID))
}

// ownName is what this node calls itself.
func ownName() string {
	host, _ := os.Hostname()
	name := cmp.Or(os.Getenv("TINCAN_NAME"), os.Getenv("USER"), os.Getenv("USERNAME"), host, "tincan")
	return strings.ToValidUTF8(name[:min(len(name), 64)], "")
}
