package tui

import (
	"strings"
	"testing"
	"time"

	"tincan"
)

const (
	carol  = "tc17tz6lmfb542bmlxnt3tjpc6cbpr5yuyskxfz22lnxba6j42hc32q"
	dave   = "tc1bdepfhhqvoeo6wx6xvtfvw6djdsj3bivsl37armjoq5oilrzu5rq"
	our    = "tc1q2k7vv6hgzdm3rj5p6w4xnl2uoetc7sabyif5k3d4mpq6rzv2hga"
	abroad = "tincan://plc.local:7000"
)

// guest is a screen whose room another node keeps: it is Dave's, and Carol is in it too.
func (st *stage) guest() {
	st.f.status.ID = our
	st.f.peers = []tincan.PeerStatus{{ID: dave, Name: "Dave", State: tincan.Trusted, Via: "ticket", Host: true, Last: start, Links: []int64{7}},
		{ID: carol, Called: "vm", State: tincan.Seen, Via: "open", Last: start}}
	st.run(st.askPeers())
	st.run(st.dial(abroad, true))
	st.f.status.Rooms = []tincan.RoomStatus{{Name: abroad, Dialled: true, Codec: "tincan", Host: dave,
		Dial:    &tincan.DialStatus{URL: abroad, Phase: "connected", Attempt: 1},
		Members: []tincan.MemberStatus{{Peer: carol, Name: "vm", Here: true, Stored: 2}}}}
	st.f.status.Links = []tincan.LinkStatus{{ID: 7, Room: abroad, Peer: dave, Codec: "tincan", Choice: "address", Dialled: true,
		Phase: tincan.Established, Since: st.time, HandshakeUS: 1234}}
	st.pass(0)
	st.happen(tincan.Event{Kind: tincan.EventConnected, Link: 7, Room: abroad, Peer: dave, Name: "plant", Codec: "tincan", Choice: "address", HandshakeUS: 1234})
	st.receive(abroad, tincan.Me, "good morning")
	st.receive(abroad, carol, "你好")
	st.receive(abroad, tincan.Me, "who has the key?")
	st.pass(time.Second)
}

// away has the host go away while something is said.
func (st *stage) away() {
	st.guest()
	st.end(7, "shutting down")
	st.queue("1", "are you there?")
	st.pass(200 * time.Second)
	st.queue("2", "this waits")
	st.happen(tincan.Event{Kind: tincan.EventDisconnected, Room: abroad, Reason: "refused", RetryInMS: ptr(int64(3400))})
	r := &st.f.status.Rooms[0]
	r.Dial = &tincan.DialStatus{URL: abroad, Phase: "waiting", Attempt: 9, Retry: st.time.Add(3400 * time.Millisecond)}
	r.Members[0].Here = false
	st.pass(0)
}

// queue has an own message wait for the host.
func (st *stage) queue(id, text string) {
	st.f.pending = append(st.f.pending, tincan.Message{Room: abroad, ID: id, From: tincan.Me, Time: st.time, Body: []byte(text), Codec: "tincan"})
	st.f.status.Rooms[0].Pending = &tincan.PendingStatus{Messages: int64(len(st.f.pending)), Since: st.f.pending[0].Time}
	st.happen(tincan.Event{Kind: tincan.EventReceipt, Room: abroad, ID: id, State: tincan.Queued})
}

func TestNativeScreens(t *testing.T) {
	scenes := map[string]func(*stage){
		"guest": (*stage).guest,
		"away":  (*stage).away,
		"gap": func(st *stage) {
			st.guest()
			st.f.gaps = []tincan.Gap{{First: 1, Last: 1, Reason: "trimmed"}}
			st.happen(tincan.Event{Kind: tincan.EventGap, Room: abroad})
		},
		"asking": func(st *stage) {
			st.f.status.ID = our
			st.listenOn(":7000")
			st.f.peers = []tincan.PeerStatus{{ID: carol, Called: "vm", State: tincan.Asking, Addr: "192.168.1.20:53412"}}
			st.happen(tincan.Event{Kind: tincan.EventAsking, Peer: carol, Name: "vm", Listener: "t1"})
			st.pass(time.Second)
		},
		"asked": func(st *stage) {
			st.f.status.ID = our
			st.run(st.dial(abroad, true))
			st.f.status.Rooms = []tincan.RoomStatus{{Name: abroad, Dialled: true, Codec: "tincan", Host: dave,
				Dial: &tincan.DialStatus{URL: abroad, Phase: "waiting", Reason: "unknown key", Attempt: 1, Retry: st.time.Add(3 * time.Second)}}}
			st.happen(tincan.Event{Kind: tincan.EventDisconnected, Room: abroad, Reason: "unknown key", RetryInMS: ptr(int64(3000))})
			st.pass(time.Second)
		},
		"key": func(st *stage) {
			st.guest()
			st.end(7, "peer closed")
			st.happen(tincan.Event{Kind: tincan.EventDisconnected, Room: abroad, Reason: "key differs"})
			st.f.status.Rooms[0].Dial = &tincan.DialStatus{URL: abroad, Phase: "stopped", Reason: "key differs",
				Error: "plc.local:7000 shows another key than it had: expected bdep fhhq voeo 6wx6 xvtf, it shows 7tz6 lmfb 542b mlxn t3tj"}
			st.pass(4 * time.Second)
		},
		"ticket": func(st *stage) { st.listenOn(":7000"); st.typeIn("/ticket"); st.press("enter") },
		"peers":  func(st *stage) { st.guest(); st.typeIn("/peers"); st.press("enter") },
	}
	for name, scene := range scenes {
		for _, lang := range []string{"en", "zh"} {
			for _, size := range sizes {
				t.Run(name+"/"+lang+"/"+size.name, func(t *testing.T) {
					st := newStage(t, lang, size.w, size.h)
					scene(st)
					st.golden("native-" + name + "-" + lang + "-" + size.name)
				})
			}
		}
	}
}

// TestWaits follows an own message from the box to the host's disk: it waits below the others, and is there once.
func TestWaits(t *testing.T) {
	st := newStage(t, "en", 100, 24)
	st.away()
	if n := len(st.current().waits); n != 2 {
		t.Fatalf("%d messages wait", n)
	}
	text := st.screenText()
	if a, b := strings.Index(text, "queued 3 min"), strings.Index(text, "this waits"); a < 0 || b < a {
		t.Errorf("what waits is not there:\n%s", text)
	}
	st.f.status.Rooms[0].Pending = nil
	st.f.pending = nil
	number := func(id string, offset int64) {
		m := tincan.Message{Room: abroad, ID: id, Offset: offset, From: tincan.Me, Time: st.time, Body: []byte("numbered " + id)}
		st.happen(tincan.Event{Kind: tincan.EventMessage, Room: abroad, Message: &m})
	}
	number("1", 4)
	if n := len(st.current().waits); n != 1 {
		t.Errorf("%d messages wait", n)
	}
	st.current().wait(tincan.Message{Room: abroad, ID: "1", From: tincan.Me})
	if n := len(st.current().waits); n != 1 {
		t.Errorf("a message that has a number waits again: %d", n)
	}
	number("2", 5)
	if n := len(st.current().waits); n != 0 {
		t.Errorf("%d messages wait after they have numbers", n)
	}
	if text := st.screenText(); strings.Count(text, "stored by the host") < 2 || strings.Contains(text, "queued") {
		t.Errorf("what is stored does not say so:\n%s", text)
	}
}

// TestReasonsOfKeys: every close code of the protocol has words in both languages.
func TestReasonsOfKeys(t *testing.T) {
	for _, r := range []string{"bye", "shutting down", "replaced", "idle", "not reading", "over a limit", "storage", "greeting timed out", "fork",
		"malformed", "unsupported", "too large", "gap", "ack beyond sent", "unknown key", "key differs", "blocked", "pairing failed"} {
		if _, ok := catalogue["reason."+r]; !ok {
			t.Errorf("no words for the reason %q", r)
		}
	}
}
