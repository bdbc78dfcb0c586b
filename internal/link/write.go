package link

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tincan/codec"
)

// chunk is how many encoded bytes one system call carries, give or take a frame.
const chunk = 256 << 10

// ErrFinished is what Write returns after FinishSending.
var ErrFinished = errors.New("sending was finished")

// FrameError says which frame of a Write has no encoding. The frames before it are written; it and those after it
// are not, and the link goes on.
type FrameError struct {
	Index int
	Err   error // a *codec.Error
}

func (e *FrameError) Error() string { return fmt.Sprintf("frame %d: %v", e.Index, e.Err) }
func (e *FrameError) Unwrap() error { return e.Err }

// buffers holds encoding buffers, small and large. A link has one only while it writes; but a peer that takes nothing
// makes it write for long, so what is small must not sit in a large one.
var buffers [2]sync.Pool

// little is what a small buffer may hold.
const little = 32 << 10

// borrow returns a buffer for about size bytes, and what gives it back.
func borrow(size int) (b []byte, giveBack func([]byte)) {
	pool, most := &buffers[0], 2*little
	if size > little {
		pool, most = &buffers[1], 2*chunk
	}
	held, _ := pool.Get().(*[]byte)
	if held == nil || cap(*held) > 4*max(size, little) {
		b := make([]byte, 0, size+size/8)
		held = &b
	}
	return (*held)[:0], func(b []byte) {
		if cap(b) <= most {
			*held = b
			pool.Put(held)
		}
	}
}

// Write encodes frames and sends them, in one system call unless they are larger than 256 KiB, and returns the
// write position behind them: the last frame has reached the peer's TCP when Acked is there.
//
// A peer that takes nothing for 10 s ends the link (NotReading; TimedOut if nothing answers at all). So does
// every other error, with three exceptions, which return that error alone: a frame that has no encoding
// (*FrameError), ErrFinished, and a ctx that was done before anything was written. A ctx that is done later ends
// the link too, because a part of a frame is out (with TLS or on Windows: may be out).
//
// After an error Begun says which frames the peer may have. Only one goroutine may write.
func (l *Link) Write(ctx context.Context, frames ...codec.Frame) (pos int64, err error) {
	l.begun = 0
	switch {
	case l.ended.Load():
		return l.Sent(), l.End()
	case l.finished.Load():
		return l.Sent(), ErrFinished
	case ctx.Err() != nil:
		return l.Sent(), ctx.Err()
	}
	if done := ctx.Done(); done != l.writing {
		l.writing = done
		if done == nil {
			l.wire.ctx.Store(nil)
		} else {
			kept := ctx
			l.wire.ctx.Store(&kept)
		}
		l.follow(&l.writeCtx, ctx, l.wire.wake)
	}
	c := *l.codec.Load()
	size := 0
	for i := range frames {
		size += len(frames[i].Body)
	}
	b, giveBack := borrow(size)
	defer func() { giveBack(b) }()

	start, n := l.Sent(), 0
	for i := range frames {
		var bad error
		if b, bad = c.Append(b, frames[i]); bad != nil {
			err = &FrameError{Index: i, Err: bad}
			break
		}
		if n++; len(b) >= chunk && i+1 < len(frames) {
			if err := l.send(c, b, frames[l.begun:i+1], start); err != nil {
				return l.Sent(), err
			}
			b, n = b[:0], 0
		}
	}
	if n > 0 {
		if err := l.send(c, b, frames[l.begun:l.begun+n], start); err != nil {
			return l.Sent(), err
		}
	}
	return l.Sent(), err
}

// Begun returns how many frames of the last Write, from its first on, may have gone out, the last of them perhaps
// in part. After an error the peer may have these; the others never left. Only the writer may call it.
func (l *Link) Begun() int { return l.begun }

// count notes which frames of a system call that failed are out, when out bytes of size are.
func (l *Link) count(c codec.Codec, frames []codec.Frame, out, size int64) {
	switch {
	case !l.exact, !l.wire.resumable, out > 0 && l.tls != nil: // the bytes do not tell
		l.begun += len(frames)
		return
	}
	var b []byte
	begun := 0
	for i := range frames {
		b, _ = c.Append(b[:0], frames[i])
		if size -= int64(len(b)); out > 0 {
			begun++
		}
		out -= int64(len(b))
	}
	if size != 0 { // the codec has learned meanwhile, and would write them in another way
		begun = len(frames)
	}
	l.begun += begun
}

// send writes whole frames, which b holds encoded. start is where the position was when the batch began.
func (l *Link) send(c codec.Codec, b []byte, frames []codec.Frame, start int64) error {
	before := l.Sent()
	_, err := l.conn.Write(b)
	if err == nil {
		l.framesOut.Add(int64(len(frames)))
		l.begun += len(frames)
		return nil
	}
	l.count(c, frames, l.Sent()-before, int64(len(b)))
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		if l.tls == nil && l.wire.resumable && l.Sent() == start {
			return err
		}
		return l.fail(End{Reason: ClosedHere, By: Here, Err: err})
	case errors.Is(err, errStalled):
		reason, by := l.stalled()
		return l.fail(End{Reason: reason, By: by, Err: err})
	}
	if among(err, errnoBroken) && !l.peerDone.Load() {
		// The kernel tells of a reset once. If that was to the reader, its word is better.
		select {
		case <-l.done:
		case <-time.After(verdict):
		}
	}
	reason, by := l.blame(err)
	return l.fail(End{Reason: reason, By: by, Err: err})
}

// verdict is how long the writer waits for the reader, or the reader for the writer, to say why the connection is broken.
// It knows already: this is for a machine that is busy.
const verdict = 3 * time.Second

// fail ends the link from the writer's side. What has arrived is left to the reader.
func (l *Link) fail(e End) error {
	e = l.finish(e)
	l.wakeReader()
	return e
}

// FinishSending tells the peer that nothing more comes: FIN, and the goodbye of TLS before it. Reading goes on.
// Connections that cannot close one direction return errors.ErrUnsupported. Only the writer may call it.
func (l *Link) FinishSending() error {
	if l.ended.Load() {
		return l.End()
	}
	if l.finished.Swap(true) {
		return nil
	}
	if l.tls != nil {
		if err := l.tls.CloseWrite(); err != nil {
			return fmt.Errorf("finish TLS: %w", err)
		}
	}
	err := l.fin()
	if errors.Is(err, errors.ErrUnsupported) && l.tls == nil {
		l.finished.Store(false)
	}
	return err
}

// fin sends FIN.
func (l *Link) fin() error {
	if !l.wire.plain {
		return l.wire.CloseWrite()
	}
	c, ok := l.raw.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	err := c.CloseWrite()
	if err == nil {
		l.wire.fin.Store(true)
	}
	return err
}
