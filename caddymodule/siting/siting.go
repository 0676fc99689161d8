package siting

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

// Options are what has to be known of the rest of the configuration.
type Options struct {
	// BasePath is where session_endpoints answers, such as /auth.
	BasePath string
	// InFront is true where a proxy in front of the server is spoken of, which
	// may answer at BasePath itself, or lead people there by another path.
	InFront bool
	// InFrontTLS is true where browsers come by https nevertheless.
	InFrontTLS bool
	// Insecure is true where the session cookie goes over plain HTTP too.
	Insecure bool
	// Asks is true where a session_auth or a matcher session is known of.
	Asks bool
	// Servers are those of the whole configuration, to look for others in; none
	// where they are not known.
	Servers []*caddyhttp.Server
	// Read reads a session_auth as it is written.
	Read func(json.RawMessage) Auth
	// Warn tells of what works and may not be meant.
	Warn func(message string, fields ...zap.Field)
}

// Auth is a session_auth, as far as it matters here.
type Auth struct {
	// Leads is true where people who are not signed in are led to the login page.
	Leads bool
	// Opens reports whether it may let whoever asks pass to that path.
	Opens func(path string) bool
	// Demands is true where somebody may be refused.
	Demands bool
	// Public and Paths are the patterns of its rules.
	Public, Paths []string
	// UpstreamToken is the login whose tokens the app is sent; empty for none.
	UpstreamToken string
	// ToErrors is true where refusals are left to error routes.
	ToErrors bool
}

// Found is what only requests will show.
type Found struct {
	// Doubtful is true where the login page is answered by session_endpoints or by
	// nobody, as a matcher decides that cannot be foreseen.
	Doubtful bool

	endpoints []site
	routes    caddyhttp.RouteList
	covers    func(host string) bool
}

// Look reads the routes of a server, of which Caddy has provisioned some, and
// others not yet. The error is about a configuration that cannot work.
func Look(server *caddyhttp.Server, o Options) (*Found, error) {
	l := &look{Options: o, server: server}
	l.walkAll()
	for _, wrong := range []func() error{l.neverRun, l.neverChosen, l.endpointsMoved} {
		if err := wrong(); err != nil {
			return nil, err
		}
	}
	found := &Found{endpoints: l.endpoints, routes: server.Routes, covers: l.covers}
	for _, a := range l.auths {
		if err := l.leads(a, found); err != nil {
			return nil, err
		}
	}
	if err := l.notReached(); err != nil {
		return nil, err
	}
	l.warnOfOpen()
	l.warnOfErrorRoutes()
	l.warnOfOtherServers()
	l.warnOfUnasked()
	l.warnOfPlain()
	l.warnOfInsecure()
	return found, nil
}

// look is what is gathered of one server.
type look struct {
	Options
	server    *caddyhttp.Server
	auths     []site // of every session_auth
	skipped   []skipped
	endpoints []site
	probed    []site // of every session_health
	proxies   []proxy
	vars      []string         // that handlers set, each as often as they do
	told      []string         // what was warned about
	senders   int              // each session_auth with upstream_token, and
	receives  map[int][]string // the upstreams of which one was sent its token first
}

// site is where a handler of ours stands.
type site struct {
	place
	state
	auth   Auth
	path   string // of a session_health
	behind bool   // a handler behind it on the same site may answer
}

// walkAll follows any request, and gathers what it may come to.
func (l *look) walkAll() {
	w := &walker{look: l, all: true}
	w.met = func(p part, at place, s state) {
		switch p.name {
		case nameAuth:
			a := l.Read(p.raw)
			l.auths = append(l.auths, site{place: at, state: s, auth: a})
			l.warnOfTakenOff("public", a.Public, at, s.off)
			l.warnOfTakenOff("path", a.Paths, at, s.off)
			return
		case nameEndpoints:
			l.endpoints = append(l.endpoints, site{place: at, state: s})
			return
		case nameHealth:
			l.probed = append(l.probed, site{place: at, state: s, path: p.text("path")})
			l.warnOfTakenOff("session_health", []string{p.text("path")}, at, s.off)
			return
		case nameProxy:
			unsent := s
			unsent.sent = sent{}                  // it is followed again
			if !w.answered(p, at, unsent).alive { // what hands requests on, as forward_auth does, is no app
				l.proxies = append(l.proxies, proxy{at, s, p.dials()})
			}
		case "vars":
			l.vars = slices.AppendSeq(l.vars, maps.Keys(p.fields()))
		}
		if s.alive && p.does()&answers != 0 {
			l.answersBehind(at)
		}
	}
	w.routes(l.server.Routes, place{}, state{alive: true})
}

// name is how an operator finds a handler: by its site, and the paths that lead
// to it.
func (l *look) name(at place) string {
	site := strings.Join(at.hosts, ", ")
	if site == "" {
		site = strings.Join(l.server.Listen, ", ")
	}
	if len(at.told) == 0 {
		return "site " + site
	}
	return "site " + site + ", " + told(at)
}

func told(at place) string {
	if len(at.told) == 0 {
		return "every path"
	}
	return strings.Join(at.told, ", ")
}
