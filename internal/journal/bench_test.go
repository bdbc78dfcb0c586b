package journal

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// rows returns n entries of 100 bytes, as a peer would send them.
func rows(n int) []Entry {
	es := make([]Entry, n)
	for i := range es {
		es[i] = Entry{From: "tcp:127.0.0.1:7000", Link: 1, Codec: "lines", Encoding: "utf-8", Body: []byte(strings.Repeat("x", 100))}
	}
	return es
}

// again makes entries new: what Append filled in goes.
func again(es []Entry) []Entry {
	for i := range es {
		es[i].ID, es[i].Offset = "", 0
	}
	return es
}

// BenchmarkAppend appends synced batches from one caller.
func BenchmarkAppend(b *testing.B) {
	for _, batch := range []int{1, 64, 1024} {
		b.Run(strconv.Itoa(batch), func(b *testing.B) {
			j := open(b, b.TempDir())
			r := makeRoom(b, j, "bench")
			es := rows(batch)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := j.Append(b.Context(), r.ID, again(es)); err != nil {
					b.Fatal(err)
				}
			}
			perSecond(b, b.N*batch, "rows/s")
		})
	}
}

// BenchmarkAppendCallers appends single rows from many callers, each to its own room, who share commits.
func BenchmarkAppendCallers(b *testing.B) {
	for _, callers := range []int{16, 256, 1024} {
		b.Run(strconv.Itoa(callers), func(b *testing.B) {
			j := open(b, b.TempDir())
			var n atomic.Int64
			b.SetParallelism(callers / runtime.GOMAXPROCS(0))
			before := j.writer.commits.Load()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				r := makeRoom(b, j, fmt.Sprint("room ", n.Add(1)))
				es := rows(1)
				for pb.Next() {
					if _, err := j.Append(b.Context(), r.ID, again(es)); err != nil {
						b.Error(err)
						return
					}
				}
			})
			perSecond(b, b.N, "rows/s")
			b.ReportMetric(float64(b.N)/float64(j.writer.commits.Load()-before), "rows/commit")
		})
	}
}

// BenchmarkRead reads a room to its end in batches of 1,024, from memory and from the database.
func BenchmarkRead(b *testing.B) {
	const entries = 100_000
	j := open(b, b.TempDir())
	r := makeRoom(b, j, "bench")
	for range entries / 1000 {
		mustAppend(b, j, r.ID, rows(1000)...)
	}
	for _, c := range []struct {
		name string
		from int64
	}{{"tip", entries - 8000}, {"disk", 0}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				for after := c.from; after < entries; {
					es, err := j.Read(b.Context(), r.ID, after, 1024, 1<<20)
					if err != nil || len(es) == 0 {
						b.Fatalf("read after %d: %d entries, %v", after, len(es), err)
					}
					after = es[len(es)-1].Offset
					n += len(es)
				}
			}
			perSecond(b, n, "rows/s")
		})
	}
}

// BenchmarkOpenMemory says what an open journal with a long log takes, in the Go heap and of the whole process.
func BenchmarkOpenMemory(b *testing.B) {
	dir := b.TempDir()
	j := open(b, dir)
	r := makeRoom(b, j, "bench")
	for range 300 {
		mustAppend(b, j, r.ID, rows(1000)...)
	}
	j.Close()
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before := m.HeapAlloc
	for b.Loop() {
		j = open(b, dir)
		for after := int64(0); ; {
			es, err := j.Read(context.Background(), r.ID, after, 1024, 1<<20)
			if err != nil {
				b.Fatal(err)
			}
			if len(es) == 0 {
				break
			}
			after = es[len(es)-1].Offset
		}
		runtime.GC()
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(int64(m.HeapAlloc)-int64(before))/1024, "heap-KiB")
		b.ReportMetric(float64(residentKiB()), "rss-KiB")
		j.Close()
	}
}

// residentKiB is the memory of this process as the system sees it; 0 where that is not told.
func residentKiB() int {
	data, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(data), "VmRSS:")
	n, _ := strconv.Atoi(strings.Fields(rest + " 0")[0])
	return n
}

func perSecond(b *testing.B, n int, unit string) {
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), unit)
	b.ReportMetric(0, "ns/op")
}
