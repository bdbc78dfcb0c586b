package link

import (
	"context"
	"errors"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// secure is TLS: *tls.Conn.
type secure interface {
	net.Conn
	NetConn() net.Conn
	CloseWrite() error
}

// tcpConn is *net.TCPConn, or a type that embeds it.
type tcpConn interface {
	net.Conn
	syscall.Conn
	CloseWrite() error
	SetKeepAliveConfig(net.KeepAliveConfig) error
	SetLinger(sec int) error
	SetNoDelay(noDelay bool) error
}

const (
	// looks is how many times Write looks for progress within its patience: with 8, a peer that takes nothing for
	// 10 s is noticed after at most 11.25 s.
	looks = 8
	// piece is what is written at once where a write that timed out cannot be continued.
	piece = 64 << 10
)

// resumable says that a write which timed out tells how much went out. Windows does not when it cancels one.
var resumable = runtime.GOOS != "windows"

// errStalled says that the peer took nothing for as long as Write was willing to wait.
var errStalled = errors.New("the peer takes nothing")

// past is a deadline that wakes whoever waits.
var past = time.Unix(1, 0)

// wire counts the bytes that pass and owns the write deadline. It lies directly over the socket.
type wire struct {
	net.Conn
	base      time.Time
	patience  time.Duration
	plain     bool // Conn counts plain text: TLS lies beneath
	resumable bool // a write that timed out can be continued

	in      atomic.Int64
	out     atomic.Int64
	last    atomic.Int64 // when the last byte came in, after base
	fin     atomic.Bool  // our FIN is in the send queue or beyond
	gen     atomic.Int64 // raised to interrupt the writes under way
	until   atomic.Int64 // no write waits beyond this, after base; 0 is no limit
	closing atomic.Bool  // until can only become earlier
	ctx     atomic.Pointer[context.Context]
}

// Count wraps a connection that TLS is to run over, so that the link can count the bytes of TCP: use
// tls.Client(Count(conn), config).
func Count(conn net.Conn) net.Conn { return newWire(conn) }

func newWire(conn net.Conn) *wire {
	return &wire{Conn: conn, base: time.Now(), patience: patience, resumable: resumable}
}

func (w *wire) now() time.Duration { return time.Since(w.base) }

// silence is the time since the last byte came in.
func (w *wire) silence() time.Duration { return w.now() - time.Duration(w.last.Load()) }

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if n > 0 {
		w.in.Add(int64(n))
		w.last.Store(int64(w.now()))
	}
	return n, err
}

// Write returns when all of p is written, when nothing of it has been taken for the patience of the link
// (errStalled), when its context is done, or when it is interrupted (net.ErrClosed).
func (w *wire) Write(p []byte) (int, error) {
	gen := w.gen.Load()
	done := 0
	progress := w.now()
	for {
		next, wait := p[done:], w.patience/looks
		if !w.resumable {
			next, wait = next[:min(len(next), piece)], w.patience
		}
		deadline := w.now() + wait
		limit := time.Duration(w.until.Load())
		if limit != 0 {
			deadline = min(deadline, limit)
		}
		// Whoever wants to stop this write says so first and then moves the deadline into the past. So it is
		// either seen here or wakes the write.
		if err := w.Conn.SetWriteDeadline(w.base.Add(deadline)); err != nil {
			return done, err
		}
		if err := w.stopped(gen); err != nil {
			return done, err
		}
		n, err := w.Conn.Write(next)
		done += n
		w.out.Add(int64(n))
		if err == nil && done < len(p) {
			progress = w.now()
			continue
		}
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return done, err
		}
		if err := w.stopped(gen); err != nil {
			return done, err
		}
		now := w.now()
		if n > 0 {
			progress = now
		}
		switch {
		case limit != 0 && now >= limit:
			return done, os.ErrDeadlineExceeded
		case now-progress >= w.patience, !w.resumable:
			return done, errStalled
		}
	}
}

// stopped says why a write that began in generation gen must not go on.
func (w *wire) stopped(gen int64) error {
	if w.gen.Load() != gen {
		return net.ErrClosed
	}
	if ctx := w.ctx.Load(); ctx != nil {
		return (*ctx).Err()
	}
	return nil
}

// interrupt ends the writes that are under way. Later ones may wait until limit from now.
func (w *wire) interrupt(limit time.Duration) {
	w.closing.Store(true)
	w.until.Store(int64(w.now() + limit))
	w.gen.Add(1)
	w.wake()
}

// wake makes a write that waits look whether it is still wanted.
func (w *wire) wake() { w.Conn.SetWriteDeadline(past) }

// SetWriteDeadline bounds the writes besides the link's patience: a handshake, the goodbye of TLS. Once the link
// is closing it can only shorten what is left.
func (w *wire) SetWriteDeadline(t time.Time) error {
	at := int64(0)
	if !t.IsZero() {
		at = max(int64(t.Sub(w.base)), 1)
	}
	for {
		old := w.until.Load()
		if w.closing.Load() && (at == 0 || old != 0 && old <= at) {
			return nil
		}
		if w.until.CompareAndSwap(old, at) {
			break
		}
	}
	if at == 0 {
		return nil // the next write sets its own
	}
	return w.Conn.SetWriteDeadline(t)
}

func (w *wire) SetDeadline(t time.Time) error {
	w.SetWriteDeadline(t)
	return w.Conn.SetReadDeadline(t)
}

// CloseWrite sends FIN.
func (w *wire) CloseWrite() error {
	c, ok := w.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	err := c.CloseWrite()
	if err == nil {
		w.fin.Store(true)
	}
	return err
}

// watch wakes a goroutine that waits in Read or Write when its context is done.
type watch struct {
	stop func() bool
	turn int
}

// follow makes w watch ctx instead of what it watched. The caller holds mu, under which wake will be called, so
// nothing that is done later can still wake for an earlier context.
func (w *watch) follow(ctx context.Context, mu *sync.Mutex, wake func()) {
	w.quit()
	if ctx.Done() == nil {
		return
	}
	turn := w.turn
	w.stop = context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		if w.turn == turn {
			wake()
		}
	})
}

// quit ends the watch. The caller holds the same lock.
func (w *watch) quit() {
	if w.stop != nil {
		w.stop()
	}
	w.stop = nil
	w.turn++
}
