package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"syscall"
	"time"

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
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		go func() {
			defer close(ch)
			for e, err := range events {
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
			if !ok || !yield(it.e, it.err) {
				return
			}
		}
	}
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
	p.w.Write(b)
	return p.w.WriteByte('\n')
}

// line prints a message as one line: its bytes as they came, or on a terminal as clean text.
func (p *printer) line(m *tincan.Message) error {
	if s, ok := m.Text(); ok && p.clean {
		p.w.WriteString(clean(s))
	} else if p.clean {
		fmt.Fprintf(p.w, "% x", m.Body)
	} else if ok && m.Enc != "" {
		p.w.WriteString(s)
	} else {
		p.w.Write(m.Body)
	}
	return p.w.WriteByte('\n')
}

// emit prints one object at once.
func (c *cli) emit(v any) {
	b, err := json.Marshal(v)
	if err == nil {
		c.out.Write(append(b, '\n'))
	}
}

// tell says in words, on standard error, what happened to a link.
func (c *cli) tell(e tincan.Event) {
	switch e.Kind {
	case tincan.EventListening:
		c.say("listening on %s", e.Addr)
	case tincan.EventStopped:
		c.say("stopped listening on %s", e.Addr)
	case tincan.EventConnecting:
		if e.Attempt == 1 {
			c.say("connecting to %s…", e.Addr)
		}
	case tincan.EventConnected:
		c.say("connected: %s (%s)", clean(e.Remote), e.Codec)
	case tincan.EventCodec:
		c.say("%s speaks %s (%s)", clean(e.Room), e.Codec, c.t(e.Choice))
	case tincan.EventDisconnected:
		why := c.reason(e)
		if e.RetryInMS != nil {
			c.say("disconnected: %s; next attempt in %s", why, (time.Duration(*e.RetryInMS) * time.Millisecond).Round(100*time.Millisecond))
		} else {
			c.say("disconnected: %s", why)
		}
		if h := c.hint(e); h != "" && !c.hinted {
			c.hinted = true
			fmt.Fprintln(c.err, "  → "+h)
		}
	case tincan.EventHeld:
		if e.Held != nil && e.Held.Queued+e.Held.Uncertain > 0 {
			c.say("%d messages from before were not sent and %d may have arrived; they are held", e.Held.Queued, e.Held.Uncertain)
		}
	case tincan.EventRefused:
		c.say("refused %s: %s", clean(e.Remote), e.Reason)
	case tincan.EventError:
		c.say("%s", clean(e.Error))
		if e.Hint != "" {
			fmt.Fprintln(c.err, "  → "+clean(e.Hint))
		}
	}
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

// brokenPipe says that the reader of standard output is gone.
func brokenPipe(err error) bool { return errors.Is(err, syscall.EPIPE) }
