package stream

import (
	"encoding/hex"
	"errors"
	"testing"
)

func chainOf(records ...string) (c Chain) {
	for i, r := range records {
		c = Next(c, int64(i+1), []byte(r))
	}
	return c
}

func TestChain(t *testing.T) {
	// SHA-256 of 32 zero bytes, the number 1 in 8 bytes and SHA-256("hello"), from another program.
	const want = "1032fee6c42e7019413d03ffe4c71a450da26d6350db5560d4e8bdc4ad8a021b"
	c := Next(Chain{}, 1, []byte("hello"))
	if got := hex.EncodeToString(c[:]); got != want {
		t.Errorf("the chain of one record is %s, want %s", got, want)
	}
	if chainOf("a", "b") == chainOf("b", "a") || chainOf("a") == chainOf("a", "") {
		t.Error("two logs have one chain")
	}
}

func TestGreet(t *testing.T) {
	log := []string{"a", "b", "c", "d", "e"}
	mine, other := Epoch{1}, Epoch{2}
	chainAt := func(base int64) func(int64) (Chain, bool) {
		return func(n int64) (Chain, bool) {
			if n < base || n > int64(len(log)) {
				return Chain{}, false
			}
			return chainOf(log[:n]...), true
		}
	}
	for _, tt := range []struct {
		name    string
		base    int64
		p       Position
		want    Verdict
		handled int64
	}{
		{"new", 0, Position{}, Resume, 0},
		{"where it was", 0, Position{mine, 3, chainOf("a", "b", "c")}, Resume, 3},
		{"all", 0, Position{mine, 5, chainOf(log...)}, Resume, 5},
		{"less than it acknowledged", 0, Position{mine, 1, chainOf("a")}, Resume, 1},
		{"another epoch with the same content", 0, Position{other, 3, chainOf("a", "b", "c")}, Resume, 3},
		{"another epoch with other content", 0, Position{other, 3, chainOf("x", "y", "z")}, Resume, 0},
		{"another epoch, and some is gone here", 2, Position{other, 3, chainOf("x", "y", "z")}, Gap, 2},
		{"new, and some is gone here", 2, Position{}, Gap, 2},
		{"less than what is kept", 2, Position{mine, 1, chainOf("a")}, Gap, 2},
		{"the base", 2, Position{mine, 2, chainOf("a", "b")}, Resume, 2},
		{"more than there is", 0, Position{mine, 6, chainOf("a", "b", "c", "d", "e", "f")}, Fork, 2},
		{"other content", 0, Position{mine, 3, chainOf("a", "b", "x")}, Fork, 2},
	} {
		s := NewSender(mine, tt.base, 5, 2)
		if n, room := s.Next(); room != 0 || n != 3 {
			t.Errorf("%s: before the greeting message %d may be sent with %d bytes", tt.name, n, room)
		}
		if got := s.MayDiscard(); got != tt.base {
			t.Errorf("%s: before the greeting %d may be discarded", tt.name, got)
		}
		s.Window(100)
		if got := s.Greet(tt.p, chainAt(tt.base)); got != tt.want || s.Handled() != tt.handled {
			t.Errorf("%s: verdict %d at %d, want %d at %d", tt.name, got, s.Handled(), tt.want, tt.handled)
		}
		if tt.want == Fork {
			continue
		}
		if n, _ := s.Next(); n != tt.handled+1 {
			t.Errorf("%s: %d is next, want %d", tt.name, n, tt.handled+1)
		}
		if s.MayDiscard() != tt.handled {
			t.Errorf("%s: %d may be discarded, want %d", tt.name, s.MayDiscard(), tt.handled)
		}
	}
}

func TestWindow(t *testing.T) {
	s := NewSender(Epoch{1}, 0, 3, 0)
	s.Start(0)
	if n, room := s.Next(); n != 1 || room != 1 {
		t.Errorf("without a window: %d, %d bytes; one message may always go", n, room)
	}
	s.Window(100)
	s.Sent(1, 60)
	if n, room := s.Next(); n != 2 || room != 40 || s.Fits(41) || !s.Fits(40) {
		t.Errorf("next %d with %d bytes", n, room)
	}
	s.Sent(2, 60) // the first of a batch may be larger than what is left
	if _, room := s.Next(); room != 0 {
		t.Errorf("%d bytes beyond the window", room)
	}
	if err := s.Ack(1, 100); err != nil {
		t.Fatal(err)
	}
	if n, room := s.Next(); n != 3 || room != 40 {
		t.Errorf("after an acknowledgement: next %d with %d bytes", n, room)
	}
	if err := s.Ack(1, 0); err != nil || s.Handled() != 1 { // again
		t.Errorf("again: %v", err)
	}
	var pe *ProtocolError
	if err := s.Ack(3, 100); !errors.As(err, &pe) || pe.Code != 104 || pe.Error() == "" {
		t.Errorf("acknowledged before it was sent: %v", err)
	}
	s.Ack(2, 100)
	s.Appended(2)
	if n, room := s.Next(); n != 3 || room != 100 {
		t.Errorf("the end moved back: %d, %d", n, room)
	}
	s.Sent(3, 10)
	if _, room := s.Next(); room != 0 {
		t.Error("what is not durable may be sent")
	}
	s.Appended(4)
	if n, room := s.Next(); n != 4 || room != 90 {
		t.Errorf("next %d with %d bytes", n, room)
	}
}

func TestReceiver(t *testing.T) {
	start := Position{Epoch{1}, 3, Chain{9}}
	r := NewReceiver(start)
	if r.Epoch() != start.Epoch || r.Start() != start || r.Acked() != 3 || r.Pending() != 0 {
		t.Errorf("begins at %+v", r)
	}
	for _, tt := range []struct {
		n     int64
		fresh bool
		code  int
	}{{3, false, 0}, {1, false, 0}, {4, true, 0}, {4, false, 0}, {6, false, 103}, {5, true, 0}, {0, false, 103}, {-1, false, 103}} {
		fresh, err := r.Accept(tt.n)
		var pe *ProtocolError
		if fresh != tt.fresh || (tt.code != 0) != errors.As(err, &pe) || pe != nil && pe.Code != tt.code {
			t.Errorf("message %d: fresh %v, %v", tt.n, fresh, err)
		}
	}
	if r.Pending() != 2 || r.Acked() != 3 {
		t.Errorf("%d pending, %d acknowledged", r.Pending(), r.Acked())
	}
	r.Stored(5)
	r.Stored(4)
	if r.Pending() != 0 || r.Acked() != 5 {
		t.Errorf("%d pending, %d acknowledged", r.Pending(), r.Acked())
	}
}
