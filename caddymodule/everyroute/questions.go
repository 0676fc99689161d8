package everyroute

import (
	"errors"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/caller"
)

// Hosts say what a server has for a host.
type Hosts interface {
	// Answer reports whether session_endpoints may answer there.
	Answer(host string) bool
	// Known reports whether there is a site for it.
	Known(host string) bool
}

// questions are what other proxies ask, at an address and below it.
type questions struct {
	path  string // empty: nothing is asked
	hosts Hosts
}

// Questions has what is asked at that address refused at hosts for which nothing
// answers there. It is for while the server is provisioned.
func (f *First) Questions(path string, hosts Hosts) { f.questions = questions{path, hosts} }

var errNoAnswer = errors.New("a proxy asks at a host that has no session_endpoints: let it ask by the name of a site that has them, " +
	"or give that site no name, as http://:8080")

// refuse refuses a question that would be answered by somebody else. Caddy answers 200
// where it has no site, an app may, and other proxies take any 2xx for a yes: who asks
// them chooses the host. Where there is a site, only what tells of another request
// is a question: its app may have such an address.
func (q *questions) refuse(r *http.Request) error {
	rest, ok := strings.CutPrefix(r.URL.Path, q.path)
	if !ok || q.path == "" || rest != "" && rest[0] != '/' || q.hosts.Answer(r.Host) {
		return nil
	}
	if q.hosts.Known(r.Host) && !(caller.TrustedPeer(r) && tellsOfAnother(r.Header)) {
		return nil
	}
	return caddyhttp.Error(http.StatusMisdirectedRequest, errNoAnswer)
}

func tellsOfAnother(h http.Header) bool {
	return h["X-Forwarded-Uri"] != nil || h["X-Original-Uri"] != nil || h["X-Original-Url"] != nil
}
