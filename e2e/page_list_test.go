package e2e

import (
	"bufio"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// wheel turns the mouse wheel over the messages; up is negative.
func (b *tab) wheel(pixels float64) {
	b.t.Helper()
	x, y, err := b.log().middle()
	if err != nil {
		b.t.Fatal(err)
	}
	b.do(chromedp.MouseEvent(chromedp.MouseMoved, x, y),
		chromedp.MouseEvent(chromedp.MouseWheel, x, y, func(p *input.DispatchMouseEventParams) {
			p.DeltaX, p.DeltaY = 1e-9, pixels // a zero would be left out, and Chromium wants both
		}))
}

// wheelTo turns the wheel up until the messages on screen hold a text.
func (b *tab) wheelTo(text string) {
	b.t.Helper()
	b.until(func() error {
		if err := holds(b.log().inner(), []string{text}); err != nil {
			b.wheel(-300)
			return err
		}
		return nil
	})
}

// numbered finds the numbers of the messages "#000123." that are on screen, from top to bottom.
func (b *tab) numbered() (seen []int) {
	b.t.Helper()
	visible := must[string](b.log(), `function() {
		const mine = this.getBoundingClientRect()
		const out = []
		const walk = document.createTreeWalker(this, NodeFilter.SHOW_TEXT)
		for (let n; n = walk.nextNode();) {
			if (!/#\d{6}\./.test(n.data)) continue
			const r = n.parentElement.getBoundingClientRect()
			if (r.bottom > mine.top && r.top < mine.bottom) out.push(n.data)
		}
		return out.join(" ")
	}`)
	for _, m := range regexp.MustCompile(`#(\d{6})\.`).FindAllStringSubmatch(visible, -1) {
		n, _ := strconv.Atoi(m[1])
		seen = append(seen, n)
	}
	return seen
}

// around waits until the messages on screen follow one another without a gap and include one from a range.
func (b *tab) around(what string, from, to int) (seen []int) {
	b.t.Helper()
	b.until(func() error {
		seen = b.numbered()
		if len(seen) < 5 {
			return fmt.Errorf("%s: only %v are on screen", what, seen)
		}
		hit := false
		for i, n := range seen {
			if i > 0 && n != seen[i-1]+1 {
				return fmt.Errorf("%s: %d stands below %d", what, n, seen[i-1])
			}
			hit = hit || n >= from && n <= to
		}
		if !hit {
			return fmt.Errorf("%s: %d to %d are on screen, want some of %d to %d", what, seen[0], seen[len(seen)-1], from, to)
		}
		return nil
	})
	return seen
}

// A hundred thousand messages in a room: the page stays small, scrolls everywhere by wheel, keys and scroll
// bar, and follows the end unless somebody reads further up.
func TestPageLongList(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		_, b, p := connected(t, lang, "lines")
		const all = 100_000
		send := func(from, to int) {
			w := bufio.NewWriterSize(p, 1<<16)
			for i := from; i <= to; i++ {
				fmt.Fprintf(w, "#%06d. one of many\n", i)
			}
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		send(1, all)
		b.around("following", all, all)
		small := func(where string) {
			t.Helper()
			if got := eval[int](b, "document.querySelectorAll('*').length"); got > 3000 {
				t.Errorf("%s: the page has %d elements, want a few hundred", where, got)
			}
		}
		small("at the end")

		before := b.numbered()
		b.wheel(-2000)
		b.around("after the wheel", all-150, before[0]-10)
		top := b.numbered()
		send(all+1, all+7)
		b.find("button", begins("7 "))
		if now := b.around("reading further up", top[0], top[0]); now[0] != top[0] {
			t.Errorf("the first message on screen was %d and is %d: the view moved while somebody read", top[0], now[0])
		}
		b.click("button", begins("7 "))
		b.around("back at the end", all+7, all+7)

		b.focus("log", lang.in("Messages"))
		b.keys(kb.Home)
		b.around("Home", 1, 1)
		small("at the beginning")
		b.keys(kb.PageDown)
		b.around("PageDown", 20, 60)
		b.keys(kb.ArrowDown + kb.ArrowDown + kb.ArrowDown)
		b.keys(kb.End)
		b.around("End", all+7, all+7)

		b.dragScrollbar(0.5)
		middle := b.around("the scroll bar in the middle", all*2/5, all*3/5)
		small("in the middle")
		for range 20 {
			b.wheel(-1000)
		}
		b.around("20,000 pixels further up", 1, middle[0]-200)
		small("after much scrolling")
		b.keys(kb.End)
		b.around("End again", all+7, all+7)
		send(all+8, all+9)
		b.around("following again", all+9, all+9)
		t.Logf("tasks of more than 50 ms: %s", summary(eval[[]int](b, "witness.stalls")))
	})
}

// summary tells a list of milliseconds in short.
func summary(ms []int) string {
	longest, sum := 0, 0
	for _, v := range ms {
		longest, sum = max(longest, v), sum+v
	}
	return fmt.Sprintf("%d, the longest %d ms, %d ms together", len(ms), longest, sum)
}

// dragScrollbar drags the messages' scroll bar from the end up, as a hand does that watches the list, until it has
// come to a part of its way.
func (b *tab) dragScrollbar(part float64) {
	b.t.Helper()
	r := must[[]float64](b.log(), `function() {
		const r = this.getBoundingClientRect()
		return [r.right - (this.offsetWidth - this.clientWidth) / 2, r.top, r.bottom, this.offsetWidth - this.clientWidth]
	}`)
	if r[3] < 4 {
		b.t.Fatalf("the messages have no scroll bar to drag: %v", r)
	}
	x, y := r[0], r[2]-22 // above the arrow at the end of the bar
	left := func(p *input.DispatchMouseEventParams) {
		p.Button, p.Buttons, p.ClickCount = input.MouseButtonLeft, 1, 1
	}
	b.do(chromedp.MouseEvent(chromedp.MouseMoved, x, y), chromedp.MouseEvent(chromedp.MousePressed, x, y, left))
	for b.scrolledTo() > part {
		if y -= 8; y < r[1] {
			b.t.Fatalf("at the top end of the scroll bar, the list is at %.2f of its way, want %.2f", b.scrolledTo(), part)
		}
		b.do(chromedp.MouseEvent(chromedp.MouseMoved, x, y, left))
		eval[bool](b, "new Promise(done => requestAnimationFrame(() => setTimeout(() => done(true))))") // the list is drawn
	}
	b.do(chromedp.MouseEvent(chromedp.MouseReleased, x, y, left))
}

// scrolledTo is how far down the messages are scrolled, as a part of all of them.
func (b *tab) scrolledTo() float64 {
	b.t.Helper()
	return must[float64](b.log(), "function() { return this.scrollTop / (this.scrollHeight - this.clientHeight) }")
}

// Long messages are folded, and unfold; a row that grows keeps its place.
func TestPageLongMessage(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		_, b, p := connected(t, lang, "dotnet")
		long := "begin " + strings.Repeat("word and 字 ", 3000) + "very end"
		p.says(frame(long))
		b.logs("begin ")
		if log := b.log().inner(); strings.Contains(log, "very end") {
			t.Error("a message of 40 KB is shown whole at once")
		}
		more := map[tongue]string{english: "Show more", chinese: "显示更多"}[lang]
		b.click("button", begins(more))
		less := map[tongue]string{english: "Show less", chinese: "收起"}[lang]
		b.find("button", begins(less))
		if size := len(b.log().inner()); size < 5000 {
			t.Errorf("unfolded, %d bytes of it are shown", size)
		}
	})
}
