package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"unicode/utf8"

	"tincan"
)

// TestHostileBodies sends what no caller should, and compares the sentence that comes back.
func TestHostileBodies(t *testing.T) {
	f, r := startTest(t)
	for _, c := range []struct{ verb, body, want string }{
		{"status", ``, `the body is not a JSON object`},
		{"status", `[]`, `the body is not a JSON object`},
		{"status", `null`, `the body is not a JSON object`},
		{"status", `"x"`, `the body is not a JSON object`},
		{"status", `{`, `the body is not JSON: unexpected EOF`},
		{"status", `{} {}`, `something follows the JSON object`},
		{"status", `{}x`, `something follows the JSON object`},
		{"status", `{"room":"a"}`, `no field "room" here`},
		{"hangup", `{}`, `the field "room" is missing`},
		{"hangup", `{"room":"a","room":"b"}`, `the field "room" is there twice`},
		{"hangup", `{"Room":"a"}`, `no field "Room" here`},
		{"hangup", `{"room":7}`, `"room" is a text, not a number`},
		{"hangup", `{"room":null}`, `"room" is a text, not null`},
		{"hangup", `{"room":["a"]}`, `"room" is a text, not a list`},
		{"hangup", `{"room":{"a":1}}`, `"room" is a text, not an object`},
		{"hangup", `{"room":true}`, `"room" is a text, not true or false`},
		{"hangup", `{"room":"a",}`, `the body is not JSON: invalid character '}'`},
		{"hangup", `{"room":"a"`, `the body is not JSON: unexpected EOF`},
		{"hangup", `{room:"a"}`, `the body is not JSON: invalid character 'r'`},
		{"hangup", "{\"room\":\"\xff\"}", `the body is not UTF-8`},
		{"hangup", `{"room":` + strings.Repeat("[", 20_000), `the body is not JSON: invalid character '[' exceeded max depth`},
		{"hangup", `{"room":` + strings.Repeat(`{"a":`, 12_000), `the body is not JSON: invalid character '{' exceeded max depth`},
		{"hangup", strings.Repeat(`[`, 60_000), `the body is not a JSON object`},
		{"hangup", `{"` + strings.Repeat("x", 60_000) + `":1}`, `no field "` + strings.Repeat("x", 40) + `…" here`},
		{"disconnect", `{"link":"7"}`, `"link" is a number, not a text`},
		{"disconnect", `{"link":7.5}`, `"link" is a whole number, not 7.5`},
		{"disconnect", `{"link":1e3}`, `"link" is a whole number, not 1e3`},
		{"disconnect", `{"link":9223372036854775808}`, `"link" is a whole number, not 9223372036854775808`},
		{"disconnect", `{"link":` + strings.Repeat("9", 1000) + `}`, `"link" is a whole number, not ` + strings.Repeat("9", 40) + "…"},
		{"held", `{"room":"a","do":"maybe"}`, `"do" is one of send, discard, not "maybe"`},
		{"reading", `{"link":7,"do":""}`, `"do" is one of pause, resume, one, not ""`},
		{"send", `{"room":"a"}`, `a message is one of "text", "hex" and "base64"`},
		{"send", `{"room":"a","text":"a","hex":"61"}`, `a message is one of "text", "hex" and "base64"`},
		{"send", `{"room":"a","hex":"61 6g"}`, `hex: "g" at position 5 is not a hex digit`},
		{"send", `{"room":"a","base64":"AP8"}`, `base64: it makes no sense at position`},
		{"send", `{"room":"a","base64":"A_8="}`, `base64: it makes no sense at position 2`},
		{"send", `{"room":"a","text":"\ud83d"}`, `"text" holds half of a surrogate pair`},
		{"send", `{"room":"a","text":"\ud83dx\ude00"}`, `"text" holds half of a surrogate pair`},
		{"send", `{"room":"a","text":"\\\ud83d\\"}`, `"text" holds half of a surrogate pair`},
		{"send", `{"room":"a","text":"\ude00\ud83d"}`, `"text" holds half of a surrogate pair`},
		{"events", `{"session":1}`, `"session" is a text, not a number`},
		{"events", `{"since":1}`, `no field "since" here`},
		{"listen", `{"addr":":1","session":"x"}`, `no events call of session "x" is open`},
	} {
		status, body := post(t, r, c.verb, c.body)
		var got failure
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Errorf("%s %.60s: %v in %s", c.verb, c.body, err, body)
			continue
		}
		wantStatus := 400
		if got.Code == tincan.CodeRefused {
			wantStatus = 403
		}
		if status != wantStatus || !strings.HasPrefix(got.Error, c.want) {
			t.Errorf("%s %.60s: got %d %q, want %d %q", c.verb, c.body, status, got.Error, wantStatus, c.want)
		}
	}
	if calls := f.log(); len(calls) != 0 {
		t.Errorf("the talker was asked: %q", calls)
	}
}

// TestTolerantBodies sends what looks odd and is right.
func TestTolerantBodies(t *testing.T) {
	f, r := startTest(t)
	for body, want := range map[string]string{
		" {\r\n\t\"room\" : \"tcp:h:1\" , \"text\" : \"a\" } \n":              "a",
		`{"text":"\ud83d\ude00","room":"tcp:h:1"}`:                            "😀",
		`{"text":"\ufffd \\ud83d \u0000","room":"tcp:h:1"}`:                   "\ufffd \\ud83d \x00",
		`{"text":"","room":"tcp:h:1"}`:                                        "",
		`{"hex":"0x48,0x65 \\x6c:6C-6f","room":"tcp:h:1"}`:                    "Hello",
		`{"base64":"SGVsbG8=","room":"tcp:h:1"}`:                              "Hello",
		`{"room":"tcp:h:1","text":"` + strings.Repeat("长", 1<<16) + `"}`:      strings.Repeat("长", 1<<16),
		`{"room":"tcp:h:1","hex":"` + strings.Repeat("00", 1<<18) + `"}`:      strings.Repeat("\x00", 1<<18),
		`{"room":"tcp:h:1","base64":"` + strings.Repeat("AAAA", 1<<16) + `"}`: strings.Repeat("\x00", 3<<16),
	} {
		if status, got := post(t, r, "send", body); status != 200 {
			t.Errorf("%.60s: %d %s", body, status, got)
			continue
		}
		if got := string(f.messages[len(f.messages)-1].Body); got != want {
			t.Errorf("%.60s: got %.40q, want %.40q", body, got, want)
		}
	}
}

// zeros is a body that never ends by itself, and counts what was read of it.
type zeros struct{ n atomic.Int64 }

func (z *zeros) Read(p []byte) (int, error) {
	z.n.Add(int64(len(p)))
	clear(p)
	return len(p), nil
}

// TestLongBodies sends 100 MB with and without saying so beforehand, and looks at what that costs.
func TestLongBodies(t *testing.T) {
	_, r := startTest(t)
	const size = 100_000_000
	for _, c := range []struct {
		verb string
		said bool
		at   int64 // may be read
	}{{"status", true, 8 << 20}, {"status", false, 8 << 20}, {"send", true, 8 << 20}, {"send", false, 40 << 20}} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		z := &zeros{}
		req, err := http.NewRequest("POST", r.URL()+"/api/"+c.verb, io.LimitReader(z, size))
		if err != nil {
			t.Fatal(err)
		}
		if c.said {
			req.ContentLength = size
		}
		req.Header.Set("Authorization", "Bearer "+testToken)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err == nil { // else the server hung up on us while we were sending, which is as good
			if resp.StatusCode != http.StatusRequestEntityTooLarge {
				t.Errorf("%s: %s", c.verb, resp.Status)
			}
			resp.Body.Close()
		}
		runtime.ReadMemStats(&after)
		if n := z.n.Load(); n > c.at {
			t.Errorf("%s: the server took %d bytes", c.verb, n)
		}
		if grew := after.TotalAlloc - before.TotalAlloc; grew > 5*sendBody {
			t.Errorf("%s: allocated %d bytes", c.verb, grew)
		}
	}
}

// TestLargestMessage sends 16 MiB, the largest that a message may be, both ways.
func TestLargestMessage(t *testing.T) {
	_, r := startTest(t)
	size := 16 << 20
	if testing.Short() {
		size = 1 << 20
	}
	body := []byte(strings.Repeat("\xff\x00\x01\x02", size/4))
	m, err := testClient(t, r).SendMessage(t.Context(), tincan.Outgoing{Room: "tcp:h:1", Body: body})
	if err != nil || string(m.Body) != string(body) {
		t.Errorf("got %d bytes, %v", len(m.Body), err)
	}
}

// FuzzBody reads whatever comes as the body of a send. What is taken is what encoding/json makes of it, and
// what is not is refused with a sentence.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{`{}`, `{"room":"a","text":"b"}`, `{"room":"a","hex":"0x41"}`, `{"room":"a","base64":"AA=="}`, `{"room":"a","link":7,"limit":-3}`,
		`{"room":"\ud83d\ude00"}`, `{"room":"\ud83d"}`, `{"text":"\\u\"`, `{"room":{"a":[1,2,{}]}}`, `{"room":"a"}}`, "\xef\xbb\xbf{}", `{"limit":1e9}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var room string
		var text *string
		var link int64
		var limit int
		err := read(body, may("room", &room), may("text", &text), may("link", &link), may("limit", &limit))
		if err != nil {
			var e *tincan.Error
			if !errors.As(err, &e) || e.Code != tincan.CodeUsage || e.Text == "" || len(e.Text) > 1000 {
				t.Fatalf("%q: %#v", body, err)
			}
			return
		}
		var want struct {
			Room  string
			Text  *string
			Link  int64
			Limit int
		}
		if err := json.Unmarshal(body, &want); err != nil {
			t.Fatalf("%q was taken, and is no JSON: %v", body, err)
		}
		got := fmt.Sprintf("%q %d %d %v", room, link, limit, text != nil)
		if want := fmt.Sprintf("%q %d %d %v", want.Room, want.Link, want.Limit, want.Text != nil); got != want {
			t.Fatalf("%q: got %s, want %s", body, got, want)
		}
		if text != nil && (*text != *want.Text || !utf8.ValidString(*text)) {
			t.Fatalf("%q: got %q, want %q", body, *text, *want.Text)
		}
	})
}
