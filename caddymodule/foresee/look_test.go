package foresee_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/foresee"
)

// others is a handler and a matcher of somebody else's, which is never to be asked.
type others struct{ t *testing.T }

func (others) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.others", New: func() caddy.Module { return new(others) }}
}

func (o others) ServeHTTP(http.ResponseWriter, *http.Request, caddyhttp.Handler) error {
	o.t.Error("a handler of others was run")
	return nil
}

func (o others) MatchWithError(*http.Request) (bool, error) {
	o.t.Error("a matcher of others was asked")
	return false, nil
}

// step is a handler of ours.
type step struct{ foresee.Step }

func (step) ServeHTTP(http.ResponseWriter, *http.Request, caddyhttp.Handler) error { return nil }

func (s step) Foresee(*http.Request, *caller.Caller) foresee.Step { return s.Step }

// when is a set of matchers.
func when(matchers ...any) caddyhttp.MatcherSets { return caddyhttp.MatcherSets{matchers} }

func does(handlers ...caddyhttp.MiddlewareHandler) []caddyhttp.MiddlewareHandler { return handlers }

func TestWhatCannotBeKnownIsSaidAndNotGuessed(t *testing.T) {
	o, asks, answer := others{t}, step{foresee.Step{Asks: true}}, caddyhttp.StaticResponse{}
	fails := &caddyhttp.StaticError{StatusCode: "{http.request.uri.query.status}"}
	for _, c := range []struct {
		name     string
		routes   caddyhttp.RouteList
		decision string
		by, note string
	}{
		{"a matcher of others", caddyhttp.RouteList{{MatcherSets: when(o), Handlers: does(asks)}}, demand.NobodyKnows, "", "others is not asked"},
		{"a matcher of others, turned around", caddyhttp.RouteList{{MatcherSets: when(caddyhttp.MatchNot{MatcherSets: when(o)}), Handlers: does(asks)}}, demand.NobodyKnows, "", "others is not asked"},
		{"a matcher of others beside one that does not match", caddyhttp.RouteList{{MatcherSets: when(o, caddyhttp.MatchMethod{"PUT"}), Handlers: does(answer)}, {Handlers: does(asks, answer)}}, demand.WouldPass, "static_response", ""},
		{"a matcher of others, or one that matches", caddyhttp.RouteList{{MatcherSets: append(when(o), when(caddyhttp.MatchMethod{"GET"})...), Handlers: does(asks, answer)}}, demand.WouldPass, "static_response", ""},
		{"none of two, of which one matches", caddyhttp.RouteList{{MatcherSets: when(caddyhttp.MatchNot{MatcherSets: append(when(o), when(caddyhttp.MatchMethod{"GET"})...)}), Handlers: does(asks)}, {Handlers: does(answer)}}, demand.WouldPassUnasked, "static_response", ""},
		{"a matcher of others before what decides nothing", caddyhttp.RouteList{{MatcherSets: when(o)}, {Handlers: does(asks, answer)}}, demand.WouldPass, "static_response", "others is not asked"},
		{"a handler of others", caddyhttp.RouteList{{Handlers: does(o, asks, answer)}}, demand.WouldPass, "static_response", "others is not run"},
		{"a handler of others behind a decision", caddyhttp.RouteList{{Handlers: does(asks, o)}}, demand.WouldPass, "", "others is not run"},
		{"an error with a status of the request", caddyhttp.RouteList{{Handlers: does(fails)}}, demand.WouldBeRefused, "error", "error routes"},
		{"routes that invoke themselves", caddyhttp.RouteList{{Handlers: does(&caddyhttp.Invoke{Name: "round"})}}, demand.NobodyKnows, "", "invoke each other"},
		{"a route of no such name", caddyhttp.RouteList{{Handlers: does(&caddyhttp.Invoke{Name: "nobody's"})}}, demand.WouldBeRefused, "invoke", "error routes"},
		{"the end of a route", caddyhttp.RouteList{{Terminal: true, Handlers: does(asks)}, {Handlers: does(answer)}}, demand.WouldPass, "", "blank page"},
		{"no routes", nil, demand.WouldPassUnasked, "", "blank page"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := &caddyhttp.Server{Routes: c.routes, NamedRoutes: map[string]*caddyhttp.Route{"round": {Handlers: does(&caddyhttp.Invoke{Name: "round"})}}}
			r := caddyhttp.PrepareRequest(httptest.NewRequest("GET", "/auth/why", nil), caddy.NewReplacer(), httptest.NewRecorder(), server)
			f := foresee.Look(r, &url.URL{Path: "/x", RawQuery: "status=418"}, "GET", new(caller.Caller))
			if f.Decision != c.decision || f.By != c.by || !strings.Contains(strings.Join(f.Notes, "\n"), c.note) || c.by == "error" && f.Status != http.StatusTeapot {
				t.Errorf("it is foreseen as %+v", f)
			}
		})
	}
}

func TestWithoutAServerNothingIsKnown(t *testing.T) {
	f := foresee.Look(httptest.NewRequest("GET", "/auth/why", nil), &url.URL{Path: "/x"}, "GET", new(caller.Caller))
	if f.Decision != demand.NobodyKnows || len(f.Notes) != 1 {
		t.Errorf("it is foreseen as %+v", f)
	}
}
