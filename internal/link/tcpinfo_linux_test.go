package link

import (
	"encoding/json"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tincan/codec"
)

func TestFigures(t *testing.T) {
	l, there := open(t, lines{})
	pos := write(t, l, strings.Repeat("f", 9999))
	io.ReadFull(there, make([]byte, 10_000))
	io.WriteString(there, "unread")
	eventually(t, "figures settle", func() bool {
		f := l.State().TCP
		return f.RecvQueue != nil && *f.RecvQueue == 6 && f.SendQueue != nil && *f.SendQueue == 0
	})
	b, err := json.Marshal(l.State().TCP)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", b)
	var got map[string]any
	json.Unmarshal(b, &got)
	for _, name := range []string{"state", "rtt_us", "rttvar_us", "min_rtt_us", "retransmits", "backoff", "send_queue",
		"not_sent", "recv_queue", "acked", "send_mss", "recv_mss", "send_window", "recv_window", "cwnd",
		"segments_in", "segments_out", "last_ack_ms"} {
		if _, ok := got[name]; !ok {
			t.Errorf("no %s", name)
		}
	}
	if got["state"] != "ESTABLISHED" || got["acked"] != float64(pos) {
		t.Errorf("state %v, acked %v of %d", got["state"], got["acked"], pos)
	}
	there.CloseWrite()
	eventually(t, "CLOSE_WAIT", func() bool { return *l.State().TCP.State == "CLOSE_WAIT" })
	l.Close(nil)
	if s := l.State().TCP.State; s == nil || *s != "CLOSE_WAIT" {
		t.Error("no last figures after the end")
	}
}

func TestAckedWhileNobodyReads(t *testing.T) {
	l, _ := open(t, lines{})
	pos := write(t, l, "the peer's program sleeps", "its TCP does not")
	eventually(t, "acknowledged", func() bool { at, known := l.Acked(); return known && at == pos })
	if err := l.FinishSending(); err != nil {
		t.Fatal(err)
	}
	if at, _ := l.Acked(); at != pos {
		t.Errorf("acked = %d after FIN, want %d", at, pos)
	}
	l.Close(nil)
	if at, known := l.Acked(); at != pos || !known {
		t.Errorf("acked = %d, %v after Close", at, known)
	}
}

// A paused link is one whose Read is not called.
func TestPause(t *testing.T) {
	ctx := within(t)
	here, there := pair(t)
	there.SetReadBuffer(64 << 10)
	here.SetWriteBuffer(64 << 10)
	a, b := New(here, len4{}), New(there, len4{})
	defer a.Close(nil)
	defer b.Close(nil)
	const n = 200
	done := make(chan error, 1)
	go func() {
		for range n {
			if _, err := a.Write(ctx, codec.Frame{Body: make([]byte, 10_000)}); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	eventually(t, "both queues fill and the window closes", func() bool {
		f, g := a.State().TCP, b.State().TCP
		return *f.SendQueue > 0 && *f.NotSent > 0 && *g.RecvQueue > 10_000 && *f.SendWindow < 10_000
	})
	if at, _ := a.Acked(); at >= a.Sent() {
		t.Errorf("acked %d of %d while the peer's window is closed", at, a.Sent())
	}
	for got := 0; got < n; {
		fs, err := b.Read(ctx, 0)
		if err != nil {
			t.Fatal(err)
		}
		got += len(fs)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	eventually(t, "the queues drain", func() bool {
		at, _ := a.Acked()
		return at == a.Sent() && *a.State().TCP.SendQueue == 0 && *b.State().TCP.RecvQueue == 0
	})
}

// Acked may be late, but what it claims must be true: the peer's kernel has these bytes.
func TestAckedIsNeverTooHigh(t *testing.T) {
	here, there := pair(t)
	there.SetReadBuffer(4 << 20)
	rc, err := there.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	l := New(here, len4{})
	defer l.Close(nil)
	done := make(chan bool)
	go func() {
		defer close(done)
		for range 1000 {
			if _, err := l.Write(within(t), frame(strings.Repeat("q", 900))); err != nil {
				return
			}
		}
		l.FinishSending()
	}()
	samples := 0
	for writing := true; writing; samples++ {
		select {
		case <-done:
			writing = false
		default:
		}
		at, known := l.Acked()
		if has, _ := recvQueue(rc); !known || at > has {
			t.Fatalf("acked %d, %v, but the peer's kernel has %d", at, known, has)
		}
	}
	t.Logf("%d samples", samples)
	eventually(t, "all acknowledged", func() bool { at, _ := l.Acked(); return at == l.Sent() })
}

func TestOwner(t *testing.T) {
	me := filepath.Base(os.Args[0])[:min(15, len(filepath.Base(os.Args[0])))] // comm is 15 bytes
	for _, at := range []string{"127.0.0.1:0", "[::1]:0", ":0"} {
		ln, err := net.Listen("tcp", at)
		if err != nil {
			t.Logf("%s: %v", at, err)
			continue
		}
		addr := ln.Addr().(*net.TCPAddr).AddrPort()
		for _, ask := range []netip.AddrPort{addr, netip.AddrPortFrom(netip.IPv4Unspecified(), addr.Port()),
			netip.AddrPortFrom(netip.Addr{}, addr.Port())} {
			name, pid, ok := Owner(ask)
			if !ok || pid != os.Getpid() || name != me {
				t.Errorf("Owner(%v) = %q, %d, %v, want %q, %d", ask, name, pid, ok, me, os.Getpid())
			}
		}
		ln.Close()
		if name, pid, ok := Owner(addr); ok {
			t.Errorf("Owner(%v) of nothing = %q, %d", addr, name, pid)
		}
	}
}

func TestTableAddr(t *testing.T) {
	for _, test := range []struct{ s, want string }{
		{"0100007F:1F90", "127.0.0.1:8080"},
		{"00000000000000000000000001000000:0050", "[::1]:80"},
		{"0000000000000000FFFF00000100007F:0050", "[::ffff:127.0.0.1]:80"},
		{"junk", ""}, {"01:02", ""}, {"0100007F:12345", ""},
	} {
		got, ok := tableAddr(test.s)
		if ok != (test.want != "") || ok && got.String() != test.want {
			t.Errorf("tableAddr(%q) = %v, %v, want %q", test.s, got, ok, test.want)
		}
	}
}
