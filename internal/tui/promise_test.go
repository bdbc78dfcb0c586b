package tui

import (
	"strings"
	"testing"
	"time"

	"tincan"
)

// What is typed before the first connection goes out with it; what is typed while the peer is away waits for a
// decision. The screen promises the one or the other.
func TestKeptMessageIsPromisedTheTruth(t *testing.T) {
	st := newStage(t, "en", 120, 36)
	st.f.status.Rooms = []tincan.RoomStatus{{Name: server, Dialled: true, Dial: &tincan.DialStatus{Phase: "connecting", Attempt: 1}}}
	st.run(st.dial(server, true))
	if want := "sent when the connection is there"; !strings.Contains(st.screenText(), want) {
		t.Errorf("no %q\n%s", want, st.screenText())
	}
	st.typeIn("early")
	st.press("enter")
	if want := "it is sent when the connection is there"; !strings.Contains(st.screenText(), want) {
		t.Errorf("no %q\n%s", want, st.screenText())
	}
	st.f.status.Rooms[0].Dial = &tincan.DialStatus{Phase: "connected"}
	st.f.status.Links = []tincan.LinkStatus{{ID: 3, Room: server, Peer: "tcp:plc.local:9100", Dialled: true, Phase: tincan.Established, Since: st.time}}
	st.happen(tincan.Event{Kind: tincan.EventConnected, Link: 3, Room: server, Peer: "tcp:plc.local:9100"})
	st.f.status.Rooms[0].Dial = &tincan.DialStatus{Phase: "waiting", Attempt: 1, Retry: st.time.Add(2 * time.Second)}
	st.f.status.Links = nil
	st.happen(tincan.Event{Kind: tincan.EventDisconnected, Link: 3, Room: server, Reason: "peer closed", RetryInMS: ptr(int64(2000))})
	st.typeIn("late")
	st.press("enter")
	if want := "you decide when the connection is back"; !strings.Contains(st.screenText(), want) {
		t.Errorf("no %q\n%s", want, st.screenText())
	}
}

// A listener that only this machine can reach says so, and how others get in.
func TestListenHereOnly(t *testing.T) {
	st := newStage(t, "en", 120, 36)
	st.f.status.Listeners = []tincan.ListenerStatus{{ID: "t1", Addr: "127.0.0.1:7000", Codec: "auto", Reach: []string{"127.0.0.1:7000"}}}
	st.run(st.listen("7000", true))
	st.happen(tincan.Event{Kind: tincan.EventListening, Addr: "127.0.0.1:7000", Listener: "t1"})
	for _, want := range []string{"this machine only: 127.0.0.1:7000", "tincan listen :7000 lets others in too"} {
		if !strings.Contains(st.screenText(), want) {
			t.Errorf("no %q\n%s", want, st.screenText())
		}
	}
	if strings.Contains(st.screenText(), "thers can dial") {
		t.Errorf("others cannot dial it\n%s", st.screenText())
	}
	st.f.status.Listeners = append(st.f.status.Listeners, tincan.ListenerStatus{ID: "t2", Addr: "[::]:7001", Reach: []string{"192.168.1.5:7001"}})
	st.happen(tincan.Event{Kind: tincan.EventListening, Addr: "[::]:7001", Listener: "t2"})
	st.pass(time.Second)
	if !strings.Contains(st.screenText(), "others dial") {
		t.Errorf("others can dial the second\n%s", st.screenText())
	}
}

// A link that a snapshot told of before its event came is in the log once.
func TestConnectedOnce(t *testing.T) {
	st := newStage(t, "en", 80, 24)
	st.f.status.Rooms = []tincan.RoomStatus{{Name: server, Dialled: true, Links: []int64{3}, Dial: &tincan.DialStatus{Phase: "connected", Attempt: 1}}}
	st.f.status.Links = []tincan.LinkStatus{{ID: 3, Room: server, Peer: "tcp:plc.local:9100", Dialled: true, Phase: tincan.Established, Since: st.time}}
	st.run(st.dial(server, true))
	st.run(st.reload(server))
	st.happen(tincan.Event{Kind: tincan.EventConnected, Link: 3, Room: server, Peer: "tcp:plc.local:9100"})
	if got := strings.Count(st.screenText(), "connected to"); got != 1 {
		t.Errorf("the link is there %d times, want once\n%s", got, st.screenText())
	}
}
