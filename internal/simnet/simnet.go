// Package simnet is a network for tests: in memory ([Network]), or real sockets with a proxy between them that cuts
// ([Proxy]).
//
// The one in memory has delays, small buffers and ends that a test chooses to the byte, and runs inside a synctest
// bubble: it consists of channels, locks and timers. Chance comes from its seed alone. It knows no packets, no loss and
// no kernel: what a link learns from its socket is absent on it.
package simnet

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

// Way is a direction.
type Way int

const (
	Up   Way = iota // from who dialled to who listens
	Down            // back
)

// How says how a connection is cut.
type How int

const (
	FIN     How = iota // both sides read what is under way and then the end
	RST                // both sides read what is under way and then a reset
	Silence            // nothing arrives any more, and nobody says so
)

// Cut ends a connection when After bytes have gone one way: exactly these arrive. What is written beyond them is taken
// as a kernel takes it, and lost.
type Cut struct {
	Way   Way
	After int64
	How   How
}

// DefaultBuffer is how many bytes a direction holds: those under way and those that have arrived and are not read.
const DefaultBuffer = 4 << 10

// Network is a network. Its methods may be called at any time; inside a synctest bubble, make it there.
type Network struct {
	seed uint64

	mu        sync.Mutex
	listeners map[netip.AddrPort]*listener
	conns     map[*conn]*conn // who dialled → who accepted, while neither is closed
	nth       int             // connections so far
	port      uint16          // the last that was given out
	delay     [2]time.Duration
	jitter    time.Duration
	buffer    int
	frozen    bool
	thawed    chan struct{}
	refusing  bool
	plan      func(nth int, chance *rand.Rand) []Cut
}

// New returns a network without delays. The seed decides its jitter and what Plan is given.
func New(seed uint64) *Network {
	return &Network{seed: seed, listeners: map[netip.AddrPort]*listener{}, conns: map[*conn]*conn{}, port: 40000, buffer: DefaultBuffer}
}

// Delay sets how long bytes are under way, each way, and by how much that varies: of each write by up to jitter more.
// Bytes never overtake each other. It holds for connections that are still to come.
func (n *Network) Delay(up, down, jitter time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.delay, n.jitter = [2]time.Duration{up, down}, jitter
}

// Buffer sets how many bytes a direction holds before a write waits, for connections that are still to come.
func (n *Network) Buffer(bytes int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.buffer = bytes
}

// Plan has f say, for each connection that is dialled from now on, counted from 0, where it is cut. f must not call the
// network.
func (n *Network) Plan(f func(nth int, chance *rand.Rand) []Cut) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.plan = f
}

// Cut ends every live connection now. What is under way still arrives.
func (n *Network) Cut(how How) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		c.cut(how)
	}
}

// Freeze stops everything that is under way, dials too, until Thaw.
func (n *Network) Freeze() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.frozen {
		n.frozen, n.thawed = true, make(chan struct{})
	}
}

// Thaw lets go what Freeze stopped.
func (n *Network) Thaw() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.frozen {
		n.frozen = false
		close(n.thawed)
	}
}

// Refuse has all dials refused, or no longer.
func (n *Network) Refuse(yes bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refusing = yes
}

// Live is how many connections neither side has closed, cut ones too.
func (n *Network) Live() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.conns)
}

// resolve understands an address: an IP address, "localhost" or nothing, and a port.
func resolve(addr string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return netip.AddrPort{}, err
	}
	switch host {
	case "":
		host = "0.0.0.0"
	case "localhost":
		host = "127.0.0.1"
	}
	ap, err := netip.ParseAddrPort(net.JoinHostPort(host, port))
	if err != nil {
		return ap, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return ap, nil
}

// Listen listens at an address; port 0 stands for a free one.
func (n *Network) Listen(addr string) (net.Listener, error) {
	ap, err := resolve(addr)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Err: err}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if ap.Port() == 0 {
		n.port++
		ap = netip.AddrPortFrom(ap.Addr(), n.port)
	}
	l := &listener{n: n, addr: ap, came: make(chan *conn, 128), closed: make(chan struct{})}
	if n.listeners[ap] != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: l.Addr(), Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}
	}
	n.listeners[ap] = l
	return l, nil
}

// Dial connects to an address, which takes one way there and back.
func (n *Network) Dial(ctx context.Context, addr string) (net.Conn, error) {
	ap, err := resolve(addr)
	if err == nil {
		err = n.travel(ctx)
	}
	var c *conn
	if err == nil {
		c, err = n.connect(ap)
	}
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(ap), Err: err}
	}
	return c, nil
}

// travel waits for as long as a packet takes there and back.
func (n *Network) travel(ctx context.Context) error {
	n.mu.Lock()
	t := time.NewTimer(n.delay[Up] + n.delay[Down])
	n.mu.Unlock()
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		n.mu.Lock()
		frozen, thawed := n.frozen, n.thawed
		n.mu.Unlock()
		if !frozen {
			return ctx.Err()
		}
		select {
		case <-thawed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// connect makes a connection and hands its other end to the listener.
func (n *Network) connect(to netip.AddrPort) (*conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.listeners[to]
	if l == nil {
		l = n.listeners[netip.AddrPortFrom(netip.IPv4Unspecified(), to.Port())]
	}
	if l == nil || n.refusing || len(l.came) == cap(l.came) {
		return nil, os.NewSyscallError("connect", syscall.ECONNREFUSED)
	}
	n.port++
	here := net.TCPAddrFromAddrPort(netip.AddrPortFrom(to.Addr(), n.port))
	if to.Addr().IsUnspecified() {
		to = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), to.Port())
		here = net.TCPAddrFromAddrPort(netip.AddrPortFrom(to.Addr(), n.port))
	}
	there := net.TCPAddrFromAddrPort(to)
	var pipes [2]*pipe
	for way := range pipes {
		chance := rand.New(rand.NewPCG(n.seed, uint64(n.nth)<<2|uint64(way)))
		pipes[way] = &pipe{n: n, room: n.buffer, delay: n.delay[way], jitter: n.jitter, chance: chance, cutAt: -1, changed: make(chan struct{})}
	}
	c := &conn{n: n, in: pipes[Down], out: pipes[Up], local: here, remote: there}
	c.other = &conn{n: n, in: pipes[Up], out: pipes[Down], local: there, remote: here, other: c}
	pipes[Up].conn, pipes[Down].conn = c, c
	n.conns[c] = c.other
	if n.plan != nil {
		for _, cut := range n.plan(n.nth, rand.New(rand.NewPCG(n.seed, uint64(n.nth)<<2|2))) {
			if p := pipes[cut.Way]; p.cutAt < 0 || cut.After < p.cutAt {
				p.cutAt, p.how = cut.After, cut.How
			}
		}
	}
	n.nth++
	for _, p := range pipes {
		p.cutIfDue()
	}
	l.came <- c.other // there is room, and whoever sends holds the lock
	return c, nil
}

// listener is where dials arrive.
type listener struct {
	n      *Network
	addr   netip.AddrPort
	came   chan *conn
	closed chan struct{}
	once   sync.Once
}

// Accept returns the next connection, or net.ErrClosed once the listener is closed.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case <-l.closed:
	default:
		select {
		case c := <-l.came:
			return c, nil
		case <-l.closed:
		}
	}
	return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
}

// Close refuses further dials and resets the connections that nobody has accepted.
func (l *listener) Close() error {
	err := errors.New("closed twice")
	l.once.Do(func() {
		err = nil
		close(l.closed)
		l.n.mu.Lock()
		defer l.n.mu.Unlock()
		delete(l.n.listeners, l.addr)
		for len(l.came) > 0 {
			c := <-l.came
			c.end(true)
		}
	})
	if err != nil {
		return &net.OpError{Op: "close", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
	}
	return nil
}

// Addr is the address with the port that was given.
func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.addr) }
