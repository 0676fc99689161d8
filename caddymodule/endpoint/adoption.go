package endpoint

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/login/adopt"
	"example.com/sidegate/caddymodule/origin"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/tracing"
	"example.com/sidegate/sessionstore"
)

// How long it is remembered in this process what cookies came to, and how long one
// adoption may take with all that is waited for.
const (
	foundFor   = 5 * time.Minute
	nobodyFor  = time.Minute
	troubleFor = time.Second
	adoptTime  = 20 * time.Second
)

// Adoption finds the sessions of people who come with the cookies of another gateway,
// and begins them: one session for the same cookies, whatever asks for it and at
// whichever gateway. It is a caller.Adopter.
type Adoption struct {
	AdoptionConfig
	flights *adopt.Flights[caller.Adopted]
}

// AdoptionConfig is what an Adoption is given.
type AdoptionConfig struct {
	// Logins are the gateways whose people are taken over.
	Logins []*adopt.Login
	// Names are those of the cookies of all of them.
	Names *adopt.Names
	// Marks are what is remembered of adopted cookies.
	Marks *adopt.Marks
	// Store keeps the sessions; it is asked past the near cache.
	Store sessionstore.Store
	// Throttle is in front of every question.
	Throttle *login.Throttle
	// BasePath is what the routes lie below, and Sites says which site a request is for.
	BasePath string
	Sites    *origin.Sites
	// Sessions begins them.
	Sessions func() *lifecycle.Sessions
	// Events hears what happens.
	Events lifecycle.Events
	// Now is the clock.
	Now func() time.Time
}

// NewAdoption returns one.
func NewAdoption(c AdoptionConfig) *Adoption {
	return &Adoption{c, adopt.NewFlights[caller.Adopted](c.Now)}
}

// Presented implements caller.Adopter.
func (a *Adoption) Presented(v *caller.Remembered) bool {
	for range v.CookiesWhere(a.Names.Has) {
		return true
	}
	return false
}

// Adopt implements caller.Adopter.
func (a *Adoption) Adopt(r *http.Request, v *caller.Remembered) caller.Adopted {
	var nobody caller.Adopted
	cookies := a.read(r, v)
	if len(cookies) == 0 || a.signsIn(r.URL.Path) {
		return nobody
	}
	came := a.newcomer(r, cookies)
	asked := tracing.Below(context.Background(), r.Context()) // for all who wait, whoever goes away
	found, err := a.flights.Do(r.Context(), a.Marks.Digest(cookies), func() (found, remembered caller.Adopted, life time.Duration) {
		ctx, cancel := context.WithTimeout(lifecycle.AskedBy(asked, came.asker), adoptTime)
		defer cancel()
		return a.find(ctx, came)
	})
	if err != nil {
		return caller.Adopted{Refusal: refusal.OldGateway}
	}
	return found
}

// signsIn reports whether a sign-in of another kind is under way there, which begins
// a session itself.
func (a *Adoption) signsIn(path string) bool {
	below, ours := strings.CutPrefix(path, a.BasePath)
	return ours && (strings.HasPrefix(below, loginPath+"/") || strings.HasPrefix(below, "/callback/") || strings.HasPrefix(below, "/backchannel-logout/"))
}

// read takes the cookies of the request; none where they cannot be told apart.
func (a *Adoption) read(r *http.Request, v *caller.Remembered) adopt.Presented {
	cookies, err := a.Names.Read(v.CookiesWhere(a.Names.Has))
	if err != nil {
		a.Events.Happened(caller.Asker(r).Of(lifecycle.Event{Kind: CookiesDiffer, Err: err}))
	}
	return cookies
}

// Made returns the session that was made of the request's cookies before, here or at
// another gateway; the zero value where there is none. It adopts nobody.
func (a *Adoption) Made(r *http.Request, v *caller.Remembered) (sessionstore.Key, error) {
	cookies := a.read(r, v)
	if len(cookies) == 0 {
		return sessionstore.Key{}, nil
	}
	key, _, err := a.Marks.Session(r.Context(), cookies)
	if errors.Is(err, adopt.ErrSpent) {
		err = nil
	}
	return key, err
}

// Spend marks the request's cookies as good for nobody any more: whoever has signed
// in, as this session says, is not to be somebody else by them when it has ended. The
// session that was made of them goes on until it ends.
func (a *Adoption) Spend(r *http.Request, s *sessionstore.Session) error {
	cookies := a.read(r, caller.Remember(r))
	if len(cookies) == 0 {
		return nil
	}
	if err := a.Marks.Spend(r.Context(), cookies, adopt.OwnerOf(s), s.Key, a.until()); err != nil {
		return err
	}
	a.flights.Forget(a.Marks.Digest(cookies))
	return nil
}

// until is when the last of the logins is over.
func (a *Adoption) until() time.Time {
	return slices.MaxFunc(a.Logins, func(l, m *adopt.Login) int { return l.Until().Compare(m.Until()) }).Until()
}

// has reports whether people are adopted by a login of that name.
func (a *Adoption) has(name string) bool {
	return a != nil && slices.ContainsFunc(a.Logins, func(l *adopt.Login) bool { return l.Name() == name })
}

// newcomer is somebody who comes with such cookies: what is needed of the request,
// which may be over before that is.
type newcomer struct {
	cookies   adopt.Presented
	headers   []http.Header // of each login
	site      origin.Origin
	client    login.Client
	asker     lifecycle.Asker
	userAgent string
}

func (a *Adoption) newcomer(r *http.Request, cookies adopt.Presented) newcomer {
	address := Address{Sites: a.Sites}
	came := newcomer{cookies: cookies, site: a.Sites.Of(r), client: address.clientOf(r), asker: caller.Asker(r), userAgent: r.UserAgent()}
	for _, l := range a.Logins {
		came.headers = append(came.headers, l.HeadersOf(r.Header))
	}
	return came
}

// Interface guards
var _ caller.Adopter = (*Adoption)(nil)
