package journal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sample makes a journal of 2,000 messages in two rooms and returns its bytes and, if it was not closed, its
// write-ahead log's. Message n of a room is "room n" and padding.
func sample(t *testing.T, closed bool) (db, wal []byte) {
	t.Helper()
	dir := t.TempDir()
	j := open(t, dir)
	for _, name := range []string{"a", "b"} {
		r := makeRoom(t, j, name)
		for i := range 100 {
			var es []Entry
			for k := range 10 {
				size := 50
				if k == 0 {
					size = 6000 // reaches over pages
				}
				es = append(es, Entry{From: "peer", Codec: "lines", Body: fmt.Appendf(nil, "%s %d %0*d", name, i*10+k+1, size, 0)})
			}
			mustAppend(t, j, r.ID, es...)
		}
	}
	if closed {
		must(t, j.Close())
		return read(t, dbPath(dir)), nil
	}
	return read(t, dbPath(dir)), read(t, dbPath(dir)+"-wal")
}

// try opens a folder and uses everything in it. It returns how many messages could be read, and the first error.
func try(t *testing.T, dir string) (n int, err error) {
	t.Helper()
	j, err := Open(dir)
	if err != nil {
		return 0, err
	}
	defer j.Close()
	ctx := context.Background()
	rooms, err := j.Rooms(ctx, 10)
	keep := func(e error) {
		if err == nil {
			err = e
		}
	}
	for _, r := range rooms {
		for after := int64(0); ; {
			es, e := j.Read(ctx, r.ID, after, 64, 1<<20)
			if keep(e); len(es) == 0 {
				break
			}
			n += len(es)
			after = es[len(es)-1].Offset
		}
		_, e := j.Cursors(ctx, r.ID)
		keep(e)
		_, e = j.Append(ctx, r.ID, texts("new"))
		keep(e)
	}
	_, e := j.Links(ctx, 0, 10)
	keep(e)
	_, e = j.Notes(ctx, 0, "", 10)
	keep(e)
	return n, err
}

// salvage counts what Salvage gives back, and checks that it is what was stored.
func salvage(t *testing.T, dir string) (n int, lost string) {
	t.Helper()
	before := files(t, dir)
	seen := map[string]bool{}
	lost, err := Salvage(dir, func(room string, e Entry) error {
		key := fmt.Sprint(room, " ", e.Offset)
		if !strings.HasPrefix(string(e.Body), fmt.Sprint(strings.TrimPrefix(room, "room "), " ", e.Offset, " ")) && !strings.HasPrefix(room, "room ") || seen[key] {
			t.Errorf("salvaged %s: %.30q", key, e.Body)
		}
		seen[key] = true
		return nil
	})
	if err != nil && !errors.Is(err, ErrUnreadable) {
		t.Errorf("salvage: %v", err)
	}
	for name, data := range before {
		if !strings.HasSuffix(name, "-shm") && string(read(t, filepath.Join(dir, name))) != data {
			t.Errorf("salvage changed %s", name)
		}
	}
	return len(seen), lost
}

// TestTruncated cuts the database at many places: opening says that it is damaged and changes nothing, and most of
// what is left is salvaged.
func TestTruncated(t *testing.T) {
	db, _ := sample(t, true)
	var cuts []int
	for i := range 24 {
		cuts = append(cuts, len(db)*i/24+i%3*997)
	}
	for _, cut := range append(cuts, 1, 16, 99, 100, 511, 512, 1000, 4095, 4096, 4097, len(db)-1) {
		if cut == 0 {
			continue
		}
		t.Run(fmt.Sprint(cut), func(t *testing.T) {
			dir := t.TempDir()
			write(t, dbPath(dir), db[:cut])
			_, err := Open(dir)
			var damaged *DamagedError
			if !errors.As(err, &damaged) || damaged.Path != dbPath(dir) {
				t.Errorf("opened with %v", err)
			}
			if string(read(t, dbPath(dir))) != string(db[:cut]) {
				t.Error("opening changed the file")
			}
			n, lost := salvage(t, dir)
			if n > 2000 || n+100 < 2000*(cut-16*4096)/len(db) { // all tables but the messages are small and come first
				t.Errorf("%d salvaged of a file of %d of %d bytes; lost: %s", n, cut, len(db), lost)
			}
		})
	}
}

// TestFlipped flips bytes in random pages: nothing panics, what is handed out as an error is a DamagedError, and
// what Salvage finds is at least what reading found.
func TestFlipped(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long, and longer under the race detector")
	}
	db, _ := sample(t, true)
	opened, refused, whole := 0, 0, 0
	for seed := range uint64(150) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		bad := slices.Clone(db)
		for range 1 + rnd.IntN(3) { // pages
			page := rnd.IntN(len(db) / pageSize)
			if seed%5 == 0 {
				page = rnd.IntN(12) // those at the beginning say more
			}
			for range 1 + rnd.IntN(20) {
				at := rnd.IntN(pageSize)
				if seed%2 == 0 {
					at = rnd.IntN(120) // so do the heads of pages
				}
				bad[page*pageSize+at] ^= byte(1 + rnd.IntN(255))
			}
		}
		dir := t.TempDir()
		write(t, dbPath(dir), bad)
		found := map[string]bool{}
		lost, serr := Salvage(dir, func(room string, e Entry) error {
			found[fmt.Sprint(room, " ", e.Offset)] = true
			return nil
		})
		n, err := try(t, dir)
		var damaged *DamagedError
		if err != nil && !errors.As(err, &damaged) {
			t.Errorf("seed %d: %v", seed, err)
		}
		if serr != nil && !errors.Is(serr, ErrUnreadable) {
			t.Errorf("seed %d: salvage: %v", seed, serr)
		}
		switch {
		case n > 0:
			opened++
		default:
			refused++
		}
		if n == 2000 {
			whole++
		}
		if len(found) < n && serr == nil && lost == "" {
			t.Errorf("seed %d: read %d, salvaged %d, lost: %s", seed, n, len(found), lost)
		}
	}
	t.Logf("of 150 journals %d were read, %d of them whole, %d not at all", opened, whole, refused)
	if opened == 0 || whole == opened {
		t.Error("the damage is of one kind only")
	}
}

// TestSalvageFindsTheEdge damages one page in the middle of a room: what is lost is what was in it, not more.
func TestSalvageFindsTheEdge(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	r := makeRoom(t, j, "a")
	var es []Entry
	for i := range 5000 {
		es = append(es, Entry{Body: fmt.Appendf(nil, "a %d %070d", i+1, 0)})
	}
	mustAppend(t, j, r.ID, es...)
	must(t, j.Close())
	db := read(t, dbPath(dir))
	page := strings.Index(string(db), "a 2500 ") / pageSize * pageSize
	inPage := strings.Count(string(db[page:page+pageSize]), "a 2")
	clear(db[page : page+pageSize])
	write(t, dbPath(dir), db)
	n, lost := salvage(t, dir)
	if n != 5000-inPage || lost != fmt.Sprint(inPage, " messages") {
		t.Errorf("salvaged %d of 5000, %d were in the page; lost: %s", n, inPage, lost)
	}
}

// TestDamagedLog damages a write-ahead log that a crash has left. What was promised and cannot be read any more is
// not dropped in silence; what may be an unfinished commit is.
func TestDamagedLog(t *testing.T) {
	db, wal := sample(t, false)
	frames := (len(wal) - 32) / (24 + pageSize)
	frame := func(n int) int { return 32 + n*(24+pageSize) }
	last := frames - 1 // of the last commit's frames the last, which is the commit
	prev := last - 1
	for wal[frame(prev)+4]|wal[frame(prev)+5]|wal[frame(prev)+6]|wal[frame(prev)+7] == 0 {
		prev--
	}
	flip := func(at int) func([]byte) []byte { return func(b []byte) []byte { b[at] ^= 0x40; return b } }
	for _, c := range []struct {
		name  string
		spoil func([]byte) []byte
		whole int // messages; -1: refused
	}{
		{"nothing", func(b []byte) []byte { return b }, 2000},
		{"the head", flip(9), -1},
		{"the head's checksum", flip(31), -1},
		{"a page at the beginning", flip(frame(3) + 24 + 99), -1},
		{"a frame's head at the beginning", flip(frame(3) + 17), -1},
		{"a page in the middle", flip(frame(frames/2) + 24 + 4000), -1},
		{"the commit before the last", flip(frame(prev) + 24 + 1), -1},
		{"the head of the commit before the last", flip(frame(prev) + 9), 1980}, // cannot be told from an unfinished one
		{"a page of the commit before the last", flip(frame(prev-1) + 24 + 1), -1},
		{"the last commit's page", flip(frame(last) + 24 + 5), 1990},
		{"cut in the last commit", func(b []byte) []byte { return b[:frame(last)+100] }, 1990},
		{"cut behind the head", func(b []byte) []byte { return b[:32] }, 0},
		{"cut in the head", func(b []byte) []byte { return b[:20] }, 0},
		{"zeros behind the end", func(b []byte) []byte { return append(b, make([]byte, 3*(24+pageSize)+7)...) }, 2000},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dbPath(dir), db)
			write(t, dbPath(dir)+"-wal", c.spoil(slices.Clone(wal)))
			before := files(t, dir)
			n, err := 0, error(nil)
			if c.whole < 0 {
				_, err = Open(dir)
				var damaged *DamagedError
				if !errors.As(err, &damaged) || !strings.HasSuffix(damaged.Path, "-wal") {
					t.Errorf("opened with %v", err)
				}
				for name, data := range before {
					if string(read(t, filepath.Join(dir, name))) != data {
						t.Errorf("opening changed %s", name)
					}
				}
				salvage(t, dir)
				return
			}
			if n, err = try(t, dir); n != c.whole || err != nil {
				t.Errorf("read %d, want %d; %v", n, c.whole, err)
			}
			intact(t, dir)
		})
	}
}
