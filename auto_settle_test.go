package tincan

import (
	"strings"
	"testing"
	"time"

	"tincan/codec"
)

// TestAutoSettles goes through the waits of auto without a clock.
func TestAutoSettles(t *testing.T) {
	tests := []struct {
		name    string
		came    []string // pieces; "|" is a moment in which nothing comes, "||" all the time there is
		codec   string
		message string
	}{
		{"a length, and the text much later", []string{"\x05", "|", "hello"}, "dotnet", "hello"},
		{"a length alone", []string{"\x05", "|", "||"}, "raw", "\x05"},
		{"a letter that counts, much later", []string{"!", "|", strings.Repeat("x", 33), "|"}, "dotnet", strings.Repeat("x", 33)},
		{"typed", []string{"h", "|", "e", "|", "l", "|", "lo\n"}, "lines", "hello"},
		{"text without an end", []string{"21.5", "|"}, "raw", "21.5"},
		{"two empty .NET strings", []string{"\x00\x00", "|"}, "dotnet", ""},
		{"an empty line", []string{"\r\n", "|"}, "lines", ""},
		{"a long line in pieces", []string{strings.Repeat("x", 3000), strings.Repeat("x", 10), "\n"}, "lines", strings.Repeat("x", 3010)},
		{"a long line, then a moment", []string{strings.Repeat("x", 3000), "x", "|"}, "raw", strings.Repeat("x", 3001)},
	}
	for _, tt := range tests {
		looks := 0
		a := newAuto()
		a.again = func() { looks++ }
		var src []byte
		var f codec.Frame
		var seen codec.Seen
		n := 0
		for _, p := range tt.came {
			switch p {
			case "||":
				a.began = a.began.Add(-settleAll)
				a.settle()
			case "|":
				a.settle()
			default:
				src = append(src, p...)
			}
			var err error
			if f, n, err = a.Decode(src, &seen); err != nil {
				t.Fatal(err)
			}
		}
		if name, choice := a.state(); name != tt.codec || choice != choiceDetected || n == 0 || string(f.Body) != tt.message {
			t.Errorf("%s: %s %s, a message %.40q of %d bytes; want %s, %.40q", tt.name, name, choice, f.Body, n, tt.codec, tt.message)
		}
		was := looks
		if a.settle(); looks != was {
			t.Errorf("%s: it looks again although it has decided", tt.name)
		}
		a.timer.Stop()
	}
}

// TestAutoDoesNotLookAgainAndAgain: a text that comes byte by byte and does not end is not read from its start each
// time, and not waited for without end.
func TestAutoDoesNotLookAgainAndAgain(t *testing.T) {
	a := newAuto()
	a.again = func() {}
	src := []byte(strings.Repeat("x", settleAt))
	looked, last := 0, 0
	for i := 1; i < len(src); i++ {
		if _, n, err := a.Decode(src[:i], &codec.Seen{}); n != 0 || err != nil {
			t.Fatal(i, n, err)
		}
		if a.looked != last {
			looked += a.looked
			last = a.looked
		}
		a.began = time.Now()
	}
	if most := 30 * settleAt; looked > most {
		t.Errorf("looked at %d bytes of %d", looked, len(src))
	}
	if _, n, _ := a.Decode(src, &codec.Seen{}); n != len(src) || a.String() != "raw" {
		t.Errorf("%d bytes taken by %s", n, a)
	}
	a.timer.Stop()
}
