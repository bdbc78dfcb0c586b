package codec

import "encoding/binary"

// length is a length of 1, 2, 4 or 8 bytes, then as many bytes. With includes=self the length counts itself.
type length struct {
	base
	size   int // of the length
	little bool
	self   int // what the length counts of itself
}

func newLength(size int) func(o *options) Codec {
	return func(o *options) Codec {
		c := &length{size: size}
		c.little = o.one("order", "be", "le") == "le"
		if o.one("includes", "body", "self") == "self" {
			c.self = size
		}
		limit := defaultLimit
		switch size {
		case 1:
			o.most = 0xff - c.self
			limit = o.most
		case 2:
			o.most = 0xffff - c.self
			limit = o.most
		}
		c.base = o.base(o.max(limit))
		return c
	}
}

func (c *length) Append(dst []byte, f Frame) ([]byte, error) {
	if err := c.check(f.Body); err != nil {
		return dst, err
	}
	var b [8]byte
	n := uint64(len(f.Body) + c.self)
	if c.little {
		binary.LittleEndian.PutUint64(b[:], n)
		dst = append(dst, b[:c.size]...)
	} else {
		binary.BigEndian.PutUint64(b[:], n)
		dst = append(dst, b[8-c.size:]...)
	}
	return append(dst, f.Body...), nil
}

// body returns the length of the body; src holds the whole prefix.
func (c *length) body(src []byte) (int, error) {
	var b [8]byte
	var n uint64
	if c.little {
		copy(b[:], src[:c.size])
		n = binary.LittleEndian.Uint64(b[:])
	} else {
		copy(b[8-c.size:], src)
		n = binary.BigEndian.Uint64(b[:])
	}
	if n < uint64(c.self) {
		return 0, c.fail(Malformed, "does the peer's length count itself? leave includes=self out", "a length of %d, which is less than its own %d bytes", n, c.size)
	}
	if n -= uint64(c.self); n > uint64(c.limit) {
		return 0, c.tooLarge(n)
	}
	return int(n), nil
}

func (c *length) Decode(src []byte, seen *Seen) (Frame, int, error) {
	if len(src) < c.size {
		return seen.more(src)
	}
	n, err := c.body(src)
	switch {
	case err != nil:
		return Frame{}, 0, err
	case len(src)-c.size < n:
		return seen.more(src)
	}
	n += c.size
	return Frame{Body: src[c.size:n], Wire: src[:n]}, n, nil
}

func (c *length) Progress(src []byte) (have, want int) {
	if len(src) < c.size {
		return len(src), 0
	}
	n, err := c.body(src)
	if err != nil {
		return len(src), 0
	}
	return len(src), c.size + n
}
