package api

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tincan"
)

const somebody = "tc1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

func (f *fake) MakeTicket(_ context.Context, t tincan.TicketRequest) (tincan.Ticket, error) {
	err := f.did("ticket %s %s %d %s", t.Addr, t.Room, t.Uses, t.Valid)
	return tincan.Ticket{ID: "0123", URL: "tincan://h:1?key=" + somebody, Room: t.Room, Made: epoch, Expires: epoch, Uses: t.Uses}, err
}

func (f *fake) Tickets(context.Context) ([]tincan.Ticket, error) {
	return []tincan.Ticket{{ID: "0123", Made: epoch, Expires: epoch, Uses: 2, UsedBy: somebody}}, f.did("tickets")
}

func (f *fake) Revoke(_ context.Context, id string) error { return f.did("revoke %s", id) }

func (f *fake) MakeCode(_ context.Context, room string) (tincan.PairingCode, error) {
	return tincan.PairingCode{Code: "123-456-789", Room: room, Expires: epoch}, f.did("code %s", room)
}

func (f *fake) Peers(context.Context) ([]tincan.PeerStatus, error) {
	return []tincan.PeerStatus{{ID: somebody, Called: "ann", State: tincan.Asking, First: epoch, Last: epoch, Links: []int64{7}}}, f.did("peers")
}

func (f *fake) SetPeer(_ context.Context, peer string, c tincan.PeerChange) (tincan.PeerStatus, error) {
	s := tincan.PeerStatus{ID: peer, First: epoch, Last: epoch}
	said := ""
	if c.Name != nil {
		s.Name = *c.Name
		said += " name " + s.Name
	}
	if c.State != nil {
		s.State = *c.State
		said += " state " + string(s.State)
	}
	return s, f.did("peer %s%s", peer, said)
}

func (f *fake) Forget(_ context.Context, peer string) error { return f.did("forget %s", peer) }

func (f *fake) Pending(_ context.Context, room string, limit int) ([]tincan.Message, error) {
	return []tincan.Message{{Room: room, ID: "a", From: tincan.Me, Time: epoch, Body: []byte("waits")}}, f.did("pending %s %d", room, limit)
}

func (f *fake) Gaps(_ context.Context, room string) ([]tincan.Gap, error) {
	return []tincan.Gap{{After: 3, First: 4, Last: 9, Reason: "trimmed", Time: epoch}}, f.did("gaps %s", room)
}

func (f *fake) Retention(_ context.Context, room string) (tincan.Retention, error) {
	return tincan.Retention{Messages: 5, Age: time.Hour}, f.did("retention %s", room)
}

func (f *fake) SetRetention(_ context.Context, room string, r tincan.Retention) error {
	return f.did("keep %s %d %d %s", room, r.Messages, r.Bytes, r.Age)
}

// TestDoors makes each call that decides who may talk through the client and the server, and directly.
func TestDoors(t *testing.T) {
	f, r := startTest(t)
	direct := newFake()
	ctx := t.Context()
	name, state := "ann", tincan.Trusted
	for _, c := range []struct {
		name string
		call func(tincan.Talker) (any, error)
	}{
		{"ticket", func(k tincan.Talker) (any, error) {
			return k.MakeTicket(ctx, tincan.TicketRequest{Addr: "h:1", Room: "ops", Uses: 3, Valid: time.Hour})
		}},
		{"tickets", func(k tincan.Talker) (any, error) { return k.Tickets(ctx) }},
		{"revoke", func(k tincan.Talker) (any, error) { return nil, k.Revoke(ctx, "0123") }},
		{"code", func(k tincan.Talker) (any, error) { return k.MakeCode(ctx, "ops") }},
		{"peers", func(k tincan.Talker) (any, error) { return k.Peers(ctx) }},
		{"trust", func(k tincan.Talker) (any, error) { return k.SetPeer(ctx, somebody, tincan.PeerChange{State: &state}) }},
		{"name", func(k tincan.Talker) (any, error) { return k.SetPeer(ctx, somebody, tincan.PeerChange{Name: &name}) }},
		{"forget", func(k tincan.Talker) (any, error) { return nil, k.Forget(ctx, "ann") }},
		{"pending", func(k tincan.Talker) (any, error) { return k.Pending(ctx, "ops", 5) }},
		{"gaps", func(k tincan.Talker) (any, error) { return k.Gaps(ctx, "ops") }},
		{"retention", func(k tincan.Talker) (any, error) { return k.Retention(ctx, "ops") }},
		{"keep", func(k tincan.Talker) (any, error) {
			return nil, k.SetRetention(ctx, "ops", tincan.Retention{Messages: 1, Bytes: 2, Age: 3 * time.Second})
		}},
	} {
		got, err := c.call(testClient(t, r))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if want, _ := c.call(direct); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", c.name, got, want)
		}
	}
	if got, want := f.log(), direct.log(); !slices.Equal(got, want) {
		t.Errorf("asked %q\nwant  %q", got, want)
	}
	if status, got := post(t, r, "ticket", `{}`); status != 200 || !strings.Contains(got, `"qr":["000`) {
		t.Errorf("a ticket by hand: %d %s", status, got)
	}
	for verb, body := range map[string]string{"revoke": `{}`, "peer": `{"name":"x"}`, "forget": `{}`, "pending": `{}`, "gaps": `{"limit":1}`, "keep": `{"messages":1}`,
		"kept": `{}`, "peers": `{"all":true}`, "tickets": `[]`, "ticket": `{"uses":"many"}`, "code": `{"room":7}`} {
		if status, got := post(t, r, verb, body); status != 400 || !strings.Contains(got, `"code":"usage"`) {
			t.Errorf("%s %s: %d %s", verb, body, status, got)
		}
	}
}
