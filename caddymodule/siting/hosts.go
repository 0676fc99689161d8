package siting

import (
	"net"
	"slices"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Hosts say what a server has for a host.
type Hosts struct {
	endpoints []site
	sites     [][]string // the hosts of each route
	any       bool       // a route is for every host
	covers    func(host string) bool
}

// Hosts are those of the server that was looked at.
func (f *Found) Hosts() *Hosts {
	h := &Hosts{endpoints: f.endpoints, covers: f.covers}
	for i := range f.routes {
		h.read(&f.routes[i])
	}
	return h
}

func (h *Hosts) read(route *caddyhttp.Route) {
	sets := setsOf(route)
	h.any = h.any || len(sets) == 0
	for _, set := range sets {
		at := slices.IndexFunc(set, func(m matcher) bool { return m.name == "host" })
		if at < 0 {
			h.any = true
			continue
		}
		h.sites = append(h.sites, set[at].texts())
	}
}

// Answer reports whether a request for that host may come to a session_endpoints.
func (h *Hosts) Answer(host string) bool {
	host = withoutPort(host)
	return slices.ContainsFunc(h.endpoints, func(e site) bool {
		return !e.errors && (e.hosts == nil || matchHosts(e.hosts, host) != no)
	})
}

// Known reports whether the server has a site for that host; for any other, Caddy
// answers 200 and nothing.
func (h *Hosts) Known(host string) bool {
	host = withoutPort(host)
	return h.any || slices.ContainsFunc(h.sites, func(hosts []string) bool { return matchHosts(hosts, host) != no })
}

// Covered reports whether whatever is asked of a site comes to a session_endpoints or a
// session_auth, or to what answers: there is no blank page of Caddy then.
func (h *Hosts) Covered() bool {
	if h.any && !h.covers("") {
		return false
	}
	return !slices.ContainsFunc(h.sites, func(hosts []string) bool {
		return slices.ContainsFunc(hosts, func(host string) bool { return !h.covers(host) })
	})
}

func withoutPort(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}
