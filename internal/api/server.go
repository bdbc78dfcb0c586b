// Package api lets the page, a second tincan command and programs drive a node: HTTP on the loopback
// interface, as docs/API.md describes it, and the Go client of it. It holds no state of the conversation; every
// verb is one call of the [tincan.Talker] behind it.
//
// It does not do TLS and it has no users: whoever holds the token may do everything.
//
// A request passes the gate (gate.go) before anything else looks at it:
//
//  1. Host is one of the names that this server is known by, exactly. A page whose DNS name was rebound to
//     127.0.0.1 fails here.
//  2. Origin, if there is one, is our own, and Sec-Fetch-Site, if there is one, says so too. A page of
//     another site fails here, whatever its method, path or content type.
//  3. The request target is one of a list, byte by byte. There is no prefix, no cleaning and no decoding
//     that another spelling could slip past.
//  4. The method is the one of that path: GET or HEAD for the page's files, POST for the API.
//  5. The API wants the token in Authorization and a body of type application/json.
package api

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"tincan"
)

// Sizes of request bodies. A message of 16 MiB is 22.4 MiB of base64.
const (
	smallBody = 64 << 10
	sendBody  = 24 << 20
)

// Server serves a [tincan.Talker] and the page. It is an [http.Handler]; make one with [New].
type Server struct {
	talker   tincan.Talker
	token    [sha256.Size]byte // the token's hash
	locked   bool              // there is no token: nobody gets in
	names    []string          // further names that Host may have
	targets  map[string]target // by request target
	sessions sessions
	alive    time.Duration // between two keep-alive lines of an idle event stream
	log      *slog.Logger

	ending  chan struct{} // closed when the event streams have to end
	streams sync.WaitGroup
	mu      sync.Mutex
	closed  bool // no stream begins any more
}

// target is what a path stands for: a file of the page, or a verb.
type target struct {
	file *file
	verb string
}

// New returns a server that lets in who shows the token, by the names 127.0.0.1, [::1] and localhost with the
// port that the connection came in by. With an empty token it lets nobody in.
func New(t tincan.Talker, token string) *Server {
	s := &Server{talker: t, token: sha256.Sum256([]byte(token)), locked: token == "", targets: map[string]target{},
		sessions: sessions{open: map[string]*session{}, closing: map[string]chan struct{}{}}, alive: 15 * time.Second, log: slog.New(slog.DiscardHandler),
		ending: make(chan struct{})}
	for path, f := range pageFiles() {
		s.targets[path] = target{file: f}
	}
	for name := range verbs {
		s.targets["/api/"+name] = target{verb: name}
	}
	s.targets["/api/events"] = target{verb: "events"}
	return s
}

// ServeHTTP lets a request through the gate and answers it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	harden(w.Header())
	t, no := s.gate(r)
	switch {
	case no != nil:
		no.write(w)
	case t.file != nil:
		t.file.serve(w, r)
	default:
		if c, ok := r.Context().Value(seatKey{}).(*seat); ok {
			c.hold()
			defer c.free()
		}
		s.call(w, r, t.verb)
	}
}

// call reads the body, does what the verb says and writes the answer.
func (s *Server) call(w http.ResponseWriter, r *http.Request, name string) {
	limit := int64(smallBody)
	if name == "send" {
		limit = sendBody
	}
	body, err := readBody(w, r, limit)
	if err != nil {
		refuse(r, err).write(w)
		return
	}
	if name == "events" {
		s.stream(w, r, body)
		return
	}
	answer, err := verbs[name](s, r.Context(), body)
	if err != nil {
		refuse(r, err).write(w)
		return
	}
	write(w, http.StatusOK, answer)
}

// errTooLong is a body over the limit.
var errTooLong = errors.New("body too long")

// readBody reads a request's body as bytes arrive, never from the length that it claims.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	hint := nothing
	if limit == sendBody {
		hint = say("a message of up to 16 MiB fits as base64")
	}
	tooLong := fail(tincan.CodeUsage, errTooLong, say("the body is longer than %d bytes", limit), hint)
	if r.ContentLength > limit {
		w.Header().Set("Connection", "close") // nobody wants to read the rest
		return nil, tooLong
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, tooLong
	case err != nil:
		return nil, fail(tincan.CodeUsage, err, say("the body did not arrive whole"), nothing)
	}
	return body, nil
}

// failure is the body of every answer that is not a success, and the last line of an event stream that fails.
type failure struct {
	Error string      `json:"error"`
	Hint  string      `json:"hint,omitempty"`
	Code  tincan.Code `json:"code"`
}

func explain(lang string, err error) failure {
	text, hint, code := ExplainIn(lang, err)
	if statuses[code] == 0 {
		code = tincan.CodeInternal
	}
	return failure{text, hint, code}
}

var statuses = map[tincan.Code]int{
	tincan.CodeUsage:       http.StatusBadRequest,
	tincan.CodeNotFound:    http.StatusNotFound,
	tincan.CodeInUse:       http.StatusConflict,
	tincan.CodeRefused:     http.StatusForbidden,
	tincan.CodeUnreachable: http.StatusBadGateway,
	tincan.CodeFull:        http.StatusInsufficientStorage,
	tincan.CodeClosed:      http.StatusServiceUnavailable,
	tincan.CodeInternal:    http.StatusInternalServerError,
}

// refusal is an answer that is not a success.
type refusal struct {
	status int
	allow  string // the Allow header of 405
	failure
}

// refuse makes an answer of any error.
func refuse(r *http.Request, err error) *refusal {
	f := explain(languageOf(r), err)
	if errors.Is(err, errTooLong) {
		return &refusal{status: http.StatusRequestEntityTooLarge, failure: f}
	}
	return &refusal{status: statuses[f.Code], failure: f}
}

func (n *refusal) write(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	if n.allow != "" {
		w.Header().Set("Allow", n.allow)
	}
	if n.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	write(w, n.status, n.failure)
}

// encoded is an answer that is JSON already.
type encoded []byte

// write answers with JSON.
func write(w http.ResponseWriter, status int, answer any) {
	b, done := answer.(encoded)
	if !done {
		var err error
		if b, err = json.Marshal(answer); err != nil {
			status = http.StatusInternalServerError
			b, _ = json.Marshal(failure{"the answer has no form in JSON: " + err.Error(), "", tincan.CodeInternal})
		}
	}
	b = append(b, '\n')
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	w.Write(b)
}

// Close ends the event streams and their sessions, and returns when that is done. Other calls go on.
func (s *Server) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.ending)
	}
	s.mu.Unlock()
	s.streams.Wait()
	return nil
}

// enter counts an event stream in; false after Close.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.streams.Add(1)
	}
	return !s.closed
}

// ended returns the context of an event stream: it ends with the request, and when the server closes.
func (s *Server) ended(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-s.ending:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
