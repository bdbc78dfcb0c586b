package tincan_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"tincan"
)

// watcher collects a node's events.
type watcher struct {
	t      *testing.T
	events chan tincan.Event
	seen   []tincan.Event
}

func open(t *testing.T, dir string) *tincan.Node {
	t.Helper()
	n, err := tincan.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return n
}

func watch(t *testing.T, n *tincan.Node) *watcher {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w := &watcher{t: t, events: make(chan tincan.Event, 1<<16)}
	events := n.Events(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for e, err := range events {
			if err != nil {
				return
			}
			w.events <- e
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return w
}

// until waits for an event that fits, and returns it.
func (w *watcher) until(what string, fits func(tincan.Event) bool) tincan.Event {
	w.t.Helper()
	deadline := time.After(15 * time.Second)
	for {
		select {
		case e := <-w.events:
			w.seen = append(w.seen, e)
			if fits(e) {
				return e
			}
		case <-deadline:
			w.t.Fatalf("no %s; seen: %s", what, w.story())
		}
	}
}

func (w *watcher) kind(k tincan.EventKind) tincan.Event {
	w.t.Helper()
	return w.until(string(k), func(e tincan.Event) bool { return e.Kind == k })
}

func (w *watcher) receipt(id string, s tincan.Receipt) tincan.Event {
	w.t.Helper()
	return w.until("receipt "+string(s)+" of "+id, func(e tincan.Event) bool { return e.Kind == tincan.EventReceipt && e.ID == id && e.State == s })
}

func (w *watcher) message(body string) tincan.Event {
	w.t.Helper()
	return w.until(fmt.Sprintf("message %.40q", body), func(e tincan.Event) bool {
		return e.Kind == tincan.EventMessage && string(e.Message.Body) == body
	})
}

func (w *watcher) story() string {
	var parts []string
	for _, e := range w.seen {
		s := string(e.Kind)
		if e.Kind == tincan.EventReceipt {
			s += ":" + string(e.State)
		}
		if e.Message != nil {
			s += fmt.Sprintf(":%.20q", e.Message.Body)
		}
		if e.Reason != "" {
			s += ":" + e.Reason
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, " ")
}

func listen(t *testing.T, n *tincan.Node, addr string) tincan.ListenerStatus {
	t.Helper()
	l, err := n.Listen(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func dial(t *testing.T, n *tincan.Node, addr string) string {
	t.Helper()
	r, err := n.Dial(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	return r.Name
}

func send(t *testing.T, n *tincan.Node, room, text string) tincan.Message {
	t.Helper()
	m, err := n.Send(t.Context(), room, []byte(text))
	if err != nil {
		t.Fatalf("send to %s: %v", room, err)
	}
	return m
}

func history(t *testing.T, n *tincan.Node, room string) (texts []string) {
	t.Helper()
	ms, err := n.History(t.Context(), room, 0, 10000)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range ms {
		if !m.Replaced {
			texts = append(texts, m.From+":"+string(m.Body))
		}
	}
	return texts
}

func TestTalk(t *testing.T) {
	a, b := open(t, t.TempDir()), open(t, t.TempDir())
	wa, wb := watch(t, a), watch(t, b)
	l := listen(t, a, "dotnet://127.0.0.1:0")
	if got := wa.kind(tincan.EventListening).Addr; got != l.Addr {
		t.Errorf("listening on %s, got %s", l.Addr, got)
	}
	room := dial(t, b, "dotnet://"+l.Addr)
	in := wa.kind(tincan.EventConnected)
	out := wb.kind(tincan.EventConnected)
	if out.Room != room || out.HandshakeUS <= 0 || out.Codec != "dotnet" || in.Peer == "" {
		t.Errorf("connected: %+v", out)
	}
	for i := range 20 {
		q := fmt.Sprintf("你好 %d 😀\n", i)
		m := send(t, b, room, q)
		wb.receipt(m.ID, tincan.Queued)
		wb.receipt(m.ID, tincan.Written)
		wb.receipt(m.ID, tincan.Reached)
		e := wa.message(q)
		if e.Message.From != in.Peer || e.Message.Link != in.Link {
			t.Errorf("from %q on link %d, want %q on %d", e.Message.From, e.Message.Link, in.Peer, in.Link)
		}
		send(t, a, in.Room, "re: "+q)
		wb.message("re: " + q)
	}
	if err := b.HangUp(t.Context(), room); err != nil {
		t.Fatal(err)
	}
	d := wb.kind(tincan.EventDisconnected)
	if d.Reason != "closed here" || d.RetryInMS != nil {
		t.Errorf("own end: %+v", d)
	}
	if d := wa.kind(tincan.EventDisconnected); d.Reason != "peer closed" || !strings.Contains(d.Detail, "20 messages") {
		t.Errorf("peer's end: %+v", d)
	}
	if n := len(history(t, a, in.Room)); n != 40 {
		t.Errorf("journal has %d messages, want 40", n)
	}
	ls, err := a.Links(t.Context(), in.Room, 10)
	if err != nil || len(ls) != 1 || ls[0].Reason != "peer closed" || ls[0].MessagesIn != 20 || ls[0].MessagesOut != 20 {
		t.Errorf("links: %+v %v", ls, err)
	}
}

func TestEventsComeInOrder(t *testing.T) {
	a := open(t, t.TempDir())
	w := watch(t, a)
	l := listen(t, a, "lines://127.0.0.1:0")
	const n = 5000
	c, err := net.Dial("tcp", l.Addr)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		fmt.Fprintf(c, "line %d\n", i)
	}
	c.Close()
	w.kind(tincan.EventDisconnected)
	connected, next := false, 0
	for _, e := range w.seen {
		switch e.Kind {
		case tincan.EventConnected:
			connected = true
		case tincan.EventMessage:
			if want := fmt.Sprintf("line %d", next); !connected || string(e.Message.Body) != want || e.Offset != int64(next+1) {
				t.Fatalf("got %q at %d, want %q", e.Message.Body, e.Offset, want)
			}
			next++
		}
	}
	if next != n {
		t.Errorf("%d messages before disconnected, want %d", next, n)
	}
}

func TestManyLinksShareOneList(t *testing.T) {
	a := open(t, t.TempDir())
	w := watch(t, a)
	l := listen(t, a, "lines://127.0.0.1:0")
	var conns []net.Conn
	var rooms []string
	for range 5 {
		c, err := net.Dial("tcp", l.Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		conns = append(conns, c)
		rooms = append(rooms, w.kind(tincan.EventConnected).Room)
	}
	for i, r := range rooms {
		send(t, a, r, fmt.Sprintf("to %d", i))
	}
	for i, c := range conns {
		got, err := bufio.NewReader(c).ReadString('\n')
		if want := fmt.Sprintf("to %d\n", i); err != nil || got != want {
			t.Errorf("client %d got %q %v, want %q", i, got, err, want)
		}
	}
	s, err := a.Status(t.Context())
	if err != nil || len(s.Links) != 5 || s.Listeners[0].Links != 5 {
		t.Errorf("status: %d links, %+v, %v", len(s.Links), s.Listeners, err)
	}
	if err := a.Disconnect(t.Context(), s.Links[2].ID); err != nil {
		t.Fatal(err)
	}
	if _, err := conns[2].Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("disconnected client reads %v, want EOF", err)
	}
	if _, err := a.Send(t.Context(), s.Links[2].Room, []byte("x")); err == nil {
		t.Error("a message to a peer that is gone was accepted")
	}
}

func TestSharedRoom(t *testing.T) {
	a := open(t, t.TempDir())
	w := watch(t, a)
	l1 := listen(t, a, "lines://127.0.0.1:0/lobby")
	l2 := listen(t, a, "dotnet://127.0.0.1:0/lobby")
	c1, err := net.Dial("tcp", l1.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c1.Close()
	w.kind(tincan.EventConnected)
	b := open(t, t.TempDir())
	wb := watch(t, b)
	room := dial(t, b, "dotnet://"+l2.Addr)
	w.kind(tincan.EventConnected)
	fmt.Fprintf(c1, "hello all\n")
	wb.message("hello all")
	m := send(t, b, room, "hello lines")
	wb.receipt(m.ID, tincan.Reached)
	got, err := bufio.NewReader(c1).ReadString('\n')
	if err != nil || got != "hello lines\n" {
		t.Errorf("got %q %v", got, err)
	}
	own := send(t, a, "lobby", "from the host")
	wb.message("from the host")
	var peers []string
	for range 2 {
		peers = append(peers, w.receipt(own.ID, tincan.Reached).Peer)
	}
	if slices.Sort(peers); peers[0] == peers[1] {
		t.Errorf("receipts of %v, want one per member", peers)
	}
	if got, want := len(history(t, a, "lobby")), 3; got != want {
		t.Errorf("the room has %d messages, want %d", got, want)
	}
}

func TestAutoChoosesCodec(t *testing.T) {
	tests := []struct {
		name, say, codec, choice, body string
	}{
		{"lines", "hello\r\n", "lines", "detected", "hello"},
		{"dotnet", "\x06\xe4\xbd\xa0\xe5\xa5\xbd", "dotnet", "detected", "你好"},
		{"raw", "\x00\x01\x02\xff", "raw", "detected", "\x00\x01\x02\xff"},
		{"late line", "hel", "lines", "detected", "hel"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := open(t, t.TempDir())
			w := watch(t, a)
			l := listen(t, a, "127.0.0.1:0")
			c, err := net.Dial("tcp", l.Addr)
			if err != nil {
				t.Fatal(err)
			}
			e := w.kind(tincan.EventConnected)
			if e.Codec != "auto" || e.Choice != "undecided" {
				t.Errorf("connected as %s %s", e.Codec, e.Choice)
			}
			io.WriteString(c, tt.say)
			if tt.name == "late line" {
				c.(*net.TCPConn).CloseWrite()
			}
			e = w.kind(tincan.EventCodec)
			if e.Codec != tt.codec || e.Choice != tt.choice {
				t.Errorf("codec %s %s, want %s %s", e.Codec, e.Choice, tt.codec, tt.choice)
			}
			w.message(tt.body)
			c.Close()
		})
	}
}

func TestAutoAssumesLinesWhenWeSpeakFirst(t *testing.T) {
	a := open(t, t.TempDir())
	w := watch(t, a)
	l := listen(t, a, "127.0.0.1:0")
	c, err := net.Dial("tcp", l.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	room := w.kind(tincan.EventConnected).Room
	send(t, a, room, "who is there?")
	if got, _ := bufio.NewReader(c).ReadString('\n'); got != "who is there?\n" {
		t.Errorf("got %q", got)
	}
	s, _ := a.Status(t.Context())
	if s.Links[0].Codec != "lines" || s.Links[0].Choice != "assumed" {
		t.Errorf("codec %s %s", s.Links[0].Codec, s.Links[0].Choice)
	}
	c.Write([]byte("\x02me"))
	w.message("me")
	s, _ = a.Status(t.Context())
	if s.Links[0].Codec != "dotnet" || s.Links[0].Choice != "detected" {
		t.Errorf("codec %s %s", s.Links[0].Codec, s.Links[0].Choice)
	}
}

func TestCodecChangedByHandDecodesAgain(t *testing.T) {
	a := open(t, t.TempDir())
	w := watch(t, a)
	l := listen(t, a, "raw://127.0.0.1:0")
	c, err := net.Dial("tcp", l.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	room := w.kind(tincan.EventConnected).Room
	c.Write([]byte("\x03one\x03two\x05th"))
	w.kind(tincan.EventMessage)
	s, _ := a.Status(t.Context())
	if err := a.SetCodec(t.Context(), s.Links[0].ID, "dotnet"); err != nil {
		t.Fatal(err)
	}
	w.message("one")
	w.message("two")
	c.Write([]byte("ree"))
	w.message("three")
	var got []string
	for _, s := range history(t, a, room) {
		got = append(got, s[strings.LastIndex(s, ":")+1:])
	}
	if want := []string{"one", "two", "three"}; !slices.Equal(got, want) {
		t.Errorf("history %q, want %q", got, want)
	}
	if err := a.SetCodec(t.Context(), s.Links[0].ID, "nonsense"); err == nil {
		t.Error("an unknown codec was accepted")
	}
}

func TestPauseReading(t *testing.T) {
	a := open(t, t.TempDir())
	w := watch(t, a)
	l := listen(t, a, "lines://127.0.0.1:0")
	c, err := net.Dial("tcp", l.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	link := w.kind(tincan.EventConnected).Link
	if err := a.Reading(t.Context(), link, tincan.Pause); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		fmt.Fprintf(c, "line %d\n", i)
	}
	deadline := time.Now().Add(10 * time.Second)
	for queue := int64(0); queue < 500; {
		s, err := a.Status(t.Context())
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("the receive queue is %d (%v)", queue, err)
		}
		if q := s.Links[0].TCP.RecvQueue; q == nil {
			t.Skip("this system does not tell the receive queue")
		} else {
			queue = *q
		}
		if !s.Links[0].Paused {
			t.Fatal("not paused")
		}
	}
	for i := range 3 {
		if err := a.Reading(t.Context(), link, tincan.ReadOne); err != nil {
			t.Fatal(err)
		}
		w.message(fmt.Sprintf("line %d", i))
	}
	if err := a.Reading(t.Context(), link, tincan.Resume); err != nil {
		t.Fatal(err)
	}
	w.message("line 99")
}

// TestHeld: what was said while the peer was away is held and offered; nothing is sent twice or unasked.
func TestHeld(t *testing.T) {
	a, b := open(t, t.TempDir()), open(t, t.TempDir())
	wa, wb := watch(t, a), watch(t, b)
	l := listen(t, a, "lines://127.0.0.1:0")
	room := dial(t, b, "lines://"+l.Addr)
	first := wa.kind(tincan.EventConnected)
	wb.kind(tincan.EventConnected)
	m := send(t, b, room, "one")
	wb.receipt(m.ID, tincan.Reached)
	if err := a.StopListening(t.Context(), l.ID); err != nil {
		t.Fatal(err)
	}
	if err := a.Disconnect(t.Context(), first.Link); err != nil {
		t.Fatal(err)
	}
	if e := wb.kind(tincan.EventDisconnected); e.RetryInMS == nil {
		t.Errorf("a dialled link that the peer closed is not dialled again: %+v", e)
	}
	two, three := send(t, b, room, "two"), send(t, b, room, "three")
	l = listen(t, a, "lines://"+l.Addr)
	if err := b.Redial(t.Context(), room); err != nil {
		t.Fatal(err)
	}
	if e := wb.kind(tincan.EventHeld); e.Held == nil || e.Held.Queued != 2 {
		t.Errorf("held: %+v", e.Held)
	}
	four := send(t, b, room, "four")
	wb.receipt(four.ID, tincan.Reached)
	wa.message("four")
	if err := b.Held(t.Context(), room, tincan.SendNow); err != nil {
		t.Fatal(err)
	}
	wb.receipt(two.ID, tincan.Reached)
	wb.receipt(three.ID, tincan.Reached)
	wa.message("two")
	wa.message("three")
	rs, err := b.Receipts(t.Context(), room, 1, 4)
	if err != nil || len(rs) == 0 {
		t.Fatal(rs, err)
	}
	for _, r := range rs {
		if r.State != tincan.Reached {
			t.Errorf("receipts %+v", rs)
		}
	}
	s, _ := b.Status(t.Context())
	if s.Rooms[0].Held != nil {
		t.Errorf("still held: %+v", s.Rooms[0].Held)
	}
}

// TestPast: what happened is in the journal, and another program reads it in the same order.
func TestPast(t *testing.T) {
	dir := t.TempDir()
	n := open(t, dir)
	w := watch(t, n)
	l := listen(t, n, "127.0.0.1:0")
	c, err := net.Dial("tcp", l.Addr)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, "hello\n")
	room := w.kind(tincan.EventMessage).Room
	c.Close()
	w.kind(tincan.EventDisconnected)
	if err := n.StopListening(t.Context(), l.ID); err != nil {
		t.Fatal(err)
	}
	w.kind(tincan.EventStopped)
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	n = open(t, dir)
	for _, tt := range []struct {
		room  string
		limit int
		want  string
	}{
		{"", 100, "listening connected codec finished disconnected stopped"},
		{"", 2, "disconnected stopped"},
		{room, 100, "connected codec finished disconnected"},
	} {
		es, err := n.Past(t.Context(), tt.room, tt.limit)
		var got []string
		for _, e := range es {
			got = append(got, string(e.Kind))
		}
		if s := strings.Join(got, " "); err != nil || s != tt.want {
			t.Errorf("past of %q: %s %v, want %s", tt.room, s, err, tt.want)
		}
	}
	if _, err := n.Past(t.Context(), "nowhere", 1); err == nil {
		t.Error("a room that is not there has a past")
	}
}

// TestHeldMany: what waited is sent in a time that grows with its number, not with its square.
func TestHeldMany(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long, and longer under the race detector")
	}
	const many = 100_000
	n := open(t, t.TempDir())
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	room := dial(t, n, "lines://"+addr)
	batch := slices.Repeat([]tincan.Outgoing{{Room: room, Body: []byte("x")}}, 1000)
	for range many / len(batch) {
		if _, err := n.SendMessages(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.HangUp(t.Context(), room); err != nil { // and dialled anew: what waits is from before
		t.Fatal(err)
	}
	if ln, err = net.Listen("tcp", addr); err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	events := n.Events(t.Context())
	dial(t, n, "lines://"+addr)
	for e, err := range events {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == tincan.EventHeld {
			if e.Held.Queued != many {
				t.Fatalf("held: %+v", e.Held)
			}
			break
		}
	}
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := n.Held(t.Context(), room, tincan.SendNow); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 2*many)); err != nil {
		t.Fatal(err)
	}
}

func TestSameIDIsAcceptedOnce(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	room := dial(t, b, "lines://127.0.0.1:1")
	m1, err := b.SendMessage(t.Context(), tincan.Outgoing{Room: room, ID: "x-1", Body: []byte("once")})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = open(t, dir)
	room = dial(t, b, "lines://127.0.0.1:1")
	m2, err := b.SendMessage(t.Context(), tincan.Outgoing{Room: room, ID: "x-1", Body: []byte("once")})
	if err != nil || m2.Offset != m1.Offset || m2.ID != "x-1" {
		t.Errorf("sent again: %+v %v, want offset %d", m2, err, m1.Offset)
	}
	if h := history(t, b, room); len(h) != 1 {
		t.Errorf("history %q", h)
	}
}

func TestDialReasons(t *testing.T) {
	b := open(t, t.TempDir())
	w := watch(t, b)
	tests := []struct{ addr, reason, text string }{
		{"127.0.0.1:1", "refused", "connection refused by 127.0.0.1:1"},
		{"no-such-host.invalid:7000", "name not found", `no address found for "no-such-host.invalid"`},
	}
	for _, tt := range tests {
		room := dial(t, b, tt.addr)
		e := w.until("end of "+room, func(e tincan.Event) bool { return e.Kind == tincan.EventDisconnected && e.Room == room })
		if e.Reason != tt.reason || e.Detail != tt.text || e.Hint == "" || e.RetryInMS == nil || *e.RetryInMS > 1000 {
			t.Errorf("%s: %+v", tt.addr, e)
		}
		if err := b.HangUp(t.Context(), room); err != nil {
			t.Error(err)
		}
	}
}

func TestListenErrors(t *testing.T) {
	a := open(t, t.TempDir())
	l := listen(t, a, "127.0.0.1:0")
	for _, tt := range []struct{ addr, text string }{
		{l.Addr, "is in use by"},
		{"", "no address given"},
		{"lines://nohost", "has no port"},
		{"127.0.0.1:99999", "is not a port"},
		{"192.0.2.1:7000", "is not an address of this machine"},
		{"nonsense://:7000", "nonsense"},
		{"tls+lines://127.0.0.1:0", "needs a certificate"},
	} {
		_, err := a.Listen(t.Context(), tt.addr)
		if err == nil || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("listen %q: %v, want %q", tt.addr, err, tt.text)
		}
	}
	if _, err := tincan.Open(a.Dir()); err == nil || !strings.Contains(err.Error(), "in use by another tincan") {
		t.Errorf("second node: %v", err)
	}
}

// TestWhatCannotBeSaidIsRefused: a body that the peer's codec has no form for is refused before it is stored.
func TestWhatCannotBeSaidIsRefused(t *testing.T) {
	b := open(t, t.TempDir())
	room := dial(t, b, "127.0.0.1:1")
	if _, err := b.Send(t.Context(), room, []byte("two\nlines")); err == nil {
		t.Error("accepted")
	} else if _, hint, code := tincan.Explain(err); hint == "" || code != tincan.CodeUsage {
		t.Errorf("%v hint %q code %s", err, hint, code)
	}
	if h := history(t, b, room); len(h) != 0 {
		t.Errorf("stored: %q", h)
	}
}

func TestHalfClosedPeerStillGetsAnswers(t *testing.T) {
	a := open(t, t.TempDir())
	w := watch(t, a)
	l := listen(t, a, "lines://127.0.0.1:0")
	c, err := net.Dial("tcp", l.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "question")
	c.(*net.TCPConn).CloseWrite()
	e := w.message("question")
	if !e.Message.Partial {
		t.Error("a line without an end is not marked partial")
	}
	send(t, a, e.Room, "answer")
	got, err := io.ReadAll(c)
	if string(got) != "answer\n" || err != nil {
		t.Errorf("got %q %v", got, err)
	}
	if d := w.kind(tincan.EventDisconnected); d.Reason != "peer closed" {
		t.Errorf("reason %q", d.Reason)
	}
}
