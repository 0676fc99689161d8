package endpoint

import (
	"errors"
	"net/http"
	"net/url"
	"slices"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/web"
	"example.com/sidegate/sessionstore"
)

// logoutPath is where people sign out, and are told that they are.
const logoutPath = "/logout"

// stillParam names on that address the login by which somebody had come who has
// signed out here and not there. Anybody can write it: it only adds what may be so.
const stillParam = "still"

// logout is GET and POST /auth/logout.
type logout struct {
	pages
	callers  *caller.Finder
	sessions *lifecycle.Sessions
	signOut  sourceSignOut
	events   lifecycle.Events
	fresh    fresh
	adoption *Adoption
	after    afterwards
}

func logoutRoute(c Config) Route {
	l := logout{newPages(c), c.Callers, c.Sessions, newSourceSignOut(c), c.Events, newFresh(c), c.Adoption, afterwards{c.Address}}
	return Route{Path: logoutPath, Answers: map[string]http.HandlerFunc{http.MethodGet: l.get, http.MethodPost: l.post}, Reads: true}
}

// get asks for a confirmation: a GET changes nothing, or any page could sign
// people out with an image. To whom is signed out it says so: providers lead
// back here.
func (l logout) get(w http.ResponseWriter, r *http.Request) {
	c := l.callers.Caller(r)
	l.address.Cookie.HandOver(w, c)
	if !l.callers.MayBeIn(r) {
		if l.address.askedOnceMore(w, r, logoutPath) { // they may be, and the browser has not said so
			return
		}
		if l.after.take(w, r) {
			return
		}
		web.SignedOut{Base: l.address.BasePath, Still: l.signOut.called(only(r.URL.Query(), stillParam))}.Write(w, l.address.Look.For(r), http.StatusOK)
		return
	}
	page := web.Logout{Base: l.address.BasePath}
	page.ReturnTo, _ = l.address.ReturnTo.Allow(r, returnToOf(r))
	if c.Standing == caller.SignedIn {
		page.SignedInAs = calledHere(c)
	}
	page.Write(w, l.address.Look.For(r), http.StatusOK)
}

// post ends every session whose credential was presented: cookie and token die
// at once, also a token past its time. One that names no session that is known
// here is answered with 401, when all else has ended. Success is only answered
// when the store said so (CVE-2020-15223); otherwise the cookie stays, to try
// again with.
func (l logout) post(w http.ResponseWriter, r *http.Request) {
	fromPage := isForm(r)
	var next oidc.EndSession
	after := ""
	if fromPage { // while the session can still say where it came from
		if err := r.ParseForm(); err != nil {
			refusal.CloseUnread(w, r)
			l.address.Refuse(w, r, refuseBody(err), "")
			return
		}
		next, after = l.next(r, only(r.PostForm, fieldReturnTo))
	}
	c, presented := l.callers.Caller(r), l.callers.Presented(r)
	known, done := l.end(w, r, c, presented)
	if !done {
		return
	}
	// It says nothing, and is not waited for before: when it does not come, the
	// server takes the client to be gone, and then the store is not asked.
	if finishBody(r) != nil {
		refusal.CloseUnread(w, r)
	}
	if presented.Ours {
		l.address.Cookie.ClearOf(w, r, known)
	} else {
		l.fresh.clear(w, r)
	}
	l.address.Cookie.ExpireOld(w, r, l.address.Sites.Of(r).Hostname())
	if presented.Unknown { // its session may live
		l.address.Refuse(w, r, refusal.Token, "")
		return
	}
	// Also to who was signed out already: what is left of them there is to go.
	l.after.signsOut(w, r, after)
	if fromPage {
		l.signOut.lead(w, r, next)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}

// cookiesOf are the app's cookies that the caller's session knows.
func cookiesOf(c *caller.Caller, sessions *lifecycle.Sessions) profile.AppCookies {
	if c.Session == nil {
		return nil
	}
	return sessions.AppCookies.In(c.Session)
}

// end ends what was presented, or answers that it could not; known are the apps'
// cookies of what has ended.
func (l logout) end(w http.ResponseWriter, r *http.Request, c *caller.Caller, presented *caller.Presented) (known profile.AppCookies, done bool) {
	keys := slices.Concat(presented.Sessions, presented.Expired)
	err := errors.Join(presented.Untold, l.spend(r, c))
	if err == nil {
		known, err = l.sessions.EndAll(caller.Asking(r), keys)
	}
	if err != nil {
		l.events.Trouble(r.Context(), "a session could not be ended", err)
		refusal.CloseUnread(w, r)
		l.address.Refuse(w, r, refusal.StillSignedIn, "")
		return nil, false
	}
	if !presented.All {
		refusal.CloseUnread(w, r)
		l.address.Refuse(w, r, refusal.TooMany, "")
		return nil, false
	}
	if len(keys) > 0 {
		l.events.Happened(signedOut(SignedOut, r, c, keys[0]))
	}
	return known, true
}

// spend has the cookies of another gateway that came along sign nobody in any more.
func (l logout) spend(r *http.Request, c *caller.Caller) error {
	if l.adoption == nil || c.Session == nil {
		return nil
	}
	return l.adoption.Spend(r, c.Session)
}

// signedOut is the event of somebody who had that session ended; who they are is
// left out where the session could not be read any more.
func signedOut(kind lifecycle.Kind, r *http.Request, c *caller.Caller, key sessionstore.Key) lifecycle.Event {
	e := caller.Asker(r).Of(lifecycle.Event{Kind: kind, Session: key})
	if c.Session != nil {
		e.Login, e.UserID = c.Session.Method, c.Session.User.ID
	}
	return e
}

// next is where a person goes who has signed out: to the provider, to sign out
// there too, else where they asked to go, else to the page that says so. It is no
// page that asks for a session: signing in may take no more than arriving there.
// after is where the provider's way back is to lead on to, if anywhere.
func (l logout) next(r *http.Request, returnTo string) (next oidc.EndSession, after string) {
	c := l.callers.Caller(r)
	target, ok := l.address.ReturnTo.Allow(r, returnTo)
	if end, there := l.signOut.of(r, c); there {
		return end, target
	}
	if ok {
		return oidc.EndSession{Location: target}, ""
	}
	said := l.address.BasePath + logoutPath
	if c.Standing == caller.SignedIn && l.signOut.called(c.Session.Method) != web.Nowhere {
		said = withParam(said, stillParam, url.QueryEscape(c.Session.Method))
	}
	return oidc.EndSession{Location: said}, ""
}
