package tincan

import (
	"crypto/tls"
	"net"
	"runtime"
	"testing"
	"time"

	"tincan/internal/identity"
	"tincan/internal/wire"
)

// BenchmarkIdleNative is what a native link that says nothing costs a host: heap and stacks in use over 1,000 of them,
// without what the guests' ends, which are here too, cost.
func BenchmarkIdleNative(b *testing.B) {
	const links = 1000
	host, err := Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer host.Close()
	host.limits.ConnectionsPerHost = links + 100
	l, err := host.Listen(b.Context(), "tincan://127.0.0.1:0/lobby?admit=open")
	if err != nil {
		b.Fatal(err)
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0") // TLS and nothing else: what the guests' ends cost, twice
	if err != nil {
		b.Fatal(err)
	}
	defer silent.Close()
	key, err := identity.New()
	if err != nil {
		b.Fatal(err)
	}
	accepted := make(chan *tls.Conn, links)
	go func() {
		for {
			c, err := silent.Accept()
			if err != nil {
				return
			}
			tc := tls.Server(c, key.Server(func(identity.ID) error { return nil }))
			if tc.Handshake() == nil {
				accepted <- tc
			}
		}
	}()
	connect := func(addr string) *tls.Conn {
		k, err := identity.New()
		if err != nil {
			b.Fatal(err)
		}
		c, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		tc := tls.Client(c, k.Client(func(identity.ID) error { return nil }))
		if err := tc.Handshake(); err != nil {
			b.Fatal(err)
		}
		return tc
	}
	for b.Loop() {
		var conns, ends []*tls.Conn
		before := memoryInUse()
		for range links / 4 {
			conns = append(conns, connect(silent.Addr().String()))
			ends = append(ends, <-accepted)
		}
		pair := float64(memoryInUse()-before) / (links / 4) // both ends
		for _, c := range append(conns, ends...) {
			c.Close()
		}
		conns, ends = nil, nil
		before = memoryInUse()
		for range links {
			c := connect(l.Addr)
			hello := wire.HelloBody{Role: wire.Guest, Version: 1, Window: 1 << 20, Epoch: [16]byte{1}}
			join := wire.JoinBody{Stream: 1, From: wire.FromNew}
			c.Write(join.Append(hello.Append(nil)))
			if _, err := c.Read(make([]byte, 1)); err != nil { // it is admitted
				b.Fatal(err)
			}
			conns = append(conns, c)
		}
		for up := 0; up < links; time.Sleep(10 * time.Millisecond) {
			s, err := host.Status(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			up = len(s.Links)
		}
		all := float64(memoryInUse()-before) / links
		b.ReportMetric(all-pair/2, "B/link")
		for _, c := range conns {
			c.Close()
		}
		for left := 1; left > 0; time.Sleep(10 * time.Millisecond) {
			s, _ := host.Status(b.Context())
			left = len(s.Links)
		}
	}
}

// memoryInUse is that of heap and stacks after a collection.
func memoryInUse() int64 {
	runtime.GC()
	runtime.GC()
	m := new(runtime.MemStats)
	runtime.ReadMemStats(m)
	return int64(m.HeapAlloc + m.StackInuse)
}
