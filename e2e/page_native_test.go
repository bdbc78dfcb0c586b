package e2e

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// keyStatus is what the tests of talk between keys look at of the API's status.
type keyStatus struct {
	ID    string
	Rooms []struct {
		Name, Host string
		Last       int64
		Dial       *struct{ Phase, Reason string }
	}
}

// print is as much of a key as the page shows to be compared.
func (n *node) print() string {
	n.t.Helper()
	id := strings.TrimPrefix(call[keyStatus](n, "status").ID, "tc1")
	return strings.Join([]string{id[:4], id[4:8], id[8:12], id[12:16], id[16:20]}, " ")
}

// phase waits until the dialler of a node's only room is in a phase.
func (n *node) phase(want string) {
	n.t.Helper()
	eventually(n.t, patience, func() error {
		rooms := call[keyStatus](n, "status").Rooms
		if len(rooms) != 1 || rooms[0].Dial == nil || rooms[0].Dial.Phase != want {
			return fmt.Errorf("the rooms are %+v, want one that is %s", rooms, want)
		}
		return nil
	})
}

// admit has a node listen for keys, and returns the port.
func (n *node) admit(whom string) (port string) {
	n.t.Helper()
	l := call[struct{ Addr string }](n, "listen", "addr", "auto://127.0.0.1:0?admit="+whom)
	_, port, err := net.SplitHostPort(l.Addr)
	if err != nil {
		n.t.Fatal(err)
	}
	return port
}

// waits are the messages below the others that wait for their host.
func (b *tab) waits() []string {
	b.t.Helper()
	return eval[[]string](b, `[...document.querySelectorAll(".pending .item")].map(x => x.innerText.replace(/\s+/g, " "))`)
}

// A ticket is made on one page, pasted into the other as it is, and both talk.
func TestPageTicket(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		host, guest := startNode(t, ""), startNode(t, "")
		port := host.admit("ticket")
		b := host.open(t, lang)
		b.click("button", lang.in("Invite somebody to %s", "127.0.0.1:"+port))
		b.find("image", lang.in("The ticket as a QR code"))
		ticket := must[string](b.find("code", lang.in("Ticket")), "function() { return this.innerText }")
		if !strings.HasPrefix(ticket, "tincan://127.0.0.1:"+port+"?key=tc1") || !strings.Contains(ticket, "&secret=") {
			t.Fatalf("the ticket is %q", ticket)
		}
		b.click("button", lang.in("Make a code"))
		b.until(func() error {
			if s := b.text(); !regexp.MustCompile(`\b\d{3}-\d{3}-\d{3}\b`).MatchString(s) {
				return errors.New("no pairing code is shown")
			}
			return nil
		})
		b.axe(t, "inviting")
		b.click("button", lang.in("Close"))

		g := guest.open(t, lang)
		g.click("tab", lang.in("Connect"))
		g.fill("textbox", lang.in("Server"), ticket)
		g.gone("textbox", lang.in("Port"))
		g.axe(t, "a ticket is pasted")
		g.click("button", lang.in("Connect|button"))
		g.find("button", lang.in("Disconnect"))
		if left := must[string](g.find("textbox", lang.in("Server")), "function() { return this.value }"); left != "" {
			t.Errorf("the used ticket still stands there: %q", left)
		}
		g.sends("hello from the guest")
		g.receipt("hello from the guest", "stored")
		b.talkTo("lobby")
		b.logs("hello from the guest")
		b.sends("welcome 欢迎")
		b.receipt("welcome 欢迎", "has it")
		g.logs("welcome 欢迎")
		g.axe(t, "talking between keys")

		b.click("button", begins(lang.in("Peers")))
		b.reads("dialog", lang.in("Peers"), guest.print(), host.print())
		b.axe(t, "the peers")
	})
}

// Who is not known asks, and is let in: both sides see both fingerprints meanwhile.
func TestPageAsks(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		host, guest := startNode(t, ""), startNode(t, "")
		port := host.admit("ask")
		b, g := host.open(t, lang), guest.open(t, lang)
		g.click("tab", lang.in("Connect"))
		g.fill("textbox", lang.in("Server"), "tincan://127.0.0.1:"+port+"?accept=new")
		g.click("button", lang.in("Connect|button"))
		b.shows(lang.in("asks to come in"), guest.print(), host.print())
		g.shows(guest.print(), host.print())
		b.axe(t, "somebody asks")
		b.click("button", lang.in("Accept"))
		guest.phase("connected")
		g.sends("thank you")
		g.receipt("thank you", "stored")
		b.talkTo("lobby")
		b.logs("thank you")
		b.gone("button", lang.in("Accept"))
	})
}

// The host is killed: what is said meanwhile waits, with how long it does, and is there once when the host is back. A
// host with another key is not talked to.
func TestPageHostAway(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		host, guest := startNode(t, ""), startNode(t, "")
		port := host.admit("ticket")
		ticket := call[struct{ URL string }](host, "ticket").URL
		room := call[struct{ Name string }](guest, "dial", "addr", ticket).Name
		guest.phase("connected")
		g := guest.open(t, lang)
		g.sends("first")
		g.receipt("first", "stored")
		known := host.print()
		host.kill()
		g.gone("button", lang.in("Disconnect"))
		g.sends("second")
		g.sends("third")
		g.until(func() error {
			if w := g.waits(); len(w) != 2 || !strings.Contains(w[0], "second") || !strings.Contains(w[1], "third") || !regexp.MustCompile(`\d (s|秒|min|分)`).MatchString(w[0]) {
				return fmt.Errorf("what waits is %q", w)
			}
			return nil
		})
		g.axe(t, "messages wait")

		back := startNode(t, host.dir)
		call[any](back, "listen", "addr", "auto://127.0.0.1:"+port)
		call[any](guest, "redial", "room", room)
		g.receipt("second", "stored")
		g.receipt("third", "stored")
		g.until(func() error {
			if w := g.waits(); len(w) > 0 {
				return fmt.Errorf("%q still wait", w)
			}
			return nil
		})
		history := call[struct{ Messages []struct{ Text string } }](back, "history", "room", "lobby", "limit", 10)
		var said []string
		for _, m := range history.Messages {
			said = append(said, m.Text)
		}
		if want := []string{"first", "second", "third"}; !slices.Equal(said, want) {
			t.Errorf("the host has %q, want %q", said, want)
		}

		back.kill()
		other := startNode(t, "")
		call[any](other, "listen", "addr", "auto://127.0.0.1:"+port)
		guest.phase("stopped")
		g.find("button", lang.in("Forget the old key"))
		g.shows(known, other.print())
		g.axe(t, "another key")
	})
}
