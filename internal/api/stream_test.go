package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tincan"
)

// pipes is a network in memory for tests in a bubble of testing/synctest.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// pipeConn is an end of a pipe with an address that the gate can read a port from.
type pipeConn struct{ net.Conn }

func (pipeConn) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return pipeConn{c}, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return pipeConn{}.LocalAddr() }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// bubble runs a test with a server and clients of it that share a fake clock.
func bubble(t *testing.T, test func(t *testing.T, f *fake, s *Server, client func() *Client)) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		s := New(f, testToken)
		net := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
		h := &http.Server{Handler: s, ReadHeaderTimeout: headerTime, ReadTimeout: requestTime, WriteTimeout: answerTime, IdleTimeout: idleTime}
		go h.Serve(net)
		var clients []*Client
		test(t, f, s, func() *Client {
			c := NewClient("http://127.0.0.1:1", testToken)
			c.http.Transport.(*http.Transport).DialContext = net.dial
			clients = append(clients, c)
			return c
		})
		s.Close()
		for _, c := range clients {
			c.Close()
		}
		h.Close() // Shutdown would wait for streams that a test began and nobody reads
	})
}

// TestEventsFromTheCall sees to it that what happens once Events has returned is in it.
func TestEventsFromTheCall(t *testing.T) {
	bubble(t, func(t *testing.T, f *fake, s *Server, client func() *Client) {
		retry := int64(500)
		want := []tincan.Event{
			{Kind: tincan.EventListening, Time: epoch, Addr: "127.0.0.1:7000", Listener: "t1"},
			{Kind: tincan.EventConnected, Time: epoch, Link: 7, Room: "r", Peer: "p", Local: "a", Remote: "b", Codec: "lines", Choice: "address", HandshakeUS: 12},
			{Kind: tincan.EventDisconnected, Time: epoch, Link: 7, Room: "r", Reason: "peer closed", Detail: "it <did>", RetryInMS: &retry},
			{Kind: tincan.EventHeld, Time: epoch, Room: "r", Held: &tincan.HeldStatus{Queued: 1, Uncertain: 2}},
			{Kind: tincan.EventError, Time: epoch, Error: "disk", Hint: "free it"},
			{Kind: tincan.EventMessage, Time: epoch, Room: "r", Offset: 1, ID: "x", Message: &tincan.Message{Room: "r", Offset: 1, ID: "x", From: "p", Time: epoch, Body: []byte("a\nb\u2028")}},
			{Kind: tincan.EventMessage, Time: epoch, Room: "r", Offset: 2, ID: "y", Message: &tincan.Message{Room: "r", Offset: 2, ID: "y", From: "p", Time: epoch, Body: []byte{0xff}, Partial: true}},
			receipt(1),
		}
		events := client().Events(t.Context())
		f.tell(want...)
		var got []tincan.Event
		for e, err := range events {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, e); len(got) == len(want) {
				break
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		for _, err := range events {
			if err == nil {
				t.Error("ranged over twice")
			}
		}
	})
}

// TestEventsLive keeps an idle stream open far beyond every timeout of the server, alive every 15 s.
func TestEventsLive(t *testing.T) {
	bubble(t, func(t *testing.T, f *fake, s *Server, client func() *Client) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		resp, err := client().post(ctx, "events", object{})
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if got := resp.Header.Get("Content-Type"); got != "application/x-ndjson" {
			t.Errorf("Content-Type %s", got)
		}
		in := bufio.NewReader(resp.Body)
		start := time.Now()
		for i := range 40 {
			line, err := in.ReadString('\n')
			if err != nil || line != "{}\n" || time.Since(start) != time.Duration(i+1)*15*time.Second {
				t.Fatalf("after %v: %q, %v", time.Since(start), line, err)
			}
		}
		time.Sleep(7 * time.Second)
		f.tell(receipt(1))
		if line, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(line, `{"event":"receipt"`) {
			t.Fatalf("got %q, %v", line, err)
		}
		now := time.Now()
		if line, err := in.ReadString('\n'); err != nil || line != "{}\n" || time.Since(now) != 15*time.Second {
			t.Fatalf("%v after an event: %q, %v", time.Since(now), line, err)
		}
	})
}

// TestEventsEnd compares how a stream ends with what its reader learns.
func TestEventsEnd(t *testing.T) {
	last := func(events func(func(tincan.Event, error) bool)) (es []tincan.Event, last error) {
		for e, err := range events {
			if last = err; err == nil {
				es = append(es, e)
			}
		}
		return es, last
	}
	bubble(t, func(t *testing.T, f *fake, s *Server, client func() *Client) {
		events := client().Events(t.Context())
		f.told(&tincan.Error{Code: tincan.CodeFull, Text: "full", Hint: "free some"}, []tincan.Event{receipt(1)})
		if es, err := last(events); len(es) != 1 || !isCode(err, tincan.CodeFull) || err.Error() != "full" {
			t.Errorf("the talker's error: %v, %v", es, err)
		}
		events = client().Events(t.Context())
		f.told(tincan.ErrClosed, nil)
		if _, err := last(events); !errors.Is(err, tincan.ErrClosed) {
			t.Errorf("the node's end: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		events = client().Events(ctx)
		time.AfterFunc(time.Second, cancel)
		if _, err := last(events); !errors.Is(err, context.Canceled) {
			t.Errorf("the caller's end: %v", err)
		}
		events = client().Events(t.Context())
		time.AfterFunc(time.Second, func() { s.Close() })
		if _, err := last(events); !errors.Is(err, tincan.ErrClosed) {
			t.Errorf("the server's end: %v", err)
		}
		if _, err := last(client().Events(t.Context())); !isCode(err, tincan.CodeClosed) {
			t.Errorf("after the end: %v", err)
		}
	})
}

// TestSlowReader leaves a stream unread while much happens. What waits stays where the talker keeps it, and
// the reader gets it all, in order.
func TestSlowReader(t *testing.T) {
	bubble(t, func(t *testing.T, f *fake, s *Server, client func() *Client) {
		const n = 20_000
		slow := client().Events(t.Context())
		for i := range int64(n) {
			f.tell(receipt(i))
		}
		time.Sleep(10 * time.Minute)
		f.followers[0].mu.Lock()
		left := len(f.followers[0].list)
		f.followers[0].mu.Unlock()
		f.tell(receipt(n))
		if left < n/2 {
			t.Errorf("only %d of %d wait at the talker", left, n)
		}
		want := int64(0)
		for e, err := range slow {
			if err != nil || e.Offset != want {
				t.Fatalf("got %d, %v, want %d", e.Offset, err, want)
			}
			if want++; want > n {
				break
			}
		}
	})
}

// TestStuckReaderDoesNotHoldUpTheEnd closes a server whose reader takes nothing.
func TestStuckReaderDoesNotHoldUpTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T, f *fake, s *Server, client func() *Client) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		resp, err := client().post(ctx, "events", object{})
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		for i := range int64(50_000) {
			f.tell(receipt(i))
		}
		synctest.Wait()
		start := time.Now()
		s.Close()
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// TestBufferBounds sees to it that what waits for a slow reader is bounded, but for one long line.
func TestBufferBounds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	b := newBuffer()
	long := make([]byte, 3*bufferSize)
	if !b.put(ctx, long) {
		t.Fatal("a long line has no room")
	}
	cancel()
	if b.put(ctx, []byte("x")) {
		t.Error("no bound")
	}
	if got := b.take(nil); len(got) != len(long)+1 {
		t.Errorf("took %d", len(got))
	}
	if b.take(make([]byte, 0, 4*bufferSize)); cap(b.lines) > bufferSize {
		t.Errorf("keeps %d", cap(b.lines))
	}
}

// TestEveryLineIsJSON reads a stream as a stranger would: each line by itself.
func TestEveryLineIsJSON(t *testing.T) {
	f, r := startTest(t)
	resp, err := testClient(t, r).post(t.Context(), "events", object{})
	if err != nil {
		t.Fatal(err)
	}
	f.told(io.ErrUnexpectedEOF, []tincan.Event{receipt(1), receipt(2)})
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	if len(lines) != 3 || lines[2] != `{"error":"unexpected EOF","code":"internal"}` {
		t.Errorf("got %q", lines)
	}
	for _, line := range lines {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
}
