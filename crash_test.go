package tincan

import (
	"bufio"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tincan/internal/journal"
)

// openHere opens a node that the test closes.
func openHere(t *testing.T, dir string) *Node {
	t.Helper()
	n, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

// crashed is what a crash at this moment would leave of a node's folder. Nothing may be about to be checkpointed.
func crashed(t *testing.T, n *Node) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{"journal.db", "journal.db-wal"} {
		b, err := os.ReadFile(filepath.Join(n.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// server listens without taking part.
func server(t *testing.T) (ln net.Listener, accept func() *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln, func() *net.TCPConn {
		t.Helper()
		c, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c.(*net.TCPConn)
	}
}

func mustDial(t *testing.T, n *Node, addr string) (room string) {
	t.Helper()
	r, err := n.Dial(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	return r.Name
}

func mustSend(t *testing.T, n *Node, room, text string) Message {
	t.Helper()
	m, err := n.Send(t.Context(), room, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// states are the receipts of messages first to last towards their only peer.
func states(t *testing.T, n *Node, room string, first, last int64) (out []Receipt) {
	t.Helper()
	rs, err := n.Receipts(t.Context(), room, first, last)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		for range r.Last - r.First + 1 {
			out = append(out, r.State)
		}
	}
	return out
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func hear(t *testing.T, r *bufio.Reader, want string) {
	t.Helper()
	if got, err := r.ReadString('\n'); err != nil || got != want+"\n" {
		t.Fatalf("heard %q %v, want %q", got, err, want)
	}
}

// A peer has bytes of a message only when a crash would find out that it may have them.
func TestCrashAtTheFirstByte(t *testing.T) {
	for range 10 {
		ln, accept := server(t)
		addr := "lines://" + ln.Addr().String()
		n := openHere(t, t.TempDir())
		room := mustDial(t, n, addr)
		mustSend(t, n, room, "one")
		hear(t, bufio.NewReader(accept()), "one")
		after := openHere(t, crashed(t, n))
		if got := states(t, after, room, 1, 1); got[0] != Uncertain && got[0] != Reached { // that it was reached may have been kept
			t.Fatalf("after a crash a message that was heard is %s", got[0])
		}
		n.Close()
		after.Close()
	}
}

// The same for a message that was held and is sent now.
func TestCrashAtSendNow(t *testing.T) {
	ln, accept := server(t)
	addr := "lines://" + ln.Addr().String()
	n := openHere(t, t.TempDir())
	room := mustDial(t, n, addr)
	accept()
	if err := n.HangUp(t.Context(), room); err != nil {
		t.Fatal(err)
	}
	rec, _, err := n.journal.FindRoom(t.Context(), room)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 { // said while nobody was there
		if _, err := n.journal.Append(t.Context(), rec.ID, []journal.Entry{{Codec: "lines", Body: []byte("held")}}); err != nil {
			t.Fatal(err)
		}
	}
	mustDial(t, n, addr)
	r := bufio.NewReader(accept())
	eventually(t, "held", func() bool { fs, _ := n.journal.Fates(t.Context(), rec.ID); return len(fs) == 1 })
	eventually(t, "connected", func() bool { r := n.live(room); defer r.leave(); return len(r.talkers()) == 1 })
	for at := int64(1); at <= 20; at++ {
		rm := n.live(room)
		if err := rm.releaseOne(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		rm.leave()
		hear(t, r, "held")
		after := openHere(t, crashed(t, n))
		if got := states(t, after, room, at, at); got[0] != Uncertain && got[0] != Reached {
			t.Fatalf("after a crash a held message that was heard is %s", got[0])
		}
		after.Close()
	}
}

// Who came into a shared room later is owed nothing of before, after a crash either.
func TestCrashInSharedRoom(t *testing.T) {
	n := openHere(t, t.TempDir())
	l, err := n.Listen(t.Context(), "lines://127.0.0.1:0/lobby")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		mustSend(t, n, "lobby", "before")
	}
	events := n.Events(t.Context())
	c, err := net.Dial("tcp", l.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for e, err := range events {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == EventConnected {
			break
		}
	}
	after := openHere(t, crashed(t, n))
	rs, err := after.journal.Rooms(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if fs, err := after.journal.Fates(t.Context(), rs[0].ID); err != nil || len(fs) != 0 {
		t.Errorf("fates %+v, %v", fs, err)
	}
}

// What a link left undecided, because nothing could be stored when it ended, is decided before the next one.
func TestLostAndNotStored(t *testing.T) {
	ln, accept := server(t)
	addr := "lines://" + ln.Addr().String()
	n := openHere(t, t.TempDir())
	room := mustDial(t, n, addr)
	r := bufio.NewReader(accept())
	mustSend(t, n, room, "one")
	hear(t, r, "one")
	if err := n.HangUp(t.Context(), room); err != nil {
		t.Fatal(err)
	}
	rec, _, err := n.journal.FindRoom(t.Context(), room)
	if err != nil {
		t.Fatal(err)
	}
	es := []journal.Entry{{Codec: "lines", Body: []byte("two")}, {Codec: "lines", Body: []byte("three")}}
	if _, err := n.journal.Append(t.Context(), rec.ID, es); err != nil {
		t.Fatal(err)
	}
	peer := "tcp:" + ln.Addr().String()
	n.journal.SaveCursor(journal.Cursor{Room: rec.ID, Peer: peer, Written: 2, Reached: 1})
	if err := n.journal.Settle(t.Context(), journal.Fate{Room: rec.ID, Peer: peer, First: 1, Last: 1, State: string(Written)}); err != nil {
		t.Fatal(err)
	}
	mustDial(t, n, addr)
	r = bufio.NewReader(accept())
	mustSend(t, n, room, "four")
	hear(t, r, "four")
	eventually(t, "four reached", func() bool { return states(t, n, room, 4, 4)[0] == Reached })
	got := states(t, n, room, 1, 3)
	if got[0] != Uncertain || got[1] != Uncertain || got[2] != Queued {
		t.Errorf("states %v, want uncertain, uncertain, queued", got)
	}
}

// Sending what waits twice at once, or discarding it when it is about to be sent, sends nothing twice.
func TestSendNowTwice(t *testing.T) {
	ln, accept := server(t)
	addr := "lines://" + ln.Addr().String()
	n := openHere(t, t.TempDir())
	room := mustDial(t, n, addr)
	accept()
	if err := n.HangUp(t.Context(), room); err != nil {
		t.Fatal(err)
	}
	rec, _, _ := n.journal.FindRoom(t.Context(), room)
	es := []journal.Entry{{Codec: "lines", Body: []byte("one")}, {Codec: "lines", Body: []byte("two")}}
	if _, err := n.journal.Append(t.Context(), rec.ID, es); err != nil {
		t.Fatal(err)
	}
	mustDial(t, n, addr)
	r := bufio.NewReader(accept())
	rm := n.live(room)
	defer rm.leave()
	eventually(t, "connected", func() bool { return len(rm.talkers()) == 1 })
	m := rm.talkers()[0]
	fs, err := rm.heldFates(t.Context()) // as two callers saw them
	if err != nil || len(fs) != 1 {
		t.Fatal(fs, err)
	}
	one := fs[0]
	one.Last = 1
	m.release([]journal.Fate{one})
	hear(t, r, "one")
	eventually(t, "one reached", func() bool { return states(t, n, room, 1, 1)[0] == Reached })
	if err := n.settle(t.Context(), rm, journal.Fate{Room: rec.ID, Peer: m.peer, First: 2, Last: 2, State: string(Discarded)}); err != nil {
		t.Fatal(err)
	}
	m.release(fs)
	mustSend(t, n, room, "three")
	hear(t, r, "three")
	if got := states(t, n, room, 2, 2); got[0] != Discarded {
		t.Errorf("what was discarded is %s", got[0])
	}
}

// A crash, or a full disk, while what a crash left behind is being settled loses none of it.
func TestOrphansUntilSettled(t *testing.T) {
	ln, accept := server(t)
	n := openHere(t, t.TempDir())
	room := mustDial(t, n, "lines://"+ln.Addr().String())
	c := accept()
	mustSend(t, n, room, "one")
	hear(t, bufio.NewReader(c), "one")
	dir := crashed(t, n)
	j, err := journal.Open(dir) // and nothing is settled
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	after := openHere(t, dir)
	if got := states(t, after, room, 1, 1); got[0] != Uncertain && got[0] != Reached { // the kernel may have been faster
		t.Errorf("the message is %s", got[0])
	}
	if ls, err := after.journal.Links(t.Context(), 0, 1); err != nil || len(ls) != 1 {
		t.Fatal(ls, err)
	}
	after.Close()
	if after = openHere(t, dir); len(after.journal.Orphans()) != 0 {
		t.Errorf("orphans %+v", after.journal.Orphans())
	}
}

// A link that comes up when the node closes has an end in the journal: nothing of its room becomes uncertain.
func TestAttachAfterClose(t *testing.T) {
	ln, accept := server(t)
	dir := t.TempDir()
	n := openHere(t, dir)
	rec, err := n.journal.MakeRoom(t.Context(), journal.Room{Name: "lines://x", Codec: "lines", Dialled: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.journal.Append(t.Context(), rec.ID, []journal.Entry{{Codec: "lines", Body: []byte("one")}}); err != nil {
		t.Fatal(err)
	}
	rec.Last = 1
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	peer := accept()
	n.mu.Lock()
	n.closed = true // Close has begun
	n.mu.Unlock()
	r := n.use(rec)
	if _, err := n.attach(t.Context(), newcomer{conn: conn, room: r, peer: "tcp:x", codec: lines, dialled: true}); err != ErrClosed {
		t.Errorf("attach: %v", err)
	}
	if _, err := peer.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the peer reads %v", err)
	}
	n.mu.Lock()
	n.closed = false
	n.mu.Unlock()
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	n = openHere(t, dir)
	if os := n.journal.Orphans(); len(os) != 0 {
		t.Errorf("orphans %+v", os)
	}
}

// HangUp comes to an end when a connection is made just after it looked for links, though the peer never closes.
func TestHangUpMeetsConnection(t *testing.T) {
	ln, accept := server(t)
	n := openHere(t, t.TempDir())
	room := mustDial(t, n, "lines://"+ln.Addr().String())
	accept()
	r := n.live(room)
	defer r.leave()
	eventually(t, "connected", func() bool { return len(r.talkers()) == 1 })
	r.mu.Lock()
	d, hidden := r.dial, r.members
	r.members = map[int64]*member{} // as hangUp found it
	r.mu.Unlock()
	done := make(chan struct{})
	go func() { r.hangUp(errHungUp); close(done) }()
	<-d.ctx.Done()
	r.mu.Lock()
	r.members = hidden
	r.mu.Unlock()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("HangUp does not return")
	}
	eventually(t, "the link is closed here", func() bool {
		ls, err := n.Links(t.Context(), room, 1)
		return err == nil && len(ls) == 1 && ls[0].Reason == "closed here"
	})
}
