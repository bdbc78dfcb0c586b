package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// papers are an authority of our own and a certificate for localhost and 127.0.0.1, made by openssl.
type papers struct{ ca, cert, key string }

func makePapers(t *testing.T) papers {
	t.Helper()
	openssl := need(t, "openssl")
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	do := func(args ...string) {
		t.Helper()
		cmd := exec.Command(openssl, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	ec := []string{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"}
	do(append([]string{"req", "-x509", "-days", "2", "-subj", "/CN=tincan test authority", "-keyout", "ca.key", "-out", "ca.pem"}, ec...)...)
	do(append([]string{"req", "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "csr.pem"}, ec...)...)
	if err := os.WriteFile(at("ext"), []byte("subjectAltName=DNS:localhost,IP:127.0.0.1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	do("x509", "-req", "-days", "2", "-in", "csr.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "ext", "-out", "cert.pem")
	return papers{at("ca.pem"), at("cert.pem"), at("key.pem")}
}

func (p papers) listen() string { return "?cert=" + p.cert + "&key=" + p.key }

func TestTLSOpensslDials(t *testing.T) {
	t.Parallel()
	pp := makePapers(t)
	p, port := listen(t, "", "tls+lines://127.0.0.1:0"+pp.listen())
	c := start(t, need(t, "openssl"), "s_client", "-quiet", "-connect", "127.0.0.1:"+port, "-CAfile", pp.ca, "-verify_return_error")
	c.say("hello over TLS", "你好")
	m := p.on("message", says("hello over TLS"))
	p.on("message", says("你好"))
	p.say(object("text", "安全", "id", "1"))
	c.says("安全")
	p.on("receipt", reached("1")) // the kernel's acknowledgement is known inside TLS too

	// Without TLS nobody gets in: the listener says whom it refused and why, and others are unharmed.
	plain := connect(t, port)
	plain.Write([]byte("GET / HTTP/1.0\r\n\r\n"))
	if e := p.on("refused"); e.Remote != plain.LocalAddr().String() || !strings.Contains(e.Reason, "TLS") {
		t.Errorf("a plain client is %s", e)
	}
	c.say("still here")
	p.on("message", says("still here"), inRoom(m.Room))
	c.kill()
	if e := p.on("disconnected"); e.Reason != "peer closed" {
		t.Errorf("openssl was killed: %s, want the reason \"peer closed\"", e)
	}
}

func TestTLSOpensslListens(t *testing.T) {
	t.Parallel()
	pp := makePapers(t)
	port := freePort(t)
	c := start(t, need(t, "openssl"), "s_server", "-quiet", "-accept", "127.0.0.1:"+port, "-cert", pp.cert, "-key", pp.key)
	for _, host := range []string{"localhost", "127.0.0.1"} {
		p := dial(t, "", "tls+lines://"+host+":"+port+"?ca="+pp.ca)
		p.on("connected")
		p.say("from " + host)
		c.says("from " + host)
		c.say("to " + host)
		p.on("message", says("to "+host))
		p.finish()
		p.wantExit(0)
	}
}

// Verification is on: an unknown authority or another's name is not talked to, and the person learns what to do.
func TestTLSVerifies(t *testing.T) {
	t.Parallel()
	pp, other := makePapers(t), makePapers(t)
	_, port := listen(t, "", "tls+lines://0.0.0.0:0"+pp.listen())

	p := dial(t, "", "tls+lines://localhost:"+port)
	if e := p.on("disconnected"); e.Reason != "certificate" || !strings.Contains(e.Detail, "not trusted") || !strings.Contains(e.Hint, "?ca=") {
		t.Errorf("an unknown authority: %s", e)
	}
	p = dial(t, "", "tls+lines://localhost:"+port+"?ca="+other.ca)
	if e := p.on("disconnected"); e.Reason != "certificate" {
		t.Errorf("another authority: %s", e)
	}
	p = dial(t, "", "tls+lines://127.0.0.2:"+port+"?ca="+pp.ca)
	if e := p.on("disconnected"); e.Reason != "certificate" || !strings.Contains(e.Detail, "127.0.0.2") || e.Hint == "" {
		t.Errorf("another name: %s", e)
	}
	p = dial(t, "", "tls+lines://localhost:"+port+"?insecure")
	p.on("connected")

	run(t, "", "", "send", "tls+lines://localhost:"+port, "secret").wantExit(5, "not trusted", "?ca=")
	run(t, "", "", "send", "tls+lines://localhost:"+port+"?ca="+pp.ca, "secret").wantExit(0)
	run(t, "", "", "send", "tls+lines://localhost:"+port+"?ca=/no/such/file", "secret").wantExit(2, "/no/such/file", "PEM")
	run(t, "", "", "listen", "tls+lines://127.0.0.1:0").wantExit(2, "certificate", "?cert=")
}

// A dialler of a plain codec in TLS at an auto listener, which takes TLS for a tincan's, and at one that speaks none: both
// sides are told what the matter is.
func TestTLSMeetsPlain(t *testing.T) {
	t.Parallel()
	p, port := listen(t, "", "127.0.0.1:0")
	d := dial(t, "", "tls+lines://127.0.0.1:"+port)
	if e := p.on("refused"); !strings.HasPrefix(e.Reason, "TLS: ") {
		t.Errorf("the listener says %s", e)
	}
	d.on("disconnected")
	nc := start(t, need(t, "ncat"), "-l", "127.0.0.1", freePort(t))
	port = nc.cmd.Args[3]
	d = dial(t, "", "tls+lines://127.0.0.1:"+port)
	d.on("connecting")
	nc.until("a TLS hello", func() bool { return len(nc.out) > 0 })
	nc.say("220 this is no TLS")
	if e := d.on("disconnected", func(e event) bool { return e.Reason != "refused" }); e.Reason != "not TLS" || !strings.Contains(e.Hint, "tls+") {
		t.Errorf("the dialler says %s", e)
	}
}
