package tincan

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// cutter is a TCP proxy that cuts a connection at a byte: after at bytes of one direction.
type cutter struct {
	ln     net.Listener
	target string

	mu    sync.Mutex
	next  []*cut // for the connections that come next; those behind them live
	conns map[*crossing]bool
	shut  bool // whoever dials is reset

	up, down atomic.Int64 // bytes of the last connection: to the target, and back
}

// cut says where a connection is cut, and how.
type cut struct {
	up  bool // by the bytes that go to the target
	at  int64
	how string // "fin", "rst" or "silence"
}

// crossing is one connection through the proxy.
type crossing struct {
	c    *cutter
	a, b *net.TCPConn // who dialled, the target
	cut  *cut
	once sync.Once
	dead chan struct{} // closed when it falls silent
}

func newCutter(t testing.TB, target string) *cutter {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{ln: ln, target: target, conns: map[*crossing]bool{}}
	t.Cleanup(func() {
		ln.Close()
		c.cutAll("rst")
	})
	go c.accept()
	return c
}

func (c *cutter) addr() string { return c.ln.Addr().String() }

// arm has the next connection cut for which no cut waits yet.
func (c *cutter) arm(k *cut) {
	c.mu.Lock()
	c.next = append(c.next, k)
	c.mu.Unlock()
}

// refuse resets whoever dials from now on, or not any more.
func (c *cutter) refuse(all bool) {
	c.mu.Lock()
	c.shut = all
	c.mu.Unlock()
}

// cutAll cuts every connection now.
func (c *cutter) cutAll(how string) {
	c.mu.Lock()
	var all []*crossing
	for x := range c.conns {
		all = append(all, x)
	}
	c.mu.Unlock()
	for _, x := range all {
		x.end(how)
	}
}

func (c *cutter) accept() {
	for {
		conn, err := c.ln.Accept()
		if err != nil {
			return
		}
		c.mu.Lock()
		shut := c.shut
		c.mu.Unlock()
		var to net.Conn
		if err = net.ErrClosed; !shut {
			to, err = net.Dial("tcp", c.target)
		}
		if err != nil {
			conn.(*net.TCPConn).SetLinger(0)
			conn.Close()
			continue
		}
		x := &crossing{c: c, a: conn.(*net.TCPConn), b: to.(*net.TCPConn), dead: make(chan struct{})}
		c.mu.Lock()
		if len(c.next) > 0 {
			x.cut, c.next = c.next[0], c.next[1:]
		}
		c.conns[x] = true
		shut = c.shut
		c.mu.Unlock()
		if shut { // meanwhile
			x.end("rst")
			continue
		}
		c.up.Store(0)
		c.down.Store(0)
		go x.carry(x.b, x.a, true)
		go x.carry(x.a, x.b, false)
	}
}

// carry copies one direction until the cut.
func (x *crossing) carry(to, from *net.TCPConn, up bool) {
	buf := make([]byte, 16<<10)
	count := &x.c.down
	if up {
		count = &x.c.up
	}
	passed := int64(0)
	for {
		n, err := from.Read(buf)
		mine := x.cut != nil && x.cut.up == up
		if mine {
			n = int(min(int64(n), x.cut.at-passed))
		}
		if n > 0 {
			select {
			case <-x.dead:
				continue
			default:
			}
			if _, err := to.Write(buf[:n]); err != nil {
				x.end("fin")
				return
			}
			passed += int64(n)
			count.Add(int64(n))
		}
		if mine && passed == x.cut.at {
			x.end(x.cut.how)
			if x.cut.how != "silence" {
				return
			}
		}
		switch {
		case err == io.EOF:
			to.CloseWrite()
			return
		case err != nil:
			x.end("fin")
			return
		}
	}
}

func (x *crossing) end(how string) {
	x.once.Do(func() {
		if how == "silence" {
			close(x.dead)
			return
		}
		x.c.mu.Lock()
		delete(x.c.conns, x)
		x.c.mu.Unlock()
		if how == "rst" {
			x.a.SetLinger(0)
			x.b.SetLinger(0)
		}
		x.a.Close()
		x.b.Close()
	})
}
