package api

import (
	"context"
	"fmt"
	"iter"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"tincan"
)

// fake is a small node in memory: it remembers what it was asked and tells who follows.
type fake struct {
	mu        sync.Mutex
	calls     []string
	status    tincan.Status
	messages  []tincan.Message
	fail      error // what every call returns
	hang      chan struct{}
	followers []*fakeFollower
	next      int
}

var _ tincan.Talker = (*fake)(nil)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 600_000_000, time.UTC)

func newFake() *fake {
	rtt := int64(120)
	return &fake{status: tincan.Status{Dir: "/data", Version: "0", PID: os.Getpid(), Started: epoch, Limits: tincan.DefaultLimits,
		Rooms: []tincan.RoomStatus{{Name: "tcp:h:1", Codec: "lines", Updated: epoch}, {Name: "gbk-room", Codec: "lines", Encoding: "gbk", Updated: epoch}},
		Links: []tincan.LinkStatus{{ID: 7, Room: "tcp:h:1", Phase: tincan.Established, Since: epoch, TCP: tincan.TCP{RTTUS: &rtt}}}}}
}

// did notes a call, and returns what it is to fail with.
func (f *fake) did(format string, args ...any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
	return f.fail
}

func (f *fake) log() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// asked reports how often a call was made.
func (f *fake) asked(call string) (n int) {
	for _, c := range f.log() {
		if c == call {
			n++
		}
	}
	return n
}

func (f *fake) Listen(_ context.Context, addr string) (tincan.ListenerStatus, error) {
	err := f.did("listen %s", addr)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next++
	return tincan.ListenerStatus{ID: fmt.Sprintf("t%d", f.next), Addr: "127.0.0.1:7000", URL: addr, Codec: "auto", Reach: []string{"127.0.0.1:7000"}}, err
}

func (f *fake) StopListening(_ context.Context, id string) error { return f.did("stop %s", id) }

func (f *fake) Dial(_ context.Context, addr string) (tincan.RoomStatus, error) {
	err := f.did("dial %s", addr)
	f.mu.Lock()
	defer f.mu.Unlock()
	r := tincan.RoomStatus{Name: addr, Codec: "lines", Dialled: true, Updated: epoch, Dial: &tincan.DialStatus{URL: addr, Phase: "connecting"}}
	i := slices.IndexFunc(f.status.Rooms, func(o tincan.RoomStatus) bool { return o.Name == r.Name })
	if i < 0 {
		f.status.Rooms = append(f.status.Rooms, r)
	} else {
		f.status.Rooms[i] = r
	}
	return r, err
}

func (f *fake) HangUp(_ context.Context, room string) error {
	err := f.did("hangup %s", room)
	if f.hang != nil {
		<-f.hang
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.status.Rooms {
		if f.status.Rooms[i].Name == room {
			f.status.Rooms[i].Dial = nil
		}
	}
	return err
}

func (f *fake) Disconnect(_ context.Context, link int64) error {
	return f.did("disconnect %d", link)
}
func (f *fake) Redial(_ context.Context, room string) error { return f.did("redial %s", room) }

func (f *fake) SendMessage(_ context.Context, m tincan.Outgoing) (tincan.Message, error) {
	if err := f.did("send %s %q %d", m.Room, m.ID, len(m.Body)); err != nil {
		return tincan.Message{}, err
	}
	f.mu.Lock()
	msg := tincan.Message{Room: m.Room, Offset: int64(len(f.messages) + 1), ID: m.ID, From: tincan.Me, Time: epoch, Body: append([]byte{}, m.Body...)}
	for _, r := range f.status.Rooms {
		if r.Name == m.Room {
			msg.Enc = r.Encoding
		}
	}
	f.messages = append(f.messages, msg)
	f.mu.Unlock()
	f.tell(tincan.Event{Kind: tincan.EventMessage, Time: epoch, Room: m.Room, Offset: msg.Offset, ID: m.ID, Message: &msg})
	return msg, nil
}

func (f *fake) Held(_ context.Context, room string, d tincan.Decision) error {
	return f.did("held %s %s", room, d)
}

func (f *fake) History(_ context.Context, room string, after int64, limit int) ([]tincan.Message, error) {
	err := f.did("history %s %d %d", room, after, limit)
	f.mu.Lock()
	defer f.mu.Unlock()
	var ms []tincan.Message
	for _, m := range f.messages {
		if m.Room == room {
			ms = append(ms, m)
		}
	}
	if limit < 0 && len(ms) > -limit {
		ms = ms[len(ms)+limit:]
	}
	return ms, err
}

func (f *fake) Receipts(_ context.Context, room string, first, last int64) ([]tincan.ReceiptRange, error) {
	return []tincan.ReceiptRange{{First: first, Last: last, Peer: "tcp:h:1", State: tincan.Reached}}, f.did("receipts %s %d %d", room, first, last)
}

func (f *fake) Links(_ context.Context, room string, limit int) ([]tincan.LinkStatus, error) {
	return []tincan.LinkStatus{{ID: 3, Room: room, Phase: tincan.Closed, Since: epoch, Ended: epoch, Reason: "peer closed"}}, f.did("links %q %d", room, limit)
}

func (f *fake) Past(_ context.Context, room string, limit int) ([]tincan.Event, error) {
	return []tincan.Event{{Kind: tincan.EventListening, Time: epoch, Addr: "127.0.0.1:7000", Listener: "t1", Codec: "lines"}},
		f.did("past %q %d", room, limit)
}

func (f *fake) Reading(_ context.Context, link int64, r tincan.Reading) error {
	return f.did("reading %d %s", link, r)
}
func (f *fake) SetCodec(_ context.Context, link int64, codec string) error {
	return f.did("codec %d %s", link, codec)
}
func (f *fake) SetEncoding(_ context.Context, room, enc string) error {
	return f.did("encoding %s %s", room, enc)
}

func (f *fake) Status(context.Context) (tincan.Status, error) {
	err := f.did("status")
	f.mu.Lock()
	defer f.mu.Unlock()
	st := f.status
	st.Rooms, st.Links = slices.Clone(st.Rooms), slices.Clone(st.Links)
	return st, err
}

// fakeFollower is one Events call. Its queue has no bound, as the journal has none.
type fakeFollower struct {
	mu   sync.Mutex
	list []tincan.Event
	err  error
	wake chan struct{}
}

// next takes the oldest event; without one, err is what ends the sequence.
func (q *fakeFollower) next() (e tincan.Event, ok bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.list) == 0 {
		return e, false, q.err
	}
	e, q.list = q.list[0], q.list[1:]
	return e, true, nil
}

func (f *fake) Events(ctx context.Context) iter.Seq2[tincan.Event, error] {
	q := &fakeFollower{wake: make(chan struct{}, 1)}
	err := f.did("events")
	f.mu.Lock()
	f.followers = append(f.followers, q)
	f.mu.Unlock()
	return func(yield func(tincan.Event, error) bool) {
		if err != nil {
			yield(tincan.Event{}, err)
			return
		}
		for {
			e, ok, err := q.next()
			if ok {
				if !yield(e, nil) {
					return
				}
				continue
			}
			if err != nil {
				yield(tincan.Event{}, err)
				return
			}
			select {
			case <-q.wake:
			case <-ctx.Done():
				yield(tincan.Event{}, ctx.Err())
				return
			}
		}
	}
}

func (f *fake) tell(es ...tincan.Event) { f.told(nil, es) }

// told gives all followers events, and the error that ends them.
func (f *fake) told(err error, es []tincan.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, q := range f.followers {
		q.mu.Lock()
		q.list = append(q.list, es...)
		q.err = err
		q.mu.Unlock()
		signal(q.wake)
	}
}

// receipt is the n-th of a row of events that are told apart.
func receipt(n int64) tincan.Event {
	return tincan.Event{Kind: tincan.EventReceipt, Time: epoch, Room: "tcp:h:1", ID: strings.Repeat("x", 20), Offset: n, State: tincan.Reached, Peer: "tcp:h:1"}
}
