package link

import (
	"bytes"
	"context"
	"io"
	"testing"

	"tincan/codec"
)

// BenchmarkRead is the decode loop over loopback: 128-byte frames, written by a bare connection in large pieces.
func BenchmarkRead(b *testing.B) {
	l, there := open(b, fixed{128})
	piece := bytes.Repeat([]byte{'x'}, 256<<10)
	go func() {
		for {
			if _, err := there.Write(piece); err != nil {
				return
			}
		}
	}()
	ctx := within(b)
	b.SetBytes(128)
	b.ReportAllocs()
	b.ResetTimer()
	calls := 0
	for n := 0; n < b.N; {
		fs, err := l.Read(ctx, 0)
		if err != nil {
			b.Fatal(err)
		}
		n += len(fs)
		calls++
	}
	b.ReportMetric(float64(b.N)/float64(calls), "frames/read")
	b.StopTimer()
	l.Abort(nil)
}

// BenchmarkReadBare is what the same connection gives without a link.
func BenchmarkReadBare(b *testing.B) {
	here, there := pair(b)
	piece := bytes.Repeat([]byte{'x'}, 256<<10)
	go func() {
		for {
			if _, err := there.Write(piece); err != nil {
				return
			}
		}
	}()
	buf := make([]byte, 256<<10)
	b.SetBytes(128)
	b.ResetTimer()
	for n := 0; n < b.N*128; {
		k, err := here.Read(buf)
		if err != nil {
			b.Fatal(err)
		}
		n += k
	}
	b.StopTimer()
	here.Close()
}

// BenchmarkDecode is Read without the kernel.
func BenchmarkDecode(b *testing.B) {
	l, _ := open(b, fixed{128})
	l.buf.b = make([]byte, busy)
	l.buf.w = busy
	ctx := context.Background()
	b.SetBytes(128)
	b.ReportAllocs()
	for n := 0; n < b.N; {
		l.buf.r = 0
		fs, err := l.Read(ctx, 0)
		if err != nil {
			b.Fatal(err)
		}
		n += len(fs)
	}
}

// BenchmarkWrite is a batch of 1,000 frames of 128 bytes in one call.
func BenchmarkWrite(b *testing.B) {
	l, there := open(b, fixed{128})
	go io.Copy(io.Discard, there)
	fs := make([]codec.Frame, 1000)
	for i := range fs {
		fs[i].Body = make([]byte, 128)
	}
	ctx := within(b)
	b.SetBytes(128 * 1000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.Write(ctx, fs...); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPingPong(b *testing.B) {
	b.Run("link", func(b *testing.B) {
		l, there := open(b, fixed{128})
		go io.Copy(there, there)
		ctx := within(b)
		f := codec.Frame{Body: make([]byte, 128)}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := l.Write(ctx, f); err != nil {
				b.Fatal(err)
			}
			if _, err := l.Read(ctx, 0); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bare", func(b *testing.B) {
		here, there := pair(b)
		go io.Copy(there, there)
		buf := make([]byte, 128)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := here.Write(buf); err != nil {
				b.Fatal(err)
			}
			if _, err := io.ReadFull(here, buf); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("link, a context for each call", func(b *testing.B) {
		l, there := open(b, fixed{128})
		go io.Copy(there, there)
		f := codec.Frame{Body: make([]byte, 128)}
		b.ReportAllocs()
		for b.Loop() {
			ctx, cancel := context.WithCancel(context.Background())
			if _, err := l.Write(ctx, f); err != nil {
				b.Fatal(err)
			}
			if _, err := l.Read(ctx, 0); err != nil {
				b.Fatal(err)
			}
			cancel()
		}
	})
}

func BenchmarkTCPInfo(b *testing.B) {
	l, _ := open(b, lines{})
	b.ReportAllocs()
	for b.Loop() {
		l.figures()
	}
}

func BenchmarkAcked(b *testing.B) {
	l, _ := open(b, lines{})
	b.ReportAllocs()
	for b.Loop() {
		l.Acked()
	}
}
