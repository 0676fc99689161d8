package siting

import (
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// walker follows requests through routes as Caddy does. Where it depends on what
// cannot be foreseen, it goes both ways: what it says may happen, may.
type walker struct {
	*look
	met   func(part, place, state) // of every handler
	asked bool                     // a GET of a person who is not signed in, for a path that is known; else anything
	probe bool                     // or another method, of a program
	host  string                   // that it is for; empty for any
	all   bool                     // it follows any request, to look at all that it may come to
	depth int

	login, other truth  // whether session_endpoints answers it, or somebody else
	unread       bool   // it comes to a session_endpoints with a path that is not known
	moved        string // what has given it another path before one
	behind       bool   // a session_endpoints stands behind what refused it
}

// state is what has become of a request so far.
type state struct {
	moves
	alive    bool             // it may come here
	groups   map[string]truth // of which a route was taken
	guarded  bool             // somebody may have asked who makes it
	ended    string           // what has answered it, where it is not alive
	doubtful bool             // it comes here or not, as cannot be foreseen
	sent     sent             // what it may carry for an app
	files                     // what php_fastcgi and the like make of it
}

// place is what a handler stands within.
type place struct {
	hosts   []string // of the nearest matcher that names them
	told    []string // what else leads there, for the operator
	special bool     // among that is more than the path
	errors  bool     // it is of the error routes
}

// deepest bounds routes within routes: named ones may invoke themselves.
const deepest = 32

func (w *walker) routes(routes caddyhttp.RouteList, at place, s state) state {
	if w.depth++; w.depth > deepest {
		s.path, w.other = "", maybe
		return s
	}
	defer func() { w.depth-- }()
	for i := range routes {
		s = w.route(&routes[i], at, s)
	}
	return s
}

func (w *walker) route(route *caddyhttp.Route, at place, s state) state {
	sets := setsOf(route)
	matches := w.matches(sets, at, s)
	in, taken := s, s.groups[route.Group]
	switch {
	case matches == no:
		if w.all {
			w.skip(route, sets, at, s)
		}
		return s
	case taken == yes && s.alive:
		in.alive, in.ended = false, ""
	}
	if w.all {
		w.warnOfMatcher(route, sets, at, s.off)
	}
	outside := at
	at.enter(sets)
	in.try(sets)
	in.groups, in.guarded = maps.Clone(s.groups), s.guarded || asksWho(sets)
	in.doubtful = s.doubtful || matches == maybe || taken == maybe
	if route.Group != "" && in.alive {
		if in.groups == nil {
			in.groups = make(map[string]truth)
		}
		in.groups[route.Group] = max(matches, taken)
	}
	out := in
	for _, p := range partsOf(route) {
		out = w.part(p, at, out)
	}
	if route.Terminal && out.alive {
		out.alive, out.ended = false, ""
	}
	if matches == yes && taken == no {
		return out
	}
	return w.butFiles(sets, outside, s, out)
}

// merge is what is known where a request has come one way or the other.
func merge(a, b state) state {
	a.files = a.merge(b.files)
	switch {
	case !b.alive:
		a.doubtful = true
		return a
	case !a.alive:
		return b
	}
	if a.path != b.path {
		a.path = ""
	}
	if a.off != b.off {
		a.off = ""
	}
	if a.moved != b.moved {
		a.moved = ""
	}
	a.guarded = a.guarded || b.guarded
	a.sent = a.sent.merge(b.sent)
	if a.stripped == "" {
		a.stripped = b.stripped
	}
	groups := make(map[string]truth)
	for _, g := range slices.Concat(slices.Collect(maps.Keys(a.groups)), slices.Collect(maps.Keys(b.groups))) {
		groups[g] = min(a.groups[g], b.groups[g])
		if groups[g] == no {
			groups[g] = maybe
		}
	}
	a.groups = groups
	return a
}

// part follows a request into a handler, and out of it.
func (w *walker) part(p part, at place, s state) state {
	if w.met != nil {
		w.met(p, at, s)
	}
	switch {
	case p.routes != nil:
		return w.routes(p.routes, at, s)
	case p.name == nameInvoke:
		if route, ok := w.server.NamedRoutes[p.text("name")]; ok {
			return w.routes(caddyhttp.RouteList{*route}, at, s)
		}
		return s
	case !s.alive:
		w.behind = w.behind || s.ended == nameAuth && p.name == nameEndpoints
		return s
	}
	switch p.name {
	case nameProxy:
		return w.answered(p, at, w.sends(p, at, s))
	case nameEndpoints:
		return w.endpoints(s)
	case nameAuth:
		return w.auth(w.Read(p.raw), s)
	case "rewrite":
		return w.rewritten(p, s)
	}
	return w.stranger(p, s)
}

func (w *walker) endpoints(s state) state {
	switch {
	case s.path == "":
		w.login, w.unread = max(w.login, maybe), true
	case s.moved != "" && s.path != w.look.login():
		if w.other == no {
			w.moved = s.moved
		}
		if strings.HasPrefix(s.path, w.BasePath+"/") {
			s.alive, s.ended = false, nameEndpoints
		}
	case strings.HasPrefix(s.path, w.BasePath+"/"):
		w.login = yes
		if s.doubtful {
			w.login = maybe
		}
		s.alive, s.ended = false, nameEndpoints
	}
	return s
}

// auth refuses who is not signed in; others pass.
func (w *walker) auth(a Auth, s state) state {
	s.guarded = true
	if a.UpstreamToken != "" {
		w.senders++
		s.sent = sent{login: a.UpstreamToken, by: w.senders}
	}
	if !w.asked || s.path == "" || a.Opens(s.path) {
		return s
	}
	if a.ToErrors {
		w.other = maybe
	}
	s.alive, s.ended = false, nameAuth
	return s
}

// stranger is a handler that is none of ours.
func (w *walker) stranger(p part, s state) state {
	does := p.does()
	if p.name == nameError && (w.server.Errors == nil || len(w.server.Errors.Routes) == 0) {
		does = ends
	}
	if does&answers != 0 {
		w.other = max(w.other, maybe)
	}
	s.guarded = s.guarded || does&guards != 0
	if does&ends != 0 {
		s.alive, s.ended = false, ""
		if does&answers != 0 && does&leadsOn == 0 {
			s.ended = p.name
		}
	}
	return s
}
