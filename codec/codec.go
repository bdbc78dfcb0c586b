// Package codec turns messages into bytes and bytes into messages.
//
// A codec is a pure value: it does no I/O, keeps no state between calls and may be used by many links at
// once. Everything that needs a clock or a socket (the silence that ends a frame of a [Quiet] codec, the end of the
// stream) is decided by the link. Text encodings are not codecs: a
// codec moves bytes, package tincan decides how they read.
package codec

import (
	"fmt"
	"time"
)

// Frame is one unit on the wire, as a codec sees it.
type Frame struct {
	// Body is what the message says. From Decode it may alias src, so it is valid only as long as src is.
	Body []byte
	// Wire is every byte of src that the frame took, its framing included; it aliases src.
	// The frames of one stream, Wire after Wire, are that stream. Append ignores it.
	Wire []byte
	// Partial says that the stream ended (or a limit was met) before the frame did: Body is all that came.
	Partial bool
}

// Codec is one way to put messages on a byte stream. Methods are safe for concurrent use.
type Codec interface {
	// Append appends the encoding of f.Body to dst. It fails with an [*Error] when the codec cannot say
	// this body (a line that contains a line end, a body of the wrong fixed size, one over the limit), and
	// then returns dst as it was.
	Append(dst []byte, f Frame) ([]byte, error)

	// Decode returns the first frame of src and the number of bytes it took. n == 0 with a nil error means
	// that src ends too soon: call again when more bytes have arrived, with the same seen, in which Decode
	// notes what it has looked at, so that bytes that come one by one are not looked at again and again.
	// An error means that src can never become a frame; the stream is then unusable behind this point.
	// Frames and kinds of error depend on the stream alone, never on where it was cut into pieces (but for
	// the codecs that take what arrives together, raw and idle). Nothing is allocated in proportion to a
	// length that src only announces.
	Decode(src []byte, seen *Seen) (f Frame, n int, err error)

	// Progress says how much of the frame at the start of src has arrived, in bytes on the wire, and how
	// many it will be; want is 0 when the codec cannot know.
	Progress(src []byte) (have, want int)

	// Limit is the largest body in bytes, in both directions.
	Limit() int

	// String is the codec with its options as an address writes them, "lines" or "delim?end=1C0D":
	// Parse(String()) is the same codec.
	String() string
}

// Seen is what a codec knows of bytes that have not become a frame yet. It belongs to the caller, who keeps it from
// one Decode to the next while src only grows, and sets it to zero when src begins elsewhere. Zero, or a nil
// pointer, is always right.
type Seen struct {
	// Bytes is how many bytes of src were looked at.
	Bytes int

	start int // where the value begins that state is about
	depth int
	state scanState
}

// bytes is how many bytes of src need not be looked at again.
func (s *Seen) bytes(src []byte) int {
	if s == nil {
		return 0
	}
	return min(s.Bytes, len(src))
}

// more notes that all of src was looked at, and is what Decode returns then.
func (s *Seen) more(src []byte) (Frame, int, error) {
	if s != nil {
		s.Bytes = len(src)
	}
	return Frame{}, 0, nil
}

// Quiet is a codec whose frames may end by silence: when the link has received nothing for Gap, it calls
// Flush with all it holds.
type Quiet interface {
	Codec
	Gap() time.Duration
	// Flush returns all of src (never empty) as one frame.
	Flush(src []byte) Frame
}

// Error says why bytes are no frame, why a body has no encoding, or why there is no such codec. Callers branch on
// Kind.
type Error struct {
	Kind   ErrorKind
	Codec  string // the codec's String
	Reason string // what is wrong, in plain words without a final full stop
	Hint   string // the next step, for the person who reads it; may be empty

	reason, hint Words
}

// ErrorKind tells codec errors apart.
type ErrorKind uint8

// The kinds of codec error.
const (
	Malformed ErrorKind = iota + 1 // the bytes break the codec's rules
	TooLarge                       // the frame or body is over the limit
	Unsayable                      // the body has no encoding in this codec
	Unknown                        // no codec has this name, or this option; the Reason says all
)

// Error says which codec refuses, and why.
func (e *Error) Error() string {
	if e.Kind == Unknown {
		return e.Reason
	}
	return e.Codec + ": " + e.Reason
}

// Words returns what Reason and Hint were made from, to say them in another language.
func (e *Error) Words() (reason, hint Words) {
	reason, hint = e.reason, e.hint
	if reason.Format == "" {
		reason = Words{"%s", []any{e.Reason}}
	}
	if hint.Format == "" && e.Hint != "" {
		hint = Words{"%s", []any{e.Hint}}
	}
	return reason, hint
}

// Words is a sentence: a format of package fmt, and its arguments.
type Words struct {
	Format string
	Args   []any
}

// String is the sentence in English.
func (w Words) String() string {
	if len(w.Args) == 0 {
		return w.Format
	}
	return fmt.Sprintf(w.Format, w.Args...)
}

func newError(kind ErrorKind, codec string, reason, hint Words) *Error {
	return &Error{Kind: kind, Codec: codec, Reason: reason.String(), Hint: hint.String(), reason: reason, hint: hint}
}
