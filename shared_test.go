package tincan_test

import (
	"net"
	"testing"

	"tincan"
)

// A peer that talks in a shared room and then finishes is let go at once, not when the write deadline is over.
func TestSharedRoomPeerFinishes(t *testing.T) {
	n := open(t, t.TempDir())
	w := watch(t, n)
	l := listen(t, n, "lines://127.0.0.1:0/lobby")
	c, err := net.Dial("tcp", l.Addr)
	if err != nil {
		t.Fatal(err)
	}
	w.kind(tincan.EventConnected)
	if _, err := c.Write([]byte("bye\n")); err != nil {
		t.Fatal(err)
	}
	w.message("bye")
	c.Close()
	w.kind(tincan.EventFinished)
	if e := w.kind(tincan.EventDisconnected); e.Reason != "peer closed" {
		t.Errorf("reason %q, want %q", e.Reason, "peer closed")
	}
}
