package tincan

import (
	"context"
	"time"
)

// PeerState says what a key may do here.
type PeerState string

// The states of a peer. Only a trusted one may join rooms; one that is seen was let in by an open listener, for as
// long as that is open.
const (
	Trusted PeerState = "trusted"
	Blocked PeerState = "blocked"
	Asking  PeerState = "asking" // it dialled a listener with ?admit=ask and waits for an answer
	Seen    PeerState = "seen"
)

// PeerStatus is a key that this node has met.
type PeerStatus struct {
	ID     string    `json:"id"`               // tc1…
	Name   string    `json:"name,omitempty"`   // the name that was given to it here
	Called string    `json:"called,omitempty"` // what it calls itself; anybody may call himself anything
	State  PeerState `json:"state"`
	Via    string    `json:"via,omitempty"`  // how it came to be known: "ticket", "code", "asked", "open", "first use", "by hand"
	Host   bool      `json:"host,omitempty"` // this node dials it; else it dials this node
	Addr   string    `json:"addr,omitempty"` // where it was last
	Room   string    `json:"room,omitempty"` // the only room it may join; empty: every shared one
	First  time.Time `json:"first"`
	Last   time.Time `json:"last"`
	Links  []int64   `json:"links,omitempty"` // live links with it
}

// PeerChange is a change to what is known of a peer; what is nil stays.
type PeerChange struct {
	Name  *string
	State *PeerState // Trusted or Blocked
}

// TicketRequest says what a ticket is for.
type TicketRequest struct {
	Addr  string        // host:port that the guest is to dial; "" takes a native listener's
	Room  string        // the room that it opens; "" is the listener's
	Uses  int           // how many keys it lets in; 0 is one
	Valid time.Duration // 0 is one day
}

// Ticket is one line that lets a guest in: `tincan dial` takes its URL as it is. Whoever has it can come in its
// owner's place until it is used up, so it is as secret as a password.
type Ticket struct {
	ID      string    `json:"id"`
	URL     string    `json:"url,omitempty"` // only when it is made: the secret is not kept
	Room    string    `json:"room,omitempty"`
	Made    time.Time `json:"made"`
	Expires time.Time `json:"expires"`
	Uses    int       `json:"uses"`              // how many keys it still lets in
	UsedBy  string    `json:"used_by,omitempty"` // the last key that it let in
}

// PairingCode is a short code to say aloud: `tincan dial host:port --code CODE` pairs two nodes without a ticket. It
// is gone after one use, three wrong tries or five minutes.
type PairingCode struct {
	Code    string    `json:"code"`
	Room    string    `json:"room,omitempty"`
	Expires time.Time `json:"expires"`
}

// Retention bounds what a room keeps; a zero field bounds nothing. What is over it is removed, oldest first, and
// members that had not read it are told of the gap.
type Retention struct {
	Messages int64         `json:"messages,omitempty"`
	Bytes    int64         `json:"bytes,omitempty"`
	Age      time.Duration `json:"age_ns,omitempty"`
}

// Gap is a stretch of a room that is not here, and why: nothing is missing silently.
type Gap struct {
	After  int64     `json:"after"` // it stands behind this message
	First  int64     `json:"first"` // the missing messages
	Last   int64     `json:"last"`
	Reason string    `json:"reason"` // "trimmed", "restored", …
	Time   time.Time `json:"time"`
}

// Doorkeeper is the part of a [Talker] that decides who may talk, and how much is kept of it.
type Doorkeeper interface {
	// MakeTicket returns a new ticket.
	MakeTicket(ctx context.Context, t TicketRequest) (Ticket, error)
	// Tickets lists those that are not used up, without their secrets.
	Tickets(ctx context.Context) ([]Ticket, error)
	// Revoke makes a ticket worthless.
	Revoke(ctx context.Context, id string) error
	// MakeCode returns a new pairing code; an earlier one is burned.
	MakeCode(ctx context.Context, room string) (PairingCode, error)
	// Peers lists the keys that this node has met, those that ask first, then the latest.
	Peers(ctx context.Context) ([]PeerStatus, error)
	// SetPeer trusts, blocks or names a peer, by its id or its name. Blocking closes its links.
	SetPeer(ctx context.Context, peer string, c PeerChange) (PeerStatus, error)
	// Forget removes what is known of a peer, and closes its links. What was said stays.
	Forget(ctx context.Context, peer string) error
	// Pending returns messages of this node that the room's host has not numbered yet, oldest first: the newest limit.
	Pending(ctx context.Context, room string, limit int) ([]Message, error)
	// Gaps lists what is missing from a room.
	Gaps(ctx context.Context, room string) ([]Gap, error)
	// Retention returns the bounds of a room.
	Retention(ctx context.Context, room string) (Retention, error)
	// SetRetention sets them; what is over is removed at once.
	SetRetention(ctx context.Context, room string, r Retention) error
}
