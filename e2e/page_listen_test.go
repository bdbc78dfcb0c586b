package e2e

import (
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// begins matches a name that begins like this, whatever else it tells.
func begins(s string) *regexp.Regexp { return regexp.MustCompile(`^` + regexp.QuoteMeta(s)) }

// contains matches a name with this in it.
func contains(s string) *regexp.Regexp { return regexp.MustCompile(regexp.QuoteMeta(s)) }

// listen has the page listen at an address choice and returns the real address of the new listener.
func (b *tab) listen(n *node, address, codec string) (addr string) {
	b.t.Helper()
	before := len(n.status().Listeners)
	b.click("tab", b.lang.in("Listen"))
	b.choose(b.lang.in("Address"), address)
	b.choose(b.lang.in("Codec"), codec)
	b.fill("textbox", b.lang.in("Port"), "0")
	b.click("button", b.lang.in("Start listening"))
	b.until(func() error {
		ls := n.status().Listeners
		if len(ls) == before {
			return fmt.Errorf("there are %d listeners as before", before)
		}
		addr = ls[len(ls)-1].Addr
		return nil
	})
	return addr
}

// talkTo chooses a conversation by the peer's or the room's name.
func (b *tab) talkTo(name string) {
	b.t.Helper()
	b.click("button", begins(name))
}

// main is the conversation that is shown.
func (b *tab) main() element { b.t.Helper(); return b.find("main", contains("")) }

// log is what was said in it.
func (b *tab) log() element { b.t.Helper(); return b.find("log", b.lang.in("Messages")) }

// logs waits until all of these can be read among the messages.
func (b *tab) logs(want ...string) {
	b.t.Helper()
	b.reads("log", b.lang.in("Messages"), want...)
}

func TestPageListens(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		n := startNode(t, "")
		b := n.open(t, lang)
		b.click("tab", lang.in("Listen"))
		want := append([]string{lang.in("All interfaces"), lang.in("This machine only (127.0.0.1)")}, n.status().Addresses...)
		b.until(func() error { // the page may still wait for its first status
			options := b.find("combobox", lang.in("Address")).options()
			for _, a := range want {
				if !slices.ContainsFunc(options, func(o string) bool { return strings.Contains(o, a) }) {
					return fmt.Errorf("the addresses to listen on are %q, want %q among them", options, a)
				}
			}
			return nil
		})
		addr := b.listen(n, lang.in("This machine only (127.0.0.1)"), "lines")
		b.strip(lang.in("Listening"), lang.in("Waiting for a connection"))
		b.shows(addr)
		_, port, _ := net.SplitHostPort(addr)
		if port == "0" {
			t.Fatalf("listening on %s, want the real port", addr)
		}
		if said := eval[[]string](b, "witness.strip"); !strings.Contains(said[len(said)-1], addr) {
			t.Errorf("the status strip says %q, want the address %s in it", said[len(said)-1], addr)
		}

		c := dialNode(t, port)
		b.strip(lang.in("Connection accepted"))
		b.shows(c.addr())
		c.says("before\n")
		b.talkTo(c.addr())
		b.logs("before")

		b.click("button", lang.in("Stop listening on %s", addr))
		b.strip(lang.in("Stopped listening"), lang.in("Ready"))
		b.gone("button", lang.in("Stop listening on %s", addr))
		if again, err := net.Dial("tcp", addr); err == nil {
			again.Close()
			t.Errorf("%s still accepts after it was stopped", addr)
		}
		c.says("the link goes on\n")
		b.logs("the link goes on")
	})
}

func TestPageShowsReach(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		n := startNode(t, "")
		b := n.open(t, lang)
		addr := b.listen(n, lang.in("All interfaces"), "auto")
		b.strip(lang.in("Listening"), lang.in("Waiting for a connection"))
		_, port, _ := net.SplitHostPort(addr)
		reach := n.status().Listeners[0].Reach
		if len(reach) == 0 {
			skip(t, "this machine has no address that others can type")
		}
		b.shows(reach[0])
		if len(reach) > 1 { // the others are folded away
			b.click("DisclosureTriangle", contains(fmt.Sprint(len(reach)-1)))
		}
		b.shows(reach...)
		for _, r := range reach {
			if !strings.HasSuffix(r, ":"+port) {
				t.Errorf("others can type %s, want port %s", r, port)
			}
		}
	})
}

// A port that is taken: the page says by whom, and what to do, and goes on.
func TestPagePortInUse(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		n := startNode(t, "")
		b := n.open(t, lang)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		b.click("tab", lang.in("Listen"))
		b.choose(lang.in("Address"), lang.in("This machine only (127.0.0.1)"))
		b.fill("textbox", lang.in("Port"), port)
		b.click("button", lang.in("Start listening"))
		said := map[tongue][]string{
			english: {"port " + port + " is in use by ", "next free"},
			chinese: {"端口 " + port + " 已被 ", "下一个空闲端口"},
		}
		b.shows(said[lang]...)
		for _, bad := range []string{"abc", "70000", "-1"} {
			b.fill("textbox", lang.in("Port"), bad)
			b.click("button", lang.in("Start listening"))
			b.complains(lang.in("Port"))
		}
		if got := n.status().Listeners; len(got) != 0 {
			t.Errorf("listeners: %v, want none", got)
		}
	})
}

// complains waits until a text box is marked as wrong and the reason stands beside it; it returns the reason.
func (b *tab) complains(name string) (why string) {
	b.t.Helper()
	b.until(func() error {
		box, err := b.one("textbox", name)
		if err != nil {
			return err
		}
		if box.state["invalid"] != "true" {
			return fmt.Errorf("the text box %q is not marked as wrong", name)
		}
		// The alert whose middle is nearest, within the height of three lines.
		why, err = on[string](box, `function() {
			const mine = this.getBoundingClientRect()
			for (const a of document.querySelectorAll("[role=alert]")) {
				const r = a.getBoundingClientRect()
				const near = Math.max(r.top - mine.bottom, mine.top - r.bottom, r.left - mine.right, mine.left - r.right)
				if (near < 60 && a.innerText.trim() && r.height) return a.innerText.trim()
			}
			return ""
		}`)
		if err == nil && why == "" {
			err = fmt.Errorf("no reason stands beside the text box %q", name)
		}
		return err
	})
	return why
}

// Several clients at once: what each says is kept whichever is chosen; one, some or all are sent to; one or
// all are disconnected.
func TestPageManyClients(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		n := startNode(t, "")
		b := n.open(t, lang)
		_, port, _ := net.SplitHostPort(b.listen(n, lang.in("This machine only (127.0.0.1)"), "lines"))
		var ps []*peer
		for i := range 4 {
			p := dialNode(t, port)
			b.shows(p.addr())
			p.says(fmt.Sprintf("I am number %d\n", i))
			ps = append(ps, p)
		}
		b.talkTo(ps[0].addr())
		b.logs("I am number 0")
		const many = 300
		for i := range many { // while another is chosen
			ps[3].says(fmt.Sprintf("unheeded %d\n", i))
		}
		b.talkTo(ps[3].addr())
		b.logs(fmt.Sprintf("unheeded %d", many-1))
		if log := b.log().inner(); strings.Contains(log, "I am number 0") {
			t.Errorf("another conversation's message is among the messages:\n%s", tail(log))
		}
		if got := call[struct{ Messages []any }](n, "history", "room", "tcp:"+ps[3].addr(), "limit", 1000); len(got.Messages) != many+1 {
			t.Errorf("%d messages were kept, want %d", len(got.Messages), many+1)
		}

		b.talkTo(ps[0].addr())
		b.sends("to one")
		ps[0].hears("to one\n")
		b.click("checkbox", contains(ps[0].addr()))
		b.click("checkbox", contains(ps[1].addr()))
		b.sends("to some")
		ps[0].hears("to some\n")
		ps[1].hears("to some\n")
		b.dials("127.0.0.1", "1", "lines") // nobody is there: everyone is who is connected
		b.click("checkbox", lang.in("Everyone"))
		ticked := func(peer, want string) {
			b.until(func() error {
				x, err := b.one("checkbox", regexp.MustCompile(regexp.QuoteMeta(peer)+"$"))
				if err == nil && x.state["checked"] != want {
					err = fmt.Errorf("the box of %s is %s, want %s", peer, x.state["checked"], want)
				}
				return err
			})
		}
		ticked(ps[2].addr(), "true")
		ticked("127.0.0.1:1", "false")
		b.sends("to all")
		for _, p := range ps {
			p.hears("to all\n")
		}

		b.talkTo(ps[1].addr())
		b.click("button", lang.in("Disconnect"))
		ps[1].ends()
		b.strip(lang.in("Disconnected"))
		ps[0].says("not me\n")
		b.talkTo(ps[0].addr())
		b.logs("not me")
		b.click("button", lang.in("Disconnect all"))
		b.confirms()
		for _, p := range []*peer{ps[0], ps[2], ps[3]} {
			p.ends()
		}
	})
}

// sends types a message and presses Enter.
func (b *tab) sends(text string) {
	b.t.Helper()
	b.click("textbox", b.lang.in("Message"))
	b.types(text)
	b.keys(kb.Enter)
}

// confirms answers a question of the page with yes: the first button of the dialog that is open.
func (b *tab) confirms() {
	b.t.Helper()
	b.until(func() error {
		for _, role := range []string{"alertdialog", "dialog"} {
			ds, err := b.all(role)
			if err != nil {
				return err
			}
			for _, d := range ds {
				buttons, err := d.all("button")
				if err != nil {
					return err
				}
				for _, x := range buttons {
					if x.name != b.lang.in("Cancel") {
						return x.press()
					}
				}
			}
		}
		return fmt.Errorf("the page asks nothing")
	})
}

// ends waits until the other side has closed in order.
func (p *peer) ends() {
	p.t.Helper()
	p.SetReadDeadline(deadline())
	if rest, err := io.ReadAll(p); err != nil || len(rest) > 0 {
		p.t.Errorf("%s read %s (%v), want an orderly end", p.addr(), quote(string(rest)), err)
	}
}
