package e2e

import (
	"bufio"
	"bytes"
	bin "encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Peers that do harm. Each attack is survived with a clear reason, within bounded memory, and while a
// well-behaved client on the same listener goes on talking; what was stored stays stored.

// modest is what the program may take at its highest under an attack that one peer can make.
const modest = 80 << 20

// victim is a listening tincan with a well-behaved client.
type victim struct {
	*proc
	test      *testing.T
	dir, port string
	good      *net.TCPConn
	wire      func(body string) []byte // how the listener's codec writes a message
	n         int
}

func line(s string) []byte { return []byte(s + "\n") }

func attacked(t *testing.T, addr string, wire func(string) []byte, args ...string) *victim {
	t.Helper()
	v := &victim{test: t, dir: t.TempDir(), wire: wire}
	v.proc, v.port = listen(t, v.dir, addr, args...)
	v.good = connect(t, v.port)
	v.on("connected", inRoom(roomOf(v.good)))
	v.talks()
	return v
}

// talks checks that the well-behaved client is heard and answered.
func (v *victim) talks() {
	v.t.Helper()
	v.n++
	there, back, id := fmt.Sprintf("there %d", v.n), fmt.Sprintf("back %d", v.n), fmt.Sprintf("good %d", v.n)
	v.good.SetWriteDeadline(time.Now().Add(patience))
	if _, err := v.good.Write(v.wire(there)); err != nil {
		v.t.Fatalf("the well-behaved client cannot send: %v", err)
	}
	v.on("message", says(there), inRoom(roomOf(v.good)))
	v.say(object("room", roomOf(v.good), "text", back, "id", id))
	want := v.wire(back)
	if got := readFull(v.test, v.good, len(want)); !bytes.Equal(got, want) {
		v.t.Fatalf("the well-behaved client got %q, want %q", got, want)
	}
	v.on("receipt", reached(id))
}

// kept checks that the journal has all that the well-behaved client said and heard, each once and in order.
func (v *victim) kept() {
	v.t.Helper()
	ms := logOf(v.test, v.dir, roomOf(v.good))
	if len(ms) != 2*v.n {
		v.t.Fatalf("the journal has %d messages of the well-behaved client, want %d", len(ms), 2*v.n)
	}
	for i, m := range ms {
		want := fmt.Sprintf("there %d", i/2+1)
		if i%2 == 1 {
			want = fmt.Sprintf("back %d", i/2+1)
		}
		if m.body() != want {
			v.t.Errorf("message %d is %s, want %q", i+1, m, want)
		}
	}
}

// within checks the most memory that a process ever had.
func (p *proc) within(limit int64) {
	p.t.Helper()
	now, peak := memory(p.t.(*testing.T), p.pid())
	p.t.Logf("memory: %.1f MiB now, %.1f at the highest", float64(now)/(1<<20), float64(peak)/(1<<20))
	if peak > limit {
		p.t.Errorf("%s took %d MiB at its highest, want at most %d", p.name, peak>>20, limit>>20)
	}
}

// pour writes b again and again, up to n bytes or until the peer has had enough.
func pour(c net.Conn, b []byte, n int) {
	c.SetWriteDeadline(time.Now().Add(4 * patience))
	for n > 0 {
		k, err := c.Write(b[:min(len(b), n)])
		if n -= k; err != nil {
			return
		}
	}
}

// gone waits until the other side has closed, and says how.
func gone(t *testing.T, c net.Conn) error {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(patience))
	_, err := io.Copy(io.Discard, c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the connection is still open after %v", patience)
	}
	return err
}

func wireLen(n int, order bin.AppendByteOrder) func(string) []byte {
	return func(s string) []byte {
		var b []byte
		switch n {
		case 1:
			b = []byte{byte(len(s))}
		case 2:
			b = order.AppendUint16(nil, uint16(len(s)))
		case 4:
			b = order.AppendUint32(nil, uint32(len(s)))
		case 8:
			b = order.AppendUint64(nil, uint64(len(s)))
		}
		return append(b, s...)
	}
}

// Lengths that lie, messages that never end, bytes that no codec allows.
func TestHostileBytes(t *testing.T) {
	t.Parallel()
	prefix7 := func(s string) []byte { return append(length7(len(s)), s...) }
	ones := bytes.Repeat([]byte{0xff}, 1<<20)
	letters := bytes.Repeat([]byte("a"), 1<<20)
	for _, c := range []struct {
		addr   string
		wire   func(string) []byte
		bombs  map[string][]byte
		flood  []byte // poured behind the bomb
		reason string
		words  []string // of the sentence
		hint   string
	}{
		{addr: "dotnet://", wire: prefix7, reason: "too large", words: []string{"limit"}, hint: "max=", bombs: map[string][]byte{
			"2 GiB":           {0xff, 0xff, 0xff, 0xff, 0x07},
			"1 MiB and 1":     length7(1<<20 + 1),
			"2 GiB, and more": append([]byte{0xff, 0xff, 0xff, 0xff, 0x07}, ones...)}},
		{addr: "dotnet://", wire: prefix7, reason: "malformed", words: []string{"length"}, hint: ".NET BinaryWriter", bombs: map[string][]byte{
			"negative":         {0xff, 0xff, 0xff, 0xff, 0x0f},
			"six bytes":        {0x80, 0x80, 0x80, 0x80, 0x80, 0x01},
			"nothing but 0xff": ones}},
		{addr: "varint://", wire: prefix7, reason: "malformed", words: []string{"length"}, bombs: map[string][]byte{
			"eleven bytes": ones[:11], "more than 64 bits": {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}}},
		{addr: "varint://", wire: prefix7, reason: "too large", words: []string{"limit"}, hint: "max=", bombs: map[string][]byte{
			"2^63": {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}, "4 GiB": {0xff, 0xff, 0xff, 0xff, 0x0f}}},
		{addr: "len32://", wire: wireLen(4, bin.BigEndian), reason: "too large", words: []string{"limit"}, hint: "max=", bombs: map[string][]byte{
			"4 GiB": ones[:4], "an order too high": {1, 0, 0, 0}}},
		{addr: "len32://?order=le", wire: wireLen(4, bin.LittleEndian), reason: "too large", words: []string{"limit"}, hint: "max=", bombs: map[string][]byte{
			"4 GiB": ones[:4]}},
		{addr: "len64://", wire: wireLen(8, bin.BigEndian), reason: "too large", words: []string{"limit"}, hint: "max=", bombs: map[string][]byte{
			"2^64-1": ones[:8], "2^63": {0x80, 0, 0, 0, 0, 0, 0, 0}, "1 MiB and 1": {0, 0, 0, 0, 0, 0x10, 0, 1}}},
		{addr: "lines://", wire: line, reason: "too large", words: []string{"65536"}, hint: "max=", bombs: map[string][]byte{
			"a line without end": letters}, flood: letters},
		{addr: "delim://?end=1C0D", wire: func(s string) []byte { return []byte(s + "\x1c\r") }, reason: "too large", words: []string{"65536"}, hint: "max=",
			bombs: map[string][]byte{"no delimiter": letters}, flood: letters},
		{addr: "slip://", wire: func(s string) []byte { return []byte("\xc0" + s + "\xc0") }, reason: "too large", hint: "max=",
			bombs: map[string][]byte{"no end": letters}, flood: letters},
		{addr: "json://", wire: func(s string) []byte { return []byte(s + "\n") }, reason: "too large", hint: "max=",
			bombs: map[string][]byte{"a string without end": append([]byte(`"`), letters...)}, flood: letters},
	} {
		t.Run(strings.Trim(c.addr, ":/")+" "+c.reason, func(t *testing.T) {
			t.Parallel()
			scheme, query, _ := strings.Cut(c.addr, "?")
			if query != "" {
				query = "?" + query
			}
			if strings.HasPrefix(c.addr, "json") {
				c.wire = func(s string) []byte { b, _ := json.Marshal(s); return append(b, '\n') }
			}
			p, port := listen(t, "", scheme+"127.0.0.1:0"+query)
			good := connect(t, port)
			p.on("connected", inRoom(roomOf(good)))
			for name, bomb := range c.bombs {
				bad := connect(t, port)
				p.on("connected", inRoom(roomOf(bad)))
				bad.Write(c.wire("first words"))
				p.on("message", inRoom(roomOf(bad)))
				go func() {
					pour(bad, bomb, len(bomb))
					if c.flood != nil {
						pour(bad, c.flood, 100<<20)
					}
				}()
				e := p.on("disconnected", inRoom(roomOf(bad)))
				if want := map[string]int{"malformed": 100, "too large": 102}[c.reason]; e.Reason != c.reason || *e.Code != want {
					t.Errorf("%s: %s, want %s and code %d", name, e, c.reason, want)
				}
				for _, w := range c.words {
					if !strings.Contains(e.Detail, w) {
						t.Errorf("%s: the detail does not say %q: %s", name, w, e)
					}
				}
				if c.hint != "" && !strings.Contains(e.Hint, c.hint) {
					t.Errorf("%s: the next step %q does not say %q: %s", name, e.Hint, c.hint, e)
				}
				gone(t, bad)
				good.Write(c.wire("the others go on"))
				p.on("message", inRoom(roomOf(good)), func(m event) bool { return strings.Contains(m.body(), "the others go on") })
			}
			p.within(modest)
		})
	}
}

// What was refused is in the journal all the same, as far as it was read: nobody has to guess what the peer sent.
func TestHostileBytesAreKept(t *testing.T) {
	t.Parallel()
	v := attacked(t, "lines://127.0.0.1:0", line)
	bad := connect(t, v.port)
	pour(bad, append([]byte("one\ntwo\n"), bytes.Repeat([]byte("x"), 200<<10)...), 8+200<<10)
	v.on("disconnected", inRoom(roomOf(bad)))
	ms := logOf(t, v.dir, roomOf(bad))
	if len(ms) != 3 || ms[0].body() != "one" || ms[1].body() != "two" || !ms[2].Partial || len(ms[2].body()) < 64<<10 ||
		strings.Trim(ms[2].body(), "x") != "" {
		t.Errorf("the journal has %d messages: %v", len(ms), ms)
	}
	v.talks()
	v.kept()
}

// Many messages that are announced and do not come, or come all but the last byte.
func TestHostileUnfinished(t *testing.T) {
	t.Parallel()
	t.Run("announced", func(t *testing.T) {
		t.Parallel()
		v := attacked(t, "len32://127.0.0.1:0?max=16MiB", wireLen(4, bin.BigEndian))
		for range 300 {
			c := connect(t, v.port)
			c.Write([]byte{1, 0, 0, 0, 'a'}) // 16 MiB, it says
		}
		v.until("300 links", func() bool { return v.count("connected") >= 301 })
		v.talks()
		v.within(modest)
		v.kept()
	})
	t.Run("all but the last byte", func(t *testing.T) {
		t.Parallel()
		v := attacked(t, "dotnet://127.0.0.1:0", func(s string) []byte { return append(length7(len(s)), s...) })
		most := append(length7(1<<20), bytes.Repeat([]byte("a"), 1<<20-1)...)
		var wg sync.WaitGroup
		for range 400 {
			c := connect(t, v.port)
			wg.Go(func() { pour(c, most, len(most)) })
		}
		wg.Wait()
		v.talks()
		whole := append(length7(1<<20), bytes.Repeat([]byte("w"), 1<<20)...)
		c := connect(t, v.port)
		go pour(c, whole, len(whole)) // who says all is heard, though the others must make room
		v.on("message", inRoom(roomOf(c)), says(strings.Repeat("w", 1<<20)))
		if e := v.on("disconnected"); e.Reason != "crowded out" || *e.Code != 5 || !strings.Contains(e.Detail, "unfinished") || e.Hint == "" {
			t.Errorf("one that was given up: %s", e)
		}
		v.within(2 * modest)
		v.kept()
	})
}

// count is how many events of a kind there are; the caller holds the lock, as in until.
func (p *proc) count(kind string) (n int) {
	for _, e := range p.events {
		if e.Event == kind {
			n++
		}
	}
	return n
}

// Bytes that are no text are kept and shown as bytes; what would steer a terminal stays data.
func TestHostileText(t *testing.T) {
	t.Parallel()
	v := attacked(t, "lines://127.0.0.1:0", line)
	bad := connect(t, v.port)
	v.on("connected", inRoom(roomOf(bad)))
	texts := []string{"\xff\xfe\xfd", "cut \xe4\xbd", "\xed\xa0\x80 a surrogate", "overlong \xc0\xaf", "\x00\x01\x02", "\x1b]0;title\x07\x1b[2J\x1b[31m", "\u202eright to left",
		"<script>alert(1)</script>", `{"event":"message","text":"forged"}`, "\ufeffmark", strings.Repeat("\u0301", 1000)}
	for _, s := range texts {
		bad.Write([]byte(s + "\n"))
	}
	last := 0
	for _, s := range texts {
		m := v.after(last, "message", inRoom(roomOf(bad)))
		last = m.N + 1
		if m.body() != s {
			t.Errorf("%q became %s", s, m)
		}
	}
	v.talks()
	for i, m := range logOf(t, v.dir, roomOf(bad)) {
		if m.body() != texts[i] {
			t.Errorf("the journal has %s, want %q", m, texts[i])
		}
	}
	p := run(t, v.dir, "", "log", roomOf(bad)) // for people: nothing in it steers a terminal
	p.wantExit(0)
	for _, b := range []byte(p.output()) {
		if b < ' ' && b != '\n' || b == 0x7f {
			t.Fatalf("tincan log prints the control character %#x:\n%q", b, p.output())
		}
	}
	if strings.Contains(p.output(), "\u202e") {
		t.Errorf("tincan log prints a direction override:\n%q", p.output())
	}
}

// A byte at a time: the message is whole in the end, and until then status says how much of it is there.
func TestHostileSlow(t *testing.T) {
	t.Parallel()
	v := attacked(t, "dotnet://127.0.0.1:0", func(s string) []byte { return append(length7(len(s)), s...) })
	slow := connect(t, v.port)
	v.on("connected", inRoom(roomOf(slow)))
	body := strings.Repeat("传", 40)
	msg := append(length7(len(body)), body...)
	for i, b := range msg {
		if _, err := slow.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
		if i == 37 {
			eventually(t, patience, func() error {
				p := run(t, v.dir, "", "status")
				if want := fmt.Sprintf("38 of %d bytes", len(msg)); !strings.Contains(p.output(), want) {
					return fmt.Errorf("status does not say %q:\n%s", want, p.output())
				}
				return nil
			})
			v.talks()
		}
	}
	v.on("message", says(body))
	v.within(modest)
	v.kept()
}

// 200,000 messages of one byte in one go.
func TestHostileCrumbs(t *testing.T) {
	t.Parallel()
	const n = 200_000
	v := attacked(t, "lines://127.0.0.1:0", line)
	bad := connect(t, v.port)
	up := v.on("connected", inRoom(roomOf(bad)))
	go pour(bad, bytes.Repeat([]byte("x\n"), 50_000), 2*n)
	v.talks()
	v.after(up.N, "message", func(e event) bool { return e.Offset == n && e.Room == up.Room })
	v.talks()
	v.within(modest)
	v.kept()
	if p := run(t, v.dir, "", "log", "-n", "1", up.Room); !strings.HasPrefix(p.output(), fmt.Sprint(n, "  ")) {
		t.Errorf("the last message in the journal is %q, want number %d", p.output(), n)
	}
}

// A thousand connections that say nothing: each is accepted, costs little, and whoever comes next is served. One
// address may have 1,024; more are refused with the reason, and other addresses are not meant by that.
func TestHostileThousandSilent(t *testing.T) {
	t.Parallel()
	v := attacked(t, "lines://127.0.0.1:0", line)
	before, _ := memory(t, v.pid())
	from := func(ip string) *net.TCPConn {
		t.Helper()
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}, Timeout: patience}
		c, err := d.Dial("tcp", "127.0.0.1:"+v.port)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c.(*net.TCPConn)
	}
	var silent []*net.TCPConn
	for range 1000 {
		silent = append(silent, from("127.0.0.1"))
	}
	v.until("1,001 links", func() bool { return v.count("connected") == 1001 })
	now, _ := memory(t, v.pid())
	t.Logf("%d bytes for each silent connection, all told", (now-before)/1000)
	if each := (now - before) / 1000; each > 40<<10 {
		t.Errorf("a silent connection takes %d KiB", each>>10)
	}
	v.talks()

	for range 23 { // up to the limit of 1,024 with the well-behaved client
		silent = append(silent, from("127.0.0.1"))
	}
	v.until("1,024 links", func() bool { return v.count("connected") == 1024 })
	over := from("127.0.0.1")
	gone(t, over)
	if e := v.on("refused"); !strings.Contains(e.Reason, "1024 connections from one address") || e.Remote != over.LocalAddr().String() {
		t.Errorf("the connection over the limit: %s", e)
	}
	other := from("127.0.0.2")
	other.Write([]byte("from another address\n"))
	v.on("message", says("from another address"))
	p := run(t, v.dir, "", "status", "--json")
	p.wantExit(0)
	var st struct {
		Links     []struct{ Room string }
		Listeners []struct{ Links, Refused int }
	}
	if err := json.Unmarshal([]byte(p.output()), &st); err != nil || len(st.Links) != 1025 || st.Listeners[0].Refused != 1 {
		t.Errorf("status has %d links, %+v (%v)", len(st.Links), st.Listeners, err)
	}
	silent[7].Close() // one goes, another may come
	v.on("disconnected", inRoom(roomOf(silent[7])))
	again := from("127.0.0.1")
	again.Write([]byte("there is room again\n"))
	v.on("message", says("there is room again"))
	for _, c := range silent {
		c.Close()
	}
	v.until("the silent have left", func() bool { return v.count("disconnected") == 1023 })
	v.talks()
	v.within(modest + 32<<20)
	v.kept()
}

// Connections that are reset at once, closed at once, or only knocked at, by the thousand: as a port scan does.
func TestHostileFlood(t *testing.T) {
	t.Parallel()
	v := attacked(t, "lines://127.0.0.1:0", line)
	const rounds, each = 4, 500
	var after [rounds]int64
	for r := range rounds {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for i := range each / 4 {
					c, err := net.DialTimeout("tcp", "127.0.0.1:"+v.port, patience)
					if err != nil {
						t.Error(err)
						return
					}
					switch i % 3 {
					case 0:
						c.(*net.TCPConn).SetLinger(0) // RST
					case 1:
						c.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
					}
					c.Close()
				}
			})
		}
		wg.Wait()
		v.talks()
		v.until("they have all left", func() bool { return v.count("disconnected") == (r+1)*each })
		after[r], _ = memory(t, v.pid())
	}
	t.Logf("memory after each %d connections: %v KiB", each, []int64{after[0] >> 10, after[1] >> 10, after[2] >> 10, after[3] >> 10})
	for _, e := range v.all("disconnected") {
		if e.Reason != "reset by peer" && e.Reason != "peer closed" {
			t.Errorf("one of them ended with %s", e)
		}
	}
	v.within(modest)
	v.kept()
}

// A peer that is reset in the middle of a message of ours, or finishes and still listens.
func TestHostileEnds(t *testing.T) {
	t.Parallel()
	v := attacked(t, "lines://127.0.0.1:0?max=16MiB", line)
	bad := connect(t, v.port)
	bad.SetReadBuffer(4 << 10)
	v.on("connected", inRoom(roomOf(bad)))
	v.say(object("room", roomOf(bad), "text", strings.Repeat("half of this ", 1<<20), "id", "cut"))
	readFull(t, bad, 100<<10)
	bad.SetLinger(0)
	bad.Close()
	if e := v.on("disconnected", inRoom(roomOf(bad))); e.Reason != "reset by peer" {
		t.Errorf("reset in the middle of our message: %s", e)
	}
	if e := v.on("receipt", func(e event) bool { return e.ID == "cut" && e.State != "queued" && e.State != "written" }); e.State != "uncertain" {
		t.Errorf("the message that was cut is %s", e)
	}
	v.talks()

	half := connect(t, v.port) // says all it has to say, and listens
	half.Write([]byte("a question\nand an unfinished o"))
	half.CloseWrite()
	v.on("finished", inRoom(roomOf(half)))
	v.say(object("room", roomOf(half), "text", "an answer", "id", "answer"))
	if b := readFull(t, half, 10); string(b) != "an answer\n" {
		t.Errorf("the peer that only listens got %q", b)
	}
	v.on("receipt", reached("answer"))
	if e := v.on("message", inRoom(roomOf(half)), func(e event) bool { return e.Partial }); e.body() != "and an unfinished o" {
		t.Errorf("what was left unfinished is %s", e)
	}
	if err := gone(t, half); err != nil {
		t.Errorf("it sees %v, want an orderly end", err)
	}
	if e := v.on("disconnected", inRoom(roomOf(half))); e.Reason != "peer closed" || *e.Code != 0 {
		t.Errorf("then: %s", e)
	}
	v.talks()
	v.kept()
}

// A link that is cut in the middle of a batch: what the peer may have is uncertain and never sent again by itself; what
// never left goes out when the peer is back. No line is heard twice, and each that is not heard is told.
func TestHostileCutBatch(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	p := dial(t, "", "lines://"+ln.Addr().String())
	accept := func() (*net.TCPConn, *bufio.Reader) {
		t.Helper()
		c, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		c.SetReadDeadline(time.Now().Add(patience))
		return c.(*net.TCPConn), bufio.NewReader(c)
	}
	heard := map[string]bool{}
	hear := func(r *bufio.Reader) (id string) {
		t.Helper()
		s, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("after %d lines: %v", len(heard), err)
		}
		id, _, _ = strings.Cut(s, " ")
		if heard[id] {
			t.Fatalf("line %s is heard twice", id)
		}
		heard[id] = true
		return id
	}
	const n = 12_000 // far more than TCP holds
	c, r := accept()
	c.SetReadBuffer(4 << 10)
	for i := range n {
		p.say(object("text", fmt.Sprintf("%d %0990d", i, 0)))
	}
	for range 100 {
		hear(r)
	}
	p.on("receipt", func(e event) bool { return e.Offset == n && e.State == "queued" })
	c.SetLinger(0)
	c.Close()
	if e := p.on("disconnected"); e.Reason != "reset by peer" || e.Retry == nil {
		t.Errorf("the cut: %s", e)
	}
	_, r = accept()
	for hear(r) != fmt.Sprint(n-1) {
	}
	p.on("receipt", func(e event) bool { return e.Offset == n && e.State == "reached" })
	uncertain := 0
	states := map[int64]string{}
	for _, e := range p.all("receipt") {
		states[e.Offset] = e.State
	}
	for offset := int64(1); offset <= n; offset++ {
		switch state := states[offset]; {
		case state == "uncertain":
			uncertain++
		case state != "reached":
			t.Fatalf("message %d ends as %s", offset, state)
		}
	}
	if unheard := n - len(heard); uncertain == 0 || uncertain > 9000 || unheard > n {
		t.Errorf("%d of %d lines are uncertain, %d were not heard", uncertain, n, unheard)
	}
	t.Logf("%d lines heard, %d uncertain", len(heard), uncertain)
	if e := p.on("held"); e.Held.Uncertain != uncertain || e.Held.Queued != 0 {
		t.Errorf("held: %s, want %d uncertain", e, uncertain)
	}
	p.finish()
	p.wantExit(4, "may not have arrived")
}

// A browser at a listener of lines, and a TLS client at one: their bytes are messages or a clear reason, no harm.
func TestHostileStrangers(t *testing.T) {
	t.Parallel()
	v := attacked(t, "lines://127.0.0.1:0", line)
	web := connect(t, v.port)
	web.Write([]byte("POST /api/send HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\nhello"))
	v.on("message", says("POST /api/send HTTP/1.1"), inRoom(roomOf(web)))
	web.CloseWrite()
	v.on("message", says("hello"), inRoom(roomOf(web)))
	if b, err := io.ReadAll(web); len(b) != 0 || err != nil {
		t.Errorf("a browser is answered with %q (%v)", b, err)
	}
	d := dial(t, "", "tls+lines://127.0.0.1:"+v.port)
	d.on("connecting")
	hello := v.on("connected", func(e event) bool { return e.Room != roomOf(v.good) && e.Room != roomOf(web) })
	d.kill()
	v.on("disconnected", inRoom(hello.Room))
	v.talks()
	v.kept()
}

// An owner's page and API stay reachable whatever strangers do to their port.
func TestHostileHTTP(t *testing.T) {
	t.Parallel()
	v := attacked(t, "lines://127.0.0.1:0", line)
	var node struct{ URL, Token string }
	b, err := os.ReadFile(v.dir + "/node.json")
	if err == nil {
		err = json.Unmarshal(b, &node)
	}
	if err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(node.URL, "http://")
	_, port, _ := net.SplitHostPort(host)
	ask := func(request string) string {
		t.Helper()
		c := connect(t, port)
		go pour(c, []byte(request), len(request))
		c.SetReadDeadline(time.Now().Add(patience))
		answer, err := io.ReadAll(c)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("no answer to %s", quote(request))
		}
		status, _, _ := strings.Cut(string(answer), "\r\n")
		return status
	}
	head := "Host: " + host + "\r\nConnection: close\r\nContent-Type: application/json\r\n"
	auth := "Authorization: Bearer " + node.Token + "\r\n"
	for _, c := range []struct{ name, request, want string }{
		{"the owner", "POST /api/status HTTP/1.1\r\n" + head + auth + "Content-Length: 2\r\n\r\n{}", "200"},
		{"no token", "POST /api/status HTTP/1.1\r\n" + head + "Content-Length: 2\r\n\r\n{}", "401"},
		{"another host", "POST /api/status HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n" + auth + "Content-Length: 2\r\n\r\n{}", "4"},
		{"rebinding", "GET / HTTP/1.1\r\nHost: 127.0.0.1.evil.example:" + port + "\r\nConnection: close\r\n\r\n", "4"},
		{"another origin", "POST /api/status HTTP/1.1\r\n" + head + auth + "Origin: http://evil.example\r\nContent-Length: 2\r\n\r\n{}", "403"},
		{"an encoded path", "POST /%61pi/status HTTP/1.1\r\n" + head + auth + "Content-Length: 2\r\n\r\n{}", "404"},
		{"a doubled slash", "POST //api/status HTTP/1.1\r\n" + head + auth + "Content-Length: 2\r\n\r\n{}", "404"},
		{"a path with dots", "GET /../../etc/passwd HTTP/1.1\r\n" + head + "\r\n", "404"},
		{"a header of 1 MiB", "GET / HTTP/1.1\r\n" + head + "X: " + strings.Repeat("a", 1<<20) + "\r\n\r\n", "431"},
		{"a million headers", "GET / HTTP/1.1\r\n" + head + strings.Repeat("a: b\r\n", 1<<20) + "\r\n", "431"},
		{"a body of 1 TiB", "POST /api/send HTTP/1.1\r\n" + head + auth + "Content-Length: 1099511627776\r\n\r\n{", "413"},
		{"a body of 1 TiB without a token", "POST /api/send HTTP/1.1\r\n" + head + "Content-Length: 1099511627776\r\n\r\n{", "401"},
		{"a deep body", "POST /api/send HTTP/1.1\r\n" + head + auth + "Content-Length: 60000\r\n\r\n" + strings.Repeat("[", 60000), "400"},
		{"no HTTP", strings.Repeat("\xff\xfe", 100) + "\r\n\r\n", "400"},
	} {
		if got := ask(c.request); !strings.Contains(got, "HTTP/1.1 "+c.want) {
			t.Errorf("%s: %q, want %s", c.name, got, c.want)
		}
	}
	// Many connections that say nothing, or send their headers a byte at a time: the owner gets in at once.
	var idle []*net.TCPConn
	for i := range 400 {
		c := connect(t, port)
		if i%2 == 0 {
			c.Write([]byte("GET / HTTP/1.1\r\nHost: "))
		}
		idle = append(idle, c)
	}
	for range 5 {
		run(t, v.dir, "", "status").wantExit(0)
	}
	for _, c := range idle[390:] {
		c.Write([]byte("1"))
	}
	v.talks()
	v.within(modest)
	v.kept()
}

// SIGTERM while peers send and are sent to as fast as it goes: an orderly end, and what was shown is stored.
func TestHostileTermUnderLoad(t *testing.T) {
	t.Parallel()
	v := attacked(t, "lines://127.0.0.1:0", line)
	for i := range 4 {
		c := connect(t, v.port)
		go func() {
			for n := 0; ; n++ {
				if _, err := fmt.Fprintf(c, "peer %d says %d\n", i, n); err != nil {
					return
				}
			}
		}()
		go io.Copy(io.Discard, c)
	}
	go func() {
		for n := 0; v.write(fmt.Sprintf("to all %d\n", n)) == nil; n++ {
		}
	}()
	v.until("some have spoken", func() bool { return v.count("message") > 5000 })
	v.signal(syscall.SIGTERM)
	v.wantExit(0)
	shown := map[string]map[int64]string{}
	for _, m := range v.all("message") {
		if shown[m.Room] == nil {
			shown[m.Room] = map[int64]string{}
		}
		shown[m.Room][m.Offset] = m.body()
	}
	for _, e := range v.all("disconnected") {
		if e.Reason != "closed here" {
			t.Errorf("a link ended with %s", e)
		}
	}
	for room, said := range shown {
		next := 0
		for _, m := range logOf(t, v.dir, room) {
			if want, ok := said[m.Offset]; ok && want != m.body() {
				t.Fatalf("message %d of %s was shown as %q and is stored as %q", m.Offset, room, want, m.body())
			}
			delete(said, m.Offset)
			var peer, n int
			if _, err := fmt.Sscanf(m.body(), "peer %d says %d", &peer, &n); err == nil && !m.Partial {
				if n != next {
					t.Fatalf("%s: number %d follows %d in the journal", room, n, next-1)
				}
				next++
			}
		}
		if len(said) > 0 {
			t.Errorf("%d messages of %s were shown and are not stored", len(said), room)
		}
	}
}
