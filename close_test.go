package tincan_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"tincan"
)

// goroutines are the stacks of those that run this package's code and its journal's, but for the test's own.
func goroutines() (stacks []string) {
	b := make([]byte, 1<<22)
	for s := range strings.SplitSeq(string(b[:runtime.Stack(b, true)]), "\n\n") {
		if strings.Contains(s, "tincan.(*") || strings.Contains(s, "tincan/internal/") {
			stacks = append(stacks, s)
		}
	}
	return stacks
}

// TestCloseAnyTime closes two nodes that talk, dial, accept, change codecs, pause, hang up and are watched by readers
// who do not read, at any moment. Close returns, twice at once too, and nothing goes on after it.
func TestCloseAnyTime(t *testing.T) {
	before := len(goroutines())
	for seed := range uint64(12) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		var nodes [2]*tincan.Node
		var addrs []string
		for i := range nodes {
			n, err := tincan.Open(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			nodes[i] = n
			for _, a := range []string{"127.0.0.1:0", "lines://127.0.0.1:0/lobby"} {
				l := listen(t, n, a)
				addrs = append(addrs, l.Addr)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		work := func(do func(n *tincan.Node, r *rand.Rand)) {
			r := rand.New(rand.NewPCG(rnd.Uint64(), 3))
			wg.Go(func() {
				for ctx.Err() == nil {
					do(nodes[r.IntN(2)], r)
				}
			})
		}
		for range 2 {
			work(func(n *tincan.Node, r *rand.Rand) { n.Dial(ctx, "lines://"+addrs[r.IntN(len(addrs))]+"?held=send") })
			work(func(n *tincan.Node, r *rand.Rand) {
				n.Send(ctx, "lines://"+addrs[r.IntN(len(addrs))], []byte("hello"))
				n.Send(ctx, "lobby", []byte("all"))
			})
		}
		work(func(n *tincan.Node, r *rand.Rand) {
			s, err := n.Status(ctx)
			if err != nil || len(s.Links) == 0 {
				return
			}
			l := s.Links[r.IntN(len(s.Links))]
			switch r.IntN(12) {
			case 0:
				n.Disconnect(ctx, l.ID)
			case 1:
				n.HangUp(ctx, l.Room)
			case 2, 3:
				n.SetCodec(ctx, l.ID, []string{"raw", "lines", "dotnet"}[r.IntN(3)])
			case 4:
				n.Reading(ctx, l.ID, tincan.Pause)
			case 5, 6:
				n.Reading(ctx, l.ID, tincan.Resume)
			case 7:
				n.Held(ctx, l.Room, tincan.SendNow)
			case 8:
				n.Redial(ctx, l.Room)
			}
		})
		work(func(_ *tincan.Node, r *rand.Rand) {
			c, err := net.Dial("tcp", addrs[r.IntN(len(addrs))])
			if err != nil {
				time.Sleep(time.Millisecond)
				return
			}
			fmt.Fprintf(c, "hi\n%s", strings.Repeat("x", r.IntN(1000)))
			if r.IntN(2) == 0 {
				c.(*net.TCPConn).SetLinger(0)
			}
			c.Close()
		})
		for range 3 { // read one event and then no more
			wg.Go(func() {
				for range nodes[0].Events(ctx) {
					<-ctx.Done()
				}
			})
		}
		time.Sleep(time.Duration(rnd.IntN(400)) * time.Millisecond) // any moment will do
		closed := make(chan error, 3)
		for _, n := range append(nodes[:], nodes[0]) {
			go func() { closed <- n.Close() }()
		}
		for range 3 {
			select {
			case err := <-closed:
				if err != nil {
					t.Errorf("close: %v", err)
				}
			case <-time.After(30 * time.Second):
				t.Fatalf("seed %d: Close does not return:\n%s", seed, strings.Join(goroutines(), "\n\n"))
			}
		}
		cancel()
		wg.Wait()
	}
	var left []string
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if left = goroutines(); len(left) <= before {
			return
		}
	}
	t.Errorf("%d goroutines go on, %d did before:\n%s", len(left), before, strings.Join(left, "\n\n"))
}

// Who closes a node that is being closed waits for the same end.
func TestCloseTwice(t *testing.T) {
	dir := t.TempDir()
	n := open(t, dir)
	w := watch(t, n)
	call(t, n, w, listen(t, n, "lines://127.0.0.1:0").Addr) // and does not close
	first := make(chan error, 1)
	go func() { first <- n.Close() }()
	for closing := false; !closing; {
		s, err := n.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		closing = s.Links[0].Phase == tincan.Closing
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	open(t, dir)
	if err := <-first; err != nil {
		t.Error(err)
	}
}
