package tui

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"tincan"
)

// terminal is a keyboard and a screen for run.
type terminal struct {
	t    *testing.T
	keys *io.PipeWriter
	in   *io.PipeReader

	mu    sync.Mutex
	out   bytes.Buffer
	wrote chan struct{}
	done  chan error
}

func (m *terminal) Write(b []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.out.Write(b)
	select {
	case m.wrote <- struct{}{}:
	default:
	}
	return n, err
}

// open runs the screen of a real node on a terminal in memory.
func open(t *testing.T, ctx context.Context, talker tincan.Talker, opts Options) *terminal {
	m := &terminal{t: t, wrote: make(chan struct{}, 1), done: make(chan error, 1)}
	m.in, m.keys = io.Pipe()
	go func() {
		m.done <- run(ctx, talker, opts, tea.WithInput(m.in), tea.WithOutput(m), tea.WithWindowSize(100, 30), tea.WithoutSignalHandler(),
			tea.WithEnvironment([]string{"TERM=xterm-256color"}))
	}()
	return m
}

// see waits until a text was drawn.
func (m *terminal) see(text string) {
	m.t.Helper()
	limit := time.After(20 * time.Second)
	for {
		m.mu.Lock()
		found := strings.Contains(m.out.String(), text)
		m.mu.Unlock()
		if found {
			return
		}
		select {
		case <-m.wrote:
		case <-limit:
			m.mu.Lock()
			defer m.mu.Unlock()
			m.t.Fatalf("%q was never drawn in\n%q", text, m.out.String())
		}
	}
}

func (m *terminal) press(keys string) {
	m.t.Helper()
	if _, err := io.WriteString(m.keys, keys); err != nil {
		m.t.Fatal(err)
	}
}

func (m *terminal) end() error {
	m.t.Helper()
	select {
	case err := <-m.done:
		m.keys.Close()
		return err
	case <-time.After(20 * time.Second):
		m.t.Fatal("the screen does not end")
		return nil
	}
}

func node(t *testing.T) *tincan.Node {
	n, err := tincan.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

// TestRun has two people talk over two real nodes.
func TestRun(t *testing.T) {
	host, guest := node(t), node(t)
	a := open(t, t.Context(), host, Options{Lang: "zh", Listen: "lines://127.0.0.1:0"})
	a.see("等待连接")
	st, err := host.Status(t.Context())
	if err != nil || len(st.Listeners) != 1 {
		t.Fatal(st.Listeners, err)
	}
	b := open(t, t.Context(), guest, Options{Lang: "en", Dial: "lines://" + st.Listeners[0].Addr})
	b.see("connected")
	a.see("接受到连接")
	b.press("你好，世界\r")
	a.see("你好，世界")
	b.see("reached")
	a.press("hello\r")
	b.see("hello")
	a.see("完毕")
	b.press("\x04")
	b.see("(y/n)")
	b.press("y")
	b.see("closed here")
	a.see("对方关闭了连接")
	b.press("\x03")
	if err := b.end(); err != nil {
		t.Error(err)
	}
	a.press("\x03")
	if err := a.end(); err != nil {
		t.Error(err)
	}
}

func TestRunFails(t *testing.T) {
	host := node(t)
	l, err := host.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := open(t, t.Context(), node(t), Options{Lang: "en", Listen: l.Addr})
	err = m.end()
	if _, _, code := tincan.Explain(err); code != tincan.CodeInUse {
		t.Errorf("got %v, want the port in use", err)
	}
}

func TestRunEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	m := open(t, ctx, newFake(), Options{Lang: "en"})
	m.see("nothing is open")
	cancel()
	if err := m.end(); err != nil {
		t.Errorf("got %v, want none", err)
	}
}

// broken is a Talker whose events fail.
type broken struct{ *fake }

var errGone = errors.New("the node is gone")

func (b broken) Events(context.Context) iter.Seq2[tincan.Event, error] {
	return func(yield func(tincan.Event, error) bool) { yield(tincan.Event{}, errGone) }
}

func TestRunEndsWithEvents(t *testing.T) {
	m := open(t, t.Context(), broken{newFake()}, Options{Lang: "en"})
	if err := m.end(); !errors.Is(err, errGone) {
		t.Errorf("got %v, want %v", err, errGone)
	}
}
