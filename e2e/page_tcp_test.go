package e2e

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// figure returns what reads a figure of the TCP panel, in bytes where it has a unit of bytes. Its name is given
// in English and Chinese.
func (b *tab) figure(en, zh string) func() float64 {
	b.t.Helper()
	name := en
	if b.lang == chinese {
		name = zh
	}
	scale := map[string]float64{"": 1, "B": 1, "kB": 1e3, "MB": 1e6}
	return func() (v float64) {
		b.t.Helper()
		b.until(func() error {
			panel, err := b.one("complementary", b.lang.in("TCP"))
			if err != nil {
				return err
			}
			text, err := on[string](panel, `function(name) {
				const dt = [...this.querySelectorAll("dt")].find(e => e.innerText.trim() === name)
				return dt?.nextElementSibling?.innerText ?? ""
			}`, name)
			if err != nil {
				return err
			}
			m := regexp.MustCompile(`^([\d.\x{202f}]+)\s*(B|kB|MB)?$`).FindStringSubmatch(text)
			if m == nil {
				return fmt.Errorf("the figure %q is %q", name, text)
			}
			v, err = strconv.ParseFloat(strings.ReplaceAll(m[1], "\u202f", ""), 64)
			v *= scale[m[2]]
			return err
		})
		return v
	}
}

// The three phases of a connection, each figure with its name and a sentence that explains it.
func TestPageTCPPanel(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		n, b, p := connected(t, lang, "lines")
		p.says("12345\n")
		b.logs("12345")
		b.sends("1234567")
		b.receipt("1234567", "reached")
		link := n.status().Links[0]
		panel := b.find("complementary", lang.in("TCP"))
		b.reads("complementary", lang.in("TCP"), link.Local, link.Remote)
		phases := map[tongue][]string{english: {"Handshake", "Byte stream", "Close"}, chinese: {"握手", "字节流", "断开"}}
		b.reads("complementary", lang.in("TCP"), phases[lang]...)
		names := map[tongue][]string{
			english: {"Handshake took", "MSS", "Kernel state", "Received", "Written", "Acknowledged", "Send queue", "Receive queue",
				"Our window", "Peer's window", "Round trip", "Retransmissions", "Silence"},
			chinese: {"握手用时", "MSS", "内核状态", "已接收", "已写出", "已确认", "发送队列", "接收队列",
				"本方窗口", "对方窗口", "往返时间", "重传", "静默"},
		}
		b.reads("complementary", lang.in("TCP"), names[lang]...)
		b.reads("complementary", lang.in("TCP"), "ESTABLISHED")
		b.explains(panel)
		why := map[tongue][]string{
			english: {"Segments sent again because no acknowledgement came", "Bytes that arrived and that we have not read"},
			chinese: {"因未收到确认而重发的报文段数", "已到达而本方尚未读取的字节"},
		}
		b.reads("complementary", lang.in("TCP"), why[lang]...)
		for _, f := range []struct {
			en, zh string
			want   float64
		}{
			{"Acknowledged", "已确认", 8}, {"Send queue", "发送队列", 0}, {"Receive queue", "接收队列", 0}, {"Retransmissions", "重传", 0},
		} {
			b.until(func() error {
				if got := b.figure(f.en, f.zh)(); got != f.want {
					return fmt.Errorf("%s is %v, want %v", f.en, got, f.want)
				}
				return nil
			})
		}
		if got := b.figure("Our window", "本方窗口")(); got < 1000 {
			t.Errorf("our window is %v, want some thousand bytes", got)
		}
		p.Close()
		ended := map[tongue][]string{english: {"Ended by", "the peer", "FIN"}, chinese: {"结束方", "对方", "FIN"}}
		b.reads("complementary", lang.in("TCP"), ended[lang]...)
	})
}

// explains turns on the sentences of the TCP panel, if they are not there already.
func (b *tab) explains(panel element) {
	b.t.Helper()
	name := map[tongue]string{english: "Explain", chinese: "说明"}[b.lang]
	for _, role := range []string{"checkbox", "switch", "button"} {
		if x, err := panel.one(role, name); err == nil {
			if x.state["checked"] != "true" && x.state["pressed"] != "true" && x.state["expanded"] != "true" {
				panel.click(role, name)
			}
			return
		}
	}
}
