package tincan

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// TestRoomsPerGuest: a guest may be in so many rooms, whether it joins them or only publishes to them.
func TestRoomsPerGuest(t *testing.T) {
	for _, frame := range []string{"> publish seq=%[1]d room=r%[1]d id=a body=x", "> join stream=%[1]d room=r%[1]d from=1"} {
		s := script{lines: []string{"> hello epoch=e1", "< hello"}}
		for i := range roomsPerGuest + 1 {
			s.lines = append(s.lines, fmt.Sprintf(frame, i+1))
		}
		a := newActor(t, &s)
		a.run(s)
		for name := ""; name != "close"; {
			got, v, err := a.next("close")
			if err != nil {
				t.Fatal(err)
			}
			if name = got; name == "close" && v.FieldByName("Code").Uint() != 5 {
				t.Errorf("closed with %+v", v)
			}
		}
		if rooms, err := a.node.journal.Rooms(t.Context(), 1000); err != nil || len(rooms) > roomsPerGuest {
			t.Errorf("%d rooms, %v", len(rooms), err)
		}
	}
}

// TestRefusedRooms: a guest that asks for room after room that it may not be in is answered so many times and no more, on
// whichever stream it asks.
func TestRefusedRooms(t *testing.T) {
	s := script{lines: []string{"> hello epoch=e1", "< hello"}}
	for range roomsPerGuest + 1 {
		s.lines = append(s.lines, "> join stream=1 from=1 room="+strings.Repeat("r", 65))
	}
	s.lines = append(s.lines, "> close code=0")
	a := newActor(t, &s)
	a.run(s)
	var err error
	for name := ""; err == nil && name != "close"; {
		var v reflect.Value
		if name, v, err = a.next("close"); name == "close" && v.FieldByName("Code").Uint() != 5 {
			t.Errorf("closed with %+v", v)
		}
	}
	if err != nil {
		t.Errorf("answered every time: %v", err)
	}
}

// TestOutboxFull: so much waits for a host, in messages and in bytes; what is over it is refused, what waits is kept, and
// when the host has it there is room again.
func TestOutboxFull(t *testing.T) {
	host, guest, here, there := hostAndGuest(t)
	untilPhase(t, guest, there, "connected")
	guest.limits.OutboxMessages, guest.limits.OutboxBytes = 10, 1000
	said := 0
	for _, tt := range []struct{ size, fit int }{{1, 10}, {300, 3}, {999, 1}} {
		untilMessages(t, guest, there, said)
		if err := guest.HangUp(t.Context(), there); err != nil {
			t.Fatal(err)
		}
		for i := range tt.fit + 1 {
			_, err := guest.Send(t.Context(), there, make([]byte, tt.size))
			if i < tt.fit {
				if said++; err != nil {
					t.Fatal(err)
				}
				continue
			}
			want := fmt.Sprintf("%d messages of %d bytes wait for %s already", tt.fit, tt.fit*tt.size, host.id)
			if text, _, code := Explain(err); code != CodeFull || text != want {
				t.Errorf("%d of %d bytes: %v, want %s", i+1, tt.size, err, want)
			}
		}
		mustDial(t, guest, there)
		untilMessages(t, host, here, said)
	}
	untilMessages(t, guest, there, said)
	if _, err := guest.Send(t.Context(), there, make([]byte, 2000)); err != nil {
		t.Errorf("alone it is not too much: %v", err)
	}
}
