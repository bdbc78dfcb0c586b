package codec

import "bytes"

// slip is RFC 1055: packets that end in C0, with DB DC and DB DD for C0 and DB within. Empty packets, which a
// C0 at both ends makes, are skipped; so an empty message cannot be said.
type slip struct{ base }

const (
	slipEnd, slipEsc       = 0xc0, 0xdb
	slipEscEnd, slipEscEsc = 0xdc, 0xdd
)

func newSLIP(o *options) Codec { limit := o.max(defaultLimit); return &slip{o.base(limit)} }

func (c *slip) Append(dst []byte, f Frame) ([]byte, error) {
	if err := c.check(f.Body); err != nil {
		return dst, err
	}
	if len(f.Body) == 0 {
		return dst, c.fail(Unsayable, "use cobs, which can", "SLIP has no empty messages")
	}
	body, at := f.Body, 0
	for end, esc := index(body, 0, slipEnd), index(body, 0, slipEsc); ; {
		k := min(end, esc)
		dst = append(dst, body[at:k]...)
		switch at = k + 1; {
		case k == len(body):
			return append(dst, slipEnd), nil
		case k == end:
			dst = append(dst, slipEsc, slipEscEnd)
			end = index(body, at, slipEnd)
		default:
			dst = append(dst, slipEsc, slipEscEsc)
			esc = index(body, at, slipEsc)
		}
	}
}

// index is where b next is in p, len(p) if nowhere.
func index(p []byte, from int, b byte) int {
	if i := bytes.IndexByte(p[from:], b); i >= 0 {
		return from + i
	}
	return len(p)
}

// most is how many bytes a packet of the largest body takes, without its end, and with ends in front of it.
func (c *slip) most() int { return 2*c.limit + slack }

func (c *slip) Decode(src []byte, seen *Seen) (Frame, int, error) {
	skip, i := packet(src, seen.bytes(src), slipEnd)
	if i > c.most() || i < 0 && len(src) > c.most() {
		return Frame{}, 0, c.over("", "a packet longer than %d bytes", c.limit)
	}
	if i < 0 {
		return seen.more(src)
	}
	body, err := c.unescape(src[skip:i])
	if err != nil {
		return Frame{}, 0, err
	}
	if len(body) > c.limit {
		return Frame{}, 0, c.tooLarge(uint64(len(body)))
	}
	return Frame{Body: body, Wire: src[:i+1]}, i + 1, nil
}

// unescape returns the message of a packet. One without escapes needs no copy.
func (c *slip) unescape(p []byte) ([]byte, error) {
	k := bytes.IndexByte(p, slipEsc)
	if k < 0 {
		return p, nil
	}
	body := make([]byte, 0, len(p))
	for ; k >= 0; k = bytes.IndexByte(p, slipEsc) {
		var b byte
		switch {
		case k+1 < len(p) && p[k+1] == slipEscEnd:
			b = slipEnd
		case k+1 < len(p) && p[k+1] == slipEscEsc:
			b = slipEsc
		default:
			return nil, c.fail(Malformed, "is the peer's codec SLIP?", "an escape that stands for nothing")
		}
		body = append(append(body, p[:k]...), b)
		p = p[k+2:]
	}
	return append(body, p...), nil
}

func (c *slip) Progress(src []byte) (have, want int) { return len(src), 0 }
