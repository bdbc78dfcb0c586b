package tincan

import (
	"sync/atomic"
	"testing"
	"time"
)

// A node that waits to dial again does so at once when the network returns.
func TestNetworkReturns(t *testing.T) {
	n := openHere(t, t.TempDir())
	n.limits.RetryMin, n.limits.RetryMax = time.Hour, time.Hour
	var there atomic.Bool
	n.network.ask = func() map[string]bool {
		if there.Load() {
			return map[string]bool{"lo 127.0.0.1/8": true, "eth0 192.0.2.1/24": true}
		}
		return map[string]bool{"lo 127.0.0.1/8": true}
	}
	l := mustListen(t, n, "lines://127.0.0.1:0")
	if err := n.StopListening(t.Context(), l.ID); err != nil {
		t.Fatal(err)
	}
	room := mustDial(t, n, "lines://"+l.Addr)
	untilPhase(t, n, room, "waiting")
	mustListen(t, n, "lines://"+l.Addr)
	there.Store(true)
	untilPhase(t, n, room, "connected")
}

// A clock that went on while the machine's own stood still tells of sleep; a network with fewer addresses is no better.
func TestNetworkSight(t *testing.T) {
	now := time.Now()
	one, two := map[string]bool{"a": true}, map[string]bool{"a": true, "b": true}
	for _, tt := range []struct {
		name     string
		old, now sight
		want     bool
	}{
		{"nothing", sight{now, one}, sight{now.Add(time.Minute), one}, false},
		{"more", sight{now, one}, sight{now, two}, true},
		{"fewer", sight{now, two}, sight{now, one}, false},
		{"another", sight{now, one}, sight{now, map[string]bool{"b": true}}, true},
		{"set back", sight{now, one}, sight{now.Add(-time.Hour).Round(0), one}, false},
	} {
		if got := tt.now.returned(tt.old); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
	if len(addresses()) == 0 {
		t.Error("this machine has no address at all")
	}
}
