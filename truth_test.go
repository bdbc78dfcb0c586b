package tincan_test

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"tincan"
)

// What has no encoding at a member of a shared room is discarded there, and nothing says later that it got further.
func TestDiscardedGetsNoFurther(t *testing.T) {
	n := open(t, t.TempDir())
	w := watch(t, n)
	l := listen(t, n, "lines://127.0.0.1:0/lobby")
	c := call(t, n, w, l.Addr)
	bad, good := send(t, n, "lobby", "two\nlines"), send(t, n, "lobby", "one line")
	if got, err := bufio.NewReader(c).ReadString('\n'); got != "one line\n" {
		t.Errorf("the peer heard %q %v", got, err)
	}
	var told []tincan.Receipt
	reached := false
	w.until("end of both", func(e tincan.Event) bool {
		if e.Kind == tincan.EventReceipt && e.ID == bad.ID {
			told = append(told, e.State)
		}
		reached = reached || e.ID == good.ID && e.State == tincan.Reached
		return reached && len(told) > 0 && told[len(told)-1] == tincan.Discarded
	})
	if len(told) != 2 || told[0] != tincan.Queued || told[1] != tincan.Discarded {
		t.Errorf("receipts %v, want queued, discarded", told)
	}
}

// A wish to dial at once that came while the link was up is not kept for after Disconnect.
func TestDisconnectStays(t *testing.T) {
	a, n := open(t, t.TempDir()), open(t, t.TempDir())
	w := watch(t, n)
	l := listen(t, a, "lines://127.0.0.1:0")
	room := dial(t, n, "lines://"+l.Addr)
	link := w.kind(tincan.EventConnected).Link
	dial(t, n, "lines://"+l.Addr) // it is dialled already
	if err := n.Disconnect(t.Context(), link); err != nil {
		t.Fatal(err)
	}
	w.kind(tincan.EventDisconnected)
	m := send(t, n, room, "later") // and what follows it shows that nothing came before
	w.receipt(m.ID, tincan.Queued)
	s, err := n.Status(t.Context())
	if err != nil || len(s.Links) != 0 || s.Rooms[0].Dial == nil || s.Rooms[0].Dial.Phase != "stopped" {
		t.Errorf("after Disconnect: %+v, %+v, %v", s.Links, s.Rooms[0].Dial, err)
	}
	if err := n.Redial(t.Context(), room); err != nil {
		t.Fatal(err)
	}
	w.kind(tincan.EventConnected)
}

// Who dials an address while another hangs it up gets a connection.
func TestDialDuringHangUp(t *testing.T) {
	a, n := open(t, t.TempDir()), open(t, t.TempDir())
	w := watch(t, n)
	l := listen(t, a, "lines://127.0.0.1:0")
	wa := watch(t, a)
	addr := "lines://" + l.Addr
	room := dial(t, n, addr)
	w.kind(tincan.EventConnected)
	if err := a.Reading(t.Context(), wa.kind(tincan.EventConnected).Link, tincan.Pause); err != nil { // it sees no FIN
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- n.HangUp(context.Background(), room) }()
	for closing := false; !closing; {
		s, err := n.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		closing = len(s.Links) == 0 || s.Links[0].Phase == tincan.Closing
	}
	dial(t, n, addr)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	w.kind(tincan.EventConnected)
}

// A link that is given up while its reading is paused is closed.
func TestPausedLinkIsGivenUp(t *testing.T) {
	n := open(t, t.TempDir())
	w := watch(t, n)
	l := listen(t, n, "lines://127.0.0.1:0?max=1MiB")
	half := strings.Repeat("x", 900<<10)
	first := call(t, n, w, l.Addr)
	first.say(half)
	for first.status().Have < len(half) {
		time.Sleep(time.Millisecond)
	}
	if err := n.Reading(t.Context(), first.link, tincan.Pause); err != nil {
		t.Fatal(err)
	}
	for range 45 {
		c := call(t, n, w, l.Addr)
		go io.WriteString(c, half)
	}
	first.SetReadDeadline(time.Now().Add(15 * time.Second))
	if _, err := first.Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
		t.Errorf("the peer of a link that was given up reads %v, want the end", err)
	}
}
