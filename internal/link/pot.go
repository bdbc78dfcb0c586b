package link

import (
	"fmt"
	"sync"
	"time"
)

// The pot is what the buffers of all links may take together, beyond what each has for itself: so that many peers
// which leave large messages unfinished cannot take all memory. A link whose message needs more than is left waits,
// and through TCP its peer; when the pot stays empty, the message that has been unfinished for longest is given up.
// Of those that wait, the message that began last is served first, so that a crowd which sends nothing more does not
// stand in the way of who sends.
var pot struct {
	mu      sync.Mutex
	used    int
	holders map[*Link]int // what each has taken
	leaving int           // links that were given up and are not closed yet

	next *Link     // who is served first of those that wait: the one whose message began last
	seen time.Time // when it asked last
}

// Variables, so that tests need not fill them.
var (
	potSize = 32 << 20
	ripe    = 1 * time.Second // a message that is younger is not given up
)

const (
	ownSize = 16 << 10 // what each link's buffer may take without asking
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
	if want := max(size-ownSize, 0); want > mine && (others > 0 && others+want > most || needed && !l.first()) {
		return false
	}
	if pot.next == l {
		pot.next = nil
	}
	if needed {
		l.since.Store(time.Now().UnixNano()) // its time runs from here: it may have waited for others
	}
	l.account(size)
	return true
}

// first says whether no other link that waits comes before this one. The caller holds pot.mu.
func (l *Link) first() bool {
	return pot.next == nil || pot.next == l || time.Since(pot.seen) > 5*potWait || l.since.Load() >= pot.next.since.Load()
}

// queue notes that a link waits.
func (l *Link) queue() {
	l.since.CompareAndSwap(0, time.Now().UnixNano())
	pot.mu.Lock()
	defer pot.mu.Unlock()
	if l.first() {
		pot.next, pot.seen = l, time.Now()
	}
}

// hold notes the size that the buffer has now, or will have when the frame that is arriving is whole.
func (l *Link) hold() {
	if size := max(len(l.buf.b), l.will); !l.crowded.Load() && !l.released.Load() && (size > ownSize || l.holds.Load()) {
		pot.mu.Lock()
		l.account(size)
		pot.mu.Unlock()
	}
}

// account notes what a buffer of size takes. The caller holds pot.mu.
func (l *Link) account(size int) {
	want := max(size-ownSize, 0)
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

// crowd gives up the message that has been unfinished for longest, if that is long enough. One at a time: what it
// held counts until its owner has closed it.
func crowd() {
	pot.mu.Lock()
	if pot.leaving > 0 {
		pot.mu.Unlock()
		return
	}
	var oldest *Link
	for l := range pot.holders {
		if since := l.since.Load(); since != 0 && (oldest == nil || since < oldest.since.Load()) {
			oldest = l
		}
	}
	if oldest == nil || time.Now().UnixNano()-oldest.since.Load() < int64(ripe) {
		pot.mu.Unlock()
		return
	}
	pot.leaving++
	oldest.crowded.Store(true)
	held := pot.holders[oldest] + ownSize
	pot.mu.Unlock()
	oldest.fail(End{Reason: Crowded, By: Here, Err: fmt.Errorf("an unfinished message of %d bytes held memory that others need", held)})
}

// leave gives back all that a link took.
func (l *Link) leave() {
	if !l.holds.Load() && !l.crowded.Load() {
		return
	}
	pot.mu.Lock()
	defer pot.mu.Unlock()
	l.account(0)
	if l.crowded.Swap(false) {
		pot.leaving--
	}
}
