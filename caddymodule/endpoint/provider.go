package endpoint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/caddymodule/origin"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/web"
)

// Provider is a login that sends people to another place and takes them back.
type Provider struct {
	ProviderMethod
	// Label is what the button says after "Continue with"; empty: the name.
	Label string
	// Icon is what the button shows, as web.Provider has it.
	Icon template.URL
	// PostsBack says that the browser may post the answer to the callback.
	PostsBack bool
}

// ProviderMethod is what a Provider does; see oidc.Login.
type ProviderMethod interface {
	login.Method
	Begin(ctx context.Context, state, redirectURI, returnTo string) (location string, attempt oidc.Attempt, err error)
	Finish(ctx context.Context, attempt oidc.Attempt, query url.Values) (*profile.Person, error)
	EndSession(ctx context.Context, kept *profile.Kept, postLogoutRedirect string) (end oidc.EndSession, ok bool)
	VerifyLogoutToken(ctx context.Context, raw string) (oidc.LogoutToken, error)
}

// providerLogin is GET /auth/login/{name} and GET /auth/callback/{name}.
type providerLogin struct {
	pages
	arrivals
	provider Provider
	attempts *oidc.AttemptSealer
	page     http.HandlerFunc // the login page
	tabs     *tabs
	plain    *untrusted // told of a redirect_uri of plain http
}

func newProviderLogin(c Config, p Provider) providerLogin {
	return providerLogin{newPages(c), newArrivals(c), p, c.Attempts, newPasswordLogin(c).get, newTabs(), new(untrusted)}
}

func providerLoginRoute(c Config, p Provider) Route {
	send := newProviderLogin(c, p).send
	return Route{Path: loginPath + "/" + p.Name(), Answers: map[string]http.HandlerFunc{http.MethodGet: send}, NoHead: true, Unshared: true}
}

func callbackRoute(c Config, p Provider) Route {
	l := newProviderLogin(c, p)
	route := Route{Path: "/callback/" + p.Name(), Answers: map[string]http.HandlerFunc{http.MethodGet: l.callback}, NoHead: true, Once: true, Unshared: true}
	if p.PostsBack {
		route.Answers[http.MethodPost], route.Reads, route.FromAnywhere = l.posted, true, true
	}
	return route
}

// send sends the browser to the provider.
func (l providerLogin) send(w http.ResponseWriter, r *http.Request) {
	if l.address.askedOnceMore(w, r, loginPath+"/"+l.provider.Name()) {
		return
	}
	asked, cut := readReturnTo(r.URL)
	returnTo, cutHere := l.address.ReturnTo.Keep(r, asked)
	l.noticePlain(r)
	d := departure{returnTo: returnTo, cut: cut || cutHere}
	if d.unkept = l.isUnkept(w, r); d.unkept && l.goesRound(w, r, d) {
		return
	}
	l.depart(w, r, d)
}

// isUnkept reports whether a sign-in of this browser has succeeded a moment ago and
// nobody is signed in by it.
func (l providerLogin) isUnkept(w http.ResponseWriter, r *http.Request) bool {
	said, _ := l.fresh.read(r)
	if !said {
		return false
	}
	standing := l.callers.Caller(r).Standing
	if standing == caller.SignedIn {
		l.fresh.clear(w, r)
	}
	return standing != caller.SignedIn && standing != caller.CannotTell
}

// goesRound answers the second time in a row with what is wrong: once, a session
// may have been ended elsewhere. Who begins again after that is sent on.
func (l providerLogin) goesRound(w http.ResponseWriter, r *http.Request, d departure) bool {
	if _, second := l.fresh.read(r); !second {
		return false
	}
	l.fresh.clear(w, r)
	page := l.pages.login(r, d.returnTo, d.cut)
	page.Failure = l.unkept(r, l.callers.Caller(r), l.address.Sites.Of(r))
	page.Write(w, l.address.Look.For(r), http.StatusOK)
	return true
}

// departure is what a sign-in at a provider begins with.
type departure struct {
	returnTo string
	cut      bool // that is not all of where the person wanted to go
	again    bool // the sign-in began before, and begins again by itself
	unkept   bool // one had succeeded a moment before, and nobody is signed in by it
}

// depart sends the browser to the provider. Nothing is kept here for a stranger:
// the attempt is sealed into a cookie.
func (l providerLogin) depart(w http.ResponseWriter, r *http.Request, d departure) {
	state := l.attempts.State(l.provider.Name(), oidc.Told{
		Again: d.again, Wanted: d.cut || d.returnTo != "/", Unkept: d.unkept,
		Elsewhere: l.address.fronted() && origin.Of(r).Hostname() != l.address.Sites.Public.Hostname(),
		Doubted:   !d.again && len(l.cookie.underway(r).attempts) > 0,
	})
	location, attempt, err := l.provider.Begin(r.Context(), state, l.redirectURI(r), d.returnTo)
	if err == nil {
		attempt.Cut = d.cut
		err = l.cookie.setAttempt(w, r, attempt, l.attempts, attempt.Expires.Sub(l.now()))
	}
	if errors.Is(err, oidc.ErrProvider) {
		err = fmt.Errorf("%w: %w", errMismatched, err)
	}
	if err != nil {
		l.fail(w, r, d.returnTo, err)
		return
	}
	redirect(w, r, oidc.InLanguages(location, web.Locales(r)))
}

// redirectURI is where the provider is to send the browser back to.
func (l providerLogin) redirectURI(r *http.Request) string {
	return l.address.Sites.Of(r).String() + l.address.BasePath + "/callback/" + l.provider.Name()
}

// noticePlain looks whether the redirect_uri is of plain http although the browser
// came over TLS, as a proxy says that is not trusted: no provider takes that one.
func (l providerLogin) noticePlain(r *http.Request) {
	if l.address.fronted() || !origin.DoubtsTLS(r) {
		return
	}
	if peer := caller.Address(r); l.plain.first(peer) {
		l.heard.Happened(lifecycle.Event{Kind: PlainCallback, Login: l.provider.Name(), Client: peer, Result: l.redirectURI(r)})
	}
}

// callback is where the provider sends the browser back to. The attempt is used
// up, however it ends.
func (l providerLogin) callback(w http.ResponseWriter, r *http.Request) {
	if l.address.askedOnceMore(w, r, "/callback/"+l.provider.Name()) { // with the session that this one takes the place of
		return
	}
	query, err := oidc.ReadAnswer(r.URL.RawQuery)
	if err != nil {
		l.fail(w, r, "", err)
		return
	}
	l.answered(w, r, query)
}

// answered goes on with what the provider answered, wherever in the request it was.
func (l providerLogin) answered(w http.ResponseWriter, r *http.Request, query url.Values) {
	attempt, err := l.open(w, r, query)
	if err == nil {
		err = l.use(r, attempt)
	}
	missing := errors.Is(err, oidc.ErrExpired) || errors.Is(err, oidc.ErrNoCookie)
	switch {
	case err == nil:
		l.finish(w, r, attempt, query)
	case (missing || errors.Is(err, oidc.ErrUsed)) && l.callers.Caller(r).Standing == caller.SignedIn:
		l.page(w, r) // the same answer a second time: a reload, or "back" in the browser
	case errors.Is(err, oidc.ErrUsed): // a second click, whose first one has gone through
		l.heard.Happened(caller.Asker(r).Of(lifecycle.Event{Kind: NotFinished, Login: l.provider.Name(), Err: err}))
		web.Onward{Base: l.address.BasePath, To: l.address.ReturnTo.Clean(r, attempt.ReturnTo), Cut: attempt.Cut, Finished: true}.Write(w, l.address.Look.For(r))
	case missing && l.again(w, r, attempt, query, err):
	default:
		l.fail(w, r, attempt.ReturnTo, err)
	}
}

// use uses the attempt up, at all gateways: a browser, or who has its cookies,
// may bring the same answer again. When the store cannot tell whether it did,
// the person begins again.
func (l providerLogin) use(r *http.Request, attempt oidc.Attempt) error {
	first, err := l.sessions.Once(r.Context(), "state\x00"+attempt.State, oidc.AttemptLifetime)
	if err == nil && !first {
		err = oidc.ErrUsed
	}
	return err
}

// open finds the attempt that the answer belongs to, and lets the browser
// forget it. One that this browser does not have was begun in another, has
// expired, or is lost.
func (l providerLogin) open(w http.ResponseWriter, r *http.Request, query url.Values) (a oidc.Attempt, err error) {
	states := query["state"]
	if len(states) != 1 {
		return a, fmt.Errorf("%w: its state is missing, or there more than once", oidc.ErrForged)
	}
	name, ok := l.cookie.attemptName(states[0])
	if !ok {
		return a, oidc.ErrForged
	}
	values := caller.Remember(r).CookiesNamed(name)
	switch len(values) {
	case 0:
		return a, l.missing(r, states[0])
	case 1:
		a, err = l.attempts.Open(l.provider.Name(), states[0], values[0])
		if err == nil {
			return l.cookie.takeWayBack(w, r, name, a, l.attempts), nil
		}
		l.cookie.clearAttempt(w, name)
		if _, ours := l.attempts.ReadState(l.provider.Name(), states[0]); ours && errors.Is(err, oidc.ErrForged) {
			err = fmt.Errorf("%w that this gateway can read: does another version, or another secret, run beside it?", oidc.ErrNoCookie)
		}
		return a, err
	default:
		return a, oidc.ErrForged // one of them was planted
	}
}

// finish signs the person in whom the provider vouches for.
func (l providerLogin) finish(w http.ResponseWriter, r *http.Request, attempt oidc.Attempt, query url.Values) {
	person, err := l.provider.Finish(r.Context(), attempt, query)
	if errors.Is(err, oidc.ErrPassing) && l.again(w, r, attempt, query, err) {
		return
	}
	if err != nil {
		l.fail(w, r, attempt.ReturnTo, err)
		return
	}
	s, why := l.arrive(r, attempt, person)
	l.attempted(r, l.provider.Name(), why)
	if why != nil {
		l.refuse(w, r, attempt.ReturnTo, why)
		return
	}
	l.setCookie(w, r, s)
	target := l.address.ReturnTo.Clean(r, attempt.ReturnTo)
	if l.callers.Caller(r).Standing != caller.SignedIn {
		told, _ := l.attempts.ReadState(l.provider.Name(), attempt.State)
		l.fresh.set(w, r, told.Unkept, s.ExpiresAt.Sub(l.now()))
		if told.Doubted && !attempt.Cut {
			target = l.fresh.confirm(l.address.BasePath, target)
		}
	}
	if l.cookie.Strict && r.Header.Get("Sec-Fetch-Site") != "same-origin" || attempt.Cut {
		// The browser holds a strict cookie back from a redirect that began
		// elsewhere; a page of our own leads on instead. To whom is not led to
		// where they wanted to go, it says so.
		web.Onward{Base: l.address.BasePath, To: target, Cut: attempt.Cut}.Write(w, l.address.Look.For(r))
		return
	}
	redirect(w, r, target)
}

// providerFailures are what can go wrong at a provider: the answer to it, and
// whether something is wrong, here or there; not just a person who changed
// their mind.
var providerFailures = []struct {
	err   error
	why   *refusal.Refusal
	wrong bool
}{
	{errMismatched, refusal.ProviderMismatched, true},
	{oidc.ErrDenied, refusal.Denied, false},
	{oidc.ErrExpired, refusal.Expired, false},
	{errPlainHTTP, refusal.NoCookiePlain, true},
	{errCrowdedOut, refusal.CrowdedOut, false},
	{errNoCookies, refusal.NoCookie, true},
	{errElsewhere, refusal.NoCookie, true},
	{oidc.ErrNoCookie, refusal.NoCookie, false},
	{oidc.ErrPassing, refusal.ProviderTrouble, true},
	{oidc.ErrNotYet, refusal.ProviderNotYet, true},
	{oidc.ErrForged, refusal.Forged, true},
	{oidc.ErrSpent, refusal.Spent, true},
	{oidc.ErrClock, refusal.Clock, true},
	{oidc.ErrAudience, refusal.Misconfigured, true},
	{oidc.ErrUnverified, refusal.Unverified, true},
	{oidc.ErrUnvouched, refusal.Unvouched, true},
	{oidc.ErrNoEmail, refusal.NoEmail, true},
	{oidc.ErrProvider, refusal.Misconfigured, true},
}

// fail answers with the login page that says in fixed words what went wrong;
// nothing that came in is repeated (CVE-2024-21496).
func (l providerLogin) fail(w http.ResponseWriter, r *http.Request, returnTo string, err error) {
	why := l.judge(r, err)
	l.attempted(r, l.provider.Name(), why)
	l.refuse(w, r, returnTo, why)
}

func (l providerLogin) refuse(w http.ResponseWriter, r *http.Request, returnTo string, why *refusal.Refusal) {
	l.pages.refuseAt(w, r, returnTo, why, cmp.Or(l.provider.Label, l.provider.Name()))
}

// errMismatched is for what is wrong with a provider before anybody was there.
var errMismatched = errors.New("nobody can be sent to the provider")

// judge says what the answer to the error is, and tells of it.
func (l providerLogin) judge(r *http.Request, err error) *refusal.Refusal {
	for _, f := range providerFailures {
		if !errors.Is(err, f.err) {
			continue
		}
		told := caller.Asker(r).Of(lifecycle.Event{Kind: NotFinished, Login: l.provider.Name(), Err: err})
		if f.wrong {
			told.Kind = WrongAtProvider
		}
		l.heard.Happened(told)
		return f.why
	}
	l.sessions.NotBegun(caller.Asking(r), l.provider.Name(), 0, err)
	if errors.Is(err, oidc.ErrUnavailable) {
		return refusal.ProviderAway
	}
	return refusalOf(err)
}
