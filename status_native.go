package tincan

import (
	"cmp"
	"context"
	"slices"
)

// status is a snapshot of a native link.
func (s *session) status() LinkStatus {
	st := s.link.State()
	out := LinkStatus{ID: s.id, Room: s.room.name, Peer: s.peer, Name: s.name, Local: s.rec.Local, Remote: s.rec.Remote, Codec: s.rec.Codec, Choice: s.rec.Choice,
		Dialled: s.dialled, Phase: Established, Since: s.rec.Began, HandshakeUS: s.rec.HandshakeUS,
		MessagesIn: st.FramesIn, MessagesOut: st.FramesOut, BytesIn: st.BytesIn, BytesOut: st.BytesOut,
		SilenceMS: st.Silence.Milliseconds(), TCP: st.TCP}
	out.Have, out.Want = s.link.Held()
	if s.listener != nil {
		out.Listener = s.listener.id
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closing != nil || st.Ended:
		out.Phase = Closing
	case st.PeerFinished:
		out.Phase = PeerFinished
	}
	return out
}

// membersNow are the native peers that keep the room: as this node's cursors say, or as its host told.
func (r *room) membersNow(ctx context.Context, places []*place) (out []MemberStatus) {
	known := map[string]*MemberStatus{}
	curs, err := r.n.journal.Cursors(ctx, r.id)
	if err != nil { // it is told as trouble
		return nil
	}
	for _, c := range curs {
		if isNative(c.Peer) {
			known[c.Peer] = &MemberStatus{Peer: c.Peer, Stored: c.Stored}
		}
	}
	for _, p := range places {
		p.h.mu.Lock()
		known[p.peer] = &MemberStatus{Peer: p.peer, Name: p.h.name, Here: true, Stored: p.cur.Stored}
		p.h.mu.Unlock()
	}
	for _, m := range r.told() {
		known[m.Peer] = &m
	}
	for _, m := range known {
		if len(out) < membersTold {
			out = append(out, *m)
		}
	}
	slices.SortFunc(out, func(a, b MemberStatus) int { return cmp.Compare(a.Peer, b.Peer) })
	return out
}

// told are the members of a copy, as its host tells while a link is up.
func (r *room) told() (out []MemberStatus) {
	r.mu.Lock()
	host := r.rec.Host
	r.mu.Unlock()
	r.n.mu.Lock()
	g := r.n.guests[host]
	r.n.mu.Unlock()
	if g == nil {
		return nil
	}
	g.mu.Lock()
	a := g.live
	g.mu.Unlock()
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.copies {
		if c.r != r {
			continue
		}
		for _, m := range c.members {
			out = append(out, MemberStatus{Peer: m.peer, Name: m.name, Here: m.here, Stored: m.cur.Stored})
		}
	}
	return out
}

// nativePeer is this node's id, for a listener that speaks natively.
func (n *Node) nativePeer(a *address) string {
	if a.native == nil {
		return ""
	}
	return n.id
}
