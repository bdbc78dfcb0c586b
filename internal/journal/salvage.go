package journal

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Salvage reads what can still be read from the damaged journal of a folder that nobody has open, room by room,
// oldest first. lost says what could not be read; "" if all could. It changes nothing: a database that SQLite does
// not open, as on a disk that cannot be written, is copied to the system's folder for temporary files and mended
// there.
func Salvage(dir string, each func(room string, e Entry) error) (lost string, err error) {
	db, rooms, all, err := salvageRooms(filepath.Join(dir, "journal.db"))
	if hasCode(err, codeCorrupt) || hasCode(err, codeNotADB) || hasCode(err, codeCantOpen) || hasCode(err, codeReadOnly) {
		copied, cerr := mend(filepath.Join(dir, "journal.db"))
		if errors.Is(cerr, os.ErrNotExist) {
			return "", fmt.Errorf("%w: %w", ErrUnreadable, cerr)
		}
		if cerr != nil {
			return "", cerr
		}
		defer os.RemoveAll(copied)
		db, rooms, all, err = salvageRooms(filepath.Join(copied, "journal.db"))
	}
	if err != nil {
		return "", fmt.Errorf("%w: %s: %w", ErrUnreadable, filepath.Join(dir, "journal.db"), err)
	}
	defer db.Close()
	missing := int64(0)
	for _, s := range rooms {
		n, err := salvageRoom(db, s, each)
		if err != nil {
			return "", err
		}
		missing += n
	}
	switch {
	case missing > 0 && !all:
		lost = fmt.Sprintf("%d messages and the names of some rooms", missing)
	case missing > 0:
		lost = fmt.Sprintf("%d messages", missing)
	case !all:
		lost = "the names of some rooms"
	}
	return lost, nil
}

// ErrUnreadable is wrapped by the error of a Salvage that finds nothing.
var ErrUnreadable = errors.New("nothing in it can be read")

// salvageRooms opens a database for reading and finds its rooms; all says that their table could be read.
func salvageRooms(path string) (db *sql.DB, rooms []*roomState, all bool, err error) {
	opened, err := sql.Open("sqlite", dsn(path, "mode=ro&_pragma=query_only(1)"))
	if err != nil {
		return nil, nil, false, err
	}
	db = opened
	defer func() {
		if err != nil {
			opened.Close()
		}
	}()
	if err := db.QueryRow("SELECT count(*) FROM sqlite_schema").Scan(new(int)); err != nil {
		return nil, nil, false, err
	}
	known := map[int64]bool{}
	rows, err := db.Query("SELECT " + firstColumns + " FROM rooms ORDER BY id")
	if err == nil {
		for rows.Next() {
			s, serr := scanColumns(rows, true)
			if serr != nil {
				break
			}
			rooms = append(rooms, s)
			known[s.room.ID] = true
		}
		err = rows.Err()
		rows.Close()
	}
	if err == nil {
		return db, rooms, true, nil
	}
	for key := int64(0); ; { // rooms that the messages tell of
		if db.QueryRow("SELECT key FROM messages WHERE key >= ? ORDER BY key LIMIT 1", key).Scan(&key) != nil {
			break
		}
		s := &roomState{room: Room{ID: key >> roomShift}}
		s.room.Name = fmt.Sprintf("room %d", s.room.ID)
		key = (s.room.ID + 1) << roomShift
		var last int64
		if known[s.room.ID] || db.QueryRow("SELECT key FROM messages WHERE key < ? ORDER BY key DESC LIMIT 1", key).Scan(&last) != nil {
			continue
		}
		s.room.Last = last & maxOffset
		rooms = append(rooms, s)
	}
	if len(rooms) == 0 {
		return nil, nil, false, err
	}
	return db, rooms, false, nil
}

// salvageRoom reads one room; behind a page that cannot be read it goes on at the next offset that can.
func salvageRoom(db *sql.DB, s *roomState, each func(room string, e Entry) error) (missing int64, err error) {
	found := int64(0)
	for next := int64(1); next <= s.room.Last; {
		last, n, err := salvageFrom(db, s, next, each)
		if err != nil {
			return 0, err
		}
		found += n
		if last >= s.room.Last {
			break
		}
		next = nextReadable(db, s, last+1)
	}
	return s.room.Last - found, nil
}

// nextReadable looks for the first offset after one that cannot be read: in steps that grow, and then between the
// last two.
func nextReadable(db *sql.DB, s *roomState, bad int64) int64 {
	good := s.room.Last + 1
	for at, step := bad+1, int64(1); at <= s.room.Last; at, step = at+step, min(2*step, 4096) {
		if found := readableFrom(db, s, at); found != 0 {
			good = found
			break
		}
		bad = at
	}
	for good-bad > 1 {
		middle := bad + (good-bad)/2
		if found := readableFrom(db, s, middle); found != 0 && found < good {
			good = found
		} else {
			bad = middle
		}
	}
	return good
}

// readableFrom returns the first offset from one on, if it can be read; else 0.
func readableFrom(db *sql.DB, s *roomState, from int64) (offset int64) {
	var n int
	err := db.QueryRow("SELECT key & ?, length(body) + coalesce(length(wire), 0) FROM messages WHERE key >= ? AND key <= ? ORDER BY key LIMIT 1",
		int64(maxOffset), s.room.ID<<roomShift|from, s.room.ID<<roomShift|s.room.Last).Scan(&offset, &n)
	if err != nil {
		return 0
	}
	return offset
}

// salvageFrom hands out entries from an offset until one cannot be read; it returns the last one's offset, and how
// many there were.
func salvageFrom(db *sql.DB, s *roomState, from int64, each func(room string, e Entry) error) (last, n int64, err error) {
	last = from - 1
	rows, err := db.Query("SELECT key, time, link, sender, flags, id, body FROM messages WHERE key >= ? AND key <= ? ORDER BY key",
		s.room.ID<<roomShift|from, s.room.ID<<roomShift|s.room.Last)
	if err != nil {
		return last, n, nil
	}
	defer rows.Close()
	names := map[int64]string{}
	for rows.Next() {
		var e Entry
		var key, micro, sender, flags int64
		var id sql.NullString
		if rows.Scan(&key, &micro, &e.Link, &sender, &flags, &id, &e.Body) != nil {
			return last, n, nil
		}
		e.Offset, e.Time = key-s.room.ID<<roomShift, time.UnixMicro(micro)
		if e.Offset <= last || e.Offset > s.room.Last {
			continue // its number is damaged
		}
		e.Partial, e.Replaced = flags&flagPartial != 0, flags&flagReplaced != 0
		e.ID, e.Encoding, e.Codec = id.String, s.room.Encoding, s.room.Codec
		if !id.Valid {
			e.ID = s.id(e.Offset)
		}
		if e.From = names[sender]; e.From == "" && sender != 0 {
			if db.QueryRow("SELECT name FROM names WHERE id = ?", sender).Scan(&e.From) != nil {
				e.From = "peer"
			}
			names[sender] = e.From
		}
		if err := each(s.room.Name, e); err != nil {
			return last, n, err
		}
		last, n = e.Offset, n+1
	}
	return last, n, nil
}
