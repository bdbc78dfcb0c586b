package wire

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"

	"tincan/codec"
)

// What a frame may have at most [PROTOCOL 4.2].
const (
	helloLimit     = 4 << 10
	closeLimit     = 256
	pairLimit      = 1 << 10
	messageLimit   = BodyLimit + 64<<10
	receiptLimit   = 512
	ephemeralLimit = 1 << 10
	skippedLimit   = 64 << 10
)

// Codec makes frames of a stream: a codec.Frame's Body is one whole frame, its header included. It begins in the
// greeting, in which little is allowed, and is told when the peer is admitted.
type Codec struct {
	open   atomic.Bool
	broken atomic.Uint32 // the close code of the last refusal
}

// NewCodec returns a codec in the greeting.
func NewCodec() *Codec { return new(Codec) }

// Open says that the peer is admitted.
func (c *Codec) Open() { c.open.Store(true) }

// Broken is the close code that what Decode refused last is answered with.
func (c *Codec) Broken() Code {
	if code := Code(c.broken.Load()); code != 0 {
		return code
	}
	return CodeMalformed
}

// Append appends a frame, which is whole already.
func (c *Codec) Append(dst []byte, f codec.Frame) ([]byte, error) { return append(dst, f.Body...), nil }

// Decode returns the first frame of src. A frame that is too large, or has no place in this phase, is refused when its
// header is there.
func (c *Codec) Decode(src []byte, _ *codec.Seen) (codec.Frame, int, error) {
	if len(src) < HeaderSize {
		return codec.Frame{}, 0, nil
	}
	t, n := Type(src[0]), int64(binary.BigEndian.Uint32(src[4:]))
	if src[2] != 0 || src[3] != 0 {
		return c.refuse(CodeMalformed, "the reserved bytes are not 0")
	}
	limit, code := c.limit(t)
	switch {
	case code == CodeUnsupported:
		return c.refuse(code, fmt.Sprintf("frame %02x is not known", byte(t)))
	case code != 0:
		return c.refuse(code, fmt.Sprintf("frame %02x has no place in the greeting", byte(t)))
	case n > limit:
		return c.refuse(CodeTooLarge, fmt.Sprintf("frame %02x has %d bytes, more than %d", byte(t), n, limit))
	case int64(len(src)) < HeaderSize+n:
		return codec.Frame{}, 0, nil
	}
	frame := src[:HeaderSize+n]
	return codec.Frame{Body: frame, Wire: frame}, len(frame), nil
}

func (c *Codec) refuse(code Code, why string) (codec.Frame, int, error) {
	c.broken.Store(uint32(code))
	kind := codec.Malformed
	if code == CodeTooLarge {
		kind = codec.TooLarge
	}
	return codec.Frame{}, 0, &codec.Error{Kind: kind, Codec: c.String(), Reason: why}
}

// limit is the largest body of a type in this phase; the code says why there is none.
func (c *Codec) limit(t Type) (limit int64, code Code) {
	open := c.open.Load()
	switch t {
	case Hello:
		return helloLimit, 0
	case Close:
		return closeLimit, 0
	case Pair:
		return pairLimit, 0
	case Join, Publish, Message, Ack, Ping, Pong, Want, Chunk:
		if !open {
			return 0, CodeMalformed
		}
	default:
		switch {
		case t < 0x80:
			return 0, CodeUnsupported
		case !open:
			return pairLimit, 0
		}
	}
	switch t {
	case Join:
		return helloLimit, 0
	case Publish, Message:
		return messageLimit, 0
	case Ack:
		return 32, 0
	case Ping, Pong:
		return 8, 0
	case Want, Chunk:
		return 256 << 10, 0
	case Receipt:
		return receiptLimit, 0
	case Ephemeral:
		return ephemeralLimit, 0
	}
	return skippedLimit, 0
}

// Progress says how much of the first frame has arrived.
func (c *Codec) Progress(src []byte) (have, want int) {
	if len(src) < HeaderSize {
		return len(src), 0
	}
	return len(src), HeaderSize + int(binary.BigEndian.Uint32(src[4:]))
}

// Limit is the largest frame.
func (c *Codec) Limit() int { return HeaderSize + messageLimit }

// String is the protocol's name.
func (c *Codec) String() string { return "tincan" }
