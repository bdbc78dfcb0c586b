//go:build !linux

package link

import "net/netip"

// Owner says which process listens on addr. It is not known on this system.
func Owner(addr netip.AddrPort) (name string, pid int, ok bool) { return "", 0, false }
