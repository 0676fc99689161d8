package caddymodule

import (
	"net/http"

	"example.com/sidegate/caddymodule/web"
)

// getLogout asks for a confirmation: a GET changes nothing, or any page could
// sign people out with an image.
func getLogout(g *gateway, w http.ResponseWriter, r *http.Request) {
	page := web.Logout{
		Base:        g.app.BasePath,
		ReturnTo:    g.app.returnTo.clean(r, r.URL.Query().Get("return_to")),
		FormTargets: g.app.returnTo.listed,
	}
	if c := g.caller(r); c.standing == signedIn {
		page.SignedInAs = c.user.Email
	}
	page.Write(w, http.StatusOK)
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
	target, ok := g.app.returnTo.allow(r, returnTo)
	if !ok {
		target = g.app.BasePath + "/login"
	}
	redirect(w, r, target)
}

// isForm tells a page's form from a program's call.
func isForm(r *http.Request) bool {
	return mediaType(r) == mediaForm || isNavigation(r)
}
