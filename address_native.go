package tincan

import (
	"net/url"
	"strconv"

	"tincan/internal/identity"
	"tincan/internal/wire"
)

// nativeOptions are the options of an address that speaks the native protocol.
type nativeOptions struct {
	admit string // listen: whom to let in

	// dial
	key     identity.ID // the host's, if the address names it
	secret  []byte      // of a ticket, until it is used
	code    string      // to pair with, until it is used
	accept  bool        // take whatever key the host shows, the first time
	history string      // "" (all), "new" or a number
}

// admitOption reads ?admit=.
func admitOption(v string) (string, error) {
	switch v {
	case "":
		return admitTicket, nil
	case admitTicket, admitAsk, admitOpen:
		return v, nil
	}
	return "", usage("admit=ticket lets in who brings a ticket, admit=ask asks you, admit=open lets in everybody", "no value %q for admit", v)
}

func (a *address) nativeOptions(opts url.Values, d direction) (err error) {
	take := func(k string) string { v := opts.Get(k); opts.Del(k); return v }
	n := &nativeOptions{}
	a.native = n
	if a.room != "" && !roomName(a.room) {
		return usage("a room is one word, as in tincan://host:7000/lobby", "the room %q cannot be read", a.room)
	}
	if d == toListen {
		if n.admit, err = admitOption(take("admit")); err != nil {
			return err
		}
		return unknownOption(opts)
	}
	if v := take("key"); v != "" {
		if n.key, err = identity.ParseID(v); err != nil {
			return fail(CodeUsage, err, say("the key cannot be read: %v", err), say("copy the whole ticket, it is one line"))
		}
	}
	if v := take("secret"); v != "" {
		if n.secret, err = identity.ParseSecret(v); err != nil {
			return fail(CodeUsage, err, say("the ticket cannot be read: %v", err), say("copy the whole ticket, it is one line"))
		}
		if n.key == "" {
			return usage("copy the whole ticket, it is one line", "the ticket names no key")
		}
	}
	if v := take("code"); v != "" {
		if n.code, err = identity.ParseCode(v); err != nil {
			return fail(CodeUsage, err, say("the code cannot be read: %v", err), say("a code has nine digits, as in 123-456-789"))
		}
	}
	switch v := take("accept"); v {
	case "":
	case "new":
		n.accept = true
	default:
		return usage("accept=new takes the key that the host shows, the first time", "no value %q for accept", v)
	}
	switch v := take("history"); v {
	case "", "all":
	case "new":
		n.history = v
	default:
		if k, err := strconv.ParseUint(v, 10, 31); err != nil || k == 0 {
			return usage("history=all, history=new, or how many of the latest messages", "no value %q for history", v)
		}
		n.history = v
	}
	return unknownOption(opts)
}

func unknownOption(opts url.Values) error {
	for k := range opts {
		return usage("`tincan help addresses` lists the options", "tincan:// has no option %q", k)
	}
	return nil
}

// from is where a guest begins that has nothing of a room yet.
func (n *nativeOptions) from() (f wire.From, last int64) {
	switch n.history {
	case "":
		return wire.FromWhole, 0
	case "new":
		return wire.FromNew, 0
	}
	k, _ := strconv.ParseInt(n.history, 10, 64)
	return wire.FromLast, k
}

// spent drops what lets a guest in only once.
func (n *nativeOptions) spent() { n.secret, n.code = nil, "" }

// plainURL is the address without what is secret: it may be kept and shown.
func (a *address) plainURL() string {
	s := a.String()
	if a.native.key != "" {
		s += "?key=" + string(a.native.key)
	}
	return s
}
