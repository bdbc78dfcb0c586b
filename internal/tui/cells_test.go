package tui

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

func TestWrap(t *testing.T) {
	tests := []struct {
		in    string
		width int
		want  string
	}{
		{"", 10, ""},
		{"short", 10, "short"},
		{"hello big world", 10, "hello big|world"},
		{"hello big world", 9, "hello big|world"},
		{"abcdefghij", 4, "abcd|efgh|ij"},
		{"你好世界", 4, "你好|世界"},
		{"你好世界", 5, "你好|世界"},
		{"abc你好", 5, "abc你|好"},
		{"a 你好", 3, "a|你|好"},
		{"x👍🏽y", 3, "x|👍🏽|y"}, // four cells by the rune, and not to be cut
		{"cafe\u0301s", 4, "cafe\u0301|s"},
		{"one  two", 4, "one|two"},
		{"世界hello世界", 6, "世界|hello|世界"},
		{"漢", 1, "漢"},
	}
	c := cells{ansi.WcWidth}
	for _, tt := range tests {
		if got := strings.Join(c.wrap(tt.in, tt.width), "|"); got != tt.want {
			t.Errorf("wrap(%q, %d) = %q, want %q", tt.in, tt.width, got, tt.want)
		}
	}
}

func TestWrapGraphemes(t *testing.T) {
	c := cells{ansi.GraphemeWidth}
	family := "👨\u200D👩\u200D👧"
	if got := strings.Join(c.wrap("ab"+family+"cd", 4), "|"); got != "ab"+family+"|cd" {
		t.Errorf("got %q", got)
	}
}

func TestEnds(t *testing.T) {
	c := cells{}
	tests := []struct {
		left, right string
		width       int
		want        string
	}{
		{"ab", "yz", 8, "ab    yz"},
		{"abcde", "yz", 8, "abcde yz"},
		{"abcdefgh", "yz", 8, "abcd… yz"},
		{"你好世界", "1", 7, "你好… 1"},
		{"a", "wxyz", 3, "wx…"},
		{"abc", "", 2, "a…"},
	}
	for _, tt := range tests {
		if got := c.ends(tt.left, tt.right, tt.width); got != tt.want || c.width(got) != tt.width {
			t.Errorf("ends(%q, %q, %d) = %q, want %q", tt.left, tt.right, tt.width, got, tt.want)
		}
	}
}

// FuzzWrap checks that nothing is lost and that no line is too wide unless one character is.
func FuzzWrap(f *testing.F) {
	f.Add("hello 你好，世界 👍🏽 again", 7, false)
	f.Add("a\u0301\u0301 漢漢 x", 1, true)
	f.Fuzz(func(t *testing.T, s string, width int, graphemes bool) {
		if width < 1 || width > 200 {
			t.Skip()
		}
		s = Clean(s)
		c := cells{}
		if graphemes {
			c.method = ansi.GraphemeWidth
		}
		lines := c.wrap(s, width)
		squeeze := func(s string) string { return strings.ReplaceAll(s, " ", "") }
		if got := squeeze(strings.Join(lines, "")); got != squeeze(s) {
			t.Fatalf("wrap(%q, %d) = %q", s, width, lines)
		}
		for _, l := range lines {
			if g, _ := ansi.FirstGraphemeCluster(l, c.method); c.width(l) > width && g != l {
				t.Fatalf("wrap(%q, %d): %q is %d wide", s, width, l, c.width(l))
			}
		}
	})
}
