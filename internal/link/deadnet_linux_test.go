package link

import (
	"errors"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tincan/codec"
)

// inOwnNetwork runs f in a network of its own, whose cable is pulled by cut. It needs root.
func inOwnNetwork(t *testing.T, f func(cut func())) {
	done := make(chan string)
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlock: the thread ends with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			done <- "a network of its own needs root: " + err.Error()
			return
		}
		s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
		if err != nil {
			done <- err.Error()
			return
		}
		defer unix.Close(s)
		flags := func(up uint16) error {
			r, _ := unix.NewIfreq("lo")
			r.SetUint16(up)
			return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, r)
		}
		if err := flags(unix.IFF_UP | unix.IFF_RUNNING); err != nil {
			done <- err.Error()
			return
		}
		f(func() {
			if err := flags(0); err != nil {
				t.Error(err)
			}
		})
	}()
	if why, skip := <-done; skip {
		t.Skip(why)
	}
}

func TestDeadNetwork(t *testing.T) {
	set(t, &userTimeout, 2*time.Second)
	for _, test := range []struct {
		name string
		idle time.Duration // of keepalive
		do   func(l *Link, there *net.TCPConn, cut func()) error
	}{
		{"bytes that nobody acknowledges", time.Minute, func(l *Link, there *net.TCPConn, cut func()) error {
			cut()
			write(t, l, "into the void")
			return readError(t, l)
		}},
		{"an idle link", time.Second, func(l *Link, there *net.TCPConn, cut func()) error {
			cut()
			return readError(t, l)
		}},
		{"a write that waits", time.Minute, func(l *Link, there *net.TCPConn, cut func()) error {
			l.SetPatience(time.Second)
			l.tcp.(*net.TCPConn).SetWriteBuffer(8 << 10)
			cut()
			for {
				if _, err := l.Write(within(t), codec.Frame{Body: make([]byte, 64<<10)}); err != nil {
					return err
				}
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			set(t, &keepIdle, test.idle)
			set(t, &keepBetween, time.Second)
			set(t, &keepCount, 2)
			inOwnNetwork(t, func(cut func()) {
				l, there := open(t, len4{})
				start := time.Now()
				err := test.do(l, there, cut)
				t.Logf("%v after %v", err, time.Since(start))
				var e End
				if !errors.As(err, &e) || e.Reason != TimedOut || e.By != Network {
					t.Errorf("err = %v", err)
				}
				if at, _ := l.Acked(); at != 0 {
					t.Errorf("acked %d", at)
				}
			})
		})
	}
}

// The kernel's user timeout also ends a connection whose peer answers but does not read.
func TestWindowThatStaysClosed(t *testing.T) {
	set(t, &userTimeout, 2*time.Second)
	l, there := open(t, lines{})
	there.SetReadBuffer(4 << 10)
	l.tcp.(*net.TCPConn).SetWriteBuffer(1 << 20)
	for l.State().TCP.NotSent == nil || *l.State().TCP.NotSent == 0 {
		write(t, l, strings.Repeat("w", 10_000))
	}
	start := time.Now()
	err := readError(t, l)
	t.Logf("%v after %v", err, time.Since(start))
	if e := l.End(); e.Reason != NotReading || e.By != Here {
		t.Errorf("End = %+v", e)
	}
}
