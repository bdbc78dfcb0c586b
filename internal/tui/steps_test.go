package tui

import (
	"strings"
	"testing"
	"time"

	"tincan"
)

// word is the first word of the strip.
func (st *stage) word() string { return st.say.t("step." + st.stepNow().key) }

func (st *stage) wants(what, word string) {
	st.t.Helper()
	if got := st.word(); got != word {
		st.t.Errorf("%s: the strip says %s, want %s", what, got, word)
	}
}

// TestListenSteps walks through the sample's words on the listening side.
func TestListenSteps(t *testing.T) {
	st := newStage(t, "zh", 80, 24)
	st.wants("at first", "就绪")
	st.listenOn(":7000")
	st.wants("bound", "正在监听")
	st.pass(1500 * time.Millisecond)
	st.wants("a second later", "等待连接")
	st.connect(1, alice)
	st.wants("a client", "接受到连接")
	st.typeIn("hi")
	st.press("enter")
	st.wants("sent", "正在发送…")
	m := st.f.logs[alice][0]
	off := m.Offset
	st.happen(tincan.Event{Kind: tincan.EventMessage, Room: alice, Message: &m})
	st.reach(alice, off, tincan.Queued, tincan.Written)
	st.wants("written is not done", "正在发送…")
	st.pass(10 * time.Second)
	st.wants("nor ten seconds later", "正在发送…")
	st.reach(alice, off, tincan.Reached)
	st.wants("reached", "完毕")
	st.pass(4 * time.Second)
	st.wants("later", "接受到连接")
	st.end(1, "peer closed")
	st.wants("ended", "断开了连接")
	st.pass(4 * time.Second)
	st.wants("still listening", "等待连接")
	st.f.status.Listeners = nil
	st.happen(tincan.Event{Kind: tincan.EventStopped, Addr: "0.0.0.0:7000", Listener: "t1"})
	st.wants("stopped", "停止监听")
}

// TestDialSteps does the same on the dialling side.
func TestDialSteps(t *testing.T) {
	st := newStage(t, "zh", 80, 24)
	st.run(st.dial(server, true))
	st.happen(tincan.Event{Kind: tincan.EventConnecting, Room: server, Attempt: 1})
	st.wants("dialling", "正在连接…")
	st.f.status.Rooms = []tincan.RoomStatus{{Name: server, Dialled: true, Dial: &tincan.DialStatus{Phase: "waiting", Attempt: 1, Retry: st.time.Add(2 * time.Second)}}}
	st.happen(tincan.Event{Kind: tincan.EventDisconnected, Room: server, Reason: "refused", RetryInMS: ptr(int64(2000))})
	st.wants("refused", "连接失败")
	st.pass(500 * time.Millisecond)
	if want := "对方拒绝连接；2 秒后第 2 次连接，ctrl+r 立即连接"; !strings.Contains(st.screenText(), want) {
		t.Errorf("no %q\n%s", want, st.screenText())
	}
	st.pass(time.Second)
	if want := "1 秒后"; !strings.Contains(st.screenText(), want) {
		t.Errorf("no %q\n%s", want, st.screenText())
	}
	st.f.status.Rooms[0].Dial = &tincan.DialStatus{Phase: "connected"}
	st.f.status.Links = []tincan.LinkStatus{{ID: 3, Room: server, Peer: "tcp:plc.local:9100", Dialled: true, Phase: tincan.Established, Since: st.time}}
	st.happen(tincan.Event{Kind: tincan.EventConnecting, Room: server, Attempt: 2},
		tincan.Event{Kind: tincan.EventConnected, Link: 3, Room: server, Peer: "tcp:plc.local:9100"})
	st.wants("connected", "连接成功")
	st.happen(tincan.Event{Kind: tincan.EventFinished, Link: 3, Room: server, Peer: "tcp:plc.local:9100"})
	if !strings.Contains(st.screenText(), "已结束发送（FIN）") {
		t.Errorf("a peer that finished is not shown\n%s", st.screenText())
	}
	st.f.status.Rooms[0].Dial = &tincan.DialStatus{Phase: "stopped"}
	st.end(3, "closed here")
	st.pass(4 * time.Second)
	st.wants("disconnected by hand", "断开了连接")
}

// TestAttract moves to a new client when the one on screen is gone, but never under somebody who types.
func TestAttract(t *testing.T) {
	st := newStage(t, "en", 80, 24)
	st.pair()
	if st.cur != alice {
		t.Fatal("the second client took the screen")
	}
	st.typeIn("dear alice")
	st.end(1, "peer closed")
	carol := "tcp:10.0.0.9:1"
	st.connect(9, carol)
	if st.cur != alice {
		t.Error("a new client took the screen from a half-written message")
	}
	st.press("ctrl+u")
	st.end(9, "peer closed")
	st.connect(10, "tcp:10.0.0.9:2")
	if st.cur != "tcp:10.0.0.9:2" || !strings.Contains(st.notice.text, "now talking to 10.0.0.9:2") {
		t.Errorf("the screen stays with %s", st.cur)
	}
}

// TestHostileNames shows names of peers and rooms, reasons and details without what a terminal would obey.
func TestHostileNames(t *testing.T) {
	for _, size := range sizes {
		st := newStage(t, "en", size.w, size.h)
		evil := "tcp:\x1b]0;x\a\u202E\xff\n1"
		st.listenOn(":7000")
		st.connect(1, evil)
		st.f.status.Links[0].Codec, st.f.status.Links[0].Choice = evil, evil
		st.f.status.Links[0].Phase = tincan.Phase(evil)
		st.f.status.Listeners[0].Reach = []string{evil}
		st.f.status.Trouble = evil
		st.pass(0)
		st.receive(evil, evil, evil)
		st.happen(tincan.Event{Kind: tincan.EventRefused, Remote: evil, Reason: evil},
			tincan.Event{Kind: tincan.EventCodec, Link: 1, Room: evil, Codec: evil, Choice: evil})
		st.check()
		st.happen(tincan.Event{Kind: tincan.EventError, Error: evil, Hint: evil})
		st.press("ctrl+d")
		st.check()
		st.press("y", "f3")
		st.end(1, evil)
		st.check()
	}
}

// check looks for anything but text and styles in what goes to the terminal.
func (st *stage) check() {
	st.t.Helper()
	for i, l := range frameOf(st) {
		if bare := stripStyles(l); Clean(bare) != bare {
			st.t.Errorf("line %d holds %q", i, bare)
		}
	}
}

// stripStyles removes SGR sequences and nothing else.
func stripStyles(s string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, "\x1b[")
		if i < 0 {
			return b.String() + s
		}
		b.WriteString(s[:i])
		rest := strings.TrimLeft(s[i+2:], "0123456789;:")
		if rest == "" || rest[0] != 'm' {
			return b.String() + s[i:]
		}
		s = rest[1:]
	}
}

func TestNoColour(t *testing.T) {
	st := newStage(t, "en", 120, 36)
	st.style = newStyles(false)
	st.talk()
	for _, l := range frameOf(st) {
		for _, seq := range strings.Split(l, "\x1b[")[1:] {
			for _, p := range strings.Split(strings.SplitN(seq, "m", 2)[0], ";") {
				if len(p) > 1 && strings.ContainsAny(p[:1], "349") {
					t.Fatalf("a colour in %q", l)
				}
			}
		}
	}
}
