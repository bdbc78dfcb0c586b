package link

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"tincan/codec"
)

const (
	batch     = 4096                  // frames of one Read
	drainFor  = 1 * time.Second       // how long Read goes on after the link ended under it
	drainStep = 10 * time.Millisecond // and how long it waits for bytes then
)

// restIs says what the bytes are that are held when the stream ends.
type restIs uint8

const (
	unfinished restIs = iota // part of a frame whose end is lost: for Take
	cutShort                 // all that the peer wanted to say: a partial frame
)

// errQuiet says that nothing came for the codec's Gap.
var errQuiet = errors.New("quiet")

// Read returns every whole frame that has arrived, at most max of them (0: as many as the link returns at once,
// 4,096), and waits for at least one. The frames alias the link's memory until the next Read, Prepend or Take.
//
// When the peer has finished (FIN), Read returns the frames that came before, then what is left as one partial
// frame (a whole one, if the codec ends frames by silence), then io.EOF; the link can still write. When ctx is
// done it returns ctx's error and loses nothing; the next Read goes on. Bytes that the codec refuses are a
// *codec.Error, after the frames before them; the link has not ended then: Read says the same again until the
// codec is changed, the bytes are taken away or the owner closes. Every other error is the link's [End].
//
// After Interrupt it returns ErrInterrupted once and loses nothing.
//
// Only one goroutine may read.
func (l *Link) Read(ctx context.Context, max int) ([]codec.Frame, error) {
	if max <= 0 || max > batch {
		max = batch
	}
	l.heed(ctx)
	for {
		if fs, err := l.look(max); fs != nil || err != nil {
			return fs, err
		}
		switch err := l.fill(ctx); {
		case err == errQuiet:
			if l.flush(false) {
				return l.frames, nil
			}
		case err != nil:
			return nil, err
		}
	}
}

// heed has ctx wake the reader.
func (l *Link) heed(ctx context.Context) {
	if done := ctx.Done(); done != l.reading {
		l.reading = done
		l.follow(&l.readCtx, ctx, l.wakeReader)
	}
}

// look returns the frames that the bytes held make, or why there will be none; neither: more bytes are needed.
func (l *Link) look(max int) ([]codec.Frame, error) {
	if l.released.Load() {
		return nil, l.End()
	}
	if l.interrupted.Swap(false) {
		return nil, ErrInterrupted
	}
	if err := l.decode(max); len(l.frames) > 0 || err != nil {
		return l.frames, err
	}
	if l.over != nil {
		if l.rest == cutShort && l.flush(true) {
			return l.frames, nil
		}
		return nil, l.over
	}
	return nil, nil
}

// ErrInterrupted is what Read returns once after Interrupt.
var ErrInterrupted = errors.New("reading was interrupted")

// Interrupt makes the Read under way, or else the next one, return ErrInterrupted. Any goroutine may call it.
func (l *Link) Interrupt() {
	l.interrupted.Store(true)
	l.wakeReader()
}

// Prepend puts b back in front of the bytes that are held, to be decoded again. It ends the life of the frames
// that Read returned. Only the reader may call it.
func (l *Link) Prepend(b []byte) {
	if len(b) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf.prepend(b)
	l.hold()
	l.seen, l.bad = codec.Seen{}, nil
}

// Take removes and returns the bytes that are held and became no frame; there are at most about twice as many as
// the codec's limit. Only the reader may call it, after Read failed.
func (l *Link) Take() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	held := bytes.Clone(l.buf.held())
	l.buf, l.will = buffer{}, 0
	l.hold()
	l.seen, l.bad = codec.Seen{}, nil
	return held
}

// decode puts the frames of the bytes held into l.frames. An error comes after the frames before it.
func (l *Link) decode(max int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frames = l.frames[:0]
	current := l.codec.Load()
	if current != l.using {
		l.using, l.seen, l.bad = current, codec.Seen{}, nil
	}
	if l.bad != nil {
		return l.bad
	}
	c := *current
	src := l.buf.held()
	for len(l.frames) < max && len(src) > 0 {
		if l.seen.Bytes == len(src) {
			break // nothing new
		}
		f, n, err := c.Decode(src, &l.seen)
		if err != nil {
			l.bad = err
			break
		}
		if n == 0 {
			l.seen.Bytes = len(src)
			if l.seen.Bytes >= bound(c.Limit()) {
				l.bad = &codec.Error{Kind: codec.TooLarge, Codec: c.String(),
					Reason: fmt.Sprintf("%d bytes arrived and no message ended", l.seen.Bytes)}
			}
			break
		}
		l.frames = append(l.frames, f)
		src = src[n:]
		l.buf.take(n)
		l.seen = codec.Seen{}
	}
	if n := len(l.frames); n > 0 {
		l.framesIn.Add(int64(n))
		l.since.Store(0)
		l.will = 0
		return nil
	}
	return l.bad
}

// flush makes one frame of all that is held; false if there is nothing.
func (l *Link) flush(end bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	held := l.buf.held()
	if len(held) == 0 {
		return false
	}
	f := codec.Frame{Body: held, Wire: held, Partial: true}
	if q, ok := (*l.using).(codec.Quiet); ok {
		f = q.Flush(held)
	} else if !end {
		return false
	}
	l.buf.take(len(held))
	l.seen = codec.Seen{}
	l.frames = append(l.frames[:0], f)
	l.framesIn.Add(1)
	l.since.Store(0)
	l.will = 0
	return true
}

// fill waits for bytes and puts them into the buffer. A nil error also means that there is a reason to look at
// what is held again. A silent link waits in here: what is not waiting lives in functions of its own, so that the
// stack of its goroutine stays as small as they come.
func (l *Link) fill(ctx context.Context) error {
	for {
		p, quiet, err := l.ready(ctx)
		if p == nil {
			return err
		}
		n, err := l.conn.Read(p)
		if n > 0 {
			l.filled(n)
			return nil
		}
		if err != nil {
			if again, err := l.failed(err, quiet); !again {
				return err
			}
		}
	}
}

// ready sets the deadline of the next read and returns where its bytes go, and when silence makes a frame of what is
// held; nil when there is something else to do first, or when err says why not.
func (l *Link) ready(ctx context.Context) (p []byte, quiet time.Time, err error) {
	quiet = l.arm()
	// Whoever wakes the reader changes something that diverted sees and then moves the deadline into the past. So
	// it is seen here, or the read that follows returns at once.
	if other, err := l.diverted(ctx); other {
		return nil, quiet, err
	}
	if p = l.space(); p == nil {
		l.starve()
	}
	return p, quiet, nil
}

// diverted says whether there is something else to do than to read.
func (l *Link) diverted(ctx context.Context) (bool, error) {
	if l.released.Load() {
		return true, l.End()
	}
	if l.reading != nil {
		if err := ctx.Err(); err != nil {
			return true, err
		}
	}
	if l.codec.Load() != l.using || l.interrupted.Load() {
		return true, nil
	}
	if l.crowded.Load() {
		<-l.done // at once
		l.over = l.End()
		return true, nil
	}
	return false, nil
}

// starve waits a moment for memory, unless the link has ended.
func (l *Link) starve() {
	if l.ended.Load() {
		l.over = l.End()
		return
	}
	l.queue()
	crowd()
	select {
	case <-l.done:
	case <-time.After(potWait):
	}
}

// filled notes that n bytes came.
func (l *Link) filled(n int) {
	l.mu.Lock()
	l.buf.filled(n)
	l.mu.Unlock()
}

// failed judges the error of a read that brought nothing. again: it only gave the reader a look around.
func (l *Link) failed(err error, quiet time.Time) (again bool, _ error) {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		l.stop(err)
		return false, nil
	}
	l.armed, l.dirty = false, true
	switch now := time.Now(); {
	case !quiet.IsZero() && !now.Before(quiet):
		return false, errQuiet
	case !l.drain.IsZero():
		l.over = l.End()
		return false, nil
	case !l.shaken():
		l.stop(err) // a handshake that was interrupted cannot go on
		return false, nil
	case l.wire.silence() >= calmAfter:
		l.calm()
	}
	return true, nil
}

// space returns where the next bytes go; nil if there is no memory for them now.
func (l *Link) space() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	const page = 4 << 10
	want := 0
	if held := l.buf.held(); len(held) == len(l.buf.b) && len(held) >= ownSize {
		_, want = (*l.using).Progress(held)
		want = (want + page - 1) &^ (page - 1)
	}
	p := l.buf.space(want, func(size int, needed bool) bool {
		if needed {
			size = max(size, want) // all that it needs, or two could wait for each other
		}
		if size <= ownSize {
			return true
		}
		if !l.afford(size, needed) {
			return false
		}
		if needed {
			l.will = size
		}
		return true
	})
	l.hold()
	if l.holds.Load() && len(l.buf.held()) > 0 && l.since.Load() == 0 {
		l.since.Store(time.Now().UnixNano())
	}
	return p
}

// arm sets the read deadline that this wait needs. If bytes are held that become a frame by silence, it returns
// when they do.
func (l *Link) arm() (quiet time.Time) {
	var deadline time.Time
	q, isQuiet := (*l.using).(codec.Quiet)
	switch {
	case l.ended.Load():
		now := time.Now()
		if l.drain.IsZero() {
			l.drain = now.Add(drainFor)
		}
		deadline = now.Add(drainStep)
		if deadline.After(l.drain) {
			deadline = l.drain
		}
	case isQuiet && l.buf.w > l.buf.r:
		// Bytes may be waiting in the kernel even though the time is over: look once.
		deadline = l.wire.base.Add(time.Duration(l.wire.last.Load())).Add(q.Gap())
		if soon := time.Now().Add(time.Millisecond); deadline.Before(soon) {
			deadline = soon
		}
		quiet = deadline
	case l.buf.grown() || cap(l.frames) > 16:
		if l.armed {
			return
		}
		deadline = time.Now().Add(calmAfter)
	case !l.dirty:
		return
	}
	l.armed, l.dirty = !deadline.IsZero() && quiet.IsZero(), !deadline.IsZero()
	l.raw.SetReadDeadline(deadline)
	return quiet
}

// calm gives back the memory of a busy time.
func (l *Link) calm() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf.fit()
	l.hold()
	l.frames = nil
}

// stop notes that nothing more will come.
func (l *Link) stop(err error) {
	if errors.Is(err, io.EOF) {
		if l.broken() {
			l.over = l.finish(End{Reason: PeerReset, By: Peer})
			return
		}
		l.peerDone.Store(true)
		l.rest, l.over = cutShort, io.EOF
		if l.ended.Load() {
			l.over = l.End()
		}
		return
	}
	reason, by := l.blame(err)
	if reason == PeerClosed {
		l.peerDone.Store(true)
		l.rest = cutShort
	}
	l.over = l.finish(End{Reason: reason, By: by, Err: err})
}

// broken says that an end of the stream was no FIN but a reset that the kernel has told to the writer, and it tells
// each once. The writer is about to say so, and knows it best.
func (l *Link) broken() bool {
	if l.rc == nil || l.wire.fin.Load() {
		return false
	}
	if s := l.figures().State; s == nil || *s != "CLOSE" {
		return false
	}
	select {
	case <-l.done:
	case <-time.After(verdict):
	}
	return true
}

// shaken says whether TLS, if any, is past its handshake.
func (l *Link) shaken() bool {
	t, ok := l.tls.(*tls.Conn)
	return !ok || t.ConnectionState().HandshakeComplete
}

// wakeReader makes a Read that waits look whether something has changed.
func (l *Link) wakeReader() { l.raw.SetReadDeadline(past) }

// follow makes w watch ctx, unless the link is closed.
func (l *Link) follow(w *watch, ctx context.Context, wake func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.released.Load() {
		return
	}
	w.follow(ctx, &l.mu, wake)
}
