package main

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"tincan"
	"tincan/internal/api"
)

// follow prints a room's log and goes on with what comes; room "" is the room used last, and then what is said in any.
// It holds no folder while it waits: a tincan that starts there later is followed too, and so is the next one.
func (p *logPrinter) follow(ctx context.Context, d **door, room string) error {
	if err := p.begin(ctx, *d, room); err != nil {
		return err
	}
	if (*d).node != nil {
		(*d).close()
		if err := p.await(ctx, d); err != nil {
			return p.over(ctx, err)
		}
	}
	for {
		if err := p.live(ctx, *d, room); err != nil {
			return p.over(ctx, err)
		}
		(*d).close()
		if err := p.await(ctx, d); err != nil {
			return p.over(ctx, err)
		}
	}
}

// over is how following ends: an interrupt is no failure.
func (p *logPrinter) over(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// begin prints what there is, and notes where each room stands.
func (p *logPrinter) begin(ctx context.Context, d *door, room string) error {
	if room != "" {
		return p.messages(ctx, d, room)
	}
	s, err := d.Status(ctx)
	if err != nil {
		return err
	}
	for _, r := range s.Rooms {
		p.shown[r.Name] = r.Last
	}
	if len(s.Rooms) == 0 {
		p.c.say("nothing was said yet in %s", clean(p.c.data))
		return nil
	}
	return p.messages(ctx, d, "")
}

// live prints what is said from where each room stands, until the node ends.
func (p *logPrinter) live(ctx context.Context, d *door, room string) error {
	events := d.Events(ctx)
	s, err := d.Status(ctx)
	if err != nil {
		return p.ended(err)
	}
	for _, r := range s.Rooms { // what was said while nobody was followed
		if room == "" && p.shown[r.Name] < r.Last || r.Name == room {
			p.header(r.Name)
			if err := p.rest(ctx, d, r.Name, p.shown[r.Name]); err != nil {
				return p.ended(err)
			}
		}
	}
	if err := p.flush(); err != nil {
		return err
	}
	for e, err := range p.idle(ctx, events) {
		if err != nil {
			return p.ended(err)
		}
		if e.Kind != tincan.EventMessage || room != "" && e.Room != room || e.Offset <= p.shown[e.Room] {
			continue
		}
		p.shown[e.Room] = e.Offset
		if room == "" {
			p.header(e.Room)
		}
		if err := p.message(e.Message); err != nil {
			return err
		}
	}
	return nil
}

// ended is nil for the end of the node that was followed.
func (p *logPrinter) ended(err error) error {
	if _, _, code := tincan.Explain(err); code == tincan.CodeClosed || code == tincan.CodeUnreachable {
		return p.flush()
	}
	return err
}

// await waits until a tincan runs on the folder.
func (p *logPrinter) await(ctx context.Context, d **door) error {
	dir, err := filepath.Abs(p.c.data)
	if err != nil {
		return err
	}
	if err := p.flush(); err != nil {
		return err
	}
	for said := false; ; said = true {
		client, err := api.Connect(dir)
		switch {
		case err == nil:
			client.Language = p.c.lang
			*d = &door{Talker: client, client: client}
			return nil
		case !errors.Is(err, api.ErrNone) && !errors.Is(err, api.ErrStale):
			return err
		}
		if !said {
			p.c.say("no tincan is running on %s; waiting for one", clean(dir))
		}
		select {
		case <-time.After(250 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
