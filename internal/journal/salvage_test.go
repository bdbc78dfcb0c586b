package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What can be read of a damaged journal is read, whatever part of the file is gone; the file stays as it is.
func TestSalvage(t *testing.T) {
	const rooms, messages = 2, 1500
	for _, test := range []struct {
		name  string
		spoil func(b []byte) []byte
		least int
		whole bool // nothing is lost
	}{
		{"nothing", func(b []byte) []byte { return b }, rooms * messages, true},
		{"the header", func(b []byte) []byte { clear(b[:100]); return b }, rooms * messages, true},
		{"the first page", func(b []byte) []byte { clear(b[:pageSize]); return b }, rooms * messages, true},
		{"the second half", func(b []byte) []byte { return b[:len(b)/2] }, 1000, false},
		{"pages in the middle", func(b []byte) []byte { clear(b[len(b)/2 : len(b)/2+3*pageSize]); return b }, 2500, false},
		{"all", func(b []byte) []byte { clear(b); return b }, -1, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			j, err := Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			for r := range rooms {
				room, err := j.MakeRoom(context.Background(), Room{Name: fmt.Sprint("room ", r)})
				if err != nil {
					t.Fatal(err)
				}
				var es []Entry
				for i := range messages {
					es = append(es, Entry{From: "somebody", Body: fmt.Appendf(nil, "%d %d %0200d", r, i, 0)})
				}
				if _, err := j.Append(context.Background(), room.ID, es); err != nil {
					t.Fatal(err)
				}
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "journal.db")
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			b = test.spoil(b)
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			found := 0
			lost, err := Salvage(dir, func(room string, e Entry) error {
				var r, i int
				if _, err := fmt.Sscanf(string(e.Body), "%d %d ", &r, &i); err != nil || room != fmt.Sprint("room ", r) || e.Offset != int64(i+1) || e.From == "" {
					t.Fatalf("salvaged from %s: %d %.20q", room, e.Offset, e.Body)
				}
				found++
				return nil
			})
			if test.least < 0 {
				if !errors.Is(err, ErrUnreadable) || found > 0 {
					t.Errorf("%d messages, %v", found, err)
				}
				return
			}
			if err != nil || found < test.least || found > rooms*messages {
				t.Errorf("%d messages, want at least %d; %v", found, test.least, err)
			}
			if want := fmt.Sprintf("%d messages", rooms*messages-found); test.whole != (lost == "") || !test.whole && !strings.HasPrefix(lost, want) {
				t.Errorf("lost: %q, want %q", lost, want)
			}
			if now, _ := os.ReadFile(path); string(now) != string(b) {
				t.Error("the damaged file was changed")
			}
		})
	}
}

// A folder without a journal has nothing to read, and the error says so.
func TestSalvageNothing(t *testing.T) {
	dir := t.TempDir()
	_, err := Salvage(dir, func(string, Entry) error { t.Error("a message of nothing"); return nil })
	if !errors.Is(err, ErrUnreadable) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("salvaged an empty folder: %v", err)
	}
}
