package tui

import (
	"maps"
	"slices"
	"time"

	"tincan"
)

const (
	pageSize  = 200      // messages per History call
	keepMsgs  = 2000     // messages of a room in memory
	keepBytes = 4 << 20  // bytes of their bodies in memory
	keepBody  = 16 << 10 // bytes of one body in memory; the rest is in the journal
)

// log is a window of a room's log: consecutive messages, and between them what happened to its links.
//
//	journal  1 ······ first [ entries ] last ······ newest
//	                    └ older           newer ┘  (more is there)
type log struct {
	loaded, loading bool
	stale           bool  // it has to be loaded again
	first, last     int64 // the offsets that the window covers
	older, newer    bool
	entries         []*entry
	bytes           int

	// The lowest line on screen is line skip, counted from its last, of entries[bottom]; follow keeps it at the end.
	follow       bool
	bottom, skip int
	below        int   // messages that came while not following
	missed       int64 // the message that a snapshot has and no event brought
}

// entry is a message, or a divider that says what happened to a link.
type entry struct {
	at    time.Time
	msg   tincan.Message // Body is at most keepBody bytes
	size  int            // bytes of the whole body
	div   divider        // kind "" for a message
	state tally

	lines []string // as drawn for the look below
	look  look
}

// divider kinds
const (
	divConnected = "connected"
	divFinished  = "finished"
	divEnded     = "ended"
	divCodec     = "codec"
)

type divider struct {
	kind string
	link tincan.LinkStatus
}

// tally counts the states of an own message towards its peers.
type tally map[tincan.Receipt]int

func newEntry(m tincan.Message) *entry {
	e := &entry{at: m.Time, msg: m, size: len(m.Body)}
	e.msg.Body = slices.Clone(m.Body[:min(len(m.Body), keepBody)])
	if m.From == tincan.Me {
		e.state = tally{tincan.Queued: 1}
	}
	return e
}

// entry is a message of this room. What its host has numbered is on the host's disk.
func (r *room) entry(m tincan.Message) *entry {
	e := newEntry(m)
	if e.own() && r.info.Host != "" && m.Offset > 0 {
		e.state = tally{tincan.Stored: 1}
	}
	return e
}

func newDivider(kind string, at time.Time, l tincan.LinkStatus) *entry {
	return &entry{at: at, div: divider{kind, l}}
}

func (e *entry) own() bool { return e.div.kind == "" && e.msg.From == tincan.Me }

// add appends a message or a divider that has just come. Away from the end only its arrival is counted.
func (l *log) add(e *entry) {
	isMsg := e.div.kind == ""
	if isMsg && e.msg.Offset <= l.last {
		return
	}
	if !l.loaded && !l.loading || !isMsg && l.has(e) { // a snapshot may tell of a link before its event does
		return
	}
	if !l.follow && len(l.entries) >= keepMsgs { // who reads old messages keeps them
		l.newer = true
	}
	if l.newer {
		if isMsg {
			l.below++
		}
		return
	}
	if isMsg {
		l.last = e.msg.Offset
		if l.first == 0 {
			l.first = l.last
		}
		if e.msg.Replaced {
			return
		}
		if !l.follow {
			l.below++
		}
	}
	l.entries = append(l.entries, e)
	l.bytes += len(e.msg.Body)
	if l.follow {
		l.toEnd()
	}
	l.dropOld()
}

// dropOld and dropNew keep the window within its bounds.
func (l *log) dropOld() {
	n, bytes := 0, l.bytes
	for len(l.entries)-n > 1 && (len(l.entries)-n > keepMsgs || bytes > keepBytes) {
		bytes -= len(l.entries[n].msg.Body)
		n++
	}
	if n == 0 {
		return
	}
	l.bytes = bytes
	l.entries = slices.Clone(l.entries[n:])
	l.bottom = max(0, l.bottom-n)
	l.older = true
	for _, e := range l.entries {
		if e.div.kind == "" {
			l.first = e.msg.Offset
			break
		}
	}
}

func (l *log) dropNew() {
	n, bytes := len(l.entries), l.bytes
	for n > 1 && (n > keepMsgs || bytes > keepBytes) && n-1 > l.bottom {
		n--
		bytes -= len(l.entries[n].msg.Body)
	}
	if n == len(l.entries) {
		return
	}
	l.bytes = bytes
	l.entries = slices.Clone(l.entries[:n])
	l.newer = true
	for _, e := range slices.Backward(l.entries) {
		if e.div.kind == "" {
			l.last = e.msg.Offset
			break
		}
	}
}

// reset puts a page in place of the window. What came while it was fetched stays behind it.
func (l *log) reset(page []tincan.Message, older, newer bool) {
	kept := l.entries
	*l = log{loaded: true, older: older, newer: newer}
	l.join(page, false)
	for _, e := range kept {
		if e.div.kind == "" && e.msg.Offset > l.last && !newer {
			l.entries = append(l.entries, e)
			l.bytes += len(e.msg.Body)
			l.last = e.msg.Offset
			l.first = max(l.first, 1)
		}
	}
	for _, e := range kept {
		if e.div.kind != "" {
			l.insert(e)
		}
	}
	l.toEnd()
}

// insert puts a divider where it belongs in time, unless that is outside the window or it is there.
func (l *log) insert(d *entry) {
	if d.at.IsZero() || l.has(d) {
		return
	}
	i := slices.IndexFunc(l.entries, func(e *entry) bool { return e.at.After(d.at) })
	switch {
	case i == 0 && l.older, i < 0 && l.newer, len(l.entries) == 0 && l.older:
		return
	case i < 0:
		i = len(l.entries)
	}
	l.entries = slices.Insert(l.entries, i, d)
	if i <= l.bottom && len(l.entries) > 1 {
		l.bottom++
	}
}

// join adds a page of messages before or behind the window.
func (l *log) join(page []tincan.Message, before bool) {
	var es []*entry
	for _, m := range page {
		if l.first == 0 || m.Offset < l.first {
			l.first = m.Offset
		}
		l.last = max(l.last, m.Offset)
		if !m.Replaced {
			es = append(es, newEntry(m))
		}
	}
	for _, e := range es {
		l.bytes += len(e.msg.Body)
	}
	if before {
		l.entries = slices.Concat(es, l.entries)
		l.bottom += len(es)
		return
	}
	l.entries = append(l.entries, es...)
}

// has says that a divider, or one that says the same, is in the window.
func (l *log) has(d *entry) bool {
	return slices.ContainsFunc(l.entries, func(e *entry) bool {
		return e.div.kind == d.div.kind && e.div.link.ID == d.div.link.ID && (d.div.kind != divCodec || e.at.Equal(d.at))
	})
}

// mark puts dividers for links of the past, newest first, where they belong in time.
func (l *log) mark(links []tincan.LinkStatus) {
	for _, k := range slices.Backward(links) {
		l.insert(newDivider(divConnected, k.Since, k))
		l.insert(newDivider(divEnded, k.Ended, k))
	}
	if l.follow {
		l.toEnd()
	}
}

// message returns the entry of an offset; nil when it is not in the window.
func (l *log) message(offset int64) *entry {
	for _, e := range slices.Backward(l.entries) {
		if e.div.kind == "" && e.msg.Offset == offset {
			return e
		}
	}
	return nil
}

// note records an own message's state towards the peer of a room with one peer.
func (e *entry) note(r tincan.Receipt) {
	if e.own() && e.state[r] == 0 {
		e.state, e.lines = tally{r: 1}, nil
	}
}

// count sets the states of own messages first..last from the journal's answer.
func (l *log) count(first, last int64, rs []tincan.ReceiptRange) {
	for _, e := range l.entries {
		if !e.own() || e.msg.Offset < first || e.msg.Offset > last {
			continue
		}
		t := tally{}
		for _, r := range rs {
			if r.First <= e.msg.Offset && e.msg.Offset <= r.Last {
				t[r.State]++
			}
		}
		if len(t) > 0 && !maps.Equal(t, e.state) {
			e.state, e.lines = t, nil
		}
	}
}

// pending is the stretch from the first to the last own message whose story has not ended; 0, 0 for none.
func (l *log) pending() (first, last int64) {
	for _, e := range l.entries {
		if e.own() && e.state[tincan.Queued]+e.state[tincan.Written] > 0 {
			if first == 0 {
				first = e.msg.Offset
			}
			last = e.msg.Offset
		}
	}
	return first, last
}

func (l *log) toEnd() {
	l.follow, l.bottom, l.skip, l.below = true, max(0, len(l.entries)-1), 0, 0
}
