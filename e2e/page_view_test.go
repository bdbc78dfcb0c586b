package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// clipboard is held by a test that copies: the browser has only one.
var clipboard sync.Mutex

func TestPageHex(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		_, b, p := connected(t, lang, "dotnet")
		b.group("Write").click("radio", lang.in("Hex"))
		for _, c := range []struct{ typed, said string }{
			{"abc", map[tongue]string{english: "position 3", chinese: "第 3 个字符"}[lang]},
			{"48 zz", map[tongue]string{english: "position 4", chinese: "第 4 个字符"}[lang]},
		} {
			b.fill("textbox", lang.in("Message"), c.typed)
			b.shows(c.said)
			b.keys(kb.Enter)
			b.boxHolds(c.typed) // it is not sent
		}
		b.fill("textbox", lang.in("Message"), "48 65,0x6C\n6c-6F e4BDA0 ff")
		b.shows(map[tongue]string{english: "9 bytes", chinese: "9 字节"}[lang])
		b.keys(kb.Enter)
		p.hears(frame("Hello你\xff"))
		b.boxHolds("")
		b.group("Show").click("radio", lang.in("Hex"))
		b.until(func() error { return holds(strings.ToLower(b.log().inner()), []string{"48 65 6c 6c 6f e4 bd a0"}) })
		b.group("Show").click("radio", lang.in("Text"))
		b.group("Write").click("radio", lang.in("Text"))
		p.says(frame("texts again"))
		b.logs("texts again")
		b.sends("48 65")
		p.hears(frame("48 65"))
	})
}

// Copy takes the messages to the clipboard, or what is selected; Save writes a file of all of them.
func TestPageCopySaveClear(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		clipboard.Lock()
		defer clipboard.Unlock()
		n, b, p := connected(t, lang, "dotnet")
		dir := t.TempDir()
		b.saveTo(dir)
		b.allow("clipboard-read", "clipboard-write")
		const count = 300 // more than a page of history
		for i := range count {
			p.says(frame(fmt.Sprintf("消息 %d\nsecond line", i)))
		}
		p.says(frame("\xff\xfe"))
		b.logs(fmt.Sprintf("消息 %d", count-1))
		b.sends("answer")
		b.receipt("answer", "reached")

		b.click("button", lang.in("Copy"))
		b.until(func() error {
			return holds(eval[string](b, "navigator.clipboard.readText()"), []string{"消息 0\n", "消息 299\n", "second line", "answer"})
		})

		b.click("button", lang.in("Save as text"))
		text := saved(t, dir, ".txt")
		for _, want := range []string{"消息 0", "消息 150", "消息 299", "answer"} {
			if !strings.Contains(text, want) {
				t.Errorf("the text file lacks %q:\n%s", want, tail(text))
			}
		}
		b.click("button", lang.in("Save as JSON"))
		messages := parseSaved(t, saved(t, dir, ".json*"))
		if len(messages) != count+2 {
			t.Errorf("%d messages are saved as JSON, want %d", len(messages), count+2)
		}
		if m := messages[7]; m["text"] != "消息 7\nsecond line" || m["offset"] != 8.0 {
			t.Errorf("the 8th message as JSON is %v", m)
		}
		if m := messages[count]; m["base64"] != "//4=" {
			t.Errorf("bytes that are no text are saved as %v, want base64", m)
		}

		b.click("button", lang.in("Clear view"))
		b.until(func() error {
			if s := b.log().inner(); strings.Contains(s, "消息 299") {
				return fmt.Errorf("still shown:\n%s", tail(s))
			}
			return nil
		})
		p.says(frame("after clearing"))
		b.logs("after clearing")
		if got := call[struct{ Messages []any }](n, "history", "room", "tcp:"+p.addr(), "limit", 1000); len(got.Messages) != count+3 {
			t.Errorf("the journal has %d messages after the view was cleared, want %d", len(got.Messages), count+3)
		}
		b.click("button", begins(map[tongue]string{english: "Show them", chinese: "重新显示"}[lang]))
		b.logs("消息 299")
	})
}

// saved waits for a whole download with that kind of name and returns what is in it.
func saved(t *testing.T, dir, ext string) string {
	t.Helper()
	var text []byte
	eventually(t, patience, func() error {
		files, err := filepath.Glob(filepath.Join(dir, "*"+ext))
		if err != nil || len(files) != 1 {
			return fmt.Errorf("downloads: %q (%v)", files, err)
		}
		text, err = os.ReadFile(files[0])
		if err == nil && len(text) == 0 {
			err = fmt.Errorf("%s is empty", files[0])
		}
		return err
	})
	return string(text)
}

// parseSaved reads messages as JSON: a list, an object that holds one, or one object a line.
func parseSaved(t *testing.T, text string) (messages []map[string]any) {
	t.Helper()
	if json.Unmarshal([]byte(text), &messages) == nil {
		return messages
	}
	var in struct{ Messages []map[string]any }
	if json.Unmarshal([]byte(text), &in) == nil && in.Messages != nil {
		return in.Messages
	}
	for line := range strings.Lines(text) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("saved as JSON: %v in %s", err, quote(line))
		}
		messages = append(messages, m)
	}
	return messages
}

// The codec of a link and the encoding of a room are changed by hand, and what was received is read again.
func TestPageCodecAndEncoding(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		n, b, p := connected(t, lang, "raw")
		p.says(frame("one") + frame("two"))
		b.logs("one")
		b.choose(lang.in("Codec of this link"), "dotnet")
		b.until(func() error {
			if l := n.status().Links[0]; l.Codec != "dotnet" {
				return fmt.Errorf("the codec is %s", l.Codec)
			}
			return nil
		})
		p.says(frame("three"))
		b.logs("one", "two", "three")
		b.choose(lang.in("Text encoding"), "GBK")
		p.says(frame("\xb4\xab\xc9\xf9\xcd\xb2")) // 传声筒
		b.logs("传声筒")
		b.sends("你好")
		p.hears(frame("\xc4\xe3\xba\xc3"))
	})
}

func TestPageLanguageSwitch(t *testing.T) {
	t.Parallel()
	n := startNode(t, "")
	b := n.open(t, english)
	b.find("tab", "Listen")
	b.click("button", "中文")
	b.find("tab", "监听")
	b.find("button", "开始监听")
	b.shows("就绪")
	if got := eval[string](b, "document.documentElement.lang"); !strings.HasPrefix(got, "zh") {
		t.Errorf("the page's language is marked %q", got)
	}
	b.do(chromedp.Reload())
	b.find("tab", "监听") // it stays
	b.click("button", "English")
	b.find("tab", "Listen")
}

// Light and dark: as the system has it, or by hand, and that is kept.
func TestPageTheme(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		n := startNode(t, "")
		b := n.open(t, lang)
		dark := func() bool {
			return eval[bool](b, `(() => {
				const c = getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g).map(Number)
				return c[0] + c[1] + c[2] < 3 * (c.length < 3 || c[0] > 1 ? 96 : 0.4)
			})()`)
		}
		want := func(what string, isDark bool) {
			t.Helper()
			b.until(func() error {
				if dark() != isDark {
					return fmt.Errorf("%s: dark is %v, want %v", what, !isDark, isDark)
				}
				return nil
			})
		}
		b.prefer("prefers-color-scheme", "light")
		want("the system is light", false)
		b.prefer("prefers-color-scheme", "dark")
		want("the system is dark", true)
		theme := map[tongue]string{english: "light", chinese: "浅色"}[lang]
		b.until(func() error { // until it says that it is light
			x, err := b.one("button", begins(lang.in("Theme")))
			if err != nil {
				return err
			}
			if said := must[string](x, "function() { return this.title }"); !strings.Contains(said, theme) {
				b.click("button", begins(lang.in("Theme")))
				return fmt.Errorf("the theme is called %q", said)
			}
			return nil
		})
		want("light by hand in a dark system", false)
		b.do(chromedp.Reload())
		b.find("tab", lang.in("Listen"))
		want("light by hand, after a reload", false)
	})
}
