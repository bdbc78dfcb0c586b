package codec

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func parse(t testing.TB, spec string) Codec {
	t.Helper()
	c, err := Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// result is what a stream decodes to.
type result struct {
	bodies, wires []string
	rest          string // what became no frame
	kind          ErrorKind
}

// feed decodes pieces as the link does: it holds what became no frame, and looks when there is something new.
func feed(t testing.TB, c Codec, pieces ...[]byte) (r result) {
	t.Helper()
	buf := bytes.Join(pieces, nil)
	at, end := 0, 0 // what is held is buf[at:end]
	var seen Seen
	for _, p := range pieces {
		end += len(p)
		for at < end && seen.Bytes != end-at {
			held := buf[at:end:end]
			f, n, err := c.Decode(held, &seen)
			switch {
			case err != nil:
				if n != 0 || f.Body != nil {
					t.Fatalf("%s: an error with n = %d and a frame %q", c, n, f.Body)
				}
				r.kind, r.rest = kindOf(t, err), string(buf[at:])
				return r
			case n == 0:
				if seen.Bytes != len(held) {
					t.Fatalf("%s: looked at %d of %d bytes", c, seen.Bytes, len(held))
				}
			case n < 0 || n > len(held) || !bytes.Equal(f.Wire, held[:n]):
				t.Fatalf("%s: n = %d of %d, wire %q", c, n, len(held), f.Wire)
			case len(f.Body) > c.Limit():
				t.Fatalf("%s: a body of %d bytes, over the limit of %d", c, len(f.Body), c.Limit())
			case cap(f.Body) > len(held) && cap(f.Body) > 2*n+64:
				t.Fatalf("%s: a body of capacity %d from %d bytes", c, cap(f.Body), n)
			default:
				r.bodies, r.wires = append(r.bodies, string(f.Body)), append(r.wires, string(f.Wire))
				at += n
				seen = Seen{}
			}
		}
	}
	r.rest = string(buf[at:])
	return r
}

// kindOf also says that an error is one that a person can read.
func kindOf(t testing.TB, err error) ErrorKind {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is not a *codec.Error", err)
	}
	if e.Reason == "" || e.Hint == "" || strings.HasSuffix(e.Reason, ".") || strings.Contains(e.Reason+e.Hint, "%!") || !strings.HasPrefix(e.Error(), e.Codec+": ") || e.Kind == 0 {
		t.Fatalf("error %+v", *e)
	}
	return e.Kind
}

func ones(stream []byte) (pieces [][]byte) {
	for i := range stream {
		pieces = append(pieces, stream[i:i+1])
	}
	return pieces
}

func rep(s string, n int) string { return strings.Repeat(s, n) }

// run is n bytes 01, 02, … FF, 01, …: none of them zero.
func run(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i%255 + 1)
	}
	return string(b)
}

// vectors are bodies and their encodings, byte by byte, from the sources that the codecs follow.
var vectors = []struct{ codec, body, wire string }{
	// .NET: BinaryWriter.Write(string), as the real runtime writes it.
	{"dotnet", "", "\x00"},
	{"dotnet", "hello", "\x05hello"},
	{"dotnet", "你好", "\x06\xe4\xbd\xa0\xe5\xa5\xbd"},
	{"dotnet", "😀", "\x04\xf0\x9f\x98\x80"},
	{"dotnet", rep("x", 127), "\x7f" + rep("x", 127)},
	{"dotnet", rep("x", 128), "\x80\x01" + rep("x", 128)},
	{"dotnet", rep("你", 100), "\xac\x02" + rep("你", 100)},
	{"dotnet", rep("x", 16383), "\xff\x7f" + rep("x", 16383)},
	{"dotnet", rep("x", 16384), "\x80\x80\x01" + rep("x", 16384)},
	{"dotnet", rep("x", 1<<20), "\x80\x80\x40" + rep("x", 1<<20)},
	{"dotnet?max=4MiB", rep("😀", 1<<19), "\x80\x80\x80\x01" + rep("😀", 1<<19)},
	{"dotnet", "\xff\xfe", "\x02\xff\xfe"}, // not UTF-8, passed on

	{"lines", "", "\n"},
	{"lines", "hello", "hello\n"},
	{"lines", "a\rb", "a\rb\n"},
	{"lines", "\xc4\xe3\xba\xc3", "\xc4\xe3\xba\xc3\n"}, // GBK
	{"lines?eol=crlf", "hello", "hello\r\n"},
	{"lines?eol=cr", "hello\n", "hello\n\r"},
	{"lines", rep("x", 64<<10), rep("x", 64<<10) + "\n"},

	{"delim?end=00", "a\nb", "a\nb\x00"},
	{"delim?end=0D0A", "a\rb\n", "a\rb\n\r\n"},
	{"delim?end=0D0A&start=40", "a@b", "@a@b\r\n"},
	{"delim?preset=mllp", "MSH|^~\\&|\rPID|1\r", "\x0bMSH|^~\\&|\rPID|1\r\x1c\r"},
	{"delim?preset=stx", "data", "\x02data\x03"},
	{"delim?preset=stx", "", "\x02\x03"},

	{"len8", "", "\x00"},
	{"len8", rep("x", 255), "\xff" + rep("x", 255)},
	{"len8?includes=self", "ab", "\x03ab"},
	{"len8?includes=self", rep("x", 254), "\xff" + rep("x", 254)},
	{"len16", "ab", "\x00\x02ab"},
	{"len16?order=le", "ab", "\x02\x00ab"},
	{"len16?order=le", rep("x", 65535), "\xff\xff" + rep("x", 65535)},
	{"len16?includes=self", "ab", "\x00\x04ab"},
	{"len16?includes=self", rep("x", 65533), "\xff\xff" + rep("x", 65533)},
	{"len16?order=le&includes=self", "ab", "\x04\x00ab"},
	{"len32", "ab", "\x00\x00\x00\x02ab"},
	{"len32?order=le", "ab", "\x02\x00\x00\x00ab"},
	{"len32?includes=self", "ab", "\x00\x00\x00\x06ab"},
	{"len32?order=le&includes=self", rep("x", 300), "\x30\x01\x00\x00" + rep("x", 300)},
	{"len64", "ab", "\x00\x00\x00\x00\x00\x00\x00\x02ab"},
	{"len64?order=le", "ab", "\x02\x00\x00\x00\x00\x00\x00\x00ab"},
	{"len64?includes=self", "", "\x00\x00\x00\x00\x00\x00\x00\x08"},
	{"len64?order=le&includes=self", "ab", "\x0a\x00\x00\x00\x00\x00\x00\x00ab"},

	{"varint", "", "\x00"},
	{"varint", "\x08\x96\x01", "\x03\x08\x96\x01"}, // protobuf's first example
	{"varint", rep("x", 300), "\xac\x02" + rep("x", 300)},
	{"varint", rep("x", 1<<20), "\x80\x80\x40" + rep("x", 1<<20)},

	{"fixed?n=4", "\x00\x01\x02\x03", "\x00\x01\x02\x03"},

	// The examples of Cheshire and Baker, and of everyone who explains them.
	{"cobs", "", "\x01\x00"},
	{"cobs", "\x00", "\x01\x01\x00"},
	{"cobs", "\x00\x00", "\x01\x01\x01\x00"},
	{"cobs", "\x00\x11\x00", "\x01\x02\x11\x01\x00"},
	{"cobs", "\x11\x22\x00\x33", "\x03\x11\x22\x02\x33\x00"},
	{"cobs", "\x11\x22\x33\x44", "\x05\x11\x22\x33\x44\x00"},
	{"cobs", "\x11\x00\x00\x00", "\x02\x11\x01\x01\x01\x00"},
	{"cobs", "E\x00\x00,L0\x00\x00@\x06\x4f\x37", "\x02E\x01\x04,L0\x01\x05@\x06\x4f\x37\x00"},
	{"cobs", run(253), "\xfe" + run(253) + "\x00"},
	{"cobs", run(254), "\xff" + run(254) + "\x00"},
	{"cobs", "\x00" + run(254), "\x01\xff" + run(254) + "\x00"},
	{"cobs", run(255), "\xff" + run(254) + "\x02\xff\x00"},
	{"cobs", run(254) + "\x00", "\xff" + run(254) + "\x01\x01\x00"},
	{"cobs", run(253) + "\x00", "\xfe" + run(253) + "\x01\x00"},
	{"cobs", run(253) + "\x00\x01", "\xfe" + run(253) + "\x02\x01\x00"},
	{"cobs", run(508), "\xff" + run(254) + "\xff\xff" + run(253) + "\x00"},

	// RFC 1055.
	{"slip", "hello", "hello\xc0"},
	{"slip", "\xc0", "\xdb\xdc\xc0"},
	{"slip", "\xdb", "\xdb\xdd\xc0"},
	{"slip", "a\xc0b\xdbc", "a\xdb\xdcb\xdb\xddc\xc0"},
	{"slip", "\xdb\xdc\xdb\xdd", "\xdb\xdd\xdc\xdb\xdd\xdd\xc0"},
	{"slip", rep("\xc0\xdb", 500), rep("\xdb\xdc\xdb\xdd", 500) + "\xc0"},

	{"json", `{"a":[1,2,{"b":"}]\""}]}`, `{"a":[1,2,{"b":"}]\""}]}` + "\n"},
	{"json", `"a \\"`, `"a \\"` + "\n"},
	{"json", "-1.5e+3", "-1.5e+3\n"},
	{"json", "true", "true\n"},
	{"json", "[]", "[]\n"},
	{"json", rep("[", 1000) + rep("]", 1000), rep("[", 1000) + rep("]", 1000) + "\n"},
	{"json", `"` + rep("x", 1<<20-2) + `"`, `"` + rep("x", 1<<20-2) + "\"\n"},

	{"raw", "as it comes", "as it comes"},
}

func TestVectors(t *testing.T) {
	for _, v := range vectors {
		c := parse(t, v.codec)
		got, err := c.Append([]byte("before"), Frame{Body: []byte(v.body)})
		if err != nil || string(got) != "before"+v.wire {
			t.Errorf("%s of %.40q = %.40q %v, want %.40q", c, v.body, got, err, v.wire)
		}
		f, n, err := c.Decode([]byte(v.wire+"\x00"), nil)
		if c.String() == "raw" {
			f, n, err = c.Decode([]byte(v.wire), nil)
		}
		wire := v.wire
		if strings.HasPrefix(v.codec, "json") { // the space behind a value is the next one's
			wire = strings.TrimSuffix(wire, "\n")
			if c := wire[len(wire)-1]; '0' <= c && c <= '9' {
				f, n, err = parse(t, v.codec).Decode([]byte(v.wire), nil)
			}
		}
		if err != nil || n != len(wire) || string(f.Body) != v.body || string(f.Wire) != wire || f.Partial {
			t.Errorf("%s decodes %.40q as %.40q, %d bytes, %v; want %d", c, v.wire, f.Body, n, err, len(wire))
		}
	}
}

// decoded are streams that no Append of ours writes, or that hold several frames.
var decoded = []struct {
	codec, stream string
	bodies        []string
	rest          string
}{
	{"dotnet", "\x02hi\x00\x03you\x09half", []string{"hi", "", "you"}, "\x09half"},
	{"dotnet", "\x82\x80\x80\x80\x00hi", []string{"hi"}, ""}, // not the shortest length; .NET reads it
	{"dotnet", "\x80\x00\x01a", []string{"", "a"}, ""},
	{"lines", "a\r\nb\n\r\n\nc", []string{"a", "b", "", ""}, "c"},
	{"lines", "a\r\r\n", []string{"a\r"}, ""},
	{"lines", "\xff\xfe\n\xe4\xbd\n", []string{"\xff\xfe", "\xe4\xbd"}, ""}, // not UTF-8
	{"lines?eol=crlf", "a\nb\r\n", []string{"a", "b"}, ""},
	{"lines?eol=cr", "a\nb\rc\r\n", []string{"a\nb", "c"}, "\n"},
	{"delim?end=4141", "xAAAAyA", []string{"x", ""}, "yA"},
	{"delim?end=0D0A", "a\r\r\nb\r", []string{"a\r"}, "b\r"},
	{"delim?preset=mllp", "\x0ba\x1cb\x1c\x0d\x0b", []string{"a\x1cb"}, "\x0b"},
	{"len16", "\x00\x01a\x00\x00\x00\x02b", []string{"a", ""}, "\x00\x02b"},
	{"len64", "\x00\x00\x00\x00\x00\x00\x00", nil, "\x00\x00\x00\x00\x00\x00\x00"},
	{"varint", "\x81\x00a\x80", []string{"a"}, "\x80"},
	{"varint", "\x81\x80\x80\x80\x80\x80\x80\x80\x80\x00a", []string{"a"}, ""},
	{"fixed?n=2", "aabbc", []string{"aa", "bb"}, "c"},
	{"cobs", "\x01\x00\x00\x00\x02a\x00", []string{"", "a"}, ""},       // ends at both ends
	{"cobs", "\xff" + run(254) + "\x01\x00", []string{run(254)}, ""},   // the longer form
	{"cobs", "\x00\x00\x00", nil, "\x00\x00\x00"},                      //
	{"slip", "\xc0\xc0a\xc0\xc0b\xc0\xc0", []string{"a", "b"}, "\xc0"}, //
	{"slip", "a\xdb", nil, "a\xdb"},                                    // the other half may come
	{"json", ` {"a" : 1} [2]"x"3 4true false` + "\tnull", []string{`{"a" : 1}`, "[2]", `"x"`, "3", "4", "true", "false", "null"}, ""},
	{"json", `{"s":"}{\\\""}12`, []string{`{"s":"}{\\\""}`}, "12"},
	{"json", "1\r\n-0.5E-7[", []string{"1", "-0.5E-7"}, "["},
	{"json", "truefalse1,", []string{"true", "false", "1"}, ","},
	{"json", `"😀\ud83d\ude00"`, []string{`"😀\ud83d\ude00"`}, ""},
	{"json", " \n\t\r", nil, " \n\t\r"},
	{"json", "tru", nil, "tru"},
	{"json", `"half\`, nil, `"half\`},
	{"json", rep("9", 1000) + " " + rep("9", 100), []string{rep("9", 1000)}, " " + rep("9", 100)},
}

// TestStreams also cuts each stream everywhere: the frames must be the same.
func TestStreams(t *testing.T) {
	for _, d := range decoded {
		c := parse(t, d.codec)
		stream := []byte(d.stream)
		whole := feed(t, c, stream)
		if got, want := strings.Join(whole.bodies, "|"), strings.Join(d.bodies, "|"); got != want || len(whole.bodies) != len(d.bodies) {
			t.Errorf("%s: %.60q has frames %.60q, want %.60q", c, d.stream, whole.bodies, d.bodies)
		}
		if whole.rest != d.rest {
			t.Errorf("%s: %.60q leaves %.60q, want %.60q", c, d.stream, whole.rest, d.rest)
		}
		sameEverywhere(t, c, stream)
	}
}

// refused are streams that never become a frame.
var refused = []struct {
	codec, stream string
	kind          ErrorKind
	text          string // of the reason
}{
	{"dotnet", "\x80\x80\x80\x80\x08", Malformed, "a negative length"},      // 2 GiB
	{"dotnet", "\xff\xff\xff\xff\x0f", Malformed, "a negative length"},      // -1
	{"dotnet", "\xff\xff\xff\xff\x07", TooLarge, "2147483647 bytes"},        // 2 GiB - 1
	{"dotnet", "\x80\x80\x80\x80\x10", Malformed, "more than 32 bits"},      // overlong
	{"dotnet", rep("\x80", 100), Malformed, "more than 32 bits"},            // endless
	{"dotnet", rep("\xff", 100), Malformed, "more than 32 bits"},            //
	{"dotnet", "\x81\x80\x40", TooLarge, "1048577 bytes is over the limit"}, //
	{"dotnet?max=10", "\x0b", TooLarge, "11 bytes is over the limit of 10"},
	{"lines", rep("x", 64<<10+2), TooLarge, "longer than 65536 bytes"}, // without end
	{"lines", rep("x", 64<<10+1) + "\n", TooLarge, "longer than 65536 bytes"},
	{"lines", rep("x", 64<<10+1) + "\r\n", TooLarge, "longer than 65536 bytes"},
	{"lines?max=3", "aaaa\n", TooLarge, "longer than 3"},
	{"delim?end=0D0A", rep("x", 64<<10+3), TooLarge, "no delimiter 0D0A within 65536 bytes"},
	{"delim?preset=mllp", "MSH", Malformed, "begins with 4D, not with 0B"},
	{"delim?end=FF&start=0102", "\x01\x03", Malformed, "begins with 0103, not with 0102"},
	{"len8?includes=self", "\x00", Malformed, "less than its own 1 bytes"},
	{"len8?max=4", "\x05", TooLarge, "5 bytes"},
	{"len16?includes=self", "\x00\x01", Malformed, "less than its own 2 bytes"},
	{"len32", "\xff\xff\xff\xff", TooLarge, "4294967295 bytes"}, // 4 GiB - 1
	{"len32?order=le&includes=self", "\x03\x00\x00\x00", Malformed, "a length of 3"},
	{"len32?includes=self", "\xff\xff\xff\xff", TooLarge, "4294967291 bytes"},
	{"len64", "\x80\x00\x00\x00\x00\x00\x00\x00", TooLarge, "9223372036854775808 bytes"}, // 2^63
	{"len64", rep("\xff", 8), TooLarge, "18446744073709551615 bytes"},
	{"len64?order=le&includes=self", "\x07\x00\x00\x00\x00\x00\x00\x00", Malformed, "a length of 7"},
	{"varint", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", TooLarge, "18446744073709551615 bytes"},
	{"varint", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", Malformed, "more than 64 bits"},
	{"varint", rep("\x80", 10), Malformed, "more than 64 bits"},
	{"varint", rep("\x80", 1000), Malformed, "more than 64 bits"},
	{"cobs", "\x05a\x00", Malformed, "a block of 5 bytes in a packet that has 2 left"},
	{"cobs", "\x02a\xff\x00", Malformed, "a block of 255 bytes"},
	{"cobs?max=10", "\x0c" + run(11) + "\x00", TooLarge, "11 bytes"},
	{"cobs?max=10", rep("\x01", 5000), TooLarge, "longer than 10"},
	{"cobs?max=10", rep("\x00", 5000), TooLarge, "longer than 10"},
	{"slip", "a\xdb\xc0", Malformed, "stands for nothing"},
	{"slip", "a\xdbb\xc0", Malformed, "stands for nothing"},
	{"slip?max=10", rep("a", 11) + "\xc0", TooLarge, "11 bytes"},
	{"slip?max=10", rep("a", 5000), TooLarge, "longer than 10"},
	{"slip?max=10", rep("\xc0", 5000), TooLarge, "longer than 10"},
	{"json", "hello", Malformed, `"h" is not JSON`},
	{"json", "nul ", Malformed, `"nul " is not JSON`},
	{"json", "}", Malformed, `"}" is not JSON`},
	{"json", ",", Malformed, `"," is not JSON`},
	{"json", "01 ", Malformed, `"01" is not JSON`},
	{"json", "1-2 ", Malformed, `"1-2" is not JSON`},
	{"json", "-- ", Malformed, "is not JSON"},
	{"json", "+1 ", Malformed, "is not JSON"},
	{"json", "[1}", Malformed, `"[1}" is not JSON`},
	{"json", `{"a"}`, Malformed, "is not JSON"},
	{"json", "\"a\nb\"", Malformed, "is not JSON"},
	{"json", "\xef\xbb\xbf{}", Malformed, "is not JSON"},
	{"json", rep("[", 1001), Malformed, "nested deeper than 1000"},
	{"json", rep(`{"a":`, 1<<17), Malformed, "nested deeper than 1000"},
	{"json?max=100", rep("9", 101), TooLarge, "longer than 100"},
	{"json?max=100", `"` + rep("a", 101), TooLarge, "longer than 100"},
	{"json?max=100", rep("[", 101), TooLarge, "longer than 100"},
	{"json?max=100", rep(" ", 101), TooLarge, "nothing but space"},
}

func TestRefused(t *testing.T) {
	for _, r := range refused {
		c := parse(t, r.codec)
		stream := []byte(r.stream)
		var last error
		for n := range len(stream) + 1 { // the shortest piece that is refused
			if n < len(stream) && len(stream) > 2000 && n%1000 != 0 {
				continue
			}
			if _, _, last = c.Decode(stream[:n], nil); last != nil {
				break
			}
		}
		if kindOf(t, errOr(last)) != r.kind || !strings.Contains(last.Error(), r.text) {
			t.Errorf("%s: %.40q: %v, want %q", c, r.stream, last, r.text)
		}
		if got := feed(t, c, stream); got.kind != r.kind {
			t.Errorf("%s: %.40q: kind %d, want %d", c, r.stream, got.kind, r.kind)
		}
		sameEverywhere(t, c, stream)
	}
}

func errOr(err error) error {
	if err == nil {
		return errors.New("no error")
	}
	return err
}

// unsayable are bodies that a codec has no bytes for.
var unsayable = []struct {
	codec, body string
	kind        ErrorKind
	hint        string
}{
	{"lines", "a\nb", Unsayable, "dotnet or len32"},
	{"lines", "a\r", Unsayable, "len32"},
	{"lines?eol=crlf", "a\r", Unsayable, "len32"},
	{"lines?eol=cr", "a\rb", Unsayable, "len32"},
	{"lines", rep("x", 64<<10+1), TooLarge, "?max= (at most 16MiB)"},
	{"dotnet", rep("x", 1<<20+1), TooLarge, "?max= (at most 16MiB)"},
	{"dotnet?max=16MiB", rep("x", 16<<20+1), TooLarge, "in parts"},
	{"delim?preset=stx", "a\x03b", Unsayable, "len32"},
	{"delim?end=AAAA", "a\xaa", Unsayable, "len32"}, // its end and the delimiter make one that comes too soon
	{"delim?end=0D0A", "\r\n", Unsayable, "len32"},
	{"len8", rep("x", 256), TooLarge, "use len32"},
	{"len8?includes=self", rep("x", 255), TooLarge, "use len32"},
	{"len8?max=4", "12345", TooLarge, "(at most 255)"},
	{"len16", rep("x", 65536), TooLarge, "use len32"},
	{"len16?max=1KiB", rep("x", 1025), TooLarge, "(at most 65535)"},
	{"len32", rep("x", 1<<20+1), TooLarge, "16MiB"},
	{"len64", rep("x", 1<<20+1), TooLarge, "16MiB"},
	{"varint", rep("x", 1<<20+1), TooLarge, "16MiB"},
	{"fixed?n=4", "123", Unsayable, "pad or cut it"},
	{"fixed?n=4", "12345", Unsayable, "pad or cut it"},
	{"cobs?max=3", "1234", TooLarge, "16MiB"},
	{"slip", "", Unsayable, "cobs"},
	{"slip?max=3", "1234", TooLarge, "16MiB"},
	{"json", "hello", Unsayable, `"hello"`},
	{"json", "", Unsayable, `"hello"`},
	{"json", "1 2", Unsayable, `"hello"`},
	{"json", rep("[", 1001) + rep("]", 1001), Unsayable, "len32"},
	{"raw", "", Unsayable, "lines"},
	{"idle", "", Unsayable, "lines"},
	{"raw?max=3", "1234", TooLarge, "16MiB"},
	{"idle?max=3", "1234", TooLarge, "16MiB"},
}

func TestUnsayable(t *testing.T) {
	for _, u := range unsayable {
		c := parse(t, u.codec)
		dst := []byte("before")
		got, err := c.Append(dst, Frame{Body: []byte(u.body)})
		if kindOf(t, errOr(err)) != u.kind || !strings.Contains(err.(*Error).Hint, u.hint) {
			t.Errorf("%s of %.40q: %+v, want kind %d, hint %q", c, u.body, err, u.kind, u.hint)
		}
		if string(got) != "before" {
			t.Errorf("%s of %.40q: dst is %.40q", c, u.body, got)
		}
	}
}

func TestProgress(t *testing.T) {
	tests := []struct {
		codec, src string
		have, want int
	}{
		{"dotnet", "\x77" + rep("x", 36), 37, 120},
		{"dotnet", "\xc8\x01abc", 5, 202},
		{"dotnet", "\xc8", 1, 0},
		{"dotnet", rep("\xff", 9), 9, 0},
		{"len8", "\x09ab", 3, 10},
		{"len16?order=le", "\x76\x00" + rep("x", 35), 37, 120},
		{"len16", "\x00", 1, 0},
		{"len32?includes=self", "\x00\x00\x00\x78" + rep("x", 33), 37, 120},
		{"len32?includes=self", "\x00\x00\x00\x03", 4, 0},
		{"len64", "\xff\xff\xff\xff\xff\xff\xff\xff", 8, 0},
		{"varint", "\x77" + rep("x", 36), 37, 120},
		{"varint", "\x80", 1, 0},
		{"fixed?n=120", rep("x", 37), 37, 120},
		{"lines", "half a line", 11, 0},
		{"delim?preset=mllp", "\x0bhalf", 5, 0},
		{"json", `{"half":`, 8, 0},
		{"cobs", "\x05ab", 3, 0},
		{"slip", "ab", 2, 0},
		{"idle", "ab", 2, 0},
		{"raw", "ab", 2, 0},
	}
	for _, tt := range tests {
		c := parse(t, tt.codec)
		if have, want := c.Progress([]byte(tt.src)); have != tt.have || want != tt.want {
			t.Errorf("%s of %.20q: %d of %d bytes, want %d of %d", c, tt.src, have, want, tt.have, tt.want)
		}
		if have, want := c.Progress(nil); have != 0 || want != 0 && tt.codec != "fixed?n=120" {
			t.Errorf("%s of nothing: %d of %d", c, have, want)
		}
	}
}

func TestIdleAndRaw(t *testing.T) {
	c := parse(t, "idle?ms=20&max=8").(Quiet)
	if got := c.Gap().Milliseconds(); got != 20 {
		t.Errorf("gap %d ms, want 20", got)
	}
	if _, n, err := c.Decode([]byte("1234567"), nil); n != 0 || err != nil {
		t.Errorf("idle ends a message after %d bytes, %v", n, err)
	}
	f, n, err := c.Decode([]byte("123456789"), nil)
	if string(f.Body) != "12345678" || n != 8 || err != nil || !f.Partial || string(f.Wire) != "12345678" {
		t.Errorf("idle at its limit: %q partial %v, %d, %v", f.Body, f.Partial, n, err)
	}
	if f := c.Flush([]byte("123")); string(f.Body) != "123" || string(f.Wire) != "123" || f.Partial {
		t.Errorf("flushed %+v", f)
	}
	r := parse(t, "raw?max=4")
	if got := feed(t, r, []byte("abcdefghi")); strings.Join(got.bodies, "|") != "abcd|efgh|i" || got.rest != "" {
		t.Errorf("raw: %q", got.bodies)
	}
	if _, quiet := r.(Quiet); quiet {
		t.Error("raw waits for silence")
	}
}
