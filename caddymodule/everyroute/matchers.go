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

// LookAtMatchers looks through the server's routes, once all are provisioned, for
// handlers that guard, and for what of a request it is up to whether one comes to
// them.
func (f *First) LookAtMatchers(guards func(caddyhttp.MiddlewareHandler) bool) {
	free := func(by question) bool {
		w := walk{question: by, guards: guards, named: f.server.NamedRoutes, seen: make(map[string]bool)}
		routes := slices.Clone(f.server.Routes)
		if f.server.Errors != nil {
			routes = append(routes, f.server.Errors.Routes...)
		}
		leads, depends := w.routes(routes)
		return !leads || !depends
	}
	f.methodFree.Store(free(question{asksForMethod, onMethod}))
	f.upgradeFree.Store(free(question{asksForUpgrade, onUpgrade}))
}

// question is what of a request something may depend on: as a placeholder among
// the options of a handler, and as what a matcher looks at.
type question struct{ options, matcher func(module any) bool }

// walk finds session_auth in routes, and matchers that decide by the answer to a
// question what becomes of a request: whether it comes to a session_auth, or to
// what answers it in another way.
type walk struct {
	question
	guards func(caddyhttp.MiddlewareHandler) bool
	named  map[string]*caddyhttp.Route
	seen   map[string]bool // named routes, which may invoke themselves
}

// routes reports whether the routes lead to a session_auth, and whether what
// becomes of a request depends on the method.
func (w *walk) routes(routes caddyhttp.RouteList) (leads, depends bool) {
	for i := range routes {
		r := &routes[i]
		auth, inside := w.handlers(r.Handlers)
		leads = leads || auth
		depends = depends || inside || slices.ContainsFunc(r.MatcherSets, w.on) && slices.ContainsFunc(r.Handlers, decides)
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

func (w *walk) handlers(handlers []caddyhttp.MiddlewareHandler) (leads, depends bool) {
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
			inside = w.options(h)
		}
		leads, depends = leads || auth, depends || inside
	}
	return leads, depends
}

func (w *walk) invoked(name string) (leads, depends bool) {
	route := w.named[name]
	if route == nil || w.seen[name] {
		return false, false
	}
	w.seen[name] = true
	defer delete(w.seen, name)
	return w.routes(caddyhttp.RouteList{*route})
}

// on reports whether any matcher of the set asks the question.
func (w *walk) on(set caddyhttp.MatcherSet) bool {
	return slices.ContainsFunc(set, func(m any) bool {
		switch m := m.(type) {
		case *caddyhttp.MatchNot:
			return slices.ContainsFunc(m.MatcherSets, w.on)
		case caddyhttp.MatchNot:
			return slices.ContainsFunc(m.MatcherSets, w.on)
		}
		return w.matcher(m)
	})
}

func onMethod(m any) bool {
	switch m := m.(type) {
	case caddyhttp.MatchMethod, *caddyhttp.MatchMethod:
		return true
	case *caddyhttp.MatchExpression:
		return strings.Contains(m.Expr, "method")
	}
	return asksForMethod(m)
}

// onUpgrade reports whether a matcher may tell a websocket by an extended CONNECT
// (RFC 8441, RFC 9220) from one by GET, which has headers of its own.
func onUpgrade(m any) bool {
	if module, ok := m.(caddy.Module); ok {
		switch name := module.CaddyModule().ID.Name(); {
		case name == "protocol":
			return true
		case slices.Contains(elsewhere, name):
			return false
		}
	}
	if by, ok := m.(*caddyhttp.MatchExpression); ok {
		return theUpgrade.MatchString(by.Expr)
	}
	options, err := json.Marshal(m)
	return err != nil || theUpgrade.Match(options)
}

// elsewhere are matchers that look at no header and no protocol.
var elsewhere = []string{"path", "path_regexp", "host", "query", "remote_ip", "client_ip", "method", "file", "session"}

// asksForUpgrade is asksForMethod for what onUpgrade looks at.
func asksForUpgrade(module any) bool {
	options, err := json.Marshal(module)
	return err != nil || upgradePlaceholder.Match(options)
}

var (
	theUpgrade         = regexp.MustCompile(`(?i)upgrade|connection|sec-websocket|proto`)
	upgradePlaceholder = regexp.MustCompile(`(?i)\{(http\.request\.)?(header\.(upgrade|connection|sec-websocket-[a-z]+)|proto[a-z_]*)\}`)
)

// asksForMethod reports whether the method stands among the options of a handler
// or matcher, as a placeholder: what map or vars make of it, another matcher may
// decide by. Of one that cannot be read it is taken for yes.
func asksForMethod(module any) bool {
	options, err := json.Marshal(module)
	return err != nil || theMethod.Match(options)
}

var theMethod = regexp.MustCompile(`\{(http\.request\.(orig_)?)?method\}`)
