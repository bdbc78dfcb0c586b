package tincan

import (
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"
)

// messageJSON is a message as scripts, the page and the HTTP API see it.
type messageJSON struct {
	Event    EventKind `json:"event,omitempty"`
	Room     string    `json:"room"`
	Offset   int64     `json:"offset"` // 0: the room's host has not numbered it yet
	ID       string    `json:"id"`
	From     string    `json:"from"`
	Time     time.Time `json:"time"`
	Text     *string   `json:"text,omitempty"`
	Base64   []byte    `json:"base64,omitempty"`
	Name     string    `json:"name,omitempty"`
	Type     string    `json:"type,omitempty"`
	Codec    string    `json:"codec,omitempty"`
	Link     int64     `json:"link,omitempty"`
	Encoding string    `json:"encoding,omitempty"`
	Partial  bool      `json:"partial,omitempty"`
	Replaced bool      `json:"replaced,omitempty"`
}

func (m Message) wire(kind EventKind) messageJSON {
	j := messageJSON{kind, m.Room, m.Offset, m.ID, m.From, m.Time, nil, nil, m.Name, m.Type, m.Codec, m.Link, m.Enc, m.Partial, m.Replaced}
	if s, ok := m.Text(); ok {
		j.Text = &s
	} else {
		j.Base64 = m.Body
	}
	return j
}

func (j messageJSON) message() (Message, error) {
	m := Message{Room: j.Room, Offset: j.Offset, ID: j.ID, From: j.From, Time: j.Time, Body: j.Base64,
		Name: j.Name, Type: j.Type, Codec: j.Codec, Link: j.Link, Enc: j.Encoding, Partial: j.Partial, Replaced: j.Replaced}
	if j.Text != nil {
		b, err := EncodeText(j.Encoding, *j.Text)
		if err != nil {
			return m, fmt.Errorf("message %s/%d: %w", j.Room, j.Offset, err)
		}
		m.Body = b
	}
	return m, nil
}

// MarshalJSON writes the body as "text" where it is text in the message's encoding, else as "base64".
func (m Message) MarshalJSON() ([]byte, error) { return json.Marshal(m.wire("")) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (m *Message) UnmarshalJSON(b []byte) error {
	var j messageJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	var err error
	*m, err = j.message()
	return err
}

// Text is the body as text in the message's encoding; ok is false when the bytes are not text in it.
func (m Message) Text() (s string, ok bool) {
	if m.Enc == "" {
		return string(m.Body), utf8.Valid(m.Body)
	}
	return DecodeText(m.Enc, m.Body)
}

// eventJSON is every event but a message.
type eventJSON struct {
	Event       EventKind   `json:"event"`
	Time        time.Time   `json:"time,omitzero"`
	Addr        string      `json:"addr,omitempty"`
	Listener    string      `json:"listener,omitempty"`
	Room        string      `json:"room,omitempty"`
	Link        int64       `json:"link,omitempty"`
	Peer        string      `json:"peer,omitempty"`
	Name        string      `json:"name,omitempty"`
	Local       string      `json:"local,omitempty"`
	Remote      string      `json:"remote,omitempty"`
	Codec       string      `json:"codec,omitempty"`
	Choice      string      `json:"choice,omitempty"`
	Attempt     int         `json:"attempt,omitempty"`
	HandshakeUS *int64      `json:"handshake_us,omitempty"`
	ID          string      `json:"id,omitempty"`
	Offset      int64       `json:"offset,omitempty"`
	State       Receipt     `json:"state,omitempty"`
	Reason      string      `json:"reason,omitempty"`
	Detail      string      `json:"detail,omitempty"`
	Code        *int        `json:"code,omitempty"`
	RetryInMS   *int64      `json:"retry_in_ms,omitempty"`
	Held        *HeldStatus `json:"held,omitempty"`
	Error       string      `json:"error,omitempty"`
	Hint        string      `json:"hint,omitempty"`
}

// MarshalJSON writes the object that docs/API.md describes. Zero values are left out, but for the figures
// that a kind always has (handshake_us of connected, code of disconnected).
func (e Event) MarshalJSON() ([]byte, error) {
	if e.Message != nil {
		return json.Marshal(e.Message.wire(e.Kind))
	}
	j := eventJSON{e.Kind, e.Time, e.Addr, e.Listener, e.Room, e.Link, e.Peer, e.Name, e.Local, e.Remote, e.Codec, e.Choice,
		e.Attempt, nil, e.ID, e.Offset, e.State, e.Reason, e.Detail, nil, e.RetryInMS, e.Held, e.Error, e.Hint}
	switch e.Kind {
	case EventConnected:
		j.HandshakeUS = &e.HandshakeUS
	case EventDisconnected:
		j.Code = &e.Code
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (e *Event) UnmarshalJSON(b []byte) error {
	var j eventJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	if j.Event == EventMessage {
		var m Message
		if err := json.Unmarshal(b, &m); err != nil {
			return err
		}
		*e = Event{Kind: EventMessage, Time: m.Time, Room: m.Room, Link: m.Link, Offset: m.Offset, ID: m.ID, Message: &m}
		return nil
	}
	*e = Event{Kind: j.Event, Time: j.Time, Addr: j.Addr, Listener: j.Listener, Room: j.Room, Link: j.Link, Peer: j.Peer, Name: j.Name,
		Local: j.Local, Remote: j.Remote, Codec: j.Codec, Choice: j.Choice, Attempt: j.Attempt, ID: j.ID, Offset: j.Offset,
		State: j.State, Reason: j.Reason, Detail: j.Detail, RetryInMS: j.RetryInMS, Held: j.Held, Error: j.Error, Hint: j.Hint}
	if j.HandshakeUS != nil {
		e.HandshakeUS = *j.HandshakeUS
	}
	if j.Code != nil {
		e.Code = *j.Code
	}
	return nil
}
