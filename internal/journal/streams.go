package journal

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"

	"tincan/internal/stream"
)

// Position is how far a log is: its epoch, how many entries it has had, and the chain there.
type Position struct {
	Epoch [16]byte
	N     int64
	Chain [32]byte
}

// chainEvery is how many entries lie between two links of the chain that are kept, and so how many are hashed again at
// the most when another one is asked for.
const chainEvery = 256

// SetRecord says what a chain is made over: record appends what an entry of a room says to dst. It must always say the
// same of the same entry. Call it before anything else.
func (j *Journal) SetRecord(record func(r Room, e *Entry, dst []byte) []byte) { j.record = record }

func epochBytes(e [16]byte) []byte {
	if e == ([16]byte{}) {
		return []byte{}
	}
	return e[:]
}

func newEpoch() (e [16]byte) {
	rand.Read(e[:])
	return e
}

// extend takes the chain over one more entry.
func (t *tx) extend(r *txRoom, e *Entry) error {
	w := &t.j.writer
	w.record = t.j.record(r.room, e, w.record[:0])
	r.tip = stream.Next(r.tip, e.Offset, w.record)
	if e.Offset%chainEvery != 0 {
		return nil
	}
	_, err := w.stmts.chain.Exec(r.state.room.ID<<roomShift|e.Offset, r.tip[:])
	return err
}

// Position returns where a room's log ends. Its epoch is zero if the room is no stream.
func (j *Journal) Position(ctx context.Context, room int64) (Position, error) {
	s, err := j.state(ctx, room)
	if err != nil {
		return Position{}, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return Position{s.room.Epoch, s.room.Last, s.tip}, nil
}

// ChainAt returns the chain of a room at an offset; known is false where there is none: behind the end, and before what
// is kept.
func (j *Journal) ChainAt(ctx context.Context, room, n int64) (chain [32]byte, known bool, err error) {
	s, err := j.state(ctx, room)
	if err != nil {
		return chain, false, err
	}
	j.mu.Lock()
	r, tip, floor := s.room, s.tip, s.floor
	j.mu.Unlock()
	switch {
	case !r.Native() || n < r.Base || n > r.Last:
		return chain, false, nil
	case n == r.Last:
		return tip, true, nil
	case n == r.Base:
		return floor, true, nil
	}
	at := r.Base
	chain = floor
	var key int64
	var kept []byte
	err = j.r.QueryRowContext(ctx, "SELECT key, chain FROM chains WHERE key > ? AND key <= ? ORDER BY key DESC LIMIT 1", room<<roomShift|r.Base, room<<roomShift|n).Scan(&key, &kept)
	switch {
	case err == nil:
		at = key & maxOffset
		copy(chain[:], kept)
	case !errors.Is(err, sql.ErrNoRows):
		return chain, false, j.explain(err)
	}
	chain, at, err = j.walk(ctx, r, chain, at, n, nil)
	if err == nil && at != n {
		err = j.broken(r, fmt.Errorf("message %d is missing", at+1))
	}
	return chain, err == nil, err
}

// walk takes a chain from one offset to another over what is stored; each is called with every link that is kept.
func (j *Journal) walk(ctx context.Context, r Room, chain [32]byte, at, to int64, each func(n int64, c [32]byte)) ([32]byte, int64, error) {
	var buf []byte
	for at < to {
		es, err := j.Read(ctx, r.ID, at, int(min(to-at, 1024)), commitBytes)
		if err != nil || len(es) == 0 {
			return chain, at, err
		}
		for i := range es {
			if es[i].Offset != at+1 {
				return chain, at, nil
			}
			at++
			buf = j.record(r, &es[i], buf[:0])
			if chain = stream.Next(chain, at, buf); each != nil && at%chainEvery == 0 {
				each(at, chain)
			}
		}
	}
	return chain, at, nil
}

// broken says that a stream is not what it was.
func (j *Journal) broken(r Room, err error) error {
	return &DamagedError{Path: filepath.Join(j.dir, "journal.db"), Err: fmt.Errorf("room %s: %w", r.Name, err)}
}

// Nativize gives a room an epoch and a chain over all that it has, if it has none yet. From then on every append takes
// the chain further in the same commit.
func (j *Journal) Nativize(ctx context.Context, room int64) (Position, error) {
	var chain [32]byte
	var at int64
	kept := map[int64][32]byte{}
	for {
		s, err := j.state(ctx, room)
		if err != nil {
			return Position{}, err
		}
		j.mu.Lock()
		r := s.room
		j.mu.Unlock()
		if r.Native() {
			return j.Position(ctx, room)
		}
		at = max(at, r.Base)
		if chain, at, err = j.walk(ctx, r, chain, at, r.Last, func(n int64, c [32]byte) { kept[n] = c }); err != nil {
			return Position{}, err
		}
		if at != r.Last {
			return Position{}, j.broken(r, fmt.Errorf("message %d is missing", at+1))
		}
		epoch, done := newEpoch(), false
		err = j.wait(ctx, &op{entries: 1 + len(kept), size: 64 * len(kept), do: func(t *tx) error {
			now, err := t.room(s)
			if err != nil {
				return err
			}
			if done = now.last == at && !now.native; !done {
				return nil
			}
			for n, c := range kept {
				if _, err := t.j.writer.stmts.chain.Exec(room<<roomShift|n, c[:]); err != nil {
					return err
				}
			}
			return t.position(now, epoch, r.Base, nil, chain)
		}, published: func(*tx) {
			if s := j.rooms[room]; done && s != nil {
				s.room.Epoch = epoch
			}
		}})
		if err != nil {
			return Position{}, err
		}
	}
}

// position writes where a room's stream stands, and has what follows in this transaction go on there. floor is nil
// where the chain at base stays.
func (t *tx) position(r txRoom, epoch [16]byte, base int64, floor *[32]byte, tip [32]byte) error {
	id := r.state.room.ID
	r.native, r.tip = true, tip
	t.rooms[id] = r
	if _, err := t.exec("UPDATE rooms SET epoch = ?, base = ?, last = ?, chain = ? WHERE id = ?", epoch[:], base, r.last, tip[:], id); err != nil {
		return err
	}
	if floor == nil {
		return nil
	}
	_, err := t.exec("UPDATE rooms SET base_chain = ? WHERE id = ?", floor[:], id)
	return err
}

// MakeCopy returns the copy of a host's room, made if there is none: the host's key and its name there say which it
// is. It gets the given name, or Name.2, Name.3 … if that is taken by another room.
func (j *Journal) MakeCopy(ctx context.Context, host, remote, name, url string) (Room, error) {
	var id int64
	err := j.r.QueryRowContext(ctx, "SELECT id FROM rooms WHERE host = ? AND (remote = ? OR name = ?) AND outbox = 0 ORDER BY remote <> ?, id DESC LIMIT 1", host, remote, name, remote).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return j.newRoom(ctx, Room{Name: name, Codec: "tincan", URL: url, Dialled: true, Host: host, Remote: remote}, false)
	}
	if err != nil {
		return Room{}, j.explain(err)
	}
	if err := j.SetRoom(ctx, id, func(r *Room) { r.URL, r.Dialled = url, true }); err != nil {
		return Room{}, err
	}
	return j.RoomByID(ctx, id)
}

// MakeOutbox returns the outbox for a host, made if there is none.
func (j *Journal) MakeOutbox(ctx context.Context, host string) (Room, error) {
	return j.MakeRoom(ctx, Room{Name: "outbox of " + host, Codec: "tincan", Host: host, Outbox: true, Epoch: newEpoch()})
}

// SaveHandled keeps how far a host has stored an outbox. It waits for nothing: the next commit takes it along, or a
// later one.
func (j *Journal) SaveHandled(room, n int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if s := j.rooms[room]; s != nil {
		s.room.Handled = n
	}
	if j.handled == nil {
		j.handled = map[int64]int64{}
	}
	j.handled[room] = n
	j.writer.nudge()
}

// TrimOutbox removes entries up to one, which its host has stored. It waits for nothing.
func (j *Journal) TrimOutbox(room, upto int64) {
	go func() { j.trimTo(j.ctx, room, upto, "") }()
}

// Inbox returns what this node has stored of a guest's outbox, and up to where ids must be compared, as the guest may
// send again what it sent in an earlier life of it.
func (j *Journal) Inbox(ctx context.Context, peer string) (p Position, again int64, err error) {
	var epoch, chain []byte
	err = j.r.QueryRowContext(ctx, "SELECT epoch, n, chain, again FROM inboxes WHERE peer = ?", peer).Scan(&epoch, &p.N, &chain, &again)
	if errors.Is(err, sql.ErrNoRows) {
		return Position{}, 0, nil
	}
	if err != nil {
		return p, 0, j.explain(err)
	}
	if len(epoch) != len(p.Epoch) || len(chain) != len(p.Chain) {
		return p, 0, &DamagedError{Path: filepath.Join(j.dir, "journal.db"), Err: fmt.Errorf("how far %s is cannot be read", peer)}
	}
	copy(p.Epoch[:], epoch)
	copy(p.Chain[:], chain)
	return p, again, nil
}

// Taken is a message that a guest published.
type Taken struct {
	Room  int64
	Known bool // it is here already, from an earlier life of the outbox: it counts and is not stored again
	Entry
}

// Take stores what a guest published, and how far its outbox is with that, in one commit. from must be what is stored
// of the outbox. It returns the offsets in the messages' rooms, 0 for known ones.
func (j *Journal) Take(ctx context.Context, peer string, from, to Position, again int64, items []Taken) ([]int64, error) {
	states := make([]*roomState, len(items))
	size := 0
	for i := range items {
		s, err := j.state(ctx, items[i].Room)
		if err != nil {
			return nil, err
		}
		states[i] = s
		size += len(items[i].Body) + len(items[i].Meta) + entryBytes
	}
	offsets := make([]int64, len(items))
	err := j.wait(ctx, &op{entries: len(items), size: size, do: func(t *tx) error {
		var epoch []byte
		var n int64
		err := t.j.writer.stmts.inbox.QueryRow(peer).Scan(&epoch, &n)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if string(epoch) != string(epochBytes(from.Epoch)) || n != from.N {
			return fmt.Errorf("the outbox of %s is at %d, not at %d", peer, n, from.N)
		}
		for i := 0; i < len(items); {
			k := i + 1
			for k < len(items) && items[k].Room == items[i].Room && items[k].Known == items[i].Known {
				k++
			}
			if !items[i].Known {
				es := make([]Entry, 0, k-i)
				for _, it := range items[i:k] {
					es = append(es, it.Entry)
				}
				kept, err := t.put(states[i], es, taken)
				if err != nil {
					return err
				}
				for x := range kept {
					offsets[i+x] = kept[x].Offset
				}
			}
			i = k
		}
		_, err = t.j.writer.stmts.take.Exec(peer, to.Epoch[:], to.N, to.Chain[:], again)
		return err
	}})
	return offsets, err
}

// IDsOf returns the ids of the messages that a peer has in a room.
func (j *Journal) IDsOf(ctx context.Context, room int64, from string) (map[string]bool, error) {
	rows, err := j.r.QueryContext(ctx, `SELECT id FROM messages WHERE key BETWEEN ? AND ? AND id IS NOT NULL
		AND sender = (SELECT id FROM names WHERE name = ?)`, room<<roomShift, room<<roomShift|maxOffset, from)
	if err != nil {
		return nil, j.explain(err)
	}
	defer rows.Close()
	ids := map[string]bool{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, j.unreadable(err)
		}
		ids[id] = true
	}
	return ids, j.explain(rows.Err())
}

// Mirror stores messages of a host's room in its copy, at the host's offsets, which go on where the copy ends. It
// returns when they are synced.
func (j *Journal) Mirror(ctx context.Context, room int64, es []Entry) error {
	s, err := j.state(ctx, room)
	if err != nil || len(es) == 0 {
		return err
	}
	return j.wait(ctx, &op{entries: len(es), size: sizeOf(es), do: func(t *tx) error {
		r, err := t.room(s)
		if err != nil {
			return err
		}
		for i := range es {
			if es[i].Offset != r.last+1+int64(i) {
				return fmt.Errorf("message %d does not follow %d in %s", es[i].Offset, r.last+int64(i), s.room.Name)
			}
		}
		_, err = t.put(s, es, mirrored)
		return err
	}})
}

// FindByID returns this node's own message with an id, in a room, a copy or an outbox.
func (j *Journal) FindByID(ctx context.Context, room int64, id string) (e Entry, found bool, err error) {
	s, err := j.state(ctx, room)
	if err != nil {
		return e, false, err
	}
	var offset int64
	err = j.r.QueryRowContext(ctx, "SELECT offset FROM ids WHERE room = ? AND id = ?", room, id).Scan(&offset)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
		offset, _ = s.offset(id)
	}
	if err != nil || offset == 0 {
		return e, false, j.explain(err)
	}
	es, err := j.Read(ctx, room, offset-1, 1, 1)
	if err != nil || len(es) == 0 || es[0].Offset != offset || es[0].ID != id {
		return e, false, err
	}
	return es[0], true, nil
}

// Restart has a copy go on at another position: the epoch is another, or messages are missing before p.N, which is a
// gap to be seen if missing says so.
func (j *Journal) Restart(ctx context.Context, room int64, p Position, missing bool) error {
	s, err := j.state(ctx, room)
	if err != nil {
		return err
	}
	base := int64(0)
	return j.wait(ctx, &op{entries: 1, size: 256, do: func(t *tx) error {
		r, err := t.room(s)
		if err != nil {
			return err
		}
		if p.N < r.last {
			return fmt.Errorf("%s is at %d and cannot go back to %d", s.room.Name, r.last, p.N)
		}
		if err := t.flush(); err != nil {
			return err
		}
		old := s.room.Base
		base = old
		var floor *[32]byte
		if p.N > r.last {
			if missing {
				if err := t.gap(Gap{Room: room, First: r.last + 1, Last: p.N, After: r.last, Reason: "not kept by the host", Time: t.now}); err != nil {
					return err
				}
			}
			if r.last == old { // nothing is kept before it
				base, floor = p.N, &p.Chain
			}
			if _, err := t.j.writer.stmts.chain.Exec(room<<roomShift|p.N, p.Chain[:]); err != nil {
				return err
			}
			r.last = p.N
		}
		return t.position(r, p.Epoch, base, floor, p.Chain)
	}, published: func(*tx) {
		if s := j.rooms[room]; s != nil {
			s.room.Epoch, s.room.Base = p.Epoch, base
			if base == p.N {
				s.floor = p.Chain
			}
		}
		j.tail.drop(room)
	}})
}
