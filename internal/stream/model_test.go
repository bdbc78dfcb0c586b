package stream

import (
	"fmt"
	"hash/maphash"
	"os"
	"strings"
	"testing"
	"time"
)

// The model: an exhaustive search through everything that can happen to one stream between two disks, over the very
// code of this package. A state is a value; what can happen next is a list of others. In each state the invariants of
// docs/PROTOCOL.md must hold, and from each a run without faults must deliver everything.

const (
	most  = 8 // messages in a log, at the most
	queue = 3 // frames on the wire, each way
)

// content is what a log says: the ids of its messages. As a chain it is its own hash.
type content struct {
	n  uint8
	id [most]uint8
}

func (c content) add(id uint8) content { c.id[c.n] = id; c.n++; return c }
func (c content) upto(n uint8) (p content) {
	p.n = n
	copy(p.id[:n], c.id[:n])
	return p
}
func (c content) chain() (h Chain) {
	h[0] = c.n
	copy(h[1:], c.id[:])
	return h
}
func (c content) has(id uint8) bool {
	for _, x := range c.id[:c.n] {
		if x == id {
			return true
		}
	}
	return false
}

const (
	hello = iota + 1
	publish
	told  // the receiver's position
	acked // an acknowledgement
)

type frame struct {
	kind, epoch, n, id uint8
	last               uint8   // hello
	said               content // hello: the chain at base; told: that at n
}

// senderDisk and receiverDisk are what a crash leaves.
type senderDisk struct {
	epoch, base, handled uint8
	log                  content // all of this epoch, what was discarded too
}

type receiverDisk struct {
	epoch uint8
	log   content // what it holds of this epoch
	again uint8   // up to here ids are compared
	all   content // everything that it stored, of all epochs, in order
}

// world is a state.
type world struct {
	s    senderDisk
	buf  content // sent by the program, not yet synced
	r    receiverDisk
	pend content // accepted by the receiver, not yet synced: ids

	up            bool // a connection is there, as the sender sees it
	greeted       bool
	next, handled uint8
	hearing       bool    // the receiver has a greeted link
	old           bool    // that link is cut: what was under way may still arrive
	from          content // where the receiver began on this link
	life          uint8   // the epoch of that
	again         uint8
	rnext         uint8
	lastAck       uint8
	sr, rs        [queue]frame
	nsr, nrs      uint8

	used                   uint8
	accepted               uint16 // ids whose send has returned
	epochs                 uint8
	alarm                  bool // something was reported
	crashS, crashR, cuts   uint8
	snapS, snapR, restored bool
	oldS                   senderDisk
	oldR                   receiverDisk
}

// bounds say how much may happen.
type bounds struct {
	messages, crashS, crashR, cuts uint8
	restoreS, restoreR             bool
}

// model is a search with one rule broken, or none.
type model struct {
	bounds
	mutant string
}

func (m model) is(mutant string) bool { return m.mutant == mutant }

func (m model) first() world {
	return world{s: senderDisk{epoch: 1}, epochs: 1, crashS: m.crashS, crashR: m.crashR, cuts: m.cuts}
}

var sizes [most * 2]int

// sender is the real one, in the state that the world has.
func (m model) sender(w *world) *Sender {
	s := &Sender{epoch: Epoch{w.s.epoch}, base: int64(w.s.base), last: int64(w.s.log.n), handled: int64(w.handled), next: int64(w.next),
		window: 1 << 20, greeted: w.greeted}
	if m.is("wire before disk") {
		s.last += int64(w.buf.n)
	}
	for i := w.handled; i+1 < w.next; i++ {
		s.sizes = sizes[:int(i-w.handled)+1]
	}
	return s
}

func (w *world) sending(s *Sender) {
	w.handled, w.next, w.greeted = uint8(s.handled), uint8(s.next), s.greeted
}

func (w *world) cutLink() {
	w.up, w.greeted = false, false
	w.rs, w.nrs = [queue]frame{}, 0
	w.old = w.hearing
	n := uint8(0)
	var kept [queue]frame
	for _, f := range w.sr[:w.nsr] {
		if f.kind == publish && w.old {
			kept[n] = f
			n++
		}
	}
	w.sr, w.nsr = kept, n
}

func (w *world) deaf() {
	w.hearing, w.old, w.pend = false, false, content{}
	w.sr, w.nsr = [queue]frame{}, 0
}

// store is the receiver's commit of what it has accepted, up to k messages.
func (m model) store(w *world, k uint8) {
	if w.r.epoch != w.life || w.r.log.n < w.from.n { // the first of a new life of the stream
		w.r.epoch, w.r.again = w.life, w.again
		w.r.log = w.from
	}
	for _, id := range w.pend.id[:k] {
		w.r.log = w.r.log.add(id)
		if w.r.log.n <= w.r.again && w.r.all.has(id) && !m.is("no ids compared") {
			continue
		}
		w.r.all = w.r.all.add(id)
	}
	rest := content{}
	for _, id := range w.pend.id[k:w.pend.n] {
		rest = rest.add(id)
	}
	w.pend = rest
}

type step struct {
	name string
	to   world
}

func (m model) steps(w world, faults bool) (out []step) {
	add := func(name string, to world) { out = append(out, step{name, to}) }
	if w.used < m.messages && faults && int(w.s.log.n+w.buf.n) < most-2 {
		to := w
		to.used++
		to.buf = to.buf.add(to.used)
		add(fmt.Sprint("the program sends ", to.used), to)
	}
	if w.buf.n > 0 {
		to := w
		for _, id := range w.buf.id[:w.buf.n] {
			to.s.log = to.s.log.add(id)
			to.accepted |= 1 << id
		}
		to.buf = content{}
		add("the sender syncs", to)
	}
	m.wire(w, add)
	m.receiverSteps(w, add)
	if faults {
		m.faults(w, add)
	}
	return out
}

// wire is what is sent and what arrives.
func (m model) wire(w world, add func(string, world)) {
	if !w.up {
		m.connect(w, add)
	}
	if w.up && w.nsr < queue {
		s := m.sender(&w)
		if n, room := s.Next(); room > 0 {
			to := w
			log := w.s.log
			for _, id := range w.buf.id[:w.buf.n] {
				log = log.add(id)
			}
			s.Sent(n, 1)
			to.sending(s)
			to.sr[to.nsr] = frame{kind: publish, epoch: w.s.epoch, n: uint8(n), id: log.id[n-1]}
			to.nsr++
			if m.is("discard what is sent") && uint8(n) > to.s.base && uint8(n) <= to.s.log.n {
				to.s.base = uint8(n)
			}
			add(fmt.Sprintf("message %d is written", n), to)
		}
	}
	if w.nsr > 0 {
		to := w
		f := w.sr[0]
		copy(to.sr[:], w.sr[1:])
		to.sr[queue-1] = frame{}
		to.nsr--
		m.hear(to, f, add)
	}
	if w.up && w.nrs > 0 {
		to := w
		f := w.rs[0]
		copy(to.rs[:], w.rs[1:])
		to.rs[queue-1] = frame{}
		to.nrs--
		m.learn(to, f, add)
	}
}

// connect makes a new link: the old one's end stores what it had accepted, and hears nothing any more.
func (m model) connect(w world, add func(string, world)) {
	to := w
	switch {
	case m.is("no flush before a position"), m.is("a position that is not synced"):
		kept := to.pend
		to.deaf()
		to.pend = kept
	default:
		if to.pend.n > 0 {
			m.store(&to, to.pend.n)
		}
		to.deaf()
	}
	to.up, to.greeted = true, false
	h := frame{kind: hello, epoch: w.s.epoch, n: w.s.base, last: w.s.log.n, said: w.s.log.upto(w.s.base)}
	to.sr[0], to.nsr = h, 1
	to.handled, to.next = w.s.handled, w.s.handled+1
	add("they connect", to)
}

// hear is a frame at the receiver.
func (m model) hear(to world, f frame, add func(string, world)) {
	if f.kind == hello {
		pos := frame{kind: told, epoch: to.r.epoch, n: to.r.log.n, said: to.r.log}
		if m.is("a position that is not synced") {
			pos.n += to.pend.n
			pos.said = to.r.log
			for _, id := range to.pend.id[:to.pend.n] {
				pos.said = pos.said.add(id)
			}
			to.pend = content{}
		}
		start, again := to.r.log, to.r.again
		if to.r.epoch != f.epoch || to.r.log.n < f.n {
			start = f.said
			if to.r.epoch == f.epoch || f.n > 0 {
				to.alarm = true
			}
		}
		if to.r.epoch != f.epoch {
			again = 0
			if to.r.log.n > 0 {
				again = f.last
			}
		}
		to.hearing, to.from, to.again, to.rnext, to.lastAck = true, start, again, start.n+1, start.n
		to.life = f.epoch
		to.rs[0], to.nrs = pos, 1
		add("the receiver hears HELLO", to)
		return
	}
	if !to.hearing {
		add("a frame is dropped", to)
		return
	}
	r := &Receiver{start: Position{N: int64(to.from.n)}, next: int64(to.rnext)}
	fresh, err := r.Accept(int64(f.n))
	if err != nil && m.is("a gap is accepted") {
		r.next, fresh, err = int64(f.n)+1, true, nil
	}
	if !fresh && err == nil && m.is("repeats are accepted") {
		fresh = true
	}
	if err != nil {
		if !to.old && m.mutant == "" {
			panic("gap: " + err.Error())
		}
		to.cutLink()
		to.deaf()
		add("the receiver closes: a gap", to)
		return
	}
	if to.rnext = uint8(r.next); fresh {
		if to.pend.n+to.r.log.n >= most-1 {
			return
		}
		to.pend = to.pend.add(f.id)
	}
	add(fmt.Sprintf("message %d arrives", f.n), to)
}

// learn is a frame at the sender.
func (m model) learn(to world, f frame, add func(string, world)) {
	s := m.sender(&to)
	if f.kind == acked {
		if err := s.Ack(int64(f.n), 1<<20); err != nil {
			if m.mutant == "" {
				panic(err.Error())
			}
			to.cutLink()
			add("the sender closes: an acknowledgement too far", to)
			return
		}
		to.sending(s)
		add(fmt.Sprintf("ACK %d arrives", f.n), to)
		return
	}
	verdict := s.Greet(Position{Epoch: Epoch{f.epoch}, N: int64(f.n), Chain: f.said.chain()}, func(n int64) (Chain, bool) {
		if m.is("no chain") {
			return f.said.chain(), true
		}
		if n < int64(to.s.base) || n > int64(to.s.log.n) {
			return Chain{}, false
		}
		return to.s.log.upto(uint8(n)).chain(), true
	})
	if verdict == Fork && m.is("no fork") {
		s.Start(min(int64(f.n), s.last))
		verdict = Resume
	}
	switch verdict {
	case Fork:
		m.fork(&to)
		add("the sender forks", to)
		return
	case Gap:
		to.alarm = true
	}
	switch {
	case (m.is("handled never goes down") || m.is("a gap is accepted")) && s.handled < int64(to.s.handled):
		s.Start(int64(to.s.handled))
	case m.is("it goes on too far") && s.handled < s.last:
		s.Start(s.handled + 1)
	case m.is("repeats are accepted"):
		s.Start(s.base)
	}
	to.sending(s)
	if !m.is("the receiver's disk is not the authority") {
		to.s.handled = to.handled
	}
	add("the sender hears the position", to)
}

// fork begins a new epoch: what is owed is numbered from 1.
func (m model) fork(to *world) {
	owed := content{}
	for _, id := range to.s.log.id[max(to.s.handled, to.s.base):to.s.log.n] {
		owed = owed.add(id)
	}
	to.epochs++
	to.s = senderDisk{epoch: to.epochs, log: owed}
	if m.is("a fork keeps the epoch") {
		to.s.epoch = 1
	}
	to.alarm = true
	to.cutLink()
}

func (m model) receiverSteps(w world, add func(string, world)) {
	if w.pend.n > 0 && w.hearing {
		to := w
		m.store(&to, to.pend.n)
		add("the receiver syncs", to)
	}
	n := w.r.log.n
	if w.r.epoch != w.life || n < w.from.n {
		n = w.from.n
	}
	if m.is("acknowledged before it is synced") {
		n += w.pend.n
	}
	if w.up && w.hearing && !w.old && w.nrs < queue && n > w.lastAck {
		to := w
		to.rs[to.nrs] = frame{kind: acked, n: n}
		to.nrs++
		to.lastAck = n
		add(fmt.Sprintf("ACK %d is written", n), to)
	}
	if w.greeted && w.handled > w.s.handled { // in its own time
		to := w
		to.s.handled = w.handled
		add("the sender keeps how far the receiver is", to)
	}
	if may := uint8(m.sender(&w).MayDiscard()); w.greeted && may > w.s.base && may <= w.s.handled {
		to := w
		to.s.base = may
		add(fmt.Sprintf("messages up to %d are discarded", may), to)
	}
}

func (m model) faults(w world, add func(string, world)) {
	if w.up && w.cuts > 0 {
		to := w
		to.cuts--
		to.cutLink()
		add("the link is cut", to)
	}
	if w.crashS > 0 {
		for k := uint8(0); k <= w.buf.n; k++ {
			to := w
			to.crashS--
			for _, id := range w.buf.id[:k] {
				to.s.log = to.s.log.add(id)
			}
			to.buf = content{}
			to.cutLink()
			add(fmt.Sprintf("the sender crashes, %d of what was not synced stay", k), to)
		}
	}
	if w.crashR > 0 {
		for k := uint8(0); k <= w.pend.n; k++ {
			to := w
			to.crashR--
			if k > 0 {
				m.store(&to, k)
			}
			to.cutLink()
			to.deaf()
			add(fmt.Sprintf("the receiver crashes, %d of what was not synced stay", k), to)
		}
	}
	m.restores(w, add)
}

// restores copies a disk, and later puts the copy back. What only the lost disk had is lost, and owed to nobody.
func (m model) restores(w world, add func(string, world)) {
	owed := func(to *world) {
		keep := uint16(0)
		for _, c := range []content{to.r.all, to.s.log} {
			for _, id := range c.id[:c.n] {
				keep |= 1 << id
			}
		}
		for _, id := range to.s.log.id[:to.s.base] { // it is not there to be sent
			if !to.r.all.has(id) {
				keep &^= 1 << id
			}
		}
		to.accepted &= keep
	}
	switch {
	case m.restoreS && !w.snapS:
		to := w
		to.snapS, to.oldS = true, w.s
		add("the sender's disk is copied", to)
	case m.restoreS && !w.restored:
		to := w
		to.restored, to.s, to.buf, to.oldS = true, w.oldS, content{}, senderDisk{}
		to.cutLink()
		owed(&to)
		add("the sender's old disk is put back", to)
	}
	switch {
	case m.restoreR && !w.snapR:
		to := w
		to.snapR, to.oldR = true, w.r
		add("the receiver's disk is copied", to)
	case m.restoreR && !w.restored:
		to := w
		to.restored, to.r, to.oldR = true, w.oldR, receiverDisk{}
		to.cutLink()
		to.deaf()
		keep := to.accepted
		for id := uint8(1); id <= to.used; id++ {
			still := to.r.all.has(id)
			for _, x := range to.s.log.id[max(to.s.handled, to.s.base):to.s.log.n] {
				still = still || x == id
			}
			if !still {
				keep &^= 1 << id
			}
		}
		to.accepted = keep
		add("the receiver's old disk is put back", to)
	}
}

// broken says which invariant a state breaks; "" for none.
func (m model) broken(w world) string {
	for i, id := range w.r.all.id[:w.r.all.n] {
		for _, other := range w.r.all.id[:i] {
			if other == id {
				return fmt.Sprintf("I2: message %d is stored twice", id)
			}
			if other > id && !w.restored {
				return fmt.Sprintf("order: message %d is stored behind %d", id, other)
			}
		}
	}
	for id := uint8(1); id <= w.used; id++ {
		if w.accepted&(1<<id) == 0 || w.r.all.has(id) {
			continue
		}
		owed := false
		for _, x := range w.s.log.id[w.s.base:w.s.log.n] {
			owed = owed || x == id
		}
		if !owed {
			return fmt.Sprintf("I1: message %d is lost", id)
		}
	}
	if w.r.epoch == w.s.epoch && !w.restored {
		if w.r.log.n > w.s.log.n+w.buf.n {
			return "I3: the receiver has more than was sent"
		}
		all := w.s.log
		for _, id := range w.buf.id[:w.buf.n] {
			all = all.add(id)
		}
		if w.r.log != all.upto(w.r.log.n) {
			return "I3: the receiver has something else"
		}
		if w.greeted && w.handled > w.r.log.n {
			return "I4: more is acknowledged than is stored"
		}
		if w.s.base > w.r.log.n {
			return "I5: more is discarded than is stored"
		}
	}
	return ""
}

// drain runs without faults until nothing moves, and says what is not as it should be then.
func (m model) drain(w world) string {
	for range 200 {
		steps := m.steps(w, false)
		if len(steps) == 0 {
			break
		}
		w = steps[0].to
	}
	for id := uint8(1); id <= w.used; id++ {
		if w.accepted&(1<<id) != 0 && !w.r.all.has(id) {
			return fmt.Sprintf("I7: message %d never arrives", id)
		}
	}
	if w.restored && w.s.log.n > 0 && !w.greeted {
		return "I7: they never get on"
	}
	if w.greeted && w.handled != w.s.log.n {
		return fmt.Sprintf("I7: %d of %d messages are acknowledged", w.handled, w.s.log.n)
	}
	return m.broken(w)
}

type visit struct {
	from uint64
	name string
}

// search goes through every state. It returns how many there are, and the shortest way to one that is wrong.
func (m model) search(limit int) (states int, wrong string) {
	seed := maphash.MakeSeed()
	key := func(w world) uint64 { return maphash.Comparable(seed, w) }
	first := m.first()
	seen := map[uint64]visit{key(first): {}}
	frontier := []world{first}
	for len(frontier) > 0 {
		var next []world
		for _, w := range frontier {
			from := key(w)
			for _, s := range m.steps(w, true) {
				k := key(s.to)
				if _, known := seen[k]; known {
					continue
				}
				seen[k] = visit{from, s.name}
				bad := m.broken(s.to)
				if bad == "" {
					bad = m.drain(s.to)
				}
				if bad != "" {
					return len(seen), bad + "\n" + trace(seen, k)
				}
				next = append(next, s.to)
				if limit > 0 && len(seen) >= limit {
					return len(seen), ""
				}
			}
		}
		frontier = next
	}
	return len(seen), ""
}

func trace(seen map[uint64]visit, k uint64) string {
	var lines []string
	for v := seen[k]; v.name != ""; v = seen[v.from] {
		lines = append([]string{v.name}, lines...)
	}
	return strings.Join(lines, "\n")
}

// TestModel searches small worlds; with TINCAN_MODEL set, larger ones.
func TestModel(t *testing.T) {
	worlds := []bounds{
		{messages: 2, crashS: 1, crashR: 1, cuts: 1},
		{messages: 2, crashR: 1, restoreS: true},
		{messages: 2, crashS: 1, restoreR: true},
	}
	if os.Getenv("TINCAN_MODEL") != "" {
		worlds = []bounds{
			{messages: 4, crashS: 2, crashR: 2, cuts: 2},
			{messages: 4, crashS: 1, crashR: 1, cuts: 1, restoreS: true},
			{messages: 4, crashS: 1, crashR: 1, cuts: 1, restoreR: true},
		}
	}
	total := 0
	began := time.Now()
	for _, b := range worlds {
		n, wrong := model{bounds: b}.search(0)
		if total += n; wrong != "" {
			t.Errorf("%+v: %s", b, wrong)
		}
		t.Logf("%+v: %d states", b, n)
	}
	t.Logf("%d states in %s", total, time.Since(began).Round(time.Millisecond))
}

// TestMutants breaks one rule after the other: the model must notice each.
func TestMutants(t *testing.T) {
	plain := bounds{messages: 3, crashS: 1, crashR: 1, cuts: 2}
	backS := bounds{messages: 3, crashR: 1, cuts: 1, restoreS: true}
	backR := bounds{messages: 3, crashS: 1, cuts: 1, restoreR: true}
	for _, tt := range []struct {
		mutant string
		bounds
	}{
		{"wire before disk", plain},
		{"discard what is sent", plain},
		{"acknowledged before it is synced", plain},
		{"repeats are accepted", plain}, // of a sender that begins at its base
		{"a position that is not synced", plain},
		{"no flush before a position", plain},
		{"a gap is accepted", backR}, // by a sender that does not go back
		{"it goes on too far", plain},
		{"no chain", backS},
		{"no fork", backS},
		{"a fork keeps the epoch", backS},
		{"no ids compared", backS},
		{"handled never goes down", backR},
	} {
		n, wrong := model{bounds: tt.bounds, mutant: tt.mutant}.search(3_000_000)
		if wrong == "" {
			t.Errorf("%s: nothing was noticed in %d states", tt.mutant, n)
			continue
		}
		what, _, _ := strings.Cut(wrong, "\n")
		t.Logf("%s: %s, after %d states", tt.mutant, what, n)
	}
}
