package tincan

import (
	"context"
	"sync"

	"tincan/codec"
	"tincan/internal/journal"
)

// room is a room in use: one with a live link or a dialler. Other rooms are only in the journal.
type room struct {
	n      *Node
	id     int64
	name   string
	shared bool

	mu      sync.Mutex
	rec     journal.Room
	newest  int64             // the last offset that is committed
	owed    int64             // the last offset that some member may have to be sent
	members map[int64]*member // live links, by link number
	places  []*place          // native members that are here
	users   int               // who holds this room: members, a dialler, calls under way
	dial    *dialler
	held    HeldStatus // of the last time that it was counted; whoever counts has counting
	// heldKnown says that no fate has changed since then.
	heldKnown bool
	counting  sync.Mutex // taken before mu
}

// use returns the room of a journal record, made live if it was not. The caller calls r.leave once.
func (n *Node) use(rec journal.Room) *room {
	n.mu.Lock()
	defer n.mu.Unlock()
	r := n.rooms[rec.Name]
	if r == nil {
		if now, ok, err := n.journal.FindRoom(n.ctx, rec.Name); ok && err == nil {
			rec = now // it may have been in use, and grown, since the caller looked
		}
		r = &room{n: n, id: rec.ID, name: rec.Name, shared: rec.Shared, rec: rec, newest: rec.Last, owed: rec.Last,
			members: map[int64]*member{}}
		n.rooms[rec.Name] = r
	}
	r.mu.Lock()
	r.users++
	r.mu.Unlock()
	return r
}

// live returns a room in use; nil when there is none of that name. The caller calls leave once.
func (n *Node) live(name string) *room {
	n.mu.Lock()
	defer n.mu.Unlock()
	r := n.rooms[name]
	if r != nil {
		r.mu.Lock()
		r.users++
		r.mu.Unlock()
	}
	return r
}

// reachable returns a room that may be sent to: one in use, or one that keeps what is said for those who are away. The
// caller calls leave once.
func (n *Node) reachable(ctx context.Context, name string) *room {
	if r := n.live(name); r != nil {
		return r
	}
	rec, ok, err := n.journal.FindRoom(ctx, name)
	if err != nil || !ok || !rec.Native() && rec.Host == "" || rec.Outbox {
		return nil
	}
	return n.use(rec)
}

func (r *room) leave() {
	r.n.mu.Lock()
	defer r.n.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.users--; r.users == 0 && r.n.rooms[r.name] == r {
		delete(r.n.rooms, r.name)
	}
}

// last is the newest committed offset.
func (r *room) last() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.newest
}

// committed says that offsets up to last are in the journal and wakes the members that are owed them.
// from is the member that brought them, nil for our own.
func (r *room) committed(last int64, from *member) {
	r.mu.Lock()
	r.newest = max(r.newest, last)
	if from != nil && !r.shared {
		r.mu.Unlock()
		return
	}
	r.owed = max(r.owed, last)
	for _, m := range r.members {
		if m != from {
			m.wake()
		}
	}
	for _, p := range r.places {
		p.h.wake()
	}
	r.mu.Unlock()
}

func (r *room) encoding() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rec.Encoding
}

// isCopy says that the room is another node's, of which this one has a copy.
func (r *room) isCopy() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rec.Host != ""
}

// talkers are the live plain links of the room.
func (r *room) talkers() []*member {
	r.mu.Lock()
	defer r.mu.Unlock()
	ms := make([]*member, 0, len(r.members))
	for _, m := range r.members {
		ms = append(ms, m)
	}
	return ms
}

// hangUp ends the dialler and every link of the room, after what is owed had a moment to go out.
func (r *room) hangUp(cause error) {
	r.mu.Lock()
	d := r.dial
	r.mu.Unlock()
	if d != nil {
		d.cancel(cause)
	}
	var wg sync.WaitGroup
	for _, m := range r.talkers() {
		wg.Go(func() { m.part(cause) })
	}
	wg.Wait()
	if d != nil {
		<-d.done
	}
}

// check says whether every live link of a private room can carry a body.
func (r *room) check(body []byte) error {
	if r.shared {
		return nil
	}
	var c codec.Codec
	for _, m := range r.talkers() {
		c = m.codec()
	}
	if r.mu.Lock(); c == nil && r.dial != nil {
		c = r.dial.addr.codec
	}
	r.mu.Unlock()
	if a, ok := c.(*auto); c == nil || ok && a.String() == "auto" {
		c = lines
	}
	if _, err := c.Append(nil, codec.Frame{Body: body}); err != nil {
		text, hint := codecWords(err)
		return fail(CodeUsage, err, say("%s: %s", c, text), hint)
	}
	return nil
}

// Send stores a message in a room and returns when it is durable; from then on it is owed to the room's
// peers. Its receipts come as events.
func (n *Node) Send(ctx context.Context, room string, body []byte) (Message, error) {
	return n.SendMessage(ctx, Outgoing{Room: room, Body: body})
}

// SendMessage is Send with an ID that makes it repeatable. See [Outgoing].
func (n *Node) SendMessage(ctx context.Context, o Outgoing) (Message, error) {
	ms, err := n.SendMessages(ctx, []Outgoing{o})
	if err != nil {
		return Message{}, err
	}
	return ms[0], nil
}

// SendMessages is SendMessage for many messages, in order. Those of one room that follow each other share a
// commit. On an error it returns the messages before the one that failed: they are stored.
func (n *Node) SendMessages(ctx context.Context, os []Outgoing) (sent []Message, err error) {
	sent = make([]Message, 0, len(os))
	for len(os) > 0 {
		k := 1
		for k < len(os) && os[k].Room == os[0].Room && os[k].ID == "" && os[0].ID == "" {
			k++
		}
		ms, err := n.sendRun(ctx, os[:k])
		sent = append(sent, ms...)
		if err != nil {
			return sent, err
		}
		os = os[k:]
	}
	return sent, nil
}

// sendRun stores messages of one room: one with an ID, or any number without.
func (n *Node) sendRun(ctx context.Context, os []Outgoing) ([]Message, error) {
	p, bad := n.post(ctx, os)
	if p == nil {
		return nil, bad
	}
	defer p.r.leave()
	switch {
	case os[0].ID != "":
		m, known, err := n.sendOnce(ctx, p)
		if err != nil {
			return nil, err
		}
		if known {
			return []Message{m}, nil
		}
	default:
		if _, err := n.journal.Append(ctx, p.log, p.es); err != nil {
			return nil, journalError(err)
		}
	}
	p.committed()
	ms := make([]Message, len(p.es))
	for i, e := range p.es {
		ms[i] = p.message(e)
		ms[i].Body = os[i].Body
	}
	return ms, bad
}

// post is messages of one room on their way into the journal.
type post struct {
	r   *room // which who makes it leaves
	log int64 // the room of the journal: r's, or the outbox for its host
	g   *guest
	es  []journal.Entry
}

// post prepares messages of one room, up to the first that cannot be sent.
func (n *Node) post(ctx context.Context, os []Outgoing) (*post, error) {
	r := n.reachable(ctx, os[0].Room)
	if r == nil {
		return nil, n.noRoom(ctx, os[0].Room)
	}
	p := &post{r: r, log: r.id}
	r.mu.Lock()
	toHost := r.rec.Host != "" || r.dial != nil && r.dial.addr.native != nil
	gone := len(r.members) == 0 && r.dial == nil && !r.shared
	rec := r.rec
	r.mu.Unlock()
	var err error
	switch {
	case toHost:
		err = n.postToHost(ctx, p, rec, os)
	case gone:
		err = n.noRoom(ctx, os[0].Room)
	default:
		p.es, err = n.entries(r, rec, os)
	}
	if len(p.es) == 0 {
		r.leave()
		return nil, err
	}
	return p, err
}

// entries are messages of a room of this node, up to the first that its links cannot carry.
func (n *Node) entries(r *room, rec journal.Room, os []Outgoing) (es []journal.Entry, err error) {
	for _, o := range os {
		if len(o.ID) > 128 {
			err = usage("use at most 128 bytes", "the id is too long")
		} else {
			err = r.check(o.Body)
		}
		if err != nil {
			return es, err
		}
		e := journal.Entry{ID: o.ID, Codec: rec.Codec, Encoding: rec.Encoding, Body: o.Body}
		if rec.Shared {
			e.Name = n.name
		}
		es = append(es, e)
	}
	return es, nil
}

// sendOnce stores a message whose ID its sender chose; known says that it was sent before.
func (n *Node) sendOnce(ctx context.Context, p *post) (m Message, known bool, err error) {
	e := &p.es[0]
	if p.g != nil {
		if old, found, err := n.journal.FindByID(ctx, p.r.id, wireID(e.ID)); err != nil || found {
			return message(p.r.name, old), true, journalError(err)
		}
	}
	stored, fresh, err := n.journal.AppendOnce(ctx, p.log, *e)
	if err != nil {
		return m, false, journalError(err)
	}
	*e = stored
	if !fresh && p.g == nil {
		err = p.r.releaseOne(ctx, e.Offset)
	}
	return p.message(stored), !fresh, err
}

// message is an entry of the post as the surfaces see it.
func (p *post) message(e journal.Entry) Message {
	if p.g != nil {
		return pendingMessage(p.r.name, e)
	}
	return message(p.r.name, e)
}

// committed wakes whoever is to write what is stored now.
func (p *post) committed() {
	last := p.es[len(p.es)-1].Offset
	if p.g != nil {
		p.g.committed(last)
	} else {
		p.r.committed(last, nil)
	}
}

// noRoom says why nothing can be sent to a room that is not live.
func (n *Node) noRoom(ctx context.Context, name string) error {
	_, ok, err := n.journal.FindRoom(ctx, name)
	switch {
	case n.ctx.Err() != nil:
		return ErrClosed
	case err != nil:
		return journalError(err)
	case !ok:
		return fail(CodeNotFound, nil, say("there is no room %s", name), say("dial an address, or wait for somebody to connect"))
	}
	return fail(CodeUnreachable, nil, say("%s has disconnected, nothing can reach it", name), say("dial its address, or wait until it connects again"))
}

// message is a journal entry as the surfaces see it.
func message(room string, e journal.Entry) Message {
	m := Message{Room: room, Offset: e.Offset, ID: e.ID, From: e.From, Time: e.Time.UTC(), Body: e.Body, Codec: e.Codec,
		Link: e.Link, Enc: e.Encoding, Partial: e.Partial, Replaced: e.Replaced}
	if m.From == "" {
		m.From = Me
	}
	m.Name = e.Name
	if len(e.Meta) > 0 {
		m.Type = readMeta(e.Meta).kind
	}
	return m
}
