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

// Auto chooses the codec that the first bytes of a stream fit: dotnet, lines or raw. ok is false when more bytes
// are needed to tell; with final, which says that no more came for a while, it always chooses.
func Auto(src []byte, final bool) (c Codec, ok bool) {
	if len(src) == 0 {
		return nil, false
	}
	if len(src) < 3 && src[0] == 0x16 && !final { // it may become a TLS hello
		return nil, false
	}
	dn := fitsDotnet(src)
	text := isText(src)
	lineEnd := bytes.IndexByte(src, '\n') >= 0
	switch {
	case text && src[0] >= 0x20 && src[len(src)-1] == '\n':
		return auto("lines"), true // a typed line, even if its first letter happens to count the rest
	case dn == whole:
		return auto("dotnet"), true
	case text && src[0] >= 0x20 && lineEnd:
		return auto("lines"), true
	case dn == begun && !final:
		return nil, false
	case dn == begun && !text:
		return auto("dotnet"), true
	case text && !final && !lineEnd:
		return nil, false
	case text:
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
	whole     // a sequence of whole dotnet strings, each of them text, perhaps with one begun behind them
)

var anyDotnet = &dotnet{base{"dotnet", MaxLimit}}

func fitsDotnet(src []byte) fit {
	rest, n := src, 0
	for len(rest) > 0 {
		f, used, err := anyDotnet.Decode(rest, 0)
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
	case n == 0, n == len(src): // nothing but empty strings says nothing
		return begun
	}
	return whole
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

// isText says whether b reads as text: UTF-8, perhaps cut at its end, or a two-byte Chinese encoding.
func isText(b []byte) bool {
	return isPrintable(b) && (validStart(b) || isGBK(b))
}

func isGBK(b []byte) bool {
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] < 0x80:
		case b[i] == 0x80 || b[i] == 0xff:
			return false
		case i+1 == len(b):
			return true
		default:
			if i++; b[i] < 0x30 || b[i] == 0x7f || b[i] == 0xff {
				return false
			}
		}
	}
	return true
}
