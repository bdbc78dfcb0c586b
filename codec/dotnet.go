package codec

// dotnet is what .NET's BinaryWriter.Write(string) writes and BinaryReader.ReadString reads: the length of the
// UTF-8 bytes as a 7-bit encoded int32, lowest group first, then the bytes. Bytes that are not UTF-8 are passed
// on as they are.
type dotnet struct{ base }

func newDotnet(o *options) Codec { limit := o.max(defaultLimit); return &dotnet{o.base(limit)} }

func (c *dotnet) Append(dst []byte, f Frame) ([]byte, error) {
	if err := c.check(f.Body); err != nil {
		return dst, err
	}
	n := uint32(len(f.Body))
	for ; n >= 0x80; n >>= 7 {
		dst = append(dst, byte(n)|0x80)
	}
	return append(append(dst, byte(n)), f.Body...), nil
}

func (c *dotnet) Decode(src []byte, seen *Seen) (Frame, int, error) {
	if len(src) == 0 {
		return seen.more(src)
	}
	if n := int(src[0]); n < 0x80 { // one byte, the common case
		if n > c.limit {
			return Frame{}, 0, c.tooLarge(uint64(n))
		}
		if len(src) <= n {
			return seen.more(src)
		}
		return Frame{Body: src[1 : 1+n], Wire: src[:1+n]}, 1 + n, nil
	}
	head, n, err := c.length(src)
	switch {
	case err != nil:
		return Frame{}, 0, err
	case head == 0 || len(src)-head < n:
		return seen.more(src)
	}
	return Frame{Body: src[head : head+n], Wire: src[:head+n]}, head + n, nil
}

// length reads the prefix as .NET's Read7BitEncodedInt does: at most five bytes, the fifth at most 0x0F (more
// does not fit into 32 bits), not necessarily the shortest form. head is 0 when it has not all arrived.
func (c *dotnet) length(src []byte) (head, n int, err error) {
	var v uint32
	for i := range min(len(src), 5) {
		b := src[i]
		if i == 4 && b > 0x0f {
			return 0, 0, c.fail(Malformed, "is the peer a .NET BinaryWriter?", "a length of more than 32 bits")
		}
		v |= uint32(b&0x7f) << (7 * i)
		if b < 0x80 {
			switch {
			case int32(v) < 0:
				return 0, 0, c.fail(Malformed, "is the peer a .NET BinaryWriter?", "a negative length")
			case uint64(v) > uint64(c.limit):
				return 0, 0, c.tooLarge(uint64(v))
			}
			return i + 1, int(v), nil
		}
	}
	return 0, 0, nil
}

func (c *dotnet) Progress(src []byte) (have, want int) {
	head, n, err := c.length(src)
	if err != nil || head == 0 {
		return len(src), 0
	}
	return len(src), head + n
}
