package everyroute

import (
	"errors"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/caller"
)

// Hosts say what a server has for a host.
type Hosts interface {
	// Answer reports whether session_endpoints may answer there.
	Answer(host string) bool
	// Known reports whether there is a site for it.
	Known(host string) bool
	// Covered reports whether every request of every site comes to a handler of ours.
	Covered() bool
}

// questions are what other proxies ask, at an address and below it.
type questions struct {
	path  string // empty: nothing is asked
	hosts Hosts
	told  func(r *http.Request, asked string, why error)
}

// Questions has what is asked at that address refused at hosts for which nothing
// answers there, and what is asked at another one where nobody answers; told hears of
// each, and at which host and path it was asked. It is for while the server is
// provisioned, before Lead.
func (f *First) Questions(ctx caddy.Context, path string, hosts Hosts, told func(r *http.Request, asked string, why error)) error {
	f.questions = questions{path, hosts, told}
	if hosts.Covered() {
		return nil
	}
	return f.coverRest(ctx)
}

var errNoAnswer = errors.New("a proxy asks at a host that has no session_endpoints: let it ask by the name of a site that has them, " +
	"or give that site no name, as http://:8080")

// refuse refuses a question that would be answered by somebody else. Caddy answers 200
// where it has no site, an app may, and other proxies take any 2xx for a yes: who asks
// them chooses the host. Where there is a site, only what tells of another request
// is a question: its app may have such an address. What may be one at any other address
// is marked, for nobody may answer there: see unanswered.
func (q *questions) refuse(r *http.Request) error {
	if q.path == "" {
		return nil
	}
	rest, ok := strings.CutPrefix(r.URL.Path, q.path)
	ok = ok && (rest == "" || rest[0] == '/')
	tells := tellsOfAnother(r.Header)
	switch {
	case ok && q.hosts.Answer(r.Host):
		return nil
	case !ok && !tells && !looksLikeOne(r.URL.Path):
		return nil
	case !q.hosts.Known(r.Host), ok && tells && caller.TrustedPeer(r):
		return q.misdirected(r, errNoAnswer)
	}
	caddyhttp.SetVar(r.Context(), questionVar, true)
	return nil
}

// longestAsked bounds what is told of an address, in bytes.
const longestAsked = 200

// misdirected is the refusal of a question, which is told of: in the log of the proxy
// stands no more than that nobody is let in.
func (q *questions) misdirected(r *http.Request, why error) error {
	if q.told != nil {
		at := r.URL
		if came, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && came.URL != nil {
			at = came.URL
		}
		asked := r.Host + at.EscapedPath()
		q.told(r, asked[:min(len(asked), longestAsked)], why)
	}
	return caddyhttp.Error(http.StatusMisdirectedRequest, why)
}

// questionVar marks a request that may be a question: what tells of it may be deleted.
const questionVar = "sidegate.question"

func isQuestion(r *http.Request) bool {
	return tellsOfAnother(r.Header) || looksLikeOne(r.URL.Path) || caddyhttp.GetVar(r.Context(), questionVar) != nil
}

// telling are headers in which proxies tell of the request that they ask about.
var telling = [...]string{"X-Forwarded-Uri", "X-Forwarded-Method", "X-Original-Uri", "X-Original-Url", "X-Original-Method", "X-Auth-Request-Redirect"}

func tellsOfAnother(h http.Header) bool {
	for _, name := range telling {
		if h[name] != nil {
			return true
		}
	}
	return false
}

// ofOthers are parts of the addresses at which other gateways are asked. A proxy that
// was led to this one, and goes on to ask there, may tell of nothing: oauth2-proxy,
// Authelia, authentik, Vouch.
var ofOthers = [...]string{"/oauth2/auth", "/api/authz", "/outpost.goauthentik.io/auth", "/validate"}

// LooksLikeQuestion reports whether a path that nobody answers is refused, for what
// another proxy asks there may be whether somebody may pass.
func LooksLikeQuestion(path string) bool { return looksLikeOne(path) }

// looksLikeOne reports whether the path has a part as our questions have it, by which
// a proxy may ask that tells of nothing and has another base_path; or as those of other
// gateways do.
func looksLikeOne(path string) bool {
	if has(path, "/verify") { // of Authelia and Pomerium, too
		return true
	}
	for _, part := range ofOthers {
		if has(path, part) {
			return true
		}
	}
	return false
}

// has reports whether the path has those parts, whole.
func has(path, parts string) bool {
	_, rest, found := strings.Cut(path, parts)
	return found && (rest == "" || rest[0] == '/')
}
