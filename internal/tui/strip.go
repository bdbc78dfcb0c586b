package tui

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"tincan"
)

// signs stand before the words of the strip for those who see no colours.
var signs = map[mood]string{calm: "○", good: "●", wait: "◌", bad: "×"}

// strip is the top line: the latest step in the words of the sample, whom it is about, where others can
// reach us, the time.
func (s *screen) strip(width int) string {
	st := s.stepNow()
	word := " " + signs[st.mood] + " " + s.say.t("step."+st.key) + " "
	word = s.cells.cut(word, width)
	rest := width - s.cells.width(word)
	clock := s.now().Local().Format(time.TimeOnly) + " "
	what := ""
	if st.what != "" {
		what = " " + st.what
	}
	right := clock
	if reach := s.reach(rest - s.cells.width(what) - s.cells.width(clock) - 4); reach != "" {
		right = reach + "  " + clock
	}
	if rest < 16 {
		right = ""
	}
	return s.style.step[st.mood].Render(word) + s.style.bar.Render(s.cells.ends(what, right, rest))
}

// stepNow is the step of the strip: the latest news, or what is so when there is none.
func (s *screen) stepNow() step {
	if s.step.key != "" && s.now().Before(s.step.until) {
		return s.step
	}
	r := s.current()
	switch ls := s.linksOf(r); {
	case len(ls) > 1:
		return step{key: "accepted", what: s.say.t("links", len(ls)), mood: good}
	case len(ls) == 1 && ls[0].Dialled:
		return step{key: "connected", what: s.who(ls[0].Peer), mood: good}
	case len(ls) == 1:
		return step{key: "accepted", what: s.who(ls[0].Peer), mood: good}
	}
	if r != nil && r.info.Dial != nil {
		switch {
		case r.info.Dial.Phase == "connecting":
			return step{key: "connecting", what: r.label(), mood: wait}
		case r.was || r.info.Dial.Phase == "stopped":
			return step{key: "disconnected", what: r.label(), mood: bad}
		default:
			return step{key: "failed", what: r.label(), mood: bad}
		}
	}
	switch {
	case len(s.listeners) > 0:
		return step{key: "waiting", mood: wait}
	case r != nil && r.was:
		return step{key: "disconnected", what: r.label(), mood: bad}
	}
	return step{key: "ready", mood: calm}
}

// onlyHere is a port that only this machine can dial, if no listener has any other.
func (s *screen) onlyHere() (port string) {
	for _, l := range s.listeners {
		a, err := netip.ParseAddrPort(l.Addr)
		if err != nil || !a.Addr().IsLoopback() {
			return ""
		}
		port = strconv.Itoa(int(a.Port()))
	}
	return port
}

// reach lists addresses that others can type, as many as fit.
func (s *screen) reach(width int) string {
	var all []string
	for _, l := range s.listeners {
		all = append(all, l.Reach...)
	}
	if len(all) == 0 {
		return ""
	}
	text := ""
	for i, a := range all {
		more := ""
		if i < len(all)-1 {
			more = fmt.Sprintf(" +%d", len(all)-1-i)
		}
		next := strings.TrimSpace(text + " " + Clean(a))
		if s.cells.width(next)+len(more) > width {
			if text == "" {
				return ""
			}
			return fmt.Sprintf("%s +%d", text, len(all)-i)
		}
		text = next
	}
	return text
}

// banners are the lines about what needs a decision, the most pressing first.
func (s *screen) banners() []string {
	var out []string
	if s.trouble != "" {
		out = append(out, s.say.t("trouble", s.trouble))
	}
	out = append(out, s.nativeBanners()...)
	r := s.current()
	if r == nil {
		return out
	}
	if h := r.info.Held; h != nil {
		switch {
		case h.Uncertain == 0:
			out = append(out, s.say.t("held.queued", h.Queued))
		case h.Queued == 0:
			out = append(out, s.say.t("held.uncertain", h.Uncertain))
		default:
			out = append(out, s.say.t("held.both", h.Queued, h.Uncertain))
		}
	}
	if d := r.info.Dial; d != nil && !s.up(r) {
		why := s.say.reason(r.end)
		if why == r.end && r.endText != "" {
			why = Clean(r.endText)
		}
		switch left := r.retry.Sub(s.now()); {
		case d.Phase == "stopped" && d.Reason == "key differs": // it is said above
		case d.Phase == "stopped" && isFinal(r.end):
			out = append(out, s.say.t("redial.why", why))
		case d.Phase == "stopped":
			out = append(out, s.say.t("redial.stopped"))
		case d.Phase == "waiting" && r.end == "unknown key": // it is said above
		case d.Phase == "waiting" && left > 0:
			out = append(out, s.say.t("redial.in", why, int((left+time.Second-1)/time.Second), max(d.Attempt, r.attempt)+1))
		case d.Phase == "waiting":
			out = append(out, s.say.t("redial.now", why))
		}
	}
	if l := s.chosen(); l != nil && l.Paused {
		waiting := ""
		if q := l.TCP.RecvQueue; q != nil && *q > 0 {
			waiting = s.say.t("paused.queue", size(*q))
		}
		out = append(out, s.say.t("paused", waiting))
	} else if l != nil && l.Phase == tincan.PeerFinished {
		out = append(out, s.say.t("finished"))
	}
	return out
}
