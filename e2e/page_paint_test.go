package e2e

import (
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
)

// BenchmarkFirstPaint tells how long the page takes, from the start of navigation to its first pixels and to its
// first content, as the browser measures it.
func BenchmarkFirstPaint(b *testing.B) {
	n := startNode(b, "")
	tab := newTab(b, english)
	var first, content []float64
	for b.Loop() {
		tab.do(chromedp.Navigate("about:blank"))
		tab.do(chromedp.Navigate(n.page))
		paint := eval[map[string]float64](tab, `new Promise(done => {
			const look = () => {
				const p = Object.fromEntries(performance.getEntriesByType("paint").map(e => [e.name, e.startTime]))
				p["first-contentful-paint"] ? done(p) : setTimeout(look, 5)
			}
			look()
		})`)
		first = append(first, paint["first-paint"])
		content = append(content, paint["first-contentful-paint"])
	}
	slices.Sort(first)
	slices.Sort(content)
	b.ReportMetric(first[len(first)/2], "first-paint-ms")
	b.ReportMetric(content[len(content)/2], "content-p50-ms")
	b.ReportMetric(content[len(content)-1], "content-max-ms")
}
