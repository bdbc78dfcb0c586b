package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen soon. It only costs time when a test fails, so it is
// generous: the machine may be slow and shared.
const patience = 90 * time.Second

// binary is the program under test; TestMain builds it.
var binary string

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	defer quitChromium()
	waitTogether()
	if binary = os.Getenv("TINCAN_BIN"); binary != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "tincan-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "tincan")
	cmd := exec.Command("go", "build", "-o", binary, "./cmd/tincan")
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build tincan: %v\n%s", err, out)
		return 1
	}
	if err := os.Chmod(dir, 0o755); err != nil { // another user runs it too
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// waitTogether has more tests run at once than there are processors, unless the command line says how many: most
// of the time they wait, for the network's patience or for words to have been readable.
func waitTogether() {
	flag.Parse()
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "test.parallel" })
	if !said {
		flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0)))
	}
}

// skip says why a test cannot run here. Where everything must run (CI=true) that is a failure.
func skip(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("must not be skipped in CI: "+format, args...)
	}
	t.Skipf("skipped: "+format, args...)
}

// seedOf is the seed of a test that draws what it does: TINCAN_SEED, or another each time, which it says.
func seedOf(t testing.TB) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("TINCAN_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	t.Logf("TINCAN_SEED=%d", seed)
	return seed
}

// need returns the path of a program that the test talks with.
func need(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		skip(t, "%s is not installed", name)
	}
	return path
}

// eventually calls f until it returns nil, and fails the test with its last error after d.
func eventually(t testing.TB, d time.Duration, f func() error) {
	t.Helper()
	wait := time.Millisecond
	for deadline := time.Now().Add(d); ; {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %v", d, err)
		}
		time.Sleep(wait)
		wait = min(2*wait, 50*time.Millisecond)
	}
}

// event is a line of JSON from the program.
type event struct {
	N        int            `json:"-"` // its number among the process's events
	Line     string         `json:"-"`
	Raw      map[string]any `json:"-"`
	At       time.Time      `json:"-"` // when it came
	Event    string         `json:"event"`
	Time     string         `json:"time"`
	Addr     string         `json:"addr"`
	Listener string         `json:"listener"`
	Room     string         `json:"room"`
	Link     int64          `json:"link"`
	Peer     string         `json:"peer"`
	Local    string         `json:"local"`
	Remote   string         `json:"remote"`
	Codec    string         `json:"codec"`
	Choice   string         `json:"choice"`
	Attempt  int            `json:"attempt"`
	ID       string         `json:"id"`
	From     string         `json:"from"`
	Offset   int64          `json:"offset"`
	State    string         `json:"state"`
	Reason   string         `json:"reason"`
	Detail   string         `json:"detail"`
	Error    string         `json:"error"`
	Hint     string         `json:"hint"`
	Text     *string        `json:"text"`
	Base64   []byte         `json:"base64"`
	Partial  bool           `json:"partial"`
	Code     *int           `json:"code"`
	Retry    *int64         `json:"retry_in_ms"`
	Held     *struct {
		Queued    int `json:"queued"`
		Uncertain int `json:"uncertain"`
	} `json:"held"`
}

// body is what a message says.
func (e event) body() string {
	if e.Text != nil {
		return *e.Text
	}
	return string(e.Base64)
}

func (e event) String() string {
	if len(e.Line) > 400 {
		return e.Line[:400] + "…"
	}
	return e.Line
}

// proc is a running process. Its standard output is collected as bytes, lines and events.
type proc struct {
	t    testing.TB
	name string
	cmd  *exec.Cmd
	in   *os.File

	mu      sync.Mutex
	out     []byte
	whole   int // bytes of out that are whole lines
	lines   []string
	events  []event
	err     bytes.Buffer
	changed chan struct{} // closed and replaced when there is more

	mark  func(event)   // what is told of each event as it comes; under mu
	quiet bool          // its output is not shown when the test fails: it was a short command
	done  chan struct{} // closed when the process has ended and its output is all here
}

// start runs a program until the test ends.
func start(t testing.TB, path string, args ...string) *proc {
	t.Helper()
	return startCmd(t, exec.Command(path, args...))
}

func startCmd(t testing.TB, cmd *exec.Cmd) *proc {
	t.Helper()
	p := &proc{t: t, name: filepath.Base(cmd.Path) + " " + strings.Join(cmd.Args[1:], " "), cmd: cmd,
		changed: make(chan struct{}), done: make(chan struct{})}
	if cmd.Env == nil {
		cmd.Env = environment()
	}
	inR, inW := pipe(t)
	outR, outW := pipe(t)
	errR, errW := pipe(t)
	cmd.Stdin, cmd.Stdout, cmd.Stderr, p.in = inR, outW, errW, inW
	err := cmd.Start()
	inR.Close()
	outW.Close()
	errW.Close()
	if err != nil {
		t.Fatalf("start %s: %v", p.name, err)
	}
	var readers sync.WaitGroup
	readers.Go(func() { p.collect(outR, p.takeOut) })
	readers.Go(func() { p.collect(errR, func(b []byte) { p.err.Write(b) }) })
	go func() {
		cmd.Wait()
		late := time.AfterFunc(5*time.Second, func() { outR.Close(); errR.Close() }) // a grandchild may hold them
		readers.Wait()
		late.Stop()
		outR.Close()
		errR.Close()
		close(p.done)
	}()
	t.Cleanup(p.end)
	return p
}

// environment is the test's own, without what steers tincan, and in English.
func environment() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "TINCAN_") && !strings.HasPrefix(v, "LC_") && !strings.HasPrefix(v, "LANG") {
			env = append(env, v)
		}
	}
	return append(env, "LC_ALL=C.UTF-8")
}

func pipe(t testing.TB) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

func (p *proc) end() {
	p.kill()
	p.in.Close()
	if p.t.Failed() && !p.quiet {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.t.Logf("%s (pid %d) said:\n%s\nand on standard error:\n%s", p.name, p.cmd.Process.Pid, tail(string(p.out)), tail(p.err.String()))
	}
}

// tail is the end of a long text, its long lines shortened.
func tail(s string) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	if len(lines) > 25 {
		lines = append([]string{"…"}, lines[len(lines)-25:]...)
	}
	for i, l := range lines {
		if len(l) > 300 {
			lines[i] = l[:300] + "…"
		}
	}
	return strings.Join(lines, "\n")
}

func (p *proc) collect(r io.Reader, take func([]byte)) {
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		p.mu.Lock()
		take(buf[:n])
		close(p.changed)
		p.changed = make(chan struct{})
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (p *proc) takeOut(b []byte) {
	p.out = append(p.out, b...)
	for {
		i := bytes.IndexByte(p.out[p.whole:], '\n')
		if i < 0 {
			return
		}
		line := string(p.out[p.whole : p.whole+i])
		p.whole += i + 1
		p.lines = append(p.lines, line)
		if e := (event{Line: line, At: time.Now()}); strings.HasPrefix(line, "{") && json.Unmarshal([]byte(line), &e) == nil {
			json.Unmarshal([]byte(line), &e.Raw)
			if p.mark != nil {
				p.mark(e)
			}
			e.N = len(p.events)
			p.events = append(p.events, e)
		}
	}
}

// kill ends the process with SIGKILL and waits until it is gone.
func (p *proc) kill() {
	p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.done
}

func (p *proc) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("signal %s: %v", p.name, err)
	}
}

func (p *proc) pid() int { return p.cmd.Process.Pid }

// say writes lines to standard input.
func (p *proc) say(lines ...string) {
	p.t.Helper()
	if err := p.write(strings.Join(lines, "\n") + "\n"); err != nil {
		p.t.Fatalf("write to %s: %v", p.name, err)
	}
}

func (p *proc) write(s string) error {
	p.in.SetWriteDeadline(time.Now().Add(patience))
	_, err := io.WriteString(p.in, s)
	return err
}

// finish ends standard input.
func (p *proc) finish() { p.in.Close() }

// exit waits for the end of the process and returns its exit status; -1 when a signal ended it.
func (p *proc) exit() int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatalf("%s has not ended after %v", p.name, patience)
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *proc) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// until waits until f, called with the lock held, says that it is so.
func (p *proc) until(what string, f func() bool) {
	p.t.Helper()
	deadline := time.After(patience)
	for {
		p.mu.Lock()
		ok, changed := f(), p.changed
		p.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
			continue
		case <-p.done:
			p.mu.Lock()
			ok := f()
			p.mu.Unlock()
			if !ok {
				p.t.Fatalf("%s ended (%v) before %s", p.name, p.cmd.ProcessState, what)
			}
			return
		case <-deadline:
		}
		p.t.Fatalf("%s: not within %v: %s", p.name, patience, what)
	}
}

// line waits for the first line that matches, from the n-th on.
func (p *proc) line(n int, what string, match func(string) bool) (line string, number int) {
	p.t.Helper()
	p.until(what, func() bool {
		for ; n < len(p.lines); n++ {
			if match(p.lines[n]) {
				line, number = p.lines[n], n
				return true
			}
		}
		return false
	})
	return line, number
}

// says waits for a line that is exactly this.
func (p *proc) says(want string) {
	p.t.Helper()
	p.line(0, "the line "+quote(want), func(s string) bool { return s == want })
}

// errSays waits for words on standard error.
func (p *proc) errSays(want string) {
	p.t.Helper()
	p.until("on standard error: "+want, func() bool { return strings.Contains(p.err.String(), want) })
}

func (p *proc) stderr() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err.String()
}

func (p *proc) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return string(p.out)
}

// on waits for the first event of a kind that matches.
func (p *proc) on(kind string, match ...func(event) bool) event {
	p.t.Helper()
	return p.after(0, kind, match...)
}

// after waits for the first event of a kind that matches, from the n-th event on.
func (p *proc) after(n int, kind string, match ...func(event) bool) (got event) {
	p.t.Helper()
	p.until("the event "+kind, func() bool {
		for ; n < len(p.events); n++ {
			if p.events[n].is(kind, match) {
				got = p.events[n]
				return true
			}
		}
		return false
	})
	return got
}

func (e event) is(kind string, match []func(event) bool) bool {
	if e.Event != kind {
		return false
	}
	for _, m := range match {
		if !m(e) {
			return false
		}
	}
	return true
}

// all returns the events of a kind so far.
func (p *proc) all(kind string, match ...func(event) bool) (es []event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.events {
		if e.is(kind, match) {
			es = append(es, e)
		}
	}
	return es
}

// Matches for on, after and all.

func says(body string) func(event) bool   { return func(e event) bool { return e.body() == body } }
func inRoom(room string) func(event) bool { return func(e event) bool { return e.Room == room } }
func reached(id string) func(event) bool {
	return func(e event) bool { return e.ID == id && e.State == "reached" }
}

// tincan runs the program on a data folder; "" is a new one.
func tincan(t testing.TB, dir string, args ...string) *proc {
	t.Helper()
	if dir == "" {
		dir = t.TempDir()
	}
	return start(t, binary, append(args, "--data", dir)...)
}

// listen runs `tincan listen ADDR --json` and returns the port that it says it has.
func listen(t *testing.T, dir, addr string, args ...string) (p *proc, port string) {
	t.Helper()
	p = tincan(t, dir, append([]string{"listen", addr, "--json"}, args...)...)
	_, port, err := net.SplitHostPort(p.on("listening").Addr)
	if err != nil {
		t.Fatal(err)
	}
	return p, port
}

// dial runs `tincan dial ADDR --json`.
func dial(t *testing.T, dir, addr string, args ...string) *proc {
	t.Helper()
	return tincan(t, dir, append([]string{"dial", addr, "--json"}, args...)...)
}

// run runs a command of the program to its end.
func run(t *testing.T, dir, stdin string, args ...string) *proc {
	t.Helper()
	p := tincan(t, dir, args...)
	p.quiet = true
	if err := p.write(stdin); err != nil && !errors.Is(err, syscall.EPIPE) {
		t.Fatalf("write to %s: %v", p.name, err)
	}
	p.finish()
	p.exit()
	return p
}

// wantExit checks how a process ended and what it told the person.
func (p *proc) wantExit(status int, words ...string) {
	p.t.Helper()
	if got := p.exit(); got != status {
		p.t.Errorf("%s: exit status %d, want %d: %s", p.name, got, status, p.stderr())
	}
	for _, w := range words {
		if !strings.Contains(p.stderr(), w) {
			p.t.Errorf("%s: standard error does not say %q:\n%s", p.name, w, p.stderr())
		}
	}
}

// logOf is the journal's content: every message of a room.
func logOf(t *testing.T, dir, room string) []event {
	t.Helper()
	p := run(t, dir, "", "log", "--json", "-n", "0", room)
	if p.exit() != 0 {
		t.Fatalf("tincan log %s: exit status %d: %s", room, p.exit(), p.stderr())
	}
	return p.events
}

// object is a line of input as JSON, from names and values.
func object(pairs ...string) string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// freePort returns a port of this machine that was free a moment ago.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// connect makes a plain TCP connection to a port of this machine.
func connect(t testing.TB, port string) *net.TCPConn {
	t.Helper()
	c, err := net.DialTimeout("tcp", "127.0.0.1:"+port, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// roomOf is the private room of a connection that tincan accepted.
func roomOf(c net.Conn) string { return "tcp:" + c.LocalAddr().String() }

// memory returns the resident memory of a process now and at its highest, in bytes.
func memory(t *testing.T, pid int) (now, peak int64) {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) int64 {
		_, rest, _ := strings.Cut(string(b), name+":")
		f := strings.Fields(rest)
		if len(f) == 0 {
			t.Fatalf("no %s in /proc/%d/status", name, pid)
		}
		kb, _ := strconv.ParseInt(f[0], 10, 64)
		return kb << 10
	}
	return read("VmRSS"), read("VmHWM")
}

func quote(s string) string {
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	return strconv.Quote(s)
}
