package identity

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"time"
)

// ALPN is the name of the native protocol in the TLS handshake.
const ALPN = "tincan/1"

// certificate is self-signed and says nothing but the key. Its dates mean nothing: no clock decides.
func certificate(private ed25519.PrivateKey) ([]byte, error) {
	t := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "tincan"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}
	return x509.CreateCertificate(rand.Reader, t, t, private.Public(), private)
}

// Server is the configuration of the side that listens. check decides on the guest's id; its error ends the handshake.
func (k *Key) Server(check func(ID) error) *tls.Config {
	c := k.config(check)
	c.ClientAuth = tls.RequireAnyClientCert
	return c
}

// Client is the configuration of the side that dials. check decides on the host's id; its error comes back from the
// handshake.
func (k *Key) Client(check func(ID) error) *tls.Config {
	c := k.config(check)
	c.InsecureSkipVerify = true // names and authorities mean nothing here: VerifyConnection looks at the key
	return c
}

func (k *Key) config(check func(ID) error) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, MaxVersion: tls.VersionTLS13,
		Certificates:           []tls.Certificate{{Certificate: [][]byte{k.cert}, PrivateKey: k.private}},
		NextProtos:             []string{ALPN},
		SessionTicketsDisabled: true,
		VerifyConnection: func(cs tls.ConnectionState) error {
			id, err := PeerID(cs)
			if err != nil {
				return err
			}
			return check(id)
		},
	}
}

// PeerID is the id of the key at the other end of a connection, if the connection is as the protocol asks.
func PeerID(cs tls.ConnectionState) (ID, error) {
	switch {
	case cs.Version != tls.VersionTLS13:
		return "", errors.New("not TLS 1.3")
	case cs.NegotiatedProtocol != ALPN:
		return "", errors.New("the peer does not speak " + ALPN)
	case len(cs.PeerCertificates) != 1:
		return "", errors.New("the peer must show exactly one certificate")
	}
	pub, ok := cs.PeerCertificates[0].PublicKey.(ed25519.PublicKey)
	if !ok {
		return "", errors.New("the peer's key is not of Ed25519")
	}
	return IDOf(pub), nil
}
