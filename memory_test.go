package tincan

import (
	"bufio"
	"fmt"
	"net"
	"runtime"
	"sync/atomic"
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
	go m.run()
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

// A follower that does not read remembers of a link that ended where it was, not the link.
func TestStalledFollowerKeepsNoLinks(t *testing.T) {
	n := openHere(t, t.TempDir())
	l, err := n.Listen(t.Context(), "lines://127.0.0.1:0/lobby")
	if err != nil {
		t.Fatal(err)
	}
	f := n.follow()
	defer f.close()
	const links = 10
	var gone atomic.Int32
	for range links {
		c, err := net.Dial("tcp", l.Addr)
		if err != nil {
			t.Fatal(err)
		}
		var m *member
		eventually(t, "connected", func() bool {
			n.mu.Lock()
			defer n.mu.Unlock()
			for _, m = range n.links {
				return true
			}
			return false
		})
		runtime.AddCleanup(m.link, func(int) { gone.Add(1) }, 0)
		c.Close()
		<-m.done
	}
	eventually(t, "links are forgotten", func() bool { runtime.GC(); return gone.Load() >= links-1 })
}

// A crowd that comes and goes while nothing can be committed waits; its records do not fill the memory.
func TestCrowdWaitsForDisk(t *testing.T) {
	n := openHere(t, t.TempDir())
	n.limits.Connections = 4
	s, err := n.Listen(t.Context(), "lines://127.0.0.1:0/lobby")
	if err != nil {
		t.Fatal(err)
	}
	rec, _, err := n.journal.FindRoom(t.Context(), "lobby")
	if err != nil {
		t.Fatal(err)
	}
	busy, gate, done := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		done <- n.journal.SetRoom(t.Context(), rec.ID, func(*journal.Room) { close(busy); <-gate })
	}()
	<-busy
	n.mu.Lock()
	l := n.listeners[s.ID]
	n.mu.Unlock()
	before := n.journal.NextLink()
	const crowd = 30
	for range crowd {
		c, err := net.Dial("tcp", s.Addr)
		if err != nil {
			t.Fatal(err)
		}
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
	came, asked := int64(0), int64(0)
	eventually(t, "all came", func() bool {
		asked++
		came = n.journal.NextLink() - before - asked
		return came+l.refused.Load() >= crowd
	})
	close(gate)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if came > 4 {
		t.Errorf("%d of %d links were recorded while nothing could be committed, want 4 at the most", came, crowd)
	}
}
