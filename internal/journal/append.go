package journal

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"time"
)

const (
	flagPartial  = 1
	flagReplaced = 2
	columns      = 12
	roomShift    = 40 // a message's key is its room << roomShift | offset
	maxOffset    = 1<<roomShift - 1
	entryBytes   = 200 // what an entry takes in memory beside its bytes, about
)

// rowsAtOnce are the rows of one INSERT, the most first: more rows are less work in the driver for each. They are of
// one room: an INSERT of many rows on many pages first writes these to a file of its own, to be able to take itself back.
var rowsAtOnce = [...]int{64, 8, 1}

// statements are the writer's, prepared once.
type statements struct {
	insert                     [len(rowsAtOnce)]driver.Stmt // the driver's own: database/sql copies every argument
	id, findID, room, cursor   *sql.Stmt
	name, findName, link, note *sql.Stmt
	chain, handled, sameID     *sql.Stmt
	inbox, take                *sql.Stmt
	names                      map[string]int64 // the newest that were used
}

// close finishes them. Those of a sql.Conn do not end with it, and SQLite keeps a database open as long as one does.
func (s *statements) close() {
	for _, st := range s.insert {
		if st != nil {
			st.Close()
		}
	}
	for _, st := range []*sql.Stmt{s.id, s.findID, s.room, s.cursor, s.name, s.findName, s.link, s.note, s.chain, s.handled, s.sameID, s.inbox, s.take} {
		if st != nil {
			st.Close()
		}
	}
}

func (j *Journal) prepare(ctx context.Context) error {
	s := &j.writer.stmts
	s.names = map[string]int64{"": 0}
	type statement struct {
		to   **sql.Stmt
		text string
	}
	all := []statement{
		{&s.id, "INSERT INTO ids VALUES (?, ?, ?)"},
		{&s.sameID, "INSERT OR IGNORE INTO ids VALUES (?, ?, ?)"},
		{&s.inbox, "SELECT epoch, n FROM inboxes WHERE peer = ?"},
		{&s.take, "INSERT OR REPLACE INTO inboxes VALUES (?, ?, ?, ?, ?)"},
		{&s.findID, "SELECT offset FROM ids WHERE room = ? AND id = ?"},
		{&s.room, "UPDATE rooms SET last = ?, updated = ?, chain = ? WHERE id = ?"},
		{&s.chain, "INSERT OR REPLACE INTO chains VALUES (?, ?)"},
		{&s.handled, "UPDATE rooms SET handled = ? WHERE id = ?"},
		{&s.cursor, "INSERT OR REPLACE INTO cursors VALUES (?, ?, ?, ?, ?, ?)"},
		{&s.name, "INSERT INTO names (name) VALUES (?)"},
		{&s.findName, "SELECT id FROM names WHERE name = ?"},
		{&s.link, "INSERT OR REPLACE INTO links VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"},
		{&s.note, "INSERT OR REPLACE INTO notes VALUES (?,?,?,?,?,?,?)"},
	}
	for _, p := range all {
		var err error
		if *p.to, err = j.w.PrepareContext(ctx, p.text); err != nil {
			return err
		}
	}
	row := "(" + strings.Repeat("?,", columns-1) + "?)"
	return j.w.Raw(func(c any) (err error) {
		for i, n := range rowsAtOnce {
			text := "INSERT INTO messages VALUES " + strings.Repeat(row+",", n-1) + row
			if s.insert[i], err = c.(driver.ConnPrepareContext).PrepareContext(ctx, text); err != nil {
				return err
			}
		}
		return nil
	})
}

// nameID is the number of a name that many rows share.
func (t *tx) nameID(name string) (int64, error) {
	s := &t.j.writer.stmts
	if id, ok := s.names[name]; ok {
		return id, nil
	}
	var id int64
	err := s.findName.QueryRow(name).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		var res sql.Result
		if res, err = s.name.Exec(name); err != nil {
			return 0, err
		}
		if id, err = res.LastInsertId(); err != nil {
			return 0, err
		}
		t.newNames = append(t.newNames, name)
	} else if err != nil {
		return 0, err
	}
	if len(s.names) > namesInMemory {
		s.names = map[string]int64{"": 0}
	}
	s.names[name] = id
	return id, nil
}

// Append numbers entries behind the room's last and stores them. It returns when they are synced. It fills in
// Offset, Time and ID; Body and Wire are the caller's again when it returns. After an error the same entries may
// be appended again.
func (j *Journal) Append(ctx context.Context, room int64, es []Entry) (first int64, err error) {
	if len(es) == 0 {
		return 0, nil
	}
	s, err := j.state(ctx, room)
	if err != nil {
		return 0, err
	}
	var stored []Entry
	o := &op{entries: len(es), size: sizeOf(es), do: func(t *tx) (err error) {
		stored, err = t.append(s, es)
		return err
	}}
	if err := j.wait(ctx, o); err != nil {
		return 0, err
	}
	for i := range es {
		es[i].Offset, es[i].Time, es[i].ID = stored[i].Offset, stored[i].Time, stored[i].ID
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
	o := &op{entries: 1, size: sizeOf(es), do: func(t *tx) (err error) {
		if had, err = t.find(s, e.ID); had != 0 || err != nil {
			return err
		}
		kept, err := t.append(s, es)
		if err == nil {
			stored = kept[0]
		}
		return err
	}}
	if err := j.wait(ctx, o); err != nil {
		return e, false, err
	}
	if had == 0 {
		stored.Body, stored.Wire = e.Body, e.Wire
		return stored, true, nil
	}
	old, err := j.Read(ctx, room, had-1, 1, 1)
	if err != nil {
		return e, false, fmt.Errorf("read message %d: %w", had, err)
	}
	if len(old) == 0 || old[0].Offset != had { // it was trimmed
		e.Offset = had
		return e, false, nil
	}
	return old[0], false, nil
}

// find returns the offset of the message of an ID, given or derived; 0 if there is none.
func (t *tx) find(s *roomState, id string) (offset int64, err error) {
	err = t.j.writer.stmts.findID.QueryRow(s.room.ID, id).Scan(&offset)
	if err == nil || !errors.Is(err, sql.ErrNoRows) {
		return offset, err
	}
	derived, ok := s.offset(id)
	if !ok {
		return 0, nil
	}
	if err := t.flush(); err != nil {
		return 0, err
	}
	err = t.conn.QueryRowContext(t.ctx, "SELECT key & ? FROM messages WHERE key = ? AND id IS NULL", int64(maxOffset), s.room.ID<<roomShift|derived).Scan(&offset)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return offset, err
}

// Replace is what decoding a link's bytes again does: in one commit it marks the entries of that link Replaced
// and appends others in their place.
func (j *Journal) Replace(ctx context.Context, room, link int64, es []Entry) error {
	s, err := j.state(ctx, room)
	if err != nil {
		return err
	}
	o := &op{entries: len(es), size: sizeOf(es), do: func(t *tx) error {
		if err := t.flush(); err != nil {
			return err
		}
		_, err := t.exec("UPDATE messages SET flags = flags | ? WHERE key BETWEEN ? AND ? AND link = ? AND sender <> 0",
			flagReplaced, room<<roomShift, room<<roomShift|maxOffset, link)
		if err != nil {
			return err
		}
		for _, n := range t.news { // of this transaction, which no reader has seen yet
			for i := range n.entries {
				if e := &n.entries[i]; n.room == room && e.Link == link && e.From != "" {
					e.Replaced = true
				}
			}
		}
		if len(es) == 0 {
			return nil
		}
		_, err = t.append(s, es)
		return err
	}, published: func(*tx) { j.tail.drop(room) }}
	return j.wait(ctx, o)
}

func sizeOf(es []Entry) (n int) {
	for i := range es {
		n += len(es[i].Body) + len(es[i].Wire) + len(es[i].Meta) + entryBytes
	}
	return n
}

// append numbers and inserts entries. What it returns are copies, which the readers at the tip get.
func (t *tx) append(s *roomState, es []Entry) ([]Entry, error) { return t.put(s, es, ours) }

// origin says who numbers entries, and whose ids they have.
type origin int

const (
	ours     origin = iota // numbered here, with ids of this room
	taken                  // numbered here, with ids of their authors
	mirrored               // numbered by their host, with its times
)

// put is append for entries of any origin.
func (t *tx) put(s *roomState, es []Entry, o origin) ([]Entry, error) {
	r, err := t.room(s)
	if err != nil {
		return nil, err
	}
	id := s.room.ID
	if len(es) == 0 {
		return nil, nil
	}
	if r.last+int64(len(es)) > maxOffset {
		return nil, fmt.Errorf("room %s is full", s.room.Name)
	}
	now := t.now.Truncate(time.Microsecond)
	out := t.copies(id, r.last+1, es)
	for i := range out {
		e := &out[i]
		r.last++
		if o != mirrored {
			e.Offset, e.Time = r.last, now
		}
		if err := t.insert(id, e); err != nil {
			return nil, err
		}
		if e.ID == "" {
			e.ID = s.id(e.Offset)
		} else if err := t.identify(s, e, o); err != nil {
			return nil, err
		}
		if r.native {
			if err := t.extend(&r, e); err != nil {
				return nil, err
			}
		}
	}
	t.rooms[id] = r
	return out, nil
}

// identify keeps the id of an own message, to find it by. A host may number one id twice; the first is the one.
func (t *tx) identify(s *roomState, e *Entry, o origin) (err error) {
	switch {
	case o == taken, (o == mirrored || s.room.Outbox) && !e.Chosen:
	case o == mirrored:
		_, err = t.j.writer.stmts.sameID.Exec(s.room.ID, e.ID, e.Offset)
	default:
		_, err = t.j.writer.stmts.id.Exec(s.room.ID, e.ID, e.Offset)
	}
	return err
}

// room is where a room stands in this transaction.
func (t *tx) room(s *roomState) (txRoom, error) {
	id := s.room.ID
	if r, ok := t.rooms[id]; ok {
		return r, nil
	}
	t.j.mu.Lock()
	live := t.j.rooms[id]
	if live != nil {
		r := txRoom{live, live.room.Last, live.room.Native(), live.tip, live.room}
		t.j.mu.Unlock()
		return r, nil
	}
	t.j.mu.Unlock()
	live, err := scanRoom(t.conn.QueryRowContext(t.ctx, "SELECT "+roomColumns+" FROM rooms WHERE id = ?", id)) // forgotten meanwhile
	if err != nil {
		return txRoom{}, err
	}
	return txRoom{live, live.room.Last, live.room.Native(), live.tip, live.room}, nil // what the caller has may be of before
}

// insert adds a row to those that wait, and writes them when there are enough for the largest statement.
func (t *tx) insert(room int64, e *Entry) error {
	var err error
	w := &t.j.writer
	if len(w.args) > 0 && room != w.argsRoom {
		if err := t.flush(); err != nil {
			return err
		}
	}
	w.argsRoom = room
	if w.args, err = t.row(w.args, room, e); err != nil {
		return err
	}
	if len(w.args) < rowsAtOnce[0]*columns {
		return nil
	}
	return t.flush()
}

// flush writes the rows that wait, as many as possible with one statement.
func (t *tx) flush() error {
	w := &t.j.writer
	args := w.args
	defer func() { w.emptyArgs() }()
	for i, n := range rowsAtOnce {
		for len(args) >= n*columns {
			for k := range args[:n*columns] {
				args[k].Ordinal = k + 1
			}
			if _, err := w.stmts.insert[i].(driver.StmtExecContext).ExecContext(t.ctx, args[:n*columns]); hasCode(err, codeConstraint) {
				return &DamagedError{Path: filepath.Join(t.j.dir, "journal.db"), Err: errors.New("a room says that it ends before its last message")}
			} else if err != nil {
				return err
			}
			args = args[n*columns:]
		}
	}
	return nil
}

func (w *writer) emptyArgs() {
	clear(w.args)
	w.args = w.args[:0]
}

func (t *tx) row(args []driver.NamedValue, room int64, e *Entry) ([]driver.NamedValue, error) {
	var ids [4]int64
	for i, name := range [...]string{e.From, e.Codec, e.Encoding, e.Name} {
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
	var id, wire, meta any
	if e.ID != "" {
		id = e.ID
	}
	if len(e.Wire) > 0 {
		wire = e.Wire
	}
	if len(e.Meta) > 0 {
		meta = e.Meta
	}
	w := &t.j.writer
	for _, v := range [columns]driver.Value{room<<roomShift | e.Offset, w.time.box(e.Time.UnixMicro()), w.link.box(e.Link), ids[0], ids[1], ids[2], flags,
		id, notNull(e.Body), wire, ids[3], meta} {
		args = append(args, driver.NamedValue{Value: v})
	}
	return args, nil
}

// boxed is the last of numbers that are often the same in one row after another.
type boxed struct {
	n int64
	v driver.Value
}

func (b *boxed) box(n int64) driver.Value {
	if b.v == nil || b.n != n {
		b.n, b.v = n, n
	}
	return b.v
}

// notNull makes nil an empty blob, which the driver would store as NULL.
func notNull(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// finish writes what goes along with every commit: rooms' last offsets, cursors that moved.
func (t *tx) finish() error {
	if err := t.flush(); err != nil {
		return err
	}
	s := &t.j.writer.stmts
	for id, r := range t.rooms {
		tip := []byte{}
		if r.native {
			tip = r.tip[:]
		}
		if _, err := s.room.Exec(r.last, t.now.UnixMicro(), tip, id); err != nil {
			return err
		}
	}
	t.j.mu.Lock()
	for k := range t.j.dirty {
		t.cursors = append(t.cursors, t.j.cursors[k])
	}
	t.handled = maps.Clone(t.j.handled)
	t.j.mu.Unlock()
	for room, n := range t.handled {
		if _, err := s.handled.Exec(n, room); err != nil {
			return err
		}
	}
	for _, c := range t.cursors {
		if _, err := s.cursor.Exec(c.Room, c.Peer, c.Start, c.Written, c.Reached, c.Stored); err != nil {
			return err
		}
	}
	return nil
}

// copies are entries as the readers at the tip get them, with bytes of their own. Those of one room are one piece,
// where they follow each other.
func (t *tx) copies(room, first int64, es []Entry) []Entry {
	at := -1
	for i := len(t.news) - 1; i >= max(0, len(t.news)-4) && at < 0; i-- {
		if had := t.news[i].entries; t.news[i].room == room && had[len(had)-1].Offset+1 == first {
			at = i
		}
	}
	if at < 0 {
		at = len(t.news)
		t.news = append(t.news, news{room: room})
	}
	n := &t.news[at]
	n.entries = append(n.entries, es...)
	out := n.entries[len(n.entries)-len(es):]
	for i := range out {
		e := &out[i]
		e.Body, e.Meta = t.bytes(e.Body), t.bytes(e.Meta)
		if e.Wire = t.bytes(e.Wire); len(e.Wire) == 0 {
			e.Wire = nil
		}
	}
	return out
}

// bytes copies bytes into memory that a transaction's entries share.
func (t *tx) bytes(b []byte) []byte {
	const most = 32 << 10
	if len(b) == 0 {
		return b
	}
	if len(t.memory)+len(b) > cap(t.memory) {
		t.memory = make([]byte, 0, max(len(b), min(2*cap(t.memory), most)))
	}
	n := len(t.memory)
	t.memory = append(t.memory, b...)
	return t.memory[n:len(t.memory):len(t.memory)]
}
