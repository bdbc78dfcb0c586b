package link

import (
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"tincan/codec"
)

// learner writes one byte more for each frame once it has learned something, as a codec does that is still chosen.
type learner struct {
	lines
	learned *atomic.Bool
}

func (c learner) Append(dst []byte, f codec.Frame) ([]byte, error) {
	if c.learned.Load() {
		dst = append(dst, ' ')
	}
	return c.lines.Append(dst, f)
}

// What a codec would write now does not tell what it wrote then: the peer may have all of it.
func TestBegunOfCodecThatLearns(t *testing.T) {
	var fs []codec.Frame
	for range 100 {
		fs = append(fs, frame(strings.Repeat("x", 9))) // 10 bytes with their end
	}
	for _, test := range []struct {
		learns bool
		begun  int
	}{{false, 90}, {true, 100}} {
		synctest.Test(t, func(t *testing.T) {
			here, there := net.Pipe()
			c := learner{learned: new(atomic.Bool)}
			l := New(here, c)
			l.wire.resumable = true
			done := make(chan error)
			go func() { _, err := l.Write(t.Context(), fs...); done <- err }()
			io.ReadFull(there, make([]byte, 900))
			c.learned.Store(test.learns)
			there.Close()
			if err := <-done; err == nil || l.Begun() != test.begun {
				t.Errorf("learns %t: %v, begun %d, want %d", test.learns, err, l.Begun(), test.begun)
			}
			l.Close(nil)
		})
	}
}
