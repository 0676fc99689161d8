package caller

import (
	"net/http"
	"time"

	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/sessionstore"
)

// Adopter finds the sessions of people who come without one of ours, and with the
// cookie of another gateway.
type Adopter interface {
	// Presented reports whether the request has such a cookie, good or not.
	Presented(v *Remembered) bool
	// Adopt finds the session, or begins it. It is asked only about who is known to
	// have none by what else came.
	Adopt(r *http.Request, v *Remembered) Adopted
	// Made returns the session that was made of such cookies before, the zero value
	// where there is none. It adopts nobody.
	Made(r *http.Request, v *Remembered) (sessionstore.Key, error)
}

// Adopted is what a cookie of another gateway has come to.
type Adopted struct {
	// Key names the session; the zero value: there is none.
	Key sessionstore.Key
	// Secret is for the cookie of a session that has just begun, Life from its end;
	// the zero value of one that began before, whose secret nobody here knows.
	Secret sessionstore.Secret
	Life   time.Duration
	// Refusal is set when it cannot be told.
	Refusal *refusal.Refusal
}

// Arrival is the secret of a session that has begun with this request.
type Arrival struct {
	Secret sessionstore.Secret
	Life   time.Duration
	given  bool
}

// Give returns the arrival for who hands the secret to the browser, once; nil when
// there is none.
func (c *Caller) Give() *Arrival {
	if c.Arrival == nil || c.Arrival.given {
		return nil
	}
	c.Arrival.given = true
	return c.Arrival
}

// adopt is for who is known to have no session by what is ours.
func adopt(f *Finder, r *http.Request, v *Remembered, c *Caller) {
	a := f.given.Adopt.Adopt(r, v)
	switch {
	case a.Refusal != nil:
		c.Standing, c.Refusal, c.StaleCookie = CannotTell, a.Refusal, false
	case a.Key != sessionstore.Key{}:
		e, err := f.lookup(r.Context(), a.Key)
		f.settle(r.Context(), e, err, c)
		if c.Standing != SignedIn {
			return
		}
		c.StaleCookie, c.ByOldCookie = false, true
		if a.Secret != (sessionstore.Secret{}) {
			c.Arrival = &Arrival{Secret: a.Secret, Life: a.Life}
		}
	}
}

// presentAdopted finds the session that was made of another gateway's cookie, which
// a browser may have no cookie of.
func presentAdopted(by Adopter, r *http.Request, v *Remembered, p *Presented) {
	key, err := by.Made(r, v)
	p.Untold = err
	if key != (sessionstore.Key{}) {
		p.Sessions, p.Ours = appendOnce(p.Sessions, key), true
	}
}
