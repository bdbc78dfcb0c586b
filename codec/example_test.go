package codec_test

import (
	"fmt"
	"strings"

	"tincan/codec"
)

// A .NET program says "你好" with BinaryWriter.Write(string).
func Example() {
	c, err := codec.Parse("dotnet")
	if err != nil {
		panic(err)
	}
	wire, err := c.Append(nil, codec.Frame{Body: []byte("你好")})
	fmt.Printf("% X %v\n", wire, err)
	f, n, err := c.Decode(wire, nil)
	fmt.Println(string(f.Body), n, err)
	// Output:
	// 06 E4 BD A0 E5 A5 BD <nil>
	// 你好 7 <nil>
}

// Bytes arrive in pieces: what is no whole frame is held, and decoded again when more has come.
func ExampleCodec() {
	c, err := codec.Parse("lines?eol=crlf")
	if err != nil {
		panic(err)
	}
	var held []byte
	var seen codec.Seen
	for _, piece := range []string{"one\r\ntw", "o\nthr"} {
		held = append(held, piece...)
		for {
			f, n, err := c.Decode(held, &seen)
			if err != nil {
				panic(err)
			}
			if n == 0 {
				break
			}
			fmt.Printf("%q\n", f.Body)
			held, seen = held[n:], codec.Seen{}
		}
	}
	have, want := c.Progress(held)
	fmt.Printf("%d of %d bytes are held\n", have, want)
	// Output:
	// "one"
	// "two"
	// 3 of 0 bytes are held
}

func ExampleError() {
	c, _ := codec.Parse("len32")
	_, _, err := c.Decode([]byte("GET / HTTP/1.1\r\n"), nil)
	if e, ok := err.(*codec.Error); ok {
		fmt.Println(e)
		fmt.Println(e.Hint)
		fmt.Println(e.Kind == codec.TooLarge)
	}
	// Output:
	// len32: a message of 1195725856 bytes is over the limit of 1048576
	// raise the limit with ?max= (at most 16MiB)
	// true
}

func ExampleAuto() {
	for _, first := range []string{"hello\r\n", "\x05hello", "hello", "\x00\x01\x02\xff"} {
		c, ok := codec.Auto([]byte(first), codec.Arriving)
		if !ok {
			c, _ = codec.Auto([]byte(first), codec.Paused)
			fmt.Printf("%q: %s, when no more comes\n", first, c)
			continue
		}
		fmt.Printf("%q: %s\n", first, c)
	}
	// Output:
	// "hello\r\n": lines
	// "\x05hello": dotnet
	// "hello": raw, when no more comes
	// "\x00\x01\x02\xff": raw
}

func ExampleNames() {
	fmt.Println(strings.Join(codec.Names(), " "))
	// Output: lines dotnet raw delim len8 len16 len32 len64 varint fixed json cobs slip idle
}
