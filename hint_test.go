package tincan

import (
	"errors"
	"fmt"
	"testing"

	"tincan/internal/journal"
)

// Errors that a user can do something about say what, in both languages.
func TestErrorsSayTheNextStep(t *testing.T) {
	n := openHere(t, t.TempDir())
	a, err := parseAddress("lines://127.0.0.1:1", toDial)
	if err != nil {
		t.Fatal(err)
	}
	other := errors.New("something else")
	refused, _ := dialError(a, other)
	for _, tt := range []struct {
		what string
		err  error
	}{
		{"hang up nothing", n.HangUp(t.Context(), "nobody")},
		{"redial nothing", n.Redial(t.Context(), "nobody")},
		{"disconnect nothing", n.Disconnect(t.Context(), 99)},
		{"stop nothing", n.StopListening(t.Context(), "t99")},
		{"decide nothing", n.Held(t.Context(), "nobody", Discard)},
		{"dial", refused},
		{"listen", listenError(a, other)},
		{"a failed sync", journalError(fmt.Errorf("%w: %w", journal.ErrFailed, other))},
	} {
		en, hint, _ := ExplainIn("en", tt.err)
		zh, rat, _ := ExplainIn("zh", tt.err)
		if en == "" || zh == "" || hint == "" || rat == "" || rat == hint {
			t.Errorf("%s: %q (%q), %q (%q)", tt.what, en, hint, zh, rat)
		}
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Listen(t.Context(), "lines://127.0.0.1:0/lobby"); !errors.Is(err, ErrClosed) {
		t.Errorf("listen on a closed node: %v", err)
	}
}

// Dialling that is stopped when a connection is just made says that it was stopped.
func TestStoppedWhileAttaching(t *testing.T) {
	ln, accept := server(t)
	addr := "lines://" + ln.Addr().String()
	n := openHere(t, t.TempDir())
	room := mustDial(t, n, addr)
	accept()
	if err := n.HangUp(t.Context(), room); err != nil {
		t.Fatal(err)
	}
	rec, _, _ := n.journal.FindRoom(t.Context(), room)
	if _, err := n.journal.Append(t.Context(), rec.ID, []journal.Entry{{Codec: "lines", Body: []byte("held")}}); err != nil {
		t.Fatal(err)
	}
	busy, gate, done := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		done <- n.journal.SetRoom(t.Context(), rec.ID, func(*journal.Room) { close(busy); <-gate })
	}()
	<-busy
	mustDial(t, n, addr)
	accept()
	r := n.live(room)
	eventually(t, "a connection", func() bool { s := r.status(t.Context()); return s.Dial != nil && s.Dial.Phase == "connected" })
	r.leave()
	if err := n.HangUp(t.Context(), room); err != nil {
		t.Fatal(err)
	}
	close(gate)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	var last Event
	eventually(t, "the end of dialling", func() bool {
		es, err := n.Past(t.Context(), room, 1)
		if err == nil && len(es) == 1 {
			last = es[0]
		}
		return last.Kind == EventDisconnected && last.Link == 0
	})
	if last.Reason != "canceled" || last.Detail != "dialling was stopped" {
		t.Errorf("the end of dialling: %q (%q)", last.Reason, last.Detail)
	}
}
