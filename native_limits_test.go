package tincan

import (
	"fmt"
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
