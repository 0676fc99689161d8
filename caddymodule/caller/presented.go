package caller

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"example.com/sidegate/caddymodule/token"
	"example.com/sidegate/sessionstore"
)

// MaxPresented bounds the credentials of one request that are looked at, for
// each can be a write to the store. Caddy's own bound on headers leaves room for
// some 300 cookies; an operator may have raised it.
const MaxPresented = 1024

// Presented is what the credentials that came with a request name, in whatever
// number and header.
type Presented struct {
	// Sessions are those that they name, each once, be they live or not: revoking
	// one that is gone is no error. Of a cookie that anybody may have made up the
	// store was asked, and has it or could not tell.
	Sessions []sessionstore.Key
	// Expired are those that tokens past their time name. Such a token is good for
	// one thing alone: to sign out.
	Expired []sessionstore.Key
	// Ours says that a session cookie is among them that goes with its session: a
	// gateway with these secrets has made it, it names a session here, or it is
	// none and good for nobody.
	Ours bool
	// Unknown says that a Bearer token is among them of which nobody here can say
	// which session it names.
	Unknown bool
	// Untold is why it cannot be told which session a cookie of another gateway names.
	Untold error
	// All is false when there were more than MaxPresented; the rest was not looked at.
	All bool
}

// Presented reads every credential of the request.
func (f *Finder) Presented(r *http.Request) *Presented {
	v, p, left := Remember(r), &Presented{All: true}, MaxPresented
	for _, text := range v.bearerTokens() {
		if left--; left < 0 {
			p.All = false
			return p
		}
		f.presentToken(text, p)
	}
	if f.given.Adopt != nil {
		presentAdopted(f.given.Adopt, r, v, p)
	}
	guesses := guesses{ask: f.ofCookie(r.Context())}
	seen := make(map[sessionstore.Key]bool)
	for _, value := range v.CookiesNamed(f.given.Cookie) {
		secret, err := sessionstore.ParseSecret(value)
		if err != nil {
			p.Ours = true
			continue
		}
		if seen[secret.Key()] {
			continue
		}
		if left--; left < 0 {
			p.All = false
			return p
		}
		seen[secret.Key()] = true
		f.presentCookie(secret, p, &guesses)
	}
	return p
}

// MayBeIn reports whether anything came with the request that may be good for
// a session: whoever sends it is not told that they are signed out.
func (f *Finder) MayBeIn(r *http.Request) bool {
	c, v := f.Caller(r), Remember(r)
	switch {
	case c.Standing == SignedIn, c.Standing == CannotTell:
		return true
	case c.StaleCookie:
		return false
	}
	return len(v.bearerTokens()) > 0 || slices.ContainsFunc(v.CookiesNamed(f.given.Cookie), func(value string) bool {
		_, err := sessionstore.ParseSecret(value)
		return err == nil
	})
}

func (f *Finder) presentToken(text string, p *Presented) {
	claims, err := f.given.Ring.ReadSession(text)
	switch {
	case err == nil:
		p.Sessions = appendOnce(p.Sessions, claims.Key)
	case errors.Is(err, token.ErrExpired):
		p.Expired = appendOnce(p.Expired, claims.Key)
	default:
		p.Unknown = true
	}
}

// presentCookie takes a secret that bears our mark at its word. Anybody can make
// the others up, and to end one costs a write: of those the store is asked.
func (f *Finder) presentCookie(secret sessionstore.Secret, p *Presented, g *guesses) {
	if f.given.Marker.Made(secret) {
		p.Ours = true
		p.Sessions = appendOnce(p.Sessions, secret.Key())
		return
	}
	switch g.answer(secret) {
	case there:
		p.Ours = true
		p.Sessions = appendOnce(p.Sessions, secret.Key())
	case cannotTell:
		p.Sessions = appendOnce(p.Sessions, secret.Key())
	}
}

func appendOnce(keys []sessionstore.Key, key sessionstore.Key) []sessionstore.Key {
	if slices.Contains(keys, key) {
		return keys
	}
	return append(keys, key)
}

// guesses asks the store about secrets without our mark, until it cannot tell:
// then it is asked no more, for each question may take as long as the store is
// waited for.
type guesses struct {
	ask  func(sessionstore.Secret) error
	away bool
}

// answered is what the store says of a guess.
type answered uint8

const (
	none answered = iota
	there
	cannotTell
)

func (g *guesses) answer(secret sessionstore.Secret) answered {
	if g.away {
		return cannotTell
	}
	err := g.ask(secret)
	switch {
	case err == nil, errors.Is(err, sessionstore.ErrNotHere), sessionstore.IsUnreadable(err):
		return there
	case errors.Is(err, sessionstore.ErrNotFound):
		return none
	}
	g.away = true
	return cannotTell
}

// ofCookie asks whether there is a session of that secret.
func (f *Finder) ofCookie(ctx context.Context) func(sessionstore.Secret) error {
	return func(secret sessionstore.Secret) error {
		_, err := f.ofSecret(ctx, secret)
		return err
	}
}
