package link

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"tincan/codec"
)

func TestEnds(t *testing.T) {
	replaced := Reason("replaced")
	for _, test := range []struct {
		name   string
		do     func(t *testing.T, l *Link, there *net.TCPConn)
		reason Reason
		by     By
		say    string
	}{
		{"FIN", func(t *testing.T, l *Link, there *net.TCPConn) {
			there.Close()
			l.Close(readError(t, l))
		}, PeerClosed, Peer, "the peer closed the connection (FIN)"},
		{"FIN, then our own wish", func(t *testing.T, l *Link, there *net.TCPConn) {
			there.CloseWrite()
			readError(t, l)
			l.Close(errors.New("tired"))
		}, PeerClosed, Peer, "the peer closed the connection (FIN)"},
		{"RST", func(t *testing.T, l *Link, there *net.TCPConn) {
			there.SetLinger(0)
			there.Close()
			l.Close(readError(t, l))
		}, PeerReset, Peer, "the peer reset the connection (RST)"},
		{"FIN with unread data is RST", func(t *testing.T, l *Link, there *net.TCPConn) {
			write(t, l, "nobody reads this")
			readable(t, there)
			there.Close()
			readError(t, l)
		}, PeerReset, Peer, "the peer reset the connection (RST)"},
		{"FIN, then RST to what we say", func(t *testing.T, l *Link, there *net.TCPConn) {
			there.Close()
			readError(t, l)
			for {
				if _, err := l.Write(within(t), frame("hello?")); err != nil {
					return
				}
				time.Sleep(time.Millisecond)
			}
		}, PeerClosed, Peer, "the peer closed the connection (FIN) and then refused what was sent to it (RST)"},
		{"Close", func(t *testing.T, l *Link, there *net.TCPConn) { l.Close(nil) }, ClosedHere, Here, "closed here (FIN)"},
		{"Close under Read", func(t *testing.T, l *Link, there *net.TCPConn) {
			go l.Close(nil)
			readError(t, l)
		}, ClosedHere, Here, "closed here (FIN)"},
		{"Close with a cause", func(t *testing.T, l *Link, there *net.TCPConn) {
			l.Close(fmt.Errorf("newer link: %w", replaced))
			l.Close(errors.New("later"))
			l.Abort(nil)
		}, replaced, Here, "newer link: replaced"},
		{"Abort", func(t *testing.T, l *Link, there *net.TCPConn) { l.Abort(nil) }, Aborted, Here, "aborted here (RST)"},
		{"malformed", func(t *testing.T, l *Link, there *net.TCPConn) {
			there.Write([]byte{0, 0, 0xDE, 0xAD})
			l.Close(readError(t, l))
		}, Malformed, Here, "closed here because of what the peer sent: len4: no length"},
		{"too large", func(t *testing.T, l *Link, there *net.TCPConn) {
			there.Write([]byte{0xff, 0, 0, 0})
			readError(t, l)
			l.Close(nil)
		}, TooLarge, Here, "closed here because of what the peer sent: len4: a long frame"},
		{"the socket is taken away", func(t *testing.T, l *Link, there *net.TCPConn) {
			l.tcp.Close()
			readError(t, l)
		}, ClosedHere, Here, "closed here (FIN)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			l, there := open(t, len4{})
			test.do(t, l, there)
			select {
			case <-l.Done():
			case <-within(t).Done():
				t.Fatal("not done")
			}
			e := l.End()
			if e.Reason != test.reason || e.By != test.by || e.At.IsZero() {
				t.Errorf("End = %q by %q at %v (%v)", e.Reason, e.By, e.At, e.Err)
			}
			if s := e.String(); s != test.say && !strings.HasSuffix(s, test.say) {
				t.Errorf("End says %q, want %q", s, test.say)
			}
			_, err := l.Write(within(t), frame("x"))
			var end End
			if !errors.As(err, &end) || end.Reason != test.reason {
				t.Errorf("Write after the end: %v", err)
			}
			l.Close(nil)
			if _, err := l.Read(within(t), 0); !errors.As(err, &end) || end.Reason != test.reason {
				t.Errorf("Read after Close: %v", err)
			}
			if !l.State().Ended {
				t.Error("State does not say so")
			}
		})
	}
}

// readError reads until Read fails.
func readError(t *testing.T, l *Link) error {
	t.Helper()
	_, err := readAll(within(t), l)
	return err
}

func write(t *testing.T, l *Link, s ...string) int64 {
	t.Helper()
	var fs []codec.Frame
	for _, s := range s {
		fs = append(fs, frame(s))
	}
	pos, err := l.Write(within(t), fs...)
	if err != nil {
		t.Fatal(err)
	}
	return pos
}

// readable waits until bytes have arrived at c.
func readable(t *testing.T, c *net.TCPConn) {
	t.Helper()
	rc, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if _, known := recvQueue(rc); !known {
		t.Skip("this system does not show the receive queue")
	}
	eventually(t, "bytes arrive", func() bool { n, _ := recvQueue(rc); return n > 0 })
}

func TestPeerSeesOurEnd(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(l *Link)
		want error
	}{
		{"Close", func(l *Link) { l.Close(nil) }, nil},
		{"Abort", func(l *Link) { l.Abort(nil) }, syscall.ECONNRESET},
	} {
		l, there := open(t, lines{})
		write(t, l, "last words")
		got := make([]byte, len("last words\n"))
		io.ReadFull(there, got)
		test.do(l)
		if _, err := there.Read(got); test.want == nil && err != io.EOF || test.want != nil && !among(err, errnoReset) {
			t.Errorf("%s: the peer sees %v", test.name, err)
		}
	}
}

// A socket that is closed with unread bytes answers RST, which can overtake what we wrote.
func TestCloseLetsWrittenBytesGo(t *testing.T) {
	l, there := open(t, lines{})
	want := bytes.Repeat([]byte(strings.Repeat("y", 1023)+"\n"), 200)
	io.WriteString(there, "never read\n")
	stop := make(chan bool)
	chatter := make(chan bool)
	go func() {
		defer close(chatter)
		for {
			select {
			case <-stop:
				return
			default:
				if _, err := io.WriteString(there, "blah\n"); err != nil {
					return
				}
			}
		}
	}()
	readable(t, l.tcp.(*net.TCPConn))
	for range 200 {
		write(t, l, strings.Repeat("y", 1023))
	}
	closed := make(chan bool)
	go func() { l.Close(nil); close(closed) }()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(there, got); err != nil {
		t.Errorf("the peer got %d of %d bytes: %v", n, len(want), err)
	}
	close(stop)
	<-closed
	<-chatter
}

func TestNotReading(t *testing.T) {
	set(t, &patience, 200*time.Millisecond)
	l, there := open(t, len4{})
	there.SetReadBuffer(4 << 10)
	start := time.Now()
	body := codec.Frame{Body: make([]byte, 64<<10)}
	reader := make(chan error, 1)
	go func() { _, err := l.Read(within(t), 0); reader <- err }()
	var err error
	for err == nil {
		_, err = l.Write(within(t), body)
	}
	var e End
	if err := <-reader; !errors.As(err, &e) || e.Reason != NotReading {
		t.Errorf("Read = %v", err)
	}
	if !errors.As(err, &e) || e.Reason != NotReading || e.By != Here {
		t.Fatalf("Write = %v", err)
	}
	if e.String() != "closed here because the peer's program does not read" {
		t.Errorf("End says %q", e)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("after %v", d)
	}
	if at, known := l.Acked(); known && at >= l.Sent() {
		t.Errorf("acked %d of %d", at, l.Sent())
	}
	l.Close(err)
	if _, err := io.Copy(io.Discard, there); !among(err, errnoReset) {
		t.Errorf("the peer sees %v, want a reset", err)
	}
}

func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		l := New(here, lines{})
		start := time.Now()
		done := make(chan error)
		go func() { _, err := l.Write(t.Context(), frame(strings.Repeat("x", 100))); done <- err }()
		for range 5 { // a peer that takes a byte now and then is reading
			time.Sleep(9 * time.Second)
			there.Read(make([]byte, 1))
		}
		err := <-done
		var e End
		if !errors.As(err, &e) || e.Reason != NotReading {
			t.Fatalf("Write = %v", err)
		}
		if d := time.Since(start); d < 55*time.Second || d > 57*time.Second {
			t.Errorf("after %v, want 10 s after the last byte", d)
		}
		l.Close(err)
	})
}

// Where a write that timed out cannot be continued, a slow peer is still no silent one.
func TestPatienceInPieces(t *testing.T) {
	set(t, &resumable, false)
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		l := New(here, len4{})
		done := make(chan error)
		go func() { _, err := l.Write(t.Context(), codec.Frame{Body: make([]byte, 5*piece)}); done <- err }()
		start := time.Now()
		for range 3 {
			time.Sleep(9 * time.Second)
			if _, err := io.ReadFull(there, make([]byte, piece)); err != nil {
				t.Fatal(err)
			}
		}
		var e End
		if err := <-done; !errors.As(err, &e) || e.Reason != NotReading {
			t.Fatalf("Write = %v", err)
		}
		if d := time.Since(start); d != 37*time.Second || l.Sent() != 3*piece {
			t.Errorf("after %v and %d bytes", d, l.Sent())
		}
		l.Close(nil)
	})
}

func TestSetPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, _ := net.Pipe()
		l := New(here, lines{})
		l.SetPatience(time.Second)
		start := time.Now()
		if _, err := l.Write(t.Context(), frame("x")); err == nil || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		l.Close(nil)
	})
}

func TestWriteCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		l := New(here, lines{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := l.Write(ctx, frame("nothing of it")); err != context.DeadlineExceeded {
			t.Fatalf("Write = %v", err)
		}
		select {
		case <-l.Done():
			t.Fatal("the link ended although nothing was written")
		default:
		}
		got := make(chan string)
		go func() {
			b := make([]byte, 6)
			io.ReadFull(there, b)
			got <- string(b)
		}()
		if _, err := l.Write(t.Context(), frame("hello")); err != nil {
			t.Fatal(err)
		}
		if s := <-got; s != "hello\n" {
			t.Errorf("got %q", s)
		}
		ctx, cancel2 := context.WithTimeout(t.Context(), time.Second)
		defer cancel2()
		go there.Read(make([]byte, 3))
		_, err := l.Write(ctx, frame("only a part"))
		var e End
		if !errors.As(err, &e) || e.Reason != ClosedHere || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Write = %v", err)
		}
		l.Close(nil)
	})
}

func TestCloseUnderWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, _ := net.Pipe()
		l := New(here, lines{})
		done := make(chan error)
		go func() { _, err := l.Write(t.Context(), frame("x")); done <- err }()
		synctest.Wait()
		l.Close(Reason("kicked"))
		var e End
		if err := <-done; !errors.As(err, &e) || e.Reason != "kicked" {
			t.Errorf("Write = %v", err)
		}
	})
}

func TestUnsayable(t *testing.T) {
	l, there := open(t, lines{})
	pos, err := l.Write(within(t), frame("one"), frame("two"), frame("t\nhree"), frame("four"))
	var bad *FrameError
	var kind *codec.Error
	if !errors.As(err, &bad) || bad.Index != 2 || !errors.As(err, &kind) || kind.Kind != codec.Unsayable {
		t.Fatalf("err = %v", err)
	}
	if pos != 8 || l.Sent() != 8 || l.State().FramesOut != 2 {
		t.Errorf("pos = %d, sent = %d", pos, l.Sent())
	}
	write(t, l, "five")
	l.FinishSending()
	if b, _ := io.ReadAll(there); string(b) != "one\ntwo\nfive\n" {
		t.Errorf("peer got %q", b)
	}
}

func TestBatchLargerThanOneCall(t *testing.T) {
	ctx := within(t)
	here, there := pair(t)
	a, b := New(here, lines{}), New(there, lines{})
	defer a.Close(nil)
	defer b.Close(nil)
	var fs []codec.Frame
	for i := range 20_000 {
		fs = append(fs, frame(fmt.Sprintf("%d %s", i, strings.Repeat("b", 90))))
	}
	go func() { a.Write(ctx, fs...); a.FinishSending() }()
	got, err := readAll(ctx, b)
	if err != io.EOF || len(got) != len(fs) {
		t.Fatalf("got %d frames, %v", len(got), err)
	}
	for i := range fs {
		if got[i] != string(fs[i].Body) {
			t.Fatalf("frame %d = %q", i, got[i])
		}
	}
	if s := a.State(); s.FramesOut != int64(len(fs)) || s.BytesOut != b.State().BytesIn {
		t.Errorf("state = %+v", s)
	}
}

func TestCodecErrorComesAfterTheFramesBeforeIt(t *testing.T) {
	l, there := open(t, len4{})
	there.Write([]byte("\x00\x00\x00\x02ok\x00\x00\xDE\xADrest"))
	there.CloseWrite()
	got, err := readAll(within(t), l)
	var bad *codec.Error
	if !slices.Equal(got, []string{"ok"}) || !errors.As(err, &bad) || bad.Kind != codec.Malformed {
		t.Fatalf("got %q, %v", got, err)
	}
	if _, again := l.Read(within(t), 0); again != err {
		t.Errorf("Read again = %v", again)
	}
	select {
	case <-l.Done():
		t.Error("the link ended")
	default:
	}
	l.SetCodec(fixed{4})
	got, err = readAll(within(t), l)
	if !slices.Equal(got, []string{"\x00\x00\xDE\xAD", "rest"}) || err != io.EOF {
		t.Errorf("with another codec: %q, %v", got, err)
	}
}

func TestTakeAfterCodecError(t *testing.T) {
	l, there := open(t, len4{})
	there.Write([]byte("\x00\x00\xDE\xADrest"))
	if err := readError(t, l); err == nil {
		t.Fatal("no error")
	}
	if b := l.Take(); string(b) != "\x00\x00\xDE\xADrest" {
		t.Errorf("Take = %q", b)
	}
	if b := l.Take(); len(b) != 0 {
		t.Errorf("Take again = %q", b)
	}
}

func TestReset(t *testing.T) {
	t.Run("what had arrived is still read", func(t *testing.T) {
		l, there := open(t, lines{})
		ctx, cancel := context.WithCancel(within(t))
		cancel()
		write(t, l, "unread at the peer")
		readable(t, there)
		io.WriteString(there, "goodbye\nand ha")
		readable(t, l.tcp.(*net.TCPConn))
		there.Close() // RST
		for {
			if _, err := l.Write(within(t), frame("x")); err != nil {
				break
			}
			time.Sleep(time.Millisecond)
		}
		if e := l.End(); e.Reason != PeerReset {
			t.Errorf("End = %v", e)
		}
		if _, err := l.Read(ctx, 0); err != context.Canceled {
			t.Errorf("Read = %v", err)
		}
		got, err := readAll(within(t), l)
		if len(got) == 0 || got[0] != "goodbye" {
			t.Errorf("got %q", got)
		}
		var e End
		if !errors.As(err, &e) || e.Reason != PeerReset {
			t.Errorf("err = %v", err)
		}
	})
	t.Run("does not acknowledge", func(t *testing.T) {
		set(t, &patience, 100*time.Millisecond)
		l, there := open(t, len4{})
		there.SetReadBuffer(4 << 10)
		for {
			if _, err := l.Write(within(t), codec.Frame{Body: make([]byte, 256<<10)}); err != nil {
				break
			}
		}
		before, known := l.Acked()
		if !known {
			t.Skip("not known on this system")
		}
		there.SetLinger(0)
		there.Close()
		readError(t, l)
		if after, _ := l.Acked(); after != before || after >= l.Sent() {
			t.Errorf("acked %d before the reset, %d after it, of %d", before, after, l.Sent())
		}
	})
}
