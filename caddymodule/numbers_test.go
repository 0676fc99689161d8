package caddymodule_test

import (
	"net/http"
	"testing"
)

// leastNumber is what the numbers that the store hands out begin above, so
// that none is that of somebody in a users file.
const leastNumber = 1_000_000_000

func TestNumbersOfPeopleWhoseSourceHasNone(t *testing.T) {
	p := newIDP(t)
	s := start(t, site{options: p.login("sso", "") + p.login("mapped", "map {\nid `int(token.employee)`\n}")})
	number := func(b *surfer) int64 { return b.do(http.MethodGet, "/auth/session", "").want(b.t, 200).session(b.t).ID }
	one, other := s.signedInAt(t, p, "ada", "sid-1"), s.signedInAt(t, p, "grace", "sid-2")
	adas := number(one)
	t.Run("are different ones, and nobody's of the users file", func(t *testing.T) {
		graces := number(other)
		if adas == graces || adas <= leastNumber || graces <= leastNumber {
			t.Errorf("they are %d and %d", adas, graces)
		}
	})
	t.Run("are the same at the next sign-in", func(t *testing.T) {
		if again := number(s.signedInAt(t, p, "ada", "sid-3")); again != adas {
			t.Errorf("first %d, then %d", adas, again)
		}
	})
	t.Run("are the same after the address has changed", func(t *testing.T) {
		p.but(t, map[string]any{"sub": "ada", "email": "lovelace@example.com"})
		b := s.surfer(t)
		b.signInAt(p, "sso")
		if again := number(b); again != adas {
			t.Errorf("first %d, then %d", adas, again)
		}
	})
	t.Run("are the same after the session was built anew", func(t *testing.T) {
		one.do(http.MethodPost, "/auth/refresh", "").want(t, http.StatusOK)
		if again := number(one); again != adas {
			t.Errorf("first %d, then %d", adas, again)
		}
	})
	t.Run("are the same after a restart", func(t *testing.T) {
		anew := site{options: p.login("sso", "") + "lifetime 11h", dir: s.dir}
		anew.prepare(t)
		load(t, anew.caddyfile(s, portOf(t, s)))
		if again := number(s.signedInAt(t, p, "ada", "sid-4")); again != adas {
			t.Errorf("first %d, then %d", adas, again)
		}
	})
	t.Run("are not asked for where the mapping gives one", func(t *testing.T) {
		s := start(t, site{options: p.login("mapped", "map {\nid `int(token.employee)`\n}")})
		p.but(t, map[string]any{"employee": "42"})
		b := s.surfer(t)
		b.signInAt(p, "mapped")
		if got := number(b); got != 42 {
			t.Errorf("got %d", got)
		}
	})
}
