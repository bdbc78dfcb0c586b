package journal

import (
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
	o := &op{entries: 1, size: 128 + len(n.Data)}
	o.do = func(t *tx) error {
		if n.Seq == 0 {
			j.mu.Lock()
			j.seq++
			n.Seq = j.seq
			j.mu.Unlock()
		}
		if _, err := t.tx.Exec("INSERT OR REPLACE INTO notes VALUES (?,?,?,?,?,?,?)", n.Seq, n.Time.UnixMicro(), n.Kind, n.Room, n.At, n.Link, n.Data); err != nil {
			return err
		}
		if n.Seq%1024 == 0 {
			_, err := t.tx.Exec("DELETE FROM notes WHERE seq <= ?", n.Seq-notesKept)
			return err
		}
		return nil
	}
	o.published = func(*tx) {
		if n.Seq == 0 {
			j.seq++
			n.Seq = j.seq
		}
		j.notes = append(j.notes, n)
		if len(j.notes) > 2*notesInMemory {
			j.notes = slices.Clone(j.notes[notesInMemory:])
		}
		for f := range j.followers {
			f.noted = n.Seq
			f.nudge()
		}
	}
	j.writer.add(o)
}

// Notes returns the newest notes, newest first.
func (j *Journal) Notes(ctx context.Context, limit int) ([]Note, error) {
	return j.queryNotes(ctx, "ORDER BY seq DESC LIMIT ?", limit)
}

func (j *Journal) queryNotes(ctx context.Context, where string, args ...any) ([]Note, error) {
	rows, err := j.r.QueryContext(ctx, "SELECT seq, time, kind, room, at, link, data FROM notes "+where, args...)
	if err != nil {
		return nil, explain(j.dir, err)
	}
	defer rows.Close()
	var out []Note
	for rows.Next() {
		var n Note
		var micro int64
		if err := rows.Scan(&n.Seq, &micro, &n.Kind, &n.Room, &n.At, &n.Link, &n.Data); err != nil {
			return nil, explain(j.dir, err)
		}
		n.Time = time.UnixMicro(micro)
		out = append(out, n)
	}
	return out, explain(j.dir, rows.Err())
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
	noted int64 // the newest note
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
	f := &Follower{j: j, wake: make(chan struct{}, 1), gone: make(chan struct{}), rooms: map[int64]Mark{}}
	if n := len(j.notes); n > 0 {
		f.seq = j.notes[n-1].Seq
	} else {
		f.seq = j.seq
	}
	f.noted = f.seq
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
		if len(f.rooms) > 0 || f.noted > f.seq {
			b, lost := f.take()
			f.j.mu.Unlock()
			if !lost {
				return b, nil
			}
			return f.reread(ctx)
		}
		f.j.mu.Unlock()
		select {
		case <-f.wake:
		case <-f.gone:
			return Batch{}, f.err
		case <-ctx.Done():
			return Batch{}, ctx.Err()
		}
	}
}

// take is called under Journal.mu. lost says that notes must be read from the database first.
func (f *Follower) take() (b Batch, lost bool) {
	notes := f.j.notes
	i := sort.Search(len(notes), func(i int) bool { return notes[i].Seq > f.seq })
	if f.noted > f.seq && (i == len(notes) || i == 0 && notes[0].Seq > f.seq+1) && f.seq != 0 && len(notes) >= notesInMemory {
		return b, true
	}
	b.Notes = slices.Clone(notes[i:])
	f.seq = f.noted
	for _, m := range f.rooms {
		b.Rooms = append(b.Rooms, m)
	}
	clear(f.rooms)
	slices.SortFunc(b.Rooms, func(a, b Mark) int { return int(a.Room - b.Room) })
	return b, false
}

// reread reads the next notes from the database. The rooms' news waits until the notes have caught up.
func (f *Follower) reread(ctx context.Context) (Batch, error) {
	ns, err := f.j.queryNotes(ctx, "WHERE seq > ? ORDER BY seq LIMIT ?", f.seq, notesAtOnce)
	if err != nil {
		return Batch{}, err
	}
	f.j.mu.Lock()
	defer f.j.mu.Unlock()
	if len(ns) == 0 { // trimmed, or never kept: go on with what is in memory
		f.seq = f.j.notes[0].Seq - 1
		b, _ := f.take()
		return b, nil
	}
	f.seq = ns[len(ns)-1].Seq
	// Entries that these notes come after are taken from the rooms' marks, which stay.
	var rooms []Mark
	for _, n := range ns {
		if m, ok := f.rooms[n.Room]; ok && m.After < n.At {
			rooms = append(rooms, m)
			delete(f.rooms, n.Room)
		}
	}
	return Batch{Notes: ns, Rooms: rooms}, nil
}
