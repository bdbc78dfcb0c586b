package tui

import (
	"testing"

	"tincan"
)

// TestScope: on a node that another command shares, a screen shows what it opened itself and nothing else, also what
// happened before the answer came that says what that is.
func TestScope(t *testing.T) {
	st := newStage(t, "en", 80, 24)
	st.screen.scope = newScope(Options{Listen: "7000"})
	answer := st.listen("7000", true)
	st.happen(
		tincan.Event{Kind: tincan.EventListening, Addr: "127.0.0.1:7000", Listener: "t1"},
		tincan.Event{Kind: tincan.EventConnected, Link: 1, Room: "tcp:ours", Peer: "tcp:ours", Codec: "lines", Listener: "t1"},
		tincan.Event{Kind: tincan.EventConnected, Link: 2, Room: "lines://theirs", Peer: "tcp:theirs", Codec: "lines"},
		tincan.Event{Kind: tincan.EventConnected, Link: 3, Room: "tcp:other", Peer: "tcp:other", Codec: "lines", Listener: "t2"},
	)
	if len(st.rooms) != 0 {
		t.Fatalf("%d rooms before it is known what is ours", len(st.rooms))
	}
	st.f.status.Listeners = []tincan.ListenerStatus{{ID: "t1", Addr: "127.0.0.1:7000"}, {ID: "t2", Addr: "127.0.0.1:8000"}}
	st.f.status.Links = []tincan.LinkStatus{{ID: 1, Room: "tcp:ours", Listener: "t1"}, {ID: 2, Room: "lines://theirs", Dialled: true}, {ID: 3, Room: "tcp:other", Listener: "t2"}}
	st.f.status.Rooms = []tincan.RoomStatus{{Name: "tcp:ours"}, {Name: "lines://theirs", Dial: &tincan.DialStatus{}}, {Name: "tcp:other"}}
	st.run(answer)
	st.happen(
		tincan.Event{Kind: tincan.EventMessage, Message: &tincan.Message{Room: "lines://theirs", Offset: 1, From: "tcp:theirs", Body: []byte("secret")}},
		tincan.Event{Kind: tincan.EventMessage, Message: &tincan.Message{Room: "tcp:ours", Offset: 1, From: "tcp:ours", Body: []byte("hello")}},
		tincan.Event{Kind: tincan.EventDisconnected, Link: 3, Room: "tcp:other", Peer: "tcp:other"},
	)
	st.pass(0)
	for room, want := range map[string]bool{"tcp:ours": true, "lines://theirs": false, "tcp:other": false} {
		if got := st.rooms[room] != nil; got != want {
			t.Errorf("room %s on screen: %v, want %v", room, got, want)
		}
	}
	if len(st.links) != 1 || len(st.listeners) != 1 || st.cur != "tcp:ours" {
		t.Errorf("%d links, %d listeners, %q on screen", len(st.links), len(st.listeners), st.cur)
	}
}
