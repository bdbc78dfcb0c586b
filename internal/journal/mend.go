package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const (
	pageSize = 4096 // of every journal
	magic    = "SQLite format 3\x00"
)

// mend copies a database that SQLite does not open, with the two things repaired that it insists on: a first page,
// which is taken from a new journal, and a file as long as that page says. What is missing reads as damaged pages.
// The caller removes the folder of the copy.
func mend(path string) (dir string, err error) {
	if dir, err = os.MkdirTemp("", "tincan-salvage-"); err != nil {
		return "", fmt.Errorf("make a folder for a copy: %w", err)
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	size, err := copyFile(filepath.Join(dir, "journal.db"), path)
	if err != nil {
		return "", err
	}
	if _, err := copyFile(filepath.Join(dir, "journal.db-wal"), path+"-wal"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	f, err := os.OpenFile(filepath.Join(dir, "journal.db"), os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var head [100]byte
	io.ReadFull(f, head[:])
	pages := int64(binary.BigEndian.Uint32(head[28:]))
	if !bytes.HasPrefix(head[:], []byte(magic)) {
		pages = (size + pageSize - 1) / pageSize
		first, err := firstPage(filepath.Join(dir, "new"))
		if err != nil {
			return "", err
		}
		binary.BigEndian.PutUint32(first[28:], uint32(pages))
		copy(first[92:96], first[24:28]) // or the number of pages is not believed
		if _, err := f.WriteAt(first, 0); err != nil {
			return "", err
		}
	}
	if size < pages*pageSize {
		err = f.Truncate(pages * pageSize)
	}
	return dir, err
}

// firstPage is that of a new journal: the tables of all journals begin at the same pages.
func firstPage(dir string) ([]byte, error) {
	j, err := Open(dir)
	if err != nil {
		return nil, err
	}
	if err := j.Close(); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(filepath.Join(dir, "journal.db"))
	if err != nil {
		return nil, err
	}
	if len(b) < pageSize {
		return nil, errors.New("a new journal has no first page")
	}
	return b[:pageSize], nil
}

func copyFile(to, from string) (n int64, err error) {
	in, err := os.Open(from)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	n, err = io.Copy(out, in)
	return n, errors.Join(err, out.Close())
}
