package identity

import (
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
