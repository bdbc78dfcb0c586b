package api

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
	"unicode"

	"tincan"
)

func TestParseHex(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""}, {" \t\r\n", ""}, {"48", "H"}, {"4865", "He"}, {"48 65", "He"}, {"48,65", "He"}, {"48, 65,", "He"}, {"48:65", "He"}, {"48-65", "He"},
		{"0x48 0x65", "He"}, {"0x4865", "He"}, {"0X48,0X65", "He"}, {`\x48\x65`, "He"}, {`\x48 \X65`, "He"}, {"0x480x65", "He"},
		{"aAfF", "\xaa\xff"}, {"00", "\x00"}, {"0x00", "\x00"}, {"48\u00a065\u3000", "He"}, {"02 ; 03", "\x02\x03"},
	} {
		got, err := ParseHex(c.in)
		if err != nil || string(got) != c.want {
			t.Errorf("%q: got %q, %v, want %q", c.in, got, err, c.want)
		}
	}
	for _, c := range []struct{ in, want string }{
		{"4", `hex: "4" at position 1 is half a byte`},
		{"48 6", `hex: "6" at position 4 is half a byte`},
		{"48 6 65", `hex: "6" at position 4 is half a byte`},
		{"1 2 3", `hex: "1" at position 1 is half a byte`},
		{"0x", `hex: no digits after "0x" at position 1`},
		{"48 0x 65", `hex: no digits after "0x" at position 4`},
		{`48\x`, `hex: no digits after "\\x" at position 3`},
		{"0x4", `hex: "4" at position 3 is half a byte`},
		{"4g", `hex: "g" at position 2 is not a hex digit`},
		{"hi", `hex: "h" at position 1 is not a hex digit`},
		{"0xzz", `hex: "z" at position 3 is not a hex digit`},
		{"48 6你", `hex: "你" at position 5 is not a hex digit`},
		{"你48", `hex: "你" at position 1 is not a hex digit`},
		{"48 x65", `hex: "x" at position 4 is not a hex digit`},
		{`48 \65`, `hex: "\\" at position 4 is not a hex digit`},
		{"４８", `hex: "４" at position 1 is not a hex digit`},
		{"\xff", `hex: "�" at position 1 is not a hex digit`},
		{"4ſ", `hex: "ſ" at position 2 is not a hex digit`},
	} {
		got, err := ParseHex(c.in)
		if err == nil || err.Error() != c.want {
			t.Errorf("%q: got %q, %v, want %s", c.in, got, err, c.want)
		}
	}
}

// FuzzParseHex compares with a plain reading: take away what separates and what prefixes, and the rest is
// what encoding/hex reads.
func FuzzParseHex(f *testing.F) {
	for _, s := range []string{"48 65", "0x48,0x65", `\x48`, "4", "0x", "4g", "48:65-6c", "你", "0x0x", "00x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseHex(s)
		if err != nil {
			if _, _, code := tincan.Explain(err); code != tincan.CodeUsage || got != nil {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		if again, err := ParseHex(hex.EncodeToString(got)); err != nil || !bytes.Equal(again, got) {
			t.Fatalf("%q: % x reads as % x, %v", s, got, again, err)
		}
		digits := strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) || strings.ContainsRune(`,;:-\`, r) {
				return -1
			}
			return unicode.ToLower(r)
		}, s)
		// Of an accepted string, an x is always the second half of a prefix.
		digits = strings.ReplaceAll(strings.ReplaceAll(digits, "0x", ""), "x", "")
		if want, err := hex.DecodeString(digits); len(digits)%2 == 0 && !strings.Contains(s, `\`) && (err != nil || !bytes.Equal(want, got)) {
			t.Fatalf("%q: got % x, want % x, %v", s, got, want, err)
		}
	})
}
