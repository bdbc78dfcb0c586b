package codec

import "testing"

// guesses are first bytes, and what they are taken for: at once, when no more come for a moment, and in the end.
// "" stands for waiting, and for what was said before it.
var guesses = []struct{ name, src, first, quiet, final string }{
	{"nothing", "", "", "", ""},
	{"a line", "hello\n", "lines", "", ""},
	{"a line of Windows", "hello\r\n", "lines", "", ""},
	{"an empty line", "\n", "", "lines", ""},
	{"two empty lines", "\r\n\r\n", "", "lines", ""},
	{"an empty line and text", "\nhello\n", "", "lines", ""},
	{"lines and a begin", "one\ntwo\nthr", "", "lines", ""},
	{"many lines and a begin", rep("one line\n", 20) + "and a half", "lines", "", ""},
	{"HTTP", "GET / HTTP/1.1\r\nHost: localhost:7000\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n", "lines", "", ""},
	{"HTTP with a body", "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 70\r\nContent-Type: text/plain\r\n\r\n" + rep("x", 70), "lines", "", ""},
	{"HTTP, cut", "GET / HTTP/1.1\r\nHost: loc", "", "lines", ""},
	{"a JSON line", `{"id":1,"method":"subscribe","params":["tincan/1.0","` + rep("e", 80) + "\"]}\n", "lines", "", ""},
	{"SSH", "SSH-2.0-OpenSSH_9.6\r\n", "lines", "", ""},
	{"NMEA", "$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n", "lines", "", ""},
	{"a terminal's colours", "\x1b[1mbold\x1b[0m\n", "", "lines", ""},
	{"a form feed", "\fhello\n", "", "lines", ""},
	{"Chinese, UTF-8", "你好\n", "lines", "", ""},
	{"Chinese, UTF-8, no end", "你好，世界", "", "raw", ""},
	{"Chinese, UTF-8, cut within a character", "你\xe5\xa5", "", "raw", ""},
	{"Chinese, GBK", "\xc4\xe3\xba\xc3\r\n", "lines", "", ""},
	{"Chinese, GBK, no end", "\xc4\xe3\xba\xc3\xa3\xac\xca\xc0\xbd\xe7", "", "raw", ""},
	{"Chinese, GB18030", "\x81\x30\x84\x36\xc4\xe3\n", "lines", "", ""},
	{"emoji", "😀\n", "lines", "", ""},
	{"text, no end", "temperature=21.5", "", "raw", ""},
	{"a letter that is typed", "h", "", "", "lines"},
	{"letters that are typed", "hel", "", "", "lines"},
	{"a question", "*IDN?", "", "raw", ""},
	{"one letter again and again", rep("=", 500), "", "raw", ""},
	{"a pattern", rep("UV", 500), "", "raw", ""},
	{"a letter that counts, and text that goes on", "A" + rep("b", 200), "", "raw", ""},

	{".NET", "\x05hello", "dotnet", "", ""},
	{".NET, Chinese", "\x06你好", "dotnet", "", ""},
	{".NET, emoji", "\x04😀", "dotnet", "", ""},
	{".NET, one letter", "\x01a", "dotnet", "", ""},
	{".NET, two strings", "\x05hello\x06world!", "dotnet", "", ""},
	{".NET, one and a half", "\x05hello\x06wor", "dotnet", "", ""},
	{".NET, one and a half, cut within a character", "\x05hello\x06你\xe5", "dotnet", "", ""},
	{".NET, an empty string first", "\x00\x05hello", "dotnet", "", ""},
	{".NET, empty strings", "\x00\x00", "", "dotnet", ""},
	{".NET, an empty string", "\x00", "", "dotnet", ""},
	{".NET, half", "\x0bhello", "", "dotnet", ""},
	{".NET, a length alone", "\x05", "", "", "raw"},
	{".NET, cut within a character", "\x0f你\xe5", "", "dotnet", ""},
	{".NET, 9 bytes: a tab", "\t123456789", "", "dotnet", ""},
	{".NET, 10 bytes: a line feed", "\n0123456789", "", "dotnet", ""},
	{".NET, 13 bytes: a carriage return", "\r0123456789abc", "", "dotnet", ""},
	{".NET, 22 bytes: as TLS begins", "\x16" + rep("x", 22), "dotnet", "", ""},
	{".NET, 32 bytes: a space", " " + rep("x", 32), "", "dotnet", ""},
	{".NET, 71 bytes: G", "G" + rep("x", 71), "", "dotnet", ""},
	{".NET, 71 bytes with a line end within", "G" + rep("x", 35) + "\n" + rep("x", 35), "", "dotnet", ""},
	{".NET, two of letters", "AB" + rep("x", 64) + "!" + rep("y", 33), "", "dotnet", ""},
	{".NET, a letter that counts, half", "G" + rep("x", 70), "", "raw", ""},
	{".NET, 27 bytes: an escape", "\x1b" + rep("x", 27), "", "dotnet", ""},
	{".NET, many of letters", rep("2"+rep("x", 50)+"3"+rep("y", 51), 10) + "2cut", "dotnet", "", ""},
	{".NET, 127 bytes", "\x7f" + rep("x", 127), "dotnet", "", ""},
	{".NET, 200 bytes", "\xc8\x01" + rep("x", 200), "dotnet", "", ""},
	{".NET, 200 bytes, half", "\xc8\x01" + rep("x", 100), "dotnet", "", ""},
	{".NET, 200 bytes, little of them", "\xc8\x01" + rep("x", 10), "", "dotnet", ""},
	{".NET, 300 bytes of Chinese", "\xac\x02" + rep("你", 100), "dotnet", "", ""},
	{".NET, 1280 bytes: a line feed in the length", "\x80\x0a" + rep("x", 1280), "dotnet", "", ""},
	{".NET, 8400 bytes: as GBK", "\xd0\x41" + rep("你", 2800), "dotnet", "", ""},
	{".NET, 1 MiB, its begin", "\x80\x80\x40" + rep("x", 1400), "dotnet", "", ""},
	{".NET, lines of text", "\x0bone\r\ntwo\r\nx", "dotnet", "", ""},

	{".NET, but longer than it may be", "\xff\xffA0", "raw", "", ""},

	{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "raw", "", ""},
	{"TLS, its first byte", "\x16", "", "", "raw"},
	{"TLS, two bytes", "\x16\x03", "", "raw", ""},
	{"telnet", "\xff\xfd\x03\xff\xfb\x18\xff\xfb\x1f", "raw", "", ""},
	{"PuTTY", "\xff\xfb\x1f\xff\xfb\x20\xff\xfb\x18\xff\xfb\x27\xff\xfd\x01\xff\xfb\x03\xff\xfd\x03", "raw", "", ""},
	{"Modbus", "\x00\x01\x00\x00\x00\x06\x01\x03\x00\x00\x00\x02", "raw", "", ""},
	{"MQTT", "\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00", "raw", "", ""},
	{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "lines", "", ""},
	{"PNG", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "raw", "", ""},
	{"binary", "\x00\x01\x02\xff", "raw", "", ""},
	{"a byte of binary", "\xfe", "", "raw", ""},
	{"a byte that may begin anything", "\x80", "", "", "raw"},
	{"a sensor", "\xaa\x55\x01\x02\x03\x04", "raw", "", ""},
	{"zeros", rep("\x00", 256), "raw", "", ""},
	{"RDP", "\x03\x00\x00\x13\x0e\xe0\x00\x00", "raw", "", ""},
	{"SOCKS 5", "\x05\x01\x00", "raw", "", ""},
	{"MLLP", "\x0bMSH|^~\\&|\r\x1c\r", "raw", "", ""},
}

func choice(c Codec, ok bool) string {
	if !ok {
		return ""
	}
	return c.String()
}

func TestAuto(t *testing.T) {
	for _, tt := range guesses {
		want := ""
		for i, say := range []string{tt.first, tt.quiet, tt.final} {
			if say != "" {
				want = say
			}
			if got := choice(Auto([]byte(tt.src), Wait(i))); got != want {
				t.Errorf("%s: %.40q is taken for %q, want %q (wait %d)", tt.name, tt.src, got, want, i)
			}
		}
	}
}

// TestAutoInPieces: .NET writes the length and the text apart, and a network cuts anywhere. However the first bytes
// are cut, what is decided on the way is what the whole is.
func TestAutoInPieces(t *testing.T) {
	for _, tt := range guesses {
		switch tt.name {
		case "many lines and a begin", "HTTP with a body", "a terminal's colours", "PNG":
			continue // a line that is whole decides, and is right
		case ".NET, 71 bytes with a line end within":
			continue // cut behind its line end it is a line, to anybody
		}
		want := choice(Auto([]byte(tt.src), Over))
		for i := range len(tt.src) {
			if got := choice(Auto([]byte(tt.src[:i]), Arriving)); got != "" && got != want {
				t.Errorf("%s: %.40q is taken for %q, the whole for %q", tt.name, tt.src[:i], got, want)
			}
		}
	}
}

// TestAutoShortDotnet: strings of every length that one segment holds, of letters and of Chinese.
func TestAutoShortDotnet(t *testing.T) {
	d := auto("dotnet")
	for n := 1; n <= 1460; n++ {
		for _, letter := range []string{"x", "你", "\n"} {
			body := rep(letter, n/len(letter)) + rep("y", n%len(letter))
			if letter == "\n" && n >= 0x20 && n < 0x80 || n == 0 {
				continue // a letter and line ends, to anybody
			}
			src, err := d.Append(nil, Frame{Body: []byte(body)})
			if err != nil {
				t.Fatal(err)
			}
			if got := choice(Auto(src, Paused)); got != "dotnet" {
				t.Errorf("a string of %d bytes of %q is taken for %q", n, letter, got)
			}
			for i := range min(len(src), 200) {
				if got := choice(Auto(src[:i], Arriving)); got != "" && got != "dotnet" {
					t.Errorf("%d of a string of %d bytes of %q are taken for %q", i, n, letter, got)
				}
			}
		}
	}
}

func TestIsTLSHello(t *testing.T) {
	for _, tt := range []struct {
		src  string
		want bool
	}{
		{"\x16\x03\x01\x02\x00", true}, {"\x16\x03\x03", true}, {"\x16\x03\x04", true}, {"\x16\x03\x05", false},
		{"\x16\x03", false}, {"", false}, {"\x15\x03\x01", false}, {"\x16" + rep("x", 22), false},
	} {
		if got := IsTLSHello([]byte(tt.src)); got != tt.want {
			t.Errorf("%q: %v", tt.src, got)
		}
	}
}
