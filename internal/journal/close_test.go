package journal

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// A journal that was closed in order is one file: its write-ahead log is in the database.
func TestCloseLeavesOneFile(t *testing.T) {
	dir := t.TempDir()
	j, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := j.MakeRoom(context.Background(), Room{Name: "room"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append(context.Background(), r.ID, []Entry{{Body: []byte("kept")}}); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"journal.db-wal", "journal.db-shm"} {
		if _, err := os.Stat(filepath.Join(dir, name)); !os.IsNotExist(err) {
			t.Errorf("%s is left (%v)", name, err)
		}
	}
}
