package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"modernc.org/sqlite" // the driver
)

// FullError says that there is no space for anything new. What is stored is safe; appends work again when there
// is space.
type FullError struct {
	Dir  string
	Free int64 // bytes; -1 if not known
}

func (e *FullError) Error() string {
	if e.Free < 0 {
		return "the disk of " + e.Dir + " is full"
	}
	return fmt.Sprintf("the disk of %s is full (%d MiB free)", e.Dir, e.Free>>20)
}

// BusyError says that another process has the folder open.
type BusyError struct {
	Dir string
	PID int // 0 if not known
}

func (e *BusyError) Error() string {
	if e.PID == 0 {
		return e.Dir + " is in use by another process"
	}
	return fmt.Sprintf("%s is in use by process %d", e.Dir, e.PID)
}

// NewerError says that a newer version of this program made the journal.
type NewerError struct {
	Dir     string
	Version int
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("the journal in %s was made by a newer tincan (schema %d, this one knows %d)", e.Dir, e.Version, len(steps))
}

// DamagedError says that the database cannot be read.
type DamagedError struct {
	Path string
	Err  error
}

func (e *DamagedError) Error() string { return fmt.Sprintf("%s is damaged: %v", e.Path, e.Err) }
func (e *DamagedError) Unwrap() error { return e.Err }

// ErrClosed is what methods of a closed journal return.
var ErrClosed = errors.New("the journal is closed")

// ErrFailed is wrapped by every error after a write or sync has failed: what the disk holds is not known, so
// nothing is claimed any more.
var ErrFailed = errors.New("the journal has failed and must be opened again")

// SQLite's result codes that are told apart (https://sqlite.org/rescode.html).
const (
	codeBusy         = 5
	codeLocked       = 6
	codeIOErr        = 10
	codeCorrupt      = 11
	codeFull         = 13
	codeConstraint   = 19
	codeCantOpen     = 14
	codeReadOnly     = 8
	codeNotADB       = 26
	codeIOErrWrite   = 778
	codeIOErrShmSize = 4874
)

// explain puts SQLite's error into the words of this package.
func (j *Journal) explain(err error) error {
	if err == nil {
		return nil
	}
	j.mu.Lock()
	ended := j.ended
	j.mu.Unlock()
	if ended {
		return ErrClosed
	}
	return explain(j.dir, err)
}

// unreadable is explain for a row that SQLite gave out but that cannot be one of this package's.
func (j *Journal) unreadable(err error) error {
	if known := j.explain(err); known != err || hasAnyCode(err) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return known
	}
	return &DamagedError{Path: filepath.Join(j.dir, "journal.db"), Err: err}
}

func explain(dir string, err error) error {
	var e *sqlite.Error
	if err == nil || !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case codeFull:
		return &FullError{Dir: dir, Free: freeSpace(dir)}
	case codeCorrupt, codeNotADB:
		return &DamagedError{Path: filepath.Join(dir, "journal.db"), Err: err}
	case codeReadOnly, codeCantOpen:
		return fmt.Errorf("the journal in %s cannot be written: %w", dir, errors.Join(os.ErrPermission, err))
	case codeBusy, codeLocked:
		return fmt.Errorf("another program keeps the journal in %s locked: %w", dir, err)
	case codeIOErr:
		if f := freeSpace(dir); (e.Code() == codeIOErrWrite || e.Code() == codeIOErrShmSize) && f >= 0 && f < 1<<20 {
			return &FullError{Dir: dir, Free: f}
		}
	}
	return err
}

// isIO says that reading or writing failed in a way after which the disk's state is not known.
func isIO(err error) bool { return hasCode(err, codeIOErr) }

// isBusy says that another program was in the way, for longer than this one waits.
func isBusy(err error) bool { return hasCode(err, codeBusy) || hasCode(err, codeLocked) }

func hasAnyCode(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e)
}

// hasCode says whether an error is SQLite's with this primary code.
func hasCode(err error, code int) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == code
}
