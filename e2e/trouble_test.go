package e2e

import (
	"bytes"
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
	"syscall"
	"testing"
	"time"
)

// Machines that do harm: ports, names, disks, folders, standard input. Each is told in plain words with the next
// step, in both languages, and what was stored stays stored.

// needRoot skips where the test cannot make the trouble.
func needRoot(t *testing.T, why string) {
	t.Helper()
	if os.Getuid() != 0 {
		skip(t, "%s needs root", why)
	}
}

// as runs the program as another user, who may write to dir.
func as(t *testing.T, uid int, dir string, args ...string) *proc {
	t.Helper()
	needRoot(t, "another user")
	cmd := exec.Command(binary, append(args, "--data", dir)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	p := startCmd(t, cmd)
	p.quiet = true
	p.finish()
	return p
}

const nobody = 65534

// openDir is a folder that everybody may use.
func openDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir(); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestTroublePortInUse(t *testing.T) {
	t.Parallel()
	first, port := listen(t, "", "lines://127.0.0.1:0")
	n, _ := strconv.Atoi(port)
	who := fmt.Sprintf("port %s is in use by %s (pid %d)", port, filepath.Base(binary), first.pid())
	for _, addr := range []string{"lines://127.0.0.1:" + port, port, ":" + port} {
		p := run(t, "", "", "listen", addr)
		p.wantExit(3, who, "→ next free: ")
		free := regexp.MustCompile(`next free: (\d+)`).FindStringSubmatch(p.stderr())
		if free == nil {
			continue
		}
		if k, _ := strconv.Atoi(free[1]); k <= n || k > n+200 {
			t.Errorf("the next free port after %d is %d", n, k)
		}
	}
	run(t, "", "", "listen", port, "--lang", "zh").wantExit(3,
		fmt.Sprintf("端口 %s 已被 %s 占用（进程号 %d）", port, filepath.Base(binary), first.pid()), "下一个空闲端口：")
	p := run(t, "", "", "listen", port, "--json")
	p.wantExit(3)
	if e := p.on("error"); !strings.Contains(e.Error, who) || !strings.Contains(e.Hint, "next free") {
		t.Errorf("with --json: %s", e)
	}
	if p := as(t, nobody, openDir(t), "listen", port); p.exit() != 3 || !strings.Contains(p.stderr(), "port "+port+" is in use") ||
		!strings.Contains(p.stderr(), "next free: ") {
		t.Errorf("who may not see the owner gets exit status %d and %q", p.exit(), p.stderr())
	}
	c := connect(t, port)
	c.Write([]byte("unharmed\n"))
	first.on("message", says("unharmed"))
}

func TestTroublePrivilegedPort(t *testing.T) {
	t.Parallel()
	if b, err := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start"); err == nil && strings.TrimSpace(string(b)) == "0" {
		skip(t, "every user may have every port here")
	}
	as(t, nobody, openDir(t), "listen", "127.0.0.1:81").wantExit(3, "port 81 is privileged", "→ use a port above 1023")
	as(t, nobody, openDir(t), "listen", "127.0.0.1:81", "--lang", "zh").wantExit(3, "端口 81 需要管理员权限", "→ 使用大于 1023 的端口")
}

func TestTroubleNames(t *testing.T) {
	t.Parallel()
	const name = "no-such-host.invalid"
	run(t, "", "", "send", name+":7000", "x").wantExit(3, `no address found for "`+name+`"`, "→ check the spelling, or use the IP address")
	run(t, "", "", "send", name+":7000", "x", "--lang", "zh").wantExit(3, "找不到该名称", name, "→ 检查拼写，或改用 IP 地址")
	run(t, "", "", "listen", name+":7000").wantExit(3, `no address found for "`+name+`"`, "→ listen on an address of this machine")
	d := dial(t, "", name+":7000")
	if e := d.on("disconnected"); e.Reason != "name not found" || !strings.Contains(e.Detail, name) || e.Hint == "" || e.Retry == nil {
		t.Errorf("dial: %s", e)
	}
	run(t, "", "", "listen", "192.0.2.1:0").wantExit(3, "192.0.2.1 is not an address of this machine", "→ this machine has ", "127.0.0.1")
	run(t, "", "", "listen", "192.0.2.1:0", "--lang", "zh").wantExit(3, "192.0.2.1 不是本机地址", "→ 本机地址：")
	run(t, "", "", "send", "127.0.0.1:"+freePort(t), "x").wantExit(3, "connection refused by 127.0.0.1:", "→ nothing listens there")
	for addr, words := range map[string][]string{
		"":                      {"no host and port given", "→ an address looks like"},
		"host":                  {`"host" has no port`, "→ an address looks like"},
		"host:port":             {`"port" is not a port`, "→ a port is a number from 1 to 65535"},
		"host:65536":            {`"65536" is not a port`, "→ a port is"},
		"::1:7000":              {"brackets", "[::1]:7000"},
		"smoke://127.0.0.1:1":   {`no codec "smoke"`, "known: lines, dotnet"},
		"lines://127.0.0.1:1?x": {`lines has no option "x"`, "it has "},
		"len32://:1?max=1TiB":   {"max=1TiB is not possible", "1 to 16MiB"},
		"a b:7000":              {`"a b" is not a host`, "→"},
	} {
		run(t, "", "", "dial", addr).wantExit(2, words...)
	}
}

// small mounts a disk of so many bytes.
func small(t *testing.T, size int) string {
	t.Helper()
	needRoot(t, "a small disk")
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=700", size)); err != nil {
		skip(t, "no small disk can be made here: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// fill takes all the space of a disk, and returns what gives it back.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "ballast")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for b := make([]byte, 1<<20); len(b) > 0; {
		if _, err := f.Write(b); errors.Is(err, syscall.ENOSPC) {
			b = b[:len(b)/2]
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// A full disk: nothing new is accepted, the peer is held back through TCP, what was stored is there, and it goes on
// by itself when there is space. Nothing is lost, doubled or out of order on the way.
func TestTroubleFullDisk(t *testing.T) {
	t.Parallel()
	dir := small(t, 64<<20)
	p, port := listen(t, dir, "lines://127.0.0.1:0")
	c := connect(t, port)
	p.on("connected")
	c.Write([]byte("before\n"))
	p.on("message", says("before"))
	free := fill(t, dir)

	const n = 15_000
	done := make(chan error, 1)
	go func() { // far more than the buffers of TCP hold
		var b bytes.Buffer
		for i := range n {
			fmt.Fprintf(&b, "%d %0990d\n", i, 0)
		}
		_, err := c.Write(b.Bytes())
		done <- err
	}()
	e := p.on("error")
	if !strings.Contains(e.Error, "nothing more can be stored") || !strings.Contains(e.Error, "full") || !strings.Contains(e.Error, dir) ||
		!strings.Contains(e.Hint, "free some space") || e.Room != roomOf(c) {
		t.Errorf("the error: %s", e)
	}
	st := run(t, dir, "", "status")
	st.wantExit(0)
	for _, w := range []string{"trouble: nothing more can be stored", "receive queue"} {
		if !strings.Contains(st.output(), w) {
			t.Errorf("status does not say %q:\n%s", w, st.output())
		}
	}
	run(t, dir, "", "log", "--json", roomOf(c)).wantExit(0) // what is stored can be read
	p.say(object("room", roomOf(c), "text", "said while it was full", "id", "full"))
	p.after(e.N+1, "error", func(e event) bool { return strings.Contains(e.Error, "nothing more can be stored") })
	select {
	case err := <-done:
		t.Fatalf("the peer could send everything (%v); it must be held back", err)
	default:
	}
	if got := len(p.all("message")); got > 1 {
		t.Errorf("%d messages were accepted on a full disk", got-1)
	}
	if !p.running() {
		t.Fatal("it ended")
	}
	free()
	last := p.on("message", func(m event) bool { return strings.HasPrefix(m.body(), fmt.Sprint(n-1, " ")) })
	if err := <-done; err != nil {
		t.Errorf("the peer: %v", err)
	}
	c.Write([]byte("after\n"))
	p.on("message", says("after"))
	p.on("receipt", reached("full")) // standard input was held back too, and goes on by itself
	if got := string(readFull(t, c, 23)); got != "said while it was full\n" {
		t.Errorf("the peer got %q", got)
	}
	p.within(modest)
	p.finish()
	p.wantExit(0)
	next := 0
	for _, m := range logOf(t, dir, last.Room) {
		var i int
		if _, err := fmt.Sscanf(m.body(), "%d 0", &i); err == nil {
			if i != next {
				t.Fatalf("number %d follows %d in the journal", i, next-1)
			}
			next++
		}
	}
	if next != n {
		t.Errorf("the journal has %d of %d messages", next, n)
	}
}

// Started on a full disk: no half of a journal, a clear error.
func TestTroubleFullFromTheStart(t *testing.T) {
	t.Parallel()
	dir := small(t, 1<<20)
	free := fill(t, dir)
	p := run(t, filepath.Join(dir, "data"), "", "listen", "lines://127.0.0.1:0")
	p.wantExit(1, "full", "→ free some space")
	free()
	p, _ = listen(t, filepath.Join(dir, "data"), "lines://127.0.0.1:0")
	p.finish()
	p.wantExit(0)
}

func TestTroubleReadOnly(t *testing.T) {
	t.Parallel()
	dir := small(t, 16<<20)
	p, port := listen(t, dir, "lines://127.0.0.1:0")
	c := connect(t, port)
	c.Write([]byte("kept\n"))
	room := p.on("message").Room
	p.finish()
	p.wantExit(0)
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"listen", "lines://127.0.0.1:0"}, {"log"}, {"send", "127.0.0.1:1", "x"}} {
		run(t, dir, "", args...).wantExit(5, dir, "cannot be written", "→ choose a folder that you may write with --data")
	}
	run(t, dir, "", "log", "--lang", "zh").wantExit(5, dir, "→ 用 --data 选一个可写的文件夹")
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	if ms := logOf(t, dir, room); len(ms) != 1 || ms[0].body() != "kept" {
		t.Errorf("the journal has %v", ms)
	}
	// Of another user, or no folder at all.
	shut := openDir(t)
	os.Chmod(shut, 0o700)
	as(t, nobody, filepath.Join(shut, "data"), "listen", "0").wantExit(5, shut, "→ choose a folder that you may write with --data")
	file := filepath.Join(t.TempDir(), "file")
	os.WriteFile(file, []byte("not a folder"), 0o600)
	run(t, file, "", "listen", "0").wantExit(5, file, "→ choose a folder")
}

// speak fills a journal with a few rooms and ends in order.
func speak(t *testing.T, dir string, rooms, messages int) (names []string) {
	t.Helper()
	p, port := listen(t, dir, "lines://127.0.0.1:0")
	for r := range rooms {
		c := connect(t, port)
		var b bytes.Buffer
		for i := range messages {
			fmt.Fprintf(&b, "room %d message %d %0100d\n", r, i, 0)
		}
		c.Write(b.Bytes())
		p.on("message", inRoom(roomOf(c)), func(m event) bool { return m.Offset == int64(messages) })
		names = append(names, roomOf(c))
		c.Close()
		p.on("disconnected", inRoom(roomOf(c)))
	}
	p.finish()
	p.wantExit(0)
	return names
}

// A damaged journal: nothing starts on it, nothing in it changes, and what can still be read is printed.
func TestTroubleDamaged(t *testing.T) {
	t.Parallel()
	const rooms, messages = 3, 2000
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, db []byte) []byte
		opens bool // the damage is only met when it is read
		least int  // messages that must be salvaged
	}{
		{"no database at all", func(*testing.T, []byte) []byte { return []byte(strings.Repeat("this was a journal once\n", 1000)) }, false, 0},
		{"the first page is gone", func(_ *testing.T, b []byte) []byte { clear(b[:100]); return b }, false, rooms * messages},
		{"the second half is gone", func(_ *testing.T, b []byte) []byte { return b[:len(b)/2/4096*4096] }, true, 1000},
		{"pages in the middle are noise", func(_ *testing.T, b []byte) []byte {
			at := len(b) / 2 / 4096 * 4096
			copy(b[at:at+3*4096], someBytes(3*4096))
			return b
		}, true, rooms*messages - 500},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			names := speak(t, dir, rooms, messages)
			path := filepath.Join(dir, "journal.db")
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			b = c.spoil(t, b)
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			if !c.opens {
				for _, args := range [][]string{{"listen", "lines://127.0.0.1:0"}, {"log"}, {"rooms"}, {"send", "127.0.0.1:1", "x"}} {
					run(t, dir, "", args...).wantExit(1, path+" is damaged", "→ `tincan log --salvage` prints what can still be read")
				}
				run(t, dir, "", "rooms", "--lang", "zh").wantExit(1, "tincan log --salvage", "打印仍可读取的内容")
			} else {
				var said bool
				for _, room := range names {
					p := run(t, dir, "", "log", "-n", "0", room)
					if p.exit() != 0 {
						p.wantExit(1, path+" is damaged", "→ `tincan log --salvage` prints what can still be read")
						said = true
					}
				}
				if !said {
					t.Error("no room shows the damage")
				}
			}
			p := run(t, dir, "", "log", "--salvage", "--json")
			found := map[string]int{}
			for _, m := range p.events {
				if m.Event == "error" {
					continue
				}
				var r, i int
				if _, err := fmt.Sscanf(m.body(), "room %d message %d ", &r, &i); err != nil || m.Room != names[r] || m.Offset != int64(i+1) {
					t.Fatalf("salvaged: %s", m)
				}
				found[m.Room]++
			}
			total := 0
			for _, n := range found {
				total += n
			}
			t.Logf("%d of %d messages salvaged: %s", total, rooms*messages, p.stderr())
			status := 1
			if total == rooms*messages {
				status = 0
			}
			if total < c.least || p.exit() != status || (p.stderr() == "") != (status == 0) {
				t.Errorf("salvaged %d of %d messages, want at least %d; exit status %d: %s", total, rooms*messages, c.least, p.exit(), p.stderr())
			}
			if now, _ := os.ReadFile(path); !c.opens && !bytes.Equal(now, b) {
				t.Error("the damaged file was changed")
			}
		})
	}
}

// Junk on standard input with --json: each line is refused by its number, the others are sent.
func TestTroubleJunkInput(t *testing.T) {
	t.Parallel()
	l, port := listen(t, "", "lines://127.0.0.1:0")
	d := dial(t, "", "127.0.0.1:"+port)
	d.on("connected")
	junk := []struct{ line, why string }{
		{`{"text":"unfinished`, "line 1 of standard input"},
		{`{"text":1}`, "line 3 of"},
		{`{}`, `one of "text", "hex" and "base64"`},
		{`{"text":"a","hex":"00"}`, `one of "text", "hex" and "base64"`},
		{`{"hex":"0g"}`, "line 9 of"},
		{`{"base64":"*"}`, "line 11 of"},
		{`{"text":"two"} {"text":"on a line"}`, "more behind the object"},
		{`{"txet":"misspelt"}`, "txet"},
		{`{"text":"x","id":"` + strings.Repeat("i", 200) + `"}`, "the id is too long"},
		{`{"text":"x","room":"nowhere"}`, "there is no room nowhere"},
		{`{"text":"two\nlines"}`, "line"},
		{`{"text":"` + strings.Repeat("long ", 40<<10) + `"}`, "limit"},
		{strings.Repeat("{", 100_000), "line 25 of"},
		{`{"text":"\u0000 is allowed"}`, ""},
		{"\xff\xfe no object, no text", ""},
		{`{"text":"` + "\xff" + `"}`, "not UTF-8"},
	}
	bad := 0
	for _, j := range junk {
		d.say(j.line, "good")
		if j.why == "" {
			continue
		}
		bad++
		d.until(fmt.Sprintf("error %d: %s", bad, j.why), func() bool { return d.count("error") >= bad })
		if e := d.all("error")[bad-1]; !strings.Contains(e.Error+e.Hint, j.why) {
			t.Errorf("%s is refused with %s, want %q", quote(j.line), e, j.why)
		}
	}
	if err := d.write(strings.Repeat("x", 30<<20) + "\ngood\n"); err != nil { // longer than any message
		t.Fatal(err)
	}
	bad++
	d.until("an error about the long line", func() bool { return d.count("error") >= bad })
	if e := d.all("error")[bad-1]; !strings.Contains(e.Error, "longer than 24 MiB") {
		t.Errorf("a line of 30 MiB is refused with %s", e)
	}
	d.within(128 << 20)
	d.finish()
	d.wantExit(1)
	var got []string
	l.until("the peer has left", func() bool { return l.count("disconnected") > 0 })
	for _, m := range l.all("message") {
		if m.body() != "good" {
			got = append(got, m.body())
		}
	}
	if want := []string{"\x00 is allowed", "\xff\xfe no object, no text"}; strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("the peer heard %q beside the good ones, want %q", got, want)
	}
	if n := len(l.all("message", says("good"))); n != len(junk)+1 {
		t.Errorf("%d of %d good lines arrived", n, len(junk)+1)
	}
}

// A second instance on a folder goes through the first; when that one hangs, it says who holds the folder.
func TestTroubleFrozenFirst(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, port := listen(t, dir, "lines://127.0.0.1:0")
	c := connect(t, port)
	c.Write([]byte("hello\n"))
	room := first.on("message").Room
	first.signal(syscall.SIGSTOP)
	var wait []*proc
	for _, args := range [][]string{{"status"}, {"listen", "lines://127.0.0.1:0"}, {"log", room}, {"rooms", "--lang", "zh"}} {
		wait = append(wait, tincan(t, dir, args...))
	}
	for i, p := range wait {
		words := []string{fmt.Sprintf("the folder %s is in use by another tincan (pid %d)", dir, first.pid()), "→ use that one, end it, or choose another folder with --data"}
		if i == 3 {
			words = []string{fmt.Sprintf("文件夹 %s 正被另一个 tincan 使用（进程号 %d）", dir, first.pid()), "→ 使用那一个，或结束它，或用 --data 另选文件夹"}
		}
		p.quiet = true
		p.wantExit(1, words...)
	}
	first.signal(syscall.SIGCONT)
	if ms := logOf(t, dir, room); len(ms) != 1 || ms[0].body() != "hello" {
		t.Errorf("the journal has %v", ms)
	}
	c.Write([]byte("awake again\n"))
	first.on("message", says("awake again"))
}

// Out of file descriptors: it lives, says why and what to do, does not spin, and takes new connections when it can.
func TestTroubleDescriptors(t *testing.T) {
	t.Parallel()
	sh := need(t, "sh")
	dir := t.TempDir()
	p := start(t, sh, "-c", `ulimit -n 80 && exec "$0" listen lines://127.0.0.1:0 --json --data "$1"`, binary, dir)
	_, port, _ := net.SplitHostPort(p.on("listening").Addr)
	good := connect(t, port)
	p.on("connected", inRoom(roomOf(good)))
	var crowd []*net.TCPConn
	for range 150 {
		crowd = append(crowd, connect(t, port))
	}
	e := event{}
	p.until("it says why", func() bool {
		for _, x := range p.events {
			if x.Event == "refused" || x.Event == "error" {
				e = x
				return true
			}
		}
		return false
	})
	if !strings.Contains(e.Reason+e.Error+e.Hint, "ulimit -n") {
		t.Errorf("it says %s, want the way out: ulimit -n", e)
	}
	good.Write([]byte("still here\n"))
	m := p.on("message", says("still here"))
	p.say(object("room", m.Room, "text", "me too", "id", "x"))
	p.on("receipt", reached("x"))
	run(t, dir, "", "status").wantExit(0) // and its owner gets in
	if ms := logOf(t, dir, m.Room); len(ms) != 2 {
		t.Errorf("the journal has %d messages, want 2", len(ms))
	}
	before := cpu(t, p.pid())
	time.Sleep(time.Second) // spinning would take all of it
	if d := cpu(t, p.pid()) - before; d > 300*time.Millisecond {
		t.Errorf("it takes %v of processor time in a second in which nothing happens", d)
	}
	if n := len(p.all("error")) + len(p.all("refused")); n > 40 {
		t.Errorf("it says so %d times", n)
	}
	for _, c := range crowd {
		c.Close()
	}
	eventually(t, patience, func() error {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			return err
		}
		defer c.Close()
		text := fmt.Sprintf("room again for %s", c.LocalAddr())
		c.Write([]byte(text + "\n"))
		c.(*net.TCPConn).CloseWrite()
		c.SetReadDeadline(time.Now().Add(patience))
		if _, err := io.Copy(io.Discard, c); err != nil {
			return err
		}
		if len(p.all("message", says(text))) == 0 {
			return errors.New("it is not heard")
		}
		return nil
	})
	p.finish()
	p.wantExit(0)
}

// cpu is the processor time that a process has used.
func cpu(t *testing.T, pid int) time.Duration {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')'):]))
	user, _ := strconv.Atoi(f[12])
	system, _ := strconv.Atoi(f[13])
	return time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100 everywhere
}
