package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"sync"

	"tincan"
)

// Events implements [tincan.Talker]. The node has the subscription when Events returns. The sequence ends
// with an error: the context's, or why the node sends no more. It can be ranged over once.
func (c *Client) Events(ctx context.Context) iter.Seq2[tincan.Event, error] {
	ctx, cancel := context.WithCancel(ctx) // ends the request when the range does
	resp, err := c.post(ctx, "events", c.withSession(object{}))
	if err != nil {
		cancel()
		return func(yield func(tincan.Event, error) bool) { yield(tincan.Event{}, err) }
	}
	var once sync.Once
	return func(yield func(tincan.Event, error) bool) {
		again := true
		once.Do(func() { again = false })
		if again {
			yield(tincan.Event{}, errors.New("these events were read already"))
			return
		}
		defer cancel()
		defer resp.Body.Close()
		c.follow(ctx, resp, yield)
	}
}

// follow reads the lines of a stream.
func (c *Client) follow(ctx context.Context, resp *http.Response, yield func(tincan.Event, error) bool) {
	in := bufio.NewReaderSize(resp.Body, 64<<10)
	for {
		line, err := in.ReadBytes('\n')
		switch {
		case err == io.EOF && ctx.Err() == nil:
			yield(tincan.Event{}, fail(tincan.CodeClosed, tincan.ErrClosed, say("the tincan at %s has ended", c.url), say("it held the folder; start this command again to go on")))
			return
		case err != nil:
			yield(tincan.Event{}, c.lost(ctx, err))
			return
		}
		if bytes.Equal(line, []byte("{}\n")) {
			continue
		}
		var e tincan.Event
		if err := json.Unmarshal(line, &e); err != nil || e.Kind == "" {
			var f failure
			if json.Unmarshal(line, &f) == nil && f.Error != "" {
				err = f.err()
			}
			yield(tincan.Event{}, err)
			return
		}
		if !yield(e, nil) {
			return
		}
	}
}
