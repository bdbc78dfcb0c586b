package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"

	"tincan"
)

// verb is one call of the API: it reads the request's object and returns what becomes the answer.
type verb func(*Server, context.Context, []byte) (any, error)

// verbs are the calls of docs/API.md but for events, which answers with a stream.
var verbs = map[string]verb{
	"listen":     (*Server).listen,
	"stop":       (*Server).stop,
	"dial":       (*Server).dial,
	"hangup":     (*Server).hangUp,
	"disconnect": (*Server).disconnect,
	"redial":     (*Server).redial,
	"send":       (*Server).send,
	"held":       (*Server).held,
	"history":    (*Server).history,
	"receipts":   (*Server).receipts,
	"links":      (*Server).links,
	"past":       (*Server).past,
	"reading":    (*Server).reading,
	"codec":      (*Server).setCodec,
	"encoding":   (*Server).encoding,
	"status":     (*Server).status,
}

// done is the answer of a call that has nothing to say.
type done struct{}

// Answers that are lists are objects, so that they can grow.
type (
	historyAnswer struct {
		Messages []tincan.Message `json:"messages"`
	}
	receiptsAnswer struct {
		Receipts []tincan.ReceiptRange `json:"receipts"`
	}
	linksAnswer struct {
		Links []tincan.LinkStatus `json:"links"`
	}
	pastAnswer struct {
		Events []tincan.Event `json:"events"`
	}
)

// defaultLimit is how much of a list one gets without asking for a number.
const defaultLimit = 100

func (s *Server) listen(ctx context.Context, body []byte) (any, error) {
	var addr, session string
	if err := read(body, need("addr", &addr), may("session", &session)); err != nil {
		return nil, err
	}
	if session != "" {
		return s.listenFor(ctx, session, addr)
	}
	return s.talker.Listen(ctx, addr)
}

func (s *Server) stop(ctx context.Context, body []byte) (any, error) {
	var id string
	if err := read(body, need("listener", &id)); err != nil {
		return nil, err
	}
	return done{}, s.talker.StopListening(ctx, id)
}

func (s *Server) dial(ctx context.Context, body []byte) (any, error) {
	var addr, session string
	if err := read(body, need("addr", &addr), may("session", &session)); err != nil {
		return nil, err
	}
	if session != "" {
		return s.dialFor(ctx, session, addr)
	}
	return s.dialOn(ctx, addr)
}

func (s *Server) hangUp(ctx context.Context, body []byte) (any, error) {
	var room string
	if err := read(body, need("room", &room)); err != nil {
		return nil, err
	}
	s.sessions.disown(room)
	return done{}, s.talker.HangUp(ctx, room)
}

func (s *Server) disconnect(ctx context.Context, body []byte) (any, error) {
	var link int64
	if err := read(body, need("link", &link)); err != nil {
		return nil, err
	}
	return done{}, s.talker.Disconnect(ctx, link)
}

func (s *Server) redial(ctx context.Context, body []byte) (any, error) {
	var room string
	if err := read(body, need("room", &room)); err != nil {
		return nil, err
	}
	return done{}, s.talker.Redial(ctx, room)
}

func (s *Server) send(ctx context.Context, body []byte) (any, error) {
	var m tincan.Outgoing
	var text, hexed, b64 *string
	err := read(body, need("room", &m.Room), may("id", &m.ID), may("text", &text), may("hex", &hexed), may("base64", &b64))
	if err != nil {
		return nil, err
	}
	switch {
	case text != nil && hexed == nil && b64 == nil:
		var enc string
		if enc, err = s.encodingOf(ctx, m.Room); err == nil {
			m.Body, err = tincan.EncodeText(enc, *text)
		}
	case text == nil && hexed != nil && b64 == nil:
		m.Body, err = ParseHex(*hexed)
	case text == nil && hexed == nil && b64 != nil:
		m.Body, err = parseBase64(*b64)
	default:
		err = usage(say(`a message is one of "text", "hex" and "base64"`), nothing)
	}
	if err != nil {
		return nil, err
	}
	sent, err := s.talker.SendMessage(ctx, m)
	if err != nil {
		return nil, err
	}
	return queued(sent)
}

func parseBase64(s string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	var bad base64.CorruptInputError
	if errors.As(err, &bad) {
		return nil, usage(say("base64: it makes no sense at position %d", int64(bad)+1), say("standard alphabet (+ and /), padded with ="))
	}
	return b, err
}

// queued is the answer for a message: it with the state that it has when it is durable here.
func queued(m tincan.Message) (any, error) {
	b, err := m.MarshalJSON()
	if err != nil {
		return nil, err
	}
	return encoded(append(bytes.TrimSuffix(b, []byte("}")), `,"state":"`+string(tincan.Queued)+`"}`...)), nil
}

// encodingOf is the text encoding of a room now: a text written in the one of a moment ago would be another
// message. A room that nobody knows is UTF-8 here; sending to it says what is wrong.
func (s *Server) encodingOf(ctx context.Context, room string) (string, error) {
	if t, ok := s.talker.(interface {
		Encoding(ctx context.Context, room string) (string, error)
	}); ok { // without the snapshot of everything
		return t.Encoding(ctx, room)
	}
	st, err := s.talker.Status(ctx)
	if err != nil {
		return "", err
	}
	for _, r := range st.Rooms {
		if r.Name == room {
			return r.Encoding, nil
		}
	}
	// Not among the latest used: what its newest message was stored with.
	ms, err := s.talker.History(ctx, room, 0, -1)
	if err != nil || len(ms) == 0 {
		return "", err
	}
	return ms[0].Enc, nil
}

func (s *Server) held(ctx context.Context, body []byte) (any, error) {
	var room, do string
	if err := read(body, need("room", &room), need("do", &do)); err != nil {
		return nil, err
	}
	switch d := tincan.Decision(do); d {
	case tincan.SendNow, tincan.Discard:
		return done{}, s.talker.Held(ctx, room, d)
	}
	return nil, usage(say(`"do" is one of %s, not %q`, "send, discard", shorten(do)), nothing)
}

func (s *Server) history(ctx context.Context, body []byte) (any, error) {
	var room string
	var after int64
	limit := defaultLimit
	if err := read(body, need("room", &room), may("after", &after), may("limit", &limit)); err != nil {
		return nil, err
	}
	ms, err := s.talker.History(ctx, room, after, limit)
	return historyAnswer{list(ms)}, err
}

func (s *Server) receipts(ctx context.Context, body []byte) (any, error) {
	var room string
	var first, last int64
	if err := read(body, need("room", &room), need("first", &first), need("last", &last)); err != nil {
		return nil, err
	}
	rs, err := s.talker.Receipts(ctx, room, first, last)
	return receiptsAnswer{list(rs)}, err
}

func (s *Server) links(ctx context.Context, body []byte) (any, error) {
	var room string
	limit := defaultLimit
	if err := read(body, may("room", &room), may("limit", &limit)); err != nil {
		return nil, err
	}
	ls, err := s.talker.Links(ctx, room, limit)
	return linksAnswer{list(ls)}, err
}

func (s *Server) past(ctx context.Context, body []byte) (any, error) {
	var room string
	limit := defaultLimit
	if err := read(body, may("room", &room), may("limit", &limit)); err != nil {
		return nil, err
	}
	es, err := s.talker.Past(ctx, room, limit)
	return pastAnswer{list(es)}, err
}

func (s *Server) reading(ctx context.Context, body []byte) (any, error) {
	var link int64
	var do string
	if err := read(body, need("link", &link), need("do", &do)); err != nil {
		return nil, err
	}
	switch r := tincan.Reading(do); r {
	case tincan.Pause, tincan.Resume, tincan.ReadOne:
		return done{}, s.talker.Reading(ctx, link, r)
	}
	return nil, usage(say(`"do" is one of %s, not %q`, "pause, resume, one", shorten(do)), nothing)
}

func (s *Server) setCodec(ctx context.Context, body []byte) (any, error) {
	var link int64
	var codec string
	if err := read(body, need("link", &link), need("codec", &codec)); err != nil {
		return nil, err
	}
	return done{}, s.talker.SetCodec(ctx, link, codec)
}

func (s *Server) encoding(ctx context.Context, body []byte) (any, error) {
	var room, encoding string
	if err := read(body, need("room", &room), need("encoding", &encoding)); err != nil {
		return nil, err
	}
	return done{}, s.talker.SetEncoding(ctx, room, encoding)
}

func (s *Server) status(ctx context.Context, body []byte) (any, error) {
	if err := read(body); err != nil {
		return nil, err
	}
	st, err := s.talker.Status(ctx)
	st.Addresses, st.Listeners, st.Links, st.Rooms = list(st.Addresses), list(st.Listeners), list(st.Links), list(st.Rooms)
	return st, err
}

// list is [] in JSON also when it is nil.
func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}
