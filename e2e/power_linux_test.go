package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tincan/e2e/faultfs"
)

// told is a mark in a trace: the guest was told this of its nth message.
type told struct {
	n     int
	state string
}

// faultDisk mounts a disk that can fail.
func faultDisk(t testing.TB) (d *faultfs.Disk, dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		skip(t, "mounting a disk of our own needs root")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		skip(t, "this machine has no FUSE: %v", err)
	}
	dir = t.TempDir()
	d, err := faultfs.Mount(dir, func(path string) bool {
		return strings.HasSuffix(path, "-shm") || filepath.Base(path) == "lock"
	})
	if err != nil {
		skip(t, "%v", err)
	}
	t.Cleanup(func() {
		if err := d.Unmount(); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return d, dir
}

// recorded is a conversation of a host and a guest whose folders are on a disk that notes everything.
type recorded struct {
	ops  []faultfs.Op
	room string // of the guest
	said int
}

// record has a guest say so many messages, in bursts.
func record(t *testing.T, program string, many int) *recorded {
	d, dir := faultDisk(t)
	port := freePort(t)
	host := start(t, program, "listen", "tincan://127.0.0.1:"+port+"?admit=open", "--json", "--data", dir+"/host")
	host.on("listening")
	guest := start(t, program, "dial", "tincan://127.0.0.1:"+port+"?accept=new", "--json", "--data", dir+"/guest")
	guest.on("connected")
	host.quiet, guest.quiet = true, true
	r := &recorded{room: "tincan://127.0.0.1:" + port, said: many}
	guest.mu.Lock()
	guest.mark = func(e event) {
		if e.Event == "receipt" && (e.State == "queued" || e.State == "stored") {
			n, _ := strconv.Atoi(strings.TrimPrefix(e.ID, "message "))
			d.Mark(told{n, e.State})
		}
	}
	guest.mu.Unlock()
	rnd := rand.New(rand.NewPCG(1, 2))
	for n := 0; n < many; {
		var b strings.Builder
		for range min(1+rnd.IntN(200), many-n) {
			b.WriteString(object("text", saying(n), "id", fmt.Sprint("message ", n)) + "\n")
			n++
		}
		guest.write(b.String())
		time.Sleep(time.Duration(rnd.IntN(20)) * time.Millisecond)
	}
	guest.on("receipt", func(e event) bool { return e.State == "stored" && e.ID == fmt.Sprint("message ", many-1) })
	r.ops = d.Trace()
	guest.finish()
	guest.exit()
	host.finish()
	host.exit()
	return r
}

// saying is the nth message: long enough that the log is folded into the database now and then.
func saying(n int) string { return fmt.Sprintf("%d %s", n, strings.Repeat("x", 500+n%700)) }

// cutAt is a loss of power at one place of a trace.
type cutAt struct {
	at             int
	seed           uint64
	queued, stored int // messages below were told to be
}

// cuts chooses places of the trace, in order, after the first message.
func (r *recorded) cuts(rnd *rand.Rand, many int) []cutAt {
	first := 0
	for r.ops[first].Kind != faultfs.Mark {
		first++
	}
	places := make([]int, many)
	for i := range places {
		places[i] = first + rnd.IntN(len(r.ops)-first)
	}
	sort.Ints(places)
	cs := make([]cutAt, many)
	at := 0
	var queued, stored int
	for i, place := range places {
		for ; at < place; at++ {
			if m, ok := r.ops[at].Mark.(told); ok && m.state == "queued" {
				queued = max(queued, m.n+1)
			} else if ok {
				stored = max(stored, m.n+1)
			}
		}
		cs[i] = cutAt{at: place, seed: rnd.Uint64(), queued: queued, stored: stored}
	}
	return cs
}

// lose loses the power at each of the places, for host and guest in turn, and returns what is wrong then, and of how many.
func (r *recorded) lose(t *testing.T, cs []cutAt, enough int) (wrong []string, done int) {
	replay := faultfs.NewReplay(r.ops)
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, 4)
	var all atomic.Int64
	for i, c := range cs {
		mu.Lock()
		found := len(wrong)
		mu.Unlock()
		if found >= enough {
			break
		}
		replay.To(c.at)
		who := []string{"host", "guest"}[i%2]
		files := replay.Crash(rand.New(rand.NewPCG(c.seed, 0)))
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			all.Add(1)
			if err := r.check(t, who, files, c); err != nil {
				mu.Lock()
				wrong = append(wrong, fmt.Sprintf("the %s at operation %d of %d (%d queued, %d stored): %v", who, c.at, len(r.ops), c.queued, c.stored, err))
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return wrong, int(all.Load())
}

// check reads what one side has on its disk: the first messages, in order, all that it was told of and more perhaps.
func (r *recorded) check(t *testing.T, who string, files map[string][]byte, c cutAt) error {
	dir, err := os.MkdirTemp("", "tincan-power-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for name, b := range files {
		if rest, ok := strings.CutPrefix(name, who+"/"); ok && !strings.Contains(rest, "/") {
			if err := os.WriteFile(filepath.Join(dir, rest), b, 0o600); err != nil {
				return err
			}
		}
	}
	room, want := "lobby", c.stored
	if who == "guest" {
		room, want = r.room, c.queued
	}
	cmd := exec.Command(binary, "log", "--json", "-n", "0", room, "--data", dir)
	cmd.Env = environment()
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("tincan log: %v, %s", err, stderrOf(err))
	}
	n, numbered := 0, true
	for line := range strings.Lines(string(out)) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			return fmt.Errorf("%q: %v", line, err)
		}
		if e.body() != saying(n) {
			return fmt.Errorf("message %d is %.40s", n, line)
		}
		if numbered = numbered && e.Offset != 0; numbered && e.Offset != int64(n+1) || !numbered && (e.Offset != 0 || who == "host") {
			return fmt.Errorf("message %d has the number %d", n, e.Offset)
		}
		n++
	}
	if n < want {
		return fmt.Errorf("%d messages are there", n)
	}
	return nil
}

func stderrOf(err error) string {
	if e, ok := err.(*exec.ExitError); ok {
		return string(e.Stderr)
	}
	return ""
}

// TestPowerLoss loses the power of a host and of a guest at many instants of a conversation (TINCAN_TORTURE: 10,000). What
// was synced is on the disk then, and of the rest any part: nothing that was told to be on it is lost. The seed draws the
// instants and what is left; the conversation is another one each time, so a seed does not bring a failure back for sure.
func TestPowerLoss(t *testing.T) {
	t.Parallel()
	seed := seedOf(t)
	many, messages := 150, 3000
	if os.Getenv("TINCAN_TORTURE") != "" {
		many, messages = 10_000, 8000
	}
	r := record(t, binary, messages)
	kinds := map[faultfs.Kind]int{}
	folded := 0
	for _, op := range r.ops {
		kinds[op.Kind]++
		if op.Kind == faultfs.Write && strings.HasSuffix(op.Path, ".db") {
			folded++
		}
	}
	t.Logf("%d writes, %d syncs of files and %d of folders; %d pages were folded into the databases", kinds[faultfs.Write], kinds[faultfs.Sync], kinds[faultfs.SyncDir], folded)
	wrong, done := r.lose(t, r.cuts(rand.New(rand.NewPCG(seed, 0)), many), 5)
	for _, w := range wrong {
		t.Error(w)
	}
	t.Logf("power was lost %d times", done)
}

// TestPowerLossUnsynced shows that TestPowerLoss can fail: a program that does not sync loses what it has told to be
// on the disk, and that is seen within 100 losses of power.
func TestPowerLossUnsynced(t *testing.T) {
	t.Parallel()
	source, err := filepath.Abs("../internal/journal/schema.go")
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	unsynced := strings.Replace(string(b), "synchronous(FULL)", "synchronous(OFF)", 1)
	if unsynced == string(b) {
		t.Fatal("where the journal is synced was not found")
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{source: filepath.Join(dir, "schema.go")}})
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"schema.go": []byte(unsynced), "overlay.json": overlay} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", filepath.Join(dir, "tincan"), "./cmd/tincan")
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	r := record(t, filepath.Join(dir, "tincan"), 500)
	wrong, done := r.lose(t, r.cuts(rand.New(rand.NewPCG(1, 0)), 100), 1)
	if len(wrong) == 0 {
		t.Fatalf("nothing was lost in %d losses of power", done)
	}
	t.Logf("after %d losses of power: %s", done, wrong[0])
}

// TestDiskIsOurs: a program on the disk does not hold it, or it would hang for ever when the test is killed.
func TestDiskIsOurs(t *testing.T) {
	t.Parallel()
	_, dir := faultDisk(t)
	cmd := exec.Command("sh", "-c", "cd "+dir+" && ls -l /proc/self/fd")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), " 1 -> ") || strings.Contains(string(out), "/dev/fuse") {
		t.Errorf("%v, %s", err, out)
	}
}
