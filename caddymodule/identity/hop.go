package identity

import (
	"io"
	"net/http"
	"strings"
)

// ows is what may stand around the parts of a header (RFC 9110 section 5.6.3).
const ows = " \t"

// The tokens of Connection that a request may keep, one bit each.
const (
	tokenClose = 1 << iota
	tokenKeepAlive
	tokenUpgrade
	tokenOther
)

// connections spells every set of kept tokens.
var connections = [tokenOther]string{
	tokenClose:                                 "close",
	tokenKeepAlive:                             "keep-alive",
	tokenClose | tokenKeepAlive:                "close, keep-alive",
	tokenUpgrade:                               "upgrade",
	tokenClose | tokenUpgrade:                  "close, upgrade",
	tokenKeepAlive | tokenUpgrade:              "keep-alive, upgrade",
	tokenClose | tokenKeepAlive | tokenUpgrade: "close, keep-alive, upgrade",
}

// ReduceConnection keeps close, keep-alive and upgrade of the Connection
// header. A proxy deletes whatever header Connection names (RFC 9110 section
// 7.6.1), after we have set it: a client could take its own identity, or its
// lack of permissions, out of a request.
//
// Proxy-Connection goes, and so does an upgrade to HTTP/2 (obsolete, RFC 9113
// section 3.1): once the app had switched, the client would talk to it past
// the gateway. A header that is in order is left untouched.
func ReduceConnection(h http.Header) {
	delete(h, "Proxy-Connection")
	tokens := connectionTokens(h["Connection"])
	if upgradesToHTTP2(h["Upgrade"]) {
		delete(h, "Upgrade")
		delete(h, "Http2-Settings")
		if tokens&tokenUpgrade != 0 {
			tokens = tokens&^tokenUpgrade | tokenOther
		}
	}
	if tokens&tokenOther == 0 {
		return
	}
	if kept := connections[tokens&^tokenOther]; kept != "" {
		h["Connection"] = []string{kept}
	} else {
		delete(h, "Connection")
	}
}

func connectionTokens(lines []string) (tokens int) {
	for _, line := range lines {
		for more := true; more; {
			var token string
			token, line, more = strings.Cut(line, ",")
			tokens |= connectionToken(strings.Trim(token, ows))
		}
	}
	return tokens
}

func connectionToken(token string) int {
	switch {
	case token == "":
		return 0
	case strings.EqualFold(token, "close"):
		return tokenClose
	case strings.EqualFold(token, "keep-alive"):
		return tokenKeepAlive
	case strings.EqualFold(token, "upgrade"):
		return tokenUpgrade
	}
	return tokenOther
}

func upgradesToHTTP2(lines []string) bool {
	for _, line := range lines {
		for more := true; more; {
			var protocol string
			protocol, line, more = strings.Cut(line, ",")
			protocol, _, _ = strings.Cut(protocol, "/")
			switch protocol = strings.Trim(protocol, ows); {
			case strings.EqualFold(protocol, "h2c"), strings.EqualFold(protocol, "h2"), strings.EqualFold(protocol, "http"):
				return true
			}
		}
	}
	return false
}

// DropTrailers makes sure that no trailer of the request goes upstream,
// whether it was announced or not: trailers come after all headers were
// filtered, and some servers merge them in (RFC 9110 section 6.5.1).
//
// TE goes too, but not from gRPC calls: it speaks of the answer's trailers,
// and gRPC servers refuse a call without it.
func DropTrailers(r *http.Request) {
	r.Trailer = nil
	delete(r.Header, "Trailer")
	if len(r.Header["Te"]) > 0 && !isGRPC(r.Header) {
		delete(r.Header, "Te")
	}
	// net/http puts trailers that nobody announced into the request when its
	// body ends; only a body of unknown length can have them.
	if r.ContentLength < 0 && r.Body != nil && r.Body != http.NoBody {
		r.Body = &trailerless{r.Body, r}
	}
}

func isGRPC(h http.Header) bool {
	const media = "application/grpc"
	v := h["Content-Type"]
	return len(v) == 1 && len(v[0]) >= len(media) && strings.EqualFold(v[0][:len(media)], media)
}

// trailerless is a body whose request has no trailers when it ends.
type trailerless struct {
	io.ReadCloser
	r *http.Request
}

func (t *trailerless) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	if err != nil {
		t.r.Trailer = nil
	}
	return n, err
}
