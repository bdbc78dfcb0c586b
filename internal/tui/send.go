package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tincan"
)

// outgoing is a message on its way to the Talker. They go one at a time, in the order in which they were typed.
type outgoing struct {
	room string
	body []byte
	text string // what was typed; put back into the box when it cannot be stored
}

// submit sends what is in the box, or runs it as a command.
func (s *screen) submit() tea.Cmd {
	text := s.box.value()
	if text == "" {
		return nil
	}
	if strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//") {
		return s.command(text)
	}
	bodyText := text
	if strings.HasPrefix(text, "//") {
		bodyText = text[1:]
	}
	return s.send(text, func(r *room) ([]byte, error) { return tincan.EncodeText(r.info.Encoding, bodyText) })
}

// targets are the rooms that a message goes to: the current one, or every one with a link.
func (s *screen) targets() []*room {
	r := s.current()
	if !s.toAll {
		if r == nil {
			return nil
		}
		return []*room{r}
	}
	var rs []*room
	for _, r := range s.listed() {
		if len(s.linksOf(r)) > 0 {
			rs = append(rs, r)
		}
	}
	return rs
}

// send queues a message for every target. The box is emptied when all of them can say it.
func (s *screen) send(typed string, body func(*room) ([]byte, error)) tea.Cmd {
	rs := s.targets()
	if len(rs) == 0 {
		s.tell(bad, s.say.t("no.peer"))
		return nil
	}
	var outs []outgoing
	for _, r := range rs {
		b, err := body(r)
		if err != nil {
			s.fail(err)
			return nil
		}
		outs = append(outs, outgoing{r.name, b, typed})
	}
	idle := len(s.outbox) == 0
	s.outbox = append(s.outbox, outs...)
	s.box.remember(typed)
	s.box.set("")
	if s.notice.mood == bad {
		s.notice = notice{}
	}
	if idle {
		return s.nextOut()
	}
	return nil
}

// nextOut hands the first waiting message to the Talker.
func (s *screen) nextOut() tea.Cmd {
	if len(s.outbox) == 0 {
		return nil
	}
	out := s.outbox[0]
	if r := s.rooms[out.room]; r != nil && len(s.linksOf(r)) > 0 {
		s.news("sending", r.label(), wait, forever)
		s.awaiting.room, s.awaiting.id, s.awaiting.offset = out.room, "", 1<<62
	}
	return func() tea.Msg {
		m, err := s.talker.SendMessage(s.ctx, tincan.Outgoing{Room: out.room, Body: out.body})
		return sentMsg{out, m, err}
	}
}

// sent takes the Talker's answer: the message is stored, or it goes back into the box.
func (s *screen) sent(m sentMsg) tea.Cmd {
	s.outbox = s.outbox[1:]
	if m.err != nil {
		s.step = step{}
		s.fail(m.err)
		if s.box.value() == "" && s.cur == m.out.room {
			s.box.set(m.out.text)
		}
		return s.nextOut()
	}
	s.stored(m.message)
	return s.nextOut()
}

// stored notes where the message is whose fate the strip tells. Its receipt may have come before.
func (s *screen) stored(m tincan.Message) {
	s.awaiting.room, s.awaiting.id, s.awaiting.offset = m.Room, "", m.Offset
	r := s.rooms[m.Room]
	if r == nil {
		return
	}
	if m.Offset == 0 {
		s.awaiting.id = m.ID
		r.wait(m)
		if slices.Contains(r.numbered, m.ID) && s.step.key == "sending" {
			s.news("done", "", good, stepTime)
		}
		if !s.up(r) {
			s.tell(calm, s.say.t("queued.host"))
		}
		return
	}
	if r.reached >= m.Offset && s.step.key == "sending" {
		s.news("done", "", good, stepTime)
	}
	switch {
	case len(s.linksOf(r)) > 0 || r.info.Shared:
	case r.dialling() && !r.met:
		s.tell(calm, s.say.t("queued.first"))
	default:
		s.tell(calm, s.say.t("queued.here"))
	}
}
