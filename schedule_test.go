package tincan

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// ear is a peer that notes what it hears and can be cut off, or frozen while a crash is looked at.
type ear struct {
	t     *testing.T
	mu    sync.Mutex
	heard map[string]int
	conns map[*net.TCPConn]bool
	deaf  bool
}

func (p *ear) serve(ln net.Listener) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		tc := c.(*net.TCPConn)
		p.mu.Lock()
		if p.deaf {
			tc.SetLinger(0)
			tc.Close()
		} else {
			p.conns[tc] = true
		}
		p.mu.Unlock()
		go func() {
			r := bufio.NewReader(tc)
			for {
				s, err := r.ReadString('\n')
				p.mu.Lock()
				if err != nil || !p.conns[tc] {
					delete(p.conns, tc)
					p.mu.Unlock()
					tc.Close()
					return
				}
				p.heard[strings.TrimSpace(s)]++
				p.mu.Unlock()
			}
		}()
	}
}

// cut resets every connection. The caller holds p.mu.
func (p *ear) cut() {
	for c := range p.conns {
		c.SetLinger(0)
		c.Close()
		delete(p.conns, c)
	}
}

// TestSchedules sends, repeats, cuts, redials, hangs up, closes and crashes in any order. Nothing is ever heard twice,
// and what is queued was never heard.
func TestSchedules(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(seed, 1))
			ln, _ := server(t)
			p := &ear{t: t, heard: map[string]int{}, conns: map[*net.TCPConn]bool{}}
			go p.serve(ln)
			addr := "lines://" + ln.Addr().String()
			if seed%2 == 0 {
				addr += "?held=send"
			}
			n := openHere(t, t.TempDir())
			n.limits.RetryMin, n.limits.RetryMax = 2*time.Millisecond, 20*time.Millisecond
			room := mustDial(t, n, addr)
			sent := map[string]int64{}
			for range 60 {
				switch k := rnd.IntN(20); {
				case k < 10: // a few messages
					for range rnd.IntN(5) + 1 {
						id := fmt.Sprint("m", len(sent))
						m, err := n.SendMessage(t.Context(), Outgoing{Room: room, ID: id, Body: []byte(id)})
						if err != nil {
							t.Fatal(err)
						}
						sent[id] = m.Offset
					}
				case k < 13: // again, all at once
					var wg sync.WaitGroup
					for id, at := range sent {
						if rnd.IntN(4) > 0 {
							continue
						}
						for range 2 {
							wg.Go(func() {
								m, err := n.SendMessage(t.Context(), Outgoing{Room: room, ID: id, Body: []byte(id)})
								if err != nil || m.Offset != at {
									t.Errorf("again %s: offset %d, want %d, %v", id, m.Offset, at, err)
								}
							})
						}
					}
					wg.Wait()
				case k < 16:
					p.mu.Lock()
					p.cut()
					p.mu.Unlock()
				case k < 17:
					if err := n.HangUp(t.Context(), room); err != nil {
						t.Fatal(err)
					}
					mustDial(t, n, addr)
				case k < 18: // closed in order and opened again
					dir := n.dir
					if err := n.Close(); err != nil {
						t.Fatal(err)
					}
					n = openHere(t, dir)
					n.limits.RetryMin, n.limits.RetryMax = 2*time.Millisecond, 20*time.Millisecond
					mustDial(t, n, addr)
				case k < 19: // a crash
					p.mu.Lock()
					dir := crashed(t, n)
					p.deaf = true // to what comes after it
					p.cut()
					p.mu.Unlock()
					n.Close()
					p.mu.Lock()
					p.deaf = false
					p.mu.Unlock()
					n = openHere(t, dir)
					n.limits.RetryMin, n.limits.RetryMax = 2*time.Millisecond, 20*time.Millisecond
					mustDial(t, n, addr)
				default:
					time.Sleep(time.Duration(rnd.IntN(5000)) * time.Microsecond) // any moment will do
				}
			}
			if err := n.HangUp(t.Context(), room); err != nil {
				t.Fatal(err)
			}
			count := map[Receipt]int{}
			for id, at := range sent {
				s := states(t, n, room, at, at)[0]
				count[s]++
				p.mu.Lock()
				heard := p.heard[id]
				p.mu.Unlock()
				if heard > 1 || s == Queued && heard > 0 || s == Written {
					t.Errorf("%s (message %d) is %s and was heard %d times", id, at, s, heard)
				}
			}
			t.Log(len(sent), "messages:", count)
		})
	}
}
