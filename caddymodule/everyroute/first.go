package everyroute

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/identity"
	"example.com/sidegate/caddymodule/unread"
)

// First comes before every route of a server that one of our handlers stands
// in. It takes away what no app behind that server may have from a client: the
// headers in which the gateway tells who somebody is, and its credentials. So a
// route without our handlers passes nothing forged.
//
// It is a matcher that holds for every request, in front of those of the
// server's first route. Caddy has no word for that: it leans on Caddy keeping
// the server among the values of the context in which handlers are provisioned,
// and making its chain of them when all are. ComesFirst looks whether it did.
type First struct {
	server      *caddyhttp.Server // nil for a matcher that stands alone
	credentials caller.Credentials
	names       []string // beside the native ones
	stripper    *identity.Stripper
	drains      *unread.Drains
	keeps       bool        // a handler has a keep_header
	ruled       bool        // the options of a handler depend on the method
	methodFree  atomic.Bool // and no matcher does
	upgradeFree atomic.Bool // nor does one on what only a websocket by GET has
	watched     string      // a path, of which
	asked       func(*http.Request)
	questions   questions
}

// New is for a server; nil for a matcher that stands alone, and strips only what
// it is asked about.
func New(server *caddyhttp.Server, ours caller.Credentials) *First {
	f := &First{server: server, stripper: identity.NewStripperOf(), drains: unread.New(), credentials: ours}
	if server != nil {
		server.RegisterOnShutdown(f.drains.Stop)
	}
	return f
}

// Answer is the response for an answer of ours, as unread.Drains.Answer has it.
func (f *First) Answer(w http.ResponseWriter, r *http.Request) (answering http.ResponseWriter, done func()) {
	return f.drains.Answer(w, r)
}

// Of reports whether it is that server's.
func (f *First) Of(server *caddyhttp.Server) bool { return f.server == server }

// Listen are the addresses of the server.
func (f *First) Listen() []string { return f.server.Listen }

// Lead puts f before the routes, and what it is for errors before the error
// routes: those come to requests too that failed before any route.
func (f *First) Lead() error {
	errorRoutes := f.server.Errors != nil && len(f.server.Errors.Routes) > 0
	if UnderWay(f.server.Routes) {
		// The error routes are provisioned later, matchers and all.
		if errorRoutes {
			before := caddyhttp.Route{
				MatcherSets: caddyhttp.MatcherSets{{f.forErrors()}}, Handlers: []caddyhttp.MiddlewareHandler{f.forErrors()},
			}
			f.server.Errors.Routes = slices.Insert(f.server.Errors.Routes, 0, before)
		}
		return leadRoutes(f.server.Routes, f)
	}
	if errorRoutes {
		if err := leadRoutes(f.server.Errors.Routes, f.forErrors()); err != nil {
			return err
		}
	}
	return leadRoutes(f.server.Routes, f)
}

// UnderWay reports whether handlers of these routes are still to be
// provisioned: Caddy drops their JSON then, and makes a chain of the list.
func UnderWay(routes caddyhttp.RouteList) bool {
	return slices.ContainsFunc(routes, func(r caddyhttp.Route) bool {
		return len(r.HandlersRaw) > 0 || slices.ContainsFunc(r.Handlers, func(h caddyhttp.MiddlewareHandler) bool {
			before, ok := h.(Before)
			return ok && UnderWay(before.Inner())
		})
	})
}

// Before is a handler that was put before all routes of a server, these.
type Before interface{ Inner() caddyhttp.RouteList }

// leadRoutes puts the matcher before those of the first route. They are reached
// by who made a chain of the routes already; a route without any is not.
func leadRoutes(routes caddyhttp.RouteList, m any) error {
	if len(routes) == 0 {
		return nil
	}
	route := &routes[0]
	switch {
	case len(route.MatcherSets) > 0:
		route.MatcherSets[0] = append(caddyhttp.MatcherSet{m}, route.MatcherSets[0]...)
	case UnderWay(routes):
		route.MatcherSets = caddyhttp.MatcherSets{{m}}
	default:
		return errors.New("it stands in named or error routes alone, which are made ready too late to delete headers on all routes " +
			"of the server: put `session_endpoints`, or a `session_auth`, into a site of that server itself")
	}
	return nil
}

// ComesFirst is an error when the server's routes do not begin with f: another
// module was put before it, or this build has a Caddy that does otherwise.
func (f *First) ComesFirst() error {
	if len(f.server.Routes) > 0 && !begins(f.server.Routes, f) ||
		f.server.Errors != nil && len(f.server.Errors.Routes) > 0 && !begins(f.server.Errors.Routes, f.forErrors()) {
		return fmt.Errorf("server %q: identity headers would not be deleted before its first route, "+
			"so clients could make them up: another module puts a route before it; leave that module out of this server", f.server.Name())
	}
	return nil
}

func begins(routes caddyhttp.RouteList, m any) bool {
	sets := routes[0].MatcherSets
	return len(sets) > 0 && len(sets[0]) > 0 && sets[0][0] == m
}

// IsFirst reports whether a matcher is one of those that come before every route. It
// holds for every request, and what it does to one was done to any that is being served.
func IsFirst(matcher any) bool {
	switch matcher.(type) {
	case *First, firstOfErrors:
		return true
	}
	return false
}

// Tell adds names that the gateway sends on some route of the server.
func (f *First) Tell(names ...string) {
	f.names = append(f.names, names...)
	f.stripper = identity.NewStripperOf(f.names...)
}

// Watch has asked called with every request for that path, before any route. It
// is for while the server is provisioned.
func (f *First) Watch(path string, asked func(*http.Request)) { f.watched, f.asked = path, asked }

// MatchWithError strips, and holds for every request.
func (f *First) MatchWithError(r *http.Request) (bool, error) {
	f.Strip(r)
	if err := f.questions.refuse(r); err != nil {
		return false, err
	}
	if f.asked != nil && r.URL.Path == f.watched {
		f.asked(r)
	}
	return true, nil
}

// Strip takes away what a client made up, and remembers the credentials. What
// may be sent a second time by somebody else is marked as such.
func (f *First) Strip(r *http.Request) {
	caller.MarkEarly(r)
	f.stripper.Strip(r.Header)
	f.stripper.StripTrailers(r)
	f.credentials.Take(r)
}

// PassOn hands the request on to what comes behind our handlers, and sees that
// the answer of an app does not overwrite ours.
func (f *First) PassOn(w http.ResponseWriter, r *http.Request, v *caller.Remembered, next caddyhttp.Handler) error {
	w, begun := v.Guard(w, &f.credentials)
	if begun {
		defer v.Unguard()
	}
	err := f.questions.unanswered(w, r, next)
	if begun && err != nil {
		v.Failed(w.Header())
	}
	return err
}

// firstOfErrors is first for error routes. What a handler of ours has said of
// the person who makes the request stays.
type firstOfErrors struct{ *First }

func (f *First) forErrors() firstOfErrors { return firstOfErrors{f} }

// MatchWithError strips, and holds for every request.
func (f firstOfErrors) MatchWithError(r *http.Request) (bool, error) {
	if !caller.Injected(r) {
		f.Strip(r)
	}
	return true, nil
}

// ServeHTTP sees that what answers for an error overwrites nothing of ours either:
// a refusal of ours may lead to an app.
func (f firstOfErrors) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	w, done := f.Answer(w, r)
	defer done()
	if refused(w, r) {
		return nil
	}
	v := caller.Remember(r)
	if passed, again := v.Reopens(w, r); again {
		r = passed
		defer v.Closes()
	}
	return f.PassOn(w, r, v, next)
}

// Interface guards
var (
	_ caddyhttp.MiddlewareHandler       = firstOfErrors{}
	_ caddyhttp.RequestMatcherWithError = (*First)(nil)
	_ caddyhttp.RequestMatcherWithError = firstOfErrors{}
)
