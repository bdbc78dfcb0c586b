// Package stream is the delivery rules of docs/PROTOCOL.md: the two ends of one numbered stream, as pure state machines.
//
// The sender's disk holds an append-only sequence 1, 2, 3 …; the receiver's disk holds a prefix of it. How long that
// prefix is is the one number that everything is made of: acknowledgements, resuming, removing duplicates, flow control
// and receipts.
//
// There is no I/O here, no clock and no goroutine. A [Sender] and a [Receiver] live as long as one link; what outlives
// it is on disk and comes in through NewSender and NewReceiver.
package stream

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// Epoch names one life of a stream. It is chosen at random.
type Epoch = [16]byte

// Chain is what a stream says up to a number: the hash of everything before it.
type Chain = [32]byte

// Next is the chain at n, from that at n-1 and the record n: SHA-256(chain ‖ n ‖ SHA-256(record)).
func Next(c Chain, n int64, record []byte) Chain {
	var b [32 + 8 + 32]byte
	copy(b[:], c[:])
	binary.BigEndian.PutUint64(b[32:], uint64(n))
	h := sha256.Sum256(record)
	copy(b[40:], h[:])
	return sha256.Sum256(b[:])
}

// Position is how far a receiver's disk is.
type Position struct {
	Epoch Epoch
	N     int64
	Chain Chain
}

// ProtocolError says which rule the other side broke.
type ProtocolError struct {
	Code int // the close code
	text string
}

func (e *ProtocolError) Error() string { return e.text }

// Verdict is what a sender finds when it compares a receiver's position with what it has.
type Verdict int

// The verdicts of rule S5.
const (
	Resume Verdict = iota // the receiver has a prefix: go on behind it
	Gap                   // what the receiver lacks first is not kept any more: go on behind the base
	Fork                  // the receiver has what this sender does not: begin a new epoch
)

// Sender is the end of a stream that has the messages.
type Sender struct {
	epoch               Epoch
	base, last, handled int64 // discarded up to base; durable up to last; the receiver has up to handled
	next                int64 // to be sent
	window              int   // bytes that may be on their way
	flying              int   // bytes that are
	sizes               []int // of what is on its way, from handled+1 on
	greeted             bool
}

// NewSender takes up a stream where the disk has it. Nothing is sent before Greet or Start.
func NewSender(epoch Epoch, base, last, handled int64) *Sender {
	return &Sender{epoch: epoch, base: base, last: last, handled: max(handled, base), next: max(handled, base) + 1}
}

// Greet compares the receiver's position with the stream [PROTOCOL S5]. chainAt gives the chain at a number; it is not
// known below the base. After Resume and Gap the stream is ready to be sent; after Fork this sender is of no use: the
// stream begins a new epoch.
func (s *Sender) Greet(p Position, chainAt func(n int64) (Chain, bool)) Verdict {
	switch {
	case p.N >= s.base && p.N <= s.last && s.has(p, chainAt):
		s.Start(p.N) // handled may go down: the receiver's disk is the authority
		return Resume
	case p.Epoch == s.epoch && p.N >= s.base:
		return Fork
	}
	s.Start(s.base)
	if p.Epoch != s.epoch && s.base == 0 {
		return Resume // a receiver that has nothing of this stream, and loses nothing
	}
	return Gap
}

// has says that the stream says up to p.N what the receiver holds. Equal chains are equal contents, whatever the
// epoch; an empty prefix of another epoch is one of this.
func (s *Sender) has(p Position, chainAt func(n int64) (Chain, bool)) bool {
	c, known := chainAt(p.N)
	return known && c == p.Chain
}

// Start sets the stream to go on behind n, which the receiver has.
func (s *Sender) Start(n int64) {
	s.handled, s.next, s.flying, s.sizes, s.greeted = n, n+1, 0, s.sizes[:0], true
}

// Window sets how many bytes may be on their way.
func (s *Sender) Window(bytes int) { s.window = bytes }

// Appended says that the stream is durable up to last: only that is sent [PROTOCOL S2].
func (s *Sender) Appended(last int64) { s.last = max(s.last, last) }

// Next returns the number to be sent next and how many bytes may be sent from there [PROTOCOL S3]; 0 when nothing may. At
// least one message may always be on its way, however large.
func (s *Sender) Next() (n int64, bytes int) {
	if !s.greeted || s.next > s.last {
		return s.next, 0
	}
	if len(s.sizes) == 0 {
		return s.next, max(s.window, 1)
	}
	return s.next, max(s.window-s.flying, 0)
}

// Fits says that a message of so many bytes may be sent after those that are on their way.
func (s *Sender) Fits(bytes int) bool { return len(s.sizes) == 0 || s.flying+bytes <= s.window }

// Sent notes that the message n, which was next, is handed to the link with so many bytes.
func (s *Sender) Sent(n int64, bytes int) {
	s.next = n + 1
	s.flying += bytes
	s.sizes = append(s.sizes, bytes)
}

// Ack takes an acknowledgement: the receiver has stored everything up to n [PROTOCOL S6]. window is how much it takes
// beyond that.
func (s *Sender) Ack(n int64, window int) error {
	if !s.greeted || n >= s.next {
		return &ProtocolError{104, fmt.Sprintf("message %d is acknowledged and was not sent", n)}
	}
	if n > s.handled {
		done := int(n - s.handled)
		for _, b := range s.sizes[:done] {
			s.flying -= b
		}
		s.sizes = s.sizes[:copy(s.sizes, s.sizes[done:])]
		s.handled = n
	}
	s.window = window
	return nil
}

// Handled is how far the receiver has stored the stream.
func (s *Sender) Handled() int64 { return s.handled }

// MayDiscard returns up to where messages may be thrown away: only what the receiver has, and nothing before it has
// told its position on this link [PROTOCOL S4].
func (s *Sender) MayDiscard() int64 {
	if !s.greeted {
		return s.base
	}
	return s.handled
}

// Receiver is the end of a stream that stores it.
type Receiver struct {
	start  Position
	next   int64 // the number that comes next
	stored int64
}

// NewReceiver takes up a stream behind the position that the disk has.
func NewReceiver(p Position) *Receiver { return &Receiver{start: p, next: p.N + 1, stored: p.N} }

// Epoch is the stream's.
func (r *Receiver) Epoch() Epoch { return r.start.Epoch }

// Start is the position that the receiver began at.
func (r *Receiver) Start() Position { return r.start }

// Accept looks at the number of a message that arrived [PROTOCOL R1]. fresh is false for one that is here already, which
// is to be ignored. A number that leaves others out is an error: on one TCP connection nothing gets lost.
func (r *Receiver) Accept(n int64) (fresh bool, err error) {
	switch {
	case n == r.next:
		r.next++
		return true, nil
	case n < r.next && n > 0:
		return false, nil
	}
	return false, &ProtocolError{103, fmt.Sprintf("message %d came, %d was next", n, r.next)}
}

// Stored says that everything up to n is committed and synced. Only then may it be acknowledged [PROTOCOL R2].
func (r *Receiver) Stored(n int64) { r.stored = max(r.stored, n) }

// Acked is the number to acknowledge.
func (r *Receiver) Acked() int64 { return r.stored }

// Pending says how many messages were accepted and are not stored yet.
func (r *Receiver) Pending() int64 { return r.next - 1 - r.stored }
