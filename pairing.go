package tincan

import (
	"context"
	"sync"
	"time"

	"tincan/codec"
	"tincan/internal/identity"
	"tincan/internal/wire"
)

// A pairing code is gone after one use, so many wrong tries, or so long.
const (
	codeTries = 3
	codeTime  = 5 * time.Minute
)

// offer is the pairing code that this node has given out, if any.
type offer struct {
	mu      sync.Mutex
	code    string
	room    string
	expires time.Time
	tries   int
}

// MakeCode returns a new pairing code; an earlier one is burned.
func (n *Node) MakeCode(_ context.Context, room string) (PairingCode, error) {
	if room != "" && !roomName(room) {
		return PairingCode{}, usage("a room is one word, as in lobby", "the room %q cannot be read", room)
	}
	o := &n.offer
	o.mu.Lock()
	defer o.mu.Unlock()
	o.code, o.room, o.expires, o.tries = identity.NewCode(), room, time.Now().Add(codeTime), codeTries
	return PairingCode{Code: o.code, Room: o.room, Expires: o.expires.UTC()}, nil
}

// take returns the code for one try, which is counted before it is made.
func (o *offer) take() (code, room string, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.code == "" || o.tries == 0 || !time.Now().Before(o.expires) {
		o.code = ""
		return "", "", false
	}
	o.tries--
	return o.code, o.room, true
}

// burn makes a code worthless, if it is still the one.
func (o *offer) burn(code string) {
	o.mu.Lock()
	if o.code == code {
		o.code = ""
	}
	o.mu.Unlock()
}

// exporter is the value that binds a pairing to its TLS connection.
func (s *session) exporter() ([]byte, error) {
	cs := s.tls.ConnectionState()
	return cs.ExportKeyingMaterial(identity.ExporterLabel, nil, 32)
}

// pair takes a step of a guest that shows why it may come in.
func (h *hosting) pair(p *proof, b *wire.PairBody) error {
	switch {
	case b.Step == wire.StepTicket && p.ticket == nil && len(b.Data) == identity.SecretSize:
		p.ticket = append([]byte(nil), b.Data...)
		return nil
	case b.Step == wire.StepStart && p.pairing == nil:
		if _, _, err := h.met(); err != nil { // who is blocked takes nobody's tries
			return err
		}
		code, room, ok := h.n.offer.take()
		if !ok {
			return closing(wire.CodePairing, "there is no code, or it is used up")
		}
		ex, err := h.exporter()
		if err != nil {
			return closing(wire.CodePairing, "the connection has no exporter")
		}
		run, answer, err := identity.AnswerPairing(code, ex, identity.ID(h.peer), h.n.key.ID(), append([]byte(nil), b.Data...))
		if err != nil {
			return closing(wire.CodePairing, err.Error())
		}
		p.pairing, p.offered, p.room = run, code, room
		out := wire.PairBody{Step: wire.StepAnswer, Data: answer}
		return h.send([]codec.Frame{{Body: out.Append(nil)}})
	case b.Step == wire.StepConfirm && p.pairing != nil && !p.code:
		if err := p.pairing.Confirmed(b.Data); err != nil {
			return closing(wire.CodePairing, err.Error())
		}
		h.n.offer.burn(p.offered)
		p.code = true
		return nil
	}
	return closing(wire.CodeMalformed, "a step of pairing that has no place here")
}

// proof makes what this guest shows to be let in: nothing, a ticket's secret, or that it knows the code.
func (d *dialler) proof(a *attending) ([]codec.Frame, error) {
	nat := d.addr.native
	d.mu.Lock()
	secret, code := nat.secret, nat.code
	d.mu.Unlock()
	if secret != nil {
		b := wire.PairBody{Step: wire.StepTicket, Data: secret}
		return []codec.Frame{{Body: b.Append(nil)}}, nil
	}
	if code == "" {
		return nil, nil
	}
	ex, err := a.exporter()
	if err != nil {
		return nil, err
	}
	run, msg, err := identity.StartPairing(code, ex, d.n.key.ID(), identity.ID(a.peer))
	if err != nil {
		return nil, err
	}
	b := wire.PairBody{Step: wire.StepStart, Data: msg}
	if err := a.session.send([]codec.Frame{{Body: b.Append(nil)}}); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(d.ctx, greetTime)
	defer cancel()
	fs, err := a.link.Read(ctx, 1)
	if err != nil {
		return nil, err
	}
	t, flags, body := wire.Split(fs[0].Body)
	if t == wire.Close {
		_, err := a.common(t, flags, body)
		return nil, err
	}
	answer, err := wire.ParsePair(flags, body)
	if err != nil || t != wire.Pair || answer.Step != wire.StepAnswer {
		return nil, closing(wire.CodeMalformed, "no answer to the pairing")
	}
	confirm, err := run.Finish(append([]byte(nil), answer.Data...))
	if err != nil {
		return nil, closing(wire.CodePairing, err.Error())
	}
	b = wire.PairBody{Step: wire.StepConfirm, Data: confirm}
	return []codec.Frame{{Body: b.Append(nil)}}, nil
}
