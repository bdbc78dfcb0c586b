package tincan_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"tincan"
)

// pairOf are a host and a guest that has dialled it with a ticket, over TLS on loopback.
func pairOf(b *testing.B) (host, guest *tincan.Node, room string) {
	open := func() *tincan.Node {
		n, err := tincan.Open(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { n.Close() })
		return n
	}
	host, guest = open(), open()
	l, err := host.Listen(b.Context(), "tincan://127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	k, err := host.MakeTicket(b.Context(), tincan.TicketRequest{Addr: l.Addr, Uses: 10_000})
	if err != nil {
		b.Fatal(err)
	}
	r, err := guest.Dial(b.Context(), k.URL)
	if err != nil {
		b.Fatal(err)
	}
	return host, guest, r.Name
}

// storedAt calls got with the id of each message of a room when the host has stored it, until ctx ends.
func storedAt(ctx context.Context, n *tincan.Node, room string, got func(id string)) {
	for e, err := range n.Events(ctx) {
		if err != nil {
			return
		}
		if e.Kind == tincan.EventReceipt && e.State == tincan.Stored && e.Room == room {
			got(e.ID)
		}
	}
}

// BenchmarkNative is a guest that sends 128-byte messages to a host, each synced on the guest's disk before it goes and
// on the host's before it is called stored: as fast as so many callers can who each wait for that, and at a given pace
// (then the times are from when a message was due). Beside it, in the same run: the bare disk with the same batches.
func BenchmarkNative(b *testing.B) {
	for _, inFlight := range []int{1, 64, 1024} {
		b.Run(fmt.Sprintf("inflight=%d", inFlight), func(b *testing.B) { benchNative(b, inFlight, 0) })
		b.Run(fmt.Sprintf("disk=%d", inFlight), func(b *testing.B) { benchDisk(b, inFlight) })
	}
	b.Run("inflight=1024/pace=50000", func(b *testing.B) { benchNative(b, 1024, 50_000) })
}

func benchNative(b *testing.B, inFlight, pace int) {
	_, guest, room := pairOf(b)
	body := bytes.Repeat([]byte("x"), 128)
	var mu sync.Mutex
	at := map[string]time.Time{}
	early := map[string]time.Time{}
	var took []time.Duration
	slots := make(chan struct{}, inFlight)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	ready := make(chan struct{})
	go func() {
		close(ready)
		storedAt(ctx, guest, room, func(id string) {
			now := time.Now()
			mu.Lock()
			if t, ok := at[id]; ok {
				took = append(took, now.Sub(t))
				delete(at, id)
				<-slots
			} else {
				early[id] = now
			}
			mu.Unlock()
		})
	}()
	<-ready
	first, err := guest.Send(b.Context(), room, body) // the link is up
	if err != nil {
		b.Fatal(err)
	}
	for {
		mu.Lock()
		_, ok := early[first.ID]
		mu.Unlock()
		if ok {
			break
		}
		time.Sleep(time.Millisecond)
	}
	b.SetBytes(int64(len(body)))
	b.ResetTimer()
	var wg sync.WaitGroup
	work := make(chan time.Time, b.N)
	go func() {
		defer close(work)
		begun := time.Now()
		for i := range b.N {
			var due time.Time
			if pace > 0 {
				due = begun.Add(time.Duration(i) * time.Second / time.Duration(pace))
				time.Sleep(time.Until(due))
			}
			work <- due
		}
	}()
	for range inFlight {
		wg.Go(func() {
			for start := range work {
				slots <- struct{}{}
				if pace == 0 {
					start = time.Now()
				}
				m, err := guest.Send(b.Context(), room, body)
				if err != nil {
					b.Error(err)
					return
				}
				mu.Lock()
				if t, ok := early[m.ID]; ok {
					took = append(took, t.Sub(start))
					delete(early, m.ID)
					<-slots
				} else {
					at[m.ID] = start
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for range inFlight {
		slots <- struct{}{}
	}
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "µs-p99")
}

// benchDisk appends and syncs batches of 128-byte records to a file.
func benchDisk(b *testing.B, batch int) {
	f, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	buf := bytes.Repeat([]byte("x"), 128*batch)
	b.SetBytes(128)
	b.ResetTimer()
	var took []time.Duration
	for n := 0; n < b.N; n += batch {
		start := time.Now()
		if _, err := f.Write(buf); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs-p50")
}

// BenchmarkBehind is a guest that comes when a room has a million messages: how fast it catches up, and what both
// processes, which are one here, take meanwhile.
func BenchmarkBehind(b *testing.B) {
	const messages = 1_000_000
	host, err := tincan.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer host.Close()
	l, err := host.Listen(b.Context(), "tincan://127.0.0.1:0/lobby?admit=open")
	if err != nil {
		b.Fatal(err)
	}
	out := make([]tincan.Outgoing, 1000)
	for i := range out {
		out[i] = tincan.Outgoing{Room: "lobby", Body: bytes.Repeat([]byte("x"), 128)}
	}
	for range messages / len(out) {
		if _, err := host.SendMessages(b.Context(), out); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	for b.Loop() {
		guest, err := tincan.Open(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		r, err := guest.Dial(b.Context(), "tincan://"+l.Addr+"?accept=new")
		if err != nil {
			b.Fatal(err)
		}
		for last := int64(0); last < messages; time.Sleep(5 * time.Millisecond) {
			ms, err := guest.History(b.Context(), r.Name, 0, -1)
			if err != nil {
				b.Fatal(err)
			}
			if len(ms) > 0 {
				last = ms[0].Offset
			}
		}
		b.StopTimer()
		b.ReportMetric(float64(rss())/(1<<20), "MiB-RSS")
		guest.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(messages)*float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}
