package e2e

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// evil are messages that would steer a terminal: clear it, set its title, have it answer, paint, ring,
// overwrite what stands there, reverse the direction of text.
var evil = []string{
	"\x1b[2J\x1b[H", "\x1b]0;pwned\x07", "\x1b[6n\x1b[c", "\x9b31mred", "\u009b31mred", "\x1bP$q\x1b\\", "\a\b\b\x7f\x00",
	"good\rbad", "invoice\u202egnp.exe", "\u2066\u200b\ufeff", "\xc3", "caf\u00e9 你好 👩‍👩‍👧",
}

// tame checks what a program wrote to a terminal: nothing in it steers.
func tame(t *testing.T, name, out string) {
	t.Helper()
	if !utf8.ValidString(out) {
		t.Errorf("%s wrote bytes that are no UTF-8: %q", name, out)
	}
	for i, r := range out {
		if r == '\n' || r == '\r' && strings.HasPrefix(out[i:], "\r\n") {
			continue
		}
		if unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			t.Errorf("%s wrote %U to the terminal: %q", name, r, out[max(0, i-40):min(len(out), i+40)])
		}
	}
}

// onTerminal runs a command of the program with its output, not its input, on a terminal.
func onTerminal(t *testing.T, dir string, args ...string) *proc {
	t.Helper()
	script := need(t, "script")
	fifo := filepath.Join(t.TempDir(), "in") // its standard input: open, and empty
	if out, err := exec.Command("mkfifo", fifo).CombinedOutput(); err != nil {
		t.Fatalf("mkfifo: %v: %s", err, out)
	}
	words := []string{"exec 3<>'" + fifo + "'; exec", binary}
	for _, a := range append(args, "--data", dir) {
		words = append(words, "'"+a+"'")
	}
	words = append(words, "<&3")
	return start(t, script, "-qfec", strings.Join(words, " "), "/dev/null")
}

func TestTerminalOutputIsTame(t *testing.T) {
	t.Parallel()
	for _, json := range []bool{false, true} {
		t.Run(fmt.Sprintf("json=%v", json), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			args := []string{"listen", "dotnet://127.0.0.1:0"}
			if json {
				args = append(args, "--json")
			}
			p := onTerminal(t, dir, args...)
			addr := regexp.MustCompile(`127\.0\.0\.1:(\d+)`)
			p.until("it listens", func() bool { return addr.Match(p.out) })
			c := connect(t, addr.FindStringSubmatch(p.output())[1])
			for _, s := range append(evil, strings.Join(evil, "\n"), "the end") {
				c.Write(append(length7(len(s)), s...))
			}
			p.until("the last message", func() bool { return strings.Contains(string(p.out), "the end") })
			c.Write([]byte("\xff\xff\xff\xff\xff\x1b]0;pwned\x07")) // and the error that this makes
			p.until("the link's end", func() bool { return strings.Contains(string(p.out), "disconnected") })
			out := p.output()
			tame(t, "listen", out)
			if !json && !strings.Contains(out, "café 你好 👩‍👩‍👧") {
				t.Errorf("what is harmless is shown as it is: %q", out)
			}
			p.kill()
			for _, args := range [][]string{{"log", "-n", "0", roomOf(c)}, {"log", "--json", "-n", "0", roomOf(c)}, {"log", "--links"}, {"rooms"}, {"status"}} {
				p := onTerminal(t, dir, args...)
				p.exit()
				tame(t, strings.Join(args, " "), p.output())
			}
		})
	}
}

// pane is a terminal in tmux with tincan's screen in it.
type pane struct {
	t      *testing.T
	socket string
}

func startPane(t *testing.T, dir string, args ...string) *pane {
	t.Helper()
	tmux := need(t, "tmux")
	p := &pane{t, filepath.Join(t.TempDir(), "tmux")}
	// The shell stays when the program ends, and says how.
	cmd := exec.Command(tmux, append([]string{"-u", "-f", "/dev/null", "-S", p.socket, "new-session", "-d", "-x", "100", "-y", "30",
		"sh", "-c", `"$@"; echo "exit status $?."; cat`, "sh", binary}, append(args, "--data", dir)...)...)
	cmd.Env = append(environment(), "TERM=xterm-256color")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("tmux: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the screen of %s:\n%s", strings.Join(args, " "), p.screen())
		}
		exec.Command(tmux, "-S", p.socket, "kill-server").Run()
	})
	return p
}

func (p *pane) do(args ...string) string {
	out, err := exec.Command("tmux", append([]string{"-u", "-S", p.socket}, args...)...).CombinedOutput()
	if err != nil {
		p.t.Logf("tmux %v: %v: %s", args, err, out)
	}
	return string(out)
}

func (p *pane) screen() string { return strings.TrimRight(p.do("capture-pane", "-p"), "\n ") }

// shows waits until words are on the screen.
func (p *pane) shows(words ...string) {
	p.t.Helper()
	eventually(p.t, patience, func() error {
		s := p.screen()
		for _, w := range words {
			if !strings.Contains(s, w) {
				return fmt.Errorf("%q is not on the screen:\n%s", w, s)
			}
		}
		return nil
	})
}

func (p *pane) types(s string) {
	p.do("send-keys", "-l", s)
	p.do("send-keys", "Enter")
}

// Two people, two terminals.
func TestTerminalTwoScreens(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ lang, connected, disconnected string }{
		{"en", "connected", "disconnected"},
		{"zh", "连接成功", "对方关闭了连接"},
	} {
		t.Run(c.lang, func(t *testing.T) {
			t.Parallel()
			port := freePort(t)
			l := startPane(t, t.TempDir(), "listen", "lines://127.0.0.1:"+port, "--lang", c.lang)
			if c.lang == "zh" {
				l.shows("等待连接", port)
			} else {
				l.shows("listening", port)
			}
			d := startPane(t, t.TempDir(), "dial", "127.0.0.1:"+port, "--lang", c.lang)
			d.shows(c.connected)
			if c.lang == "zh" {
				l.shows("接受到连接")
			}
			d.types("你好，这是第一句")
			l.shows("你好，这是第一句")
			d.shows("你好，这是第一句")
			l.types("hello yourself 😀")
			d.shows("hello yourself 😀")
			if c.lang == "zh" {
				d.shows("完毕")
			}
			d.do("send-keys", "C-c")
			d.shows("exit status 0.")
			l.shows(c.disconnected)
		})
	}
}

// What a peer sends does not steer the screen.
func TestTerminalScreenIsTame(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	l := startPane(t, t.TempDir(), "listen", "dotnet://127.0.0.1:"+port, "--lang", "en")
	l.shows(port)
	title := l.do("display-message", "-p", "#{pane_title} #{alternate_on} #{mouse_any_flag}")
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, s := range append(evil, "the end") {
		conn.Write(append(length7(len(s)), s...))
	}
	l.shows("the end", "café 你好", "␛[2J")
	if got := l.do("display-message", "-p", "#{pane_title} #{alternate_on} #{mouse_any_flag}"); got != title {
		t.Errorf("title and modes were %q and are %q", title, got)
	}
	if s := l.do("capture-pane", "-p", "-e"); strings.Contains(s, "pwned") && !strings.Contains(s, "␛]0;pwned") {
		t.Errorf("the title's bytes are shown bare:\n%s", s)
	}
}
