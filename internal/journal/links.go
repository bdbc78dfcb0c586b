package journal

import (
	"context"
	"slices"
	"time"
)

// Link is the record of one connection.
type Link struct {
	ID, Room                int64
	RoomName                string // set when read
	Peer, Local, Remote     string
	Codec, Choice           string
	Dialled                 bool
	Began, Ended            time.Time // Ended is zero while it lives
	HandshakeUS             int64
	MessagesIn, MessagesOut int64
	BytesIn, BytesOut       int64
	Reason, Detail          string
}

// NextLink returns the number of a new link; none is used twice, over restarts too.
func (j *Journal) NextLink() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.link++
	return j.link
}

// BeginLink records that a link is up: the record joins the next commit, in order with what is noted and appended.
// What it returns tells whether that commit was synced. Before it is, a crash would not know that the peer may have
// been sent something. A record that could not be stored now is stored later, and BeginLink may be asked again.
func (j *Journal) BeginLink(l Link) (stored <-chan bool) { return j.putLink(l) }

// EndLink records how a link ended. It waits for nothing.
func (j *Journal) EndLink(l Link) { j.putLink(l) }

func (j *Journal) putLink(l Link) (stored <-chan bool) {
	done := make(chan bool, 1)
	err := j.writer.add(j.ctx, &op{entries: 1, size: 256, do: func(t *tx) error { return t.putLink(l) },
		published: func(*tx) {
			delete(j.writer.owed, l.ID)
			done <- true
		},
		failed: func() {
			j.writer.owed[l.ID] = l
			done <- false
		}})
	if err != nil {
		done <- false
	}
	return done
}

func (t *tx) putLink(l Link) error {
	ended := int64(0)
	if !l.Ended.IsZero() {
		ended = l.Ended.UnixMicro()
	}
	_, err := t.j.writer.stmts.link.Exec(l.ID, l.Room, l.Peer, l.Local, l.Remote, l.Codec, l.Choice, l.Dialled, l.Began.UnixMicro(), ended,
		l.HandshakeUS, l.MessagesIn, l.MessagesOut, l.BytesIn, l.BytesOut, l.Reason, l.Detail)
	return err
}

// payLinks writes the records that earlier commits could not.
func (t *tx) payLinks() error {
	for _, l := range t.j.writer.owed {
		if err := t.putLink(l); err != nil {
			return err
		}
		t.links = append(t.links, l)
	}
	return nil
}

// Orphans are the links that had no end when the journal was opened: the process that had them died. They are found
// again until EndOrphans, which is for who has settled what they left behind.
func (j *Journal) Orphans() []Link { return slices.Clone(j.orphans) }

// EndOrphans records the ends of the orphans. It waits for nothing.
func (j *Journal) EndOrphans() {
	for _, l := range j.orphans {
		j.EndLink(l)
	}
}

// Links returns links, newest first: of one room, or of all when room is 0.
func (j *Journal) Links(ctx context.Context, room int64, limit int) ([]Link, error) {
	if room == 0 {
		return j.queryLinks(ctx, "ORDER BY l.id DESC LIMIT ?", max(limit, 0))
	}
	return j.queryLinks(ctx, "WHERE l.room = ? ORDER BY l.id DESC LIMIT ?", room, max(limit, 0))
}

func (j *Journal) queryLinks(ctx context.Context, where string, args ...any) ([]Link, error) {
	rows, err := j.r.QueryContext(ctx, `SELECT l.id, l.room, coalesce(r.name, ''), peer, local, l.remote, l.codec, choice, l.dialled, began, ended, handshake_us,
		messages_in, messages_out, bytes_in, bytes_out, reason, detail FROM links l LEFT JOIN rooms r ON r.id = l.room `+where, args...)
	if err != nil {
		return nil, j.explain(err)
	}
	defer rows.Close()
	var out []Link
	for rows.Next() {
		var l Link
		var began, ended int64
		if err := rows.Scan(&l.ID, &l.Room, &l.RoomName, &l.Peer, &l.Local, &l.Remote, &l.Codec, &l.Choice, &l.Dialled, &began, &ended,
			&l.HandshakeUS, &l.MessagesIn, &l.MessagesOut, &l.BytesIn, &l.BytesOut, &l.Reason, &l.Detail); err != nil {
			return nil, j.unreadable(err)
		}
		l.Began = time.UnixMicro(began)
		if ended != 0 {
			l.Ended = time.UnixMicro(ended)
		}
		out = append(out, l)
	}
	return out, j.explain(rows.Err())
}

// Cursor is how far a peer got in a room: own messages up to Reached are acknowledged by it, up to Written they
// were handed to the kernel, and those up to Start are none of its business.
type Cursor struct {
	Room                    int64
	Peer                    string
	Start, Written, Reached int64
	Stored                  int64 // on the disk of a native peer
}

// SaveCursor keeps a cursor. It waits for nothing: the newest value joins the next commit, within 250 ms.
func (j *Journal) SaveCursor(c Cursor) {
	k := cursorKey{c.Room, c.Peer}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.cursors[k] = c
	if j.dirty[k] = true; len(j.dirty) == 1 {
		j.writer.nudge()
	}
	if len(j.cursors) > 10_000+2*len(j.dirty) { // the saved ones can be read again
		for k := range j.cursors {
			if !j.dirty[k] {
				delete(j.cursors, k)
			}
		}
	}
}

// Cursors returns the cursors over a room, the newest values.
func (j *Journal) Cursors(ctx context.Context, room int64) ([]Cursor, error) {
	rows, err := j.r.QueryContext(ctx, "SELECT peer, start, written, reached, stored FROM cursors WHERE room = ? ORDER BY peer", room)
	if err != nil {
		return nil, j.explain(err)
	}
	defer rows.Close()
	var out []Cursor
	for rows.Next() {
		c := Cursor{Room: room}
		if err := rows.Scan(&c.Peer, &c.Start, &c.Written, &c.Reached, &c.Stored); err != nil {
			return nil, j.unreadable(err)
		}
		out = append(out, c)
	}
	if err := rows.Err(); err != nil {
		return nil, j.explain(err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for k, c := range j.cursors {
		if k.room != room {
			continue
		}
		if i := slices.IndexFunc(out, func(o Cursor) bool { return o.Peer == k.peer }); i >= 0 {
			out[i] = c
		} else {
			out = append(out, c)
		}
	}
	return out, nil
}

// Fate is an exception to a cursor: what became of a stretch of messages towards a peer.
type Fate struct {
	Room        int64
	Peer        string
	First, Last int64
	State       string
}

// Settle keeps fates and returns when they are synced. A later fate takes the place of what it covers of
// earlier ones.
func (j *Journal) Settle(ctx context.Context, fates ...Fate) error {
	return j.wait(ctx, &op{entries: len(fates), size: 64 * len(fates), do: func(t *tx) error {
		for _, f := range fates {
			if err := t.settle(f); err != nil {
				return err
			}
		}
		return nil
	}})
}

func (t *tx) settle(f Fate) error {
	rows, err := t.conn.QueryContext(t.ctx, "SELECT first, last, state FROM fates WHERE room = ? AND peer = ? AND first <= ? AND last >= ?",
		f.Room, f.Peer, f.Last+1, f.First-1)
	if err != nil {
		return err
	}
	defer rows.Close()
	var old []Fate
	for rows.Next() {
		o := Fate{Room: f.Room, Peer: f.Peer}
		if err := rows.Scan(&o.First, &o.Last, &o.State); err != nil {
			return err
		}
		old = append(old, o)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	rows.Close()
	var put []Fate
	for _, o := range old {
		if _, err := t.exec("DELETE FROM fates WHERE room = ? AND peer = ? AND first = ?", o.Room, o.Peer, o.First); err != nil {
			return err
		}
		if o.State == f.State { // one stretch instead of two
			f.First, f.Last = min(f.First, o.First), max(f.Last, o.Last)
			continue
		}
		if left := o; o.First < f.First {
			left.Last = min(o.Last, f.First-1)
			put = append(put, left)
		}
		if right := o; o.Last > f.Last {
			right.First = max(o.First, f.Last+1)
			put = append(put, right)
		}
	}
	for _, p := range append(put, f) {
		if _, err := t.exec("INSERT INTO fates VALUES (?, ?, ?, ?, ?)", p.Room, p.Peer, p.First, p.Last, p.State); err != nil {
			return err
		}
	}
	return nil
}

// Fates returns the fates of a room, by peer and offset.
func (j *Journal) Fates(ctx context.Context, room int64) ([]Fate, error) {
	rows, err := j.r.QueryContext(ctx, "SELECT peer, first, last, state FROM fates WHERE room = ? ORDER BY peer, first", room)
	if err != nil {
		return nil, j.explain(err)
	}
	defer rows.Close()
	var out []Fate
	for rows.Next() {
		f := Fate{Room: room}
		if err := rows.Scan(&f.Peer, &f.First, &f.Last, &f.State); err != nil {
			return nil, j.unreadable(err)
		}
		out = append(out, f)
	}
	return out, j.explain(rows.Err())
}
