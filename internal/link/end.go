package link

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"tincan/codec"
)

// Reason says how a link ended, in words that do not change. It is an error, so that an owner with a reason of its
// own can say Close(Reason("replaced")).
type Reason string

const (
	PeerClosed   Reason = "peer closed"   // FIN
	PeerReset    Reason = "reset by peer" // RST
	TimedOut     Reason = "timed out"     // nothing answered: keepalive, user timeout, retransmissions
	ClosedHere   Reason = "closed here"   // Close
	Aborted      Reason = "aborted here"  // Abort
	Malformed    Reason = "malformed"     // the bytes broke the codec's rules
	TooLarge     Reason = "too large"     // a frame over the codec's limit
	Crowded      Reason = "crowded out"   // its unfinished message held memory that others needed
	NotReading   Reason = "not reading"   // the peer's TCP answers, its program takes nothing
	Unreachable  Reason = "unreachable"   // the network says that there is no way
	TLSFailed    Reason = "tls failed"    // handshake or record refused, by one side or the other
	NetworkError Reason = "network error" // anything else; End.Err says what
)

func (r Reason) Error() string { return string(r) }

// By says who ended a link.
type By string

const (
	Peer    By = "peer"
	Here    By = "here"
	Network By = "network"
)

// End is the end of a link: who and how. It is the error that Read and Write return once the link has ended.
type End struct {
	Reason Reason
	By     By
	Err    error // what the system or the owner said; may be nil
	At     time.Time
}

func (e End) Error() string {
	if e.Err == nil || e.Err == error(e.Reason) {
		return string(e.Reason)
	}
	return fmt.Sprintf("%s: %v", e.Reason, e.Err)
}

func (e End) Unwrap() error { return e.Err }

// String is one sentence for people, without a full stop.
func (e End) String() string {
	switch e.Reason {
	case PeerClosed:
		switch {
		case errors.Is(e.Err, io.ErrUnexpectedEOF):
			return "the peer closed the connection (FIN) without the goodbye of TLS"
		case among(e.Err, errnoReset), among(e.Err, errnoBroken):
			return "the peer closed the connection (FIN) and then refused what was sent to it (RST)"
		}
		return "the peer closed the connection (FIN)"
	case PeerReset:
		return "the peer reset the connection (RST)"
	case TimedOut:
		return "the peer did not answer in time"
	case ClosedHere:
		return "closed here (FIN)"
	case Aborted:
		return "aborted here (RST)"
	case Malformed, TooLarge:
		return fmt.Sprintf("closed here because of what the peer sent: %v", e.Err)
	case Crowded:
		return fmt.Sprintf("closed here because %v", e.Err)
	case NotReading:
		return "closed here because the peer's program does not read"
	case Unreachable:
		return "the network has no way to the peer"
	case TLSFailed:
		if e.By == Peer {
			return fmt.Sprintf("the peer refused TLS: %v", e.Err)
		}
		return fmt.Sprintf("TLS failed here: %v", e.Err)
	case "":
		return ""
	}
	return e.Error()
}

// among says whether err is one of list.
func among(err error, list []error) bool {
	for _, e := range list {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// blame turns an error of the connection into a reason.
func (l *Link) blame(err error) (Reason, By) {
	var op *net.OpError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe):
		return PeerClosed, Peer
	case among(err, errnoBroken):
		// The kernel says so to a writer whose peer had closed before.
		return PeerClosed, Peer
	case among(err, errnoReset):
		if l.peerDone.Load() {
			return PeerClosed, Peer
		}
		return PeerReset, Peer
	case among(err, errnoTimeout):
		return l.unanswered()
	case among(err, errnoUnreachable):
		return Unreachable, Network
	case errors.Is(err, net.ErrClosed):
		return ClosedHere, Here
	case errors.As(err, &op) && op.Op == "remote error":
		return TLSFailed, Peer
	case l.tls != nil && !isSystem(err):
		return TLSFailed, Here
	}
	return NetworkError, Network
}

// isSystem says whether err comes from below TLS.
func isSystem(err error) bool {
	var sys *os.SyscallError
	return errors.As(err, &sys)
}

// stalled says why nothing could be written for the whole of the link's patience.
func (l *Link) stalled() (Reason, By) {
	if l.rc != nil && unheard(l.rc) >= l.wire.patience {
		return TimedOut, Network
	}
	return NotReading, Here
}

// unanswered says why the kernel gave up. Linux also gives up when the peer's window has been closed for the user
// timeout although the peer answers each probe.
func (l *Link) unanswered() (Reason, By) {
	t := l.figures()
	if t.LastAckMS != nil && *t.LastAckMS < userTimeout.Milliseconds()*9/10 &&
		t.SendWindow != nil && t.SendMSS != nil && *t.SendWindow < *t.SendMSS &&
		t.NotSent != nil && *t.NotSent > 0 {
		return NotReading, Here
	}
	return TimedOut, Network
}

// cause turns what an owner gives to Close or Abort into an end.
func cause(err error, reason Reason) End {
	e := End{Reason: reason, By: Here, Err: err}
	var own Reason
	var bad *codec.Error
	switch {
	case errors.As(err, &e):
	case errors.As(err, &own):
		e.Reason = own
	case errors.As(err, &bad):
		e.Reason = reasonOf(bad, reason)
	}
	return e
}

// reasonOf is the reason that a codec's error gives.
func reasonOf(err *codec.Error, otherwise Reason) Reason {
	switch err.Kind {
	case codec.Malformed:
		return Malformed
	case codec.TooLarge:
		return TooLarge
	}
	return otherwise
}

// finish ends the link, if it has not ended, and returns its end.
func (l *Link) finish(e End) End {
	if l.ended.Load() {
		return l.End()
	}
	t := l.figures()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended.Load() {
		return l.end
	}
	if e.Reason == ClosedHere || e.Reason == Aborted {
		// The owner closes because of something that the reader met before.
		var bad *codec.Error
		switch {
		case l.peerDone.Load():
			e.Reason, e.By = PeerClosed, Peer
		case errors.As(l.bad, &bad):
			e.Reason, e.Err = reasonOf(bad, e.Reason), l.bad
		}
	}
	e.At = time.Now()
	l.end, l.final = e, &t
	l.ended.Store(true)
	close(l.done)
	return e
}
