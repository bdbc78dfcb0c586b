package api

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"tincan"
)

// stream answers events: one JSON object per line from here on, until the caller leaves or the server ends.
//
// The subscription is in place before the headers go out, so that a caller who has them misses nothing that
// it causes. The caller's pace is the stream's: one goroutine fills a buffer, another empties it, and the
// first waits while the buffer is full. Whatever arrived during a write goes out with the next one.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, body []byte) {
	var session string
	if err := read(body, may("session", &session)); err != nil {
		refuse(r, err).write(w)
		return
	}
	if !s.enter() {
		refuse(r, tincan.ErrClosed).write(w)
		return
	}
	defer s.streams.Done()
	ctx, cancel := s.ended(r.Context())
	defer cancel()
	events := s.talker.Events(ctx)
	if session != "" {
		s.sessions.begin(session)
		defer func() {
			listeners, rooms := s.sessions.end(session)
			s.closeAll(ctx, listeners, rooms)
		}()
	}
	out := http.NewResponseController(w)
	out.SetWriteDeadline(time.Time{}) // fails on a writer that has no deadlines, and so needs none moved
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK)
	if out.Flush() != nil {
		cancel()
	}
	// A caller that is gone or unwanted must not hold up the end by not reading.
	hurry := context.AfterFunc(ctx, func() { out.SetWriteDeadline(time.Now().Add(time.Second)) })
	lines := newBuffer()
	var fill sync.WaitGroup
	defer fill.Wait() // before the session ends, after cancel below
	defer cancel()
	defer hurry()
	fill.Go(func() {
		defer lines.end()
		for e, err := range events {
			if ctx.Err() != nil {
				return
			}
			var line []byte
			if err == nil {
				line, err = e.MarshalJSON()
			}
			if err != nil {
				line, _ = json.Marshal(explain(languageOf(r), err))
			}
			if !lines.put(ctx, line) || err != nil {
				return
			}
		}
	})
	s.empty(ctx, w, out, lines)
}

// empty writes what is in the buffer, and a line {} when nothing was there for a while.
func (s *Server) empty(ctx context.Context, w http.ResponseWriter, out *http.ResponseController, lines *buffer) {
	idle := time.NewTicker(s.alive)
	defer idle.Stop()
	var burst []byte
	for open := true; open; {
		select {
		case _, open = <-lines.filled:
			if burst = lines.take(burst); len(burst) == 0 {
				continue
			}
		case <-idle.C:
			burst = append(burst[:0], "{}\n"...)
		case <-ctx.Done():
			return
		}
		if _, err := w.Write(burst); err != nil {
			return
		}
		if out.Flush() != nil {
			return
		}
		idle.Reset(s.alive)
	}
}

// buffer is what waits to be written to one event stream.
type buffer struct {
	filled  chan struct{} // there is something to take; closed at the end
	emptied chan struct{} // there is room again
	mu      sync.Mutex
	lines   []byte
}

// bufferSize is how much may wait before the events have to. A longer line waits alone.
const bufferSize = 256 << 10

func newBuffer() *buffer {
	return &buffer{filled: make(chan struct{}, 1), emptied: make(chan struct{}, 1)}
}

// put adds a line; it waits for room, and is false if ctx ended first.
func (b *buffer) put(ctx context.Context, line []byte) bool {
	for {
		b.mu.Lock()
		if fits := len(b.lines) == 0 || len(b.lines)+len(line) < bufferSize; fits {
			b.lines = append(append(b.lines, line...), '\n')
			b.mu.Unlock()
			signal(b.filled)
			return true
		}
		b.mu.Unlock()
		select {
		case <-b.emptied:
		case <-ctx.Done():
			return false
		}
	}
}

// take returns what waits, and gives the buffer the memory of what was taken before.
func (b *buffer) take(before []byte) []byte {
	if cap(before) > bufferSize {
		before = nil
	}
	b.mu.Lock()
	lines := b.lines
	b.lines = before[:0]
	b.mu.Unlock()
	signal(b.emptied)
	return lines
}

func (b *buffer) end() { close(b.filled) }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
