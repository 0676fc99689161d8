package everyroute

import (
	"errors"
	"net/http"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// guard stands for a handler with a rule.
type guard struct{}

func (*guard) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return next.ServeHTTP(w, r)
}

// unreadable has options of which nothing is known.
type unreadable struct{}

func (unreadable) MarshalJSON() ([]byte, error) { return nil, errors.ErrUnsupported }

func (unreadable) ServeHTTP(http.ResponseWriter, *http.Request, caddyhttp.Handler) error { return nil }

func isGuard(h caddyhttp.MiddlewareHandler) bool {
	_, ok := h.(*guard)
	return ok
}

func handle(matcher any, h ...caddyhttp.MiddlewareHandler) caddyhttp.Route {
	r := caddyhttp.Route{Handlers: h}
	if matcher != nil {
		r.MatcherSets = caddyhttp.MatcherSets{{matcher}}
	}
	return r
}

func TestARuleThatDependsOnTheMethodIsFoundWhereverItStands(t *testing.T) {
	auth, post := new(guard), caddyhttp.MatchMethod{"POST"}
	named := map[string]*caddyhttp.Route{
		"auth": {Handlers: []caddyhttp.MiddlewareHandler{auth}},
		"loop": {Handlers: []caddyhttp.MiddlewareHandler{&caddyhttp.Invoke{Name: "loop"}}},
		"post": {MatcherSets: caddyhttp.MatcherSets{{post}}, Handlers: []caddyhttp.MiddlewareHandler{auth}},
	}
	inside := func(r ...caddyhttp.Route) caddyhttp.MiddlewareHandler { return &caddyhttp.Subroute{Routes: r} }
	failed := &caddyhttp.Subroute{Errors: &caddyhttp.HTTPErrorConfig{Routes: caddyhttp.RouteList{handle(post, auth)}}}
	for _, c := range []struct {
		name   string
		routes caddyhttp.RouteList
		want   bool
	}{
		{"on it", caddyhttp.RouteList{handle(post, auth)}, true},
		{"around it", caddyhttp.RouteList{handle(post, inside(handle(nil, auth)))}, true},
		{"inside", caddyhttp.RouteList{handle(nil, inside(handle(post, auth)))}, true},
		{"on what is invoked", caddyhttp.RouteList{handle(nil, &caddyhttp.Invoke{Name: "post"})}, true},
		{"on who invokes", caddyhttp.RouteList{handle(post, &caddyhttp.Invoke{Name: "auth"})}, true},
		{"in the error routes of a subroute", caddyhttp.RouteList{handle(nil, failed)}, true},
		{"in what a variable is set to", caddyhttp.RouteList{handle(nil, caddyhttp.VarsMiddleware{"m": "{http.request.method}"}), handle(nil, auth)}, true},
		{"in what a variable is compared with", caddyhttp.RouteList{handle(caddyhttp.VarsMatcher{"m": {"{http.request.method}"}}, auth)}, true},
		{"in what a header is compared with", caddyhttp.RouteList{handle(caddyhttp.MatchHeader{"X-M": {"{method}"}}, inside(handle(nil, auth)))}, true},
		{"in options that cannot be read", caddyhttp.RouteList{handle(nil, unreadable{}), handle(nil, auth)}, true},
		{"with a variable of something else", caddyhttp.RouteList{handle(nil, caddyhttp.VarsMiddleware{"method": "{http.request.uri}"}), handle(nil, auth)}, false},
		{"with another one on another route", caddyhttp.RouteList{handle(post), handle(nil, auth)}, false},
		{"without a guard", caddyhttp.RouteList{handle(post, inside(handle(post)))}, false},
		{"in a route that invokes itself", caddyhttp.RouteList{handle(post, &caddyhttp.Invoke{Name: "loop"})}, false},
		{"in nothing", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &First{server: &caddyhttp.Server{Routes: c.routes, NamedRoutes: named}}
			if !f.DecidesOnMethod() {
				t.Error("before it was looked, it is taken for no")
			}
			if f.LookAtMatchers(isGuard); f.DecidesOnMethod() != c.want {
				t.Errorf("depends: %v", !c.want)
			}
			if f.DependOnMethod(); !f.DecidesOnMethod() {
				t.Error("the options of a handler do not count")
			}
		})
	}
}

// Whoever guards websockets alone by what one by GET has would have those by an
// extended CONNECT unguarded.
func TestARuleThatDependsOnWhatOnlyAWebsocketByGetHasIsFound(t *testing.T) {
	auth := new(guard)
	for name, c := range map[string]struct {
		matcher any
		want    bool
	}{
		"a header Upgrade":              {caddyhttp.MatchHeader{"Upgrade": {"websocket"}}, true},
		"a header Connection":           {caddyhttp.MatchHeader{"Connection": {"*Upgrade*"}}, true},
		"one in another spelling":       {caddyhttp.MatchHeader{"sec-websocket-key": {"*"}}, true},
		"one by a regular expression":   {caddyhttp.MatchHeaderRE{"Upgrade": {}}, true},
		"a protocol":                    {caddyhttp.MatchProtocol("http/1.1"), true},
		"an expression with the header": {&caddyhttp.MatchExpression{Expr: "{http.request.header.Upgrade} == 'websocket'"}, true},
		"an expression by a function":   {&caddyhttp.MatchExpression{Expr: "header({'Upgrade': 'websocket'})"}, true},
		"a variable's placeholder":      {caddyhttp.VarsMatcher{"{http.request.header.Upgrade}": {"websocket"}}, true},
		"none of these":                 {&caddyhttp.MatchNot{MatcherSets: caddyhttp.MatcherSets{{caddyhttp.MatchHeader{"Upgrade": {"websocket"}}}}}, true},
		"another header":                {caddyhttp.MatchHeader{"X-Api": {"1"}}, false},
		"a path with such a word":       {caddyhttp.MatchPath{"/connections/*"}, false},
		"an expression on the path":     {&caddyhttp.MatchExpression{Expr: "path('/a')"}, false},
		"nothing":                       {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := &First{server: &caddyhttp.Server{Routes: caddyhttp.RouteList{handle(c.matcher, auth)}}}
			f.LookAtMatchers(isGuard)
			if of := (&Foreign{first: f}); of.CarriesConnect() == c.want {
				t.Errorf("an extended CONNECT is carried: %v", !c.want)
			}
		})
	}
	f := &First{server: &caddyhttp.Server{Routes: caddyhttp.RouteList{
		handle(nil, caddyhttp.VarsMiddleware{"u": "{http.request.header.Upgrade}"}), handle(nil, auth)}}}
	if f.LookAtMatchers(isGuard); (&Foreign{first: f}).CarriesConnect() {
		t.Error("what a variable is set to does not count")
	}
}
