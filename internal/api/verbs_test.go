package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tincan"
)

func testClient(t testing.TB, r *Running) *Client {
	c := NewClient(r.URL(), testToken)
	t.Cleanup(func() { c.Close() })
	return c
}

// TestVerbs makes every call through the client and the server, and compares what the talker was asked with
// what it is asked directly, and the answers.
func TestVerbs(t *testing.T) {
	f, r := startTest(t)
	direct := newFake()
	ctx := t.Context()
	for _, c := range []struct {
		name string
		call func(tincan.Talker) (any, error)
	}{
		{"listen", func(k tincan.Talker) (any, error) { return k.Listen(ctx, "dotnet://:7000") }},
		{"stop", func(k tincan.Talker) (any, error) { return nil, k.StopListening(ctx, "t1") }},
		{"dial", func(k tincan.Talker) (any, error) { return k.Dial(ctx, "lines://h:7000?eol=crlf") }},
		{"hangup", func(k tincan.Talker) (any, error) { return nil, k.HangUp(ctx, "房间") }},
		{"disconnect", func(k tincan.Talker) (any, error) { return nil, k.Disconnect(ctx, 7) }},
		{"redial", func(k tincan.Talker) (any, error) { return nil, k.Redial(ctx, "lines://h:7000") }},
		{"send", func(k tincan.Talker) (any, error) {
			return k.SendMessage(ctx, tincan.Outgoing{Room: "tcp:h:1", ID: "a<b", Body: []byte("你好 \u2028 <b>")})
		}},
		{"send bytes", func(k tincan.Talker) (any, error) {
			return k.SendMessage(ctx, tincan.Outgoing{Room: "tcp:h:1", Body: []byte{0, 0xff, 0xfe}})
		}},
		{"send GBK", func(k tincan.Talker) (any, error) {
			return k.SendMessage(ctx, tincan.Outgoing{Room: "gbk-room", Body: []byte{0xc4, 0xe3}})
		}},
		{"send nothing", func(k tincan.Talker) (any, error) {
			return k.SendMessage(ctx, tincan.Outgoing{Room: "tcp:h:1"})
		}},
		{"send now", func(k tincan.Talker) (any, error) { return nil, k.Held(ctx, "tcp:h:1", tincan.SendNow) }},
		{"discard", func(k tincan.Talker) (any, error) { return nil, k.Held(ctx, "tcp:h:1", tincan.Discard) }},
		{"history", func(k tincan.Talker) (any, error) { return k.History(ctx, "tcp:h:1", 3, -50) }},
		{"receipts", func(k tincan.Talker) (any, error) { return k.Receipts(ctx, "tcp:h:1", 1, 1<<60) }},
		{"links", func(k tincan.Talker) (any, error) { return k.Links(ctx, "", 5) }},
		{"links of a room", func(k tincan.Talker) (any, error) { return k.Links(ctx, "tcp:h:1", 5) }},
		{"past", func(k tincan.Talker) (any, error) { return k.Past(ctx, "", 5) }},
		{"pause", func(k tincan.Talker) (any, error) { return nil, k.Reading(ctx, 7, tincan.Pause) }},
		{"resume", func(k tincan.Talker) (any, error) { return nil, k.Reading(ctx, 7, tincan.Resume) }},
		{"one", func(k tincan.Talker) (any, error) { return nil, k.Reading(ctx, 7, tincan.ReadOne) }},
		{"codec", func(k tincan.Talker) (any, error) { return nil, k.SetCodec(ctx, 7, "dotnet") }},
		{"encoding", func(k tincan.Talker) (any, error) { return nil, k.SetEncoding(ctx, "tcp:h:1", "gbk") }},
		{"status", func(k tincan.Talker) (any, error) {
			st, err := k.Status(ctx)
			st.Addresses, st.Listeners = list(st.Addresses), list(st.Listeners)
			return st, err
		}},
	} {
		got, err := c.call(testClient(t, r))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		want, err := c.call(direct)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", c.name, got, want)
		}
	}
	if got, want := f.log(), direct.log(); !slices.Equal(got, want) {
		t.Errorf("asked %q\nwant  %q", got, want)
	}
}

// post makes a call by hand.
func post(t testing.TB, r *Running, verb, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequest("POST", r.URL()+"/api/"+verb, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+testToken)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSuffix(string(b), "\n")
}

// TestAnswers compares answers with the shapes of docs/API.md.
func TestAnswers(t *testing.T) {
	_, r := startTest(t)
	for _, c := range []struct{ verb, body, want string }{
		{"send", `{"room":"tcp:h:1","id":"a","text":"hi"}`,
			`{"room":"tcp:h:1","offset":1,"id":"a","from":"me","time":"2026-01-02T03:04:05.6Z","text":"hi","state":"queued"}`},
		{"send", `{"room":"tcp:h:1","hex":"00 ff"}`,
			`{"room":"tcp:h:1","offset":2,"id":"","from":"me","time":"2026-01-02T03:04:05.6Z","base64":"AP8=","state":"queued"}`},
		{"send", `{"room":"gbk-room","text":"你好"}`,
			`{"room":"gbk-room","offset":3,"id":"","from":"me","time":"2026-01-02T03:04:05.6Z","text":"你好","encoding":"gbk","state":"queued"}`},
		{"send", `{"room":"gbk-room","base64":"xOM="}`,
			`{"room":"gbk-room","offset":4,"id":"","from":"me","time":"2026-01-02T03:04:05.6Z","text":"你","encoding":"gbk","state":"queued"}`},
		{"history", `{"room":"nowhere"}`, `{"messages":[]}`},
		{"receipts", `{"room":"tcp:h:1","first":1,"last":9}`, `{"receipts":[{"first":1,"last":9,"peer":"tcp:h:1","state":"reached"}]}`},
		{"stop", `{"listener":"t1"}`, `{}`},
		{"held", `{"room":"tcp:h:1","do":"send"}`, `{}`},
		{"listen", `{"addr":":7000"}`,
			`{"id":"t1","addr":"127.0.0.1:7000","url":":7000","codec":"auto","reach":["127.0.0.1:7000"],"links":0,"refused":0}`},
	} {
		if status, got := post(t, r, c.verb, c.body); status != 200 || got != c.want {
			t.Errorf("%s %s: %d\n got %s\nwant %s", c.verb, c.body, status, got, c.want)
		}
	}
	_, got := post(t, r, "status", `{}`)
	var st map[string]json.RawMessage
	if err := json.Unmarshal([]byte(got), &st); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"addresses", "listeners", "links", "rooms"} {
		if !bytes.HasPrefix(st[name], []byte("[")) {
			t.Errorf("status: %s is %s", name, st[name])
		}
	}
}

// TestDefaults sees to it that what is left out is what docs/API.md says.
func TestDefaults(t *testing.T) {
	f, r := startTest(t)
	post(t, r, "history", `{"room":"a"}`)
	post(t, r, "links", `{}`)
	if got, want := f.log(), []string{"history a 0 100", `links "" 100`}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestEncodingOfARoom sees to it that a text is written in the encoding that its room has at that moment.
func TestEncodingOfARoom(t *testing.T) {
	f, r := startTest(t)
	send := func(room string) []byte {
		t.Helper()
		if status, got := post(t, r, "send", `{"room":"`+room+`","text":"你"}`); status != 200 {
			t.Fatal(got)
		}
		return f.messages[len(f.messages)-1].Body
	}
	if got := send("gbk-room"); string(got) != "\xc4\xe3" {
		t.Errorf("GBK: % x", got)
	}
	f.mu.Lock()
	f.status.Rooms[1].Encoding = "utf-16le" // by another surface
	f.mu.Unlock()
	if got := send("gbk-room"); string(got) != "\x60\x4f" {
		t.Errorf("UTF-16: % x", got)
	}
	f.mu.Lock()
	f.status.Rooms = nil // not among the latest used
	f.mu.Unlock()
	f.messages[len(f.messages)-1].Enc = "gbk"
	if got := send("gbk-room"); string(got) != "\xc4\xe3" {
		t.Errorf("by history: % x", got)
	}
	if got := send("new"); string(got) != "你" {
		t.Errorf("unknown: % x", got)
	}
	f.mu.Lock()
	f.status.Rooms = []tincan.RoomStatus{{Name: "latin", Encoding: "latin-1"}}
	f.mu.Unlock()
	if status, got := post(t, r, "send", `{"room":"latin","text":"你"}`); status != 400 || !strings.Contains(got, "latin-1") {
		t.Errorf("no form: %d %s", status, got)
	}
}

// known is a talker that knows encodings without a snapshot.
type knowing struct{ *fake }

func (k knowing) Encoding(_ context.Context, room string) (string, error) { return "gbk", nil }

func TestEncodingWithoutStatus(t *testing.T) {
	f := newFake()
	s := New(knowing{f}, testToken)
	if enc, err := s.encodingOf(t.Context(), "any"); enc != "gbk" || err != nil || len(f.log()) != 0 {
		t.Errorf("got %q, %v, asked %q", enc, err, f.log())
	}
}

// TestErrors sends each class of error through the server and the client.
func TestErrors(t *testing.T) {
	f, r := startTest(t)
	c := testClient(t, r)
	for _, e := range []struct {
		err    error
		status int
		code   tincan.Code
	}{
		{&tincan.Error{Code: tincan.CodeUsage, Text: "no such codec", Hint: "one of these"}, 400, tincan.CodeUsage},
		{&tincan.Error{Code: tincan.CodeNotFound, Text: "no room"}, 404, tincan.CodeNotFound},
		{&tincan.Error{Code: tincan.CodeInUse, Text: "port 7000 is in use", Hint: "next free: 7001"}, 409, tincan.CodeInUse},
		{&tincan.Error{Code: tincan.CodeRefused, Text: "not allowed"}, 403, tincan.CodeRefused},
		{&tincan.Error{Code: tincan.CodeUnreachable, Text: "no way"}, 502, tincan.CodeUnreachable},
		{&tincan.Error{Code: tincan.CodeFull, Text: "full"}, 507, tincan.CodeFull},
		{tincan.ErrClosed, 503, tincan.CodeClosed},
		{&tincan.Error{Code: tincan.CodeInternal, Text: "oops"}, 500, tincan.CodeInternal},
		{&tincan.Error{Code: "new-one", Text: "later"}, 500, tincan.CodeInternal},
		{errors.New("plain"), 500, tincan.CodeInternal},
		{errors.Join(errors.New("x"), &tincan.Error{Code: tincan.CodeNotFound, Text: "inside"}), 404, tincan.CodeNotFound},
	} {
		f.mu.Lock()
		f.fail = e.err
		f.mu.Unlock()
		text, hint, _ := tincan.Explain(e.err)
		status, body := post(t, r, "hangup", `{"room":"a"}`)
		var got failure
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		if want := (failure{text, hint, e.code}); got != want || status != e.status {
			t.Errorf("%v: got %d %+v, want %d %+v", e.err, status, got, e.status, want)
		}
		err := c.HangUp(t.Context(), "a")
		var te *tincan.Error
		if !errors.As(err, &te) || te.Text != text || te.Hint != hint || te.Code != e.code {
			t.Errorf("client: got %#v", err)
		}
		if errors.Is(err, tincan.ErrClosed) != (e.code == tincan.CodeClosed) {
			t.Errorf("client: %v is closed: %v", err, errors.Is(err, tincan.ErrClosed))
		}
		for _, call := range []func() error{
			func() error { _, err := c.Listen(t.Context(), ":1"); return err },
			func() error { _, err := c.Dial(t.Context(), "h:1"); return err },
			func() error { _, err := c.SendMessage(t.Context(), tincan.Outgoing{Room: "a"}); return err },
			func() error { _, err := c.History(t.Context(), "a", 0, 1); return err },
			func() error { _, err := c.Status(t.Context()); return err },
		} {
			if _, _, code := tincan.Explain(call()); code != e.code {
				t.Errorf("got %s, want %s", code, e.code)
			}
		}
	}
}

func TestLanguage(t *testing.T) {
	f, r := startTest(t)
	f.fail = tincan.ErrClosed
	zh, _, _ := tincan.ExplainIn("zh", tincan.ErrClosed)
	c := testClient(t, r)
	c.Language = "zh"
	if err := c.HangUp(t.Context(), "a"); err == nil || err.Error() != zh {
		t.Errorf("got %v, want %s", err, zh)
	}
	for header, want := range map[string]string{"zh-CN,zh;q=0.9,en;q=0.8": "十六进制", "en-GB,zh": "hex:", "": "hex:"} {
		if _, got := post(t, r, "send", `{"room":"a","hex":"0"}`, "Accept-Language", header); !strings.Contains(got, want) {
			t.Errorf("%q: got %s", header, got)
		}
	}
}
