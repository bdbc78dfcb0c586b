package codec

import (
	"bytes"
	"encoding/json"
)

// jsonStream is a stream of JSON values (RFC 8259), one behind the other, with or without space between. Space in
// front of a value belongs to its frame's Wire. A number ends where something else begins.
type jsonStream struct{ base }

const jsonDepth = 1000

func newJSON(o *options) Codec { limit := o.max(defaultLimit); return &jsonStream{o.base(limit)} }

func (c *jsonStream) Append(dst []byte, f Frame) ([]byte, error) {
	if err := c.check(f.Body); err != nil {
		return dst, err
	}
	if !json.Valid(f.Body) {
		return dst, c.fail(Unsayable, `a text is written in quotes: "hello"`, "this is not one JSON value")
	}
	return append(append(dst, bytes.Trim(f.Body, " \t\r\n")...), '\n'), nil
}

func (c *jsonStream) Decode(src []byte, seen int) (Frame, int, error) {
	start := 0
	for start < len(src) && isJSONSpace(src[start]) {
		start++
	}
	if start == len(src) {
		if start > c.limit {
			return Frame{}, 0, c.tooLarge(uint64(start))
		}
		return Frame{}, 0, nil
	}
	// A value in brackets can only end at a bracket: without one in the new bytes there is nothing to look for.
	if first := src[start]; (first == '{' || first == '[') && seen > start && bytes.IndexByte(src[seen:], first+2) < 0 {
		return c.more(src)
	}
	n, err := c.value(src[start:])
	if err != nil {
		return Frame{}, 0, err
	}
	if n == 0 {
		return c.more(src)
	}
	end := start + n
	if n > c.limit {
		return Frame{}, 0, c.tooLarge(uint64(n))
	}
	return Frame{Body: src[start:end], Wire: src[:end]}, end, nil
}

func (c *jsonStream) more(src []byte) (Frame, int, error) {
	if len(src) > c.limit+1 {
		return Frame{}, 0, c.tooLarge(uint64(len(src)))
	}
	return Frame{}, 0, nil
}

func (c *jsonStream) bad(b []byte) error {
	return c.fail(Malformed, "is the peer's codec JSON?", "%.20q is not JSON", b)
}

// value returns the length of the value at the start of b, 0 if it has not all arrived.
func (c *jsonStream) value(b []byte) (int, error) {
	n := 0
	switch b[0] {
	case '{', '[':
		var err error
		if n, err = c.brackets(b); n == 0 || err != nil {
			return 0, err
		}
	case '"':
		if n = stringEnd(b); n == 0 {
			return 0, nil
		}
	default:
		for n < len(b) && !isJSONSpace(b[n]) && bytes.IndexByte([]byte(`{}[]",:`), b[n]) < 0 {
			n++
		}
		for _, word := range []string{"true", "false", "null"} {
			if bytes.HasPrefix(b, []byte(word)) {
				return len(word), nil
			}
			if n == len(b) && bytes.HasPrefix([]byte(word), b) {
				return 0, nil
			}
		}
		if n == 0 || b[0] != '-' && (b[0] < '0' || b[0] > '9') {
			return 0, c.bad(b)
		}
		if n == len(b) && n <= 64 {
			return 0, nil // more digits may come
		}
	}
	if !json.Valid(b[:n]) {
		return 0, c.bad(b[:n])
	}
	return n, nil
}

// brackets finds the end of an object or array.
func (c *jsonStream) brackets(b []byte) (int, error) {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '{', '[':
			if depth++; depth > jsonDepth {
				return 0, c.fail(Malformed, "", "values nested deeper than %d", jsonDepth)
			}
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1, nil
			}
		case '"':
			n := stringEnd(b[i:])
			if n == 0 {
				return 0, nil
			}
			i += n - 1
		}
	}
	return 0, nil
}

// stringEnd returns the length of the string at the start of b, 0 if it has not all arrived.
func stringEnd(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

func isJSONSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\r' || b == '\n' }

func (c *jsonStream) Progress(src []byte) (have, want int) { return len(src), 0 }
