package tincan

import (
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

// settleAfter is how long auto waits for more bytes when those that came fit several codecs.
const settleAfter = 300 * time.Millisecond

// auto is the codec of a link whose peer has not spoken yet: its first bytes choose dotnet, lines or raw.
type auto struct {
	again func() // has the link look once more at the bytes it holds

	mu     sync.Mutex
	chosen codec.Codec // nil until the peer spoke, or we did
	choice string
	timer  *time.Timer
	final  bool // no more came for a while: decide
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
	if a.chosen == nil {
		a.chosen, a.choice = lines, choiceAssumed
	}
	c := a.chosen
	a.mu.Unlock()
	return c.Append(dst, f)
}

func (a *auto) Decode(src []byte, seen *codec.Seen) (codec.Frame, int, error) {
	a.mu.Lock()
	if a.choice == choiceUndecided || a.choice == choiceAssumed {
		if len(src) == 0 {
			a.mu.Unlock()
			return codec.Frame{}, 0, nil
		}
		if codec.IsTLSHello(src) {
			a.mu.Unlock()
			return codec.Frame{}, 0, &codec.Error{Kind: codec.Malformed, Codec: "auto", Reason: "the peer speaks TLS, this listener is plain",
				Hint: "listen on tls+lines://…?cert=FILE&key=FILE"}
		}
		c, ok := codec.Auto(src, a.final || len(src) >= 1<<20)
		if !ok {
			if a.timer == nil && a.again != nil {
				a.timer = time.AfterFunc(settleAfter, a.settle)
			}
			a.mu.Unlock()
			return codec.Frame{}, 0, nil
		}
		a.chosen, a.choice = c, choiceDetected
		if a.timer != nil {
			a.timer.Stop()
		}
		*seen = codec.Seen{}
	}
	c := a.chosen
	a.mu.Unlock()
	return c.Decode(src, seen)
}

// conclude decides by what came before the end of the stream, if nothing was decided yet.
func (a *auto) conclude(src []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c, ok := codec.Auto(src, true); ok && (a.choice == choiceUndecided || a.choice == choiceAssumed) {
		a.chosen, a.choice = c, choiceDetected
	}
}

func (a *auto) settle() {
	a.mu.Lock()
	a.final = true
	a.mu.Unlock()
	a.again()
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
