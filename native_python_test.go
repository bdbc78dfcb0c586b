package tincan

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// certify makes an Ed25519 key and its certificate as files.
func certify(t *testing.T) (cert, key string) {
	t.Helper()
	pub, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, pub, private)
	if err != nil {
		t.Fatal(err)
	}
	pk, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, b []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert", "CERTIFICATE", der), write("key", "PRIVATE KEY", pk)
}

// TestMiniClient has a guest in another language, which was written from docs/PROTOCOL.md, join, send, be cut after every
// frame, and resume.
func TestMiniClient(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("python3 is missing")
		}
		t.Skip("python3 is missing")
	}
	host := openFast(t)
	l := mustListen(t, host, "tincan://127.0.0.1:0?admit=open")
	addr, port, _ := net.SplitHostPort(l.Addr)
	cert, key := certify(t)
	state := filepath.Join(t.TempDir(), "state")
	run := func(cut int, messages ...string) (out string, status int) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), python, append([]string{"testdata/miniclient.py", addr, port, cert, key, lobby, state}, messages...)...)
		cmd.Env = append(os.Environ(), fmt.Sprint("CUT=", cut))
		b, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return string(b), cmd.ProcessState.ExitCode()
	}
	said := []string{"one", "two", "three", "你好"}
	for cut := range 12 {
		if out, status := run(cut, said...); status != 0 && status != 9 {
			t.Fatalf("cut after %d frames it exits %d: %s", cut, status, out)
		}
		if cut == 5 {
			mustSend(t, host, lobby, "from the host")
		}
	}
	out, status := run(-1, said...)
	if status != 0 {
		t.Fatalf("exits %d: %s", status, out)
	}
	out, status = run(-1, append(said, "five")...)
	if status != 0 {
		t.Fatalf("exits %d: %s", status, out)
	}
	ms, err := host.History(t.Context(), lobby, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	own := 0
	for _, m := range ms {
		who := "me"
		if m.From == Me {
			who = host.ID()
		} else {
			own++
		}
		fmt.Fprintf(&want, "%d %s %s\n", m.Offset, who, m.Body)
	}
	if out != want.String() || own != 5 || len(ms) != 6 {
		t.Errorf("the client has\n%s\nthe host has\n%s", out, want.String())
	}
}
