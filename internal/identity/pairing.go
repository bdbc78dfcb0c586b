package identity

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha512"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/gtank/ristretto255"
)

// Two nodes pair with a code by CPace (draft-irtf-cfrg-cpace, ristretto255 with SHA-512, initiator and responder): both
// show that they know the code and neither learns it, so each run is one guess. The channel is the TLS exporter's value
// and the associated data are the two ids, so a run that is relayed over another connection, or by another key, fails.

// ExporterLabel is the label of the TLS exporter, whose 32 bytes are the session id of a pairing.
const ExporterLabel = "EXPORTER-tincan-pair"

// ErrWrongCode says that the two sides do not have the same code, or that somebody is between them.
var ErrWrongCode = errors.New("the code is wrong")

const dsi = "CPaceRistretto255"

// Pairing is one run of one side.
type Pairing struct {
	sid    []byte
	scalar *ristretto255.Scalar
	a, b   []byte // what the guest and the host sent
	guest  ID
	host   ID
	mac    []byte // the key of the confirmations
}

// StartPairing begins a run on the guest's side and returns what it sends.
func StartPairing(code string, exporter []byte, guest, host ID) (p *Pairing, msg []byte, err error) {
	p, msg, err = begin(code, exporter, guest, host)
	if err == nil {
		p.a = msg
	}
	return p, msg, err
}

// AnswerPairing is the host's side: it takes what the guest sent and returns what to send back. The guest has shown
// nothing yet: see [Pairing.Confirmed].
func AnswerPairing(code string, exporter []byte, guest, host ID, msg []byte) (p *Pairing, answer []byte, err error) {
	p, point, err := begin(code, exporter, guest, host)
	if err != nil {
		return nil, nil, err
	}
	p.a, p.b = msg, point
	if err := p.agree(msg); err != nil {
		return nil, nil, err
	}
	return p, append(point, p.tag(p.b, p.host)...), nil
}

// Finish is the guest's last step: it takes the host's answer, checks that the host knows the code, and returns the
// confirmation to send.
func (p *Pairing) Finish(answer []byte) (confirm []byte, err error) {
	if len(answer) != 32+sha512.Size {
		return nil, errors.New("the answer has the wrong length")
	}
	p.b = answer[:32]
	if err := p.agree(p.b); err != nil {
		return nil, err
	}
	if !hmac.Equal(answer[32:], p.tag(p.b, p.host)) {
		return nil, ErrWrongCode
	}
	return p.tag(p.a, p.guest), nil
}

// Confirmed is the host's last step: it says whether the guest knows the code.
func (p *Pairing) Confirmed(confirm []byte) error {
	if !hmac.Equal(confirm, p.tag(p.a, p.guest)) {
		return ErrWrongCode
	}
	return nil
}

func begin(code string, exporter []byte, guest, host ID) (*Pairing, []byte, error) {
	code, err := ParseCode(code)
	if err != nil {
		return nil, nil, err
	}
	ci := cat([]byte(guest), []byte(host))
	g := ristretto255.NewIdentityElement()
	h := sha512.Sum512(generator([]byte(code), ci, exporter))
	if _, err := g.SetUniformBytes(h[:]); err != nil {
		return nil, nil, err
	}
	var seed [64]byte
	rand.Read(seed[:])
	p := &Pairing{sid: exporter, scalar: ristretto255.NewScalar(), guest: guest, host: host}
	if _, err := p.scalar.SetUniformBytes(seed[:]); err != nil {
		return nil, nil, err
	}
	return p, ristretto255.NewIdentityElement().ScalarMult(p.scalar, g).Bytes(), nil
}

// generator is generator_string of the draft: the code, padded to a block of the hash, the parties and the session.
func generator(prs, ci, sid []byte) []byte {
	pad := max(0, sha512.BlockSize-1-len(cat(prs))-len(cat([]byte(dsi))))
	return cat([]byte(dsi), prs, make([]byte, pad), ci, sid)
}

// cat is lv_cat of the draft: each part behind its length in LEB128.
func cat(parts ...[]byte) (out []byte) {
	for _, p := range parts {
		n := len(p)
		for n >= 0x80 {
			out = append(out, byte(n)|0x80)
			n >>= 7
		}
		out = append(append(out, byte(n)), p...)
	}
	return out
}

// agree makes the shared key. The identity element, which would make a key without the code, is refused.
func (p *Pairing) agree(msg []byte) error {
	theirs := ristretto255.NewIdentityElement()
	if len(msg) != 32 {
		return errors.New("a pairing message has the wrong length")
	}
	if _, err := theirs.SetCanonicalBytes(msg); err != nil {
		return fmt.Errorf("a pairing message is no point: %w", err)
	}
	k := ristretto255.NewIdentityElement().ScalarMult(p.scalar, theirs)
	if k.Equal(ristretto255.NewIdentityElement()) == 1 {
		return errors.New("a pairing message is the identity")
	}
	isk := sha512.Sum512(append(cat([]byte(dsi+"_ISK"), p.sid, k.Bytes()), append(cat(p.a, []byte(p.guest)), cat(p.b, []byte(p.host))...)...))
	mac := sha512.Sum512(append(append([]byte("CPaceMac"), p.sid...), isk[:]...))
	p.mac = mac[:]
	return nil
}

func (p *Pairing) tag(msg []byte, id ID) []byte {
	m := hmac.New(sha512.New, p.mac)
	m.Write(cat(msg, []byte(id)))
	return m.Sum(nil)
}

// A code has nine digits, in groups of three: a guess hits one in 10⁹, and it is easy to say in any language.
const codeDigits = 9

// NewCode returns a new code.
func NewCode() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000_000))
	if err != nil {
		panic("identity: no randomness: " + err.Error()) // crypto/rand never fails on the systems that Go runs on
	}
	s := fmt.Sprintf("%09d", n)
	return s[:3] + "-" + s[3:6] + "-" + s[6:]
}

// ParseCode reads a code as people type it: with any separators, in narrow or wide digits.
func ParseCode(s string) (string, error) {
	var digits strings.Builder
	for _, r := range s {
		switch {
		case '0' <= r && r <= '9':
			digits.WriteRune(r)
		case '０' <= r && r <= '９':
			digits.WriteRune(r - '０' + '0')
		case strings.ContainsRune(" -.·_　－\t", r):
		default:
			return "", errors.New("a code has nine digits")
		}
	}
	d := digits.String()
	if len(d) != codeDigits {
		return "", errors.New("a code has nine digits")
	}
	return d[:3] + "-" + d[3:6] + "-" + d[6:], nil
}
