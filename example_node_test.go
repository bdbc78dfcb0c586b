package tincan_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os"

	"tincan"
)

// node opens a node on a folder of its own.
func node() (n *tincan.Node, end func()) {
	dir, err := os.MkdirTemp("", "tincan")
	if err != nil {
		log.Fatal(err)
	}
	n, err = tincan.Open(dir)
	if err != nil {
		log.Fatal(err)
	}
	return n, func() { n.Close(); os.RemoveAll(dir) }
}

// A peer needs nothing of tincan: here it is a bare connection, as netcat makes one.
func ExampleNode_Listen() {
	n, end := node()
	defer end()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	events := n.Events(ctx) // from here on nothing is missed
	l, err := n.Listen(ctx, "lines://127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	peer, err := net.Dial("tcp", l.Addr) // port 0 became a real one
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintln(peer, "hello")
	peer.Close()
	for e, err := range events {
		if err != nil {
			log.Fatal(err)
		}
		switch e.Kind {
		case tincan.EventMessage:
			fmt.Printf("%s: %s\n", e.Kind, e.Message.Body)
		case tincan.EventDisconnected:
			fmt.Printf("%s: %s\n", e.Kind, e.Reason)
			return
		default:
			fmt.Println(e.Kind)
		}
	}
	// Output:
	// listening
	// connected
	// message: hello
	// finished
	// disconnected: peer closed
}

// A message gets further step by step. Reached is the furthest that plain TCP can tell.
func ExampleNode_Send() {
	n, end := node()
	defer end()
	peer, err := net.Listen("tcp", "127.0.0.1:0") // whoever listens there
	if err != nil {
		log.Fatal(err)
	}
	defer peer.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	events := n.Events(ctx)
	room, err := n.Dial(ctx, "lines://"+peer.Addr().String()) // returns at once, and connects for as long as it takes
	if err != nil {
		log.Fatal(err)
	}
	m, err := n.Send(ctx, room.Name, []byte("hello")) // on this disk when it returns
	if err != nil {
		log.Fatal(err)
	}
	for e, err := range events {
		if err != nil {
			log.Fatal(err)
		}
		if e.Kind == tincan.EventReceipt && e.ID == m.ID {
			fmt.Println(e.State)
			if e.State == tincan.Reached {
				return
			}
		}
	}
	// Output:
	// queued
	// written
	// reached
}

// An error says what to do next, in English and in Chinese.
func ExampleExplain() {
	n, end := node()
	defer end()
	_, err := n.Listen(context.Background(), "lines://127.0.0.1:70000")
	text, hint, code := tincan.Explain(err)
	fmt.Printf("%s: %s (%s)\n", code, text, hint)
	text, hint, _ = tincan.ExplainIn("zh", err)
	fmt.Printf("%s（%s）\n", text, hint)
	var e *tincan.Error
	fmt.Println(errors.As(err, &e))
	// Output:
	// usage: "70000" is not a port (a port is a number from 1 to 65535)
	// "70000" 不是端口（端口是 1 到 65535 之间的数字）
	// true
}
