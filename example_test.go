package tincan_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"tincan"
)

// A program that answers every line it is sent, and another that asks.
func Example() {
	dir, err := os.MkdirTemp("", "tincan")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	host, err := tincan.Open(dir + "/host")
	if err != nil {
		log.Fatal(err)
	}
	defer host.Close()
	events := host.Events(ctx)
	l, err := host.Listen(ctx, "lines://127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		for e, err := range events {
			if err != nil {
				return
			}
			if e.Kind == tincan.EventMessage && e.Message.From != tincan.Me {
				host.Send(ctx, e.Room, append([]byte("you said: "), e.Message.Body...))
			}
		}
	}()

	guest, err := tincan.Open(dir + "/guest")
	if err != nil {
		log.Fatal(err)
	}
	defer guest.Close()
	room, err := guest.Dial(ctx, "lines://"+l.Addr)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := guest.Send(ctx, room.Name, []byte("hello")); err != nil { // durable here when it returns
		log.Fatal(err)
	}
	for m, err := range guest.Messages(ctx, room.Name, 0) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d %s\n", m.Offset, m.Body)
		if m.From != tincan.Me {
			break
		}
	}
	// Output:
	// 1 hello
	// 2 you said: hello
}
