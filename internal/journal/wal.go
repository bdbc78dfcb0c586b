package journal

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// checkWAL says whether a write-ahead log that a crash left behind has lost commits that were acknowledged.
// SQLite reads it up to the first frame that does not check out, and drops the rest. That is right for the
// newest commit, which may not have been synced. But a commit is begun only when the one before it is synced: if
// two or more follow the bad frame, something that was promised has been damaged
// (https://sqlite.org/fileformat2.html#the_write_ahead_log).
func checkWAL(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<18)
	var head [32]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil // too short to hold a commit
	}
	be := binary.BigEndian
	var order binary.ByteOrder = be
	switch be.Uint32(head[0:]) {
	case 0x377f0682:
		order = binary.LittleEndian
	case 0x377f0683:
	default:
		return &DamagedError{Path: path, Err: errors.New("its head cannot be read")}
	}
	page := int(be.Uint32(head[8:]))
	sum := walSum{order: order}
	sum.add(head[:24])
	if page < 512 || page > 65536 || page&(page-1) != 0 || !sum.is(head[24:]) {
		return &DamagedError{Path: path, Err: errors.New("its head cannot be read")}
	}
	frame := make([]byte, 24+page)
	bad, commits := int64(0), 0
	for n := int64(1); ; n++ {
		if _, err := io.ReadFull(r, frame); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		} else if err != nil {
			return err
		}
		salted := [8]byte(frame[8:16]) == [8]byte(head[16:24]) // else it is of an earlier round of the log
		if bad == 0 {
			sum.add(frame[:8])
			sum.add(frame[24:])
			if salted && sum.is(frame[16:]) {
				continue
			}
			bad = n
		}
		if salted && be.Uint32(frame[4:]) != 0 {
			if commits++; commits == 2 {
				return &DamagedError{Path: path, Err: fmt.Errorf("frame %d does not check out, and what follows it was promised", bad)}
			}
		}
	}
}

// walSum is the running checksum of a write-ahead log.
type walSum struct {
	order binary.ByteOrder
	a, b  uint32
}

func (s *walSum) add(p []byte) {
	for ; len(p) >= 8; p = p[8:] {
		s.a += s.order.Uint32(p) + s.b
		s.b += s.order.Uint32(p[4:]) + s.a
	}
}

func (s *walSum) is(p []byte) bool {
	return binary.BigEndian.Uint32(p) == s.a && binary.BigEndian.Uint32(p[4:]) == s.b
}

const walLimit = 64 << 20 // a log that has grown beyond this is folded into the database, readers or not

// walWatch keeps the log short. SQLite folds it in by itself, but starts it anew only in a moment without
// readers, which may not come for a long time.
type walWatch struct{ limit, next int64 }

// watchWAL runs after a commit.
func (j *Journal) watchWAL() {
	w := &j.writer.wal
	size := j.writer.disk.wal // as it was lately, which is soon enough
	if size < max(w.next, w.limit) {
		if size < w.limit {
			w.next = 0
		}
		return
	}
	if j.foldWAL() {
		j.look()
	} else {
		w.next = size + w.limit/4
	}
}

// reclaim gives the disk back what the log takes, if that is much.
func (j *Journal) reclaim() bool { return fileSize(j.walPath()) > 1<<20 && j.foldWAL() }

// foldWAL copies the log into the database and empties it.
func (j *Journal) foldWAL() bool {
	var busy, log, done int
	err := j.w.QueryRowContext(j.ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &log, &done)
	return err == nil && busy == 0
}

func (j *Journal) walPath() string { return filepath.Join(j.dir, "journal.db-wal") }
