package tincan

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A simulation is a host and guests that talk while links are cut, nodes crash and old copies of their folders are put
// back. What happens is drawn from a seed; the journal, the disk, TLS and the wire are the real ones.
type simulation struct {
	t      *testing.T
	rnd    *rand.Rand
	log    []string
	nodes  []*simNode // the host first
	addr   string
	proxy  *cutter
	said   int
	accept map[string]int // texts that a Send has accepted, and in which life of the world: restoring begins another
	life   int
	sides  map[string]int // who said it
}

type simNode struct {
	n    *Node
	room string // of a guest
	url  string
	old  string // a copy of the folder from before; "" if none
}

func (s *simulation) note(format string, args ...any) {
	s.log = append(s.log, fmt.Sprintf(format, args...))
}

// copyFolder is what the disk holds at this instant, which is what a crash leaves.
func copyFolder(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	for _, name := range []string{"journal.db", "journal.db-wal", "key"} {
		b, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), b, 0o600)
		}
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	return to
}

func newSimulation(t *testing.T, seed uint64) *simulation {
	s := &simulation{t: t, rnd: rand.New(rand.NewPCG(seed, 7)), accept: map[string]int{}, sides: map[string]int{}}
	host := s.open(t.TempDir())
	l := mustListen(t, host, "tincan://127.0.0.1:0?admit=open")
	s.addr = l.Addr
	s.proxy = newCutter(t, l.Addr)
	s.nodes = []*simNode{{n: host, room: lobby}}
	for range 1 + s.rnd.IntN(3) {
		g := &simNode{n: s.open(t.TempDir()), url: "tincan://" + s.proxy.addr() + "?accept=new"}
		g.room = mustDial(t, g.n, g.url)
		untilPhase(t, g.n, g.room, "connected") // so that it knows the host's key
		s.nodes = append(s.nodes, g)
	}
	return s
}

func (s *simulation) open(dir string) *Node {
	s.t.Helper()
	var n *Node
	eventually(s.t, "the folder can be opened", func() bool {
		var err error
		n, err = Open(dir)
		return err == nil
	})
	impatient(n)
	return n
}

// step does one thing.
func (s *simulation) step(restore bool) {
	who := s.rnd.IntN(len(s.nodes))
	node := s.nodes[who]
	switch k := s.rnd.IntN(20); {
	case k < 9:
		many := 1 + s.rnd.IntN(8)
		s.note("node %d says %d messages", who, many)
		for range many {
			s.said++
			text := fmt.Sprintf("%d from %d", s.said, who)
			if _, err := node.n.Send(context.Background(), node.room, []byte(text)); err != nil {
				s.t.Errorf("send: %v", err)
			}
			s.accept[text], s.sides[text] = s.life, who
		}
	case k < 13:
		how := []string{"fin", "rst"}[s.rnd.IntN(2)]
		s.note("all links are cut (%s)", how)
		s.proxy.cutAll(how)
	case k < 15:
		c := &cut{up: s.rnd.IntN(2) == 0, at: s.rnd.Int64N(5000), how: "rst"}
		s.note("the next link is cut after %d bytes (up %v)", c.at, c.up)
		s.proxy.arm(c)
	case k < 17:
		s.note("node %d crashes", who)
		s.replace(who, func() string { return copyFolder(s.t, node.n.dir) })
	case k < 18:
		if who > 0 {
			s.note("node %d dials again", who)
			node.n.Redial(context.Background(), node.room)
		}
	case restore && node.old == "":
		s.note("a copy of node %d is made", who)
		node.old = copyFolder(s.t, node.n.dir)
	case restore:
		s.note("the old copy of node %d is put back", who)
		s.life++
		old := node.old
		node.old = ""
		s.replace(who, func() string { return old })
	}
	time.Sleep(time.Duration(s.rnd.IntN(4)) * time.Millisecond)
}

// replace ends a node without a word to anybody, and starts it on another folder.
func (s *simulation) replace(who int, dir func() string) {
	node := s.nodes[who]
	s.proxy.refuse(true)
	s.proxy.cutAll("rst") // it tells nobody of what it stores from here on
	to := dir()
	node.n.Close()
	node.n = s.open(to)
	s.proxy.refuse(false)
	if who == 0 {
		eventually(s.t, "the host listens again", func() bool {
			_, err := node.n.Listen(context.Background(), "tincan://"+s.addr+"?admit=open")
			return err == nil
		})
		return
	}
	mustDial(s.t, node.n, node.url)
}

// settle waits until everybody has everything, and looks at it.
func (s *simulation) settle() {
	host := s.nodes[0].n
	var last int64
	defer func() {
		if s.t.Failed() {
			s.t.Log(s.state())
		}
	}()
	eventually(s.t, "all is quiet", func() bool {
		rec, ok, err := host.journal.FindRoom(context.Background(), lobby)
		if err != nil || !ok {
			return len(s.accept) == 0
		}
		last = rec.Last
		for _, g := range s.nodes[1:] {
			copied, ok, err := g.n.journal.FindRoom(context.Background(), g.room)
			if err != nil || !ok || copied.Last != last {
				return false
			}
			box, ok, err := g.n.journal.FindRoom(context.Background(), "outbox of "+host.id)
			if err != nil || ok && box.Handled != box.Last {
				return false
			}
		}
		return true
	})
	log := s.texts(host, lobby)
	for i, g := range s.nodes[1:] {
		if got := s.texts(g.n, g.room); strings.Join(got, "\n") != strings.Join(log, "\n") {
			s.t.Errorf("guest %d has\n%s\nthe host has\n%s", i+1, strings.Join(got, "\n"), strings.Join(log, "\n"))
		}
	}
	seen, newest := map[string]bool{}, map[int]int{}
	for _, text := range log {
		if seen[text] {
			s.t.Errorf("%q is there twice", text)
		}
		seen[text] = true
		number, _ := strconv.Atoi(strings.Fields(text)[0])
		if side := s.sides[text]; number < newest[side] && s.life == 0 {
			s.t.Errorf("%q comes after %d", text, newest[side])
		} else {
			newest[side] = number
		}
	}
	for text, life := range s.accept {
		if life == s.life && !seen[text] {
			s.t.Errorf("%q is lost", text)
		}
	}
}

// state is where everybody is.
func (s *simulation) state() string {
	var b strings.Builder
	for i, k := range s.nodes {
		st, _ := k.n.Status(context.Background())
		for _, r := range st.Rooms {
			rec, _, _ := k.n.journal.FindRoom(context.Background(), r.Name)
			fmt.Fprintf(&b, "node %d: %s at %d, epoch %x", i, r.Name, r.Last, rec.Epoch[:2])
			if r.Dial != nil {
				fmt.Fprintf(&b, ", %+v", *r.Dial)
			}
			if r.Pending != nil {
				fmt.Fprintf(&b, ", %d pending", r.Pending.Messages)
			}
			b.WriteByte('\n')
		}
		if box, ok, _ := k.n.journal.FindRoom(context.Background(), "outbox of "+s.nodes[0].n.id); ok {
			fmt.Fprintf(&b, "node %d: outbox base %d, handled %d, last %d\n", i, box.Base, box.Handled, box.Last)
		}
	}
	return b.String()
}

func (s *simulation) texts(n *Node, room string) (out []string) {
	ms, err := n.History(context.Background(), room, 0, 100_000)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, m := range ms {
		out = append(out, string(m.Body))
	}
	return out
}

func (s *simulation) close() {
	s.proxy.cutAll("rst")
	for _, n := range s.nodes {
		n.n.Close()
	}
}

// TestSimulation runs simulations from seeds. TINCAN_SEED=n runs one, TINCAN_SEEDS=n that many.
func TestSimulation(t *testing.T) {
	first, seeds := uint64(1), uint64(100)
	if testing.Short() {
		seeds = 10
	}
	if n, err := strconv.ParseUint(os.Getenv("TINCAN_SEEDS"), 10, 64); err == nil {
		seeds = n
	}
	if n, err := strconv.ParseUint(os.Getenv("TINCAN_SEED"), 10, 64); err == nil {
		first, seeds = n, 1
	}
	var wg sync.WaitGroup
	turn := make(chan struct{}, 4)
	began := time.Now()
	for seed := first; seed < first+seeds && !t.Failed(); seed++ {
		turn <- struct{}{}
		wg.Go(func() {
			defer func() { <-turn }()
			t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
				s := newSimulation(t, seed)
				defer s.close()
				defer func() {
					if t.Failed() {
						t.Logf("TINCAN_SEED=%d go test -run TestSimulation .\n%s", seed, strings.Join(s.log, "\n"))
					}
				}()
				for range 12 {
					s.step(seed%3 == 0)
				}
				s.settle()
			})
		})
	}
	wg.Wait()
	t.Logf("%d seeds in %s", seeds, time.Since(began).Round(time.Second))
}
