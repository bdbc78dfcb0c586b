package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// What a peer says is shown as text whatever it holds: nothing in it runs, is fetched, hides or turns around
// what stands beside it, or stops the page.
func TestPageHostileText(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		n, b, p := connected(t, lang, "dotnet")
		var links strings.Builder
		for i := range 1000 {
			fmt.Fprintf(&links, "http://127.0.0.1:9/%d <a href=\"javascript:window.pwned=1\">x</a> ", i)
		}
		for i, s := range []string{
			"<script>window.pwned=1</script>",
			"<img src=x onerror=window.pwned=1><svg onload=window.pwned=1>",
			"</textarea></script><iframe srcdoc='<script>parent.pwned=1</script>'>",
			"{{constructor.constructor('window.pwned=1')()}} ${window.pwned=1}",
			"invoice\u202egnp.exe \u2066\u2067\u200f\u061c",
			"\x00\x01\x1b[2J\x1b]0;x\x07\x7f\u009b31m",
			"e" + strings.Repeat("\u0301", 2000),
			"\u2028\u2029\ufeff\ufff9\U000e0041",
			strings.Repeat("A", 1<<20-10),
			links.String(),
			strings.Repeat("\n", 50_000),
			"{\"__proto__\":{\"pwned\":1}}",
		} {
			p.says(frame(s))
			mark := fmt.Sprintf("mark %d", i)
			p.says(frame(mark))
			b.logs(mark)
		}
		if eval[bool](b, "'pwned' in window") {
			t.Error("a message was executed")
		}
		for _, tag := range []string{"script", "img", "svg[onload]", "iframe", "a[href]"} {
			if n := must[int](b.log(), "function(tag) { return this.querySelectorAll(tag).length }", tag); n > 0 {
				t.Errorf("%d elements %s among the messages", n, tag)
			}
		}
		for _, url := range eval[[]string](b, "performance.getEntriesByType('resource').map(e => e.name)") {
			if !strings.HasPrefix(url, n.base+"/") {
				t.Errorf("the page fetched %s", url)
			}
		}
		b.wheelTo("invoice")
		if row := b.message("invoice"); strings.ContainsAny(row, "\u202e\u2066\u2067\u200f\u061c") {
			t.Errorf("the row %q still turns text around", row)
		}
		b.sends("still alive")
		p.hears(frame("still alive"))
		b.receipt("still alive", "reached")
		if stalls := eval[[]int](b, "witness.stalls"); len(stalls) > 0 {
			t.Logf("tasks of more than 50 ms: %v", stalls)
		}
	})
}
