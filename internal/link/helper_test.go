package link

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"math/big"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"tincan/codec"
)

// lines is LF-ended text.
type lines struct{ limit int }

func (c lines) Append(dst []byte, f codec.Frame) ([]byte, error) {
	if bytes.IndexByte(f.Body, '\n') >= 0 {
		return dst, &codec.Error{Kind: codec.Unsayable, Codec: "lines", Reason: "a line end in a line"}
	}
	return append(append(dst, f.Body...), '\n'), nil
}

func (c lines) Decode(src []byte, seen *codec.Seen) (codec.Frame, int, error) {
	i := bytes.IndexByte(src[seen.Bytes:], '\n')
	if i < 0 {
		if len(src) > c.Limit() {
			return codec.Frame{}, 0, &codec.Error{Kind: codec.TooLarge, Codec: "lines", Reason: "a long line"}
		}
		return codec.Frame{}, 0, nil
	}
	i += seen.Bytes
	return codec.Frame{Body: src[:i], Wire: src[:i+1]}, i + 1, nil
}

func (c lines) Progress(src []byte) (int, int) { return len(src), 0 }
func (c lines) String() string                 { return "lines" }
func (c lines) Limit() int {
	if c.limit > 0 {
		return c.limit
	}
	return 1 << 20
}

// len4 is a 4-byte big-endian length before each body.
type len4 struct{ limit int }

func (c len4) Append(dst []byte, f codec.Frame) ([]byte, error) {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(f.Body)))
	return append(dst, f.Body...), nil
}

func (c len4) Decode(src []byte, seen *codec.Seen) (codec.Frame, int, error) {
	if len(src) < 4 {
		return codec.Frame{}, 0, nil
	}
	n := int(binary.BigEndian.Uint32(src))
	if n == 0xDEAD {
		return codec.Frame{}, 0, &codec.Error{Kind: codec.Malformed, Codec: "len4", Reason: "no length"}
	}
	if n > c.Limit() {
		return codec.Frame{}, 0, &codec.Error{Kind: codec.TooLarge, Codec: "len4", Reason: "a long frame"}
	}
	if len(src) < 4+n {
		return codec.Frame{}, 0, nil
	}
	return codec.Frame{Body: src[4 : 4+n], Wire: src[:4+n]}, 4 + n, nil
}

func (c len4) Progress(src []byte) (int, int) {
	if len(src) < 4 {
		return len(src), 0
	}
	return len(src), 4 + int(binary.BigEndian.Uint32(src))
}
func (c len4) String() string { return "len4" }
func (c len4) Limit() int {
	if c.limit > 0 {
		return c.limit
	}
	return 16 << 20
}

// gap ends a frame by silence.
type gap struct{ ms int }

func (c gap) Append(dst []byte, f codec.Frame) ([]byte, error) { return append(dst, f.Body...), nil }
func (c gap) Decode(src []byte, seen *codec.Seen) (codec.Frame, int, error) {
	return codec.Frame{}, 0, nil
}
func (c gap) Progress(src []byte) (int, int) { return len(src), 0 }
func (c gap) Limit() int                     { return 1 << 20 }
func (c gap) String() string                 { return "gap" }
func (c gap) Gap() time.Duration             { return time.Duration(c.ms) * time.Millisecond }
func (c gap) Flush(src []byte) codec.Frame   { return codec.Frame{Body: src, Wire: src} }

// fixed is frames of one size.
type fixed struct{ n int }

func (c fixed) Append(dst []byte, f codec.Frame) ([]byte, error) { return append(dst, f.Body...), nil }
func (c fixed) Decode(src []byte, seen *codec.Seen) (codec.Frame, int, error) {
	if len(src) < c.n {
		return codec.Frame{}, 0, nil
	}
	return codec.Frame{Body: src[:c.n], Wire: src[:c.n]}, c.n, nil
}
func (c fixed) Progress(src []byte) (int, int) { return len(src), c.n }
func (c fixed) Limit() int                     { return c.n }
func (c fixed) String() string                 { return "fixed" }

func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if left := lingering(); left != "" {
			fmt.Fprintln(os.Stderr, "goroutines left:\n"+left)
			code = 1
		}
	}
	os.Exit(code)
}

// lingering returns the goroutines of this package that do not end.
func lingering() (left string) {
	for range 200 {
		buf := make([]byte, 1<<20)
		left = ""
		for i, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if i > 0 && strings.Contains(g, "tincan/internal/link") {
				left += g + "\n\n"
			}
		}
		if left == "" {
			return ""
		}
		time.Sleep(10 * time.Millisecond)
	}
	return left
}

// pair returns the two ends of a TCP connection over loopback.
func pair(t testing.TB) (here, there *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	a, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a.(*net.TCPConn), b.(*net.TCPConn)
}

// open returns a link and the raw other end.
func open(t testing.TB, c codec.Codec) (*Link, *net.TCPConn) {
	t.Helper()
	here, there := pair(t)
	l := New(here, c)
	t.Cleanup(func() { l.Close(nil) })
	return l, there
}

// within bounds everything in a test that could hang.
func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func set[T any](t testing.TB, v *T, to T) {
	old := *v
	*v = to
	t.Cleanup(func() { *v = old })
}

func frame(s string) codec.Frame { return codec.Frame{Body: []byte(s)} }

// collect copies what frames say.
func collect(fs []codec.Frame) (s []string) {
	for _, f := range fs {
		mark := ""
		if f.Partial {
			mark = "…"
		}
		s = append(s, string(f.Body)+mark)
	}
	return s
}

// readAll reads until an error.
func readAll(ctx context.Context, l *Link) (s []string, err error) {
	for {
		fs, err := l.Read(ctx, 0)
		s = append(s, collect(fs)...)
		if err != nil {
			return s, err
		}
	}
}

// eventually waits for what the kernel does in its own time.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// encrypted returns two ends of a TLS connection: the link's side over Count, and the peer's.
func encrypted(t testing.TB) (here *tls.Conn, there *tls.Conn, rawThere *net.TCPConn) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	a, b := pair(t)
	here = tls.Client(Count(a), &tls.Config{InsecureSkipVerify: true})
	there = tls.Server(b, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	failed := make(chan error, 1)
	go func() { failed <- there.Handshake() }()
	if err := here.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	return here, there, b
}
