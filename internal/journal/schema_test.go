package journal

import (
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// fixture is a copy of the frozen journal of version 1, made by another program (sqlite3) from schema/1.sql.
func fixture(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	data, err := os.ReadFile("testdata/journal-1.db")
	if err != nil {
		t.Fatal(err)
	}
	write(t, dbPath(dir), data)
	return dir
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestSchemaIsFrozen fails when a released step is changed. A change of the schema is a new step.
func TestSchemaIsFrozen(t *testing.T) {
	want := []string{
		"d706a28aa18505716e7ec50b4859ccb46cd7c4cfe39c436b4208c629cdb8116a",
		"02fdebd2d98e439f600c0516a1177be5017dc9f0f6e54fdc914ff71cc9952a0e",
		"7f2c08243d922bed427448d18d77ffb6654de6b053e2636f89ac0e0a83a4beb1",
	}
	if len(steps) != len(want) {
		t.Errorf("%d steps have sums here, of %d", len(want), len(steps))
	}
	for i, step := range steps {
		if got := fmt.Sprintf("%x", sha256.Sum256([]byte(strings.ReplaceAll(step, "\r\n", "\n")))); got != want[i] {
			t.Errorf("schema/%d.sql has the sum %s, not %s: journals of users were made with it, so it must stay; write the next step instead", i+1, got, want[i])
		}
	}
}

// TestOpensFirstVersion opens the frozen journal of version 1: everything in it is there, and it goes on.
func TestOpensFirstVersion(t *testing.T) {
	j := open(t, fixture(t))
	ctx := t.Context()
	rooms, err := j.Rooms(ctx, 10)
	must(t, err)
	at := func(s int64) time.Time { return time.UnixMicro(1_700_000_000_000_000 + s*1_000_000) }
	lobby := Room{ID: 1, Name: "lobby", Codec: "lines", Encoding: "utf-8", Shared: true, Last: 3, Created: at(0), Updated: at(3)}
	dotnet := Room{ID: 2, Name: "dotnet://10.0.0.1:7000", Codec: "dotnet", Encoding: "gbk", URL: "dotnet://10.0.0.1:7000", Dialled: true, Last: 1, Created: at(1), Updated: at(2)}
	if !slices.Equal(rooms, []Room{lobby, dotnet}) {
		t.Errorf("rooms %+v", rooms)
	}
	const peer = "tcp:10.0.0.2:5000"
	same(t, "lobby", all(t, j, 1), []Entry{
		{Offset: 1, ID: "00112233445566771", From: peer, Time: at(1).Add(time.Microsecond), Link: 1, Codec: "lines", Encoding: "utf-8", Body: []byte("你好"), Wire: []byte("你好\r\n")},
		{Offset: 2, ID: "given", Time: at(2), Codec: "lines", Encoding: "utf-8", Body: []byte("hello")},
		{Offset: 3, ID: "00112233445566773", From: peer, Time: at(3), Link: 1, Codec: "lines", Encoding: "utf-8", Partial: true, Replaced: true, Body: []byte("half"), Wire: []byte("half")},
	})
	same(t, "dotnet", all(t, j, 2), []Entry{
		{Offset: 1, ID: "8899aabbccddeeff1", Time: at(2), Link: 2, Codec: "dotnet", Encoding: "gbk", Body: []byte("\xc4\xe3\xba\xc3")},
	})
	if cs, err := j.Cursors(ctx, 1); err != nil || !slices.Equal(cs, []Cursor{{1, peer, 1, 2, 2, 0}}) {
		t.Errorf("cursors %+v, %v", cs, err)
	}
	if fs, err := j.Fates(ctx, 1); err != nil || !slices.Equal(fs, []Fate{{1, peer, 1, 2, "uncertain"}}) {
		t.Errorf("fates %+v, %v", fs, err)
	}
	ls, err := j.Links(ctx, 1, 10)
	if want := (Link{1, 1, "lobby", peer, "127.0.0.1:7000", "10.0.0.2:5000", "lines", "auto", false, at(0).Add(500 * time.Millisecond), at(3).Add(500 * time.Millisecond),
		250, 2, 1, 12, 6, "peer closed", "FIN"}); err != nil || !slices.Equal(ls, []Link{want}) {
		t.Errorf("links %+v, %v", ls, err)
	}
	if os := j.Orphans(); len(os) != 1 || os[0].ID != 2 || os[0].Room != 2 {
		t.Errorf("orphans %+v", os)
	}
	if ns, err := j.Notes(ctx, 0, "", 10); err != nil || len(ns) != 1 || ns[0].Kind != "connected" || string(ns[0].Data) != `{"event":"connected"}` {
		t.Errorf("notes %+v, %v", ns, err)
	}
	if e, fresh, err := j.AppendOnce(ctx, 1, Entry{ID: "given"}); err != nil || fresh || e.Offset != 2 {
		t.Errorf("an id seen before: %+v, %t, %v", e, fresh, err)
	}
	es := texts("next")
	mustAppend(t, j, 1, es...)
	if es[0].Offset != 4 || j.NextLink() != 3 {
		t.Errorf("goes on at %d", es[0].Offset)
	}
	intact(t, j.dir)
}

// intact asks SQLite, on a connection of its own, whether the database is whole.
func intact(t testing.TB, dir string) {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(dbPath(dir), ""))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var result string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&result); err != nil || result != "ok" {
		t.Errorf("integrity_check: %s, %v", result, err)
	}
}

// TestMigrate takes the frozen journal through steps of the future: all are made, in order, each whole or not at
// all, and where one fails the next attempt goes on.
func TestMigrate(t *testing.T) {
	dir := fixture(t)
	db, err := sql.Open("sqlite", dsn(dbPath(dir), always))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	w, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	version := func() (n int) {
		must(t, w.QueryRowContext(t.Context(), "PRAGMA user_version").Scan(&n))
		return n
	}
	two := "ALTER TABLE messages ADD COLUMN type TEXT NOT NULL DEFAULT 'text'; CREATE TABLE two (a INTEGER) STRICT"
	bad := "CREATE TABLE three (a INTEGER) STRICT; INSERT INTO nowhere VALUES (1)"
	if err := migrate(t.Context(), w, []string{schema1, two, bad}); err == nil || !strings.Contains(err.Error(), "version 3") {
		t.Errorf("a bad step: %v", err)
	}
	if got := version(); got != 2 {
		t.Errorf("version %d after a bad third step, want 2", got)
	}
	good := "CREATE TABLE three (a INTEGER) STRICT; INSERT INTO three SELECT count(*) FROM messages"
	for range 2 { // the second time there is nothing to do
		must(t, migrate(t.Context(), w, []string{schema1, two, good}))
	}
	var n int
	var typ, body string
	must(t, w.QueryRowContext(t.Context(), "SELECT a, type, CAST(body AS TEXT) FROM three, messages WHERE key = ?", 1<<roomShift|2).Scan(&n, &typ, &body))
	if got := version(); got != 3 || n != 4 || typ != "text" || body != "hello" {
		t.Errorf("version %d, %d messages, type %s, body %s", got, n, typ, body)
	}
}

// TestRefuses opens what must not be opened: the error says why, and not a byte is changed.
func TestRefuses(t *testing.T) {
	sqlFile := func(t *testing.T, dir, script string) {
		t.Helper()
		db, err := sql.Open("sqlite", dsn(dbPath(dir), ""))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec(script); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name  string
		make  func(t *testing.T, dir string)
		newer bool
		want  string
	}{
		{"newer", func(t *testing.T, dir string) {
			write(t, dbPath(dir), read(t, "testdata/journal-1.db"))
			sqlFile(t, dir, "PRAGMA user_version = 99; CREATE TABLE future (a)")
		}, true, "newer tincan (schema 99, this one knows 3)"},
		{"of another program", func(t *testing.T, dir string) { sqlFile(t, dir, "CREATE TABLE mine (a); INSERT INTO mine VALUES (1)") }, false, "another program"},
		{"of another program with a version", func(t *testing.T, dir string) { sqlFile(t, dir, "PRAGMA user_version = 1; CREATE TABLE rooms (a)") }, false, "another program"},
		{"marked by another program", func(t *testing.T, dir string) { sqlFile(t, dir, "PRAGMA application_id = 7") }, false, "another program"},
		{"not a database", func(t *testing.T, dir string) { write(t, dbPath(dir), []byte(strings.Repeat("some text\n", 1000))) }, false, "not a database"},
		{"a few bytes", func(t *testing.T, dir string) { write(t, dbPath(dir), []byte("x")) }, false, "too short"},
		{"empty, with a log", func(t *testing.T, dir string) {
			write(t, dbPath(dir), nil)
			write(t, dbPath(dir)+"-wal", make([]byte, 9000))
		}, false, "it is empty, but journal.db-wal"},
		{"gone, with a log", func(t *testing.T, dir string) { write(t, dbPath(dir)+"-wal", make([]byte, 9000)) }, false, "it is missing, but journal.db-wal"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			c.make(t, dir)
			before := files(t, dir)
			for range 2 {
				_, err := Open(dir)
				var newer *NewerError
				var damaged *DamagedError
				if !errors.As(err, &newer) && c.newer || !errors.As(err, &damaged) && !c.newer || err != nil && !strings.Contains(err.Error(), c.want) {
					t.Errorf("opened with %v, want %q", err, c.want)
				}
			}
			after := files(t, dir)
			for name, data := range before {
				if after[name] != data {
					t.Errorf("%s has changed", name)
				}
			}
			if before["journal.db-wal"] == "" && after["journal.db-wal"] != "" {
				t.Error("something was written to the log")
			}
		})
	}
}

// files are the files of a folder with what is in them.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	des, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, de := range des {
		out[de.Name()] = string(read(t, filepath.Join(dir, de.Name())))
	}
	return out
}

// TestEmptyFileIsANewJournal opens a file of no bytes, as a crash in the first moment leaves it.
func TestEmptyFileIsANewJournal(t *testing.T) {
	dir := t.TempDir()
	write(t, dbPath(dir), nil)
	j := open(t, dir)
	mustAppend(t, j, makeRoom(t, j, "room").ID, texts("a")...)
}

// TestSyncIsInForce asks the connections themselves.
func TestSyncIsInForce(t *testing.T) {
	j := open(t, t.TempDir())
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "fullfsync": "1", "busy_timeout": "5000", "application_id": "1952670062", "query_only": "0"} {
		var got string
		if err := j.w.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("writer: %s is %s, %v; want %s", pragma, got, err, want)
		}
	}
	if _, err := j.r.Exec("DELETE FROM rooms"); err == nil {
		t.Error("a reader can write")
	}
}
