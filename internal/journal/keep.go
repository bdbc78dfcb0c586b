package journal

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// read reads entries of a room inside a transaction, which sees what it has written itself.
func (t *tx) read(s *roomState, after int64) ([]Entry, error) {
	base := s.room.ID << roomShift
	rows, err := t.conn.QueryContext(t.ctx, "SELECT "+entryColumns+" FROM messages WHERE key > ? AND key <= ? ORDER BY key LIMIT 1024", base|after, base|maxOffset)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var es []Entry
	var names [][4]int64
	for rows.Next() {
		e, ids, err := scanEntry(rows, s)
		if err != nil {
			return nil, err
		}
		es, names = append(es, e), append(names, ids)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	rows.Close()
	return es, call(es, names, func(id int64) (name string, err error) { // the readers do not see those of this transaction yet
		if id != 0 {
			err = t.conn.QueryRowContext(t.ctx, "SELECT name FROM names WHERE id = ?", id).Scan(&name)
		}
		return name, err
	})
}

// Gap is a stretch of a room that is not here. It stands behind the message After.
type Gap struct {
	Room, First, Last, After int64
	Reason                   string
	Time                     time.Time
}

func (t *tx) gap(g Gap) error {
	_, err := t.exec("INSERT OR REPLACE INTO gaps VALUES (?, ?, ?, ?, ?, ?)", g.Room, g.First, g.Last, g.After, g.Reason, g.Time.UnixMicro())
	return err
}

// Gaps returns the gaps of a room, in order.
func (j *Journal) Gaps(ctx context.Context, room int64) ([]Gap, error) {
	rows, err := j.r.QueryContext(ctx, "SELECT first, last, after, reason, time FROM gaps WHERE room = ? ORDER BY first", room)
	if err != nil {
		return nil, j.explain(err)
	}
	defer rows.Close()
	var out []Gap
	for rows.Next() {
		g := Gap{Room: room}
		var micro int64
		if err := rows.Scan(&g.First, &g.Last, &g.After, &g.Reason, &micro); err != nil {
			return nil, j.unreadable(err)
		}
		g.Time = time.UnixMicro(micro)
		out = append(out, g)
	}
	return out, j.explain(rows.Err())
}

// Retention bounds what a room keeps; 0 bounds nothing.
type Retention struct {
	Messages, Bytes int64
	Age             time.Duration
}

// Retention returns the bounds of a room.
func (j *Journal) Retention(ctx context.Context, room int64) (r Retention, err error) {
	var us int64
	err = j.r.QueryRowContext(ctx, "SELECT keep_messages, keep_bytes, keep_us FROM rooms WHERE id = ?", room).Scan(&r.Messages, &r.Bytes, &us)
	r.Age = time.Duration(us) * time.Microsecond
	return r, j.explain(err)
}

// SetRetention sets the bounds of a room. Trim removes what is over them.
func (j *Journal) SetRetention(ctx context.Context, room int64, r Retention) error {
	return j.wait(ctx, &op{entries: 1, size: 64, do: func(t *tx) error {
		_, err := t.exec("UPDATE rooms SET keep_messages = ?, keep_bytes = ?, keep_us = ? WHERE id = ?", r.Messages, r.Bytes, r.Age.Microseconds(), room)
		return err
	}})
}

// Bounded returns the rooms that have bounds.
func (j *Journal) Bounded(ctx context.Context) (rooms []int64, err error) {
	rows, err := j.r.QueryContext(ctx, "SELECT id FROM rooms WHERE keep_messages + keep_bytes + keep_us > 0")
	if err != nil {
		return nil, j.explain(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, j.unreadable(err)
		}
		rooms = append(rooms, id)
	}
	return rooms, j.explain(rows.Err())
}

// Trim removes what is over a room's bounds, oldest first. The gap that it leaves is recorded with it.
func (j *Journal) Trim(ctx context.Context, room int64) error {
	keep, err := j.Retention(ctx, room)
	if err != nil {
		return err
	}
	r, err := j.RoomByID(ctx, room)
	if err != nil {
		return err
	}
	upto := r.Base
	if keep.Messages > 0 {
		upto = max(upto, r.Last-keep.Messages)
	}
	if keep.Age > 0 {
		old, err := j.olderThan(ctx, r, time.Now().Add(-keep.Age))
		if err != nil {
			return err
		}
		upto = max(upto, old)
	}
	if keep.Bytes > 0 {
		over, err := j.overBytes(ctx, r, keep.Bytes)
		if err != nil {
			return err
		}
		upto = max(upto, over)
	}
	return j.trimTo(ctx, room, min(upto, r.Last), "trimmed")
}

// olderThan is the last entry before the first that is not older than t.
func (j *Journal) olderThan(ctx context.Context, r Room, t time.Time) (int64, error) {
	low, high := r.Base, r.Last // offsets and times rise together
	for low < high {
		middle := low + (high-low+1)/2
		es, err := j.Read(ctx, r.ID, middle-1, 1, 1)
		if err != nil {
			return 0, err
		}
		if len(es) > 0 && es[0].Time.Before(t) {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return low, nil
}

// overBytes is the last entry behind which the rest of the room fits.
func (j *Journal) overBytes(ctx context.Context, r Room, limit int64) (int64, error) {
	rows, err := j.r.QueryContext(ctx, "SELECT key & ?, length(body) + coalesce(length(wire), 0) + coalesce(length(meta), 0) FROM messages WHERE key > ? AND key <= ? ORDER BY key DESC",
		int64(maxOffset), r.ID<<roomShift|r.Base, r.ID<<roomShift|r.Last)
	if err != nil {
		return 0, j.explain(err)
	}
	defer rows.Close()
	for sum := int64(0); rows.Next(); {
		var at, n int64
		if err := rows.Scan(&at, &n); err != nil {
			return 0, j.unreadable(err)
		}
		if sum += n; sum > limit {
			return at, nil
		}
	}
	return 0, j.explain(rows.Err())
}

// trimAtOnce is how many entries one commit removes.
const trimAtOnce = 2048

// trimTo removes entries up to one, in steps that each hold: what is gone is behind the base, and its chain is kept.
func (j *Journal) trimTo(ctx context.Context, room, upto int64, reason string) error {
	for {
		r, err := j.RoomByID(ctx, room)
		if err != nil || r.Base >= upto {
			return err
		}
		to := min(upto, r.Base+trimAtOnce)
		var floor [32]byte
		if r.Native() {
			if to, err = j.pastGap(ctx, room, to); err == nil {
				floor, _, err = j.ChainAt(ctx, room, to)
			}
			if err != nil {
				return err
			}
		}
		done := false
		err = j.wait(ctx, &op{entries: trimAtOnce / 8, size: 256, do: func(t *tx) error {
			if err := t.flush(); err != nil {
				return err
			}
			var base int64
			var epoch []byte
			if err := t.conn.QueryRowContext(t.ctx, "SELECT base, epoch FROM rooms WHERE id = ?", room).Scan(&base, &epoch); err != nil {
				return err
			}
			if done = base == r.Base && string(epoch) == string(epochBytes(r.Epoch)); !done {
				return nil
			}
			for _, q := range []string{"DELETE FROM messages WHERE key BETWEEN ? AND ?", "DELETE FROM chains WHERE key BETWEEN ? AND ?"} {
				if _, err := t.exec(q, room<<roomShift, room<<roomShift|to); err != nil {
					return err
				}
			}
			if reason != "" {
				if _, err := t.exec("DELETE FROM gaps WHERE room = ? AND last <= ?", room, to); err != nil {
					return err
				}
				if err := t.gap(Gap{Room: room, First: 1, Last: to, Reason: reason, Time: t.now}); err != nil {
					return err
				}
			}
			_, err := t.exec("UPDATE rooms SET base = ?, base_chain = ? WHERE id = ?", to, floor[:], room)
			return err
		}, published: func(*tx) {
			if s := j.rooms[room]; done && s != nil {
				s.room.Base, s.floor = to, floor
			}
			j.tail.trim(room, to)
		}})
		if err != nil {
			return err
		}
	}
}

// pastGap is the end of the gap that an offset falls into, where the chain is known again; else that offset.
func (j *Journal) pastGap(ctx context.Context, room, n int64) (int64, error) {
	err := j.r.QueryRowContext(ctx, "SELECT coalesce(max(last), ?) FROM gaps WHERE room = ? AND first <= ? AND last >= ?", n, room, n, n).Scan(&n)
	return n, j.explain(err)
}

// Peer is a key that was met.
type Peer struct {
	ID, Name, Called string
	State, Via       string
	Host             bool // this node dials it
	Addr, Room       string
	First, Last      time.Time
}

// Peers returns all of them, by id.
func (j *Journal) Peers(ctx context.Context) ([]Peer, error) { return j.queryPeers(ctx, "ORDER BY id") }

// Peer returns one.
func (j *Journal) Peer(ctx context.Context, id string) (p Peer, found bool, err error) {
	ps, err := j.queryPeers(ctx, "WHERE id = ?", id)
	if err != nil || len(ps) == 0 {
		return p, false, err
	}
	return ps[0], true, nil
}

func (j *Journal) queryPeers(ctx context.Context, where string, args ...any) ([]Peer, error) {
	rows, err := j.r.QueryContext(ctx, "SELECT id, name, called, state, via, host, addr, room, first, last FROM peers "+where, args...)
	if err != nil {
		return nil, j.explain(err)
	}
	defer rows.Close()
	var out []Peer
	for rows.Next() {
		var p Peer
		var first, last int64
		if err := rows.Scan(&p.ID, &p.Name, &p.Called, &p.State, &p.Via, &p.Host, &p.Addr, &p.Room, &first, &last); err != nil {
			return nil, j.unreadable(err)
		}
		p.First, p.Last = time.UnixMicro(first), time.UnixMicro(last)
		out = append(out, p)
	}
	return out, j.explain(rows.Err())
}

func (t *tx) putPeer(p Peer) error {
	_, err := t.exec("INSERT OR REPLACE INTO peers VALUES (?,?,?,?,?,?,?,?,?,?)", p.ID, p.Name, p.Called, p.State, p.Via, p.Host, p.Addr, p.Room,
		p.First.UnixMicro(), p.Last.UnixMicro())
	return err
}

// SavePeer keeps what is known of a peer.
func (j *Journal) SavePeer(ctx context.Context, p Peer) error {
	return j.wait(ctx, &op{entries: 1, size: 512, do: func(t *tx) error { return t.putPeer(p) }})
}

// ForgetPeer removes a peer, and what is left to it of tickets that it has used.
func (j *Journal) ForgetPeer(ctx context.Context, id string) error {
	return j.wait(ctx, &op{entries: 1, size: 64, do: func(t *tx) error {
		if _, err := t.exec("UPDATE tickets SET used_by = '' WHERE used_by = ?", id); err != nil {
			return err
		}
		_, err := t.exec("DELETE FROM peers WHERE id = ?", id)
		return err
	}})
}

// PrunePeers removes peers of a state that were seen last before a time, and the oldest of it beyond a number.
func (j *Journal) PrunePeers(ctx context.Context, state string, before time.Time, most int) error {
	return j.wait(ctx, &op{entries: 1, size: 64, do: func(t *tx) error {
		_, err := t.exec(`DELETE FROM peers WHERE state = ? AND name = '' AND (last < ? OR id NOT IN
			(SELECT id FROM peers WHERE state = ? ORDER BY last DESC LIMIT ?))`, state, before.UnixMicro(), state, most)
		return err
	}})
}

// Ticket lets keys in. Hash is the SHA-256 of its secret, which is not kept.
type Ticket struct {
	Hash          []byte
	Room          string
	Made, Expires time.Time
	Uses          int
	UsedBy        string
}

// AddTicket keeps a ticket; those that have expired go.
func (j *Journal) AddTicket(ctx context.Context, k Ticket) error {
	return j.wait(ctx, &op{entries: 1, size: 256, do: func(t *tx) error {
		if _, err := t.exec("DELETE FROM tickets WHERE expires < ?", t.now.UnixMicro()); err != nil {
			return err
		}
		_, err := t.exec("INSERT INTO tickets VALUES (?,?,?,?,?,?)", k.Hash, k.Room, k.Made.UnixMicro(), k.Expires.UnixMicro(), k.Uses, k.UsedBy)
		return err
	}})
}

// Tickets returns those that still let somebody in, oldest first.
func (j *Journal) Tickets(ctx context.Context) ([]Ticket, error) {
	rows, err := j.r.QueryContext(ctx, "SELECT hash, room, made, expires, uses, used_by FROM tickets WHERE uses > 0 AND expires >= ? ORDER BY made", time.Now().UnixMicro())
	if err != nil {
		return nil, j.explain(err)
	}
	defer rows.Close()
	var out []Ticket
	for rows.Next() {
		var k Ticket
		var made, expires int64
		if err := rows.Scan(&k.Hash, &k.Room, &made, &expires, &k.Uses, &k.UsedBy); err != nil {
			return nil, j.unreadable(err)
		}
		k.Made, k.Expires = time.UnixMicro(made), time.UnixMicro(expires)
		out = append(out, k)
	}
	return out, j.explain(rows.Err())
}

// UseTicket takes one use off a ticket and keeps the peer that trust makes of its room, in one commit. used is false
// when there is no such ticket any more. A key that used it already uses it again for nothing.
func (j *Journal) UseTicket(ctx context.Context, hash []byte, peer string, trust func(room string) Peer) (used bool, err error) {
	err = j.wait(ctx, &op{entries: 2, size: 512, do: func(t *tx) error {
		var room, by string
		var expires int64
		var uses int
		used = false
		err := t.conn.QueryRowContext(t.ctx, "SELECT room, expires, uses, used_by FROM tickets WHERE hash = ?", hash).Scan(&room, &expires, &uses, &by)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if expires < t.now.UnixMicro() || uses < 1 && by != peer {
			return nil
		}
		used = true
		if by != peer {
			if _, err := t.exec("UPDATE tickets SET uses = uses - 1, used_by = ? WHERE hash = ?", peer, hash); err != nil {
				return err
			}
		}
		return t.putPeer(trust(room))
	}})
	return used && err == nil, err
}

// DropTicket makes a ticket worthless.
func (j *Journal) DropTicket(ctx context.Context, hash []byte) error {
	return j.wait(ctx, &op{entries: 1, size: 64, do: func(t *tx) error {
		_, err := t.exec("DELETE FROM tickets WHERE hash = ?", hash)
		return err
	}})
}
