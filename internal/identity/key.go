package identity

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Key is a node's secret key.
type Key struct {
	private ed25519.PrivateKey
	id      ID
	cert    []byte // self-signed, DER
}

// ID is the key's id.
func (k *Key) ID() ID { return k.id }

const keyFile = "key"

// ExposedError says that others can read the key, so it is not used.
type ExposedError struct {
	Path string
	Mode fs.FileMode
}

func (e *ExposedError) Error() string {
	return fmt.Sprintf("others can read the key %s (%v)", e.Path, e.Mode)
}

// BadKeyError says that the file is no key. It is never written over.
type BadKeyError struct {
	Path string
	Err  error
}

func (e *BadKeyError) Error() string { return fmt.Sprintf("%s is not a key: %v", e.Path, e.Err) }
func (e *BadKeyError) Unwrap() error { return e.Err }

// Load reads the key of a folder, which must exist, and makes one on first use: a PEM file that only this user can
// read.
func Load(dir string) (*Key, error) {
	path := filepath.Join(dir, keyFile)
	fi, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(dir, path)
	}
	if err != nil {
		return nil, err
	}
	if mode := fi.Mode(); runtime.GOOS != "windows" && mode.Perm()&0o077 != 0 {
		return nil, &ExposedError{path, mode.Perm()}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(b)
	if block == nil || block.Type != "PRIVATE KEY" || len(rest) > 0 {
		return nil, &BadKeyError{path, errors.New("it is not one PEM block of a PRIVATE KEY")}
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, &BadKeyError{path, err}
	}
	private, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, &BadKeyError{path, errors.New("it is not of Ed25519")}
	}
	return newKey(private)
}

// makeKey writes a new key. A crash leaves a whole key or none: it is written beside its place, synced, and renamed. Who
// calls it holds the folder, so that nobody else makes one meanwhile.
func makeKey(dir, path string) (*Key, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, keyFile+".*") // 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("write key: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return nil, err
	}
	if d, err := os.Open(dir); err == nil {
		d.Sync() // not every system can
		d.Close()
	}
	return newKey(private)
}

// New returns a key that is kept nowhere.
func New() (*Key, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return newKey(private)
}

func newKey(private ed25519.PrivateKey) (*Key, error) {
	pub := private.Public().(ed25519.PublicKey)
	cert, err := certificate(private)
	if err != nil {
		return nil, err
	}
	return &Key{private, IDOf(pub), cert}, nil
}
