package tincan_test

import (
	"net"
	"testing"

	"tincan"
)

// A page that is opened later says why a dialled address is not connected, in its own language: the status has
// the reason as a word, not only as a sentence.
func TestDialStatusReason(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	n := open(t, t.TempDir())
	w := watch(t, n)
	room := dial(t, n, "lines://"+l.Addr().String())
	e := w.kind(tincan.EventDisconnected)
	st, err := n.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range st.Rooms {
		if r.Name == room && r.Dial != nil && r.Dial.Phase == "waiting" {
			if r.Dial.Reason != "refused" || r.Dial.Reason != e.Reason || r.Dial.Error == "" {
				t.Errorf("got %+v, want the reason %q", *r.Dial, e.Reason)
			}
			return
		}
	}
	t.Errorf("%s is not waiting: %+v", room, st.Rooms)
}
