package codec

import "bytes"

// cobs is Consistent Overhead Byte Stuffing (Cheshire and Baker, 1999): no zero within a packet, one behind it.
type cobs struct{ base }

func newCOBS(o *options) Codec { limit := o.max(defaultLimit); return &cobs{o.base(limit)} }

func (c *cobs) Append(dst []byte, f Frame) ([]byte, error) {
	if err := c.check(f.Body); err != nil {
		return dst, err
	}
	at := len(dst) // of the code byte of the block that is being written
	dst = append(dst, 1)
	full := false // the last block was full: its end stands for no zero
	for _, b := range f.Body {
		full = false
		if b == 0 {
			at = len(dst)
			dst = append(dst, 1)
			continue
		}
		dst = append(dst, b)
		if dst[at]++; dst[at] == 0xff {
			at = len(dst)
			dst = append(dst, 1)
			full = true
		}
	}
	if full {
		dst = dst[:len(dst)-1]
	}
	return append(dst, 0), nil
}

// most is how many bytes a packet of the largest body takes, without its end.
func (c *cobs) most() int { return c.limit + c.limit/254 + 1 }

func (c *cobs) Decode(src []byte, seen int) (Frame, int, error) {
	i := bytes.IndexByte(src[seen:], 0)
	if i < 0 {
		if len(src) > c.most() {
			return Frame{}, 0, c.fail(TooLarge, "raise the limit with ?max= (at most 16MiB)", "a packet longer than %d bytes", c.limit)
		}
		return Frame{}, 0, nil
	}
	i += seen
	body := make([]byte, 0, i)
	for p := src[:i]; len(p) > 0; {
		n := int(p[0])
		if n > len(p) {
			return Frame{}, 0, c.fail(Malformed, "is the peer's codec COBS?", "a block of %d bytes in a packet that has %d left", n, len(p))
		}
		body = append(body, p[1:n]...)
		p = p[n:]
		if n < 0xff && len(p) > 0 {
			body = append(body, 0)
		}
	}
	if len(body) > c.limit {
		return Frame{}, 0, c.tooLarge(uint64(len(body)))
	}
	return Frame{Body: body, Wire: src[:i+1]}, i + 1, nil
}

func (c *cobs) Progress(src []byte) (have, want int) { return len(src), 0 }
