package e2e

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// connected opens the page with one peer connected to a listener of that codec, and the conversation chosen.
func connected(t *testing.T, lang tongue, codec string) (n *node, b *tab, p *peer) {
	t.Helper()
	n = startNode(t, "")
	port := n.listen(codec)
	b = n.open(t, lang)
	p = dialNode(t, port)
	b.talkTo(p.addr())
	b.find("button", lang.in("Disconnect"))
	b.strip(lang.in("Connection accepted"))
	return n, b, p
}

// frame is a message as .NET's BinaryWriter writes it.
func frame(text string) string { return string(length7(len(text))) + text }

// message is the row of the log that holds a text.
func (b *tab) message(text string) (row string) {
	b.t.Helper()
	b.until(func() error {
		log, err := b.one("log", b.lang.in("Messages"))
		if err != nil {
			return err
		}
		row, err = on[string](log, `function(text) {
			const rows = [...this.querySelectorAll("[data-offset], li, article, [role=listitem], [role=article]")]
			const found = rows.filter(r => r.innerText.includes(text)).sort((a, b) => a.innerText.length - b.innerText.length)
			return found.length ? found[0].innerText : ""
		}`, text)
		if err == nil && row == "" {
			err = fmt.Errorf("no message holds %q", text)
		}
		return err
	})
	return row
}

// receipt waits until the row of an own message says how far it got.
func (b *tab) receipt(text, state string) {
	b.t.Helper()
	words := map[string][2]string{
		"queued": {"queued", "已存盘"}, "written": {"written", "已交给内核"}, "reached": {"reached", "对方TCP已确认"},
		"uncertain": {"uncertain", "可能未到达"}, "discarded": {"discarded", "已丢弃"}, "stored": {"stored by the host", "主机已存盘"}, "has it": {"has it", "已存盘"},
	}
	want := words[state][0]
	if b.lang == chinese {
		want = words[state][1]
	}
	b.until(func() error { return holds(b.message(text), []string{want}) })
}

// box is what stands in the message box.
func (b *tab) box() string {
	b.t.Helper()
	return must[string](b.find("textbox", b.lang.in("Message")), "function() { return this.value }")
}

// boxHolds waits until the message box holds exactly this.
func (b *tab) boxHolds(want string) {
	b.t.Helper()
	b.until(func() error {
		if got := b.box(); got != want {
			return fmt.Errorf("the message box holds %q, want %q", got, want)
		}
		return nil
	})
}

func TestPageSends(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		_, b, p := connected(t, lang, "dotnet")
		b.sends("hello")
		p.hears(frame("hello"))
		b.strip(lang.in("Sending…"), lang.in("Done"))
		b.boxHolds("")
		b.receipt("hello", "reached")

		b.click("textbox", lang.in("Message")) // with the button
		b.types("你好\nsecond line 😀")
		b.boxHolds("你好\nsecond line 😀")
		b.click("button", lang.in("Send"))
		p.hears(frame("你好\nsecond line 😀"))
		b.boxHolds("")
		b.receipt("second line 😀", "reached")

		b.click("textbox", lang.in("Message"))
		b.keys(kb.ArrowUp)
		b.boxHolds("你好\nsecond line 😀")
		b.keys(kb.ArrowUp + kb.ArrowUp) // the caret is on the second line, then on the first
		b.boxHolds("hello")
		b.keys(" again" + kb.Enter)
		p.hears(frame("hello again"))

		for _, never := range map[tongue][]string{english: {"delivered", "sent "}, chinese: {"已送达", "已发送", "送达"}}[lang] {
			if log := strings.ToLower(b.log().inner()); strings.Contains(log, never) {
				t.Errorf("the messages say %q:\n%s", never, log)
			}
		}
	})
}

// Somebody types faster than the disk stores: no letter and no message is lost.
func TestPageTypesAhead(t *testing.T) {
	t.Parallel()
	_, b, p := connected(t, english, "lines")
	b.click("textbox", "Message")
	var want strings.Builder
	for i := range 20 {
		b.keys(fmt.Sprintf("message %d", i) + kb.Enter)
		fmt.Fprintf(&want, "message %d\n", i)
	}
	p.hears(want.String())
	b.boxHolds("")
}

// A message that an input method is still composing is not sent by the Enter that ends the composing.
func TestPageEnterWhileComposing(t *testing.T) {
	_, b, p := connected(t, chinese, "lines")
	b.click("textbox", chinese.in("Message"))
	b.compose("nihao")
	b.accept()
	b.types("你好")
	b.boxHolds("你好")
	b.keys(kb.Enter)
	p.hears("你好\n")
}

// A message that only the kernel has is not called reached, and nothing is called delivered.
func TestPageWrittenIsNotReached(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		_, b, p := connected(t, lang, "dotnet")
		b.fillsBuffers()
		go io.Copy(io.Discard, p)
		b.sends("last one")
		b.receipt("last one", "reached")
	})
}

// fillsBuffers sends to a peer that does not read until some messages are with the kernel only.
func (b *tab) fillsBuffers() {
	b.t.Helper()
	written := map[tongue]string{english: "written", chinese: "已交给内核"}[b.lang]
	body := strings.Repeat("x", 32<<10)
	for i := range 60 {
		b.sends(fmt.Sprintf("%d %s", i, body))
		b.boxHolds("")
		if strings.Contains(b.log().inner(), written) && i > 15 {
			return
		}
	}
	b.logs(written)
}

// Received messages show by themselves; reading can be paused, and taken one message at a time.
func TestPageReceives(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		n, b, p := connected(t, lang, "lines")
		p.says("by itself\n")
		b.logs("by itself")
		b.click("button", lang.in("Pause reading"))
		b.find("button", lang.in("Resume reading"))
		link := n.status().Links[0]
		if !link.Paused {
			t.Fatalf("the link is not paused: %+v", link)
		}
		for i := range 50 {
			p.says(fmt.Sprintf("line %02d %s\n", i, strings.Repeat("x", 1000)))
		}
		queue := b.figure("Receive queue", "接收队列")
		b.until(func() error {
			if got := queue(); got < 40_000 {
				return fmt.Errorf("the receive queue is shown as %.0f bytes, want some 50,000", got)
			}
			return nil
		})
		b.click("button", lang.in("Read one"))
		b.logs("line 00")
		b.click("button", lang.in("Read one"))
		b.logs("line 01")
		if log := b.log().inner(); strings.Contains(log, "line 02") {
			t.Errorf("two were read, line 02 is shown as well:\n%s", tail(log))
		}
		b.click("button", lang.in("Resume reading"))
		b.logs("line 49")
		b.until(func() error {
			if got := queue(); got != 0 {
				return fmt.Errorf("the receive queue is shown as %.0f bytes, want 0", got)
			}
			return nil
		})
	})
}
