package endpoint

import (
	"net/http"
	"slices"
	"strings"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/identity"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/origin"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/web"
)

const (
	// QuestionsPath is where other proxies ask about a request, by the default policy,
	// and verifyPolicies is what the others, and it, lie below.
	QuestionsPath  = "/verify"
	verifyPath     = QuestionsPath
	verifyPolicies = verifyPath + "/"
	// verifyBelow is what stands for any address below a policy's.
	verifyBelow = verifyPolicies + "*"

	// DefaultPolicy is the name of the policy that needs none in the address.
	DefaultPolicy = "default"

	// redirectParam on the question has a person led to the login page.
	redirectParam = "redirect"

	// loginURLHeader tells a proxy where people sign in.
	loginURLHeader = "X-Login-Url"

	// removeHeader has Envoy delete headers of the request that goes to the app: what
	// is answered takes their place, and what is not stays as the client has sent it.
	removeHeader = "X-Envoy-Auth-Headers-To-Remove"
)

// Policy is by what a request is decided that another proxy asks about.
type Policy struct {
	*demand.Demands
	// Redirect answers a person who is not signed in with a redirect to the login
	// page.
	Redirect bool
	// Tell writes into h who the caller is.
	Tell func(h http.Header, r *http.Request, c *caller.Caller) error
	// Names are those of all headers that Tell may write.
	Names []string
}

// untold are the names of those that h does not have.
func (p *Policy) untold(h http.Header) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(p.Names), func(name string) bool { return h[name] != nil }), ",")
}

// Undecided says that another proxy asks in a way in which nothing can be decided. Client,
// Result: the policy, Err: why.
const Undecided lifecycle.Kind = "undecided"

// Unanswered says that another proxy asks where nobody answers questions, and is
// answered 421. Client, Result: the host and the path, Err: why, and what to do.
const Unanswered lifecycle.Kind = "unanswered"

// verify is GET /auth/verify and what lies below.
type verify struct {
	desk
	policies map[string]Policy
	outcomes *demand.Outcomes
	uses     func(*caller.Caller)
	events   lifecycle.Events
}

func verifyRoutes(c Config) []Route {
	v := verify{newDesk(c), c.Policies, c.Outcomes, c.Uses, c.Events}
	ask := map[string]http.HandlerFunc{http.MethodGet: v.ask}
	return []Route{
		{Path: verifyPath, Answers: ask, FromAnywhere: true, NoBody: true, Unshared: true},
		{Path: verifyPolicies, Answers: ask, FromAnywhere: true, NoBody: true, Unshared: true},
		{Path: verifyBelow, All: v.ask, FromAnywhere: true, NoBody: true, Unshared: true},
	}
}

// verifyRoute is the Route.Path of what lies below verifyPolicies.
func verifyRoute(below string) string {
	if strings.Contains(below, "/") {
		return verifyBelow
	}
	return verifyPolicies
}

// ask answers 204 with identity headers where the request may pass, or 200 below the
// address of a policy, and never any other 2xx: proxies take that for a yes.
func (v verify) ask(w http.ResponseWriter, r *http.Request) {
	name, asked, why := v.read(r)
	policy, found := v.policies[name]
	if !found && why == nil {
		why = refusal.NoPolicy
	}
	if why == nil {
		why = undecided(r, &policy, asked)
	}
	if why != nil {
		v.events.Happened(lifecycle.Event{Kind: Undecided, Client: caller.Address(r), Result: name, Err: why})
		why.WriteJSON(w)
		return
	}
	switch {
	case tooEarly(r, asked):
		v.outcomes.Add(demand.Refused)
		refusal.TooEarly.WriteJSON(w)
	case asked == nil:
		v.decide(w, r, &policy, wantsRedirect(r), http.StatusNoContent)
	case asked.below:
		// Envoy and the Gateway API take nothing but 200 for a yes, and hand a 204
		// on as an answer.
		v.decide(w, asked.request(r), &policy, false, http.StatusOK)
	default:
		v.decide(w, asked.request(r), &policy, wantsRedirect(r), http.StatusNoContent)
	}
}

// tooEarly reports whether the request must wait for the handshake with the other
// proxy (RFC 8470): the question is a GET, whatever the request is. What is not known
// to do nothing a second time has to.
func tooEarly(r *http.Request, asked *original) bool {
	if !caller.Early(r) {
		return false
	}
	return asked == nil || asked.method == "" || asksForSocket(r) || caller.TooEarly(asked.request(r))
}

// wantsRedirect reports whether the question says that people are led to the login
// page.
func wantsRedirect(r *http.Request) bool {
	return strings.Contains(r.URL.RawQuery, redirectParam) && r.URL.Query().Has(redirectParam)
}

// read finds the policy, and the request that it is asked about; nil where that is
// not told.
func (v verify) read(r *http.Request) (policy string, asked *original, why *refusal.Refusal) {
	name, _ := strings.CutPrefix(r.URL.Path, v.address.BasePath+verifyPath)
	name, _, isBelow := strings.Cut(strings.TrimPrefix(name, "/"), "/")
	if name == "" {
		name = DefaultPolicy
	}
	if !isBelow {
		asked, why = readOriginal(r)
		return name, asked, why
	}
	if !origin.TrustedPeer(r) {
		return name, nil, refusal.BelowUntrusted
	}
	asked = below(r, v.address.BasePath+verifyPolicies+name)
	if why = appended(r, asked); why == nil {
		why = asked.retold(r)
	}
	return name, asked, why
}

// appended refuses where a proxy tells of another path than the one behind that of
// the policy: it asks about all requests at one address, whatever path they have
// (NGINX Gateway Fabric).
func appended(r *http.Request, asked *original) *refusal.Refusal {
	told, why := oneOf(r.Header, "Path")
	if why == nil && told != "" && told != asked.url.RequestURI() {
		why = refusal.OriginalsDiffer
	}
	return why
}

// undecided says why nothing can be decided by the policy; nil where it can.
func undecided(r *http.Request, p *Policy, asked *original) *refusal.Refusal {
	switch {
	case asked == nil && p.ByPath():
		return refusal.OriginalUnknown
	case p.ByPath() && readdressed(r):
		return refusal.PathOverridden
	case !p.ByMethod():
		return nil
	case asked == nil || asked.method == "":
		return refusal.OriginalUnknown
	case overridden(r, asked):
		return refusal.MethodOverridden
	}
	return nil
}

// readdressed reports whether the request tells the app of another path than its own,
// which another proxy passes on. What tells the gateway of the request is decided on,
// and in another spelling it is not heard.
func readdressed(r *http.Request) bool {
	for name := range r.Header {
		if identity.AskedFor.Has(name) && !tellsUs(name) {
			return true
		}
	}
	return false
}

// overridden reports whether the request tells the app to take another method than
// its own, which another proxy passes on.
func overridden(r *http.Request, asked *original) bool {
	for name := range r.Header {
		if identity.MethodOverrides.Has(name) {
			return true
		}
	}
	_, had := identity.WithoutOverride(asked.url.RawQuery)
	return had
}

// decide answers the question about the request. Redirects says that the question
// wants people to be led to the login page, and yes is the status for what may pass.
func (v verify) decide(w http.ResponseWriter, asked *http.Request, p *Policy, redirects bool, yes int) {
	request := demand.Request{URL: asked.URL, Method: asked.Method, Preflight: caller.IsPreflight(asked)}
	c := v.caller(asked, p.Demands, request)
	v.address.Cookie.HandOver(w, c)
	made := demand.Decision{Why: v.unacceptable(asked, c)}
	if made.Why == nil {
		v.uses(c)
		made = p.Decide(request, c)
	}
	v.outcomes.Add(demand.OutcomeOf(&made, c))
	leads := (p.Redirect || redirects) && web.IsNavigation(asked)
	if made.Why != nil || made.Reported {
		p.Demands.Tell(v.events, &made, request, asked, c, unauthorized(leads), caller.AskerOf)
	}
	if made.Why != nil {
		v.refuse(w, asked, c, made.Why, leads)
		return
	}
	h := w.Header()
	if c.MayPass() {
		if err := p.Tell(h, asked, c); err != nil {
			refusal.Unsigned.WriteJSON(w)
			return
		}
	}
	if yes == http.StatusOK {
		h[removeHeader] = []string{p.untold(h)}
	}
	h["Cache-Control"], h["Vary"] = []string{"no-store"}, []string{web.VaryOnCaller}
	w.WriteHeader(yes)
}

// caller finds who makes the request; nobody where it passes as nobody's.
func (v verify) caller(asked *http.Request, d *demand.Demands, request demand.Request) *caller.Caller {
	if demand.PassesUnasked(d, request) {
		return new(caller.Caller)
	}
	caller.ChooseBy(asked, v.address.AccountParam)
	return v.callers.Caller(asked)
}

func unauthorized(leads bool) int {
	if leads {
		return http.StatusSeeOther
	}
	return http.StatusUnauthorized
}

// unacceptable refuses what no demand opens: methods whose answer repeats the
// request, tunnels, and websockets that a page of another site asks for with the
// person's cookie (RFC 6455 section 10.2).
func (v verify) unacceptable(asked *http.Request, c *caller.Caller) *refusal.Refusal {
	switch strings.ToUpper(asked.Method) {
	case http.MethodTrace, "TRACK", http.MethodConnect:
		return refusal.NeverPasses
	}
	if asksForSocket(asked) && v.callers.HasCookie(caller.Remember(asked)) {
		if mismatch := v.address.Check.Of(asked); mismatch != nil {
			v.events.Happened(Crossed(caller.AskerOf(asked), c, mismatch))
			return Crossing(mismatch)
		}
	}
	return nil
}

// asksForSocket reports whether a request asks for a websocket, or another protocol,
// also where a proxy has taken Upgrade away: browsers send the others with it, and no
// script can.
func asksForSocket(r *http.Request) bool {
	return origin.IsUpgrade(r) || r.Header["Sec-Websocket-Key"] != nil || r.Header["Sec-Websocket-Version"] != nil ||
		r.Header.Get("Sec-Fetch-Mode") == "websocket"
}

// refuse answers that the request may not pass, and where people sign in.
func (v verify) refuse(w http.ResponseWriter, asked *http.Request, c *caller.Caller, why *refusal.Refusal, leads bool) {
	h := w.Header()
	signIn := why.Status == http.StatusUnauthorized
	if signIn && c.StaleCookie {
		v.address.Cookie.ClearStale(w, asked, leads)
	}
	if signIn || why.Status == http.StatusForbidden {
		h.Set(loginURLHeader, inASCII(v.loginURL(asked)))
	}
	if signIn && leads {
		h.Set("Vary", web.VaryOnCaller)
		redirect(w, asked, v.loginURL(asked))
		return
	}
	why.WriteJSON(w)
}

// loginURL is where people sign in, and come back from: to nowhere in particular where
// the proxy does not tell what they have asked for.
func (v verify) loginURL(asked *http.Request) string {
	at := v.address.BasePath + verifyPath
	if asked.URL.Path != at && !strings.HasPrefix(asked.URL.Path, at+"/") {
		return v.address.LoginURLFor(asked)
	}
	if public := v.address.Sites.Public; public != (origin.Origin{}) {
		return public.String() + v.address.BasePath + "/login"
	}
	return v.address.BasePath + "/login"
}
