package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// chromium is the one browser of all tests; the first that needs it starts it. Each test has a browser
// context, and so storage, of its own.
var chromium struct {
	once  sync.Once
	ctx   context.Context
	quit  context.CancelFunc
	agent string
	err   error
}

// quitChromium ends the browser, if any test started it, and removes what it wrote.
func quitChromium() {
	if chromium.quit != nil {
		chromium.quit()
	}
}

func startChromium(path string) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "en-US"),
		chromedp.Flag("hide-scrollbars", false))
	alloc, endAlloc := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(alloc)
	chromium.ctx = ctx
	chromium.quit = func() { chromedp.Cancel(ctx); cancel(); endAlloc() }
	chromium.agent, chromium.err = chromedp.Run(ctx, chromedp.Evaluate[string]("navigator.userAgent"))
}

// chromiumPath is where the browser is; a test without one is skipped.
func chromiumPath(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	skip(t, "no Chromium is installed")
	return ""
}

// tab is a page in the browser. What goes wrong in it, an exception, a violation of its security policy, fails
// the test at its end.
type tab struct {
	element // the document: what is found is found in it
	t       testing.TB
	ctx     context.Context
	lang    tongue
	shown   int // entries of the status strip that a test has seen

	mu    sync.Mutex
	wrong []string
}

// witness is run before the page's own script. It keeps what the status strip said, every word of it, however
// short it was there; violations of the security policy; and tasks that made the page stall.
const witness = `(() => {
	const w = window.witness = {strip: [], violations: [], stalls: []}
	addEventListener("securitypolicyviolation", e => w.violations.push(e.violatedDirective + " " + e.blockedURI + " " + e.sourceFile + ":" + e.lineNumber))
	new PerformanceObserver(l => { for (const e of l.getEntries()) w.stalls.push(Math.round(e.duration)) }).observe({type: "longtask", buffered: true})
	new MutationObserver(() => {
		for (const e of document.querySelectorAll("[role=status]")) {
			if (!["Status", "状态"].includes(e.ariaLabel)) continue
			const s = e.innerText.replace(/\s+/g, " ").trim()
			if (s && s !== w.strip.at(-1)) w.strip.push(s)
		}
	}).observe(document, {subtree: true, childList: true, characterData: true})
})()`

// viewport is a size of the window in pixels.
type viewport struct{ width, height int64 }

var wide = viewport{1280, 800}

// newTab opens an empty tab of a fresh browser context that asks for pages in a language.
func newTab(t testing.TB, lang tongue) *tab {
	t.Helper()
	path := chromiumPath(t)
	chromium.once.Do(func() { startChromium(path) })
	if chromium.err != nil {
		t.Fatalf("start Chromium: %v", chromium.err)
	}
	return openTab(t, chromium.ctx, lang, chromedp.WithNewBrowserContext())
}

// beside opens another empty tab in the same browser context.
func (b *tab) beside() *tab {
	b.t.Helper()
	return openTab(b.t, b.ctx, b.lang)
}

func openTab(t testing.TB, parent context.Context, lang tongue, options ...chromedp.ContextOption) *tab {
	t.Helper()
	b := &tab{t: t, lang: lang}
	b.element.tab = b
	ctx, cancel := chromedp.NewContext(parent, append(options, chromedp.WithListener(b.hear))...)
	t.Cleanup(cancel)
	var late context.CancelFunc
	b.ctx, late = context.WithTimeout(ctx, 6*patience) // of the whole test in this tab
	t.Cleanup(late)
	t.Cleanup(b.close)
	languages := map[tongue]string{english: "en-US,en", chinese: "zh-CN,zh"}
	b.do(chromedp.Func(func(ctx context.Context, c *chromedp.Target) error {
		_, err := cdp.Call(ctx, c, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
		_, err2 := cdp.Call(ctx, c, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{
			UserAgent: chromium.agent, AcceptLanguage: languages[lang]})
		_, err3 := cdp.Call(ctx, c, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: witness})
		return errors.Join(err, err2, err3)
	}))
	b.resize(wide)
	return b
}

// hear takes note of what must not happen. Failed requests are no such thing: a node that does not answer,
// or refuses, is a matter of the page's words.
func (b *tab) hear(ev any) {
	var wrong string
	switch ev := ev.(type) {
	case *runtime.EventExceptionThrown:
		wrong = "exception: " + ev.ExceptionDetails.Text
		if x := ev.ExceptionDetails.Exception; x != nil {
			wrong += " " + x.Description
		}
	case *cdplog.EventEntryAdded:
		if ev.Entry.Level == cdplog.EntryLevelError && ev.Entry.Source != cdplog.EntrySourceNetwork {
			wrong = fmt.Sprintf("%s: %s", ev.Entry.Source, ev.Entry.Text)
		}
	case *cdppage.EventJavascriptDialogOpening:
		wrong = "dialog: " + ev.Message
	default:
		return
	}
	if wrong == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wrong = append(b.wrong, wrong)
}

// close checks that nothing went wrong in the page, and keeps a picture of it if the test failed.
func (b *tab) close() {
	violations, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string]("window.witness ? witness.violations : []"))
	if err != nil {
		b.t.Errorf("the page does not answer: %v", err)
	}
	b.mu.Lock()
	wrong := append(b.wrong, violations...)
	b.mu.Unlock()
	for _, w := range wrong {
		b.t.Errorf("in the page: %s", quote(w))
	}
	if b.t.Failed() && err == nil {
		b.t.Logf("the page at the end: %s", b.picture())
		text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body.innerText"))
		strip, _ := chromedp.Run(b.ctx, chromedp.Evaluate[[]string]("window.witness ? witness.strip : []"))
		b.t.Logf("its text:\n%s\nthe strip said:\n%s", tail(text), strings.Join(strip, "\n"))
	}
}

// picture keeps what the page looks like and returns the file's name: in the test's artifacts if they are kept.
func (b *tab) picture() string {
	dir := os.Getenv("TINCAN_SHOTS")
	if f := flag.Lookup("test.artifacts"); f != nil && f.Value.String() == "true" {
		dir = b.t.ArtifactDir()
	}
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "tincan-page-"); err != nil {
			return err.Error()
		}
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return err.Error()
	}
	file := filepath.Join(dir, strings.NewReplacer("/", "-", " ", "_").Replace(b.t.Name())+".png")
	if err := os.WriteFile(file, png, 0o600); err != nil {
		return err.Error()
	}
	return file
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) resize(v viewport) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(v.width, v.height))
}

// prefer sets a media feature, such as prefers-color-scheme.
func (b *tab) prefer(feature, value string) {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, c *chromedp.Target) error {
		_, err := cdp.Call(ctx, c, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: feature, Value: value}}})
		return err
	}))
}

// allow grants permissions, such as clipboard-read, to the pages of this tab's browser context.
func (b *tab) allow(names ...string) {
	b.t.Helper()
	for _, name := range names {
		if _, err := chromedp.CallBrowser(b.ctx, browser.SetPermission, browser.SetPermissionParams{
			Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted,
			BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID}); err != nil {
			b.t.Fatalf("grant %s: %v", name, err)
		}
	}
}

// saveTo lets downloads of this tab's browser context go to a folder.
func (b *tab) saveTo(dir string) {
	b.t.Helper()
	if _, err := chromedp.CallBrowser(b.ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir,
		BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID}); err != nil {
		b.t.Fatal(err)
	}
}

// eval is the value of a JavaScript expression in the page; a promise is waited for.
func eval[T any](b *tab, js string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", quote(js), err)
	}
	return v
}

// until waits until f returns nil.
func (b *tab) until(f func() error) {
	b.t.Helper()
	eventually(b.t, patience, f)
}

// text is all that can be read on the page.
func (b *tab) text() string {
	s, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body.innerText"))
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// shows waits until all of these can be read on the page.
func (b *tab) shows(want ...string) {
	b.t.Helper()
	b.until(func() error { return holds(b.text(), want) })
}

// holds says which of these words a text lacks.
func holds(text string, want []string) error {
	for _, w := range want {
		if !strings.Contains(text, w) {
			return fmt.Errorf("%q cannot be read", w)
		}
	}
	return nil
}

// strip waits until the status strip has begun with each of these words, in this order, since the last look.
func (b *tab) strip(words ...string) {
	b.t.Helper()
	for _, w := range words {
		b.until(func() error {
			said := eval[[]string](b, "witness.strip")
			for i := b.shown; i < len(said); i++ {
				if strings.HasPrefix(strings.TrimLeft(said[i], "●○◐✓✗ "), w) {
					b.shown = i + 1
					return nil
				}
			}
			return fmt.Errorf("the status strip has not said %q but %q", w, said[min(b.shown, len(said)):])
		})
	}
}

// now skips what the status strip has said so far.
func (b *tab) now() {
	b.t.Helper()
	b.shown = eval[int](b, "witness.strip.length")
}
