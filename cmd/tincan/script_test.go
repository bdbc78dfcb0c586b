package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"tincan": main}) }

// TestScripts runs testdata/*.txtar, the specification of the command line. Beside the commands of testscript
// they have these:
//
//	exits STATUS tincan ARG…   run the program to its end; stdout and stderr then hold what it printed
//	start NAME tincan ARG…     run it as a conversation; start -tty NAME …: its output is a terminal, and
//	                           start -screen NAME …: its input as well
//	accept NAME VAR            a plain TCP listener; its address is $VAR, its first connection the conversation;
//	                           accept -deaf NAME VAR never reads from it
//	connect NAME ADDR          a plain TCP connection as a conversation
//	say NAME LINE…             write lines to it; send NAME TEXT writes a text with Go's escapes
//	eof NAME                   end its input (a connection says FIN)
//	hear NAME REGEXP [VAR…]    wait until a line of its output matches; the groups become variables. Bytes that are
//	                           no UTF-8 are there as \xFF
//	told NAME REGEXP [VAR…]    the same for its standard error
//	! hear NAME REGEXP         no line so far matches
//	signal NAME INT|TERM|KILL  send it a signal
//	ends NAME STATUS           wait until it ends, with this exit status; stdout and stderr then hold what it said
//	closed NAME                wait until a connection was ended in order by the other side
//	free VAR                   $VAR is a port of this machine that was free a moment ago
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", RequireUniqueNames: true, Setup: setup, Condition: condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "start": start, "accept": accept, "connect": connect, "say": say, "send": send, "eof": eof,
			"hear": hear, "told": told, "signal": signalTo, "ends": ends, "closed": closed, "free": free,
		}})
}

// patience bounds what must happen soon. It only costs time when a test fails.
const testPatience = 30 * time.Second

type talksKey struct{}

func setup(e *testscript.Env) error {
	talks := map[string]*talk{}
	e.Values[talksKey{}] = talks
	e.Defer(func() {
		for _, k := range talks {
			k.kill()
		}
	})
	for _, v := range os.Environ() {
		if strings.HasPrefix(v, "LC_") || strings.HasPrefix(v, "LANG") || strings.HasPrefix(v, "TINCAN_") {
			name, _, _ := strings.Cut(v, "=")
			e.Setenv(name, "")
		}
	}
	e.Setenv("LC_ALL", "C.UTF-8")
	e.Setenv("BIN", filepath.SplitList(e.Getenv("PATH"))[0]) // where testscript put the program
	e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
	e.Setenv("TINCAN_DATA", filepath.Join(e.WorkDir, "data"))
	return nil
}

// condition: [shell:NAME] is whether a shell is installed. In CI all that the project installs are there.
func condition(cond string) (bool, error) {
	name, ok := strings.CutPrefix(cond, "shell:")
	if !ok {
		return false, fmt.Errorf("no condition %q", cond)
	}
	_, err := exec.LookPath(name)
	if err != nil && os.Getenv("CI") == "true" && name != "pwsh" {
		return false, fmt.Errorf("%s must be installed in CI", name)
	}
	return err == nil, nil
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if neg || err != nil || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS tincan ARG…")
	}
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// talk is a process or a connection that a script talks with.
type talk struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	conn *net.TCPConn

	mu      sync.Mutex
	out     strings.Builder
	err     strings.Builder
	over    error // why there is no more output; io.EOF is the orderly end
	changed chan struct{}
	done    chan struct{} // closed when the process has ended and all of its output is here
}

func newTalk(ts *testscript.TestScript, name string) *talk {
	talks := ts.Value(talksKey{}).(map[string]*talk)
	if k := talks[name]; k != nil {
		k.kill()
	}
	k := &talk{changed: make(chan struct{}), done: make(chan struct{})}
	talks[name] = k
	return k
}

func talkOf(ts *testscript.TestScript, args []string, least int, usage string) *talk {
	if len(args) < least {
		ts.Fatalf("usage: %s", usage)
	}
	k := ts.Value(talksKey{}).(map[string]*talk)[args[0]]
	if k == nil {
		ts.Fatalf("there is no %s", args[0])
	}
	return k
}

func (k *talk) collect(r io.Reader, into *strings.Builder) {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		k.mu.Lock()
		into.Write(buf[:n])
		if err != nil {
			k.over = err
		}
		close(k.changed)
		k.changed = make(chan struct{})
		k.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (k *talk) kill() {
	k.mu.Lock()
	conn := k.conn
	k.mu.Unlock()
	if conn != nil {
		conn.Close()
	}
	if k.cmd != nil && k.cmd.Process != nil {
		k.cmd.Process.Kill()
		k.in.Close()
		<-k.done
	}
}

func start(ts *testscript.TestScript, neg bool, args []string) {
	screen := len(args) > 0 && args[0] == "-screen"
	tty := screen || len(args) > 0 && args[0] == "-tty"
	if tty {
		args = args[1:]
	}
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start [-tty|-screen] NAME tincan ARG…")
	}
	k := newTalk(ts, args[0])
	k.cmd = exec.Command(filepath.Join(ts.Getenv("BIN"), args[1]+ts.Getenv("exe")), args[2:]...)
	k.cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "LC_ALL", "LC_MESSAGES", "LANG", "TINCAN_DATA", "XDG_DATA_HOME", "TERM"} {
		if v := ts.Getenv(name); v != "" {
			k.cmd.Env = append(k.cmd.Env, name+"="+v)
		}
	}
	var err error
	if !screen {
		k.in, err = k.cmd.StdinPipe()
		ts.Check(err)
	}
	var readers sync.WaitGroup
	if tty {
		master, terminal, err := openTerminal()
		ts.Check(err)
		k.cmd.Stdout, k.cmd.Stderr = terminal, terminal
		if screen {
			k.cmd.Stdin, k.in = terminal, master
		}
		ts.Check(k.cmd.Start())
		terminal.Close()
		readers.Go(func() { k.collect(master, &k.out); master.Close() })
	} else {
		out, err := k.cmd.StdoutPipe()
		ts.Check(err)
		errs, err := k.cmd.StderrPipe()
		ts.Check(err)
		ts.Check(k.cmd.Start())
		readers.Go(func() { k.collect(out, &k.out) })
		readers.Go(func() { k.collect(errs, &k.err) })
	}
	go func() {
		readers.Wait()
		k.cmd.Wait()
		close(k.done)
	}()
}

func accept(ts *testscript.TestScript, _ bool, args []string) {
	deaf := len(args) > 0 && args[0] == "-deaf"
	if deaf {
		args = args[1:]
	}
	if len(args) != 2 {
		ts.Fatalf("usage: accept [-deaf] NAME VAR")
	}
	k := newTalk(ts, args[0])
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[1], ln.Addr().String())
	ready := make(chan struct{})
	k.in = &late{ready: ready, k: k}
	ts.Defer(func() { ln.Close() })
	go func() {
		c, err := ln.Accept()
		ln.Close()
		if err != nil {
			return
		}
		k.mu.Lock()
		k.conn = c.(*net.TCPConn)
		k.mu.Unlock()
		close(ready)
		if !deaf {
			k.collect(c, &k.out)
		}
	}()
}

// late is the input of a connection that may not be there yet.
type late struct {
	ready chan struct{}
	k     *talk
}

func (l *late) wait() error {
	select {
	case <-l.ready:
		return nil
	case <-time.After(testPatience):
		return errors.New("nobody connects")
	}
}

func (l *late) Write(b []byte) (int, error) {
	if err := l.wait(); err != nil {
		return 0, err
	}
	return l.k.conn.Write(b)
}

func (l *late) Close() error {
	if err := l.wait(); err != nil {
		return err
	}
	return l.k.conn.CloseWrite()
}

func connect(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: connect NAME ADDR")
	}
	k := newTalk(ts, args[0])
	c, err := net.DialTimeout("tcp", args[1], testPatience)
	ts.Check(err)
	k.conn = c.(*net.TCPConn)
	ready := make(chan struct{})
	close(ready)
	k.in = &late{ready: ready, k: k}
	go k.collect(c, &k.out)
}

func say(ts *testscript.TestScript, _ bool, args []string) {
	k := talkOf(ts, args, 2, "say NAME LINE…")
	_, err := io.WriteString(k.in, strings.Join(args[1:], "\n")+"\n")
	ts.Check(err)
}

func send(ts *testscript.TestScript, _ bool, args []string) {
	k := talkOf(ts, args, 2, "send NAME TEXT")
	text, err := strconv.Unquote(`"` + strings.ReplaceAll(args[1], `"`, `\"`) + `"`)
	ts.Check(err)
	_, err = io.WriteString(k.in, text)
	ts.Check(err)
}

func eof(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(talkOf(ts, args, 1, "eof NAME").in.Close())
}

func hear(ts *testscript.TestScript, neg bool, args []string) {
	k := talkOf(ts, args, 2, "hear NAME REGEXP [VAR…]")
	k.wait(ts, neg, &k.out, args)
}

func told(ts *testscript.TestScript, neg bool, args []string) {
	k := talkOf(ts, args, 2, "told NAME REGEXP [VAR…]")
	k.wait(ts, neg, &k.err, args)
}

func (k *talk) wait(ts *testscript.TestScript, neg bool, in *strings.Builder, args []string) {
	re, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	deadline := time.After(testPatience)
	for {
		k.mu.Lock()
		text, changed := in.String(), k.changed
		k.mu.Unlock()
		size := len(text)
		text = visible(text)
		m := re.FindStringSubmatch(text)
		if neg {
			if m != nil {
				ts.Fatalf("%s says %q", args[0], m[0])
			}
			return
		}
		if m != nil {
			for i, name := range args[2:] {
				ts.Setenv(name, m[i+1])
			}
			return
		}
		select {
		case <-changed:
			continue
		case <-k.done:
			k.mu.Lock()
			more := len(in.String()) > size
			k.mu.Unlock()
			if more {
				continue
			}
		case <-deadline:
		}
		ts.Fatalf("%s does not say %s but:\n%s", args[0], args[1], k.said())
	}
}

// visible writes bytes that are no UTF-8 as \xFF.
func visible(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		if r == utf8.RuneError && s[i] >= 0x80 && s[i] != "\ufffd"[0] {
			fmt.Fprintf(&b, "\\x%02x", s[i])
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// said is the end of everything it said.
func (k *talk) said() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	tail := func(s string) string { return s[max(0, len(s)-8000):] }
	return tail(k.out.String()) + tail(k.err.String())
}

func signalTo(ts *testscript.TestScript, _ bool, args []string) {
	k := talkOf(ts, args, 2, "signal NAME INT|TERM|KILL")
	s, ok := map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM, "KILL": os.Kill}[args[1]]
	if !ok || k.cmd == nil {
		ts.Fatalf("usage: signal NAME INT|TERM|KILL")
	}
	ts.Check(k.cmd.Process.Signal(s))
}

func ends(ts *testscript.TestScript, _ bool, args []string) {
	k := talkOf(ts, args, 2, "ends NAME STATUS")
	select {
	case <-k.done:
	case <-time.After(testPatience):
		ts.Fatalf("%s does not end; it says:\n%s", args[0], k.said())
	}
	if got := strconv.Itoa(k.cmd.ProcessState.ExitCode()); got != args[1] {
		ts.Fatalf("%s: exit status %s, want %s; it says:\n%s", args[0], got, args[1], k.said())
	}
	io.WriteString(ts.Stdout(), k.out.String())
	io.WriteString(ts.Stderr(), k.err.String())
}

func closed(ts *testscript.TestScript, _ bool, args []string) {
	k := talkOf(ts, args, 1, "closed NAME")
	deadline := time.After(testPatience)
	for {
		k.mu.Lock()
		over, changed := k.over, k.changed
		k.mu.Unlock()
		if over != nil {
			if over != io.EOF {
				ts.Fatalf("%s ended with %v", args[0], over)
			}
			return
		}
		select {
		case <-changed:
		case <-deadline:
			ts.Fatalf("%s is still open", args[0])
		}
	}
}

func free(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: free VAR")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	ts.Setenv(args[0], port)
}
