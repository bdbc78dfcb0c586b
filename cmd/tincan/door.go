package main

import (
	"context"
	"crypto/rand"
	"errors"
	"path/filepath"
	"time"

	"tincan"
	"tincan/internal/api"
)

// door is the way to a node: one of our own, or one that another process runs on the same folder.
type door struct {
	tincan.Talker
	node   *tincan.Node // nil when another process runs it
	served *api.Running // nil when nobody else may use it
	client *api.Client  // nil when the node is ours
}

// stay says how long a command means to hold the folder.
type stay int

const (
	long  stay = iota // until somebody ends it: it is served, so that others on the folder can use it
	brief             // for a moment: others wait
)

// patience is how long a command waits for a folder that another process holds without serving it: one that
// is just starting, or one that is about to end, such as `tincan send`.
const patience = 15 * time.Second

// open opens the node of the data folder, or reaches the one that runs there.
func (c *cli) open(ctx context.Context, s stay) (*door, error) {
	dir, err := filepath.Abs(c.data)
	if err != nil {
		return nil, err
	}
	said := false
	for start := time.Now(); ; {
		n, err := tincan.Open(dir)
		if err == nil {
			return c.own(ctx, n, dir, s)
		}
		if _, _, code := tincan.Explain(err); code != tincan.CodeInUse {
			return nil, err
		}
		client, cerr := api.Connect(dir)
		if cerr == nil {
			client.Language = c.lang
			return &door{Talker: client, client: client}, nil
		}
		if waited := time.Since(start); waited > patience {
			return nil, err
		} else if waited > time.Second && !said {
			said = true
			text, _, _ := api.ExplainIn(c.lang, err)
			c.say("%s; waiting for it", clean(text))
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return nil, err
			}
			return nil, context.Cause(ctx)
		}
	}
}

// own is the door to a node of our own.
func (c *cli) own(ctx context.Context, n *tincan.Node, dir string, s stay) (*door, error) {
	d := &door{Talker: n, node: n}
	if s == brief {
		return d, nil
	}
	var err error
	if d.served, err = api.Serve(ctx, n, api.Options{Dir: dir, Addr: c.pageAddr}); err != nil {
		n.Close()
		if _, _, code := tincan.Explain(err); code == tincan.CodeInUse || code == tincan.CodeUnreachable {
			err = &exitError{exitConnect, err}
		}
		return nil, err
	}
	return d, nil
}

func (d *door) close() error {
	if d.node == nil {
		return d.client.Close()
	}
	if d.served == nil {
		return d.node.Close()
	}
	return errors.Join(d.served.Close(), d.node.Close())
}

// tie ties what is opened from here on to this command: a node that another process runs closes it when
// this command ends, however it ends.
func (d *door) tie() {
	if d.client != nil {
		d.client.Session = rand.Text()
	}
}
