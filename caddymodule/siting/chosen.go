package siting

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

// skipped is a session_auth that is chosen by what holds for no request that
// comes there.
type skipped struct {
	place
	state
	auth Auth
	sets [][]matcher
}

// skip notes what stands in a route that no request is for.
func (l *look) skip(route *caddyhttp.Route, sets [][]matcher, at place, s state) {
	for _, p := range guardsIn(route) {
		l.skipped = append(l.skipped, skipped{at, s, l.Read(p.raw), sets})
	}
}

// guardsIn are the session_auths of a route, and of routes within it.
func guardsIn(route *caddyhttp.Route) (guards []part) {
	for _, p := range partsOf(route) {
		if p.name == nameAuth {
			guards = append(guards, p)
		}
		for i := range p.routes {
			guards = append(guards, guardsIn(&p.routes[i])...)
		}
	}
	return guards
}

// neverChosen looks for a session_auth that no request of its site is for. The same
// lines may be imported into several sites, of which each is one that they are for.
func (l *look) neverChosen() error {
	w := &walker{look: l}
	for _, a := range l.skipped {
		why := a.why()
		if !a.alive || a.guarded || !a.auth.Demands || why == "" {
			continue
		}
		if slices.ContainsFunc(l.guarded(), func(name string) bool { return w.any(a.sets, place{hosts: []string{name}}, a.state) != no }) {
			continue
		}
		return fmt.Errorf("%s: session_auth never runs, for no request there is one of those that it is for (%s), so it keeps nobody out: "+
			"leave the matcher out, or name what comes there", l.name(a.place), why)
	}
	return nil
}

// why is what chooses a session_auth, where that is a host or a path.
func (a skipped) why() string {
	var told []string
	for _, set := range a.sets {
		for _, m := range set {
			switch texts := strings.Join(m.texts(), " "); {
			case m.name == "host" && slices.ContainsFunc(m.texts(), hasPort):
				told = append(told, "host "+texts+": the matcher `host` knows no ports")
			case m.name == "host", m.name == "path" && a.path != "":
				told = append(told, m.name+" "+texts)
			}
		}
	}
	return strings.Join(told, ", ")
}

// hasPort reports whether a pattern for hosts has a port: Caddy compares it with
// hosts without.
func hasPort(pattern string) bool {
	_, port, err := net.SplitHostPort(pattern)
	_, number := strconv.Atoi(port)
	return err == nil && number == nil
}

// guarded are the names of all sites that are known of and have a session_auth; an
// empty one is any.
func (l *look) guarded() (names []string) {
	for _, server := range append(slices.Clip(l.Servers), l.server) {
		for i := range server.Routes {
			route := &server.Routes[i]
			if len(server.NamedRoutes) == 0 && len(guardsIn(route)) == 0 {
				continue
			}
			var at place
			if at.enter(setsOf(route)); len(at.hosts) == 0 {
				at.hosts = []string{""}
			}
			names = append(names, at.hosts...)
		}
	}
	return names
}

// warnOfTakenOff tells of a pattern that begins with what is taken off the path
// where it stands, as one within handle_path: it is for paths in which that
// comes twice.
func (l *look) warnOfTakenOff(what string, patterns []string, at place, off string) {
	for _, pattern := range patterns {
		rest, ok := strings.CutPrefix(strings.ToLower(pattern), strings.ToLower(off))
		if off == "" || !ok || !strings.HasPrefix(rest, "/") {
			continue
		}
		l.warnOnce(fmt.Sprintf("`%s %s` stands where %s is taken off the path (`handle_path`), so it is for what a browser calls %s%s alone: write `%s %s` there, "+
			"or put it before that, in the words of the browser's address", what, pattern, off, off, pattern, what, pattern[len(off):]),
			zap.String("site", l.name(at)))
	}
}

// warnOfMatcher is warnOfTakenOff, for what chooses a session_auth.
func (l *look) warnOfMatcher(route *caddyhttp.Route, sets [][]matcher, at place, off string) {
	if off == "" || len(guardsIn(route)) == 0 {
		return
	}
	for _, set := range sets {
		for _, m := range set {
			if m.name == "path" {
				l.warnOfTakenOff("path", m.texts(), at, off)
			}
		}
	}
}
