package endpoint

import (
	"errors"
	"net/http"
	"time"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/sessionstore"
)

// arrivals begin the sessions of people whom a login has found, whichever it was.
type arrivals struct {
	callers  *caller.Finder
	sessions *lifecycle.Sessions
	cookie   Cookie
	heard    lifecycle.Events
	now      func() time.Time
	fresh    fresh
	adoption *Adoption
}

func newArrivals(c Config) arrivals {
	return arrivals{c.Callers, c.Sessions, c.Cookie, c.Events, c.Now, newFresh(c), c.Adoption}
}

// arrived is a session that has just begun, and the secret that names it.
type arrived struct {
	*sessionstore.Session
	secret  sessionstore.Secret // the zero value: the browser has it already
	cookies []string            // Set-Cookie lines of the app that the person came from
}

// begin makes the session of somebody who has just signed in, in place of those
// that the request presents; or finds it among those that the browser has begun
// beside this sign-in.
func (a arrivals) begin(r *http.Request, method login.Method, person *profile.Person, beside ...*sessionstore.Session) (arrived, *refusal.Refusal) {
	s, secret, err := a.sessions.Begin(caller.Asking(r), method, person, lifecycle.Arrival{
		Address:   caller.Address(r),
		UserAgent: r.UserAgent(),
		Presented: a.callers.Presented(r).Sessions,
		Beside:    beside,
	})
	if err != nil {
		_, typed := method.(login.PasswordMethod)
		if typed && errors.Is(err, login.ErrRefused) {
			return arrived{}, refusal.Credentials // as for everybody whom the login refuses
		}
		return arrived{}, refusalOf(err)
	}
	a.spend(r, s)
	return arrived{s, secret, person.CookieLines}, nil
}

// spend sees to it that a cookie of another gateway, which may be of whoever sat there
// before, signs nobody in once this session has ended.
func (a arrivals) spend(r *http.Request, s *sessionstore.Session) {
	if a.adoption == nil {
		return
	}
	if err := a.adoption.Spend(r, s); err != nil {
		a.heard.Trouble(r.Context(), "the cookie of another gateway could not be marked as good for nobody", err)
	}
}

// refusalOf is the answer to an error of lifecycle.Sessions.Begin.
func refusalOf(err error) *refusal.Refusal {
	if refused, ok := errors.AsType[*profile.Refused](err); ok {
		return refusal.Rule.Saying(refused.Message)
	}
	switch {
	case errors.Is(err, profile.ErrInvalid):
		return refusal.Profile
	case profile.IsLasting(err):
		return refusal.NotMapped
	case errors.Is(err, sessionstore.ErrTooMany):
		return refusal.TooManySessions
	case errors.Is(err, lifecycle.ErrNumberTaken):
		return refusal.NumberTaken
	case errors.Is(err, login.ErrRefused):
		return refusal.Rule
	case errors.Is(err, lifecycle.ErrAskAgain):
		return refusal.AskAgain
	}
	return refusal.Unavailable
}

// attempted tells how an attempt to sign in ended. Nobody failed whose client
// has gone away.
func (a arrivals) attempted(r *http.Request, login string, why *refusal.Refusal) {
	if why != nil && why.Status == http.StatusServiceUnavailable && r.Context().Err() != nil {
		return
	}
	a.heard.Happened(lifecycle.Event{Kind: Attempted, Login: login, Result: refusal.ResultOf(why)})
}

// setCookie hands the session to the browser.
func (a arrivals) setCookie(w http.ResponseWriter, r *http.Request, s arrived) {
	a.cookie.arrive(w, r, s.Method, s.cookies)
	if s.secret == (sessionstore.Secret{}) {
		return
	}
	a.cookie.Set(w, s.secret, s.ExpiresAt.Sub(a.now()))
}
