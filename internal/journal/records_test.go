package journal

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

func TestRooms(t *testing.T) {
	j := open(t, t.TempDir())
	ctx := t.Context()
	want := Room{Name: "a", Codec: "lines", Encoding: "gbk", URL: "lines://10.0.0.1:7", Shared: true, Dialled: true}
	a, err := j.MakeRoom(ctx, want)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 { // all get the one
		wg.Go(func() {
			if r, err := j.MakeRoom(ctx, Room{Name: "shared"}); err != nil || r.Name != "shared" {
				t.Errorf("make shared: %+v, %v", r, err)
			}
		})
	}
	wg.Wait()
	var names []string
	for range 3 { // each gets its own
		r, err := j.NewRoom(ctx, Room{Name: "a"})
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, r.Name)
	}
	if want := []string{"a.2", "a.3", "a.4"}; !slices.Equal(names, want) {
		t.Errorf("new rooms %q, want %q", names, want)
	}
	// Two changes at once: none is lost.
	release := hold(j)
	wg.Go(func() { must(t, j.SetRoom(ctx, a.ID, func(r *Room) { r.Codec = "dotnet" })) })
	wg.Go(func() { must(t, j.SetRoom(ctx, a.ID, func(r *Room) { r.Encoding = "big5" })) })
	waitQueued(j, 2)
	release()
	wg.Wait()
	want.Codec, want.Encoding = "dotnet", "big5"
	mustAppend(t, j, a.ID, texts("x", "y")...)
	for _, where := range []string{"memory", "database"} {
		byName, ok, err := j.FindRoom(ctx, "a")
		if err != nil || !ok {
			t.Fatalf("%s: find: %t, %v", where, ok, err)
		}
		byID, err := j.RoomByID(ctx, a.ID)
		if err != nil {
			t.Fatal(err)
		}
		list, err := j.Rooms(ctx, 10)
		if err != nil || len(list) != 5 {
			t.Fatalf("%s: %d rooms, %v", where, len(list), err)
		}
		for _, got := range []Room{byName, byID, list[0]} { // the one used last is first
			if got.Last != 2 || got.Created.IsZero() || got.Updated.Before(got.Created) {
				t.Errorf("%s: %+v", where, got)
			}
			got.ID, got.Last, got.Created, got.Updated = 0, 0, time.Time{}, time.Time{}
			if got != want {
				t.Errorf("%s: room %+v, want %+v", where, got, want)
			}
		}
		if list, _ := j.Rooms(ctx, 2); len(list) != 2 {
			t.Errorf("%d rooms of 2", len(list))
		}
		j = reopen(t, j)
	}
	if _, ok, err := j.FindRoom(ctx, "nobody"); ok || err != nil {
		t.Errorf("found nobody: %t, %v", ok, err)
	}
	if _, err := j.RoomByID(ctx, 99); err == nil {
		t.Error("room 99 is there")
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// TestManyRooms uses more rooms than memory keeps: all work on, and memory stays bounded.
func TestManyRooms(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long, and longer under the race detector")
	}
	j := open(t, t.TempDir())
	const n = roomsInMemory + 2000
	var first Room
	var changed <-chan struct{}
	var wg sync.WaitGroup
	for k := range 8 {
		wg.Go(func() {
			for i := k; i < n; i += 8 {
				r, err := j.NewRoom(t.Context(), Room{Name: fmt.Sprint("room ", i)})
				if err != nil {
					t.Error(err)
					return
				}
				if i == 0 {
					first, changed = r, j.Changed(r.ID)
				}
				mustAppend(t, j, r.ID, texts("1")...)
			}
		})
	}
	wg.Wait()
	j.mu.Lock()
	rooms, names := len(j.rooms), len(j.byName)
	j.mu.Unlock()
	if rooms > roomsInMemory || rooms != names {
		t.Errorf("%d rooms and %d names in memory, want at most %d", rooms, names, roomsInMemory)
	}
	<-changed
	changed = j.Changed(first.ID)
	for i := range n {
		if i%16 != 0 && i < n-100 {
			continue
		}
		r, ok, err := j.FindRoom(t.Context(), fmt.Sprint("room ", i))
		if err != nil || !ok || r.Last != 1 {
			t.Fatalf("room %d: %+v, %t, %v", i, r, ok, err)
		}
		es := texts("2")
		mustAppend(t, j, r.ID, es...)
		if es[0].Offset != 2 {
			t.Fatalf("room %d goes on at %d", i, es[0].Offset)
		}
	}
	<-changed
}

func TestChanged(t *testing.T) {
	j := open(t, t.TempDir())
	r, other := makeRoom(t, j, "room"), makeRoom(t, j, "other")
	c := j.Changed(r.ID)
	mustAppend(t, j, other.ID, texts("a")...)
	j.Note(Note{})
	select {
	case <-c:
		t.Error("a commit to another room woke a reader")
	default:
	}
	mustAppend(t, j, r.ID, texts("a")...)
	<-c
	select {
	case <-j.Changed(r.ID):
		t.Error("changed before it changes")
	default:
	}
	<-j.Changed(99) // there is none to wait for
}

func TestCursors(t *testing.T) {
	j := open(t, t.TempDir())
	r := makeRoom(t, j, "room")
	a, b := Cursor{r.ID, "a", 1, 2, 3, 0}, Cursor{r.ID, "b", 0, 9, 8, 0}
	j.SaveCursor(Cursor{r.ID, "a", 0, 0, 0, 0})
	j.SaveCursor(b)
	j.SaveCursor(a)
	j.SaveCursor(Cursor{r.ID + 1, "a", 7, 7, 7, 0})
	for _, where := range []string{"memory", "saved", "database"} {
		got, err := j.Cursors(t.Context(), r.ID)
		slices.SortFunc(got, func(a, b Cursor) int { return int(a.Peer[0]) - int(b.Peer[0]) })
		if err != nil || !slices.Equal(got, []Cursor{a, b}) {
			t.Errorf("%s: %v, %v", where, got, err)
		}
		if where == "memory" {
			mustAppend(t, j, r.ID, texts("takes them along")...)
			j.mu.Lock()
			if len(j.dirty) != 0 {
				t.Errorf("%d unsaved after a commit", len(j.dirty))
			}
			j.mu.Unlock()
			continue
		}
		j = reopen(t, j)
	}
}

// TestCursorIsSavedByItself waits for the commit that nobody asked for.
func TestCursorIsSavedByItself(t *testing.T) {
	j := open(t, t.TempDir())
	for n := int64(1); n <= 3; n++ {
		j.SaveCursor(Cursor{1, "a", 0, n, n, 0})
		for j.unsaved() {
			time.Sleep(time.Millisecond) // the test's own time limit ends this
		}
		var got int64
		if err := j.r.QueryRow("SELECT reached FROM cursors").Scan(&got); err != nil || got != n {
			t.Errorf("saved %d, %v; want %d", got, err, n)
		}
	}
}

// TestManyCursors moves more cursors than memory keeps.
func TestManyCursors(t *testing.T) {
	j := open(t, t.TempDir())
	const n = 25_000
	for i := range int64(n) {
		j.SaveCursor(Cursor{i % 7, fmt.Sprint("peer ", i), i, i, i, 0})
	}
	for i := range int64(n) {
		j.SaveCursor(Cursor{i % 7, fmt.Sprint("peer ", i), i, i, i + 1, 0})
		if i%5000 == 0 {
			for j.unsaved() {
				time.Sleep(time.Millisecond)
			}
		}
	}
	j = reopen(t, j)
	count := 0
	for room := range int64(7) {
		cs, err := j.Cursors(t.Context(), room)
		must(t, err)
		for _, c := range cs {
			if c.Reached != c.Start+1 {
				t.Fatalf("cursor %+v", c)
			}
			count++
		}
	}
	if count != n {
		t.Errorf("%d cursors, want %d", count, n)
	}
}

func TestFates(t *testing.T) {
	for _, c := range []struct {
		settle []Fate
		want   string
	}{
		{[]Fate{{First: 1, Last: 9, State: "u"}}, "[1-9 u]"},
		{[]Fate{{First: 1, Last: 9, State: "u"}, {First: 4, Last: 6, State: "q"}}, "[1-3 u 4-6 q 7-9 u]"},
		{[]Fate{{First: 4, Last: 6, State: "q"}, {First: 1, Last: 9, State: "u"}}, "[1-9 u]"},
		{[]Fate{{First: 1, Last: 5, State: "u"}, {First: 4, Last: 9, State: "q"}}, "[1-3 u 4-9 q]"},
		{[]Fate{{First: 4, Last: 9, State: "u"}, {First: 1, Last: 5, State: "q"}}, "[1-5 q 6-9 u]"},
		{[]Fate{{First: 1, Last: 3, State: "u"}, {First: 4, Last: 4, State: "u"}, {First: 5, Last: 7, State: "u"}}, "[1-7 u]"},
		{[]Fate{{First: 5, Last: 7, State: "u"}, {First: 1, Last: 3, State: "u"}, {First: 4, Last: 4, State: "u"}}, "[1-7 u]"},
		{[]Fate{{First: 1, Last: 3, State: "u"}, {First: 5, Last: 7, State: "u"}}, "[1-3 u 5-7 u]"},
		{[]Fate{{First: 1, Last: 3, State: "u"}, {First: 4, Last: 6, State: "q"}}, "[1-3 u 4-6 q]"},
		{[]Fate{{First: 1, Last: 9, State: "u"}, {First: 2, Last: 3, State: "u"}}, "[1-9 u]"},
		{[]Fate{{First: 1, Last: 9, State: "u"}, {First: 1, Last: 9, State: "d"}}, "[1-9 d]"},
		{[]Fate{{First: 1, Last: 2, State: "u"}, {First: 4, Last: 5, State: "q"}, {First: 7, Last: 8, State: "u"}, {First: 2, Last: 7, State: "d"}}, "[1-1 u 2-7 d 8-8 u]"},
	} {
		t.Run(c.want, func(t *testing.T) {
			j := open(t, t.TempDir())
			for _, f := range c.settle {
				f.Room, f.Peer = 1, "a"
				must(t, j.Settle(t.Context(), f, Fate{1, "b", f.First, f.Last, "x"}, Fate{2, "a", f.First, f.Last, "x"}))
			}
			fs, err := reopen(t, j).Fates(t.Context(), 1)
			must(t, err)
			var got []string
			for _, f := range fs {
				if f.Peer == "a" {
					got = append(got, fmt.Sprintf("%d-%d %s", f.First, f.Last, f.State))
				}
			}
			if fmt.Sprint(got) != c.want {
				t.Errorf("fates %v, want %s", got, c.want)
			}
		})
	}
}

func TestLinks(t *testing.T) {
	j := open(t, t.TempDir())
	ctx := t.Context()
	r, other := makeRoom(t, j, "room"), makeRoom(t, j, "other")
	began := time.UnixMicro(1_700_000_000_000_001)
	up := Link{ID: j.NextLink(), Room: r.ID, Peer: "tcp:a:1", Local: "l", Remote: "r", Codec: "auto", Choice: "dotnet", Dialled: true, Began: began, HandshakeUS: 7}
	down := Link{ID: j.NextLink(), Room: other.ID, Peer: "tcp:b:2", Began: began}
	j.BeginLink(up)
	j.BeginLink(down)
	down.Ended, down.Reason, down.Detail = began.Add(time.Second), "peer closed", "FIN"
	down.MessagesIn, down.MessagesOut, down.BytesIn, down.BytesOut = 1, 2, 3, 4
	j.EndLink(down)
	mustAppend(t, j, r.ID, texts("in order with the above")...)
	up.RoomName, down.RoomName = "room", "other"
	links := func(room int64, limit int) []Link {
		ls, err := j.Links(ctx, room, limit)
		must(t, err)
		return ls
	}
	if got, want := links(0, 10), []Link{down, up}; !slices.Equal(got, want) {
		t.Errorf("links\n%+v, want\n%+v", got, want)
	}
	if got, want := links(r.ID, 10), []Link{up}; !slices.Equal(got, want) {
		t.Errorf("links of a room %+v, want %+v", got, want)
	}
	if got := len(links(0, 1)); got != 1 {
		t.Errorf("%d links of 1", got)
	}
	if len(j.Orphans()) != 0 {
		t.Errorf("orphans of a new journal: %+v", j.Orphans())
	}
	j = reopen(t, j) // as after a crash: up has no end
	orphans := j.Orphans()
	if len(orphans) != 1 || orphans[0].ID != up.ID || orphans[0].Reason != reasonCrash || orphans[0].RoomName != "room" {
		t.Errorf("orphans %+v", orphans)
	}
	if j = reopen(t, j); len(j.Orphans()) != 1 {
		t.Error("an orphan is forgotten that nobody has settled")
	}
	orphans = j.Orphans()
	j.EndOrphans()
	makeRoom(t, j, "another") // a commit
	if got := links(r.ID, 1); len(got) != 1 || got[0].Ended.IsZero() || got[0].Reason != reasonCrash || !slices.Equal(got, orphans) {
		t.Errorf("the orphan's record: %+v", got)
	}
	if j = reopen(t, j); len(j.Orphans()) != 0 {
		t.Errorf("the orphan again: %+v", j.Orphans())
	}
	if got := j.NextLink(); got != 3 {
		t.Errorf("next link %d, want 3", got)
	}
	j.Note(Note{Kind: "connecting", Link: 9}) // a link that was told of, and then the process died
	if j = reopen(t, j); j.NextLink() != 10 {
		t.Error("a link's number was given twice")
	}
	seen := map[int64]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				n := j.NextLink()
				mu.Lock()
				if seen[n] || n <= 10 {
					t.Errorf("link %d twice", n)
				}
				seen[n] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// TestFollow follows appends and notes in the order of commits.
func TestFollow(t *testing.T) {
	j := open(t, t.TempDir())
	ctx := t.Context()
	r, other := makeRoom(t, j, "room"), makeRoom(t, j, "other")
	mustAppend(t, j, r.ID, texts("before")...)
	f := j.Follow()
	defer f.Close()
	j.Note(Note{Kind: "one", Room: r.ID, At: 1, Link: 5, Data: []byte("data")})
	mustAppend(t, j, r.ID, texts("a", "b")...)
	mustAppend(t, j, other.ID, texts("c")...)
	mustAppend(t, j, r.ID, texts("d")...)
	j.Note(Note{Kind: "two"})
	must(t, j.Settle(ctx)) // behind the note
	b, err := f.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if want := []Mark{{r.ID, 1, 4}, {other.ID, 0, 1}}; !slices.Equal(b.Rooms, want) {
		t.Errorf("rooms %v, want %v", b.Rooms, want)
	}
	if len(b.Notes) != 2 || b.Notes[0].Kind != "one" || b.Notes[1].Kind != "two" || b.Notes[0].Seq >= b.Notes[1].Seq {
		t.Errorf("notes %+v", b.Notes)
	}
	short, cancel := context.WithCancel(ctx)
	cancel()
	if b, err := f.Next(short); !errors.Is(err, context.Canceled) {
		t.Errorf("nothing new: %+v, %v", b, err)
	}
	ns, err := j.Notes(ctx, 0, "", 10)
	if err != nil || len(ns) != 2 || ns[1].Kind != "one" || ns[1].Room != r.ID || ns[1].At != 1 || ns[1].Link != 5 || string(ns[1].Data) != "data" {
		t.Errorf("notes kept: %+v, %v", ns, err)
	}
	if ns, _ := j.Notes(ctx, r.ID, "", 10); len(ns) != 1 {
		t.Errorf("%d notes of the room", len(ns))
	}
	if ns, _ := j.Notes(ctx, 0, "one", 10); len(ns) != 1 || ns[0].Kind != "two" {
		t.Errorf("all but one: %+v", ns)
	}
	f.Close()
	if _, err := f.Next(ctx); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	j.Note(Note{Kind: "three"})
	j = reopen(t, j)
	f = j.Follow()
	defer f.Close()
	j.Note(Note{Kind: "four"})
	if b, err := f.Next(ctx); err != nil || len(b.Notes) != 1 || b.Notes[0].Kind != "four" || b.Notes[0].Seq != 4 {
		t.Errorf("after reopening: %+v, %v", b, err)
	}
}

// TestFollowSlowly lets more notes pass than memory keeps, from the journal's first on: the follower gets each
// once and in order, and every entry before the notes that come after it.
func TestFollowSlowly(t *testing.T) {
	j := open(t, t.TempDir())
	r := makeRoom(t, j, "room")
	f := j.Follow()
	defer f.Close()
	const n = 4*notesInMemory + 5
	for i := range n {
		if i%100 == 0 {
			mustAppend(t, j, r.ID, texts("entry")...)
		}
		j.Note(Note{Kind: "k", Room: r.ID, At: int64(i/100) + 1, Data: fmt.Append(nil, i)})
	}
	must(t, j.Settle(t.Context()))
	if len(j.notes) > 2*notesInMemory {
		t.Errorf("%d notes in memory", len(j.notes))
	}
	next, at := 0, int64(0)
	for next < n {
		b, err := f.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range b.Rooms {
			if m.Room != r.ID || m.After != at || m.Last <= at {
				t.Fatalf("mark %+v after %d", m, at)
			}
			at = m.Last
		}
		for _, note := range b.Notes {
			if string(note.Data) != fmt.Sprint(next) || note.At > at {
				t.Fatalf("note %s at %d, want %d; entries up to %d are told", note.Data, note.At, next, at)
			}
			next++
		}
		if last := b.Notes[len(b.Notes)-1].At; at > last {
			t.Fatalf("entry %d is told before the notes that come before it, which are at %d", at, last)
		}
	}
}

// TestTailIsBounded appends far more than the tail keeps, to one room and to many: what memory holds stays within
// its bytes, and the newest are still read from it.
func TestTailIsBounded(t *testing.T) {
	for _, c := range []struct{ rooms, batch, body, total int }{
		{1, 100, 1000, 40_000}, {1, 1, 3 << 20, 12}, {50, 3, 10_000, 3000},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			j := open(t, t.TempDir())
			var ids []int64
			for i := range c.rooms {
				ids = append(ids, makeRoom(t, j, fmt.Sprint("room ", i)).ID)
			}
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			before := int64(m.HeapAlloc)
			most := tailBytes + c.batch*(c.body+entryBytes)
			for i := 0; i < c.total; i += c.batch {
				id := ids[i/c.batch%len(ids)]
				es := make([]Entry, c.batch)
				for k := range es {
					es[k] = Entry{From: "peer", Body: make([]byte, c.body)}
				}
				mustAppend(t, j, id, es...)
				j.mu.Lock()
				held := 0
				for _, rt := range j.tail.rooms {
					for _, p := range rt.pieces {
						held += sizeOf(p)
					}
				}
				bytes := j.tail.bytes
				_, tip := j.tail.read(id, es[0].Offset-1, 10, 1<<20)
				j.mu.Unlock()
				if held != bytes || held > most {
					t.Fatalf("the tail holds %d bytes, says %d, may %d", held, bytes, most)
				}
				if !tip {
					t.Fatal("the newest entries are not in memory")
				}
			}
			runtime.GC()
			runtime.ReadMemStats(&m)
			if grown := int64(m.HeapAlloc) - before; grown > int64(2*most) {
				t.Errorf("the heap has grown by %d KiB for a tail of %d", grown>>10, most>>10)
			}
		})
	}
}

// TestOwn finds this node's own entries in any stretch.
func TestOwn(t *testing.T) {
	j := open(t, t.TempDir())
	makeRoom(t, j, "before")
	r := makeRoom(t, j, "room")
	mustAppend(t, j, makeRoom(t, j, "behind").ID, texts("mine")...)
	for _, from := range []string{"", "peer", "", "peer", "peer"} { // 1 and 3 are own
		mustAppend(t, j, r.ID, Entry{From: from, Codec: "lines", Body: []byte("x")})
	}
	for _, tt := range []struct {
		first, last int64
		want        Own
	}{
		{1, 5, Own{1, 3, 2}}, {1, 1, Own{1, 1, 1}}, {2, 3, Own{3, 3, 1}}, {2, 2, Own{}}, {4, 5, Own{}}, {4, 100, Own{}}, {3, 2, Own{}},
	} {
		if got, err := j.Own(t.Context(), r.ID, tt.first, tt.last); got != tt.want || err != nil {
			t.Errorf("own of %d to %d: %+v %v, want %+v", tt.first, tt.last, got, err, tt.want)
		}
	}
}
