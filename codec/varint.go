package codec

import "encoding/binary"

// varint is a protobuf-delimited message: the length as an unsigned varint (at most ten bytes), then as many bytes.
type varint struct{ base }

func newVarint(o *options) Codec { limit := o.max(defaultLimit); return &varint{o.base(limit)} }

func (c *varint) Append(dst []byte, f Frame) ([]byte, error) {
	if err := c.check(f.Body); err != nil {
		return dst, err
	}
	return append(binary.AppendUvarint(dst, uint64(len(f.Body))), f.Body...), nil
}

// length reads the prefix; head is 0 when it has not all arrived.
func (c *varint) length(src []byte) (head, n int, err error) {
	v, k := binary.Uvarint(src)
	switch {
	case k < 0 || k == 0 && len(src) >= binary.MaxVarintLen64:
		return 0, 0, c.fail(Malformed, "is the peer's length a varint?", "a length of more than 64 bits")
	case k == 0:
		return 0, 0, nil
	case v > uint64(c.limit):
		return 0, 0, c.tooLarge(v)
	}
	return k, int(v), nil
}

func (c *varint) Decode(src []byte, seen *Seen) (Frame, int, error) {
	head, n, err := c.length(src)
	switch {
	case err != nil:
		return Frame{}, 0, err
	case head == 0 || len(src)-head < n:
		return seen.more(src)
	}
	n += head
	return Frame{Body: src[head:n], Wire: src[:n]}, n, nil
}

func (c *varint) Progress(src []byte) (have, want int) {
	head, n, err := c.length(src)
	if err != nil || head == 0 {
		return len(src), 0
	}
	return len(src), head + n
}
