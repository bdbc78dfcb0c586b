package tui

import (
	"slices"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"
)

const (
	wide     = 90 // columns from which the list of rooms is shown
	sideCols = 27
)

// View draws the screen. From the top: the status strip, the chosen link's figures, what needs a decision,
// the messages beside the list of rooms, whom the box writes to, a notice, the box.
func (s *screen) View() tea.View {
	var v tea.View
	v.AltScreen = true
	v.MouseMode = tea.MouseModeCellMotion
	v.WindowTitle = "tincan"
	if s.width <= 0 || s.height <= 0 {
		return v
	}
	lines, x, y := s.frame()
	v.SetContent(strings.Join(lines, "\n"))
	if s.ask == nil && s.overlay.kind == "" && y < s.height {
		v.Cursor = tea.NewCursor(min(x, s.width-1), y)
		v.Cursor.Shape = tea.CursorBar
	}
	return v
}

// plan is how many lines each part of the screen gets.
type plan struct {
	figures, rule   bool
	banners, notice int
	body, waits     int // the messages, and below them those that wait for their host
	box             int
}

func (s *screen) plan() plan {
	p := plan{box: min(len(s.box.lay(s.cells, s.width)), boxLines, max(1, s.height/4))}
	left := s.height - 1 - p.box
	p.figures, left = left >= 2, left-min(1, max(0, left-1))
	p.rule = left >= 3
	if p.rule {
		left--
	}
	if left >= 3 || left >= 1 && s.pressing() {
		p.notice = min(max(1, left/4), len(s.noticeLines(s.width)))
		left -= p.notice
	}
	if most := (left - 1) / 3; most > 0 {
		p.banners = min(most, len(s.banners()))
	}
	p.body = max(0, left-p.banners)
	p.waits = len(s.waitLines(s.bodyWidth(), p.body/2))
	p.body -= p.waits
	return p
}

// page is how many lines the messages have.
func (s *screen) page() int { return s.plan().body }

// bodyTop is the line on which the messages begin.
func (s *screen) bodyTop() int {
	p := s.plan()
	if p.figures {
		return 2 + p.banners
	}
	return 1 + p.banners
}

func (s *screen) sideWidth() int {
	if s.width < wide {
		return 0
	}
	return sideCols
}

// bodyWidth is the width of the messages and of the box.
func (s *screen) bodyWidth() int {
	if w := s.sideWidth(); w > 0 {
		return s.width - w - 1
	}
	return s.width
}

// frame is the screen as exactly as many lines as it has, and where the cursor is.
func (s *screen) frame() (lines []string, x, y int) {
	p := s.plan()
	lines = append(lines, s.strip(s.width))
	if p.figures {
		lines = append(lines, s.figures(s.width))
	}
	for _, b := range s.banners()[:p.banners] {
		lines = append(lines, s.style.banner.Render(s.cells.pad(b, s.width)))
	}
	lines = append(lines, s.body(p.body, p.waits)...)
	if p.rule {
		lines = append(lines, s.target(s.width))
	}
	lines = append(lines, s.noticeLines(s.width)[:p.notice]...)
	box, x, y := s.box.view(s.cells, s.width, p.box)
	lines = append(lines, box...)
	for len(lines) < s.height {
		lines = append(lines, "")
	}
	for i, l := range lines {
		lines[i] = s.cells.cut(l, s.width) // the renderer would wrap a line that is too wide
	}
	return lines[:s.height], x, y + s.height - p.box
}

// body is the messages, or an overlay, with the list of rooms at the left of a wide screen.
func (s *screen) body(n, waits int) []string {
	width := s.bodyWidth()
	var main []string
	if s.overlay.kind != "" {
		main = s.overlayLines(width, n)
	} else {
		main = s.messages(width, n)
	}
	for len(main) < n {
		main = append(main, "")
	}
	main = append(main[:n], s.waitLines(width, waits)...)
	n += waits
	if s.sideWidth() == 0 {
		return main[:n]
	}
	side := s.side(n)
	out := make([]string, n)
	for i := range out {
		out[i] = side.line(i) + s.style.dim.Render("│") + main[i]
	}
	return out
}

// sidebar is the list of rooms as it is drawn.
type sidebar struct {
	lines []string
	rooms []*room // whose line it is; nil for none
	blank string
}

func (b sidebar) line(i int) string {
	if i < len(b.lines) {
		return b.lines[i]
	}
	return b.blank
}

func (b sidebar) at(i int) *room {
	if i < 0 || i >= len(b.rooms) {
		return nil
	}
	return b.rooms[i]
}

// side draws the rooms, and the links of a shared one below it, over n lines.
func (s *screen) side(n int) sidebar {
	width := sideCols
	b := sidebar{blank: strings.Repeat(" ", width)}
	rs := s.listed()
	at := 0
	for _, r := range rs {
		if r.name == s.cur {
			at = len(b.lines)
		}
		b.lines = append(b.lines, s.sideRoom(r, width))
		b.rooms = append(b.rooms, r)
		if keeps := s.inRoom(r); r.name == s.cur && len(keeps) > 0 {
			for _, k := range keeps {
				b.lines = append(b.lines, s.style.dim.Render(s.cells.pad("   "+k, width)))
				b.rooms = append(b.rooms, r)
			}
		}
		ls := s.linksOf(r)
		if r.name != s.cur || !r.info.Shared {
			continue
		}
		if len(r.info.Members) > 0 { // they are listed already, but for the plain ones
			ls = slices.DeleteFunc(ls, func(l *link) bool { return isKey(l.Peer) })
		}
		chosen := s.chosen()
		for _, l := range ls {
			sign := "   "
			if l == chosen && len(ls) > 1 {
				sign = "  ›"
			}
			b.lines = append(b.lines, s.style.dim.Render(s.cells.pad(sign+" "+s.who(l.Peer), width)))
			b.rooms = append(b.rooms, r)
		}
	}
	n = max(0, n-1)
	from := min(max(0, at-n/2), max(0, len(b.lines)-n))
	to := min(len(b.lines), from+n)
	title := s.style.bold.Render(s.cells.pad(" "+s.say.t("rooms", len(rs)), width))
	b.lines = append([]string{title}, b.lines[from:to]...)
	b.rooms = append([]*room{nil}, b.rooms[from:to]...)
	return b
}

func (s *screen) sideRoom(r *room, width int) string {
	sign, m := "○", calm
	switch {
	case s.up(r):
		sign, m = "●", good
	case r.dialling():
		sign, m = "◌", wait
	}
	here := " "
	style := s.style.text[calm]
	if r.name == s.cur {
		here, style = "▸", s.style.chosen
	}
	unread := ""
	if r.unread > 0 {
		unread = strconv.Itoa(min(r.unread, 9999))
	}
	name := s.cells.ends(r.label(), unread, width-4)
	return style.Render(here) + s.style.text[m].Render(sign) + " " + style.Render(name) + " "
}

// target is the line above the box: whom it writes to, and what waits elsewhere.
func (s *screen) target(width int) string {
	text := s.say.t("target.none")
	if r := s.current(); r != nil {
		text = s.say.t("target.room", r.label())
		if !s.up(r) && !r.info.Shared {
			text = s.say.t("target.gone", r.label())
		}
		if r.info.Shared {
			text = s.say.t("target.shared", r.label(), s.here(r))
		}
	}
	if s.toAll {
		text = s.say.t("target.all", len(s.targets()))
	}
	var marks []string
	if r := s.current(); r != nil && !r.log.follow {
		if r.log.below > 0 {
			marks = append(marks, s.say.t("target.below", r.log.below))
		} else {
			marks = append(marks, s.say.t("target.more"))
		}
	}
	if s.hex {
		marks = append(marks, "HEX")
	}
	if r := s.current(); r != nil && r.info.Host != "" && r.waiting() > 0 {
		marks = append(marks, s.say.t("target.waits", r.waiting()))
	}
	unread := 0
	for _, r := range s.rooms {
		unread += r.unread
	}
	if s.sideWidth() == 0 && len(s.rooms) > 1 {
		marks = append(marks, s.say.t("rooms", len(s.rooms)))
		if unread > 0 {
			marks = append(marks, s.say.t("unread", unread))
		}
	}
	right := strings.Join(marks, " · ")
	if right != "" {
		right = " " + right + " "
	}
	left := "── " + s.cells.cut(text, max(4, width-s.cells.width(right)-6)) + " "
	fill := strings.Repeat("─", max(0, width-s.cells.width(left)-s.cells.width(right)))
	style := s.style.text[calm]
	if s.toAll {
		style = s.style.text[wait].Bold(true)
	}
	return style.Render(s.cells.cut(left+fill+right, width))
}

// pressing says that there is a question or a notice.
func (s *screen) pressing() bool {
	return s.ask != nil || s.notice.text != "" && s.now().Before(s.notice.until)
}

// noticeLines are a question, the latest notice, or what the keys do.
func (s *screen) noticeLines(width int) []string {
	text, style := s.say.t("hints"), s.style.dim
	switch {
	case s.ask != nil:
		text, style = s.ask.text+s.say.t("ask.keys"), s.style.banner
	case s.pressing():
		text, style = s.notice.text, s.style.text[s.notice.mood]
	case s.cells.width(text) > width:
		text = s.cells.cut(s.say.t("hints.short"), width)
	}
	lines := s.cells.wrap(text, width)
	for i, l := range lines {
		lines[i] = style.Render(l)
	}
	return lines
}
