package tincan

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"tincan/codec"
)

// address is a parsed address: scheme://host:port[/room][?options]. A scheme is a codec, "auto" or "tincan",
// with "tls+" in front for any plain codec inside TLS.
type address struct {
	scheme string
	tls    *tlsOptions    // nil without "tls+"
	host   string         // "" is every interface (listen)
	port   string         // digits
	room   string         // the shared room a listener names; "" if none
	codec  codec.Codec    // nil for auto
	enc    string         // text encoding, "" is UTF-8
	resume bool           // ?held=send: what is queued while the peer is away is sent when it is back
	native *nativeOptions // nil for plain codecs
}

// direction says what an address is for; the two have different defaults.
type direction int

const (
	toListen direction = iota
	toDial
)

const addressHint = "an address looks like 7000, :7000, host:7000, lines://host:7000 or dotnet://:7000"

// parseAddress reads an address. A bare port is this machine only (127.0.0.1); ":7000" is every interface.
// Without a scheme, or with tcp:// as other programs write it, a listener is auto and a dialler speaks lines.
func parseAddress(s string, d direction) (*address, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return nil, usage(addressHint, "no address given")
	}
	scheme, rest, found := strings.Cut(s, "://")
	if !found {
		rest = s
	}
	if !found || strings.EqualFold(scheme, "tcp") {
		if scheme = "lines"; d == toListen {
			scheme = "auto"
		}
	}
	rest, query, _ := strings.Cut(rest, "?")
	opts, err := url.ParseQuery(query)
	if err != nil {
		return nil, usage("options are written ?name=value&name=value", "the options of %q cannot be read", s)
	}
	rest, room, hasRoom := strings.Cut(rest, "/")
	a := &address{scheme: strings.ToLower(scheme)}
	if hasRoom && room != "" {
		if a.room, err = url.PathUnescape(room); err != nil || strings.ContainsAny(a.room, "/\x00\n") {
			return nil, usage("a room is one word, as in lines://:7000/lobby", "the room %q cannot be read", room)
		}
		if d == toDial && a.scheme != "tincan" {
			return nil, fail(CodeUsage, nil, say("a plain address that is dialled has no room"), say("leave /%s out", room))
		}
	}
	if err := a.hostPort(rest, d); err != nil {
		return nil, err
	}
	return a, a.options(opts, d)
}

// narrow writes as ASCII what a Chinese input method writes wide.
var narrow = strings.NewReplacer("：", ":", "。", ".", "．", ".", "［", "[", "］", "]")

// bracketed is how an IPv6 address that was written without brackets is written with them. What stands behind the
// last colon was meant as a port if an address stands before it: ::1:7000 is both.
func bracketed(ip netip.Addr) string {
	s := ip.String()
	if cut := strings.LastIndexByte(s, ':'); isDigits(s[cut+1:]) {
		if head, err := netip.ParseAddr(s[:cut]); err == nil {
			return net.JoinHostPort(head.String(), s[cut+1:])
		}
	}
	return net.JoinHostPort(s, "7000")
}

func (a *address) hostPort(s string, d direction) error {
	s = narrow.Replace(s)
	if s == "" {
		return usage(addressHint, "no host and port given")
	}
	if isDigits(s) {
		s = net.JoinHostPort("127.0.0.1", s)
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		if ip, perr := netip.ParseAddr(strings.Trim(s, "[]")); perr == nil && ip.Is6() {
			return fail(CodeUsage, nil, say("%q has no port", s), say("write an IPv6 address in brackets: %s", bracketed(ip)))
		}
		return usage(addressHint, "%q has no port", s)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return usage("a port is a number from 1 to 65535", "%q is not a port", port)
	}
	if d == toDial {
		if n == 0 {
			return usage("a port is a number from 1 to 65535", "port 0 cannot be dialled")
		}
		if host == "" {
			host = "127.0.0.1"
		}
	}
	if strings.ContainsAny(host, " \t\n/@\\") {
		return usage("a host is a name such as server.local, or an IP address", "%q is not a host", host)
	}
	if host == "*" {
		host = ""
	}
	a.host, a.port = host, strconv.FormatUint(n, 10)
	return nil
}

func (a *address) options(opts url.Values, d direction) error {
	take := func(k string) string { v := opts.Get(k); opts.Del(k); return v }
	var err error
	if a.enc, err = ParseEncoding(take("encoding")); err != nil {
		return err
	}
	switch v := take("held"); v {
	case "", "offer":
	case "send":
		a.resume = true
	default:
		return usage("held=offer asks; held=send sends what was queued while the peer was away", "no value %q for held", v)
	}
	if rest, ok := strings.CutPrefix(a.scheme, "tls+"); ok {
		a.scheme = rest
		a.tls = &tlsOptions{ca: take("ca"), cert: take("cert"), key: take("key"), insecure: opts.Has("insecure")}
		opts.Del("insecure")
		if d == toListen && (a.tls.cert == "" || a.tls.key == "") {
			return usage("add ?cert=FILE&key=FILE (PEM)", "a TLS listener needs a certificate")
		}
	}
	switch a.scheme {
	case "tincan":
		if a.tls != nil {
			return usage("write tincan://, which is always encrypted", "tincan:// needs no tls+")
		}
		return a.nativeOptions(opts, d)
	case "auto":
		if d == toDial {
			return usage("name the codec that the peer speaks: lines://, dotnet://, len32:// …", "auto is for listeners only")
		}
		if a.tls == nil {
			a.native = &nativeOptions{}
			if a.native.admit, err = admitOption(take("admit")); err != nil {
				return err
			}
		}
		if len(opts) > 0 {
			return usage("name a codec to give it options", "auto takes no options")
		}
		return nil
	}
	a.codec, err = codec.New(a.scheme, opts)
	if err != nil {
		return noCodec(err)
	}
	return nil
}

// hostport is what net.Listen and net.Dial take.
func (a *address) hostport() string { return net.JoinHostPort(a.host, a.port) }

// codecName is the codec as an address writes it.
func (a *address) codecName() string {
	if a.codec == nil {
		return a.scheme
	}
	return a.codec.String()
}

// String is the canonical address, without the options that do not name the conversation: the name of a
// dialled room.
func (a *address) String() string {
	name, query, _ := strings.Cut(a.codecName(), "?")
	if a.tls != nil {
		name = "tls+" + name
	}
	s := name + "://" + a.hostport()
	if a.room != "" {
		s += "/" + url.PathEscape(a.room)
	}
	if query != "" {
		s += "?" + query
	}
	return s
}

func isDigits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return s != ""
}
