package e2e

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
)

// Who ended a connection and how, how long it lasted and what went each way stand among the messages.
func TestPageDisconnects(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(*tab, *peer)
		say  map[tongue][]string
	}{
		{"FIN", func(_ *tab, p *peer) { p.Close() }, map[tongue][]string{
			english: {"the peer closed (FIN) after "}, chinese: {"对方关闭了连接（FIN），历时"}}},
		{"RST", func(_ *tab, p *peer) { p.SetLinger(0); p.Close() }, map[tongue][]string{
			english: {"the peer reset the connection (RST) after "}, chinese: {"对方重置了连接（RST），历时"}}},
		{"ours", func(b *tab, p *peer) { b.click("button", b.lang.in("Disconnect")); p.ends() }, map[tongue][]string{
			english: {"closed here (FIN) after "}, chinese: {"本方关闭了连接（FIN），历时"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBoth(t, func(t *testing.T, lang tongue) {
				_, b, p := connected(t, lang, "lines")
				p.says("12345\n")
				b.logs("12345")
				b.sends("1234567")
				b.receipt("1234567", "reached")
				p.hears("1234567\n")
				c.end(b, p)
				b.strip(lang.in("Disconnected"))
				b.logs(c.say[lang]...)
				amounts := map[tongue][]string{english: {"1 in (6 B)", "1 out (8 B)"}, chinese: {"收 1 条（6 B）", "发 1 条（8 B）"}}
				b.logs(amounts[lang]...)
				b.find("textbox", lang.in("Message")) // and the page goes on
			})
		})
	}
}

// A dialled address is dialled again, with a countdown, until that is stopped; and again on demand.
func TestPageRedials(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		n := startNode(t, "")
		b := n.open(t, lang)
		s := startServer(t, "127.0.0.1:0")
		b.dials("127.0.0.1", s.port, "lines")
		p := s.accept()
		b.strip(lang.in("Connected"))
		p.Close()
		b.strip(lang.in("Disconnected"), lang.in("Connecting…"), lang.in("Connected"))
		p = s.accept()

		s.Close() // nobody is there any more: attempts fail until it is stopped
		p.Close()
		b.strip(lang.in("Disconnected"), lang.in("Connection failed"))
		countdown := map[tongue]string{english: "again in ", chinese: "秒后重连"}
		b.reads("list", lang.in("Conversations"), countdown[lang])
		b.main().click("button", lang.in("Stop trying"))
		b.gone("button", lang.in("Stop trying"))
		over := map[tongue]string{english: "Not dialled again", chinese: "不再连接"}
		b.reads("status", lang.in("Status"), over[lang])
		for _, r := range n.status().Rooms {
			if r.Dial != nil {
				t.Errorf("the node still dials: %+v", r.Dial)
			}
		}
		p = b.comesBack(s)
		b.strip(lang.in("Connecting…"), lang.in("Connected"))
		p.says("back\n")
		b.logs("back")
	})
}

// What was not sent when the peer went away waits, and is sent or discarded as the user says.
func TestPageHeld(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		n := startNode(t, "")
		b := n.open(t, lang)
		s := startServer(t, "127.0.0.1:0")
		b.dials("127.0.0.1", s.port, "lines")
		s.accept().Close()
		s.Close()
		b.strip(lang.in("Connected"), lang.in("Disconnected"))

		b.sends("kept one")
		b.sends("kept two")
		b.receipt("kept two", "queued")
		p := b.comesBack(s)
		b.reads("region", lang.in("Held messages"), "2")
		b.find("region", lang.in("Held messages")).click("button", lang.in("Send now"))
		p.hears("kept one\nkept two\n")
		b.gone("region", lang.in("Held messages"))
		b.receipt("kept two", "reached")

		p.Close()
		s.Close()
		b.strip(lang.in("Disconnected"))
		b.sends("never mind")
		b.receipt("never mind", "queued")
		p = b.comesBack(s)
		b.find("region", lang.in("Held messages")).click("button", lang.in("Discard"))
		b.confirms()
		b.gone("region", lang.in("Held messages"))
		b.receipt("never mind", "discarded")
		b.sends("after all")
		p.hears("after all\n")
	})
}

// comesBack has a server listen again where it did, the page dial it, and returns the connection.
func (b *tab) comesBack(s *server) *peer {
	b.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:"+s.port)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { l.Close() })
	s.Listener = l
	b.now()
	b.until(func() error { // unless it has connected by itself meanwhile
		x, err := b.one("button", begins(b.lang.in("Connect again")))
		if err == nil {
			return x.press()
		}
		if _, up := b.one("button", b.lang.in("Disconnect")); up == nil {
			return nil
		}
		return err
	})
	p := s.accept()
	b.find("button", b.lang.in("Disconnect"))
	return p
}

// What was written when the peer reset the connection may not have arrived: the page says so and asks.
func TestPageUncertain(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		n := startNode(t, "")
		b := n.open(t, lang)
		s := startServer(t, "127.0.0.1:0")
		b.dials("127.0.0.1", s.port, "dotnet")
		p := s.accept()
		b.strip(lang.in("Connected"))
		b.fillsBuffers()
		b.until(func() error { // the last one is with the kernel too: it is what the log will show
			if queued := map[tongue]string{english: "queued", chinese: "已存盘"}[lang]; strings.Contains(b.log().inner(), queued) {
				return errors.New("a message is still " + queued)
			}
			return nil
		})
		p.SetLinger(0)
		s.Close()
		p.Close()
		b.strip(lang.in("Disconnected"))
		may := map[tongue]string{english: "may have arrived", chinese: "可能已到达"}
		b.reads("region", lang.in("Held messages"), may[lang])
		uncertain := map[tongue]string{english: "uncertain", chinese: "可能未到达"}
		b.logs(uncertain[lang])
	})
}

// The .NET program of the teaching sample's kind talks with the page, in both roles.
func TestPageTalksWithDotnet(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		need(t, "mono")
		n := startNode(t, "")
		b := n.open(t, lang)
		_, port, _ := net.SplitHostPort(b.listen(n, lang.in("This machine only (127.0.0.1)"), "auto"))
		guest := startDotnet(t, "dial", "127.0.0.1", port)
		guest.next("connected")
		b.strip(lang.in("Connection accepted"))
		b.talkTo(n.status().Links[0].Remote)
		for _, s := range []string{"你好，传声筒", "", "a\nb\tc", "👩‍👩‍👧‍👦 e\u0301", fmt.Sprintf("%0200d", 1)} {
			guest.send(s)
			if s != "" {
				b.logs(firstLine(s))
			}
		}
		for _, s := range []string{"收到", "two\nlines", fmt.Sprintf("long %0300d", 2)} {
			b.sends(s)
			guest.hears(s)
			b.receipt(firstLine(s), "reached")
		}
		guest.say("close")
		b.strip(lang.in("Disconnected"))
		b.logs("FIN")

		host := startDotnet(t, "listen", "0")
		b.dials("127.0.0.1", host.next("listening"), "dotnet")
		host.next("connected")
		b.strip(lang.in("Connected"))
		host.send("我是服务器")
		b.logs("我是服务器")
		b.sends("我是客户端")
		host.hears("我是客户端")
		b.click("button", lang.in("Disconnect"))
		host.next("end")
		b.strip(lang.in("Disconnected"))
	})
}

// firstLine is the beginning of a text that stands on one line.
func firstLine(s string) string {
	for i, r := range s {
		if r < ' ' {
			return s[:i]
		}
	}
	return s[:min(len(s), 60)]
}
