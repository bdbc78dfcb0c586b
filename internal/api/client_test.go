package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"tincan"
)

func TestConnect(t *testing.T) {
	dir := t.TempDir()
	if _, err := Connect(dir); !errors.Is(err, ErrNone) || errors.Is(err, ErrStale) {
		t.Errorf("nobody there: %v", err)
	}
	f := newFake()
	r, err := Serve(t.Context(), f, Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "node.json")
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if mode := st.Mode().Perm(); runtime.GOOS != "windows" && mode != 0o600 {
		t.Errorf("node.json has mode %o", mode)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var n struct {
		PID        int
		URL, Token string
	}
	if err := json.Unmarshal(b, &n); err != nil || n.PID != os.Getpid() || n.URL != r.URL() || len(n.Token) != 64 || r.PageURL() != r.URL()+"/#t="+n.Token {
		t.Errorf("node.json is %s, %v; page at %s", b, err, r.PageURL())
	}
	c, err := Connect(dir)
	if err != nil {
		t.Fatal(err)
	}
	if c.URL() != r.URL() || c.PageURL() != r.PageURL() {
		t.Errorf("got %s and %s", c.URL(), c.PageURL())
	}
	if err := c.HangUp(t.Context(), "a"); err != nil || f.asked("hangup a") != 1 {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("second time: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := c.HangUp(t.Context(), "a"); !isCode(err, tincan.CodeUnreachable) {
		t.Errorf("after the end: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func isCode(err error, want tincan.Code) bool {
	var e *tincan.Error
	return errors.As(err, &e) && e.Code == want
}

func TestConnectStale(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	stranger := httptest.NewServer(http.NotFoundHandler())
	defer stranger.Close()
	liar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"pid":1}`) }))
	defer liar.Close()
	other := httptest.NewServer(New(newFake(), "another token"))
	defer other.Close()
	for name, c := range map[string]struct {
		file string
		want error
	}{
		"nobody listens":    {`{"pid":4711,"url":"http://` + free.Addr().String() + `","token":"x"}`, ErrStale},
		"another program":   {`{"pid":4711,"url":"` + stranger.URL + `","token":"x"}`, ErrStale},
		"another tincan":    {`{"pid":4711,"url":"` + other.URL + `","token":"x"}`, ErrStale},
		"another process":   {`{"pid":4711,"url":"` + liar.URL + `","token":"x"}`, ErrStale},
		"a name":            {`{"pid":4711,"url":"http://evil.example:80","token":"x"}`, ErrStale},
		"https":             {`{"pid":4711,"url":"https://127.0.0.1:1","token":"x"}`, ErrStale},
		"a path":            {`{"pid":4711,"url":"` + stranger.URL + `/x","token":"x"}`, ErrStale},
		"nothing of a node": {`{}`, ErrStale},
		"half a file":       {`{"pid":47`, nil},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "node.json"), []byte(c.file), 0o600); err != nil {
			t.Fatal(err)
		}
		client, err := Connect(dir)
		switch {
		case err == nil:
			t.Errorf("%s: connected to %s", name, client.URL())
		case c.want != nil && !errors.Is(err, c.want), errors.Is(err, ErrNone):
			t.Errorf("%s: %v", name, err)
		case !strings.Contains(err.Error(), dir):
			t.Errorf("%s: %v does not name the folder", name, err)
		}
	}
}

// TestNodeFileOfAnother sees to it that a server that ends leaves the file of the one that came after it.
func TestNodeFileOfAnother(t *testing.T) {
	dir := t.TempDir()
	first, err := Serve(t.Context(), newFake(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	second, err := Serve(t.Context(), newFake(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	first.Close()
	c, err := Connect(dir)
	if err != nil || c.URL() != second.URL() {
		t.Fatalf("got %v, %v", c, err)
	}
	c.Close()
	second.Close()
	if _, err := Connect(dir); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
	if _, err := Serve(t.Context(), newFake(), Options{Dir: filepath.Join(dir, "missing")}); err == nil {
		t.Error("served without the folder")
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := Serve(ctx, newFake(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	c, err := Connect(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	events := c.Events(t.Context())
	cancel()
	for _, err := range events {
		if !errors.Is(err, tincan.ErrClosed) {
			t.Errorf("got %v", err)
		}
	}
	r.Close() // waits
	if _, err := Connect(dir); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
}

// TestClientStaysAtItsServer sees to it that neither a proxy nor a redirect learns the token.
func TestClientStaysAtItsServer(t *testing.T) {
	reached := false
	trap := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { reached = true }))
	defer trap.Close()
	t.Setenv("HTTP_PROXY", trap.URL)
	t.Setenv("http_proxy", trap.URL)
	moved := httptest.NewServer(http.RedirectHandler(trap.URL, http.StatusTemporaryRedirect))
	defer moved.Close()
	c := NewClient(moved.URL, testToken)
	defer c.Close()
	if _, err := c.Status(t.Context()); !isCode(err, tincan.CodeInternal) || !strings.Contains(err.Error(), "307") {
		t.Errorf("got %v", err)
	}
	if c.http.Transport.(*http.Transport).Proxy != nil || reached {
		t.Error("the token went elsewhere")
	}
}

func TestClientContext(t *testing.T) {
	f, r := startTest(t)
	f.hang = make(chan struct{})
	defer close(f.hang)
	c := testClient(t, r)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for f.asked("hangup a") == 0 {
			runtime.Gosched()
		}
		cancel()
	}()
	if err := c.HangUp(ctx, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := c.Status(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	for _, err := range c.Events(ctx) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
}
