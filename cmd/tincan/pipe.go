package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
	"time"

	"tincan"
	"tincan/internal/api"
)

// pipe is a conversation between standard input, standard output and the links of one address.
type pipe struct {
	c        *cli
	t        tincan.Talker
	dial     bool
	addr     string
	listener string // its ID, when listening
	shared   string // the listener's shared room
	room     string // the dialled room
	unknown  bool   // whose key is at the other end is not known yet: what is said waits for that
	joined   bool   // it was dialled already by another command on this folder, and stays so

	mu        sync.Mutex
	rooms     map[string]*target // rooms to send to, by name
	links     map[int64]string   // live links of this command as far as was told, and their rooms
	listening bool               // the listener's end was not told yet
	trying    bool               // a dial attempt is under way
	ended     map[int64]bool     // links whose end was told since stop; nil before
	changed   chan struct{}      // closed when any of these change
	connected bool               // there was a link
	inputErrs int
}

// target is a room that standard input goes to.
type target struct {
	encoding    string
	links       int
	first, last int64 // offsets of what was sent from here; 0: nothing
	owes        bool  // something was sent that the room's host is to number
}

func (c *cli) pipe(ctx context.Context, d *door, addr string, dial bool, linger time.Duration) error {
	p := &pipe{c: c, t: d, dial: dial, addr: addr, rooms: map[string]*target{}, links: map[int64]string{}, changed: make(chan struct{})}
	d.tie()
	// An interrupt ends the talk, not the telling: what it closes is still told.
	following, unfollow := context.WithCancel(context.WithoutCancel(ctx))
	defer unfollow()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	events := d.Events(following)
	if err := p.start(ctx); err != nil {
		return err
	}
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		if err := p.show(following, events); err != nil {
			cancel(err)
		}
	}()
	err := p.feed(ctx)
	if err == nil {
		err = p.finish(ctx, linger)
	}
	if ctx.Err() != nil && errors.Is(context.Cause(ctx), context.Canceled) { // interrupted: that is a way to end it
		err = nil
	}
	p.stop(following, shown)
	unfollow()
	<-shown
	if err == nil && p.inputErrs > 0 {
		err = &exitError{status: exitFailed}
	}
	return err
}

// start opens the listener or dials the address.
func (p *pipe) start(ctx context.Context) error {
	if !p.dial {
		l, err := p.t.Listen(ctx, p.addr)
		if err != nil {
			return connectError(err)
		}
		p.listener, p.shared, p.listening = l.ID, l.Room, true
		return nil
	}
	was, err := p.t.Status(ctx)
	if err != nil {
		return err
	}
	r, err := p.t.Dial(ctx, heldSend(p.addr))
	if err != nil {
		return connectError(err)
	}
	p.room, p.joined = r.Name, dialled(was, r.Name)
	p.unknown = r.Codec == "tincan" && r.Host == ""
	p.rooms[r.Name] = &target{encoding: r.Encoding, links: len(r.Links)}
	for _, id := range r.Links {
		p.links[id] = r.Name
	}
	p.connected = len(r.Links) > 0
	return nil
}

// heldSend has what standard input says while the peer is away sent when it is back; what waits from an
// earlier run is still held.
func heldSend(addr string) string {
	sep := "?"
	for i := range addr {
		if addr[i] == '?' {
			sep = "&"
		}
	}
	if hasOption(addr, "held") {
		return addr
	}
	return addr + sep + "held=send"
}

// connectError gives an error of Listen or Dial its exit status.
func connectError(err error) error {
	if _, _, code := tincan.Explain(err); code == tincan.CodeUsage {
		return err
	}
	return &exitError{exitConnect, err}
}

// feed sends what standard input says until it ends.
func (p *pipe) feed(ctx context.Context) error {
	ir := newInputReader(p.c.in, p.c.json)
	type read struct {
		ins []input
		err error
	}
	batches := make(chan read)
	go func() {
		for {
			ins, err := nextBatch(ir)
			select {
			case batches <- read{ins, err}:
			case <-ctx.Done():
				return
			}
			var le *lineError
			if err != nil && !errors.As(err, &le) {
				return
			}
		}
	}()
	for {
		select {
		case b := <-batches:
			if err := p.send(ctx, b.ins); err != nil {
				return err
			}
			var le *lineError
			switch {
			case errors.As(b.err, &le):
				p.badInput(le)
			case errors.Is(b.err, io.EOF):
				return nil
			case b.err != nil:
				return fmt.Errorf("read standard input: %w", b.err)
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// nextBatch reads one message, and those behind it that are there already.
func nextBatch(ir *inputReader) ([]input, error) {
	var ins []input
	size := 0
	for {
		in, err := ir.next()
		if err != nil {
			return ins, err
		}
		ins = append(ins, in)
		if in.text != nil {
			size += len(*in.text)
		}
		size += len(in.body)
		if len(ins) >= 1024 || size >= 1<<20 || !ir.ready() {
			return ins, nil
		}
	}
}

// send sends a batch, in order, to the rooms that it is for. Without any yet it waits for the first.
func (p *pipe) send(ctx context.Context, ins []input) error {
	for len(ins) > 0 {
		names, err := p.targets(ctx, ins[0].room)
		if err != nil {
			return err
		}
		n := 1
		for n < len(ins) && ins[n].room == ins[0].room {
			n++
		}
		for _, name := range names {
			if err := p.sendTo(ctx, name, ins[:n]); err != nil {
				return err
			}
		}
		ins = ins[n:]
	}
	return nil
}

// targets are the rooms of a message: the one it names, or all that have a link (a dialled room always).
func (p *pipe) targets(ctx context.Context, room string) ([]string, error) {
	if room != "" {
		return []string{room}, nil
	}
	for {
		p.mu.Lock()
		var names []string
		for name, t := range p.rooms {
			if t.links > 0 || p.dial && (!p.unknown || p.connected) {
				names = append(names, name)
			}
		}
		changed := p.changed
		p.mu.Unlock()
		if len(names) > 0 {
			return names, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// batcher is a Talker that stores many messages in one commit.
type batcher interface {
	SendMessages(ctx context.Context, ms []tincan.Outgoing) ([]tincan.Message, error)
}

func (p *pipe) sendTo(ctx context.Context, room string, ins []input) error {
	p.mu.Lock()
	t := p.rooms[room]
	enc := ""
	if t != nil {
		enc = t.encoding
	}
	p.mu.Unlock()
	out := make([]tincan.Outgoing, 0, len(ins))
	lines := make([]int, 0, len(ins))
	for _, in := range ins {
		body, err := in.bytes(enc)
		if err != nil {
			p.badInput(&lineError{in.line, err})
			continue
		}
		out = append(out, tincan.Outgoing{Room: room, ID: in.id, Body: body})
		lines = append(lines, in.line)
	}
	if b, ok := p.batcher(); ok && len(out) > 1 {
		ms, err := b.SendMessages(ctx, out)
		for _, m := range ms {
			p.sent(m)
		}
		if err == nil {
			return nil
		}
		out, lines = out[len(ms):], lines[len(ms):]
	}
	for i, o := range out { // one by one: an error is about one message
		m, err := p.store(ctx, o)
		switch {
		case err == nil:
			p.sent(m)
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case fatal(err):
			return err
		default:
			p.badInput(&lineError{lines[i], err})
		}
	}
	return nil
}

func (p *pipe) batcher() (batcher, bool) {
	t := p.t
	if d, ok := t.(*door); ok {
		t = d.Talker
	}
	b, ok := t.(batcher)
	return b, ok
}

// fatal says that after this error no other message could be sent either.
func fatal(err error) bool {
	_, _, code := tincan.Explain(err)
	return code == tincan.CodeClosed || code == tincan.CodeInternal
}

// store sends one message. A full disk holds standard input back, as it does the peers, until there is space again.
func (p *pipe) store(ctx context.Context, o tincan.Outgoing) (tincan.Message, error) {
	for told := false; ; told = true {
		m, err := p.t.SendMessage(ctx, o)
		if err == nil {
			return m, nil
		}
		if _, _, code := tincan.Explain(err); code != tincan.CodeFull {
			return m, err
		}
		if !told {
			p.c.fail(err)
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
			return m, err
		}
	}
}

func (p *pipe) sent(m tincan.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.rooms[m.Room]
	if t == nil {
		t = &target{}
		p.rooms[m.Room] = t
	}
	if m.Offset == 0 {
		t.owes = true
		return
	}
	if t.first == 0 || m.Offset < t.first {
		t.first = m.Offset
	}
	t.last = max(t.last, m.Offset)
}

// badInput says that a line of standard input was not accepted; the rest goes on.
func (p *pipe) badInput(e *lineError) {
	p.mu.Lock()
	p.inputErrs++
	p.mu.Unlock()
	text, hint, code := api.ExplainIn(p.c.lang, e.why)
	var no *notObject
	if errors.As(e.why, &no) {
		text, hint = p.c.t(no.key, no.args...), p.c.t("objectHint")
	}
	p.c.fail(&tincan.Error{Code: code, Text: p.c.t("line %d of standard input: %s", e.line, text), Hint: hint})
}

// show prints events until they end.
func (p *pipe) show(ctx context.Context, events iter.Seq2[tincan.Event, error]) error {
	pr := newPrinter(p.c)
	defer pr.flush()
	for e, err := range pr.idle(ctx, events) {
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if p.mine(e) {
			if err := pr.event(e); err != nil {
				return &exitError{exitFailed, fmt.Errorf("write standard output: %w", err)}
			}
		}
		p.follow(e)
	}
	return nil
}

// mine says whether an event is about this command's address: another command may share the node.
func (p *pipe) mine(e tincan.Event) bool {
	if e.Listener != "" || e.Kind == tincan.EventListening {
		return e.Listener == p.listener
	}
	if e.Room == "" {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rooms[e.Room] != nil || e.Room == p.shared
}

// follow keeps what is known of links up to date, from what was told.
func (p *pipe) follow(e tincan.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.rooms[e.Room]
	switch {
	case e.Kind == tincan.EventStopped && e.Listener == p.listener:
		p.listening = false
	case e.Kind == tincan.EventConnecting && e.Room == p.room:
		p.trying = true
	case e.Kind == tincan.EventConnected && (e.Listener == p.listener || t != nil):
		if t == nil {
			t = &target{encoding: p.encoding()}
			p.rooms[e.Room] = t
		}
		if p.links[e.Link] == "" {
			t.links++
		}
		p.links[e.Link] = e.Room
		p.connected, p.trying = true, false
	case e.Kind == tincan.EventDisconnected && e.Link == 0 && e.Room == p.room:
		p.trying = false
	case e.Kind == tincan.EventDisconnected && p.links[e.Link] != "":
		delete(p.links, e.Link)
		if p.ended != nil {
			p.ended[e.Link] = true
		}
		if t.links--; t.links == 0 && t.first == 0 && !t.owes && !p.dial {
			delete(p.rooms, e.Room)
		}
	default:
		return
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

// encoding is the text encoding that the address gives its rooms.
func (p *pipe) encoding() string {
	enc, _ := tincan.ParseEncoding(option(p.addr, "encoding"))
	return enc
}
