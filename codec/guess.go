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

// Wait says what is known of the bytes that may still come.
type Wait uint8

// What Auto is told.
const (
	Arriving Wait = iota // more may come at once
	Paused               // none came for a moment
	Over                 // none came for long, or the stream has ended
)

// typing is how many bytes a person types in a moment, so that text of which no line end came may become a line.
const typing = 3

// Auto chooses the codec that the first bytes of a stream fit: dotnet, lines or raw. ok is false when more bytes
// are needed to tell; when the wait is over it always chooses, unless src is empty.
//
// Nothing but the bytes themselves can tell, and some fit two codecs: a letter may begin a line, or count 32 to 126
// bytes of .NET text. So text that ends in a line end is lines; bytes that are .NET strings to the last one, when no
// more come, are dotnet; other text with a line end is lines. Text without one is raw, so that it is shown at all.
func Auto(src []byte, w Wait) (c Codec, ok bool) {
	if len(src) == 0 || len(src) < 3 && src[0] == 0x16 && w == Arriving { // this may become a TLS hello
		return nil, false
	}
	dn, text := fitsDotnet(src), isText(src)
	letter := src[0] >= 0x20 && src[0] < 0x7f || src[0] == '\t' || src[0] == '\n' || src[0] == '\r' || src[0] == 0x1b
	lineEnd := bytes.IndexByte(src, '\n') >= 0
	wait := false
	switch {
	case dn.fit >= whole && !(text && letter):
		return auto("dotnet"), true
	case text && src[0] >= 0x20 && src[len(src)-1] == '\n':
		return auto("lines"), true
	case dn.alike() && !lineEnd && bytes.Count(src, src[:1]) < len(src)/8: // and no pattern that fills space
		return auto("dotnet"), true
	case dn.fit == exact: // what a letter counts, but there may be more text under way
		return auto("dotnet"), w > Arriving
	case text && lineEnd && (w > Arriving || dn.fit != begun):
		return auto("lines"), true
	case dn.fit == begun && !text && len(src) > 64: // that many bytes do not fit by chance
		return auto("dotnet"), true
	case w == Arriving:
		wait = dn.fit == begun || text || len(src) < 2
	case dn.fit == begun && !text && dn.some:
		return auto("dotnet"), true
	case dn.fit == begun && !text:
		wait = w == Paused // a length; the network may be slow
	case text && letter && len(src) <= typing:
		return auto("lines"), w == Over
	}
	return auto("raw"), !wait
}

func auto(name string) Codec {
	c, err := New(name, url.Values{})
	if err != nil {
		panic("codec: internal error: " + err.Error())
	}
	return c
}

// fit says how far bytes are dotnet strings, each of them text.
type fit int

const (
	not   fit = iota
	begun     // perhaps empty strings, and a string that has not all arrived
	whole     // whole strings, and one that has not all arrived
	exact     // whole strings to the last byte
)

type dotnetFit struct {
	fit
	some        bool // there is something to show: text, or nothing but empty strings
	strings     int  // that are whole and not empty
	least, most int  // of their lengths
}

// alike says that there are several strings of about one length. The letters of a text, taken for lengths, are not.
func (d dotnetFit) alike() bool { return d.fit >= whole && d.strings >= 4 && d.most-d.least <= 8 }

var anyDotnet = auto("dotnet").(*dotnet)

func fitsDotnet(src []byte) (d dotnetFit) {
	rest, empty := src, 0
	for len(rest) > 0 {
		f, used, err := anyDotnet.Decode(rest, nil)
		if err != nil {
			return dotnetFit{}
		}
		if used == 0 {
			break
		}
		rest = rest[used:]
		n := len(f.Body)
		if n == 0 {
			if empty++; empty > 64 && d.strings == 0 {
				return dotnetFit{} // zeros
			}
			continue
		}
		if !isPrintable(f.Body) || !utf8.Valid(f.Body) {
			return dotnetFit{}
		}
		if d.strings++; d.strings == 1 {
			d.least = n
		}
		d.least, d.most = min(d.least, n), max(d.most, n)
	}
	body := 0
	if len(rest) > 0 {
		head, _, err := anyDotnet.length(rest)
		if err != nil || head > 0 && !(isPrintable(rest[head:]) && validStart(rest[head:])) {
			return dotnetFit{}
		}
		body = len(rest) - max(head, 1)
	}
	switch {
	case d.strings == 0:
		d.fit, d.some = begun, body > 0 || len(rest) == 0
	case len(rest) > 0:
		d.fit = whole
	default:
		d.fit = exact
	}
	return d
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
