package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"sync/atomic"
	"time"
	"unicode/utf16"

	"tincan"
	"tincan/internal/tui"
)

// printer writes events to standard output: as JSON objects, or the received messages as lines.
type printer struct {
	c     *cli
	w     *bufio.Writer
	clean bool // standard output is a terminal: nothing that a peer sent may steer it
}

func newPrinter(c *cli) *printer {
	return &printer{c: c, w: bufio.NewWriterSize(c.out, 64<<10), clean: isTerminal(c.out)}
}

func (p *printer) flush() error { return p.w.Flush() }

// idle passes events on and flushes whenever none is waiting, so that each is out at once and many are one
// write.
func (p *printer) idle(ctx context.Context, events iter.Seq2[tincan.Event, error]) iter.Seq2[tincan.Event, error] {
	return func(yield func(tincan.Event, error) bool) {
		type item struct {
			e   tincan.Event
			err error
		}
		ch := make(chan item, 256)
		var waiting atomic.Int64 // bytes of messages in ch
		taken := make(chan struct{}, 1)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		go func() {
			defer close(ch)
			for e, err := range events {
				for waiting.Load() > idleBytes {
					select {
					case <-taken:
					case <-ctx.Done():
						return
					}
				}
				waiting.Add(sizeOf(e))
				select {
				case ch <- item{e, err}:
				case <-ctx.Done():
					return
				}
			}
		}()
		for {
			var it item
			var ok bool
			select {
			case it, ok = <-ch:
			default:
				if err := p.flush(); err != nil {
					yield(tincan.Event{}, err)
					return
				}
				it, ok = <-ch
			}
			waiting.Add(-sizeOf(it.e))
			select {
			case taken <- struct{}{}:
			default:
			}
			if !ok || !yield(it.e, it.err) {
				return
			}
		}
	}
}

// idleBytes is about what the messages that wait to be printed may take: their reader may be slow.
const idleBytes = 1 << 20

func sizeOf(e tincan.Event) int64 {
	if e.Message == nil {
		return 0
	}
	return int64(len(e.Message.Body))
}

// event prints one event.
func (p *printer) event(e tincan.Event) error {
	if p.c.json {
		if e.Kind == tincan.EventMessage && e.Message.From == tincan.Me {
			return nil // what this side said comes back as receipts
		}
		return p.object(e)
	}
	if e.Kind == tincan.EventMessage {
		if e.Message.From == tincan.Me || e.Message.Replaced {
			return nil
		}
		return p.line(e.Message)
	}
	if err := p.flush(); err != nil {
		return err
	}
	p.c.tell(e)
	return nil
}

func (p *printer) object(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if p.clean {
		b = tame(b)
	}
	return p.put(append(b, '\n'))
}

// line prints a message as one line: its bytes as they came, or on a terminal as clean text.
func (p *printer) line(m *tincan.Message) error {
	s, ok := m.Text()
	switch {
	case ok && p.clean:
		return p.put([]byte(clean(s) + "\n"))
	case p.clean:
		return p.put(fmt.Appendf(nil, "% x\n", m.Body))
	case ok && m.Enc != "":
		return p.put([]byte(s + "\n"))
	}
	return p.put(m.Body, newline)
}

var newline = []byte{'\n'}

// put prints a line. Whole lines are flushed, so that what others print to the same file at once is never inside
// one.
func (p *printer) put(parts ...[]byte) error {
	n := 0
	for _, b := range parts {
		n += len(b)
	}
	if n > p.w.Available() {
		if err := p.w.Flush(); err != nil {
			return err
		}
	}
	if n > p.w.Available() && len(parts) > 1 { // in one write
		parts = [][]byte{bytes.Join(parts, nil)}
	}
	for _, b := range parts {
		if _, err := p.w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// emit prints one object at once.
func (c *cli) emit(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic("tincan: internal error: " + err.Error())
	}
	if isTerminal(c.out) {
		b = tame(b)
	}
	c.out.Write(append(b, '\n'))
}

// tame makes JSON safe for a terminal: what would steer or deceive is written as \u and four digits, which is the
// same JSON. Only strings hold such runes.
func tame(b []byte) []byte {
	s := string(b)
	if clean(s) == s {
		return b
	}
	out := make([]byte, 0, len(s)+64)
	for _, r := range s {
		if c := string(r); clean("x"+c) == "x"+c {
			out = append(out, c...)
			continue
		}
		for _, u := range utf16.Encode([]rune{r}) {
			out = fmt.Appendf(out, "\\u%04x", u)
		}
	}
	return out
}

// tell says in words, on standard error, what happened to a link.
func (c *cli) tell(e tincan.Event) {
	text, hint := c.words(e)
	if text == "" || e.Kind == tincan.EventConnecting && e.Attempt > 1 {
		return
	}
	fmt.Fprintln(c.err, "tincan: "+text)
	if e.Kind == tincan.EventDisconnected { // said once for each reason
		if c.hinted[e.Reason] {
			return
		}
		if c.hinted == nil {
			c.hinted = map[string]bool{}
		}
		c.hinted[e.Reason] = hint != ""
	}
	if hint != "" {
		fmt.Fprintln(c.err, "  → "+hint)
	}
}

// words are an event in a sentence, and the next step; both are "" for an event that says nothing to a person.
func (c *cli) words(e tincan.Event) (text, hint string) {
	switch e.Kind {
	case tincan.EventListening:
		return c.t("listening on %s", e.Addr), ""
	case tincan.EventStopped:
		return c.t("stopped listening on %s", e.Addr), ""
	case tincan.EventConnecting:
		return c.t("connecting to %s…", e.Addr), ""
	case tincan.EventConnected:
		return c.t("connected: %s (%s)", clean(e.Remote), e.Codec), ""
	case tincan.EventCodec:
		return c.t("%s speaks %s (%s)", clean(e.Room), e.Codec, c.t(e.Choice)), ""
	case tincan.EventDisconnected:
		what := c.t("disconnected: %s", c.reason(e))
		if e.Link == 0 { // an attempt
			what = c.t("could not connect: %s", c.reason(e))
		}
		if e.RetryInMS == nil {
			return what, c.hint(e)
		}
		wait := (time.Duration(*e.RetryInMS) * time.Millisecond).Round(100 * time.Millisecond)
		return what + c.t("; next attempt in %s", wait), c.hint(e)
	case tincan.EventHeld:
		if e.Held != nil && e.Held.Queued+e.Held.Uncertain > 0 {
			return c.t("held from before: %d not sent, %d that may have arrived", e.Held.Queued, e.Held.Uncertain), ""
		}
	case tincan.EventRefused:
		return c.t("refused %s: %s", clean(e.Remote), e.Reason), ""
	case tincan.EventError:
		return clean(e.Error), clean(e.Hint)
	case tincan.EventAsking:
		return c.t("%s wants to come in: %s calls itself %s", clean(e.Remote), tincan.Fingerprint(e.Peer), strconv.Quote(clean(e.Name))), c.t("let it in: tincan trust %s", e.Peer)
	case tincan.EventPaired:
		return c.t("the key %s is trusted from now on (%s)", tincan.Fingerprint(e.Peer), c.t(e.Reason)), ""
	case tincan.EventGap:
		if e.Room == "" {
			return c.t("messages are missing: %s", e.Detail), ""
		}
		return c.t("messages of %s are missing: %s", clean(e.Room), e.Detail), ""
	}
	return "", ""
}

// reason says why a link or an attempt ended, in the user's language.
func (c *cli) reason(e tincan.Event) string {
	if s := c.t(e.Reason); c.lang == "zh" && s != e.Reason {
		if e.Addr != "" {
			s += "（" + clean(e.Addr) + "）"
		}
		return s
	}
	if e.Detail != "" {
		return clean(e.Detail)
	}
	return e.Reason
}

// hint is the next step after an attempt that failed, in the user's language.
func (c *cli) hint(e tincan.Event) string {
	if s := c.t("hint:" + e.Reason); c.lang == "zh" && s != "hint:"+e.Reason {
		return s
	}
	return clean(e.Hint)
}

// clean makes text safe for a terminal.
func clean(s string) string { return tui.Clean(s) }
