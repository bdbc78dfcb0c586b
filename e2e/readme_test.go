package e2e

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// readme is what a newcomer copies out of a README: the lines of its shell blocks without their comments, and
// its Go program.
type readme struct {
	t     *testing.T
	lines []string
	main  string
}

func openReadme(t *testing.T, name string) *readme {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	r, language := &readme{t: t}, ""
	for line := range strings.Lines(string(b)) {
		fence, isFence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case isFence:
			language = fence
		case language == "sh":
			line, _, _ = strings.Cut(line, "  #")
			r.lines = append(r.lines, strings.TrimSpace(line))
		case language == "go":
			r.main += line
		}
	}
	return r
}

// line returns the line that begins so, with something else in place of its example's address.
func (r *readme) line(prefix, address, real string) string {
	r.t.Helper()
	for _, l := range r.lines {
		if strings.HasPrefix(l, prefix) && strings.Contains(l, address) {
			return strings.ReplaceAll(l, address, real)
		}
	}
	r.t.Fatalf("no line begins with %q and has %q in it: %q", prefix, address, r.lines)
	return ""
}

// eachReadme runs a test for the README in each language.
func eachReadme(t *testing.T, test func(t *testing.T, r *readme)) {
	t.Parallel()
	for _, name := range []string{"README.md", "README.zh.md"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, openReadme(t, name))
		})
	}
}

// shell runs a line in a folder as a person does: in a terminal, with tincan on the path and a journal in dir.
func shell(t *testing.T, folder, line, dir string) *pane {
	t.Helper()
	tmux := need(t, "tmux")
	p := &pane{t, filepath.Join(t.TempDir(), "tmux")}
	cmd := exec.Command(tmux, "-u", "-f", "/dev/null", "-S", p.socket, "new-session", "-d", "-x", "100", "-y", "30",
		"bash", "-c", line+"\n"+`echo "exit status $?."; cat`)
	cmd.Dir = folder
	cmd.Env = append(environment(), "TERM=xterm-256color", "TINCAN_DATA="+dir, "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("tmux: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the terminal of %s:\n%s", line, p.screen())
		}
		exec.Command(tmux, "-S", p.socket, "kill-server").Run()
	})
	return p
}

func TestReadmeNetcat(t *testing.T) {
	eachReadme(t, func(t *testing.T, r *readme) {
		need(t, "nc")
		port := freePort(t)
		here := shell(t, "..", r.line("go run ./cmd/tincan listen ", "7000", port), t.TempDir())
		here.shows("listening", port)
		there := shell(t, "..", r.line("nc ", "7000", port), "")
		here.shows("accepted")
		there.types("said with netcat")
		here.shows("said with netcat", "lines (detected)")
		here.types("说的是 tincan")
		there.shows("said with netcat", "说的是 tincan")
		there.do("send-keys", "C-c")
		here.shows("disconnected")
		here.do("send-keys", "C-c")
		here.shows("exit status 0.")
	})
}

func TestReadmeDotnet(t *testing.T) {
	eachReadme(t, func(t *testing.T, r *readme) {
		d := startDotnet(t, "listen", "0")
		here := shell(t, "..", r.line("go run ./cmd/tincan dial ", "192.0.2.7:51388", "127.0.0.1:"+d.next("listening")), t.TempDir())
		d.next("connected")
		d.send("你好，我在监听")
		here.shows("你好，我在监听")
		here.types("I dialled")
		d.hears("I dialled")

		port := freePort(t)
		here = shell(t, "..", r.line("go run ./cmd/tincan listen ", "51388", port), t.TempDir())
		here.shows("listening", port)
		d = startDotnet(t, "dial", "127.0.0.1", port)
		d.next("connected")
		here.shows("accepted")
		here.types("I listened")
		d.hears("I listened")
		d.send("你好，我连过来了")
		here.shows("你好，我连过来了")
	})
}

func TestReadmeScripts(t *testing.T) {
	eachReadme(t, func(t *testing.T, r *readme) {
		install := exec.Command("bash", "-c", r.line("go install ", "./cmd/tincan", "./cmd/tincan"))
		install.Dir, install.Env = "..", append(os.Environ(), "GOBIN="+t.TempDir())
		if out, err := install.CombinedOutput(); err != nil {
			t.Errorf("go install: %v\n%s", err, out)
		}
		nc := need(t, "nc")

		port := freePort(t)
		peer := start(t, nc, "-l", "127.0.0.1", port)
		line := r.line("tincan send ", "server:7000", "127.0.0.1:"+port)
		eventually(t, patience, func() error { return listens(port) })
		p := shell(t, t.TempDir(), line, t.TempDir())
		words := regexp.MustCompile(`'(.*)' && echo "(.*)"`).FindStringSubmatch(line)
		p.shows(words[2], "exit status 0.")
		peer.says(words[1])

		port = freePort(t)
		peer = start(t, nc, "-l", "127.0.0.1", port)
		eventually(t, patience, func() error { return listens(port) })
		folder := t.TempDir()
		write(t, folder, "app.log", "the first line\n")
		shell(t, folder, r.line("tail -F app.log", "collector:7000", "127.0.0.1:"+port), t.TempDir())
		peer.says("the first line")
		write(t, folder, "app.log", "the first line\nand one more\n")
		peer.says("and one more")

		port = freePort(t)
		p = shell(t, t.TempDir(), r.line("tincan listen --json ", "7000", port), t.TempDir())
		eventually(t, patience, func() error { return listens(port) })
		connect(t, port).Write([]byte("你好 \"jq\"\n"))
		p.shows(`你好 "jq"`)
	})
}

func TestReadmeGo(t *testing.T) {
	eachReadme(t, func(t *testing.T, r *readme) {
		nc := need(t, "nc")
		port := freePort(t)
		peer := start(t, nc, "-l", "127.0.0.1", port)
		eventually(t, patience, func() error { return listens(port) })
		repository, err := filepath.Abs("..")
		if err != nil {
			t.Fatal(err)
		}
		folder := t.TempDir()
		if err := os.Symlink(repository, filepath.Join(folder, "tincan")); err != nil {
			t.Fatal(err)
		}
		yours := filepath.Join(folder, "yours")
		if err := os.Mkdir(yours, 0o777); err != nil {
			t.Fatal(err)
		}
		write(t, yours, "main.go", strings.Replace(r.main, "server:7000", "127.0.0.1:"+port, 1))
		build := exec.Command("bash", "-ec", "go mod init yours\n"+r.line("go mod edit ", "tincan", "tincan")+"\ngo build -o yours .")
		build.Dir = yours
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		cmd := exec.Command(filepath.Join(yours, "yours"))
		cmd.Dir = yours
		p := startCmd(t, cmd)
		peer.says("hello")
		peer.say("and hello to you")
		p.says("1 me: hello")
		p.says("2 tcp:127.0.0.1:" + port + ": and hello to you")
	})
}

// listens says whether somebody listens on a port of IPv4, without connecting to it.
func listens(port string) error {
	var n int
	if _, err := fmt.Sscan(port, &n); err != nil {
		return err
	}
	for _, name := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			if c := strings.Fields(s.Text()); len(c) > 3 && strings.HasSuffix(c[1], fmt.Sprintf(":%04X", n)) && c[3] == "0A" {
				return nil
			}
		}
	}
	return fmt.Errorf("nobody listens on port %s", port)
}

func write(t *testing.T, folder, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}
