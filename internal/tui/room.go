package tui

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"tincan"
)

const (
	keepRooms  = 200 // rooms without a link that stay in the list
	keepLoaded = 8   // rooms whose messages stay in memory
)

// room is one room of the list.
type room struct {
	name   string
	nr     int // in order of appearance
	info   tincan.RoomStatus
	unread int
	log    log
	shown  int    // when it was last on screen, in switches; for keepLoaded
	link   int64  // the chosen one of several links; 0 is the oldest
	draft  string // what stands in the input box while another room is shown
	past   []tincan.LinkStatus
	hinted bool // the encoding hint was given

	reached int64 // the newest own message that some peer has

	retry    time.Time // when it is dialled again, while waiting
	attempt  int
	end      string   // why the last attempt or link ended: a reason; "" while all is well
	endText  string   // the sentence to it
	was      bool     // a link of ours ended (else: none came up)
	waits    []*entry // own messages that the room's host has not numbered, oldest first
	numbered []string // ids of the latest that it has
	gaps     []tincan.Gap
	asking   bool // Pending and Gaps are under way

	met bool // a link was up while we looked: what is said while it is away is held from then on
}

// link is a live link as it was last seen.
type link struct {
	tincan.LinkStatus
	seen time.Time // when an event told of it; zero when a snapshot did
}

// label is how a room is called on screen.
func (r *room) label() string { return label(r.name) }

func label(name string) string { return Clean(strings.TrimPrefix(name, "tcp:")) }

func (r *room) dialling() bool { return r.info.Dial != nil && r.info.Dial.Phase != "stopped" }

// room returns the room of a name, made if the screen did not know it.
func (s *screen) room(name string) *room {
	r := s.rooms[name]
	if r == nil {
		s.count++
		r = &room{name: name, nr: s.count, info: tincan.RoomStatus{Name: name}}
		r.log.follow = true
		s.rooms[name] = r
	}
	return r
}

// current is the room on screen; nil before there is one.
func (s *screen) current() *room { return s.rooms[s.cur] }

// linksOf are a room's live links, oldest first.
func (s *screen) linksOf(r *room) []*link {
	var ls []*link
	if r == nil {
		return nil
	}
	for _, l := range s.links {
		if l.Room == r.name {
			ls = append(ls, l)
		}
	}
	slices.SortFunc(ls, func(a, b *link) int { return cmp.Compare(a.ID, b.ID) })
	return ls
}

// chosen is the link whose figures are shown and which ctrl+p, ctrl+e and ctrl+d are about.
func (s *screen) chosen() *link {
	ls := s.linksOf(s.current())
	if len(ls) == 0 {
		return nil
	}
	for _, l := range ls {
		if l.ID == s.current().link {
			return l
		}
	}
	return ls[0]
}

// listed are the rooms in the order of the list: those with a link or a dialler as they appeared, then the
// others, the latest first.
func (s *screen) listed() []*room {
	live := make(map[string]bool, len(s.links))
	for _, l := range s.links {
		live[l.Room] = true
	}
	rs := make([]*room, 0, len(s.rooms))
	for _, r := range s.rooms {
		rs = append(rs, r)
	}
	up := func(r *room) bool { return live[r.name] || r.info.Dial != nil || r.info.Shared }
	slices.SortFunc(rs, func(a, b *room) int {
		switch {
		case up(a) != up(b):
			return map[bool]int{true: -1, false: 1}[up(a)]
		case up(a):
			return cmp.Compare(a.nr, b.nr)
		}
		return cmp.Compare(b.nr, a.nr)
	})
	return rs
}

// forgetRooms drops the oldest rooms that nobody is in and nobody looks at.
func (s *screen) forgetRooms() {
	if len(s.rooms) <= keepRooms {
		return
	}
	old := 0
	for _, r := range s.listed() {
		if len(s.linksOf(r)) > 0 || r.info.Dial != nil || r.info.Shared || r.name == s.cur {
			continue
		}
		if old++; old > keepRooms {
			delete(s.rooms, r.name)
		}
	}
}

// forgetLogs lets go of the messages of rooms that were not on screen for long.
func (s *screen) forgetLogs() {
	var rs []*room
	for _, r := range s.rooms {
		if r.log.loaded && r.name != s.cur {
			rs = append(rs, r)
		}
	}
	slices.SortFunc(rs, func(a, b *room) int { return cmp.Compare(b.shown, a.shown) })
	for i, r := range rs {
		if i >= keepLoaded-1 {
			r.log = log{follow: true}
		}
	}
}
