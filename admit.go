package tincan

import (
	"fmt"
	"net"
	"sync"
	"time"
)

// admission counts the connections that listeners let in, from accept to end: those in a handshake too, so that
// nobody can hold more than his share without ever becoming a link.
type admission struct {
	mu      sync.Mutex
	all     int
	hosts   map[string]int
	files   int                  // how many connections the open files of this process allow, if fewer than the limit
	refused map[string]time.Time // hosts whose refusal was told lately
}

// spareFiles are kept for the journal, the page and what is dialled: half of the files, if there are few.
const spareFiles = 256

// admit lets a connection from a host in, or says why not. Who is in calls left when it has ended.
func (n *Node) admit(host string) (why string) {
	a := &n.admission
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.files > 0 && a.all >= a.files && a.files < n.limits.Connections:
		return fmt.Sprintf("over the limit of %d connections that the open files allow (ulimit -n)", a.files)
	case a.all >= n.limits.Connections:
		return fmt.Sprintf("over the limit of %d connections", n.limits.Connections)
	case a.hosts[host] >= n.limits.ConnectionsPerHost:
		return fmt.Sprintf("over the limit of %d connections from one address", n.limits.ConnectionsPerHost)
	}
	a.all++
	a.hosts[host]++
	return ""
}

// left counts a connection out.
func (n *Node) left(host string) {
	a := &n.admission
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all--
	if a.hosts[host]--; a.hosts[host] == 0 {
		delete(a.hosts, host)
	}
}

// refuse closes a connection and says why, once a second and address at the most.
func (l *listener) refuse(conn net.Conn, why string) {
	remote := conn.RemoteAddr().String()
	conn.Close()
	l.refused.Add(1)
	if l.n.admission.tell(hostOf(remote)) {
		l.n.note(Event{Kind: EventRefused, Addr: l.ln.Addr().String(), Listener: l.id, Remote: remote, Reason: why}, nil)
	}
}

// tell says whether a refusal of a host is to be told now.
func (a *admission) tell(host string) bool {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	for h, t := range a.refused {
		if now.Sub(t) > time.Second {
			delete(a.refused, h)
		}
	}
	if _, lately := a.refused[host]; lately || len(a.refused) >= 1024 {
		return false
	}
	a.refused[host] = now
	return true
}
