package link

import (
	"crypto/tls"
	"errors"
	"io"
	"slices"
	"testing"
	"time"
)

func TestTLS(t *testing.T) {
	here, there, rawThere := encrypted(t)
	l := New(here, lines{})
	defer l.Close(nil)
	shook := l.Sent()
	if shook == 0 {
		t.Error("the handshake is not counted")
	}
	pos := write(t, l, "question")
	if pos <= shook+int64(len("question\n")) {
		t.Errorf("pos = %d after %d: not what TCP carries", pos, shook)
	}
	if _, known := l.Acked(); known {
		eventually(t, "acknowledged", func() bool { at, _ := l.Acked(); return at == pos })
		if s := l.State().TCP; s.State == nil || s.Acked == nil || *s.Acked != pos {
			t.Errorf("figures = %+v", s)
		}
	}
	b := make([]byte, 9)
	if _, err := io.ReadFull(there, b); err != nil || string(b) != "question\n" {
		t.Fatalf("peer got %q, %v", b, err)
	}
	if err := l.FinishSending(); err != nil {
		t.Fatal(err)
	}
	if n, err := there.Read(b); n != 0 || err != io.EOF {
		t.Errorf("peer sees %d, %v, want close_notify", n, err)
	}
	if n, err := rawThere.Read(b); n != 0 || err != io.EOF {
		t.Errorf("peer sees %d, %v, want FIN", n, err)
	}
	io.WriteString(there, "answer\nhal")
	there.CloseWrite()
	rawThere.Close()
	got, err := readAll(within(t), l)
	if err != io.EOF || !slices.Equal(got, []string{"answer", "hal…"}) {
		t.Errorf("got %q, %v", got, err)
	}
	l.Close(nil)
	if e := l.End(); e.Reason != PeerClosed {
		t.Errorf("End = %v", e)
	}
	if at, known := l.Acked(); known && at != l.Sent() {
		t.Errorf("acked %d of %d at the end", at, l.Sent())
	}
}

func TestTLSEnds(t *testing.T) {
	t.Run("FIN without goodbye", func(t *testing.T) {
		here, there, rawThere := encrypted(t)
		l := New(here, lines{})
		defer l.Close(nil)
		io.WriteString(there, "one\nhal")
		rawThere.Write([]byte{23, 3, 3, 0, 99}) // the beginning of a record
		rawThere.Close()
		got, err := readAll(within(t), l)
		var e End
		if !slices.Equal(got, []string{"one", "hal…"}) || !errors.As(err, &e) || e.Reason != PeerClosed ||
			!errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %q, %v", got, err)
		}
		if e.String() != "the peer closed the connection (FIN) without the goodbye of TLS" {
			t.Errorf("End says %q", e)
		}
	})
	t.Run("nonsense", func(t *testing.T) {
		here, _, rawThere := encrypted(t)
		l := New(here, lines{})
		defer l.Close(nil)
		rawThere.Write(make([]byte, 100))
		if err := readError(t, l); l.End().Reason != TLSFailed || l.End().By != Here {
			t.Errorf("err = %v, End = %+v", err, l.End())
		}
	})
	t.Run("refused by the peer", func(t *testing.T) {
		a, b := pair(t)
		l := New(tls.Client(Count(a), &tls.Config{InsecureSkipVerify: true}), lines{})
		defer l.Close(nil)
		go tls.Server(b, &tls.Config{}).Handshake() // has no certificate
		if err := readError(t, l); l.End().Reason != TLSFailed || l.End().By != Peer {
			t.Errorf("err = %v, End = %+v", err, l.End())
		}
	})
	t.Run("a handshake that is interrupted", func(t *testing.T) {
		a, _ := pair(t)
		l := New(tls.Client(Count(a), &tls.Config{InsecureSkipVerify: true}), lines{})
		defer l.Close(nil)
		go func() {
			for {
				select {
				case <-l.Done():
					return
				case <-time.After(10 * time.Millisecond):
					l.SetCodec(lines{})
				}
			}
		}()
		if err := readError(t, l); l.End().Reason != TLSFailed || l.End().By != Here {
			t.Errorf("err = %v, End = %+v", err, l.End())
		}
	})
	t.Run("not reading", func(t *testing.T) {
		set(t, &patience, 100*time.Millisecond)
		here, _, rawThere := encrypted(t)
		rawThere.SetReadBuffer(4 << 10)
		l := New(here, len4{})
		var err error
		for err == nil {
			_, err = l.Write(within(t), frame(string(make([]byte, 100<<10))))
		}
		if l.End().Reason != NotReading {
			t.Errorf("err = %v", err)
		}
		start := time.Now()
		l.Close(nil)
		if d := time.Since(start); d > time.Second {
			t.Errorf("Close took %v", d)
		}
	})
	t.Run("Close says goodbye", func(t *testing.T) {
		here, there, _ := encrypted(t)
		l := New(here, lines{})
		write(t, l, "last words")
		go l.Close(nil)
		if b, err := io.ReadAll(there); string(b) != "last words\n" || err != nil {
			t.Errorf("peer got %q, %v", b, err)
		}
	})
	t.Run("Close under a Write that waits", func(t *testing.T) {
		here, _, rawThere := encrypted(t)
		rawThere.SetReadBuffer(4 << 10)
		l := New(here, len4{})
		done := make(chan error)
		go func() {
			for {
				if _, err := l.Write(within(t), frame(string(make([]byte, 100<<10)))); err != nil {
					done <- err
					return
				}
			}
		}()
		last := int64(-1)
		eventually(t, "the peer's buffer is full", func() bool {
			now := l.Sent()
			full := now == last && now > 0
			last = now
			time.Sleep(20 * time.Millisecond)
			return full
		})
		start := time.Now()
		l.Close(nil)
		<-done
		if d := time.Since(start); d > 3*time.Second {
			t.Errorf("Close took %v", d)
		}
	})
}

func TestTLSCancelAndQuiet(t *testing.T) {
	here, there, _ := encrypted(t)
	l := New(here, gap{20})
	defer l.Close(nil)
	io.WriteString(there, "over TLS")
	fs, err := l.Read(within(t), 0)
	if got := collect(fs); err != nil || !slices.Equal(got, []string{"over TLS"}) {
		t.Fatalf("got %q, %v", got, err)
	}
	l.SetCodec(lines{})
	io.WriteString(there, "still")
	done := make(chan error, 1)
	go func() {
		eventually(t, "5 bytes", func() bool { have, _ := l.Held(); return have == 5 })
		_, err := io.WriteString(there, " here\n")
		done <- err
	}()
	fs, err = l.Read(within(t), 0)
	if got := collect(fs); err != nil || !slices.Equal(got, []string{"still here"}) {
		t.Errorf("got %q, %v", got, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A handshake is commonly bounded by a deadline that is then lifted.
func TestCountKeepsDeadlinesApart(t *testing.T) {
	a, b := pair(t)
	c := Count(a)
	c.SetDeadline(time.Now().Add(time.Hour))
	c.SetDeadline(time.Time{})
	l := New(c, lines{})
	defer l.Close(nil)
	if pos := write(t, l, "four"); pos != 5 {
		t.Errorf("pos = %d", pos)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(b, got); err != nil {
		t.Error(err)
	}
	c.SetWriteDeadline(time.Now().Add(-time.Second))
	if _, err := c.Write([]byte("late")); err == nil {
		t.Error("a deadline in the past did not stop a write")
	}
}

func TestTLSOverBareConnection(t *testing.T) {
	a, b := pair(t)
	here := tls.Client(a, &tls.Config{InsecureSkipVerify: true})
	_ = b
	l := New(here, lines{})
	if _, known := l.Acked(); known {
		t.Error("Acked claims to know what was not counted")
	}
	if s := l.State().TCP; s.Acked != nil {
		t.Errorf("figures = %+v", s)
	}
	l.Abort(nil)
}
