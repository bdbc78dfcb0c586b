package tincan

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// openFast is a node that tries again at once.
func openFast(t *testing.T) *Node {
	n := openHere(t, t.TempDir())
	impatient(n)
	return n
}

func mustListen(t *testing.T, n *Node, addr string) ListenerStatus {
	t.Helper()
	l, err := n.Listen(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func mustTicket(t *testing.T, n *Node, r TicketRequest) string {
	t.Helper()
	k, err := n.MakeTicket(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return k.URL
}

// dialStatus is what the dialler of a room is doing.
func dialStatus(t *testing.T, n *Node, room string) DialStatus {
	t.Helper()
	s, err := n.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range s.Rooms {
		if r.Name == room && r.Dial != nil {
			return *r.Dial
		}
	}
	return DialStatus{}
}

func untilPhase(t *testing.T, n *Node, room, phase string) DialStatus {
	t.Helper()
	var s DialStatus
	eventually(t, room+" is "+phase, func() bool { s = dialStatus(t, n, room); return s.Phase == phase })
	return s
}

func TestAdmission(t *testing.T) {
	host, guest := openFast(t), openFast(t)
	l := mustListen(t, host, "tincan://127.0.0.1:0")
	if _, err := guest.Dial(t.Context(), "tincan://"+l.Addr); err == nil || !strings.Contains(err.Error(), "is not known") {
		t.Errorf("dialled without a key: %v", err)
	}
	// A ticket lets in one key, once; then that key needs none.
	url := mustTicket(t, host, TicketRequest{})
	room := mustDial(t, guest, url)
	untilPhase(t, guest, room, "connected")
	guest.HangUp(t.Context(), room)
	room = mustDial(t, guest, "tincan://"+l.Addr) // the key is known from before
	untilPhase(t, guest, room, "connected")
	other := openFast(t)
	if s := untilPhase(t, other, mustDial(t, other, url), "stopped"); s.Reason != "unknown key" || s.Hint == "" {
		t.Errorf("a used ticket: %+v", s)
	}
	// A revoked one lets nobody in.
	k, err := host.MakeTicket(t.Context(), TicketRequest{Uses: 5})
	if err != nil {
		t.Fatal(err)
	}
	if ts, err := host.Tickets(t.Context()); err != nil || len(ts) != 1 || ts[0].ID != k.ID || ts[0].Uses != 5 || ts[0].URL != "" {
		t.Errorf("tickets: %+v %v", ts, err)
	}
	if err := host.Revoke(t.Context(), k.ID); err != nil {
		t.Fatal(err)
	}
	other.HangUp(t.Context(), "tincan://"+l.Addr)
	if s := untilPhase(t, other, mustDial(t, other, k.URL), "stopped"); s.Reason != "unknown key" {
		t.Errorf("a revoked ticket: %+v", s)
	}
	// A blocked key is out, at once and later; a trusted one is in again.
	blocked, trusted := Blocked, Trusted
	if _, err := host.SetPeer(t.Context(), guest.ID(), PeerChange{State: &blocked}); err != nil {
		t.Fatal(err)
	}
	if s := untilPhase(t, guest, room, "stopped"); s.Reason != "blocked" {
		t.Errorf("blocked: %+v", s)
	}
	name := "alice"
	if _, err := host.SetPeer(t.Context(), guest.ID()[:12], PeerChange{State: &trusted, Name: &name}); err != nil {
		t.Fatal(err)
	}
	if err := guest.Redial(t.Context(), room); err != nil {
		t.Fatal(err)
	}
	untilPhase(t, guest, room, "connected")
	if ps, err := host.Peers(t.Context()); err != nil || len(ps) != 1 || ps[0].Name != "alice" || len(ps[0].Links) != 1 {
		t.Errorf("peers: %+v %v", ps, err)
	}
	if err := host.Forget(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	if s := untilPhase(t, guest, room, "stopped"); s.Reason != "unknown key" {
		t.Errorf("forgotten: %+v", s)
	}
}

func TestAsk(t *testing.T) {
	host, guest := openFast(t), openFast(t)
	l := mustListen(t, host, "tincan://127.0.0.1:0?admit=ask")
	room := mustDial(t, guest, "tincan://"+l.Addr+"?accept=new")
	eventually(t, "the key asks", func() bool {
		ps, err := host.Peers(t.Context())
		return err == nil && len(ps) == 1 && ps[0].State == Asking && ps[0].ID == guest.ID()
	})
	s := untilPhase(t, guest, room, "waiting")
	if s.Reason != "unknown key" || !strings.Contains(s.Error, "the operator is asked") {
		t.Errorf("asking: %+v", s)
	}
	trusted := Trusted
	if _, err := host.SetPeer(t.Context(), guest.ID(), PeerChange{State: &trusted}); err != nil {
		t.Fatal(err)
	}
	guest.Redial(t.Context(), room)
	untilPhase(t, guest, room, "connected")
}

func TestOpenDoor(t *testing.T) {
	host, guest := openFast(t), openFast(t)
	l := mustListen(t, host, "127.0.0.1:0?admit=open") // auto: plain peers too
	room := mustDial(t, guest, "tincan://"+l.Addr+"?accept=new")
	untilPhase(t, guest, room, "connected")
	if ps, _ := host.Peers(t.Context()); len(ps) != 1 || ps[0].State != Seen || ps[0].Via != "open" {
		t.Errorf("peers of an open door: %+v", ps)
	}
	c, err := net.Dial("tcp", l.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "plain\n")
	eventually(t, "a plain peer is heard", func() bool {
		ms, err := host.History(t.Context(), "tcp:"+c.LocalAddr().String(), 0, 10)
		return err == nil && len(ms) == 1 && string(ms[0].Body) == "plain"
	})
}

func TestPairingCode(t *testing.T) {
	host := openFast(t)
	l := mustListen(t, host, "tincan://127.0.0.1:0")
	dial := func(code string) (*Node, string) {
		n := openFast(t)
		return n, mustDial(t, n, "tincan://"+l.Addr+"?code="+code)
	}
	wrong := func(code string) string {
		last := code[len(code)-1]
		return code[:len(code)-1] + string('0'+(last-'0'+1)%10)
	}
	c, err := host.MakeCode(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	n, room := dial(wrong(c.Code))
	if s := untilPhase(t, n, room, "stopped"); s.Reason != "pairing failed" {
		t.Errorf("a wrong code: %+v", s)
	}
	n, room = dial(strings.ReplaceAll(c.Code, "-", "%20"))
	untilPhase(t, n, room, "connected")
	if ps, _ := n.Peers(t.Context()); len(ps) != 1 || ps[0].ID != host.ID() || ps[0].Via != "code" {
		t.Errorf("peers of the guest: %+v", ps)
	}
	n, room = dial(c.Code) // it was used
	if s := untilPhase(t, n, room, "stopped"); s.Reason != "pairing failed" {
		t.Errorf("a used code: %+v", s)
	}
	if c, err = host.MakeCode(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	for range codeTries {
		n, room = dial(wrong(c.Code))
		untilPhase(t, n, room, "stopped")
	}
	n, room = dial(c.Code) // three tries are over
	if s := untilPhase(t, n, room, "stopped"); s.Reason != "pairing failed" {
		t.Errorf("after three tries: %+v", s)
	}
}

// TestForgottenTicket: a key that is forgotten does not come back with the ticket that it has used up.
func TestForgottenTicket(t *testing.T) {
	host, guest := openFast(t), openFast(t)
	mustListen(t, host, "tincan://127.0.0.1:0")
	url := mustTicket(t, host, TicketRequest{})
	room := mustDial(t, guest, url)
	untilPhase(t, guest, room, "connected")
	if err := host.Forget(t.Context(), guest.ID()); err != nil {
		t.Fatal(err)
	}
	untilPhase(t, guest, room, "stopped")
	guest.HangUp(t.Context(), room)
	if s := untilPhase(t, guest, mustDial(t, guest, url), "stopped"); s.Reason != "unknown key" {
		t.Errorf("the ticket again: %+v", s)
	}
}

// TestBlockedTries: a key that is blocked is told so before it uses up a try of the code that somebody else has.
func TestBlockedTries(t *testing.T) {
	host, bad := openFast(t), openFast(t)
	l := mustListen(t, host, "tincan://127.0.0.1:0")
	untilPhase(t, bad, mustDial(t, bad, mustTicket(t, host, TicketRequest{})), "connected")
	blocked := Blocked
	if _, err := host.SetPeer(t.Context(), bad.ID(), PeerChange{State: &blocked}); err != nil {
		t.Fatal(err)
	}
	c, err := host.MakeCode(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for i := range codeTries {
		room := fmt.Sprintf("tincan://%s/r%d", l.Addr, i)
		if s := untilPhase(t, bad, mustDial(t, bad, room+"?code=000-000-000"), "stopped"); s.Reason != "blocked" {
			t.Errorf("blocked: %+v", s)
		}
	}
	host.offer.mu.Lock()
	tries := host.offer.tries
	host.offer.mu.Unlock()
	if tries != codeTries {
		t.Errorf("%d tries are left of %d", tries, codeTries)
	}
	n := openFast(t)
	untilPhase(t, n, mustDial(t, n, "tincan://"+l.Addr+"?code="+c.Code), "connected")
}

func TestKeyChanged(t *testing.T) {
	host, guest := openFast(t), openFast(t)
	l := mustListen(t, host, "tincan://127.0.0.1:0")
	room := mustDial(t, guest, mustTicket(t, host, TicketRequest{}))
	untilPhase(t, guest, room, "connected")
	was := host.ID()
	host.Close()
	impostor := openFast(t)
	mustListen(t, impostor, "tincan://"+l.Addr+"?admit=open")
	s := untilPhase(t, guest, room, "stopped")
	if s.Reason != "key differs" || !strings.Contains(s.Hint, "tincan forget "+was) {
		t.Errorf("another key: %+v", s)
	}
	if ms, _ := impostor.Peers(t.Context()); len(ms) != 0 {
		t.Errorf("the impostor knows %+v", ms)
	}
}

func TestRoomsOfOneHost(t *testing.T) {
	host, guest := openFast(t), openFast(t)
	l := mustListen(t, host, "tincan://127.0.0.1:0")
	a := mustDial(t, guest, mustTicket(t, host, TicketRequest{}))
	untilPhase(t, guest, a, "connected")
	b := mustDial(t, guest, "tincan://"+l.Addr+"/ops")
	untilPhase(t, guest, b, "connected")
	mustSend(t, guest, a, "to the lobby")
	mustSend(t, guest, b, "to ops")
	for room, want := range map[string]string{lobby: "to the lobby", "ops": "to ops"} {
		if ms := untilMessages(t, host, room, 1); string(ms[0].Body) != want {
			t.Errorf("%s: %q", room, ms[0].Body)
		}
	}
	s, err := host.Status(t.Context())
	if err != nil || len(s.Links) != 1 {
		t.Errorf("%d links for two rooms: %v", len(s.Links), err)
	}
	if err := guest.HangUp(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	mustSend(t, guest, b, "still here") // the other room goes on over another link
	untilMessages(t, host, "ops", 2)
	// One room only, by ticket.
	other := openFast(t)
	url := mustTicket(t, host, TicketRequest{Room: "ops"})
	c := mustDial(t, other, url)
	untilPhase(t, other, c, "connected")
	d := mustDial(t, other, "tincan://"+l.Addr+"/secret")
	if s := untilPhase(t, other, d, "stopped"); s.Reason != "refused" {
		t.Errorf("a room that the ticket does not open: %+v", s)
	}
}

// TestManyMembers has three guests and a plain peer in one room: all hear all, and who has stored what is told.
func TestManyMembers(t *testing.T) {
	host := openFast(t)
	l := mustListen(t, host, "127.0.0.1:0/lobby?admit=open")
	plain, err := net.Dial("tcp", l.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	heard := bufio.NewReader(plain)
	fmt.Fprint(plain, "hello\n")
	untilMessages(t, host, "lobby", 1)
	var guests []*Node
	var rooms []string
	for range 3 {
		g := openFast(t)
		r := mustDial(t, g, "tincan://"+l.Addr+"?accept=new")
		untilPhase(t, g, r, "connected")
		guests, rooms = append(guests, g), append(rooms, r)
	}
	m := mustSend(t, guests[0], rooms[0], "from the first")
	hear(t, heard, "from the first")
	for i, g := range guests {
		ms := untilMessages(t, g, rooms[i], 2)
		if ms[0].From != "tcp:"+plain.LocalAddr().String() || string(ms[1].Body) != "from the first" || ms[1].ID != m.ID {
			t.Errorf("guest %d heard %+v", i, ms)
		}
	}
	eventually(t, "the first knows that the others have it", func() bool {
		rs, err := guests[0].Receipts(t.Context(), rooms[0], 2, 2)
		stored := map[string]bool{}
		for _, r := range rs {
			stored[r.Peer] = r.State == Stored
		}
		return err == nil && stored[host.ID()] && stored[guests[1].ID()] && stored[guests[2].ID()]
	})
	s, err := guests[0].Status(t.Context())
	if err != nil || len(s.Rooms) != 1 || len(s.Rooms[0].Members) != 2 || !s.Rooms[0].Members[0].Here || s.Rooms[0].Host != host.ID() {
		t.Errorf("rooms of the first: %+v %v", s.Rooms, err)
	}
}

func TestHistory(t *testing.T) {
	host, first := openFast(t), openFast(t)
	l := mustListen(t, host, "tincan://127.0.0.1:0?admit=open")
	untilPhase(t, first, mustDial(t, first, "tincan://"+l.Addr+"?accept=new"), "connected")
	for i := range 10 {
		mustSend(t, host, lobby, fmt.Sprint(i+1))
	}
	for history, want := range map[string]int{"all": 10, "3": 3, "new": 0} {
		g := openFast(t)
		r := mustDial(t, g, "tincan://"+l.Addr+"?accept=new&history="+history)
		untilPhase(t, g, r, "connected")
		eventually(t, "history", func() bool {
			ms, err := g.History(t.Context(), r, 0, 100)
			return err == nil && len(ms) == want && (want == 0 || ms[0].Offset == int64(11-want))
		})
		if gs, err := g.Gaps(t.Context(), r); err != nil || len(gs) != 0 {
			t.Errorf("history=%s has gaps %+v %v", history, gs, err)
		}
	}
}

// TestRetention trims a room while a member is away: it sees a gap, and what follows.
func TestRetention(t *testing.T) {
	host, guest := openFast(t), openFast(t)
	l := mustListen(t, host, "tincan://127.0.0.1:0?admit=open")
	room := mustDial(t, guest, "tincan://"+l.Addr+"?accept=new")
	untilPhase(t, guest, room, "connected")
	mustSend(t, host, lobby, "before")
	untilMessages(t, guest, room, 1)
	guest.HangUp(t.Context(), room)
	for i := range 20 {
		mustSend(t, host, lobby, fmt.Sprint(i))
	}
	if err := host.SetRetention(t.Context(), lobby, Retention{Messages: 5}); err != nil {
		t.Fatal(err)
	}
	if ms, err := host.History(t.Context(), lobby, 0, 100); err != nil || len(ms) != 5 || ms[0].Offset != 17 {
		t.Errorf("kept %+v %v", ms, err)
	}
	events := follow(t, guest)
	mustDial(t, guest, "tincan://"+l.Addr)
	ms := untilMessages(t, guest, room, 6)
	if ms[0].Offset != 1 || ms[1].Offset != 17 || ms[5].Offset != 21 {
		t.Errorf("the guest has %+v", ms)
	}
	if gs, err := guest.Gaps(t.Context(), room); err != nil || len(gs) != 1 || gs[0].First != 2 || gs[0].Last != 16 {
		t.Errorf("gaps %+v %v", gs, err)
	}
	events.until(t, func(e Event) bool { return e.Kind == EventGap && e.Room == room && e.Offset == 2 })
	for i := range 10 { // what comes is bounded too
		mustSend(t, host, lobby, fmt.Sprint("more ", i))
	}
	if err := host.tidyNow(); err != nil {
		t.Fatal(err)
	}
	if ms, err := host.History(t.Context(), lobby, 0, 100); err != nil || len(ms) != 5 || ms[0].Offset != 27 {
		t.Errorf("kept %+v %v", ms, err)
	}
}

// followed collects events.
type followed struct{ ch chan Event }

func follow(t *testing.T, n *Node) *followed {
	f := &followed{make(chan Event, 100_000)}
	events := n.Events(t.Context())
	go func() {
		for e, err := range events {
			if err != nil {
				return
			}
			f.ch <- e
		}
	}()
	return f
}

// until returns the first event from now on that is wanted.
func (f *followed) until(t *testing.T, want func(Event) bool) Event {
	t.Helper()
	late := time.After(30 * time.Second)
	for {
		select {
		case e := <-f.ch:
			if want(e) {
				return e
			}
		case <-late:
			t.Fatal("the event did not come")
		}
	}
}

// TestNativeReceipts: each message is queued, written and stored, in this order and once each.
func TestNativeReceipts(t *testing.T) {
	host, guest := openFast(t), openFast(t)
	l := mustListen(t, host, "tincan://127.0.0.1:0?admit=open")
	room := mustDial(t, guest, "tincan://"+l.Addr+"?accept=new")
	untilPhase(t, guest, room, "connected")
	f, h := follow(t, guest), follow(t, host)
	ids := map[string]int{}
	for i := range 50 {
		ids[mustSend(t, guest, room, fmt.Sprint(i)).ID] = 0
	}
	order := []Receipt{Queued, Written, Stored}
	for left := 3 * len(ids); left > 0; left-- {
		e := f.until(t, func(e Event) bool { return e.Kind == EventReceipt })
		n, known := ids[e.ID]
		if !known || n == 3 || e.State != order[n] || e.Room != room {
			t.Fatalf("receipt %+v after %d others", e, n)
		}
		ids[e.ID]++
	}
	// The host's own, towards the guest.
	m := mustSend(t, host, lobby, "from the host")
	for _, want := range order {
		e := h.until(t, func(e Event) bool { return e.Kind == EventReceipt && e.ID == m.ID })
		if e.State != want || want != Queued && e.Peer != guest.ID() {
			t.Errorf("receipt %+v, want %s", e, want)
		}
	}
}

// TestSentOnce repeats a message with the same id, before and after it has its number, and after a restart.
func TestSentOnce(t *testing.T) {
	host, guest := openFast(t), openFast(t)
	l := mustListen(t, host, "tincan://127.0.0.1:0?admit=open")
	room := mustDial(t, guest, "tincan://"+l.Addr+"?accept=new")
	untilPhase(t, guest, room, "connected")
	send := func(n *Node) Message {
		t.Helper()
		m, err := n.SendMessage(t.Context(), Outgoing{Room: room, ID: "order 7", Body: []byte("once")})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	send(guest)
	send(guest)
	untilMessages(t, guest, room, 1)
	if m := send(guest); m.Offset != 1 || m.ID != "order 7" {
		t.Errorf("again, when it has its number: %+v", m)
	}
	guest.Close()
	again := openHere(t, guest.dir)
	impatient(again)
	mustDial(t, again, "tincan://"+l.Addr)
	untilPhase(t, again, room, "connected")
	if m := send(again); m.Offset != 1 {
		t.Errorf("again, after a restart: %+v", m)
	}
	mustSend(t, again, room, "and another")
	if ms := untilMessages(t, host, lobby, 2); len(ms) != 2 {
		t.Errorf("the host has %+v", ms)
	}
}
