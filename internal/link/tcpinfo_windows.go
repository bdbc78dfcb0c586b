package link

import (
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

const (
	sioTCPInfo = 0xD8000027 // SIO_TCP_INFO, mstcpip.h; Windows 10 1703 and later
	fionread   = 0x4004667F
)

// tcpInfo is TCP_INFO_v0 of mstcpip.h.
type tcpInfo struct {
	State             uint32
	Mss               uint32
	ConnectionTimeMs  uint64
	TimestampsEnabled uint8
	RttUs             uint32
	MinRttUs          uint32
	BytesInFlight     uint32
	Cwnd              uint32
	SndWnd            uint32
	RcvWnd            uint32
	RcvBuf            uint32
	BytesOut          uint64
	BytesIn           uint64
	BytesReordered    uint32
	BytesRetrans      uint32
	FastRetrans       uint32
	DupAcksIn         uint32
	TimeoutEpisodes   uint32
	SynRetrans        uint8
}

// states are TCPSTATE of mstcpip.h, by number.
var states = [...]string{"CLOSED", "LISTEN", "SYN_SENT", "SYN_RCVD", "ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2",
	"CLOSE_WAIT", "CLOSING", "LAST_ACK", "TIME_WAIT"}

// setUserTimeout bounds how long written bytes may stay unacknowledged.
func setUserTimeout(rc syscall.RawConn, d time.Duration) {
	rc.Control(func(fd uintptr) {
		windows.SetsockoptInt(windows.Handle(fd), windows.IPPROTO_TCP, windows.TCP_MAXRT, int(d.Seconds()))
	})
}

// sendQueue is unknown: Windows tells what is in flight, not what waits behind it.
func sendQueue(rc syscall.RawConn, fin bool) (n int64, known bool) { return 0, false }

// recvQueue is how many bytes have arrived and are not read.
func recvQueue(rc syscall.RawConn) (n int64, known bool) {
	rc.Control(func(fd uintptr) {
		var v, got uint32
		err := windows.WSAIoctl(windows.Handle(fd), fionread, nil, 0,
			(*byte)(unsafe.Pointer(&v)), uint32(unsafe.Sizeof(v)), &got, nil, 0)
		n, known = int64(v), err == nil
	})
	return n, known
}

// unheard says for how long the peer's TCP has not answered. It is 0, because that is not known here.
func unheard(rc syscall.RawConn) time.Duration { return 0 }

// readTCP fills t. Bytes and episodes of retransmission are not segments, so Retransmits is absent.
func readTCP(rc syscall.RawConn, fin bool, t *TCP) {
	if n, ok := recvQueue(rc); ok {
		t.RecvQueue = number(n)
	}
	rc.Control(func(fd uintptr) {
		var i tcpInfo
		var version, got uint32
		err := windows.WSAIoctl(windows.Handle(fd), sioTCPInfo, (*byte)(unsafe.Pointer(&version)), 4,
			(*byte)(unsafe.Pointer(&i)), uint32(unsafe.Sizeof(i)), &got, nil, 0)
		if err != nil || got < uint32(unsafe.Offsetof(i.RcvBuf)) {
			return
		}
		if int(i.State) < len(states) {
			t.State = &states[i.State]
		}
		if i.RttUs > 0 {
			t.RTTUS = number(i.RttUs)
		}
		if i.MinRttUs > 0 && i.MinRttUs != ^uint32(0) {
			t.MinRTTUS = number(i.MinRttUs)
		}
		t.SendWindow, t.RecvWindow = number(i.SndWnd), number(i.RcvWnd)
		if i.Mss > 0 {
			t.SendMSS, t.Cwnd = number(i.Mss), number(i.Cwnd/i.Mss)
		}
	})
}
