// Package identity is who a node is: its key, the id that others know it by, and how two nodes come to trust each
// other's: by a ticket, or by a code that is said aloud.
//
// It keeps one file, the key. What is known of others is kept elsewhere, and so is every decision about them.
package identity

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"strings"
)

// ID names a key: "tc1" and the SHA-256 of the Ed25519 public key in base32.
type ID string

const prefix = "tc1"

// base32Lower is RFC 4648's alphabet in lower case, without padding.
var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// IDOf is the id of a public key.
func IDOf(pub ed25519.PublicKey) ID {
	h := sha256.Sum256(pub)
	return ID(prefix + base32Lower.EncodeToString(h[:]))
}

// ParseID reads an id. There is one way to write each.
func ParseID(s string) (ID, error) {
	rest, ok := strings.CutPrefix(s, prefix)
	if !ok {
		return "", errors.New("a peer id begins with tc1")
	}
	b, err := base32Lower.DecodeString(rest)
	if err != nil || len(b) != sha256.Size || base32Lower.EncodeToString(b) != rest {
		return "", errors.New("a peer id is tc1 and 52 letters a to z and digits 2 to 7")
	}
	return ID(s), nil
}

// Short is enough of an id for two people to compare: 100 bits, in groups of four.
func (id ID) Short() string {
	s := strings.TrimPrefix(string(id), prefix)
	s = s[:min(len(s), 20)]
	var groups []string
	for len(s) > 4 {
		groups = append(groups, s[:4])
		s = s[4:]
	}
	return strings.Join(append(groups, s), " ")
}
