package api

import (
	"bufio"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
)

// countingListener counts the system calls that write.
type countingListener struct {
	net.Listener
	writes atomic.Int64
}

type countingConn struct {
	net.Conn
	writes *atomic.Int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countingConn{c, &l.writes}, nil
}

func (c countingConn) Write(b []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(b)
}

// BenchmarkEvents measures events from the talker to a reader over a real socket: how many a second, and how
// many share a write.
func BenchmarkEvents(b *testing.B) {
	for _, reader := range []string{"raw", "client"} {
		b.Run(reader, func(b *testing.B) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			f := newFake()
			count := &countingListener{Listener: ln}
			h := &http.Server{Handler: New(f, testToken)}
			go h.Serve(count)
			defer h.Close()
			c := NewClient("http://"+ln.Addr().String(), testToken)
			b.ReportAllocs()
			if reader == "client" {
				readEvents(b, f, c)
			} else {
				readLines(b, f, c)
			}
			b.ReportMetric(float64(b.N)/float64(count.writes.Load()), "events/write")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

func readEvents(b *testing.B, f *fake, c *Client) {
	events := c.Events(b.Context())
	b.ResetTimer()
	go tellMany(f, b.N)
	n := 0
	for _, err := range events {
		if err != nil {
			b.Fatal(err)
		}
		if n++; n == b.N {
			return
		}
	}
}

func readLines(b *testing.B, f *fake, c *Client) {
	resp, err := c.post(b.Context(), "events", object{})
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	b.ResetTimer()
	go tellMany(f, b.N)
	in := bufio.NewReaderSize(resp.Body, 64<<10)
	for range b.N {
		if _, err := in.ReadSlice('\n'); err != nil {
			b.Fatal(err)
		}
	}
}

func tellMany(f *fake, n int) {
	for i := range int64(n) {
		f.tell(receipt(i))
	}
}

// BenchmarkStatus is the latency of a small call.
func BenchmarkStatus(b *testing.B) {
	r, err := Serve(b.Context(), newFake(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	c := NewClient(r.URL(), r.token)
	for b.Loop() {
		if _, err := c.Status(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
