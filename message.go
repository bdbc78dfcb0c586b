package tincan

import (
	"context"
	"iter"
	"time"

	"tincan/internal/link"
)

// Message is one unit that a person or program sent, as the room's log keeps it.
type Message struct {
	Room   string    // the room's name
	Offset int64     // its number in the room: 1, 2, 3 …
	ID     string    // unique in the room; the sender's own where one was given
	From   string    // the peer that sent it, or Me
	Time   time.Time // when this node stored it
	Body   []byte    // the bytes, never altered
	Codec  string    // the codec that framed it
	Link   int64     // the link that carried it in; 0 for own messages
	Enc    string    // text encoding of the room when it was stored ("" is UTF-8)
	Name   string    // what a native sender called itself
	Type   string    // media type, where a native sender named one
	// Partial says that the stream ended before the message did.
	Partial bool
	// Replaced says that later messages of the room hold the same bytes under another codec.
	Replaced bool
}

// Me is the sender of this node's own messages.
const Me = "me"

// Receipt says how far a message got. See [Queued].
type Receipt string

// The states of an own message towards one peer, in the order in which they are reached. A message that is
// only Written is not delivered: the peer's TCP has not confirmed it.
const (
	Queued    Receipt = "queued"    // on this node's disk
	Written   Receipt = "written"   // handed to the kernel
	Reached   Receipt = "reached"   // every byte acknowledged by the peer's TCP
	Stored    Receipt = "stored"    // on the peer's disk (native peers only)
	Uncertain Receipt = "uncertain" // written to a link that died before the peer's TCP confirmed it
	Discarded Receipt = "discarded" // given up by the user
)

// Phase is where a link is in the life of a TCP connection.
type Phase string

// A link moves down this list and never up.
const (
	Connecting   Phase = "connecting"    // SYN sent, nothing back yet
	Established  Phase = "established"   // both directions open
	PeerFinished Phase = "peer finished" // the peer sent FIN: it says no more, it may still listen
	Closing      Phase = "closing"       // we close
	Closed       Phase = "closed"
)

// Status is a snapshot of a node: what it listens on, what it dials, its live links and its rooms.
type Status struct {
	Dir       string           `json:"dir"`
	Version   string           `json:"version"`
	PID       int              `json:"pid"`
	Started   time.Time        `json:"started"`
	Addresses []string         `json:"addresses"` // this machine's IP addresses, for the people who dial it
	Listeners []ListenerStatus `json:"listeners"`
	Links     []LinkStatus     `json:"links"` // live ones, oldest first
	Rooms     []RoomStatus     `json:"rooms"` // the latest 1,000 used, newest first
	Limits    Limits           `json:"limits"`
	Trouble   string           `json:"trouble,omitempty"` // why nothing more can be stored; empty when all is well
	ID        string           `json:"id"`                // this node's peer id
	Name      string           `json:"name"`              // what it calls itself
}

// ListenerStatus is one listening socket.
type ListenerStatus struct {
	ID      string   `json:"id"`
	Addr    string   `json:"addr"`            // host:port, the real port
	URL     string   `json:"url"`             // as it was asked for, with the real port
	Codec   string   `json:"codec"`           // "auto" until the peer's first bytes choose
	Room    string   `json:"room,omitempty"`  // the shared room, if any
	Reach   []string `json:"reach,omitempty"` // host:port that others can type
	Links   int      `json:"links"`           // live links it accepted
	Refused int64    `json:"refused"`         // connections it refused
	Admit   string   `json:"admit,omitempty"` // whom it lets in by TLS and key: "ticket", "ask" or "open"; empty: nobody
}

// RoomStatus is one room.
type RoomStatus struct {
	Name     string    `json:"name"`
	Last     int64     `json:"last"` // its newest message's offset; 0 when empty
	Updated  time.Time `json:"updated"`
	Shared   bool      `json:"shared,omitempty"`   // several links may sit in it
	Dialled  bool      `json:"dialled,omitempty"`  // this node dials (or dialled) its peer
	Encoding string    `json:"encoding,omitempty"` // text encoding; empty is UTF-8
	Codec    string    `json:"codec"`
	Links    []int64   `json:"links,omitempty"` // live links in it
	// Dial is what the dialler is doing; nil unless this node is dialling the room's address now.
	Dial *DialStatus `json:"dial,omitempty"`
	// Held counts own messages that were never written (Queued) or may or may not have arrived (Uncertain)
	// when the last link ended, and that wait for "send now" or "discard".
	Held *HeldStatus `json:"held,omitempty"`
	// Host is the peer id of the node that numbers this room; empty: this one, or a plain connection.
	Host string `json:"host,omitempty"`
	// Base is the last offset that was trimmed: what is kept begins behind it.
	Base int64 `json:"base,omitempty"`
	// Pending is what the host has not stored yet; nil when nothing is owed.
	Pending *PendingStatus `json:"pending,omitempty"`
	// Members are the native peers that keep this room, and how far each has stored it.
	Members []MemberStatus `json:"members,omitempty"`
}

// PendingStatus counts the messages that wait for a room's host.
type PendingStatus struct {
	Messages int64     `json:"messages"`
	Since    time.Time `json:"since"` // when the oldest was sent
}

// MemberStatus is a native peer in a room.
type MemberStatus struct {
	Peer   string `json:"peer"`
	Name   string `json:"name,omitempty"`
	Here   bool   `json:"here,omitempty"` // it has a live link
	Stored int64  `json:"stored"`         // it has stored everything up to here
}

// DialStatus is a dialled address.
type DialStatus struct {
	URL     string    `json:"url"`
	Phase   string    `json:"phase"` // "connecting", "connected", "waiting"
	Attempt int       `json:"attempt"`
	Retry   time.Time `json:"retry,omitzero"`   // when the next attempt starts, while waiting
	Reason  string    `json:"reason,omitempty"` // why the last attempt failed, in a word that does not change: "refused", "timed out", …
	Error   string    `json:"error,omitempty"`  // the same in a sentence
	Hint    string    `json:"hint,omitempty"`
}

// HeldStatus counts the messages that wait for a decision.
type HeldStatus struct {
	Queued    int64 `json:"queued"`
	Uncertain int64 `json:"uncertain"`
}

// LinkStatus is one live TCP connection with its codec, or the record of one that ended.
type LinkStatus struct {
	ID       int64     `json:"id"`
	Room     string    `json:"room"`
	Peer     string    `json:"peer"` // who is at the other end: tcp:host:port for plain links, tc1… for native ones
	Name     string    `json:"name,omitempty"`
	Local    string    `json:"local"`
	Remote   string    `json:"remote"`
	Codec    string    `json:"codec"`
	Choice   string    `json:"choice"` // how the codec was chosen: "address", "detected", "assumed", "by hand", "undecided"
	Dialled  bool      `json:"dialled,omitempty"`
	Listener string    `json:"listener,omitempty"`
	Phase    Phase     `json:"phase"`
	Since    time.Time `json:"since"`
	// HandshakeUS is how long the handshake took in µs: for a dialled link connect(2), for an accepted one the
	// time from SYN+ACK to ACK, as the kernel measured it; 0 (absent) where it is not known.
	HandshakeUS int64 `json:"handshake_us,omitempty"`
	Paused      bool  `json:"paused,omitempty"` // reading is paused by hand

	MessagesIn  int64 `json:"messages_in"`
	MessagesOut int64 `json:"messages_out"`
	BytesIn     int64 `json:"bytes_in"`
	BytesOut    int64 `json:"bytes_out"`

	// Have and Want are the half-arrived message: "37 of 120 bytes". Want is 0 when unknown.
	Have int `json:"have,omitempty"`
	Want int `json:"want,omitempty"`

	// SilenceMS is how long ago the last byte arrived.
	SilenceMS int64 `json:"silence_ms"`
	// TCP holds what the kernel says; a figure that this system does not offer is absent.
	TCP TCP `json:"tcp"`

	// Filled when Phase is Closed.
	Ended  time.Time `json:"ended,omitzero"`
	Reason string    `json:"reason,omitempty"` // "peer closed", "reset by peer", "timed out", "closed here", …
	Detail string    `json:"detail,omitempty"` // one sentence: who ended it and how
}

// TCP is what the kernel knows of a connection. Each figure is absent (nil) where the system has none.
type TCP = link.TCP

// Outgoing is a message to send.
type Outgoing struct {
	Room string
	// ID, if not empty, makes sending repeatable: an ID that the room has seen is accepted once, and a
	// repetition returns the first result. At most 128 bytes.
	ID   string
	Body []byte
}

// Talker is what the page, the terminal screen, the command line and programs are written against. A
// [*Node] is one, and so is the client of a node that already runs in another process.
type Talker interface {
	Doorkeeper
	// Listen returns once the socket is bound. Listening lasts until StopListening or the node's end.
	Listen(ctx context.Context, addr string) (ListenerStatus, error)
	// StopListening closes a listener by its ID; its links go on.
	StopListening(ctx context.Context, id string) error
	// Dial returns at once with the room of that address and keeps it connected until HangUp.
	Dial(ctx context.Context, addr string) (RoomStatus, error)
	// HangUp stops dialling a room's address and closes its links.
	HangUp(ctx context.Context, room string) error
	// Disconnect closes one link; a dialled address is then not dialled again until Redial.
	Disconnect(ctx context.Context, link int64) error
	// Redial dials a dialled room now: it ends the wait between attempts, or starts again after Disconnect.
	Redial(ctx context.Context, room string) error
	// SendMessage returns when the message is durable here.
	SendMessage(ctx context.Context, m Outgoing) (Message, error)
	// Held settles the messages of a room that wait for a decision: SendNow or Discard.
	Held(ctx context.Context, room string, d Decision) error
	// History returns up to limit messages of a room after an offset, oldest first. With a negative limit,
	// the -limit newest before the offset after (0: from the end), oldest first.
	History(ctx context.Context, room string, after int64, limit int) ([]Message, error)
	// Receipts returns how far own messages first..last of a room got, one value per peer and stretch.
	Receipts(ctx context.Context, room string, first, last int64) ([]ReceiptRange, error)
	// Links returns ended links, newest first: of one room, or of all when room is "".
	Links(ctx context.Context, room string, limit int) ([]LinkStatus, error)
	// Past returns the newest events of the journal, oldest first: all but messages and receipts, of one room, or of
	// all when room is "".
	Past(ctx context.Context, room string, limit int) ([]Event, error)
	// Reading pauses or resumes reading of a link, or reads one message while paused.
	Reading(ctx context.Context, link int64, r Reading) error
	// SetCodec changes the codec of a link from here on and decodes again what this link has received.
	SetCodec(ctx context.Context, link int64, codec string) error
	// SetEncoding changes how a room's bytes are read as text. The journal's bytes stay as they are.
	SetEncoding(ctx context.Context, room, encoding string) error
	// Status returns a snapshot.
	Status(ctx context.Context) (Status, error)
	// Events follows everything that happens from the moment of the call: links, listeners, messages and
	// receipts, each room's in order. A slow reader delays nobody and misses nothing.
	Events(ctx context.Context) iter.Seq2[Event, error]
}

// Decision settles held messages.
type Decision string

const (
	SendNow Decision = "send" // write them to the live link, or as soon as there is one
	Discard Decision = "discard"
)

// Reading is a change to how a link is read.
type Reading string

const (
	Pause   Reading = "pause"
	Resume  Reading = "resume"
	ReadOne Reading = "one"
)

// ReceiptRange says that own messages First..Last of a room have State towards Peer.
type ReceiptRange struct {
	First int64   `json:"first"`
	Last  int64   `json:"last"`
	Peer  string  `json:"peer"`
	State Receipt `json:"state"`
}

// Limits are the bounds of a node, each with its default in [DefaultLimits].
type Limits struct {
	Connections        int           `json:"connections"`          // accepted links at once
	ConnectionsPerHost int           `json:"connections_per_host"` // of these from one address
	WriteDeadline      time.Duration `json:"write_deadline_ns"`    // a peer that takes nothing for so long is not reading
	HalfOpen           time.Duration `json:"half_open_ns"`         // a link stays writable so long after the peer finished
	DialTimeout        time.Duration `json:"dial_timeout_ns"`
	RetryMin           time.Duration `json:"retry_min_ns"` // first wait between dial attempts; doubles, with jitter
	RetryMax           time.Duration `json:"retry_max_ns"`
	StorageRetry       time.Duration `json:"storage_retry_ns"` // when a guest comes again that could not be stored
	OutboxMessages     int64         `json:"outbox_messages"`  // that wait for one host
	OutboxBytes        int64         `json:"outbox_bytes"`     // of these, as they are
}

// DefaultLimits are the bounds of a node that [Open] returns.
var DefaultLimits = Limits{
	Connections: 4096, ConnectionsPerHost: 1024,
	WriteDeadline: 45 * time.Second, HalfOpen: 500 * time.Millisecond,
	DialTimeout: 10 * time.Second, RetryMin: 500 * time.Millisecond, RetryMax: 30 * time.Second,
	StorageRetry: 30 * time.Second, OutboxMessages: 100_000, OutboxBytes: 256 << 20,
}
