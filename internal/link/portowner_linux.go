package link

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Owner says which process listens on addr, or on an address that keeps addr from being listened on (every
// address, the same port). It fails when nobody does, or when the system does not show us whose the socket is:
// other users' processes need root.
func Owner(addr netip.AddrPort) (name string, pid int, ok bool) {
	inodes := map[string]bool{}
	// This thread's network: /proc/net is that of the process's first thread.
	for _, file := range []string{"/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"} {
		listening(file, addr, inodes)
	}
	if len(inodes) == 0 {
		return "", 0, false
	}
	fds, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, fd := range fds {
		to, err := os.Readlink(fd)
		if err != nil || !strings.HasPrefix(to, "socket:[") || !inodes[to[len("socket:["):len(to)-1]] {
			continue
		}
		id := strings.Split(fd, "/")[2]
		pid, err = strconv.Atoi(id)
		comm, err2 := os.ReadFile("/proc/" + id + "/comm")
		if err == nil && err2 == nil {
			return strings.TrimSpace(string(comm)), pid, true
		}
	}
	return "", 0, false
}

// listening adds the inodes of the listening sockets of a table of the kernel that collide with addr.
func listening(file string, addr netip.AddrPort, inodes map[string]bool) {
	f, err := os.Open(file)
	if err != nil {
		return
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		// sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
		field := strings.Fields(lines.Text())
		if len(field) < 10 || field[3] != "0A" {
			continue
		}
		local, ok := tableAddr(field[1])
		if ok && local.Port() == addr.Port() && collide(local.Addr(), addr.Addr()) {
			inodes[field[9]] = true
		}
	}
}

func collide(a, b netip.Addr) bool {
	a, b = a.Unmap().WithZone(""), b.Unmap().WithZone("")
	return a == b || a.IsUnspecified() || b.IsUnspecified() || !b.IsValid()
}

// tableAddr reads "0100007F:1F90": an address as 32-bit words in the machine's byte order, and a port.
func tableAddr(s string) (netip.AddrPort, bool) {
	host, port, ok := strings.Cut(s, ":")
	b, err := hex.DecodeString(host)
	p, err2 := strconv.ParseUint(port, 16, 16)
	if !ok || err != nil || err2 != nil || len(b)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(b); i += 4 {
		binary.NativeEndian.PutUint32(b[i:], binary.BigEndian.Uint32(b[i:]))
	}
	ip, ok := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(ip, uint16(p)), ok
}
