package link

import (
	"testing"

	"golang.org/x/sys/unix"
)

// What a link sets on its socket without being asked.
func TestSocketDefaults(t *testing.T) {
	l, _ := open(t, lines{})
	for _, o := range []struct {
		name        string
		level, opt  int
		want        int
		description string
	}{
		{"TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY, 1, "small messages go at once"},
		{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1, "a silent peer is asked"},
		{"TCP_KEEPIDLE", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 15, "after 15 s"},
		{"TCP_KEEPINTVL", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 5, "every 5 s"},
		{"TCP_KEEPCNT", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 6, "6 times"},
		{"TCP_USER_TIMEOUT", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 45_000, "unacknowledged bytes wait 45 s"},
	} {
		err := l.rc.Control(func(fd uintptr) {
			if got, err := unix.GetsockoptInt(int(fd), o.level, o.opt); err != nil || got != o.want {
				t.Errorf("%s is %d (%v), want %d: %s", o.name, got, err, o.want, o.description)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
