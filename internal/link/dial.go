package link

import (
	"context"
	"errors"
	"net"
	"strconv"
)

// DialReason says in stable words why a connection could not be made, or a socket not be bound: "refused",
// "timed out", "unreachable", "name not found", "permission", "address in use", "address not available",
// "reset by peer", "canceled" or "other"; "" for nil.
func DialReason(err error) string {
	var dns *net.DNSError
	var slow net.Error
	switch {
	case err == nil:
		return ""
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.As(err, &dns) && !dns.IsTimeout:
		return "name not found"
	case among(err, errnoRefused):
		return "refused"
	case among(err, errnoUnreachable):
		return "unreachable"
	case among(err, errnoInUse):
		return "address in use"
	case among(err, errnoNoAddress):
		return "address not available"
	case among(err, errnoReset):
		return string(PeerReset)
	case among(err, errnoTimeout), errors.Is(err, context.DeadlineExceeded), errors.As(err, &slow) && slow.Timeout():
		return string(TimedOut)
	case among(err, errnoPermission):
		return "permission"
	}
	return "other"
}

// FreePort returns the next port above from that can be listened on at host; 0 if there is none. Somebody else may
// take it before you do.
func FreePort(host string, from int) int {
	for port := max(from, 0) + 1; port <= 65535; port++ {
		ln, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err == nil {
			ln.Close()
			return port
		}
		if !among(err, errnoInUse) && !among(err, errnoPermission) {
			return 0 // no port of this host will do
		}
	}
	return 0
}
