package api

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"tincan"
)

// TestSessions opens things under sessions and ends the sessions, one way and another.
func TestSessions(t *testing.T) {
	bubble(t, func(t *testing.T, f *fake, s *Server, client func() *Client) {
		a, b := client(), client()
		a.Session, b.Session = "a", "b"
		if _, err := a.Listen(t.Context(), ":1"); !isCode(err, tincan.CodeRefused) {
			t.Errorf("listen without events: %v", err)
		}
		if _, err := a.Dial(t.Context(), "h:1"); !isCode(err, tincan.CodeRefused) {
			t.Errorf("dial without events: %v", err)
		}
		actx, aend := context.WithCancel(t.Context())
		bctx, bend := context.WithCancel(t.Context())
		defer bend()
		a.Events(actx)
		b.Events(bctx)
		must := func(_ any, err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(a.Listen(t.Context(), ":1")) // t1
		must(b.Listen(t.Context(), ":2")) // t2
		must(client().Dial(t.Context(), "before"))
		for _, room := range []string{"mine", "ours", "before", "after", "hungup"} {
			must(a.Dial(t.Context(), room))
		}
		must(b.Dial(t.Context(), "ours"))
		must(client().Dial(t.Context(), "after"))
		must(nil, client().HangUp(t.Context(), "hungup"))
		must(client().Dial(t.Context(), "hungup"))
		f.mu.Lock()
		f.calls = nil
		f.status.Links = []tincan.LinkStatus{{ID: 1, Listener: "t1"}, {ID: 2, Listener: "t2"}, {ID: 3, Listener: "t1"}, {ID: 4}}
		f.mu.Unlock()
		aend()
		synctest.Wait()
		got := f.log()
		slices.Sort(got)
		if want := []string{"disconnect 1", "disconnect 3", "hangup mine", "status", "stop t1"}; !slices.Equal(got, want) {
			t.Errorf("a ended: %q, want %q", got, want)
		}
		f.mu.Lock()
		f.calls = nil
		f.mu.Unlock()
		s.Close()
		got = f.log()
		slices.Sort(got)
		if want := []string{"disconnect 2", "hangup ours", "status", "stop t2"}; !slices.Equal(got, want) {
			t.Errorf("the server ended: %q, want %q", got, want)
		}
	})
}

// TestSessionOfTwoStreams ends with the second of them.
func TestSessionOfTwoStreams(t *testing.T) {
	bubble(t, func(t *testing.T, f *fake, s *Server, client func() *Client) {
		c := client()
		c.Session = "s"
		first, end1 := context.WithCancel(t.Context())
		second, end2 := context.WithCancel(t.Context())
		c.Events(first)
		if _, err := c.Listen(t.Context(), ":1"); err != nil {
			t.Fatal(err)
		}
		c.Events(second)
		end1()
		synctest.Wait()
		if f.asked("stop t1") != 0 {
			t.Error("stopped while a stream is open")
		}
		end2()
		synctest.Wait()
		if f.asked("stop t1") != 1 {
			t.Errorf("not stopped: %q", f.log())
		}
	})
}

// TestDialAgainWhileHangingUp ends a session and dials its address anew while the end is still under way.
func TestDialAgainWhileHangingUp(t *testing.T) {
	for _, session := range []string{"", "second"} {
		bubble(t, func(t *testing.T, f *fake, s *Server, client func() *Client) {
			f.hang = make(chan struct{})
			a, b := client(), client()
			a.Session, b.Session = "first", session
			ctx, end := context.WithCancel(t.Context())
			a.Events(ctx)
			b.Events(t.Context())
			if _, err := a.Dial(t.Context(), "h:1"); err != nil {
				t.Fatal(err)
			}
			end()
			synctest.Wait() // HangUp is under way
			dialled := make(chan error, 1)
			go func() {
				_, err := b.Dial(t.Context(), "h:1")
				dialled <- err
			}()
			synctest.Wait()
			if len(dialled) != 0 {
				t.Error("did not wait")
			}
			close(f.hang)
			if err := <-dialled; err != nil {
				t.Error(err)
			}
			log := f.log()
			if last := log[len(log)-1]; last != "dial h:1" || f.asked("hangup h:1") != 1 {
				t.Errorf("session %q: %q", session, log)
			}
		})
	}
}

// lateFake is a talker in which a session ends while it opens something for it.
type lateFake struct {
	*fake
	end  func()
	once sync.Once
}

func (l *lateFake) Listen(ctx context.Context, addr string) (tincan.ListenerStatus, error) {
	l.once.Do(l.end)
	return l.fake.Listen(ctx, addr)
}

func (l *lateFake) Dial(ctx context.Context, addr string) (tincan.RoomStatus, error) {
	l.once.Do(l.end)
	return l.fake.Dial(ctx, addr)
}

func TestSessionEndsWhileOpening(t *testing.T) {
	for _, verb := range []string{"listen", "dial"} {
		bubble(t, func(t *testing.T, f *fake, s *Server, client func() *Client) {
			c := client()
			c.Session = "s"
			ctx, cancel := context.WithCancel(t.Context())
			s.talker = &lateFake{fake: f, end: func() { cancel(); synctest.Wait() }}
			c.Events(ctx)
			var err error
			undone := "stop t1"
			if verb == "listen" {
				_, err = c.Listen(t.Context(), ":1")
			} else {
				_, err = c.Dial(t.Context(), "h:1")
				undone = "hangup h:1"
			}
			if !isCode(err, tincan.CodeClosed) || f.asked(undone) != 1 {
				t.Errorf("%s: %v, %q", verb, err, f.log())
			}
		})
	}
}
