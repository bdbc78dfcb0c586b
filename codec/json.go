package codec

import (
	"bytes"
	"encoding/json"
	"strings"
)

// jsonStream is a stream of JSON values (RFC 8259), one behind the other, with or without space between. Space in
// front of a value belongs to its frame's Wire. A number ends where something else begins.
type jsonStream struct{ base }

const jsonDepth = 1000

// scanState is where in a value a scan stands. What has been looked at is not looked at again, however slowly the
// bytes come.
type scanState uint8

const (
	inSpace    scanState = iota // in front of a value
	inBrackets                  // in an object or array
	inString                    // in a string: at the top if depth is 0
	inEscape                    // behind a backslash in a string
	inWord                      // true, false, null or a number
)

func newJSON(o *options) Codec { limit := o.max(defaultLimit); return &jsonStream{o.base(limit)} }

func (c *jsonStream) Append(dst []byte, f Frame) ([]byte, error) {
	if err := c.check(f.Body); err != nil {
		return dst, err
	}
	if !json.Valid(f.Body) {
		return dst, c.fail(Unsayable, `a text is written in quotes: "hello"`, "this is not one JSON value")
	}
	body := bytes.Trim(f.Body, " \t\r\n")
	if _, err := c.scan(body, &Seen{}); err != nil {
		err.Kind = Unsayable
		return dst, err
	}
	return append(append(dst, body...), '\n'), nil
}

func (c *jsonStream) Decode(src []byte, seen *Seen) (Frame, int, error) {
	if seen == nil {
		seen = &Seen{}
	}
	seen.Bytes = seen.bytes(src)
	if seen.state == inSpace {
		i := seen.Bytes
		for i < len(src) && isJSONSpace(src[i]) {
			i++
		}
		if i > c.limit {
			return Frame{}, 0, c.fail(TooLarge, "is the peer's codec JSON?", "%d bytes of nothing but space", i)
		}
		if i == len(src) {
			return seen.more(src)
		}
		seen.Bytes, seen.start = i, i
	}
	start := seen.start
	within := src[:min(len(src), start+c.limit+1)] // what comes behind is over the limit in any case
	end, err := c.scan(within, seen)
	switch {
	case err != nil:
		return Frame{}, 0, err
	case end == 0 && len(src)-start <= c.limit:
		return seen.more(src)
	case end == 0 || end-start > c.limit:
		return Frame{}, 0, c.over("", "a value longer than %d bytes", c.limit)
	}
	if body := src[start:end]; !json.Valid(body) {
		return Frame{}, 0, c.bad(body)
	}
	return Frame{Body: src[start:end], Wire: src[:end]}, end, nil
}

func (c *jsonStream) bad(b []byte) *Error {
	return c.fail(Malformed, "is the peer's codec JSON?", "%.20q is not JSON", b)
}

// scan goes on from seen, and returns where the value ends, 0 if it has not all arrived. It finds only the end:
// whether that is a value is another question.
func (c *jsonStream) scan(b []byte, seen *Seen) (end int, err *Error) {
	state, depth := seen.state, seen.depth
	i := seen.Bytes
	if state == inSpace && i < len(b) {
		switch b[i] {
		case '{', '[':
			state = inBrackets
		case '"':
			state = inString
			i++
		default:
			state = inWord
		}
	}
	for ; i < len(b) && end == 0; i++ {
		switch state {
		case inEscape:
			state = inString
		case inString:
			switch k := quoteOrBackslash(b[i:]); {
			case k < 0:
				i = len(b) - 1
			case b[i+k] == '\\':
				i, state = i+k, inEscape
			case depth == 0:
				end = i + k + 1
			default:
				i, state = i+k, inBrackets
			}
		case inWord:
			if end, err = c.word(b, seen.start, i); err != nil {
				return 0, err
			}
		case inBrackets:
			switch b[i] {
			case '{', '[':
				if depth++; depth > jsonDepth {
					return 0, c.fail(Malformed, "use lines or len32, which do not look into messages", "values nested deeper than %d", jsonDepth)
				}
			case '}', ']':
				if depth--; depth == 0 {
					end = i + 1
				}
			case '"':
				state = inString
			}
		}
	}
	seen.Bytes, seen.state, seen.depth = len(b), state, depth
	return end, nil
}

// word looks at one more byte, b[i], of a word or number that begins at start, and returns where that ends.
func (c *jsonStream) word(b []byte, start, i int) (end int, err *Error) {
	for _, word := range [...]string{"true", "false", "null"} {
		if word[0] != b[start] {
			continue
		}
		part := b[start : i+1]
		switch {
		case !strings.HasPrefix(word, string(part)):
			return 0, c.bad(part)
		case len(part) == len(word):
			return i + 1, nil
		}
		return 0, nil
	}
	switch x := b[i]; {
	case '0' <= x && x <= '9', x == '-', i > start && (x == '+' || x == '.' || x == 'e' || x == 'E'):
		return 0, nil
	case i > start:
		return i, nil
	}
	return 0, c.bad(b[start : i+1])
}

// quoteOrBackslash is where in b the next byte is that matters to a string, -1 if nowhere.
func quoteOrBackslash(b []byte) int {
	for i, x := range b {
		if x == '"' || x == '\\' {
			return i
		}
	}
	return -1
}

func isJSONSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\r' || b == '\n' }

func (c *jsonStream) Progress(src []byte) (have, want int) { return len(src), 0 }
