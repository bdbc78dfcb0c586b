package identity

import (
	"crypto/rand"
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// SecretSize is how many bytes a ticket's secret has.
const SecretSize = 16

// Ticket is what a guest needs to come in: where, which key is there, and a secret that lets it in. Without a secret it
// only says which key to expect.
type Ticket struct {
	Addr   string // host:port
	Room   string
	Host   ID
	Secret []byte // SecretSize bytes, or nil
}

// NewSecret returns a new secret.
func NewSecret() []byte {
	b := make([]byte, SecretSize)
	rand.Read(b)
	return b
}

// String is the ticket in one line, which can be dialled as it is.
func (t Ticket) String() string {
	s := "tincan://" + t.Addr
	if t.Room != "" {
		s += "/" + url.PathEscape(t.Room)
	}
	s += "?key=" + string(t.Host)
	if t.Secret != nil {
		s += "&secret=" + FormatSecret(t.Secret)
	}
	return s
}

// FormatSecret writes a secret as text.
func FormatSecret(b []byte) string { return base32Lower.EncodeToString(b) }

// ParseSecret reads what FormatSecret wrote. There is one way to write each.
func ParseSecret(s string) ([]byte, error) {
	b, err := base32Lower.DecodeString(s)
	if err != nil || len(b) != SecretSize || FormatSecret(b) != s {
		return nil, errors.New("a secret has 26 letters a to z and digits 2 to 7")
	}
	return b, nil
}

// ParseTicket reads a ticket.
func ParseTicket(s string) (t Ticket, err error) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(s), "tincan://")
	if !ok {
		return t, errors.New("a ticket begins with tincan://")
	}
	rest, query, _ := strings.Cut(rest, "?")
	addr, room, _ := strings.Cut(rest, "/")
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host == "" {
		return t, errors.New("a ticket names host:port")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return t, errors.New("a port is a number from 1 to 65535")
	}
	t.Addr = addr
	if t.Room, err = url.PathUnescape(room); err != nil || strings.ContainsAny(t.Room, "/\x00\n") {
		return t, errors.New("the ticket's room cannot be read")
	}
	opts, err := url.ParseQuery(query)
	if err != nil {
		return t, errors.New("the ticket's options cannot be read")
	}
	for name, values := range opts {
		switch {
		case len(values) != 1:
			return t, errors.New("the ticket says " + name + " twice")
		case name == "key":
			t.Host, err = ParseID(values[0])
		case name == "secret":
			t.Secret, err = ParseSecret(values[0])
		default:
			err = errors.New("a ticket has no option " + name)
		}
		if err != nil {
			return t, err
		}
	}
	if t.Host == "" {
		return t, errors.New("the ticket names no key")
	}
	return t, nil
}
