package explain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/everyroute"
)

// destination is where a request goes.
type destination struct {
	name   string
	server *caddyhttp.Server
	url    *url.URL // of the site
	host   string   // as the request names it
	target string
	tls    bool
	port   int
}

// door is an address that a server answers at.
type door struct {
	name   string
	server *caddyhttp.Server
	port   int
	tls    bool
	hosts  []string // empty for any
	ours   bool     // a handler of ours stands behind it
}

// site is the address of it that a browser shows.
func (d *door) site(host string) *url.URL {
	u := &url.URL{Scheme: "http", Host: host}
	usual := 80
	if d.tls {
		u.Scheme, usual = "https", 443
	}
	if d.port != usual {
		u.Host = net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(d.port))
	}
	return u
}

// doors are all of them: of each route of a server, in order.
func (l *loaded) doors() (all []door) {
	for _, name := range slices.Sorted(maps.Keys(l.http.Servers)) {
		s := l.http.Servers[name]
		writtenServer := under(under(l.written, "servers"), name)
		for _, listen := range s.Listen {
			at, err := caddy.ParseNetworkAddress(listen)
			if err != nil {
				continue
			}
			d := door{name: name, server: s, port: int(at.StartPort)}
			d.tls = l.speaksTLS(s, d.port)
			if d.port == 0 { // a socket without a port, behind what has one
				d.port = map[bool]int{true: 443, false: 80}[d.tls]
			}
			for _, route := range list(writtenServer, "routes") {
				route, _ := route.(object)
				d.hosts, d.ours = hostsOf(route), holdsOurs(route)
				all = append(all, d)
			}
		}
	}
	return all
}

func hostsOf(route object) (hosts []string) {
	for _, set := range list(route, "match") {
		set, _ := set.(object)
		for _, host := range list(set, "host") {
			if host, ok := host.(string); ok {
				hosts = append(hosts, host)
			}
		}
	}
	return hosts
}

// holdsOurs reports whether a handler of ours stands somewhere in it.
func holdsOurs(of any) bool {
	switch of := of.(type) {
	case object:
		name := text(of, "handler")
		if name == "session_auth" || name == "session_endpoints" {
			return true
		}
		return slices.ContainsFunc(slices.Collect(maps.Values(of)), holdsOurs)
	case []any:
		return slices.ContainsFunc(of, holdsOurs)
	}
	return false
}

// destination finds the server for an address.
func (l *loaded) destination(q *question) (*destination, error) {
	site, target, err := q.split()
	if err != nil {
		return nil, err
	}
	if site == nil {
		if site, err = l.onlySite(); err != nil {
			return nil, err
		}
	}
	to := &destination{url: site, host: site.Host, target: target, tls: site.Scheme == "https"}
	to.port, _ = strconv.Atoi(cmp.Or(site.Port(), map[bool]string{true: "443", false: "80"}[to.tls]))
	for _, name := range slices.Sorted(maps.Keys(l.http.Servers)) {
		s := l.http.Servers[name]
		if l.listens(s, to.port, to.tls) && answersAt(s, to.host) {
			to.name, to.server = name, s
			return to, nil
		}
	}
	return to, l.inFront(to)
}

// speaksTLS is as the http app has it.
func (l *loaded) speaksTLS(s *caddyhttp.Server, port int) bool {
	return len(s.TLSConnPolicies) > 0 && port != cmp.Or(l.http.HTTPPort, caddyhttp.DefaultHTTPPort)
}

// listens reports whether the server answers at the port, in TLS or not.
func (l *loaded) listens(s *caddyhttp.Server, port int, tls bool) bool {
	return l.speaksTLS(s, port) == tls && slices.ContainsFunc(s.Listen, func(listen string) bool {
		at, err := caddy.ParseNetworkAddress(listen)
		return err == nil && !at.IsUnixNetwork() && uint(port) >= at.StartPort && uint(port) <= at.EndPort
	})
}

// inFront finds the server behind what ends TLS, or maps ports, in front of it.
func (l *loaded) inFront(to *destination) error {
	var found []door
	for _, d := range l.doors() {
		if answersAt(d.server, to.host) && !slices.ContainsFunc(found, func(f door) bool { return f.name == d.name }) {
			found = append(found, d)
		}
	}
	switch {
	case len(found) == 0:
		return fmt.Errorf("%s is no site of this configuration: there are %s", to.url, l.siteNames())
	case len(found) > 1:
		return fmt.Errorf("no server listens at %s, and several have the host: say the address as one of %s", to.url, l.siteNames())
	}
	to.name, to.server, to.port, to.tls = found[0].name, found[0].server, found[0].port, found[0].tls
	l.notes = append(l.notes, fmt.Sprintf("no server listens at %s: the request is as of a proxy in front of %s, without what that adds, such as "+
		"--header 'X-Forwarded-Proto: https' and --from its address", to.url, strings.Join(to.server.Listen, ", ")))
	return nil
}

// onlySite is the one site that our handlers stand in.
func (l *loaded) onlySite() (*url.URL, error) {
	var found []*url.URL
	for _, d := range l.doors() {
		if d.ours {
			host := "localhost"
			if len(d.hosts) > 0 {
				host = d.hosts[0]
			}
			if site := d.site(host); !slices.ContainsFunc(found, func(f *url.URL) bool { return *f == *site }) {
				found = append(found, site) // a site without a name has a route for each of its directives
			}
		}
	}
	switch {
	case len(found) == 0:
		return nil, errors.New("no handler of ours stands in any site: say the whole address, such as " + l.siteNames())
	case len(found) > 1 || strings.Contains(found[0].Host, "*"):
		return nil, errors.New("say the whole address, for there are several sites: " + l.siteNames())
	}
	return found[0], nil
}

func (l *loaded) siteNames() string {
	var names []string
	for _, d := range l.doors() {
		hosts := d.hosts
		if len(hosts) == 0 {
			hosts = []string{"localhost"}
		}
		for _, host := range hosts {
			if name := d.site(host).String(); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// answersAt reports whether the server has a route for the host, or one for any.
func answersAt(s *caddyhttp.Server, host string) bool {
	r := (&http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/"}, Host: host, Header: make(http.Header)}).WithContext(context.Background())
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), nil, s)
	return slices.ContainsFunc(routesOf(s), func(route caddyhttp.Route) bool {
		if len(route.MatcherSets) == 0 {
			return true
		}
		return slices.ContainsFunc(route.MatcherSets, func(set caddyhttp.MatcherSet) bool { return hostMatches(set, r) })
	})
}

func hostMatches(set caddyhttp.MatcherSet, r *http.Request) bool {
	for _, m := range set {
		var holds bool
		var err error
		switch m := m.(type) {
		case *caddyhttp.MatchHost:
			holds, err = m.MatchWithError(r)
		case caddyhttp.MatchHost:
			holds, err = m.MatchWithError(r)
		default:
			continue
		}
		if err != nil || !holds {
			return false
		}
	}
	return true
}

// routesOf are those of the configuration, also where guards stand before them.
func routesOf(s *caddyhttp.Server) caddyhttp.RouteList {
	guards := guardsOf(s)
	if len(guards) == 0 {
		return s.Routes
	}
	return guards[len(guards)-1].Inner()
}

// guardsOf are the handlers that stand before all routes, the outermost first.
func guardsOf(s *caddyhttp.Server) (guards []everyroute.Before) {
	for routes := s.Routes; len(routes) == 1 && len(routes[0].Handlers) == 1; {
		guard, ok := routes[0].Handlers[0].(everyroute.Before)
		if !ok {
			break
		}
		guards, routes = append(guards, guard), guard.Inner()
	}
	return guards
}
