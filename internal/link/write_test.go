package link

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tincan/codec"
)

// After a Write that failed, Begun says which frames the peer may have: those that went out whole, and the one that
// was cut. The others never left.
func TestBegun(t *testing.T) {
	var fs []codec.Frame
	for range 10 {
		fs = append(fs, frame(strings.Repeat("x", 99))) // 100 bytes with their end
	}
	for _, test := range []struct{ take, begun int }{{0, 0}, {1, 1}, {99, 1}, {100, 1}, {101, 2}, {950, 10}} {
		synctest.Test(t, func(t *testing.T) {
			here, there := net.Pipe()
			l := New(here, lines{})
			l.wire.resumable = true
			done := make(chan error)
			go func() { _, err := l.Write(t.Context(), fs...); done <- err }()
			io.ReadFull(there, make([]byte, test.take))
			there.Close()
			var e End
			if err := <-done; !errors.As(err, &e) || l.Begun() != test.begun {
				t.Errorf("the peer took %d bytes: %v, begun %d, want %d", test.take, err, l.Begun(), test.begun)
			}
			if _, err := l.Write(t.Context(), fs...); err == nil || l.Begun() != 0 {
				t.Errorf("after the end: %v, begun %d, want 0", err, l.Begun())
			}
			l.Close(nil)
		})
	}
	l, there := open(t, lines{})
	go io.Copy(io.Discard, there)
	if _, err := l.Write(within(t), frame("one"), frame("t\nwo"), frame("three")); err == nil || l.Begun() != 1 {
		t.Errorf("a frame without an encoding: %v, begun %d, want 1", err, l.Begun())
	}
	if _, err := l.Write(within(t), fs...); err != nil || l.Begun() != 10 {
		t.Errorf("%v, begun %d, want 10", err, l.Begun())
	}
	ctx, cancel := context.WithCancel(within(t))
	cancel()
	if _, err := l.Write(ctx, fs...); err == nil || l.Begun() != 0 {
		t.Errorf("not wanted any more: %v, begun %d, want 0", err, l.Begun())
	}
	var many []codec.Frame // more than one system call takes
	for range 5000 {
		many = append(many, fs[0])
	}
	if _, err := l.Write(within(t), many...); err != nil || l.Begun() != 5000 {
		t.Errorf("%v, begun %d, want 5000", err, l.Begun())
	}
}

// The kernel tells of a reset once, to the reader or to the writer; the other sees an end or a broken pipe. Whoever is
// first, it was a reset.
func TestResetUnderReadAndWrite(t *testing.T) {
	for round := range 105 {
		var reset atomic.Bool
		var c codec.Codec = len4{}
		if round >= 100 {
			c = lateCodec{len4{}, &reset}
		}
		l, there := open(t, c)
		read := make(chan error, 1)
		go func() { _, err := l.Read(within(t), 0); read <- err }()
		wrote := make(chan error, 1)
		go func() {
			for {
				if _, err := l.Write(within(t), codec.Frame{Body: make([]byte, 256<<10)}); err != nil {
					wrote <- err
					return
				}
			}
		}()
		eventually(t, "the writer waits", func() bool { t := l.State().TCP; return t.NotSent == nil || *t.NotSent > 0 })
		reset.Store(true)
		there.SetLinger(0)
		there.Close()
		var e End
		if err := <-wrote; !errors.As(err, &e) || e.Reason != PeerReset {
			t.Fatalf("Write = %v", err)
		}
		if err := <-read; !errors.As(err, &e) || e.Reason != PeerReset {
			t.Fatalf("Read = %v", err)
		}
		if e := l.End(); e.Reason != PeerReset || e.By != Peer || l.State().PeerFinished {
			t.Fatalf("End = %+v", e)
		}
		l.Close(nil)
	}
}

// lateCodec makes a writer late that looks at what it has written, as a busy machine does.
type lateCodec struct {
	len4
	late *atomic.Bool
}

func (c lateCodec) Append(dst []byte, f codec.Frame) ([]byte, error) {
	if c.late.Load() {
		time.Sleep(300 * time.Millisecond)
	}
	return c.len4.Append(dst, f)
}

// calls is a connection in memory that notes each write.
type calls struct {
	net.Conn
	sizes []int
}

func (c *calls) Write(p []byte) (int, error) {
	c.sizes = append(c.sizes, len(p))
	return len(p), nil
}
func (c *calls) SetWriteDeadline(time.Time) error { return nil }

// A batch is one system call, up to 256 KiB and a frame; more is as few as that allows. Only whole frames are in each.
func TestOneCallForABatch(t *testing.T) {
	for _, test := range []struct{ frames, size, calls int }{
		{1, 0, 1}, {1, 10, 1}, {1000, 10, 1}, {1024, 255, 1}, {2048, 255, 2}, {1, 1 << 20, 1}, {3, 200 << 10, 2}, {0, 0, 0},
	} {
		here, there := net.Pipe()
		c := &calls{Conn: here}
		l := New(c, lines{1 << 20})
		var fs []codec.Frame
		for range test.frames {
			fs = append(fs, frame(strings.Repeat("x", test.size)))
		}
		pos, err := l.Write(t.Context(), fs...)
		if err != nil || len(c.sizes) != test.calls || pos != int64(test.frames*(test.size+1)) {
			t.Errorf("%d frames of %d bytes: %d calls %v, %d bytes, %v; want %d calls", test.frames, test.size, len(c.sizes), c.sizes, pos, err, test.calls)
		}
		for _, n := range c.sizes {
			if n%(test.size+1) != 0 {
				t.Errorf("a call of %d bytes cuts a frame of %d", n, test.size+1)
			}
		}
		l.Close(nil)
		there.Close()
	}
}
