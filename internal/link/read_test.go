package link

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
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
	written := make(chan error)
	go func() { _, err := a.Write(ctx, codec.Frame{Body: body}); written <- err }()
	fs, err := b.Read(ctx, 0)
	if err != nil || !bytes.Equal(fs[0].Body, body) {
		t.Fatalf("16 MiB did not arrive: %v", err)
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	if got := len(b.buf.b); got > 32<<20 {
		t.Errorf("buffer = %d", got)
	}
	for range 2*hasty + 1 {
		if _, err := a.Write(ctx, frame("small")); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Read(ctx, 0); err != nil {
			t.Fatal(err)
		}
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

func (endless) Decode([]byte, *codec.Seen) (codec.Frame, int, error) { return codec.Frame{}, 0, nil }
