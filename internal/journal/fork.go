package journal

import (
	"context"
	"slices"
	"time"
)

// SetAside keeps a copy under another name, as no copy of anything any more, and makes an empty one in its place, in one
// commit.
func (j *Journal) SetAside(ctx context.Context, room int64, name string) (Room, error) {
	s, err := j.state(ctx, room)
	if err != nil {
		return Room{}, err
	}
	j.mu.Lock()
	old := s.room
	j.mu.Unlock()
	salt := newSalt()
	var fresh *roomState
	err = j.wait(ctx, &op{entries: 2, size: 512, do: func(t *tx) error {
		now := t.now.Truncate(time.Microsecond)
		if _, err := t.exec("UPDATE rooms SET name = ?, host = '', remote = '', dialled = 0, url = '' WHERE id = ?", name, room); err != nil {
			return err
		}
		res, err := t.exec(`INSERT INTO rooms (name, codec, encoding, url, shared, dialled, salt, last, created, updated, host, remote)
			VALUES (?,?,?,?,0,1,?,0,?,?,?,?)`, old.Name, old.Codec, old.Encoding, old.URL, salt, now.UnixMicro(), now.UnixMicro(), old.Host, old.Remote)
		if err != nil {
			return err
		}
		id, err := res.LastInsertId()
		if err != nil {
			return err
		}
		fresh, err = scanRoom(t.conn.QueryRowContext(t.ctx, "SELECT "+roomColumns+" FROM rooms WHERE id = ?", id))
		return err
	}, published: func(*tx) {
		if old := j.rooms[room]; old != nil && old.changed != nil {
			close(old.changed)
		}
		delete(j.rooms, room) // its name has changed
		delete(j.byName, fresh.room.Name)
		j.forgotten++
		j.rooms[fresh.room.ID], j.byName[fresh.room.Name] = fresh, fresh
	}})
	if err != nil {
		return Room{}, err
	}
	return fresh.room, nil
}

// Fork begins a new epoch of a stream. A room keeps its messages and numbers. What an outbox still owes is numbered
// anew from 1, with the ids that it had.
func (j *Journal) Fork(ctx context.Context, room int64) (Position, error) {
	s, err := j.state(ctx, room)
	if err != nil {
		return Position{}, err
	}
	j.mu.Lock()
	r := s.room
	j.mu.Unlock()
	epoch := newEpoch()
	if r.Outbox {
		if err := j.renumber(ctx, s, epoch); err != nil {
			return Position{}, err
		}
		return j.Position(ctx, room)
	}
	err = j.wait(ctx, &op{entries: 1, size: 128, do: func(t *tx) error {
		_, err := t.exec("UPDATE rooms SET epoch = ? WHERE id = ?", epoch[:], room)
		return err
	}, published: func(*tx) {
		if s := j.rooms[room]; s != nil {
			s.room.Epoch = epoch
		}
	}})
	if err != nil {
		return Position{}, err
	}
	return j.Position(ctx, room)
}

// renumber begins an outbox anew, in one commit.
func (j *Journal) renumber(ctx context.Context, s *roomState, epoch [16]byte) error {
	room := s.room.ID
	return j.wait(ctx, &op{entries: commitEntries, size: 256, do: func(t *tx) error {
		if err := t.flush(); err != nil {
			return err
		}
		live, err := scanRoom(t.conn.QueryRowContext(t.ctx, "SELECT "+roomColumns+" FROM rooms WHERE id = ?", room))
		if err != nil {
			return err
		}
		var owed []Entry
		for at := max(live.room.Handled, live.room.Base); ; {
			es, err := t.read(live, at)
			if err != nil {
				return err
			}
			if len(es) == 0 {
				break
			}
			owed, at = append(owed, es...), es[len(es)-1].Offset
		}
		for _, q := range []string{"DELETE FROM messages WHERE key BETWEEN ? AND ?", "DELETE FROM chains WHERE key BETWEEN ? AND ?"} {
			if _, err := t.exec(q, room<<roomShift, room<<roomShift|maxOffset); err != nil {
				return err
			}
		}
		if _, err := t.exec("DELETE FROM ids WHERE room = ?", room); err != nil {
			return err
		}
		for i := range owed {
			if _, err := t.exec("INSERT OR REPLACE INTO ids VALUES (?, ?, ?)", room, owed[i].ID, i+1); err != nil {
				return err
			}
		}
		if _, err := t.exec("UPDATE rooms SET handled = 0 WHERE id = ?", room); err != nil {
			return err
		}
		if err := t.position(txRoom{state: live, room: live.room}, epoch, 0, new([32]byte), [32]byte{}); err != nil {
			return err
		}
		for i := range owed {
			owed[i].Offset = int64(i) + 1
		}
		// What this transaction appended to it before has other numbers now.
		t.news = slices.DeleteFunc(t.news, func(n news) bool { return n.room == room })
		_, err = t.put(live, owed, mirrored)
		return err
	}, published: func(*tx) {
		delete(j.handled, room)
		if s := j.rooms[room]; s != nil {
			s.room.Epoch, s.room.Base, s.room.Handled, s.floor = epoch, 0, 0, [32]byte{}
		}
		j.tail.drop(room)
	}})
}
