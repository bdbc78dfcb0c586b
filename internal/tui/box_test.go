package tui

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

func TestBoxKeys(t *testing.T) {
	tests := []struct{ text, keys, want string }{ // | is the cursor
		{"ab|", "left", "a|b"},
		{"|ab", "left", "|ab"},
		{"a|b", "right right", "ab|"},
		{"你好|", "left x", "你x|好"},
		{"👨\u200D👩\u200D👧x|", "left left", "|👨\u200D👩\u200D👧x"},
		{"cafe\u0301|", "backspace", "caf|"},
		{"a\n|b", "backspace", "a|b"},
		{"a|\nb", "delete", "a|b"},
		{"a|", "delete", "a|"},
		{"|", "backspace", "|"},
		{"one two|", "ctrl+w", "one |"},
		{"one two |", "alt+backspace", "one |"},
		{"one| two x", "alt+d", "one| x"},
		{"one two|", "alt+b alt+b", "|one two"},
		{"|one two", "ctrl+right", "one| two"},
		{"one\ntwo|", "ctrl+u", "one\n|"},
		{"o|ne\ntwo", "ctrl+k", "o|\ntwo"},
		{"one\ntw|o", "home", "one\n|two"},
		{"o|ne\ntwo", "end", "one|\ntwo"},
		{"abc\nd|e", "up", "a|bc\nde"},
		{"a|bc\nde", "down", "abc\nd|e"},
		{"abc\nde|", "up up", "ab|c\nde"},
		{"你好\nab|", "up", "你|好\nab"},
		{"a|b", "ctrl+j", "a\n|b"},
	}
	for _, tt := range tests {
		var b box
		before, after, _ := strings.Cut(tt.text, "|")
		b.set(before + after)
		b.at = len([]rune(before))
		b.lay(cells{}, 80)
		for _, k := range strings.Fields(tt.keys) {
			b.key(k, keyOf(k).Text)
		}
		if got := string(b.text[:b.at]) + "|" + string(b.text[b.at:]); got != tt.want {
			t.Errorf("%q, %s: got %q, want %q", tt.text, tt.keys, got, tt.want)
		}
	}
}

func TestBoxView(t *testing.T) {
	tests := []struct {
		text   string
		width  int
		method ansi.Method
		want   string
		x, y   int
	}{
		{"", 20, 0, "> ", 2, 0},
		{"你好，世界", 20, 0, "> 你好，世界", 12, 0},
		{"你好，世界", 9, 0, "> 你好，|  世界", 6, 1},
		{"abc\ndef", 20, 0, "> abc|  def", 5, 1},
		{"abcdef", 9, 0, "> abcdef", 8, 0},
		{"abcdefg", 9, 0, "> abcdef|  g", 3, 1},
		{"a\x1b\t\u202Eb", 20, 0, "> a␛␉<202E>b", 12, 0},
		{"👍🏽", 20, ansi.WcWidth, "> 👍🏽", 6, 0},
		{"👍🏽", 20, ansi.GraphemeWidth, "> 👍🏽", 4, 0},
		{"1\n2\n3\n4\n5", 20, 0, "  3|  4|  5", 3, 2},
	}
	for _, tt := range tests {
		var b box
		b.set(tt.text)
		lines, x, y := b.view(cells{tt.method}, tt.width, 3)
		if got := strings.Join(lines, "|"); got != tt.want || x != tt.x || y != tt.y {
			t.Errorf("%q at %d: %q cursor %d,%d; want %q, %d,%d", tt.text, tt.width, got, x, y, tt.want, tt.x, tt.y)
		}
	}
}

// TestCursor checks where the terminal's cursor stands: an input method opens its window there.
func TestCursor(t *testing.T) {
	st := newStage(t, "zh", 80, 24)
	st.pair()
	st.typeIn("你好，世界")
	v := st.View()
	if v.Cursor == nil || v.Cursor.X != 12 || v.Cursor.Y != 23 {
		t.Fatalf("cursor at %+v, want 12,23", v.Cursor)
	}
	st.press("left", "left")
	if c := st.View().Cursor; c.X != 8 {
		t.Errorf("cursor at %d after two steps left, want 8", c.X)
	}
	st.press("ctrl+j")
	if c := st.View().Cursor; c.X != 2 || c.Y != 23 {
		t.Errorf("cursor at %d,%d on the second line, want 2,23", c.X, c.Y)
	}
	st.press("f1")
	if st.View().Cursor != nil {
		t.Error("the help shows a cursor")
	}
}

func TestPaste(t *testing.T) {
	st := newStage(t, "en", 80, 24)
	st.pair()
	st.update(tea.PasteMsg{Content: "MSH|^~\\&|\tA\x0b\r\nnext\u202E"})
	if strings.ContainsAny(strings.Join(frameOf(st), "\n"), "\x0b\t\u202E") {
		t.Error("what was pasted reaches the terminal as it is")
	}
	st.press("enter")
	if got, want := st.f.asked(), `send `+alice+` "MSH|^~\\&|\tA\v\nnext\u202e"`; got != want {
		t.Errorf("asked %q, want %q", got, want)
	}
	st.update(tea.PasteMsg{Content: strings.Repeat("x", maxTyped+1)})
	if st.box.value() != "" || !strings.Contains(st.notice.text, "too long") {
		t.Errorf("box %d characters, notice %q", len(st.box.value()), st.notice.text)
	}
}

func frameOf(st *stage) []string {
	lines, _, _ := st.frame()
	return lines
}
