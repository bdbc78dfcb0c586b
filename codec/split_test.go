package codec

import (
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// sameEverywhere cuts a stream into pieces: the frames, what is left and the kind of error must be those of the
// whole. Short streams are cut in every way there is.
func sameEverywhere(t testing.TB, c Codec, stream []byte) {
	t.Helper()
	want := feed(t, c, stream)
	if got := strings.Join(want.wires, "") + want.rest; got != string(stream) {
		t.Fatalf("%s: wire after wire is %.80q, not the stream %.80q", c, got, stream)
	}
	check := func(pieces ...[]byte) {
		t.Helper()
		if got := feed(t, c, pieces...); !same(c, got, want, len(stream)) {
			t.Fatalf("%s: in pieces %.120q\n%.300q, whole\n%.300q", c, pieces, got, want)
		}
	}
	n := len(stream)
	if n <= 9 {
		for cuts := range 1 << max(n-1, 0) {
			var pieces [][]byte
			at := 0
			for i := 1; i < n; i++ {
				if cuts&(1<<(i-1)) != 0 {
					pieces = append(pieces, stream[at:i])
					at = i
				}
			}
			check(append(pieces, stream[at:])...)
		}
		return
	}
	check(ones(stream)...)
	step := 1 + n/50
	for i := 0; i <= n; i += step {
		check(stream[:i], stream[i:])
	}
	rnd := rand.New(rand.NewPCG(uint64(n), 1))
	for range 8 {
		var pieces [][]byte
		for rest := stream; len(rest) > 0; {
			k := 1 + rnd.IntN(min(len(rest), 1+n/4))
			pieces = append(pieces, rest[:k])
			rest = rest[k:]
		}
		check(pieces...)
	}
}

// same compares results. An error may be seen before all of the stream is there: then less is left. What raw and
// idle make of a stream depends on its pieces, but not the bytes.
func same(c Codec, got, want result, n int) bool {
	switch c.(type) {
	case *raw, *idle:
		return got.kind == want.kind && strings.Join(got.bodies, "")+got.rest == strings.Join(want.bodies, "")+want.rest
	}
	return reflect.DeepEqual(got, want)
}

// TestSlowBytesAreLookedAtOnce feeds messages byte by byte and spoils what was looked at, with bytes that would end
// the message at once. A codec that looked again would find them; so the work for a slow peer grows with the bytes,
// not with their square.
func TestSlowBytesAreLookedAtOnce(t *testing.T) {
	const n = 1 << 20
	tests := []struct {
		codec, stream string
		spoil         byte
		head, tail    int // bytes at the begin, and before what is new, that may be looked at again
	}{
		{"lines?max=1MiB", rep("x", n) + "\n", '\n', 0, 0},
		{"lines?max=1MiB&eol=cr", rep("\n", n) + "\r", '\r', 0, 0},
		{"delim?end=03&max=1MiB", rep("x", n) + "\x03", '\x03', 0, 0},
		{"delim?preset=mllp&max=1MiB", "\x0b" + rep("\x1c", n) + "\x1c\r", '\r', 1, 1},
		{"delim?end=0D0A0D0A&max=1MiB", rep("\r\n\r", n/3) + "\r\n\r\n", '\n', 0, 3},
		{"cobs", rep("\xff"+run(254), n/254) + "\x00", 0, 0, 1},
		{"cobs", rep("\x00", 1000) + "\x02a\x00", 'a', 0, 1},
		{"slip", rep("\xdb\xdc", n) + "\xc0", 0xc0, 0, 1},
		{"slip", rep("\xc0", 1000) + "a\xc0", 'a', 0, 1},
		{"json", `"` + rep(`\"`, n/2-1) + `"`, '"', 0, 0},
		{"json", `["` + rep("}]", n/2-2) + `"]`, ']', 1, 0},
		{"json", "[" + rep("{},", n/3-1) + "{}]", ']', 1, 0},
		{"json", "[" + rep(`"]",`, n/4-1) + "1]", '"', 1, 0},
		{"json", "[" + rep("9", n-2) + "]", ']', 1, 0},
		{"json", rep(" ", n) + "{}", '}', 0, 0},
		{"json", rep(" ", 1000) + "[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]", ']', 1001, 0},
		{"dotnet", "\x80\x80\x40" + rep("x", n), 0, 3, 0},
		{"varint", "\x80\x80\x40" + rep("x", n), 0, 3, 0},
		{"len32", "\x00\x10\x00\x00" + rep("x", n), 0, 4, 0},
		{"fixed?n=1048576", rep("x", n), 0, 0, 0},
	}
	for _, tt := range tests {
		c := parse(t, tt.codec)
		spoilt := []byte(tt.stream)
		var seen Seen
		for i := 1; i < len(spoilt); i++ {
			if _, n, err := c.Decode(spoilt[:i], &seen); n != 0 || err != nil {
				t.Errorf("%s: %.20q: at byte %d: a frame of %d bytes, %v", c, tt.stream, i, n, err)
				break
			}
			if k := i - 1 - tt.tail; k >= tt.head {
				spoilt[k] = tt.spoil
			}
		}
		f, got, err := c.Decode([]byte(tt.stream), &seen)
		if err != nil || got != len(tt.stream) || string(f.Wire) != tt.stream {
			t.Errorf("%s: %.20q: %d of %d bytes, %v", c, tt.stream, got, len(tt.stream), err)
		}
		whole, _, _ := c.Decode([]byte(tt.stream), nil)
		if string(whole.Body) != string(f.Body) {
			t.Errorf("%s: %.20q: slowly another body than at once", c, tt.stream)
		}
	}
}

// TestBombsAllocateNothing: a length that is only announced costs no memory.
func TestBombsAllocateNothing(t *testing.T) {
	for _, tt := range []struct{ codec, src string }{
		{"dotnet?max=16MiB", "\x80\x80\x80\x08x"},      // 16 MiB announced
		{"dotnet?max=16MiB", "\xff\xff\xff\xff\x07xx"}, // 2 GiB
		{"len32?max=16MiB", "\x01\x00\x00\x00x"},
		{"len32?max=16MiB", "\xff\xff\xff\xffx"},
		{"len64?max=16MiB", "\x00\x00\x00\x00\x01\x00\x00\x00x"},
		{"len64?max=16MiB", "\x7f\xff\xff\xff\xff\xff\xff\xffx"},
		{"varint?max=16MiB", "\x80\x80\x80\x08x"},
		{"fixed?n=16777216", "x"},
		{"cobs?max=16MiB", "\xffx"},
		{"json?max=16MiB", "[[[[[[{"},
	} {
		c := parse(t, tt.codec)
		src := []byte(tt.src)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 100 {
			c.Decode(src, nil)
			c.Progress(src)
		}
		runtime.ReadMemStats(&after)
		if got := (after.TotalAlloc - before.TotalAlloc) / 100; got > 4096 {
			t.Errorf("%s of %q allocates %d bytes", c, tt.src, got)
		}
	}
}

// TestNoAllocation: whole frames that need no unstuffing alias what came.
func TestNoAllocation(t *testing.T) {
	for _, tt := range []struct{ codec, body string }{
		{"lines", rep("x", 128)}, {"lines?eol=crlf", rep("x", 128)}, {"dotnet", rep("x", 127)}, {"dotnet", rep("x", 128)},
		{"delim?preset=mllp", rep("x", 128)}, {"len8", rep("x", 128)}, {"len16", rep("x", 128)}, {"len32?order=le", rep("x", 128)},
		{"len64", rep("x", 128)}, {"varint", rep("x", 128)}, {"fixed?n=128", rep("x", 128)}, {"cobs", rep("x", 128)},
		{"slip", rep("x", 128)}, {"raw", rep("x", 128)}, {"json", `{"a":[1,true,"x"]}`},
	} {
		c := parse(t, tt.codec)
		f := Frame{Body: []byte(tt.body)}
		wire, err := c.Append(nil, f)
		if err != nil {
			t.Fatal(err)
		}
		dst := make([]byte, 0, 2*len(wire))
		if n := testing.AllocsPerRun(100, func() { c.Append(dst, f) }); n != 0 {
			t.Errorf("%s: Append allocates %v times", c, n)
		}
		var seen Seen
		if n := testing.AllocsPerRun(100, func() {
			seen = Seen{}
			if _, n, err := c.Decode(wire, &seen); n == 0 || err != nil {
				t.Error(c, n, err)
			}
		}); n != 0 {
			t.Errorf("%s: Decode allocates %v times", c, n)
		}
	}
}
