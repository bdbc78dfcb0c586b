package tui

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMarks is how many combining marks may follow one letter. Scripts need up to four or five; a heap of
// them paints over the lines above and below.
const maxMarks = 8

// Clean makes text from a peer safe to show on one line of a terminal. What is not visible, or would move
// the cursor, change colours, reverse the direction of the text or hide something, is shown as what it is:
//
//	ESC, NUL, LF …              ␛ ␀ ␊ (the control pictures of Unicode)
//	U+202E and other controls   <202E>
//	a byte that is not UTF-8    \xFF
//
// The result is valid UTF-8 and holds no control character, and Clean of it is the same string.
func Clean(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	marks := maxMarks // a mark with nothing before it would join what the screen shows there
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02X`, s[i])
			marks = 0
		case r < 0x20:
			b.WriteRune('␀' + r)
			marks = 0
		case r == 0x7f:
			b.WriteRune('␡')
			marks = 0
		case hidden(r):
			fmt.Fprintf(&b, "<%04X>", r)
			marks = 0
		case !joins(r):
			b.WriteRune(r)
			marks = 0
		case marks < maxMarks:
			b.WriteRune(r)
			marks++
		default:
			fmt.Fprintf(&b, "<%04X>", r)
		}
		i += n
	}
	return b.String()
}

// plain says that s is printable ASCII, which needs no cleaning.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// joins says that a rune is drawn onto the one before it.
func joins(r rune) bool {
	return unicode.In(r, unicode.Mn, unicode.Me) || r == 0x200C || r == 0x200D
}

// hidden says that a rune has no look of its own and so could deceive: C1 controls, bidi controls, line
// separators, zero-width and filler characters, tags, and code points that are no characters.
func hidden(r rune) bool {
	switch {
	case r < 0xa0:
		return r >= 0x80
	case r == 0x200C, r == 0x200D: // joiners: Persian, Indic scripts and emoji need them
		return false
	case r == 0x2028, r == 0x2029, r == 0x034F, r == 0x115F, r == 0x1160, r == 0x17B4, r == 0x17B5, r == 0x3164, r == 0xFFA0:
		return true
	case r >= 0xFDD0 && r <= 0xFDEF, r&0xFFFE == 0xFFFE:
		return true
	case r >= 0xE0000 && r <= 0xE0FFF:
		return true
	}
	return unicode.Is(unicode.Cf, r)
}

// cleanLines is Clean for a body of several lines: it is cut at LF and CR LF.
func cleanLines(s string) []string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if i < len(lines)-1 {
			l = strings.TrimSuffix(l, "\r")
		}
		lines[i] = Clean(l)
	}
	return lines
}
