package journal

import (
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"time"
)

// Salvage reads what can still be read from the damaged journal of a folder that nobody has open, room by room,
// oldest first. lost says what could not be read; "" if all could. It changes nothing.
func Salvage(dir string, each func(room string, e Entry) error) (lost string, err error) {
	path := filepath.Join(dir, "journal.db")
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()}
	db, err := sql.Open("sqlite", u.String()+"?mode=ro&_pragma=query_only(1)")
	if err != nil {
		return "", err
	}
	defer db.Close()
	rows, err := db.Query("SELECT " + roomColumns + " FROM rooms ORDER BY id")
	if err != nil {
		return "", explain(dir, err)
	}
	var rooms []*roomState
	for rows.Next() {
		s, err := scanRoom(rows)
		if err != nil {
			break
		}
		rooms = append(rooms, s)
	}
	if rows.Err() != nil {
		lost = "some rooms"
	}
	rows.Close()
	missing := int64(0)
	for _, s := range rooms {
		n, err := salvageRoom(db, s, each)
		if err != nil {
			return lost, err
		}
		missing += n
	}
	if missing > 0 {
		lost = fmt.Sprintf("%d messages", missing)
	}
	return lost, nil
}

// salvageRoom reads one room; behind a page that cannot be read it goes on at the next offset that can.
func salvageRoom(db *sql.DB, s *roomState, each func(room string, e Entry) error) (missing int64, err error) {
	for next := int64(1); next <= s.room.Last; {
		read, err := salvageFrom(db, s, next, each)
		if err != nil {
			return missing, err
		}
		if read >= s.room.Last {
			return missing, nil
		}
		// Look for the next readable offset: short steps first, then longer ones.
		next = read + 1
		for step := int64(1); next <= s.room.Last; step = min(2*step, 4096) {
			var key int64
			row := db.QueryRow("SELECT key FROM messages WHERE key >= ? AND key <= ? LIMIT 1", s.room.ID<<40|next, s.room.ID<<40|s.room.Last)
			if row.Scan(&key) == nil && key&maxOffset > read {
				var n int
				if db.QueryRow("SELECT length(body) FROM messages WHERE key = ?", key).Scan(&n) == nil {
					next = key & maxOffset
					break
				}
			}
			next += step
		}
		missing += min(next, s.room.Last+1) - read - 1
	}
	return missing, nil
}

// salvageFrom hands out entries from an offset until one cannot be read; it returns the last one's offset.
func salvageFrom(db *sql.DB, s *roomState, from int64, each func(room string, e Entry) error) (last int64, err error) {
	last = from - 1
	rows, err := db.Query("SELECT key, time, link, sender, flags, id, body FROM messages WHERE key >= ? AND key <= ? ORDER BY key",
		s.room.ID<<40|from, s.room.ID<<40|s.room.Last)
	if err != nil {
		return last, nil
	}
	defer rows.Close()
	for rows.Next() {
		var e Entry
		var key, micro, sender, flags int64
		var id sql.NullString
		if rows.Scan(&key, &micro, &e.Link, &sender, &flags, &id, &e.Body) != nil {
			return last, nil
		}
		e.Offset, e.Time = key&maxOffset, time.UnixMicro(micro)
		e.Partial, e.Replaced = flags&flagPartial != 0, flags&flagReplaced != 0
		e.ID, e.Encoding, e.Codec = id.String, s.room.Encoding, s.room.Codec
		if !id.Valid {
			e.ID = s.id(e.Offset)
		}
		if sender != 0 {
			e.From = "peer"
			var name string
			if db.QueryRow("SELECT name FROM names WHERE id = ?", sender).Scan(&name) == nil {
				e.From = name
			}
		}
		if err := each(s.room.Name, e); err != nil {
			return last, err
		}
		last = e.Offset
	}
	return last, nil
}
