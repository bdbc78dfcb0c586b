package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Peers that make the program wait or hold much, and networks that go away. The clocks are the real ones: two of
// these tests take the 45 s that the program gives a peer.

// long waits longer than on does: for what takes the program's own 45 s.
func (p *proc) long(kind string, match ...func(event) bool) (e event) {
	p.t.Helper()
	eventually(p.t, 80*time.Second, func() error {
		if !p.running() {
			p.t.Fatalf("%s has ended", p.name)
		}
		if es := p.all(kind, match...); len(es) > 0 {
			e = es[0]
			return nil
		}
		return errors.New("no event " + kind)
	})
	return e
}

// A peer that never reads: its window closes, the queue is seen to stand, and after 45 s it is given up. What it may
// have is uncertain, what never left stays here, nobody else waits for it.
func TestHostileNeverReads(t *testing.T) {
	t.Parallel()
	v := attacked(t, "lines://127.0.0.1:0", line)
	bad := connect(t, v.port)
	bad.SetReadBuffer(4 << 10)
	up := v.on("connected", inRoom(roomOf(bad)))
	const n = 300
	for i := range n {
		v.say(object("room", up.Room, "text", fmt.Sprintf("%d %059000d", i, 0), "id", fmt.Sprint(i)))
	}
	v.on("receipt", func(e event) bool { return e.ID == fmt.Sprint(n-1) && e.State == "queued" })
	eventually(t, patience, func() error { // a person can see why nothing moves
		if p := run(t, v.dir, "", "status"); !strings.Contains(p.output(), "send queue ") {
			return fmt.Errorf("status shows no send queue:\n%s", p.output())
		}
		return nil
	})
	v.talks()
	e := v.long("disconnected", inRoom(up.Room))
	if e.Reason != "not reading" || *e.Code != 4 || !strings.Contains(e.Detail, "does not read") || !strings.Contains(e.Hint, "must read") {
		t.Errorf("after 45 s: %s", e)
	}
	if d := e.At.Sub(up.At); d < 40*time.Second {
		t.Errorf("given up after %v, want 45 s", d)
	}
	if err := gone(t, bad); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the peer sees %v, want a reset: it must not take what it has for the whole", err)
	}
	states, order := map[string]int{}, []string{}
	last := map[string]string{}
	for _, r := range v.all("receipt", inRoom(up.Room)) {
		last[r.ID] = r.State
	}
	for i := range n {
		s := last[fmt.Sprint(i)]
		if states[s]++; len(order) == 0 || order[len(order)-1] != s {
			order = append(order, s)
		}
	}
	t.Logf("of %d messages: %v", n, states)
	if got := strings.TrimPrefix(strings.Join(order, " "), "reached "); got != "uncertain queued" || states["queued"] < 10 {
		t.Errorf("the receipts are, in order: %v %v; want reached, uncertain, queued", order, states)
	}
	if ms := logOf(t, v.dir, up.Room); len(ms) != n {
		t.Errorf("the journal has %d of %d messages", len(ms), n)
	}
	v.talks()
	v.within(2 * modest)
	v.kept()
	v.finish()
	v.wantExit(4, "were not delivered in time")
}

// A peer that vanishes without a word: cable out, machine dead. Keepalive notices an idle one, the user timeout one
// that owes an acknowledgement. Both ends are told as what they are, with the next step.
func TestHostileVanishes(t *testing.T) {
	t.Parallel()
	needRoot(t, "a network of its own")
	ip, ncat := need(t, "ip"), need(t, "ncat")
	need(t, "nft")
	here, there := fmt.Sprintf("tincan-a%d", os.Getpid()), fmt.Sprintf("tincan-b%d", os.Getpid())
	do := func(args ...string) {
		t.Helper()
		if out, err := exec.Command(ip, args...).CombinedOutput(); err != nil {
			skip(t, "no network of its own can be made here: ip %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
	for _, ns := range []string{here, there} {
		do("netns", "add", ns)
		t.Cleanup(func() { exec.Command(ip, "netns", "del", ns).Run() })
		do("-n", ns, "link", "set", "lo", "up")
	}
	do("-n", here, "link", "add", "veth0", "type", "veth", "peer", "name", "veth0", "netns", there)
	do("-n", here, "addr", "add", "192.0.2.1/24", "dev", "veth0")
	do("-n", there, "addr", "add", "192.0.2.2/24", "dev", "veth0")
	do("-n", here, "link", "set", "veth0", "up")
	do("-n", there, "link", "set", "veth0", "up")

	p := start(t, ip, "netns", "exec", here, binary, "listen", "lines://192.0.2.1:7000", "--json", "--data", t.TempDir())
	p.on("listening")
	say := func(ns, words string) (*proc, event) {
		c := start(t, ip, "netns", "exec", ns, ncat, "192.0.2.1", "7000")
		c.say(words)
		return c, p.on("message", says(words))
	}
	good, _ := say(here, "a neighbour")
	_, idle := say(there, "an idle one")
	_, owing := say(there, "one who will owe")
	do("netns", "exec", there, "nft", "add table inet cut; add chain inet cut in { type filter hook input priority 0; policy drop; }; add chain inet cut out { type filter hook output priority 0; policy drop; }")
	p.say(object("room", owing.Room, "text", "into the void", "id", "void"))
	for _, m := range []event{idle, owing} {
		e := p.long("disconnected", inRoom(m.Room))
		if e.Reason != "timed out" || !strings.Contains(e.Detail, "did not answer in time") || !strings.Contains(e.Hint, "check the network") || e.Retry != nil {
			t.Errorf("it vanished: %s", e)
		}
		if d := e.At.Sub(m.At); d < 30*time.Second || d > 75*time.Second {
			t.Errorf("noticed after %v, want about 45 s", d)
		}
	}
	if e := p.on("receipt", func(e event) bool { return e.ID == "void" && e.State != "queued" && e.State != "written" }); e.State != "uncertain" {
		t.Errorf("what was sent into the void is %s", e)
	}
	good.say("unharmed")
	p.on("message", says("unharmed"))
	p.finish()
	p.wantExit(4, "may not have arrived")
}

// Connections that begin TLS and never end it count like others: they are bounded, and time out with the reason.
func TestHostileHalfHandshakes(t *testing.T) {
	t.Parallel()
	pp := makePapers(t)
	p, port := listen(t, "", "tls+lines://0.0.0.0:0"+pp.listen())
	for i := range 1040 {
		c := connect(t, port)
		if i%2 == 0 {
			c.Write([]byte{0x16, 3, 1, 2, 0, 1}) // the first bytes of a hello
		}
	}
	if e := p.on("refused"); !strings.Contains(e.Reason, "1024 connections from one address") {
		t.Errorf("the first that is refused: %s", e)
	}
	start(t, need(t, "openssl"), "s_client", "-quiet", "-connect", "127.0.0.2:"+port, "-bind", "127.0.0.3", "-CAfile", pp.ca, "-verify_return_error").say("another address")
	p.on("message", says("another address"))
	p.within(modest)
	p.on("refused", func(e event) bool { return strings.Contains(e.Reason, "TLS") })
	start(t, need(t, "openssl"), "s_client", "-quiet", "-connect", "127.0.0.1:"+port, "-CAfile", pp.ca, "-verify_return_error").say("room again")
	p.on("message", says("room again"))
}

// Members of a room who take nothing: little is held for each, and the others hear everything.
func TestHostileManyThatDoNotRead(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1000, 60_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			const stuck, total = 500, 12 << 20
			p, port := listen(t, "", "lines://127.0.0.1:0/lobby")
			for range stuck {
				connect(t, port).SetReadBuffer(4 << 10)
			}
			listener := connect(t, port)
			listener.SetReadDeadline(time.Now().Add(4 * patience))
			p.until("all are there", func() bool { return p.count("connected") == stuck+1 })
			heard := make(chan int64, 1)
			go func() {
				n, _ := io.Copy(io.Discard, io.LimitReader(listener, total/int64(size)*int64(size)))
				heard <- n
			}()
			talker := connect(t, port)
			go pour(talker, line(strings.Repeat("x", size-1)), total/size*size)
			if got := <-heard; got != total/int64(size)*int64(size) {
				t.Errorf("the one who listens heard %d bytes", got)
			}
			p.within(modest + stuck*max(2*int64(size), 32<<10)) // a message for each, and as much garbage at worst
		})
	}
}

// Many peers that each say much at once and then nothing: what a burst takes is given back.
func TestHostileBursts(t *testing.T) {
	t.Parallel()
	v := attacked(t, "lines://127.0.0.1:0", line)
	const peers, lines = 150, 3000
	burst := bytes.Repeat([]byte("x\n"), lines)
	for range peers {
		c := connect(t, v.port)
		go pour(c, burst, len(burst))
	}
	v.until("all is said", func() bool { return len(v.events) >= peers*lines })
	v.talks()
	v.within(2 * modest)
	eventually(t, patience, func() error {
		if now, _ := memory(t, v.pid()); now > modest {
			return fmt.Errorf("it still takes %d MiB", now>>20)
		}
		return nil
	})
	v.kept()
}
