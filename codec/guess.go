package codec

import (
	"bytes"
	"net/url"
	"unicode/utf8"
)

// IsTLSHello says whether a stream begins as a TLS client does: a handshake record of version 3.x.
func IsTLSHello(src []byte) bool {
	return len(src) >= 3 && src[0] == 0x16 && src[1] == 3 && src[2] <= 4
}

// typing is how many bytes a person types at most before auto decides: fewer, and no line end, may become a line.
const typing = 3

// Auto chooses the codec that the first bytes of a stream fit: dotnet, lines or raw. ok is false when more bytes
// are needed to tell; with final, which says that no more came for a while, it always chooses.
//
// Nothing but the bytes themselves can tell, and some fit two codecs: a letter may begin a line, or count 32 to 126
// bytes of .NET text. So text that ends in a line end is lines; bytes that are whole .NET strings, to the last one,
// are dotnet; other text with a line end is lines. Text of which no line end comes is raw, so that it is shown at
// all, unless it is as short as what a person has typed by now.
func Auto(src []byte, final bool) (c Codec, ok bool) {
	if len(src) == 0 {
		return nil, false
	}
	if len(src) < 3 && src[0] == 0x16 && !final { // it may become a TLS hello
		return nil, false
	}
	dn, text := fitsDotnet(src), isText(src)
	letter := src[0] >= 0x20 || src[0] == '\t' || src[0] == '\n' || src[0] == '\r'
	lineEnd := bytes.IndexByte(src, '\n') >= 0
	switch {
	case text && src[0] >= 0x20 && src[len(src)-1] == '\n':
		return auto("lines"), true
	case dn == exact, dn == whole && !(text && letter):
		return auto("dotnet"), true
	case text && lineEnd && (final || dn != begun):
		return auto("lines"), true
	case dn == begun && !text && (final || len(src) > 64): // that many bytes do not fit by chance
		return auto("dotnet"), true
	case (dn == begun || text) && !final:
		return nil, false
	case text && len(src) <= typing:
		return auto("lines"), true
	case !final && len(src) < 2:
		return nil, false
	}
	return auto("raw"), true
}

func auto(name string) Codec {
	c, err := New(name, url.Values{})
	if err != nil {
		panic("codec: internal error: " + err.Error())
	}
	return c
}

type fit int

const (
	not   fit = iota
	begun     // a prefix of dotnet strings, and the bytes so far are text
	whole     // one or more whole dotnet strings, each of them text, and one begun behind them
	exact     // whole dotnet strings to the last byte
)

var anyDotnet = &dotnet{base{"dotnet", MaxLimit, MaxLimit}}

func fitsDotnet(src []byte) fit {
	rest, n := src, 0
	for len(rest) > 0 {
		f, used, err := anyDotnet.Decode(rest, nil)
		if err != nil {
			return not
		}
		if used == 0 {
			break
		}
		if !isPrintable(f.Body) || !utf8.Valid(f.Body) {
			return not
		}
		rest = rest[used:]
		n++
	}
	if len(rest) > 0 {
		head, _, err := anyDotnet.length(rest)
		if err != nil || head > 0 && !(isPrintable(rest[head:]) && validStart(rest[head:])) {
			return not
		}
	}
	switch {
	case n == len(src) && n > 64:
		return not // zeros
	case n == 0, n == len(src): // nothing but empty strings says nothing
		return begun
	case len(rest) > 0:
		return whole
	}
	return exact
}

// validStart says whether b is UTF-8 but for a character that may be cut at its end.
func validStart(b []byte) bool {
	for i := 0; i < 4 && i <= len(b); i++ {
		if utf8.Valid(b[:len(b)-i]) {
			return i == 0 || !utf8.FullRune(b[len(b)-i:])
		}
	}
	return false
}

// isPrintable says whether b has none of the control bytes that text does not have.
func isPrintable(b []byte) bool {
	for _, c := range b {
		if c < 0x20 && c != '\t' && c != '\r' && c != '\n' && c != '\f' && c != 0x1b && c != '\b' && c != 7 || c == 0x7f {
			return false
		}
	}
	return true
}

// isText says whether b reads as text: UTF-8, perhaps cut at its end, or GB18030 with its two-byte subset GBK.
func isText(b []byte) bool {
	return isPrintable(b) && (validStart(b) || isGB18030(b))
}

func isGB18030(b []byte) bool {
	between := func(i int, least, most byte) bool { return i >= len(b) || least <= b[i] && b[i] <= most }
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] < 0x80:
		case !between(i, 0x81, 0xfe):
			return false
		case i+1 < len(b) && between(i+1, '0', '9'): // four bytes
			if !between(i+2, 0x81, 0xfe) || !between(i+3, '0', '9') {
				return false
			}
			i += 3
		case !between(i+1, 0x40, 0xfe) || i+1 < len(b) && b[i+1] == 0x7f:
			return false
		default:
			i++
		}
	}
	return true
}
