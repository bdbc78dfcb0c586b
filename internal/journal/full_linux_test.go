package journal

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// inNamespace runs the calling test once more in a process that has its mounts to itself, and reports whether
// this is that process. Mounts end with it, whatever happens.
func inNamespace(t *testing.T) bool {
	t.Helper()
	if os.Getenv("TINCAN_JOURNAL_NAMESPACE") == t.Name() {
		return true
	}
	if os.Getuid() != 0 {
		skip(t, "only root can mount")
	}
	unshare := need(t, "unshare")
	if out, err := exec.Command(unshare, "--mount", "true").CombinedOutput(); err != nil {
		skip(t, "no mount namespaces here: %v %s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(unshare, "--mount", "--propagation", "private", self, "-test.run", "^"+t.Name()+"$", "-test.v", "-test.timeout", "60s")
	cmd.Env = append(os.Environ(), "TINCAN_JOURNAL_NAMESPACE="+t.Name())
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("in its namespace: %v\n%s", err, out)
	}
	return false
}

// smallDisk mounts a file system in memory.
func smallDisk(t *testing.T, mib int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", mib)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// fill takes the space of a disk, but for about so many bytes.
func fill(t *testing.T, dir string, leave int64) (ballast string) {
	t.Helper()
	ballast = filepath.Join(dir, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	page := make([]byte, 4096)
	for freeSpace(dir) > leave {
		if _, err := f.Write(page); err != nil {
			break
		}
	}
	return ballast
}

// until waits for what the writer does by itself.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still not: %s", what)
		}
	}
}

// TestFull fills the disk to the reserve: what is new is refused, what is stored can be read, small records are
// still kept, and when there is space again everything goes on by itself.
func TestFull(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	disk := smallDisk(t, 32)
	dir := filepath.Join(disk, "data")
	j := open(t, dir)
	ctx := t.Context()
	r := makeRoom(t, j, "room")
	link := Link{ID: j.NextLink(), Room: r.ID, Began: time.Now()}
	j.BeginLink(link)
	ballast := fill(t, disk, 16<<20)
	var acked []string
	var full *FullError
	f := j.Follow()
	for i, size := 0, 4000; ; i++ {
		body := fmt.Sprintf("%06d %0*d", i, size, 0)
		_, err := j.Append(ctx, r.ID, texts(body))
		if errors.As(err, &full) {
			if size == 1 {
				break
			}
			size = 1
			continue
		}
		if err != nil {
			t.Fatalf("append %d: %v", i, err)
		}
		acked = append(acked, body)
	}
	if len(acked) < 500 || full.Dir != dir || full.Free < 0 || full.Free > 12<<20 {
		t.Errorf("full after %d: %v", len(acked), full)
	}
	for what, call := range map[string]func() error{
		"Append":     func() error { _, err := j.Append(ctx, r.ID, texts("x")); return err },
		"AppendOnce": func() error { _, _, err := j.AppendOnce(ctx, r.ID, Entry{ID: "x"}); return err },
		"NewRoom":    func() error { _, err := j.NewRoom(ctx, Room{Name: "x"}); return err },
		"Settle":     func() error { return j.Settle(ctx, Fate{r.ID, "p", 1, 1, "x"}) },
		"Trouble":    j.Trouble,
	} {
		if err := call(); !errors.As(err, &full) {
			t.Errorf("%s on a full disk: %v", what, err)
		}
	}
	link.Ended, link.Reason = time.Now(), "peer closed"
	j.EndLink(link)
	j.Note(Note{Kind: "ended", Link: link.ID})
	j.SaveCursor(Cursor{r.ID, "p", 0, 7, 7, 0})
	until(t, "the link's end is stored", func() bool { return !stored(t, j, "SELECT count(*) FROM links WHERE ended = 0") })
	until(t, "the note is stored", func() bool { return stored(t, j, "SELECT count(*) FROM notes WHERE kind = 'ended'") })
	until(t, "the cursor is stored", func() bool { return stored(t, j, "SELECT count(*) FROM cursors WHERE reached = 7") })
	if got := bodies(all(t, j, r.ID)); fmt.Sprint(got) != fmt.Sprint(acked) {
		t.Errorf("%d can be read, %d were acknowledged", len(got), len(acked))
	}
	if b, err := f.Next(ctx); err != nil || b.Rooms[0].Last != int64(len(acked)) {
		t.Errorf("a follower got %+v, %v", b.Rooms, err)
	}
	must(t, os.Remove(ballast))
	until(t, "no trouble any more", func() bool { return j.Trouble() == nil }) // though nobody asks for anything
	mustAppend(t, j, r.ID, texts("again")...)
	j = reopen(t, j)
	if got := bodies(all(t, j, r.ID)); fmt.Sprint(got) != fmt.Sprint(append(acked, "again")) {
		t.Errorf("%d after reopening, %d were acknowledged", len(got), len(acked)+1)
	}
	if ls, _ := j.Links(ctx, 0, 1); len(ls) != 1 || ls[0].Reason != "peer closed" || len(j.Orphans()) != 0 {
		t.Errorf("links %+v, orphans %v", ls, j.Orphans())
	}
	must(t, j.Close())
	intact(t, dir)
}

// stored says whether a count is not 0.
func stored(t *testing.T, j *Journal, query string) bool {
	t.Helper()
	var n int
	must(t, j.r.QueryRow(query).Scan(&n))
	return n > 0
}

// TestFullToTheLastByte has another program take all space, the reserve too: the disk itself refuses. Records
// that could not be kept are kept as soon as there is space.
func TestFullToTheLastByte(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	disk := smallDisk(t, 32)
	dir := filepath.Join(disk, "data")
	j := open(t, dir)
	ctx := t.Context()
	r := makeRoom(t, j, "room")
	link := Link{ID: j.NextLink(), Room: r.ID, Began: time.Now()}
	j.BeginLink(link)
	mustAppend(t, j, r.ID, texts("first")...)
	fill(t, disk, 3<<20)
	var full *FullError
	if _, err := j.Append(ctx, r.ID, []Entry{{Body: make([]byte, 8<<20)}}); !errors.As(err, &full) { // more than there is
		t.Errorf("a message larger than the space: %v", err)
	}
	until(t, "no trouble above the reserve", func() bool { return j.Trouble() == nil }) // there is more than the reserve
	mustAppend(t, j, r.ID, texts("second")...)
	ballast := fill(t, disk, 0)
	if _, err := j.Append(ctx, r.ID, texts("refused")); !errors.As(err, &full) || full.Free > 4096 {
		t.Errorf("no space at all: %v", err)
	}
	link.Ended, link.Reason = time.Now().Truncate(time.Microsecond), "peer closed"
	f := j.Follow()
	for range 300 { // more than fits into what the log has already
		j.Note(Note{Kind: "seen", Data: make([]byte, 4000)})
	}
	j.EndLink(link)
	for n := 0; n < 300; {
		b, err := f.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		n += len(b.Notes)
	}
	// Another process that opens the folder now is told why it cannot, or can.
	must(t, j.Close())
	if k, err := Open(dir); err == nil {
		if got := bodies(all(t, k, r.ID)); fmt.Sprint(got) != "[first second]" {
			t.Errorf("on a full disk: %q", got)
		}
		must(t, k.Close())
	} else if !errors.As(err, &full) {
		t.Errorf("opened on a full disk with %v", err)
	} else {
		t.Log(err)
	}
	must(t, os.Remove(ballast))
	j = open(t, dir)
	mustAppend(t, j, r.ID, texts("third")...)
	if got := bodies(all(t, j, r.ID)); fmt.Sprint(got) != "[first second third]" {
		t.Errorf("after all: %q", got)
	}
	must(t, j.Close())
	intact(t, dir)
}

// TestOwedRecord has the end of a link refused by a full disk, and kept when there is space.
func TestOwedRecord(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	disk := smallDisk(t, 32)
	j := open(t, filepath.Join(disk, "data"))
	r := makeRoom(t, j, "room")
	link := Link{ID: j.NextLink(), Room: r.ID, Began: time.Now()}
	j.BeginLink(link)
	must(t, j.Settle(t.Context()))
	ballast := fill(t, disk, 0)
	link.Ended, link.Reason = time.Now(), "peer closed"
	for range 300 {
		j.Note(Note{Data: make([]byte, 4000)})
	}
	j.EndLink(link)
	until(t, "the record is owed", func() bool { j.mu.Lock(); defer j.mu.Unlock(); return len(j.writer.owed) == 1 })
	if err := j.Trouble(); err == nil {
		t.Error("no trouble on a full disk")
	}
	must(t, os.Remove(ballast))
	until(t, "the record is stored", func() bool { return stored(t, j, "SELECT count(*) FROM links WHERE reason = 'peer closed'") })
	until(t, "no trouble any more", func() bool { return j.Trouble() == nil })
	if j = reopen(t, j); len(j.Orphans()) != 0 {
		t.Errorf("orphans %+v", j.Orphans())
	}
}

// TestReadOnlyDisk opens a folder on a disk that is mounted for reading only.
func TestReadOnlyDisk(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	disk := smallDisk(t, 8)
	dir := filepath.Join(disk, "data")
	j := open(t, dir)
	mustAppend(t, j, makeRoom(t, j, "room").ID, texts("a")...)
	must(t, j.Close())
	before := files(t, dir)
	must(t, syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	for _, path := range []string{dir, filepath.Join(disk, "new")} {
		if _, err := Open(path); !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), path) {
			t.Errorf("open %s: %v", path, err)
		}
	}
	if fmt.Sprint(files(t, dir)) != fmt.Sprint(before) {
		t.Error("something has changed")
	}
	n := 0
	if lost, err := Salvage(dir, func(string, Entry) error { n++; return nil }); n != 1 || lost != "" || err != nil {
		t.Errorf("salvaged %d, lost %q, %v", n, lost, err)
	}
	must(t, syscall.Mount("", disk, "", syscall.MS_REMOUNT, ""))
	open(t, dir)
}

// TestFailedSync lets a disk break under the journal: a file system in a file whose own disk is full, so that
// what the kernel has taken cannot be written. The journal ends for good; what was acknowledged is there.
func TestFailedSync(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	mkfs := need(t, "mkfs.ext4")
	disk := smallDisk(t, 24)
	img, mnt := filepath.Join(disk, "img"), filepath.Join(t.TempDir(), "mnt")
	must(t, os.Mkdir(mnt, 0o700))
	write(t, img, nil)
	must(t, os.Truncate(img, 256<<20))
	if out, err := exec.Command(mkfs, "-q", "-m", "0", "-O", "^has_journal", "-E", "lazy_itable_init=1,nodiscard", img).CombinedOutput(); err != nil {
		t.Fatalf("mkfs: %v %s", err, out)
	}
	if out, err := exec.Command("mount", "-o", "loop", img, mnt).CombinedOutput(); err != nil {
		skip(t, "no loop device: %v %s", err, out)
	}
	unmount := func() { exec.Command("umount", mnt).Run() }
	t.Cleanup(unmount)
	dir := filepath.Join(mnt, "data")
	j := open(t, dir)
	ctx := t.Context()
	r := makeRoom(t, j, "room")
	ballast := fill(t, disk, 2<<20)
	acked := 0
	var failed error
	for failed == nil {
		if _, failed = j.Append(ctx, r.ID, []Entry{{Body: make([]byte, 50_000)}}); failed == nil {
			acked++
		}
	}
	t.Logf("after %d: %v", acked, failed)
	if !errors.Is(failed, ErrFailed) || acked == 0 {
		t.Errorf("after %d appends: %v", acked, failed)
	}
	must(t, os.Remove(ballast)) // the disk is well again; what it holds is not known all the same
	for what, call := range map[string]func() error{
		"Append":  func() error { _, err := j.Append(ctx, r.ID, texts("x")); return err },
		"Settle":  func() error { return j.Settle(ctx, Fate{}) },
		"Trouble": j.Trouble,
	} {
		if err := call(); !errors.Is(err, ErrFailed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if got := len(all(t, j, r.ID)); got != acked {
		t.Errorf("%d can be read, %d were acknowledged", got, acked)
	}
	j.Note(Note{})
	j.Close()
	j = open(t, dir)
	if got := len(all(t, j, r.ID)); got < acked {
		t.Errorf("%d after reopening, %d were acknowledged", got, acked)
	}
	mustAppend(t, j, r.ID, texts("again")...)
	must(t, j.Close())
	intact(t, dir)
	unmount()
}

func init() { children["limit"] = childLimit }

// childLimit appends until a write fails, as the system lets no file grow any more.
func childLimit(dir string) error {
	j, err := Open(dir)
	if err != nil {
		return err
	}
	r, err := j.MakeRoom(j.ctx, Room{Name: "room"})
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGXFSZ)
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1 << 20, Max: 1 << 20}); err != nil {
		return err
	}
	for {
		_, err := j.Append(j.ctx, r.ID, texts(strings.Repeat("x", 5000)))
		if err == nil {
			fmt.Println("acked")
			continue
		}
		_, again := j.Append(j.ctx, r.ID, texts("x"))
		es, rerr := j.Read(j.ctx, r.ID, 0, 1000, 64<<20)
		fmt.Println(errors.Is(err, ErrFailed), errors.Is(again, ErrFailed), len(es), rerr)
		return nil
	}
}

// TestFailedWrite has a write refused in another way than by a full disk.
func TestFailedWrite(t *testing.T) {
	dir := t.TempDir()
	_, out := start(t, "limit", dir)
	acked := 0
	for out.Scan() && out.Text() == "acked" {
		acked++
	}
	if want := fmt.Sprint("true true ", acked, " <nil>"); out.Text() != want || acked == 0 {
		t.Errorf("after %d: %q, want %q", acked, out.Text(), want)
	}
	for out.Scan() {
	}
	j := open(t, dir)
	r := makeRoom(t, j, "room")
	if r.Last < int64(acked) || len(all(t, j, r.ID)) != int(r.Last) {
		t.Errorf("%d are there, %d were acknowledged", r.Last, acked)
	}
	must(t, j.Close())
	intact(t, dir)
}
