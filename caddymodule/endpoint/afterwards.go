package endpoint

import (
	"net/http"
	"net/url"
	"time"

	"example.com/sidegate/caddymodule/caller"
)

const (
	// afterwardsName goes on the names of attempts' cookies. No state is so short.
	afterwardsName = "afterwards"
	// afterwardsLife is for how long somebody may look at their provider's page.
	afterwardsLife = 5 * time.Minute
	// longAfterwards bounds the cookie's value, in bytes, which comes with every request
	// meanwhile.
	longAfterwards = 1200
)

// afterwards is where somebody asked to be led whose sign-out goes over their provider,
// which leads back to one address and no other: a cookie of this browser, set as those of
// attempts are. It is not sealed, for it is held to what an address may say as well when
// it comes back: whoever plants one leads nowhere that a link would not.
type afterwards struct{ address Address }

func (a afterwards) name() string { return a.address.Cookie.AttemptPrefix() + afterwardsName }

// keep has the browser remember target, and forget what it remembers of a sign-out
// before; an empty one is none. It reports whether it remembers any.
func (a afterwards) keep(w http.ResponseWriter, r *http.Request, target string) bool {
	value := url.QueryEscape(target)
	switch {
	case target != "" && len(value) <= longAfterwards:
		http.SetCookie(w, a.address.Cookie.attempt(a.name(), value, int(afterwardsLife/time.Second)))
		return true
	case len(a.values(r)) > 0:
		a.address.Cookie.clearAttempt(w, a.name())
	}
	return false
}

// signsOut is keep at a sign-out: it also has the browser forget what is configured. Its
// cookies it forgets on the way back where target is kept in one.
func (a afterwards) signsOut(w http.ResponseWriter, r *http.Request, target string) {
	tell := a.address.Clearing
	if a.keep(w, r, target) {
		tell, _ = tell.split()
	}
	tell.tell(w.Header())
}

// take leads the browser where it was to be led, once, and reports whether it does. What
// may not be led to now is forgotten as well.
func (a afterwards) take(w http.ResponseWriter, r *http.Request) bool {
	values := a.values(r)
	if len(values) == 0 {
		return false
	}
	a.address.Cookie.clearAttempt(w, a.name())
	_, late := a.address.Clearing.split()
	late.tell(w.Header())
	raw, err := url.QueryUnescape(values[0])
	if err != nil || len(values) > 1 {
		return false
	}
	target, ok := a.address.ReturnTo.Allow(r, raw)
	if ok {
		redirect(w, r, target)
	}
	return ok
}

func (a afterwards) values(r *http.Request) []string {
	return caller.Remember(r).CookiesNamed(a.name())
}
