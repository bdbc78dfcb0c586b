package e2e

import (
	"fmt"
	"net"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// tabTo presses Tab until something with a role and a name has the focus, and checks that one can see that.
func (b *tab) tabTo(role string, name any, modifiers ...chromedp.Modifier) {
	b.t.Helper()
	var passed []string
	for range 80 {
		b.keys(kb.Tab, modifiers...)
		x, err := b.focused()
		if err != nil {
			b.t.Fatal(err)
		}
		if x.role != role || !x.is(name) {
			passed = append(passed, x.role+" "+x.name)
			continue
		}
		ring := eval[bool](b, `(() => {
			for (let e = document.activeElement, i = 0; e && i < 2; e = e.parentElement, i++) {
				for (const part of [null, "::before", "::after"]) {
					const s = getComputedStyle(e, part)
					if (s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0 || s.boxShadow !== "none") return true
				}
			}
			return false
		})()`)
		if !ring {
			b.t.Errorf("one cannot see that the %s %q has the focus", role, x.name)
		}
		return
	}
	b.t.Fatalf("Tab never reaches a %s called %q; it passed %q", role, name, passed)
}

// A whole conversation with the keyboard alone: listen, talk, disconnect, stop.
func TestPageKeyboardOnly(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		n := startNode(t, "")
		b := n.open(t, lang)
		b.tabTo("tab", lang.in("Listen"))
		b.keys(kb.ArrowRight) // tabs are walked with arrows
		b.find("button", lang.in("Connect|button"))
		b.keys(kb.ArrowLeft)
		b.find("button", lang.in("Start listening"))
		b.tabTo("combobox", lang.in("Address"))
		b.keys(kb.Home + kb.ArrowDown)
		b.tabTo("textbox", lang.in("Port"))
		b.keys("a", chromedp.ModifierCtrl)
		b.keys("0")
		b.keys(kb.Enter) // as in any form
		b.strip(lang.in("Listening"), lang.in("Waiting for a connection"))
		addr := n.status().Listeners[0].Addr
		host, port, _ := net.SplitHostPort(addr)
		if host != "127.0.0.1" {
			t.Errorf("listening on %s, want this machine only", addr)
		}
		p := dialNode(t, port)
		b.strip(lang.in("Connection accepted"))
		p.says("keys only?\n")
		b.tabTo("button", begins(p.addr()))
		b.keys(kb.Enter)
		b.logs("keys only?")
		b.tabTo("textbox", lang.in("Message"))
		b.keys("yes" + kb.Enter)
		p.hears("yes\n")
		b.strip(lang.in("Sending…"), lang.in("Done"))
		if x, err := b.focused(); err != nil || x.role != "textbox" || x.name != lang.in("Message") {
			t.Errorf("after sending, the focus is on the %s %q (%v), want the message box", x.role, x.name, err)
		}
		b.keys("no mouse" + kb.Enter)
		p.hears("no mouse\n")
		b.tabTo("button", lang.in("Disconnect"), chromedp.ModifierShift)
		b.keys(" ")
		p.ends()
		b.strip(lang.in("Disconnected"))
		b.tabTo("button", lang.in("Stop listening on %s", addr), chromedp.ModifierShift)
		b.keys(kb.Enter)
		b.strip(lang.in("Stopped listening"), lang.in("Ready"))
		b.until(func() error {
			if x, err := b.focused(); err != nil || x.role == "" || x.role == "RootWebArea" {
				return fmt.Errorf("what had the focus is gone, and with it the focus: %q (%v)", x.role, err)
			}
			return nil
		})
	})
}
