package tincan_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tincan"
)

// line128 is a line of 128 bytes, its end included.
var line128 = append(bytes.Repeat([]byte("x"), 127), '\n')

// BenchmarkListen is one sender of 128-byte lines into a listener that journals and syncs each before it is
// shown: messages a second, and the memory of the process at the end.
func BenchmarkListen(b *testing.B) {
	n, err := tincan.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer n.Close()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	events := n.Events(ctx)
	l, err := n.Listen(ctx, "lines://127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(128)
	b.ResetTimer()
	go pour(b, l.Addr, b.N)
	shown := 0
	for e, err := range events {
		if err != nil {
			b.Fatal(err)
		}
		if e.Kind == tincan.EventMessage {
			if shown++; shown == b.N {
				break
			}
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
	b.ReportMetric(float64(rss())/(1<<20), "MiB-RSS")
}

// BenchmarkListenSocat is the same lines into socat, which writes them to a file without sync.
func BenchmarkListenSocat(b *testing.B) {
	socat, err := exec.LookPath("socat")
	if err != nil {
		b.Skip("socat is not installed")
	}
	file := filepath.Join(b.TempDir(), "out")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	_, port, _ := net.SplitHostPort(addr)
	cmd := exec.CommandContext(b.Context(), socat, "-u", "TCP-LISTEN:"+port+",bind=127.0.0.1,reuseaddr", "CREATE:"+file)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	for {
		if b, err := exec.Command("ss", "-Hltn", "sport = :"+port).Output(); err != nil || len(b) > 0 {
			break
		}
	}
	b.SetBytes(128)
	b.ResetTimer()
	pour(b, addr, b.N)
	if err := cmd.Wait(); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	if st, err := os.Stat(file); err != nil || st.Size() != int64(b.N)*128 {
		b.Fatalf("socat wrote %v %v", st, err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}

// pour writes n lines to an address and closes.
func pour(b *testing.B, addr string, n int) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Error(err)
		return
	}
	defer c.Close()
	w := bufio.NewWriterSize(c, 64<<10)
	for range n {
		w.Write(line128)
	}
	if err := w.Flush(); err != nil {
		b.Error(err)
	}
}

// BenchmarkSendReached is one message at a time, from Send to the receipt that the peer's TCP has it, beside the
// two things that it cannot do without, measured in the same loop: a round trip over bare TCP and a disk sync.
func BenchmarkSendReached(b *testing.B) {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	echo := echoServer(b)
	ping, err := net.Dial("tcp", echo)
	if err != nil {
		b.Fatal(err)
	}
	defer ping.Close()
	dir := b.TempDir()
	file, err := os.Create(filepath.Join(dir, "sync"))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	n, err := tincan.Open(filepath.Join(dir, "node"))
	if err != nil {
		b.Fatal(err)
	}
	defer n.Close()
	next, stop := pull(n.Events(ctx))
	defer stop()
	r, err := n.Dial(ctx, "lines://"+echo)
	if err != nil {
		b.Fatal(err)
	}
	for next().Kind != tincan.EventConnected {
	}
	var pings, syncs, sends []time.Duration
	buf := make([]byte, 128)
	b.ResetTimer()
	for range b.N {
		start := time.Now()
		ping.Write(line128)
		if _, err := io.ReadFull(ping, buf); err != nil {
			b.Fatal(err)
		}
		pinged := time.Now()
		file.Write(line128)
		if err := file.Sync(); err != nil {
			b.Fatal(err)
		}
		synced := time.Now()
		m, err := n.Send(ctx, r.Name, line128[:127])
		if err != nil {
			b.Fatal(err)
		}
		for {
			if e := next(); e.Kind == tincan.EventReceipt && e.ID == m.ID && e.State == tincan.Reached {
				break
			}
		}
		reached := time.Now()
		pings, syncs, sends = append(pings, pinged.Sub(start)), append(syncs, synced.Sub(pinged)), append(sends, reached.Sub(synced))
	}
	p, s, t := median(pings), median(syncs), median(sends)
	b.ReportMetric(float64(p.Microseconds()), "µs-pingpong-p50")
	b.ReportMetric(float64(s.Microseconds()), "µs-sync-p50")
	b.ReportMetric(float64(t.Microseconds()), "µs-reached-p50")
	b.ReportMetric(float64(t)/float64(p+s), "ratio")
}

func median(ds []time.Duration) time.Duration {
	slices.Sort(ds)
	return ds[len(ds)/2]
}

// pull is a next function over events that panics at their end.
func pull(events func(func(tincan.Event, error) bool)) (next func() tincan.Event, stop func()) {
	ch := make(chan tincan.Event, 1024)
	done := make(chan struct{})
	go func() {
		events(func(e tincan.Event, err error) bool {
			select {
			case ch <- e:
				return err == nil
			case <-done:
				return false
			}
		})
	}()
	return func() tincan.Event { return <-ch }, func() { close(done) }
}

func echoServer(b *testing.B) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.Copy(c, c)
			}()
		}
	}()
	return ln.Addr().String()
}

// rss is the memory of this process in bytes; 0 where the system does not tell.
func rss() int64 {
	runtime.GC()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "VmRSS:" {
			n, _ := strconv.ParseInt(f[1], 10, 64)
			return n << 10
		}
	}
	return 0
}

// BenchmarkIdleLinks is what a link that says nothing costs a node, over 1,000 of them: heap and stacks in use, as
// the runtime counts them, the journal's record and the room of each included.
func BenchmarkIdleLinks(b *testing.B) {
	const links = 1000
	n, err := tincan.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer n.Close()
	next, stop := pull(n.Events(b.Context()))
	defer stop()
	l, err := n.Listen(b.Context(), "lines://127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	conns := slices.Grow([]net.Conn(nil), 2*links)
	waitFor := func(kind tincan.EventKind) {
		for seen := 0; seen < links; {
			if next().Kind == kind {
				seen++
			}
		}
	}
	connect := func(addr string) (cost int64) {
		before := inUse()
		for range links {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				b.Fatal(err)
			}
			conns = append(conns, c)
		}
		if addr == l.Addr {
			waitFor(tincan.EventConnected)
		}
		return inUse() - before
	}
	var cost int64
	for range b.N {
		silent, err := net.Listen("tcp", "127.0.0.1:0") // nobody accepts here: what our own side of a connection costs
		if err != nil {
			b.Fatal(err)
		}
		cost -= connect(silent.Addr().String())
		silent.Close()
		cost += connect(l.Addr)
		for _, c := range conns {
			c.Close()
		}
		conns = conns[:0]
		waitFor(tincan.EventDisconnected)
	}
	b.ReportMetric(float64(cost)/float64(b.N*links), "B/link")
}

// inUse is the memory of heap and stacks that is in use after a collection. The collector lets goroutines start with as
// much stack as the average uses: nothing large may be on ours.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	m := new(runtime.MemStats)
	runtime.ReadMemStats(m)
	return int64(m.HeapAlloc + m.StackInuse)
}
