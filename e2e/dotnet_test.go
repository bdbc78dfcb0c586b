package e2e

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// dotnet is testdata/Peer.cs running under Mono.
type dotnet struct {
	*proc
	seen int // lines that were looked at
}

var peerExe = sync.OnceValues(func() (string, error) {
	exe := filepath.Join(filepath.Dir(binary), "Peer.exe")
	if os.Getenv("TINCAN_BIN") != "" {
		dir, err := os.MkdirTemp("", "tincan-e2e-")
		if err != nil {
			return "", err
		}
		exe = filepath.Join(dir, "Peer.exe")
	}
	if out, err := exec.Command("mcs", "-warnaserror", "-out:"+exe, "testdata/Peer.cs").CombinedOutput(); err != nil {
		return "", fmt.Errorf("compile Peer.cs: %w\n%s", err, out)
	}
	return exe, nil
})

func startDotnet(t *testing.T, args ...string) *dotnet {
	t.Helper()
	need(t, "mcs")
	mono := need(t, "mono")
	exe, err := peerExe()
	if err != nil {
		t.Fatal(err)
	}
	return &dotnet{proc: start(t, mono, append([]string{exe}, args...)...)}
}

// next waits for the next line and checks what it begins with.
func (d *dotnet) next(prefix string) (rest string) {
	d.t.Helper()
	line, n := d.line(d.seen, "a line from .NET: "+prefix, func(string) bool { return true })
	d.seen = n + 1
	rest, ok := strings.CutPrefix(line, prefix)
	if !ok {
		d.t.Fatalf(".NET says %q, want %s…", line, prefix)
	}
	return strings.TrimSpace(rest)
}

func (d *dotnet) send(s string) { d.say("send " + base64.StdEncoding.EncodeToString([]byte(s))) }

// hears checks that ReadString returned exactly this.
func (d *dotnet) hears(s string) {
	d.t.Helper()
	if got, want := d.next("received"), fmt.Sprintf("%d %s", len(s), sum(s)); got != want {
		d.t.Errorf("ReadString returned %s, want %s (%s)", got, want, quote(s))
	}
}

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

// strings7 are strings around every step of the 7-bit length, in several scripts, each of exactly so many
// bytes of UTF-8.
func strings7() []string {
	out := []string{"你好", "", "\x00", "tab\tand\r\nline end\n", "\ufeff, then text", "e\u0301 o\u0308 가 नमस्ते", "👩‍👩‍👧‍👦🇨🇳👍🏽",
		"\U0010ffff\uffff\ud7ff"}
	for _, n := range []int{1, 127, 128, 16383, 16384, 65535, 65536, 1 << 20} {
		for _, unit := range []string{"abcdefghij", "传声筒", "😀🎉👨‍👩‍👧", "n\u0303e\u0301"} {
			s := strings.Repeat(unit, n/len(unit))
			out = append(out, s+strings.Repeat("x", n-len(s)))
		}
	}
	return out
}

// converse has both sides say every string and checks that the other side has it byte for byte.
func converse(t *testing.T, p *proc, d *dotnet, room string) {
	t.Helper()
	n := 0
	for _, s := range strings7() {
		d.send(s)
		m := p.after(n, "message", inRoom(room))
		n = m.N + 1
		if m.body() != s {
			t.Fatalf("tincan has %d bytes with SHA-256 %s, .NET wrote %d with %s (%s)", len(m.body()), sum(m.body()), len(s), sum(s), quote(s))
		}
		if m.Text == nil {
			t.Errorf("a .NET string of %d bytes is shown as base64, want text", len(s))
		}
	}
	for _, s := range strings7() {
		p.say(object("text", s))
		d.hears(s)
	}
	for i, s := range strings7() { // all at once: many frames in one segment, and segments that cut frames
		id := fmt.Sprintf("burst %d", i)
		p.say(object("text", s, "id", id))
	}
	for _, s := range strings7() {
		d.hears(s)
	}
	p.on("receipt", reached(fmt.Sprintf("burst %d", len(strings7())-1)))
}

func TestDotnetDialsTincan(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ addr, codec, choice string }{
		{"dotnet://127.0.0.1:0", "dotnet", "address"},
		{"127.0.0.1:0", "auto", "undecided"},
		{"0", "auto", "undecided"},
	} {
		t.Run(c.addr, func(t *testing.T) {
			t.Parallel()
			p, port := listen(t, "", c.addr)
			d := startDotnet(t, "dial", "127.0.0.1", port)
			d.next("connected")
			up := p.on("connected")
			if up.Codec != c.codec || up.Choice != c.choice {
				t.Errorf("connected with codec %q (%s), want %q (%s)", up.Codec, up.Choice, c.codec, c.choice)
			}
			converse(t, p, d, up.Room)
			if c.choice == "undecided" {
				if e := p.on("codec"); e.Codec != "dotnet" || e.Choice != "detected" || e.Link != up.Link || e.Room != up.Room {
					t.Errorf("the choice is told as %s, want dotnet, detected, of link %d", e, up.Link)
				}
			}
			d.say("close")
			if e := p.on("disconnected"); e.Reason != "peer closed" || *e.Code != 0 || e.Link != up.Link || e.Retry != nil {
				t.Errorf("after Close: %s, want the reason \"peer closed\", code 0, no retry", e)
			}
		})
	}
}

func TestDotnetListensForTincan(t *testing.T) {
	t.Parallel()
	d := startDotnet(t, "listen", "0")
	port := d.next("listening")
	p := dial(t, "", "dotnet://127.0.0.1:"+port)
	d.next("connected")
	up := p.on("connected")
	if up.Codec != "dotnet" || up.Choice != "address" {
		t.Errorf("connected with codec %q (%s), want dotnet (address)", up.Codec, up.Choice)
	}
	converse(t, p, d, up.Room)

	d.say("close") // .NET listens on: tincan comes back by itself
	if e := p.on("disconnected"); e.Reason != "peer closed" || e.Retry == nil {
		t.Errorf("after Close: %s, want the reason \"peer closed\" and a retry", e)
	}
	if line := d.next(""); !strings.HasPrefix(line, "lost") && line != "end" {
		t.Fatalf(".NET says %q", line)
	}
	d.next("connected")
	again := p.after(up.N+1, "connected")
	if again.Room != up.Room {
		t.Errorf("dialled again into room %q, was %q", again.Room, up.Room)
	}
	p.say(object("text", "还在吗", "id", "again"))
	d.hears("还在吗")
	p.on("receipt", reached("again")) // TCP may acknowledge a while after .NET has read

	d.say("reset")
	if e := p.after(again.N, "disconnected"); e.Reason != "reset by peer" {
		t.Errorf("after a reset: %s, want the reason \"reset by peer\"", e)
	}
	d.next("lost")
	d.next("connected")
	p.finish() // tincan closes: .NET sees an orderly end
	d.next("end")
	p.wantExit(0)
}

func TestDotnetResets(t *testing.T) {
	t.Parallel()
	p, port := listen(t, "", "dotnet://127.0.0.1:0")
	d := startDotnet(t, "dial", "127.0.0.1", port)
	d.next("connected")
	d.send("再见")
	p.on("message", says("再见"))
	d.say("reset")
	if e := p.on("disconnected"); e.Reason != "reset by peer" {
		t.Errorf("after a reset: %s, want the reason \"reset by peer\"", e)
	}
}

// A .NET string's first byte is its length, which may be a line end (10, 13), a letter or the first byte of a
// TLS hello (22): auto must tell it from lines all the same.
func TestDotnetFirstStringDetected(t *testing.T) {
	t.Parallel()
	p, port := listen(t, "", "127.0.0.1:0")
	for _, n := range []int{0, 1, 3, 9, 10, 13, 22, 32, 65, 104, 127, 128, 300} {
		first := strings.Repeat("传", n/3) + strings.Repeat("a", n%3)
		c := connect(t, port)
		p.on("connected", inRoom(roomOf(c)))
		c.Write(append(length7(n), first...))
		if m := p.on("message", inRoom(roomOf(c))); m.body() != first || m.Raw["codec"] != "dotnet" {
			t.Errorf("a first string of %d bytes became %s", n, m)
		}
	}
}

// What .NET sends behind BinaryWriter's back ends the link with the reason, and harms no other.
func TestDotnetSpeaksNonsense(t *testing.T) {
	t.Parallel()
	p, port := listen(t, "", "dotnet://127.0.0.1:0")
	good, bad := startDotnet(t, "dial", "127.0.0.1", port), startDotnet(t, "dial", "127.0.0.1", port)
	good.next("connected")
	bad.next("connected")
	bad.send("last words")
	last := p.on("message", says("last words"))
	bad.say("raw " + base64.StdEncoding.EncodeToString([]byte("\xff\xff\xff\xff\xff\xff")))
	if e := p.on("disconnected", inRoom(last.Room)); e.Reason != "malformed" || *e.Code != 100 {
		t.Errorf("after a length without end: %s, want malformed, code 100", e)
	}
	good.send("我还在")
	p.on("message", says("我还在"))
}

// length7 is how .NET writes the length of a string.
func length7(n int) []byte {
	var b []byte
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}
