package tincan_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tincan"
)

// caller is a bare connection to a listener, and the link at the other side.
type caller struct {
	*net.TCPConn
	t    *testing.T
	n    *tincan.Node
	w    *watcher
	link int64
	room string
}

func call(t *testing.T, n *tincan.Node, w *watcher, addr string) *caller {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	e := w.until("connection", func(e tincan.Event) bool {
		return e.Kind == tincan.EventConnected && e.Remote == c.LocalAddr().String()
	})
	return &caller{c.(*net.TCPConn), t, n, w, e.Link, e.Room}
}

// called is call on a node and listener of its own.
func called(t *testing.T, codec string) *caller {
	t.Helper()
	n := open(t, t.TempDir())
	w := watch(t, n)
	return call(t, n, w, listen(t, n, codec+"127.0.0.1:0").Addr)
}

func (c *caller) say(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatal(err)
	}
}

func (c *caller) status() (s tincan.LinkStatus) {
	c.t.Helper()
	all, err := c.n.Status(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	for _, s := range all.Links {
		if s.ID == c.link {
			return s
		}
	}
	c.t.Fatalf("no link %d", c.link)
	return s
}

// arrived waits until the link has read n bytes.
func (c *caller) arrived(n int) {
	c.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); c.status().BytesIn < int64(n); {
		if time.Now().After(deadline) {
			c.t.Fatalf("%d of %d bytes arrived", c.status().BytesIn, n)
		}
	}
}

func (c *caller) codec(spec string) error { return c.n.SetCodec(c.t.Context(), c.link, spec) }

func (c *caller) mustCodec(spec string) {
	c.t.Helper()
	if err := c.codec(spec); err != nil {
		c.t.Fatal(err)
	}
}

// heard returns the bodies that stand, and how many were replaced.
func (c *caller) heard() (bodies []string, replaced int) {
	c.t.Helper()
	for after := int64(0); ; {
		ms, err := c.n.History(c.t.Context(), c.room, after, 1000)
		if err != nil {
			c.t.Fatal(err)
		}
		if len(ms) == 0 {
			return bodies, replaced
		}
		for _, m := range ms {
			after = m.Offset
			switch {
			case m.From == "me":
			case m.Replaced:
				replaced++
			default:
				bodies = append(bodies, string(m.Body))
			}
		}
	}
}

func (c *caller) hears(want ...string) {
	c.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		got, _ := c.heard()
		if slices.Equal(got, want) {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("heard %.400q, want %.400q", got, want)
		}
	}
}

// TestAutoSplitAnywhere cuts the first bytes at each place; the second piece comes when the first has been read.
func TestAutoSplitAnywhere(t *testing.T) {
	tests := []struct {
		name, say, codec string
		bodies           []string
	}{
		{"a line", "hello\r\n", "lines", []string{"hello"}},
		{"Chinese", "你好\n", "lines", []string{"你好"}},
		{"GBK", "\xc4\xe3\xba\xc3\n", "lines", []string{"\xc4\xe3\xba\xc3"}},
		{".NET", "\x05hello\x00\x03you", "dotnet", []string{"hello", "", "you"}},
		{".NET, Chinese", "\x06你好\x04😀", "dotnet", []string{"你好", "😀"}},
		{".NET, an empty string first", "\x00\x05hello", "dotnet", []string{"", "hello"}},
		{".NET, a length that is a line end", "\n0123456789\x02ok", "dotnet", []string{"0123456789", "ok"}},
		{".NET, a length that is a letter", "!" + strings.Repeat("x", 33) + "\x02ok", "dotnet", []string{strings.Repeat("x", 33), "ok"}},
		{".NET, long", "\x80\x02" + strings.Repeat("你", 85) + "x", "dotnet", []string{strings.Repeat("你", 85) + "x"}},
		{"HTTP", "GET / HTTP/1.1\r\nHost: localhost:7000\r\n\r\n", "lines", []string{"GET / HTTP/1.1", "Host: localhost:7000", ""}},
	}
	n := open(t, t.TempDir())
	w := watch(t, n)
	l := listen(t, n, "127.0.0.1:0")
	for _, tt := range tests {
		step := max(1, len(tt.say)/40)
		for i := 1; i < len(tt.say); i += step {
			c := call(t, n, w, l.Addr)
			c.say(tt.say[:i])
			c.arrived(i)
			c.say(tt.say[i:])
			c.hears(tt.bodies...)
			if s := c.status(); s.Codec != tt.codec || s.Choice != "detected" {
				t.Errorf("%s, cut at %d: %s %s, want %s detected", tt.name, i, s.Codec, s.Choice, tt.codec)
			}
			c.Close()
		}
	}
}

func TestAutoByteByByte(t *testing.T) {
	for _, tt := range []struct {
		say, codec string
		bodies     []string
	}{
		{"$GPGGA,123519,4807.038,N,01131.000,E,1,08\r\n", "lines", []string{"$GPGGA,123519,4807.038,N,01131.000,E,1,08"}},
		{"\x0bhello world\x02ok", "dotnet", []string{"hello world", "ok"}},
		{"\xaa\x55\x01", "raw", nil},
	} {
		c := called(t, "")
		for i := range len(tt.say) {
			c.say(tt.say[i : i+1])
			c.arrived(i + 1)
		}
		if tt.bodies != nil {
			c.hears(tt.bodies...)
		} else {
			for got := ""; got != tt.say; {
				bodies, _ := c.heard()
				got = strings.Join(bodies, "")
			}
		}
		if s := c.status(); s.Codec != tt.codec || s.Choice != "detected" {
			t.Errorf("%q: %s %s, want %s", tt.say, s.Codec, s.Choice, tt.codec)
		}
	}
}

// TestAutoShowsTextWithoutEnd: many programs send no line end. What they say is shown all the same.
func TestAutoShowsTextWithoutEnd(t *testing.T) {
	c := called(t, "")
	c.say("temperature=21.5")
	c.w.message("temperature=21.5")
	if s := c.status(); s.Codec != "raw" {
		t.Errorf("codec %s, want raw", s.Codec)
	}
}

// TestAutoAtTheEnd: what came before the peer's FIN decides, and all of it is messages.
func TestAutoAtTheEnd(t *testing.T) {
	for _, tt := range []struct {
		say, codec string
		bodies     []string
		partial    bool
	}{
		{"\x00\x00", "dotnet", []string{"", ""}, false},
		{"hi", "lines", []string{"hi"}, true},
		{"one\ntwo\nthr", "lines", []string{"one", "two", "thr"}, true},
		{"!" + strings.Repeat("x", 33), "dotnet", []string{strings.Repeat("x", 33)}, false},
		{"\x05", "raw", []string{"\x05"}, false},
		{"\nhello", "lines", []string{"", "hello"}, true},
		{"\x0bhello", "dotnet", []string{"\x0bhello"}, true},
		{"temperature", "raw", []string{"temperature"}, false},
	} {
		c := called(t, "")
		c.say(tt.say)
		c.CloseWrite()
		e := c.w.kind(tincan.EventCodec)
		if e.Codec != tt.codec || e.Choice != "detected" {
			t.Errorf("%q: codec %s %s, want %s", tt.say, e.Codec, e.Choice, tt.codec)
		}
		c.w.kind(tincan.EventDisconnected)
		c.hears(tt.bodies...)
		ms, err := c.n.History(t.Context(), c.room, 0, 10)
		if err != nil || ms[len(ms)-1].Partial != tt.partial {
			t.Errorf("%q: partial %v, want %v (%v)", tt.say, ms[len(ms)-1].Partial, tt.partial, err)
		}
	}
}

func TestAutoTellsWhatItAssumes(t *testing.T) {
	c := called(t, "")
	send(t, c.n, c.room, "who is there?")
	if e := c.w.kind(tincan.EventCodec); e.Codec != "lines" || e.Choice != "assumed" {
		t.Errorf("codec %s %s, want lines assumed", e.Codec, e.Choice)
	}
	c.say("\x02me")
	if e := c.w.kind(tincan.EventCodec); e.Codec != "dotnet" || e.Choice != "detected" {
		t.Errorf("codec %s %s, want dotnet detected", e.Codec, e.Choice)
	}
	c.hears("me")
}

func TestCodecByHandBackAndForth(t *testing.T) {
	c := called(t, "raw://")
	stream := "\x03one\x05two\r\n\x00\x07three\n\x80\x09half"
	c.say(stream)
	c.arrived(len(stream))
	steps := []struct {
		codec  string
		bodies []string
		held   int
	}{
		{"dotnet", []string{"one", "two\r\n", "", "three\n\x80"}, 5}, // a tab counts 9 bytes
		{"lines", []string{"\x03one\x05two", "\x00\x07three"}, 6},
		{"raw", []string{stream}, 0},
		{"len8", []string{"one", "two\r\n", "", "three\n\x80"}, 5},
		{"lines?eol=crlf", []string{"\x03one\x05two", "\x00\x07three"}, 6},
		{"len32", nil, len(stream)},
		{"raw", []string{stream}, 0},
		{"fixed?n=4", []string{stream[:4], stream[4:8], stream[8:12], stream[12:16], stream[16:20], stream[20:]}, 0},
		{"dotnet", []string{"one", "two\r\n", "", "three\n\x80"}, 5},
		{"dotnet", []string{"one", "two\r\n", "", "three\n\x80"}, 5},
	}
	for _, s := range steps {
		if s.codec == "len32" { // announces 50 MB: refused
			before, _ := c.heard()
			if err := c.codec(s.codec); err == nil {
				t.Fatal("len32 was accepted")
			}
			c.hears(before...)
			continue
		}
		c.mustCodec(s.codec)
		if got, _ := c.heard(); !slices.Equal(got, s.bodies) {
			t.Errorf("%s: heard %q, want %q", s.codec, got, s.bodies)
		}
		if st := c.status(); st.Codec != s.codec || st.Choice != "by hand" || st.Have != s.held {
			t.Errorf("%s: codec %s %s, %d bytes held, want %d", s.codec, st.Codec, st.Choice, st.Have, s.held)
		}
	}
	before, replaced := c.heard()
	c.mustCodec("dotnet")
	if _, r := c.heard(); r != replaced {
		t.Errorf("the codec that it has already replaced %d messages", r-replaced)
	}
	c.say("12345")
	c.hears(append(before, "half12345")...)
	got, err := c.n.History(t.Context(), c.room, 0, 1000)
	if err != nil || !got[0].Replaced || got[0].Codec != "raw" {
		t.Errorf("the first message is not marked replaced: %+v %v", got[0], err)
	}
}

// TestCodecByHandNothingWhole: the bytes are no message in the new codec yet, and nothing is there twice.
func TestCodecByHandNothingWhole(t *testing.T) {
	c := called(t, "raw://")
	c.say("\x00\x00\x00\x0ahello")
	c.hears("\x00\x00\x00\x0ahello")
	c.mustCodec("len32")
	if got, replaced := c.heard(); len(got) != 0 || replaced != 1 {
		t.Errorf("heard %q, %d replaced, want nothing and 1", got, replaced)
	}
	if s := c.status(); s.Have != 9 || s.Want != 14 {
		t.Errorf("%d of %d bytes, want 9 of 14", s.Have, s.Want)
	}
	c.say("world\x00\x00\x00\x01!")
	c.hears("helloworld", "!")
}

// TestCodecByHandRefused: a codec that refuses any of the bytes changes nothing.
func TestCodecByHandRefused(t *testing.T) {
	for _, say := range []string{"hello\nhalf", "{}\n[1]\nhello\nhalf", "[1,2,3]\n}\nhalf"} {
		c := called(t, "lines://")
		c.say(say)
		want := strings.Split(say, "\n")
		want = want[:len(want)-1]
		c.hears(want...)
		err := c.codec("json")
		text, hint, code := tincan.Explain(err)
		var e *tincan.Error
		if !errors.As(err, &e) || code != tincan.CodeUsage || !strings.Contains(text, "not json") || hint == "" {
			t.Errorf("%q: %v, hint %q, code %s", say, err, hint, code)
		}
		if got, replaced := c.heard(); !slices.Equal(got, want) || replaced != 0 {
			t.Errorf("%q: heard %q, %d replaced", say, got, replaced)
		}
		if s := c.status(); s.Codec != "lines" || s.Choice != "address" || s.Have != 4 {
			t.Errorf("%q: codec %s %s, %d bytes held", say, s.Codec, s.Choice, s.Have)
		}
		c.say(" is whole\n")
		c.hears(append(want, "half is whole")...)
	}
}

// TestCodecByHandAtSpeed changes the codec again and again while messages arrive.
func TestCodecByHandAtSpeed(t *testing.T) {
	c := called(t, "dotnet://")
	const n = 3000
	var want []string
	var stream bytes.Buffer
	for i := range n {
		s := fmt.Sprintf("message %d\n", i)
		want = append(want, s)
		stream.WriteByte(byte(len(s)))
		stream.WriteString(s)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for rest := stream.Bytes(); len(rest) > 0; {
			k := min(len(rest), 997) // frames are cut
			if _, err := c.Write(rest[:k]); err != nil {
				t.Error(err)
				return
			}
			rest = rest[k:]
		}
	})
	changes := 0
	for _, codec := range []string{"raw", "lines", "len8", "cobs", "idle?ms=1", "dotnet", "raw", "dotnet", "lines", "dotnet"} {
		switch err := c.codec(codec); {
		case err == nil:
			changes++
		case codec == "dotnet" || codec == "raw" || codec == "lines":
			t.Fatalf("%s: %v", codec, err)
		}
	}
	wg.Wait()
	c.arrived(stream.Len())
	c.mustCodec("raw")
	if got, _ := c.heard(); strings.Join(got, "") != stream.String() {
		t.Errorf("raw: %d bytes, want the %d that were sent", len(strings.Join(got, "")), stream.Len())
	}
	c.mustCodec("dotnet")
	got, replaced := c.heard()
	if !slices.Equal(got, want) {
		t.Errorf("heard %d messages, want %d", len(got), len(want))
	}
	t.Logf("%d changes, %d messages replaced", changes, replaced)
}

func TestCodecByHandWhilePaused(t *testing.T) {
	c := called(t, "raw://")
	c.say("one\ntwo")
	c.hears("one\ntwo")
	if err := c.n.Reading(t.Context(), c.link, tincan.Pause); err != nil {
		t.Fatal(err)
	}
	c.mustCodec("lines")
	c.hears("one")
	c.say("\nthree\n")
	if err := c.n.Reading(t.Context(), c.link, tincan.ReadOne); err != nil {
		t.Fatal(err)
	}
	c.hears("one", "two")
	if err := c.n.Reading(t.Context(), c.link, tincan.Resume); err != nil {
		t.Fatal(err)
	}
	c.hears("one", "two", "three")
}

// TestCodecByHandAfterTheEnd: while a link lingers behind the peer's FIN its bytes can be decoded again; when it is
// gone they stay as they are, and the caller is told.
func TestCodecByHandAfterTheEnd(t *testing.T) {
	c := called(t, "lines://")
	c.say("\x03one\x03two\x03th")
	c.CloseWrite()
	c.w.kind(tincan.EventFinished)
	switch err := c.codec("dotnet"); {
	case err == nil:
		c.hears("one", "two", "\x03th")
		if ms, err := c.n.History(t.Context(), c.room, 0, 10); err != nil || !ms[3].Partial {
			t.Errorf("the message that is cut short is not partial: %+v %v", ms, err)
		}
	default: // this machine was so slow that the link was gone
		t.Logf("gone: %v", err)
	}
	c.w.kind(tincan.EventDisconnected)
	before, _ := c.heard()
	err := c.codec("raw")
	if text, hint, code := tincan.Explain(err); err == nil || text == "" || hint == "" || code != tincan.CodeNotFound && code != tincan.CodeUnreachable {
		t.Errorf("%v, hint %q, code %s", err, hint, code)
	}
	c.hears(before...)
}

// TestPausedLinkKeepsWhatItHas: bytes that left the kernel are not dropped because reading is paused.
func TestPausedLinkKeepsWhatItHas(t *testing.T) {
	c := called(t, "lines://")
	if err := c.n.Reading(t.Context(), c.link, tincan.Pause); err != nil {
		t.Fatal(err)
	}
	c.say("one\ntwo\nthree\nhalf")
	if err := c.n.Reading(t.Context(), c.link, tincan.ReadOne); err != nil {
		t.Fatal(err)
	}
	c.w.message("one")
	c.arrived(len("one\ntwo\nthree\nhalf"))
	if err := c.n.Disconnect(t.Context(), c.link); err != nil {
		t.Fatal(err)
	}
	c.w.kind(tincan.EventDisconnected)
	c.hears("one", "two", "three", "half")
}
