package tui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"tincan"
)

// screen is the whole state of the program's screen. Only Update changes it.
type screen struct {
	ctx    context.Context
	scope  scope
	talker tincan.Talker
	opts   Options
	say    words
	style  styles
	now    func() time.Time
	cells  cells

	width, height int

	rooms     map[string]*room
	cur       string // the room on screen
	count     int    // rooms seen so far
	switches  int    // changes of the room on screen so far
	links     map[int64]*link
	listeners []tincan.ListenerStatus
	dialled   string // the room of Options.Dial
	id        string // this node's key
	people    map[string]person
	peers     []tincan.PeerStatus
	trouble   string // why the node can store nothing more

	step     step // the latest news of the status strip
	awaiting struct {
		room   string
		id     string // of the latest own message while its host has not numbered it
		offset int64  // the latest own message, whose fate the strip tells
	}

	box     box
	toAll   bool
	outbox  []outgoing // typed, not yet stored; the first is on its way
	hex     bool
	notice  notice
	ask     *question
	overlay overlay

	polling   bool                // a Status call is under way
	pollAgain bool                // something happened meanwhile
	counting  bool                // a Receipts call is under way
	gone      map[int64]time.Time // when links ended that a snapshot under way may still hold
	err       error
}

// step is a word of the status strip that stands until a time, or until the next one.
type step struct {
	key   string
	what  string // whom or what it is about
	mood  mood
	until time.Time
}

// notice is a line above the input box.
type notice struct {
	text  string
	mood  mood
	until time.Time
}

// question waits for y; any other key is no.
type question struct {
	text string
	yes  func(*screen) tea.Cmd
	quit bool // it asks whether to quit: ctrl+c once more is yes
}

const (
	stepTime   = 3 * time.Second
	noticeTime = 6 * time.Second
	errorTime  = 20 * time.Second
	forever    = 1000 * time.Hour
)

func newScreen(ctx context.Context, t tincan.Talker, opts Options, colour bool, now func() time.Time) *screen {
	s := &screen{ctx: ctx, talker: t, opts: opts, say: wordsOf(opts.Lang), style: newStyles(colour), now: now, scope: newScope(opts),
		rooms: map[string]*room{}, links: map[int64]*link{}, gone: map[int64]time.Time{},
		people: map[string]person{}}
	switch {
	case opts.Listen != "":
		s.news("listening", label(opts.Listen), wait, forever)
	case opts.Dial != "":
		s.news("connecting", label(opts.Dial), wait, forever)
	}
	return s
}

// Init subscribes to the events; what is to be opened is opened when that stands.
func (s *screen) Init() tea.Cmd { return tea.Batch(s.follow(), tick()) }

// Update takes one piece of news and returns what is to be done about it.
func (s *screen) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		s.width, s.height = msg.Width, msg.Height
		return s, s.fill()
	case tea.ModeReportMsg:
		if msg.Mode == ansi.ModeUnicodeCore && (msg.Value == ansi.ModeReset || msg.Value == ansi.ModeSet || msg.Value == ansi.ModePermanentlySet) {
			s.cells.method = ansi.GraphemeWidth
		}
		return s, nil
	case tea.KeyPressMsg:
		return s, s.key(msg)
	case tea.PasteMsg:
		return s, s.paste(msg.Content)
	case tea.MouseWheelMsg:
		switch msg.Button {
		case tea.MouseWheelUp:
			return s, s.scroll(-3)
		case tea.MouseWheelDown:
			return s, s.scroll(3)
		}
		return s, nil
	case tea.MouseClickMsg:
		return s, s.click(msg.X, msg.Y)
	case tickMsg:
		return s, tea.Batch(tick(), s.status())
	case followingMsg:
		return s, tea.Batch(s.next(stream(msg)), s.open(), s.status(), s.askPeers())
	case eventsMsg:
		return s, s.events(msg)
	}
	return s, s.result(msg)
}

// result takes what a command brought back.
func (s *screen) result(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case listenedMsg:
		return s.listened(msg)
	case dialledMsg:
		return s.dialling(msg)
	case statusMsg:
		return s.snapshot(msg)
	case loadedMsg:
		return s.loaded(msg)
	case countedMsg:
		return s.counted(msg)
	case endedMsg:
		s.ended(msg)
		return nil
	case peersMsg:
		s.gotPeers(msg)
		return nil
	case waitsMsg:
		s.gotWaits(msg)
		return nil
	case textMsg:
		return s.shown(msg)
	case sentMsg:
		return s.sent(msg)
	case doneMsg:
		if msg.err != nil {
			s.fail(msg.err)
		} else if msg.key != "" {
			s.tell(good, s.say.t(msg.key, msg.args...))
		}
		cmds := []tea.Cmd{s.status(), s.reload(msg.reload)}
		if msg.peers {
			cmds = append(cmds, s.askPeers())
		}
		return tea.Batch(cmds...)
	}
	return nil
}

// news puts a word on the status strip.
func (s *screen) news(key, what string, m mood, d time.Duration) {
	s.step = step{key, what, m, s.now().Add(d)}
}

// tell shows a line above the input box for a while.
func (s *screen) tell(m mood, text string) {
	d := noticeTime
	if m == bad {
		d = errorTime
	}
	s.notice = notice{text, m, s.now().Add(d)}
}

// fail shows an error with its next step.
func (s *screen) fail(err error) {
	text, hint, _ := tincan.ExplainIn(s.opts.Lang, err)
	if hint != "" {
		text = s.say.t("error.hint", text, hint)
	}
	s.tell(bad, Clean(text))
}

// owed counts own messages that are not on their way: queued, and of uncertain fate.
func (s *screen) owed() (queued, uncertain int64) {
	queued = int64(len(s.outbox))
	for _, r := range s.rooms {
		if r.info.Held != nil {
			queued += r.info.Held.Queued
			uncertain += r.info.Held.Uncertain
			continue
		}
		if r.info.Host != "" {
			queued += int64(r.waiting())
			continue
		}
		if r.info.Shared { // whom it is owed to depends on who is there
			continue
		}
		for _, e := range r.log.entries {
			queued += int64(e.state[tincan.Queued])
		}
	}
	return queued, uncertain
}

// show puts a room on screen.
func (s *screen) show(r *room) tea.Cmd {
	if old := s.current(); old != nil {
		old.draft = s.box.value()
	}
	s.cur = r.name
	s.switches++
	r.shown, r.unread = s.switches, 0
	s.box.set(r.draft)
	s.forgetLogs()
	if !r.log.loaded && !r.log.loading {
		return tea.Batch(s.load(r, pageEnd), s.askWaits(r))
	}
	return s.askWaits(r)
}

// attract puts a room with a new link on screen when the one there is over and nothing was typed for it.
func (s *screen) attract(r *room) tea.Cmd {
	c := s.current()
	switch {
	case c == r:
		return nil
	case c == nil:
		return s.show(r)
	case s.box.value() != "" || len(s.linksOf(c)) > 0 || c.info.Dial != nil || !c.log.follow:
		return nil
	}
	s.tell(calm, s.say.t("now.talking", r.label()))
	return s.show(r)
}
