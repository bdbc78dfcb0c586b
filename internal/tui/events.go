package tui

import (
	"maps"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tincan"
)

// events takes a batch of what happened, and asks for the next.
func (s *screen) events(b eventsMsg) tea.Cmd {
	cmds := []tea.Cmd{s.heed(b.events)}
	switch {
	case b.err != nil && s.ctx.Err() == nil:
		s.err = b.err
		return tea.Quit
	case b.over:
		return tea.Batch(cmds...)
	}
	return tea.Batch(append(cmds, s.next(b.from))...)
}

func (s *screen) event(e tincan.Event) tea.Cmd {
	switch e.Kind {
	case tincan.EventListening:
		s.news("listening", label(e.Addr), good, time.Second)
		return s.status()
	case tincan.EventStopped:
		s.news("stopped", label(e.Addr), calm, stepTime)
		return s.status()
	case tincan.EventConnecting:
		r := s.room(e.Room)
		if r.info.Dial == nil {
			r.info.Dial = &tincan.DialStatus{URL: e.Addr}
		}
		r.info.Dial.Phase, r.info.Dial.Attempt = "connecting", e.Attempt
		r.attempt, r.retry = e.Attempt, time.Time{}
		if s.cur == r.name {
			s.step = step{}
		}
	case tincan.EventConnected:
		return s.connected(e)
	case tincan.EventFinished:
		if l := s.links[e.Link]; l != nil {
			l.Phase = tincan.PeerFinished
			s.room(e.Room).log.add(newDivider(divFinished, s.at(e), l.LinkStatus))
		}
	case tincan.EventCodec:
		return s.recoded(e)
	case tincan.EventMessage:
		s.message(e)
	case tincan.EventAsking:
		s.meet(e.Peer, e.Name)
		return s.askPeers()
	case tincan.EventPaired:
		s.meet(e.Peer, e.Name)
		s.tell(good, s.say.t("paired", s.who(e.Peer), s.say.or("via.", e.Reason)))
		return s.askPeers()
	case tincan.EventGap:
		if r := s.rooms[e.Room]; r != nil {
			return s.askWaits(r)
		}
	case tincan.EventReceipt:
		return s.receipt(e)
	case tincan.EventDisconnected:
		return s.disconnected(e)
	case tincan.EventHeld:
		r := s.room(e.Room)
		r.info.Held = e.Held
		if e.Held != nil && *e.Held == (tincan.HeldStatus{}) {
			r.info.Held = nil
		}
	case tincan.EventRefused:
		if strings.Contains(e.Reason, "operator is asked") { // a banner says more
			return nil
		}
		s.tell(bad, s.say.t("refused", label(e.Remote), Clean(e.Reason)))
	case tincan.EventError:
		s.fail(&tincan.Error{Text: e.Error, Hint: e.Hint})
	}
	return nil
}

// at is when an event happened; some carry no time.
func (s *screen) at(e tincan.Event) time.Time {
	if e.Time.IsZero() {
		return s.now()
	}
	return e.Time
}

func (s *screen) connected(e tincan.Event) tea.Cmd {
	r := s.room(e.Room)
	s.meet(e.Peer, e.Name)
	l := &link{seen: s.now(), LinkStatus: tincan.LinkStatus{ID: e.Link, Room: e.Room, Peer: e.Peer, Local: e.Local, Remote: e.Remote,
		Codec: e.Codec, Choice: e.Choice, HandshakeUS: e.HandshakeUS, Phase: tincan.Established, Since: s.at(e), Dialled: r.info.Dial != nil}}
	s.links[e.Link] = l
	if d := r.info.Dial; d != nil {
		d.Phase = "connected"
	}
	r.retry, r.end, r.endText, r.was, r.met = time.Time{}, "", "", true, true
	r.log.add(newDivider(divConnected, l.Since, l.LinkStatus))
	cmd := s.attract(r)
	if isKey(e.Peer) {
		cmd = tea.Batch(cmd, s.askPeers())
	}
	if s.cur == r.name {
		s.step = step{}
	} else {
		s.news("accepted", s.who(e.Peer), good, stepTime)
	}
	return tea.Batch(cmd, s.status())
}

func (s *screen) recoded(e tincan.Event) tea.Cmd {
	r := s.room(e.Room)
	l := s.links[e.Link]
	if l == nil {
		return nil
	}
	l.Codec, l.Choice = e.Codec, e.Choice
	r.log.add(newDivider(divCodec, s.at(e), l.LinkStatus))
	if e.Choice == "by hand" { // what was received has been decoded again
		return s.reload(r.name)
	}
	return nil
}

func (s *screen) message(e tincan.Event) {
	if e.Message == nil {
		return
	}
	r := s.room(e.Message.Room)
	if e.Message.From != tincan.Me && s.cur != r.name {
		r.unread++
	}
	r.info.Last = max(r.info.Last, e.Message.Offset)
	s.meet(e.Message.From, e.Message.Name)
	r.log.add(r.entry(*e.Message))
	if e.Message.From == tincan.Me {
		r.number(e.Message.ID)
		if a := &s.awaiting; a.room == r.name && a.id == e.Message.ID && a.id != "" && s.step.key == "sending" {
			s.news("done", "", good, stepTime)
		}
	}
	if s.cur == r.name {
		s.hintEncoding(r, *e.Message)
	}
}

// hintEncoding says, once for a room, that its bytes look like text in another encoding.
func (s *screen) hintEncoding(r *room, m tincan.Message) {
	if r.hinted || m.Enc != "" || m.From == tincan.Me || len(m.Body) > keepBody {
		return
	}
	if _, ok := m.Text(); ok {
		return
	}
	if _, ok := tincan.DecodeText("gbk", m.Body); ok {
		r.hinted = true
		s.tell(calm, s.say.t("hint.encoding", "gbk"))
	}
}

func (s *screen) receipt(e tincan.Event) tea.Cmd {
	r := s.rooms[e.Room]
	if r == nil {
		return nil
	}
	if e.State == tincan.Reached || e.State == tincan.Stored {
		r.reached = max(r.reached, e.Offset)
	}
	if a := s.awaiting; a.room == e.Room && a.id == "" && e.Offset > 0 && e.Offset >= a.offset && s.step.key == "sending" {
		switch e.State {
		case tincan.Reached, tincan.Stored:
			s.news("done", "", good, stepTime)
		case tincan.Uncertain, tincan.Discarded:
			s.step = step{}
		}
	}
	if e.Offset == 0 { // its host has not numbered it
		if e.State == tincan.Queued && r.info.Host != "" && !slices.ContainsFunc(r.waits, func(w *entry) bool { return w.msg.ID == e.ID }) {
			return s.askWaits(r)
		}
		return nil
	}
	if r.info.Shared {
		return s.receipts(r)
	}
	if m := r.log.message(e.Offset); m != nil {
		m.note(e.State)
	}
	return nil
}

func (s *screen) disconnected(e tincan.Event) tea.Cmd {
	r := s.room(e.Room)
	r.end, r.endText = e.Reason, e.Detail
	if e.RetryInMS != nil {
		r.retry = s.at(e).Add(time.Duration(*e.RetryInMS) * time.Millisecond)
	}
	if d := r.info.Dial; d != nil {
		d.Phase = "stopped"
		if e.RetryInMS != nil {
			d.Phase = "waiting"
		}
	}
	if e.Link == 0 { // an attempt that came to nothing
		r.was = false
		return nil
	}
	r.was = true
	k := tincan.LinkStatus{ID: e.Link, Room: e.Room, Peer: e.Peer, Local: e.Local, Remote: e.Remote}
	if l := s.links[e.Link]; l != nil {
		k = l.LinkStatus
		delete(s.links, e.Link)
	}
	s.gone[e.Link] = s.now()
	k.Phase, k.Ended, k.Reason, k.Detail = tincan.Closed, s.at(e), e.Reason, e.Detail
	r.log.add(newDivider(divEnded, k.Ended, k))
	if c := s.current(); c == r || c == nil {
		s.news("disconnected", s.who(k.Peer), bad, stepTime)
	}
	s.forgetRooms()
	return tea.Batch(s.lastLink(r), s.status())
}

// ended completes a divider with the figures that the journal has of the link.
func (s *screen) ended(m endedMsg) {
	r := s.rooms[m.room]
	if r == nil || m.err != nil {
		return
	}
	for _, k := range m.links {
		for _, e := range r.log.entries {
			if e.div.kind == divEnded && e.div.link.ID == k.ID && !k.Ended.IsZero() {
				e.div.link, e.lines = k, nil
			}
		}
	}
}

// snapshot takes a status of the node.
func (s *screen) snapshot(m statusMsg) tea.Cmd {
	s.polling = false
	var again tea.Cmd
	if s.pollAgain {
		s.pollAgain = false
		again = s.status()
	}
	if m.err != nil {
		if s.ctx.Err() == nil {
			s.fail(m.err)
		}
		return again
	}
	s.listeners = slices.DeleteFunc(slices.Clone(m.status.Listeners), func(l tincan.ListenerStatus) bool { return !s.scope.has(tincan.Event{Listener: l.ID}) })
	s.trouble, s.id = Clean(m.status.Trouble), m.status.ID
	for _, l := range m.status.Links {
		s.meet(l.Peer, l.Name)
	}
	links := make(map[int64]*link, len(m.status.Links))
	for _, l := range m.status.Links {
		if !s.gone[l.ID].After(m.asked) && s.scope.hasLink(l) {
			links[l.ID] = &link{LinkStatus: l}
			s.room(l.Room)
		}
	}
	maps.DeleteFunc(s.gone, func(_ int64, at time.Time) bool { return !at.After(m.asked) })
	for id, l := range s.links { // what an event told after the snapshot was asked for
		if links[id] == nil && l.seen.After(m.asked) {
			links[id] = l
		}
	}
	s.links = links
	for _, i := range m.status.Rooms {
		r := s.rooms[i.Name]
		if r == nil && (i.Dial == nil || !s.scope.has(tincan.Event{Room: i.Name})) {
			continue
		}
		r = s.room(i.Name)
		if !slices.Equal(r.info.Members, i.Members) {
			for _, e := range r.log.entries {
				e.lines = nil
			}
		}
		r.info = i
		for _, m := range i.Members {
			s.meet(m.Peer, m.Name)
		}
		if d := i.Dial; d != nil {
			r.retry = d.Retry
		}
	}
	for _, l := range s.listeners {
		if l.Room != "" {
			s.room(l.Room).info.Shared = true
		}
	}
	return tea.Batch(again, s.catchUp())
}

// catchUp opens a room if none is on screen, and asks for what the events of the current one did not bring.
func (s *screen) catchUp() tea.Cmd {
	r := s.current()
	if r == nil {
		for _, c := range s.listed() {
			if len(s.linksOf(c)) > 0 || c.info.Dial != nil || c.info.Shared {
				return s.show(c)
			}
		}
		return nil
	}
	if !r.log.loaded {
		return s.load(r, pageEnd)
	}
	var cmds []tea.Cmd
	if r.info.Host != "" && r.owed() != len(r.waits) {
		cmds = append(cmds, s.askWaits(r))
	}
	if first, _ := r.log.pending(); first > 0 {
		cmds = append(cmds, s.receipts(r))
	}
	if !r.log.loading && !r.log.newer && r.info.Last > r.log.last {
		if r.log.missed == r.log.last+1 { // for the second time: no event will bring it
			cmds = append(cmds, s.load(r, pageNewer))
		}
		r.log.missed = r.log.last + 1
	}
	return tea.Batch(cmds...)
}
