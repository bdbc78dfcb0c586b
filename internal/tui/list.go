package tui

import (
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"tincan"
)

// look is what the drawing of an entry depends on, besides the entry.
type look struct {
	width  int
	hex    bool
	shared bool
	method ansi.Method
	day    bool // the day is shown above it
}

// heights tells how many lines an entry of a room takes.
func (s *screen) heights(r *room) height {
	return func(i int) int { return len(s.draw(r, i)) }
}

// messages draws the room on screen over n lines of a width.
func (s *screen) messages(width, n int) []string {
	r := s.current()
	if r == nil || r.log.loaded && len(r.log.entries) == 0 {
		return s.welcome(width, n)
	}
	out := make([]string, 0, n)
	r.log.visible(n, s.heights(r), func(i, from, to int) { out = append(out, s.draw(r, i)[from:to]...) })
	return out
}

// welcome is shown while there is nothing to read.
func (s *screen) welcome(width, n int) []string {
	key := "welcome.ready"
	r := s.current()
	switch {
	case r != nil && len(s.linksOf(r)) > 0:
		key = "welcome.talk"
	case r != nil && r.info.Dial != nil:
		key = "welcome.dial"
	case len(s.listeners) > 0:
		key = "welcome.listen"
	}
	text := s.say.t(key)
	if port := s.onlyHere(); port != "" && key == "welcome.listen" {
		text = s.say.t("welcome.here", port)
	}
	var out []string
	for _, l := range s.cells.wrap(text, width-2) {
		out = append(out, " "+s.style.dim.Render(l))
	}
	for _, l := range s.listeners {
		for _, a := range l.Reach {
			out = append(out, "   "+s.style.bold.Render(s.cells.cut(Clean(a), width-3)))
		}
	}
	return out[:min(len(out), n)]
}

// draw returns the lines of entry i of a room.
func (s *screen) draw(r *room, i int) []string {
	e := r.log.entries[i]
	w := look{width: max(s.bodyWidth(), 1), hex: s.hex, shared: r.info.Shared, method: s.cells.method}
	day := e.at.Local().Format(time.DateOnly)
	if i == 0 {
		w.day = day != s.now().Local().Format(time.DateOnly)
	} else {
		w.day = day != r.log.entries[i-1].at.Local().Format(time.DateOnly)
	}
	if e.lines != nil && e.look == w {
		return e.lines
	}
	e.look, e.lines = w, nil
	if w.day {
		e.lines = append(e.lines, s.rule(day, w.width))
	}
	e.lines = append(e.lines, s.gapLines(r, e, w.width)...)
	if e.div.kind != "" {
		e.lines = append(e.lines, s.drawDivider(e, w.width)...)
	} else {
		e.lines = append(e.lines, s.drawMessage(r, e, w)...)
	}
	return e.lines
}

// rule is a line across with a text in it.
func (s *screen) rule(text string, width int) string {
	line := "── " + s.cells.cut(text, width-6) + " "
	return s.style.dim.Render(s.cells.cut(line+strings.Repeat("─", max(0, width-s.cells.width(line))), width))
}

// drawMessage draws "09:30:12 ✓ me  text", the text wrapped beside its head.
func (s *screen) drawMessage(r *room, e *entry, w look) []string {
	clock := time.TimeOnly
	if w.width < 60 {
		clock = "15:04"
	}
	who, looks := s.say.t("me"), s.style.chosen
	sign, word, m := s.receiptOf(r, e)
	if !e.own() {
		who, looks = s.say.t("peer"), s.style.bold
		if w.shared || r.info.Host != "" {
			who = s.cells.cut(s.who(e.msg.From), max(8, w.width/4))
		}
	}
	head := s.style.dim.Render(e.at.Local().Format(clock)) + " " + s.style.text[m].Render(sign) + " " + looks.Render(who) + " "
	column := s.cells.width(head)
	room := max(w.width-column, 4)
	lines := s.bodyLines(e, room, w.hex)
	if word != "" {
		last := lines[len(lines)-1]
		if gap := room - s.cells.width(last) - s.cells.width(word) - 2; gap >= 0 {
			lines[len(lines)-1] = last + strings.Repeat(" ", gap+1) + s.wordStyle(m).Render(word)
		}
	}
	indent := strings.Repeat(" ", column)
	for i := range lines {
		if i == 0 {
			lines[i] = s.cells.cut(head+lines[i], w.width)
		} else {
			lines[i] = s.cells.cut(indent+lines[i], w.width)
		}
	}
	return lines
}

func (s *screen) wordStyle(m mood) lipgloss.Style {
	if m == good || m == calm {
		return s.style.dim
	}
	return s.style.text[m]
}

// receiptOf says how far an own message got: a sign, and a word for it. With several peers it is the state of
// the one that is furthest behind, and how many have it.
func (s *screen) receiptOf(r *room, e *entry) (sign, word string, m mood) {
	if !e.own() {
		return " ", "", calm
	}
	total := 0
	for _, n := range e.state {
		total += n
	}
	state := tincan.Stored
	for _, x := range []tincan.Receipt{tincan.Uncertain, tincan.Queued, tincan.Written, tincan.Reached, tincan.Stored, tincan.Discarded} {
		if e.state[x] > 0 {
			state = x
			break
		}
	}
	word = s.say.t("receipt." + string(state))
	if e.msg.Offset == 0 {
		return "·", s.queuedWord(e), wait
	}
	if stored := s.storedWord(r, e); stored != "" {
		return "✓", stored, good
	}
	if total > 1 {
		word = fmt.Sprintf("%d/%d %s", e.state[tincan.Reached]+e.state[tincan.Stored], total, s.say.t("receipt.reached"))
	}
	switch state {
	case tincan.Queued:
		return "·", word, wait
	case tincan.Written:
		return "›", word, wait
	case tincan.Uncertain:
		return "?", word, bad
	case tincan.Discarded:
		return "×", word, bad
	}
	return "✓", word, good
}

// bodyLines are the lines of a message's body: text, or a dump of its bytes.
func (s *screen) bodyLines(e *entry, width int, asHex bool) []string {
	var lines []string
	if asHex {
		lines = dump(e.msg.Body, width)
	} else {
		text, ok := e.msg.Text()
		if !ok && text == "" {
			text = string(e.msg.Body)
		}
		if len(e.msg.Body) < e.size { // what was cut off may have cut a character in two
			text = strings.ToValidUTF8(text, "")
		}
		for _, l := range cleanLines(text) {
			lines = append(lines, s.cells.wrap(l, width)...)
		}
	}
	var notes []string
	switch {
	case e.size == 0:
		notes = append(notes, s.say.t("msg.empty"))
	case len(e.msg.Body) < e.size:
		notes = append(notes, s.say.t("msg.more", e.size-len(e.msg.Body)))
	}
	if e.msg.Partial {
		notes = append(notes, s.say.t("msg.partial"))
	}
	if len(notes) > 0 {
		note := s.style.dim.Render(s.cells.cut("‹"+strings.Join(notes, ", ")+"›", width))
		if len(lines) == 1 && lines[0] == "" {
			return []string{note}
		}
		lines = append(lines, note)
	}
	return lines
}

// dump is bytes as hex and as text: as many groups of four as fit.
func dump(b []byte, width int) []string {
	n := 4
	for _, more := range []int{8, 16} {
		if 6+more*4+1 <= width {
			n = more
		}
	}
	var lines []string
	for at := 0; at < len(b); at += n {
		row := b[at:min(at+n, len(b))]
		var hex, text strings.Builder
		for _, c := range row {
			fmt.Fprintf(&hex, "%02X ", c)
			if c < 0x20 || c > 0x7e {
				c = '.'
			}
			text.WriteByte(c)
		}
		line := fmt.Sprintf("%-*s %s", n*3, hex.String(), text.String())
		if width >= 6+n*4+1 {
			line = fmt.Sprintf("%04X  %s", at, line)
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return []string{""}
	}
	return lines
}

// drawDivider draws what happened to a link, over as many lines as it takes.
func (s *screen) drawDivider(e *entry, width int) []string {
	k := e.div.link
	clock := e.at.Local().Format(time.TimeOnly)
	var text string
	switch e.div.kind {
	case divConnected:
		text = s.say.t("div.accepted", s.who(k.Peer), Clean(k.Codec))
		if k.Dialled {
			text = s.say.t("div.dialled", s.who(k.Peer), Clean(k.Codec))
		}
		if k.HandshakeUS > 0 {
			text += s.say.t("div.handshake", milliseconds(k.HandshakeUS))
		}
	case divFinished:
		text = s.say.t("div.finished", s.who(k.Peer))
	case divCodec:
		text = s.say.t("div.codec", Clean(k.Codec), s.say.choice(k.Choice))
	case divEnded:
		text = s.say.t("div.ended", s.who(k.Peer), s.say.reason(k.Reason))
		if !k.Since.IsZero() {
			text += s.say.t("div.lasted", s.say.span(k.Ended.Sub(k.Since)))
		}
		if k.BytesIn+k.BytesOut+k.MessagesIn+k.MessagesOut > 0 {
			text += s.say.t("div.bytes", k.MessagesIn, size(k.BytesIn), k.MessagesOut, size(k.BytesOut))
		}
	}
	text = clock + " " + text
	if s.cells.width(text) <= width-6 {
		return []string{s.rule(text, width)}
	}
	lines := s.cells.wrap(text, width-3)
	for i, l := range lines {
		lines[i] = s.style.dim.Render(map[bool]string{true: "── ", false: "   "}[i == 0] + l)
	}
	return lines
}
