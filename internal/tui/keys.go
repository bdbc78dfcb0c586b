package tui

import (
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"tincan"
)

// binding is a key of the whole screen. The help overlay shows the table.
type binding struct {
	keys []string
	help string // a word's key; "" when another line of the help names it
	do   func(*screen) tea.Cmd
}

func bindings() []binding {
	return []binding{
		{[]string{"enter"}, "help.enter", (*screen).submit},
		{[]string{"alt+enter", "ctrl+j"}, "help.newline", nil},
		{[]string{"up", "down"}, "help.recall", nil},
		{[]string{"tab", "shift+tab"}, "help.tab", nil},
		{[]string{"f2", "ctrl+a"}, "help.all", (*screen).toggleAll},
		{[]string{"f3"}, "help.hex", (*screen).toggleHex},
		{[]string{"pgup", "pgdown", "home", "end"}, "help.scroll", nil},
		{[]string{"ctrl+p"}, "help.pause", (*screen).togglePause},
		{[]string{"ctrl+o"}, "help.one", (*screen).readOne},
		{[]string{"ctrl+e"}, "help.codec", (*screen).chooseCodec},
		{[]string{"ctrl+l"}, "help.link", (*screen).nextLink},
		{[]string{"ctrl+d"}, "help.disconnect", (*screen).askDisconnect},
		{[]string{"ctrl+r"}, "help.redial", (*screen).redial},
		{[]string{"ctrl+s"}, "help.send", (*screen).sendHeld},
		{[]string{"ctrl+x"}, "help.discard", (*screen).discardHeld},
		{[]string{"f1"}, "help.help", (*screen).toggleHelp},
		{[]string{"ctrl+c"}, "help.quit", (*screen).quit},
		{[]string{"ctrl+z"}, "help.suspend", func(*screen) tea.Cmd { return tea.Suspend }},
	}
}

// key takes a key press: first a question or an overlay, then the screen's own keys, then the box.
func (s *screen) key(k tea.KeyPressMsg) tea.Cmd {
	name := k.String()
	if utf8.RuneCountInString(k.Text) > 1 {
		name = "" // an input method's "up" is no Up key
	}
	switch {
	case s.ask != nil:
		q := s.ask
		s.ask = nil
		if name == "y" || name == "Y" || name == "ctrl+c" && q.quit {
			return q.yes(s)
		}
		return nil
	case s.overlay.kind != "":
		return s.overlayKey(name)
	}
	for _, b := range bindings() {
		for _, n := range b.keys {
			if n == name && b.do != nil {
				return b.do(s)
			}
		}
	}
	empty := s.box.value() == ""
	switch name {
	case "esc":
		s.notice = notice{}
		return nil
	case "tab":
		return s.turn(1)
	case "shift+tab":
		return s.turn(-1)
	case "up", "down":
		if s.box.bring(map[string]int{"up": 1, "down": -1}[name]) {
			return nil
		}
	case "pgup":
		return s.scroll(-max(1, s.page()-1))
	case "pgdown":
		return s.scroll(max(1, s.page()-1))
	case "home", "end", "ctrl+home", "ctrl+end":
		if !empty && !strings.HasPrefix(name, "ctrl") {
			break
		}
		if strings.HasSuffix(name, "home") {
			return s.home()
		}
		return s.end()
	}
	s.box.key(name, k.Text)
	return nil
}

func (s *screen) paste(text string) tea.Cmd {
	switch {
	case s.ask != nil || s.overlay.kind != "":
	case !s.box.paste(text):
		s.tell(bad, s.say.t("paste.long", maxTyped))
	}
	return nil
}

// turn goes to the next or the previous room of the list.
func (s *screen) turn(n int) tea.Cmd {
	rs := s.listed()
	for i, r := range rs {
		if r.name == s.cur && len(rs) > 1 {
			return s.show(rs[(i+n+len(rs))%len(rs)])
		}
	}
	return nil
}

// click chooses a room of the list.
func (s *screen) click(x, y int) tea.Cmd {
	if s.overlay.kind != "" || x >= s.sideWidth() {
		return nil
	}
	if r := s.side(s.page()).at(y - s.bodyTop()); r != nil && r.name != s.cur {
		return s.show(r)
	}
	return nil
}

func (s *screen) toggleHelp() tea.Cmd {
	s.overlay = overlay{kind: overHelp}
	return nil
}

func (s *screen) toggleHex() tea.Cmd {
	s.hex = !s.hex
	return s.fill()
}

func (s *screen) toggleAll() tea.Cmd {
	s.toAll = !s.toAll
	return nil
}

// nextLink chooses the next of several links of a shared room.
func (s *screen) nextLink() tea.Cmd {
	ls := s.linksOf(s.current())
	now := s.chosen()
	for i, l := range ls {
		if l == now {
			s.current().link = ls[(i+1)%len(ls)].ID
		}
	}
	return nil
}

// onLink runs f with the chosen link, or says that there is none.
func (s *screen) onLink(f func(l *link) tea.Cmd) tea.Cmd {
	l := s.chosen()
	if l == nil {
		s.tell(bad, s.say.t("no.link"))
		return nil
	}
	return f(l)
}

func (s *screen) togglePause() tea.Cmd {
	return s.onLink(func(l *link) tea.Cmd {
		if l.Paused {
			return s.reading(l, tincan.Resume)
		}
		return s.reading(l, tincan.Pause)
	})
}

// reading pauses or resumes the reading of a link. Several presses in a row count one by one: the link is
// taken to be as it was asked to be until a snapshot says otherwise.
func (s *screen) reading(l *link, r tincan.Reading) tea.Cmd {
	id := l.ID
	l.Paused = r == tincan.Pause
	return s.do(func() error { return s.talker.Reading(s.ctx, id, r) }, "")
}

func (s *screen) readOne() tea.Cmd {
	return s.onLink(func(l *link) tea.Cmd {
		if !l.Paused {
			s.tell(calm, s.say.t("pause.first"))
			return nil
		}
		id := l.ID
		return s.do(func() error { return s.talker.Reading(s.ctx, id, tincan.ReadOne) }, "")
	})
}

// askDisconnect closes the chosen link, or stops dialling when there is none, once y is pressed.
func (s *screen) askDisconnect() tea.Cmd {
	r, l := s.current(), s.chosen()
	switch {
	case l != nil:
		id := l.ID
		s.ask = &question{text: s.say.t("ask.disconnect", s.who(l.Peer)), yes: func(s *screen) tea.Cmd {
			return s.do(func() error { return s.talker.Disconnect(s.ctx, id) }, "")
		}}
	case r != nil && r.dialling():
		name := r.name
		s.ask = &question{text: s.say.t("ask.hangup", r.label()), yes: func(s *screen) tea.Cmd {
			return s.do(func() error { return s.talker.HangUp(s.ctx, name) }, "")
		}}
	default:
		s.tell(bad, s.say.t("no.link"))
	}
	return nil
}

// redial dials the current room now; one that was hung up is dialled anew.
func (s *screen) redial() tea.Cmd {
	r := s.current()
	switch {
	case r == nil:
		s.tell(bad, s.say.t("no.room"))
		return nil
	case len(s.linksOf(r)) > 0:
		s.tell(calm, s.say.t("is.connected"))
		return nil
	case r.info.Dial == nil && r.name == s.dialled:
		return s.dial(s.opts.Dial, false)
	}
	name := r.name
	return s.do(func() error { return s.talker.Redial(s.ctx, name) }, "")
}

func (s *screen) sendHeld() tea.Cmd    { return s.settle(tincan.SendNow, "held.sent") }
func (s *screen) discardHeld() tea.Cmd { return s.settle(tincan.Discard, "held.discarded") }

func (s *screen) settle(d tincan.Decision, key string) tea.Cmd {
	r := s.current()
	if r == nil || r.info.Held == nil {
		s.tell(calm, s.say.t("held.none"))
		return nil
	}
	name, n := r.name, r.info.Held.Queued+r.info.Held.Uncertain
	return s.do(func() error { return s.talker.Held(s.ctx, name, d) }, key, n)
}

// quit leaves; it asks when messages would be left behind.
func (s *screen) quit() tea.Cmd {
	queued, uncertain := s.owed()
	if queued+uncertain == 0 {
		return tea.Quit
	}
	text := s.say.t("ask.quit.both", queued, uncertain)
	switch {
	case uncertain == 0:
		text = s.say.t("ask.quit.queued", queued)
	case queued == 0:
		text = s.say.t("ask.quit.uncertain", uncertain)
	}
	s.ask = &question{text: text, quit: true, yes: func(*screen) tea.Cmd { return tea.Quit }}
	return nil
}
