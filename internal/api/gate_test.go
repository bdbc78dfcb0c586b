package api

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"tincan"
)

const testToken = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// wire is a raw HTTP/1.1 client that says exactly what it is told.
type wire struct {
	t    testing.TB
	addr string
	conn net.Conn
	in   *bufio.Reader
}

func (w *wire) open() {
	if w.conn != nil {
		return
	}
	conn, err := net.Dial("tcp", w.addr)
	if err != nil {
		w.t.Fatal(err)
	}
	w.conn, w.in = conn, bufio.NewReader(conn)
	w.t.Cleanup(func() { conn.Close() })
}

// say sends a request as it stands on a connection of its own. The answer is nil when the server closed
// without one.
func (w *wire) say(request string) (*http.Response, string) {
	w.t.Helper()
	w.open()
	defer func() { w.conn.Close(); w.conn = nil }()
	io.WriteString(w.conn, request) // the server may have hung up before it has it all
	method, _, _ := strings.Cut(request, " ")
	resp, err := http.ReadResponse(w.in, &http.Request{Method: method})
	if err != nil {
		return nil, ""
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatalf("read the answer to %.80q: %v", request, err)
	}
	return resp, string(body)
}

// startTest serves a fake on a real socket.
func startTest(t testing.TB) (*fake, *Running) {
	t.Helper()
	f := newFake()
	r, err := Serve(t.Context(), f, Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	r.server.token = New(nil, testToken).token
	r.token = testToken
	t.Cleanup(func() { r.Close() })
	return f, r
}

// The axes of the matrix. Each value carries what the oracle has to know of it, decided by hand.
type (
	axisHost struct {
		text string
		good bool
	}
	axisOrigin struct {
		name string
		make func(host string) (string, bool)
		good bool
	}
	axisSite struct {
		text             string
		sent, same, none bool
	}
	axisPath struct {
		text      string
		page, api bool
	}
	axisToken struct {
		header, query string
		good          bool
	}
)

var (
	matrixHosts = func(p string) []axisHost {
		return []axisHost{
			{"127.0.0.1:" + p, true}, {"[::1]:" + p, true}, {"localhost:" + p, true}, {"extra.example:" + p, true},
			{"evil.example", false}, {"evil.example:" + p, false}, {"127.0.0.1.evil.tld:" + p, false}, {"localhost.:" + p, false},
			{"[::ffff:127.0.0.1]:" + p, false}, {"127.0.0.1:1", false}, {"127.0.0.1", false}, {"", false},
		}
	}
	matrixOrigins = []axisOrigin{
		{"absent", func(h string) (string, bool) { return "", false }, true},
		{"own", func(h string) (string, bool) { return "http://" + h, true }, true},
		{"other port", func(h string) (string, bool) { return "http://127.0.0.1:9", true }, false},
		{"null", func(h string) (string, bool) { return "null", true }, false},
		{"https", func(h string) (string, bool) { return "https://" + h, true }, false},
		{"evil", func(h string) (string, bool) { return "http://evil.example", true }, false},
	}
	matrixSites = []axisSite{
		{}, {"same-origin", true, true, false}, {"same-site", true, false, false}, {"cross-site", true, false, false}, {"none", true, false, true},
	}
	matrixMethods = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "TRACE"}
	matrixPaths   = []axisPath{
		{"/", true, false}, {"/page.js", false, false}, {"/api/status", false, true}, {"/%61pi/status", false, false}, {"//api/status", false, false},
		{"/api/../api/status", false, false}, {"/api/status/", false, false}, {"/API/status", false, false}, {"/api/status;x", false, false},
		{"/api/status?token=" + testToken, false, false}, {"/api/status?", false, false}, {"/api", false, false},
	}
	matrixTokens = []axisToken{
		{"Bearer " + testToken, "", true}, {"Bearer " + strings.Repeat("0", 64), "", false}, {"", "", false}, {"", "token=" + testToken, false},
	}
)

// oracle is what the gate has to answer, from the verdicts of the axes alone.
func oracle(h axisHost, o axisOrigin, s axisSite, method string, p axisPath, k axisToken) int {
	if k.query != "" { // another request target, and so no path that exists
		p.page, p.api = false, false
	}
	switch {
	case !h.good, !o.good:
		return 403
	case s.sent && !s.same && !(s.none && method == "GET" && p.page):
		return 403
	case !p.page && !p.api:
		return 404
	case p.page && (method == "GET" || method == "HEAD"):
		return 200
	case p.page, method != "POST":
		return 405
	case !k.good:
		return 401
	}
	return 200
}

// TestGateMatrix asks every combination of the axes over a real socket.
func TestGateMatrix(t *testing.T) {
	_, r := startTest(t)
	r.server.names = append(r.server.names, "extra.example")
	paths := slices.Clone(matrixPaths)
	paths[1].page = pageFiles()[paths[1].text] != nil // whether it is built in
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(r.URL(), "http://"))
	for _, h := range matrixHosts(port) {
		t.Run(fmt.Sprintf("%q", strings.TrimSuffix(h.text, port)), func(t *testing.T) {
			t.Parallel()
			w := &wire{t: t, addr: "127.0.0.1:" + port}
			seen := 0
			for _, o := range matrixOrigins {
				for _, s := range matrixSites {
					for _, m := range matrixMethods {
						var cells []cell
						for _, p := range paths {
							for _, k := range matrixTokens {
								cells = append(cells, cell{h, o, s, m, p, k})
							}
						}
						seen += len(cells)
						w.check(cells)
						if t.Failed() {
							t.FailNow()
						}
					}
				}
			}
			t.Logf("%d cells", seen)
		})
	}
}

// cell is one combination of the matrix.
type cell struct {
	h      axisHost
	o      axisOrigin
	s      axisSite
	method string
	p      axisPath
	k      axisToken
}

func (c cell) target() string {
	if c.k.query != "" {
		return c.p.text + "?" + c.k.query
	}
	return c.p.text
}

func (c cell) request() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", c.method, c.target(), c.h.text)
	if v, sent := c.o.make(c.h.text); sent {
		fmt.Fprintf(&b, "Origin: %s\r\n", v)
	}
	if c.s.sent {
		fmt.Fprintf(&b, "Sec-Fetch-Site: %s\r\n", c.s.text)
	}
	if c.k.header != "" {
		fmt.Fprintf(&b, "Authorization: %s\r\n", c.k.header)
	}
	if c.method == "POST" {
		b.WriteString("Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
	} else {
		b.WriteString("\r\n")
	}
	return b.String()
}

// check asks some cells, one after the other on one connection, and compares the whole answers with what
// they have to be.
func (w *wire) check(cells []cell) {
	var requests strings.Builder
	for _, c := range cells {
		requests.WriteString(c.request())
	}
	w.open()
	io.WriteString(w.conn, requests.String())
	for _, c := range cells {
		name := fmt.Sprintf("host %q origin %s site %q %s %s token %q", c.h.text, c.o.name, c.s.text, c.method, c.target(), c.k.header)
		resp, err := http.ReadResponse(w.in, &http.Request{Method: c.method})
		if err != nil {
			w.t.Fatalf("%s: %v", name, err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			w.t.Fatalf("%s: %v", name, err)
		}
		if want := oracle(c.h, c.o, c.s, c.method, c.p, c.k); resp.StatusCode != want {
			w.t.Errorf("%s: got %d, want %d: %s", name, resp.StatusCode, want, body)
		} else if wrong := checkAnswer(resp, string(body), c.method, c.p); wrong != "" {
			w.t.Errorf("%s: %s", name, wrong)
		}
	}
}

// checkAnswer says what is wrong with the headers and body of an answer; "" if nothing is.
func checkAnswer(resp *http.Response, body, method string, p axisPath) string {
	for k, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob:; " +
			"manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
		"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
		"Referrer-Policy": "no-referrer",
	} {
		if got := resp.Header.Values(k); len(got) != 1 || got[0] != want {
			return fmt.Sprintf("%s is %q, want %q", k, got, want)
		}
	}
	for k := range resp.Header {
		if strings.HasPrefix(k, "Access-Control-") || k == "Set-Cookie" || k == "Timing-Allow-Origin" {
			return "has the header " + k
		}
	}
	cache, kind := "no-store", "application/json"
	if p.page && resp.StatusCode == 200 {
		cache, kind = "no-cache", pageFiles()[p.text].kind
	}
	switch got := resp.Header; {
	case got.Get("Cache-Control") != cache || got.Get("Content-Type") != kind:
		return fmt.Sprintf("Cache-Control %q, Content-Type %q", got.Get("Cache-Control"), got.Get("Content-Type"))
	case resp.StatusCode == 405 && p.page && got.Get("Allow") != "GET, HEAD", resp.StatusCode == 405 && p.api && got.Get("Allow") != "POST":
		return "Allow " + got.Get("Allow")
	case resp.StatusCode != 200 && method != "HEAD" && method != "CONNECT" && !strings.HasPrefix(body, `{"error":"`):
		return "refused with " + body
	case resp.StatusCode != 200 && strings.Contains(body, `"pid"`):
		return "refused, and told: " + body
	case resp.StatusCode == 403 && method != "HEAD" && method != "CONNECT" && !strings.Contains(body, "127.0.0.1:") && !strings.Contains(body, "open the page of this server"):
		return "does not name the accepted hosts: " + body
	}
	return ""
}

// TestGateSpellings asks what the matrix's axes do not cover: odd requests, each with its decision.
func TestGateSpellings(t *testing.T) {
	_, r := startTest(t)
	host := strings.TrimPrefix(r.URL(), "http://")
	auth := "Authorization: Bearer " + testToken + "\r\n"
	rest := "Content-Type: application/json\r\nContent-Length: 2\r\n"
	api := "POST /api/status HTTP/1.1\r\nHost: " + host + "\r\n"
	for _, c := range []struct {
		name, request string
		want          int
	}{
		{"as it should be", api + auth + rest + "\r\n{}", 200},
		{"absolute form", "POST http://" + host + "/api/status HTTP/1.1\r\nHost: " + host + "\r\n" + auth + rest + "\r\n{}", 404},
		{"absolute form of the page", "GET http://" + host + "/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", 404},
		{"absolute form, other host", "GET http://evil.example/ HTTP/1.1\r\nHost: " + host + "\r\n\r\n", 403},
		{"options of everything", "OPTIONS * HTTP/1.1\r\nHost: " + host + "\r\n\r\n", 404},
		{"options of everything, other host", "OPTIONS * HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403},
		{"connect", "CONNECT " + host + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n", 404},
		{"HTTP/1.0 without a host", "GET / HTTP/1.0\r\n\r\n", 403},
		{"HTTP/1.1 without a host", "GET / HTTP/1.1\r\n\r\n", 400},
		{"two hosts", "GET / HTTP/1.1\r\nHost: " + host + "\r\nHost: " + host + "\r\n\r\n", 400},
		{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 403},
		{"user in host", "GET / HTTP/1.1\r\nHost: a@" + host + "\r\n\r\n", 400},
		{"host in capitals", "GET / HTTP/1.1\r\nHost: LOCALHOST:1\r\n\r\n", 403},
		{"two origins, one is ours", api + auth + rest + "Origin: http://" + host + "\r\nOrigin: http://evil.example\r\n\r\n{}", 403},
		{"empty origin", api + auth + rest + "Origin:\r\n\r\n{}", 403},
		{"origin with a slash", api + auth + rest + "Origin: http://" + host + "/\r\n\r\n{}", 403},
		{"origin of another own name", api + auth + rest + "Origin: http://localhost:" + host[len("127.0.0.1:"):] + "\r\n\r\n{}", 403},
		{"two sites", api + auth + rest + "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n\r\n{}", 403},
		{"empty site", api + auth + rest + "Sec-Fetch-Site:\r\n\r\n{}", 403},
		{"method in small letters", "post /api/status HTTP/1.1\r\nHost: " + host + "\r\n" + auth + rest + "\r\n{}", 405},
		{"two tokens", api + auth + auth + rest + "\r\n{}", 401},
		{"token in small letters", api + "Authorization: bearer " + testToken + "\r\n" + rest + "\r\n{}", 401},
		{"token with a space", api + "Authorization: Bearer  " + testToken + "\r\n" + rest + "\r\n{}", 401},
		{"token as basic", api + "Authorization: Basic OjA=\r\n" + rest + "\r\n{}", 401},
		{"half a token", api + "Authorization: Bearer " + testToken[:32] + "\r\n" + rest + "\r\n{}", 401},
		{"no token, only the word", api + "Authorization: Bearer \r\n" + rest + "\r\n{}", 401},
		{"token as a cookie", api + "Cookie: token=" + testToken + "\r\n" + rest + "\r\n{}", 401},
		{"no type", api + auth + "Content-Length: 2\r\n\r\n{}", 415},
		{"type of a form", api + auth + "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}", 415},
		{"type that starts well", api + auth + "Content-Type: application/json5\r\nContent-Length: 2\r\n\r\n{}", 415},
		{"two types", api + auth + "Content-Type: application/json\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}", 415},
		{"type with UTF-8", api + auth + "Content-Type: application/json; charset=UTF-8\r\nContent-Length: 2\r\n\r\n{}", 200},
		{"type with UTF-7", api + auth + "Content-Type: application/json; charset=utf-7\r\nContent-Length: 2\r\n\r\n{}", 415},
		{"type with more", api + auth + "Content-Type: application/json; charset=utf-8; x=y\r\nContent-Length: 2\r\n\r\n{}", 415},
		{"websocket", "GET /api/events HTTP/1.1\r\nHost: " + host + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 405},
		{"headers without end", "GET / HTTP/1.1\r\nHost: " + host + "\r\nX: " + strings.Repeat("x", 40<<10) + "\r\n\r\n", 431},
		{"dots to the page", "GET /../ HTTP/1.1\r\nHost: " + host + "\r\n\r\n", 404},
		{"encoded slash", "POST /api%2fstatus HTTP/1.1\r\nHost: " + host + "\r\n" + auth + rest + "\r\n{}", 404},
		{"zero byte", "POST /api/status%00 HTTP/1.1\r\nHost: " + host + "\r\n" + auth + rest + "\r\n{}", 404},
		{"fragment", "POST /api/status#x HTTP/1.1\r\nHost: " + host + "\r\n" + auth + rest + "\r\n{}", 404},
		{"backslash", "GET /\\ HTTP/1.1\r\nHost: " + host + "\r\n\r\n", 404},
		{"page.html by its name", "GET /page.html HTTP/1.1\r\nHost: " + host + "\r\n\r\n", 404},
		{"folder of the page", "GET /page/dist/page.html HTTP/1.1\r\nHost: " + host + "\r\n\r\n", 404},
	} {
		w := &wire{t: t, addr: host}
		resp, body := w.say(c.request)
		switch {
		case resp == nil:
			t.Errorf("%s: no answer", c.name)
		case resp.StatusCode != c.want:
			t.Errorf("%s: got %d, want %d: %s", c.name, resp.StatusCode, c.want, body)
		}
	}
}

// TestGateOrder sees to it that the gate is asked before a body is read, and that no talker is asked before it.
func TestGateOrder(t *testing.T) {
	f, r := startTest(t)
	for name := range r.server.targets {
		if !strings.HasPrefix(name, "/api/") {
			continue
		}
		resp, err := http.Post(r.URL()+name, "application/json", strings.NewReader(`{"room":"tcp:h:1","text":"x","addr":":1"}`))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 401 {
			t.Errorf("%s without a token: %s", name, resp.Status)
		}
	}
	if calls := f.log(); len(calls) != 0 {
		t.Errorf("got through: %q", calls)
	}
}

func TestNoTokenLetsNobodyIn(t *testing.T) {
	srv := httptest.NewServer(New(newFake(), ""))
	defer srv.Close()
	for _, header := range []string{"", "Bearer ", "Bearer"} {
		req, _ := http.NewRequest("POST", srv.URL+"/api/status", strings.NewReader("{}"))
		req.Header.Set("Content-Type", "application/json")
		if header != "" {
			req.Header.Set("Authorization", header)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 401 {
			t.Errorf("%q: %s", header, resp.Status)
		}
	}
	rec := httptest.NewRecorder() // no socket: no host is ours
	New(newFake(), testToken).ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	if rec.Code != 403 {
		t.Errorf("without a socket: %d", rec.Code)
	}
}

func TestHostsOnPort80(t *testing.T) {
	s := New(newFake(), testToken)
	s.names = []string{"box.example", "behind.example:8443", "192.0.2.7"}
	hosts := func(local string) []string {
		r := httptest.NewRequest("GET", "/", nil)
		a, err := net.ResolveTCPAddr("tcp", local)
		if err != nil {
			t.Fatal(err)
		}
		return s.hosts(r.WithContext(contextWith(r.Context(), a)))
	}
	if got, want := strings.Join(hosts("127.0.0.1:8080"), " "),
		"127.0.0.1:8080 [::1]:8080 localhost:8080 box.example:8080 behind.example:8443 192.0.2.7:8080"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := strings.Join(hosts("127.0.0.1:80"), " "),
		"127.0.0.1:80 127.0.0.1 [::1]:80 [::1] localhost:80 localhost box.example:80 box.example behind.example:8443 192.0.2.7:80 192.0.2.7"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestPageFiles(t *testing.T) {
	_, r := startTest(t)
	resp, err := http.Get(r.URL() + "/")
	if err != nil {
		t.Fatal(err)
	}
	etag := resp.Header.Get("ETag")
	resp.Body.Close()
	if etag == "" || resp.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("got %v", resp.Header)
	}
	req, _ := http.NewRequest("GET", r.URL()+"/", nil)
	req.Header.Set("If-None-Match", etag)
	resp, err = http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotModified || resp.Header.Get("Content-Security-Policy") != policy {
		t.Errorf("got %s, %v", resp.Status, resp.Header)
	}
}

func TestServeRefusesOpenAddresses(t *testing.T) {
	for _, c := range []struct {
		addr   string
		public []string
		want   tincan.Code // "" works
	}{
		{"127.0.0.1:0", nil, ""},
		{"localhost:0", nil, ""},
		{":0", nil, tincan.CodeRefused},
		{"0.0.0.0:0", nil, tincan.CodeRefused},
		{"[::]:0", nil, tincan.CodeRefused},
		{"192.0.2.1:0", nil, tincan.CodeRefused},
		{"example.com:0", nil, tincan.CodeRefused},
		{"localhost.:0", nil, tincan.CodeRefused},
		{"[::ffff:192.0.2.1]:0", nil, tincan.CodeRefused},
		{"7000", nil, tincan.CodeUsage},
		{"0.0.0.0:0", []string{"box.example"}, ""},
		{"0.0.0.0:0", []string{"*"}, tincan.CodeUsage},
		{"0.0.0.0:0", []string{"Box.example"}, tincan.CodeUsage},
		{"0.0.0.0:0", []string{""}, tincan.CodeUsage},
		{"192.0.2.1:0", []string{"box.example"}, tincan.CodeUnreachable},
	} {
		r, err := Serve(t.Context(), newFake(), Options{Addr: c.addr, Public: c.public})
		var code tincan.Code
		if err != nil {
			_, _, code = tincan.Explain(err)
		} else {
			if !strings.HasPrefix(r.URL(), "http://127.0.0.") {
				t.Errorf("%s: served on %s", c.addr, r.URL())
			}
			resp, err := http.Get(r.URL())
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != 200 {
				t.Errorf("%s: %s answers %s", c.addr, r.URL(), resp.Status)
			}
			r.Close()
		}
		if code != c.want {
			t.Errorf("%s %q: got %v (%s), want %q", c.addr, c.public, err, code, c.want)
		}
	}
}
