package codec

import "bytes"

// cobs is Consistent Overhead Byte Stuffing (Cheshire and Baker, 1999): no zero within a packet, one behind it.
// Zeros in front of a packet, which a peer sends that puts one at both ends, are skipped: even an empty message
// has a byte, 01.
type cobs struct{ base }

func newCOBS(o *options) Codec { limit := o.max(defaultLimit); return &cobs{o.base(limit)} }

const cobsBlock = 0xfe // bytes of a full block, which stands for no zero

func (c *cobs) Append(dst []byte, f Frame) ([]byte, error) {
	if err := c.check(f.Body); err != nil {
		return dst, err
	}
	rest := f.Body
	for {
		zero := bytes.IndexByte(rest[:min(len(rest), cobsBlock)], 0)
		switch {
		case zero >= 0: // a block that stands for its bytes and a zero; another follows, perhaps empty
			dst = append(append(dst, byte(zero+1)), rest[:zero]...)
			rest = rest[zero+1:]
			continue
		case len(rest) > cobsBlock:
			dst = append(append(dst, cobsBlock+1), rest[:cobsBlock]...)
			rest = rest[cobsBlock:]
			continue
		}
		return append(append(append(dst, byte(len(rest)+1)), rest...), 0), nil
	}
}

// most is how many bytes a packet of the largest body takes, without its end, and with zeros in front of it.
func (c *cobs) most() int { return c.limit + c.limit/cobsBlock + slack }

func (c *cobs) Decode(src []byte, seen *Seen) (Frame, int, error) {
	skip, i := packet(src, seen.bytes(src), 0)
	if i > c.most() || i < 0 && len(src) > c.most() {
		return Frame{}, 0, c.over("", "a packet longer than %d bytes", c.limit)
	}
	if i < 0 {
		return seen.more(src)
	}
	body, err := c.unstuff(src[skip:i])
	if err != nil {
		return Frame{}, 0, err
	}
	if len(body) > c.limit {
		return Frame{}, 0, c.tooLarge(uint64(len(body)))
	}
	return Frame{Body: body, Wire: src[:i+1]}, i + 1, nil
}

// unstuff returns the message of a packet. One that is a single block needs no copy.
func (c *cobs) unstuff(p []byte) ([]byte, error) {
	if int(p[0]) == len(p) {
		return p[1:], nil
	}
	body := make([]byte, 0, len(p))
	for {
		n := int(p[0])
		if n > len(p) {
			return nil, c.fail(Malformed, "is the peer's codec COBS?", "a block of %d bytes in a packet that has %d left", n, len(p))
		}
		body = append(body, p[1:n]...)
		if p = p[n:]; len(p) == 0 {
			return body, nil
		}
		if n <= cobsBlock {
			body = append(body, 0)
		}
	}
}

func (c *cobs) Progress(src []byte) (have, want int) { return len(src), 0 }

// slack is what a packet may be longer than its body needs: ends of packets in front of it.
const slack = 1024

// packet finds the first packet that is not empty: src[skip:end], behind which src[end] is the byte that ends
// packets. end is -1 when it has not all arrived; skip is set only otherwise. Nothing in front of seen needs to be
// looked at for the end.
func packet(src []byte, seen int, ends byte) (skip, end int) {
	i := seen
	if seen == 0 || src[seen-1] == ends { // nothing but ends until now: one behind other bytes would have been found
		for i < len(src) && src[i] == ends {
			i++
		}
		skip = i
	}
	n := bytes.IndexByte(src[i:], ends)
	if n < 0 {
		return 0, -1
	}
	if skip == 0 && i > 0 {
		for src[skip] == ends {
			skip++
		}
	}
	return skip, i + n
}
