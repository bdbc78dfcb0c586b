package e2e

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The automation contract, in its order: standard input, standard output, each event, the end of input, exit
// statuses, the folder.

// Without --json: a line in is a message, a message is a line out, words for people go to standard error.
func TestContractPlain(t *testing.T) {
	t.Parallel()
	l := tincan(t, "", "listen", "lines://127.0.0.1:0")
	l.errSays("listening on 127.0.0.1:")
	port := regexp.MustCompile(`127\.0\.0\.1:(\d+)`).FindStringSubmatch(l.stderr())[1]
	d := tincan(t, "", "dial", "127.0.0.1:"+port)
	d.errSays("connected")
	d.say("hello", `{"text":"braces are text without --json"}`, "", "你好")
	l.until("four lines", func() bool { return len(l.lines) == 4 })
	if got, want := l.output(), "hello\n{\"text\":\"braces are text without --json\"}\n\n你好\n"; got != want {
		t.Errorf("standard output is %q, want %q", got, want)
	}
	l.say("and back")
	d.says("and back")
	if got := d.output(); got != "and back\n" {
		t.Errorf("standard output is %q: it must hold what was received and nothing else", got)
	}
	d.finish()
	d.wantExit(0)
	l.errSays("disconnected")
	l.finish()
	l.wantExit(0)
}

// Bytes that are no text pass as they are.
func TestContractPlainBytes(t *testing.T) {
	t.Parallel()
	p := tincan(t, "", "listen", "lines://127.0.0.1:0")
	p.errSays("listening on ")
	port := regexp.MustCompile(`127\.0\.0\.1:(\d+)`).FindStringSubmatch(p.stderr())[1]
	c := connect(t, port)
	c.Write([]byte("gbk \xc4\xe3\xba\xc3 \xff\xfe \x1b[2J\n"))
	hears(p, 0, "gbk \xc4\xe3\xba\xc3 \xff\xfe \x1b[2J\n")
	p.say("\xc4\xe3\xba\xc3")
	want := []byte("\xc4\xe3\xba\xc3\n")
	if got := readFull(t, c, len(want)); !bytes.Equal(got, want) {
		t.Errorf("the peer got %q, want %q", got, want)
	}
}

func readFull(t testing.TB, c net.Conn, n int) []byte {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, n)
	if n, err := io.ReadFull(c, b); err != nil {
		t.Fatalf("read after %d bytes: %v", n, err)
	}
	return b
}

// fields checks that an event has exactly these fields.
func fields(t *testing.T, e event, names string) {
	t.Helper()
	var got []string
	for k := range e.Raw {
		got = append(got, k)
	}
	want := strings.Fields(names)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s has the fields %v, want %v: %s", e.Event, got, want, e)
	}
}

func rfc3339(t *testing.T, e event) {
	t.Helper()
	at, err := time.Parse(time.RFC3339, e.Time)
	if age := time.Since(at); err != nil || age < -time.Minute || age > 5*time.Minute {
		t.Errorf("the time of %s is not now in RFC 3339", e)
	}
}

// With --json: each event and its fields, from both sides of one conversation.
func TestContractEvents(t *testing.T) {
	t.Parallel()
	l, port := listen(t, "", "lines://127.0.0.1:0")
	up := l.on("listening")
	fields(t, up, "event time addr listener codec")
	connect(t, port).Close() // the port is real and bound
	first := l.on("disconnected")

	d := dial(t, "", "127.0.0.1:"+port)
	e := d.on("connecting")
	fields(t, e, "event time addr room attempt")
	if e.Addr != "127.0.0.1:"+port || e.Attempt != 1 {
		t.Errorf("connecting: %s", e)
	}
	e = d.on("connected")
	fields(t, e, "event time link room peer local remote codec choice handshake_us")
	if e.N != 1 || e.Link == 0 || e.Remote != "127.0.0.1:"+port || e.Peer != "tcp:127.0.0.1:"+port || e.Room != "lines://127.0.0.1:"+port ||
		e.Codec != "lines" || e.Raw["handshake_us"].(float64) <= 0 {
		t.Errorf("connected: %s", e)
	}
	rfc3339(t, e)
	a := l.after(first.N+1, "connected")
	fields(t, a, "event time listener link room peer local remote codec choice handshake_us")
	if a.Local != "127.0.0.1:"+port || a.Remote != e.Local || a.Peer != "tcp:"+e.Local || a.Room != "tcp:"+e.Local || a.Link == first.Link {
		t.Errorf("the accepting side says %s, the dialling side %s", a, e)
	}

	d.say("plain line", object("text", "an object", "id", "my-id"), object("hex", "ff 00 fe"), object("base64", "/wA="))
	for i, want := range []string{"plain line", "an object", "\xff\x00\xfe", "\xff\x00"} {
		m := l.on("message", func(e event) bool { return e.Offset == int64(i+1) && e.Room == a.Room })
		if m.body() != want || m.From != a.Peer || m.ID == "" || m.Link != a.Link {
			t.Errorf("message %d: %s", i+1, m)
		}
		rfc3339(t, m)
		if i < 2 {
			fields(t, m, "event room offset id from time text codec link")
		} else {
			fields(t, m, "event room offset id from time base64 codec link")
		}
	}
	d.on("receipt", func(e event) bool { return e.Offset == 4 && e.State == "reached" })
	for offset := range int64(4) {
		rs := d.all("receipt", func(e event) bool { return e.Offset == offset+1 })
		var states []string
		for _, r := range rs {
			states = append(states, r.State)
			if r.Room != e.Room || r.ID != rs[0].ID || r.ID == "" {
				t.Errorf("receipt: %s", r)
			}
			if r.State == "queued" {
				rfc3339(t, r)
			} else if r.Peer != e.Peer {
				t.Errorf("receipt without its peer: %s", r)
			}
		}
		if strings.Join(states, " ") != "queued written reached" {
			t.Errorf("message %d went through %v, want queued written reached", offset+1, states)
		}
	}
	if id := d.all("receipt", func(e event) bool { return e.Offset == 2 })[0].ID; id != "my-id" {
		t.Errorf("the id given was %q, the receipt says %q", "my-id", id)
	}
	if own := d.all("message"); len(own) > 0 {
		t.Errorf("own messages are told as messages: %s", own[0])
	}

	c := connect(t, port) // a peer that closes
	other := l.on("connected", inRoom(roomOf(c)))
	c.CloseWrite()
	e = l.on("finished", inRoom(roomOf(c)))
	fields(t, e, "event time link room peer")
	e = l.on("disconnected", inRoom(roomOf(c)))
	fields(t, e, "event time link room peer local remote reason detail code")
	if e.Link != other.Link || e.Reason != "peer closed" || *e.Code != 0 || !strings.Contains(e.Detail, "FIN") {
		t.Errorf("disconnected: %s", e)
	}
	c = connect(t, port) // a peer that resets
	l.on("connected", inRoom(roomOf(c)))
	c.SetLinger(0)
	c.Close()
	if e = l.on("disconnected", inRoom(roomOf(c))); e.Reason != "reset by peer" || !strings.Contains(e.Detail, "RST") {
		t.Errorf("disconnected: %s", e)
	}

	l.finish()
	l.wantExit(0)
	if e = l.on("disconnected", inRoom(a.Room)); e.Reason != "closed here" {
		t.Errorf("the side that closed says %s", e)
	}
	fields(t, l.on("stopped"), "event time addr listener")
	e = d.on("disconnected")
	fields(t, e, "event time link room peer local remote reason detail code retry_in_ms")
	if e.Reason != "peer closed" || *e.Retry < 100 || *e.Retry > 2000 {
		t.Errorf("the other side says %s", e)
	}
	e = d.after(e.N+1, "disconnected") // and nobody listens any more
	if e.Reason != "refused" || e.Retry == nil || e.Hint == "" || e.Link != 0 {
		t.Errorf("dialled in vain: %s", e)
	}
	e = d.after(e.N, "connecting")
	if e.Attempt < 2 {
		t.Errorf("the next attempt is number %d: %s", e.Attempt, e)
	}
}

// Dialling goes on until somebody is there, more and more slowly, and says each time why it failed.
func TestContractRedial(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	d := dial(t, "", "127.0.0.1:"+port)
	d.say(object("text", "said before anybody was there", "id", "early"))
	waits := []int64{}
	at := 0
	for range 3 {
		e := d.after(at, "disconnected")
		waits = append(waits, *e.Retry)
		at = e.N + 1
	}
	for i, ms := range waits { // 0.5 s doubling, with jitter of a quarter
		if low, high := int64(375)<<i, int64(625)<<i; ms < low || ms > high {
			t.Errorf("wait %d is %d ms, want %d to %d", i+1, ms, low, high)
		}
	}
	l, _ := listen(t, "", "lines://127.0.0.1:"+port)
	l.on("message", says("said before anybody was there"))
	d.on("receipt", reached("early"))
	if up := d.on("connected"); up.Link == 0 {
		t.Errorf("connected: %s", up)
	}
}

// An id that was seen is accepted once, in one run and after kill -9.
func TestContractIDs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, port := listen(t, "", "lines://127.0.0.1:0/room")
	d := dial(t, dir, "127.0.0.1:"+port)
	d.say(object("text", "one", "id", "a"), object("text", "one again", "id", "a"), object("text", "two", "id", "b"))
	d.on("receipt", reached("b"))
	l.on("message", says("two")) // or the room passes it on to the next link, which is somebody else
	d.kill()
	d = dial(t, dir, "127.0.0.1:"+port)
	d.say(object("text", "one", "id", "a"), object("text", "two", "id", "b"), object("text", "three", "id", "c"))
	d.on("receipt", reached("c"))
	l.on("message", says("three"))
	var heard []string
	for _, m := range l.all("message") {
		heard = append(heard, m.body())
	}
	if got := strings.Join(heard, ", "); got != "one, two, three" {
		t.Errorf("the peer heard %s; want one, two, three", got)
	}
	d.finish()
	// How far a message got is saved a moment after it is told: what was told just before the kill may be
	// uncertain now (4), and is never sent again.
	if st := d.exit(); st != 0 && st != 4 {
		t.Errorf("exit status %d, want 0 or 4", st)
	}
	var kept []string
	for i, m := range logOf(t, dir, "lines://127.0.0.1:"+port) {
		kept = append(kept, m.ID+" "+m.body())
		if m.Offset != int64(i+1) || m.From != "me" {
			t.Errorf("the journal has %s at place %d", m, i+1)
		}
	}
	if got := strings.Join(kept, ", "); got != "a one, b two, c three" {
		t.Errorf("the journal has %s; want a one, b two, c three", got)
	}
	long := strings.Repeat("x", 129)
	d = run(t, dir, object("text", "too long an id", "id", long)+"\n", "dial", "127.0.0.1:"+port, "--json")
	d.wantExit(1, "id is too long", "128 bytes")
}

// A message for one room goes nowhere else; a room that is not there is an error about this message only.
func TestContractRooms(t *testing.T) {
	t.Parallel()
	p, port := listen(t, "", "lines://127.0.0.1:0")
	a, b := connect(t, port), connect(t, port)
	p.on("connected", inRoom(roomOf(a)))
	p.on("connected", inRoom(roomOf(b)))
	p.say(object("text", "for a", "room", roomOf(a)), object("text", "for nobody", "room", "tcp:192.0.2.1:1"), "for both")
	if got := string(readFull(t, a, 15)); got != "for a\nfor both\n" {
		t.Errorf("a got %q", got)
	}
	if got := string(readFull(t, b, 9)); got != "for both\n" {
		t.Errorf("b got %q", got)
	}
	e := p.on("error")
	fields(t, e, "event error hint")
	if !strings.Contains(e.Error, "tcp:192.0.2.1:1") {
		t.Errorf("error: %s", e)
	}
	p.finish()
	p.wantExit(1, "tcp:192.0.2.1:1")
}

// A shared room: everybody hears everybody, nobody hears himself.
func TestContractSharedRoom(t *testing.T) {
	t.Parallel()
	p, port := listen(t, "", "lines://127.0.0.1:0/lobby")
	a, b := connect(t, port), connect(t, port)
	p.until("two links", func() bool { return len(p.events) >= 3 })
	a.Write([]byte("from a\n"))
	p.on("message", says("from a"), inRoom("lobby"))
	b.Write([]byte("from b\n"))
	p.on("message", says("from b"), inRoom("lobby"))
	p.say("from the host")
	if got := string(readFull(t, a, 21)); got != "from b\nfrom the host\n" {
		t.Errorf("a got %q", got)
	}
	if got := string(readFull(t, b, 21)); got != "from a\nfrom the host\n" {
		t.Errorf("b got %q", got)
	}
}

// End of input: what is owed is sent, the peer sees FIN, then it is over. Nothing said before is lost.
func TestContractEndOfInput(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	var in strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&in, "message %d of many that are still on their way when the input ends\n", i)
	}
	got := make(chan string, 1)
	go func() {
		c, err := ln.Accept()
		if err != nil {
			got <- err.Error()
			return
		}
		defer c.Close()
		time.Sleep(500 * time.Millisecond) // a slow starter
		b, err := io.ReadAll(c)
		if err != nil {
			got <- err.Error()
			return
		}
		got <- string(b)
	}()
	p := run(t, "", in.String(), "dial", ln.Addr().String())
	p.wantExit(0)
	select {
	case s := <-got:
		if s != in.String() {
			t.Errorf("the peer got %d bytes, want %d; %q", len(s), in.Len(), tail(s))
		}
	case <-time.After(patience):
		t.Error("the peer never saw the end")
	}
}

// --linger bounds the wait at the end.
func TestContractLinger(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never reads
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			defer c.Close()
		}
	}()
	big := strings.Repeat(strings.Repeat("x", 60_000)+"\n", 300)
	for _, c := range []struct {
		linger string
		least  time.Duration
	}{{"0s", 0}, {"2s", 2 * time.Second}} {
		began := time.Now()
		p := run(t, "", big, "dial", ln.Addr().String(), "--linger", c.linger)
		p.wantExit(4, "not delivered in time")
		if took := time.Since(began); took < c.least || took > c.least+15*time.Second {
			t.Errorf("--linger %s ended after %v", c.linger, took)
		}
	}
	began := time.Now()
	run(t, "", "hello\n", "dial", "127.0.0.1:"+freePort(t), "--linger", "1s").wantExit(3, "could not connect")
	if took := time.Since(began); took < time.Second {
		t.Errorf("--linger 1s gave up after %v", took)
	}
}

func TestContractExitStatus(t *testing.T) {
	t.Parallel()
	l, port := listen(t, "", "lines://127.0.0.1:0")
	for _, c := range []struct {
		status int
		args   string
		words  []string
	}{
		{0, "version", nil},
		{0, "--help", nil},
		{0, "listen --help", nil},
		{0, "status", nil},
		{0, "send 127.0.0.1:" + port + " hello", nil},
		{2, "listen", []string{"missing", "--help"}},
		{2, "listen 1 2", []string{"too many", "--help"}},
		{2, "lisen 7000", []string{"lisen", "--help"}},
		{2, "listen 7000 --nonsense", []string{"--nonsense"}},
		{2, "listen 7000 --linger soon", []string{"soon"}},
		{2, "listen nowhere", []string{"nowhere", "7000"}},
		{2, "listen 127.0.0.1:99999", []string{"99999", "65535"}},
		{2, "listen lnies://:0", []string{"lnies", "lines"}},
		{2, "listen lines://:0?colour=red", []string{"colour"}},
		{2, "dial auto://127.0.0.1:1", []string{"lines://"}},
		{2, "dial 127.0.0.1:0", []string{"port"}},
		{2, "dial ::1", []string{"[::1]:7000"}},
		{2, "send 127.0.0.1:" + port, []string{"missing"}},
		{2, "send 127.0.0.1:" + port + " --hex zz", []string{"hex"}},
		{3, "listen 127.0.0.1:" + port, []string{"in use", "tincan"}},
		{3, "listen 192.0.2.1:0", []string{"192.0.2.1", "not an address of this machine"}},
		{3, "send 127.0.0.1:" + freePort(t) + " hello", []string{"refused", "nothing listens"}},
	} {
		p := run(t, "", "", strings.Fields(c.args)...)
		p.wantExit(c.status, c.words...)
		if c.status != 0 && p.output() != "" {
			t.Errorf("%s: standard output must stay empty: %q", c.args, p.output())
		}
	}
	l.on("message", says("hello"))
}

// `send` exits 0 only when the peer's TCP has every byte, and says what went wrong otherwise.
func TestContractSend(t *testing.T) {
	t.Parallel()
	l, port := listen(t, "", "lines://127.0.0.1:0")
	addr := "127.0.0.1:" + port
	run(t, "", "", "send", addr, "你好").wantExit(0)
	l.on("message", says("你好"))
	run(t, "", "from standard input", "send", addr, "-").wantExit(0)
	l.on("message", says("from standard input"))
	run(t, "", "", "send", "--hex", "raw://"+addr, "61 62 63 0a").wantExit(0)
	l.on("message", says("abc"))
	dir := t.TempDir()
	for range 3 {
		run(t, dir, "", "send", addr, "once", "--id", "just once").wantExit(0)
	}
	run(t, dir, "", "send", addr, "the end").wantExit(0)
	l.on("message", says("the end"))
	if n := len(l.all("message", says("once"))); n != 1 {
		t.Errorf("one id was sent three times and arrived %d times", n)
	}
	p := run(t, "", "", "send", addr, "two\nlines")
	p.wantExit(2, "line")

	ln, err := net.Listen("tcp", "127.0.0.1:0") // never accepts, never reads: the kernel takes a little
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	p = run(t, "", strings.Repeat("x", 15<<20), "send", "raw://"+ln.Addr().String()+"?max=16MiB", "-", "--timeout", "2s")
	p.wantExit(4, "not delivered in time")
}

// SIGINT and SIGTERM close in order: the peer sees FIN, and everything that was accepted is in the journal.
func TestContractSignals(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		p, port := listen(t, "", "lines://127.0.0.1:0")
		c := connect(t, port)
		p.on("connected")
		p.say("last words")
		p.on("receipt", func(e event) bool { return e.State == "queued" })
		p.signal(s)
		c.SetReadDeadline(time.Now().Add(patience))
		got, err := io.ReadAll(c)
		if err != nil || string(got) != "last words\n" {
			t.Errorf("listen, %v: the peer read %q, %v; want the last words and an orderly end", s, got, err)
		}
		if st := p.exit(); st != 0 {
			t.Errorf("listen, %v: exit status %d, want 0", s, st)
		}

		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		d := dial(t, "", ln.Addr().String())
		conn, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		d.on("connected")
		d.signal(s)
		conn.SetReadDeadline(time.Now().Add(patience))
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("dial, %v: the peer sees %v, want an orderly end", s, err)
		}
		conn.Close()
		ln.Close()
		if st := d.exit(); st != 0 {
			t.Errorf("dial, %v: exit status %d, want 0", s, st)
		}
	}
	for _, args := range [][]string{{"dial", "127.0.0.1:" + freePort(t)}, {"--no-browser"}} { // with no link at all
		p := tincan(t, "", args...)
		p.until("it runs", func() bool { return p.err.Len() > 0 })
		p.signal(syscall.SIGTERM)
		if st := p.exit(); st != 0 {
			t.Errorf("%v, SIGTERM: exit status %d, want 0", args, st)
		}
	}
}

// Whatever ends it, the last events are told before it exits: nobody has to guess what became of a link.
func TestContractLastEvents(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"end of input", "SIGINT", "SIGTERM"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			stop := func(p *proc) {
				switch end {
				case "SIGINT":
					p.signal(syscall.SIGINT)
				case "SIGTERM":
					p.signal(syscall.SIGTERM)
				default:
					p.finish()
				}
				p.exit()
			}
			p, port := listen(t, "", "lines://127.0.0.1:0")
			c := connect(t, port)
			p.on("connected")
			stop(p)
			if e := p.all("disconnected"); len(e) != 1 || e[0].Reason != "closed here" {
				t.Errorf("listen: disconnected is told as %v", e)
			}
			if e := p.all("stopped"); len(e) != 1 {
				t.Errorf("listen: stopped is told as %v", e)
			}
			c.Close()
			p, _ = listen(t, "", "lines://127.0.0.1:0") // with no link
			stop(p)
			if e := p.all("stopped"); len(e) != 1 {
				t.Errorf("listen without a link: stopped is told as %v", e)
			}
			_, port = listen(t, "", "lines://127.0.0.1:0")
			p = dial(t, "", "127.0.0.1:"+port)
			p.on("connected")
			stop(p)
			if e := p.all("disconnected"); len(e) != 1 || e[0].Reason != "closed here" || e[0].Retry != nil {
				t.Errorf("dial: disconnected is told as %v", e)
			}
		})
	}
}

// The reader of standard output is gone: the program ends, and says so with its status.
func TestContractBrokenPipe(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(binary, "listen", "lines://127.0.0.1:0", "--json", "--data", t.TempDir())
	cmd.Env = environment()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	ended := make(chan error, 1)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	out.Close()
	go func() { ended <- cmd.Wait() }()
	c := connect(t, regexp.MustCompile(`127\.0\.0\.1:(\d+)`).FindStringSubmatch(line)[1])
	c.Write([]byte("hello\n"))
	select {
	case err := <-ended:
		if err == nil {
			t.Error("exit status 0 although standard output was closed")
		}
	case <-time.After(patience):
		cmd.Process.Kill()
		t.Error("it goes on although nobody reads its output")
	}
}

// --data, TINCAN_DATA and the system's folder for a user's data, in this order. Nobody else may read it.
func TestContractDataFolder(t *testing.T) {
	t.Parallel()
	_, port := listen(t, "", "lines://127.0.0.1:0")
	home := t.TempDir()
	for _, c := range []struct{ env, flag, want string }{
		{"", "", filepath.Join(home, "xdg", "tincan")},
		{"env", "", filepath.Join(home, "env")},
		{"env", "flag", filepath.Join(home, "flag")},
	} {
		args := []string{"send", "127.0.0.1:" + port, "hello"}
		if c.flag != "" {
			args = append(args, "--data", filepath.Join(home, c.flag))
		}
		cmd := exec.Command(binary, args...)
		cmd.Env = append(environment(), "HOME="+home, "XDG_DATA_HOME="+filepath.Join(home, "xdg"))
		if c.env != "" {
			cmd.Env = append(cmd.Env, "TINCAN_DATA="+filepath.Join(home, c.env))
		}
		startCmd(t, cmd).wantExit(0)
		files, err := os.ReadDir(c.want)
		if err != nil || len(files) == 0 {
			t.Errorf("env %q, flag %q: nothing in %s (%v)", c.env, c.flag, c.want, err)
		}
		if st, err := os.Stat(c.want); err == nil && st.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may look into %s: %v", c.want, st.Mode())
		}
	}
}

// Chinese: words for people change, what programs read does not.
func TestContractLanguage(t *testing.T) {
	t.Parallel()
	l, port := listen(t, "", "lines://127.0.0.1:0", "--lang", "zh")
	d := tincan(t, "", "dial", "127.0.0.1:"+port, "--lang=zh")
	d.errSays("正在连接")
	d.errSays("连接成功")
	e := l.on("connected")
	fields(t, e, "event time listener link room peer local remote codec choice handshake_us")
	l.finish()
	l.wantExit(0)
	if e := l.on("disconnected"); e.Reason != "closed here" {
		t.Errorf("the reason for programs is translated: %s", e)
	}
	d.errSays("断开了连接：对方关闭了连接（FIN）")
	d.errSays("连接被拒绝") // the next attempt
	d.kill()

	p := tincan(t, "", "listen", "127.0.0.1:0", "--lang", "zh")
	p.errSays("正在监听")
	cmd := exec.Command(binary, "send", "127.0.0.1:"+freePort(t), "x", "--data", t.TempDir())
	cmd.Env = append(environment(), "LC_ALL=zh_CN.UTF-8")
	startCmd(t, cmd).wantExit(3, "连接被拒绝", "请启动服务器")
	run(t, "", "", "listen", "nowhere", "--lang", "zh").wantExit(2, "没有端口", "地址的写法")
	run(t, "", "", "listen", "127.0.0.1:"+port+"/room/x", "--lang", "zh").wantExit(2, "无法读取")
}
