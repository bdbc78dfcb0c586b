package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
)

func TestDialReason(t *testing.T) {
	dial := func(ctx context.Context, addr string) error {
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp", addr)
		if err == nil {
			c.Close()
		}
		return err
	}
	ctx := within(t)
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	late, cancel2 := context.WithTimeout(ctx, 0)
	defer cancel2()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, inUse := net.Listen("tcp", ln.Addr().String())
	_, notHere := net.Listen("tcp", "192.0.2.1:0")
	for _, test := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{dial(ctx, fmt.Sprintf("127.0.0.1:%d", FreePort("127.0.0.1", ln.Addr().(*net.TCPAddr).Port))), "refused"},
		{dial(cancelled, ln.Addr().String()), "canceled"},
		{dial(late, ln.Addr().String()), "timed out"},
		{inUse, "address in use"},
		{notHere, "address not available"},
		{&net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}, "name not found"},
		{&net.OpError{Op: "dial", Err: &net.DNSError{IsTimeout: true}}, "timed out"},
		{&net.OpError{Op: "dial", Err: errnoUnreachable[1]}, "unreachable"},
		{&net.OpError{Op: "dial", Err: errnoTimeout[0]}, "timed out"},
		{&net.OpError{Op: "dial", Err: errnoPermission[0]}, "permission"},
		{&net.OpError{Op: "dial", Err: errnoReset[0]}, "reset by peer"},
		{errors.New("else"), "other"},
	} {
		if got := DialReason(test.err); got != test.want {
			t.Errorf("DialReason(%v) = %q, want %q", test.err, got, test.want)
		}
	}
}

func TestFreePort(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	port := ln.Addr().(*net.TCPAddr).Port
	if next := FreePort("127.0.0.1", port-1); next <= port {
		t.Errorf("FreePort = %d, but %d is in use", next, port)
	}
	if got := FreePort("192.0.2.1", 7000); got != 0 {
		t.Errorf("FreePort of a foreign address = %d", got)
	}
	if got := FreePort("127.0.0.1", 65535); got != 0 {
		t.Errorf("FreePort above the last = %d", got)
	}
}
