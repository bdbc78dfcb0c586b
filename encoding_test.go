package tincan_test

import (
	"net"
	"testing"

	"tincan"
)

// The encoding of a room is told without the snapshot of everything, whether the room has links or not, now or
// only in the journal. The HTTP API asks for it before every text that is sent.
func TestEncoding(t *testing.T) {
	dir := t.TempDir()
	n := open(t, dir)
	w := watch(t, n)
	l := listen(t, n, "lines://127.0.0.1:0")
	c, err := net.Dial("tcp", l.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	room := w.kind(tincan.EventConnected).Room
	want := func(n *tincan.Node, want string) {
		t.Helper()
		if got, err := n.Encoding(t.Context(), room); err != nil || got != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	want(n, "")
	if err := n.SetEncoding(t.Context(), room, "GBK"); err != nil {
		t.Fatal(err)
	}
	want(n, "gbk")
	c.Close()
	w.kind(tincan.EventDisconnected)
	want(n, "gbk")
	n.Close()
	want(open(t, dir), "gbk")
	if _, err := open(t, t.TempDir()).Encoding(t.Context(), "nobody"); err == nil {
		t.Error("a room that there is not has an encoding")
	}
}
