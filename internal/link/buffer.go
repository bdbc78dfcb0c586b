package link

import "math"

const (
	small  = 256       // a buffer that waits
	busy   = 256 << 10 // a buffer that is filled again and again; only a frame that needs more gets more
	review = 64        // reads after which a buffer is asked whether it is still needed
	hasty  = 16        // the same for one that is larger than busy
)

// buffer holds the bytes that arrived and became no frame yet: b[r:w]. It grows while reads fill it, and as a
// frame arrives, never because a length was announced.
type buffer struct {
	b     []byte
	r, w  int
	full  bool // the last read left no space
	peak  int  // the most that was in it since the last review
	reads int  // since the last review
}

func (b *buffer) held() []byte { return b.b[b.r:b.w] }

// space returns room for at least one byte, or nil if the buffer is full and may not grow. What was taken from the
// front before is overwritten. want is how many bytes the frame that is arriving will have, 0 if nobody knows; may is
// asked before the buffer grows, and told whether the frame needs it.
func (b *buffer) space(want int, may func(size int, needed bool) bool) []byte {
	held := b.w - b.r
	if b.r > 0 {
		copy(b.b, b.held())
		b.r, b.w = 0, held
	}
	size := len(b.b)
	switch {
	case size == 0:
		size = small
	case held == size:
		more := 2 * size
		if want > size && want < more {
			more = want
		}
		if !may(more, true) {
			return nil
		}
		size = more
	case b.full && size < busy && may(2*size, false):
		size *= 2
	case b.reads >= review, b.reads >= hasty && size > busy:
		for size > small && b.peak <= size/4 {
			size /= 2
		}
		b.reads, b.peak = 0, 0
	}
	b.resize(size)
	return b.b[b.w:]
}

// filled says that n bytes were put into the space.
func (b *buffer) filled(n int) {
	b.w += n
	b.full = b.w == len(b.b)
	b.peak = max(b.peak, b.w)
	b.reads++
}

// take removes the first n bytes. They stay readable until the next call of space, fit or prepend.
func (b *buffer) take(n int) { b.r += n }

// grown says that the buffer is larger than one that waits needs to be.
func (b *buffer) grown() bool { return len(b.b) > small }

// fit gives back what is not needed to hold what is held.
func (b *buffer) fit() {
	size := small
	for size < b.w-b.r {
		size *= 2
	}
	if size < len(b.b) {
		b.resize(size)
	}
	b.reads, b.peak, b.full = 0, 0, false
}

func (b *buffer) resize(size int) {
	if size == len(b.b) {
		return
	}
	n := make([]byte, size)
	b.r, b.w = 0, copy(n, b.held())
	b.b = n
}

// prepend puts p before what is held; p may be part of the buffer.
func (b *buffer) prepend(p []byte) {
	if len(p) <= b.r && cap(p) > 0 && &p[0] == &b.b[b.r-len(p)] {
		b.r -= len(p) // back where they came from
		return
	}
	size := max(len(b.b), small)
	for size < len(p)+b.w-b.r {
		size *= 2
	}
	n := make([]byte, size)
	w := copy(n, p)
	w += copy(n[w:], b.held())
	b.b, b.r, b.w = n, 0, w
}

// bound is how much may be held without a frame: a codec whose largest body is limit needs at most twice as much
// on the wire (SLIP, with every byte escaped), and its framing.
func bound(limit int) int {
	const framing = 4096
	if limit > (math.MaxInt-framing)/2 {
		return math.MaxInt
	}
	return 2*limit + framing
}
