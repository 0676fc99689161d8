package caddymodule

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/web"
)

// provider is a login that sends people to another place and takes them back.
type provider interface {
	login.Method
	Begin(ctx context.Context, redirectURI, returnTo string) (location string, attempt oidc.Attempt, err error)
	Finish(ctx context.Context, attempt oidc.Attempt, query url.Values) (*profile.Person, error)
	EndSession(ctx context.Context, idToken, postLogoutRedirect string) (location string, ok bool)
	VerifyLogoutToken(ctx context.Context, raw string) (oidc.LogoutToken, error)
}

func (a *App) provider(name string) (provider, bool) {
	for _, p := range a.providers {
		if p.Name() == name {
			return p, true
		}
	}
	return nil, false
}

// origin is how browsers reach this site.
func (a *App) origin(r *http.Request) string {
	if a.PublicURL != "" {
		return a.PublicURL
	}
	return requestOrigin(r)
}

// getProviderLogin answers GET /auth/login/{name}: the browser is sent to the
// provider. Nothing is kept here for a stranger: the attempt is sealed into a
// cookie.
func getProviderLogin(g *gateway, p provider, w http.ResponseWriter, r *http.Request) {
	returnTo := g.app.returnTo.clean(r, r.URL.Query().Get("return_to"))
	redirectURI := g.app.origin(r) + g.app.BasePath + "/callback/" + p.Name()
	location, attempt, err := p.Begin(r.Context(), redirectURI, returnTo)
	if err != nil {
		g.refuseProvider(w, r, p, returnTo, err)
		return
	}
	sealed, err := g.attempts.Seal(attempt)
	if err != nil {
		g.refuseProvider(w, r, p, returnTo, err)
		return
	}
	g.app.Cookie.setAttempt(w, r, attempt, sealed, attempt.Expires.Sub(g.app.now()))
	redirect(w, r, location)
}

// getCallback answers GET /auth/callback/{name}: the provider has sent the
// browser back. The attempt is used up, however it ends.
func getCallback(g *gateway, p provider, w http.ResponseWriter, r *http.Request) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		g.refuseProvider(w, r, p, "", oidc.ErrForged)
		return
	}
	attempt, err := g.openAttempt(w, r, p, query)
	if errors.Is(err, oidc.ErrExpired) && g.caller(r).standing == signedIn {
		getLogin(g, w, r) // the same answer a second time: a reload, or "back" in the browser
		return
	}
	if err != nil {
		g.refuseProvider(w, r, p, "", err)
		return
	}
	g.finish(w, r, p, attempt, query)
}

// openAttempt finds the attempt that the answer belongs to, and lets the
// browser forget it. One that this browser does not have was begun in another,
// or has expired.
func (g *gateway) openAttempt(w http.ResponseWriter, r *http.Request, p provider, query url.Values) (a oidc.Attempt, err error) {
	states := query["state"]
	if len(states) != 1 {
		return a, oidc.ErrForged
	}
	name, ok := g.app.Cookie.attemptName(states[0])
	if !ok {
		return a, oidc.ErrForged
	}
	values := visitOf(r).sessionCookies(name)
	switch len(values) {
	case 0:
		return a, oidc.ErrExpired
	case 1:
		g.app.Cookie.clearAttempt(w, name)
		return g.attempts.Open(p.Name(), states[0], values[0])
	default:
		return a, oidc.ErrForged // one of them was planted
	}
}

// finish signs the person in whom the provider vouches for.
func (g *gateway) finish(w http.ResponseWriter, r *http.Request, p provider, attempt oidc.Attempt, query url.Values) {
	person, err := p.Finish(r.Context(), attempt, query)
	if err != nil {
		g.refuseProvider(w, r, p, attempt.ReturnTo, err)
		return
	}
	s, secret, why := g.begin(r, p, person)
	g.app.metrics.signIn(p.Name(), why)
	if why.status != 0 {
		g.providerPage(w, r, attempt.ReturnTo, failureOf(why), why)
		return
	}
	g.app.Cookie.set(w, secret, g.left(s))
	target := g.app.returnTo.clean(r, attempt.ReturnTo)
	if g.app.Cookie.SameSite == "strict" {
		// The browser holds a strict cookie back from a redirect that began
		// elsewhere; a page of our own leads on instead.
		web.Onward{Base: g.app.BasePath, To: target}.Write(w)
		return
	}
	redirect(w, r, target)
}

// providerFailures are what can go wrong at a provider: the page for it, its
// status, and whether the operator should look.
var providerFailures = []struct {
	err     error
	failure web.Failure
	status  int
	wrong   bool // here or there; not just a person who changed their mind
}{
	{oidc.ErrDenied, web.Denied, http.StatusUnauthorized, false},
	{oidc.ErrExpired, web.Expired, http.StatusBadRequest, false},
	{oidc.ErrForged, web.Forged, http.StatusBadRequest, true},
	{oidc.ErrClock, web.Clock, http.StatusUnauthorized, true},
	{oidc.ErrAudience, web.Misconfigured, http.StatusUnauthorized, true},
	{oidc.ErrUnverified, web.Unverified, http.StatusForbidden, false},
	{oidc.ErrNoEmail, web.NoEmail, http.StatusForbidden, true},
	{oidc.ErrProvider, web.Misconfigured, http.StatusUnauthorized, true},
}

// refuseProvider answers with the login page that says in fixed words what
// went wrong; nothing that came in is repeated (CVE-2024-21496).
func (g *gateway) refuseProvider(w http.ResponseWriter, r *http.Request, p provider, returnTo string, err error) {
	for _, f := range providerFailures {
		if !errors.Is(err, f.err) {
			continue
		}
		level := zap.InfoLevel
		if f.wrong {
			level = zap.WarnLevel
		}
		g.app.logger.Log(level, "sign-in not finished", zap.String("login", p.Name()), zap.Stringer("client", clientAddr(r)), zap.Error(err))
		why := refusal{status: f.status}
		g.app.metrics.signIn(p.Name(), why)
		g.providerPage(w, r, returnTo, f.failure, why)
		return
	}
	why := g.refuseBuild(r.Context(), p, &profile.Person{}, err)
	if why.status != http.StatusServiceUnavailable || r.Context().Err() == nil {
		g.app.metrics.signIn(p.Name(), why)
	}
	g.providerPage(w, r, returnTo, failureOf(why), why)
}

func (g *gateway) providerPage(w http.ResponseWriter, r *http.Request, returnTo string, failure web.Failure, why refusal) {
	page := g.loginPage(r, returnTo)
	page.Failure, page.Reason, page.RetryAfter = failure, why.message, why.retryAfter
	why.writeHeaders(w)
	page.Write(w, why.status)
}

// endSession is where the browser should go next to end the session at its
// provider too, and back to a page of ours from there.
func (g *gateway) endSession(r *http.Request, c *caller) (string, bool) {
	if c.standing != signedIn {
		return "", false
	}
	p, ok := g.app.provider(c.session.Method)
	if !ok {
		return "", false
	}
	kept, err := profile.DecodeKept(c.session.Kept)
	if err != nil || kept == nil {
		kept = new(profile.Kept)
	}
	ctx, cancel := context.WithTimeout(r.Context(), endSessionPatience)
	defer cancel()
	return p.EndSession(ctx, kept.IDToken, g.app.origin(r)+g.app.BasePath+"/logout")
}

// endSessionPatience bounds how long a sign-out waits to learn where the
// provider wants to be told of it.
const endSessionPatience = 2 * time.Second
