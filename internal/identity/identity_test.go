package identity

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gtank/ristretto255"
)

func newTestKey(t *testing.T) *Key {
	t.Helper()
	k, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeyFile(t *testing.T) {
	dir := t.TempDir()
	a, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Load(dir)
	if err != nil || a.ID() != b.ID() {
		t.Errorf("read again it is %s, not %s: %v", b.ID(), a.ID(), err)
	}
	path := filepath.Join(dir, "key")
	if fi, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v %v", fi.Mode(), err)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) != 1 {
		t.Errorf("the folder has %v", names)
	}
	if runtime.GOOS != "windows" {
		os.Chmod(path, 0o640)
		var exposed *ExposedError
		if _, err := Load(dir); !errors.As(err, &exposed) || exposed.Path != path {
			t.Errorf("readable by others: %v", err)
		}
		os.Chmod(path, 0o600)
	}
	good, _ := os.ReadFile(path)
	rsaKey, _ := rsa.GenerateKey(rand.Reader, 2048)
	der, _ := x509.MarshalPKCS8PrivateKey(rsaKey)
	for name, text := range map[string][]byte{
		"empty": {}, "garbage": []byte("garbage"), "cut": good[:len(good)/2], "twice": append(bytes.Clone(good), good...),
		"not a key": []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
		"RSA":       pemOf(der),
	} {
		os.WriteFile(path, text, 0o600)
		var bad *BadKeyError
		if _, err := Load(dir); !errors.As(err, &bad) || bad.Unwrap() == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
		if now, _ := os.ReadFile(path); !bytes.Equal(now, text) {
			t.Errorf("%s: the file was written over", name)
		}
	}
	if _, err := Load(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("a key in a folder that is not there")
	}
}

func pemOf(der []byte) []byte {
	return []byte("-----BEGIN PRIVATE KEY-----\n" + base64Lines(der) + "-----END PRIVATE KEY-----\n")
}

func base64Lines(b []byte) string {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	var out strings.Builder
	for i := 0; i < len(b); i += 3 {
		var v uint32
		n := min(3, len(b)-i)
		for k := range 3 {
			v <<= 8
			if k < n {
				v |= uint32(b[i+k])
			}
		}
		for k := range 4 {
			if k <= n {
				out.WriteByte(digits[v>>(18-6*k)&63])
			} else {
				out.WriteByte('=')
			}
		}
		if (i/3+1)%16 == 0 {
			out.WriteByte('\n')
		}
	}
	return out.String() + "\n"
}

func TestID(t *testing.T) {
	id := newTestKey(t).ID()
	if got, err := ParseID(string(id)); err != nil || got != id {
		t.Errorf("%s is read as %s: %v", id, got, err)
	}
	if s := id.Short(); len(s) != 24 || s != string(id[3:7])+" "+string(id[7:11])+" "+string(id[11:15])+" "+string(id[15:19])+" "+string(id[19:23]) {
		t.Errorf("short: %q", s)
	}
	for _, bad := range []string{"", "tc1", "tc2" + string(id[3:]), string(id) + "a", string(id[:54]), strings.ToUpper(string(id)),
		string(id[:10]) + "1" + string(id[11:]), " " + string(id), "tc1" + strings.Repeat("a", 51) + "b"} {
		if got, err := ParseID(bad); err == nil {
			t.Errorf("%q is read as %s", bad, got)
		}
	}
	if ID("x").Short() != "x" {
		t.Error("short of what is no id")
	}
}

// handshake runs a handshake over loopback and returns what both sides say of it.
func handshake(t *testing.T, server, client *tls.Config) (s, c *tls.Conn, serr, cerr error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := ln.Accept()
		if err != nil {
			serr = err
			return
		}
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		t.Cleanup(func() { conn.Close() })
		s = tls.Server(conn, server)
		if serr = s.Handshake(); serr != nil {
			conn.Close()
		}
	}()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	t.Cleanup(func() { conn.Close() })
	c = tls.Client(conn, client)
	cerr = c.Handshake()
	<-done
	return s, c, serr, cerr
}

func anybody(ID) error { return nil }

func TestHandshake(t *testing.T) {
	host, guest := newTestKey(t), newTestKey(t)
	s, c, serr, cerr := handshake(t, host.Server(anybody), guest.Client(anybody))
	if serr != nil || cerr != nil {
		t.Fatal(serr, cerr)
	}
	if id, err := PeerID(s.ConnectionState()); err != nil || id != guest.ID() {
		t.Errorf("the host sees %s, %v", id, err)
	}
	if id, err := PeerID(c.ConnectionState()); err != nil || id != host.ID() {
		t.Errorf("the guest sees %s, %v", id, err)
	}
	a, b := s.ConnectionState(), c.ConnectionState()
	x, err1 := a.ExportKeyingMaterial(ExporterLabel, nil, 32)
	y, err2 := b.ExportKeyingMaterial(ExporterLabel, nil, 32)
	if err1 != nil || err2 != nil || !bytes.Equal(x, y) {
		t.Error("the exporters differ")
	}
	// What check says comes out of the handshake.
	no := errors.New("not this one")
	if _, _, _, cerr := handshake(t, host.Server(anybody), guest.Client(func(id ID) error {
		if id != host.ID() {
			t.Errorf("asked about %s", id)
		}
		return no
	})); !errors.Is(cerr, no) {
		t.Errorf("refused by the guest: %v", cerr)
	}
	if _, _, serr, _ := handshake(t, host.Server(func(ID) error { return no }), guest.Client(anybody)); !errors.Is(serr, no) {
		t.Errorf("refused by the host: %v", serr)
	}
}

// TestHandshakeRefused: whatever else a guest comes with is refused by the host, and the other way round.
func TestHandshakeRefused(t *testing.T) {
	host, guest := newTestKey(t), newTestKey(t)
	with := func(change func(*tls.Config)) *tls.Config {
		c := guest.Client(anybody)
		c.VerifyConnection = nil
		change(c)
		return c
	}
	certify := func(key any, pub any) tls.Certificate {
		tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
		der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, pub, key)
		if err != nil {
			t.Fatal(err)
		}
		return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	}
	rsaKey, _ := rsa.GenerateKey(rand.Reader, 2048)
	ecKey, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	for name, c := range map[string]*tls.Config{
		"TLS 1.2":          with(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12 }),
		"no ALPN":          with(func(c *tls.Config) { c.NextProtos = nil }),
		"another ALPN":     with(func(c *tls.Config) { c.NextProtos = []string{"h2"} }),
		"no certificate":   with(func(c *tls.Config) { c.Certificates = nil }),
		"RSA":              with(func(c *tls.Config) { c.Certificates = []tls.Certificate{certify(rsaKey, rsaKey.Public())} }),
		"ECDSA":            with(func(c *tls.Config) { c.Certificates = []tls.Certificate{certify(ecKey, ecKey.Public())} }),
		"two certificates": with(func(c *tls.Config) { c.Certificates[0].Certificate = [][]byte{guest.cert, guest.cert} }),
	} {
		if _, _, serr, _ := handshake(t, host.Server(anybody), c); serr == nil {
			t.Errorf("%s: let in", name)
		}
		if name == "no certificate" || name == "TLS 1.2" { // a server of these cannot be made of a client's configuration
			continue
		}
		if _, _, _, cerr := handshake(t, c, guest.Client(anybody)); cerr == nil {
			t.Errorf("%s: believed", name)
		}
	}
	if _, err := PeerID(tls.ConnectionState{Version: tls.VersionTLS12}); err == nil {
		t.Error("TLS 1.2 has a peer")
	}
}

func TestTicket(t *testing.T) {
	id := newTestKey(t).ID()
	for _, k := range []Ticket{
		{Addr: "host:7000", Host: id, Secret: NewSecret()},
		{Addr: "[2001:db8::7]:7000", Room: "ops", Host: id, Secret: NewSecret()},
		{Addr: "192.0.2.7:1", Room: "大厅?&", Host: id},
	} {
		got, err := ParseTicket(" " + k.String() + "\n")
		if err != nil || got.Addr != k.Addr || got.Room != k.Room || got.Host != k.Host || !bytes.Equal(got.Secret, k.Secret) {
			t.Errorf("%s is read as %+v: %v", k, got, err)
		}
	}
	secret := FormatSecret(NewSecret())
	for _, bad := range []string{"", "lines://host:7000", "tincan://", "tincan://host", "tincan://:7000?key=" + string(id), "tincan://host:0?key=" + string(id),
		"tincan://host:70000?key=" + string(id), "tincan://host:7000", "tincan://host:7000?key=tc1", "tincan://host:7000?key=" + string(id) + "&secret=abc",
		"tincan://host:7000?key=" + string(id) + "&key=" + string(id), "tincan://host:7000?key=" + string(id) + "&colour=red",
		"tincan://host:7000/%zz?key=" + string(id), "tincan://host:7000/a%2Fb?key=" + string(id), "tincan://host:7000?key=" + string(id) + "&secret=" + secret + "a",
		"tincan://host:7000?%zz"} {
		if got, err := ParseTicket(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
}

func TestCode(t *testing.T) {
	code := NewCode()
	if got, err := ParseCode(code); err != nil || got != code || len(code) != 11 {
		t.Errorf("%q is read as %q: %v", code, got, err)
	}
	for in, want := range map[string]string{"123456789": "123-456-789", " 123 456.789 ": "123-456-789", "１２３－４５６－７８９": "123-456-789"} {
		if got, err := ParseCode(in); err != nil || got != want {
			t.Errorf("%q is read as %q: %v", in, got, err)
		}
	}
	for _, bad := range []string{"", "12345678", "1234567890", "12345678a", "١٢٣٤٥٦٧٨٩"} {
		if got, err := ParseCode(bad); err == nil {
			t.Errorf("%q is read as %q", bad, got)
		}
	}
}

// pairing runs both sides, each with what it thinks that the code, the channel and the ids are.
func pairing(gcode, hcode string, gex, hex []byte, gg, gh, hg, hh ID) (guest, host error) {
	g, a, err := StartPairing(gcode, gex, gg, gh)
	if err != nil {
		return err, nil
	}
	h, b, err := AnswerPairing(hcode, hex, hg, hh, a)
	if err != nil {
		return nil, err
	}
	confirm, err := g.Finish(b)
	if err != nil {
		return err, h.Confirmed(make([]byte, 64))
	}
	return nil, h.Confirmed(confirm)
}

func TestPairing(t *testing.T) {
	a, b, c := newTestKey(t).ID(), newTestKey(t).ID(), newTestKey(t).ID()
	ex, other := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	const code = "123-456-789"
	if g, h := pairing(code, code, ex, ex, a, b, a, b); g != nil || h != nil {
		t.Errorf("the same code: %v, %v", g, h)
	}
	for name, run := range map[string]func() (error, error){
		"another code":  func() (error, error) { return pairing(code, "123-456-780", ex, ex, a, b, a, b) },
		"relayed":       func() (error, error) { return pairing(code, code, ex, other, a, b, a, b) },
		"another guest": func() (error, error) { return pairing(code, code, ex, ex, a, b, c, b) },
		"another host":  func() (error, error) { return pairing(code, code, ex, ex, a, c, a, b) },
	} {
		if g, h := run(); !errors.Is(g, ErrWrongCode) || !errors.Is(h, ErrWrongCode) {
			t.Errorf("%s: %v, %v", name, g, h)
		}
	}
	identity := ristretto255.NewIdentityElement().Bytes()
	for name, msg := range map[string][]byte{"the identity": identity, "no point": bytes.Repeat([]byte{255}, 32), "short": identity[:31], "": nil} {
		if _, _, err := AnswerPairing(code, ex, a, b, msg); err == nil {
			t.Errorf("%s is answered", name)
		}
		g, _, _ := StartPairing(code, ex, a, b)
		if _, err := g.Finish(append(bytes.Clone(msg), make([]byte, 64)...)); err == nil {
			t.Errorf("%s as an answer is taken", name)
		}
	}
	if _, _, err := StartPairing("1", ex, a, b); err == nil {
		t.Error("a code of one digit")
	}
	if _, _, err := AnswerPairing("1", ex, a, b, identity); err == nil {
		t.Error("a code of one digit")
	}
	if got := cat(make([]byte, 300)); len(got) != 302 || got[0] != 0xac || got[1] != 2 {
		t.Errorf("a length over 127 is %x", got[:2])
	}
}

func TestQR(t *testing.T) {
	text := Ticket{Addr: "192.0.2.7:7000", Host: newTestKey(t).ID(), Secret: NewSecret()}.String()
	rows, err := Modules(text)
	if err != nil || len(rows) != len(rows[0]) || len(rows) < 21+2*quiet {
		t.Fatal(len(rows), err)
	}
	for i := range rows { // the border is white
		for k := range quiet {
			if rows[k][i] || rows[i][k] || rows[len(rows)-1-k][i] || rows[i][len(rows)-1-k] {
				t.Fatal("the border is not white")
			}
		}
	}
	for k := range 7 { // a corner
		if !rows[quiet][quiet+k] || !rows[quiet+6][quiet+k] || !rows[quiet+k][quiet] {
			t.Fatal("no corner")
		}
	}
	drawn, err := QR(text)
	if lines := strings.Split(strings.TrimSuffix(drawn, "\n"), "\n"); err != nil || len(lines) != (len(rows)+1)/2 || len([]rune(lines[0])) != len(rows) {
		t.Errorf("%d lines for %d rows, %v", len(lines), len(rows), err)
	}
	long := strings.Repeat("x", 5000)
	if _, err := QR(long); err == nil {
		t.Error("a QR code of 5,000 letters")
	}
}

// There is one way to write a secret: the two bits that 26 letters have and 16 bytes have not are 0.
func TestSecretOneText(t *testing.T) {
	for _, secret := range [][]byte{make([]byte, SecretSize), bytes.Repeat([]byte{0xff}, SecretSize), NewSecret()} {
		text := FormatSecret(secret)
		if got, err := ParseSecret(text); err != nil || !bytes.Equal(got, secret) {
			t.Fatalf("%q is %x, %v; want %x", text, got, err, secret)
		}
		for _, c := range "abcdefghijklmnopqrstuvwxyz234567" {
			other := text[:len(text)-1] + string(c)
			if got, err := ParseSecret(other); err == nil && bytes.Equal(got, secret) && other != text {
				t.Errorf("%q and %q are one secret", other, text)
			}
		}
	}
	zero := FormatSecret(make([]byte, SecretSize))
	for _, bad := range []string{strings.ToUpper(zero), zero + "\n", "\r\n" + zero, zero[:13] + "\n" + zero[13:], "\u212a" + zero[1:], zero[1:], zero + "a", ""} {
		if _, err := ParseSecret(bad); err == nil {
			t.Errorf("%q is a secret", bad)
		}
	}
}

func FuzzTicket(f *testing.F) {
	f.Add("tincan://host:7000/ops?key=tc1" + strings.Repeat("a", 52) + "&secret=" + strings.Repeat("a", 26))
	f.Add("tincan://[::1]:1?key=")
	f.Fuzz(func(t *testing.T, s string) {
		k, err := ParseTicket(s)
		if err != nil {
			return
		}
		again, err := ParseTicket(k.String())
		if err != nil || again.Addr != k.Addr || again.Room != k.Room || again.Host != k.Host || !bytes.Equal(again.Secret, k.Secret) {
			t.Errorf("%q is %+v and then %+v, %v", s, k, again, err)
		}
	})
}

func FuzzID(f *testing.F) {
	f.Add("tc1" + strings.Repeat("a", 52))
	f.Add("tc1")
	f.Fuzz(func(t *testing.T, s string) {
		if id, err := ParseID(s); err == nil && (string(id) != s || len(s) != 55) {
			t.Errorf("%q is read as %q", s, id)
		}
	})
}

func FuzzCode(f *testing.F) {
	f.Add("123-456-789")
	f.Add("１２３")
	f.Fuzz(func(t *testing.T, s string) {
		if c, err := ParseCode(s); err == nil {
			if again, err := ParseCode(c); err != nil || again != c {
				t.Errorf("%q is %q and then %q", s, c, again)
			}
		}
	})
}
