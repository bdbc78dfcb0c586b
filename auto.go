package tincan

import (
	"bytes"
	"sync"
	"time"

	"tincan/codec"
)

// How the codec of a link was chosen.
const (
	choiceAddress   = "address"   // the address names it
	choiceUndecided = "undecided" // auto: the peer has said nothing yet
	choiceAssumed   = "assumed"   // auto: we spoke first, so lines; the peer's first bytes may still change it
	choiceDetected  = "detected"  // auto: the peer's first bytes fit it
	choiceByHand    = "by hand"
)

// How long auto waits for more bytes when those that came fit several codecs: since the last, and since the first.
const (
	settleAfter = 300 * time.Millisecond
	settleAll   = 3 * time.Second
)

// From how many bytes on auto looks again only when many more came, and when it waits no longer.
const (
	settleSlowly = 1 << 10
	settleAt     = 64 << 10
)

// auto is the codec of a link whose peer has not spoken yet: its first bytes choose dotnet, lines or raw.
type auto struct {
	again   func() // has the link look once more at the bytes it holds
	assumed func() // tells that we spoke first

	mu     sync.Mutex
	chosen codec.Codec // nil until the peer spoke, or we did
	choice string
	began  time.Time   // when the first bytes were looked at
	came   int         // how many there were then, and since
	looked int         // how many of them were looked at
	timer  *time.Timer // runs while bytes wait for others
	wait   codec.Wait
}

func newAuto() *auto { return &auto{choice: choiceUndecided} }

// state returns the codec's name and how it was chosen.
func (a *auto) state() (name, choice string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.chosen == nil {
		return "auto", a.choice
	}
	return a.chosen.String(), a.choice
}

func (a *auto) Append(dst []byte, f codec.Frame) ([]byte, error) {
	a.mu.Lock()
	first := a.chosen == nil
	if first {
		a.chosen, a.choice = lines, choiceAssumed
	}
	c := a.chosen
	a.mu.Unlock()
	if first && a.assumed != nil {
		a.assumed()
	}
	return c.Append(dst, f)
}

// open says that the peer's bytes have not chosen yet. The caller holds a.mu.
func (a *auto) open() bool { return a.choice == choiceUndecided || a.choice == choiceAssumed }

func (a *auto) Decode(src []byte, seen *codec.Seen) (codec.Frame, int, error) {
	a.mu.Lock()
	if a.open() {
		if codec.IsTLSHello(src) {
			a.mu.Unlock()
			return codec.Frame{}, 0, &codec.Error{Kind: codec.Malformed, Codec: "auto", Reason: "the peer speaks TLS, this listener is plain",
				Hint: "listen on tls+lines://…?cert=FILE&key=FILE"}
		}
		if !a.decide(src) {
			a.mu.Unlock()
			if seen != nil {
				seen.Bytes = len(src)
			}
			return codec.Frame{}, 0, nil
		}
		if seen != nil {
			*seen = codec.Seen{}
		}
	}
	c := a.chosen
	a.mu.Unlock()
	return c.Decode(src, seen)
}

// decide looks at the first bytes, unless few came since it last did. It is false while more bytes are needed. The
// caller holds a.mu.
func (a *auto) decide(src []byte) bool {
	n := len(src)
	if n != a.came {
		a.came = n
		if a.began.IsZero() {
			a.began = time.Now()
		}
		left := settleAll - time.Since(a.began)
		switch {
		case n >= settleAt:
			a.wait = max(a.wait, codec.Paused)
		case left > 0:
			a.wait = codec.Arriving
			a.later(min(left, settleAfter))
			if a.looked > settleSlowly && a.looked < n && n < a.looked+a.looked/16 && bytes.IndexByte(src[a.looked:], '\n') < 0 {
				return false
			}
		}
	}
	a.looked = n
	c, ok := codec.Auto(src, a.wait)
	if ok {
		a.chosen, a.choice = c, choiceDetected
		if a.timer != nil {
			a.timer.Stop()
		}
	}
	return ok
}

// later sets the timer. The caller holds a.mu.
func (a *auto) later(d time.Duration) {
	switch {
	case a.again == nil:
	case a.timer == nil:
		a.timer = time.AfterFunc(d, a.settle)
	default:
		a.timer.Reset(d)
	}
}

// settle is called when nothing came for a moment, and when all the time to wait is over.
func (a *auto) settle() {
	a.mu.Lock()
	if !a.open() {
		a.mu.Unlock()
		return
	}
	if left := settleAll - time.Since(a.began); left > 0 {
		a.wait = codec.Paused
		a.later(left)
	} else {
		a.wait = codec.Over
	}
	a.mu.Unlock()
	a.again()
}

// conclude decides by what came before the end of the stream, if nothing was decided yet; then it is true.
func (a *auto) conclude(src []byte) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.open() || len(src) == 0 {
		return false
	}
	a.wait, a.came = codec.Over, len(src)
	return a.decide(src)
}

func (a *auto) Progress(src []byte) (have, want int) {
	a.mu.Lock()
	c := a.chosen
	a.mu.Unlock()
	if c == nil {
		return len(src), 0
	}
	return c.Progress(src)
}

func (a *auto) Limit() int { return 1 << 20 }

func (a *auto) String() string { name, _ := a.state(); return name }

// lines is what a link speaks when nobody said otherwise.
var lines = mustCodec("lines")

func mustCodec(spec string) codec.Codec {
	c, err := codec.Parse(spec)
	if err != nil {
		panic("tincan: internal error: " + err.Error())
	}
	return c
}
