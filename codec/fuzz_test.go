package codec

import (
	"bytes"
	"encoding/json"
	"testing"
)

// Each codec has one fuzz target: go test -fuzz FuzzDotnet ./codec. A stream is decoded whole and in pieces, with
// the codec as it is and with a small limit; and a body is encoded and decoded again.

func FuzzDotnet(f *testing.F) { fuzz(f, "dotnet", "dotnet?max=20") }
func FuzzLines(f *testing.F) {
	fuzz(f, "lines", "lines?eol=crlf", "lines?eol=cr", "lines?max=5")
}
func FuzzDelim(f *testing.F) {
	fuzz(f, "delim?preset=mllp", "delim?preset=stx", "delim?end=0D0A", "delim?end=AAAA&start=AA", "delim?end=00&max=5")
}
func FuzzLength(f *testing.F) {
	fuzz(f, "len8", "len8?includes=self", "len16", "len16?order=le&includes=self", "len32?max=30", "len32?order=le",
		"len32?includes=self", "len64", "len64?order=le&includes=self&max=30")
}
func FuzzVarint(f *testing.F) { fuzz(f, "varint", "varint?max=20") }
func FuzzFixed(f *testing.F)  { fuzz(f, "fixed?n=1", "fixed?n=5") }
func FuzzJSON(f *testing.F)   { fuzz(f, "json", "json?max=12") }
func FuzzCOBS(f *testing.F)   { fuzz(f, "cobs", "cobs?max=10") }
func FuzzSLIP(f *testing.F)   { fuzz(f, "slip", "slip?max=10") }
func FuzzIdle(f *testing.F)   { fuzz(f, "idle", "idle?max=7") }
func FuzzRaw(f *testing.F)    { fuzz(f, "raw", "raw?max=7") }

func fuzz(f *testing.F, specs ...string) {
	var codecs []Codec
	name, _, _ := bytes.Cut([]byte(specs[0]), []byte("?"))
	for _, s := range specs {
		codecs = append(codecs, parse(f, s))
	}
	own := func(spec string) bool { return bytes.HasPrefix([]byte(spec), name[:min(len(name), 3)]) }
	for _, v := range vectors {
		if own(v.codec) && len(v.wire) <= 600 {
			f.Add([]byte(v.wire+v.wire), []byte(v.body))
		}
	}
	for _, d := range decoded {
		if own(d.codec) {
			f.Add([]byte(d.stream), []byte(d.stream))
		}
	}
	for _, r := range refused {
		if own(r.codec) && len(r.stream) <= 600 {
			f.Add([]byte(r.stream), []byte(r.stream))
		}
	}
	f.Fuzz(func(t *testing.T, stream, body []byte) {
		if len(stream) > 1024 || len(body) > 4096 { // all the pieces of a long one take long
			return
		}
		for _, c := range codecs {
			sameEverywhere(t, c, stream)
			roundTrip(t, c, body)
			progress(t, c, stream)
		}
	})
}

// roundTrip: what a codec can say comes out as it went in, and takes all its bytes.
func roundTrip(t *testing.T, c Codec, body []byte) {
	t.Helper()
	wire, err := c.Append([]byte("dst"), Frame{Body: body})
	if err != nil {
		if kind := kindOf(t, err); kind != Unsayable && kind != TooLarge || string(wire) != "dst" {
			t.Fatalf("%s of %q: %v, dst %q", c, body, err, wire)
		}
		return
	}
	if wire = wire[3:]; len(wire) == 0 {
		t.Fatalf("%s of %q is nothing", c, body)
	}
	got := feed(t, c, append(wire[:len(wire):len(wire)], wire...)) // twice: the second must not be touched by the first
	want := string(body)
	if _, ok := c.(*jsonStream); ok {
		if !json.Valid(body) {
			t.Fatalf("%q is JSON to us", body)
		}
		want = string(bytes.Trim(body, " \t\r\n"))
	}
	switch c.(type) {
	case *idle, *raw:
		if all := string(bytes.Join(bytesOf(got.bodies), nil)) + got.rest; all != want+want {
			t.Fatalf("%s: %q came out as %q", c, body, all)
		}
	default:
		if got.kind != 0 || len(got.bodies) != 2 || got.bodies[0] != want || got.bodies[1] != want || len(bytes.Trim([]byte(got.rest), "\n")) > 0 {
			t.Fatalf("%s: %q came out as %q", c, body, got)
		}
	}
}

func bytesOf(ss []string) (bs [][]byte) {
	for _, s := range ss {
		bs = append(bs, []byte(s))
	}
	return bs
}

// progress: what it says the first frame will be is what it becomes.
func progress(t *testing.T, c Codec, stream []byte) {
	t.Helper()
	f, n, err := c.Decode(stream, nil)
	for i := range len(stream) + 1 {
		have, want := c.Progress(stream[:i])
		if have != i || want < 0 {
			t.Fatalf("%s: %d of %d bytes, %d are there", c, have, want, i)
		}
		if want == 0 || err != nil {
			continue
		}
		if n > 0 && want != len(f.Wire) || n == 0 && want <= len(stream) {
			t.Fatalf("%s: %d of %d bytes of %q, a frame of %d", c, have, want, stream, n)
		}
	}
}

func FuzzAuto(f *testing.F) {
	for _, tt := range guesses {
		f.Add([]byte(tt.src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		c, ok := Auto(src, Over)
		if ok != (len(src) > 0) {
			t.Fatalf("%q: not decided at the end", src)
		}
		for _, w := range []Wait{Arriving, Paused} {
			if early, ok := Auto(src, w); ok && early.String() != c.String() {
				t.Fatalf("%q: %s, in the end %s", src, early, c)
			}
		}
		if !ok {
			return
		}
		switch c.String() {
		case "lines", "dotnet", "raw":
		default:
			t.Fatalf("%q: %s", src, c)
		}
		var seen Seen
		if _, _, err := c.Decode(src, &seen); err != nil && len(src) < 60<<10 {
			t.Fatalf("%q is taken for %s, which refuses it: %v", src, c, err)
		}
	})
}
