package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// hold keeps the writer busy with an op, until release is called.
func hold(j *Journal) (release func()) {
	held, gate := make(chan struct{}), make(chan struct{})
	j.writer.add(j.ctx, &op{entries: 1, do: func(*tx) error {
		select {
		case <-held:
		default:
			close(held)
		}
		<-gate
		return nil
	}})
	<-held
	return func() { close(gate) }
}

// waitQueued returns when n ops wait for the next commit.
func waitQueued(j *Journal, n int) {
	for {
		j.writer.mu.Lock()
		have := len(j.writer.queue)
		j.writer.mu.Unlock()
		if have >= n {
			return
		}
		time.Sleep(time.Millisecond) // not to hold the processor; the state decides
	}
}

// TestCallersShareCommits has many callers wait for one commit, each in its own room or all in one.
func TestCallersShareCommits(t *testing.T) {
	const callers = 200
	for _, rooms := range []int{1, callers} {
		t.Run(fmt.Sprint(rooms, " rooms"), func(t *testing.T) {
			j := open(t, t.TempDir())
			var ids []int64
			for i := range rooms {
				ids = append(ids, makeRoom(t, j, fmt.Sprint("room ", i)).ID)
			}
			release := hold(j)
			before := j.writer.commits.Load()
			var wg sync.WaitGroup
			for i := range callers {
				wg.Go(func() {
					es := texts(fmt.Sprint(i, " first"), fmt.Sprint(i, " second"))
					mustAppend(t, j, ids[i%rooms], es...)
					if es[1].Offset != es[0].Offset+1 {
						t.Errorf("one append was torn: %d, %d", es[0].Offset, es[1].Offset)
					}
				})
			}
			waitQueued(j, callers)
			release()
			wg.Wait()
			if got := j.writer.commits.Load() - before; got != 2 { // the one that was held, and one for all
				t.Errorf("%d commits, want 2", got)
			}
			n := 0
			for _, id := range ids {
				for i, e := range all(t, j, id) {
					if e.Offset != int64(i)+1 {
						t.Errorf("offset %d at %d", e.Offset, i)
					}
					n++
				}
			}
			if n != 2*callers {
				t.Errorf("%d entries, want %d", n, 2*callers)
			}
		})
	}
}

// TestBadOpHurtsOnlyItself has one op fail in the middle of a batch.
func TestBadOpHurtsOnlyItself(t *testing.T) {
	j := open(t, t.TempDir())
	r := makeRoom(t, j, "room")
	mustAppend(t, j, r.ID, Entry{ID: "x"})
	release := hold(j)
	var wg sync.WaitGroup
	errs := make([]error, 5)
	for i := range errs {
		wg.Go(func() {
			e := Entry{Body: fmt.Append(nil, i), From: fmt.Sprint("peer ", i)}
			if i == 2 {
				e.ID = "x"
			}
			_, errs[i] = j.Append(t.Context(), r.ID, []Entry{e})
		})
		waitQueued(j, i+1)
	}
	j.Note(Note{Kind: "note"})
	release()
	wg.Wait()
	for i, err := range errs {
		if (err != nil) != (i == 2) {
			t.Errorf("op %d: %v", i, err)
		}
	}
	j = reopen(t, j)
	var got []string
	for _, e := range all(t, j, r.ID)[1:] {
		got = append(got, fmt.Sprint(e.Offset, " ", string(e.Body), " ", e.From))
	}
	if want := []string{"2 0 peer 0", "3 1 peer 1", "4 3 peer 3", "5 4 peer 4"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if ns, err := j.Notes(t.Context(), 0, "", 10); err != nil || len(ns) != 1 {
		t.Errorf("%d notes, %v", len(ns), err)
	}
}

// TestTakenBack has a caller give up before its commit begins, and one while it runs.
func TestTakenBack(t *testing.T) {
	j := open(t, t.TempDir())
	r := makeRoom(t, j, "room")
	release := hold(j)
	ctx, cancel := context.WithCancel(t.Context())
	errs := make(chan error, 1)
	go func() { _, err := j.Append(ctx, r.ID, texts("taken back")); errs <- err }()
	waitQueued(j, 1)
	cancel()
	if err := <-errs; !errors.Is(err, context.Canceled) {
		t.Errorf("taken back: %v", err)
	}
	release()
	mustAppend(t, j, r.ID, texts("kept")...)
	if _, err := j.Append(ctx, r.ID, texts("too late")); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
	if got := bodies(all(t, j, r.ID)); !slices.Equal(got, []string{"kept"}) {
		t.Errorf("stored %q", got)
	}
}

// TestQueueIsBounded fills the queue while the writer is busy: callers wait, and one that gives up is let go.
func TestQueueIsBounded(t *testing.T) {
	j := open(t, t.TempDir())
	r := makeRoom(t, j, "room")
	release := hold(j)
	const callers = 12
	body := make([]byte, 2<<20)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var mu sync.Mutex
	stored := 0
	for range callers {
		wg.Go(func() {
			_, err := j.Append(ctx, r.ID, []Entry{{Body: body}})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				stored++
			}
		})
	}
	waitQueued(j, queueBytes/len(body)-1)
	j.writer.mu.Lock()
	if j.writer.bytes > queueBytes {
		t.Errorf("%d bytes wait", j.writer.bytes)
	}
	j.writer.mu.Unlock()
	cancel()
	wg.Wait() // those that wait for space and those that wait for the commit
	release()
	if got := len(all(t, j, r.ID)); got != stored {
		t.Errorf("%d stored, %d were told so", got, stored)
	}
}

// TestLogIsBounded appends while readers leave no moment without one, in which SQLite would start its log anew.
func TestLogIsBounded(t *testing.T) {
	j := open(t, t.TempDir())
	j.writer.wal.limit = 10 << 20
	r := makeRoom(t, j, "room")
	mustAppend(t, j, r.ID, make([]Entry, 5000)...)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				if es, err := j.Read(ctx, r.ID, 0, 2000, 8<<20); err == nil && len(es) != 2000 {
					t.Errorf("read %d", len(es))
				}
			}
		})
	}
	most := int64(0)
	for range 250 {
		mustAppend(t, j, r.ID, Entry{Body: make([]byte, 100_000)})
		most = max(most, fileSize(j.walPath()))
	}
	cancel()
	wg.Wait()
	if limit := j.writer.wal.limit * 2; most > limit { // 25 MB went through it
		t.Errorf("the log has grown to %d MiB, want at most %d", most>>20, limit>>20)
	}
}
