package simnet

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Proxy forwards real TCP connections to a target and cuts them to the byte. Its methods may be called at any time.
type Proxy struct {
	target string
	ln     net.Listener
	ctx    context.Context
	stop   context.CancelFunc
	wg     sync.WaitGroup
	passed [2]atomic.Int64

	mu    sync.Mutex
	delay time.Duration
	plan  func(nth int) []Cut
	nth   int
	live  map[*relay]struct{}
}

// NewProxy listens on a free port of 127.0.0.1.
func NewProxy(target string) (*Proxy, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{target: target, ln: ln, live: map[*relay]struct{}{}}
	p.ctx, p.stop = context.WithCancel(context.Background())
	p.wg.Go(p.accept)
	return p, nil
}

// Addr is where it listens.
func (p *Proxy) Addr() string { return p.ln.Addr().String() }

// Passed is how many bytes were forwarded each way, over all connections.
func (p *Proxy) Passed() (up, down int64) { return p.passed[Up].Load(), p.passed[Down].Load() }

// Plan has f say, for each connection from now on, counted from 0, where it is cut: the first of its cuts that is due
// counts, and exactly After bytes are forwarded that way before. A reset discards those that the receiver's TCP has no
// room for.
func (p *Proxy) Plan(f func(nth int) []Cut) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plan = f
}

// Delay holds bytes back for d, each way, on connections from now on.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Cut ends every live connection now.
func (p *Proxy) Cut(how How) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for r := range p.live {
		r.cut(how)
	}
}

// CutEvery cuts all connections every d until the proxy is closed.
func (p *Proxy) CutEvery(d time.Duration, how How) {
	p.wg.Go(func() {
		t := time.NewTicker(d)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				p.Cut(how)
			case <-p.ctx.Done():
				return
			}
		}
	})
}

// Close closes everything, silent connections too, and waits.
func (p *Proxy) Close() {
	p.stop()
	p.ln.Close()
	p.wg.Wait()
}

func (p *Proxy) accept() {
	for {
		c, err := p.ln.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() { p.serve(c.(*net.TCPConn)) })
	}
}

func (p *Proxy) serve(in *net.TCPConn) {
	defer in.Close()
	c, err := (&net.Dialer{}).DialContext(p.ctx, "tcp", p.target)
	if err != nil {
		in.SetLinger(0)
		return
	}
	out := c.(*net.TCPConn)
	defer out.Close()
	r := &relay{p: p, ends: [2]*net.TCPConn{in, out}, left: [2]int64{-1, -1}, over: make(chan struct{})}
	p.mu.Lock()
	r.delay = p.delay
	if p.plan != nil {
		for _, cut := range p.plan(p.nth) {
			if l := r.left[cut.Way]; l < 0 || cut.After < l {
				r.left[cut.Way], r.how[cut.Way] = cut.After, cut.How
			}
		}
	}
	p.nth++
	p.live[r] = struct{}{}
	p.mu.Unlock()
	stop := context.AfterFunc(p.ctx, func() { in.Close(); out.Close() })
	defer stop()
	var wg sync.WaitGroup
	for _, way := range []Way{Up, Down} {
		wg.Go(func() { r.forward(way) })
	}
	wg.Wait()
	p.mu.Lock()
	delete(p.live, r)
	p.mu.Unlock()
	select {
	case <-r.over:
		if r.as == Silence {
			<-p.ctx.Done()
		}
	default:
	}
}

// relay is one connection and the one that it is forwarded to.
type relay struct {
	p     *Proxy
	ends  [2]*net.TCPConn // who dialled, the target
	delay time.Duration
	left  [2]int64 // bytes until the cut; negative: none
	how   [2]How
	once  sync.Once
	as    How           // set before over is closed
	over  chan struct{} // closed when it is cut
}

// cut ends both sides.
func (r *relay) cut(how How) {
	r.once.Do(func() {
		r.as = how
		close(r.over)
		for _, c := range r.ends {
			switch how {
			case FIN:
				c.CloseWrite()
				c.SetReadDeadline(time.Now().Add(100 * time.Millisecond)) // a close with unread bytes would reset
			case RST:
				c.SetLinger(0)
				c.Close()
			case Silence:
				c.SetReadDeadline(time.Unix(1, 0))
				c.SetWriteDeadline(time.Unix(1, 0))
			}
		}
	})
}

// forward carries one way until its end, which the other side gets too.
func (r *relay) forward(way Way) {
	from, to := r.ends[way], r.ends[1-way]
	pieces := make(chan piece, 64)
	var end error // of the stream, once pieces is closed
	go func() {
		defer close(pieces)
		for end == nil {
			var n int
			b := make([]byte, 16<<10)
			if n, end = from.Read(b); n > 0 {
				pieces <- piece{b[:n], time.Now().Add(r.delay)}
			}
		}
	}()
	if r.left[way] == 0 {
		r.cut(r.how[way])
	}
	for piece := range pieces {
		select {
		case <-time.After(time.Until(piece.at)):
		case <-r.over:
			continue
		}
		b := piece.b
		if l := r.left[way]; l >= 0 {
			b = b[:min(int64(len(b)), l)]
			r.left[way] -= int64(len(b))
		}
		n, err := to.Write(b)
		r.p.passed[way].Add(int64(n))
		switch {
		case r.left[way] == 0:
			r.cut(r.how[way])
		case err != nil:
			r.cut(RST)
		}
	}
	if end == io.EOF {
		to.CloseWrite()
	} else {
		r.cut(RST)
	}
}
