package origin

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// served is what is known of a server that a handler of ours stands in.
type served struct {
	names map[string]int // of hosts: the site block, counted from 1
	ports []caddy.NetworkAddress
}

// listens reports whether the server listens at that port.
func (s *served) listens(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && slices.ContainsFunc(s.ports, func(a caddy.NetworkAddress) bool {
		return uint(n) >= a.StartPort && uint(n) <= a.EndPort
	})
}

// Learn reads a server while the first of our handlers there is provisioned:
// what holds one can then still be read as it was written. Those that stand in
// named routes alone are not found, and have one name each.
func (s *Sites) Learn(server *caddyhttp.Server) {
	if _, known := s.servers[server]; known || server == nil {
		return
	}
	if s.servers == nil {
		s.servers = make(map[*caddyhttp.Server]*served)
	}
	found := &served{names: make(map[string]int)}
	for _, listen := range server.Listen {
		if a, err := caddy.ParseNetworkAddress(listen); err == nil {
			found.ports = append(found.ports, a)
		}
	}
	found.walk(server.Routes, 0)
	s.servers[server] = found
}

// before is a handler that stands before all routes of a server, these.
type before interface{ Inner() caddyhttp.RouteList }

// walk finds the site blocks: the routes of a server that are chosen by host. It
// returns how many there were.
func (s *served) walk(routes caddyhttp.RouteList, blocks int) int {
	for i := range routes {
		for _, h := range routes[i].Handlers {
			if first, ok := h.(before); ok {
				blocks = s.walk(first.Inner(), blocks)
			}
		}
		if !slices.ContainsFunc(routes[i].HandlersRaw, ours) {
			continue
		}
		blocks++
		for _, host := range hostsOf(&routes[i]) {
			name := strings.ToLower(strings.Trim(host, "[]"))
			if s.names[name] == 0 && !strings.ContainsAny(name, "*{") {
				s.names[name] = blocks
			}
		}
	}
	return blocks
}

// ours reports whether a handler is one of ours, or holds one.
func ours(raw json.RawMessage) bool {
	return bytes.Contains(raw, []byte(`"session_auth"`)) || bytes.Contains(raw, []byte(`"session_endpoints"`))
}

// hostsOf are the hosts that a route is chosen by. Its matchers are provisioned
// before the handlers of any route; those not yet are read as they are written.
func hostsOf(route *caddyhttp.Route) (hosts []string) {
	for _, set := range route.MatcherSetsRaw {
		var written []string
		if json.Unmarshal(set["host"], &written) == nil {
			hosts = append(hosts, written...)
		}
	}
	for _, set := range route.MatcherSets {
		for _, matcher := range set {
			switch m := matcher.(type) {
			case caddyhttp.MatchHost:
				hosts = append(hosts, m...)
			case *caddyhttp.MatchHost:
				hosts = append(hosts, *m...)
			}
		}
	}
	return hosts
}

// Reaches reports whether an address, as a gateway asks it, is one of that server's own:
// a name of a site block of ours at a port where it listens, or this machine there. The
// server is one that was learned.
func (s *Sites) Reaches(address *url.URL, server *caddyhttp.Server) bool {
	found := s.servers[server]
	if found == nil || address.Hostname() == "" {
		return false
	}
	port := address.Port()
	if port == "" {
		port = map[bool]string{true: "80", false: "443"}[address.Scheme == plain]
	}
	name := strings.ToLower(address.Hostname())
	return found.listens(port) && found.names[name] != 0 || found.listensAt(name, port)
}

// listensAt reports whether the server listens at that address of this machine.
func (s *served) listensAt(host, port string) bool {
	return slices.ContainsFunc(s.ports, func(a caddy.NetworkAddress) bool {
		if !(&served{ports: []caddy.NetworkAddress{a}}).listens(port) || a.IsUnixNetwork() {
			return false
		}
		bound, err := netip.ParseAddr(a.Host)
		everywhere := a.Host == "" || err == nil && bound.IsUnspecified()
		return a.Host == host || isHere(host) && (everywhere || isHere(a.Host))
	})
}

func isHere(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
