package tincan

import (
	"cmp"
	"context"
	"os"
	"slices"

	"tincan/codec"
	"tincan/internal/journal"
)

const statusRooms = 1000

// Status returns a snapshot of the node.
func (n *Node) Status(ctx context.Context) (Status, error) {
	s := Status{Dir: n.dir, ID: n.id, Name: n.name, Version: Version, PID: os.Getpid(), Started: n.started.UTC(), Addresses: machineAddrs(), Limits: n.limits,
		Listeners: []ListenerStatus{}, Links: []LinkStatus{}, Rooms: []RoomStatus{}}
	recs, err := n.journal.Rooms(ctx, statusRooms)
	if err != nil {
		return s, journalError(err)
	}
	n.mu.Lock()
	var ls []*listener
	for _, l := range n.listeners {
		ls = append(ls, l)
	}
	var ms []*member
	per := map[*listener]int{}
	for _, m := range n.links {
		ms = append(ms, m)
		per[m.listener]++
	}
	var ss []*session
	for _, o := range n.sessions {
		if o.announced.Load() {
			ss = append(ss, o)
			per[o.listener]++
		}
	}
	live := map[string]*room{}
	for name, r := range n.rooms {
		live[name] = r
	}
	n.mu.Unlock()
	for _, l := range ls {
		s.Listeners = append(s.Listeners, l.status(per[l]))
	}
	slices.SortFunc(s.Listeners, func(a, b ListenerStatus) int { return cmp.Or(len(a.ID)-len(b.ID), cmp.Compare(a.ID, b.ID)) })
	for _, m := range ms {
		s.Links = append(s.Links, m.status())
	}
	for _, o := range ss {
		s.Links = append(s.Links, o.status())
	}
	slices.SortFunc(s.Links, func(a, b LinkStatus) int { return cmp.Compare(a.ID, b.ID) })
	for _, rec := range recs {
		if r := live[rec.Name]; r != nil {
			s.Rooms = append(s.Rooms, r.status(ctx))
			continue
		}
		r := roomStatus(rec)
		if rec.Host != "" {
			r.Pending, _ = n.pending(ctx, rec) // a journal that cannot be read is told as trouble
		}
		s.Rooms = append(s.Rooms, r)
	}
	if err := n.journal.Trouble(); err != nil {
		s.Trouble, _, _ = Explain(journalError(err))
	}
	return s, nil
}

func roomStatus(rec journal.Room) RoomStatus {
	return RoomStatus{Name: rec.Name, Host: rec.Host, Base: rec.Base, Last: rec.Last, Updated: rec.Updated.UTC(), Shared: rec.Shared, Dialled: rec.Dialled,
		Encoding: rec.Encoding, Codec: rec.Codec}
}

func (r *room) status(ctx context.Context) RoomStatus {
	h, _ := r.heldNow(ctx) // a journal that cannot be read is told as trouble
	r.mu.Lock()
	rec, places := r.rec, slices.Clone(r.places)
	r.mu.Unlock()
	var members []MemberStatus
	if rec.Shared || rec.Host != "" {
		members = r.membersNow(ctx, places)
	}
	var waits *PendingStatus
	if rec.Host != "" {
		waits, _ = r.n.pending(ctx, rec)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s := roomStatus(r.rec)
	s.Members, s.Pending = members, waits
	for _, p := range r.places {
		s.Links = append(s.Links, p.id)
	}
	s.Last = r.newest
	for id := range r.members {
		s.Links = append(s.Links, id)
	}
	slices.Sort(s.Links)
	if d := r.dial; d != nil {
		d.mu.Lock()
		st := d.status
		d.mu.Unlock()
		s.Dial = &st
	}
	if h != (HeldStatus{}) {
		s.Held = &h
	}
	return s
}

func (m *member) status() LinkStatus {
	st := m.link.State()
	name, choice := m.codecState()
	s := LinkStatus{ID: m.id, Room: m.r.name, Peer: m.peer, Local: m.rec.Local, Remote: m.rec.Remote, Codec: name, Choice: choice,
		Dialled: m.dialled, Phase: Established, Since: m.rec.Began, HandshakeUS: m.rec.HandshakeUS,
		MessagesIn: st.FramesIn, MessagesOut: st.FramesOut, BytesIn: st.BytesIn, BytesOut: st.BytesOut,
		SilenceMS: st.Silence.Milliseconds(), TCP: st.TCP}
	s.Have, s.Want = m.link.Held()
	if m.listener != nil {
		s.Listener = m.listener.id
	}
	m.mu.Lock()
	s.Paused = m.reading == Pause
	m.mu.Unlock()
	switch {
	case m.parting.Load() || st.Ended:
		s.Phase = Closing
	case st.PeerFinished:
		s.Phase = PeerFinished
	}
	return s
}

// Links returns ended links, newest first: of one room, or of all when room is "".
func (n *Node) Links(ctx context.Context, name string, limit int) ([]LinkStatus, error) {
	var id int64
	if name != "" {
		rec, err := n.findRoom(ctx, name)
		if err != nil {
			return nil, err
		}
		id = rec.ID
	}
	recs, err := n.journal.Links(ctx, id, limit)
	if err != nil {
		return nil, journalError(err)
	}
	out := make([]LinkStatus, 0, len(recs))
	for _, l := range recs {
		if l.Ended.IsZero() {
			continue
		}
		out = append(out, LinkStatus{ID: l.ID, Room: l.RoomName, Peer: l.Peer, Local: l.Local, Remote: l.Remote, Codec: l.Codec,
			Choice: l.Choice, Dialled: l.Dialled, Phase: Closed, Since: l.Began.UTC(), HandshakeUS: l.HandshakeUS, MessagesIn: l.MessagesIn,
			MessagesOut: l.MessagesOut, BytesIn: l.BytesIn, BytesOut: l.BytesOut, Ended: l.Ended.UTC(), Reason: l.Reason, Detail: l.Detail})
	}
	return out, nil
}

func (n *Node) findRoom(ctx context.Context, name string) (journal.Room, error) {
	rec, ok, err := n.journal.FindRoom(ctx, name)
	if err == nil && !ok {
		return rec, fail(CodeNotFound, nil, say("there is no room %s", name), say("`tincan rooms` lists them"))
	}
	return rec, journalError(err)
}

// History returns up to limit messages of a room after an offset, or with a negative limit the newest before
// it (0: before the end), oldest first.
func (n *Node) History(ctx context.Context, name string, after int64, limit int) ([]Message, error) {
	rec, err := n.findRoom(ctx, name)
	if err != nil {
		return nil, err
	}
	var es []journal.Entry
	if limit < 0 {
		es, err = n.journal.ReadBack(ctx, rec.ID, after, -limit)
	} else {
		es, err = n.journal.Read(ctx, rec.ID, after, limit, 4<<20)
	}
	if err != nil {
		return nil, journalError(err)
	}
	out := make([]Message, len(es))
	for i, e := range es {
		out[i] = message(name, e)
		out[i].Enc = rec.Encoding
	}
	return out, nil
}

// Receipts returns how far own messages first..last of a room got, for each peer.
func (n *Node) Receipts(ctx context.Context, name string, first, last int64) ([]ReceiptRange, error) {
	rec, err := n.findRoom(ctx, name)
	if err != nil {
		return nil, err
	}
	curs, err := n.journal.Cursors(ctx, rec.ID)
	if err != nil {
		return nil, journalError(err)
	}
	fates, err := n.journal.Fates(ctx, rec.ID)
	if err != nil {
		return nil, journalError(err)
	}
	live := map[string]bool{}
	if r := n.live(name); r != nil {
		for _, m := range r.talkers() {
			m.mu.Lock()
			c := m.cur
			m.mu.Unlock()
			live[m.peer] = true
			curs = slices.DeleteFunc(curs, func(o journal.Cursor) bool { return o.Peer == m.peer })
			curs = append(curs, c)
		}
		r.mu.Lock()
		places := slices.Clone(r.places)
		r.mu.Unlock()
		for _, p := range places {
			p.h.mu.Lock()
			c := p.cur
			p.h.mu.Unlock()
			curs = slices.DeleteFunc(curs, func(o journal.Cursor) bool { return o.Peer == p.peer })
			curs = append(curs, c)
		}
		r.leave()
	}
	if rec.Host != "" { // what has a number is on the host's disk
		curs = append(curs, journal.Cursor{Room: rec.ID, Peer: rec.Host, Written: rec.Last, Reached: rec.Last, Stored: rec.Last})
	}
	if len(curs) == 0 && !rec.Shared {
		curs = []journal.Cursor{{Room: rec.ID}}
	}
	out := []ReceiptRange{}
	for _, c := range curs {
		upto := last
		if rec.Shared && !live[c.Peer] && !isNative(c.Peer) { // what came after it left is not its business
			upto = min(last, c.Written)
		}
		out = append(out, receiptRanges(c, fates, max(first, c.Start+1), upto)...)
	}
	return out, nil
}

// receiptRanges cuts first..last where a cursor or one of the exceptions changes the state.
func receiptRanges(c journal.Cursor, fates []journal.Fate, first, last int64) []ReceiptRange {
	var out []ReceiptRange
	for at := first; at <= last; {
		state, end := Queued, last
		switch {
		case at <= c.Stored:
			state, end = Stored, min(last, c.Stored)
		case at <= c.Reached:
			state, end = Reached, min(last, c.Reached)
		case at <= c.Written:
			state, end = Written, min(last, c.Written)
		}
		for _, f := range fates {
			switch {
			case f.Peer != c.Peer || f.Last < at:
			case f.First <= at:
				state, end = Receipt(f.State), min(end, f.Last)
			case f.First <= end:
				end = f.First - 1
			}
		}
		out = append(out, ReceiptRange{First: at, Last: end, Peer: c.Peer, State: state})
		at = end + 1
	}
	return out
}

// Reading pauses or resumes reading of a link, or reads one message while it is paused. What is not read
// stays in the kernel: its receive queue grows and the window that the peer sees closes.
func (n *Node) Reading(_ context.Context, id int64, r Reading) error {
	m, err := n.member(id)
	if err != nil {
		return err
	}
	switch r {
	case Pause, Resume:
		m.steer(func() { m.reading, m.one = r, 0 })
	case ReadOne:
		m.steer(func() {
			if m.reading == Pause {
				m.one++
			}
		})
	default:
		return usage(`say "pause", "resume" or "one"`, "no such reading: %q", r)
	}
	return nil
}

// SetCodec changes the codec of a link and decodes again what it has received: the messages as they were
// are marked replaced, the new ones follow. What was sent stays as it was sent.
func (n *Node) SetCodec(ctx context.Context, id int64, spec string) error {
	c, err := codec.Parse(spec)
	if err != nil {
		return noCodec(err)
	}
	m, err := n.member(id)
	if err != nil {
		return err
	}
	job := recode{codec: c, done: make(chan error, 1)}
	m.steer(func() { m.recodes = append(m.recodes, job) })
	select {
	case err := <-job.done:
		return err
	case <-m.done:
		return fail(CodeUnreachable, nil, say("the link has ended"), say("connect again with the other codec"))
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Encoding is the text encoding of a room, "" for UTF-8.
func (n *Node) Encoding(ctx context.Context, name string) (string, error) {
	if r := n.live(name); r != nil {
		defer r.leave()
		return r.encoding(), nil
	}
	rec, err := n.findRoom(ctx, name)
	return rec.Encoding, err
}

// SetEncoding changes how a room's bytes are read as text, for old messages too: their bytes are kept.
func (n *Node) SetEncoding(ctx context.Context, name, encoding string) error {
	enc, err := ParseEncoding(encoding)
	if err != nil {
		return err
	}
	rec, err := n.findRoom(ctx, name)
	if err != nil {
		return err
	}
	if err := n.journal.SetRoom(ctx, rec.ID, func(r *journal.Room) { r.Encoding = enc }); err != nil {
		return journalError(err)
	}
	if r := n.live(name); r != nil {
		r.mu.Lock()
		r.rec.Encoding = enc
		r.mu.Unlock()
		r.leave()
	}
	return nil
}
