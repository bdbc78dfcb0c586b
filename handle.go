package tincan

import (
	"context"
	"errors"
	"time"

	"tincan/internal/journal"
)

// What a reader has handled is kept when nothing more is there, and at the latest after so many messages or so long.
const (
	handleAtOnce = 64
	handleFor    = 5 * time.Millisecond
)

// Handle calls do with each message that others have said in a room and that the reader of this name has not handled
// yet, oldest first, and with each new one as it is stored, until ctx ends or do fails. The reader starts at the room's
// beginning; its name is any text of up to 128 bytes, and one caller has it at a time.
//
// What do returns is sent, to any room, and in the same commit it is kept that the message is handled. After a crash do
// is called again for a message only if nothing of that was kept, so a program that acts by answering acts exactly
// once. A program with a database of its own keeps Message.Offset there, in the transaction that does what the message
// asks for, and reads on from it with [Node.Messages].
//
// When do fails, what was handled before is kept, and Handle returns that error. A copy that was set aside because its
// host has another history is another room: its reader starts anew.
func (n *Node) Handle(ctx context.Context, room, reader string, do func(ctx context.Context, m Message) ([]Outgoing, error)) error {
	if reader == "" || len(reader) > 128 {
		return usage("use 1 to 128 bytes", "that is no name for a reader")
	}
	rec, err := n.findRoom(ctx, room)
	if err != nil {
		return err
	}
	at, err := n.journal.ReaderAt(ctx, rec.ID, reader)
	if err != nil {
		return journalError(err)
	}
	h := &handler{n: n, room: rec.ID, reader: reader, kept: at, at: at}
	for es, err := range n.reads(ctx, rec.ID, at) {
		if err == nil {
			err = h.handle(ctx, room, es, do)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// handler is a reader at work.
type handler struct {
	n        *Node
	room     int64
	reader   string
	kept, at int64 // how far it is in the journal, and here
	out      []Outgoing
	many     int
	since    time.Time // of the first that is not kept
}

// handle takes messages, and keeps what it did even when it ends with an error.
func (h *handler) handle(ctx context.Context, room string, es []journal.Entry, do func(context.Context, Message) ([]Outgoing, error)) error {
	for _, e := range es {
		if h.many == 0 {
			h.since = time.Now()
		}
		if m := message(room, e); m.From != Me {
			out, err := do(ctx, m)
			if err != nil {
				return errors.Join(err, h.keep(context.WithoutCancel(ctx)))
			}
			h.out = append(h.out, out...)
		}
		h.at = e.Offset
		if h.many++; h.many >= handleAtOnce || time.Since(h.since) > handleFor {
			if err := h.keep(ctx); err != nil {
				return err
			}
		}
	}
	return h.keep(ctx)
}

// keep commits what was handled, with what is to be sent for it.
func (h *handler) keep(ctx context.Context) error {
	if h.at == h.kept {
		return nil
	}
	var ps []*post
	var all []journal.Posted
	defer func() {
		for _, p := range ps {
			p.r.leave()
		}
	}()
	for i := range h.out {
		p, err := h.n.post(ctx, h.out[i:i+1])
		if err != nil {
			return err
		}
		ps = append(ps, p)
		all = append(all, journal.Posted{Room: p.log, Once: h.out[i].ID != "", Entry: p.es[0]})
	}
	err := h.n.journal.Advance(ctx, h.room, h.reader, h.kept, h.at, all)
	if errors.Is(err, journal.ErrMoved) {
		return fail(CodeInUse, err, say("another program reads as %s", h.reader), say("let one at a time do so, or give each a name of its own"))
	}
	if err != nil {
		return journalError(err)
	}
	for i, p := range ps {
		if p.es[0] = all[i].Entry; p.es[0].Offset > 0 {
			p.committed()
		}
	}
	h.kept, h.out, h.many = h.at, nil, 0
	return nil
}
