package tui

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"tincan"
)

// fill gives a room of the fake n messages that were there before.
func (st *stage) history(room string, n int) {
	for i := range n {
		from := room
		if i%10 == 9 {
			from = tincan.Me
		}
		st.f.logs[room] = append(st.f.logs[room], tincan.Message{Room: room, Offset: int64(i + 1), From: from,
			Time: start.Add(time.Duration(i-n) * time.Second), Body: fmt.Appendf(nil, "message %d", i+1), Codec: "lines"})
	}
	st.f.receipts[room] = []tincan.ReceiptRange{{First: 1, Last: int64(n), Peer: room, State: tincan.Reached}}
}

// check looks at what a log promises: consecutive offsets, counted bytes, bounds.
func (l *log) check(t *testing.T) {
	t.Helper()
	var last int64
	bytes := 0
	for _, e := range l.entries {
		if e.div.kind != "" {
			continue
		}
		if o := e.msg.Offset; o <= last || last > 0 && o != last+1 {
			t.Fatalf("message %d after %d", o, last)
		}
		last = e.msg.Offset
		bytes += len(e.msg.Body)
	}
	if bytes != l.bytes {
		t.Errorf("counts %d bytes, holds %d", l.bytes, bytes)
	}
	if last != 0 && (last != l.last || l.first > last) {
		t.Errorf("covers %d–%d, the last message is %d", l.first, l.last, last)
	}
	if len(l.entries) > keepMsgs+2*pageSize {
		t.Errorf("holds %d messages", len(l.entries))
	}
}

func visible(st *stage, text string) bool { return strings.Contains(st.screenText(), text) }

func TestPaging(t *testing.T) {
	st := newStage(t, "en", 80, 24)
	st.history(alice, 5000)
	st.listenOn(":7000")
	st.connect(1, alice)
	r := st.current()
	r.log.check(t)
	if !visible(st, "message 5000") || len(r.log.entries) > 2*pageSize {
		t.Fatalf("%d entries\n%s", len(r.log.entries), st.screenText())
	}
	for range 400 {
		st.press("pgup")
		r.log.check(t)
	}
	if !visible(st, "message 1 ") && !visible(st, "message 1\n") {
		t.Fatalf("the first message is not on screen\n%s", st.screenText())
	}
	if !r.log.newer {
		t.Error("the window did not move")
	}
	st.receive(alice, alice, "news")
	if visible(st, "news") || r.log.below != 1 {
		t.Errorf("news while reading old messages: %d below", r.log.below)
	}
	for range 400 {
		st.press("pgdown")
		r.log.check(t)
	}
	if !visible(st, "news") || !r.log.follow {
		t.Fatalf("the news is not on screen\n%s", st.screenText())
	}
	st.press("home")
	if !visible(st, "message 1\n") {
		t.Fatalf("home shows\n%s", st.screenText())
	}
	st.press("end")
	if !visible(st, "news") {
		t.Fatalf("end shows\n%s", st.screenText())
	}
	r.log.check(t)
}

func TestBounds(t *testing.T) {
	st := newStage(t, "en", 80, 24)
	st.listenOn(":7000")
	st.connect(1, alice)
	for i := range 3 * keepMsgs {
		st.receive(alice, alice, fmt.Sprint("message ", i+1))
	}
	l := &st.current().log
	if len(l.entries) > keepMsgs || !l.older || !visible(st, fmt.Sprint("message ", 3*keepMsgs)) {
		t.Errorf("%d entries, older %v", len(l.entries), l.older)
	}
	l.check(t)
	huge := strings.Repeat("x", 1<<20)
	for range 300 {
		st.receive(alice, alice, huge)
	}
	if l.bytes > keepBytes || len(l.entries) < 100 {
		t.Errorf("%d bytes in %d entries", l.bytes, len(l.entries))
	}
	if !visible(st, "1032192 bytes more; /save FILE keeps all") {
		t.Errorf("a cut body does not say so\n%s", st.screenText())
	}
	l.check(t)
	for i := range 20 { // rooms that are not looked at keep nothing
		peer := fmt.Sprintf("tcp:10.0.0.1:%d", 1000+i)
		st.connect(int64(100+i), peer)
		st.receive(peer, peer, "hi")
		st.press("tab")
	}
	loaded := 0
	for _, r := range st.rooms {
		if r.log.loaded {
			loaded++
		}
	}
	if loaded > keepLoaded {
		t.Errorf("%d rooms are in memory", loaded)
	}
}

func TestForgetRooms(t *testing.T) {
	st := newStage(t, "en", 80, 24)
	st.listenOn(":7000")
	for i := range keepRooms + 50 {
		peer := fmt.Sprintf("tcp:10.0.0.1:%d", 1000+i)
		st.connect(int64(i+1), peer)
		st.end(int64(i+1), "peer closed")
	}
	if n := len(st.rooms); n > keepRooms+1 {
		t.Errorf("%d rooms are listed", n)
	}
}

// TestLoadRace has messages arrive while the room's log is fetched.
func TestLoadRace(t *testing.T) {
	st := newStage(t, "en", 80, 24)
	st.history(alice, 30)
	st.room(alice)
	_, cmd := st.screen.Update(eventsMsg{over: true, events: []tincan.Event{{Kind: tincan.EventConnected, Time: start, Link: 1, Room: alice, Peer: alice}}})
	st.receive(alice, alice, "meanwhile")
	st.receive(alice, tincan.Me, "and mine")
	st.run(cmd)
	st.receive(alice, alice, "afterwards")
	st.current().log.check(t)
	if got := strings.Count(st.screenText(), "meanwhile"); got != 1 {
		t.Errorf("meanwhile is shown %d times\n%s", got, st.screenText())
	}
	if !visible(st, "and mine") || !visible(st, "afterwards") {
		t.Errorf("messages are missing\n%s", st.screenText())
	}
}

// TestMissed has a snapshot know of a message that no event brought.
func TestMissed(t *testing.T) {
	st := newStage(t, "en", 80, 24)
	st.pair()
	m := tincan.Message{Room: alice, Offset: 2, From: alice, Time: start, Body: []byte("silent")}
	st.f.logs[alice] = append(st.f.logs[alice], m)
	st.f.status.Rooms[0].Last = 2
	st.pass(time.Second)
	if visible(st, "silent") {
		t.Error("an event may still be on its way")
	}
	st.pass(time.Second)
	if !visible(st, "silent") {
		t.Errorf("not fetched\n%s", st.screenText())
	}
}

func TestReceipts(t *testing.T) {
	st := newStage(t, "en", 120, 24)
	st.pair()
	off := st.receive(alice, tincan.Me, "mine")
	for _, step := range []struct {
		state tincan.Receipt
		want  string
	}{{tincan.Queued, "· me mine"}, {tincan.Written, "› me mine"}, {tincan.Reached, "✓ me mine"}, {tincan.Stored, "✓ me mine"},
		{tincan.Uncertain, "? me mine"}, {tincan.Discarded, "× me mine"}} {
		st.reach(alice, off, step.state)
		if !visible(st, step.want) {
			t.Errorf("%s: no %q\n%s", step.state, step.want, st.screenText())
		}
	}
}

// TestReceiptsAreAskedFor heals a receipt that no event brought.
func TestReceiptsAreAskedFor(t *testing.T) {
	st := newStage(t, "en", 120, 24)
	st.pair()
	off := st.receive(alice, tincan.Me, "mine")
	st.f.receipts[alice] = []tincan.ReceiptRange{{First: off, Last: off, Peer: alice, State: tincan.Reached}}
	st.pass(time.Second)
	if !visible(st, "✓ me mine") {
		t.Errorf("not asked for\n%s", st.screenText())
	}
}

// TestEncoding reads the room's messages again.
func TestEncoding(t *testing.T) {
	st := newStage(t, "en", 120, 24)
	st.pair()
	st.receive(alice, alice, "\xc4\xe3\xba\xc3")
	if !visible(st, `\xC4\xE3\xBA\xC3`) || !visible(st, "this may be text in gbk: /encoding gbk") {
		t.Fatalf("screen is\n%s", st.screenText())
	}
	for i := range st.f.logs[alice] {
		st.f.logs[alice][i].Enc = "gbk"
	}
	st.typeIn("/encoding gbk")
	st.press("enter")
	if !visible(st, "你好") {
		t.Errorf("screen is\n%s", st.screenText())
	}
}

// TestCodecByHand hides what later messages replace.
func TestCodecByHand(t *testing.T) {
	st := newStage(t, "en", 120, 24)
	st.pair()
	st.f.logs[alice][0].Replaced = true
	st.f.logs[alice] = append(st.f.logs[alice], tincan.Message{Room: alice, Offset: 2, From: alice, Time: st.time, Body: []byte("HELLO"), Codec: "dotnet"})
	st.happen(tincan.Event{Kind: tincan.EventCodec, Link: 1, Room: alice, Codec: "dotnet", Choice: "by hand"})
	if visible(st, "peer hello") || !visible(st, "HELLO") || !visible(st, "codec: dotnet (by hand)") {
		t.Errorf("screen is\n%s", st.screenText())
	}
}

// TestPast shows where links of the past began and ended.
func TestPast(t *testing.T) {
	st := newStage(t, "en", 140, 24)
	st.history(alice, 20)
	st.f.links = []tincan.LinkStatus{{ID: 1, Room: alice, Peer: alice, Codec: "lines", Since: start.Add(-15500 * time.Millisecond),
		Ended: start.Add(-10500 * time.Millisecond), Reason: "peer closed", MessagesIn: 4, BytesIn: 44}}
	st.run(st.show(st.room(alice)))
	text := st.screenText()
	at := func(s string) int { return strings.Index(text, s) }
	if a, b, c, d := at("message 5\n"), at("connected to us"), at("message 10"), at("closed the connection (FIN), after 5.0 s; in 4 (44 B)"); a < 0 || b < a || c < b || d < c || at("message 11") < d {
		t.Errorf("screen is\n%s", text)
	}
}

// TestAnything does a lot of things in any order on a terminal of any size: nothing panics, every screen fits.
func TestAnything(t *testing.T) {
	keys := []string{"enter", "tab", "shift+tab", "up", "down", "left", "right", "home", "end", "pgup", "pgdown", "esc", "backspace", "f1", "f2", "f3",
		"ctrl+e", "ctrl+d", "ctrl+p", "ctrl+l", "ctrl+s", "ctrl+x", "ctrl+r", "ctrl+j", "ctrl+w", "y", "n", "/", "你", "👍🏽"}
	for seed := range uint64(9) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		st := newStage(t, []string{"en", "zh"}[seed%2], 80, 24)
		scenes := []func(){st.talk, st.lobby, st.lose}
		scenes[seed%3]()
		for range 300 {
			switch rnd.IntN(6) {
			case 0:
				st.update(tea.WindowSizeMsg{Width: 1 + rnd.IntN(140), Height: 1 + rnd.IntN(40)})
			case 1:
				r := st.current()
				from := []string{r.name, tincan.Me}[rnd.IntN(2)]
				st.receive(r.name, from, strings.Repeat([]string{"x", "你好 ", "a\n", "\x1b", "👨\u200D👩\u200D👧"}[rnd.IntN(5)], rnd.IntN(300)))
			case 2:
				st.update(tea.ModeReportMsg{Mode: ansi.ModeUnicodeCore, Value: ansi.ModeReset})
				st.pass(time.Second)
			default:
				st.press(keys[rnd.IntN(len(keys))])
			}
			lines, x, y := st.frame()
			if len(lines) != st.height || x < 0 || y < 0 {
				t.Fatalf("seed %d: %d lines of %d, cursor %d,%d", seed, len(lines), st.height, x, y)
			}
			for _, l := range lines {
				if w := st.cells.width(l); w > st.width {
					t.Fatalf("seed %d at %dx%d: a line of %d: %q", seed, st.width, st.height, w, l)
				}
			}
			st.check()
			st.View()
		}
	}
}
