package simnet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// bubble runs f in a synctest bubble.
func bubble(t *testing.T, name string, f func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

// connect makes a connection over n.
func connect(t *testing.T, n *Network) (here, there net.Conn) {
	t.Helper()
	ln, err := n.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if here, err = n.Dial(t.Context(), ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if there, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	return here, there
}

func wantError(t *testing.T, what string, err error, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func TestDelay(t *testing.T) {
	bubble(t, "exact", func(t *testing.T) {
		n := New(1)
		n.Delay(30*time.Millisecond, 50*time.Millisecond, 0)
		start := time.Now()
		here, there := connect(t, n)
		took := func(what string, want time.Duration) {
			t.Helper()
			if got := time.Since(start); got != want {
				t.Errorf("%s after %v, want %v", what, got, want)
			}
			start = time.Now()
		}
		took("connected", 80*time.Millisecond)
		b := make([]byte, 10)
		here.Write([]byte("up"))
		there.Read(b)
		took("up", 30*time.Millisecond)
		there.Write([]byte("down"))
		here.Read(b)
		took("down", 50*time.Millisecond)
		here.Close()
		if _, err := there.Read(b); err != io.EOF {
			t.Errorf("read %v", err)
		}
		took("FIN", 30*time.Millisecond)
	})
}

// The same seed is the same network, another is another.
func TestSeed(t *testing.T) {
	run := func(seed uint64) (arrivals string) {
		synctest.Test(t, func(t *testing.T) {
			n := New(seed)
			n.Delay(0, 0, 100*time.Millisecond)
			n.Plan(func(nth int, chance *rand.Rand) []Cut { return []Cut{{Up, 50 + chance.Int64N(50), FIN}} })
			here, there := connect(t, n)
			start := time.Now()
			go func() {
				for range 20 {
					here.Write(make([]byte, 10))
				}
			}()
			for b := make([]byte, 100); ; {
				k, err := there.Read(b)
				arrivals += fmt.Sprint(k, time.Since(start), err, " ")
				if err != nil {
					return
				}
			}
		})
		return arrivals
	}
	if a, b := run(7), run(7); a != b {
		t.Errorf("the same seed: %s and %s", a, b)
	}
	if a, b := run(7), run(8); a == b {
		t.Errorf("two seeds: %s", a)
	}
}

func TestBackpressure(t *testing.T) {
	bubble(t, "small buffer", func(t *testing.T) {
		n := New(1)
		n.Buffer(100)
		here, there := connect(t, n)
		here.SetWriteDeadline(time.Now().Add(time.Second))
		k, err := here.Write(make([]byte, 150))
		if k != 100 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("wrote %d, %v", k, err)
		}
		if k, _ := there.Read(make([]byte, 30)); k != 30 {
			t.Errorf("read %d", k)
		}
		here.SetWriteDeadline(time.Now().Add(time.Second))
		if k, _ := here.Write(make([]byte, 50)); k != 30 {
			t.Errorf("wrote %d more", k)
		}
	})
}

func TestCutToTheByte(t *testing.T) {
	for _, way := range []Way{Up, Down} {
		for _, how := range []How{FIN, RST, Silence} {
			for _, k := range []int64{0, 1, 37, 100, 101, 150} {
				bubble(t, fmt.Sprint(way, how, k), func(t *testing.T) {
					n := New(1)
					n.Buffer(100)
					n.Delay(time.Millisecond, time.Millisecond, 0)
					n.Plan(func(int, *rand.Rand) []Cut { return []Cut{{way, k, how}} })
					from, to := connect(t, n)
					if way == Down {
						from, to = to, from
					}
					want := bytes.Repeat([]byte("0123456789"), 30)
					wrote := make(chan error, 1)
					go func() {
						from.SetWriteDeadline(time.Now().Add(time.Minute))
						_, err := from.Write(want)
						for err == nil {
							_, err = from.Write([]byte("more"))
						}
						wrote <- err
					}()
					to.SetReadDeadline(time.Now().Add(2 * time.Minute))
					got, err := io.ReadAll(to)
					if string(got) != string(want[:k]) {
						t.Errorf("read %q", got)
					}
					switch werr := <-wrote; how {
					case FIN:
						if err != nil {
							t.Errorf("read: %v", err)
						}
						wantError(t, "write", werr, syscall.EPIPE)
					case RST:
						wantError(t, "read", err, syscall.ECONNRESET)
						wantError(t, "write", werr, syscall.ECONNRESET)
					case Silence:
						wantError(t, "read", err, os.ErrDeadlineExceeded)
						wantError(t, "write", werr, os.ErrDeadlineExceeded)
					}
				})
			}
		}
	}
}

func TestCutNow(t *testing.T) {
	bubble(t, "what is under way arrives", func(t *testing.T) {
		n := New(1)
		n.Delay(time.Second, time.Second, 0)
		here, there := connect(t, n)
		here.Write([]byte("under way"))
		n.Cut(RST)
		got, err := io.ReadAll(there)
		if string(got) != "under way" {
			t.Errorf("read %q", got)
		}
		wantError(t, "read", err, syscall.ECONNRESET)
		_, err = here.Read(make([]byte, 1))
		wantError(t, "read", err, syscall.ECONNRESET)
	})
}

func TestFreeze(t *testing.T) {
	bubble(t, "nothing moves", func(t *testing.T) {
		n := New(1)
		here, there := connect(t, n)
		ln, _ := n.Listen(":7000")
		start := time.Now()
		n.Freeze()
		time.AfterFunc(time.Hour, n.Thaw)
		here.Write([]byte("x"))
		there.SetReadDeadline(start.Add(time.Minute))
		_, err := there.Read(make([]byte, 1))
		wantError(t, "read", err, os.ErrDeadlineExceeded)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err = n.Dial(ctx, ln.Addr().String())
		wantError(t, "dial", err, context.DeadlineExceeded)
		there.SetReadDeadline(time.Time{})
		if k, err := there.Read(make([]byte, 1)); k != 1 || time.Since(start) != time.Hour {
			t.Errorf("read %d, %v after %v", k, err, time.Since(start))
		}
	})
}

func TestDialAndListen(t *testing.T) {
	bubble(t, "errors", func(t *testing.T) {
		n := New(1)
		_, err := n.Dial(t.Context(), "127.0.0.1:7000")
		wantError(t, "nobody listens", err, syscall.ECONNREFUSED)
		ln, err := n.Listen(":7000")
		if err != nil {
			t.Fatal(err)
		}
		_, err = n.Listen(":7000")
		wantError(t, "again", err, syscall.EADDRINUSE)
		n.Refuse(true)
		_, err = n.Dial(t.Context(), "127.0.0.1:7000")
		wantError(t, "refusing", err, syscall.ECONNREFUSED)
		n.Refuse(false)
		var dns *net.DNSError
		if _, err = n.Dial(t.Context(), "nowhere:7000"); !errors.As(err, &dns) {
			t.Errorf("a name: %v", err)
		}
		c, err := n.Dial(t.Context(), "10.1.2.3:7000")
		if err != nil || c.RemoteAddr().String() != "10.1.2.3:7000" || !strings.HasPrefix(c.LocalAddr().String(), "10.1.2.3:") {
			t.Errorf("dial: %v", err)
		}
		if a, err := ln.Accept(); err != nil || a.RemoteAddr().String() != c.LocalAddr().String() || a.LocalAddr().Network() != "tcp" {
			t.Errorf("accept: %v", err)
		}
		unseen, err := n.Dial(t.Context(), "localhost:7000")
		if err != nil {
			t.Fatal(err)
		}
		ln.Close()
		_, err = ln.Accept()
		wantError(t, "accept", err, net.ErrClosed)
		_, err = unseen.Read(make([]byte, 1))
		wantError(t, "not accepted", err, syscall.ECONNRESET)
		_, err = n.Dial(t.Context(), "127.0.0.1:7000")
		wantError(t, "no longer", err, syscall.ECONNREFUSED)
		if n.Live() != 1 {
			t.Errorf("%d live", n.Live())
		}
	})
}
