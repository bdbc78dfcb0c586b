package codec

import "time"

// raw has no frames: what arrives together is a message.
type raw struct{ base }

func newRaw(o *options) Codec { limit := o.max(defaultLimit); return &raw{o.base(limit)} }

func (c *raw) Append(dst []byte, f Frame) ([]byte, error) {
	if err := c.checkSome(f.Body); err != nil {
		return dst, err
	}
	return append(dst, f.Body...), nil
}

func (c *raw) Decode(src []byte, _ *Seen) (Frame, int, error) {
	n := min(len(src), c.limit)
	return Frame{Body: src[:n], Wire: src[:n]}, n, nil
}

func (c *raw) Progress(src []byte) (have, want int) { return len(src), 0 }

// idle ends a message where nothing arrives for a while, or where it meets the limit.
type idle struct {
	base
	gap time.Duration
}

func newIdle(o *options) Codec {
	ms := o.number("ms", 50, 1, 60_000)
	limit := o.max(defaultLimit)
	return &idle{o.base(limit), time.Duration(ms) * time.Millisecond}
}

func (c *idle) Append(dst []byte, f Frame) ([]byte, error) {
	if err := c.checkSome(f.Body); err != nil {
		return dst, err
	}
	return append(dst, f.Body...), nil
}

func (c *idle) Decode(src []byte, seen *Seen) (Frame, int, error) {
	if len(src) < c.limit {
		return seen.more(src)
	}
	f := c.Flush(src[:c.limit])
	f.Partial = true
	return f, c.limit, nil
}

func (c *idle) Gap() time.Duration { return c.gap }

func (c *idle) Flush(src []byte) Frame { return Frame{Body: src, Wire: src} }

func (c *idle) Progress(src []byte) (have, want int) { return len(src), 0 }
