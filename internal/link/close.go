package link

import (
	"errors"
	"os"
	"time"
)

// ending is how a socket is given back.
type ending bool

const (
	soft ending = false // FIN, and what was written goes out
	hard ending = true  // RST
)

// Close ends the link because of cause (nil: no reason but the owner's wish) and gives the socket back. The first
// cause wins: after the peer's FIN, or an error that Read or Write met, Close keeps that one. It interrupts Read
// and Write. What was written before still goes to the peer: Close sends FIN and, if the peer's TCP has not
// acknowledged everything, waits for that for at most 1 s, so that bytes which the peer is still sending cannot
// turn the close into a reset. A link that ended because its peer does not read or answer is reset.
//
// Any goroutine may call Close, more than once.
func (l *Link) Close(why error) error {
	e := l.finish(cause(why, ClosedHere))
	switch e.Reason {
	case NotReading, TimedOut:
		return l.release(hard)
	}
	return l.release(soft)
}

// Abort ends the link because of cause and resets the connection: what the peer's TCP has not acknowledged is
// thrown away. Any goroutine may call Abort, also while Close waits.
func (l *Link) Abort(why error) error {
	l.finish(cause(why, Aborted))
	return l.release(hard)
}

// release gives the socket back. Only the first call is soft; a hard one may follow and cut it short.
func (l *Link) release(how ending) error {
	first := !l.released.Swap(true)
	if first {
		l.mu.Lock()
		l.readCtx.quit()
		l.writeCtx.quit()
		l.mu.Unlock()
		l.wire.ctx.Store(nil)
		l.wire.interrupt(lingerFor)
		l.wakeReader()
		l.leave()
	}
	switch {
	case how == hard && l.tcp != nil:
		l.tcp.SetLinger(0)
	case how == soft && first:
		l.linger()
	case how == soft:
		return nil
	}
	if err := l.raw.Close(); err != nil && first {
		return err
	}
	return nil
}

// linger says goodbye and sees to it that what was written arrives.
func (l *Link) linger() {
	until := time.Now().Add(lingerFor)
	if l.tls != nil {
		l.tls.CloseWrite() // interrupt has bounded it
	}
	if l.rc == nil || l.fin() != nil {
		return
	}
	defer l.Acked() // the last figure
	// A socket that is closed while it holds unread bytes, or that receives more, answers with a reset, and a
	// reset overtakes what the peer has not read. So take the bytes in until the peer's TCP has ours.
	var scrap []byte
	for wait := time.Millisecond; time.Now().Before(until); wait = min(2*wait, 20*time.Millisecond) {
		owed, _ := sendQueue(l.rc, true)
		if n, known := recvQueue(l.rc); known && n == 0 && owed == 0 {
			return
		}
		if scrap == nil {
			scrap = make([]byte, 16<<10)
		}
		l.tcp.SetReadDeadline(time.Now().Add(wait))
		n, err := l.tcp.Read(scrap)
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) || n == 0 && owed == 0 {
			return
		}
	}
}
