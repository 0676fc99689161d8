package everyroute

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// DependOnMethod says that a rule of this server decides on the method of a
// request. Handlers whose own options do call it when they are provisioned.
func (f *First) DependOnMethod() { f.ruled = true }

// decidesOnMethod reports whether any rule of this server depends on the method:
// then headers that have an app take another one are deleted. As long as the
// routes were not looked through, it is taken for yes.
func (f *First) decidesOnMethod() bool { return f.ruled || !f.methodFree.Load() }

// LookForMethods looks through the server's routes, once all are provisioned, for
// handlers that guard, and what they depend on.
func (f *First) LookForMethods(guards func(caddyhttp.MiddlewareHandler) bool) {
	w := methodWalk{guards: guards, named: f.server.NamedRoutes, seen: make(map[string]bool)}
	routes := slices.Clone(f.server.Routes)
	if f.server.Errors != nil {
		routes = append(routes, f.server.Errors.Routes...)
	}
	_, depends := w.routes(routes)
	f.methodFree.Store(!depends)
}

// methodWalk finds session_auth in routes, and matchers on the method that
// decide whether a request comes to it: on it, around it, or on a `handle`
// beside it.
type methodWalk struct {
	guards func(caddyhttp.MiddlewareHandler) bool
	named  map[string]*caddyhttp.Route
	seen   map[string]bool // named routes, which may invoke themselves
}

// routes reports whether the routes lead to a session_auth, and whether it
// depends on the method.
func (w *methodWalk) routes(routes caddyhttp.RouteList) (leads, depends bool) {
	byMethod, ofAuth := make(map[string]bool), make(map[string]bool) // by group
	for i := range routes {
		r := &routes[i]
		auth, inside := w.handlers(r.Handlers)
		chosen := slices.ContainsFunc(r.MatcherSets, onMethod)
		leads, depends = leads || auth, depends || inside || auth && chosen
		byMethod[r.Group] = byMethod[r.Group] || chosen
		ofAuth[r.Group] = ofAuth[r.Group] || auth
	}
	for group := range ofAuth {
		depends = depends || group != "" && ofAuth[group] && byMethod[group]
	}
	return leads, depends
}

func (w *methodWalk) handlers(handlers []caddyhttp.MiddlewareHandler) (leads, depends bool) {
	for _, h := range handlers {
		auth, inside := w.guards(h), false
		switch h := h.(type) {
		case *caddyhttp.Subroute:
			auth, inside = w.routes(h.Routes)
			if h.Errors != nil {
				a, i := w.routes(h.Errors.Routes)
				auth, inside = auth || a, inside || i
			}
		case *caddyhttp.Invoke:
			auth, inside = w.invoked(h.Name)
		case Before:
			auth, inside = w.routes(h.Inner())
		}
		leads, depends = leads || auth, depends || inside
	}
	return leads, depends
}

func (w *methodWalk) invoked(name string) (leads, depends bool) {
	route := w.named[name]
	if route == nil || w.seen[name] {
		return false, false
	}
	w.seen[name] = true
	defer delete(w.seen, name)
	return w.routes(caddyhttp.RouteList{*route})
}

// onMethod reports whether any matcher of the set looks at the method.
func onMethod(set caddyhttp.MatcherSet) bool {
	return slices.ContainsFunc(set, func(m any) bool {
		switch m := m.(type) {
		case caddyhttp.MatchMethod, *caddyhttp.MatchMethod:
			return true
		case *caddyhttp.MatchNot:
			return slices.ContainsFunc(m.MatcherSets, onMethod)
		case caddyhttp.MatchNot:
			return slices.ContainsFunc(m.MatcherSets, onMethod)
		case *caddyhttp.MatchExpression:
			return strings.Contains(m.Expr, "method")
		case caddyhttp.VarsMatcher:
			return anyKey(m, "method")
		case *caddyhttp.VarsMatcher:
			return anyKey(*m, "method")
		case caddyhttp.MatchVarsRE:
			return anyKey(m, "method")
		case *caddyhttp.MatchVarsRE:
			return anyKey(*m, "method")
		}
		return false
	})
}

func anyKey[V any](m map[string]V, part string) bool {
	for key := range m {
		if strings.Contains(key, part) {
			return true
		}
	}
	return false
}
