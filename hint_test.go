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
