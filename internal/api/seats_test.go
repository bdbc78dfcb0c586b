package api

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

func contextWith(ctx context.Context, local net.Addr) context.Context {
	return context.WithValue(ctx, http.LocalAddrContextKey, local)
}

// TestSeats takes all seats with strangers who say nothing or half a header. The owner still gets in, and
// what the owner holds is never taken away.
func TestSeats(t *testing.T) {
	_, r := startTest(t)
	addr := strings.TrimPrefix(r.URL(), "http://")
	c := testClient(t, r)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	events := c.Events(ctx)
	var strangers []net.Conn
	for i := range 3 * connections {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if i%2 == 0 {
			io.WriteString(conn, "POST /api/status HTTP/1.1\r\nHost: ")
		}
		strangers = append(strangers, conn)
	}
	if _, err := NewClient(r.URL(), testToken).Status(t.Context()); err != nil {
		t.Errorf("kept out: %v", err)
	}
	strangers[0].SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := strangers[0].Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the first stranger still sits: %v", err)
	}
	r.server.talker.(*fake).tell(receipt(1))
	for e, err := range events {
		if err != nil || e.Offset != 1 {
			t.Errorf("got %v, %v", e, err)
		}
		break
	}
}

// TestSeatsAllHeld fills every seat with event streams; the next caller is told to come back.
func TestSeatsAllHeld(t *testing.T) {
	_, r := startTest(t)
	ctx, cancel := context.WithCancel(t.Context())
	for range connections {
		testClient(t, r).Events(ctx)
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if b, err := io.ReadAll(conn); string(b) != noSeat {
		t.Errorf("got %q, %v", b, err)
	}
	cancel()
	for start := time.Now(); ; time.Sleep(time.Millisecond) { // the server sees the callers go
		resp, err := http.Get(r.URL() + "/")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == 200 {
				return
			}
		}
		if time.Since(start) > 10*time.Second {
			t.Fatal("no seat got free")
		}
	}
}
