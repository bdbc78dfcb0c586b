package tincan

import (
	"net"
	"sync"
	"time"
)

// networkEvery is how often a node looks at the machine's addresses, while it waits to dial again.
const networkEvery = time.Second

// sleptFor is by how much the clock on the wall is ahead of the machine's own when the machine has slept.
const sleptFor = 5 * time.Second

// network is the machine's network as all diallers of a node see it. It asks the system, as often as networkEvery says,
// because every system answers to that in the same way.
type network struct {
	ask func() map[string]bool // the addresses of the interfaces that run

	mu    sync.Mutex
	asked time.Time
	addrs map[string]bool
}

// sight is what was seen of the network at one time.
type sight struct {
	at    time.Time
	addrs map[string]bool
}

func (n *network) look() sight {
	n.mu.Lock()
	defer n.mu.Unlock()
	if now := time.Now(); n.addrs == nil || now.Sub(n.asked) > networkEvery/2 {
		n.asked, n.addrs = now, n.ask()
	}
	return sight{time.Now(), n.addrs}
}

// returned says that an attempt that failed when old was seen may succeed now: there is an address that was not there,
// or the machine has slept.
func (s sight) returned(old sight) bool {
	for a := range s.addrs {
		if !old.addrs[a] {
			return true
		}
	}
	return s.at.Round(0).Sub(old.at.Round(0))-s.at.Sub(old.at) > sleptFor
}

// addresses are those of the interfaces that run.
func addresses() map[string]bool {
	all := map[string]bool{}
	interfaces, err := net.Interfaces()
	if err != nil {
		return all
	}
	for _, i := range interfaces {
		if i.Flags&net.FlagRunning == 0 {
			continue
		}
		as, _ := i.Addrs()
		for _, a := range as {
			all[i.Name+" "+a.String()] = true
		}
	}
	return all
}
