package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"tincan"
)

// finish waits until everything sent has been acknowledged by the peers' TCP; a dialled address also until there
// was a connection at all.
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
		if owed == 0 && lost == 0 && p.everConnected() {
			return nil
		}
		if owed == 0 && lost > 0 {
			return &exitError{exitNotDelivered, errors.New(p.c.t("messages that may not have arrived: %d", lost))}
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-deadline.C:
			switch {
			case !p.everConnected() && owed == 0:
				return &exitError{exitConnect, errors.New(p.c.t("no connection in time"))}
			case !p.everConnected():
				return &exitError{exitConnect, errors.New(p.c.t("could not connect; messages that wait in the journal: %d", owed))}
			}
			return &exitError{exitNotDelivered, errors.New(p.c.t("messages that were not delivered in time: %d", owed+lost))}
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
		if t.first > 0 || t.owes {
			spans[name] = *t
		}
	}
	p.mu.Unlock()
	for name, t := range spans {
		if t.owes {
			n, err := p.pending(ctx, name)
			if err != nil {
				return 0, 0, err
			}
			owed += n
		}
		if t.first == 0 {
			continue
		}
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

// pending counts what a room's host has not stored yet.
func (p *pipe) pending(ctx context.Context, room string) (int64, error) {
	s, err := p.t.Status(ctx)
	if err != nil {
		return 0, err
	}
	for _, r := range s.Rooms {
		if r.Name == room && r.Pending != nil {
			return r.Pending.Messages, nil
		}
	}
	return 0, nil
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

// stopTime bounds how long the end takes: what is owed gets its moment to go out, and then the end of each
// link is told.
const stopTime = 10 * time.Second

// stop ends what start began, and returns when the end of it all was told, or nobody tells any more.
func (p *pipe) stop(ctx context.Context, shown <-chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	p.mu.Lock()
	p.ended = map[int64]bool{}
	p.mu.Unlock()
	var due []int64 // links whose end is to be told
	if p.dial {
		if p.joined {
			return
		}
		due = p.live(ctx, func(l tincan.LinkStatus) bool { return l.Room == p.room })
		p.t.HangUp(ctx, p.room)
	} else {
		p.t.StopListening(ctx, p.listener)
		due = p.live(ctx, func(l tincan.LinkStatus) bool { return l.Listener == p.listener })
		p.disconnect(ctx, due)
	}
	for {
		p.mu.Lock()
		told := !p.listening && !p.trying && len(p.links) == 0
		for _, id := range due {
			told = told && p.ended[id]
		}
		changed := p.changed
		p.mu.Unlock()
		if told {
			return
		}
		select {
		case <-changed:
		case <-shown:
			return
		case <-ctx.Done():
			return
		}
	}
}

// live are the node's live links that match.
func (p *pipe) live(ctx context.Context, match func(tincan.LinkStatus) bool) (ids []int64) {
	s, err := p.t.Status(ctx)
	if err != nil {
		return nil // the node is gone, and says so by itself
	}
	for _, l := range s.Links {
		if match(l) {
			ids = append(ids, l.ID)
		}
	}
	return ids
}

// atOnce is how many links are closed at the same time: each takes a request if another process runs the node.
const atOnce = 32

func (p *pipe) disconnect(ctx context.Context, ids []int64) {
	var wg sync.WaitGroup
	free := make(chan struct{}, atOnce)
	for _, id := range ids {
		free <- struct{}{}
		wg.Go(func() {
			p.t.Disconnect(ctx, id)
			<-free
		})
	}
	wg.Wait()
}
