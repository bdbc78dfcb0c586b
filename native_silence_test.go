package tincan

import (
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// A link over which nothing comes is taken for dead, and made anew; one over which only PING and PONG go lives.
func TestNativeSilence(t *testing.T) {
	k := newTalk(t)
	for _, n := range []*Node{k.host, k.guest} {
		n.pingAfter, n.deadAfter = 100*time.Millisecond, time.Second
	}
	k.converse(t, 1)
	links := func() int64 {
		s, err := k.guest.Status(t.Context())
		if err != nil || len(s.Links) != 1 {
			return 0
		}
		return s.Links[0].ID
	}
	first := links()
	began := time.Now()
	eventually(t, "several PINGs are answered", func() bool { return time.Since(began) > 1500*time.Millisecond })
	if now := links(); now != first || first == 0 {
		t.Errorf("link %d was replaced by %d while it was quiet", first, now)
	}
	k.proxy.cutAll("silence")
	k.converse(t, 1) // over another link, when this one is given up
}

// TestGreeters: a ninth connection from one address that has not said who it is ends the first.
func TestGreeters(t *testing.T) {
	n := openFast(t)
	l := mustListen(t, n, "tincan://127.0.0.1:0?admit=open")
	var conns []net.Conn
	for range greetersPerHost + 1 {
		c, err := net.Dial("tcp", l.Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		conns = append(conns, c)
	}
	ended := make(chan bool, len(conns))
	for _, c := range conns {
		c.SetDeadline(time.Now().Add(3 * time.Second)) // less than TLS may take
		go func() {
			_, err := io.ReadAll(c)
			ended <- !os.IsTimeout(err)
		}()
	}
	gone := 0
	for range conns {
		if <-ended {
			gone++
		}
	}
	if gone != 1 {
		t.Errorf("%d of %d are gone", gone, len(conns))
	}
	g := openFast(t)
	untilPhase(t, g, mustDial(t, g, "tincan://"+l.Addr+"?accept=new"), "connected") // who greets is let in beside them
}

// TestHalfHandshakes: hundreds of connections that never finish their greeting do not keep a healthy guest from talking,
// and are gone when their time is over.
func TestHalfHandshakes(t *testing.T) {
	host, guest := openFast(t), openFast(t)
	l := mustListen(t, host, "tincan://127.0.0.1:0?admit=open")
	room := mustDial(t, guest, "tincan://"+l.Addr+"?accept=new")
	untilPhase(t, guest, room, "connected")
	for i := range 300 {
		c, err := net.Dial("tcp", l.Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.Write([]byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"))
		if i%100 == 0 {
			mustSend(t, guest, room, "still here")
		}
	}
	untilMessages(t, host, lobby, 3)
	host.greeting.mu.Lock()
	many := len(host.greeting.all)
	host.greeting.mu.Unlock()
	if many > greetersAtOnce {
		t.Errorf("%d are in their greeting", many)
	}
}
