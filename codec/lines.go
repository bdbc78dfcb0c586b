package codec

import "bytes"

// lines is text lines. LF and CRLF end a line that comes in; eol says what ends one that goes out. With eol=cr a
// lone CR ends lines both ways, and LF is an ordinary byte.
type lines struct {
	base
	end byte   // the last byte of a line end that comes in
	eol []byte // what is written
	bad string // bytes that no line can hold
}

func newLines(o *options) Codec {
	c := &lines{end: '\n', eol: []byte("\n"), bad: "\n"}
	switch o.one("eol", "lf", "crlf", "cr") {
	case "crlf":
		c.eol = []byte("\r\n")
	case "cr":
		c.end, c.eol, c.bad = '\r', []byte("\r"), "\r"
	}
	c.base = o.base(o.max(lineLimit))
	return c
}

func (c *lines) Append(dst []byte, f Frame) ([]byte, error) {
	if err := c.check(f.Body); err != nil {
		return dst, err
	}
	if bytes.IndexByte(f.Body, c.bad[0]) >= 0 {
		return dst, c.fail(Unsayable, "send it as several lines, or use dotnet or len32, which carry any text", "a line cannot contain a line end")
	}
	if c.end == '\n' && len(f.Body) > 0 && f.Body[len(f.Body)-1] == '\r' {
		return dst, c.fail(Unsayable, "use dotnet or len32, which carry any bytes", "a line cannot end in CR: that is read as part of its end")
	}
	return append(append(dst, f.Body...), c.eol...), nil
}

func (c *lines) Decode(src []byte, seen *Seen) (Frame, int, error) {
	from := seen.bytes(src)
	i := bytes.IndexByte(src[from:], c.end)
	if i < 0 {
		if len(src) > c.limit+1 { // one more may be the CR of the end
			return Frame{}, 0, c.endless()
		}
		return seen.more(src)
	}
	i += from
	body := src[:i]
	if c.end == '\n' && i > 0 && body[i-1] == '\r' {
		body = body[:i-1]
	}
	if len(body) > c.limit {
		return Frame{}, 0, c.endless()
	}
	return Frame{Body: body, Wire: src[:i+1]}, i + 1, nil
}

func (c *lines) endless() error {
	return c.over(", or take the bytes as they come with raw://", "a line longer than %d bytes", c.limit)
}

func (c *lines) Progress(src []byte) (have, want int) { return len(src), 0 }
