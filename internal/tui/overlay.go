package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// overlay covers the messages: the help, or the choice of a codec.
type overlay struct {
	kind string // "" for none
	top  int    // first line shown (help)
	at   int    // the line the cursor is on (codecs)
	most int    // how far top may go, as drawn last

	title string // of a text
	lines []string
	art   []string
}

const (
	overHelp   = "help"
	overCodecs = "codecs"
	overText   = "text"
)

// codecNames are the codecs on offer. Others, and options, are for /codec.
var codecNames = []string{"lines", "lines?eol=crlf", "dotnet", "raw", "json", "len8", "len16", "len32", "len32?order=le", "len64",
	"varint", "cobs", "slip", "delim?end=00", "delim?end=0D", "idle"}

func (o *overlay) scroll(n int) {
	if o.kind == overCodecs {
		o.at = min(max(o.at+n, 0), len(codecNames)-1)
		return
	}
	o.top = min(max(o.top+n, 0), o.most)
}

// overlayKey takes a key while an overlay is open.
func (s *screen) overlayKey(name string) tea.Cmd {
	o := &s.overlay
	switch name {
	case "esc", "f1", "q", "ctrl+e":
		*o = overlay{}
	case "ctrl+c":
		*o = overlay{}
		return s.quit()
	case "up":
		o.scroll(-1)
	case "down":
		o.scroll(1)
	case "pgup":
		o.scroll(-max(1, s.page()-2))
	case "pgdown", "space":
		o.scroll(max(1, s.page()-2))
	case "home":
		o.scroll(-1 << 20)
	case "end":
		o.scroll(1 << 20)
	case "enter":
		name := codecNames[o.at]
		chosen := o.kind == overCodecs
		*o = overlay{}
		if chosen {
			return s.setCodec(name)
		}
	}
	return nil
}

// chooseCodec opens the choice of a codec for the chosen link, at the one it has.
func (s *screen) chooseCodec() tea.Cmd {
	return s.onLink(func(l *link) tea.Cmd {
		s.overlay = overlay{kind: overCodecs}
		for i, n := range codecNames {
			if n == l.Codec {
				s.overlay.at = i
			}
		}
		return nil
	})
}

// overlayLines draws the overlay over n lines of a width.
func (s *screen) overlayLines(width, n int) []string {
	if n <= 0 {
		return nil
	}
	o := &s.overlay
	var title string
	var lines []string
	if o.kind != overCodecs {
		title, lines = s.say.t("help.title"), nil
		if o.kind == overHelp {
			lines = s.helpLines(width)
		} else {
			title = o.title
			for _, l := range o.lines {
				lines = append(lines, s.cells.wrap(l, width)...)
			}
			for _, l := range o.art {
				if s.cells.width(l) <= width {
					lines = append(lines, s.style.art.Render(l))
				}
			}
		}
		o.most = max(0, len(lines)-(n-1))
		o.top = min(o.top, o.most)
	} else {
		title = s.say.t("codecs.title")
		for i, name := range codecNames {
			mark, look := "  ", s.style.text[calm]
			if i == o.at {
				mark, look = "▸ ", s.style.chosen
			}
			line := mark + s.cells.pad(name, 16) + s.say.t("codec."+strings.SplitN(name, "?", 2)[0])
			lines = append(lines, look.Render(s.cells.pad(line, width)))
		}
		o.top = min(max(0, o.at-(n-2)/2), max(0, len(lines)-(n-1)))
	}
	more := ""
	if o.top+n-1 < len(lines) {
		more = "↓"
	}
	if o.top > 0 {
		more += "↑"
	}
	out := []string{s.style.bold.Render(s.cells.ends(title, more, width))}
	out = append(out, lines[o.top:min(len(lines), o.top+n-1)]...)
	return out
}

// keyNames writes keys as they are printed on a keyboard.
var keyNames = strings.NewReplacer("alt+enter", "Alt+Enter", "shift+tab", "Shift+Tab", "ctrl+", "Ctrl+", "enter", "Enter", "tab", "Tab",
	"up", "Up", "down", "Down", "pgup", "PgUp", "pgdown", "PgDn", "home", "Home", "end", "End", "f1", "F1", "f2", "F2", "f3", "F3")

// helpLines are the keys and the commands, wrapped to a width.
func (s *screen) helpLines(width int) []string {
	var lines []string
	column := 24
	if width < 60 {
		column = 14
	}
	add := func(left, right string) {
		for i, l := range s.cells.wrap(right, width-column-1) {
			if i > 0 {
				left = ""
			}
			if s.cells.width(left) > column {
				lines = append(lines, s.style.bold.Render(s.cells.cut(left, width)))
				left = ""
			}
			lines = append(lines, s.style.bold.Render(s.cells.pad(left, column))+" "+l)
		}
	}
	for _, b := range bindings() {
		add(keyNames.Replace(strings.Join(b.keys, " ")), s.say.t(b.help))
	}
	add("", "")
	for _, c := range commands() {
		add(strings.TrimSpace(fmt.Sprintf("/%s %s", c.name, c.args)), s.say.t(c.help))
	}
	add("//…", s.say.t("help.slashes"))
	add("", "")
	for _, m := range []struct{ sign, key string }{{"·", "queued"}, {"›", "written"}, {"✓", "reached"}, {"✓", "stored"}, {"?", "uncertain"}, {"×", "discarded"}} {
		add(m.sign, s.say.t("help."+m.key))
	}
	return lines
}
