package journal

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"
)

const tailBytes = 4 << 20 // what all rooms together keep in memory, about

// tail holds the newest entries of all rooms, for readers at the tip. Guarded by Journal.mu.
type tail struct {
	rooms map[int64]*roomTail
	order []tailPart // oldest first
	bytes int
}

type tailPart struct {
	room int64
	last int64
	size int
}

// roomTail is an unbroken stretch of a room's entries up to its last, in the pieces in which they came.
type roomTail struct{ pieces [][]Entry }

// add keeps a commit's entries, and lets the oldest of all go when there are too many.
func (t *tail) add(room int64, es []Entry) {
	rt := t.rooms[room]
	if rt == nil {
		rt = &roomTail{}
		t.rooms[room] = rt
	}
	rt.pieces = append(rt.pieces, es)
	size := sizeOf(es)
	t.order = append(t.order, tailPart{room, es[len(es)-1].Offset, size})
	t.bytes += size
	for t.bytes > tailBytes && len(t.order) > 1 {
		p := t.order[0]
		t.order = t.order[1:]
		t.bytes -= p.size
		rt := t.rooms[p.room]
		for rt != nil && len(rt.pieces) > 0 && rt.pieces[0][len(rt.pieces[0])-1].Offset <= p.last {
			rt.pieces = rt.pieces[1:]
		}
		if rt != nil && len(rt.pieces) == 0 {
			delete(t.rooms, p.room)
		}
	}
}

// drop forgets a room's entries, when some of them have changed.
func (t *tail) drop(room int64) { delete(t.rooms, room) }

// read returns entries after an offset; ok is false when they are not in memory.
func (t *tail) read(room, after int64, limit, maxBytes int) (es []Entry, ok bool) {
	rt := t.rooms[room]
	if rt == nil || len(rt.pieces) == 0 || rt.pieces[0][0].Offset > after+1 {
		return nil, false
	}
	i, found := slices.BinarySearchFunc(rt.pieces, after+1, func(p []Entry, at int64) int {
		switch {
		case p[len(p)-1].Offset < at:
			return -1
		case p[0].Offset > at:
			return 1
		}
		return 0
	})
	if !found {
		return nil, true // after is at the tip
	}
	p := rt.pieces[i]
	p = p[after+1-p[0].Offset:]
	if len(p) >= limit || i == len(rt.pieces)-1 {
		return cut(p, limit, maxBytes), true
	}
	for ; i < len(rt.pieces) && len(es) < limit; i++ {
		q := rt.pieces[i]
		if es == nil {
			q = p
		}
		es = append(es, q...)
	}
	return cut(es, limit, maxBytes), true
}

// cut bounds a stretch of entries; the first is always in it.
func cut(es []Entry, limit, maxBytes int) []Entry {
	if len(es) > limit {
		es = es[:limit]
	}
	n := 0
	for i := range es {
		if n += len(es[i].Body) + len(es[i].Wire); n > maxBytes && i > 0 {
			return es[:i]
		}
	}
	return es
}

const entryColumns = `m.key, m.time, m.link, coalesce(s.name, ''), coalesce(c.name, ''), coalesce(e.name, ''), m.flags, m.id, m.body, m.wire
	FROM messages m LEFT JOIN names s ON s.id = m.sender LEFT JOIN names c ON c.id = m.codec LEFT JOIN names e ON e.id = m.encoding`

// Read returns entries of a room after an offset, oldest first: at most limit, and not many more bytes than
// maxBytes, but at least one if there is one. The entries must not be changed.
func (j *Journal) Read(ctx context.Context, room, after int64, limit, maxBytes int) ([]Entry, error) {
	if limit <= 0 {
		return nil, nil
	}
	after = max(after, 0)
	s, err := j.state(ctx, room)
	if err != nil {
		return nil, err
	}
	j.mu.Lock()
	if after >= s.room.Last {
		j.mu.Unlock()
		return nil, nil
	}
	es, ok := j.tail.read(room, after, limit, maxBytes)
	last := s.room.Last
	j.mu.Unlock()
	if ok {
		return es, nil
	}
	return j.query(ctx, s, "WHERE m.key > ? AND m.key <= ? ORDER BY m.key LIMIT ?", maxBytes, room<<40|after, room<<40|last, limit)
}

// ReadBack returns the limit newest entries before an offset (0: before the end), oldest first.
func (j *Journal) ReadBack(ctx context.Context, room, before int64, limit int) ([]Entry, error) {
	s, err := j.state(ctx, room)
	if err != nil {
		return nil, err
	}
	j.mu.Lock()
	last := s.room.Last
	j.mu.Unlock()
	if before > 0 {
		last = min(last, before-1)
	}
	es, err := j.query(ctx, s, "WHERE m.key > ? AND m.key <= ? ORDER BY m.key DESC LIMIT ?", 16<<20, room<<40, room<<40|last, limit)
	slices.Reverse(es)
	return es, err
}

func (j *Journal) query(ctx context.Context, s *roomState, where string, maxBytes int, args ...any) ([]Entry, error) {
	rows, err := j.r.QueryContext(ctx, "SELECT "+entryColumns+" "+where, args...)
	if err != nil {
		return nil, explain(j.dir, err)
	}
	defer rows.Close()
	var es []Entry
	n := 0
	for rows.Next() && (n <= maxBytes || len(es) == 0) {
		e, err := scanEntry(rows, s)
		if err != nil {
			return nil, explain(j.dir, err)
		}
		es = append(es, e)
		n += len(e.Body) + len(e.Wire)
	}
	return es, explain(j.dir, rows.Err())
}

func scanEntry(rows *sql.Rows, s *roomState) (Entry, error) {
	var e Entry
	var key, micro, flags int64
	var id sql.NullString
	err := rows.Scan(&key, &micro, &e.Link, &e.From, &e.Codec, &e.Encoding, &flags, &id, &e.Body, &e.Wire)
	if err != nil {
		return e, err
	}
	e.Offset = key & maxOffset
	e.Time = time.UnixMicro(micro)
	e.Partial, e.Replaced = flags&flagPartial != 0, flags&flagReplaced != 0
	if e.ID = id.String; !id.Valid {
		e.ID = s.id(e.Offset)
	}
	return e, nil
}

// MakeRoom returns the room of a name, made as given if there is none.
func (j *Journal) MakeRoom(ctx context.Context, r Room) (Room, error) {
	if old, ok, err := j.FindRoom(ctx, r.Name); ok || err != nil {
		return old, err
	}
	return j.newRoom(ctx, r, true)
}

// NewRoom makes a room that was not there before: of the given name, or if that is taken of Name.2, Name.3 ….
func (j *Journal) NewRoom(ctx context.Context, r Room) (Room, error) { return j.newRoom(ctx, r, false) }

func (j *Journal) newRoom(ctx context.Context, r Room, share bool) (Room, error) {
	made := &roomState{room: r, salt: newSalt()}
	old := false
	o := &op{entries: 1, size: 256, do: func(t *tx) error {
		old = false
		name := r.Name
		for n := 2; ; n++ {
			s, err := scanRoom(t.tx.QueryRow("SELECT "+roomColumns+" FROM rooms WHERE name = ?", name))
			if err == sql.ErrNoRows {
				break
			}
			if err != nil {
				return err
			}
			if share {
				made, old = s, true
				return nil
			}
			name = fmt.Sprintf("%s.%d", r.Name, n)
		}
		now := t.now.Truncate(time.Microsecond)
		res, err := t.tx.Exec("INSERT INTO rooms (name, codec, encoding, url, shared, dialled, salt, last, created, updated) VALUES (?,?,?,?,?,?,?,0,?,?)",
			name, r.Codec, r.Encoding, r.URL, r.Shared, r.Dialled, made.salt, now.UnixMicro(), now.UnixMicro())
		if err != nil {
			return err
		}
		made.room.Name, made.room.Created, made.room.Updated = name, now, now
		made.room.ID, err = res.LastInsertId()
		return err
	}, published: func(t *tx) {
		if made.room.ID != 0 && j.rooms[made.room.ID] == nil {
			j.rooms[made.room.ID], j.byName[made.room.Name] = made, made
		}
	}}
	if err := j.wait(ctx, o); err != nil {
		return Room{}, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	_ = old
	return j.rooms[made.room.ID].room, nil
}

// SetRoom changes a room's codec, encoding, address or dialled mark.
func (j *Journal) SetRoom(ctx context.Context, id int64, change func(*Room)) error {
	s, err := j.state(ctx, id)
	if err != nil {
		return err
	}
	j.mu.Lock()
	r := s.room
	j.mu.Unlock()
	change(&r)
	return j.wait(ctx, &op{entries: 1, size: 256, do: func(t *tx) error {
		_, err := t.tx.Exec("UPDATE rooms SET codec = ?, encoding = ?, url = ?, dialled = ? WHERE id = ?", r.Codec, r.Encoding, r.URL, r.Dialled, id)
		return err
	}, published: func(*tx) {
		s.room.Codec, s.room.Encoding, s.room.URL, s.room.Dialled = r.Codec, r.Encoding, r.URL, r.Dialled
	}})
}
