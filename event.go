package tincan

import (
	"time"
)

// EventKind names what happened. The names are part of the contract for scripts.
type EventKind string

const (
	EventListening    EventKind = "listening"    // a listener is bound: Addr, Listener
	EventStopped      EventKind = "stopped"      // a listener is closed: Addr, Listener, Reason
	EventConnecting   EventKind = "connecting"   // a dial attempt starts: Addr, Room, Attempt
	EventConnected    EventKind = "connected"    // a link is up: Link, Room, Peer, Local, Remote, Codec, HandshakeUS
	EventFinished     EventKind = "finished"     // the peer finished sending (FIN): Link, Room, Peer
	EventCodec        EventKind = "codec"        // a link's codec was chosen or changed: Link, Room, Codec, Choice
	EventMessage      EventKind = "message"      // a message was stored: Message
	EventReceipt      EventKind = "receipt"      // an own message got further: Room, ID, Offset, State, Peer
	EventDisconnected EventKind = "disconnected" // a link or a dial attempt ended: Link, Room, Reason, Detail, Code, RetryInMS
	EventHeld         EventKind = "held"         // messages wait for a decision: Room, Held
	EventRefused      EventKind = "refused"      // a listener refused a connection: Addr, Remote, Reason
	EventError        EventKind = "error"        // Error, Hint
	EventAsking       EventKind = "asking"       // an unknown key wants to come in: Peer, Name, Remote, Listener, Hint
	EventPaired       EventKind = "paired"       // a key is trusted from now on: Peer, Name, Reason (how)
	EventGap          EventKind = "gap"          // messages of a room are missing: Room, Offset (the first), Detail
)

// Event is one thing that happened. Only the fields that its Kind names are set.
type Event struct {
	Kind     EventKind
	Time     time.Time
	Addr     string
	Listener string
	Room     string
	Link     int64
	Peer     string
	Name     string // of Peer
	Local    string
	Remote   string
	Codec    string
	Choice   string
	Attempt  int
	// HandshakeUS is how long the handshake took; see [LinkStatus].
	HandshakeUS int64
	Message     *Message // EventMessage
	ID          string   // EventReceipt: the message's
	Offset      int64    // EventReceipt: the message's
	State       Receipt  // EventReceipt
	Reason      string   // short and stable: "peer closed"
	Detail      string   // a sentence: who ended it and how, how long it lasted, bytes each way
	Code        int      // the close code, 0 for plain links that ended in order
	RetryInMS   *int64   // EventDisconnected: when it is dialled again; nil: not
	Held        *HeldStatus
	Error       string
	Hint        string
}
