package endpoint

import (
	"net/http"
	"time"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/caddymodule/origin"
	"example.com/sidegate/caddymodule/web"
)

// fresh is the word of a browser that a sign-in has just succeeded in it: a cookie
// of its own, set as those of attempts are. It is looked at where the next sign-in
// begins. If that is without a session, the browser does not keep the session's
// cookie, and a provider that answers at once would send it round for ever. The word
// signs nobody in.
type fresh struct {
	cookie   Cookie
	sites    *origin.Sites
	attempts *oidc.AttemptSealer
	now      func() time.Time
}

func newFresh(c Config) fresh { return fresh{c.Cookie, c.Sites, c.Attempts, c.Now} }

const (
	// freshName goes on the names of attempts' cookies. No state is so short.
	freshName = "succeeded"
	// freshLife is for how long it counts: the next page comes at once, and who
	// begins anew later may have lost their session otherwise.
	freshLife = 30 * time.Second
	// freshLogin is what it is sealed for. No login has that name.
	freshLogin = "\x00succeeded"
	// freshParam is the same word in an address of ours, for a browser that may
	// keep no cookie at all.
	freshParam = "succeeded"
	// endedName goes on the name of a cookie that all hosts of the session's get when
	// it ends at one of them: the word is of a single host, and would say at the one
	// that was signed in at that the browser had kept nothing.
	endedName = "ended"
	// longConfirm bounds the address that it is put into, in bytes: headers of 4 KiB
	// and more are too long for proxies, and those of cookies stand beside it.
	longConfirm = 2 << 10
)

// at is how the cookie is set at that site. It is no secret: where browsers keep
// no Secure cookie, as over plain http, it comes back all the same, and says so.
func (f fresh) at(r *http.Request) *Cookie {
	c := f.cookie
	c.Insecure = c.Insecure || f.sites.Plain(r)
	return &c
}

func (f fresh) name(r *http.Request) string { return f.at(r).AttemptPrefix() + freshName }

// set gives the browser the word; second says that the sign-in before that one
// had succeeded as well, and nobody was signed in by it. It is gone before a session
// of that life ends by itself.
func (f fresh) set(w http.ResponseWriter, r *http.Request, second bool, life time.Duration) {
	if f.cookie.hasEnded(r) {
		http.SetCookie(w, f.cookie.ended(-1))
	}
	value := f.attempts.State(freshLogin, oidc.Told{Again: second})
	http.SetCookie(w, f.at(r).attempt(f.name(r), value, int(min(freshLife, life/2)/time.Second)))
}

// read reports whether the request has the word, and what it says. Nothing, once the
// session has ended at another host of its cookie.
func (f fresh) read(r *http.Request) (said, second bool) {
	if f.cookie.hasEnded(r) {
		return false, false
	}
	for _, value := range caller.Remember(r).CookiesNamed(f.name(r)) {
		if said, second = f.opens(value); said {
			return said, second
		}
	}
	return false, false
}

func (f fresh) opens(value string) (said, second bool) {
	told, ours := f.attempts.ReadState(freshLogin, value)
	return ours && f.now().Before(told.Began.Add(freshLife)), told.Again
}

// confirm is the login page's address on the way to target: it leads on whom it
// finds signed in, and tells others at once that their browser has kept nothing.
func (f fresh) confirm(base, target string) string {
	to := withParam(base+loginPath+returnToQuery(target, false), freshParam, f.attempts.State(freshLogin, oidc.Told{}))
	if len(to) > longConfirm {
		return target
	}
	return to
}

// confirms reports whether a sign-in has led to that address a moment ago.
func (f fresh) confirms(r *http.Request) bool {
	said, _ := f.opens(only(r.URL.Query(), freshParam))
	return said
}

// clear takes the word back: somebody is signed in, has signed out, or was told.
func (f fresh) clear(w http.ResponseWriter, r *http.Request) { f.cookie.clearFresh(w, r) }

// clearFresh has the browser forget the word, if it has it, by either name.
func (c *Cookie) clearFresh(w http.ResponseWriter, r *http.Request) {
	for _, insecure := range []bool{c.Insecure, true} {
		as := *c
		as.Insecure = insecure
		if name := as.AttemptPrefix() + freshName; len(caller.Remember(r).CookiesNamed(name)) > 0 {
			as.clearAttempt(w, name)
		}
		if c.Insecure {
			return
		}
	}
}

// hasFresh reports whether the browser has sent the word, which may be made up. The
// names are whole, for every page that is asked for is looked at.
func (c *Cookie) hasFresh(r *http.Request) bool {
	sent := caller.Remember(r)
	return len(sent.CookiesNamed(insecureAttemptCookie+freshName)) > 0 || !c.Insecure && len(sent.CookiesNamed(attemptCookie+freshName)) > 0
}

// Known takes the word back where the session's cookie has come back with it and opens
// the session: whose session ends after that, at another device, has a browser that
// keeps cookies. With pages it does so in answers to navigations alone. It reports
// whether the browser is told something by it.
func (c *Cookie) Known(w http.ResponseWriter, r *http.Request, by *caller.Caller, pages bool) bool {
	if by.Standing != caller.SignedIn || by.Token != "" || !c.hasFresh(r) || pages && !web.IsNavigation(r) {
		return false
	}
	c.clearFresh(w, r)
	return true
}

// ended is the cookie of endedName, for that many seconds. It is bare of the prefix
// of attempts', which is for one host alone, and tells nothing that needs it.
func (c *Cookie) ended(maxAge int) *http.Cookie {
	cookie := c.attempt(insecureAttemptCookie+endedName, "1", maxAge)
	cookie.Domain = c.Domain
	return cookie
}

func (c *Cookie) hasEnded(r *http.Request) bool {
	return c.Domain != "" && len(caller.Remember(r).CookiesNamed(insecureAttemptCookie+endedName)) > 0
}
