package journal

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// open opens a journal that the test closes.
func open(t testing.TB, dir string) *Journal {
	t.Helper()
	j, err := Open(dir)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

// reopen closes a journal and opens it again.
func reopen(t testing.TB, j *Journal) *Journal {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	return open(t, j.dir)
}

func makeRoom(t testing.TB, j *Journal, name string) Room {
	t.Helper()
	r, err := j.MakeRoom(t.Context(), Room{Name: name, Codec: "lines", Encoding: "utf-8"})
	if err != nil {
		t.Fatalf("make room: %v", err)
	}
	return r
}

func mustAppend(t testing.TB, j *Journal, room int64, es ...Entry) {
	t.Helper()
	if _, err := j.Append(t.Context(), room, es); err != nil {
		t.Fatalf("append: %v", err)
	}
}

// text makes entries of texts that this node sent.
func texts(bodies ...string) []Entry {
	es := make([]Entry, len(bodies))
	for i, b := range bodies {
		es[i] = Entry{Body: []byte(b), Codec: "lines", Encoding: "utf-8"}
	}
	return es
}

// bodies are the texts of entries.
func bodies(es []Entry) []string {
	out := make([]string, len(es))
	for i := range es {
		out[i] = string(es[i].Body)
	}
	return out
}

func dbPath(dir string) string { return filepath.Join(dir, "journal.db") }

// skip says why a test cannot run here. Where everything must run (CI=true) that is a failure.
func skip(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("must not be skipped in CI: "+format, args...)
	}
	t.Skipf("skipped: "+format, args...)
}

// need returns the path of a program that the test uses.
func need(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		skip(t, "%s is not installed", name)
	}
	return path
}
