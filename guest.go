package tincan

import (
	"context"
	"crypto/rand"
	"sync"

	"tincan/internal/journal"
	"tincan/internal/wire"
)

// guest is what this node is towards one host: an outbox, numbered here, and at most one link.
type guest struct {
	n    *Node
	host string
	turn chan struct{} // holds a token while nobody dials: one dials for all rooms of the host

	mu     sync.Mutex
	outbox journal.Room      // zero until it is needed
	last   int64             // the newest message of the outbox
	done   int64             // the host has stored the outbox up to here
	live   *attending        // greeted; nil when there is none
	names  map[string]string // the host's name of a room → the name of its copy here
	urls   map[string]string // copy → the address under which it is dialled
	echo   map[string]int64  // copy → the newest message of the outbox that the host has numbered in it
	began  int64             // what was stored by the host when the outbox was opened
	weight int64             // bytes that wait for the host, at most
	had    int64             // what the host had stored when it last greeted: that has numbers
}

// outboxKeeps are the messages of an outbox that stay when the host has stored them, as their numbers come back without
// the bodies.
const outboxKeeps = 4096

// towards returns what this node is towards a host.
func (n *Node) towards(host string) *guest {
	n.mu.Lock()
	defer n.mu.Unlock()
	g := n.guests[host]
	if g == nil {
		g = &guest{n: n, host: host, turn: make(chan struct{}, 1), names: map[string]string{}, urls: map[string]string{}, echo: map[string]int64{}}
		g.turn <- struct{}{}
		n.guests[host] = g
	}
	return g
}

// open makes the outbox if there is none.
func (g *guest) open(ctx context.Context) (journal.Room, error) {
	g.mu.Lock()
	box := g.outbox
	g.mu.Unlock()
	if box.ID != 0 {
		return box, nil
	}
	box, err := g.n.journal.MakeOutbox(ctx, g.host)
	if err != nil {
		return box, err
	}
	g.n.mu.Lock() // before g.mu
	g.n.outboxes[box.ID] = g
	g.n.mu.Unlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.outbox.ID == 0 {
		g.outbox, g.last, g.done, g.began, g.had = box, box.Last, box.Handled, box.Handled, box.Handled
		g.weight = g.n.limits.OutboxBytes // until it is looked at
	}
	return g.outbox, nil
}

// outbox is what this node is towards the host of an outbox; nil if the room is none.
func (n *Node) outbox(room int64) *guest {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.outboxes[room]
}

// newest is the newest message of the outbox.
func (g *guest) newest() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.last
}

// reopen reads the outbox again, after it began anew.
func (g *guest) reopen(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	box, err := g.n.journal.RoomByID(ctx, g.outbox.ID)
	if err == nil {
		g.outbox, g.last, g.done, g.began, g.had = box, box.Last, box.Handled, 0, box.Handled
		g.weight = g.n.limits.OutboxBytes
		clear(g.echo)
	}
	return err
}

// know remembers what a room of the host is called here.
func (g *guest) know(rec journal.Room) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.names[rec.Remote] == rec.Name && g.urls[rec.Name] == rec.URL {
		return
	}
	a, err := parseAddress(rec.URL, toDial)
	g.names[rec.Remote], g.urls[rec.Name] = rec.Name, rec.URL
	if err == nil && a.room == "" { // what was sent before the host said which room that is
		g.names[""] = rec.Name
	}
}

// name is what a room of the host is called here.
func (g *guest) name(remote string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.names[remote]
}

// returning is from where on own messages of a copy may still come back from the host, as far as is known.
func (g *guest) returning(copy string) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return max(g.echo[copy], g.outbox.Base, g.began-outboxKeeps)
}

// greeted says how much of the outbox the host had stored when it greeted: that has numbers.
func (g *guest) greeted(n int64) {
	g.mu.Lock()
	g.had = n
	g.mu.Unlock()
}

// skipped says that a copy goes on behind messages that it never got: what the host had stored is not awaited there.
func (g *guest) skipped(copy string) {
	g.mu.Lock()
	g.echo[copy] = max(g.echo[copy], g.had)
	g.mu.Unlock()
}

// numbered says that the host has numbered the outbox's message seq, which is of a room's copy.
func (g *guest) numbered(copy string, seq int64) {
	g.mu.Lock()
	g.echo[copy] = max(g.echo[copy], seq)
	g.mu.Unlock()
}

// unnumbered returns where the messages of a copy begin that have no number yet, and where the outbox ends.
func (g *guest) unnumbered(ctx context.Context, rec journal.Room) (after, last int64, alone bool, err error) {
	copy := rec.Name
	g.mu.Lock()
	_, known := g.echo[copy]
	g.mu.Unlock()
	if !known {
		if err := g.look(ctx, rec); err != nil {
			return 0, 0, false, err
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	alone = true
	for _, name := range g.names {
		alone = alone && name == copy
	}
	return max(g.echo[copy], g.outbox.Base), g.last, alone, nil
}

// look finds how much of the outbox a copy has, after a start. Own messages come back in the order in which they were
// sent, so that is up to the newest that has.
func (g *guest) look(ctx context.Context, rec journal.Room) error {
	g.mu.Lock()
	box, had, at := g.outbox.ID, g.had, max(g.outbox.Base, g.had-outboxKeeps)
	g.mu.Unlock()
	rec, err := g.n.journal.RoomByID(ctx, rec.ID) // as it is now
	if err != nil {
		return err
	}
	from := max(rec.Base, rec.Last-outboxKeeps) + 1
	own, err := g.n.journal.Own(ctx, rec.ID, from, rec.Last)
	if err != nil {
		return err
	}
	seq := had
	switch {
	case own.Count > 0:
		es, err := g.n.journal.Read(ctx, rec.ID, own.Last-1, 1, 1)
		if err != nil {
			return err
		}
		if len(es) > 0 {
			if seq, err = g.seqOf(ctx, box, at, es[0].ID, had); err != nil {
				return err
			}
		}
	case from == 1: // it has none
		seq = 0
	}
	g.numbered(rec.Name, seq)
	return nil
}

// seqOf finds the message of an id in an outbox behind a number; otherwise is returned if it is not there.
func (g *guest) seqOf(ctx context.Context, box, at int64, id string, otherwise int64) (int64, error) {
	for {
		es, err := g.n.journal.Read(ctx, box, at, pumpEntries, pumpBytes)
		if err != nil || len(es) == 0 {
			return otherwise, err
		}
		for i := range es {
			if at = es[i].Offset; wireID(es[i].ID) == id {
				return at, nil
			}
		}
	}
}

// committed says that the outbox has messages up to last.
func (g *guest) committed(last int64) {
	g.mu.Lock()
	g.last = max(g.last, last)
	live := g.live
	g.mu.Unlock()
	if live != nil {
		live.wake()
	}
}

// postToHost prepares messages for the outbox. They get their numbers in the room from its host.
func (n *Node) postToHost(ctx context.Context, p *post, rec journal.Room, os []Outgoing) error {
	if rec.Host == "" {
		return fail(CodeUnreachable, nil, say("%s was not reached yet, so it is not known whose key it has", rec.Name),
			say("wait until it is connected, or dial it with a ticket"))
	}
	p.g = n.towards(rec.Host)
	box, err := p.g.open(ctx)
	if err != nil {
		return journalError(err)
	}
	p.log = box.ID
	p.g.know(rec)
	es, err := outboxEntries(rec, os)
	if full := p.g.fits(ctx, es); full != nil {
		return full
	}
	p.es = es
	return err
}

// fits says whether messages may wait for the host too.
func (g *guest) fits(ctx context.Context, es []journal.Entry) error {
	l, size := g.n.limits, int64(0)
	for i := range es {
		size += int64(len(es[i].Body))
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	owed := g.last - g.done
	if owed == 0 {
		g.weight = 0
	}
	over := func() bool {
		return owed+int64(len(es)) > l.OutboxMessages || owed > 0 && g.weight+size > l.OutboxBytes
	}
	if over() { // much of that weight may be stored by now
		w, err := g.n.journal.Weight(ctx, g.outbox.ID, g.done)
		if err != nil {
			return journalError(err)
		}
		g.weight = w
	}
	if over() {
		return fail(CodeFull, nil, say("%d messages of %d bytes wait for %s already", owed, g.weight, g.host), say("wait until it is connected; what waits is kept"))
	}
	g.weight += size
	return nil
}

// outboxEntries are messages of one room as the outbox keeps them, up to the first that cannot be sent.
func outboxEntries(rec journal.Room, os []Outgoing) (es []journal.Entry, err error) {
	m := meta{room: rec.Remote}.bytes()
	if m == nil {
		m = []byte{0, 0}
	}
	for _, o := range os {
		switch {
		case len(o.ID) > 128:
			return es, usage("use at most 128 bytes", "the id is too long")
		case len(o.Body) > wire.BodyLimit:
			return es, fail(CodeUsage, nil, say("a message has at most %d bytes, this one has %d", wire.BodyLimit, len(o.Body)), say("send it in parts"))
		}
		// Never one that is made from the number: an old copy of this journal that is put back uses its numbers again.
		e := journal.Entry{ID: rand.Text(), Codec: "tincan", Encoding: rec.Encoding, Meta: m, Body: o.Body}
		if e.Chosen = o.ID != ""; e.Chosen {
			e.ID = roomPrefix(rec.ID) + o.ID
		}
		es = append(es, e)
	}
	return es, nil
}

// pendingMessage is an outbox's entry as the surfaces see it: it has no number yet.
func pendingMessage(room string, e journal.Entry) Message {
	m := message(room, e)
	m.Offset, m.ID = 0, wireID(e.ID)
	m.Type = readMeta(e.Meta).kind
	return m
}

// Pending returns messages of this node that the room's host has not numbered yet, oldest first: the newest limit.
func (n *Node) Pending(ctx context.Context, name string, limit int) ([]Message, error) {
	rec, err := n.findRoom(ctx, name)
	if err != nil || rec.Host == "" {
		return nil, err
	}
	ms := []Message{}
	limit = max(limit, 0)
	err = n.eachPending(ctx, rec, func(e *journal.Entry) bool {
		if ms = append(ms, pendingMessage(name, *e)); len(ms) > 2*limit {
			ms = append(ms[:0], ms[len(ms)-limit:]...)
		}
		return true
	})
	return ms[max(0, len(ms)-limit):], err
}

// eachPending calls do for each message of a room that waits for its number, until do says that it is enough.
func (n *Node) eachPending(ctx context.Context, rec journal.Room, do func(*journal.Entry) (more bool)) error {
	g := n.towards(rec.Host)
	box, err := g.open(ctx)
	if err != nil {
		return journalError(err)
	}
	g.know(rec)
	after, last, _, err := g.unnumbered(ctx, rec)
	if err != nil {
		return journalError(err)
	}
	for after < last {
		es, err := n.journal.Read(ctx, box.ID, after, pumpEntries, pumpBytes)
		if err != nil || len(es) == 0 {
			return journalError(err)
		}
		for i := range es {
			after = es[i].Offset
			if g.name(readMeta(es[i].Meta).room) == rec.Name && !do(&es[i]) {
				return nil
			}
		}
	}
	return nil
}

// pending counts what waits for a room's host; nil when nothing does.
func (n *Node) pending(ctx context.Context, rec journal.Room) (*PendingStatus, error) {
	g := n.towards(rec.Host)
	if _, err := g.open(ctx); err != nil {
		return nil, journalError(err)
	}
	g.know(rec)
	after, last, alone, err := g.unnumbered(ctx, rec)
	if err != nil {
		return nil, journalError(err)
	}
	if after >= last {
		return nil, nil
	}
	var p PendingStatus
	err = n.eachPending(ctx, rec, func(e *journal.Entry) bool {
		if p.Messages++; p.Messages == 1 {
			p.Since = e.Time.UTC()
		}
		return !alone
	})
	if err != nil || p.Messages == 0 {
		return nil, err
	}
	if alone { // all of the outbox is this room's
		p.Messages = last - after
	}
	return &p, nil
}
