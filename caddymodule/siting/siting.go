package siting

import (
	"encoding/json"
	"fmt"
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
	// ToErrors is true where refusals are left to error routes.
	ToErrors bool
}

// Found is what only requests will show.
type Found struct {
	// Doubtful is true where the login page is answered by session_endpoints or by
	// nobody, as a matcher decides that cannot be foreseen.
	Doubtful bool
}

// Look reads the routes of a server, of which Caddy has provisioned some, and
// others not yet. The error is about a configuration that cannot work.
func Look(server *caddyhttp.Server, o Options) (*Found, error) {
	l := &look{Options: o, server: server}
	l.walkAll()
	for _, a := range l.auths {
		if givesAway(a.ended) && !a.guarded {
			return nil, l.neverRuns(a)
		}
	}
	found := new(Found)
	for _, a := range l.auths {
		if err := l.leads(a, found); err != nil {
			return nil, err
		}
	}
	l.warnOfOpen()
	l.warnOfPlain()
	l.warnOfInsecure()
	return found, nil
}

// look is what is gathered of one server.
type look struct {
	Options
	server    *caddyhttp.Server
	auths     []site // of every session_auth
	endpoints []site
	proxies   []proxy
	told      []string // what was warned about
}

// site is where a handler of ours stands.
type site struct {
	place
	state
	auth Auth
}

// walkAll follows any request, and gathers what it may come to.
func (l *look) walkAll() {
	w := &walker{look: l}
	w.met = func(p part, at place, s state) {
		switch p.name {
		case nameAuth:
			l.auths = append(l.auths, site{at, s, l.Read(p.raw)})
		case nameEndpoints:
			l.endpoints = append(l.endpoints, site{at, s, Auth{}})
		case nameProxy:
			l.proxies = append(l.proxies, proxy{at, s, p.dials()})
		}
	}
	w.routes(l.server.Routes, place{}, state{alive: true})
}

// neverRuns is about a session_auth that no request comes to, because an app has
// answered them all.
func (l *look) neverRuns(a site) error {
	return fmt.Errorf("%s: session_auth never runs, for %s before it answers every request, so everything is open to everybody: "+
		"put session_auth before it, or outside `route`, where the two are sorted", l.name(a.place), a.ended)
}

// leads looks whether the login page is answered where a session_auth leads
// people to it. One for some requests alone, such as those that write, may lead
// nobody.
func (l *look) leads(a site, found *Found) error {
	if !a.auth.Leads || !a.alive || a.special {
		return nil
	}
	hosts := a.hosts
	if len(hosts) == 0 {
		hosts = []string{""}
	}
	for _, host := range hosts {
		w := &walker{look: l, asked: true, host: host}
		w.routes(l.server.Routes, place{}, state{alive: true, path: l.login()})
		switch {
		case w.login == yes || w.other != no:
		case w.login == maybe:
			found.Doubtful = true
		case w.behind:
			return l.endpointsBehind(a)
		default:
			return l.unanswered(a, host)
		}
	}
	return nil
}

func (l *look) login() string { return l.BasePath + "/login" }

func (l *look) endpointsBehind(a site) error {
	return fmt.Errorf("%s: session_auth stands before session_endpoints, and answers %s with 401 itself, so nobody can sign in: "+
		"put session_endpoints before it, or outside `route`, where the two are sorted", l.name(a.place), l.login())
}

// unanswered is an error, or a warning where a proxy in front may answer.
func (l *look) unanswered(a site, host string) error {
	text := fmt.Sprintf("%s: session_auth leads people to %s, which nothing here answers: %s; or say `no_redirect` in session_auth "+
		"where programs alone come", l.name(a.place), l.login(), l.remedy(host))
	if !l.InFront {
		return fmt.Errorf("%s. Where a proxy in front answers there, say `public_url` or `trusted_proxies`", text)
	}
	if site := l.name(place{hosts: a.hosts}); !slices.Contains(l.told, site) {
		l.told = append(l.told, site)
		l.Warn(text + ". It is right where the proxy in front answers there")
	}
	return nil
}

// remedy says what becomes of the session_endpoints that there are.
func (l *look) remedy(host string) string {
	var hosts []string
	for _, e := range l.endpoints {
		switch {
		case host != "" && len(e.hosts) > 0 && matchHosts(e.hosts, host) == no:
			hosts = append(hosts, e.hosts...)
		case e.stripped != "":
			return fmt.Sprintf("session_endpoints stands where %s is taken off the path (`handle_path`), and %s is not below that: "+
				"put session_endpoints into the site itself, beside it", e.stripped, l.BasePath)
		default:
			return fmt.Sprintf("session_endpoints stands where requests for it do not come (%s): put session_endpoints into the site itself", told(e.place))
		}
	}
	if len(hosts) > 0 {
		slices.Sort(hosts)
		return "session_endpoints answers at " + strings.Join(slices.Compact(hosts), ", ") + " alone: put it into this site too, before session_auth"
	}
	return "put `session_endpoints` into the site, before session_auth"
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
