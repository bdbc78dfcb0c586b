package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	flagPartial  = 1
	flagReplaced = 2
	rowsAtOnce   = 64 // rows of one INSERT: less work in the driver for each
	columns      = 10
	maxOffset    = 1<<40 - 1
	entryBytes   = 200 // what an entry takes in memory beside its bytes, about
)

// statements are the writer's, prepared once.
type statements struct {
	one, many, id, findID, room, cursor, name, findName *sql.Stmt
	names                                               map[string]int64 // the writer's
}

func (j *Journal) prepare() error {
	s := &j.writer.stmts
	s.names = map[string]int64{"": 0}
	insert := "INSERT INTO messages VALUES "
	row := "(" + strings.Repeat("?,", columns-1) + "?)"
	for _, p := range []struct {
		to   **sql.Stmt
		text string
	}{
		{&s.one, insert + row},
		{&s.many, insert + strings.Repeat(row+",", rowsAtOnce-1) + row},
		{&s.id, "INSERT INTO ids VALUES (?, ?, ?)"},
		{&s.findID, "SELECT offset FROM ids WHERE room = ? AND id = ?"},
		{&s.room, "UPDATE rooms SET last = ?, updated = ? WHERE id = ?"},
		{&s.cursor, "INSERT OR REPLACE INTO cursors VALUES (?, ?, ?, ?, ?)"},
		{&s.name, "INSERT INTO names (name) VALUES (?)"},
		{&s.findName, "SELECT id FROM names WHERE name = ?"},
	} {
		var err error
		if *p.to, err = j.w.Prepare(p.text); err != nil {
			return err
		}
	}
	return nil
}

// nameID is the number of a name that many rows share.
func (t *tx) nameID(name string) (int64, error) {
	s := &t.j.writer.stmts
	if id, ok := s.names[name]; ok {
		return id, nil
	}
	var id int64
	err := t.tx.Stmt(s.findName).QueryRow(name).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		res, err := t.tx.Stmt(s.name).Exec(name)
		if err != nil {
			return 0, err
		}
		if id, err = res.LastInsertId(); err != nil {
			return 0, err
		}
		t.newNames = append(t.newNames, name)
	} else if err != nil {
		return 0, err
	}
	if len(s.names) > 4096 {
		s.names = map[string]int64{"": 0}
	}
	s.names[name] = id
	return id, nil
}

// Append numbers entries behind the room's last and stores them. It returns when they are synced. It fills in
// Offset, Time and ID; Body and Wire are the caller's again when it returns.
func (j *Journal) Append(ctx context.Context, room int64, es []Entry) (first int64, err error) {
	if len(es) == 0 {
		return 0, nil
	}
	s, err := j.state(ctx, room)
	if err != nil {
		return 0, err
	}
	o := &op{entries: len(es), size: sizeOf(es), do: func(t *tx) error { return t.append(s, es, true) }}
	if err := j.wait(ctx, o); err != nil {
		return 0, err
	}
	return es[0].Offset, nil
}

// AppendOnce appends an entry with an ID, unless the room has one of that ID: then it returns that one.
func (j *Journal) AppendOnce(ctx context.Context, room int64, e Entry) (stored Entry, fresh bool, err error) {
	s, err := j.state(ctx, room)
	if err != nil {
		return e, false, err
	}
	var had int64
	es := []Entry{e}
	o := &op{entries: 1, size: sizeOf(es), do: func(t *tx) error {
		had = 0
		err := t.tx.Stmt(j.writer.stmts.findID).QueryRow(room, e.ID).Scan(&had)
		if err == nil || !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		return t.append(s, es, true)
	}}
	if err := j.wait(ctx, o); err != nil {
		return e, false, err
	}
	if had == 0 {
		return es[0], true, nil
	}
	old, err := j.Read(ctx, room, had-1, 1, 1)
	if err != nil || len(old) == 0 {
		return e, false, fmt.Errorf("read message %d: %w", had, err)
	}
	return old[0], false, nil
}

// Replace is what decoding a link's bytes again does: in one commit it marks the entries of that link Replaced
// and appends others in their place.
func (j *Journal) Replace(ctx context.Context, room, link int64, es []Entry) error {
	s, err := j.state(ctx, room)
	if err != nil {
		return err
	}
	o := &op{entries: len(es), size: sizeOf(es), do: func(t *tx) error {
		_, err := t.tx.Exec("UPDATE messages SET flags = flags | ? WHERE key BETWEEN ? AND ? AND link = ? AND sender <> 0",
			flagReplaced, room<<40, room<<40|maxOffset, link)
		if err != nil || len(es) == 0 {
			return err
		}
		return t.append(s, es, true)
	}, published: func(*tx) { j.tail.drop(room) }}
	return j.wait(ctx, o)
}

func sizeOf(es []Entry) (n int) {
	for i := range es {
		n += len(es[i].Body) + len(es[i].Wire) + entryBytes
	}
	return n
}

// append numbers and inserts entries. keep copies their bytes for the readers at the tip.
func (t *tx) append(s *roomState, es []Entry, keep bool) error {
	room := s.room.ID
	last, ok := t.last[room]
	if !ok {
		t.j.mu.Lock()
		last = s.room.Last
		t.j.mu.Unlock()
	}
	if last+int64(len(es)) > maxOffset {
		return fmt.Errorf("room %s is full", s.room.Name)
	}
	now := t.now.Truncate(time.Microsecond)
	for i := range es {
		e := &es[i]
		last++
		e.Offset = last
		e.Time = now
	}
	if err := t.insert(room, es); err != nil {
		return err
	}
	for i := range es {
		if e := &es[i]; e.ID == "" {
			e.ID = s.id(e.Offset)
		} else if _, err := t.tx.Stmt(t.j.writer.stmts.id).Exec(room, e.ID, e.Offset); err != nil {
			return err
		}
	}
	t.last[room] = last
	if keep {
		t.news = append(t.news, news{room, copyEntries(es)})
	}
	return nil
}

// insert writes rows, many with one statement.
func (t *tx) insert(room int64, es []Entry) error {
	s := &t.j.writer.stmts
	many, one := t.tx.Stmt(s.many), t.tx.Stmt(s.one)
	args := t.j.writer.args[:0]
	flush := func(st *sql.Stmt) error {
		_, err := st.Exec(args...)
		clear(args)
		args = args[:0]
		return err
	}
	for i := range es {
		e := &es[i]
		var err error
		if args, err = t.row(args, room, e); err != nil {
			return err
		}
		switch {
		case len(args) == rowsAtOnce*columns:
			err = flush(many)
		case len(es)-i-1+len(args)/columns < rowsAtOnce: // too few are left for a full statement
			for len(args) > 0 && err == nil {
				err = flush(one)
			}
		}
		if err != nil {
			return err
		}
	}
	t.j.writer.args = args[:0]
	return nil
}

func (t *tx) row(args []any, room int64, e *Entry) ([]any, error) {
	var ids [3]int64
	for i, name := range [...]string{e.From, e.Codec, e.Encoding} {
		var err error
		if ids[i], err = t.nameID(name); err != nil {
			return args, err
		}
	}
	var flags int64
	if e.Partial {
		flags |= flagPartial
	}
	if e.Replaced {
		flags |= flagReplaced
	}
	var id, wire any
	if e.ID != "" {
		id = e.ID
	}
	if e.Wire != nil {
		wire = e.Wire
	}
	body := e.Body
	if body == nil {
		body = []byte{}
	}
	return append(args, room<<40|e.Offset, e.Time.UnixMicro(), e.Link, ids[0], ids[1], ids[2], flags, id, body, wire), nil
}

// finish writes what goes along with every commit: rooms' last offsets, cursors that moved.
func (t *tx) finish() error {
	s := &t.j.writer.stmts
	for room, last := range t.last {
		if _, err := t.tx.Stmt(s.room).Exec(last, t.now.UnixMicro(), room); err != nil {
			return err
		}
	}
	t.j.mu.Lock()
	var save []Cursor
	for k := range t.j.dirty {
		save = append(save, t.j.cursors[k])
	}
	clear(t.j.dirty)
	t.j.mu.Unlock()
	for _, c := range save {
		if _, err := t.tx.Stmt(s.cursor).Exec(c.Room, c.Peer, c.Start, c.Written, c.Reached); err != nil {
			return err
		}
	}
	t.saved = save
	return nil
}

// undo takes back what a transaction that failed has changed in memory.
func (t *tx) undo() {
	for _, name := range t.newNames {
		delete(t.j.writer.stmts.names, name)
	}
	t.j.mu.Lock()
	defer t.j.mu.Unlock()
	for _, c := range t.saved {
		t.j.dirty[cursorKey{c.Room, c.Peer}] = true
	}
}

// copyEntries copies entries with their bytes, in one piece.
func copyEntries(es []Entry) []Entry {
	n := 0
	for i := range es {
		n += len(es[i].Body) + len(es[i].Wire)
	}
	buf := make([]byte, 0, n)
	out := slices.Clone(es)
	for i := range out {
		e := &out[i]
		a := len(buf)
		buf = append(buf, e.Body...)
		e.Body = buf[a:len(buf):len(buf)]
		if e.Wire != nil {
			a = len(buf)
			buf = append(buf, e.Wire...)
			e.Wire = buf[a:len(buf):len(buf)]
		}
	}
	return out
}
