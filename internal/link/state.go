package link

import "time"

// State is a snapshot of a link.
type State struct {
	PeerFinished bool // the peer's FIN was read: it says no more, it may still listen
	Finished     bool // FinishSending was called
	Ended        bool

	BytesIn, BytesOut   int64 // of TCP, so with TLS and its handshake where Count was used
	FramesIn, FramesOut int64
	Have, Want          int           // the frame that is arriving; see Held
	Silence             time.Duration // since the last byte came in, or since the beginning
	TCP                 TCP           // the last figures, once the link has ended
}

// TCP is what the kernel knows of a connection. Each figure is absent (nil) where the system has none.
type TCP struct {
	State       *string `json:"state,omitempty"` // the kernel's own name: "ESTABLISHED", "CLOSE_WAIT", …
	RTTUS       *int64  `json:"rtt_us,omitempty"`
	RTTVarUS    *int64  `json:"rttvar_us,omitempty"`
	MinRTTUS    *int64  `json:"min_rtt_us,omitempty"`
	Retransmits *int64  `json:"retransmits,omitempty"` // segments sent again, over the whole life
	Backoff     *int64  `json:"backoff,omitempty"`     // doublings of the retransmission timer now
	SendQueue   *int64  `json:"send_queue,omitempty"`  // bytes written here, not yet acknowledged by the peer's TCP
	NotSent     *int64  `json:"not_sent,omitempty"`    // of these, bytes that have not left yet
	RecvQueue   *int64  `json:"recv_queue,omitempty"`  // bytes arrived, not yet read by us
	Acked       *int64  `json:"acked,omitempty"`       // bytes written here that the peer's TCP acknowledged
	SendMSS     *int64  `json:"send_mss,omitempty"`
	RecvMSS     *int64  `json:"recv_mss,omitempty"`
	SendWindow  *int64  `json:"send_window,omitempty"` // what the peer will still take
	RecvWindow  *int64  `json:"recv_window,omitempty"` // what we offer the peer
	Cwnd        *int64  `json:"cwnd,omitempty"`        // congestion window, segments
	SegmentsIn  *int64  `json:"segments_in,omitempty"`
	SegmentsOut *int64  `json:"segments_out,omitempty"`
	LastAckMS   *int64  `json:"last_ack_ms,omitempty"` // since the peer's last acknowledgement
}

// State returns a snapshot. Any goroutine may call it.
func (l *Link) State() State {
	s := State{
		PeerFinished: l.peerDone.Load(),
		Finished:     l.finished.Load(),
		Ended:        l.ended.Load(),
		BytesIn:      l.wire.in.Load(),
		BytesOut:     l.wire.out.Load(),
		FramesIn:     l.framesIn.Load(),
		FramesOut:    l.framesOut.Load(),
		Silence:      l.wire.silence(),
	}
	s.Have, s.Want = l.Held()
	if !s.Ended {
		s.TCP = l.figures()
		return s
	}
	l.mu.Lock()
	s.TCP = *l.final
	l.mu.Unlock()
	return s
}

// figures asks the kernel.
func (l *Link) figures() TCP {
	var t TCP
	if l.rc == nil {
		return t
	}
	sent, fin := l.Sent(), l.wire.fin.Load()
	readTCP(l.rc, fin, &t)
	if l.exact && t.SendQueue != nil {
		l.raiseAcked(sent - *t.SendQueue)
		t.Acked = number(l.acked.Load())
	}
	return t
}

func number[T ~uint8 | ~uint32 | ~uint64 | ~int | ~int64](v T) *int64 {
	n := int64(v)
	return &n
}
