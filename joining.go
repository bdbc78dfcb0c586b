package tincan

import (
	"fmt"
	"slices"

	"tincan/codec"
	"tincan/internal/journal"
	"tincan/internal/stream"
	"tincan/internal/wire"
)

// The most rooms that one guest may be in at once, and whose members it is told of.
const (
	roomsPerGuest = 64
	membersTold   = 256
	receiveWindow = 4 << 20
	lobby         = "lobby"
)

// defaultRoom is the room of a guest that names none.
func (h *hosting) defaultRoom() string {
	switch {
	case h.only != "":
		return h.only
	case h.listener.addr.room != "":
		return h.listener.addr.room
	}
	return lobby
}

// enter returns a room that this guest may be in, made if need be, and in use: the caller calls leave. Who may be in
// which room is decided here and nowhere else:
//
//	a key with a ticket for one room     that room
//	a listener with a room in its address   that room
//	any other                            every shared room, and new ones
func (h *hosting) enter(name string) (*room, error) {
	h.mu.Lock()
	many := len(h.rooms) >= roomsPerGuest
	h.mu.Unlock()
	if many {
		return nil, closing(wire.CodeLimit, fmt.Sprintf("over the limit of %d rooms", roomsPerGuest))
	}
	if name == "" {
		name = h.defaultRoom()
	}
	ctx := h.n.ctx
	rec, known, err := h.n.journal.FindRoom(ctx, name)
	fixed := h.listener.addr.room
	switch {
	case err != nil:
		return nil, err
	case h.only != "" && name != h.only, fixed != "" && name != fixed, known && (!rec.Shared || rec.Host != "" || rec.Outbox), !known && !roomName(name):
		return nil, closing(wire.CodeUnknownKey, fmt.Sprintf("this key may not be in the room %q", name))
	case !known:
		if rec, err = h.n.journal.MakeRoom(ctx, journal.Room{Name: name, Shared: true, Codec: "tincan"}); err != nil {
			return nil, err
		}
	}
	r := h.n.use(rec)
	if !rec.Native() {
		if _, err := h.n.journal.Nativize(ctx, r.id); err != nil {
			r.leave()
			return nil, err
		}
	}
	return r, nil
}

// join lets the guest into a room and tells it from where on it hears it.
func (h *hosting) join(j *wire.JoinBody) error {
	h.mu.Lock()
	known := h.at(j.Stream) != nil || j.Stream == 0
	h.mu.Unlock()
	if known {
		return closing(wire.CodeMalformed, fmt.Sprintf("stream %d is taken", j.Stream))
	}
	r, err := h.enter(j.Room)
	if ce, ok := err.(*closeError); ok && ce.Code == wire.CodeLimit {
		return ce
	} else if ok {
		if h.denied++; h.denied > roomsPerGuest { // one that does not read its answers must not pile them up
			return closing(wire.CodeLimit, fmt.Sprintf("over the limit of %d rooms", roomsPerGuest))
		}
		h.queue(&wire.JoinedBody{Stream: j.Stream, Verdict: wire.Refused, Room: j.Room, Title: ce.Reason})
		return nil
	}
	if err != nil {
		return h.unable(err)
	}
	p := &place{seat: &seat{room: r.id, id: h.id, peer: h.peer}, h: h, stream: j.Stream, r: r, full: j.Full, news: map[string]int64{}}
	answer, err := p.greet(j)
	if err != nil {
		r.leave()
		return h.unable(err)
	}
	h.n.journal.SaveCursor(p.cur)
	p.from = p.cur
	h.announce(r)
	h.n.moved(p.seat, p.cur) // before the pump has it, which moves it on
	h.mu.Lock()
	h.small = append(h.small, codec.Frame{Body: answer.Append(nil)})
	h.rooms = append(h.rooms, p)
	h.mu.Unlock()
	r.sit(p)
	h.wake()
	return nil
}

// queue owes the guest a small frame.
func (h *hosting) queue(b interface{ Append([]byte) []byte }) {
	h.mu.Lock()
	h.small = append(h.small, codec.Frame{Body: b.Append(nil)})
	h.mu.Unlock()
	h.wake()
}

// greet compares the guest's position with the room [PROTOCOL S5] and sets the cursor.
func (p *place) greet(j *wire.JoinBody) (*wire.JoinedBody, error) {
	n, ctx := p.h.n, p.h.n.ctx
	rec, err := n.journal.RoomByID(ctx, p.r.id)
	if err != nil {
		return nil, err
	}
	answer := &wire.JoinedBody{Stream: j.Stream, Verdict: wire.Resume, Room: rec.Name, Epoch: rec.Epoch, Last: rec.Last}
	send := stream.NewSender(rec.Epoch, rec.Base, rec.Last, rec.Base)
	start := rec.Base
	switch j.From {
	case wire.FromPosition:
		var failed error
		verdict := send.Greet(stream.Position{Epoch: j.Epoch, N: j.N, Chain: j.Chain}, func(at int64) (stream.Chain, bool) {
			c, known, err := n.journal.ChainAt(ctx, p.r.id, at)
			failed = err
			return c, known
		})
		if failed != nil {
			return nil, failed
		}
		foreign := verdict != stream.Fork && send.Handled() != j.N && j.Epoch != rec.Epoch && j.N > 0
		switch {
		case foreign: // a copy of another room than this
			answer.Verdict = wire.Fork
			send = stream.NewSender(rec.Epoch, rec.Base, rec.Last, rec.Base)
			verdict = stream.Gap
		}
		switch verdict {
		case stream.Resume:
			start = j.N
		case stream.Gap:
			if !foreign {
				answer.Verdict = wire.Gap
			}
		case stream.Fork:
			pos, err := n.journal.Fork(ctx, p.r.id)
			if err != nil {
				return nil, err
			}
			answer.Verdict, answer.Epoch = wire.Fork, pos.Epoch
			send = stream.NewSender(pos.Epoch, rec.Base, rec.Last, rec.Base)
			n.trouble(fail(CodeInternal, nil, say("%s holds messages of %s that this journal does not have, or others: was an old copy restored?", p.peer, rec.Name),
				say("its copy is set aside there and nothing of it is lost; compare the two")), p.r)
		}
	case wire.FromLast:
		start = max(rec.Base, rec.Last-j.N)
	case wire.FromNew:
		start = rec.Last
	}
	chain, _, err := n.journal.ChainAt(ctx, p.r.id, start)
	if err != nil {
		return nil, err
	}
	send.Window(p.h.window)
	send.Start(start)
	p.send = send
	answer.Base, answer.Chain = start, chain
	cur, err := n.cursor(ctx, p.r.id, p.peer)
	if err != nil {
		return nil, err
	}
	if cur.Start == 0 && cur.Written == 0 || j.From != wire.FromPosition {
		cur.Start = start
	}
	cur.Written, cur.Reached, cur.Stored = start, start, start
	p.cur = cur
	return answer, nil
}

// sit makes a place one of the room's, and tells the members of each other.
func (r *room) sit(p *place) {
	r.mu.Lock()
	others := slices.Clone(r.places)
	r.places = append(r.places, p)
	r.mu.Unlock()
	for _, o := range others {
		if o.peer == p.peer {
			continue
		}
		o.hear(wire.EphemeralBody{Stream: o.stream, Kind: wire.Here, Member: p.peer, Name: p.h.name})
	}
	curs, err := r.n.journal.Cursors(r.n.ctx, r.id)
	if err != nil {
		return
	}
	p.h.mu.Lock()
	for i, o := range others {
		if i < membersTold && o.peer != p.peer {
			p.present = append(p.present, wire.EphemeralBody{Stream: p.stream, Kind: wire.Here, Member: o.peer, Name: o.h.name})
		}
	}
	for i, c := range curs {
		if i < membersTold && c.Peer != p.peer && isNative(c.Peer) {
			p.news[c.Peer] = c.Stored
		}
	}
	p.h.mu.Unlock()
}

// hear owes a member's presence to the guest.
func (p *place) hear(e wire.EphemeralBody) {
	p.h.mu.Lock()
	if len(p.present) < membersTold {
		p.present = append(p.present, e)
	}
	p.h.mu.Unlock()
	p.h.wake()
}

// stand takes a place out of the room.
func (r *room) stand(p *place) {
	r.mu.Lock()
	r.places = slices.DeleteFunc(r.places, func(o *place) bool { return o == p })
	others := slices.Clone(r.places)
	r.mu.Unlock()
	for _, o := range others {
		if o.peer != p.peer && p.send != nil {
			o.hear(wire.EphemeralBody{Stream: o.stream, Kind: wire.Gone, Member: p.peer, Name: p.h.name})
		}
	}
}

// storedBy tells the other members how far one has stored the room.
func (r *room) storedBy(p *place, n int64) {
	r.mu.Lock()
	others := slices.Clone(r.places)
	r.mu.Unlock()
	for _, o := range others {
		if o.peer == p.peer || o.news == nil {
			continue
		}
		o.h.mu.Lock()
		o.news[p.peer] = n
		o.h.mu.Unlock()
		o.h.wake()
	}
}

// roomName says that a name may be one of a room that guests make.
func roomName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, r := range s {
		if r <= ' ' || r == '/' || r == ':' || r == 0x7f || r == 0xfffd {
			return false
		}
	}
	return true
}
