package tincan

import (
	"errors"
	"fmt"
	"time"

	"tincan/internal/link"
	"tincan/internal/wire"
)

// verdict is how a session ended, as the dialler needs to know it.
type verdict struct {
	code   wire.Code // of CLOSE, whoever sent it; CodeBye if there was none
	closed bool      // there was a CLOSE
	ours   bool      // we sent it
	retry  time.Duration
	reason string // short and stable
	detail string // a sentence
	hint   phrase
}

// verdict reads the end off the link and the CLOSE frames. The link has ended.
func (s *session) verdict() verdict {
	end := s.link.End()
	s.mu.Lock()
	told, said, closed := s.told, s.closing, s.closed
	s.mu.Unlock()
	var ce *closeError
	v := verdict{reason: string(end.Reason), detail: end.String(), hint: endHint(end)}
	switch {
	case told != nil:
		v = verdict{code: told.Code, closed: true, retry: time.Duration(told.Retry) * time.Millisecond, reason: told.Code.String()}
		v.detail = "the peer closed: " + words(told)
	case said != nil && (closed || errors.As(end.Err, &ce)):
		v = verdict{code: said.Code, closed: true, ours: true, retry: time.Duration(said.Retry) * time.Millisecond, reason: said.Code.String()}
		v.detail = "closed here: " + words(said)
		if said.Code == wire.CodeBye {
			v.reason = string(link.ClosedHere)
		}
	case end.Reason == link.NotReading:
		v.code = wire.CodeNotReading
	}
	switch {
	case v.hint.format != "":
	case v.code == wire.CodeUnknownKey && v.retry > 0:
		v.hint = say("wait for the operator there to let this key in, or ask for a ticket")
	default:
		v.hint = codeHint(v.code)
	}
	return v
}

// words are a close code with the reason that came with it, which is the peer's text.
func words(c *wire.CloseBody) string {
	if c.Reason == "" || c.Reason == c.Code.String() {
		return c.Code.String()
	}
	return c.Code.String() + " (" + c.Reason + ")"
}

// codeHint is the next step after a close code.
func codeHint(c wire.Code) phrase {
	switch c {
	case wire.CodeReplaced:
		return say("another program uses the same key: end it, or give each its own folder with --data")
	case wire.CodeStorage:
		return say("the peer cannot store anything now; what waits here goes when it can")
	case wire.CodeUnknownKey:
		return say("ask for a ticket: `tincan ticket` on the host prints one")
	case wire.CodeBlocked:
		return say("the host has blocked this key")
	case wire.CodePairing:
		return say("ask for a new code: `tincan code` on the host prints one")
	case wire.CodeKeyDiffers:
		return say("compare the fingerprints with the peer before anything else")
	case wire.CodeUnsupported:
		return say("use the same version of tincan at both ends")
	case wire.CodeNotReading:
		return say("the program at the other end must read; what it did not take is kept here")
	}
	return phrase{}
}

// end records how the session ended.
func (s *session) end() {
	n := s.n
	v := s.verdict()
	st := s.link.State()
	s.rec.Ended, s.rec.Reason = s.link.End().At.UTC(), v.reason
	s.rec.MessagesIn, s.rec.MessagesOut, s.rec.BytesIn, s.rec.BytesOut = st.FramesIn, st.FramesOut, st.BytesIn, st.BytesOut
	lived := s.rec.Ended.Sub(s.rec.Began)
	s.rec.Detail = fmt.Sprintf("%s after %s; %d frames and %d bytes in, %d frames and %d bytes out", v.detail, lived.Round(time.Millisecond),
		st.FramesIn, st.BytesIn, st.FramesOut, st.BytesOut)
	if s.listener != nil {
		n.left(s.host)
	}
	n.forgetSession(s)
	n.log.Info("link ended", "link", s.id, "peer", s.peer, "reason", v.reason, "detail", s.rec.Detail)
	if s.announced.Load() {
		n.journal.EndLink(s.rec)
	}
	s.side.over(v, lived, Event{Kind: EventDisconnected, Link: s.id, Peer: s.peer, Name: s.name, Local: s.rec.Local, Remote: s.rec.Remote,
		Reason: v.reason, Detail: s.rec.Detail, Hint: v.hint.in("en"), Code: int(v.code)})
	close(s.done)
}
