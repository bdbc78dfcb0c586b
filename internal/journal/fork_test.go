package journal

import (
	"slices"
	"sync"
	"testing"
)

// recorded opens a journal whose chains are over ids and bodies.
func recorded(t *testing.T) *Journal {
	t.Helper()
	j := open(t, t.TempDir())
	j.SetRecord(func(_ Room, e *Entry, dst []byte) []byte { return append(append(dst, e.ID...), e.Body...) })
	return j
}

// TestForkBesideAppends forks an outbox in the commit that another room gets messages in: followers and readers at the
// tip see these.
func TestForkBesideAppends(t *testing.T) {
	j := recorded(t)
	r := makeRoom(t, j, "room")
	box, err := j.MakeOutbox(t.Context(), "tc1host")
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, j, r.ID, texts("1")...)
	mustAppend(t, j, box.ID, texts("a", "b")...)
	f := j.Follow()
	defer f.Close()
	var wg sync.WaitGroup
	release := hold(j)
	wg.Go(func() { mustAppend(t, j, r.ID, texts("2", "3")...) })
	waitQueued(j, 1)
	wg.Go(func() { _, err := j.Fork(t.Context(), box.ID); must(t, err) })
	waitQueued(j, 2)
	release()
	wg.Wait()
	mustAppend(t, j, r.ID, texts("4")...)
	if got, want := bodies(all(t, j, r.ID)), []string{"1", "2", "3", "4"}; !slices.Equal(got, want) {
		t.Errorf("the room has %q, want %q", got, want)
	}
	b, err := f.Next(t.Context())
	if err != nil || !slices.Contains(b.Rooms, Mark{r.ID, 1, 4}) {
		t.Errorf("told of %v, %v", b.Rooms, err)
	}
	es := all(t, j, box.ID)
	if got, want := bodies(es), []string{"a", "b"}; !slices.Equal(got, want) || es[0].Offset != 1 {
		t.Errorf("the outbox has %q, want %q", got, want)
	}
}

// TestSetAsideBesideMirror sets a copy aside in the commit that it gets messages in, and has more come for it after that:
// they stay with the old one, and the name is the new one's.
func TestSetAsideBesideMirror(t *testing.T) {
	j := recorded(t)
	r, err := j.MakeCopy(t.Context(), "tc1host", "lobby", "lobby", "")
	if err != nil {
		t.Fatal(err)
	}
	must(t, j.Restart(t.Context(), r.ID, Position{Epoch: [16]byte{1}}, false))
	changed := j.Changed(r.ID)
	mirror := func(n int64) {
		must(t, j.Mirror(t.Context(), r.ID, []Entry{{Offset: n, ID: "x", From: "tc1a", Body: []byte("m")}}))
	}
	var wg sync.WaitGroup
	var fresh Room
	release := hold(j)
	wg.Go(func() { mirror(1) })
	waitQueued(j, 1)
	wg.Go(func() {
		var err error
		fresh, err = j.SetAside(t.Context(), r.ID, "lobby, old")
		must(t, err)
	})
	waitQueued(j, 2)
	wg.Go(func() { mirror(2) })
	waitQueued(j, 3)
	release()
	wg.Wait()
	<-changed
	mirror(3)
	got, ok, err := j.FindRoom(t.Context(), "lobby")
	if err != nil || !ok || got.ID != fresh.ID || got.Last != 0 || got.Remote != "lobby" {
		t.Errorf("the name is of %+v, %v", got, err)
	}
	old, ok, err := j.FindRoom(t.Context(), "lobby, old")
	if err != nil || !ok || old.ID != r.ID || old.Last != 3 || old.Host != "" {
		t.Errorf("the old one is %+v, %v", old, err)
	}
}

// TestSetAsideBeforeMirror has messages come for a copy that was set aside since they were sent on their way: the name
// stays the new one's.
func TestSetAsideBeforeMirror(t *testing.T) {
	j := recorded(t)
	r, err := j.MakeCopy(t.Context(), "tc1host", "lobby", "lobby", "")
	must(t, err)
	must(t, j.Restart(t.Context(), r.ID, Position{Epoch: [16]byte{1}}, false))
	var wg sync.WaitGroup
	var fresh Room
	release := hold(j)
	wg.Go(func() {
		var err error
		fresh, err = j.SetAside(t.Context(), r.ID, "lobby, old")
		must(t, err)
	})
	waitQueued(j, 1)
	wg.Go(func() { must(t, j.wait(t.Context(), &op{entries: commitEntries})) }) // what follows is another commit
	waitQueued(j, 2)
	wg.Go(func() {
		must(t, j.Mirror(t.Context(), r.ID, []Entry{{Offset: 1, ID: "x", From: "tc1a", Body: []byte("m")}}))
	})
	waitQueued(j, 3)
	release()
	wg.Wait()
	got, ok, err := j.FindRoom(t.Context(), "lobby")
	if err != nil || !ok || got.ID != fresh.ID {
		t.Errorf("the name is of %+v, %v", got, err)
	}
}

// TestTrimInsideGap bounds a copy so that the bound falls into a gap: it is trimmed to the gap's end.
func TestTrimInsideGap(t *testing.T) {
	j := recorded(t)
	r, err := j.MakeCopy(t.Context(), "tc1host", "lobby", "lobby", "")
	must(t, err)
	mirror := func(n int64) {
		must(t, j.Mirror(t.Context(), r.ID, []Entry{{Offset: n, ID: "x", From: "tc1a", Body: []byte("m")}}))
	}
	must(t, j.Restart(t.Context(), r.ID, Position{Epoch: [16]byte{1}}, false))
	mirror(1)
	must(t, j.Restart(t.Context(), r.ID, Position{Epoch: [16]byte{1}, N: 100, Chain: [32]byte{1}}, true))
	mirror(101)
	mirror(102)
	must(t, j.SetRetention(t.Context(), r.ID, Retention{Messages: 5}))
	must(t, j.Trim(t.Context(), r.ID))
	now, err := j.RoomByID(t.Context(), r.ID)
	if es := all(t, j, r.ID); err != nil || now.Base != 100 || len(es) != 2 || es[0].Offset != 101 {
		t.Errorf("base %d, %d messages, %v", now.Base, len(es), err)
	}
	if c, known, err := j.ChainAt(t.Context(), r.ID, 100); err != nil || !known || c != [32]byte{1} {
		t.Errorf("the chain at the base is %x, %v", c[:2], err)
	}
}
