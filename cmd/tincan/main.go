// Command tincan talks over TCP: one side listens, the other dials.
//
// Every word that it shows is in words.go, every command in a file of its own, and testdata/*.txtar says
// what each prints and how it exits.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"tincan"
)

func main() { os.Exit(run()) }

func run() int {
	debug.SetGCPercent(50) // memory counts for more than the little time that this costs
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second interrupt ends it at once
	return execute(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
}

// Exit statuses; part of the contract for scripts.
const (
	exitOK           = 0
	exitFailed       = 1
	exitUsage        = 2
	exitConnect      = 3 // could not listen or connect
	exitNotDelivered = 4
	exitRefused      = 5
)

// exitError is an error with an exit status of its own.
type exitError struct {
	status int
	err    error // nil: everything was said already
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}
func (e *exitError) Unwrap() error { return e.err }

// statusOf is the exit status of an error.
func statusOf(err error) int {
	var e *exitError
	if err == nil {
		return exitOK
	}
	if errors.As(err, &e) {
		return e.status
	}
	switch _, _, code := tincan.Explain(err); code {
	case tincan.CodeUsage:
		return exitUsage
	case tincan.CodeRefused:
		return exitRefused
	}
	return exitFailed
}

// cli is one run of the program.
type cli struct {
	in   io.Reader
	out  io.Writer
	err  io.Writer
	lang string // "en" or "zh"
	data string // the journal's folder
	json bool

	hinted map[string]bool // reasons whose next step was said

	pageAddr string // where the page is served; "" is any port of 127.0.0.1
}

func execute(ctx context.Context, args []string, in io.Reader, out, errw io.Writer) int {
	c := &cli{in: in, out: out, err: errw, lang: language(args, os.Getenv)}
	root := c.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil {
		c.fail(err)
	}
	return statusOf(err)
}
