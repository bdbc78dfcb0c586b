package tincan

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"tincan/codec"
	"tincan/internal/journal"
	"tincan/internal/stream"
	"tincan/internal/wire"
)

// hosting is the host's side of a session: it stores what the guest publishes, numbered by the guest's outbox, and
// sends it each room that it has joined, from that member's own cursor. Nothing is acknowledged before it is
// committed and synced [PROTOCOL R2].
type hosting struct {
	*session
	window int    // bytes that the guest takes beyond what it has acknowledged
	only   string // the one room that this guest may join; "" is every shared one

	in     *stream.Receiver // the reader's
	taken  []taken          // the reader's: read, not yet in the spool
	denied int              // the reader's: rooms that it asked for and may not be in
	spool  *spool[taken]

	// the spool's
	held  journal.Position          // the position that is stored
	again int64                     // up to where ids are compared, as the outbox began anew [PROTOCOL R4]
	known map[int64]map[string]bool // ids that are here, by room

	mu    sync.Mutex
	small []codec.Frame // HELLO, JOINED and the like, to be written first
	ack   int64         // how far the outbox is stored
	acked int64         // how far that was said
	rooms []*place      // joined, in order
}

// taken is a message that a guest published, on its way into the journal.
type taken struct {
	seq    int64
	room   *room
	entry  journal.Entry
	record []byte
}

var takenSlabs slabs[taken]

// place is a guest's cursor over one room.
type place struct {
	*seat
	h      *hosting
	stream uint16
	r      *room
	full   bool // its own messages come with their bodies

	// under h.mu
	send    *stream.Sender
	cur     journal.Cursor
	news    map[string]int64 // members that have stored more
	present []wire.EphemeralBody
	shifted *wire.JoinedBody // the numbering goes on elsewhere
}

func (h *hosting) seats() map[*seat]journal.Cursor {
	h.mu.Lock()
	defer h.mu.Unlock()
	ss := map[*seat]journal.Cursor{}
	for _, p := range h.rooms {
		if p.send != nil {
			ss[p.seat] = p.cur
		}
	}
	return ss
}

func (h *hosting) keep(bytes int) error {
	taken := h.taken
	h.taken = nil
	return h.spool.put(taken, bytes)
}

// drain stores what was read whole before the end.
func (h *hosting) drain() {
	h.keep(0)
	h.spool.flush()
}

func (h *hosting) frame(t wire.Type, flags uint8, body []byte) error {
	switch t {
	case wire.Publish:
		return read(wire.ParsePublish, flags, body, h.publish)
	case wire.Join:
		return read(wire.ParseJoin, flags, body, h.join)
	case wire.Ack:
		return read(wire.ParseAck, flags, body, h.progress)
	case wire.Receipt, wire.Ephemeral: // a guest has none to tell
		return nil
	}
	return closing(wire.CodeMalformed, fmt.Sprintf("frame %02x is not a guest's", byte(t)))
}

// publish takes a message of the outbox; it is stored with those that came with it.
func (h *hosting) publish(p *wire.PublishBody) error {
	fresh, err := h.in.Accept(p.Seq)
	if err != nil || !fresh {
		return protocolError(err)
	}
	r, err := h.publishRoom(p.Room)
	if err != nil {
		return err
	}
	m := meta{kind: p.Type, headers: p.Headers}
	record := p.AppendRecord(make([]byte, 0, 64+len(p.ID)+len(p.Body)))
	if h.taken == nil {
		h.taken = takenSlabs.get()
	}
	h.taken = append(h.taken, taken{seq: p.Seq, room: r, record: record, entry: journal.Entry{From: h.peer, Name: h.name, ID: p.ID, Link: h.id,
		Codec: "tincan", Encoding: charsetOf(p.Type), Meta: m.bytes(), Body: record[len(record)-len(p.Body):]}})
	return nil
}

// publishRoom is the room that a message is for: one that this session has joined, or that exists.
func (h *hosting) publishRoom(name string) (*room, error) {
	h.mu.Lock()
	for _, p := range h.rooms {
		if p.r.name == name || name == "" && p.r.name == h.defaultRoom() {
			h.mu.Unlock()
			return p.r, nil
		}
	}
	h.mu.Unlock()
	for i := range h.taken {
		if h.taken[i].room.name == name {
			return h.taken[i].room, nil
		}
	}
	r, err := h.enter(name)
	if err != nil {
		var ce *closeError
		if errors.As(err, &ce) {
			return nil, err
		}
		return nil, h.unable(err)
	}
	h.mu.Lock()
	h.rooms = append(h.rooms, &place{seat: &seat{id: h.id, room: r.id, peer: h.peer}, h: h, r: r}) // to leave it at the end
	h.mu.Unlock()
	return r, nil
}

// store commits what was taken, and owes its acknowledgement. A crash before the commit loses what nobody was told
// of; after it, the guest learns from our position that it is here.
func (h *hosting) store(all []taken) error {
	to := h.held
	if p := h.in.Start(); p.Epoch != to.Epoch || p.N > to.N {
		to = journal.Position{Epoch: p.Epoch, N: p.N, Chain: p.Chain}
	}
	items := make([]journal.Taken, len(all))
	for i := range all {
		t := &all[i]
		to.N, to.Chain = t.seq, stream.Next(to.Chain, t.seq, t.record)
		items[i] = journal.Taken{Room: t.room.id, Entry: t.entry}
		if t.seq <= h.again {
			known, err := h.ids(t.room)
			if err != nil {
				return h.unable(err)
			}
			items[i].Known = known[t.entry.ID]
			known[t.entry.ID] = true
		}
	}
	offsets, err := h.n.journal.Take(h.n.ctx, h.peer, h.held, to, h.again, items)
	if err != nil {
		return h.unable(err)
	}
	h.held = to
	last := map[*room]int64{}
	for i := range all {
		last[all[i].room] = max(last[all[i].room], offsets[i])
	}
	h.mu.Lock()
	h.ack = to.N
	h.mu.Unlock()
	for r, n := range last {
		r.committed(n, nil)
	}
	h.wake()
	return nil
}

// ids are those of this guest's messages in a room.
func (h *hosting) ids(r *room) (map[string]bool, error) {
	if ids := h.known[r.id]; ids != nil {
		return ids, nil
	}
	ids, err := h.n.journal.IDsOf(h.n.ctx, r.id, h.peer)
	if err != nil {
		return nil, err
	}
	if h.known == nil {
		h.known = map[int64]map[string]bool{}
	}
	h.known[r.id] = ids
	return ids, nil
}

// progress takes an acknowledgement: the guest has stored a room up to there.
func (h *hosting) progress(a *wire.AckBody) error {
	h.mu.Lock()
	p := h.at(a.Stream)
	if p == nil {
		h.mu.Unlock()
		return closing(wire.CodeMalformed, fmt.Sprintf("stream %d was not joined", a.Stream))
	}
	if err := p.send.Ack(a.N, int(a.Window)); err != nil {
		h.mu.Unlock()
		return protocolError(err)
	}
	moved := p.cur.Stored < p.send.Handled()
	p.cur.Stored = p.send.Handled()
	p.cur.Reached = max(p.cur.Reached, p.cur.Stored)
	p.cur.Written = max(p.cur.Written, p.cur.Stored)
	cur := p.cur
	h.mu.Unlock()
	if moved {
		h.n.journal.SaveCursor(cur)
		h.n.moved(p.seat, cur)
		p.r.storedBy(p, cur.Stored)
	}
	h.wake()
	return nil
}

// at is the place of a stream. The caller holds h.mu.
func (h *hosting) at(id uint16) *place {
	for _, p := range h.rooms {
		if p.stream == id && p.send != nil {
			return p
		}
	}
	return nil
}

func (h *hosting) owed() (out []codec.Frame, wrote func(), err error) {
	h.mu.Lock()
	out = h.small
	h.small = nil
	if h.ack > h.acked {
		h.acked = h.ack
		a := wire.AckBody{N: h.ack, Window: receiveWindow}
		out = append(out, codec.Frame{Body: a.Append(nil)})
	}
	places := slices.Clone(h.rooms)
	for _, p := range places {
		out = append(out, p.told()...)
	}
	h.mu.Unlock()
	for _, p := range places {
		if p.send == nil {
			continue
		}
		if out, err = p.feed(out); err != nil {
			return nil, nil, err
		}
	}
	return out, func() {
		for _, p := range places {
			p.wrote()
		}
	}, nil
}

// told is what this guest has yet to hear of the other members. The caller holds h.mu.
func (p *place) told() (out []codec.Frame) {
	if p.shifted != nil {
		out = append(out, codec.Frame{Body: p.shifted.Append(nil)})
		p.shifted = nil
	}
	for _, e := range p.present {
		out = append(out, codec.Frame{Body: e.Append(nil)})
	}
	p.present = nil
	for peer, n := range p.news {
		r := wire.ReceiptBody{Stream: p.stream, N: n, Member: peer}
		out = append(out, codec.Frame{Body: r.Append(nil)})
	}
	clear(p.news)
	return out
}

// feed adds the room's next messages, as many as fit in one go and in what the guest takes.
func (p *place) feed(out []codec.Frame) ([]codec.Frame, error) {
	h := p.h
	newest := p.r.last()
	h.mu.Lock()
	p.send.Appended(newest)
	next, room := p.send.Next()
	h.mu.Unlock()
	if next > newest || room <= 0 {
		return out, nil
	}
	es, err := h.n.journal.Read(h.n.ctx, p.r.id, next-1, pumpEntries, min(pumpBytes, room))
	if err != nil || len(es) == 0 {
		return out, err
	}
	if es[0].Offset != next {
		return out, p.shift(es[0].Offset - 1)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range es {
		m := h.n.told(&es[i])
		m.Stream = p.stream
		if m.Own = es[i].From == h.peer && !p.full; m.Own {
			m.Body = nil
		}
		b := m.Append(make([]byte, 0, 160+len(m.Body)))
		if i > 0 && !p.send.Fits(len(b)) {
			break
		}
		p.send.Sent(es[i].Offset, len(b))
		out = append(out, codec.Frame{Body: b})
	}
	return out, nil
}

// wrote moves the cursor over what was written.
func (p *place) wrote() {
	h := p.h
	h.mu.Lock()
	if p.send == nil {
		h.mu.Unlock()
		return
	}
	next, _ := p.send.Next()
	moved := next-1 > p.cur.Written
	p.cur.Written = max(p.cur.Written, next-1)
	cur := p.cur
	h.mu.Unlock()
	if moved {
		h.n.moved(p.seat, cur)
	}
}

// shift tells a guest that is further back than what the room keeps that the log goes on behind base.
func (p *place) shift(base int64) error {
	h := p.h
	rec, err := h.n.journal.RoomByID(h.n.ctx, p.r.id)
	if err != nil {
		return err
	}
	chain, _, err := h.n.journal.ChainAt(h.n.ctx, p.r.id, base)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	p.send = stream.NewSender(rec.Epoch, base, rec.Last, base)
	p.send.Window(h.window)
	p.send.Start(base)
	defer h.wake()
	p.shifted = &wire.JoinedBody{Stream: p.stream, Verdict: wire.Gap, Room: p.r.name, Epoch: rec.Epoch, Base: base, Last: rec.Last, Chain: chain}
	return nil
}

// over leaves the rooms. What was written and not stored is owed again.
func (h *hosting) over(_ verdict, _ time.Duration, e Event) {
	h.mu.Lock()
	places := h.rooms
	h.mu.Unlock()
	for _, p := range places {
		p.r.stand(p)
		if p.send != nil {
			h.mu.Lock()
			p.cur.Written, p.cur.Reached = p.cur.Stored, p.cur.Stored
			cur := p.cur
			h.mu.Unlock()
			h.n.journal.SaveCursor(cur)
			e.Room = p.r.name
			h.n.note(e, p.r)
		}
		p.r.leave()
	}
}

// protocolError makes an error of the rules a close code.
func protocolError(err error) error {
	var pe *stream.ProtocolError
	if errors.As(err, &pe) {
		return closing(wire.Code(pe.Code), pe.Error())
	}
	return err
}
