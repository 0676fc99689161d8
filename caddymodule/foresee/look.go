package foresee

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/refusal"
)

// Handler is a handler of ours, which knows what it would do.
type Handler interface {
	// Foresee says what the handler would do to a request of that caller, who is
	// signed in. It does to the request what handlers behind it would notice, and
	// nothing that anybody else would.
	Foresee(r *http.Request, c *caller.Caller) Step
}

// Matcher is a matcher of ours, which knows whether it would match.
type Matcher interface {
	// Foresee reports whether it would match a request of that caller. Nothing counts
	// as activity.
	Foresee(r *http.Request, c *caller.Caller) bool
}

// Step is what a handler of ours would do. The zero value passes the request on.
type Step struct {
	// Why is what it refuses the request with; nil for nothing.
	Why *refusal.Refusal
	// ToErrors says that Caddy's error routes answer then.
	ToErrors bool
	// Answers says that it answers the request itself.
	Answers bool
	// Asks says that it decides who may pass, Open that whoever asks does, and
	// Demands by what.
	Asks, Open bool
	Demands    []demand.Demanded
	// At is where it stands in a Caddyfile; empty where that is not known.
	At string
	// Notes are what it does not know.
	Notes []string
}

// Look says what would become of a request for that address, by that method, at the
// server, the site and the address that r came to, with its other headers, from that
// caller, who is signed in.
func Look(r *http.Request, u *url.URL, method string, c *caller.Caller) demand.Foreseen {
	server, ok := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	w := &walk{server: server, c: c, groups: make(map[string]bool), open: true}
	if !ok || server == nil {
		w.unknown("the request came to no server of Caddy's")
		return w.told
	}
	w.r = asked(r, u, method, server)
	if !w.routes(server.Routes) {
		w.nobody()
	}
	return w.told
}

// ofThisOne are headers that say something of the request which asks, and would say
// something else of another.
var ofThisOne = []string{
	"Connection", "Upgrade", "Early-Data", "Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range",
	"Content-Type", "Content-Length", "Access-Control-Request-Method", "Access-Control-Request-Headers",
}

// asked is the request that is asked about, as routes would see it behind what stands
// before all of them: r has been there.
func asked(r *http.Request, u *url.URL, method string, server *caddyhttp.Server) *http.Request {
	address := *u
	copied := &http.Request{
		Method: method, URL: &address, RequestURI: address.RequestURI(), Proto: r.Proto, ProtoMajor: r.ProtoMajor, ProtoMinor: r.ProtoMinor,
		Header: r.Header.Clone(), Body: http.NoBody, Host: r.Host, RemoteAddr: r.RemoteAddr, TLS: r.TLS,
	}
	for _, name := range ofThisOne {
		delete(copied.Header, name)
	}
	return caddyhttp.PrepareRequest(copied.WithContext(r.Context()), caddy.NewReplacer(), nobody{}, server)
}

// nobody takes what handlers write, and keeps nothing.
type nobody struct{}

// Header returns one that nobody reads.
func (nobody) Header() http.Header { return make(http.Header) }

// Write takes it.
func (nobody) Write(p []byte) (int, error) { return len(p), nil }

// WriteHeader does nothing.
func (nobody) WriteHeader(int) {}

// walk goes through routes as Caddy does. The request has come to an end where a
// method reports that it is over.
type walk struct {
	server *caddyhttp.Server
	r      *http.Request
	c      *caller.Caller
	groups map[string]bool // of which a route was taken
	depth  int

	asks   int  // how many session_auth let it through
	open   bool // each of them whoever asks
	covers bool // what may answer in the place of a refusal stands before
	told   demand.Foreseen
}

// deepest bounds routes within routes: named ones may invoke themselves.
const deepest = 32

// routes goes through them in order, and through what is behind them where it
// returns false.
func (w *walk) routes(routes caddyhttp.RouteList) (over bool) {
	if w.depth++; w.depth > deepest {
		return w.unknown("named routes invoke each other more often than is followed here")
	}
	defer func() { w.depth-- }()
	for i := range routes {
		if w.route(&routes[i]) {
			return true
		}
	}
	return false
}

func (w *walk) route(route *caddyhttp.Route) (over bool) {
	if route.Group != "" && w.groups[route.Group] {
		return false
	}
	matches, err := w.anyOf(route.MatcherSets)
	switch {
	case err != nil:
		return w.failed("a matcher", statusOf(err))
	case matches == maybe && !idle(route):
		return w.unknown("whether the next route is taken hangs on what is not asked here")
	case matches != yes:
		return false
	}
	if route.Group != "" {
		w.groups[route.Group] = true
	}
	if slices.ContainsFunc(route.Handlers, w.handler) {
		return true
	}
	return route.Terminal && w.nobody()
}

// passes ends it at a handler that answers.
func (w *walk) passes(to string) (over bool) {
	w.told.By = to
	switch {
	case w.asks == 0:
		w.told.Decision = demand.WouldPassUnasked
	case w.open:
		w.told.Decision = demand.WouldPassAnybody
	default:
		w.told.Decision = demand.WouldPass
	}
	return w.over()
}

// answered ends it at a handler of ours that answers.
func (w *walk) answered(by string) (over bool) {
	w.told.Decision, w.told.By = demand.WouldBeAnswered, by
	return w.over()
}

// nobody ends it at the end of all routes.
func (w *walk) nobody() (over bool) {
	if w.misses() {
		return w.failed("nobody", http.StatusMisdirectedRequest)
	}
	w.note("no handler answers: Caddy does, with a blank page")
	return w.passes("")
}

// refused ends it.
func (w *walk) refused(by, at string, why *refusal.Refusal) (over bool) {
	w.told.Decision, w.told.By, w.told.At = demand.WouldBeRefused, by, at
	w.told.Status, w.told.Error, w.told.Message = why.Status, why.Code, why.Message
	if w.covers {
		w.note("intercept stands before, and may answer in the place of the refusal")
	}
	return w.over()
}

// failed ends it with an error, which Caddy's error routes answer.
func (w *walk) failed(by string, status int) (over bool) {
	w.refused(by, "", &refusal.Refusal{Status: status})
	w.note(toErrors)
	return true
}

const toErrors = "error routes of Caddy's answer, if there are any, and may do so with another status"

// unknown ends it where nothing can be known.
func (w *walk) unknown(why string) (over bool) {
	w.told.Decision = demand.NobodyKnows
	w.note(why)
	return w.over()
}

func (w *walk) over() bool {
	if w.told.Demands == nil {
		w.told.Demands = []demand.Demanded{}
	}
	if w.told.Notes == nil {
		w.told.Notes = []string{}
	}
	return true
}

func (w *walk) note(text string) {
	if !slices.Contains(w.told.Notes, text) {
		w.told.Notes = append(w.told.Notes, text)
	}
}
