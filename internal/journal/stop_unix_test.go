//go:build unix

package journal

import (
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// TestStopped copies the files of a process that appends, which is stopped at random instants: each copy is what a
// crash in that instant would have left, and opens with everything that was acknowledged before.
func TestStopped(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long, and longer under the race detector")
	}
	dir := t.TempDir()
	cmd, out := start(t, "append", dir)
	if !out.Scan() || out.Text() != "open" {
		t.Fatal(out.Text())
	}
	var acked atomic.Int64
	done := make(chan struct{})
	more := make(chan struct{}, 1)
	go func() {
		defer close(done)
		for out.Scan() {
			number, _, _ := strings.Cut(out.Text(), " ")
			n, err := strconv.ParseInt(number, 10, 64)
			if err != nil {
				t.Error(out.Text())
				return
			}
			acked.Store(max(acked.Load(), n))
			select {
			case more <- struct{}{}:
			default:
			}
		}
	}()
	for n := range 15 {
		for range 1 + n*7%40 {
			select {
			case <-more:
			case <-done:
				t.Fatal("the child has ended")
			}
		}
		must(t, cmd.Process.Signal(syscall.SIGSTOP))
		var status syscall.WaitStatus
		if _, err := syscall.Wait4(cmd.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
			t.Fatalf("stop: %v, %v", status, err)
		}
		least := acked.Load()
		to := t.TempDir()
		for name, data := range files(t, dir) {
			if strings.HasPrefix(name, "journal.db") && !strings.HasSuffix(name, "-shm") {
				write(t, filepath.Join(to, name), []byte(data))
			}
		}
		must(t, cmd.Process.Signal(syscall.SIGCONT))
		j, err := Open(to)
		if err != nil {
			t.Fatalf("copy %d: %v", n, err)
		}
		var count, last int64
		must(t, j.r.QueryRow("SELECT count(*), max(key) FROM messages").Scan(&count, &last))
		r, _, err := j.FindRoom(t.Context(), "room")
		if err != nil || count != last&maxOffset || count != r.Last || count < least {
			t.Errorf("copy %d: %d entries up to %d, the room ends at %d, %d acknowledged; %v", n, count, last&maxOffset, r.Last, least, err)
		}
		j.Close()
		intact(t, to)
	}
	must(t, cmd.Process.Kill())
	<-done
}
