package tincan

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"tincan/internal/journal"
	"tincan/internal/stream"
	"tincan/internal/wire"
)

// find is the copy of a stream; it is an error of the host's when there is none.
func (a *attending) find(id uint16) (*replica, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.copies {
		if c.stream == id {
			return c, nil
		}
	}
	return nil, closing(wire.CodeMalformed, fmt.Sprintf("stream %d was not asked for", id))
}

// ask returns the JOIN for a room, and makes its copy one of the session's.
func (a *attending) ask(d *dialler) (*wire.JoinBody, error) {
	rec, err := a.n.journal.RoomByID(a.n.ctx, d.r.id)
	if err != nil {
		return nil, err
	}
	pos, err := a.n.journal.Position(a.n.ctx, rec.ID)
	if err != nil {
		return nil, err
	}
	j := &wire.JoinBody{Room: rec.Remote, Epoch: pos.Epoch, N: pos.N, Chain: pos.Chain, Full: d.whole}
	if pos.Epoch == (journal.Position{}).Epoch { // nothing is here yet
		j.From, j.N = d.addr.native.from()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	j.Stream = uint16(len(a.copies) + 1)
	a.copies = append(a.copies, &replica{a: a, d: d, r: d.r, stream: j.Stream, members: map[string]*membership{}})
	return j, nil
}

// joined takes the host's answer to a JOIN: where the copy goes on.
func (a *attending) joined(b *wire.JoinedBody) error {
	c, err := a.find(b.Stream)
	if err != nil {
		return err
	}
	if b.Verdict == wire.Refused {
		return c.refused(b.Title)
	}
	if err := a.keep(0); err != nil { // positions are told when what came before is stored [PROTOCOL R3]
		return err
	}
	if err := a.spool.flush(); err != nil {
		return err
	}
	rec, err := a.n.journal.RoomByID(a.n.ctx, c.r.id)
	if err != nil {
		return a.unable(err)
	}
	first := rec.Epoch == journal.Position{}.Epoch
	switch {
	case b.Verdict == wire.Fork && !first:
		return c.setAside()
	case b.Verdict == wire.Resume && !first && b.Base != rec.Last:
		return closing(wire.CodeGap, fmt.Sprintf("the room is to go on behind %d, but ends here at %d", b.Base, rec.Last))
	case b.Base < rec.Last:
		return closing(wire.CodeMalformed, fmt.Sprintf("the room is to go on behind %d, but ends here at %d", b.Base, rec.Last))
	}
	if b.Base > rec.Last {
		a.g.skipped(c.r.name)
	}
	if first || b.Epoch != rec.Epoch || b.Base > rec.Last {
		missing := b.Base > rec.Last && (!first || c.d.addr.native.history == "")
		pos := journal.Position{Epoch: b.Epoch, N: b.Base, Chain: b.Chain}
		if err := a.n.journal.Restart(a.n.ctx, rec.ID, pos, missing); err != nil {
			return a.unable(err)
		}
		if missing {
			a.n.note(Event{Kind: EventGap, Room: c.r.name, Peer: a.peer, Offset: rec.Last + 1,
				Detail: fmt.Sprintf("messages %d to %d are not kept by the host any more", rec.Last+1, b.Base)}, c.r)
		}
	}
	if b.Room != "" && b.Room != rec.Remote {
		a.n.rename(c, b.Room)
	}
	c.in = stream.NewReceiver(stream.Position{Epoch: b.Epoch, N: b.Base, Chain: b.Chain})
	curs, err := a.n.journal.Cursors(a.n.ctx, c.r.id)
	if err != nil {
		return a.unable(err)
	}
	c.at = a.g.returning(c.r.name)
	if again := c.joinedNow(b, curs); !again {
		a.announce(c.r)
	}
	c.d.linked(a.id)
	return nil
}

// joinedNow notes that the copy is fed; again says that it was before.
func (c *replica) joinedNow(b *wire.JoinedBody, curs []journal.Cursor) (again bool) {
	c.a.mu.Lock()
	defer c.a.mu.Unlock()
	for _, cur := range curs {
		if m := c.member(cur.Peer); m != nil {
			m.cur, m.from = cur, cur
		}
	}
	again = c.joined
	c.joined, c.ack, c.acked = true, b.Base, b.Base
	return again
}

// rename keeps what the host calls a room that was joined without a name.
func (n *Node) rename(c *replica, remote string) {
	err := n.journal.SetRoom(n.ctx, c.r.id, func(r *journal.Room) { r.Remote = remote })
	if err != nil {
		n.trouble(err, c.r)
		return
	}
	c.r.mu.Lock()
	c.r.rec.Remote = remote
	rec := c.r.rec
	c.r.mu.Unlock()
	c.a.g.know(rec)
}

// refused tells that the host does not let this key into the room. The link's other rooms go on.
func (c *replica) refused(why string) error {
	c.a.mu.Lock()
	only := len(c.a.copies) == 1
	c.a.mu.Unlock()
	c.d.refuse(fail(CodeRefused, nil, say("the host refuses the room: %s", why), say("ask for a ticket for it")))
	if only {
		return closing(wire.CodeBye, "")
	}
	return nil
}

// setAside keeps the copy under another name and begins a new one: the host's room is not the one that this is a copy of.
func (c *replica) setAside() error {
	a, n := c.a, c.a.n
	name := fmt.Sprintf("%s (set aside %s)", c.r.name, time.Now().Format("2006-01-02 15:04:05"))
	fresh, err := n.journal.SetAside(n.ctx, c.r.id, name)
	if err != nil {
		return a.unable(err)
	}
	n.trouble(fail(CodeInternal, nil, say("the host of %s has other messages than it had before: was an old copy restored there?", c.r.name),
		say("what was here is kept in %q, and the room is read anew", name)), nil)
	c.d.swap(fresh)
	return closing(wire.CodeFork, "the copy is read anew")
}

// message takes a message of a room; it is stored with those that came with it.
func (a *attending) message(b *wire.MessageBody) error {
	c, err := a.find(b.Stream)
	if err != nil {
		return err
	}
	if c.in == nil {
		return closing(wire.CodeMalformed, "a message came before JOINED")
	}
	fresh, err := c.in.Accept(b.Offset)
	if err != nil || !fresh {
		return protocolError(err)
	}
	m := meta{kind: b.Type, headers: b.Headers}
	seq := int64(0)
	e := journal.Entry{Offset: b.Offset, ID: b.ID, From: b.Sender, Name: b.Name, Time: time.UnixMicro(b.Time), Link: a.id,
		Codec: "tincan", Encoding: charsetOf(b.Type), Meta: m.bytes()}
	if !b.Own {
		e.Body = bytes.Clone(b.Body)
	}
	if b.Sender == a.n.id {
		e.From = ""
		if seq, err = c.own(&e, b.Own); err != nil {
			return err
		}
	} else if b.Own {
		return closing(wire.CodeMalformed, "a message of another without a body")
	}
	if a.came == nil {
		a.came = arrivedSlabs.get()
	}
	a.came = append(a.came, arrived{c, e, seq})
	return nil
}

// own completes a message that this node sent: its body is in the outbox.
func (c *replica) own(e *journal.Entry, bare bool) (seq int64, err error) {
	kept, err := c.echo(e.ID)
	if err != nil {
		return 0, c.a.unable(err)
	}
	if kept != nil {
		e.Chosen = strings.Contains(kept.ID, idMark)
		if bare {
			e.Body = kept.Body
		}
		return kept.Offset, nil
	}
	if !bare {
		return 0, nil
	}
	c.d.needWhole() // an old copy of this journal was restored: the host is asked for the bodies too
	return 0, closing(wire.CodeBye, "own messages are needed whole")
}

// echo finds an own message in the outbox. They come back in the order in which they were sent.
func (c *replica) echo(id string) (*journal.Entry, error) {
	for {
		for i := range c.ahead {
			if e := &c.ahead[i]; wireID(e.ID) == id {
				c.ahead = c.ahead[i+1:]
				return e, nil
			}
		}
		es, err := c.a.n.journal.Read(c.a.n.ctx, c.a.box.ID, c.at, pumpEntries, pumpBytes)
		if err != nil {
			return nil, err
		}
		if len(es) == 0 {
			break
		}
		c.at, c.ahead = es[len(es)-1].Offset, es
	}
	for _, try := range [...]string{id, roomPrefix(c.r.id) + id} { // out of order, or sent by an earlier copy
		if e, ok, err := c.a.n.journal.FindByID(c.a.n.ctx, c.a.box.ID, try); err != nil || ok {
			return &e, err
		}
	}
	return nil, nil
}

// store commits what arrived, and owes its acknowledgement.
func (a *attending) store(all []arrived) error {
	for len(all) > 0 {
		c, n := all[0].c, 1
		for n < len(all) && all[n].c == c {
			n++
		}
		es := make([]journal.Entry, n)
		for i := range es {
			es[i] = all[i].entry
		}
		if err := a.n.journal.Mirror(a.n.ctx, c.r.id, es); err != nil {
			return a.unable(err)
		}
		last := es[n-1].Offset
		for i := range n {
			if all[i].seq > 0 {
				a.g.numbered(c.r.name, all[i].seq)
			}
		}
		c.r.committed(last, nil)
		a.mu.Lock()
		c.ack = last
		a.mu.Unlock()
		a.wake()
		all = all[n:]
	}
	return nil
}

// receipt takes how far another member has stored the room.
func (a *attending) receipt(b *wire.ReceiptBody) error {
	c, err := a.find(b.Stream)
	if err != nil {
		return err
	}
	a.mu.Lock()
	m := c.member(b.Member)
	if m == nil || b.N <= m.cur.Stored || c.in == nil {
		a.mu.Unlock()
		return nil
	}
	m.cur.Stored, m.cur.Reached, m.cur.Written = b.N, b.N, b.N
	cur := m.cur
	a.mu.Unlock()
	a.n.journal.SaveCursor(cur)
	a.n.moved(m.seat, cur)
	return nil
}

// member is another member of the room; nil when there are more than are kept. The caller holds a.mu.
func (c *replica) member(id string) *membership {
	m := c.members[id]
	if m == nil && len(c.members) < membersTold {
		m = &membership{seat: &seat{id: c.a.id, room: c.r.id, peer: id}, cur: journal.Cursor{Room: c.r.id, Peer: id}}
		m.from = m.cur
		c.members[id] = m
	}
	return m
}

// presence takes who is here.
func (a *attending) presence(b *wire.EphemeralBody) error {
	c, err := a.find(b.Stream)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if m := c.member(b.Member); m != nil {
		m.here, m.name = b.Kind == wire.Here, b.Name
	}
	return nil
}

// roomPrefix stands before an id that its sender chose, in an outbox.
func roomPrefix(room int64) string { return fmt.Sprintf("%d%s", room, idMark) }

// charsetOf is the text encoding that a media type names, as this package writes it; "" for UTF-8 and unknown ones.
func charsetOf(kind string) string {
	if len(kind) <= len(charset) || kind[:len(charset)] != charset {
		return ""
	}
	enc, err := ParseEncoding(kind[len(charset):])
	if err != nil {
		return ""
	}
	return enc
}
