package tincan

import (
	"crypto/tls"
	"crypto/x509"
	"os"
)

// tlsOptions are the options of a tls+ address: files in PEM.
type tlsOptions struct {
	ca, cert, key string
	insecure      bool // do not verify the server's certificate
}

// config reads the files. Verification is on unless the address says insecure; a listener with ?ca= asks
// for client certificates made by it.
func (o *tlsOptions) config(d direction, host string) (*tls.Config, error) {
	c := &tls.Config{ServerName: host, InsecureSkipVerify: o.insecure, MinVersion: tls.VersionTLS12}
	if o.cert != "" || o.key != "" {
		pair, err := tls.LoadX509KeyPair(o.cert, o.key)
		if err != nil {
			return nil, fail(CodeUsage, err, say("the certificate cannot be used: %v", err), say("cert and key name PEM files that belong together"))
		}
		c.Certificates = []tls.Certificate{pair}
	}
	if o.ca != "" {
		pem, err := os.ReadFile(o.ca)
		if err != nil {
			return nil, fail(CodeUsage, err, say("the CA file cannot be read: %v", err), say("ca names a PEM file"))
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, usage("ca names a PEM file", "%s holds no certificate", o.ca)
		}
		if d == toDial {
			c.RootCAs = pool
		} else {
			c.ClientCAs, c.ClientAuth = pool, tls.RequireAndVerifyClientCert
		}
	}
	return c, nil
}
