package wire

import "encoding/binary"

// Header is one header of a message: what a program wants to say beside the body.
type Header struct{ Key, Value string }

// PublishBody is a PUBLISH: a message of the guest's outbox.
type PublishBody struct {
	Seq     int64
	Room    string
	Time    int64 // µs since 1970, the guest's clock; information only
	ID      string
	Type    string // media type
	Headers []Header
	Body    []byte
}

// Append appends the frame.
func (b *PublishBody) Append(dst []byte) []byte {
	start := len(dst)
	dst = binary.BigEndian.AppendUint64(begin(dst, Publish, 0), uint64(b.Seq))
	return finish(b.AppendRecord(dst), start)
}

// AppendRecord appends the message's record, which the outbox's chain is made over: the body behind seq.
func (b *PublishBody) AppendRecord(dst []byte) []byte {
	dst = short(dst, b.Room)
	dst = binary.BigEndian.AppendUint64(dst, uint64(b.Time))
	dst = headers(short(short(dst, b.ID), b.Type), b.Headers)
	return append(dst, b.Body...)
}

func headers(dst []byte, hs []Header) []byte {
	hs = hs[:min(len(hs), 255)]
	dst = append(dst, byte(len(hs)))
	for _, h := range hs {
		dst = long(short(dst, h.Key), h.Value)
	}
	return dst
}

func (r *reader) headers() (hs []Header) {
	for n := int(r.u8("headers")); n > 0 && r.bad == ""; n-- {
		hs = append(hs, Header{r.short("a header"), r.long("a header")})
	}
	return hs
}

// id is 1 to 128 bytes without control characters.
func (r *reader) id() string {
	id := r.short("id")
	if r.bad != "" {
		return id
	}
	if id == "" || len(id) > 128 {
		r.bad = "an id has 1 to 128 bytes"
	}
	for i := 0; i < len(id) && r.bad == ""; i++ {
		if id[i] < ' ' || id[i] == 0x7f {
			r.bad = "an id with control characters"
		}
	}
	return id
}

// ParsePublish reads a PUBLISH's body. Body aliases it.
func ParsePublish(flags uint8, body []byte) (b PublishBody, err error) {
	r := reader{b: body}
	r.flags(flags, 0)
	b.Seq, b.Room, b.Time = r.number("seq"), r.short("room"), r.number("time")
	b.ID, b.Type, b.Headers = r.id(), r.short("type"), r.headers()
	b.Body = r.body()
	return b, r.end()
}

func (r *reader) body() []byte {
	if len(r.b) > BodyLimit && r.bad == "" {
		r.bad = "the message is too large"
	}
	return r.rest()
}

const flagOwn = 1

// MessageBody is a MESSAGE of a room. An own one, to its author, has no Body on the wire.
type MessageBody struct {
	Stream  uint16
	Offset  int64
	Time    int64 // µs since 1970, the host's clock
	Sender  string
	Name    string // what the sender called itself then
	ID      string
	Type    string
	Headers []Header
	Body    []byte
	Own     bool
}

// Append appends the frame.
func (b *MessageBody) Append(dst []byte) []byte {
	start := len(dst)
	flags := uint8(0)
	if b.Own {
		flags = flagOwn
	}
	dst = binary.BigEndian.AppendUint16(begin(dst, Message, flags), b.Stream)
	dst = binary.BigEndian.AppendUint64(dst, uint64(b.Offset))
	return finish(b.AppendRecord(dst), start)
}

// AppendRecord appends the message's record, which the room's chain is made over: the body behind offset, always with
// the message's own body.
func (b *MessageBody) AppendRecord(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(b.Time))
	dst = short(short(short(short(dst, b.Sender), b.Name), b.ID), b.Type)
	return append(headers(dst, b.Headers), b.Body...)
}

// ParseMessage reads a MESSAGE's body. Body aliases it.
func ParseMessage(flags uint8, body []byte) (b MessageBody, err error) {
	r := reader{b: body}
	r.flags(flags, flagOwn)
	b.Own = flags&flagOwn != 0
	b.Stream, b.Offset, b.Time = r.u16("stream"), r.number("offset"), r.number("time")
	b.Sender, b.Name, b.ID, b.Type = r.short("sender"), r.short("name"), r.id(), r.short("type")
	b.Headers, b.Body = r.headers(), r.body()
	if b.Own && len(b.Body) > 0 && r.bad == "" {
		r.bad = "an own message with a body"
	}
	return b, r.end()
}
