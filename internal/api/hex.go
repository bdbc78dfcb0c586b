package api

import (
	"strings"
	"unicode"
)

// ParseHex reads bytes as people write them: 48 65, 4865, 48:65, 48-65, 48,65, 0x48 0x65, \x48\x65, in any mix
// and either case. Each byte has two digits. The error says where it stopped to make sense.
func ParseHex(s string) ([]byte, error) {
	out := make([]byte, 0, len(s)/2)
	in := []rune(s)
	for i := 0; i < len(in); {
		if separates(in[i]) {
			i++
			continue
		}
		at := i
		if prefixed(in[i:]) {
			i += 2
		}
		high, low := digit(in, i), digit(in, i+1)
		switch {
		case high < 0 && i > at && (i == len(in) || separates(in[i])):
			return nil, badHex("hex: no digits after %q at position %d", string(in[at:i]), at+1)
		case high < 0:
			return nil, badHex("hex: %q at position %d is not a hex digit", string(in[i]), i+1)
		case low < 0 && (i+1 == len(in) || separates(in[i+1])):
			return nil, badHex("hex: %q at position %d is half a byte", string(in[i]), i+1)
		case low < 0:
			return nil, badHex("hex: %q at position %d is not a hex digit", string(in[i+1]), i+2)
		}
		out = append(out, byte(high<<4|low))
		i += 2
	}
	return out, nil
}

func separates(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",;:-", r) }

// prefixed reports whether s starts with 0x or \x.
func prefixed(s []rune) bool {
	return len(s) >= 2 && (s[0] == '0' || s[0] == '\\') && (s[1] == 'x' || s[1] == 'X')
}

// digit is the value of the hex digit at i, -1 if there is none.
func digit(s []rune, i int) int {
	if i >= len(s) || s[i] > unicode.MaxASCII {
		return -1
	}
	return strings.IndexByte("0123456789abcdef", byte(unicode.ToLower(s[i])))
}

func badHex(format string, args ...any) error {
	return usage(say(format, args...), say(`two digits a byte: 48 65, 4865, 0x48 0x65, \x48\x65`))
}
