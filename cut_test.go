package tincan_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tincan"
)

// cutter is a plain peer whose connections die: after a number of bytes read it resets or closes, in the middle of
// a line as it happens. It keeps the whole lines that it read, link by link.
type cutter struct {
	ln     net.Listener
	budget func() int // bytes until the end; negative: it stays
	hard   func() bool

	mu    sync.Mutex
	links [][]string
	wg    sync.WaitGroup
}

func (c *cutter) serve() {
	for {
		conn, err := c.ln.Accept()
		if err != nil {
			return
		}
		c.mu.Lock()
		at := len(c.links)
		c.links = append(c.links, nil)
		c.mu.Unlock()
		c.wg.Go(func() { c.talk(conn, at) })
	}
}

func (c *cutter) talk(conn net.Conn, at int) {
	defer conn.Close()
	in := io.Reader(conn)
	c.mu.Lock()
	n := c.budget()
	c.mu.Unlock()
	if n >= 0 {
		in = io.LimitReader(conn, int64(n))
	}
	r := bufio.NewReader(in)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			break
		}
		c.mu.Lock()
		c.links[at] = append(c.links[at], strings.TrimSuffix(line, "\n"))
		c.mu.Unlock()
	}
	if c.hard() {
		conn.(*net.TCPConn).SetLinger(0)
	}
}

// got returns the lines of all links, one behind the other.
func (c *cutter) got() (lines []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.links {
		lines = append(lines, l...)
	}
	return lines
}

// TestCuts is the promise of plain links under fire: whatever dies, and whenever, no message comes twice or out of
// order, none that the peer read is called unsent, and none is without an answer to "did it arrive?".
func TestCuts(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(seed, 1))
			var rndMu sync.Mutex
			roll := func(n int) int { rndMu.Lock(); defer rndMu.Unlock(); return rnd.IntN(n) }
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			c := &cutter{ln: ln, budget: func() int { return roll(4000) }, hard: func() bool { return roll(2) == 0 }}
			go c.serve()
			defer ln.Close()
			dir := t.TempDir()
			n := open(t, dir)
			addr := "lines://" + ln.Addr().String() + "?held=offer"
			room := dial(t, n, addr)
			const total = 1500
			for i := 0; i < total; i++ {
				send(t, n, room, strconv.Itoa(i)+strings.Repeat(".", roll(40)))
				switch roll(40) {
				case 0:
					n.Redial(t.Context(), room)
				case 1: // the program ends and starts again
					if roll(8) == 0 {
						if err := n.Close(); err != nil {
							t.Fatal(err)
						}
						n = open(t, dir)
						dial(t, n, addr)
					}
				}
			}
			n.Redial(t.Context(), room)
			settle(t, n, room, total)
			if err := n.Close(); err != nil {
				t.Fatal(err)
			}
			n = open(t, dir)
			read := numbers(t, c.got())
			for i := 1; i < len(read); i++ {
				if read[i] <= read[i-1] {
					t.Fatalf("the peer read message %d behind %d: twice, or out of order", read[i], read[i-1])
				}
			}
			states := states(t, n, room, total)
			for _, i := range read {
				if s := states[i]; s != tincan.Reached && s != tincan.Uncertain {
					t.Errorf("the peer read message %d, and its receipt is %q", i, s)
				}
			}
			counts := map[tincan.Receipt]int{}
			for _, s := range states {
				counts[s]++
			}
			if counts[tincan.Written] > 0 || counts[""] > 0 {
				t.Errorf("messages without an answer: %v", counts)
			}

			// Asked for, all that is held goes out on a link that stays; what never was uncertain comes once.
			c.mu.Lock()
			t.Logf("%d links, %d lines read, receipts %v", len(c.links), len(read), counts)
			c.budget = func() int { return -1 }
			c.mu.Unlock()
			dial(t, n, addr)
			settle(t, n, room, total)
			sendHeld(t, n, room)
			settle(t, n, room, total)
			times := map[int]int{}
			for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) { // reached is not read yet
				clear(times)
				for _, i := range numbers(t, c.got()) {
					times[i]++
				}
				missing := 0
				for i, s := range states {
					if times[i] == 0 && s != tincan.Reached {
						missing++
					}
				}
				if missing == 0 || time.Now().After(deadline) {
					break
				}
			}
			for i, s := range states {
				if k := times[i]; s == tincan.Queued && k != 1 || s == tincan.Uncertain && (k < 1 || k > 2) || k > 2 {
					t.Errorf("message %d was %q, sent again when asked, and came %d times", i, s, k)
				}
			}
		})
	}
}

// numbers reads the number at the start of each line.
func numbers(t *testing.T, lines []string) (out []int) {
	t.Helper()
	for _, l := range lines {
		i, err := strconv.Atoi(strings.TrimRight(l, "."))
		if err != nil {
			t.Fatalf("a line that nobody sent: %q", l)
		}
		out = append(out, i)
	}
	return out
}

// states returns the receipt of each of a room's messages.
func states(t *testing.T, n *tincan.Node, room string, total int) []tincan.Receipt {
	t.Helper()
	rs, err := n.Receipts(t.Context(), room, 1, int64(total))
	if err != nil {
		t.Fatal(err)
	}
	out := make([]tincan.Receipt, total)
	for _, r := range rs {
		for o := r.First; o <= r.Last; o++ {
			out[o-1] = r.State
		}
	}
	return out
}

// settle waits until a room is connected and nothing in it is under way.
func settle(t *testing.T, n *tincan.Node, room string, total int) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		under := 0
		st, err := n.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range states(t, n, room, total) {
			if s == tincan.Written {
				under++
			}
		}
		if under == 0 && len(st.Links) > 0 {
			return
		}
		if under == 0 && st.Rooms[0].Dial != nil && st.Rooms[0].Dial.Phase == "waiting" {
			n.Redial(t.Context(), room)
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d messages still under way; %+v", under, st.Rooms)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// sendHeld sends what is held and waits until nothing is.
func sendHeld(t *testing.T, n *tincan.Node, room string) {
	t.Helper()
	if err := n.Held(t.Context(), room, tincan.SendNow); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for {
		st, err := n.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if st.Rooms[0].Held == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still held: %+v", st.Rooms[0].Held)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
