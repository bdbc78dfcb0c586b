package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"tincan"
)

// What the commands bring back.
type (
	tickMsg   time.Time
	stream    chan eventsMsg
	eventsMsg struct {
		from   stream
		events []tincan.Event
		err    error
		over   bool
	}
	followingMsg stream
	listenedMsg  struct {
		status tincan.ListenerStatus
		first  bool // it is Options.Listen
		err    error
	}
	dialledMsg struct {
		status tincan.RoomStatus
		first  bool
		err    error
	}
	statusMsg struct {
		status tincan.Status
		asked  time.Time
		err    error
	}
	loadedMsg struct {
		room     string
		page     page
		from     int64 // the offset it was asked with
		messages []tincan.Message
		receipts []tincan.ReceiptRange
		links    []tincan.LinkStatus
		err      error
	}
	countedMsg struct {
		room        string
		first, last int64
		receipts    []tincan.ReceiptRange
		err         error
	}
	endedMsg struct {
		room  string
		links []tincan.LinkStatus
		err   error
	}
	sentMsg struct {
		out     outgoing
		message tincan.Message
		err     error
	}
	doneMsg struct {
		key    string // what to say when it went well; "" for nothing
		args   []any
		reload string // the room whose messages read differently now
		peers  bool   // who is known has changed
		err    error
	}
)

// page says which messages of a room to load.
type page int

const (
	pageEnd   page = iota // the newest
	pageStart             // the oldest
	pageOlder             // those before the window
	pageNewer             // those behind it
)

const eventBatch = 256

func tick() tea.Cmd {
	return tea.Every(time.Second, func(t time.Time) tea.Msg { return tickMsg(t) })
}

// follow subscribes to the Talker's events. A slow screen delays nobody: the Talker waits for the stream.
func (s *screen) follow() tea.Cmd {
	ctx, t := s.ctx, s.talker
	return func() tea.Msg {
		events := t.Events(ctx)
		c := make(stream, eventBatch)
		go func() {
			defer close(c)
			for e, err := range events {
				b := eventsMsg{from: c, err: err}
				if err == nil {
					b.events = []tincan.Event{e}
				}
				select {
				case c <- b:
				case <-ctx.Done():
					return
				}
			}
		}()
		return followingMsg(c)
	}
}

// next waits for an event and takes those that are ready behind it.
func (s *screen) next(c stream) tea.Cmd {
	return func() tea.Msg {
		b, ok := <-c
		if !ok {
			return eventsMsg{over: true}
		}
		for len(b.events) < eventBatch && b.err == nil {
			select {
			case more, ok := <-c:
				if !ok {
					b.over = true
					return b
				}
				b.events, b.err = append(b.events, more.events...), more.err
			default:
				return b
			}
		}
		return b
	}
}

// open opens what the options name.
func (s *screen) open() tea.Cmd {
	var cmds []tea.Cmd
	if s.opts.Listen != "" {
		cmds = append(cmds, s.listen(s.opts.Listen, true))
	}
	if s.opts.Dial != "" {
		cmds = append(cmds, s.dial(s.opts.Dial, true))
	}
	return tea.Batch(cmds...)
}

func (s *screen) listen(addr string, first bool) tea.Cmd {
	s.scope.opening++
	return func() tea.Msg {
		st, err := s.talker.Listen(s.ctx, addr)
		return listenedMsg{st, first, err}
	}
}

func (s *screen) dial(addr string, first bool) tea.Cmd {
	s.scope.opening++
	return func() tea.Msg {
		st, err := s.talker.Dial(s.ctx, addr)
		return dialledMsg{st, first, err}
	}
}

func (s *screen) listened(m listenedMsg) tea.Cmd {
	early := s.scope.opened(m.status.ID, m.status.Room)
	switch {
	case m.err != nil && m.first:
		s.err = m.err
		return tea.Quit
	case m.err != nil:
		s.fail(m.err)
		return s.heed(early)
	}
	s.news("listening", label(m.status.Addr), good, time.Second)
	if m.status.Room != "" {
		r := s.room(m.status.Room)
		r.info.Shared = true
		if s.current() == nil {
			return tea.Batch(s.show(r), s.heed(early), s.status())
		}
	}
	return tea.Batch(s.heed(early), s.status())
}

func (s *screen) dialling(m dialledMsg) tea.Cmd {
	early := s.scope.opened("", m.status.Name)
	switch {
	case m.err != nil && m.first:
		s.err = m.err
		return tea.Quit
	case m.err != nil:
		s.fail(m.err)
		return s.heed(early)
	}
	r := s.room(m.status.Name)
	if r.info.Dial == nil {
		r.info = m.status
	}
	if m.first {
		s.dialled = r.name
	}
	s.step = step{}
	return tea.Batch(s.show(r), s.heed(early), s.status())
}

// status asks for a snapshot, one at a time; asked for during one, it asks once more when that is there.
func (s *screen) status() tea.Cmd {
	if s.polling {
		s.pollAgain = true
		return nil
	}
	s.polling = true
	asked := s.now()
	return func() tea.Msg {
		st, err := s.talker.Status(s.ctx)
		return statusMsg{st, asked, err}
	}
}

// receipts asks how far the own messages of the window got, one question at a time.
func (s *screen) receipts(r *room) tea.Cmd {
	first, last := r.log.pending()
	if s.counting || first == 0 || r.name != s.cur {
		return nil
	}
	s.counting = true
	return func() tea.Msg {
		rs, err := s.talker.Receipts(s.ctx, r.name, first, last)
		return countedMsg{r.name, first, last, rs, err}
	}
}

func (s *screen) counted(m countedMsg) tea.Cmd {
	s.counting = false
	if r := s.rooms[m.room]; r != nil && m.err == nil {
		r.log.count(m.first, m.last, m.receipts)
	}
	return nil
}

// lastLink asks for the record of the link that has just ended.
func (s *screen) lastLink(r *room) tea.Cmd {
	return func() tea.Msg {
		ls, err := s.talker.Links(s.ctx, r.name, 8)
		return endedMsg{r.name, ls, err}
	}
}

// do calls the Talker and says key when that went well.
func (s *screen) do(call func() error, key string, args ...any) tea.Cmd {
	return func() tea.Msg { return doneMsg{key: key, args: args, err: call()} }
}
