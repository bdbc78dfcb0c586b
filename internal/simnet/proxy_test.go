package simnet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// through makes a real connection over a proxy.
func through(t *testing.T, set func(p *Proxy)) (p *Proxy, here, there *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if p, err = NewProxy(ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	set(p)
	a, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	b, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return p, a.(*net.TCPConn), b.(*net.TCPConn)
}

func TestProxyCuts(t *testing.T) {
	want := bytes.Repeat([]byte("0123456789"), 10_000)
	for _, way := range []Way{Up, Down} {
		for _, how := range []How{FIN, RST, Silence} {
			for _, k := range []int64{0, 1, 16 << 10, 50_001} {
				if how == RST && k == 0 {
					continue // who dials may not even see the connection
				}
				t.Run(fmt.Sprint(way, how, k), func(t *testing.T) {
					t.Parallel()
					p, from, to := through(t, func(p *Proxy) { p.Plan(func(int) []Cut { return []Cut{{way, k, how}} }) })
					if way == Down {
						from, to = to, from
					}
					go from.Write(want)
					got := make([]byte, k)
					if _, err := io.ReadFull(to, got); err != nil && how != RST || !bytes.Equal(got, want[:k]) && err == nil {
						t.Errorf("read: %v", err)
					}
					if how == Silence {
						to.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
					}
					n, err := to.Read(make([]byte, 1))
					switch {
					case n != 0:
						t.Error("read a byte more")
					case how == FIN && err != io.EOF, how == RST && !errors.Is(err, syscall.ECONNRESET),
						how == Silence && !errors.Is(err, os.ErrDeadlineExceeded):
						t.Errorf("the end is %v", err)
					}
					if up, down := p.Passed(); up+down != k {
						t.Errorf("passed %d and %d", up, down)
					}
				})
			}
		}
	}
}

func TestProxyForwards(t *testing.T) {
	const delay = 20 * time.Millisecond
	p, here, there := through(t, func(p *Proxy) { p.Delay(delay) })
	start := time.Now()
	here.Write([]byte("up"))
	here.CloseWrite()
	if got, err := io.ReadAll(there); string(got) != "up" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	if d := time.Since(start); d < delay {
		t.Errorf("after %v", d)
	}
	there.Write([]byte("down"))
	there.Close()
	if got, err := io.ReadAll(here); string(got) != "down" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	if up, down := p.Passed(); up != 2 || down != 4 {
		t.Errorf("passed %d and %d", up, down)
	}
}

func TestProxyCutsEvery(t *testing.T) {
	p, here, there := through(t, func(*Proxy) {})
	p.CutEvery(5*time.Millisecond, RST)
	for _, c := range []*net.TCPConn{here, there} {
		_, err := c.Read(make([]byte, 1))
		wantError(t, "read", err, syscall.ECONNRESET)
	}
}

func TestProxyWithoutTarget(t *testing.T) {
	p, err := NewProxy("127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c, err := net.Dial("tcp", p.Addr())
	if err == nil { // else the reset was faster
		defer c.Close()
		_, err = c.Read(make([]byte, 1))
	}
	wantError(t, "read", err, syscall.ECONNRESET)
}
