package journal

import (
	"cmp"
	"context"
	"slices"
	"sort"
	"sync"
	"time"
)

const (
	notesInMemory = 4096
	notesKept     = 100_000
	notesAtOnce   = 1000
)

// Note is a record of something that happened.
type Note struct {
	Seq  int64
	Time time.Time
	Kind string
	Room int64 // 0: none
	At   int64 // the room's last offset when it was noted
	Link int64
	Data []byte
}

// Note keeps a note. It waits for nothing: the note joins the next commit, in order with appends before and
// after it. Followers see it after that commit was tried, even if it failed: then it is only in memory.
func (j *Journal) Note(n Note) {
	if n.Time.IsZero() {
		n.Time = time.Now()
	}
	number := func() { // under Journal.mu
		if n.Seq == 0 {
			j.seq++
			n.Seq = j.seq
		}
	}
	show := func() {
		number()
		j.noted = n.Seq
		j.notes = append(j.notes, n)
		if len(j.notes) > 2*notesInMemory {
			j.let = j.notes[notesInMemory-1].Seq
			j.notes = slices.Clone(j.notes[notesInMemory:])
		}
		for f := range j.followers {
			f.nudge()
		}
	}
	j.writer.add(j.ctx, &op{entries: 1, size: 128 + len(n.Data), do: func(t *tx) error {
		j.mu.Lock()
		number()
		j.mu.Unlock()
		if _, err := j.writer.stmts.note.Exec(n.Seq, n.Time.UnixMicro(), n.Kind, n.Room, n.At, n.Link, notNull(n.Data)); err != nil {
			return err
		}
		if n.Seq%1024 == 0 {
			_, err := t.exec("DELETE FROM notes WHERE seq <= ?", n.Seq-notesKept)
			return err
		}
		return nil
	}, published: func(*tx) { show() }, failed: show})
}

// Notes returns the newest notes but for one kind, newest first: of one room, or of all when room is 0.
func (j *Journal) Notes(ctx context.Context, room int64, but string, limit int) ([]Note, error) {
	return j.queryNotes(ctx, "WHERE kind <> ? AND ? IN (0, room) ORDER BY seq DESC LIMIT ?", but, room, max(limit, 0))
}

func (j *Journal) queryNotes(ctx context.Context, where string, args ...any) ([]Note, error) {
	rows, err := j.r.QueryContext(ctx, "SELECT seq, time, kind, room, at, link, data FROM notes "+where, args...)
	if err != nil {
		return nil, j.explain(err)
	}
	defer rows.Close()
	var out []Note
	for rows.Next() {
		var n Note
		var micro int64
		if err := rows.Scan(&n.Seq, &micro, &n.Kind, &n.Room, &n.At, &n.Link, &n.Data); err != nil {
			return nil, j.unreadable(err)
		}
		n.Time = time.UnixMicro(micro)
		out = append(out, n)
	}
	return out, j.explain(rows.Err())
}

// Follower is a cursor over everything that is committed. It remembers positions only: one that is slow costs
// as much as the number of rooms that changed.
type Follower struct {
	j    *Journal
	wake chan struct{}
	once sync.Once
	gone chan struct{}

	// under Journal.mu
	seq   int64 // the last note that was handed out
	rooms map[int64]Mark
	err   error
}

// Mark says that a room has entries After+1 to Last that are new to the follower.
type Mark struct{ Room, After, Last int64 }

// Batch is what happened between two instants: both lists end at the same one. A note's At says how many of the
// room's entries were there before it.
type Batch struct {
	Notes []Note
	Rooms []Mark
}

// Follow returns a follower of everything from now on. Close it.
func (j *Journal) Follow() *Follower {
	j.mu.Lock()
	defer j.mu.Unlock()
	f := &Follower{j: j, wake: make(chan struct{}, 1), gone: make(chan struct{}), rooms: map[int64]Mark{}, seq: j.noted}
	if j.ended {
		f.end(ErrClosed)
	}
	j.followers[f] = struct{}{}
	return f
}

// Close ends the follower; Next returns ErrClosed from then on.
func (f *Follower) Close() {
	f.j.mu.Lock()
	delete(f.j.followers, f)
	f.end(ErrClosed)
	f.j.mu.Unlock()
}

// end is called under Journal.mu.
func (f *Follower) end(err error) {
	f.once.Do(func() {
		f.err = err
		close(f.gone)
	})
}

func (f *Follower) nudge() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// room notes, under Journal.mu, that a room has new entries.
func (f *Follower) room(room, after, last int64) {
	if m, ok := f.rooms[room]; ok {
		after = m.After
	}
	f.rooms[room] = Mark{room, after, last}
}

// Next waits until something is new and returns it. A note that memory has let go is read from the database.
func (f *Follower) Next(ctx context.Context) (Batch, error) {
	for {
		f.j.mu.Lock()
		lost := f.seq < f.j.let
		if !lost && (len(f.rooms) > 0 || f.seq < f.j.noted) {
			b := f.take()
			f.j.mu.Unlock()
			return b, nil
		}
		upto := f.j.let
		f.j.mu.Unlock()
		if lost {
			b, err := f.reread(ctx, upto)
			if err != nil || len(b.Notes) > 0 {
				return b, err
			}
			continue
		}
		select {
		case <-f.wake:
		case <-f.gone:
			return Batch{}, f.err
		case <-ctx.Done():
			return Batch{}, ctx.Err()
		}
	}
}

// take is called under Journal.mu.
func (f *Follower) take() (b Batch) {
	notes := f.j.notes
	i := sort.Search(len(notes), func(i int) bool { return notes[i].Seq > f.seq })
	b.Notes = slices.Clone(notes[i:])
	f.seq = f.j.noted
	for _, m := range f.rooms {
		b.Rooms = append(b.Rooms, m)
	}
	clear(f.rooms)
	slices.SortFunc(b.Rooms, byRoom)
	return b
}

func byRoom(a, b Mark) int { return cmp.Compare(a.Room, b.Room) }

// reread reads the next notes up to one from the database, which may have trimmed or never had some of them.
// Of the rooms' news it takes what comes before these notes; the rest waits for its turn.
func (f *Follower) reread(ctx context.Context, upto int64) (b Batch, err error) {
	b.Notes, err = f.j.queryNotes(ctx, "WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?", f.seq, upto, notesAtOnce)
	if err != nil {
		return Batch{}, err
	}
	f.j.mu.Lock()
	defer f.j.mu.Unlock()
	if len(b.Notes) < notesAtOnce {
		f.seq = upto
	} else {
		f.seq = b.Notes[len(b.Notes)-1].Seq
	}
	before := map[int64]int64{}
	for _, n := range b.Notes {
		before[n.Room] = max(before[n.Room], n.At)
	}
	for room, at := range before {
		m, ok := f.rooms[room]
		if !ok || m.After >= at {
			continue
		}
		if at < m.Last {
			f.rooms[room] = Mark{room, at, m.Last}
			m.Last = at
		} else {
			delete(f.rooms, room)
		}
		b.Rooms = append(b.Rooms, m)
	}
	slices.SortFunc(b.Rooms, byRoom)
	return b, nil
}
