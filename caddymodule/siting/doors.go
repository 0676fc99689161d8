package siting

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

// warnOfErrorRoutes tells of an app that a session_auth guards and that an error
// route leads to, where session_auth leaves its refusals to error routes: then
// whoever is refused comes to the app all the same. A page that an error route
// names by a rewrite is not the app.
func (l *look) warnOfErrorRoutes() {
	if l.server.Errors == nil {
		return
	}
	var doors []proxy
	w := &walker{look: l}
	w.met = func(p part, at place, s state) {
		if p.name == nameProxy && s.alive && s.moved == "" {
			doors = append(doors, proxy{at, s, p.dials()})
		}
	}
	w.routes(l.server.Errors.Routes, place{errors: true}, state{alive: true})
	for _, door := range doors {
		if !door.open() || !l.leavesToErrors(door.place) {
			continue
		}
		for _, guarded := range l.proxies {
			if dial := l.shared(door.dials, guarded.dials); dial != "" && guarded.guarded && slices.Equal(door.hosts, guarded.hosts) {
				l.warnOnce("who is refused comes to the app all the same: session_auth leaves its refusals to error routes, by `handle_errors`, and one of "+
					"them leads to the app that it guards: let error routes answer with a page, such as by `respond`, or name one by `rewrite`",
					zap.String("site", l.name(place{hosts: door.hosts})), zap.String("upstream", dial))
			}
		}
	}
}

// leavesToErrors reports whether refusals of that site come to error routes.
func (l *look) leavesToErrors(at place) bool {
	return slices.ContainsFunc(l.auths, func(a site) bool { return a.auth.ToErrors && a.alive && slices.Equal(a.hosts, at.hosts) })
}

// refusals are expressions of `handle_errors` that hold for 401 and 403.
var refusals = regexp.MustCompile(`\b40[13]\b|>= 400\b`)

// ofRefusals reports whether a matcher is that of an error route for who is
// refused.
func ofRefusals(m matcher) bool {
	var expression struct{ Expr string }
	if m.name != "expression" || json.Unmarshal(m.raw, &expression) != nil && json.Unmarshal(m.raw, &expression.Expr) != nil {
		return false
	}
	return strings.Contains(expression.Expr, "{http.error.status_code}") && refusals.MatchString(expression.Expr)
}

// warnOfOtherServers tells of an app that a session_auth guards here, and nothing
// on another server that is asked by the same name, such as that of plain http.
func (l *look) warnOfOtherServers() {
	if !slices.ContainsFunc(l.proxies, func(p proxy) bool { return p.guarded }) {
		return
	}
	for _, server := range l.Servers {
		if server != l.server && slices.ContainsFunc(server.Listen, beyondLoopback) {
			l.warnOfOther(server)
		}
	}
}

func (l *look) warnOfOther(server *caddyhttp.Server) {
	other := &look{Options: l.Options, server: server}
	other.Warn = func(string, ...zap.Field) {} // it has its own look
	other.walkAll()
	for _, open := range other.proxies {
		for _, guarded := range l.proxies {
			dial := l.shared(open.dials, guarded.dials)
			if !open.open() || !guarded.guarded || dial == "" || !other.sameEverywhere(dial) ||
				!slices.ContainsFunc(open.hosts, func(host string) bool { return slices.Contains(guarded.hosts, host) }) {
				continue
			}
			l.warnOnce("an app that session_auth guards can be reached without it at another address of the site: leave the app out there, or put session_auth "+
				"before it there too; Caddy itself leads from http to https",
				zap.String("site", l.name(place{hosts: open.hosts})), zap.String("upstream", dial), zap.Strings("open", server.Listen), zap.Strings("guarded", l.server.Listen))
		}
	}
}
