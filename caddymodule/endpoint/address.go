package endpoint

import (
	"net/http"
	"net/url"
	"strings"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/origin"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/web"
)

// Address is where the routes are and how browsers reach them.
type Address struct {
	// BasePath is what they lie below, such as /auth.
	BasePath string
	// Sites says how browsers reach the site of a request, and Check whose page
	// has sent it.
	Sites *origin.Sites
	Check *origin.Check
	// ReturnTo says where a sign-in or sign-out may lead back to.
	ReturnTo ReturnTargets
	// Cookie is the session cookie.
	Cookie Cookie
	// Look is how the pages look and speak; nil: as they do without a word of it.
	Look *web.Look
	// Clearing is what a browser is told to forget at a sign-out besides.
	Clearing Clearing
	// AccountParam is the parameter of an address that chooses an account; empty: none.
	AccountParam string
}

// LoginURL leads a person to the login page and back to what they asked for. It
// is relative, so nothing that the client says of hosts is in it.
func (a *Address) LoginURL(r *http.Request, asked string) string {
	target, cut := a.ReturnTo.Keep(r, asked)
	return a.BasePath + loginPath + returnToQuery(target, cut || target == "/" && strings.HasPrefix(asked, "/") && toPath(asked) != "/")
}

// LoginURLFor is LoginURL for who asked another proxy for r: the whole address where
// the gateway has a public one, for the app may be at another host.
func (a *Address) LoginURLFor(r *http.Request) string { return a.loginURLFor(r, r.URL.RequestURI()) }

// TellLogin says in an answer to a program that is not signed in where people sign in. A
// page of a listed origin is told the whole address: a path would lead to its own site.
func (a *Address) TellLogin(h http.Header, r *http.Request, asked string) {
	to := a.loginURLFor(r, asked)
	if strings.HasPrefix(to, "/") && a.Check.FromListed(r) {
		to = a.Sites.Of(r).String() + to
	}
	h.Set(loginURLHeader, inASCII(to))
}

func (a *Address) loginURLFor(r *http.Request, asked string) string {
	if a.Sites.Public == (origin.Origin{}) {
		return a.LoginURL(r, asked)
	}
	if here := origin.Of(r); here != a.Sites.Public {
		asked = here.String() + asked
	}
	return a.Sites.Public.String() + a.LoginURL(r, asked)
}

// ToLogin leads a person who is not signed in to the login page, as everything
// that leads somewhere does.
func (a *Address) ToLogin(w http.ResponseWriter, r *http.Request, asked string) {
	w.Header().Set("Vary", web.VaryOnCaller)
	if to, ok := a.ReturnTo.Allow(r, asked); ok && a.heldBack(r) {
		web.SameSite{To: to}.Write(w, a.Look.For(r))
		return
	}
	to := a.LoginURL(r, asked)
	if a.Cookie.hasFresh(r) && len(caller.Remember(r).CookiesNamed(a.Cookie.Name)) > 0 {
		to = withParam(to, cameParam, "1")
	}
	redirect(w, r, to)
}

// Relay is ToLogin for a page that a script has asked for, to show it.
func (a *Address) Relay(w http.ResponseWriter, r *http.Request, why *refusal.Refusal, asked string) {
	why.WriteHeaders(w)
	a.TellLogin(w.Header(), r, asked)
	web.Relayed{To: a.LoginURL(r, asked)}.Write(w, a.Look.For(r))
}

// heldBack reports whether the browser may have a strict cookie that it has not
// sent, because a link of another site led here (RFC 6265bis section 5.2). It
// says so once: what a page of ours leads to comes from this site.
func (a *Address) heldBack(r *http.Request) bool {
	return a.Cookie.Strict && r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Site") == "cross-site" &&
		r.Header.Get("Sec-Fetch-Dest") == "document" && len(caller.Remember(r).CookiesNamed(a.Cookie.Name)) == 0
}

// onceParam says on an address of ours that a page of ours has led there once.
const onceParam = "here"

func ledOnce(r *http.Request) bool { return r.URL.Query().Has(onceParam) }

// askedOnceMore answers with a page of this site that asks for that path of ours
// once more, with the same query, where the browser may have held a strict cookie
// back. Browsers say that nowhere but over https and on their own machine: from
// others it is asked once, which the address says then.
func (a *Address) askedOnceMore(w http.ResponseWriter, r *http.Request, path string) bool {
	if !a.heldBack(r) && (!a.mayHoldBack(r) || ledOnce(r)) {
		return false
	}
	query := r.URL.Query()
	query.Set(onceParam, "1")
	w.Header().Set("Vary", web.VaryOnCaller)
	web.SameSite{To: a.BasePath + path + "?" + query.Encode()}.Write(w, a.Look.For(r))
	return true
}

// mayHoldBack is heldBack for a browser that does not say where the link stood, and
// names no page of this site.
func (a *Address) mayHoldBack(r *http.Request) bool {
	if !a.Cookie.Strict || r.Method != http.MethodGet || r.Header.Get("Sec-Fetch-Mode") != "" || !web.IsNavigation(r) {
		return false
	}
	from, err := url.Parse(r.Referer())
	return (err != nil || origin.OfURL(from) != a.Sites.Of(r)) && len(caller.Remember(r).CookiesNamed(a.Cookie.Name)) == 0
}

// CannotTell is the refusal when it cannot be told who calls: 500 for the
// session itself, as its contract says, and as it is for all else; and for trouble of
// somebody else than the store.
func (a *Address) CannotTell(r *http.Request, why *refusal.Refusal) *refusal.Refusal {
	switch {
	case r.URL.Path != a.BasePath+sessionPath || why != refusal.Unavailable && why != refusal.Unreadable:
		return why
	case why == refusal.Unreadable:
		return refusal.Unreadable.WithStatus(http.StatusInternalServerError)
	}
	return refusal.Unavailable.WithStatus(http.StatusInternalServerError)
}

// Refuse answers with the refusal. A person whose session cannot be read is
// offered to end it, to sign in again and be led back to what they asked for.
func (a *Address) Refuse(w http.ResponseWriter, r *http.Request, why *refusal.Refusal, asked string) {
	if !web.IsNavigation(r) {
		why.WriteJSON(w)
		return
	}
	view := a.Look.For(r)
	if why != refusal.Unreadable {
		why.WriteHeaders(w)
		a.problem(r, why, view, asked).Write(w, view)
		return
	}
	why.WriteHeaders(w)
	returnTo := a.ReturnTo.Clean(r, asked)
	if returnTo == "/" {
		returnTo = "" // where it leads anyway
	}
	web.Unreadable{Base: a.BasePath, ReturnTo: returnTo}.Write(w, view)
}

// problem is the page of a refusal with the ways on that there are at this site.
func (a *Address) problem(r *http.Request, why *refusal.Refusal, view web.View, asked string) web.Problem {
	page := why.Problem(r, view)
	page.Base, page.Back = a.BasePath, a.formPage(r)
	if page.ReturnTo = a.ReturnTo.Clean(r, asked); page.ReturnTo == "/" || len(page.ReturnTo) > plainReturnTo {
		page.ReturnTo = ""
	}
	return page
}

// formPage is the page of ours whose form has posted the request; empty: it was none.
func (a *Address) formPage(r *http.Request) string {
	below, ours := strings.CutPrefix(r.URL.Path, a.BasePath)
	if !ours || r.Method != http.MethodPost {
		return ""
	}
	for _, page := range []string{logoutPath, devicesPath, accountPath} {
		if below == page || strings.HasPrefix(below, page+"/") {
			return a.BasePath + page
		}
	}
	if strings.HasPrefix(below, "/") {
		return a.BasePath + loginPath
	}
	return ""
}

// Forbid is Refuse for a person who is signed in and may not go there: they read
// who they are, and can come back as somebody else.
func (a *Address) Forbid(w http.ResponseWriter, r *http.Request, why *refusal.Refusal, c *caller.Caller, asked string) {
	if c.Standing != caller.SignedIn || !web.IsNavigation(r) {
		a.Refuse(w, r, why, asked)
		return
	}
	why.WriteHeaders(w)
	view := a.Look.For(r)
	page := a.problem(r, why, view, asked)
	page.SignedInAs = calledHere(c)
	accounts := len(c.Session.User.Accounts)
	page.OtherAccount = why == refusal.AccountAdmin && accounts > 1 || why == refusal.Account && accounts > 0
	page.Write(w, view)
}

// redirect is always 303: 307 would send the password on (RFC 9700 section
// 4.12). The address that it leads away from may hold a code (section 4.2.4).
func redirect(w http.ResponseWriter, _ *http.Request, target string) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Location", inASCII(target)) // http.Redirect folds the slashes of a path
	w.WriteHeader(http.StatusSeeOther)
}
