// Package wire is the frames of the native protocol: bytes to values and back. docs/PROTOCOL.md is what it implements.
//
// It does no I/O, keeps no state but the phase of a [Codec], and knows nothing of what frames mean for each other.
package wire

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"
)

// Version is the version of the protocol.
const Version = 1

// Type is the first byte of a frame.
type Type uint8

// The types of frame [PROTOCOL 4]. A type of 0x80 or more that is not known is skipped.
const (
	Hello     Type = 0x01
	Join      Type = 0x02 // JOIN from a guest, JOINED from a host
	Publish   Type = 0x03
	Message   Type = 0x04
	Ack       Type = 0x05
	Ping      Type = 0x06
	Pong      Type = 0x07
	Close     Type = 0x08
	Pair      Type = 0x09
	Want      Type = 0x0a // reserved
	Chunk     Type = 0x0b // reserved
	Receipt   Type = 0x80
	Ephemeral Type = 0x81
)

// HeaderSize is how many bytes stand before a frame's body.
const HeaderSize = 8

// BodyLimit is the largest body of a message, in bytes.
const BodyLimit = 1 << 20

// Error says why a frame is none, and the close code that it is answered with.
type Error struct {
	Code   Code
	Reason string
}

func (e *Error) Error() string { return e.Code.String() + ": " + e.Reason }

func malformed(format string, args ...any) *Error {
	return &Error{CodeMalformed, fmt.Sprintf(format, args...)}
}

// Split takes a whole frame apart. body aliases it.
func Split(frame []byte) (t Type, flags uint8, body []byte) {
	return Type(frame[0]), frame[1], frame[HeaderSize:]
}

// begin appends a header whose length is filled in by finish.
func begin(dst []byte, t Type, flags uint8) []byte {
	return append(dst, byte(t), flags, 0, 0, 0, 0, 0, 0)
}

// finish fills in the length of the frame that began at start.
func finish(dst []byte, start int) []byte {
	binary.BigEndian.PutUint32(dst[start+4:], uint32(len(dst)-start-HeaderSize))
	return dst
}

// short appends a length of one byte and the text, which must fit.
func short(dst []byte, s string) []byte {
	s = s[:min(len(s), 255)]
	return append(append(dst, byte(len(s))), s...)
}

// long appends a length of two bytes and the text, which must fit.
func long(dst []byte, s string) []byte {
	s = s[:min(len(s), 1<<16-1)]
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(s))), s...)
}

// reader takes fields off a body. After the first field that is not there everything is zero and bad is set.
type reader struct {
	b   []byte
	bad string
}

func (r *reader) take(n int, what string) []byte {
	if r.bad != "" || len(r.b) < n {
		if r.bad == "" {
			r.bad = "the body ends in " + what
		}
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) u8(what string) uint8 {
	if b := r.take(1, what); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u16(what string) uint16 {
	if b := r.take(2, what); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) u32(what string) uint32 {
	if b := r.take(4, what); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// number is a u64 that counts messages or microseconds: never negative.
func (r *reader) number(what string) int64 {
	b := r.take(8, what)
	if b == nil {
		return 0
	}
	n := int64(binary.BigEndian.Uint64(b))
	if n < 0 && r.bad == "" {
		r.bad = what + " is too large"
	}
	return n
}

func (r *reader) text(n int, what string) string {
	b := r.take(n, what)
	if !utf8.Valid(b) && r.bad == "" {
		r.bad = what + " is not UTF-8"
	}
	return string(b)
}

func (r *reader) short(what string) string { return r.text(int(r.u8(what)), what) }
func (r *reader) long(what string) string  { return r.text(int(r.u16(what)), what) }

func (r *reader) rest() []byte {
	out := r.b
	r.b = nil
	return out
}

// end is the error of the body, if it has one.
func (r *reader) end() error {
	if r.bad == "" && len(r.b) > 0 {
		r.bad = fmt.Sprintf("%d bytes too many", len(r.b))
	}
	if r.bad != "" {
		return malformed("%s", r.bad)
	}
	return nil
}

// flags checks that no bit is set but those that are known.
func (r *reader) flags(got, known uint8) {
	if got&^known != 0 {
		r.bad = fmt.Sprintf("unknown flags %02x", got&^known)
	}
}
