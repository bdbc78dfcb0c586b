package e2e

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// tools are the programs that people use today, in both roles.
var tools = []struct {
	name         string
	dial, listen func(port string) []string
}{
	{"ncat",
		func(port string) []string { return []string{"127.0.0.1", port} },
		func(port string) []string { return []string{"-l", "127.0.0.1", port} }},
	{"socat",
		func(port string) []string { return []string{"-t", "2", "-", "TCP:127.0.0.1:" + port} },
		func(port string) []string {
			return []string{"-t", "2", "-", "TCP-LISTEN:" + port + ",bind=127.0.0.1,reuseaddr"}
		}},
	{"nc",
		func(port string) []string { return []string{"-N", "127.0.0.1", port} },
		func(port string) []string { return []string{"-N", "-l", "127.0.0.1", port} }},
}

// someLines are lines as people and programs send them. What ends a line is not part of it.
var someLines = []string{"hello", "", "你好，世界", "e\u0301👩‍👩‍👧", "tab\there", strings.Repeat("long ", 12<<10), "last"}

// someBytes are every byte, in no order that a text would have, and then some more.
func someBytes(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	for i, j := range r.Perm(256) {
		b[i] = byte(j)
	}
	return b
}

// rawBytes waits until the messages of a room add up to so many bytes.
func rawBytes(p *proc, room string, n int) string {
	p.t.Helper()
	var got strings.Builder
	at := 0
	for got.Len() < n {
		e := p.after(at, "message", inRoom(room))
		got.WriteString(e.body())
		at = e.N + 1
	}
	return got.String()
}

// hears waits until the tool has printed exactly this from the from-th byte on.
func hears(p *proc, from int, want string) {
	p.t.Helper()
	p.until(fmt.Sprintf("%d bytes on standard output", from+len(want)), func() bool { return len(p.out) >= from+len(want) })
	if got := p.output()[from:]; got != want {
		p.t.Errorf("%s printed %s, want %s", p.name, quote(got), quote(want))
	}
}

func TestToolsDialLines(t *testing.T) {
	t.Parallel()
	p, port := listen(t, "", "lines://127.0.0.1:0")
	var clients []*proc
	var rooms []string
	for i, tool := range slices.Concat(tools, tools) {
		c := start(t, need(t, tool.name), tool.dial(port)...)
		c.say(fmt.Sprintf("client %d", i))
		e := p.on("message", says(fmt.Sprintf("client %d", i)))
		clients, rooms = append(clients, c), append(rooms, e.Room)
		for _, l := range someLines {
			c.say(l)
		}
		c.say("with CR\r", "end")
		at := e.N
		for _, l := range append(slices.Clone(someLines), "with CR", "end") {
			m := p.after(at+1, "message", inRoom(e.Room))
			if m.body() != l {
				t.Fatalf("%s said %s, tincan has %s", tool.name, quote(l), m)
			}
			at = m.N
		}
	}
	if n := len(slices.Compact(slices.Sorted(slices.Values(rooms)))); n != len(clients) {
		t.Errorf("%d clients share %d rooms", len(clients), n)
	}
	p.say("to all 大家好", object("room", rooms[2], "text", "to you only"), "to all again")
	for i, c := range clients {
		want := "to all 大家好\n"
		if i == 2 {
			want += "to you only\n"
		}
		hears(c, 0, want+"to all again\n")
	}
	for i, c := range clients { // the tool says that it is done; tincan may still answer, then closes
		c.finish()
		p.on("finished", inRoom(rooms[i]))
		if e := p.on("disconnected", inRoom(rooms[i])); e.Reason != "peer closed" || *e.Code != 0 {
			t.Errorf("%s closed: %s, want the reason \"peer closed\"", c.name, e)
		}
		if s := c.exit(); s != 0 {
			t.Errorf("%s ended with %d: %s", c.name, s, c.stderr())
		}
	}
}

func TestToolsDialRaw(t *testing.T) {
	t.Parallel()
	p, port := listen(t, "", "raw://127.0.0.1:0")
	there, back := someBytes(100_000), someBytes(70_000)
	for _, tool := range tools {
		c := start(t, need(t, tool.name), tool.dial(port)...)
		n := len(p.all("connected"))
		if err := c.write(string(there)); err != nil {
			t.Fatal(err)
		}
		up := p.on("connected", func(e event) bool { return e.Link > int64(n) })
		if got := rawBytes(p, up.Room, len(there)); got != string(there) {
			t.Errorf("%s: the bytes differ", tool.name)
		}
		p.say(object("room", up.Room, "base64", base64.StdEncoding.EncodeToString(back)), object("room", up.Room, "hex", "00 FF 0d0a"))
		hears(c, 0, string(back)+"\x00\xff\r\n")
		c.finish()
		p.on("disconnected", inRoom(up.Room))
	}
}

func TestToolsListenLines(t *testing.T) {
	t.Parallel()
	for _, tool := range tools {
		t.Run(tool.name, func(t *testing.T) {
			t.Parallel()
			port := freePort(t)
			c := start(t, need(t, tool.name), tool.listen(port)...)
			p := dial(t, "", "127.0.0.1:"+port) // without a codec: lines
			up := p.on("connected")
			if up.Codec != "lines" {
				t.Errorf("dialled with codec %q, want lines", up.Codec)
			}
			at := up.N
			for _, l := range someLines {
				c.say(l)
				m := p.after(at+1, "message")
				if m.body() != l {
					t.Fatalf("%s said %s, tincan has %s", tool.name, quote(l), m)
				}
				at = m.N
			}
			for _, l := range someLines {
				p.say(object("text", l))
			}
			hears(c, 0, strings.Join(someLines, "\n")+"\n")
			c.finish()
			if e := p.on("disconnected", func(e event) bool { return e.Link == up.Link }); e.Reason != "peer closed" || e.Retry == nil {
				t.Errorf("%s closed: %s, want the reason \"peer closed\" and a retry", tool.name, e)
			}
			p.finish()
			p.wantExit(0)
		})
	}
}

func TestToolsListenRaw(t *testing.T) {
	t.Parallel()
	there, back := someBytes(100_000), someBytes(70_000)
	for _, tool := range tools {
		t.Run(tool.name, func(t *testing.T) {
			t.Parallel()
			port := freePort(t)
			c := start(t, need(t, tool.name), tool.listen(port)...)
			p := dial(t, "", "raw://127.0.0.1:"+port)
			up := p.on("connected")
			if err := c.write(string(there)); err != nil {
				t.Fatal(err)
			}
			if got := rawBytes(p, up.Room, len(there)); got != string(there) {
				t.Error("the bytes differ")
			}
			p.say(object("base64", base64.StdEncoding.EncodeToString(back)))
			hears(c, 0, string(back))
			p.finish()
			p.wantExit(0)
			if s := c.exit(); s != 0 { // tincan closed in order
				t.Errorf("%s ended with %d: %s", tool.name, s, c.stderr())
			}
		})
	}
}

// tincan as a pipe between tools: what the README shows first.
func TestToolsPipe(t *testing.T) {
	t.Parallel()
	for _, tool := range tools {
		t.Run(tool.name, func(t *testing.T) {
			t.Parallel()
			port := freePort(t)
			c := start(t, need(t, tool.name), tool.listen(port)...)
			p := run(t, "", "hello\n你好\n", "dial", "127.0.0.1:"+port)
			p.wantExit(0)
			hears(c, 0, "hello\n你好\n")

			port = freePort(t)
			c = start(t, need(t, tool.name), tool.listen(port)...)
			c.say("welcome")
			// A listener may need a moment; send does not try again by itself.
			eventually(t, patience, func() error {
				if p := run(t, "", "", "send", "127.0.0.1:"+port, "一条"); p.exit() != 0 {
					return fmt.Errorf("exit status %d: %s", p.exit(), p.stderr())
				}
				return nil
			})
			hears(c, 0, "一条\n")
		})
	}
}

// line ends: CRLF is accepted always and written on request.
func TestToolsLineEnds(t *testing.T) {
	t.Parallel()
	p, port := listen(t, "", "lines://127.0.0.1:0?eol=crlf")
	c := start(t, need(t, "ncat"), "-C", "127.0.0.1", port)
	c.say("one", "two")
	p.on("message", says("one"))
	p.on("message", says("two"))
	p.say("three")
	hears(c, 0, "three\r\n")
}
