package link

import (
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// states are the kernel's names, by number (include/net/tcp_states.h).
var states = [...]string{1: "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE",
	"CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV"}

// setUserTimeout bounds how long written bytes may stay unacknowledged.
func setUserTimeout(rc syscall.RawConn, d time.Duration) {
	rc.Control(func(fd uintptr) {
		unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
	})
}

// sendQueue is how many written bytes the peer's TCP has not acknowledged. A FIN takes one place at the end of the
// queue; fin says that ours is in it, or was.
func sendQueue(rc syscall.RawConn, fin bool) (n int64, known bool) {
	rc.Control(func(fd uintptr) { n, known = queue(fd, unix.SIOCOUTQ, fin) })
	return n, known
}

// recvQueue is how many bytes have arrived and are not read.
func recvQueue(rc syscall.RawConn) (n int64, known bool) {
	rc.Control(func(fd uintptr) { n, known = queue(fd, unix.SIOCINQ, false) })
	return n, known
}

func queue(fd uintptr, request uint, fin bool) (int64, bool) {
	n, err := unix.IoctlGetInt(int(fd), request)
	if err != nil {
		return 0, false
	}
	if fin && n > 0 {
		n--
	}
	return int64(n), true
}

// tcpInfo asks the kernel and says how many bytes of the structure it filled. unix.GetsockoptTCPInfo does not.
func tcpInfo(fd uintptr) (info unix.TCPInfo, size uintptr) {
	n := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.IPPROTO_TCP, unix.TCP_INFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&n)), 0)
	if errno != 0 {
		return info, 0
	}
	return info, uintptr(n)
}

// unheard says for how long the peer's TCP has acknowledged nothing although it was asked: a segment was sent
// again, or a closed window probed, and no answer has come to that. It is 0 if the peer answers, or nobody knows.
func unheard(rc syscall.RawConn) (d time.Duration) {
	rc.Control(func(fd uintptr) {
		i, size := tcpInfo(fd)
		if size >= unsafe.Offsetof(i.Pacing_rate) && (i.Retransmits > 0 || i.Probes > 0) {
			d = time.Duration(i.Last_ack_recv) * time.Millisecond
		}
	})
	return d
}

// readTCP fills t.
func readTCP(rc syscall.RawConn, fin bool, t *TCP) {
	rc.Control(func(fd uintptr) {
		info, size := tcpInfo(fd)
		readInfo(&info, size, t)
		if n, ok := queue(fd, unix.SIOCOUTQ, fin); ok {
			t.SendQueue = number(n)
		}
		if n, ok := queue(fd, unix.SIOCOUTQNSD, fin); ok {
			t.NotSent = number(n)
		}
		if n, ok := queue(fd, unix.SIOCINQ, false); ok {
			t.RecvQueue = number(n)
		}
	})
}

// readInfo takes over the fields that lie within the first size bytes of i.
func readInfo(i *unix.TCPInfo, size uintptr, t *TCP) {
	if size < unsafe.Offsetof(i.Pacing_rate) {
		return // the first edition of the structure, and all that Linux 3 had
	}
	if int(i.State) < len(states) && states[i.State] != "" {
		t.State = &states[i.State]
	}
	if i.Rtt > 0 { // 0: nothing was measured yet
		t.RTTUS, t.RTTVarUS = number(i.Rtt), number(i.Rttvar)
	}
	t.Retransmits = number(i.Total_retrans)
	t.Backoff = number(i.Backoff)
	t.SendMSS, t.RecvMSS = number(i.Snd_mss), number(i.Rcv_mss)
	t.Cwnd = number(i.Snd_cwnd)
	t.LastAckMS = number(i.Last_ack_recv)
	if size >= unsafe.Offsetof(i.Notsent_bytes) {
		t.SegmentsIn, t.SegmentsOut = number(i.Segs_in), number(i.Segs_out)
	}
	if size >= unsafe.Offsetof(i.Data_segs_in) && i.Min_rtt != 0 && i.Min_rtt != ^uint32(0) {
		t.MinRTTUS = number(i.Min_rtt)
	}
	if size >= unsafe.Offsetof(i.Rcv_wnd) {
		t.SendWindow = number(i.Snd_wnd)
	}
	if size >= unsafe.Offsetof(i.Rehash) {
		t.RecvWindow = number(i.Rcv_wnd)
	}
}
