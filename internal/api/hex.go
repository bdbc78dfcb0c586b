package api

import (
	"unicode"
	"unicode/utf8"
)

// ParseHex reads bytes as people write them: 48 65, 4865, 48:65, 48-65, 48,65, 0x48 0x65, \x48\x65, in any mix
// and either case. Each byte has two digits. The error says where it stopped to make sense.
func ParseHex(s string) ([]byte, error) {
	out := make([]byte, 0, len(s)/2)
	for i := 0; i < len(s); {
		if n := separator(s[i:]); n > 0 {
			i += n
			continue
		}
		at := i
		if prefixed(s[i:]) {
			i += 2
		}
		high, low := digit(s, i), digit(s, i+1)
		if high < 0 || low < 0 {
			return nil, badHex(s, at, i)
		}
		out = append(out, byte(high<<4|low))
		i += 2
	}
	return out, nil
}

// separator is how long the separator is that s starts with; 0 if it starts with none.
func separator(s string) int {
	switch c := s[0]; {
	case c == ' ' || c == ',' || c == ':' || c == '-' || c == ';':
		return 1
	case '0' <= c && c <= '9' || c == '\\':
		return 0
	}
	r, n := utf8.DecodeRuneInString(s)
	if unicode.IsSpace(r) {
		return n
	}
	return 0
}

// prefixed reports whether s starts with 0x or \x.
func prefixed(s string) bool {
	return len(s) >= 2 && (s[0] == '0' || s[0] == '\\') && (s[1] == 'x' || s[1] == 'X')
}

// digit is the value of the hex digit at i, -1 if there is none.
func digit(s string, i int) int {
	if i >= len(s) {
		return -1
	}
	switch c := s[i]; {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// badHex says why s has no byte at i, where the byte with its prefix starts at at. Positions count
// characters from 1.
func badHex(s string, at, i int) error {
	ends := func(i int) bool { return i == len(s) || separator(s[i:]) > 0 }
	position := func(i int) int { return utf8.RuneCountInString(s[:i]) + 1 }
	character := func(i int) string { r, _ := utf8.DecodeRuneInString(s[i:]); return string(r) }
	hint := say(`two digits a byte: 48 65, 4865, 0x48 0x65, \x48\x65`)
	switch {
	case i > at && ends(i):
		return usage(say("hex: no digits after %q at position %d", s[at:i], position(at)), hint)
	case digit(s, i) < 0:
		return usage(say("hex: %q at position %d is not a hex digit", character(i), position(i)), hint)
	case ends(i + 1):
		return usage(say("hex: %q at position %d is half a byte", character(i), position(i)), hint)
	}
	return usage(say("hex: %q at position %d is not a hex digit", character(i+1), position(i+1)), hint)
}
