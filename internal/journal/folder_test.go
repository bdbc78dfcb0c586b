package journal

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestOneProcess opens a folder that another process has: the error names it. When that is killed, the lock that
// it leaves is no obstacle.
func TestOneProcess(t *testing.T) {
	dir := t.TempDir()
	for range 3 {
		cmd, out := start(t, "hold", dir)
		if !out.Scan() || out.Text() != "open" {
			t.Fatal(out.Text())
		}
		_, err := Open(dir)
		var busy *BusyError
		if !errors.As(err, &busy) || busy.PID != cmd.Process.Pid || busy.Dir != dir {
			t.Errorf("opened with %v, want pid %d", err, cmd.Process.Pid)
		}
		cmd.Process.Kill()
		cmd.Wait()
		j, err := Open(dir)
		if err != nil {
			t.Fatalf("after a kill: %v", err)
		}
		if _, err := Open(dir); !errors.As(err, &busy) || busy.PID != os.Getpid() { // in one process too
			t.Errorf("opened twice: %v", err)
		}
		must(t, j.Close())
	}
	if got := (&BusyError{Dir: "/d"}).Error(); got != "/d is in use by another process" {
		t.Error(got)
	}
}

// TestStaleLockFile opens a folder whose lock file names a process that runs, but holds nothing.
func TestStaleLockFile(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "lock"), []byte("1\n")) // a process that runs
	open(t, dir)
}

func TestPaths(t *testing.T) {
	names := []string{"with blanks  two", "100%", "a%20b", "#hash", "数据 文件夹", "a&b=c;d", "é\u0301", "new/folders/inside", "+plus", "'quote'", "[x]", "file:x"}
	if runtime.GOOS != "windows" {
		names = append(names, "what?mode=ro", "tab\there", `back\slash`, "new\nline", "\"")
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), name)
			j := open(t, dir)
			r := makeRoom(t, j, "room")
			mustAppend(t, j, r.ID, texts("a")...)
			if fileSize(dbPath(dir)) < 0 {
				t.Errorf("the journal is elsewhere: %v", files(t, dir))
			}
			j = reopen(t, j)
			if got := bodies(all(t, j, r.ID)); len(got) != 1 {
				t.Errorf("read %q", got)
			}
			must(t, j.Close())
			n := 0
			lost, err := Salvage(dir, func(string, Entry) error { n++; return nil })
			if n != 1 || lost != "" || err != nil {
				t.Errorf("salvaged %d, lost %q, %v", n, lost, err)
			}
		})
	}
}

// TestRelativePath opens a folder named from where the process is.
func TestRelativePath(t *testing.T) {
	t.Chdir(t.TempDir())
	j := open(t, "data")
	mustAppend(t, j, makeRoom(t, j, "room").ID, texts("a")...)
	if fileSize(filepath.Join("data", "journal.db")) < 0 {
		t.Error("the journal is elsewhere")
	}
}

// TestNoFolder opens what cannot be a folder: the error names it, and nothing is harmed.
func TestNoFolder(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	write(t, file, []byte("mine"))
	for path, want := range map[string]string{
		file:                        "open " + file + ": not a directory",
		filepath.Join(file, "in"):   file,
		filepath.Join(dir, "isdir"): "journal.db is damaged: it is a folder",
		filepath.Join(dir, strings.Repeat("n", 300)): "name too long",
	} {
		if strings.HasSuffix(path, "isdir") {
			must(t, os.MkdirAll(dbPath(path), 0o700))
		}
		_, err := Open(path)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("open %s: %v, want %q", path, err, want)
		}
	}
	if got := string(read(t, file)); got != "mine" {
		t.Errorf("the file holds %q", got)
	}
}

// TestFolderIsPrivate looks at who may look into a folder that Open has made.
func TestFolderIsPrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the folder inherits its rights on Windows")
	}
	dir := filepath.Join(t.TempDir(), "new")
	open(t, dir)
	fi, err := os.Stat(dir)
	if err != nil || fi.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
}
