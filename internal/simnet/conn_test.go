package simnet

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// What net.Conn promises.
func TestConn(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(t *testing.T, a, b net.Conn)
	}{
		{"both ways at once", func(t *testing.T, a, b net.Conn) {
			want := make([]byte, 100<<10)
			for i := range want {
				want[i] = byte(rand.Uint32())
			}
			var wg sync.WaitGroup
			for _, ends := range [][2]net.Conn{{a, b}, {b, a}} {
				wg.Go(func() {
					if k, err := io.Copy(ends[0], bytes.NewReader(want)); int(k) != len(want) || err != nil {
						t.Errorf("wrote %d, %v", k, err)
					}
					ends[0].(interface{ CloseWrite() error }).CloseWrite()
				})
				wg.Go(func() {
					if got, err := io.ReadAll(ends[1]); err != nil || !bytes.Equal(got, want) {
						t.Errorf("read %d bytes, %v", len(got), err)
					}
				})
			}
			wg.Wait()
			_, err := a.Write([]byte("x"))
			wantError(t, "write after FIN", err, syscall.EPIPE)
		}},
		{"deadlines in the past", func(t *testing.T, a, b net.Conn) {
			b.Write([]byte("x"))
			a.SetDeadline(time.Unix(1, 0))
			for range 2 {
				_, err := a.Read(make([]byte, 1))
				var timeout net.Error
				if !errors.As(err, &timeout) || !timeout.Timeout() {
					t.Errorf("read: %v", err)
				}
				_, err = a.Write([]byte("x"))
				wantError(t, "write", err, os.ErrDeadlineExceeded)
			}
			a.SetDeadline(time.Time{})
			if k, err := a.Read(make([]byte, 1)); k != 1 || err != nil {
				t.Errorf("read %d, %v", k, err)
			}
		}},
		{"a deadline that comes", func(t *testing.T, a, b net.Conn) {
			start := time.Now()
			a.SetReadDeadline(start.Add(time.Second))
			_, err := a.Read(make([]byte, 1))
			wantError(t, "read", err, os.ErrDeadlineExceeded)
			if d := time.Since(start); d != time.Second {
				t.Errorf("after %v", d)
			}
		}},
		{"a deadline that is set meanwhile", func(t *testing.T, a, b net.Conn) {
			time.AfterFunc(time.Second, func() { a.SetDeadline(time.Unix(1, 0)) })
			_, err := a.Read(make([]byte, 1))
			wantError(t, "read", err, os.ErrDeadlineExceeded)
		}},
		{"a close wakes who waits", func(t *testing.T, a, b net.Conn) {
			time.AfterFunc(time.Second, func() { a.Close() })
			var wg sync.WaitGroup
			wg.Go(func() {
				_, err := a.Read(make([]byte, 1))
				wantError(t, "read", err, net.ErrClosed)
			})
			_, err := a.Write(make([]byte, DefaultBuffer+1))
			wantError(t, "write", err, net.ErrClosed)
			wg.Wait()
			wantError(t, "close", a.Close(), net.ErrClosed)
			wantError(t, "deadline", a.SetDeadline(time.Now()), net.ErrClosed)
			if got, err := io.ReadAll(b); len(got) != DefaultBuffer || err != nil {
				t.Errorf("read %d, %v", len(got), err)
			}
		}},
		{"what is written to a closed end is lost", func(t *testing.T, a, b net.Conn) {
			b.Close()
			if _, err := a.Write([]byte("lost")); err != nil {
				t.Errorf("write: %v", err)
			}
			_, err := a.Write([]byte("x"))
			wantError(t, "write", err, syscall.EPIPE)
			if _, err := a.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("read: %v", err)
			}
		}},
		{"a reset", func(t *testing.T, a, b net.Conn) {
			b.(*conn).SetLinger(0)
			b.Close()
			_, err := a.Write([]byte("x"))
			wantError(t, "write", err, syscall.ECONNRESET)
			_, err = a.Read(make([]byte, 1))
			wantError(t, "read", err, syscall.ECONNRESET)
		}},
		{"nothing", func(t *testing.T, a, b net.Conn) {
			if k, err := a.Write(nil); k != 0 || err != nil {
				t.Errorf("wrote %d, %v", k, err)
			}
			if k, err := a.Read(nil); k != 0 || err != nil {
				t.Errorf("read %d, %v", k, err)
			}
		}},
	} {
		bubble(t, test.name, func(t *testing.T) {
			a, b := connect(t, New(1))
			defer a.Close()
			defer b.Close()
			test.do(t, a, b)
		})
	}
}
