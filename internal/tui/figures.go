package tui

import (
	"fmt"
	"strings"
	"time"

	"tincan"
)

// figures is the line about the chosen link; without one, about the dialler or the listeners. A figure that
// the system does not offer is not shown. Short words are used where the full ones do not fit, and what does
// not fit then is left out, the least telling first.
func (s *screen) figures(width int) string {
	l := s.chosen()
	if l == nil {
		return s.style.dim.Render(s.cells.pad(s.noFigures(width), width))
	}
	parts, more := s.figuresOf(l)
	if s.cells.width(strings.Join(parts, " · ")) > width {
		parts, more = s.shortFigures(l, width), nil
	}
	parts = append(parts, more...)
	line := parts[0]
	for _, p := range parts[1:] {
		if s.cells.width(line)+3+s.cells.width(p) <= width {
			line += " · " + p
		}
	}
	m := calm
	if l.Phase != tincan.Established || l.Paused {
		m = wait
	}
	return s.style.text[m].Render(s.cells.pad(line, width))
}

// figuresOf are the figures in full words, and those that may be missing.
func (s *screen) figuresOf(l *link) (parts, more []string) {
	t := l.TCP
	parts = append(s.framing(l, true), s.withValue("RTT %s", t.RTTUS, milliseconds)...)
	parts = append(parts, s.withValue(s.say.t("sendq"), t.SendQueue, size)...)
	parts = append(parts, s.withValue(s.say.t("recvq"), t.RecvQueue, size)...)
	parts = append(parts, s.withValue(s.say.t("retrans"), t.Retransmits, number)...)
	parts = append(parts, s.say.t("silence", s.say.span(silence(l))))
	more = s.withValue(s.say.t("window"), t.SendWindow, size)
	if l.HandshakeUS > 0 {
		more = append(more, s.say.t("handshake", milliseconds(l.HandshakeUS)))
	}
	return parts, more
}

func (s *screen) shortFigures(l *link, width int) []string {
	t := l.TCP
	parts := append(s.framing(l, width >= 60), s.withValue("RTT %s", t.RTTUS, short)...)
	if t.SendQueue != nil && t.RecvQueue != nil {
		parts = append(parts, s.say.t("queues", *t.SendQueue, *t.RecvQueue))
	}
	parts = append(parts, s.withValue(s.say.t("retrans.short"), t.Retransmits, number)...)
	return append(parts, s.say.t("silence.short", int(silence(l).Seconds())))
}

// framing is the phase, the codec and the half-arrived message.
func (s *screen) framing(l *link, choice bool) []string {
	codec := Clean(l.Codec)
	if choice {
		codec = s.say.t("codec.how", codec, s.say.choice(l.Choice))
	}
	parts := []string{s.say.or("phase.", string(l.Phase)), codec}
	switch {
	case l.Have > 0 && l.Want > 0:
		parts = append(parts, s.say.t("half", l.Have, l.Want))
	case l.Have > 0:
		parts = append(parts, s.say.t("half.open", l.Have))
	}
	return parts
}

// withValue is a figure's word with its value; nothing when the system has none.
func (s *screen) withValue(word string, v *int64, write func(int64) string) []string {
	if v == nil {
		return nil
	}
	return []string{fmt.Sprintf(word, write(*v))}
}

// noFigures is what stands in the place of a link's figures while there is none.
func (s *screen) noFigures(width int) string {
	r := s.current()
	if r != nil && r.info.Dial != nil && !(r.end == "unknown key" && r.info.Dial.Phase == "waiting") {
		if hint := s.say.hint(r.end); hint != "" {
			return hint
		}
	}
	key := "others.dial"
	if s.onlyHere() != "" {
		key = "here.dial"
	}
	if reach := s.reach(width - s.cells.width(s.say.t(key, ""))); reach != "" {
		return s.say.t(key, reach)
	}
	return s.say.t("no.link")
}

func silence(l *link) time.Duration { return time.Duration(l.SilenceMS) * time.Millisecond }

func number(n int64) string { return fmt.Sprint(n) }

// milliseconds writes µs with three digits, short with two.
func milliseconds(us int64) string {
	switch {
	case us < 10_000:
		return fmt.Sprintf("%.2f ms", float64(us)/1000)
	case us < 100_000:
		return fmt.Sprintf("%.1f ms", float64(us)/1000)
	}
	return fmt.Sprintf("%d ms", us/1000)
}

func short(us int64) string {
	switch {
	case us < 1000:
		return fmt.Sprintf("%.2fms", float64(us)/1000)
	case us < 10_000:
		return fmt.Sprintf("%.1fms", float64(us)/1000)
	}
	return fmt.Sprintf("%dms", us/1000)
}

// size writes a number of bytes.
func size(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d B", n)
	case n < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1_000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}
