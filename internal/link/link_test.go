package link

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestHalfClose(t *testing.T) {
	t.Run("peer first", func(t *testing.T) {
		l, there := open(t, lines{})
		io.WriteString(there, "last words\n")
		there.CloseWrite()
		got, err := readAll(within(t), l)
		if err != io.EOF || len(got) != 1 {
			t.Fatalf("got %q, %v", got, err)
		}
		if s := l.State(); !s.PeerFinished || s.Ended {
			t.Errorf("state after FIN = %+v", s)
		}
		if _, err := l.Write(within(t), frame("answer")); err != nil {
			t.Fatalf("Write after the peer's FIN: %v", err)
		}
		if err := l.FinishSending(); err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(there); string(b) != "answer\n" || err != nil {
			t.Errorf("peer got %q, %v", b, err)
		}
		l.Close(nil)
		if e := l.End(); e.Reason != PeerClosed || e.By != Peer {
			t.Errorf("End = %+v", e)
		}
	})
	t.Run("we first", func(t *testing.T) {
		l, there := open(t, lines{})
		pos, err := l.Write(within(t), frame("question"))
		if err != nil {
			t.Fatal(err)
		}
		if err := l.FinishSending(); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Write(within(t), frame("more")); err != ErrFinished {
			t.Errorf("Write after FinishSending: %v", err)
		}
		if b, err := io.ReadAll(there); string(b) != "question\n" || err != nil {
			t.Errorf("peer got %q, %v", b, err)
		}
		if at, known := l.Acked(); known {
			eventually(t, "FIN counts for nothing", func() bool { at, _ = l.Acked(); return at == pos })
		}
		io.WriteString(there, "answer\n")
		there.Close()
		got, err := readAll(within(t), l)
		if err != io.EOF || len(got) != 1 || got[0] != "answer" {
			t.Errorf("got %q, %v", got, err)
		}
		if s := l.State(); !s.PeerFinished || !s.Finished {
			t.Errorf("state = %+v", s)
		}
	})
	t.Run("no such thing", func(t *testing.T) {
		here, there := net.Pipe()
		l := New(here, lines{})
		go io.Copy(io.Discard, there)
		if err := l.FinishSending(); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("FinishSending on a pipe: %v", err)
		}
		if _, err := l.Write(within(t), frame("still here")); err != nil {
			t.Error(err)
		}
		l.Close(nil)
	})
}

func TestSetCodecWhileReadWaits(t *testing.T) {
	l, there := open(t, lines{})
	type result struct {
		s   []string
		err error
	}
	got := make(chan result, 1)
	go func() {
		fs, err := l.Read(within(t), 0)
		got <- result{collect(fs), err}
	}()
	io.WriteString(there, "\x00\x00\x00\x05hello")
	eventually(t, "9 bytes held", func() bool { have, _ := l.Held(); return have == 9 })
	select {
	case r := <-got:
		t.Fatalf("Read returned %q, %v", r.s, r.err)
	default:
	}
	l.SetCodec(len4{})
	if r := <-got; r.err != nil || !slices.Equal(r.s, []string{"hello"}) {
		t.Errorf("got %q, %v", r.s, r.err)
	}
	if l.Codec().String() != "len4" {
		t.Error("Codec is not the new one")
	}
}

func TestHeld(t *testing.T) {
	l, there := open(t, len4{})
	ctx, cancel := context.WithCancel(within(t))
	done := make(chan error)
	go func() { _, err := l.Read(ctx, 0); done <- err }()
	there.Write(append([]byte{0, 0, 0, 116}, make([]byte, 33)...))
	eventually(t, "37 of 120", func() bool { have, want := l.Held(); return have == 37 && want == 120 })
	if s := l.State(); s.Have != 37 || s.Want != 120 {
		t.Errorf("state = %+v", s)
	}
	cancel()
	if err := <-done; err != context.Canceled {
		t.Errorf("Read = %v", err)
	}
	if b := l.Take(); len(b) != 37 {
		t.Errorf("Take returned %d bytes", len(b))
	}
	if have, _ := l.Held(); have != 0 {
		t.Errorf("%d bytes held after Take", have)
	}
}

func TestManyGoroutines(t *testing.T) {
	here, there := pair(t)
	a, b := New(here, lines{}), New(there, lines{})
	ctx := within(t)
	var wg sync.WaitGroup
	both := func(l *Link) {
		wg.Go(func() { readAll(ctx, l) })
		wg.Go(func() {
			for {
				if _, err := l.Write(ctx, frame("message"), frame(strings.Repeat("m", 3000))); err != nil {
					return
				}
			}
		})
		wg.Go(func() {
			for {
				select {
				case <-l.Done():
					return
				default:
				}
				l.State()
				l.Held()
				if pos, known := l.Acked(); known && pos > l.Sent() {
					t.Errorf("acked %d of %d", pos, l.Sent())
				}
				l.SetCodec(lines{})
				runtime.Gosched()
			}
		})
	}
	both(a)
	both(b)
	eventually(t, "10,000 messages each way", func() bool {
		return a.State().FramesIn > 10_000 && b.State().FramesIn > 10_000
	})
	for range 3 {
		wg.Go(func() { a.Close(nil) })
		wg.Go(func() { b.Abort(nil) })
	}
	wg.Wait()
}

func TestFiguresAreAbsent(t *testing.T) {
	here, there := net.Pipe()
	l := New(here, lines{})
	if b, _ := json.Marshal(l.State().TCP); string(b) != "{}" {
		t.Errorf("a pipe has figures: %s", b)
	}
	if pos, known := l.Acked(); pos != 0 || known {
		t.Errorf("a pipe acknowledges %d", pos)
	}
	l.Close(nil)
	there.Close()
}

func TestIdleMemory(t *testing.T) {
	const n = 1000
	type half struct{ here, there *net.TCPConn }
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	halves := make([]half, n)
	for i := range halves {
		a, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Skip(err)
		}
		b, err := ln.Accept()
		if err != nil {
			t.Skip(err)
		}
		defer a.Close()
		defer b.Close()
		halves[i] = half{a.(*net.TCPConn), b.(*net.TCPConn)}
	}
	usage := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	before := usage()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var wg sync.WaitGroup
	links := make([]*Link, n)
	for i, h := range halves {
		links[i] = New(h.here, lines{})
		wg.Go(func() { readAll(ctx, links[i]) })
		io.WriteString(h.there, "one message\nhalf of")
	}
	for _, l := range links {
		eventually(t, "a message", func() bool { have, _ := l.Held(); return have == 7 })
		if _, err := l.Write(ctx, frame("an answer")); err != nil {
			t.Fatal(err)
		}
	}
	each := (usage() - before) / n
	t.Logf("%d bytes for each idle link", each)
	if each > 12<<10 { // 6 KiB here; the race detector takes its own
		t.Errorf("an idle link takes %d bytes", each)
	}
	for _, l := range links {
		l.Abort(nil)
	}
	wg.Wait()
}

// A connection whose first bytes were looked at before is still TCP.
func TestEmbeddedTCP(t *testing.T) {
	here, there := pair(t)
	l := New(struct{ *net.TCPConn }{here}, lines{})
	write(t, l, "hello")
	if err := l.FinishSending(); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(there); string(b) != "hello\n" || err != nil {
		t.Errorf("peer got %q, %v", b, err)
	}
	if l.rc == nil {
		t.Error("its socket is not seen")
	}
	l.Abort(nil)
}
