package tui

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tincan"
)

// What talk between keys has beyond plain links: who a key is, who asks to come in, what waits for a room's host, and
// what is missing.

const (
	keepNumbered = 500 // ids of messages that their host has numbered
	keepWaiting  = 100 // messages of a room that wait for its host
)

type (
	peersMsg struct {
		peers []tincan.PeerStatus
		err   error
	}
	waitsMsg struct {
		room     string
		messages []tincan.Message
		gaps     []tincan.Gap
		err      error
	}
	textMsg struct { // a text to show over the messages
		title string
		lines []string
		art   []string // a picture below it, left out where it does not fit
		copy  string   // for the clipboard
		err   error
	}
)

// person is what is known of a key: the name that it was given here, and what it calls itself.
type person struct{ name, called string }

// isKey says that a peer is a key, not an address.
func isKey(peer string) bool { return strings.HasPrefix(peer, "tc1") }

// groups are the first signs of a key in fours.
func groups(id string, n int) string {
	id = strings.TrimPrefix(id, "tc1")
	id = id[:min(len(id), 4*n)]
	var out []string
	for ; len(id) > 4; id = id[4:] {
		out = append(out, id[:4])
	}
	return Clean(strings.Join(append(out, id), " "))
}

// fingerprint is as much of a key as two people compare.
func fingerprint(id string) string { return groups(id, 5) }

// who is how a peer is called on screen. What a key calls itself stands in quotes and is never alone.
func (s *screen) who(peer string) string {
	if !isKey(peer) {
		return label(peer)
	}
	switch p := s.people[peer]; {
	case p.name != "":
		return Clean(p.name)
	case p.called != "":
		return fmt.Sprintf("%q %s", Clean(p.called), groups(peer, 2))
	}
	return groups(peer, 2)
}

// meet notes what a key calls itself.
func (s *screen) meet(peer, called string) {
	if p := s.people[peer]; isKey(peer) && called != "" && p.called != called {
		p.called = called
		s.people[peer] = p
		s.redraw()
	}
}

// redraw has every message drawn anew, because somebody has another name now.
func (s *screen) redraw() {
	for _, r := range s.rooms {
		for _, e := range r.log.entries {
			e.lines = nil
		}
	}
}

// askPeers asks who is known.
func (s *screen) askPeers() tea.Cmd {
	return func() tea.Msg {
		ps, err := s.talker.Peers(s.ctx)
		return peersMsg{ps, err}
	}
}

func (s *screen) gotPeers(m peersMsg) {
	if m.err != nil {
		if s.ctx.Err() == nil {
			s.fail(m.err)
		}
		return
	}
	s.peers = m.peers
	people := map[string]person{}
	for id, p := range s.people {
		people[id] = person{called: p.called}
	}
	for _, p := range m.peers {
		people[p.ID] = person{p.Name, cmp.Or(p.Called, people[p.ID].called)}
	}
	if !maps.Equal(people, s.people) {
		s.people = people
		s.redraw()
	}
}

// asking are those that wait for an answer.
func (s *screen) asking() (out []tincan.PeerStatus) {
	for _, p := range s.peers {
		if p.State == tincan.Asking {
			out = append(out, p)
		}
	}
	return out
}

// askWaits asks what waits for a room's host, and what is missing from the room.
func (s *screen) askWaits(r *room) tea.Cmd {
	if r.info.Host == "" && !r.info.Shared || r.asking {
		return nil
	}
	r.asking = true
	name := r.name
	return func() tea.Msg {
		m := waitsMsg{room: name}
		if m.messages, m.err = s.talker.Pending(s.ctx, name, keepWaiting); m.err == nil {
			m.gaps, m.err = s.talker.Gaps(s.ctx, name)
		}
		return m
	}
}

func (s *screen) gotWaits(m waitsMsg) {
	r := s.rooms[m.room]
	if r == nil {
		return
	}
	r.asking = false
	if m.err != nil { // the next snapshot has it asked for again
		return
	}
	r.waits = nil
	for _, msg := range m.messages {
		r.wait(msg)
	}
	if !slices.Equal(m.gaps, r.gaps) {
		r.gaps = m.gaps
		s.redraw()
	}
}

// wait puts an own message behind those that have a number.
func (r *room) wait(m tincan.Message) {
	same := func(e *entry) bool { return e.msg.ID == m.ID }
	if !slices.Contains(r.numbered, m.ID) && !slices.ContainsFunc(r.waits, same) {
		r.waits = append(r.waits, newEntry(m))
	}
}

// number takes an own message from those that wait, because its host has numbered it.
func (r *room) number(id string) {
	r.waits = slices.DeleteFunc(r.waits, func(e *entry) bool { return e.msg.ID == id })
	if r.numbered = append(r.numbered, id); len(r.numbered) > keepNumbered {
		r.numbered = slices.Clone(r.numbered[keepNumbered/2:])
	}
}

// waiting is how many messages wait for the room's host.
func (r *room) waiting() int {
	if p := r.info.Pending; p != nil {
		return max(int(p.Messages), len(r.waits))
	}
	return len(r.waits)
}

// owed is how many of them the last snapshot would have shown.
func (r *room) owed() int {
	if p := r.info.Pending; p != nil {
		return int(min(p.Messages, keepWaiting))
	}
	return 0
}

// waitLines are the messages that wait, each with how long it does, over at most n lines.
func (s *screen) waitLines(width, n int) []string {
	r := s.current()
	if r == nil || n <= 0 || !r.log.follow || s.overlay.kind != "" {
		return nil
	}
	var out []string
	shown := 0
	for _, e := range slices.Backward(r.waits) {
		lines := s.drawMessage(r, e, look{width: width, hex: s.hex, shared: r.info.Shared, method: s.cells.method})
		if len(out)+len(lines) > n {
			if len(out) == 0 {
				out = lines[:n]
				shown++
			}
			break
		}
		out = append(lines, out...)
		shown++
	}
	if left := r.waiting() - shown; left > 0 && len(out) > 0 {
		more := s.style.dim.Render(s.cells.cut(s.say.t("waits.more", left), width))
		if out = append([]string{more}, out...); len(out) > n {
			out = slices.Delete(out, 1, 2)
		}
	}
	return out
}

// gapLines say what is missing in front of a message.
func (s *screen) gapLines(r *room, e *entry, width int) (out []string) {
	for _, g := range r.gaps {
		if e.div.kind == "" && g.Last+1 == e.msg.Offset {
			text := s.say.t("gap", g.Last-g.First+1, g.First, g.Last, s.say.or("gap.", g.Reason))
			if g.First == g.Last {
				text = s.say.t("gap.one", g.First, s.say.or("gap.", g.Reason))
			}
			out = append(out, s.rule(text, width))
		}
	}
	return out
}

// storedWord says whose disks have an own message of a room that keys keep; "" where the receipts say more.
func (s *screen) storedWord(r *room, e *entry) string {
	var has []string
	all := 0
	for _, m := range r.info.Members {
		if m.Peer == s.id || m.Peer == r.info.Host {
			continue
		}
		if all++; m.Stored >= e.msg.Offset {
			has = append(has, m.Peer)
		}
	}
	switch {
	case len(has) == 0 && r.info.Host != "":
		return s.say.t("stored.host")
	case len(has) == 0 || e.state[tincan.Written]+e.state[tincan.Reached] > 0 && r.info.Host == "" && s.plainIn(r):
		return ""
	case all == 1:
		return s.say.t("stored.one", s.who(has[0]))
	case len(has) == all:
		return s.say.t("stored.all", all)
	}
	return s.say.t("stored.some", len(has), all)
}

// plainIn says that a plain link sits in a room.
func (s *screen) plainIn(r *room) bool {
	return slices.ContainsFunc(s.linksOf(r), func(l *link) bool { return !isKey(l.Peer) })
}

// queuedWord says how long an own message has waited for its host.
func (s *screen) queuedWord(e *entry) string {
	d := s.now().Sub(e.at)
	if d < 3*time.Second {
		return s.say.t("receipt.queued")
	}
	return s.say.t("queued.for", s.say.rough(d))
}

// up says that somebody is at the other end of a room: a link of its own, or one that it shares with other rooms.
func (s *screen) up(r *room) bool {
	return len(s.linksOf(r)) > 0 || r.info.Host != "" && r.info.Dial != nil && r.info.Dial.Phase == "connected"
}

// here is how many are in a room, and inRoom who keeps it.
func (s *screen) here(r *room) int {
	n := 0
	for _, m := range r.info.Members {
		if m.Here && m.Peer != s.id {
			n++
		}
	}
	for _, l := range s.linksOf(r) {
		if !slices.ContainsFunc(r.info.Members, func(m tincan.MemberStatus) bool { return m.Peer == l.Peer }) {
			n++
		}
	}
	return n
}

func (s *screen) inRoom(r *room) []string {
	var out []string
	sign := func(here bool) string { return map[bool]string{true: "●", false: "○"}[here] }
	if r.info.Host != "" {
		out = append(out, sign(s.up(r))+" "+s.say.t("side.host", s.who(r.info.Host)))
	}
	for _, m := range r.info.Members {
		if m.Peer != s.id && m.Peer != r.info.Host {
			out = append(out, sign(m.Here)+" "+s.who(m.Peer))
		}
	}
	return out
}

// isFinal says whether after this reason a host is not dialled again, beside that somebody here wished so.
func isFinal(reason string) bool {
	switch reason {
	case "bye", "replaced", "unsupported", "ack beyond sent", "unknown key", "blocked", "pairing failed":
		return true
	}
	return false
}

var prints = regexp.MustCompile(`\b[a-z2-7]{4}(?: [a-z2-7]{4}){4}\b`)

// nativeBanners are the lines about keys that need somebody: who asks, and a host that shows another key.
func (s *screen) nativeBanners() (out []string) {
	if ps := s.asking(); len(ps) > 0 {
		p := ps[0]
		name := s.say.t("nameless")
		if n := cmp.Or(p.Name, p.Called); n != "" {
			name = fmt.Sprintf("%q", Clean(n))
		}
		out = append(out, s.say.t("asking", name, fingerprint(p.ID)), s.say.t("asking.ours", fingerprint(s.id)))
	}
	r := s.current()
	if r == nil || r.info.Dial == nil || s.up(r) {
		return out
	}
	switch d := r.info.Dial; {
	case d.Phase == "stopped" && (d.Reason == "key differs" || r.end == "key differs"):
		seen := prints.FindAllString(cmp.Or(d.Error, r.endText), -1)
		shown := "?"
		if len(seen) > 0 {
			shown = seen[len(seen)-1]
		}
		out = append(out, s.say.t("key.differs", shown), s.say.t("key.known", fingerprint(r.info.Host)), s.say.t("key.repair", groups(r.info.Host, 2)))
	case d.Phase == "waiting" && r.end == "unknown key":
		left := max(0, r.retry.Sub(s.now()))
		out = append(out, s.say.t("asked", fingerprint(s.id)), s.say.t("asked.again", int((left+time.Second-1)/time.Second)))
	}
	return out
}
