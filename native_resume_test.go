package tincan

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// flights is a proxy that carries all that one side has said when it falls silent, and then what the other answers: each
// is one flight, half a round trip.
type flights struct {
	ln   net.Listener
	many atomic.Int64 // flights so far
}

// quiet is for how long a side says nothing when its flight is complete. A busy machine may take longer, and then there
// are more flights than are needed.
const quiet = 60 * time.Millisecond

func newFlights(t *testing.T, target string) *flights {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &flights{ln: ln}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			a, err := ln.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("tcp", target)
			if err != nil {
				a.Close()
				return
			}
			var turn sync.Mutex
			go f.carry(a, b, &turn)
			go f.carry(b, a, &turn)
		}
	}()
	return f
}

func (f *flights) carry(from, to net.Conn, turn *sync.Mutex) {
	defer from.Close()
	defer to.Close()
	buf := make([]byte, 4<<20)
	for {
		from.SetReadDeadline(time.Time{})
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		for err == nil && n < len(buf) {
			from.SetReadDeadline(time.Now().Add(quiet))
			var more int
			more, err = from.Read(buf[n:])
			n += more
		}
		turn.Lock()
		f.many.Add(1)
		_, err = to.Write(buf[:n])
		turn.Unlock()
		if err != nil {
			return
		}
	}
}

// After a cut the first message is there two round trips after TCP connects, however long the history is: TLS takes one,
// and HELLO and JOIN go together. (The first flight is the guest's; the fourth brings the message.)
func TestResumeRoundTrips(t *testing.T) {
	for _, history := range []int{10, 20_000} {
		host, guest, here, there := hostAndGuest(t)
		untilPhase(t, guest, there, "connected")
		for said := 0; said < history; said += 10 {
			out := make([]Outgoing, 10)
			for i := range out {
				out[i] = Outgoing{Room: here, Body: fmt.Appendf(nil, "message %d", said+i)}
			}
			if _, err := host.SendMessages(t.Context(), out); err != nil {
				t.Fatal(err)
			}
		}
		untilMessages(t, guest, there, history)
		f := newFlights(t, there[len("tincan://"):])
		fewest := int64(100)
		for try := 0; try < 20 && fewest > 4; try++ {
			if err := guest.HangUp(t.Context(), there); err != nil {
				t.Fatal(err)
			}
			if _, err := host.Send(t.Context(), here, []byte("first")); err != nil {
				t.Fatal(err)
			}
			history++
			f.many.Store(0)
			rec, _, err := guest.journal.FindRoom(t.Context(), there)
			if err != nil {
				t.Fatal(err)
			}
			a, err := parseAddress("tincan://"+f.ln.Addr().String()+"?key="+host.id, toDial)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := guest.keepDialled(t.Context(), rec, a); err != nil {
				t.Fatal(err)
			}
			many := int64(0)
			eventually(t, "the message is there", func() bool {
				rec, _, err := guest.journal.FindRoom(t.Context(), there)
				many = f.many.Load()
				return err == nil && rec.Last >= int64(history)
			})
			fewest = min(fewest, many)
		}
		if fewest > 4 {
			t.Errorf("behind %d messages the first one comes with flight %d, not 4", history, fewest)
		}
	}
}
