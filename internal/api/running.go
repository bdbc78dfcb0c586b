package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"tincan"
)

// Options say where to serve. The zero value serves on a free port of 127.0.0.1 and writes no file.
type Options struct {
	// Dir is the folder that gets the node.json by which [Connect] finds this server; "" for none.
	Dir string
	// Addr is host:port. Without Public it has to be a loopback address.
	Addr string
	// Public are further names by which browsers reach this server, without a port or with one if it is not
	// the server's own. Naming one allows an address that is not loopback. The traffic, the token in it
	// included, is not encrypted.
	Public []string
	// Log gets what goes wrong with connections; nil for nothing.
	Log *slog.Logger
}

// Limits of the HTTP server.
const (
	connections   = 64
	headerTime    = 5 * time.Second
	requestTime   = 30 * time.Second // event streams are exempt
	answerTime    = 60 * time.Second // event streams are exempt
	idleTime      = 60 * time.Second
	headerBytes   = 16 << 10
	shutdownTime  = 5 * time.Second
	tokenBytes    = 32
	defaultListen = "127.0.0.1:0"
)

// wsaInUse is what Windows calls EADDRINUSE.
const wsaInUse = syscall.Errno(10048)

// Running is a server that listens.
type Running struct {
	server *Server
	http   *http.Server
	cancel context.CancelFunc // ends the requests
	url    string
	token  string
	dir    string
	served chan struct{}
	once   sync.Once
	err    error
}

// Serve listens and answers until Close, or until ctx ends. It makes a new token, which only the owner of
// the folder and whoever is given the PageURL know.
func Serve(ctx context.Context, t tincan.Talker, opts Options) (*Running, error) {
	ln, err := listen(ctx, opts)
	if err != nil {
		return nil, err
	}
	var secret [tokenBytes]byte
	rand.Read(secret[:])
	r := &Running{url: urlOf(ln.Addr()), token: hex.EncodeToString(secret[:]), dir: opts.Dir, served: make(chan struct{})}
	r.server = New(t, r.token)
	r.server.names = namesOf(ln.Addr(), opts.Public)
	if opts.Log != nil {
		r.server.log = opts.Log
	}
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r.cancel = cancel
	r.http = &http.Server{
		Handler: r.server, ReadHeaderTimeout: headerTime, ReadTimeout: requestTime, WriteTimeout: answerTime,
		IdleTimeout: idleTime, MaxHeaderBytes: headerBytes,
		DisableGeneralOptionsHandler: true, // OPTIONS * goes through the gate too
		BaseContext:                  func(net.Listener) context.Context { return base },
		ConnContext:                  withSeat,
		ErrorLog:                     log.New(io.Discard, "", 0),
	}
	if opts.Log != nil {
		r.http.ErrorLog = slog.NewLogLogger(opts.Log.Handler(), slog.LevelWarn)
	}
	if opts.Dir != "" {
		if err := writeNodeFile(opts.Dir, nodeFile{os.Getpid(), r.url, r.token}); err != nil {
			ln.Close()
			cancel()
			return nil, err
		}
	}
	go func() {
		defer close(r.served)
		r.http.Serve(newSeats(ln, connections))
	}()
	go func() {
		select {
		case <-ctx.Done():
			r.Close()
		case <-r.served:
		}
	}()
	return r, nil
}

// URL is the server's address, such as http://127.0.0.1:40123.
func (r *Running) URL() string { return r.url }

// PageURL is the address to open in a browser. It holds the token: who has it may do everything.
func (r *Running) PageURL() string { return r.url + "/#t=" + r.token }

// Close takes node.json away, ends the event streams and with them their sessions, gives other requests
// a moment, and returns when nothing runs any more.
func (r *Running) Close() error {
	r.once.Do(func() {
		if r.dir != "" {
			r.err = removeNodeFile(r.dir, r.token)
		}
		r.server.Close()
		ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
		defer cancel()
		if r.http.Shutdown(ctx) != nil {
			r.cancel()
			r.http.Close()
		}
		r.cancel()
		<-r.served
	})
	return r.err
}

// listen opens the socket, and sees to it that nobody but this machine reaches it unless that was said.
func listen(ctx context.Context, opts Options) (net.Listener, error) {
	addr := opts.Addr
	if addr == "" {
		addr = defaultListen
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fail(tincan.CodeUsage, err, say("%q is not an address for the page", addr), say("host:port, such as 127.0.0.1:8080"))
	}
	for _, name := range opts.Public {
		if name == "" || strings.ContainsAny(name, "*/@? ") || name != strings.ToLower(name) {
			return nil, usage(say("%q is not the name of a host", name), say("the name as browsers show it, in small letters"))
		}
	}
	if host == "localhost" {
		host = "127.0.0.1" // not what some hosts file says
	}
	ip, err := netip.ParseAddr(host)
	if loopback := err == nil && ip.Unmap().IsLoopback(); !loopback && len(opts.Public) == 0 {
		return nil, fail(tincan.CodeRefused, nil, say("the page is for this machine only, and %s is open to others", addr),
			say("use 127.0.0.1:%s, or name the hosts by which others may reach it", port))
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(host, port))
	code := tincan.CodeUnreachable
	if errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, wsaInUse) {
		code = tincan.CodeInUse
	}
	if err != nil {
		return nil, fail(code, err, say("cannot serve the page on %s: %v", addr, err), say("leave the port 0 for a free one"))
	}
	return ln, nil
}

// urlOf is the address that this machine reaches a socket by.
func urlOf(a net.Addr) string {
	bound := netip.MustParseAddrPort(a.String())
	ip := bound.Addr().Unmap()
	if ip.IsUnspecified() {
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return "http://" + netip.AddrPortFrom(ip, bound.Port()).String()
}

// namesOf are the names that a server has besides the three of loopback.
func namesOf(a net.Addr, public []string) []string {
	names := slices.Clone(public)
	ip := netip.MustParseAddrPort(a.String()).Addr().Unmap()
	if !ip.IsUnspecified() && ip.String() != "127.0.0.1" && ip != netip.IPv6Loopback() {
		names = append(names, ip.String())
	}
	return names
}
