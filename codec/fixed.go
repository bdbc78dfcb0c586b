package codec

// fixed is messages of always n bytes.
type fixed struct {
	base
	n int
}

func newFixed(o *options) Codec {
	n := o.number("n", 0, 1, MaxLimit)
	return &fixed{o.base(n), n}
}

func (c *fixed) Append(dst []byte, f Frame) ([]byte, error) {
	if len(f.Body) != c.n {
		return dst, c.fail(Unsayable, "pad or cut it, or use another codec", "a message has %d bytes, this one has %d", c.n, len(f.Body))
	}
	return append(dst, f.Body...), nil
}

func (c *fixed) Decode(src []byte, seen *Seen) (Frame, int, error) {
	if len(src) < c.n {
		return seen.more(src)
	}
	return Frame{Body: src[:c.n], Wire: src[:c.n]}, c.n, nil
}

func (c *fixed) Progress(src []byte) (have, want int) { return len(src), c.n }
