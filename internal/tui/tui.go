// Package tui is the terminal screen: a conversation over a [tincan.Talker], full-screen.
//
// The screen is one value that changes only in Update and is drawn only by View. Everything that takes time
// is a command that calls the Talker and comes back as a value; everything that happens comes from its events.
//
//	keys, mouse, size ─┐                        ┌─▶ Talker (Listen, Dial, SendMessage, History …)
//	Talker.Events ─────┼─▶ Update ─▶ commands ──┘        │
//	a clock, 1/s ──────┘     │   ◀───── results ──────────┘
//	                         └─▶ View ─▶ terminal
//
// It keeps no conversation: the messages in memory are a window of the room's log, a few pages around what
// is on screen. It knows nothing of sockets and never writes a byte of a peer to the terminal unseen; see [Clean].
package tui

import (
	"context"
	"errors"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"

	"tincan"
)

// Options say what the screen opens and in which language it speaks.
type Options struct {
	Lang   string // "en" or "zh"
	Listen string // an address to listen on; "" for none
	Dial   string // an address to dial; "" for none
}

// Run shows the screen on the terminal of standard input and output until the user quits or ctx ends, which
// is no error. It opens the addresses of opts itself so that the screen shows the steps, and returns the
// error of Listen or Dial when the first of them fails, or that of the Talker's events when they fail.
// It closes nothing: that is for the owner of the Talker.
func Run(ctx context.Context, t tincan.Talker, opts Options) error {
	return run(ctx, t, opts)
}

func run(ctx context.Context, t tincan.Talker, opts Options, more ...tea.ProgramOption) error {
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	s := newScreen(within, t, opts, os.Getenv("NO_COLOR") == "", time.Now)
	_, err := tea.NewProgram(s, append(more, tea.WithContext(within))...).Run()
	switch {
	case s.err != nil:
		return s.err
	case ctx.Err() != nil, errors.Is(err, tea.ErrInterrupted):
		return nil
	}
	return err
}
