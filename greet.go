package tincan

import (
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"tincan/codec"
)

// peekTime is how long a listener that speaks both waits for the first bytes of a peer. A native one sends them at once;
// one that stays silent is a plain link. Tests, which have many of these, wait less.
var peekTime = 300 * time.Millisecond

// peek looks whether a connection begins as TLS does. The bytes that it read are read again from what it returns.
func peek(conn net.Conn) (_ net.Conn, hello bool) {
	var first [3]byte
	n := 0
	conn.SetReadDeadline(time.Now().Add(peekTime))
	for n < len(first) {
		k, err := conn.Read(first[n:])
		n += k
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil || n > 0 && first[0] != 0x16 {
			break
		}
	}
	conn.SetReadDeadline(time.Time{})
	if n == 0 {
		return conn, false
	}
	again := append([]byte(nil), first[:n]...)
	if tcp, ok := conn.(*net.TCPConn); ok {
		return &peekedTCP{tcp, again}, codec.IsTLSHello(again)
	}
	return &peeked{conn, again}, codec.IsTLSHello(again)
}

// peekedTCP is a TCP connection of which some bytes were read.
type peekedTCP struct {
	*net.TCPConn
	first []byte
}

// Read returns those bytes before what follows.
func (c *peekedTCP) Read(b []byte) (int, error) {
	if len(c.first) > 0 {
		n := copy(b, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.TCPConn.Read(b)
}

// peeked is the same for a connection that is not TCP.
type peeked struct {
	net.Conn
	first []byte
}

// Read returns those bytes before what follows.
func (c *peeked) Read(b []byte) (int, error) {
	if len(c.first) > 0 {
		n := copy(b, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.Conn.Read(b)
}

// greeters are the connections whose key is not admitted yet: few, and few from one address. When there are too many,
// the oldest has to go.
type greeters struct {
	mu  sync.Mutex
	all []*greeter // oldest first
}

type greeter struct {
	conn net.Conn
	host string
}

const (
	greetersAtOnce  = 128
	greetersPerHost = 8
)

// enter counts a connection in.
func (g *greeters) enter(conn net.Conn) *greeter {
	me := &greeter{conn, hostOf(conn.RemoteAddr().String())}
	g.mu.Lock()
	var out *greeter
	same := 0
	for i := len(g.all) - 1; i >= 0; i-- {
		if o := g.all[i]; o.host == me.host {
			if same++; same == greetersPerHost {
				out = o
			}
		}
	}
	if out == nil && len(g.all) >= greetersAtOnce {
		out = g.all[0]
	}
	g.all = append(g.all, me)
	g.mu.Unlock()
	if out != nil {
		out.conn.Close()
		g.leave(out)
	}
	return me
}

// leave counts it out.
func (g *greeters) leave(me *greeter) {
	g.mu.Lock()
	g.all = slices.DeleteFunc(g.all, func(o *greeter) bool { return o == me })
	g.mu.Unlock()
}
