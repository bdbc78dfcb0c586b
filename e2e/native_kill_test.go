package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

// ticketFor makes a ticket on the folder of a running host, for the address that it listens on.
func ticketFor(t testing.TB, dir string, args ...string) string {
	t.Helper()
	p := tincan(t, dir, append([]string{"ticket"}, args...)...)
	p.finish()
	if s := p.exit(); s != 0 {
		t.Fatalf("tincan ticket exits %d: %s", s, p.stderr())
	}
	return strings.TrimSpace(p.output())
}

// nativeKilling is a host and a guest with tickets, one, the other or both of which are killed at random instants while
// the guest is fed without pause. After a kill it is fed again, with the same ids, what it had not told to be queued.
type nativeKilling struct {
	t           *testing.T
	rnd         *rand.Rand
	port        string
	dirs        [2]string // the host's, the guest's
	host, guest *proc
	ticket      string
	fed, told   int // messages fed; all before told were told to be queued
	queued      map[string]bool
	stored      map[string]bool
	kills       [2]int
}

func (k *nativeKilling) name(i int) string { return fmt.Sprint("message ", i) }

func (k *nativeKilling) startHost() {
	k.host = tincan(k.t, k.dirs[0], "listen", "tincan://127.0.0.1:"+k.port, "--json")
	k.host.quiet = true
	k.host.on("listening")
}

func (k *nativeKilling) startGuest() {
	k.guest = dial(k.t, k.dirs[1], k.ticket)
	k.guest.quiet = true
	k.guest.on("connecting")
	k.write(k.told, k.fed)
}

func (k *nativeKilling) feed(n int) {
	k.write(k.fed, k.fed+n)
	k.fed += n
}

func (k *nativeKilling) write(from, to int) {
	var b strings.Builder
	for i := from; i < to; i++ {
		b.WriteString(object("text", k.name(i), "id", k.name(i)) + "\n")
	}
	k.guest.write(b.String()) // it may be dead already
}

// collect takes in what the guest has told so far.
func (k *nativeKilling) collect() {
	for _, e := range k.guest.all("receipt") {
		switch e.State {
		case "queued":
			k.queued[e.ID] = true
		case "stored":
			k.stored[e.ID] = true
		}
	}
	for k.told < k.fed && k.queued[k.name(k.told)] {
		k.told++
	}
}

func (k *nativeKilling) round() {
	what := k.rnd.IntN(3)
	if what != 0 {
		k.guest.kill()
		k.kills[1]++
	}
	if what != 1 {
		k.host.kill()
		k.kills[0]++
	}
	k.collect()
	if what != 1 {
		k.startHost()
	}
	if what != 0 {
		k.startGuest()
	}
}

func (k *nativeKilling) check() {
	t := k.t
	host, guest := logOf(t, k.dirs[0], "lobby"), logOf(t, k.dirs[1], "tincan://127.0.0.1:"+k.port)
	if len(host) != k.fed || len(guest) != k.fed {
		t.Errorf("%d messages were fed, the host has %d and the guest %d", k.fed, len(host), len(guest))
	}
	has := map[string]bool{}
	for i, m := range host {
		if m.Offset != int64(i+1) || m.body() != k.name(i) {
			t.Fatalf("place %d of the host's log is %s, want %q", i+1, m, k.name(i))
		}
		has[m.ID] = true
		if i < len(guest) && (guest[i].ID != m.ID || guest[i].body() != m.body() || guest[i].Offset != m.Offset) {
			t.Fatalf("place %d is %s at the host and %s at the guest", i+1, m, guest[i])
		}
	}
	for id := range k.stored {
		if !has[id] {
			t.Errorf("%q was told to be stored and is not there", id)
		}
	}
}

// TestKillNative kills a host, a guest or both 30 times under load (TINCAN_TORTURE: 1,000 times and a million
// messages): nothing is lost, nothing comes twice, nothing out of order, and what was told to be stored is there.
func TestKillNative(t *testing.T) {
	t.Parallel()
	seed := seedOf(t)
	runs, each := 1, 200
	if os.Getenv("TINCAN_TORTURE") != "" {
		runs, each = 35, 1300
	}
	kills, messages := 0, 0
	for n := range uint64(runs) {
		k := &nativeKilling{t: t, rnd: rand.New(rand.NewPCG(seed, n)), port: freePort(t), dirs: [2]string{t.TempDir(), t.TempDir()},
			queued: map[string]bool{}, stored: map[string]bool{}}
		k.run(24, each)
		kills += k.kills[0] + k.kills[1]
		messages += k.fed
		t.Logf("%d messages; kills of the host %d, of the guest %d; %d told to be stored", k.fed, k.kills[0], k.kills[1], len(k.stored))
	}
	t.Logf("%d kills, %d messages", kills, messages)
}

// run talks for some rounds, each of which ends with a kill, and looks at what is left.
func (k *nativeKilling) run(rounds, each int) {
	k.startHost()
	k.ticket = ticketFor(k.t, k.dirs[0], "--uses", "1")
	k.startGuest()
	k.guest.on("connected")
	for range rounds {
		k.feed(each)
		time.Sleep(time.Duration(k.rnd.IntN(120)) * time.Millisecond) // the random instant
		k.round()
	}
	k.feed(1)
	k.guest.until("all is stored", func() bool {
		told := k.guest.events
		for i := len(told) - 1; i >= 0; i-- {
			if told[i].Event == "receipt" && told[i].State == "stored" && told[i].ID == k.name(k.fed-1) {
				return true
			}
		}
		return false
	})
	k.guest.finish()
	k.guest.wantExit(0)
	k.collect()
	k.host.finish()
	k.host.wantExit(0)
	k.check()
}
