package tui

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"tincan"
)

// TestKeys presses keys in a conversation with alice (link 1, on screen) and bob (link 2), and reads what the
// Talker was asked.
func TestKeys(t *testing.T) {
	tests := []struct {
		name  string
		keys  []string
		calls string
		check func(st *stage) bool
	}{
		{name: "enter", keys: []string{"h", "i", "enter"}, calls: `send ` + alice + ` "hi"`, check: func(st *stage) bool { return st.box.value() == "" }},
		{name: "empty enter", keys: []string{"enter"}},
		{name: "new line", keys: []string{"a", "alt+enter", "b", "ctrl+j", "c", "enter"}, calls: `send ` + alice + ` "a\nb\nc"`},
		{name: "tab", keys: []string{"tab"}, check: func(st *stage) bool { return st.cur == bob }},
		{name: "shift+tab", keys: []string{"shift+tab", "shift+tab"}, check: func(st *stage) bool { return st.cur == alice }},
		{name: "to all", keys: []string{"f2", "x", "enter"}, calls: `send ` + alice + ` "x"; send ` + bob + ` "x"`},
		{name: "to all, off", keys: []string{"ctrl+a", "f2", "x", "enter"}, calls: `send ` + alice + ` "x"`},
		{name: "hex", keys: []string{"f3"}, check: func(st *stage) bool { return strings.Contains(st.screenText(), "68 65 6C 6C 6F") }},
		{name: "pause", keys: []string{"ctrl+p"}, calls: "reading 1 pause"},
		{name: "one without pause", keys: []string{"ctrl+o"}, check: func(st *stage) bool { return strings.Contains(st.notice.text, "not paused") }},
		{name: "codec", keys: []string{"ctrl+e", "down", "down", "enter"}, calls: "codec 1 dotnet"},
		{name: "codec, not", keys: []string{"ctrl+e", "down", "esc"}, check: func(st *stage) bool { return st.overlay.kind == "" }},
		{name: "disconnect", keys: []string{"ctrl+d", "y"}, calls: "disconnect 1"},
		{name: "disconnect, not", keys: []string{"ctrl+d", "n"}},
		{name: "disconnect, enter is no", keys: []string{"ctrl+d", "enter"}},
		{name: "redial while connected", keys: []string{"ctrl+r"}, check: func(st *stage) bool { return strings.Contains(st.notice.text, "is connected") }},
		{name: "nothing held", keys: []string{"ctrl+s", "ctrl+x"}, check: func(st *stage) bool { return strings.Contains(st.notice.text, "nothing waits") }},
		{name: "help", keys: []string{"f1"}, check: func(st *stage) bool { return strings.Contains(st.screenText(), "Esc closes") }},
		{name: "help, closed", keys: []string{"f1", "f1"}, check: func(st *stage) bool { return st.overlay.kind == "" }},
		{name: "typing in help", keys: []string{"f1", "x"}, check: func(st *stage) bool { return st.box.value() == "" }},
		{name: "quit", keys: []string{"ctrl+c"}, check: func(st *stage) bool { return st.quit }},
		{name: "recall", keys: []string{"a", "enter", "b", "enter", "up", "up"}, calls: `send ` + alice + ` "a"; send ` + alice + ` "b"`,
			check: func(st *stage) bool { return st.box.value() == "a" }},
		{name: "recall and back", keys: []string{"a", "enter", "up", "down"}, calls: `send ` + alice + ` "a"`,
			check: func(st *stage) bool { return st.box.value() == "" }},
		{name: "no recall over typed text", keys: []string{"a", "enter", "b", "up"}, calls: `send ` + alice + ` "a"`,
			check: func(st *stage) bool { return st.box.value() == "b" }},
		{name: "recalled text, edited", keys: []string{"a", "enter", "up", "b", "up", "enter"}, calls: `send ` + alice + ` "a"; send ` + alice + ` "ab"`},
		{name: "esc clears the notice", keys: []string{"ctrl+o", "esc"}, check: func(st *stage) bool { return st.notice.text == "" }},
		{name: "text that is called as a key", keys: []string{"a", "enter"}, calls: `send ` + alice + ` "a"`, check: func(st *stage) bool {
			st.update(tea.KeyPressMsg{Code: tea.KeyExtended, Text: "up"})
			return st.box.value() == "up"
		}},
		{name: "drafts stay with their room", keys: []string{"a", "tab", "b", "tab"}, check: func(st *stage) bool {
			return st.box.value() == "a" && st.rooms[bob].draft == "b"
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st := newStage(t, "en", 80, 24)
			st.pair()
			st.press(tt.keys...)
			if got := st.f.asked(); got != tt.calls {
				t.Errorf("asked %q, want %q", got, tt.calls)
			}
			if tt.check != nil && !tt.check(st) {
				t.Errorf("screen is\n%s", st.screenText())
			}
		})
	}
}

// pair connects alice and bob; alice is on screen.
func (st *stage) pair() {
	st.listenOn(":7000")
	st.connect(1, alice)
	st.connect(2, bob)
	st.receive(alice, alice, "hello")
	st.pass(5 * time.Second)
	st.f.asked()
}

func TestSlash(t *testing.T) {
	dir := t.TempDir()
	tests := []struct {
		line, calls, notice, box string
	}{
		{line: "/help"},
		{line: "/to all"},
		{line: "/to 40118"},
		{line: "/to nobody", notice: "no room like nobody"},
		{line: "/to 192.168", notice: "2 rooms are like"},
		{line: "/to", notice: "/to needs all|ROOM", box: "/to"},
		{line: "/codec dotnet", calls: "codec 1 dotnet", notice: "codec is dotnet"},
		{line: "/codec"},
		{line: "/encoding GBK", calls: "encoding " + alice + " gbk", notice: "read as GBK"},
		{line: "/encoding klingon", notice: `no text encoding "klingon": known: utf-8`},
		{line: "/hex 0D 0A", calls: `send ` + alice + ` "\r\n"`},
		{line: "/hex 0x02,31:32-03", calls: `send ` + alice + ` "\x0212\x03"`},
		{line: "/hex xyz", notice: "xyz is not hex", box: "/hex xyz"},
		{line: "/hex"},
		{line: "/pause", calls: "reading 1 pause"},
		{line: "/resume", calls: "reading 1 resume"},
		{line: "/one", notice: "not paused"},
		{line: "/send-held", notice: "nothing waits"},
		{line: "/discard-held", notice: "nothing waits"},
		{line: "/disconnect"},
		{line: "/redial", notice: "is connected"},
		{line: "/dial lines://h:1", calls: "dial lines://h:1"},
		{line: "/listen :9", calls: "listen :9"},
		{line: "/stop", calls: "stop t1"},
		{line: "/save " + filepath.Join(dir, "a.txt"), notice: "1 messages saved"},
		{line: "/save " + filepath.Join(dir, "no", "a.txt"), notice: "no such file"},
		{line: "/quit"},
		{line: "/ticket", calls: "ticket "},
		{line: "/ticket plant", calls: "ticket plant"},
		{line: "/code", calls: "code "},
		{line: "/peers"},
		{line: "/trust", calls: "set " + carol + " trusted", notice: "is trusted"},
		{line: "/trust " + dave, calls: "set " + dave + " trusted", notice: "Dave is trusted"},
		{line: "/block 7tz6 lmfb", calls: "set " + carol + " blocked", notice: "is blocked"},
		{line: "/block xyzw", notice: "no peer like xyzw"},
		{line: "/name Dave David", calls: "name " + dave + " David", notice: "is called David"},
		{line: "/name Dave", notice: "/name needs PEER NAME"},
		{line: "/forget Dave"},
		{line: "/forget", notice: "/forget needs PEER", box: "/forget"},
		{line: "/nonsense", notice: "no command /nonsense", box: "/nonsense"},
		{line: "//etc/hosts", calls: `send ` + alice + ` "/etc/hosts"`},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			st := newStage(t, "en", 80, 24)
			st.pair()
			st.f.peers = []tincan.PeerStatus{{ID: carol, Called: "vm", State: tincan.Asking}, {ID: dave, Name: "Dave", State: tincan.Blocked}}
			st.run(st.askPeers())
			st.typeIn(tt.line)
			st.press("enter")
			if got := st.f.asked(); got != tt.calls {
				t.Errorf("asked %q, want %q", got, tt.calls)
			}
			if !strings.Contains(st.notice.text, tt.notice) || tt.notice == "" && st.notice.mood == bad {
				t.Errorf("notice is %q, want %q", st.notice.text, tt.notice)
			}
			if got := st.box.value(); got != tt.box {
				t.Errorf("box holds %q, want %q", got, tt.box)
			}
			switch tt.line {
			case "/help":
				if st.overlay.kind != overHelp {
					t.Error("no help")
				}
			case "/codec":
				if st.overlay.kind != overCodecs {
					t.Error("no choice of codecs")
				}
			case "/to all":
				if !st.toAll {
					t.Error("not to all")
				}
			case "/to 40118":
				if st.cur != bob {
					t.Errorf("room is %s", st.cur)
				}
			case "/hex":
				if !st.hex {
					t.Error("no hex view")
				}
			case "/ticket", "/code", "/peers":
				if st.overlay.kind != overText || len(st.overlay.lines) < 4 {
					t.Errorf("overlay %+v", st.overlay)
				}
			case "/forget Dave":
				st.press("y")
				if got := st.f.asked(); got != "forget "+dave {
					t.Errorf("asked %q", got)
				}
			case "/disconnect":
				if st.ask == nil {
					t.Error("no question")
				}
			case "/quit":
				if !st.quit {
					t.Error("not quit")
				}
			}
		})
	}
}

func TestEveryCommandIsTested(t *testing.T) {
	src, err := os.ReadFile("keys_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range commands() {
		if !strings.Contains(string(src), `{line: "/`+c.name) {
			t.Errorf("no test of /%s", c.name)
		}
	}
}

func TestSave(t *testing.T) {
	st := newStage(t, "en", 80, 24)
	st.listenOn(":7000")
	st.connect(1, alice)
	for i := range 450 {
		st.receive(alice, alice, fmt.Sprintf("line %d\x1b[31m", i+1))
	}
	dir := t.TempDir()
	for _, name := range []string{"a.txt", "a.jsonl"} {
		file := filepath.Join(dir, name)
		st.run(st.save(file))
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
		want := map[string]string{"a.txt": "2026-11-23T09:30:00Z\t450\t" + alice + "\tline 450␛[31m", "a.jsonl": `"text":"line 450\u001b[31m"`}[name]
		if len(lines) != 450 || !strings.Contains(lines[449], want) {
			t.Errorf("%s: %d lines, the last %s", name, len(lines), lines[len(lines)-1])
		}
		st.run(st.save(file))
		if !strings.Contains(st.notice.text, "exists") {
			t.Errorf("a second save of %s says %q", name, st.notice.text)
		}
	}
}

// TestHeld settles held messages, and quits while some are there.
func TestHeld(t *testing.T) {
	st := newStage(t, "en", 120, 36)
	st.lose()
	st.f.asked()
	st.press("ctrl+s")
	if got, want := st.f.asked(), "held "+server+" send"; got != want {
		t.Errorf("ctrl+s asked %q, want %q", got, want)
	}
	st.press("ctrl+x")
	if got, want := st.f.asked(), "held "+server+" discard"; got != want {
		t.Errorf("ctrl+x asked %q, want %q", got, want)
	}
	st.press("ctrl+r")
	if got, want := st.f.asked(), "redial "+server; got != want {
		t.Errorf("ctrl+r asked %q, want %q", got, want)
	}
	st.press("ctrl+d", "y")
	if got, want := st.f.asked(), "hangup "+server; got != want {
		t.Errorf("ctrl+d asked %q, want %q", got, want)
	}
	st.press("ctrl+c")
	if st.quit || !strings.Contains(st.screenText(), "1 not sent, 1 may have arrived; they are kept. Quit? (y/n)") {
		t.Fatalf("no question:\n%s", st.screenText())
	}
	st.press("n")
	if st.quit {
		t.Fatal("n quits")
	}
	st.press("ctrl+c", "ctrl+c")
	if !st.quit {
		t.Fatal("ctrl+c twice does not quit")
	}
}

func TestPausedKeys(t *testing.T) {
	st := newStage(t, "en", 80, 24)
	st.pair()
	st.f.status.Links[0].Paused = true
	st.pass(time.Second)
	st.f.asked()
	st.press("ctrl+o", "ctrl+o", "ctrl+p")
	if got, want := st.f.asked(), "reading 1 one; reading 1 one; reading 1 resume"; got != want {
		t.Errorf("asked %q, want %q", got, want)
	}
}

// TestSendFails puts the text back into the box.
func TestSendFails(t *testing.T) {
	st := newStage(t, "en", 80, 24)
	st.pair()
	st.f.errs["send"] = &tincan.Error{Text: "a line cannot hold a line end", Hint: "choose another codec"}
	st.press("a", "enter")
	if got := st.box.value(); got != "a" {
		t.Errorf("box holds %q", got)
	}
	if want := "a line cannot hold a line end: choose another codec"; st.notice.text != want {
		t.Errorf("notice is %q, want %q", st.notice.text, want)
	}
}

// TestSendOrder sends one message after the other although the first takes its time.
func TestSendOrder(t *testing.T) {
	st := newStage(t, "en", 80, 24)
	st.pair()
	st.typeIn("one")
	_, first := st.screen.Update(keyOf("enter"))
	st.typeIn("two")
	_, second := st.screen.Update(keyOf("enter"))
	if second != nil {
		t.Error("the second message did not wait")
	}
	if q, _ := st.owed(); q != 2 {
		t.Errorf("%d owed, want 2", q)
	}
	st.run(first)
	if got, want := st.f.asked(), `send `+alice+` "one"; send `+alice+` "two"`; got != want {
		t.Errorf("asked %q, want %q", got, want)
	}
}

func TestEncodedText(t *testing.T) {
	st := newStage(t, "en", 80, 24)
	st.pair()
	st.f.status.Rooms[0].Encoding = "gbk"
	st.pass(time.Second)
	st.f.asked()
	st.typeIn("你好")
	st.press("enter")
	if got, want := st.f.asked(), `send `+alice+` "\xc4\xe3\xba\xc3"`; got != want {
		t.Errorf("asked %q, want %q", got, want)
	}
	st.typeIn("👍")
	st.press("enter")
	if !strings.Contains(st.notice.text, "no form in gbk") || st.box.value() != "👍" {
		t.Errorf("notice %q, box %q", st.notice.text, st.box.value())
	}
}

func TestOpenFails(t *testing.T) {
	st := newStage(t, "en", 80, 24)
	want := errors.New("port 7000 is in use")
	st.f.errs["listen"], st.f.errs["dial"] = want, want
	st.run(st.listen(":7000", false))
	if st.quit || !strings.Contains(st.notice.text, "in use") {
		t.Error("a later listen that fails must only say so")
	}
	st.run(st.dial("h:1", true))
	if !st.quit || st.err != want {
		t.Errorf("the first dial that fails ends the screen; err is %v", st.err)
	}
}

func TestMouse(t *testing.T) {
	st := newStage(t, "en", 120, 20)
	st.pair()
	st.update(tea.MouseClickMsg{X: 5, Y: st.bodyTop() + 2})
	if st.cur != bob {
		t.Errorf("a click chose %s, want bob", st.cur)
	}
	for i := range 60 {
		st.receive(bob, bob, fmt.Sprint("line ", i))
	}
	st.update(tea.MouseWheelMsg{Button: tea.MouseWheelUp})
	if l := st.current().log; l.follow || l.bottom != len(l.entries)-4 {
		t.Errorf("the wheel went to %d of %d", l.bottom, len(l.entries))
	}
	st.update(tea.MouseWheelMsg{Button: tea.MouseWheelDown})
	if !st.current().log.follow {
		t.Error("the wheel did not come back to the end")
	}
}
