package wire

import "encoding/binary"

// Role says who sends a HELLO.
type Role uint8

// The roles: the guest dials, the host listens.
const (
	Guest Role = 1
	Host  Role = 2
)

// HelloBody is a HELLO. A guest's has Epoch, Base, Last and Chain of its outbox, Chain being that at Base; a host's
// has Epoch, N and Chain: what it has stored of this guest's outbox.
type HelloBody struct {
	Role       Role
	Version    uint16
	Features   uint32
	Window     uint32 // bytes that may be on their way to the sender of this
	Name       string // what it calls itself, at most 64 bytes
	Software   string
	Epoch      [16]byte
	Base, Last int64 // guest
	N          int64 // host
	Chain      [32]byte
}

// Append appends the frame.
func (b *HelloBody) Append(dst []byte) []byte {
	start := len(dst)
	dst = append(begin(dst, Hello, 0), byte(b.Role))
	dst = binary.BigEndian.AppendUint16(dst, b.Version)
	dst = binary.BigEndian.AppendUint32(dst, b.Features)
	dst = binary.BigEndian.AppendUint32(dst, b.Window)
	dst = short(short(dst, b.Name), b.Software)
	dst = append(dst, b.Epoch[:]...)
	if b.Role == Guest {
		dst = binary.BigEndian.AppendUint64(dst, uint64(b.Base))
		dst = binary.BigEndian.AppendUint64(dst, uint64(b.Last))
	} else {
		dst = binary.BigEndian.AppendUint64(dst, uint64(b.N))
	}
	return finish(append(dst, b.Chain[:]...), start)
}

// ParseHello reads a HELLO's body.
func ParseHello(flags uint8, body []byte) (b HelloBody, err error) {
	r := reader{b: body}
	r.flags(flags, 0)
	b.Role = Role(r.u8("role"))
	b.Version, b.Features, b.Window = r.u16("version"), r.u32("features"), r.u32("window")
	b.Name, b.Software = r.short("name"), r.short("software")
	copy(b.Epoch[:], r.take(16, "epoch"))
	switch {
	case b.Role == Guest:
		b.Base, b.Last = r.number("base"), r.number("last")
		if b.Base > b.Last && r.bad == "" {
			r.bad = "base is behind last"
		}
	case b.Role == Host:
		b.N = r.number("n")
	case r.bad == "":
		r.bad = "no such role"
	}
	copy(b.Chain[:], r.take(32, "chain"))
	if len(b.Name) > 64 && r.bad == "" {
		r.bad = "the name is longer than 64 bytes"
	}
	return b, r.end()
}

// From says from where on a guest wants to hear a room.
type From uint8

// Where a guest may begin.
const (
	FromPosition From = 0 // behind its own copy
	FromWhole    From = 1 // all that is kept
	FromLast     From = 2 // the last N
	FromNew      From = 3 // only what is new
)

const (
	flagJoined = 1
	flagFull   = 2
)

// JoinBody is a JOIN.
type JoinBody struct {
	Stream uint16
	Room   string // "" is the host's default room
	From   From
	Epoch  [16]byte
	N      int64
	Chain  [32]byte
	Full   bool // own messages come with their bodies
}

// Append appends the frame.
func (b *JoinBody) Append(dst []byte) []byte {
	start := len(dst)
	flags := uint8(0)
	if b.Full {
		flags = flagFull
	}
	dst = binary.BigEndian.AppendUint16(begin(dst, Join, flags), b.Stream)
	dst = append(short(dst, b.Room), byte(b.From))
	dst = append(dst, b.Epoch[:]...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(b.N))
	return finish(append(dst, b.Chain[:]...), start)
}

// ParseJoin reads a JOIN's body.
func ParseJoin(flags uint8, body []byte) (b JoinBody, err error) {
	r := reader{b: body}
	r.flags(flags, flagFull)
	b.Full = flags&flagFull != 0
	b.Stream, b.Room, b.From = r.u16("stream"), r.short("room"), From(r.u8("from"))
	copy(b.Epoch[:], r.take(16, "epoch"))
	b.N = r.number("n")
	copy(b.Chain[:], r.take(32, "chain"))
	if b.From > FromNew && r.bad == "" {
		r.bad = "no such start"
	}
	return b, r.end()
}

// Verdict is a host's answer to a JOIN.
type Verdict uint8

// The verdicts.
const (
	Resume  Verdict = 0 // the copy goes on where it ends
	Gap     Verdict = 1 // messages are missing before Base+1
	Fork    Verdict = 2 // the copy is not one of this room: it is read anew
	Refused Verdict = 3 // the guest may not be in the room; Title says why
)

// JoinedBody is a JOINED: the next message of the stream is Base+1, and Chain is that at Base.
type JoinedBody struct {
	Stream     uint16
	Verdict    Verdict
	Room       string
	Title      string
	Epoch      [16]byte
	Base, Last int64
	Chain      [32]byte
}

// Append appends the frame.
func (b *JoinedBody) Append(dst []byte) []byte {
	start := len(dst)
	dst = binary.BigEndian.AppendUint16(begin(dst, Join, flagJoined), b.Stream)
	dst = short(short(append(dst, byte(b.Verdict)), b.Room), b.Title)
	dst = append(dst, b.Epoch[:]...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(b.Base))
	dst = binary.BigEndian.AppendUint64(dst, uint64(b.Last))
	return finish(append(dst, b.Chain[:]...), start)
}

// ParseJoined reads a JOINED's body.
func ParseJoined(flags uint8, body []byte) (b JoinedBody, err error) {
	r := reader{b: body}
	if flags != flagJoined {
		r.bad = "a guest's JOIN"
	}
	b.Stream, b.Verdict = r.u16("stream"), Verdict(r.u8("verdict"))
	b.Room, b.Title = r.short("room"), r.short("title")
	copy(b.Epoch[:], r.take(16, "epoch"))
	b.Base, b.Last = r.number("base"), r.number("last")
	copy(b.Chain[:], r.take(32, "chain"))
	if b.Verdict > Refused && r.bad == "" {
		r.bad = "no such verdict"
	}
	return b, r.end()
}

// AckBody is an ACK: everything up to N is stored, and Window bytes beyond it are taken.
type AckBody struct {
	Stream uint16 // 0 is the outbox
	N      int64
	Window uint32
}

// Append appends the frame.
func (b *AckBody) Append(dst []byte) []byte {
	start := len(dst)
	dst = binary.BigEndian.AppendUint16(begin(dst, Ack, 0), b.Stream)
	dst = binary.BigEndian.AppendUint64(dst, uint64(b.N))
	return finish(binary.BigEndian.AppendUint32(dst, b.Window), start)
}

// ParseAck reads an ACK's body.
func ParseAck(flags uint8, body []byte) (b AckBody, err error) {
	r := reader{b: body}
	r.flags(flags, 0)
	b.Stream, b.N, b.Window = r.u16("stream"), r.number("n"), r.u32("window")
	return b, r.end()
}

// AppendPing appends a PING or PONG.
func AppendPing(dst []byte, t Type, data [8]byte) []byte {
	start := len(dst)
	return finish(append(begin(dst, t, 0), data[:]...), start)
}

// ParsePing reads the body of a PING or PONG.
func ParsePing(flags uint8, body []byte) (data [8]byte, err error) {
	r := reader{b: body}
	r.flags(flags, 0)
	copy(data[:], r.take(8, "the ping"))
	return data, r.end()
}

// CloseBody is a CLOSE.
type CloseBody struct {
	Code   Code
	Retry  uint32 // when to come again, in ms; 0: as the code says
	Reason string
}

// Append appends the frame.
func (b *CloseBody) Append(dst []byte) []byte {
	start := len(dst)
	dst = binary.BigEndian.AppendUint16(begin(dst, Close, 0), uint16(b.Code))
	dst = binary.BigEndian.AppendUint32(dst, b.Retry)
	return finish(short(dst, cut(b.Reason, 249)), start)
}

// ParseClose reads a CLOSE's body.
func ParseClose(flags uint8, body []byte) (b CloseBody, err error) {
	r := reader{b: body}
	r.flags(flags, 0)
	b.Code, b.Retry, b.Reason = Code(r.u16("code")), r.u32("retry"), r.short("reason")
	return b, r.end()
}

// PairBody is one step of showing that a key may come in.
type PairBody struct {
	Step uint8
	Data []byte
}

// The steps [PROTOCOL 6].
const (
	StepTicket  = 1  // guest → host: the ticket's secret
	StepStart   = 16 // guest → host
	StepAnswer  = 17 // host → guest
	StepConfirm = 18 // guest → host
)

// Append appends the frame.
func (b *PairBody) Append(dst []byte) []byte {
	start := len(dst)
	return finish(append(append(begin(dst, Pair, 0), b.Step), b.Data...), start)
}

// ParsePair reads a PAIR's body. Data aliases it.
func ParsePair(flags uint8, body []byte) (b PairBody, err error) {
	r := reader{b: body}
	r.flags(flags, 0)
	b.Step, b.Data = r.u8("step"), r.rest()
	return b, r.end()
}

// ReceiptBody is a RECEIPT: a member has stored the room up to N.
type ReceiptBody struct {
	Stream uint16
	N      int64
	Member string
}

// Append appends the frame.
func (b *ReceiptBody) Append(dst []byte) []byte {
	start := len(dst)
	dst = binary.BigEndian.AppendUint16(begin(dst, Receipt, 0), b.Stream)
	dst = binary.BigEndian.AppendUint64(dst, uint64(b.N))
	return finish(short(dst, b.Member), start)
}

// ParseReceipt reads a RECEIPT's body.
func ParseReceipt(flags uint8, body []byte) (b ReceiptBody, err error) {
	r := reader{b: body}
	r.flags(flags, 0)
	b.Stream, b.N, b.Member = r.u16("stream"), r.number("n"), r.short("member")
	return b, r.end()
}

// Presence is what an EPHEMERAL says of a member.
type Presence uint8

// The kinds of EPHEMERAL.
const (
	Here Presence = 1
	Gone Presence = 2
)

// EphemeralBody is an EPHEMERAL: who is here. It is not kept, and may be lost.
type EphemeralBody struct {
	Stream uint16
	Kind   Presence
	Member string
	Name   string
}

// Append appends the frame.
func (b *EphemeralBody) Append(dst []byte) []byte {
	start := len(dst)
	dst = binary.BigEndian.AppendUint16(begin(dst, Ephemeral, 0), b.Stream)
	return finish(short(short(append(dst, byte(b.Kind)), b.Member), b.Name), start)
}

// ParseEphemeral reads an EPHEMERAL's body.
func ParseEphemeral(flags uint8, body []byte) (b EphemeralBody, err error) {
	r := reader{b: body}
	r.flags(flags, 0)
	b.Stream, b.Kind, b.Member, b.Name = r.u16("stream"), Presence(r.u8("kind")), r.short("member"), r.short("name")
	return b, r.end()
}

// cut shortens a text to n bytes without splitting a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}
