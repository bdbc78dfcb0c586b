package link

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// long is a frame of len4 with n bytes.
func long(n int) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(n)), make([]byte, n)...)
}

func potUsed() int {
	pot.mu.Lock()
	defer pot.mu.Unlock()
	if len(pot.holders) == 0 && pot.used != 0 {
		panic("the pot lost count")
	}
	return pot.used
}

// Many peers that leave a long message unfinished: what they hold is bounded, and who sends a whole one is served.
func TestPotGivesUpTheOldest(t *testing.T) {
	set(t, &potSize, 1<<20)
	set(t, &ripe, 200*time.Millisecond)
	var links []*Link
	ends := make(chan error, 8)
	for range 8 {
		l, there := open(t, len4{})
		links = append(links, l)
		go func() { _, err := readAll(within(t), l); l.Take(); l.Close(err); ends <- err }()
		go there.Write(long(400_000)[:399_000])
	}
	for range 5 { // at the least: two fit
		var e End
		if err := <-ends; !errors.As(err, &e) || e.Reason != Crowded || e.By != Here {
			t.Fatalf("an unfinished message ends with %v", err)
		}
	}
	if used := potUsed(); used > potSize+400_000 {
		t.Errorf("%d bytes are held", used)
	}
	l, there := open(t, len4{})
	go there.Write(long(500_000))
	if fs, err := l.Read(within(t), 0); err != nil || len(fs) != 1 || len(fs[0].Body) != 500_000 {
		t.Errorf("a whole message: %d frames, %v", len(fs), err)
	}
	l.Close(nil)
	for _, l := range links {
		l.Close(nil)
	}
	if used := potUsed(); used != 0 {
		t.Errorf("%d bytes are counted after all have ended", used)
	}
}

// Peers that send whole messages wait for each other, and none is given up.
func TestPotIsShared(t *testing.T) {
	set(t, &potSize, 1<<20)
	var wg sync.WaitGroup
	for range 16 {
		l, there := open(t, len4{})
		wg.Go(func() {
			for range 10 {
				there.Write(long(400_000))
			}
			there.CloseWrite()
		})
		wg.Go(func() {
			got := 0
			for {
				fs, err := l.Read(within(t), 0)
				got += len(fs)
				if err == io.EOF && got == 10 {
					l.Close(nil)
					return
				}
				if err != nil {
					t.Errorf("after %d messages: %v", got, err)
					l.Close(nil)
					return
				}
			}
		})
	}
	wg.Wait()
	if used := potUsed(); used != 0 {
		t.Errorf("%d bytes are counted after all have ended", used)
	}
}

// A message larger than the pot is read all the same when nobody else needs it; and a wait for the pot can be ended.
func TestPotAlone(t *testing.T) {
	set(t, &potSize, 100_000)
	l, there := open(t, len4{})
	go there.Write(long(900_000))
	fs, err := l.Read(within(t), 0)
	if err != nil || len(fs) != 1 || !bytes.Equal(fs[0].Body, make([]byte, 900_000)) {
		t.Fatalf("%d frames, %v", len(fs), err)
	}
	second, other := open(t, len4{})
	go other.Write(long(900_000))
	ctx, cancel := context.WithCancel(within(t))
	done := make(chan error, 1)
	go func() { _, err := second.Read(ctx, 0); done <- err }()
	eventually(t, "it waits", func() bool { have, _ := second.Held(); return have == ownSize })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Read = %v", err)
	}
	go func() { _, err := second.Read(within(t), 0); done <- err }()
	second.Close(nil)
	var e End
	if err := <-done; !errors.As(err, &e) || e.Reason != ClosedHere {
		t.Errorf("Read = %v", err)
	}
	l.Close(nil)
	if used := potUsed(); used != 0 {
		t.Errorf("%d bytes are counted", used)
	}
}

// What a busy link took is given back when it is calm, and when a peer in memory is used.
func TestPotCalm(t *testing.T) {
	here, there := net.Pipe()
	l := New(here, len4{})
	go there.Write(long(300_000))
	if _, err := l.Read(within(t), 0); err != nil {
		t.Fatal(err)
	}
	if potUsed() == 0 {
		t.Error("a long message is not counted")
	}
	l.Take()
	if used := potUsed(); used != 0 {
		t.Errorf("%d bytes are counted after Take", used)
	}
	l.Close(nil)
}
