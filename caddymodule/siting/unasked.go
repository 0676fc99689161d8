package siting

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

// warnOfUnasked tells of an app beside session_endpoints where nothing in the
// whole configuration asks who somebody is: people sign in, and it makes no
// difference. Where that cannot be told, nothing is said.
func (l *look) warnOfUnasked() {
	if l.Asks || len(l.Servers) == 0 || slices.ContainsFunc(l.Servers, asks) {
		return
	}
	for _, e := range l.endpoints {
		if !e.alive || !slices.ContainsFunc(e.place.asked(), func(host string) bool { return l.toLogin(host).login == yes }) {
			continue
		}
		for _, app := range l.proxies {
			if app.alive && !app.guarded && !app.special && slices.Equal(app.hosts, e.hosts) {
				l.warnOnce("people sign in here, and nothing is guarded: no site has a session_auth, nor a matcher `session`, so apps are open to "+
					"everybody and are told of nobody: put `session_auth` before the app, with `optional` where everybody may pass",
					zap.String("site", l.name(place{hosts: app.hosts})), zap.Strings("upstreams", app.dials))
				break
			}
		}
	}
}

// asks reports whether a server has something that asks for sessions, as far as
// it is not provisioned yet.
func asks(server *caddyhttp.Server) bool {
	lists := []caddyhttp.RouteList{server.Routes}
	if server.Errors != nil {
		lists = append(lists, server.Errors.Routes)
	}
	for _, named := range server.NamedRoutes {
		lists = append(lists, caddyhttp.RouteList{*named})
	}
	return slices.ContainsFunc(lists, func(routes caddyhttp.RouteList) bool {
		raw, err := json.Marshal(routes)
		return err != nil || strings.Contains(string(raw), `"session_auth"`) || strings.Contains(string(raw), `"session":`)
	})
}
