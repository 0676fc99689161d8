package siting

import "github.com/caddyserver/caddy/v2/modules/caddyhttp"

// covers reports whether whatever is asked of the host comes to a handler of ours that
// looks at what is answered, or to what answers in any case. Where it cannot be told
// that is no.
func (l *look) covers(host string) bool {
	return (&cover{walker: &walker{look: l, host: host}}).routes(l.server.Routes, 0)
}

type cover struct{ walker *walker }

func (c *cover) routes(routes caddyhttp.RouteList, depth int) bool {
	if depth > deepest {
		return false
	}
	gaps := make(map[string]bool) // groups, of which a route that may be taken does not cover
	for i := range routes {
		route := &routes[i]
		matches := c.walker.matches(setsOf(route), place{}, state{alive: true})
		if matches == no {
			continue
		}
		covered := c.handlers(route, depth)
		gaps[route.Group] = route.Group != "" && (gaps[route.Group] || !covered)
		switch {
		case matches == yes && covered && !gaps[route.Group]:
			return true
		case route.Terminal && !covered:
			return false
		}
	}
	return false
}

func (c *cover) handlers(route *caddyhttp.Route, depth int) bool {
	for _, p := range partsOf(route) {
		switch {
		case p.name == nameAuth, p.name == nameEndpoints,
			p.routes != nil && c.routes(p.routes, depth+1),
			p.name == nameInvoke && c.invoked(p, depth),
			len(p.responses) == 0 && p.does()&ends != 0: // forward_auth hands requests on
			return true
		}
	}
	return false
}

func (c *cover) invoked(p part, depth int) bool {
	route, ok := c.walker.server.NamedRoutes[p.text("name")]
	return ok && c.routes(caddyhttp.RouteList{*route}, depth+1)
}
