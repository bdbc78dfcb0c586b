package link

import (
	"fmt"
	"sync"
	"time"
)

// The pot is what the buffers of all links may take together, beyond what each has for itself: so that many peers
// which leave large messages unfinished cannot take all memory. A link whose message needs more than is left waits,
// and through TCP its peer; when the pot stays empty, the message that has been unfinished for longest is given up.
var pot struct {
	mu      sync.Mutex
	used    int
	holders map[*Link]int // what each has taken
}

// Variables, so that tests need not fill them.
var (
	potSize = 64 << 20
	ripe    = 1 * time.Second // a message that is younger is not given up
)

const (
	ownSize = 64 << 10 // what each link's buffer may take without asking
	potWait = 20 * time.Millisecond
)

// afford takes what a buffer of size needs. Growth that only saves system calls leaves half of the pot to messages.
// The largest holder may always be the only one.
func (l *Link) afford(size int, needed bool) bool {
	most := potSize
	if !needed {
		most /= 2
	}
	pot.mu.Lock()
	defer pot.mu.Unlock()
	mine := pot.holders[l]
	others := pot.used - mine
	if want := max(size-ownSize, 0); want > mine && others > 0 && others+want > most {
		return false
	}
	l.account(size)
	return true
}

// hold notes the size that the buffer has now.
func (l *Link) hold() {
	if size := len(l.buf.b); size > ownSize || l.holds.Load() {
		pot.mu.Lock()
		l.account(size)
		pot.mu.Unlock()
	}
}

// account notes what a buffer of size takes. The caller holds pot.mu.
func (l *Link) account(size int) {
	want := max(size-ownSize, 0)
	if l.ended.Load() {
		want = 0
	}
	pot.used += want - pot.holders[l]
	if want == 0 {
		delete(pot.holders, l)
	} else {
		if pot.holders == nil {
			pot.holders = map[*Link]int{}
		}
		pot.holders[l] = want
	}
	l.holds.Store(want > 0)
}

// crowd gives up the message that has been unfinished for longest, if that is long enough.
func crowd() {
	var oldest *Link
	now := time.Now().UnixNano()
	pot.mu.Lock()
	for l := range pot.holders {
		if since := l.since.Load(); since != 0 && now-since >= int64(ripe) && (oldest == nil || since < oldest.since.Load()) {
			oldest = l
		}
	}
	held := pot.holders[oldest]
	pot.mu.Unlock()
	if oldest == nil {
		return
	}
	oldest.crowded.Store(true)
	oldest.fail(End{Reason: Crowded, By: Here, Err: fmt.Errorf("an unfinished message of %d bytes and more held memory that others need", held+ownSize)})
	pot.mu.Lock()
	oldest.account(0)
	pot.mu.Unlock()
}
