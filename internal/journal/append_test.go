package journal

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// same compares entries, times by instant.
func same(t *testing.T, what string, got, want []Entry) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d entries, want %d", what, len(got), len(want))
	}
	for i := range got {
		g, w := got[i], want[i]
		if !g.Time.Equal(w.Time) {
			t.Errorf("%s: entry %d: time %v, want %v", what, i, g.Time, w.Time)
		}
		g.Time, w.Time = time.Time{}, time.Time{}
		g.Body, w.Body = append([]byte{}, g.Body...), append([]byte{}, w.Body...) // no body and an empty one are the same
		if !reflect.DeepEqual(g, w) {
			t.Errorf("%s: entry %d:\n got %+v\nwant %+v", what, i, g, w)
		}
	}
}

// all reads a room to its end, a few at a time.
func all(t *testing.T, j *Journal, room int64) (es []Entry) {
	t.Helper()
	for after := int64(0); ; after = es[len(es)-1].Offset {
		got, err := j.Read(t.Context(), room, after, 100, 1<<20)
		if err != nil {
			t.Fatalf("read after %d: %v", after, err)
		}
		if len(got) == 0 {
			return es
		}
		es = append(es, got...)
	}
}

// TestAppendKeepsEveryField reads what was appended from memory, and after reopening from the database.
func TestAppendKeepsEveryField(t *testing.T) {
	j := open(t, t.TempDir())
	r := makeRoom(t, j, "room")
	es := []Entry{
		{Body: []byte("mine"), Codec: "lines", Encoding: "utf-8"},
		{From: "tcp:10.0.0.1:7", Link: 3, Body: []byte{0, 255, '\n'}, Wire: []byte{1, 0, 255}, Codec: "dotnet", Encoding: "gbk", Partial: true},
		{From: "对方", Link: 4, Codec: "raw", Replaced: true},
		{ID: "given", Body: []byte{}, Wire: []byte{}},
	}
	first, err := j.Append(t.Context(), r.ID, es)
	if err != nil || first != 1 {
		t.Fatalf("append: first %d, %v", first, err)
	}
	want := slices.Clone(es)
	seen := map[string]bool{}
	for i := range want {
		if want[i].Offset != int64(i)+1 || want[i].Time.IsZero() || want[i].ID == "" || seen[want[i].ID] {
			t.Errorf("entry %d: offset %d, time %v, id %q", i, want[i].Offset, want[i].Time, want[i].ID)
		}
		seen[want[i].ID] = true
	}
	if want[3].ID != "given" {
		t.Errorf("id %q, want given", want[3].ID)
	}
	want[3].Wire = nil // no bytes are none
	got, err := j.Read(t.Context(), r.ID, 0, 10, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "from memory", got, want)
	j = reopen(t, j)
	got, err = j.Read(t.Context(), r.ID, 0, 10, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "from the database", got, want)
	back, err := j.ReadBack(t.Context(), r.ID, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "backwards", back, want)
}

// TestAppendGivesBytesBack changes the caller's bytes after Append: what readers get does not change.
func TestAppendGivesBytesBack(t *testing.T) {
	j := open(t, t.TempDir())
	r := makeRoom(t, j, "room")
	es := []Entry{{Body: []byte("body"), Wire: []byte("wire")}}
	mustAppend(t, j, r.ID, es...)
	copy(es[0].Body, "XXXX")
	copy(es[0].Wire, "XXXX")
	got := all(t, j, r.ID)
	if string(got[0].Body) != "body" || string(got[0].Wire) != "wire" {
		t.Errorf("read %q, %q", got[0].Body, got[0].Wire)
	}
}

// TestAppendAgainAfterRefusal appends entries again that a commit has refused, when others have taken their
// numbers: derived IDs must not stick.
func TestAppendAgainAfterRefusal(t *testing.T) {
	j := open(t, t.TempDir())
	r := makeRoom(t, j, "room")
	mustAppend(t, j, r.ID, Entry{ID: "taken", Body: []byte("0")})
	es := append(texts("a", "b"), Entry{ID: "taken", Body: []byte("c")}) // refused as a whole: the ID is there already
	if _, err := j.Append(t.Context(), r.ID, es); err == nil {
		t.Fatal("a second message of one ID was stored")
	}
	mustAppend(t, j, r.ID, texts("other")...)
	mustAppend(t, j, r.ID, es[:2]...)
	ids := map[string]string{}
	for _, e := range all(t, reopen(t, j), r.ID) {
		if had, ok := ids[e.ID]; ok {
			t.Errorf("%q and %q have one id, %s", had, e.Body, e.ID)
		}
		ids[e.ID] = string(e.Body)
	}
	if len(ids) != 4 {
		t.Errorf("%d messages, want 4: %v", len(ids), ids)
	}
}

func TestReadLimits(t *testing.T) {
	j := open(t, t.TempDir())
	r := makeRoom(t, j, "room")
	for i := range 4 { // four commits of five entries of 10 bytes
		mustAppend(t, j, r.ID, texts(strings.Fields(strings.Repeat(fmt.Sprintf("body-%04d. ", i), 5))...)...)
	}
	for _, where := range []string{"memory", "database"} {
		for _, c := range []struct {
			after           int64
			limit, maxBytes int
			first           int64
			n               int
		}{
			{0, 100, 1 << 20, 1, 20},
			{-5, 100, 1 << 20, 1, 20},
			{0, 3, 1 << 20, 1, 3},
			{4, 3, 1 << 20, 5, 3}, // over the edge of a commit
			{0, 100, 30, 1, 3},    // exactly three
			{0, 100, 39, 1, 3},    // not a fourth
			{0, 100, 1, 1, 1},     // one always
			{19, 100, 1 << 20, 20, 1},
			{20, 100, 1 << 20, 0, 0}, // at the tip
			{99, 100, 1 << 20, 0, 0}, // behind it
			{0, 0, 1 << 20, 0, 0},
			{0, -1, 1 << 20, 0, 0},
		} {
			es, err := j.Read(t.Context(), r.ID, c.after, c.limit, c.maxBytes)
			if err != nil || len(es) != c.n || c.n > 0 && es[0].Offset != c.first {
				t.Errorf("%s: Read(after %d, limit %d, bytes %d): %d entries, %v; want %d from %d", where, c.after, c.limit, c.maxBytes, len(es), err, c.n, c.first)
			}
		}
		for _, c := range []struct {
			before int64
			limit  int
			first  int64
			n      int
		}{{0, 100, 1, 20}, {0, 3, 18, 3}, {5, 3, 2, 3}, {3, 100, 1, 2}, {1, 100, 0, 0}, {99, 2, 19, 2}, {0, 0, 0, 0}, {0, -1, 0, 0}} {
			es, err := j.ReadBack(t.Context(), r.ID, c.before, c.limit)
			if err != nil || len(es) != c.n || c.n > 0 && es[0].Offset != c.first {
				t.Errorf("%s: ReadBack(before %d, limit %d): %d entries, %v; want %d from %d", where, c.before, c.limit, len(es), err, c.n, c.first)
			}
		}
		j = reopen(t, j)
	}
	if _, err := j.Read(t.Context(), 77, 0, 1, 1); err == nil {
		t.Error("a room that is not there was read")
	}
	if own, err := j.Own(t.Context(), r.ID, 2, 5); own.Count != 4 || err != nil {
		t.Errorf("count 2 to 5: %d, %v", own.Count, err)
	}
}

// TestReadIsNotShared appends to what Read returned: the next reader must not see that.
func TestReadIsNotShared(t *testing.T) {
	j := open(t, t.TempDir())
	r := makeRoom(t, j, "room")
	mustAppend(t, j, r.ID, texts("a", "b", "c")...)
	es, _ := j.Read(t.Context(), r.ID, 0, 1, 1<<20)
	_ = append(es, Entry{Body: []byte("X")})
	if got := bodies(all(t, j, r.ID)); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("read %q", got)
	}
}

func TestAppendOnce(t *testing.T) {
	j := open(t, t.TempDir())
	r, other := makeRoom(t, j, "room"), makeRoom(t, j, "other")
	var wg sync.WaitGroup
	var mu sync.Mutex
	fresh, offsets := 0, map[int64]bool{}
	for i := range 32 { // everybody at once
		wg.Go(func() {
			e, isNew, err := j.AppendOnce(t.Context(), r.ID, Entry{ID: "one", Body: fmt.Append(nil, i)})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			offsets[e.Offset] = true
			if isNew {
				fresh++
			}
		})
	}
	wg.Wait()
	if fresh != 1 || len(offsets) != 1 {
		t.Errorf("stored %d times, at %v", fresh, offsets)
	}
	derived := texts("has a derived id")
	mustAppend(t, j, r.ID, derived...)
	want, _ := j.Read(t.Context(), r.ID, 0, 1, 1)
	for range 2 {
		got, isNew, err := j.AppendOnce(t.Context(), r.ID, Entry{ID: "one", Body: []byte("again")})
		if err != nil || isNew {
			t.Errorf("again: fresh %t, %v", isNew, err)
		}
		same(t, "again", []Entry{got}, want)
		got, isNew, err = j.AppendOnce(t.Context(), r.ID, Entry{ID: derived[0].ID, Body: []byte("again")})
		if err != nil || isNew || got.Offset != 2 {
			t.Errorf("a derived id again: fresh %t, offset %d, %v", isNew, got.Offset, err)
		}
		j = reopen(t, j)
	}
	if _, isNew, err := j.AppendOnce(t.Context(), other.ID, Entry{ID: "one"}); err != nil || !isNew {
		t.Errorf("in another room: fresh %t, %v", isNew, err)
	}
	if _, isNew, err := j.AppendOnce(t.Context(), r.ID, Entry{ID: derived[0].ID[:16] + "zz"}); err != nil || !isNew {
		t.Errorf("an id that nobody has: fresh %t, %v", isNew, err)
	}
}

func TestReplace(t *testing.T) {
	j := open(t, t.TempDir())
	r := makeRoom(t, j, "room")
	from := func(link int64, body string) Entry { return Entry{From: "peer", Link: link, Body: []byte(body)} }
	mustAppend(t, j, r.ID, from(1, "a"), from(2, "b"), Entry{Link: 1, Body: []byte("mine")}, from(1, "c"))
	before, _ := j.Read(t.Context(), r.ID, 0, 10, 1<<20)
	if err := j.Replace(t.Context(), r.ID, 1, []Entry{from(1, "ac")}); err != nil {
		t.Fatal(err)
	}
	if err := j.Replace(t.Context(), r.ID, 2, nil); err != nil {
		t.Fatal(err)
	}
	for _, e := range before {
		if e.Replaced {
			t.Errorf("%q changed after it was handed out", e.Body)
		}
	}
	for _, where := range []string{"memory", "database"} {
		var got []string
		for _, e := range all(t, j, r.ID) {
			got = append(got, fmt.Sprintf("%d %s %t", e.Offset, e.Body, e.Replaced))
		}
		want := []string{"1 a true", "2 b true", "3 mine false", "4 c true", "5 ac false"}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", where, got, want)
		}
		j = reopen(t, j)
	}
}

// TestReplaceInOneCommit has an append and the replacement of what it appended in one transaction.
func TestReplaceInOneCommit(t *testing.T) {
	j := open(t, t.TempDir())
	r := makeRoom(t, j, "room")
	release := hold(j)
	var wg sync.WaitGroup
	wg.Go(func() { mustAppend(t, j, r.ID, Entry{From: "peer", Link: 1, Body: []byte("a")}) })
	waitQueued(j, 1)
	wg.Go(func() {
		if err := j.Replace(t.Context(), r.ID, 1, []Entry{{From: "peer", Link: 1, Body: []byte("b")}}); err != nil {
			t.Error(err)
		}
	})
	waitQueued(j, 2)
	release()
	wg.Wait()
	for _, where := range []string{"memory", "database"} {
		es := all(t, j, r.ID)
		if len(es) != 2 || !es[0].Replaced || es[1].Replaced {
			t.Errorf("%s: %+v", where, es)
		}
		j = reopen(t, j)
	}
}

func TestClosed(t *testing.T) {
	j := open(t, t.TempDir())
	r := makeRoom(t, j, "room")
	f := j.Follow()
	mustAppend(t, j, r.ID, texts("a")...)
	for range 2 {
		if err := j.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if b, err := f.Next(t.Context()); err != nil || len(b.Rooms) != 1 { // what was committed before
		t.Errorf("follow: %+v, %v", b, err)
	}
	ctx := t.Context()
	for what, call := range map[string]func() error{
		"Append":      func() error { _, err := j.Append(ctx, r.ID, texts("b")); return err },
		"Append none": func() error { _, err := j.Append(ctx, 99, texts("b")); return err },
		"AppendOnce":  func() error { _, _, err := j.AppendOnce(ctx, r.ID, Entry{ID: "x"}); return err },
		"Read":        func() error { _, err := j.Read(ctx, r.ID, 0, 1, 1); return err },
		"ReadBack":    func() error { _, err := j.ReadBack(ctx, r.ID, 0, 1); return err },
		"Rooms":       func() error { _, err := j.Rooms(ctx, 1); return err },
		"FindRoom":    func() error { _, _, err := j.FindRoom(ctx, "x"); return err },
		"NewRoom":     func() error { _, err := j.NewRoom(ctx, Room{Name: "x"}); return err },
		"Links":       func() error { _, err := j.Links(ctx, 0, 1); return err },
		"Notes":       func() error { _, err := j.Notes(ctx, 0, "", 1); return err },
		"Cursors":     func() error { _, err := j.Cursors(ctx, r.ID); return err },
		"Fates":       func() error { _, err := j.Fates(ctx, r.ID); return err },
		"Settle":      func() error { return j.Settle(ctx, Fate{Room: r.ID, First: 1, Last: 1}) },
		"Next":        func() error { _, err := f.Next(ctx); return err },
		"Follow":      func() error { _, err := j.Follow().Next(ctx); return err },
	} {
		if err := call(); !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v, want %v", what, err, ErrClosed)
		}
	}
	j.Note(Note{})
	j.BeginLink(Link{})
	j.SaveCursor(Cursor{})
}
