package tui

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"tincan"
)

var update = flag.Bool("update", false, "write the golden screens")

// text is the screen without styles, each line as wide as it is.
func (st *stage) screenText() string {
	lines, _, _ := st.frame()
	for i, l := range lines {
		lines[i] = strings.TrimRight(ansi.Strip(l), " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

// golden compares the screen with testdata/name.txt and checks that it fits its terminal.
func (st *stage) golden(name string) {
	st.t.Helper()
	lines, x, y := st.frame()
	if len(lines) != st.height {
		st.t.Errorf("%s: %d lines on a screen of %d", name, len(lines), st.height)
	}
	for i, l := range lines {
		if w := st.cells.width(l); w > st.width {
			st.t.Errorf("%s: line %d is %d wide on a screen of %d: %q", name, i, w, st.width, ansi.Strip(l))
		}
	}
	if x < 0 || x >= st.width || y < 0 || y >= st.height {
		st.t.Errorf("%s: cursor at %d,%d", name, x, y)
	}
	file := filepath.Join("testdata", name+".txt")
	got := st.screenText()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			st.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		st.t.Fatal(err)
	}
	if got != string(want) {
		st.t.Errorf("%s differs; run go test ./internal/tui -update and read the diff\ngot:\n%s\nwant:\n%s", name, got, want)
	}
}

const alice, bob = "tcp:192.168.1.20:53412", "tcp:192.168.1.21:40118"

// talk plays a conversation with two clients.
func (st *stage) talk() {
	st.listenOn(":7000")
	st.pass(2 * time.Second)
	st.connect(1, alice)
	st.connect(2, bob)
	st.receive(alice, alice, "hello 你好，世界")
	st.pass(time.Second)
	off := st.receive(alice, tincan.Me, "收到 👍🏽 caf\u0065\u0301")
	st.reach(alice, off, tincan.Queued, tincan.Written, tincan.Reached)
	st.receive(bob, bob, "anybody there?")
	st.receive(alice, alice, "a\x1b[31mred\x1b]0;title\a \u202Ereversed\xff")
	st.receive(alice, alice, strings.Repeat("传声筒把每一个字节都写进日志。", 6)+"end")
	off = st.receive(alice, tincan.Me, "second line\nthird line")
	st.reach(alice, off, tincan.Queued, tincan.Written)
	off = st.receive(alice, tincan.Me, "lost?")
	st.reach(alice, off, tincan.Uncertain)
	off = st.receive(alice, tincan.Me, "never mind")
	st.reach(alice, off, tincan.Discarded)
	st.receive(alice, tincan.Me, "still here")
	st.pass(4 * time.Second)
}

var sizes = []struct {
	name string
	w, h int
}{{"120x36", 120, 36}, {"80x24", 80, 24}, {"40x10", 40, 10}}

func TestScreens(t *testing.T) {
	scenes := map[string]func(*stage){
		"start": func(st *stage) {},
		"listening": func(st *stage) {
			st.listenOn(":7000")
			st.pass(2 * time.Second)
		},
		"talk": (*stage).talk,
		"hex":  func(st *stage) { st.talk(); st.press("f3") },
		"help": func(st *stage) { st.talk(); st.press("f1") },
		"codecs": func(st *stage) {
			st.talk()
			st.press("ctrl+e", "down", "down")
		},
		"typing": func(st *stage) {
			st.talk()
			st.typeIn("你好，世界")
			st.press("ctrl+j")
			st.typeIn("second")
		},
		"ask": func(st *stage) { st.talk(); st.press("ctrl+d") },
		"ended": func(st *stage) {
			st.talk()
			st.end(1, "reset by peer")
			st.pass(time.Second)
		},
		"redial": (*stage).lose,
		"shared": (*stage).lobby,
		"paused": func(st *stage) {
			st.talk()
			l := &st.f.status.Links[0]
			l.Paused, l.TCP.RecvQueue, l.Have, l.Want = true, ptr(int64(1234)), 37, 120
			st.pass(time.Second)
		},
	}
	for name, scene := range scenes {
		for _, lang := range []string{"en", "zh"} {
			for _, size := range sizes {
				t.Run(name+"/"+lang+"/"+size.name, func(t *testing.T) {
					st := newStage(t, lang, size.w, size.h)
					scene(st)
					st.t = t
					st.golden(name + "-" + lang + "-" + size.name)
				})
			}
		}
	}
}

// end ends a link as the peer would.
func (st *stage) end(id int64, reason string) {
	var k tincan.LinkStatus
	for i, l := range st.f.status.Links {
		if l.ID == id {
			k = l
			st.f.status.Links = append(st.f.status.Links[:i:i], st.f.status.Links[i+1:]...)
			break
		}
	}
	k.Phase, k.Ended, k.Reason, k.MessagesIn, k.MessagesOut, k.BytesIn, k.BytesOut = tincan.Closed, st.time, reason, 3, 4, 812, 96
	st.f.links = append([]tincan.LinkStatus{k}, st.f.links...)
	st.happen(tincan.Event{Kind: tincan.EventDisconnected, Link: id, Room: k.Room, Peer: k.Peer, Reason: reason})
}

const server = "lines://plc.local:9100"

// lose dials, talks, loses the link, and waits with messages held.
func (st *stage) lose() {
	st.run(st.dial(server, true))
	room := tincan.RoomStatus{Name: server, Dialled: true, Codec: "lines", Dial: &tincan.DialStatus{URL: server, Phase: "connected", Attempt: 1}}
	st.f.status.Rooms = []tincan.RoomStatus{room}
	st.f.status.Links = []tincan.LinkStatus{{ID: 7, Room: server, Peer: "tcp:plc.local:9100", Codec: "lines", Choice: "address", Dialled: true,
		Phase: tincan.Established, Since: st.time, HandshakeUS: 1234}}
	st.happen(tincan.Event{Kind: tincan.EventConnecting, Room: server, Addr: "plc.local:9100", Attempt: 1},
		tincan.Event{Kind: tincan.EventConnected, Link: 7, Room: server, Peer: "tcp:plc.local:9100", Codec: "lines", Choice: "address", HandshakeUS: 1234})
	off := st.receive(server, tincan.Me, "START")
	st.reach(server, off, tincan.Written)
	st.pass(12 * time.Second)
	st.reach(server, off, tincan.Uncertain)
	st.end(7, "timed out")
	st.happen(tincan.Event{Kind: tincan.EventConnecting, Room: server, Attempt: 2},
		tincan.Event{Kind: tincan.EventDisconnected, Room: server, Reason: "refused", Detail: "connection refused by plc.local:9100", RetryInMS: ptr(int64(3400))})
	st.receive(server, tincan.Me, "STOP")
	r := &st.f.status.Rooms[0]
	r.Dial = &tincan.DialStatus{URL: server, Phase: "waiting", Attempt: 2, Retry: st.time.Add(3400 * time.Millisecond)}
	r.Held = &tincan.HeldStatus{Queued: 1, Uncertain: 1}
	st.pass(0)
}

// lobby is a shared room with three members.
func (st *stage) lobby() {
	st.f.status.Listeners = []tincan.ListenerStatus{{ID: "t1", Addr: "0.0.0.0:7000", Codec: "lines", Room: "大厅", Reach: []string{"192.168.1.5:7000"}}}
	st.f.status.Rooms = []tincan.RoomStatus{{Name: "大厅", Shared: true, Codec: "lines"}}
	st.pass(0)
	for i, p := range []string{alice, bob, "tcp:[fe80::1ff:fe23:4567:890a%eth0]:50000"} {
		st.f.status.Links = append(st.f.status.Links, tincan.LinkStatus{ID: int64(i + 1), Room: "大厅", Peer: p, Codec: "lines", Choice: "address",
			Phase: tincan.Established, Since: st.time})
		st.happen(tincan.Event{Kind: tincan.EventConnected, Link: int64(i + 1), Room: "大厅", Peer: p, Codec: "lines", Choice: "address"})
	}
	st.receive("大厅", alice, "大家好")
	st.receive("大厅", bob, "hello all")
	st.f.receipts["大厅"] = []tincan.ReceiptRange{{First: 3, Last: 3, Peer: alice, State: tincan.Reached}, {First: 3, Last: 3, Peer: bob, State: tincan.Reached},
		{First: 3, Last: 3, Peer: "c", State: tincan.Written}}
	off := st.receive("大厅", tincan.Me, "welcome")
	st.reach("大厅", off, tincan.Written)
	st.press("ctrl+l")
	st.pass(0)
}
