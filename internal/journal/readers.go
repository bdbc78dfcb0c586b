package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Posted is an entry on its way into a room.
type Posted struct {
	Room int64
	Once bool // unless the room has one of that ID
	Entry
}

// ReaderAt returns up to where a reader has handled a room; 0 if it is new.
func (j *Journal) ReaderAt(ctx context.Context, room int64, reader string) (n int64, err error) {
	err = j.r.QueryRowContext(ctx, "SELECT n FROM readers WHERE room = ? AND name = ?", room, reader).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return n, j.explain(err)
}

// ErrMoved says that a reader is not where its caller left it: another has its name.
var ErrMoved = errors.New("another reader has this name")

// Advance moves a reader from one offset to another and stores what it has to say, in one commit. It fills in what
// Append fills in; an entry that is there already keeps an Offset of 0.
func (j *Journal) Advance(ctx context.Context, room int64, reader string, from, to int64, ps []Posted) error {
	states := make([]*roomState, len(ps))
	size := 128
	for i := range ps {
		s, err := j.state(ctx, ps[i].Room)
		if err != nil {
			return err
		}
		states[i] = s
		size += sizeOf([]Entry{ps[i].Entry})
	}
	stored := make([]Entry, len(ps))
	err := j.wait(ctx, &op{entries: 1 + len(ps), size: size, do: func(t *tx) error {
		var at int64
		err := t.conn.QueryRowContext(t.ctx, "SELECT n FROM readers WHERE room = ? AND name = ?", room, reader).Scan(&at)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if at != from {
			return fmt.Errorf("%w: it is at %d, not at %d", ErrMoved, at, from)
		}
		for i := range ps {
			stored[i] = Entry{}
			if ps[i].Once {
				had, err := t.find(states[i], ps[i].ID)
				if err != nil {
					return err
				}
				if had != 0 {
					continue
				}
			}
			kept, err := t.append(states[i], []Entry{ps[i].Entry})
			if err != nil {
				return err
			}
			stored[i] = kept[0]
		}
		_, err = t.exec("INSERT OR REPLACE INTO readers VALUES (?, ?, ?)", room, reader, to)
		return err
	}})
	if err != nil {
		return err
	}
	for i := range ps {
		ps[i].Offset, ps[i].Time, ps[i].ID = stored[i].Offset, stored[i].Time, stored[i].ID
	}
	return nil
}
