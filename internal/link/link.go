// Package link is one TCP connection until it dies: whole frames in, whole frames out, what the kernel knows
// of it, and why it ended.
//
// The rules that it keeps:
//
//  1. One goroutine reads and one writes. The reader never writes, so two saturated sides cannot wait for
//     each other. Any goroutine may look, close or abort.
//  2. Only whole frames. A batch goes out in one system call; a frame that could be sent only in part ends
//     the link, and nothing follows it.
//  3. A link is never repaired. What comes after it is another link.
//  4. Written is not reached. A message has reached the peer's TCP when [Link.Acked] is at or past the
//     position that [Link.Write] returned for it. That figure is never too high.
//  5. The first cause is the cause. What happens to a connection that is already over changes nothing.
//  6. A figure that the system does not offer is absent, never invented.
//
// The package does not dial or listen, does not retry, keeps no queue, chooses no codec, logs nothing and
// starts no goroutine of its own.
package link

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"tincan/codec"
)

// The clocks of a link. They are variables so that tests need not wait.
var (
	keepIdle    = 15 * time.Second // silence before the first keepalive probe
	keepBetween = 5 * time.Second  // between probes
	keepCount   = 6                // unanswered probes: a dead idle peer is noticed after 45 s
	userTimeout = 45 * time.Second // how long written bytes may stay unacknowledged
	patience    = 10 * time.Second // how long Write waits for a peer that takes nothing
	lingerFor   = 1 * time.Second  // how long Close waits for written bytes to be acknowledged
	calmAfter   = 1 * time.Second  // silence after which a grown buffer is given back
)

// Link is one TCP connection with its codec.
//
//	              FIN from the peer
//	  ┌──────┐ ─────────────────────▶ ┌───────────────┐
//	  │ open │                        │ peer finished │
//	  └──────┘                        └───────────────┘
//	     │ FinishSending                      │ FinishSending
//	     ▼                                    ▼
//	┌──────────┐   FIN from the peer  ┌───────────────┐
//	│ finished │ ────────────────────▶│ both finished │
//	└──────────┘                      └───────────────┘
//
//	from each of them: Close, Abort, reset, timeout, a peer that does not read ──▶ ended (Done, End)
//
// Ended means that the cause is known and nothing more is written. What had arrived before can still be read,
// unless it was Close or Abort that ended the link. A link holds its socket until Close or Abort: the owner
// must call one of them, as for a file, and lets the reader come to its error first if it wants all that came.
type Link struct {
	// Set by New.
	conn  net.Conn        // what frames are read from and written to
	wire  *wire           // counts the bytes; above or beneath conn
	tls   secure          // nil: not encrypted
	raw   net.Conn        // the lowest connection that is known
	tcp   tcpConn         // nil: not TCP, or hidden in another type
	rc    syscall.RawConn // tcp's; nil without
	exact bool            // wire counts what TCP counts, so Acked can be known

	// Any goroutine.
	codec       atomic.Pointer[codec.Codec]
	framesIn    atomic.Int64
	framesOut   atomic.Int64
	acked       atomic.Int64 // the highest position known to be acknowledged
	ackKnown    atomic.Bool
	peerDone    atomic.Bool  // the peer's FIN was read
	finished    atomic.Bool  // FinishSending was called
	ended       atomic.Bool  // end is set and done closed
	released    atomic.Bool  // Close or Abort was called
	interrupted atomic.Bool  // Interrupt was called and Read has not said so
	crowded     atomic.Bool  // its unfinished message was given up
	holds       atomic.Bool  // it has taken from the pot
	since       atomic.Int64 // when it began to wait for the rest of a message, as Unix nanoseconds; 0: it does not
	done        chan struct{}

	mu       sync.Mutex
	end      End
	final    *TCP  // the last figures
	bad      error // the codec error that Read met
	readCtx  watch
	writeCtx watch
	buf      buffer // changed by the reader only, under mu
	will     int    // the size that the pot has granted for the frame that is arriving

	// The reader.
	reading <-chan struct{} // Done of the context that readCtx follows
	using   *codec.Codec    // the codec that seen and bad belong to
	seen    codec.Seen      // what Decode knows of the bytes of buf that became no frame
	frames  []codec.Frame   // what the last Read returned
	over    error           // the stream is at its end: what Read returns when nothing is left
	rest    restIs          // what the bytes are that are left then
	armed   bool            // the read deadline is in the future and was set by arm
	dirty   bool            // the read deadline is not zero
	drain   time.Time       // the link ended while reading: how long to go on at most

	// The writer.
	writing <-chan struct{} // Done of the context that writeCtx follows
	begun   int             // frames of the last Write that may have gone out
}

// New takes over conn: a TCP connection, TLS over one, or one in memory. On TCP it sets NODELAY, keepalive and,
// where the system has one, a limit of 45 s for bytes that are not acknowledged.
//
// TLS must be past its handshake and belongs over [Count], so that positions are TCP's:
// New(tls.Client(Count(conn), config), c). Over a bare
// connection positions count plain text, and Acked is unknown. A type that embeds *net.TCPConn is TCP too; for one
// that hides it, everything that needs the socket is absent.
func New(conn net.Conn, c codec.Codec) *Link {
	l := &Link{conn: conn, raw: conn, done: make(chan struct{})}
	for below := true; below; {
		switch x := l.raw.(type) {
		case *wire:
			l.wire, l.raw = x, x.Conn
		case secure:
			l.tls, l.raw = x, x.NetConn()
		default:
			below = false
		}
	}
	if l.wire == nil {
		l.wire = newWire(conn)
		if l.tls != nil {
			l.wire.plain, l.wire.resumable = true, false
		}
		l.conn = l.wire
	}
	l.exact = !l.wire.plain
	if l.tcp, _ = l.raw.(tcpConn); l.tcp != nil {
		l.tcp.SetNoDelay(true)
		l.tcp.SetKeepAliveConfig(net.KeepAliveConfig{
			Enable: true, Idle: keepIdle, Interval: keepBetween, Count: keepCount,
		})
		if rc, err := l.tcp.SyscallConn(); err == nil {
			l.rc = rc
			setUserTimeout(rc, userTimeout)
		}
	}
	l.codec.Store(&c)
	return l
}

// SetPatience sets how long Write waits for a peer that takes nothing; it is 10 s otherwise. Call it before the
// first Read and Write.
func (l *Link) SetPatience(d time.Duration) { l.wire.patience = d }

// SetCodec changes the codec from here on. It is safe at any time: a Read that waits looks at the bytes it holds
// again, with the new codec. A Read that is decoding at this moment may still return frames of the old one.
func (l *Link) SetCodec(c codec.Codec) {
	l.codec.Store(&c)
	l.wakeReader()
}

// Codec returns the codec that is in use.
func (l *Link) Codec() codec.Codec { return *l.codec.Load() }

// Sent returns the write position: how many bytes TCP has been given, TLS and its handshake included.
func (l *Link) Sent() int64 { return l.wire.out.Load() }

// Acked returns how many of the bytes of Sent the peer's TCP has acknowledged. Known is false where that cannot
// be learned. After Close it is the last figure.
func (l *Link) Acked() (pos int64, known bool) {
	if l.exact && l.rc != nil {
		// Sent is read before the queue and our FIN is known before it too, so the result can only be too low.
		sent, fin := l.Sent(), l.wire.fin.Load()
		if queued, ok := sendQueue(l.rc, fin); ok {
			l.raiseAcked(sent - queued)
		}
	}
	return l.acked.Load(), l.ackKnown.Load()
}

// raiseAcked notes that the peer's TCP has acknowledged everything before pos.
func (l *Link) raiseAcked(pos int64) {
	for {
		old := l.acked.Load()
		if pos <= old || l.acked.CompareAndSwap(old, pos) {
			break
		}
	}
	l.ackKnown.Store(true)
}

// Held says how much of a frame has arrived and how much it will be: "37 of 120 bytes". Want is 0 when the codec
// cannot know.
func (l *Link) Held() (have, want int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	held := l.buf.held()
	if len(held) == 0 {
		return 0, 0
	}
	return (*l.codec.Load()).Progress(held)
}

// Done is closed when the link has ended.
func (l *Link) Done() <-chan struct{} { return l.done }

// End says who ended the link and how. It is zero until Done is closed.
func (l *Link) End() End {
	if !l.ended.Load() {
		return End{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end
}
