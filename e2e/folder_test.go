package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Two commands on one folder: the first holds the journal, the others talk to it.

func TestFolderSecondCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, port := listen(t, dir, "lines://127.0.0.1:0")
	c := connect(t, port)
	up := first.on("connected")
	c.Write([]byte("hello\n"))
	first.on("message", says("hello"))

	p := run(t, dir, "", "status", "--json")
	p.wantExit(0)
	var status struct {
		PID       int
		Dir       string
		Listeners []struct{ ID, Addr, Codec string }
		Links     []struct {
			ID    int64
			Room  string
			Phase string
		}
	}
	if err := json.Unmarshal([]byte(p.output()), &status); err != nil {
		t.Fatalf("status --json: %v: %s", err, p.output())
	}
	if status.PID != first.pid() || status.Dir != dir || len(status.Listeners) != 1 || status.Listeners[0].Addr != "127.0.0.1:"+port ||
		len(status.Links) != 1 || status.Links[0].ID != up.Link || status.Links[0].Phase != "established" {
		t.Errorf("status --json: %s; the first is process %d on port %s", p.output(), first.pid(), port)
	}
	p = run(t, dir, "", "status")
	p.wantExit(0)
	for _, w := range []string{fmt.Sprint("pid ", first.pid()), port, "established", c.LocalAddr().String()} {
		if !strings.Contains(p.output(), w) {
			t.Errorf("status does not say %q:\n%s", w, p.output())
		}
	}
	if p := run(t, dir, "", "rooms"); !strings.Contains(p.output(), up.Room) {
		t.Errorf("rooms does not list %s:\n%s", up.Room, p.output())
	}
	if ms := logOf(t, dir, up.Room); len(ms) != 1 || ms[0].body() != "hello" {
		t.Errorf("log has %v", ms)
	}
	follow := tincan(t, dir, "log", "--follow", "--json", up.Room)
	follow.until("the old message", func() bool { return len(follow.events) == 1 })
	c.Write([]byte("更多\n"))
	follow.until("the new message", func() bool { return len(follow.events) == 2 && follow.events[1].body() == "更多" })
	follow.signal(os.Interrupt)
	if s := follow.exit(); s != 0 {
		t.Errorf("log --follow, interrupted: exit status %d", s)
	}
	if !first.running() {
		t.Error("the first process has ended")
	}
}

func TestFolderSecondTalks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, port1 := listen(t, dir, "lines://127.0.0.1:0")
	second, port2 := listen(t, dir, "lines://127.0.0.1:0")
	if port1 == port2 {
		t.Fatal("both listen on one port")
	}
	a, b := connect(t, port1), connect(t, port2)
	first.on("connected", inRoom(roomOf(a)))
	second.on("connected", inRoom(roomOf(b)))
	a.Write([]byte("to the first\n"))
	b.Write([]byte("to the second\n"))
	first.on("message", says("to the first"))
	second.on("message", says("to the second"))
	first.say("from the first")
	second.say("from the second")
	if got := string(readFull(t, a, 15)); got != "from the first\n" {
		t.Errorf("the first's peer got %q", got)
	}
	if got := string(readFull(t, b, 16)); got != "from the second\n" {
		t.Errorf("the second's peer got %q", got)
	}
	second.on("receipt", func(e event) bool { return e.State == "reached" })
	if es := first.all("message", says("to the second")); len(es) > 0 {
		t.Errorf("the first is told what belongs to the second: %s", es[0])
	}
	if es := second.all("message", says("to the first")); len(es) > 0 {
		t.Errorf("the second is told what belongs to the first: %s", es[0])
	}

	// send and dial through the first
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	lines := make(chan string, 10)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for s := bufio.NewScanner(c); s.Scan(); {
					lines <- s.Text()
				}
				lines <- "FIN"
			}()
		}
	}()
	run(t, dir, "", "send", ln.Addr().String(), "sent by a third").wantExit(0)
	run(t, dir, "piped by a fourth\n", "dial", ln.Addr().String()).wantExit(0)
	for _, want := range []string{"sent by a third", "FIN", "piped by a fourth", "FIN"} {
		select {
		case got := <-lines:
			if got != want {
				t.Errorf("the peer got %q, want %q", got, want)
			}
		case <-time.After(patience):
			t.Fatalf("the peer never got %q", want)
		}
	}

	// a port that the first has already
	run(t, dir, "", "listen", "127.0.0.1:"+port1).wantExit(3, "in use")

	// what a killed command opened goes away; what the others opened stays
	second.kill()
	eventually(t, patience, func() error {
		c, err := net.DialTimeout("tcp", "127.0.0.1:"+port2, time.Second)
		if err == nil {
			c.Close()
			return errors.New("the killed command's port is still open")
		}
		return nil
	})
	a.Write([]byte("still there?\n"))
	first.on("message", says("still there?"))
}

func TestFolderDialEndsWithItsCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, _ := listen(t, dir, "lines://127.0.0.1:0")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	second := dial(t, dir, ln.Addr().String())
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	second.on("connected")
	second.kill()
	c.SetReadDeadline(time.Now().Add(patience))
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil || os.IsTimeout(err) {
		t.Errorf("the killed command's link still lives: %v", err)
	}
	if !first.running() {
		t.Error("the first process has ended")
	}
}

// The process that holds the folder dies: those that talk to it say so and end.
func TestFolderHolderKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, _ := listen(t, dir, "lines://127.0.0.1:0")
	second, port := listen(t, dir, "lines://127.0.0.1:0")
	c := connect(t, port)
	c.Write([]byte("hello\n"))
	m := second.on("message")
	first.kill()
	if s := second.exit(); s != 1 {
		t.Errorf("exit status %d, want 1", s)
	}
	if !strings.Contains(second.stderr(), "tincan: ") {
		t.Errorf("it says nothing: %q", second.stderr())
	}
	if ms := logOf(t, dir, m.Room); len(ms) != 1 || ms[0].body() != "hello" {
		t.Errorf("the journal has %v", ms)
	}
	third, _ := listen(t, dir, "lines://127.0.0.1:"+port) // folder and port are free again
	third.finish()
	third.wantExit(0)
}

// Of many commands started at once on a new folder one holds it, and all work.
func TestFolderStartedAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var ps []*proc
	for range 6 {
		ps = append(ps, tincan(t, dir, "listen", "lines://127.0.0.1:0", "--json"))
	}
	for i, p := range ps {
		_, port, _ := net.SplitHostPort(p.on("listening").Addr)
		c := connect(t, port)
		fmt.Fprintf(c, "to number %d\n", i)
		p.on("message", says(fmt.Sprintf("to number %d", i)))
	}
}

// The HTTP API streams the same objects, to whoever has the token and to nobody else.
func TestFolderAPI(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, port := listen(t, dir, "lines://127.0.0.1:0")
	file := filepath.Join(dir, "node.json")
	st, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if st.Mode().Perm() != 0o600 {
		t.Errorf("node.json is %v, want -rw-------", st.Mode())
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var node struct {
		PID        int
		URL, Token string
	}
	if err := json.Unmarshal(b, &node); err != nil || node.PID != p.pid() || !strings.HasPrefix(node.URL, "http://127.0.0.1:") || len(node.Token) != 64 {
		t.Fatalf("node.json: %s (%v)", b, err)
	}
	call := func(verb, token, body string) *http.Response {
		t.Helper()
		r, err := http.NewRequest("POST", node.URL+"/api/"+verb, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	if r := call("status", "wrong", "{}"); r.StatusCode != 401 {
		t.Errorf("a wrong token gets %s", r.Status)
	}
	stream := call("events", node.Token, "{}")
	var got []string
	streamed := bufio.NewScanner(stream.Body)

	c := connect(t, port)
	p.on("connected")
	c.Write([]byte("你好\nbytes \xff\n"))
	p.on("message", says("bytes \xff"))
	p.say(object("text", "hello", "id", "x"))
	p.on("receipt", reached("x"))
	if r := call("send", node.Token, object("room", roomOf(c), "text", "by the API")); r.StatusCode != 200 {
		t.Errorf("send: %s", r.Status)
	}
	if got := string(readFull(t, c, 17)); got != "hello\nby the API\n" {
		t.Errorf("the peer got %q", got)
	}
	p.on("receipt", func(e event) bool { return e.Offset == 4 && e.State == "reached" })
	c.Close()
	p.on("disconnected")

	timeout := time.AfterFunc(patience, func() { stream.Body.Close() })
	defer timeout.Stop()
	for streamed.Scan() {
		line := bytes.TrimSpace(streamed.Bytes())
		if string(line) == "{}" || len(line) == 0 {
			continue
		}
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("the stream has %q: %v", line, err)
		}
		if e.Event == "message" && e.From == "me" { // standard output leaves these out
			continue
		}
		got = append(got, string(line))
		if e.Event == "disconnected" {
			break
		}
	}
	p.mu.Lock()
	want := slices.Clone(p.lines[1:]) // without listening, which was before
	p.mu.Unlock()
	if !slices.Equal(got, want) {
		t.Errorf("the API streams\n%s\nstandard output has\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
