package e2e

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"
)

// wire is what stands between the page and its node: it can be cut.
type wire struct {
	server *httptest.Server
	broken atomic.Bool
}

func startWire(t testing.TB, n *node) *wire {
	t.Helper()
	to, err := url.Parse(n.base)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{FlushInterval: -1, ErrorLog: log.New(io.Discard, "", 0), Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = to.Host
		if r.In.Header.Get("Origin") != "" {
			r.Out.Header.Set("Origin", n.base)
		}
	}}
	w := &wire{}
	w.server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if w.broken.Load() {
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(out, r)
	}))
	w.server.Config.ErrorLog = proxy.ErrorLog
	t.Cleanup(func() { w.cut(); w.server.Close() })
	return w
}

// cut ends every connection and lets none through until mend.
func (w *wire) cut() {
	w.broken.Store(true)
	w.server.CloseClientConnections()
}

func (w *wire) mend() { w.broken.Store(false) }

var lost = map[tongue]string{english: "The connection to tincan is lost", chinese: "与 tincan 的连接已断开"}

// What was said while the page's stream was lost is there when it is back, once.
func TestPageStreamLost(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		n := startNode(t, "")
		w := startWire(t, n)
		b := newTab(t, lang)
		b.visit(w.server.URL + "/#t=" + n.token)
		p := dialNode(t, n.listen("lines"))
		b.talkTo(p.addr())
		p.says("before 0\n")
		b.logs("before 0")
		w.cut()
		b.shows(lost[lang])
		for i := range 150 { // more than a page of history
			p.says(fmt.Sprintf("meanwhile %d;\n", i))
		}
		b.click("textbox", lang.in("Message"))
		b.types("kept in the box")
		b.keys("\r")
		b.boxHolds("kept in the box") // it could not be queued: the text stays
		w.mend()
		b.logs("meanwhile 149;")
		b.until(func() error {
			if strings.Contains(b.text(), lost[lang]) {
				return fmt.Errorf("the page still says %q", lost[lang])
			}
			return nil
		})
		p.says("after 0\n")
		b.logs("after 0")
		once(t, b.log().inner(), "meanwhile 149;", "meanwhile 148;", "after 0")
		b.click("textbox", lang.in("Message"))
		b.keys("\r")
		p.hears("kept in the box\n")
	})
}

// once checks that a text holds each of these exactly once.
func once(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if n := strings.Count(text, w); n != 1 {
			t.Errorf("%q is there %d times, want once:\n%s", w, n, tail(text))
		}
	}
}

// A node that was killed and started again has another key: the page says so, and the new address works.
func TestPageNodeKilled(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		at := "127.0.0.1:" + freePort(t)
		n := startNode(t, "", "--page", at)
		port := n.listen("lines")
		b := n.open(t, lang)
		p := dialNode(t, port)
		p.says("kept\n")
		b.talkTo(p.addr())
		b.logs("kept")
		n.kill()
		b.shows(lost[lang])
		again := startNode(t, n.dir, "--page", at)
		if again.token == n.token {
			t.Fatal("the token is the same as before")
		}
		b.shows(map[tongue]string{english: "This page has no key to tincan", chinese: "此页面没有 tincan 的密钥"}[lang])
		b.do(chromedp.Navigate("about:blank"))
		b.visit(again.page)
		if got := call[struct{ Messages []any }](again, "history", "room", "tcp:"+p.addr()); len(got.Messages) != 1 {
			t.Errorf("%d messages in the journal, want 1", len(got.Messages))
		}
		q := dialNode(t, again.listen("lines"))
		q.says("new node, same page\n")
		b.talkTo(q.addr())
		b.logs("new node, same page")
	})
}

// The token is not left in the address, survives a reload, is not in another tab; two tabs see the same.
func TestPageToken(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		n, b, p := connected(t, lang, "lines")
		if at := eval[string](b, "location.href"); at != n.base+"/" {
			t.Errorf("the page's address is %s, want %s/", at, n.base)
		}
		if kept := eval[string](b, "document.cookie + JSON.stringify({...localStorage})"); strings.Contains(kept, n.token) {
			t.Errorf("the token is kept for longer than this tab: %s", kept)
		}
		p.says("before the reload\n")
		b.logs("before the reload")
		b.do(chromedp.Reload())
		b.talkTo(p.addr())
		b.logs("before the reload")
		b.until(func() error { // what happened, each once, and nothing that did not
			strip := eval[string](b, `document.querySelector(".strip").innerText`)
			accepted, waiting := lang.in("Connection accepted"), lang.in("Waiting for a connection")
			if strings.Count(strip, accepted) != 1 || strings.Count(strip, waiting) != 1 || strings.Contains(strip, lang.in("Ready")) {
				return fmt.Errorf("after a reload the strip says %q", strip)
			}
			return nil
		})

		second := b.beside()
		second.do(chromedp.Navigate(n.base + "/"))
		second.shows(map[tongue]string{english: "This page has no key to tincan", chinese: "此页面没有 tincan 的密钥"}[lang])
		second.do(chromedp.Navigate("about:blank"))
		second.visit(n.page)
		second.talkTo(p.addr())
		second.logs("before the reload")
		second.sends("from the second tab")
		p.hears("from the second tab\n")
		b.logs("from the second tab")
		second.receipt("from the second tab", "reached")
		b.receipt("from the second tab", "reached")
		once(t, second.log().inner(), "from the second tab")
		once(t, b.log().inner(), "from the second tab")
	})
}
