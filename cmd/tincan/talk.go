package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tincan"
	"tincan/internal/tui"
)

func (c *cli) listenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "listen ADDR",
		Short: c.t("wait for others to connect, and talk with them"),
		Long:  c.t("listenLong"),
		Example: `  tincan listen 7000                      # this machine only; dotnet or lines, as the peer speaks
  tincan listen :7000                     # every interface
  tincan listen dotnet://:7000            # .NET BinaryWriter / BinaryReader
  tincan listen lines://:7000/lobby       # one room for everybody
  tail -F app.log | tincan listen --json lines://:7000`,
		Args:              c.args(1, 1),
		ValidArgsFunction: completeAddress,
	}
	return c.talkCommand(cmd, false)
}

func (c *cli) dialCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dial ADDR",
		Short: c.t("connect to somebody who listens, and talk"),
		Long:  c.t("dialLong"),
		Example: `  tincan dial 192.0.2.7:7000              # text lines
  tincan dial dotnet://server:7000        # .NET BinaryWriter / BinaryReader
  echo hello | tincan dial server:7000    # exit 0 only when the peer's TCP has it
  tincan dial 'lines://server:7000?encoding=gbk&eol=crlf'`,
		Args:              c.args(1, 1),
		ValidArgsFunction: completeAddress,
	}
	return c.talkCommand(cmd, true)
}

func (c *cli) talkCommand(cmd *cobra.Command, dial bool) *cobra.Command {
	linger := cmd.Flags().Duration("linger", 5*time.Second, c.t("how long to wait at the end for what is owed"))
	cmd.Flags().BoolVar(&c.json, "json", false, c.t("one JSON object per line on standard output; objects on standard input too"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		d, err := c.open(ctx)
		if err != nil {
			return err
		}
		defer d.close()
		if f, ok := c.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) && isTerminal(c.out) && !c.json {
			o := tui.Options{Lang: c.lang, Listen: args[0]}
			if dial {
				o = tui.Options{Lang: c.lang, Dial: args[0]}
			}
			d.own()
			return tui.Run(ctx, d, o)
		}
		return c.pipe(ctx, d, args[0], dial, *linger)
	}
	return cmd
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// pipe is a conversation between standard input, standard output and the links of one address.
type pipe struct {
	c        *cli
	t        tincan.Talker
	dial     bool
	addr     string
	listener string // its ID, when listening
	shared   string // the listener's shared room

	mu        sync.Mutex
	rooms     map[string]*target // rooms to send to, by name
	changed   chan struct{}      // closed when rooms change
	connected bool               // there was a link
	inputErrs int
}

// target is a room that standard input goes to.
type target struct {
	encoding    string
	links       int
	first, last int64 // offsets of what was sent from here; 0: nothing
}

func (c *cli) pipe(ctx context.Context, d *door, addr string, dial bool, linger time.Duration) error {
	p := &pipe{c: c, t: d, dial: dial, addr: addr, rooms: map[string]*target{}, changed: make(chan struct{})}
	d.own()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	events := d.Events(ctx)
	name, err := p.start(ctx)
	if err != nil {
		return err
	}
	shown := make(chan error, 1)
	go func() {
		err := p.show(ctx, events)
		cancel(err)
		shown <- err
	}()
	err = p.feed(ctx)
	if err == nil {
		err = p.finish(ctx, linger)
	}
	if ctx.Err() != nil && errors.Is(context.Cause(ctx), context.Canceled) { // interrupted: that is a way to end it
		err = nil
	}
	p.stop(context.WithoutCancel(ctx), name)
	if err == nil && p.inputErrs > 0 {
		err = &exitError{status: exitFailed}
	}
	p.settleShow(ctx, cancel, shown)
	return err
}

// start opens the listener or dials the address, and returns the listener's ID or the room.
func (p *pipe) start(ctx context.Context) (string, error) {
	if !p.dial {
		l, err := p.t.Listen(ctx, p.addr)
		if err != nil {
			return "", connectError(err)
		}
		p.listener, p.shared = l.ID, l.Room
		return l.ID, nil
	}
	r, err := p.t.Dial(ctx, heldSend(p.addr))
	if err != nil {
		return "", connectError(err)
	}
	p.rooms[r.Name] = &target{encoding: r.Encoding, links: len(r.Links)}
	p.connected = len(r.Links) > 0
	return r.Name, nil
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
			if t.links > 0 || p.dial {
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
	for _, in := range ins {
		body, err := in.bytes(enc)
		if err != nil {
			p.badInput(err)
			continue
		}
		out = append(out, tincan.Outgoing{Room: room, ID: in.id, Body: body})
	}
	if b, ok := p.batcher(); ok && len(out) > 1 {
		ms, err := b.SendMessages(ctx, out)
		for _, m := range ms {
			p.sent(m)
		}
		if err == nil {
			return nil
		}
		out = out[len(ms):]
	}
	for _, o := range out { // one by one: an error is about one message
		m, err := p.t.SendMessage(ctx, o)
		switch {
		case err == nil:
			p.sent(m)
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case fatal(err):
			return err
		default:
			p.badInput(err)
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
	return code == tincan.CodeClosed || code == tincan.CodeInternal || code == tincan.CodeFull
}

func (p *pipe) sent(m tincan.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.rooms[m.Room]
	if t == nil {
		t = &target{}
		p.rooms[m.Room] = t
	}
	if t.first == 0 || m.Offset < t.first {
		t.first = m.Offset
	}
	t.last = max(t.last, m.Offset)
}

// badInput says that a message of standard input was not accepted; the rest goes on.
func (p *pipe) badInput(err error) {
	p.mu.Lock()
	p.inputErrs++
	p.mu.Unlock()
	p.c.fail(err)
}

// finish waits until everything sent has been acknowledged by the peers' TCP.
func (p *pipe) finish(ctx context.Context, linger time.Duration) error {
	deadline := time.NewTimer(linger)
	defer deadline.Stop()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for {
		owed, lost, err := p.owed(ctx)
		if err != nil {
			return err
		}
		if owed == 0 && lost == 0 {
			return nil
		}
		if owed == 0 {
			return &exitError{exitNotDelivered, errors.New(p.c.t("%d messages may not have arrived", lost))}
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-deadline.C:
			if !p.everConnected() {
				return &exitError{exitConnect, errors.New(p.c.t("could not connect; %d messages wait in the journal", owed))}
			}
			return &exitError{exitNotDelivered, errors.New(p.c.t("%d messages were not delivered in time", owed+lost))}
		}
	}
}

func (p *pipe) everConnected() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.connected || !p.dial
}

// owed counts what was sent from here and is still under way, and what may be lost.
func (p *pipe) owed(ctx context.Context) (owed, lost int64, err error) {
	p.mu.Lock()
	spans := map[string]target{}
	for name, t := range p.rooms {
		if t.first > 0 {
			spans[name] = *t
		}
	}
	p.mu.Unlock()
	for name, t := range spans {
		rs, err := p.t.Receipts(ctx, name, t.first, t.last)
		if err != nil {
			return 0, 0, err
		}
		for _, r := range rs {
			n := r.Last - r.First + 1
			switch r.State {
			case tincan.Queued:
				owed += n
			case tincan.Written:
				if knowsReached(ctx, p.t, name) {
					owed += n
				}
			case tincan.Uncertain, tincan.Discarded:
				lost += n
			}
		}
	}
	return owed, lost, nil
}

// knowsReached says whether this system tells what the peer's TCP has acknowledged.
func knowsReached(ctx context.Context, t tincan.Talker, room string) bool {
	s, err := t.Status(ctx)
	if err != nil {
		return true
	}
	for _, l := range s.Links {
		if l.Room == room {
			return l.TCP.Acked != nil
		}
	}
	return true
}

// stop ends what start began.
func (p *pipe) stop(ctx context.Context, name string) {
	if p.dial {
		p.t.HangUp(ctx, name)
		return
	}
	p.t.StopListening(ctx, p.listener)
	p.mu.Lock()
	var names []string
	for name, t := range p.rooms {
		if t.links > 0 {
			names = append(names, name)
		}
	}
	p.mu.Unlock()
	var wg sync.WaitGroup
	for _, name := range names {
		wg.Go(func() { p.t.HangUp(ctx, name) })
	}
	wg.Wait()
}

// settleShow lets the last events out and ends the goroutine that shows them.
func (p *pipe) settleShow(ctx context.Context, cancel context.CancelCauseFunc, shown chan error) {
	if ctx.Err() == nil {
		deadline := time.After(time.Second)
		for p.live() {
			p.mu.Lock()
			changed := p.changed
			p.mu.Unlock()
			select {
			case <-changed:
				continue
			case <-deadline:
			case <-ctx.Done():
			}
			break
		}
	}
	cancel(nil)
	<-shown
}

func (p *pipe) live() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.rooms {
		if t.links > 0 {
			return true
		}
	}
	return false
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

// follow keeps the rooms up to date.
func (p *pipe) follow(e tincan.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case e.Kind == tincan.EventConnected && (e.Listener == p.listener || p.rooms[e.Room] != nil):
		t := p.rooms[e.Room]
		if t == nil {
			t = &target{encoding: p.encoding(e.Room)}
			p.rooms[e.Room] = t
		}
		t.links++
		p.connected = true
	case e.Kind == tincan.EventDisconnected && e.Link != 0 && p.rooms[e.Room] != nil:
		t := p.rooms[e.Room]
		if t.links--; t.links == 0 && t.first == 0 && !p.dial {
			delete(p.rooms, e.Room)
		}
	default:
		return
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

// encoding is the text encoding that the address gives its rooms.
func (p *pipe) encoding(string) string {
	enc, _ := tincan.ParseEncoding(option(p.addr, "encoding"))
	return enc
}
