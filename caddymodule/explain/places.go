package explain

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/intercept"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"example.com/sidegate/caddymodule/directive"
)

// place is where a handler stands.
type place struct {
	path string   // in the JSON configuration
	when []string // matchers of the routes that it stands in, but for the host
}

// places are those of all handlers of a server.
type places map[any]place

// placesOf walks through a server; written is as it was configured.
func placesOf(name string, s *caddyhttp.Server, written object) places {
	p := make(places)
	at := "apps/http/servers/" + name
	for _, guard := range guardsOf(s) {
		p[guard] = place{path: at}
	}
	p.walk(routesOf(s), list(written, "routes"), place{path: at + "/routes"})
	if s.Errors != nil {
		p.walk(s.Errors.Routes, list(under(written, "errors"), "routes"), place{path: at + "/errors/routes"})
	}
	for name, route := range s.NamedRoutes {
		of, _ := under(written, "named_routes")[name].(object)
		p.route(route, of, place{path: at + "/named_routes/" + name})
	}
	return p
}

func (p places) walk(routes caddyhttp.RouteList, written []any, at place) {
	n := 0
	for i := range routes {
		if madeByOthers(&routes[i]) {
			continue
		}
		var of object
		if n < len(written) {
			of, _ = written[n].(object)
		}
		p.route(&routes[i], of, place{fmt.Sprintf("%s/%d", at.path, n), at.when})
		n++
	}
}

// madeByOthers reports whether a route is none of the configuration: Caddy's own to
// lead to https, and ours before error routes.
func madeByOthers(route *caddyhttp.Route) bool {
	for _, set := range route.MatcherSets {
		for _, m := range set {
			if _, ok := m.(caddyhttp.MatchProtocol); ok { // not a pointer, as those that are read are
				return true
			}
		}
	}
	return len(route.Handlers) == 1 && isFirst(route.Handlers[0])
}

// isFirst reports whether a handler is none of a module.
func isFirst(h caddyhttp.MiddlewareHandler) bool { return nameOf(h) == "" }

func (p places) route(route *caddyhttp.Route, written object, at place) {
	if when := matchersOf(written); when != "" {
		at.when = append(slices.Clip(at.when), when)
	}
	raw := list(written, "handle")
	for i, h := range route.Handlers {
		var of object
		if i < len(raw) {
			of, _ = raw[i].(object)
		}
		p.handler(h, of, place{fmt.Sprintf("%s/handle/%d", at.path, i), at.when})
	}
}

func (p places) handler(h caddyhttp.MiddlewareHandler, written object, at place) {
	p[h] = at
	switch h := h.(type) {
	case *caddyhttp.Subroute:
		p.walk(h.Routes, list(written, "routes"), place{at.path + "/routes", at.when})
		if h.Errors != nil {
			p.walk(h.Errors.Routes, list(under(written, "errors"), "routes"), place{at.path + "/errors/routes", at.when})
		}
	case *reverseproxy.Handler:
		p.responses(h.HandleResponse, written, at)
	case *intercept.Intercept:
		p.responses(h.HandleResponse, written, at)
	}
}

func (p places) responses(all []caddyhttp.ResponseHandler, written object, at place) {
	raw := list(written, "handle_response")
	for i := range all {
		var of object
		if i < len(raw) {
			of, _ = raw[i].(object)
		}
		p.walk(all[i].Routes, list(of, "routes"), place{fmt.Sprintf("%s/handle_response/%d/routes", at.path, i), at.when})
	}
}

// matchersOf are those of a route in words, but for the host.
func matchersOf(route object) string {
	var sets []string
	for _, set := range list(route, "match") {
		set, _ := set.(object)
		var words []string
		for _, name := range slices.Sorted(maps.Keys(set)) {
			if name != "host" {
				words = append(words, strings.TrimSpace(name+" "+wordsOf(set[name])))
			}
		}
		if len(words) > 0 {
			sets = append(sets, strings.Join(words, ", "))
		}
	}
	return strings.Join(sets, " or ")
}

// wordsOf is what a matcher is given, as it would stand in a Caddyfile where that
// is a list.
func wordsOf(given any) string {
	if all, ok := given.([]any); ok {
		var words []string
		for _, word := range all {
			if word, ok := word.(string); ok {
				words = append(words, word)
			}
		}
		if len(words) == len(all) {
			return strings.Join(words, " ")
		}
	}
	if of, ok := given.(object); ok && len(of) == 0 {
		return ""
	}
	text, _ := json.Marshal(given)
	return string(text)
}

// lineOf is where a directive of ours stands in a Caddyfile; empty for others.
func lineOf(h any) string {
	if ours, ok := h.(interface{ Written() directive.Position }); ok {
		return ours.Written().String()
	}
	return ""
}
