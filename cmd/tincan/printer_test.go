package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"tincan"
)

// writes keeps what each call of Write was given.
type writes [][]byte

func (w *writes) Write(b []byte) (int, error) {
	*w = append(*w, bytes.Clone(b))
	return len(b), nil
}

// Standard output has two writers, the events and the errors about standard input: each writes whole lines only.
func TestPrinterWritesWholeLines(t *testing.T) {
	var w writes
	c := &cli{out: &w, json: true}
	p := newPrinter(c)
	sizes := []int{10, 60_000, 10_000, 65_000, 70_000, 1, 3 << 20, 65_536, 65_535, 64_000, 2_000}
	for _, n := range sizes {
		m := tincan.Message{Room: "r", From: "tcp:a", Body: bytes.Repeat([]byte("x"), n)}
		if err := p.object(m); err != nil {
			t.Fatal(err)
		}
		if err := p.line(&m); err != nil {
			t.Fatal(err)
		}
	}
	p.flush()
	var all bytes.Buffer
	for i, b := range w {
		if !bytes.HasSuffix(b, []byte("\n")) {
			t.Errorf("write %d of %d bytes does not end a line", i, len(b))
		}
		all.Write(b)
	}
	if got, want := bytes.Count(all.Bytes(), []byte("\n")), 2*len(sizes); got != want {
		t.Errorf("%d lines, want %d", got, want)
	}
}

// Objects on a terminal hold nothing that steers it, and say the same.
func TestTame(t *testing.T) {
	for _, text := range []string{"plain", "\x1b[2J", "\u009b31m", "\x7f", "a\u202eb", "\u2066\u200b\ufeff", "\U000E0001", "caf\u00e9 你好 👩‍👩‍👧", "\u2028"} {
		m := tincan.Message{Room: text, Body: []byte(text)}
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		out := tame(b)
		if i := bytes.IndexFunc(out, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != '\u200d' }); i >= 0 {
			t.Errorf("%q: %q", text, out[i:])
		}
		var back tincan.Message
		if err := json.Unmarshal(out, &back); err != nil || string(back.Body) != text || back.Room != text {
			t.Errorf("%q came back as %q, %v", text, back.Body, err)
		}
	}
}

// A table's columns are as wide as the terminal draws them.
func TestTable(t *testing.T) {
	var b strings.Builder
	table(&b, [][]string{{"房间", "消息", "状态"}, {"lobby", "12", ""}, {"大厅", "3", "-"}})
	want := "房间   消息  状态\nlobby  12\n大厅   3     -\n"
	if got := b.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
