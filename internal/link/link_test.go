package link

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tincan/codec"
)

func TestSplits(t *testing.T) {
	body := []string{"", "a", "hello", strings.Repeat("x", 700), "", "z"}
	for _, c := range []codec.Codec{lines{}, len4{}} {
		var stream []byte
		for _, s := range body {
			stream, _ = c.Append(stream, frame(s))
		}
		stream = append(stream, "\x00\x00"...) // the beginning of another
		want := append(slices.Clone(body), "\x00\x00…")
		cuts := [][]int{}
		for i := range stream {
			cuts = append(cuts, []int{i})
		}
		every := []int{}
		for i := range stream {
			every = append(every, i)
		}
		cuts = append(cuts, every)
		for range 50 {
			some := []int{}
			for i := range stream {
				if rand.IntN(40) == 0 {
					some = append(some, i)
				}
			}
			cuts = append(cuts, some)
		}
		for _, cut := range cuts {
			synctest.Test(t, func(t *testing.T) {
				here, there := net.Pipe()
				l := New(here, c)
				go func() {
					from := 0
					for _, i := range append(slices.Clone(cut), len(stream)) {
						there.Write(stream[from:i])
						from = i
					}
					there.Close()
				}()
				got, err := readAll(t.Context(), l)
				if err != io.EOF || !slices.Equal(got, want) {
					t.Fatalf("%v cut at %v: got %q, %v, want %q, EOF", c, cut, got, err, want)
				}
				if s := l.State(); s.BytesIn != int64(len(stream)) || s.FramesIn != int64(len(want)) {
					t.Errorf("state = %+v", s)
				}
				l.Close(nil)
			})
		}
	}
}

func TestWireIsTheStream(t *testing.T) {
	ctx := within(t)
	l, there := open(t, len4{})
	var stream []byte
	for i := range 3000 {
		stream, _ = len4{}.Append(stream, frame(strings.Repeat("m", i%300)))
	}
	go func() { there.Write(stream); there.CloseWrite() }()
	var got []byte
	for {
		fs, err := l.Read(ctx, 7)
		if len(fs) > 7 {
			t.Fatalf("got %d frames, want at most 7", len(fs))
		}
		for _, f := range fs {
			got = append(got, f.Wire...)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(got, stream) {
		t.Error("Wire after Wire is not the stream")
	}
}

func TestEndOfStream(t *testing.T) {
	for _, test := range []struct {
		c    codec.Codec
		send string
		want []string
	}{
		{lines{}, "one\ntwo\n", []string{"one", "two"}},
		{lines{}, "one\ntw", []string{"one", "tw…"}},
		{gap{50}, "all of it", []string{"all of it"}},
		{len4{}, "\x00\x00\x00\x09abc", []string{"\x00\x00\x00\x09abc…"}},
		{lines{}, "", nil},
	} {
		l, there := open(t, test.c)
		io.WriteString(there, test.send)
		there.Close()
		got, err := readAll(within(t), l)
		if err != io.EOF || !slices.Equal(got, test.want) {
			t.Errorf("%v %q: got %q, %v, want %q, EOF", test.c, test.send, got, err, test.want)
		}
		if _, err := l.Read(within(t), 0); err != io.EOF {
			t.Errorf("Read again: %v, want EOF", err)
		}
	}
}

func TestHalfClose(t *testing.T) {
	t.Run("peer first", func(t *testing.T) {
		l, there := open(t, lines{})
		io.WriteString(there, "last words\n")
		there.CloseWrite()
		got, err := readAll(within(t), l)
		if err != io.EOF || len(got) != 1 {
			t.Fatalf("got %q, %v", got, err)
		}
		if s := l.State(); !s.PeerFinished || s.Ended {
			t.Errorf("state after FIN = %+v", s)
		}
		if _, err := l.Write(within(t), frame("answer")); err != nil {
			t.Fatalf("Write after the peer's FIN: %v", err)
		}
		if err := l.FinishSending(); err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(there); string(b) != "answer\n" || err != nil {
			t.Errorf("peer got %q, %v", b, err)
		}
		l.Close(nil)
		if e := l.End(); e.Reason != PeerClosed || e.By != Peer {
			t.Errorf("End = %+v", e)
		}
	})
	t.Run("we first", func(t *testing.T) {
		l, there := open(t, lines{})
		pos, err := l.Write(within(t), frame("question"))
		if err != nil {
			t.Fatal(err)
		}
		if err := l.FinishSending(); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Write(within(t), frame("more")); err != ErrFinished {
			t.Errorf("Write after FinishSending: %v", err)
		}
		if b, err := io.ReadAll(there); string(b) != "question\n" || err != nil {
			t.Errorf("peer got %q, %v", b, err)
		}
		if at, known := l.Acked(); known {
			eventually(t, "FIN counts for nothing", func() bool { at, _ = l.Acked(); return at == pos })
		}
		io.WriteString(there, "answer\n")
		there.Close()
		got, err := readAll(within(t), l)
		if err != io.EOF || len(got) != 1 || got[0] != "answer" {
			t.Errorf("got %q, %v", got, err)
		}
		if s := l.State(); !s.PeerFinished || !s.Finished {
			t.Errorf("state = %+v", s)
		}
	})
	t.Run("no such thing", func(t *testing.T) {
		here, there := net.Pipe()
		l := New(here, lines{})
		go io.Copy(io.Discard, there)
		if err := l.FinishSending(); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("FinishSending on a pipe: %v", err)
		}
		if _, err := l.Write(within(t), frame("still here")); err != nil {
			t.Error(err)
		}
		l.Close(nil)
	})
}

func TestSetCodecWhileReadWaits(t *testing.T) {
	l, there := open(t, lines{})
	type result struct {
		s   []string
		err error
	}
	got := make(chan result, 1)
	go func() {
		fs, err := l.Read(within(t), 0)
		got <- result{collect(fs), err}
	}()
	io.WriteString(there, "\x00\x00\x00\x05hello")
	eventually(t, "9 bytes held", func() bool { have, _ := l.Held(); return have == 9 })
	select {
	case r := <-got:
		t.Fatalf("Read returned %q, %v", r.s, r.err)
	default:
	}
	l.SetCodec(len4{})
	if r := <-got; r.err != nil || !slices.Equal(r.s, []string{"hello"}) {
		t.Errorf("got %q, %v", r.s, r.err)
	}
	if l.Codec().String() != "len4" {
		t.Error("Codec is not the new one")
	}
}

func TestHeld(t *testing.T) {
	l, there := open(t, len4{})
	ctx, cancel := context.WithCancel(within(t))
	done := make(chan error)
	go func() { _, err := l.Read(ctx, 0); done <- err }()
	there.Write(append([]byte{0, 0, 0, 116}, make([]byte, 33)...))
	eventually(t, "37 of 120", func() bool { have, want := l.Held(); return have == 37 && want == 120 })
	if s := l.State(); s.Have != 37 || s.Want != 120 {
		t.Errorf("state = %+v", s)
	}
	cancel()
	if err := <-done; err != context.Canceled {
		t.Errorf("Read = %v", err)
	}
	if b := l.Take(); len(b) != 37 {
		t.Errorf("Take returned %d bytes", len(b))
	}
	if have, _ := l.Held(); have != 0 {
		t.Errorf("%d bytes held after Take", have)
	}
}

func TestCancelLosesNothing(t *testing.T) {
	const n = 3000
	l, there := open(t, lines{})
	go func() {
		for i := range n {
			fmt.Fprintf(there, "message %d\n", i)
		}
		there.Close()
	}()
	var got []string
	cancelled := 0
	for i := 0; ; i++ {
		ctx, cancel := within(t), context.CancelFunc(func() {})
		if i%3 != 0 {
			ctx, cancel = context.WithCancel(ctx)
			go cancel()
		}
		fs, err := l.Read(ctx, 1+rand.IntN(20))
		got = append(got, collect(fs)...)
		cancel()
		if err == io.EOF {
			break
		}
		if err == context.Canceled {
			cancelled++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("cancelled %d times", cancelled)
	if len(got) != n {
		t.Fatalf("got %d messages, want %d", len(got), n)
	}
	for i, s := range got {
		if s != fmt.Sprintf("message %d", i) {
			t.Fatalf("message %d is %q", i, s)
		}
	}
}

func TestCancelIsPrompt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		l := New(here, lines{})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		if _, err := l.Read(ctx, 0); err != context.DeadlineExceeded || time.Since(start) != 3*time.Second {
			t.Errorf("Read = %v after %v", err, time.Since(start))
		}
		go io.WriteString(there, "goes on\n")
		if fs, err := l.Read(t.Context(), 0); err != nil || len(fs) != 1 {
			t.Errorf("Read = %q, %v", collect(fs), err)
		}
		l.Close(nil)
		there.Close()
	})
}

func TestQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		l := New(here, gap{50})
		go func() {
			for _, s := range []string{"a", "b", "c"} { // 30 ms apart: one frame
				io.WriteString(there, s)
				time.Sleep(30 * time.Millisecond)
			}
			time.Sleep(time.Second)
			io.WriteString(there, "second")
			time.Sleep(10 * time.Millisecond)
			there.Close()
		}()
		start := time.Now()
		fs, err := l.Read(t.Context(), 0)
		if got := collect(fs); err != nil || len(got) != 1 || got[0] != "abc" {
			t.Fatalf("got %q, %v", got, err)
		}
		if at := time.Since(start); at != 110*time.Millisecond {
			t.Errorf("frame after %v, want 110ms", at)
		}
		fs, err = l.Read(t.Context(), 0)
		if got := collect(fs); err != nil || len(got) != 1 || got[0] != "second" || fs[0].Partial {
			t.Fatalf("got %q, %v", got, err)
		}
		if _, err := l.Read(t.Context(), 0); err != io.EOF {
			t.Errorf("err = %v", err)
		}
		l.Close(nil)
	})
}

func TestQuietAfterSetCodec(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		l := New(here, lines{})
		go func() {
			io.WriteString(there, "no line end")
			time.Sleep(time.Second)
			l.SetCodec(gap{50})
		}()
		start := time.Now()
		fs, err := l.Read(t.Context(), 0)
		if got := collect(fs); err != nil || len(got) != 1 || got[0] != "no line end" {
			t.Fatalf("got %q, %v", got, err)
		}
		if at := time.Since(start); at > 1100*time.Millisecond {
			t.Errorf("after %v", at)
		}
		l.Close(nil)
		there.Close()
	})
}

func TestPrepend(t *testing.T) {
	for _, test := range []struct {
		name string
		back func(fs []codec.Frame) []byte
		want []string
	}{
		{"all, in place", func(fs []codec.Frame) []byte { // as detecting a codec does
			return fs[0].Wire[:len(fs[0].Wire)+len(fs[1].Wire)]
		}, []string{"ab", "c", "d"}},
		{"the last, in place", func(fs []codec.Frame) []byte { return fs[1].Wire }, []string{"c", "d"}},
		{"the first, moved", func(fs []codec.Frame) []byte { return fs[0].Wire }, []string{"ab", "d"}},
		{"other bytes", func(fs []codec.Frame) []byte { return []byte(strings.Repeat("y", 2000) + "\n") },
			[]string{strings.Repeat("y", 2000), "d"}},
		{"nothing", func(fs []codec.Frame) []byte { return nil }, []string{"d"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			l, there := open(t, lines{})
			io.WriteString(there, "ab\nc\nd")
			fs, err := l.Read(within(t), 0)
			if err != nil || len(fs) != 2 {
				t.Fatalf("Read = %q, %v", collect(fs), err)
			}
			l.Prepend(test.back(fs))
			io.WriteString(there, "\n")
			there.Close()
			got, err := readAll(within(t), l)
			if err != io.EOF || !slices.Equal(got, test.want) {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
		})
	}
}

func TestLargeFrame(t *testing.T) {
	ctx := within(t)
	here, there := pair(t)
	a, b := New(here, len4{}), New(there, len4{})
	defer a.Close(nil)
	defer b.Close(nil)
	body := make([]byte, 16<<20)
	for i := range body {
		body[i] = byte(i * 7 >> 3)
	}
	go func() {
		a.Write(ctx, codec.Frame{Body: body})
		for range 2 * review {
			a.Write(ctx, frame("small"))
			time.Sleep(100 * time.Microsecond)
		}
		a.FinishSending()
	}()
	fs, err := b.Read(ctx, 0)
	if err != nil || !bytes.Equal(fs[0].Body, body) {
		t.Fatalf("16 MiB did not arrive: %v", err)
	}
	if got := len(b.buf.b); got > 32<<20 {
		t.Errorf("buffer = %d", got)
	}
	if _, err := readAll(ctx, b); err != io.EOF {
		t.Fatal(err)
	}
	if got := len(b.buf.b); got > busy {
		t.Errorf("buffer after it = %d", got)
	}
}

func TestBufferCalmsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		l := New(here, lines{})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		go func() {
			there.Write(bytes.Repeat([]byte("0123456789abcde\n"), 20000))
			time.Sleep(500 * time.Millisecond)
			io.WriteString(there, "one more\nand a half")
		}()
		n := 0
		for {
			fs, err := l.Read(ctx, 0)
			if n += len(fs); err != nil {
				break
			}
			if n == 20000 && !l.buf.grown() {
				t.Errorf("buffer never grew")
			}
		}
		if n != 20001 || len(l.buf.b) != small || l.frames != nil {
			t.Errorf("%d frames, buffer of %d, frames of %d", n, len(l.buf.b), cap(l.frames))
		}
		if string(l.Take()) != "and a half" {
			t.Error("what was held is gone")
		}
		l.Close(nil)
		there.Close()
	})
}

func TestNoAllocationFromAnnouncedLength(t *testing.T) {
	l, there := open(t, len4{limit: 1 << 30})
	there.Write([]byte{0x3f, 0xff, 0xff, 0xff, 1, 2, 3})
	ctx, cancel := context.WithCancel(within(t))
	go func() {
		defer cancel()
		eventually(t, "held", func() bool { have, want := l.Held(); return have == 7 && want > 1<<29 })
	}()
	l.Read(ctx, 0)
	if len(l.buf.b) != small {
		t.Errorf("buffer = %d", len(l.buf.b))
	}
}

func TestCodecThatNeverEnds(t *testing.T) {
	l, there := open(t, gap{1 << 20})
	c := lines{limit: 1 << 10}
	l.SetCodec(struct{ codec.Codec }{endless{c}})
	go func() { there.Write(make([]byte, 64<<10)); there.Close() }()
	_, err := l.Read(within(t), 0)
	var bad *codec.Error
	if !errors.As(err, &bad) || bad.Kind != codec.TooLarge {
		t.Fatalf("err = %v", err)
	}
	if n := len(l.Take()); n < bound(1<<10) || n > 4*bound(1<<10) {
		t.Errorf("held %d", n)
	}
}

// endless finds no frame and no fault.
type endless struct{ lines }

func (endless) Decode([]byte, int) (codec.Frame, int, error) { return codec.Frame{}, 0, nil }

func TestManyGoroutines(t *testing.T) {
	here, there := pair(t)
	a, b := New(here, lines{}), New(there, lines{})
	ctx := within(t)
	var wg sync.WaitGroup
	both := func(l *Link) {
		wg.Go(func() { readAll(ctx, l) })
		wg.Go(func() {
			for {
				if _, err := l.Write(ctx, frame("message"), frame(strings.Repeat("m", 3000))); err != nil {
					return
				}
			}
		})
		wg.Go(func() {
			for {
				select {
				case <-l.Done():
					return
				default:
				}
				l.State()
				l.Held()
				if pos, known := l.Acked(); known && pos > l.Sent() {
					t.Errorf("acked %d of %d", pos, l.Sent())
				}
				l.SetCodec(lines{})
				runtime.Gosched()
			}
		})
	}
	both(a)
	both(b)
	time.Sleep(200 * time.Millisecond)
	for range 3 {
		wg.Go(func() { a.Close(nil) })
		wg.Go(func() { b.Abort(nil) })
	}
	wg.Wait()
	if a.State().BytesIn == 0 || b.State().BytesIn == 0 {
		t.Error("nothing moved")
	}
}

func TestIdleMemory(t *testing.T) {
	const n = 1000
	type half struct{ here, there *net.TCPConn }
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	halves := make([]half, n)
	for i := range halves {
		a, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Skip(err)
		}
		b, err := ln.Accept()
		if err != nil {
			t.Skip(err)
		}
		defer a.Close()
		defer b.Close()
		halves[i] = half{a.(*net.TCPConn), b.(*net.TCPConn)}
	}
	usage := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	before := usage()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var wg sync.WaitGroup
	links := make([]*Link, n)
	for i, h := range halves {
		links[i] = New(h.here, lines{})
		wg.Go(func() { readAll(ctx, links[i]) })
		io.WriteString(h.there, "one message\nhalf of")
	}
	for _, l := range links {
		eventually(t, "a message", func() bool { have, _ := l.Held(); return have == 7 })
		if _, err := l.Write(ctx, frame("an answer")); err != nil {
			t.Fatal(err)
		}
	}
	each := (usage() - before) / n
	t.Logf("%d bytes for each idle link", each)
	if each > 8<<10 {
		t.Errorf("an idle link takes %d bytes, want at most 8 KiB", each)
	}
	for _, l := range links {
		l.Abort(nil)
	}
	wg.Wait()
}
