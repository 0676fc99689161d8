package everyroute

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// DependOnMethod says that a rule of this server decides on the method of a
// request. Handlers whose own options do call it when they are provisioned.
func (f *First) DependOnMethod() { f.ruled = true }

// DecidesOnMethod reports whether any rule of this server depends on the method:
// then headers that have an app take another one are deleted. As long as the
// routes were not looked through, it is taken for yes.
func (f *First) DecidesOnMethod() bool { return f.ruled || !f.methodFree.Load() }

// LookForMethods looks through the server's routes, once all are provisioned, for
// handlers that guard, and what they depend on.
func (f *First) LookForMethods(guards func(caddyhttp.MiddlewareHandler) bool) {
	w := methodWalk{guards: guards, named: f.server.NamedRoutes, seen: make(map[string]bool)}
	routes := slices.Clone(f.server.Routes)
	if f.server.Errors != nil {
		routes = append(routes, f.server.Errors.Routes...)
	}
	leads, depends := w.routes(routes)
	f.methodFree.Store(!leads || !depends)
}

// methodWalk finds session_auth in routes, and matchers on the method that
// decide what becomes of a request: whether it comes to a session_auth, or to
// what answers it in another way.
type methodWalk struct {
	guards func(caddyhttp.MiddlewareHandler) bool
	named  map[string]*caddyhttp.Route
	seen   map[string]bool // named routes, which may invoke themselves
}

// routes reports whether the routes lead to a session_auth, and whether what
// becomes of a request depends on the method.
func (w *methodWalk) routes(routes caddyhttp.RouteList) (leads, depends bool) {
	for i := range routes {
		r := &routes[i]
		auth, inside := w.handlers(r.Handlers)
		leads = leads || auth
		depends = depends || inside || slices.ContainsFunc(r.MatcherSets, onMethod) && slices.ContainsFunc(r.Handlers, decides)
	}
	return leads, depends
}

// passing are handlers that hand every request on.
var passing = []string{"encode", "headers", "log_append", "map", "push", "request_body", "rewrite", "timeouts", "tracing", "vars"}

// decides reports whether a handler may answer a request, or refuse it.
func decides(h caddyhttp.MiddlewareHandler) bool {
	if sub, ok := h.(*caddyhttp.Subroute); ok {
		return slices.ContainsFunc(sub.Routes, func(r caddyhttp.Route) bool { return slices.ContainsFunc(r.Handlers, decides) })
	}
	m, ok := h.(caddy.Module)
	return !ok || !slices.Contains(passing, m.CaddyModule().ID.Name())
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
		default:
			inside = asksForMethod(h)
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
		}
		return asksForMethod(m)
	})
}

// asksForMethod reports whether the method stands among the options of a handler
// or matcher, as a placeholder: what map or vars make of it, another matcher may
// decide by. Of one that cannot be read it is taken for yes.
func asksForMethod(module any) bool {
	options, err := json.Marshal(module)
	return err != nil || theMethod.Match(options)
}

var theMethod = regexp.MustCompile(`\{(http\.request\.(orig_)?)?method\}`)
