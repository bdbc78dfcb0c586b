package tincan

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// heard is a host whose room has many messages of a guest.
func heard(t *testing.T, many int) (dir string) {
	dir = t.TempDir()
	host, guest := openHere(t, dir), openHere(t, t.TempDir())
	l := mustListen(t, host, "tincan://127.0.0.1:0?admit=open")
	room := mustDial(t, guest, "tincan://"+l.Addr+"?accept=new")
	untilPhase(t, guest, room, "connected")
	for i := range many {
		if _, err := guest.Send(t.Context(), room, fmt.Appendf(nil, "question %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the host has all", func() bool {
		ms, err := host.History(t.Context(), lobby, 0, many)
		return err == nil && len(ms) == many
	})
	guest.Close()
	host.Close()
	return dir
}

// A program that answers through Handle answers each message once, wherever it is killed.
func TestHandleOnce(t *testing.T) {
	const many = 150
	dir := heard(t, many)
	calls := 0
	for life := 0; ; life++ {
		n := openHere(t, dir)
		mustListen(t, n, "tincan://127.0.0.1:0?admit=open")
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		done := make(chan error, 1)
		soon := make(chan bool)
		go func() {
			here := 0
			done <- n.Handle(ctx, lobby, "answers", func(_ context.Context, m Message) ([]Outgoing, error) {
				if calls++; here == 5+life {
					soon <- true // and goes on while the folder is copied
				}
				here++
				time.Sleep(time.Millisecond)
				return []Outgoing{{Room: lobby, Body: fmt.Appendf(nil, "answer to %s", m.Body)}}, nil
			})
		}()
		select {
		case <-soon:
			time.Sleep(rand.N(10 * time.Millisecond))
			dir = copyFolder(t, dir)
			cancel()
			<-done
			n.Close()
			continue
		case <-time.After(time.Second): // nothing is left to do
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Handle = %v", err)
		}
		ms, err := n.History(t.Context(), lobby, 0, 10*many)
		if err != nil {
			t.Fatal(err)
		}
		var want, got []string
		for _, m := range ms {
			if m.From != Me {
				want = append(want, "answer to "+string(m.Body))
			} else {
				got = append(got, string(m.Body))
			}
		}
		if len(want) != many || strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%d messages have %d answers: %q", len(want), len(got), got)
		}
		if life < 5 || calls <= many {
			t.Errorf("it was killed %d times and asked %d times: that shows nothing", life, calls)
		}
		return
	}
}

// What was handled before an error is kept, the rest comes again, and what cannot be sent keeps its message unhandled.
func TestHandleError(t *testing.T) {
	n := openHere(t, heard(t, 10))
	mustListen(t, n, "tincan://127.0.0.1:0?admit=open")
	wrong := errors.New("wrong")
	seen := ""
	err := n.Handle(t.Context(), lobby, "r", func(_ context.Context, m Message) ([]Outgoing, error) {
		if seen += string(m.Body[len("question "):]); m.Offset == 4 {
			return nil, wrong
		}
		return nil, nil
	})
	if !errors.Is(err, wrong) || seen != "0123" {
		t.Errorf("Handle = %v after %q", err, seen)
	}
	err = n.Handle(t.Context(), lobby, "r", func(_ context.Context, m Message) ([]Outgoing, error) {
		seen += string(m.Body[len("question "):])
		return []Outgoing{{Room: "nowhere"}}, nil
	})
	if _, _, code := Explain(err); code != CodeNotFound || !strings.HasPrefix(seen, "01233") {
		t.Errorf("Handle = %v after %q", err, seen)
	}
	err = n.Handle(t.Context(), lobby, "r", func(context.Context, Message) ([]Outgoing, error) {
		return nil, n.journal.Advance(t.Context(), roomID(t, n, lobby), "r", 3, 9, nil)
	})
	if _, _, code := Explain(err); code != CodeInUse {
		t.Errorf("with another of its name, Handle = %v", err)
	}
	if err := n.Handle(t.Context(), lobby, "", nil); err == nil {
		t.Error("a reader needs no name")
	}
}

func roomID(t *testing.T, n *Node, name string) int64 {
	t.Helper()
	r, ok, err := n.journal.FindRoom(t.Context(), name)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	return r.ID
}
