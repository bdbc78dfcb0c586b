package codec

import (
	"bytes"
	"strings"
	"testing"
)

// benched are codecs and bodies of about 128 bytes.
var benched = []struct{ name, codec, body string }{
	{"dotnet", "dotnet", rep("x", 128)},
	{"lines", "lines", rep("x", 128)},
	{"lines-crlf", "lines?eol=crlf", rep("x", 128)},
	{"delim-mllp", "delim?preset=mllp", rep("x", 128)},
	{"len8", "len8", rep("x", 128)},
	{"len16", "len16", rep("x", 128)},
	{"len32", "len32", rep("x", 128)},
	{"len64", "len64?order=le", rep("x", 128)},
	{"varint", "varint", rep("x", 128)},
	{"fixed", "fixed?n=128", rep("x", 128)},
	{"cobs", "cobs", rep("x", 128)},
	{"cobs-zeros", "cobs", rep("xxxxxxx\x00", 16)},
	{"slip", "slip", rep("x", 128)},
	{"slip-escapes", "slip", rep("xxxxxxx\xc0", 16)},
	{"json", "json", `{"id":12345,"name":"tincan","tags":["a","b","c"],"text":"` + rep("x", 68) + `"}`},
	{"raw", "raw?max=128", rep("x", 128)},
	{"idle", "idle?max=128", rep("x", 128)},
}

const batch = 128 << 10 // bytes of bodies

func encoded(b *testing.B, c Codec, body string) (stream []byte, frames int) {
	for ; len(stream) < batch; frames++ {
		var err error
		if stream, err = c.Append(stream, Frame{Body: []byte(body)}); err != nil {
			b.Fatal(err)
		}
	}
	return stream, frames
}

// BenchmarkDecode decodes a batch as the link does. B/op and allocs/op are of the whole batch.
func BenchmarkDecode(b *testing.B) {
	for _, tt := range benched {
		b.Run(tt.name, func(b *testing.B) {
			c := parse(b, tt.codec)
			stream, want := encoded(b, c, tt.body)
			b.SetBytes(int64(len(stream)))
			b.ReportAllocs()
			var seen Seen
			for b.Loop() {
				frames := 0
				for src := stream; len(src) > 0; frames++ {
					seen = Seen{}
					_, n, err := c.Decode(src, &seen)
					if err != nil {
						b.Fatal(err)
					}
					if n == 0 {
						break
					}
					src = src[n:]
				}
				if frames != want {
					b.Fatalf("%d frames, want %d", frames, want)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*want), "ns/frame")
		})
	}
}

// BenchmarkEncode encodes a batch into a buffer that is there.
func BenchmarkEncode(b *testing.B) {
	for _, tt := range benched {
		b.Run(tt.name, func(b *testing.B) {
			c := parse(b, tt.codec)
			stream, frames := encoded(b, c, tt.body)
			f := Frame{Body: []byte(tt.body)}
			b.SetBytes(int64(len(stream)))
			b.ReportAllocs()
			for b.Loop() {
				dst := stream[:0]
				for range frames {
					dst, _ = c.Append(dst, f)
				}
				if len(dst) != len(stream) {
					b.Fatalf("%d bytes, want %d", len(dst), len(stream))
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*frames), "ns/frame")
		})
	}
}

// BenchmarkSlow is a message of 1 MiB that comes in pieces of 64 bytes.
func BenchmarkSlow(b *testing.B) {
	for _, tt := range []struct{ name, codec, wire string }{
		{"lines", "lines?max=1MiB", rep("x", 1<<20) + "\n"},
		{"json", "json", "[" + strings.TrimSuffix(rep(`{"a":"}"},`, 1<<20/10), ",") + "]"},
		{"slip", "slip", rep("\xdb\xdc", 1<<19) + "\xc0"},
		{"cobs", "cobs", rep("\x02x", 1<<19) + "\x00"},
	} {
		b.Run(tt.name, func(b *testing.B) {
			c := parse(b, tt.codec)
			wire := bytes.Clone([]byte(tt.wire))
			b.SetBytes(int64(len(wire)))
			for b.Loop() {
				var seen Seen
				n := 0
				for i := 64; n == 0; i += 64 {
					var err error
					if _, n, err = c.Decode(wire[:min(i, len(wire))], &seen); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

func BenchmarkAuto(b *testing.B) {
	for _, tt := range []struct{ name, src string }{{"dotnet", "\x05hello"}, {"lines", "hello\n"}, {"lines-4KiB", rep("some text\n", 410)}} {
		b.Run(tt.name, func(b *testing.B) {
			src := []byte(tt.src)
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := Auto(src, Paused); !ok {
					b.Fatal("not decided")
				}
			}
		})
	}
}
