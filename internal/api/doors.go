package api

import (
	"context"
	"time"

	"tincan"
)

// The calls that decide who may talk; see [tincan.Doorkeeper].

func init() {
	for name, v := range map[string]verb{
		"ticket":  (*Server).ticket,
		"tickets": (*Server).tickets,
		"revoke":  (*Server).revoke,
		"code":    (*Server).code,
		"peers":   (*Server).peers,
		"peer":    (*Server).peer,
		"forget":  (*Server).forget,
		"pending": (*Server).pending,
		"gaps":    (*Server).gaps,
		"keep":    (*Server).keep,
		"kept":    (*Server).kept,
	} {
		verbs[name] = v
	}
}

// ticketAnswer is a ticket with its QR code, whose rows are "1" for black and "0" for white.
type ticketAnswer struct {
	tincan.Ticket
	QR []string `json:"qr,omitempty"`
}

type (
	ticketsAnswer struct {
		Tickets []tincan.Ticket `json:"tickets"`
	}
	peersAnswer struct {
		Peers []tincan.PeerStatus `json:"peers"`
	}
	gapsAnswer struct {
		Gaps []tincan.Gap `json:"gaps"`
	}
)

func (s *Server) ticket(ctx context.Context, body []byte) (any, error) {
	var r tincan.TicketRequest
	var seconds int64
	if err := read(body, may("addr", &r.Addr), may("room", &r.Room), may("uses", &r.Uses), may("valid_s", &seconds)); err != nil {
		return nil, err
	}
	r.Valid = time.Duration(seconds) * time.Second
	t, err := s.talker.MakeTicket(ctx, r)
	if err != nil {
		return nil, err
	}
	return ticketAnswer{t, tincan.QRModules(t.URL)}, nil
}

func (s *Server) tickets(ctx context.Context, body []byte) (any, error) {
	if err := read(body); err != nil {
		return nil, err
	}
	ts, err := s.talker.Tickets(ctx)
	return ticketsAnswer{list(ts)}, err
}

func (s *Server) revoke(ctx context.Context, body []byte) (any, error) {
	var id string
	if err := read(body, need("ticket", &id)); err != nil {
		return nil, err
	}
	return done{}, s.talker.Revoke(ctx, id)
}

func (s *Server) code(ctx context.Context, body []byte) (any, error) {
	var room string
	if err := read(body, may("room", &room)); err != nil {
		return nil, err
	}
	return s.talker.MakeCode(ctx, room)
}

func (s *Server) peers(ctx context.Context, body []byte) (any, error) {
	if err := read(body); err != nil {
		return nil, err
	}
	ps, err := s.talker.Peers(ctx)
	return peersAnswer{list(ps)}, err
}

func (s *Server) peer(ctx context.Context, body []byte) (any, error) {
	var peer string
	var c tincan.PeerChange
	var state *string
	if err := read(body, need("peer", &peer), may("name", &c.Name), may("state", &state)); err != nil {
		return nil, err
	}
	if state != nil {
		to := tincan.PeerState(*state)
		c.State = &to
	}
	return s.talker.SetPeer(ctx, peer, c)
}

func (s *Server) forget(ctx context.Context, body []byte) (any, error) {
	var peer string
	if err := read(body, need("peer", &peer)); err != nil {
		return nil, err
	}
	return done{}, s.talker.Forget(ctx, peer)
}

func (s *Server) pending(ctx context.Context, body []byte) (any, error) {
	var room string
	limit := defaultLimit
	if err := read(body, need("room", &room), may("limit", &limit)); err != nil {
		return nil, err
	}
	ms, err := s.talker.Pending(ctx, room, limit)
	return historyAnswer{list(ms)}, err
}

func (s *Server) gaps(ctx context.Context, body []byte) (any, error) {
	var room string
	if err := read(body, need("room", &room)); err != nil {
		return nil, err
	}
	gs, err := s.talker.Gaps(ctx, room)
	return gapsAnswer{list(gs)}, err
}

func (s *Server) keep(ctx context.Context, body []byte) (any, error) {
	var room string
	var r tincan.Retention
	var seconds int64
	if err := read(body, need("room", &room), may("messages", &r.Messages), may("bytes", &r.Bytes), may("age_s", &seconds)); err != nil {
		return nil, err
	}
	r.Age = time.Duration(seconds) * time.Second
	return done{}, s.talker.SetRetention(ctx, room, r)
}

func (s *Server) kept(ctx context.Context, body []byte) (any, error) {
	var room string
	if err := read(body, need("room", &room)); err != nil {
		return nil, err
	}
	return s.talker.Retention(ctx, room)
}

// MakeTicket implements [tincan.Talker].
func (c *Client) MakeTicket(ctx context.Context, t tincan.TicketRequest) (tincan.Ticket, error) {
	a, err := ask[ticketAnswer](ctx, c, "ticket", object{"addr": t.Addr, "room": t.Room, "uses": t.Uses, "valid_s": int64(t.Valid / time.Second)})
	return a.Ticket, err
}

// Tickets implements [tincan.Talker].
func (c *Client) Tickets(ctx context.Context) ([]tincan.Ticket, error) {
	a, err := ask[ticketsAnswer](ctx, c, "tickets", object{})
	return a.Tickets, err
}

// Revoke implements [tincan.Talker].
func (c *Client) Revoke(ctx context.Context, id string) error {
	return c.tell(ctx, "revoke", object{"ticket": id})
}

// MakeCode implements [tincan.Talker].
func (c *Client) MakeCode(ctx context.Context, room string) (tincan.PairingCode, error) {
	return ask[tincan.PairingCode](ctx, c, "code", object{"room": room})
}

// Peers implements [tincan.Talker].
func (c *Client) Peers(ctx context.Context) ([]tincan.PeerStatus, error) {
	a, err := ask[peersAnswer](ctx, c, "peers", object{})
	return a.Peers, err
}

// SetPeer implements [tincan.Talker].
func (c *Client) SetPeer(ctx context.Context, peer string, ch tincan.PeerChange) (tincan.PeerStatus, error) {
	in := object{"peer": peer}
	if ch.Name != nil {
		in["name"] = *ch.Name
	}
	if ch.State != nil {
		in["state"] = string(*ch.State)
	}
	return ask[tincan.PeerStatus](ctx, c, "peer", in)
}

// Forget implements [tincan.Talker].
func (c *Client) Forget(ctx context.Context, peer string) error {
	return c.tell(ctx, "forget", object{"peer": peer})
}

// Pending implements [tincan.Talker].
func (c *Client) Pending(ctx context.Context, room string, limit int) ([]tincan.Message, error) {
	a, err := ask[historyAnswer](ctx, c, "pending", object{"room": room, "limit": limit})
	return a.Messages, err
}

// Gaps implements [tincan.Talker].
func (c *Client) Gaps(ctx context.Context, room string) ([]tincan.Gap, error) {
	a, err := ask[gapsAnswer](ctx, c, "gaps", object{"room": room})
	return a.Gaps, err
}

// Retention implements [tincan.Talker].
func (c *Client) Retention(ctx context.Context, room string) (tincan.Retention, error) {
	return ask[tincan.Retention](ctx, c, "kept", object{"room": room})
}

// SetRetention implements [tincan.Talker].
func (c *Client) SetRetention(ctx context.Context, room string, r tincan.Retention) error {
	return c.tell(ctx, "keep", object{"room": room, "messages": r.Messages, "bytes": r.Bytes, "age_s": int64(r.Age / time.Second)})
}
