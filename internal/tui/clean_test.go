package tui

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

func TestClean(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{"hello", "hello"},
		{"你好，世界 👋🏽", "你好，世界 👋🏽"},
		{"\x1b[2J\x1b]52;c;aGk=\x07", "␛[2J␛]52;c;aGk=␇"},
		{"a\r\nb\tc\x00", "a␍␊b␉c␀"},
		{"\x7f", "␡"},
		{"\u009b31m\u0085", "<009B>31m<0085>"},
		{"evil\u202Etxt.exe\u202C", "evil<202E>txt.exe<202C>"},
		{"\u2066x\u2069 \u200F \u061C", "<2066>x<2069> <200F> <061C>"},
		{"zero\u200Bwidth\uFEFF\u00AD", "zero<200B>width<FEFF><00AD>"},
		{"\u2028\u2029", "<2028><2029>"},
		{"admin\u3164", "admin<3164>"},
		{"tag\U000E0041", "tag<E0041>"},
		{"\uFFFE\U0010FFFF", "<FFFE><10FFFF>"},
		{"bad \xff\xc3(", `bad \xFF\xC3(`},
		{"�", "�"}, // the replacement character itself is a character
		{"e\u0301", "e\u0301"},
		{"\u0301alone", "<0301>alone"},
		{"👨\u200D👩\u200D👧", "👨\u200D👩\u200D👧"},
		{"می\u200Cخواهم", "می\u200Cخواهم"},
		{"z" + strings.Repeat("\u0336", 10), "z" + strings.Repeat("\u0336", 8) + "<0336><0336>"},
		{"\xe4\xbd", `\xE4\xBD`},
	}
	for _, tt := range tests {
		if got := Clean(tt.in); got != tt.want {
			t.Errorf("Clean(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestCleanLines(t *testing.T) {
	got := cleanLines("one\r\ntwo\n\x1bthree\r")
	if want := "one|two|␛three␍"; strings.Join(got, "|") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "abc", "\x1b[31m", "\u202E", "\xff", "e\u0301\u0301", "你好", "👨\u200D👩", "\u0600\U000E0041\ufe0f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s)
		if !utf8.ValidString(got) {
			t.Fatalf("Clean(%q) = %q is not UTF-8", s, got)
		}
		for _, r := range got {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || hidden(r) {
				t.Fatalf("Clean(%q) = %q holds %U", s, got, r)
			}
		}
		if ansi.Strip(got) != got {
			t.Fatalf("Clean(%q) = %q holds a sequence", s, got)
		}
		if again := Clean(got); again != got {
			t.Fatalf("Clean(%q) = %q, and of that %q", s, got, again)
		}
	})
}
