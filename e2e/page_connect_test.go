package e2e

import (
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// dials has the page connect to a server.
func (b *tab) dials(host, port, codec string) {
	b.t.Helper()
	b.click("tab", b.lang.in("Connect"))
	b.choose(b.lang.in("Codec"), codec)
	b.fill("textbox", b.lang.in("Server"), host)
	b.fill("textbox", b.lang.in("Port"), port)
	b.click("button", b.lang.in("Connect|button"))
}

// server is a listening socket of the test's, with what was accepted.
type server struct {
	net.Listener
	t    testing.TB
	port string
}

func startServer(t testing.TB, addr string) *server {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return &server{l, t, port}
}

// accept waits for the next connection.
func (s *server) accept() *peer {
	s.t.Helper()
	s.Listener.(*net.TCPListener).SetDeadline(deadline())
	c, err := s.Accept()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	return &peer{c.(*net.TCPConn), s.t}
}

// startDeaf returns a port of this machine where nothing answers: its queue of connections is full, so that
// the kernel drops every further SYN.
func startDeaf(t *testing.T) (port string) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*syscall.SockaddrInet4).Port}
	for range 16 {
		c, err := net.DialTimeout("tcp", addr.String(), 300*time.Millisecond)
		if err != nil { // the queue is full
			_, port, _ := net.SplitHostPort(addr.String())
			return port
		}
		t.Cleanup(func() { c.Close() })
	}
	skip(t, "this kernel takes connections without end")
	return ""
}

func TestPageConnects(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		n := startNode(t, "")
		b := n.open(t, lang)
		for _, c := range []struct{ listen, host string }{
			{"127.0.0.1:0", "127.0.0.1"},
			{"[::1]:0", "::1"},
			{"[::1]:0", "[::1]"},
			{"127.0.0.1:0", "localhost"},
		} {
			s := startServer(t, c.listen)
			b.now()
			b.dials(c.host, s.port, "lines")
			p := s.accept()
			b.strip(lang.in("Connecting…"), lang.in("Connected"))
			b.shows(":" + s.port)
			p.says("welcome to " + c.host + "\n")
			b.logs("welcome to " + c.host) // what was dialled last is the conversation that is shown
			b.sends("thanks")
			p.hears("thanks\n")
			b.click("button", lang.in("Disconnect"))
			b.strip(lang.in("Disconnected"))
			p.ends()
		}
	})
}

func TestPageCancelsConnecting(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		n := startNode(t, "")
		b := n.open(t, lang)
		b.dials("127.0.0.1", startDeaf(t), "lines")
		b.strip(lang.in("Connecting…"))
		b.click("button", lang.in("Cancel"))
		b.strip(lang.in("Ready"))
		b.gone("button", lang.in("Cancel"))
		for _, r := range n.status().Rooms {
			if r.Dial != nil {
				t.Errorf("the node still dials %s: %+v", r.Name, r.Dial)
			}
		}
		b.find("button", lang.in("Connect|button"))
	})
}

// Each way in which connecting fails has a plain sentence and the next step.
func TestPageConnectFails(t *testing.T) {
	for _, c := range []struct {
		name, host string
		port       func(*testing.T) string
		say        map[tongue][]string
	}{
		{"refused", "127.0.0.1", func(t *testing.T) string { return freePort(t) }, map[tongue][]string{
			english: {"connection refused", "start the server, or check the port"},
			chinese: {"拒绝连接", "启动服务器，或检查端口"}}},
		{"name", "no-such-host.invalid", func(*testing.T) string { return "7000" }, map[tongue][]string{
			english: {"no address found for", "no-such-host.invalid", "check the spelling, or use the IP address"},
			chinese: {"找不到", "no-such-host.invalid", "检查拼写，或改用 IP 地址"}}},
		{"unreachable", "224.0.0.1", func(*testing.T) string { return "7000" }, map[tongue][]string{
			english: {"no way", "check the network and the address"},
			chinese: {"网络不可达", "检查网络和地址"}}},
		{"timeout", "127.0.0.1", startDeaf, map[tongue][]string{
			english: {"no answer", "a firewall may drop the packets"},
			chinese: {"没有应答", "也可能被防火墙丢弃"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBoth(t, func(t *testing.T, lang tongue) {
				n := startNode(t, "")
				b := n.open(t, lang)
				b.dials(c.host, c.port(t), "lines")
				b.strip(lang.in("Connecting…"), lang.in("Connection failed"), lang.in("Ready"))
				if err := holds(strings.Join(eval[[]string](b, "witness.strip"), "\n"), c.say[lang]); err != nil {
					t.Errorf("on the status strip: %v", err)
				}
				b.shows(c.say[lang]...)
				if c.name == "timeout" { // the next attempt lasts: what happened is said all the while
					b.strip(lang.in("Connecting…"))
					if err := holds(b.main().inner(), c.say[lang]); err != nil {
						t.Errorf("while the page tries again: %v", err)
					}
				}
				b.main().click("button", lang.in("Stop trying"))
				b.gone("button", lang.in("Stop trying"))
			})
		})
	}
}

// What is empty or wrong is said beside its field, before anything is tried.
func TestPageBadFields(t *testing.T) {
	inBoth(t, func(t *testing.T, lang tongue) {
		n := startNode(t, "")
		b := n.open(t, lang)
		b.click("tab", lang.in("Connect"))
		empty := lang.in("Enter the server's IP address and port first")
		for _, c := range []struct{ server, port, field, why string }{
			{"", "", "Server", empty},
			{"", "7000", "Server", empty},
			{"127.0.0.1", "", "Port", empty},
			{"127.0.0.1", "http", "Port", ""},
			{"127.0.0.1", "0", "Port", ""},
			{"127.0.0.1", "65536", "Port", ""},
			{"127.0.0.1", "-1", "Port", ""},
			{"999.1.1.1", "7000", "Server", ""},
			{"1.2.3", "7000", "Server", ""},
			{"1::2::3", "7000", "Server", ""},
			{"two words", "7000", "Server", ""},
			{"<script>", "7000", "Server", ""},
		} {
			b.fill("textbox", lang.in("Server"), c.server)
			b.fill("textbox", lang.in("Port"), c.port)
			b.click("button", lang.in("Connect|button"))
			why := b.complains(lang.in(c.field))
			if c.why != "" && !strings.Contains(why, c.why) {
				t.Errorf("server %q, port %q: %q, want %q", c.server, c.port, why, c.why)
			}
			if c.why == "" && strings.Contains(why, empty) {
				t.Errorf("server %q, port %q: %q, want what is wrong with it", c.server, c.port, why)
			}
		}
		if rooms := n.status().Rooms; len(rooms) != 0 {
			t.Errorf("something was dialled: %v", rooms)
		}
		if said := eval[[]string](b, "witness.strip"); len(said) != 1 {
			t.Errorf("the status strip said %q, want nothing but that it is ready", said)
		}
		s := startServer(t, "127.0.0.1:0") // a complaint goes away when there is no reason for it
		b.dials("127.0.0.1", s.port, "lines")
		s.accept()
		b.gone("alert", contains(""))
	})
}
