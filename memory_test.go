package tincan

import (
	"bufio"
	"fmt"
	"net"
	"testing"

	"tincan/internal/journal"
)

// veiled hides the socket, as on a system that does not tell what was acknowledged.
type veiled struct{ net.Conn }

// Where nobody knows what the peer's TCP acknowledged, what a link remembers of its writes does not grow with them.
func TestMarksWithoutAcknowledgements(t *testing.T) {
	ln, accept := server(t)
	n := openHere(t, t.TempDir())
	rec, err := n.journal.NewRoom(t.Context(), journal.Room{Name: "veiled", Codec: "lines"})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := accept()
	r := n.use(rec)
	defer r.leave()
	m, err := n.attach(t.Context(), newcomer{conn: veiled{conn}, room: r, peer: "tcp:x", codec: lines})
	if err != nil {
		t.Fatal(err)
	}
	heard := bufio.NewReader(c)
	for i := range 50 {
		mustSend(t, n, rec.Name, fmt.Sprint(i))
		hear(t, heard, fmt.Sprint(i))
	}
	m.mu.Lock()
	got := len(m.marks)
	m.mu.Unlock()
	if got > 2 {
		t.Errorf("%d marks after 50 writes", got)
	}
	c.Close()
	<-m.done
	if got := states(t, n, rec.Name, 1, 50); got[0] != Uncertain || got[49] != Uncertain {
		t.Errorf("states %v", got)
	}
}
