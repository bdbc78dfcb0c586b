package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"tincan"
)

// ErrNone is what [Connect] returns when no node has left its address in the folder.
var ErrNone = errors.New("no node runs")

// ErrStale is what [Connect] returns when the node that left its address does not answer any more.
var ErrStale = errors.New("the node does not answer")

// Client is a node that runs in another process. Its methods may be called concurrently.
type Client struct {
	// Session, if not empty, is carried by Events, Listen and Dial: what is opened under it is closed when
	// the last Events of this session ends. Set it before the first call, and call Events first.
	Session string
	// Language is "zh" or "en", the language of the node's errors.
	Language string

	url   string
	token string
	http  *http.Client
}

var _ tincan.Talker = (*Client)(nil)

// NewClient returns the client of the server at a URL such as http://127.0.0.1:40123.
func NewClient(url, token string) *Client {
	return &Client{url: url, token: token, http: &http.Client{
		Transport: &http.Transport{Proxy: nil, DisableCompression: true, MaxIdleConnsPerHost: 16, IdleConnTimeout: idleTime / 2,
			DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// connectTime bounds how long Connect waits for an answer.
const connectTime = 5 * time.Second

// Connect returns the client of the node that runs on a folder, once it has answered. The error is [ErrNone]
// when there is none, and [ErrStale] when there was one.
func Connect(dir string) (*Client, error) {
	n, err := readNodeFile(dir)
	if err != nil {
		return nil, err
	}
	stale := func(format string, err error) error {
		return fail(tincan.CodeUnreachable, errors.Join(ErrStale, err), say(format, dir, n.PID, n.URL),
			say("it has ended without tidying up: start one"))
	}
	u, err := url.Parse(n.URL)
	if err == nil {
		_, err = netip.ParseAddrPort(u.Host) // the token goes to an address, not to a name
	}
	if err != nil || u.Scheme != "http" || n.URL != "http://"+u.Host {
		return nil, stale("the tincan that ran on %s (pid %d, %s) left no address", err)
	}
	c := NewClient(n.URL, n.Token)
	ctx, cancel := context.WithTimeout(context.Background(), connectTime)
	defer cancel()
	switch st, err := c.Status(ctx); {
	case err != nil:
		c.Close()
		return nil, stale("the tincan that ran on %s (pid %d, %s) does not answer", err)
	case st.PID != n.PID:
		c.Close()
		return nil, stale("the tincan that ran on %s (pid %d, %s) is gone, another program is there", nil)
	}
	return c, nil
}

// Close closes idle connections. The node goes on.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// URL is the node's address, such as http://127.0.0.1:40123.
func (c *Client) URL() string { return c.url }

// PageURL is the address of the node's page, with the token.
func (c *Client) PageURL() string { return c.url + "/#t=" + c.token }

// object is a request's JSON object.
type object map[string]any

// post sends a request; the response has succeeded, and its body is the caller's to close.
func (c *Client) post(ctx context.Context, verb string, in object) (*http.Response, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/api/"+verb, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Content-Type", "application/json")
	if c.Language != "" {
		req.Header.Set("Accept-Language", c.Language)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.lost(ctx, err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	var f failure
	if err := json.NewDecoder(resp.Body).Decode(&f); err != nil || f.Error == "" {
		return nil, fail(tincan.CodeInternal, err, say("%s answers %s, which is no answer of a tincan", c.url, resp.Status), nothing)
	}
	return nil, f.err()
}

// ask does a call whose answer is a T.
func ask[T any](ctx context.Context, c *Client, verb string, in object) (out T, err error) {
	resp, err := c.post(ctx, verb, in)
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return out, c.lost(ctx, fmt.Errorf("read the answer to %s: %w", verb, err))
	}
	return out, nil
}

// tell does a call whose answer says nothing.
func (c *Client) tell(ctx context.Context, verb string, in object) error {
	_, err := ask[done](ctx, c, verb, in)
	return err
}

// lost is the error of a connection to the node that did not work; the context's own if that is why.
func (c *Client) lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fail(tincan.CodeUnreachable, err, say("the tincan at %s does not answer: %v", c.url, err), say("it may have ended: see tincan status"))
}

// err is the error that the node had.
func (f failure) err() error {
	e := &tincan.Error{Code: f.Code, Text: f.Error, Hint: f.Hint}
	if f.Code == tincan.CodeClosed {
		e.Err = tincan.ErrClosed
	}
	return e
}

// withSession adds the session, if there is one.
func (c *Client) withSession(in object) object {
	if c.Session != "" {
		in["session"] = c.Session
	}
	return in
}

// Listen implements [tincan.Talker].
func (c *Client) Listen(ctx context.Context, addr string) (tincan.ListenerStatus, error) {
	return ask[tincan.ListenerStatus](ctx, c, "listen", c.withSession(object{"addr": addr}))
}

// StopListening implements [tincan.Talker].
func (c *Client) StopListening(ctx context.Context, id string) error {
	return c.tell(ctx, "stop", object{"listener": id})
}

// Dial implements [tincan.Talker].
func (c *Client) Dial(ctx context.Context, addr string) (tincan.RoomStatus, error) {
	return ask[tincan.RoomStatus](ctx, c, "dial", c.withSession(object{"addr": addr}))
}

// HangUp implements [tincan.Talker].
func (c *Client) HangUp(ctx context.Context, room string) error {
	return c.tell(ctx, "hangup", object{"room": room})
}

// Disconnect implements [tincan.Talker].
func (c *Client) Disconnect(ctx context.Context, link int64) error {
	return c.tell(ctx, "disconnect", object{"link": link})
}

// Redial implements [tincan.Talker].
func (c *Client) Redial(ctx context.Context, room string) error {
	return c.tell(ctx, "redial", object{"room": room})
}

// SendMessage implements [tincan.Talker]. When the connection to the node breaks, nobody knows whether the
// message was accepted: give it an ID and send it again.
func (c *Client) SendMessage(ctx context.Context, m tincan.Outgoing) (tincan.Message, error) {
	body := m.Body
	if body == nil {
		body = []byte{} // null is no base64
	}
	in := object{"room": m.Room, "base64": body}
	if m.ID != "" {
		in["id"] = m.ID
	}
	return ask[tincan.Message](ctx, c, "send", in)
}

// Held implements [tincan.Talker].
func (c *Client) Held(ctx context.Context, room string, d tincan.Decision) error {
	return c.tell(ctx, "held", object{"room": room, "do": d})
}

// History implements [tincan.Talker].
func (c *Client) History(ctx context.Context, room string, after int64, limit int) ([]tincan.Message, error) {
	a, err := ask[historyAnswer](ctx, c, "history", object{"room": room, "after": after, "limit": limit})
	return a.Messages, err
}

// Receipts implements [tincan.Talker].
func (c *Client) Receipts(ctx context.Context, room string, first, last int64) ([]tincan.ReceiptRange, error) {
	a, err := ask[receiptsAnswer](ctx, c, "receipts", object{"room": room, "first": first, "last": last})
	return a.Receipts, err
}

// Links implements [tincan.Talker].
func (c *Client) Links(ctx context.Context, room string, limit int) ([]tincan.LinkStatus, error) {
	a, err := ask[linksAnswer](ctx, c, "links", object{"room": room, "limit": limit})
	return a.Links, err
}

// Past implements [tincan.Talker].
func (c *Client) Past(ctx context.Context, room string, limit int) ([]tincan.Event, error) {
	a, err := ask[pastAnswer](ctx, c, "past", object{"room": room, "limit": limit})
	return a.Events, err
}

// Reading implements [tincan.Talker].
func (c *Client) Reading(ctx context.Context, link int64, r tincan.Reading) error {
	return c.tell(ctx, "reading", object{"link": link, "do": r})
}

// SetCodec implements [tincan.Talker].
func (c *Client) SetCodec(ctx context.Context, link int64, codec string) error {
	return c.tell(ctx, "codec", object{"link": link, "codec": codec})
}

// SetEncoding implements [tincan.Talker].
func (c *Client) SetEncoding(ctx context.Context, room, encoding string) error {
	return c.tell(ctx, "encoding", object{"room": room, "encoding": encoding})
}

// Status implements [tincan.Talker].
func (c *Client) Status(ctx context.Context) (tincan.Status, error) {
	return ask[tincan.Status](ctx, c, "status", object{})
}
