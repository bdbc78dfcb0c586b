package tui

import (
	tea "charm.land/bubbletea/v2"

	"tincan"
)

// scope is what this screen opened. The node may be shared with other commands on the same folder: their rooms are
// none of this screen's business, or two terminals on one machine would show each other's side of a conversation.
type scope struct {
	all       bool // nothing was named to be opened: the whole node
	listeners map[string]bool
	rooms     map[string]bool
	opening   int            // calls under way whose answer says what is ours
	early     []tincan.Event // what happened meanwhile
}

func newScope(o Options) scope {
	return scope{all: o.Listen == "" && o.Dial == "", listeners: map[string]bool{}, rooms: map[string]bool{}}
}

// has says whether an event is this screen's business.
func (c *scope) has(e tincan.Event) bool {
	if e.Room != "" && c.listeners[e.Listener] {
		c.rooms[e.Room] = true
	}
	switch {
	case c.all:
		return true
	case e.Message != nil:
		return c.rooms[e.Message.Room]
	case e.Room != "":
		return c.rooms[e.Room]
	}
	return e.Listener == "" || c.listeners[e.Listener]
}

// hasLink is has for a link of a snapshot.
func (c *scope) hasLink(l tincan.LinkStatus) bool {
	return c.has(tincan.Event{Listener: l.Listener, Room: l.Room})
}

// opened ends a call that opened a listener or a room, and returns what happened before it was known to be ours.
func (c *scope) opened(listener, room string) (early []tincan.Event) {
	if listener != "" {
		c.listeners[listener] = true
	}
	if room != "" {
		c.rooms[room] = true
	}
	if c.opening--; c.opening > 0 {
		return nil
	}
	early, c.early = c.early, nil
	return early
}

// heed takes events that are this screen's business, or keeps them until that is known.
func (s *screen) heed(es []tincan.Event) tea.Cmd {
	if s.scope.opening > 0 && !s.scope.all {
		s.scope.early = append(s.scope.early, es...)
		return nil
	}
	var cmds []tea.Cmd
	for _, e := range es {
		if s.scope.has(e) {
			cmds = append(cmds, s.event(e))
		}
	}
	return tea.Batch(cmds...)
}
