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
	served *api.Running
	client *api.Client // nil when the node is ours
}

// patience is how long a command waits for a folder that another process holds without serving it: one that
// is just starting, or a `tincan send` that is about to end.
const patience = 3 * time.Second

// open opens the node of the data folder, or reaches the one that runs there. A node of our own is served to
// other commands on the same folder.
func (c *cli) open(ctx context.Context) (*door, error) {
	dir, err := filepath.Abs(c.data)
	if err != nil {
		return nil, err
	}
	for start := time.Now(); ; {
		n, err := tincan.Open(dir)
		if err == nil {
			s, err := api.Serve(ctx, n, api.Options{Dir: dir, Addr: c.pageAddr})
			if err != nil {
				n.Close()
				return nil, err
			}
			return &door{Talker: n, node: n, served: s}, nil
		}
		if _, _, code := tincan.Explain(err); code != tincan.CodeInUse {
			return nil, err
		}
		client, cerr := api.Connect(dir)
		if cerr == nil {
			client.Language = c.lang
			return &door{Talker: client, client: client}, nil
		}
		if time.Since(start) > patience {
			return nil, err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (d *door) close() error {
	if d.node == nil {
		return d.client.Close()
	}
	return errors.Join(d.served.Close(), d.node.Close())
}

// own ties what is opened from here on to this command: a node that another process runs closes it when
// this command ends, however it ends.
func (d *door) own() {
	if d.client != nil {
		d.client.Session = rand.Text()
	}
}
