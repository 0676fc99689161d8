package caddymodule

import (
	"net/http"
	"slices"

	"example.com/sidegate/caddymodule/web"
)

// getLogout asks for a confirmation: a GET changes nothing, or any page could
// sign people out with an image. To whom is signed out it says so: providers
// lead back here.
func getLogout(g *gateway, w http.ResponseWriter, r *http.Request) {
	c := g.caller(r)
	if c.standing == anonymous || c.standing == rejected {
		web.SignedOut{Base: g.app.BasePath}.Write(w, http.StatusOK)
		return
	}
	page := web.Logout{
		Base:        g.app.BasePath,
		ReturnTo:    g.app.returnTo.clean(r, r.URL.Query().Get("return_to")),
		FormTargets: g.signOutTargets(r, c),
	}
	if c.standing == signedIn {
		page.SignedInAs = c.user.Email
	}
	page.Write(w, http.StatusOK)
}

// signOutTargets are where a sign-out may lead: the listed origins, and the
// place where the session's provider wants to be told of it.
func (g *gateway) signOutTargets(r *http.Request, c *caller) []string {
	targets := slices.Clone(g.app.returnTo.listed)
	if location, ok := g.endSession(r, c); ok {
		targets = append(targets, location)
	}
	return targets
}

// postLogout ends every session whose credential was presented: cookie and
// token die at once. Success is only answered when the store said so
// (CVE-2020-15223); otherwise the cookie stays, to try again with.
func postLogout(g *gateway, w http.ResponseWriter, r *http.Request) {
	fromPage := isForm(r)
	returnTo := ""
	if fromPage {
		if err := r.ParseForm(); err != nil {
			refuseBody(err).write(w, r)
			return
		}
		returnTo = r.PostForm.Get("return_to")
	}
	target := ""
	if fromPage { // while the session can still say where it came from
		target = g.afterLogout(r, returnTo)
	}
	ended, err := g.endPresented(r)
	if err != nil {
		g.reportStore(r.Context(), "a session could not be ended", err)
		refuseUnavailable.saying("The session could not be ended: you are still signed in. Try again shortly.").write(w, r)
		return
	}
	if ended > 0 {
		g.app.metrics.signOuts.Inc()
	}
	if len(visitOf(r).sessionCookies(g.app.Cookie.Name)) > 0 {
		g.app.Cookie.clear(w)
	}
	if !fromPage {
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	redirect(w, r, target)
}

// afterLogout is where a person goes who has signed out: to the provider, to
// sign out there too, else where they asked to go, else to sign in again; not
// at once, though, where signing in takes no more than arriving there.
func (g *gateway) afterLogout(r *http.Request, returnTo string) string {
	if location, ok := g.endSession(r, g.caller(r)); ok {
		return location
	}
	if target, ok := g.app.returnTo.allow(r, returnTo); ok {
		return target
	}
	if g.loginPage(r, "").Alone() {
		return g.app.BasePath + "/logout"
	}
	return g.app.BasePath + "/login"
}

// isForm tells a page's form from a program's call.
func isForm(r *http.Request) bool {
	return mediaType(r) == mediaForm || isNavigation(r)
}
