package tincan

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tincan/internal/journal"
	"tincan/internal/link"
)

// listener is one listening socket and the goroutine that accepts.
type listener struct {
	n       *Node
	id      string
	addr    *address // with the real port
	ln      net.Listener
	tls     *tls.Config
	room    *room // the shared room; nil: each link has its own
	refused atomic.Int64
	done    chan struct{}
	once    sync.Once
}

// Listen binds a socket and accepts links until StopListening. It returns once bound; the result's Addr has
// the real port.
func (n *Node) Listen(ctx context.Context, addr string) (ListenerStatus, error) {
	a, err := parseAddress(addr, toListen)
	if err != nil {
		return ListenerStatus{}, err
	}
	l := &listener{n: n, addr: a, done: make(chan struct{})}
	if a.tls != nil {
		if l.tls, err = a.tls.config(toListen, ""); err != nil {
			return ListenerStatus{}, err
		}
	}
	if l.ln, err = (&net.ListenConfig{}).Listen(ctx, "tcp", a.hostport()); err != nil {
		return ListenerStatus{}, listenError(a, err)
	}
	_, a.port, _ = net.SplitHostPort(l.ln.Addr().String())
	if a.room != "" {
		rec, err := n.journal.MakeRoom(ctx, journal.Room{Name: a.room, Shared: true, Codec: a.codecName(), Encoding: a.enc})
		if err != nil {
			l.ln.Close()
			return ListenerStatus{}, journalError(err)
		}
		l.room = n.use(rec)
	}
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		l.ln.Close()
		return ListenerStatus{}, ErrClosed
	}
	n.nextID++
	l.id = "t" + strconv.Itoa(n.nextID)
	n.listeners[l.id] = l
	n.wg.Add(1)
	n.mu.Unlock()
	n.note(Event{Kind: EventListening, Addr: l.ln.Addr().String(), Listener: l.id, Peer: n.nativePeer(a), Codec: a.codecName()}, l.room)
	go l.accept()
	return l.status(0), nil
}

// StopListening closes a listener. Its links go on.
func (n *Node) StopListening(_ context.Context, id string) error {
	n.mu.Lock()
	l := n.listeners[id]
	n.mu.Unlock()
	if l == nil {
		return fail(CodeNotFound, nil, say("there is no listener %s", id), say("`tincan status` lists what there is"))
	}
	l.stop()
	return nil
}

func (l *listener) stop() {
	l.once.Do(func() {
		l.ln.Close()
		<-l.done
		l.n.mu.Lock()
		delete(l.n.listeners, l.id)
		l.n.mu.Unlock()
		l.n.note(Event{Kind: EventStopped, Addr: l.ln.Addr().String(), Listener: l.id}, nil)
		if l.room != nil {
			l.room.leave()
		}
	})
}

func (l *listener) accept() {
	defer l.n.wg.Done()
	defer close(l.done)
	told := false // of an error, since the last connection
	for {
		conn, err := l.ln.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // out of file descriptors, or the peer left before we came: try again in a while
			if !told {
				told = true
				l.n.trouble(fail(CodeInternal, err, say("accepting on %s: %v", l.ln.Addr(), err),
					say("if there are too many open files, raise the limit (ulimit -n)")), nil)
			}
			select {
			case <-time.After(200 * time.Millisecond):
			case <-l.n.ctx.Done():
				return
			}
			continue
		}
		told = false
		host := hostOf(conn.RemoteAddr().String())
		if why := l.n.admit(host); why != "" {
			l.refuse(conn, why)
			continue
		}
		l.n.mu.Lock()
		closed := l.n.closed
		if !closed {
			l.n.wg.Add(1)
		}
		l.n.mu.Unlock()
		if closed {
			conn.Close()
			l.n.left(host)
			return
		}
		go l.serve(conn, host)
	}
}

// tlsTime bounds a TLS handshake.
const tlsTime = 10 * time.Second

// serve makes a connection a link. The link runs on a goroutine of its own, whose stack is as small as they come; this
// one, whose stack has grown, ends.
func (l *listener) serve(conn net.Conn, host string) {
	linked := l.greet(conn)
	l.n.wg.Done() // the link has its own count
	if linked == nil {
		l.n.left(host)
		return
	}
	go linked.run()
}

// runner is a link: a member or a session.
type runner interface{ run() }

// greet makes an accepted connection a link: a native one if its first bytes are those of TLS and the listener speaks
// both. It returns nil when none came of it.
func (l *listener) greet(conn net.Conn) runner {
	if l.addr.scheme == "tincan" {
		return l.welcome(conn)
	}
	if l.addr.native != nil {
		var hello bool
		if conn, hello = peek(conn); hello {
			return l.welcome(conn)
		}
	}
	if m := l.greetPlain(conn); m != nil {
		return m
	}
	return nil
}

// greetPlain makes a connection a plain link, after its TLS handshake if there is one. Few are recorded at a time, as
// that needs deep stacks; those that wait for their turn have small ones.
func (l *listener) greetPlain(conn net.Conn) *member {
	if l.tls != nil {
		if conn = l.secure(conn); conn == nil {
			return nil
		}
	}
	l.n.recorders <- struct{}{}
	m := l.record(conn)
	<-l.n.recorders
	return m
}

// secure does the TLS handshake; nil when it failed.
func (l *listener) secure(conn net.Conn) net.Conn {
	tc := tls.Server(link.Count(conn), l.tls)
	ctx, cancel := context.WithTimeout(l.n.ctx, tlsTime)
	defer cancel()
	if err := tc.HandshakeContext(ctx); err != nil {
		l.refuse(conn, "TLS: "+err.Error())
		return nil
	}
	return tc
}

// record gives a connection its room and makes it a link.
func (l *listener) record(conn net.Conn) *member {
	peer := "tcp:" + conn.RemoteAddr().String()
	r := l.room
	if r == nil {
		rec, err := l.n.journal.NewRoom(l.n.ctx, journal.Room{Name: peer, Codec: l.addr.codecName(), Encoding: l.addr.enc})
		if err != nil {
			l.n.trouble(err, nil)
			l.refuse(conn, "its messages could not be stored")
			return nil
		}
		r = l.n.use(rec)
		defer r.leave()
	}
	m, err := l.n.attach(l.n.ctx, newcomer{conn: conn, room: r, peer: peer, codec: l.addr.codec, listener: l})
	if err != nil {
		conn.Close()
		if !errors.Is(err, ErrClosed) {
			l.n.trouble(err, r)
		}
		return nil
	}
	return m
}

// status is a snapshot; links is how many live links it accepted.
func (l *listener) status(links int) ListenerStatus {
	s := ListenerStatus{ID: l.id, Addr: l.ln.Addr().String(), URL: l.addr.String(), Codec: l.addr.codecName(), Room: l.addr.room,
		Links: links, Refused: l.refused.Load(), Admit: l.admits()}
	ap, err := netip.ParseAddrPort(s.Addr)
	if err != nil {
		return s
	}
	if !ap.Addr().IsUnspecified() {
		s.Reach = []string{s.Addr}
		return s
	}
	for _, ip := range machineAddrs() {
		s.Reach = append(s.Reach, net.JoinHostPort(ip, l.addr.port))
	}
	return s
}

// machineAddrs are this machine's addresses that others can dial, IPv4 first, loopback last.
func machineAddrs() []string {
	as, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var v4, v6, lo []string
	for _, a := range as {
		p, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		switch ip := p.Addr(); {
		case ip.IsLoopback():
			lo = append(lo, ip.String())
		case ip.IsLinkLocalUnicast():
		case ip.Is4():
			v4 = append(v4, ip.String())
		default:
			v6 = append(v6, ip.String())
		}
	}
	return append(append(v4, v6...), lo...)
}

func hostOf(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		return hostport
	}
	return host
}

// addrPort is the address as the kernel names it; every address when the host is a name.
func (a *address) addrPort(port int) netip.AddrPort {
	ip, err := netip.ParseAddr(a.host)
	if err != nil {
		ip = netip.IPv6Unspecified()
	}
	return netip.AddrPortFrom(ip, uint16(port))
}

// listenError says why a socket could not be bound, and what to do.
func listenError(a *address, err error) error {
	port, _ := strconv.Atoi(a.port)
	switch link.DialReason(err) {
	case "address in use":
		text, hint := say("port %s is in use", a.port), phrase{}
		if name, pid, ok := link.Owner(a.addrPort(port)); ok {
			text = say("port %s is in use by %s (pid %d)", a.port, name, pid)
		}
		if free := link.FreePort(a.host, port+1); free != 0 {
			hint = say("next free: %d", free)
		}
		return fail(CodeInUse, err, text, hint)
	case "permission":
		return fail(CodeRefused, err, say("port %s is privileged", a.port), say("use a port above 1023"))
	case "address not available":
		return fail(CodeUnreachable, err, say("%s is not an address of this machine", a.host), say("this machine has %s", strings.Join(machineAddrs(), ", ")))
	case "name not found":
		return fail(CodeUnreachable, err, say("no address found for %q", a.host), say("listen on an address of this machine, or leave the host out for all of them"))
	}
	return fail(CodeUnreachable, err, say("cannot listen on %s: %v", a.hostport(), err), say("check the network and the address"))
}
