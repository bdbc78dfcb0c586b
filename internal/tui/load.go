package tui

import (
	tea "charm.land/bubbletea/v2"

	"tincan"
)

// pastLinks is how many ended links of a room are asked for, to be shown between its messages.
const pastLinks = 100

// load asks for a page of a room's messages, with their receipts and the links that ended meanwhile.
func (s *screen) load(r *room, p page) tea.Cmd {
	l := &r.log
	if l.loading {
		return nil
	}
	l.loading = true
	after, limit := int64(0), pageSize
	switch p {
	case pageEnd:
		limit = -pageSize
	case pageOlder:
		after, limit = l.first, -pageSize
	case pageNewer:
		after = l.last
	}
	name, t, ctx := r.name, s.talker, s.ctx
	return func() tea.Msg {
		m := loadedMsg{room: name, page: p, from: after}
		if m.messages, m.err = t.History(ctx, name, after, limit); m.err != nil {
			return m
		}
		if n := len(m.messages); n > 0 {
			if m.receipts, m.err = t.Receipts(ctx, name, m.messages[0].Offset, m.messages[n-1].Offset); m.err != nil {
				return m
			}
		}
		if p == pageEnd || p == pageStart {
			m.links, m.err = t.Links(ctx, name, pastLinks)
		}
		return m
	}
}

// loaded puts a page into its room's window.
func (s *screen) loaded(m loadedMsg) tea.Cmd {
	r := s.rooms[m.room]
	if r == nil || !r.log.loading {
		return nil
	}
	l := &r.log
	l.loading = false
	if m.err != nil {
		s.fail(m.err)
		return nil
	}
	full := len(m.messages) == pageSize
	switch m.page {
	case pageEnd:
		l.reset(m.messages, full && m.messages[0].Offset > 1, false)
	case pageStart:
		l.reset(m.messages, false, full)
		l.toTop(s.page(), s.heights(r))
	case pageOlder:
		if m.from == l.first {
			l.older = full && m.messages[0].Offset > 1
			l.join(m.messages, true)
			l.dropNew()
		}
	case pageNewer:
		if m.from == l.last {
			l.newer = full
			l.join(m.messages, false)
			l.dropOld()
		}
	}
	if n := len(m.messages); n > 0 {
		l.count(m.messages[0].Offset, m.messages[n-1].Offset, m.receipts)
	}
	if m.page == pageEnd || m.page == pageStart {
		r.past = m.links
		for _, k := range s.linksOf(r) {
			r.past = append([]tincan.LinkStatus{k.LinkStatus}, r.past...)
		}
	}
	if r.info.Host != "" {
		for _, e := range l.entries {
			if e.own() {
				e.state = tally{tincan.Stored: 1}
			}
		}
	}
	for _, msg := range m.messages {
		s.meet(msg.From, msg.Name)
	}
	l.mark(r.past)
	for _, msg := range m.messages {
		if s.cur == r.name {
			s.hintEncoding(r, msg)
		}
	}
	if l.stale {
		l.stale = false
		return s.reload(r.name)
	}
	if m.page == pageEnd {
		return tea.Batch(s.fill(), s.askWaits(r))
	}
	return s.fill()
}

// reload fetches a room's messages again, because they read differently now.
func (s *screen) reload(name string) tea.Cmd {
	r := s.rooms[name]
	switch {
	case r == nil || !r.log.loaded && !r.log.loading:
		return nil
	case r.log.loading:
		r.log.stale = true
		return nil
	}
	return s.load(r, pageEnd)
}

// fill asks for older messages while there are fewer on screen than would fit.
func (s *screen) fill() tea.Cmd {
	r := s.current()
	if r == nil || !r.log.loaded || !r.log.older || s.width == 0 {
		return nil
	}
	have := 0
	lines := s.heights(r)
	for i := range r.log.entries {
		if have += lines(i); have >= s.page() {
			return nil
		}
	}
	return s.load(r, pageOlder)
}

// scroll moves the messages on screen by n lines, and asks for more where they end.
func (s *screen) scroll(n int) tea.Cmd {
	if s.overlay.kind != "" {
		s.overlay.scroll(n)
		return nil
	}
	r := s.current()
	if r == nil || !r.log.loaded {
		return nil
	}
	atTop, atEnd := r.log.scroll(n, s.page(), s.heights(r))
	switch {
	case n < 0 && atTop && r.log.older:
		return s.load(r, pageOlder)
	case n > 0 && atEnd && r.log.newer:
		return s.load(r, pageNewer)
	}
	return nil
}

// home shows the room's first messages, end its last.
func (s *screen) home() tea.Cmd {
	r := s.current()
	switch {
	case r == nil || !r.log.loaded:
		return nil
	case r.log.older:
		return s.load(r, pageStart)
	}
	r.log.toTop(s.page(), s.heights(r))
	return nil
}

func (s *screen) end() tea.Cmd {
	r := s.current()
	switch {
	case r == nil || !r.log.loaded:
		return nil
	case r.log.newer:
		return s.load(r, pageEnd)
	}
	r.log.toEnd()
	return nil
}
