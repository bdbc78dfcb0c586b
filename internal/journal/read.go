package journal

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"
)

const (
	tailBytes     = 4 << 20 // what all rooms together keep in memory, about
	namesInMemory = 4096
)

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
			rt.pieces[0] = nil
			rt.pieces = rt.pieces[1:]
		}
		if rt != nil && len(rt.pieces) == 0 {
			delete(t.rooms, p.room)
		}
	}
}

// trim forgets a room's entries up to one.
func (t *tail) trim(room, upto int64) {
	rt := t.rooms[room]
	for rt != nil && len(rt.pieces) > 0 && rt.pieces[0][0].Offset <= upto {
		p := rt.pieces[0]
		if p[len(p)-1].Offset > upto {
			rt.pieces[0] = p[upto+1-p[0].Offset:]
			return
		}
		rt.pieces[0] = nil
		rt.pieces = rt.pieces[1:]
	}
	if rt != nil && len(rt.pieces) == 0 {
		delete(t.rooms, room)
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
	n, k := 0, 0
	for ; k < len(es) && k < limit; k++ {
		if n += len(es[k].Body) + len(es[k].Wire); n > maxBytes && k > 0 {
			break
		}
	}
	return es[:k:k]
}

const entryColumns = "key, time, link, sender, codec, encoding, flags, id, body, wire, name, meta"

// readStatements are those of the readers that are used all the time.
type readStatements struct{ on, back, name *sql.Stmt }

func (j *Journal) prepareReads() (err error) {
	if j.reads.on, err = j.r.Prepare("SELECT " + entryColumns + " FROM messages WHERE key > ? AND key <= ? ORDER BY key LIMIT ?"); err != nil {
		return err
	}
	if j.reads.back, err = j.r.Prepare("SELECT " + entryColumns + " FROM messages WHERE key > ? AND key <= ? ORDER BY key DESC LIMIT ?"); err != nil {
		return err
	}
	j.reads.name, err = j.r.Prepare("SELECT name FROM names WHERE id = ?")
	return err
}

// Read returns entries of a room after an offset, oldest first: at most limit, and at most maxBytes of bytes, but
// at least one entry if there is one. The entries must not be changed.
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
	last := s.room.Last
	if after >= last {
		j.mu.Unlock()
		return nil, nil
	}
	es, ok := j.tail.read(room, after, limit, maxBytes)
	j.mu.Unlock()
	if ok {
		return es, nil
	}
	es, err = j.query(ctx, s, j.reads.on, after, last, limit, maxBytes)
	return cut(es, limit, maxBytes), err
}

// Own is which of a stretch of a room are this node's own entries.
type Own struct{ First, Last, Count int64 } // all 0 when none is

// Own looks which of the entries first to last of a room are this node's own, without reading what they say.
func (j *Journal) Own(ctx context.Context, room, first, last int64) (own Own, err error) {
	err = j.r.QueryRowContext(ctx, "SELECT coalesce(min(key), 0) & ?, coalesce(max(key), 0) & ?, count(*) FROM messages WHERE key BETWEEN ? AND ? AND sender = 0",
		int64(maxOffset), int64(maxOffset), room<<40|first, room<<40|last).Scan(&own.First, &own.Last, &own.Count)
	return own, j.explain(err)
}

// Weight is how many bytes the entries of a room behind an offset have.
func (j *Journal) Weight(ctx context.Context, room, after int64) (n int64, err error) {
	err = j.r.QueryRowContext(ctx, "SELECT coalesce(sum(length(body)), 0) FROM messages WHERE key > ? AND key <= ?", room<<roomShift|after, room<<roomShift|maxOffset).Scan(&n)
	return n, j.explain(err)
}

// ReadBack returns the limit newest entries before an offset (0: before the end), oldest first. They are fewer
// if they are large.
func (j *Journal) ReadBack(ctx context.Context, room, before int64, limit int) ([]Entry, error) {
	if limit <= 0 {
		return nil, nil
	}
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
	es, err := j.query(ctx, s, j.reads.back, 0, last, limit, backBytes)
	es = cut(es, limit, backBytes)
	slices.Reverse(es)
	return es, err
}

const backBytes = 16 << 20

// query reads entries after one up to another. It is not interrupted once it has begun: its bounds are, and an interrupted connection
// would have to be opened again.
func (j *Journal) query(ctx context.Context, s *roomState, st *sql.Stmt, after, last int64, limit, maxBytes int) ([]Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	base := s.room.ID << roomShift
	rows, err := st.QueryContext(context.WithoutCancel(ctx), base|after, base|last, limit)
	if err != nil {
		return nil, j.explain(err)
	}
	defer rows.Close()
	var es []Entry
	var names [][4]int64
	n := 0
	for rows.Next() && (n <= maxBytes || len(es) == 0) {
		e, ids, err := scanEntry(rows, s)
		if err != nil {
			return nil, j.unreadable(err)
		}
		// A reader that goes on at the last entry's offset relies on this.
		if e.Offset <= after || e.Offset > last {
			return nil, j.unreadable(fmt.Errorf("message %d of %s is out of order", e.Offset, s.room.Name))
		}
		if st == j.reads.on {
			after = e.Offset
		} else {
			last = e.Offset - 1
		}
		es, names = append(es, e), append(names, ids)
		n += len(e.Body) + len(e.Wire)
	}
	if err := rows.Err(); err != nil {
		return nil, j.explain(err)
	}
	rows.Close() // before another query, which may need its connection
	return es, call(es, names, j.name)
}

// call gives entries the names that belong to their numbers.
func call(es []Entry, names [][4]int64, name func(id int64) (string, error)) (err error) {
	for i := range es {
		e := &es[i]
		for k, to := range [...]*string{&e.From, &e.Codec, &e.Encoding, &e.Name} {
			if *to, err = name(names[i][k]); err != nil {
				return err
			}
		}
	}
	return nil
}

// scanEntry reads a row. Its sender, codec and encoding are still numbers of names.
func scanEntry(rows *sql.Rows, s *roomState) (e Entry, names [4]int64, err error) {
	var key, micro, flags int64
	var id sql.NullString
	err = rows.Scan(&key, &micro, &e.Link, &names[0], &names[1], &names[2], &flags, &id, &e.Body, &e.Wire, &names[3], &e.Meta)
	if e.Offset = key - s.room.ID<<roomShift; err == nil && (e.Offset < 1 || e.Offset > maxOffset) {
		err = fmt.Errorf("message %d is not of room %s", key, s.room.Name)
	}
	e.Time = time.UnixMicro(micro)
	e.Partial, e.Replaced = flags&flagPartial != 0, flags&flagReplaced != 0
	if e.ID = id.String; !id.Valid {
		e.ID = s.id(e.Offset)
	}
	return e, names, err
}

// name is the name of a number.
func (j *Journal) name(id int64) (string, error) {
	if id == 0 {
		return "", nil
	}
	j.namesMu.Lock()
	name, ok := j.names[id]
	j.namesMu.Unlock()
	if ok {
		return name, nil
	}
	if err := j.reads.name.QueryRow(id).Scan(&name); err != nil {
		return "", j.unreadable(fmt.Errorf("read name %d: %w", id, err))
	}
	j.namesMu.Lock()
	defer j.namesMu.Unlock()
	if j.names == nil || len(j.names) >= namesInMemory {
		j.names = map[int64]string{}
	}
	j.names[id] = name
	return name, nil
}
