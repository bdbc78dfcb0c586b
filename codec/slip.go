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
	for _, b := range f.Body {
		switch b {
		case slipEnd:
			dst = append(dst, slipEsc, slipEscEnd)
		case slipEsc:
			dst = append(dst, slipEsc, slipEscEsc)
		default:
			dst = append(dst, b)
		}
	}
	return append(dst, slipEnd), nil
}

func (c *slip) Decode(src []byte, seen int) (Frame, int, error) {
	skip := 0
	for skip < len(src) && src[skip] == slipEnd {
		skip++
	}
	from := max(seen, skip)
	i := bytes.IndexByte(src[from:], slipEnd)
	if i < 0 {
		if len(src) > 2*c.limit+1 { // leading ends count: a peer that sends nothing else is cut off too
			return Frame{}, 0, c.fail(TooLarge, "raise the limit with ?max= (at most 16MiB)", "a packet longer than %d bytes", c.limit)
		}
		return Frame{}, 0, nil
	}
	i += from
	p := src[skip:i]
	body := p
	if bytes.IndexByte(p, slipEsc) >= 0 {
		body = make([]byte, 0, len(p))
		for k := 0; k < len(p); k++ {
			b := p[k]
			if b == slipEsc {
				k++
				switch {
				case k < len(p) && p[k] == slipEscEnd:
					b = slipEnd
				case k < len(p) && p[k] == slipEscEsc:
				default:
					return Frame{}, 0, c.fail(Malformed, "is the peer's codec SLIP?", "an escape that stands for nothing")
				}
			}
			body = append(body, b)
		}
	}
	if len(body) > c.limit {
		return Frame{}, 0, c.tooLarge(uint64(len(body)))
	}
	return Frame{Body: body, Wire: src[:i+1]}, i + 1, nil
}

func (c *slip) Progress(src []byte) (have, want int) { return len(src), 0 }
