package journal

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Room is one ordered log of messages.
type Room struct {
	ID               int64
	Name             string
	Codec, Encoding  string
	URL              string // the address that is dialled, if any
	Shared, Dialled  bool
	Last             int64 // the newest message's offset
	Created, Updated time.Time

	Host, Remote string   // the key that numbers the room, and its name there; "" for the rooms of this node
	Outbox       bool     // what this node owes Host
	Handled      int64    // of an outbox: Host has stored everything up to here
	Epoch        [16]byte // the life of the stream; zero: it has none yet
	Base         int64    // the last offset that was trimmed
}

// Native says that a room is a stream: it has an epoch and a chain.
func (r *Room) Native() bool { return r.Epoch != [16]byte{} }

// roomState is what is kept in memory of a room that was used lately.
type roomState struct {
	room    Room          // under Journal.mu, but for ID and Name
	salt    string        // in hex
	tip     [32]byte      // the chain at room.Last, under Journal.mu
	floor   [32]byte      // that at room.Base
	changed chan struct{} // closed at the next commit that appends; nil: nobody waits
}

const (
	maxRooms      = 1 << (63 - roomShift)
	roomsInMemory = 16384
)

// FindRoom returns a room by its name.
func (j *Journal) FindRoom(ctx context.Context, name string) (Room, bool, error) {
	s, err := j.room(ctx, 0, name)
	if s == nil || err != nil {
		return Room{}, false, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return s.room, true, nil
}

// RoomByID returns a room by its number.
func (j *Journal) RoomByID(ctx context.Context, id int64) (Room, error) {
	s, err := j.state(ctx, id)
	if err != nil {
		return Room{}, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return s.room, nil
}

// state returns what is kept of a room, read from the database if it is not in memory.
func (j *Journal) state(ctx context.Context, id int64) (*roomState, error) {
	s, err := j.room(ctx, id, "")
	if err == nil && s == nil {
		err = fmt.Errorf("no room %d", id)
	}
	return s, err
}

const (
	firstColumns = "id, name, codec, encoding, url, shared, dialled, salt, last, created, updated" // of every version
	roomColumns  = firstColumns + ", host, remote, outbox, handled, epoch, base, chain, base_chain"
)

func scanRoom(row interface{ Scan(...any) error }) (*roomState, error) {
	return scanColumns(row, false)
}

// scanColumns is scanRoom; first says that only the columns of the first version are read.
func scanColumns(row interface{ Scan(...any) error }, first bool) (*roomState, error) {
	var s roomState
	var salt []byte
	var created, updated int64
	var epoch, tip, floor []byte
	r := &s.room
	to := []any{&r.ID, &r.Name, &r.Codec, &r.Encoding, &r.URL, &r.Shared, &r.Dialled, &salt, &r.Last, &created, &updated}
	if !first {
		to = append(to, &r.Host, &r.Remote, &r.Outbox, &r.Handled, &epoch, &r.Base, &tip, &floor)
	}
	err := row.Scan(to...)
	copy(r.Epoch[:], epoch)
	copy(s.tip[:], tip)
	copy(s.floor[:], floor)
	s.salt = hex.EncodeToString(salt)
	r.Created, r.Updated = time.UnixMicro(created), time.UnixMicro(updated)
	return &s, err
}

// room finds one room, by its name if that is not "", else by its number; nil if there is none.
func (j *Journal) room(ctx context.Context, id int64, name string) (*roomState, error) {
	for {
		j.mu.Lock()
		s, forgotten, ended := j.rooms[id], j.forgotten, j.ended
		if name != "" {
			s = j.byName[name]
		}
		j.mu.Unlock()
		switch {
		case ended:
			return nil, ErrClosed
		case s != nil:
			return s, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		}
		where, arg := "id = ?", any(id)
		if name != "" {
			where, arg = "name = ?", name
		}
		s, err := scanRoom(j.r.QueryRow("SELECT "+roomColumns+" FROM rooms WHERE "+where, arg))
		if errors.Is(err, sql.ErrNoRows) {
			return nil, nil
		}
		if err != nil {
			return nil, j.unreadable(err)
		}
		if s = j.remember(s, forgotten); s != nil {
			return s, nil
		}
	}
}

// remember keeps a room's state, unless it was kept meanwhile. It returns nil if it may be out of date: rooms
// have been forgotten since it was read, perhaps this one, after a commit.
func (j *Journal) remember(s *roomState, forgotten int) *roomState {
	j.mu.Lock()
	defer j.mu.Unlock()
	if old := j.rooms[s.room.ID]; old != nil {
		return old
	}
	if forgotten != j.forgotten {
		return nil
	}
	j.rooms[s.room.ID], j.byName[s.room.Name] = s, s
	return s
}

// forgetRooms lets some rooms go when there are too many: those that nobody waits for can be read again. It is
// called under Journal.mu, by the writer.
func (j *Journal) forgetRooms() {
	if len(j.rooms) <= roomsInMemory {
		return
	}
	j.forgotten++
	for id, s := range j.rooms {
		if s.changed == nil {
			delete(j.rooms, id)
			delete(j.byName, s.room.Name)
		}
		if len(j.rooms) <= roomsInMemory*3/4 {
			return
		}
	}
}

// Rooms returns the rooms used last, newest first.
func (j *Journal) Rooms(ctx context.Context, limit int) ([]Room, error) {
	rows, err := j.r.QueryContext(ctx, "SELECT "+roomColumns+" FROM rooms WHERE outbox = 0 ORDER BY updated DESC, id DESC LIMIT ?", max(limit, 0))
	if err != nil {
		return nil, j.explain(err)
	}
	defer rows.Close()
	var out []Room
	for rows.Next() {
		s, err := scanRoom(rows)
		if err != nil {
			return nil, j.unreadable(err)
		}
		j.mu.Lock()
		if live := j.rooms[s.room.ID]; live != nil {
			s = live
		}
		out = append(out, s.room)
		j.mu.Unlock()
	}
	return out, j.explain(rows.Err())
}

// id is the identity of a message that was given none: the same whenever it is asked for, and not the same in
// another room or journal.
func (s *roomState) id(offset int64) string { return s.salt + strconv.FormatInt(offset, 36) }

// offset is the way back from id.
func (s *roomState) offset(id string) (offset int64, ok bool) {
	rest, ok := strings.CutPrefix(id, s.salt)
	if !ok {
		return 0, false
	}
	offset, err := strconv.ParseInt(rest, 36, 64)
	return offset, err == nil && offset > 0 && offset <= maxOffset && s.id(offset) == id
}

func newSalt() []byte {
	b := make([]byte, 8)
	rand.Read(b)
	return b
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
	salt := newSalt()
	var made *roomState
	o := &op{entries: 1, size: 256, do: func(t *tx) error {
		name := r.Name
		for n := 2; ; n++ {
			old, err := scanRoom(t.conn.QueryRowContext(t.ctx, "SELECT "+roomColumns+" FROM rooms WHERE name = ?", name))
			if errors.Is(err, sql.ErrNoRows) {
				break
			}
			if err != nil {
				return err
			}
			if share {
				made = old
				return nil
			}
			name = fmt.Sprintf("%s.%d", r.Name, n)
		}
		now := t.now.Truncate(time.Microsecond)
		res, err := t.exec(`INSERT INTO rooms (name, codec, encoding, url, shared, dialled, salt, last, created, updated, host, remote, outbox, epoch)
			VALUES (?,?,?,?,?,?,?,0,?,?,?,?,?,?)`, name, r.Codec, r.Encoding, r.URL, r.Shared, r.Dialled, salt, now.UnixMicro(), now.UnixMicro(),
			r.Host, r.Remote, r.Outbox, epochBytes(r.Epoch))
		if err != nil {
			return err
		}
		made = &roomState{room: r, salt: hex.EncodeToString(salt)}
		made.room.Name, made.room.Last, made.room.Created, made.room.Updated = name, 0, now, now
		if made.room.ID, err = res.LastInsertId(); err == nil && made.room.ID >= maxRooms {
			err = errors.New("the journal has no numbers left for rooms; start a new one")
		}
		return err
	}, published: func(*tx) {
		if live := j.rooms[made.room.ID]; live != nil {
			made = live
		}
		j.rooms[made.room.ID], j.byName[made.room.Name] = made, made
	}}
	if err := j.wait(ctx, o); err != nil {
		return Room{}, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return made.room, nil
}

// SetRoom changes a room's codec, encoding, address, host or dialled mark, as it is when the change is committed.
// change may be called more than once.
func (j *Journal) SetRoom(ctx context.Context, id int64, change func(*Room)) error {
	if _, err := j.state(ctx, id); err != nil {
		return err
	}
	var r Room
	var s *roomState
	return j.wait(ctx, &op{entries: 1, size: 256, do: func(t *tx) (err error) {
		s, err = scanRoom(t.conn.QueryRowContext(t.ctx, "SELECT "+roomColumns+" FROM rooms WHERE id = ?", id))
		if err != nil {
			return err
		}
		r = s.room
		change(&r)
		_, err = t.exec("UPDATE rooms SET codec = ?, encoding = ?, url = ?, dialled = ?, host = ?, remote = ? WHERE id = ?",
			r.Codec, r.Encoding, r.URL, r.Dialled, r.Host, r.Remote, id)
		return err
	}, published: func(*tx) {
		if live := j.rooms[id]; live != nil {
			s = live
		}
		j.rooms[id], j.byName[s.room.Name] = s, s
		s.room.Codec, s.room.Encoding, s.room.URL, s.room.Dialled = r.Codec, r.Encoding, r.URL, r.Dialled
		s.room.Host, s.room.Remote = r.Host, r.Remote
	}})
}
