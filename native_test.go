package tincan

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// hostAndGuest are two nodes: one listens on a native address, the other has dialled it with a ticket.
func hostAndGuest(t *testing.T) (host, guest *Node, here string, there string) {
	t.Helper()
	host, guest = openHere(t, t.TempDir()), openHere(t, t.TempDir())
	l, err := host.Listen(t.Context(), "tincan://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k, err := host.MakeTicket(t.Context(), TicketRequest{Addr: l.Addr})
	if err != nil {
		t.Fatal(err)
	}
	r, err := guest.Dial(t.Context(), k.URL)
	if err != nil {
		t.Fatal(err)
	}
	return host, guest, lobby, r.Name
}

// untilMessages waits until a room has n messages.
func untilMessages(t *testing.T, n *Node, room string, want int) []Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		ms, err := n.History(ctx, room, 0, 100_000)
		if err == nil && len(ms) >= want {
			return ms
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%d messages of %d in %s: %v", len(ms), want, room, err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestNativeTalk(t *testing.T) {
	host, guest, here, there := hostAndGuest(t)
	for i := range 10 {
		m, err := guest.Send(t.Context(), there, fmt.Appendf(nil, "from the guest %d", i))
		if err != nil {
			t.Fatal(err)
		}
		if m.Offset != 0 || m.ID == "" {
			t.Errorf("sent: %+v", m)
		}
	}
	ms := untilMessages(t, host, here, 10)
	for i, m := range ms {
		if got, want := string(m.Body), fmt.Sprintf("from the guest %d", i); got != want || m.From != guest.ID() {
			t.Errorf("message %d: %q from %s, want %q from %s", i, got, m.From, want, guest.ID())
		}
	}
	for i := range 10 {
		if _, err := host.Send(t.Context(), here, fmt.Appendf(nil, "from the host %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	a, b := untilMessages(t, host, here, 20), untilMessages(t, guest, there, 20)
	for i := range a {
		if string(a[i].Body) != string(b[i].Body) || a[i].Offset != b[i].Offset || a[i].ID != b[i].ID || !a[i].Time.Equal(b[i].Time) {
			t.Errorf("message %d is %+v at the host and %+v at the guest", i, a[i], b[i])
		}
	}
	if b[0].From != Me || b[10].From != host.ID() {
		t.Errorf("senders %s and %s", b[0].From, b[10].From)
	}
}

// untilStatus waits until a node's status is as wanted.
func untilStatus(t *testing.T, n *Node, want string, is func(Status) bool) Status {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		st, err := n.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if is(st) {
			return st
		}
		if time.Now().After(deadline) {
			t.Fatalf("want %s: links %+v, rooms %+v", want, st.Links, st.Rooms)
		}
	}
}

// A native link can be disconnected like any other, from either side, and is dialled again only when asked to.
func TestNativeDisconnect(t *testing.T) {
	host, guest, here, there := hostAndGuest(t)
	say := func(n int) {
		t.Helper()
		if _, err := guest.Send(t.Context(), there, fmt.Appendf(nil, "message %d", n)); err != nil {
			t.Fatal(err)
		}
		untilMessages(t, host, here, n)
	}
	say(1)
	for i, n := range []*Node{guest, host} {
		st := untilStatus(t, n, "one link", func(st Status) bool { return len(st.Links) == 1 })
		if err := n.Disconnect(t.Context(), st.Links[0].ID); err != nil {
			t.Fatal(err)
		}
		untilStatus(t, guest, "the dial has stopped", func(st Status) bool { return st.Rooms[0].Dial.Phase == "stopped" })
		if err := guest.Redial(t.Context(), there); err != nil {
			t.Fatal(err)
		}
		say(2 + i)
	}
}

// What waits for a host is told of a room that is not dialled too.
func TestPendingOfRestingRoom(t *testing.T) {
	host, guest, here, there := hostAndGuest(t)
	if _, err := guest.Send(t.Context(), there, []byte("first")); err != nil {
		t.Fatal(err)
	}
	untilMessages(t, host, here, 1)
	untilMessages(t, guest, there, 1)
	if err := guest.HangUp(t.Context(), there); err != nil {
		t.Fatal(err)
	}
	if _, err := guest.Send(t.Context(), there, []byte("second")); err != nil {
		t.Fatal(err)
	}
	st, err := guest.Status(t.Context())
	if err != nil || len(st.Rooms) != 1 {
		t.Fatalf("rooms %+v, %v", st.Rooms, err)
	}
	if p := st.Rooms[0].Pending; p == nil || p.Messages != 1 || p.Since.IsZero() {
		t.Errorf("what waits is %+v, want one message", p)
	}
}

// What has a number does not wait again because the link came up anew.
func TestPendingAfterReconnecting(t *testing.T) {
	host, guest, here, there := hostAndGuest(t)
	if _, err := guest.Send(t.Context(), there, []byte("first")); err != nil {
		t.Fatal(err)
	}
	untilMessages(t, guest, there, 1)
	for range 2 {
		st := untilStatus(t, guest, "one link", func(st Status) bool { return len(st.Links) == 1 })
		if err := guest.Disconnect(t.Context(), st.Links[0].ID); err != nil {
			t.Fatal(err)
		}
		untilStatus(t, guest, "nothing waits", func(st Status) bool { return st.Rooms[0].Dial.Phase == "stopped" && st.Rooms[0].Pending == nil })
		if err := guest.Redial(t.Context(), there); err != nil {
			t.Fatal(err)
		}
	}
	st := untilStatus(t, guest, "one link", func(st Status) bool { return len(st.Links) == 1 && st.Rooms[0].Dial.Phase == "connected" })
	if p := st.Rooms[0].Pending; p != nil {
		t.Errorf("%+v waits, but all of it has numbers", p)
	}
	if _, err := guest.Send(t.Context(), there, []byte("second")); err != nil {
		t.Fatal(err)
	}
	untilMessages(t, host, here, 2)
	untilMessages(t, guest, there, 2)
}

// What the host has stored and this node's copy does not have yet is not hidden after a restart.
func TestPendingAfterRestart(t *testing.T) {
	dir := t.TempDir()
	host, guest := openHere(t, t.TempDir()), openHere(t, dir)
	l := mustListen(t, host, "tincan://127.0.0.1:0?admit=open")
	there := mustDial(t, guest, "tincan://"+l.Addr+"?accept=new")
	untilPhase(t, guest, there, "connected")
	for _, text := range []string{"first", "second"} {
		if _, err := guest.Send(t.Context(), there, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if text == "first" {
			untilMessages(t, guest, there, 1)
			if err := guest.HangUp(t.Context(), there); err != nil {
				t.Fatal(err)
			}
		}
	}
	box, err := guest.journal.MakeOutbox(t.Context(), host.id)
	if err != nil {
		t.Fatal(err)
	}
	guest.journal.SaveHandled(box.ID, 2) // as if the link had ended before the second came back
	guest.Close()
	guest = openHere(t, dir)
	ms, err := guest.Pending(t.Context(), there, 10)
	if err != nil || len(ms) != 1 || string(ms[0].Body) != "second" {
		t.Errorf("%+v waits, %v", ms, err)
	}
}

// SendMessages returns what is stored, and nothing for the message that failed.
func TestSendMessagesError(t *testing.T) {
	_, guest, _, there := hostAndGuest(t)
	untilPhase(t, guest, there, "connected")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, id := range []string{"", "chosen"} {
		if ms, err := guest.SendMessages(ctx, []Outgoing{{Room: there, ID: id, Body: []byte("x")}}); err == nil || len(ms) != 0 {
			t.Errorf("with the id %q it returns %+v, %v", id, ms, err)
		}
	}
}
