package tui

import (
	"context"
	"fmt"
	"iter"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"tincan"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(m.Run())
}

// start is when the tests' clock begins.
var start = time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)

// fake is a Talker in memory that writes down what it is asked.
type fake struct {
	tincan.Doorkeeper
	peers    []tincan.PeerStatus
	pending  []tincan.Message
	gaps     []tincan.Gap
	mu       sync.Mutex
	calls    []string
	logs     map[string][]tincan.Message
	receipts map[string][]tincan.ReceiptRange
	links    []tincan.LinkStatus
	status   tincan.Status
	errs     map[string]error // by the call's first word
	events   chan tincan.Event
}

func newFake() *fake {
	return &fake{logs: map[string][]tincan.Message{}, receipts: map[string][]tincan.ReceiptRange{}, errs: map[string]error{},
		events: make(chan tincan.Event, 64)}
}

func (f *fake) call(format string, args ...any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	line := fmt.Sprintf(format, args...)
	f.calls = append(f.calls, line)
	name, _, _ := strings.Cut(line, " ")
	return f.errs[name]
}

// asked returns the calls that were made since it was last called, but for those that only look.
func (f *fake) asked() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, c := range f.calls {
		switch name, _, _ := strings.Cut(c, " "); name {
		case "status", "history", "receipts", "links", "peers", "pending", "gaps":
		default:
			out = append(out, c)
		}
	}
	f.calls = nil
	return strings.Join(out, "; ")
}

func (f *fake) Listen(_ context.Context, addr string) (tincan.ListenerStatus, error) {
	return tincan.ListenerStatus{ID: "t1", Addr: "0.0.0.0:7000", Reach: []string{"192.168.1.5:7000"}}, f.call("listen %s", addr)
}
func (f *fake) StopListening(_ context.Context, id string) error { return f.call("stop %s", id) }
func (f *fake) Dial(_ context.Context, addr string) (tincan.RoomStatus, error) {
	return tincan.RoomStatus{Name: addr, Dialled: true, Dial: &tincan.DialStatus{URL: addr, Phase: "connecting", Attempt: 1}}, f.call("dial %s", addr)
}
func (f *fake) HangUp(_ context.Context, room string) error { return f.call("hangup %s", room) }
func (f *fake) Disconnect(_ context.Context, link int64) error {
	return f.call("disconnect %d", link)
}
func (f *fake) Redial(_ context.Context, room string) error { return f.call("redial %s", room) }
func (f *fake) SendMessage(_ context.Context, m tincan.Outgoing) (tincan.Message, error) {
	err := f.call("send %s %q", m.Room, m.Body)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		return tincan.Message{}, err
	}
	out := tincan.Message{Room: m.Room, Offset: int64(len(f.logs[m.Room]) + 1), From: tincan.Me, Time: start, Body: m.Body}
	f.logs[m.Room] = append(f.logs[m.Room], out)
	return out, nil
}
func (f *fake) Held(_ context.Context, room string, d tincan.Decision) error {
	return f.call("held %s %s", room, d)
}
func (f *fake) History(_ context.Context, room string, after int64, limit int) ([]tincan.Message, error) {
	if err := f.call("history %s %d %d", room, after, limit); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []tincan.Message
	for _, m := range f.logs[room] {
		if limit > 0 && m.Offset > after && len(out) < limit || limit < 0 && (after == 0 || m.Offset < after) {
			out = append(out, m)
		}
	}
	if limit < 0 && len(out) > -limit {
		out = out[len(out)+limit:]
	}
	return out, nil
}
func (f *fake) Receipts(_ context.Context, room string, first, last int64) ([]tincan.ReceiptRange, error) {
	return f.receipts[room], f.call("receipts %s %d %d", room, first, last)
}
func (f *fake) Links(_ context.Context, room string, limit int) ([]tincan.LinkStatus, error) {
	return f.links, f.call("links %s %d", room, limit)
}
func (f *fake) Past(_ context.Context, room string, limit int) ([]tincan.Event, error) {
	return nil, f.call("past %s %d", room, limit)
}
func (f *fake) Reading(_ context.Context, link int64, r tincan.Reading) error {
	return f.call("reading %d %s", link, r)
}
func (f *fake) SetCodec(_ context.Context, link int64, codec string) error {
	return f.call("codec %d %s", link, codec)
}
func (f *fake) SetEncoding(_ context.Context, room, encoding string) error {
	return f.call("encoding %s %s", room, encoding)
}
func (f *fake) Peers(context.Context) ([]tincan.PeerStatus, error) { return f.peers, f.call("peers") }
func (f *fake) Pending(_ context.Context, room string, limit int) ([]tincan.Message, error) {
	return f.pending, f.call("pending %s %d", room, limit)
}
func (f *fake) Gaps(_ context.Context, room string) ([]tincan.Gap, error) {
	return f.gaps, f.call("gaps %s", room)
}
func (f *fake) MakeTicket(_ context.Context, t tincan.TicketRequest) (tincan.Ticket, error) {
	return tincan.Ticket{URL: "tincan://192.168.1.5:7000?key=tc1bdepfhhqvoeo6wx6xvtfvw6djdsj3bivsl37armjoq5oilrzu5rq&secret=mugunj6zpmkwmongj374dbwkga",
		Expires: start.Add(24 * time.Hour), Uses: 1}, f.call("ticket %s", t.Room)
}
func (f *fake) MakeCode(_ context.Context, room string) (tincan.PairingCode, error) {
	return tincan.PairingCode{Code: "123-456-789", Expires: start.Add(5 * time.Minute)}, f.call("code %s", room)
}
func (f *fake) SetPeer(_ context.Context, peer string, c tincan.PeerChange) (tincan.PeerStatus, error) {
	if c.Name != nil {
		return tincan.PeerStatus{}, f.call("name %s %s", peer, *c.Name)
	}
	return tincan.PeerStatus{}, f.call("set %s %s", peer, *c.State)
}
func (f *fake) Forget(_ context.Context, peer string) error { return f.call("forget %s", peer) }
func (f *fake) Status(context.Context) (tincan.Status, error) {
	err := f.call("status")
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status, err
}
func (f *fake) Events(ctx context.Context) iter.Seq2[tincan.Event, error] {
	f.call("events")
	return func(yield func(tincan.Event, error) bool) {
		for {
			select {
			case e := <-f.events:
				if !yield(e, nil) {
					return
				}
			case <-ctx.Done():
				yield(tincan.Event{}, ctx.Err())
				return
			}
		}
	}
}

// stage is a screen with its fake Talker and a clock that stands still.
type stage struct {
	t *testing.T
	*screen
	f    *fake
	time time.Time
	quit bool
}

func newStage(t *testing.T, lang string, w, h int) *stage {
	st := &stage{t: t, f: newFake(), time: start}
	st.screen = newScreen(t.Context(), st.f, Options{Lang: lang}, true, func() time.Time { return st.time })
	st.update(tea.WindowSizeMsg{Width: w, Height: h})
	return st
}

// update gives the screen a message and runs what follows from it to the end.
func (st *stage) update(msg tea.Msg) {
	_, cmd := st.screen.Update(msg)
	st.run(cmd)
}

func (st *stage) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch msg := cmd().(type) {
	case nil:
	case tea.BatchMsg:
		for _, c := range msg {
			st.run(c)
		}
	case tea.QuitMsg:
		st.quit = true
	default:
		st.update(msg)
	}
}

// happen gives the screen events.
func (st *stage) happen(es ...tincan.Event) {
	for i := range es {
		if es[i].Time.IsZero() {
			es[i].Time = st.time
		}
	}
	st.update(eventsMsg{events: es, over: true})
}

// press presses keys by name, as "ctrl+p" or "enter"; type_ types text.
func (st *stage) press(names ...string) {
	for _, n := range names {
		st.update(keyOf(n))
	}
}

func (st *stage) typeIn(text string) {
	for _, r := range text {
		st.update(tea.KeyPressMsg{Code: r, Text: string(r)})
	}
}

func keyOf(name string) tea.KeyPressMsg {
	codes := map[string]rune{"enter": tea.KeyEnter, "tab": tea.KeyTab, "up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft,
		"right": tea.KeyRight, "home": tea.KeyHome, "end": tea.KeyEnd, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown,
		"esc": tea.KeyEscape, "backspace": tea.KeyBackspace, "delete": tea.KeyDelete, "f1": tea.KeyF1, "f2": tea.KeyF2, "f3": tea.KeyF3}
	var k tea.KeyPressMsg
	parts := strings.Split(name, "+")
	for _, p := range parts[:len(parts)-1] {
		k.Mod |= map[string]tea.KeyMod{"ctrl": tea.ModCtrl, "alt": tea.ModAlt, "shift": tea.ModShift}[p]
	}
	last := parts[len(parts)-1]
	if c, ok := codes[last]; ok {
		k.Code = c
		return k
	}
	k.Code = []rune(last)[0]
	if k.Mod == 0 {
		k.Text = last
	}
	return k
}

func ptr[T any](v T) *T { return &v }

// connect has a plain client connect to the listener.
func (st *stage) connect(id int64, peer string) {
	st.f.mu.Lock()
	l := tincan.LinkStatus{ID: id, Room: peer, Peer: peer, Local: "192.168.1.5:7000", Remote: strings.TrimPrefix(peer, "tcp:"), Codec: "lines",
		Choice: "detected", Phase: tincan.Established, Since: st.time, SilenceMS: 2300,
		TCP: tincan.TCP{State: ptr("ESTABLISHED"), RTTUS: ptr(int64(412)), SendQueue: ptr(int64(0)), RecvQueue: ptr(int64(0)),
			Retransmits: ptr(int64(0)), SendWindow: ptr(int64(65536))}}
	st.f.status.Links = append(st.f.status.Links, l)
	st.f.status.Rooms = append(st.f.status.Rooms, tincan.RoomStatus{Name: peer, Codec: "lines", Links: []int64{id}})
	st.f.mu.Unlock()
	st.happen(tincan.Event{Kind: tincan.EventConnected, Link: id, Room: peer, Peer: peer, Codec: "lines", Choice: "detected"})
}

// listen has the screen listen.
func (st *stage) listenOn(addr string) {
	st.f.status.Listeners = []tincan.ListenerStatus{{ID: "t1", Addr: "0.0.0.0:7000", Codec: "auto", Reach: []string{"192.168.1.5:7000", "127.0.0.1:7000"}}}
	st.run(st.listen(addr, true))
	st.happen(tincan.Event{Kind: tincan.EventListening, Addr: "0.0.0.0:7000", Listener: "t1"})
}

// receive has a message arrive or, from me, be stored.
func (st *stage) receive(room, from, text string) int64 {
	st.f.mu.Lock()
	m := tincan.Message{Room: room, Offset: int64(len(st.f.logs[room]) + 1), From: from, Time: st.time, Body: []byte(text), Codec: "lines"}
	st.f.logs[room] = append(st.f.logs[room], m)
	st.f.mu.Unlock()
	st.happen(tincan.Event{Kind: tincan.EventMessage, Room: room, Message: &m})
	return m.Offset
}

func (st *stage) reach(room string, offset int64, states ...tincan.Receipt) {
	for _, r := range states {
		st.happen(tincan.Event{Kind: tincan.EventReceipt, Room: room, Offset: offset, State: r, Peer: room})
	}
}

func (st *stage) pass(d time.Duration) {
	st.time = st.time.Add(d)
	st.run(st.screen.status())
}
