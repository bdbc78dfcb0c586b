package tincan_test

import (
	"bufio"
	"net"
	"strconv"
	"strings"
	"testing"

	"tincan"
)

// A link that dies in the middle of a batch: what the peer may have is uncertain and not sent again; the rest goes
// out when the peer is back, and its receipts are told though nothing new was said since.
func TestCutInTheMiddleOfABatch(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	accept := func() *net.TCPConn {
		c, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c.(*net.TCPConn)
	}
	n := open(t, t.TempDir())
	w := watch(t, n)
	room := dial(t, n, "lines://"+ln.Addr().String()+"?held=send")
	c := accept()
	c.SetReadBuffer(4 << 10)
	w.kind(tincan.EventConnected)
	const total = 3000
	var out []tincan.Outgoing
	for i := range total {
		out = append(out, tincan.Outgoing{Room: room, Body: []byte(strconv.Itoa(i) + strings.Repeat(" filler", 600))})
	}
	if _, err := n.SendMessages(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	heard := map[string]bool{}
	hear := func(r *bufio.Reader) string {
		s, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		s, _, _ = strings.Cut(s, " ")
		if heard[s] {
			t.Fatalf("message %s is heard twice", s)
		}
		heard[s] = true
		return s
	}
	r := bufio.NewReader(c)
	for range 50 {
		hear(r)
	}
	c.SetLinger(0)
	c.Close()
	w.kind(tincan.EventDisconnected)
	r = bufio.NewReader(accept())
	for hear(r) != strconv.Itoa(total-1) {
	}
	w.until("reached, to the last", func(e tincan.Event) bool { return e.Offset == total && e.State == tincan.Reached })
	rs, err := n.Receipts(t.Context(), room, 1, total)
	if err != nil {
		t.Fatal(err)
	}
	at, uncertain := int64(1), int64(0)
	for _, x := range rs {
		if x.First != at || x.State != tincan.Reached && x.State != tincan.Uncertain {
			t.Fatalf("receipts: %+v", rs)
		}
		if at = x.Last + 1; x.State == tincan.Uncertain {
			uncertain += x.Last - x.First + 1
		}
	}
	if uncertain == 0 || uncertain > 2500 {
		t.Errorf("%d messages are uncertain", uncertain)
	}
}
