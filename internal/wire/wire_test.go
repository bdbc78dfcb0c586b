package wire

import (
	"bytes"
	"encoding/hex"
	"os"
	"reflect"
	"strings"
	"testing"

	"tincan/codec"
)

// parsed reads a frame as its type says and writes it again; flags says whether it came from a host.
func parsed(frame []byte) (again []byte, err error) {
	t, flags, body := Split(frame)
	switch t {
	case Hello:
		b, err := ParseHello(flags, body)
		return b.Append(nil), err
	case Join:
		if flags&1 != 0 {
			b, err := ParseJoined(flags, body)
			return b.Append(nil), err
		}
		b, err := ParseJoin(flags, body)
		return b.Append(nil), err
	case Publish:
		b, err := ParsePublish(flags, body)
		return b.Append(nil), err
	case Message:
		b, err := ParseMessage(flags, body)
		return b.Append(nil), err
	case Ack:
		b, err := ParseAck(flags, body)
		return b.Append(nil), err
	case Ping, Pong:
		b, err := ParsePing(flags, body)
		return AppendPing(nil, t, b), err
	case Close:
		b, err := ParseClose(flags, body)
		return b.Append(nil), err
	case Pair:
		b, err := ParsePair(flags, body)
		return b.Append(nil), err
	case Receipt:
		b, err := ParseReceipt(flags, body)
		return b.Append(nil), err
	}
	b, err := ParseEphemeral(flags, body)
	return b.Append(nil), err
}

func epoch(b byte) (e [16]byte) { e[0], e[15] = b, b; return e }
func chain(b byte) (c [32]byte) { c[0], c[31] = b, b; return c }

// samples are one frame of each kind, and how each is read.
func samples() map[string][]byte {
	hs := []Header{{"k", "v"}, {"", strings.Repeat("x", 300)}}
	return map[string][]byte{
		"HELLO of a guest": (&HelloBody{Role: Guest, Version: 1, Features: 2, Window: 3, Name: "alice", Software: "tincan 1", Epoch: epoch(1), Base: 4, Last: 5, Chain: chain(6)}).Append(nil),
		"HELLO of a host":  (&HelloBody{Role: Host, Version: 1, Name: "鲍勃", Epoch: epoch(1), N: 1 << 40, Chain: chain(6)}).Append(nil),
		"JOIN":             (&JoinBody{Stream: 1, Room: "lobby", From: FromLast, Epoch: epoch(2), N: 100, Chain: chain(3), Full: true}).Append(nil),
		"JOINED":           (&JoinedBody{Stream: 1, Verdict: Gap, Room: "lobby", Title: "the lobby", Epoch: epoch(2), Base: 7, Last: 9, Chain: chain(3)}).Append(nil),
		"PUBLISH":          (&PublishBody{Seq: 1, Room: "lobby", Time: 1, ID: "id", Type: "text/plain", Headers: hs, Body: []byte("body")}).Append(nil),
		"MESSAGE":          (&MessageBody{Stream: 1, Offset: 2, Time: 3, Sender: "tc1", Name: "n", ID: "id", Headers: hs, Body: []byte("body")}).Append(nil),
		"MESSAGE, own":     (&MessageBody{Stream: 1, Offset: 2, ID: "id", Own: true}).Append(nil),
		"ACK":              (&AckBody{Stream: 0, N: 42, Window: 1 << 22}).Append(nil),
		"PING":             AppendPing(nil, Ping, [8]byte{1, 2}),
		"PONG":             AppendPing(nil, Pong, [8]byte{1, 2}),
		"CLOSE":            (&CloseBody{Code: CodeShutdown, Retry: 2000, Reason: "bye"}).Append(nil),
		"PAIR":             (&PairBody{Step: StepTicket, Data: []byte("secret")}).Append(nil),
		"RECEIPT":          (&ReceiptBody{Stream: 1, N: 2, Member: "tc1"}).Append(nil),
		"EPHEMERAL":        (&EphemeralBody{Stream: 1, Kind: Here, Member: "tc1", Name: "n"}).Append(nil),
	}
}

// tailed are the kinds whose body ends with bytes of any length.
var tailed = map[string]bool{"PUBLISH": true, "MESSAGE": true, "PAIR": true}

func TestFrames(t *testing.T) {
	for name, frame := range samples() {
		again, err := parsed(frame)
		if err != nil || !bytes.Equal(again, frame) {
			t.Errorf("%s: %x is read and written as %x, %v", name, frame, again, err)
		}
		if int(frame[7])|int(frame[6])<<8 != len(frame)-HeaderSize {
			t.Errorf("%s: its length is %x", name, frame[4:8])
		}
		fixed := len(frame)
		if tailed[name] {
			fixed = bytes.Index(frame, []byte("body"))
			if name == "PAIR" {
				fixed = HeaderSize + 1
			}
		}
		for n := HeaderSize; n < fixed; n++ {
			if _, err := parsed(frame[:n]); err == nil {
				t.Errorf("%s: %d of %d bytes are read", name, n, len(frame))
			}
		}
		if _, err := parsed(append(bytes.Clone(frame), 0)); err == nil && !tailed[name] {
			t.Errorf("%s: a byte too many is read", name)
		}
		strange := bytes.Clone(frame)
		strange[1] |= 0x40
		if _, err := parsed(strange); err == nil {
			t.Errorf("%s: an unknown flag is read", name)
		}
	}
}

func TestValues(t *testing.T) {
	b, err := ParseHello(0, samples()["HELLO of a guest"][HeaderSize:])
	want := HelloBody{Role: Guest, Version: 1, Features: 2, Window: 3, Name: "alice", Software: "tincan 1", Epoch: epoch(1), Base: 4, Last: 5, Chain: chain(6)}
	if err != nil || b != want {
		t.Errorf("%+v, %v", b, err)
	}
	p, err := ParsePublish(0, samples()["PUBLISH"][HeaderSize:])
	if err != nil || p.ID != "id" || string(p.Body) != "body" || !reflect.DeepEqual(p.Headers[0], Header{"k", "v"}) {
		t.Errorf("%+v, %v", p, err)
	}
	long := CloseBody{Reason: strings.Repeat("ü", 200)}
	if c, err := ParseClose(0, long.Append(nil)[HeaderSize:]); err != nil || len(c.Reason) != 248 {
		t.Errorf("a long reason: %d bytes, %v", len(c.Reason), err)
	}
	for name, body := range map[string][]byte{
		"role":          (&HelloBody{Role: 3}).Append(nil),
		"base":          (&HelloBody{Role: Guest, Base: 2, Last: 1}).Append(nil),
		"name":          (&HelloBody{Role: Guest, Name: strings.Repeat("x", 65)}).Append(nil),
		"UTF-8":         (&HelloBody{Role: Guest, Name: "\xff"}).Append(nil),
		"negative":      (&AckBody{N: -1}).Append(nil),
		"from":          (&JoinBody{From: 4}).Append(nil),
		"verdict":       (&JoinedBody{Verdict: 4}).Append(nil),
		"no id":         (&PublishBody{}).Append(nil),
		"long id":       (&PublishBody{ID: strings.Repeat("x", 129)}).Append(nil),
		"id with NUL":   (&PublishBody{ID: "a\x00"}).Append(nil),
		"id in bad":     (&PublishBody{ID: "\xff"}).Append(nil),
		"large":         (&PublishBody{ID: "a", Body: make([]byte, BodyLimit+1)}).Append(nil),
		"own with body": append((&MessageBody{ID: "a", Own: true}).Append(nil), 'x'),
	} {
		if _, err := parsed(body); err == nil {
			t.Errorf("%s: read", name)
		} else if e, ok := err.(*Error); !ok || e.Code != CodeMalformed || !strings.HasPrefix(e.Error(), "malformed: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCodes(t *testing.T) {
	for c := range codes {
		if strings.Contains(c.String(), "code") {
			t.Errorf("%d has no name", c)
		}
	}
	if again, least := CodeLimit.Again(); !again || least == 0 {
		t.Error("over a limit comes again, later")
	}
	if again, _ := CodeBlocked.Again(); again {
		t.Error("blocked comes again")
	}
	if again, _ := Code(999).Again(); !again || Code(999).String() != "code 999" {
		t.Error("an unknown code")
	}
}

func TestCodec(t *testing.T) {
	header := func(typ Type, n uint32) []byte {
		return []byte{byte(typ), 0, 0, 0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
	}
	for _, tt := range []struct {
		name string
		src  []byte
		open bool
		code Code // 0: more bytes are awaited
	}{
		{"HELLO", header(Hello, 4096), false, 0},
		{"a long HELLO", header(Hello, 4097), false, CodeTooLarge},
		{"JOIN in the greeting", header(Join, 10), false, CodeMalformed},
		{"PUBLISH in the greeting", header(Publish, 10), false, CodeMalformed},
		{"an unknown frame in the greeting", header(0x90, 1024), false, 0},
		{"a long unknown frame in the greeting", header(0x90, 1025), false, CodeTooLarge},
		{"a type that is not known", header(0x0c, 1), true, CodeUnsupported},
		{"type 0", header(0, 1), false, CodeUnsupported},
		{"PUBLISH", header(Publish, BodyLimit+64<<10), true, 0},
		{"a long PUBLISH", header(Publish, BodyLimit+64<<10+1), true, CodeTooLarge},
		{"a bomb", header(Message, 1<<32-1), true, CodeTooLarge},
		{"JOIN", header(Join, 4097), true, CodeTooLarge},
		{"ACK", header(Ack, 33), true, CodeTooLarge},
		{"PING", header(Ping, 9), true, CodeTooLarge},
		{"CLOSE", header(Close, 257), true, CodeTooLarge},
		{"PAIR", header(Pair, 1025), false, CodeTooLarge},
		{"CHUNK", header(Chunk, 256<<10), true, 0},
		{"RECEIPT", header(Receipt, 513), true, CodeTooLarge},
		{"EPHEMERAL", header(Ephemeral, 1025), true, CodeTooLarge},
		{"skipped", header(0xff, 64<<10+1), true, CodeTooLarge},
		{"reserved", []byte{1, 0, 0, 1, 0, 0, 0, 0}, true, CodeMalformed},
	} {
		c := NewCodec()
		if c.Broken() != CodeMalformed {
			t.Error("a codec that has refused nothing")
		}
		if tt.open {
			c.Open()
		}
		_, n, err := c.Decode(tt.src, nil)
		if n != 0 || (err != nil) != (tt.code != 0) || err != nil && c.Broken() != tt.code {
			t.Errorf("%s: %d, %v, code %d, want %d", tt.name, n, err, c.Broken(), tt.code)
		}
		for k := range HeaderSize {
			if _, n, err := c.Decode(tt.src[:k], nil); n != 0 || err != nil {
				t.Errorf("%s: %d bytes of the header: %d, %v", tt.name, k, n, err)
			}
		}
	}
	c := NewCodec()
	c.Open()
	var all []byte
	for _, frame := range samples() {
		all, _ = c.Append(all, codec.Frame{Body: frame})
	}
	count := 0
	for len(all) > 0 {
		if have, want := c.Progress(all[:HeaderSize]); have != HeaderSize || want < HeaderSize {
			t.Fatalf("%d of %d", have, want)
		}
		f, n, err := c.Decode(all, nil)
		if err != nil || n == 0 || !bytes.Equal(f.Body, all[:n]) || !bytes.Equal(f.Wire, f.Body) {
			t.Fatal(n, err)
		}
		all = all[n:]
		count++
	}
	if have, want := c.Progress([]byte{1}); count != len(samples()) || have != 1 || want != 0 || c.Limit() < BodyLimit || c.String() != "tincan" {
		t.Error(count, have, want)
	}
}

// TestDocument reads the frames that docs/PROTOCOL.md shows.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.Lines(string(text)) {
		digits := strings.ReplaceAll(strings.TrimSpace(line), " ", "")
		frame, err := hex.DecodeString(digits)
		if !strings.HasPrefix(line, "    ") || err != nil {
			continue
		}
		found++
		again, err := parsed(frame)
		if err != nil || !bytes.Equal(again, frame) {
			t.Errorf("%x is read and written as %x, %v", frame, again, err)
		}
		if n := len(frame) - HeaderSize; int(frame[7])|int(frame[6])<<8 != n {
			t.Errorf("%x says that its body has another length than %d", frame, n)
		}
	}
	if found < 11 {
		t.Errorf("%d frames in the document", found)
	}
}

func FuzzFrame(f *testing.F) {
	for _, frame := range samples() {
		f.Add(frame)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		c := NewCodec()
		c.Open()
		frame, n, err := c.Decode(src, nil)
		if n == 0 || err != nil {
			return
		}
		if n != len(frame.Body) || n > HeaderSize+messageLimit {
			t.Fatalf("%d bytes make a frame of %d", n, len(frame.Body))
		}
		if again, err := parsed(frame.Body); err == nil && frame.Body[0] < 0x82 && frame.Body[0] != 0x0a && frame.Body[0] != 0x0b && !bytes.Equal(again, frame.Body) {
			t.Errorf("%x is read and written as %x", frame.Body, again)
		}
	})
}

func FuzzHello(f *testing.F) {
	f.Add(uint8(0), samples()["HELLO of a guest"][HeaderSize:])
	f.Add(uint8(0), samples()["HELLO of a host"][HeaderSize:])
	f.Fuzz(func(t *testing.T, flags uint8, body []byte) {
		if b, err := ParseHello(flags, body); err == nil && !bytes.Equal(b.Append(nil)[HeaderSize:], body) {
			t.Errorf("%x is read as %+v", body, b)
		}
	})
}

func FuzzBody(f *testing.F) {
	for _, frame := range samples() {
		f.Add(frame[0], frame[1], frame[HeaderSize:])
	}
	f.Fuzz(func(t *testing.T, typ, flags uint8, body []byte) {
		if len(body) > messageLimit {
			return
		}
		frame := finish(append(begin(nil, Type(typ), flags), body...), 0)
		if again, err := parsed(frame); err == nil && (typ >= 1 && typ <= 9 || typ == 0x80 || typ == 0x81) && !bytes.Equal(again, frame) {
			t.Errorf("%x is read and written as %x", frame, again)
		}
	})
}

func BenchmarkMessage(b *testing.B) {
	m := MessageBody{Stream: 1, Offset: 2, Time: 3, Sender: strings.Repeat("s", 55), ID: strings.Repeat("i", 26), Body: make([]byte, 128)}
	buf := m.Append(nil)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		buf = m.Append(buf[:0])
		if _, err := ParseMessage(0, buf[HeaderSize:]); err != nil {
			b.Fatal(err)
		}
	}
}
