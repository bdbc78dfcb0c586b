package tincan

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"
)

// talk is a host and a guest that reach each other through a proxy which cuts.
type talk struct {
	host, guest *Node
	proxy       *cutter
	url         string
	room        string // of the guest
	said        int
}

// impatient makes a node try again at once.
func impatient(n *Node) {
	n.limits.RetryMin, n.limits.RetryMax = 2*time.Millisecond, 20*time.Millisecond
	n.limits.StorageRetry = 20 * time.Millisecond
}

func newTalk(t *testing.T) *talk {
	t.Helper()
	k := &talk{}
	for _, n := range []**Node{&k.host, &k.guest} {
		var err error
		if *n, err = Open(t.TempDir()); err != nil {
			t.Fatal(err)
		}
		impatient(*n)
		t.Cleanup(func() { (*n).Close() })
	}
	l, err := k.host.Listen(t.Context(), "tincan://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k.proxy = newCutter(t, l.Addr)
	ticket, err := k.host.MakeTicket(t.Context(), TicketRequest{Addr: k.proxy.addr()})
	if err != nil {
		t.Fatal(err)
	}
	k.url = ticket.URL
	r, err := k.guest.Dial(t.Context(), k.url)
	if err != nil {
		t.Fatal(err)
	}
	k.room = r.Name
	eventually(t, "the first link is up", func() bool { _, ok, _ := k.host.journal.FindRoom(t.Context(), lobby); return ok })
	return k
}

// converse has both sides say n messages while the link is made, cut and made again, and checks that all of them are
// on both sides, once, in order, under the same numbers.
func (k *talk) converse(t *testing.T, n int, cuts ...*cut) {
	t.Helper()
	ctx := t.Context()
	first := k.said
	k.guest.HangUp(ctx, k.room)
	var said [2][]string
	var wg sync.WaitGroup
	for _, c := range cuts {
		k.proxy.arm(c)
	}
	if _, err := k.guest.Dial(ctx, k.url); err != nil {
		t.Fatal(err)
	}
	for side, speak := range []func(string) error{
		func(s string) error { _, err := k.guest.Send(ctx, k.room, []byte(s)); return err },
		func(s string) error { _, err := k.host.Send(ctx, lobby, []byte(s)); return err },
	} {
		wg.Go(func() {
			for i := range n {
				text := fmt.Sprintf("%d %d %d", side, first, i)
				said[side] = append(said[side], text)
				if err := speak(text); err != nil {
					t.Errorf("send %s: %v", text, err)
					return
				}
			}
		})
	}
	wg.Wait()
	k.said += 2 * n
	for _, at := range []struct {
		n    *Node
		room string
	}{{k.host, lobby}, {k.guest, k.room}} {
		eventually(t, fmt.Sprintf("%d messages in %s", k.said, at.room), func() bool {
			rec, ok, err := at.n.journal.FindRoom(ctx, at.room)
			return ok && err == nil && rec.Last >= int64(k.said)
		})
	}
	k.check(t, first, said)
}

func (k *talk) check(t *testing.T, first int, said [2][]string) {
	t.Helper()
	a, err := k.host.History(context.Background(), lobby, int64(first), 100_000)
	if err != nil {
		t.Fatal(err)
	}
	b, err := k.guest.History(context.Background(), k.room, int64(first), 100_000)
	if err != nil {
		t.Fatal(err)
	}
	if len(a) != k.said-first || len(b) != len(a) {
		t.Fatalf("%d messages at the host and %d at the guest, want %d", len(a), len(b), k.said-first)
	}
	var next [2]int
	for i := range a {
		if string(a[i].Body) != string(b[i].Body) || a[i].Offset != b[i].Offset || a[i].ID != b[i].ID {
			t.Fatalf("message %d is %q at the host and %q at the guest", a[i].Offset, a[i].Body, b[i].Body)
		}
		side := 0
		if a[i].From == Me {
			side = 1
		}
		if j := next[side]; j >= len(said[side]) || said[side][j] != string(a[i].Body) {
			t.Fatalf("message %d is %q, want %q", a[i].Offset, a[i].Body, said[side][min(j, len(said[side])-1)])
		}
		next[side]++
	}
}

// TestCutNativeEverywhere cuts a conversation of 20 messages after every byte, in each direction, by FIN and RST in
// turn: nothing is lost, nothing comes twice, nothing out of order.
func TestCutNativeEverywhere(t *testing.T) {
	const workers = 8
	stride := int64(1)
	if testing.Short() {
		stride = 37
	}
	talks := make(chan *talk, workers)
	for range workers {
		talks <- newTalk(t)
	}
	k := <-talks
	k.converse(t, 10)
	ends := map[bool]int64{true: k.proxy.up.Load(), false: k.proxy.down.Load()}
	talks <- k
	began := time.Now()
	cuts := 0
	t.Run("at", func(t *testing.T) {
		var wg sync.WaitGroup
		for _, up := range []bool{true, false} {
			for at := int64(0); at <= ends[up] && !t.Failed(); at += stride {
				k := <-talks
				cuts++
				how := []string{"fin", "rst"}[at%2]
				wg.Go(func() {
					defer func() { talks <- k }()
					k.converse(t, 10, &cut{up, at, how})
				})
			}
		}
		wg.Wait()
	})
	t.Logf("%d cuts in %s: %d bytes to the host, %d back", cuts, time.Since(began).Round(time.Second), ends[true], ends[false])
}

// TestTortureCutPairs cuts a short conversation at a byte, and the link after it at another: every 7th byte to the host
// with every 11th back, and the other way round.
func TestTortureCutPairs(t *testing.T) {
	if os.Getenv("TINCAN_TORTURE") == "" {
		t.Skip("set TINCAN_TORTURE")
	}
	k := newTalk(t)
	k.converse(t, 2)
	up, down := k.proxy.up.Load(), k.proxy.down.Load()
	pairs := 0
	for a := int64(0); a < up; a += 7 {
		for b := int64(0); b < down; b += 11 {
			k.converse(t, 2, &cut{true, a, "rst"}, &cut{false, b, "fin"})
			k.converse(t, 2, &cut{false, b, "rst"}, &cut{true, a, "fin"})
			if pairs += 2; pairs%2000 == 0 {
				t.Logf("%d pairs", pairs)
				k = newTalk(t) // a short history
			}
		}
	}
	t.Logf("%d pairs", pairs)
}

// TestCutOften cuts every link within 100 ms, by FIN, RST and silence in turn, for 3 s (TINCAN_TORTURE: 2 min), while both
// sides talk: both get on all the while, and nothing is lost, nothing comes twice, nothing out of order.
func TestCutOften(t *testing.T) {
	span, stuck := 3*time.Second, t.Logf // a busy machine may be stuck for so short a time
	if os.Getenv("TINCAN_TORTURE") != "" {
		span, stuck = 2*time.Minute, t.Errorf
	}
	k := newTalk(t)
	for _, n := range []*Node{k.host, k.guest} {
		n.pingAfter, n.deadAfter = 100*time.Millisecond, 300*time.Millisecond
	}
	k.converse(t, 1) // the links from here on have these times
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	first, cuts, windows := k.said, 0, 0
	var said [2][]string
	var wg sync.WaitGroup
	for side, at := range []struct {
		n    *Node
		room string
	}{{k.guest, k.room}, {k.host, lobby}} {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				text := fmt.Sprintf("%d %d %d", side, first, i)
				if _, err := at.n.Send(t.Context(), at.room, []byte(text)); err != nil {
					t.Error(err)
					return
				}
				said[side] = append(said[side], text)
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	wg.Go(func() { // how far the guest's copy is, and whether that grew
		last := int64(0)
		for ; ctx.Err() == nil; windows++ {
			sleep(ctx, 2*time.Second)
			rec, _, err := k.guest.journal.FindRoom(t.Context(), k.room)
			if err != nil || rec.Last <= last {
				stuck("no progress in window %d: %d after %d, %v", windows, rec.Last, last, err)
			}
			last = rec.Last
		}
	})
	for ; ctx.Err() == nil; cuts++ {
		sleep(ctx, 100*time.Millisecond)
		k.proxy.cutAll([]string{"fin", "rst", "silence"}[cuts%3])
	}
	wg.Wait()
	k.said += len(said[0]) + len(said[1])
	untilMessages(t, k.host, lobby, k.said)
	untilMessages(t, k.guest, k.room, k.said)
	k.check(t, first, said)
	t.Logf("%d messages, %d cuts, %d windows", k.said-first, cuts, windows)
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
