package api

import (
	"context"
	"net"
	"sync"
	"time"
)

// seats is a listener that bounds how many connections there are at once. When all seats are taken, a new
// connection gets the one of the oldest connection that is not answering a request with the token: so
// neither idle browsers nor strangers who send their headers slowly can keep the owner out.
type seats struct {
	net.Listener
	max   int
	mu    sync.Mutex
	taken map[*seat]struct{}
}

// seat is one connection.
type seat struct {
	net.Conn
	all   *seats
	since time.Time // when it was accepted, or its last request with the token was answered
	held  bool      // a request with the token is being answered
}

// seatKey finds the seat in a request's context.
type seatKey struct{}

func withSeat(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, seatKey{}, c)
}

func newSeats(ln net.Listener, max int) *seats {
	return &seats{Listener: ln, max: max, taken: map[*seat]struct{}{}}
}

// noSeat is the answer to a connection that finds every seat held.
const noSeat = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\nRetry-After: 1\r\n\r\n"

// Accept waits for a connection that has a seat.
func (s *seats) Accept() (net.Conn, error) {
	for {
		conn, err := s.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := s.sit(conn); c != nil {
			return c, nil
		}
		conn.SetDeadline(time.Now().Add(time.Second))
		conn.Write([]byte(noSeat))
		conn.Close()
	}
}

// sit gives a connection a seat; nil if all are held.
func (s *seats) sit(conn net.Conn) *seat {
	c := &seat{Conn: conn, all: s, since: time.Now()}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.taken) >= s.max {
		var oldest *seat
		for o := range s.taken {
			if !o.held && (oldest == nil || o.since.Before(oldest.since)) {
				oldest = o
			}
		}
		if oldest == nil {
			return nil
		}
		delete(s.taken, oldest)
		oldest.Conn.Close()
	}
	s.taken[c] = struct{}{}
	return c
}

// hold keeps the seat while a request with the token is being answered.
func (c *seat) hold() {
	c.all.mu.Lock()
	c.held = true
	c.all.mu.Unlock()
}

func (c *seat) free() {
	c.all.mu.Lock()
	c.held, c.since = false, time.Now()
	c.all.mu.Unlock()
}

// Close closes the connection and leaves the seat to another.
func (c *seat) Close() error {
	c.all.mu.Lock()
	delete(c.all.taken, c)
	c.all.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite lets a caller that is still sending read why it was refused.
func (c *seat) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
