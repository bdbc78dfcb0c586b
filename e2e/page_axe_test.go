package e2e

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// axe-core looks for what shuts people out. It is not part of this repository: npm fetches it once.
const (
	axeVersion = "4.14.1"
	axeSum     = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c" // SHA-256 of axe.min.js
)

var axeSource = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	file := filepath.Join(cache, "tincan-e2e", "axe-core-"+axeVersion+".min.js")
	js, err := os.ReadFile(file)
	if err != nil {
		if js, err = fetchAxe(); err != nil {
			return "", err
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(file, js, 0o644); err != nil {
			return "", err
		}
	}
	if h := sha256.Sum256(js); hex.EncodeToString(h[:]) != axeSum {
		return "", fmt.Errorf("%s has the SHA-256 %x, want %s; remove it", file, h, axeSum)
	}
	return string(js), nil
})

// fetchAxe has npm fetch the package and takes the one file out of it.
func fetchAxe() ([]byte, error) {
	dir, err := os.MkdirTemp("", "tincan-axe-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command("npm", "pack", "--silent", "axe-core@"+axeVersion)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("npm pack axe-core: %w\n%s", err, out)
	}
	f, err := os.Open(filepath.Join(dir, "axe-core-"+axeVersion+".tgz"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err != nil {
			return nil, fmt.Errorf("axe.min.js in %s: %w", f.Name(), err)
		}
		if h.Name == "package/axe.min.js" {
			return io.ReadAll(r)
		}
	}
}

// axe checks the page as it is now: nothing serious or critical.
func (b *tab) axe(t *testing.T, state string) {
	t.Helper()
	js, err := axeSource()
	if err != nil {
		skip(t, "%v", err)
	}
	if !eval[bool](b, "!!window.axe") {
		if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](js+"\n;true")); err != nil {
			t.Fatal(err)
		}
	}
	found := eval[[]string](b, `Promise.allSettled(document.getAnimations().filter(a => a instanceof CSSTransition).map(a => a.finished)).then(() => axe.run(document, {resultTypes: ["violations"]})).then(r => r.violations
		.filter(v => v.impact === "serious" || v.impact === "critical")
		.flatMap(v => v.nodes.map(n => v.id + " (" + v.impact + "): " + n.html.slice(0, 200) + " " + (n.failureSummary ?? "").replace(/\s+/g, " ").slice(0, 300))))`)
	for _, f := range found {
		t.Errorf("%s: %s", state, f)
	}
	if len(found) > 0 {
		t.Logf("%s: %s", state, b.picture())
	}
}

func TestPageAccessible(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		need(t, "npm")
		n := startNode(t, "")
		b := n.open(t, lang)
		b.axe(t, "empty")
		b.click("tab", lang.in("Connect"))
		b.click("button", lang.in("Connect|button"))
		b.complains(lang.in("Server"))
		b.axe(t, "a field is empty")

		port := n.listen("lines")
		b.shows("127.0.0.1:" + port)
		b.axe(t, "listening")
		p := dialNode(t, port)
		b.talkTo(p.addr())
		p.says("hello\n\x1b[31mred\n" + strings.Repeat("long ", 2000) + "\n")
		b.logs("hello")
		b.sends("and you")
		b.receipt("and you", "reached")
		b.axe(t, "talking")
		b.click("button", lang.in("Pause reading"))
		b.find("button", lang.in("Resume reading"))
		b.axe(t, "paused")
		b.group("Show").click("radio", lang.in("Hex"))
		b.axe(t, "talking in hex")

		s := startServer(t, "127.0.0.1:0")
		b.dials("127.0.0.1", s.port, "lines")
		b.strip(lang.in("Connected"))
		q := s.accept()
		s.Close()
		q.Close()
		b.strip(lang.in("Disconnected"))
		b.axe(t, "dialling again")
		b.sends("held")
		b.receipt("held", "queued")
		b.comesBack(s)
		b.find("region", lang.in("Held messages"))
		b.axe(t, "held")
		b.prefer("prefers-color-scheme", "dark")
		b.axe(t, "held, dark")
		b.talkTo(p.addr())
		b.axe(t, "talking, dark")
		for _, v := range []viewport{{900, 700}, {600, 800}, {360, 640}} {
			b.resize(v)
			b.axe(t, fmt.Sprintf("%d wide, dark", v.width))
		}
		b.prefer("prefers-color-scheme", "light")
		b.axe(t, "narrow")
		n.kill()
		b.shows(lost[lang])
		b.axe(t, "lost")
	})
}

// group is a set of controls with a name.
func (b *tab) group(en string) (found element) {
	b.t.Helper()
	b.until(func() (err error) {
		for _, role := range []string{"radiogroup", "group"} {
			if found, err = b.one(role, b.lang.in(en)); err == nil {
				return nil
			}
		}
		return err
	})
	return found
}
