package endpoint

import (
	"net/http"
	"time"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/login/oidc"
)

// fresh is the word of a browser that a sign-in at a provider has just succeeded
// in it: a cookie of its own, set as those of attempts are. It is looked at where
// the next sign-in begins. If that is without a session, the browser does not keep
// the session's cookie, and a provider that answers at once would send it round for
// ever. The word signs nobody in.
type fresh struct {
	cookie   Cookie
	attempts *oidc.AttemptSealer
	now      func() time.Time
}

func newFresh(c Config) fresh { return fresh{c.Cookie, c.Attempts, c.Now} }

const (
	// freshName goes on the names of attempts' cookies. No state is so short.
	freshName = "succeeded"
	// freshLife is for how long it counts: the next page comes at once, and who
	// begins anew later may have lost their session otherwise.
	freshLife = 30 * time.Second
	// freshLogin is what it is sealed for. No login has that name.
	freshLogin = "\x00succeeded"
)

func (f fresh) name() string { return f.cookie.AttemptPrefix() + freshName }

// set gives the browser the word; second says that the sign-in before that one
// had succeeded as well, and nobody was signed in by it.
func (f fresh) set(w http.ResponseWriter, second bool) {
	value := f.attempts.State(freshLogin, oidc.Told{Again: second})
	http.SetCookie(w, f.cookie.attempt(f.name(), value, int(freshLife/time.Second)))
}

// read reports whether the request has the word, and what it says.
func (f fresh) read(r *http.Request) (said, second bool) {
	for _, value := range caller.Remember(r).CookiesNamed(f.name()) {
		told, ours := f.attempts.ReadState(freshLogin, value)
		if ours && f.now().Before(told.Began.Add(freshLife)) {
			return true, told.Again
		}
	}
	return false, false
}

// clear takes the word back: somebody is signed in, has signed out, or was told.
func (f fresh) clear(w http.ResponseWriter, r *http.Request) {
	if len(caller.Remember(r).CookiesNamed(f.name())) > 0 {
		f.cookie.clearAttempt(w, f.name())
	}
}
