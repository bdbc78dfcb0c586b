package journal

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// child names what this test binary does instead of testing, when a test has started it.
const child = "TINCAN_JOURNAL_CHILD"

func TestMain(m *testing.M) {
	if what, dir := os.Getenv(child), os.Getenv("TINCAN_JOURNAL_DIR"); what != "" {
		if err := children[what](dir); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var children = map[string]func(dir string) error{"hold": childHold, "append": childAppend}

// start runs this binary as a child. Its output is read line by line; the first says that it has opened.
func start(t *testing.T, what, dir string, wrap ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := append(wrap, self)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), child+"="+what, "TINCAN_JOURNAL_DIR="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd, bufio.NewScanner(out)
}

// childHold opens a journal and holds it until it is killed.
func childHold(dir string) error {
	if _, err := Open(dir); err != nil {
		return err
	}
	fmt.Println("open")
	select {}
}

// childAppend has many callers append, and prints the number of each entry once it is acknowledged.
func childAppend(dir string) error {
	j, err := Open(dir)
	if err != nil {
		return err
	}
	ctx := j.ctx
	r, err := j.MakeRoom(ctx, Room{Name: "room"})
	if err != nil {
		return err
	}
	fmt.Println("open")
	var wg sync.WaitGroup
	for k := range 8 {
		wg.Go(func() {
			for i := 1; ; i++ {
				es := make([]Entry, 1+i%(10*k+1))
				for n := range es {
					es[n] = Entry{Body: []byte(strings.Repeat("x", i%1000)), From: fmt.Sprint("peer ", i%50)}
				}
				link := j.NextLink()
				j.BeginLink(Link{ID: link, Room: r.ID})
				j.SaveCursor(Cursor{Room: r.ID, Peer: fmt.Sprint(k), Reached: int64(i)})
				if _, err := j.Append(ctx, r.ID, es); err != nil {
					fmt.Println("error:", err)
					return
				}
				fmt.Println(es[len(es)-1].Offset, link)
			}
		})
	}
	wg.Wait()
	return nil
}

// TestKill kills a process that appends, at random instants, again and again on one journal: every number that
// it acknowledged is there afterwards, none is missing before it, and the database is whole.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	kills := 25
	if testing.Short() {
		kills = 5
	}
	acked, link, grown := int64(0), int64(0), 0
	for n := range kills {
		cmd, out := start(t, "append", dir)
		if !out.Scan() || out.Text() != "open" {
			t.Fatalf("start %d: %s", n, out.Text())
		}
		time.AfterFunc(time.Duration(rand.IntN(150_000))*time.Microsecond, func() { cmd.Process.Kill() })
		before := acked
		for out.Scan() {
			a, b, _ := strings.Cut(out.Text(), " ")
			o, err := strconv.ParseInt(a, 10, 64)
			l, err2 := strconv.ParseInt(b, 10, 64)
			if err != nil || err2 != nil {
				t.Fatalf("start %d: %s", n, out.Text())
			}
			acked, link = max(acked, o), max(link, l)
		}
		cmd.Wait()
		if acked > before {
			grown++
		}
		j := open(t, dir)
		r, ok, err := j.FindRoom(t.Context(), "room")
		if err != nil || !ok || r.Last < acked {
			t.Fatalf("kill %d: the room ends at %d, %d was acknowledged (%t, %v)", n, r.Last, acked, ok, err)
		}
		var count, first, last int64
		must(t, j.r.QueryRow("SELECT count(*), min(key), max(key) FROM messages").Scan(&count, &first, &last))
		if count != r.Last || first&maxOffset != 1 || last&maxOffset != r.Last {
			t.Fatalf("kill %d: %d entries from %d to %d, the room ends at %d", n, count, first&maxOffset, last&maxOffset, r.Last)
		}
		if next := j.NextLink(); next <= link {
			t.Fatalf("kill %d: next link %d, %d was used", n, next, link)
		}
		if len(j.Orphans()) == 0 && acked > before {
			t.Errorf("kill %d: no orphans", n)
		}
		j.Close()
		intact(t, dir)
	}
	if grown == 0 {
		t.Error("no child has appended anything")
	}
	t.Logf("%d kills, %d of them after appends; %d entries acknowledged", kills, grown, acked)
}

// TestKillWhileOpening kills processes that make a new journal: the next one opens it.
func TestKillWhileOpening(t *testing.T) {
	for n := range 20 {
		dir := t.TempDir()
		cmd, _ := start(t, "hold", dir)
		for fileSize(dbPath(dir)) < 0 && cmd.ProcessState == nil { // from its first trace on
			time.Sleep(100 * time.Microsecond)
		}
		time.Sleep(time.Duration(rand.IntN(8000)) * time.Microsecond) // a random instant
		cmd.Process.Kill()
		cmd.Wait()
		j, err := Open(dir)
		if err != nil {
			t.Fatalf("kill %d: %v", n, err)
		}
		mustAppend(t, j, makeRoom(t, j, "room").ID, texts("a")...)
		j.Close()
		intact(t, dir)
	}
}
