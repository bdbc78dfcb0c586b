package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"mime"
	"net"
	"net/http"
	"slices"
	"strings"

	"tincan"
)

// policy is what the page may load, and who may show it: itself, and nobody.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob:; " +
	"manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// harden sets the headers of every answer. Cross-origin readers get no header that lets them read, ever.
func harden(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
}

// gate decides about a request before anything else looks at it. It returns what the request is for, or why
// it is refused.
func (s *Server) gate(r *http.Request) (target, *refusal) {
	if hosts := s.hosts(r); !slices.Contains(hosts, r.Host) {
		return target{}, forbid(fmt.Sprintf("this server is not called %q", shorten(r.Host)),
			"accepted in Host: "+strings.Join(hosts, ", "))
	}
	if origin, ok := r.Header["Origin"]; ok && !isOne(origin, "http://"+r.Host) {
		return target{}, forbid(fmt.Sprintf("requests from pages of %q are refused", shorten(strings.Join(origin, ", "))),
			"open the page of this server itself: http://"+r.Host)
	}
	// The target as it came over the wire, not as it was decoded.
	t, known := s.targets[r.RequestURI]
	known = known && r.URL.Path == r.RequestURI
	if site, ok := r.Header["Sec-Fetch-Site"]; ok && !isOne(site, "same-origin") {
		// The user typed the address, or another program opened it.
		typed := isOne(site, "none") && known && t.file != nil && r.Method == http.MethodGet
		if !typed {
			return target{}, forbid(fmt.Sprintf("requests that a browser calls %q are refused", shorten(strings.Join(site, ", "))),
				"open the page of this server itself: http://"+r.Host)
		}
	}
	switch {
	case !known:
		return target{}, &refusal{status: http.StatusNotFound, failure: failure{"there is nothing at " + shorten(r.RequestURI),
			"docs/API.md lists the calls: POST /api/status, …; a path is written in one way only", tincan.CodeNotFound}}
	case t.file != nil && r.Method != http.MethodGet && r.Method != http.MethodHead:
		return target{}, wrongMethod(r, "GET, HEAD")
	case t.file != nil:
		return t, nil
	case r.Method != http.MethodPost:
		return target{}, wrongMethod(r, "POST")
	case !s.knows(r.Header["Authorization"]):
		return target{}, &refusal{status: http.StatusUnauthorized, failure: failure{"the token is missing or wrong",
			"Authorization: Bearer TOKEN; the token of the running node is in its node.json", tincan.CodeRefused}}
	case !isJSON(r.Header["Content-Type"]):
		return target{}, &refusal{status: http.StatusUnsupportedMediaType, failure: failure{"the body's type is not application/json",
			"Content-Type: application/json", tincan.CodeUsage}}
	}
	return t, nil
}

func forbid(text, hint string) *refusal {
	return &refusal{status: http.StatusForbidden, failure: failure{text, hint, tincan.CodeRefused}}
}

func wrongMethod(r *http.Request, allow string) *refusal {
	return &refusal{status: http.StatusMethodNotAllowed, allow: allow,
		failure: failure{fmt.Sprintf("%s does not take %s", r.RequestURI, shorten(r.Method)), "use " + allow, tincan.CodeUsage}}
}

// hosts are the values of Host that are accepted on the connection of a request. The port is the real one,
// so that none has to be told.
func (s *Server) hosts(r *http.Request) []string {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return nil
	}
	_, port, err := net.SplitHostPort(local.String())
	if err != nil {
		return nil
	}
	var hosts []string
	for _, name := range append([]string{"127.0.0.1", "::1", "localhost"}, s.names...) {
		if _, _, err := net.SplitHostPort(name); err == nil { // a name with a port of its own
			hosts = append(hosts, name)
			continue
		}
		hosts = append(hosts, net.JoinHostPort(name, port))
		if port == "80" { // browsers leave it out
			hosts = append(hosts, strings.TrimSuffix(net.JoinHostPort(name, port), ":80"))
		}
	}
	return hosts
}

// knows reports whether the header holds the token. The time that takes says nothing about the token.
func (s *Server) knows(header []string) bool {
	if len(header) != 1 || s.locked {
		return false
	}
	token, ok := strings.CutPrefix(header[0], "Bearer ")
	hash := sha256.Sum256([]byte(token))
	return ok && subtle.ConstantTimeCompare(hash[:], s.token[:]) == 1
}

func isJSON(header []string) bool {
	if len(header) != 1 {
		return false
	}
	kind, params, err := mime.ParseMediaType(header[0])
	if err != nil || kind != "application/json" {
		return false
	}
	charset, has := params["charset"]
	return len(params) == 0 || len(params) == 1 && has && strings.EqualFold(charset, "utf-8")
}

// isOne reports whether a header was sent once and has this value.
func isOne(header []string, value string) bool { return len(header) == 1 && header[0] == value }
