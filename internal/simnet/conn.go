package simnet

import (
	"io"
	"math/rand/v2"
	"net"
	"os"
	"syscall"
	"time"
)

// pipe is one direction of a connection. Everything in it is under Network.mu.
type pipe struct {
	n      *Network
	conn   *conn // who dialled
	room   int   // how many bytes it holds
	delay  time.Duration
	jitter time.Duration
	chance *rand.Rand

	under   []piece // under way or arrived, oldest first
	held    int     // bytes in under, and those that are lost and nobody has acknowledged
	sent    int64   // bytes that went in
	cutAt   int64   // the cut comes when so many were sent; negative: none
	how     How
	latest  time.Time // when the last byte arrives
	end     error     // what the reader gets after everything: io.EOF or a reset
	endAt   time.Time
	silent  bool          // nothing that is written arrives, and nobody says so
	deaf    bool          // the next write is taken and lost, and breaks the pipe
	broken  error         // what a write fails with
	changed chan struct{} // closed at the next change

	readUntil, writeUntil time.Time // deadlines
}

// piece is what one write brought.
type piece struct {
	b  []byte
	at time.Time // when it arrives
}

// change wakes who waits.
func (p *pipe) change() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// arrival is when what is sent now arrives.
func (p *pipe) arrival() time.Time {
	at := time.Now().Add(p.delay)
	if p.jitter > 0 {
		at = at.Add(time.Duration(p.chance.Int64N(int64(p.jitter))))
	}
	if at.Before(p.latest) {
		at = p.latest
	}
	p.latest = at
	return at
}

// finish has the reader come to an end after what is under way.
func (p *pipe) finish(end error) {
	if p.silent {
		return
	}
	if p.end == nil {
		p.endAt = p.arrival()
	}
	p.end = end
	p.change()
}

// shut has the writer fail: with err, or after one more write that is lost when err is nil.
func (p *pipe) shut(err error) {
	if p.silent || p.broken != nil {
		return
	}
	p.deaf, p.broken = err == nil, err
	p.change()
}

// cutIfDue cuts the connection when the bytes of its plan have gone through.
func (p *pipe) cutIfDue() bool {
	if p.cutAt < 0 || p.sent < p.cutAt {
		return false
	}
	p.cutAt = -1
	p.conn.cut(p.how)
	return true
}

// wait waits for a change or an instant, without the lock, and returns an error when the deadline has passed.
func (p *pipe) wait(until, deadline time.Time) error {
	if !deadline.IsZero() && !deadline.After(time.Now()) {
		return os.ErrDeadlineExceeded
	}
	if until.IsZero() || !deadline.IsZero() && deadline.Before(until) {
		until = deadline
	}
	changed, thawed := p.changed, p.n.thawed
	if !p.n.frozen {
		thawed = nil
	}
	var timer <-chan time.Time
	if !until.IsZero() {
		t := time.NewTimer(time.Until(until))
		defer t.Stop()
		timer = t.C
	}
	p.n.mu.Unlock()
	defer p.n.mu.Lock()
	select {
	case <-changed:
	case <-thawed:
	case <-timer:
	}
	return nil
}

// conn is one end of a connection.
type conn struct {
	n             *Network
	other         *conn
	in, out       *pipe
	local, remote *net.TCPAddr
	closed        bool
	abort         bool // Close resets
}

var (
	wasReset = os.NewSyscallError("read", syscall.ECONNRESET)
	isBroken = os.NewSyscallError("write", syscall.EPIPE)
)

// cut ends both directions.
func (c *conn) cut(how How) {
	for _, p := range []*pipe{c.in, c.out} {
		switch how {
		case FIN:
			p.finish(io.EOF)
			p.shut(nil)
		case RST:
			p.finish(wasReset)
			p.shut(wasReset)
		case Silence:
			p.silent = true
			p.change()
		}
	}
}

func (c *conn) fail(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}

// Read reads what has arrived.
func (c *conn) Read(b []byte) (int, error) {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	n, err := c.read(b)
	return n, c.fail("read", err)
}

func (c *conn) read(b []byte) (int, error) {
	p := c.in
	for {
		if c.closed {
			return 0, net.ErrClosed
		}
		if !p.readUntil.IsZero() && !p.readUntil.After(time.Now()) {
			return 0, os.ErrDeadlineExceeded
		}
		if len(b) == 0 {
			return 0, nil
		}
		var next time.Time
		switch now := time.Now(); {
		case p.n.frozen:
		case len(p.under) > 0:
			if next = p.under[0].at; !next.After(now) {
				return p.take(b, now), nil
			}
		case p.end != nil:
			if next = p.endAt; !next.After(now) {
				return 0, p.end
			}
		}
		if err := p.wait(next, p.readUntil); err != nil {
			return 0, err
		}
	}
}

// take moves what has arrived into b.
func (p *pipe) take(b []byte, now time.Time) (n int) {
	for len(p.under) > 0 && n < len(b) && !p.under[0].at.After(now) {
		k := copy(b[n:], p.under[0].b)
		n += k
		if p.under[0].b = p.under[0].b[k:]; len(p.under[0].b) == 0 {
			p.under = p.under[1:]
		}
	}
	p.held -= n
	p.change()
	return n
}

// Write returns when all of b is in the buffer, or lost as in a kernel's.
func (c *conn) Write(b []byte) (int, error) {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	n, err := c.write(b)
	return n, c.fail("write", err)
}

func (c *conn) write(b []byte) (n int, err error) {
	p := c.out
	for {
		switch {
		case n == len(b) && n > 0:
			return n, nil
		case c.closed:
			return n, net.ErrClosed
		case !p.writeUntil.IsZero() && !p.writeUntil.After(time.Now()):
			return n, os.ErrDeadlineExceeded
		case p.broken != nil:
			return n, p.broken
		case len(b) == 0:
			return 0, nil
		case p.deaf: // the other side answers this with a reset
			p.shut(isBroken)
			if c.in.end == nil {
				c.in.finish(wasReset)
			}
			return len(b), nil
		}
		k := min(len(b)-n, p.room-p.held)
		if k <= 0 {
			if err := p.wait(time.Time{}, p.writeUntil); err != nil {
				return n, err
			}
			continue
		}
		if p.cutAt >= 0 {
			k = int(min(int64(k), p.cutAt-p.sent))
		}
		if !p.silent {
			p.under = append(p.under, piece{b: append([]byte(nil), b[n:n+k]...), at: p.arrival()})
		}
		n, p.held, p.sent = n+k, p.held+k, p.sent+int64(k)
		p.change()
		if p.cutIfDue() && !p.silent {
			n += min(len(b)-n, p.room-p.held) // taken, and lost
		}
	}
}

// Close closes with FIN, or with RST after SetLinger(0).
func (c *conn) Close() error {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	if c.closed {
		return c.fail("close", net.ErrClosed)
	}
	c.end(c.abort)
	return nil
}

// end closes this end. The caller holds Network.mu.
func (c *conn) end(abort bool) {
	c.closed = true
	delete(c.n.conns, c)
	delete(c.n.conns, c.other)
	if abort {
		c.out.finish(wasReset)
		c.in.shut(wasReset)
	} else if c.out.end == nil {
		c.out.finish(io.EOF)
	}
	c.in.shut(nil)
	if !c.in.silent {
		c.in.under, c.in.held = nil, 0
	}
	c.in.change()
	c.out.change()
}

// CloseWrite sends FIN.
func (c *conn) CloseWrite() error {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	if c.closed {
		return c.fail("close", net.ErrClosed)
	}
	if c.out.end == nil {
		c.out.finish(io.EOF)
	}
	if c.out.deaf = false; c.out.broken == nil {
		c.out.broken = isBroken
		c.out.change()
	}
	return nil
}

// SetLinger with 0 has Close reset the connection.
func (c *conn) SetLinger(sec int) error {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	c.abort = sec == 0
	return nil
}

// LocalAddr is a TCP address.
func (c *conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr is a TCP address.
func (c *conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline is SetReadDeadline and SetWriteDeadline.
func (c *conn) SetDeadline(t time.Time) error {
	c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

// SetReadDeadline bounds the reads, also one that waits.
func (c *conn) SetReadDeadline(t time.Time) error { return c.setDeadline(c.in, &c.in.readUntil, t) }

// SetWriteDeadline bounds the writes, also one that waits.
func (c *conn) SetWriteDeadline(t time.Time) error { return c.setDeadline(c.out, &c.out.writeUntil, t) }

func (c *conn) setDeadline(p *pipe, which *time.Time, t time.Time) error {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	if c.closed {
		return c.fail("set", net.ErrClosed)
	}
	*which = t
	p.change()
	return nil
}
