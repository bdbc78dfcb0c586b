package link

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// states are the kernel's names, by number (netinet/tcp_fsm.h).
var states = [...]string{"CLOSED", "LISTEN", "SYN_SENT", "SYN_RECEIVED", "ESTABLISHED", "CLOSE_WAIT", "FIN_WAIT_1",
	"CLOSING", "LAST_ACK", "FIN_WAIT_2", "TIME_WAIT"}

// setUserTimeout bounds how long written bytes may stay unacknowledged.
func setUserTimeout(rc syscall.RawConn, d time.Duration) {
	rc.Control(func(fd uintptr) {
		unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_RXT_CONNDROPTIME, int(d.Seconds()))
	})
}

// info asks the kernel. A closed connection has dropped its send buffer, so its figures would claim that all was
// acknowledged: it has none.
func info(fd uintptr) (*unix.TCPConnectionInfo, bool) {
	i, err := unix.GetsockoptTCPConnectionInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_CONNECTION_INFO)
	return i, err == nil && i.State != 0
}

// sendQueue is how many written bytes the peer's TCP has not acknowledged. The send buffer holds no FIN.
func sendQueue(rc syscall.RawConn, fin bool) (n int64, known bool) {
	rc.Control(func(fd uintptr) {
		if i, ok := info(fd); ok {
			n, known = int64(i.Snd_sbbytes), true
		}
	})
	return n, known
}

// recvQueue is how many bytes have arrived and are not read.
func recvQueue(rc syscall.RawConn) (n int64, known bool) {
	rc.Control(func(fd uintptr) {
		v, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_NREAD)
		n, known = int64(v), err == nil
	})
	return n, known
}

// unheard says for how long the peer's TCP has not answered. It is 0, because that is not known here.
func unheard(rc syscall.RawConn) time.Duration { return 0 }

// readTCP fills t. Times are milliseconds here, and the congestion window is bytes.
func readTCP(rc syscall.RawConn, fin bool, t *TCP) {
	if n, ok := recvQueue(rc); ok {
		t.RecvQueue = number(n)
	}
	rc.Control(func(fd uintptr) {
		i, ok := info(fd)
		if !ok {
			return
		}
		if int(i.State) < len(states) {
			t.State = &states[i.State]
		}
		if i.Srtt > 0 {
			t.RTTUS, t.RTTVarUS = number(int64(i.Srtt)*1000), number(int64(i.Rttvar)*1000)
		}
		t.Retransmits = number(i.Txretransmitpackets)
		t.SendQueue = number(i.Snd_sbbytes)
		t.SendWindow, t.RecvWindow = number(i.Snd_wnd), number(i.Rcv_wnd)
		if i.Maxseg > 0 {
			t.SendMSS, t.Cwnd = number(i.Maxseg), number(i.Snd_cwnd/i.Maxseg)
		}
		t.SegmentsIn, t.SegmentsOut = number(i.Rxpackets), number(i.Txpackets)
	})
}
