package codec

import (
	"bytes"
	"encoding/hex"
	"strings"
)

// delim is any bytes up to a delimiter, behind an optional start mark. Presets: mllp (HL7's 0B … 1C 0D), stx
// (02 … 03).
type delim struct {
	base
	start, end []byte
}

func newDelim(o *options) Codec {
	c := &delim{}
	preset := o.one("preset", "none", "mllp", "stx")
	c.start, c.end = o.hex("start"), o.hex("end")
	if preset != "none" && (c.start != nil || c.end != nil) {
		o.fail("%s: preset=%s already says start and end", preset)
	}
	for _, p := range []struct {
		name string
		b    []byte
	}{{"start", c.start}, {"end", c.end}} {
		if p.b != nil {
			o.show(p.name, strings.ToUpper(hex.EncodeToString(p.b)))
		}
	}
	switch preset {
	case "mllp":
		c.start, c.end = []byte{0x0b}, []byte{0x1c, 0x0d}
	case "stx":
		c.start, c.end = []byte{0x02}, []byte{0x03}
	default:
		if c.end == nil {
			o.fail("%s: it needs end= in hex, such as end=0D0A, or preset=mllp or preset=stx")
			c.end = []byte{0}
		}
	}
	limit := o.max(lineLimit)
	c.base = o.base(limit)
	return c
}

func (c *delim) Append(dst []byte, f Frame) ([]byte, error) {
	if err := c.check(f.Body); err != nil {
		return dst, err
	}
	at := len(dst)
	out := append(append(append(dst, c.start...), f.Body...), c.end...)
	if i := bytes.Index(out[at+len(c.start):], c.end); i != len(f.Body) {
		return dst, c.fail(Unsayable, "use len32, which carries any bytes", "the message contains the delimiter %X", c.end)
	}
	return out, nil
}

func (c *delim) Decode(src []byte, seen *Seen) (Frame, int, error) {
	head := len(c.start)
	if k := min(head, len(src)); !bytes.Equal(src[:k], c.start[:k]) {
		return Frame{}, 0, c.fail(Malformed, "is this the peer's codec?", "a message begins with %X, not with %X", src[:k], c.start)
	}
	if len(src) < head {
		return seen.more(src)
	}
	from := max(head, seen.bytes(src)-len(c.end)+1)
	i := bytes.Index(src[from:], c.end)
	if i < 0 {
		if len(src)-head > c.limit+len(c.end) {
			return Frame{}, 0, c.endless()
		}
		return seen.more(src)
	}
	i += from
	if i-head > c.limit {
		return Frame{}, 0, c.endless()
	}
	n := i + len(c.end)
	return Frame{Body: src[head:i], Wire: src[:n]}, n, nil
}

func (c *delim) endless() error {
	return c.over(", or check the delimiter", "no delimiter %X within %d bytes", c.end, c.limit)
}

func (c *delim) Progress(src []byte) (have, want int) { return len(src), 0 }
