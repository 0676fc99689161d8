package pathguard

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/rewrite"

	"example.com/sidegate/caddymodule/everyroute"
	"example.com/sidegate/caddymodule/pathrule"
)

// Found is what the routes of a server say of demands that hang on matchers.
type Found struct {
	// Demand are the matchers that the first such demand hangs on; empty where
	// there is none, and no guard is needed.
	Demand string
	// Late is true where Caddy has provisioned all routes, so that none can be
	// put before them any more.
	Late bool

	watch *pathrule.Watch
}

// Look reads the routes of a server, of which Caddy has provisioned some, and
// others not yet. demands reports of a session_auth, as it is written, whether
// it makes a demand that matters here.
func Look(server *caddyhttp.Server, demands func(json.RawMessage) bool) *Found {
	v := &survey{named: server.NamedRoutes, demands: demands}
	v.walk(server.Routes, nil, nil)
	if server.Errors != nil {
		v.walk(server.Errors.Routes, nil, nil)
	}
	return &Found{Demand: v.demand, Late: !everyroute.UnderWay(server.Routes), watch: v.watch()}
}

// survey walks through routes.
type survey struct {
	named    map[string]*caddyhttp.Route
	demands  func(json.RawMessage) bool
	depth    int
	demand   string
	prefix   string     // taken off the path by now
	prefixes []string   // such, where matchers stand behind it
	written  bool       // a demand hangs on matchers that look at the path as it came
	all      []matching // of every route
	openings []matching // of routes that lead to an app past a demand
}

// way is a route to an app that is chosen by the path and asks for nobody. What
// lies in a route of a group is never run together with others of that group.
type way struct {
	matching
	group string
}

// deepest bounds routes within routes: named ones may invoke themselves.
const deepest = 32

// watch is what the guard of the server looks for.
func (v *survey) watch() *pathrule.Watch {
	w := new(pathrule.Watch)
	if v.written {
		w.AsWritten()
	}
	for _, prefix := range v.prefixes {
		w.Below(prefix)
	}
	for _, m := range v.all {
		for _, p := range m.patterns {
			w.Gate(p)
		}
		for _, p := range m.excluded {
			w.Opener(p)
		}
		for _, e := range m.expressions {
			w.Expression(e)
		}
	}
	for _, m := range v.openings {
		for _, p := range m.patterns {
			w.Opener(p)
		}
	}
	return w
}

// walk reads routes. around are the matchers that they stand within, ways those
// that may lead past them to an app. It returns the ways that may lead past
// what follows, and what it met.
func (v *survey) walk(routes caddyhttp.RouteList, around []matching, ways []way) (past []way, met encounter) {
	if v.depth++; v.depth > deepest {
		return ways, met
	}
	defer func(prefix string) { v.depth--; v.prefix = prefix }(v.prefix)
	for i := range routes {
		route := &routes[i]
		m := matchingOf(route)
		v.all = append(v.all, m)
		within := around
		if m.byPath {
			within = append(slices.Clip(around), m)
		}
		ahead := slices.DeleteFunc(slices.Clone(ways), func(w way) bool { return w.group != "" && w.group == route.Group })
		inner, here := v.handlers(route, within, ahead)
		met.add(here)
		if !route.Terminal || m.byPath {
			ways = append(slices.Clip(ways), inGroup(inner[len(ahead):], route.Group)...)
		}
		if m.byPath && here.app && !here.auth {
			ways = append(slices.Clip(ways), way{matching: m})
		}
	}
	return ways, met
}

func inGroup(ways []way, group string) []way {
	for i := range ways {
		ways[i].group = group
	}
	return ways
}

// encounter is what stands in routes: an app, or what may be one, and a
// session_auth.
type encounter struct{ app, auth bool }

func (e *encounter) add(other encounter) {
	e.app, e.auth = e.app || other.app, e.auth || other.auth
}

func (v *survey) handlers(route *caddyhttp.Route, around []matching, ways []way) (past []way, met encounter) {
	past = ways
	meet := func(h any) {
		var here encounter
		past, here = v.handler(h, around, past)
		met.add(here)
	}
	for _, raw := range route.HandlersRaw {
		meet(decodeHandler(raw))
	}
	if route.HandlersRaw == nil {
		for _, h := range route.Handlers {
			meet(h)
		}
	}
	return past, met
}

// auth is a session_auth, as it is written.
type auth json.RawMessage

// unread is a handler that is not looked into.
type unread struct {
	name  string
	holds bool // a session_auth, somewhere
}

func decodeHandler(raw json.RawMessage) any {
	var named struct{ Handler string }
	_ = json.Unmarshal(raw, &named)
	var h any
	switch named.Handler {
	case "session_auth":
		return auth(raw)
	case "subroute":
		h = new(caddyhttp.Subroute)
	case "invoke":
		h = new(caddyhttp.Invoke)
	case "rewrite":
		h = new(rewrite.Rewrite)
	default:
		return unread{named.Handler, bytes.Contains(raw, []byte(`"session_auth"`))}
	}
	_ = json.Unmarshal(raw, h) // what cannot be read is Caddy's to complain of
	return h
}

// harmless are handlers that answer by themselves or pass a request on; behind
// all others may be an app.
var harmless = []string{
	"acme_server", "authentication", "copy_response", "copy_response_headers", "encode", "error", "headers", "log_append", "map", "metrics",
	"push", "request_body", "rewrite", "session_endpoints", "static_response", "timeouts", "tracing", "vars",
}

func (v *survey) handler(h any, around []matching, ways []way) ([]way, encounter) {
	switch h := h.(type) {
	case *caddyhttp.Subroute:
		past, met := v.walk(h.Routes, around, ways)
		if h.Errors != nil {
			_, failed := v.walk(h.Errors.Routes, around, nil)
			met.add(failed)
		}
		return past, met
	case *caddyhttp.Invoke:
		if route, ok := v.named[h.Name]; ok {
			return v.walk(caddyhttp.RouteList{*route}, around, ways)
		}
		return ways, encounter{}
	case everyroute.Before:
		return v.walk(h.Inner(), around, ways)
	case *rewrite.Rewrite:
		if h.StripPathPrefix != "" {
			v.prefix += "/" + strings.TrimPrefix(h.StripPathPrefix, "/")
			v.prefixes = append(v.prefixes, v.prefix)
		}
		return ways, encounter{}
	case auth:
		if v.demands(json.RawMessage(h)) {
			v.depends(around, ways)
		}
		return ways, encounter{auth: true}
	case unread:
		if h.holds {
			v.depends([]matching{{told: []string{"the routes within " + h.name}}}, nil)
		}
		return ways, encounter{app: !slices.Contains(harmless, h.name), auth: h.holds}
	case caddy.Module:
		return ways, encounter{app: !slices.Contains(harmless, h.CaddyModule().ID.Name())}
	}
	return ways, encounter{app: true}
}

// depends notes that a demand hangs on these matchers, if there are any.
func (v *survey) depends(around []matching, ways []way) {
	for _, w := range ways {
		around = append(slices.Clip(around), w.matching)
		v.openings = append(v.openings, w.matching)
	}
	var told []string
	for _, m := range around {
		told = append(told, m.told...)
		v.written = v.written || m.asWritten
	}
	if v.demand == "" && len(around) > 0 {
		v.demand = strings.Join(slices.Compact(told), ", ")
	}
}
