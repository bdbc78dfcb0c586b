package tui

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tincan"
)

// The commands that decide who may talk.

func doorCommands() []command {
	return []command{
		{"ticket", "[ROOM]", "help.ticket", (*screen).ticket},
		{"code", "[ROOM]", "help.code", (*screen).code},
		{"peers", "", "help.peers", func(s *screen, _ string) tea.Cmd { return s.showPeers() }},
		{"trust", "[PEER]", "help.trust", func(s *screen, arg string) tea.Cmd { return s.decide(arg, tincan.Trusted, "trusted") }},
		{"block", "[PEER]", "help.block", func(s *screen, arg string) tea.Cmd { return s.decide(arg, tincan.Blocked, "blocked") }},
		{"name", "PEER NAME", "help.name", (*screen).namePeer},
		{"forget", "PEER", "help.forget", (*screen).askForget},
	}
}

// ticket makes a ticket and shows it as text and as a picture.
func (s *screen) ticket(room string) tea.Cmd {
	return func() tea.Msg {
		k, err := s.talker.MakeTicket(s.ctx, tincan.TicketRequest{Room: room})
		if err != nil {
			return textMsg{err: err}
		}
		lines := []string{k.URL, "", s.say.t("ticket.why", k.Expires.Local().Format(time.DateTime)), ""}
		return textMsg{title: s.say.t("ticket.title"), lines: lines, art: picture(tincan.QRModules(k.URL)), copy: k.URL}
	}
}

// picture draws a QR code with two rows of it on a line.
func picture(rows []string) (out []string) {
	for y := 0; y < len(rows); y += 2 {
		var b strings.Builder
		for x := range rows[y] {
			up, low := rows[y][x] == '0', y+1 >= len(rows) || rows[y+1][x] == '0'
			switch {
			case up && low:
				b.WriteString("█")
			case up:
				b.WriteString("▀")
			case low:
				b.WriteString("▄")
			default:
				b.WriteString(" ")
			}
		}
		out = append(out, b.String())
	}
	return out
}

func (s *screen) code(room string) tea.Cmd {
	return func() tea.Msg {
		c, err := s.talker.MakeCode(s.ctx, room)
		if err != nil {
			return textMsg{err: err}
		}
		return textMsg{title: s.say.t("code.title"), lines: []string{"", "   " + strings.Join(strings.Split(c.Code, ""), " "), "",
			s.say.t("code.why", c.Expires.Local().Format(time.TimeOnly), c.Code)}}
	}
}

// showPeers lists the keys that were met.
func (s *screen) showPeers() tea.Cmd {
	return func() tea.Msg {
		ps, err := s.talker.Peers(s.ctx)
		if err != nil {
			return textMsg{err: err}
		}
		lines := []string{s.say.t("peers.ours", fingerprint(s.id)), ""}
		if len(ps) == 0 {
			lines = append(lines, s.say.t("peers.none"))
		}
		for _, p := range ps {
			name := Clean(p.Name)
			if name == "" {
				name = s.say.t("nameless")
				if p.Called != "" {
					name = fmt.Sprintf("%q", Clean(p.Called))
				}
			}
			state := s.say.or("state.", string(p.State))
			if p.Via != "" {
				state += ", " + s.say.or("via.", p.Via)
			}
			seen := s.say.t("peers.last", p.Last.Local().Format(time.DateTime))
			if len(p.Links) > 0 {
				seen = s.say.t("peers.here")
			}
			lines = append(lines, name+"  "+fingerprint(p.ID), "  "+state+", "+seen)
		}
		return textMsg{title: s.say.t("peers.title"), lines: lines}
	}
}

// shown opens a text over the messages.
func (s *screen) shown(m textMsg) tea.Cmd {
	if m.err != nil {
		s.fail(m.err)
		return nil
	}
	s.overlay = overlay{kind: overText, title: m.title, lines: m.lines, art: m.art}
	if m.copy != "" {
		return tea.SetClipboard(m.copy)
	}
	return nil
}

// find returns the peer that somebody means: by its name, the beginning of its fingerprint, or what it calls itself
// if no other does. "" means who asks first.
func (s *screen) find(arg string) (tincan.PeerStatus, bool) {
	if ps := s.asking(); arg == "" && len(ps) > 0 {
		return ps[0], true
	}
	begin := strings.TrimPrefix(strings.ToLower(strings.ReplaceAll(arg, " ", "")), "tc1")
	var like []tincan.PeerStatus
	for _, p := range s.peers {
		switch {
		case p.ID == arg || p.Name != "" && p.Name == arg:
			return p, true
		case len(begin) >= 4 && strings.HasPrefix(strings.TrimPrefix(p.ID, "tc1"), begin), arg != "" && p.Called == arg:
			like = append(like, p)
		}
	}
	if len(like) == 1 {
		return like[0], true
	}
	if len(like) == 0 {
		s.tell(bad, s.say.t("peer.none", Clean(arg)))
	} else {
		s.tell(bad, s.say.t("peer.many", len(like), Clean(arg)))
	}
	return tincan.PeerStatus{}, false
}

// doPeer changes what is known of a peer, and asks for the list anew.
func (s *screen) doPeer(do func(context.Context) error, key string, args ...any) tea.Cmd {
	return func() tea.Msg { return doneMsg{key: key, args: args, peers: true, err: do(s.ctx)} }
}

func (s *screen) decide(arg string, to tincan.PeerState, key string) tea.Cmd {
	p, ok := s.find(arg)
	if !ok {
		return nil
	}
	return s.doPeer(func(ctx context.Context) error {
		_, err := s.talker.SetPeer(ctx, p.ID, tincan.PeerChange{State: &to})
		return err
	}, "peer."+key, s.who(p.ID))
}

func (s *screen) namePeer(arg string) tea.Cmd {
	whom, name, ok := strings.Cut(arg, " ")
	if name = strings.TrimSpace(name); !ok || name == "" {
		s.tell(bad, s.say.t("slash.needs", "name", "PEER NAME"))
		return nil
	}
	p, ok := s.find(whom)
	if !ok {
		return nil
	}
	return s.doPeer(func(ctx context.Context) error {
		_, err := s.talker.SetPeer(ctx, p.ID, tincan.PeerChange{Name: &name})
		return err
	}, "peer.named", fingerprint(p.ID), Clean(name))
}

func (s *screen) askForget(arg string) tea.Cmd {
	p, ok := s.find(arg)
	if !ok {
		return nil
	}
	name := cmp.Or(s.who(p.ID), fingerprint(p.ID))
	s.ask = &question{text: s.say.t("ask.forget", name), yes: func(s *screen) tea.Cmd {
		return s.doPeer(func(ctx context.Context) error { return s.talker.Forget(ctx, p.ID) }, "peer.forgotten", name)
	}}
	return nil
}
