package caddymodule_test

import (
	"net/http"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// leastNumber is what the numbers that the store hands out begin above, so
// that none is that of somebody in a users file.
const leastNumber = 1_000_000_000

func TestNumbersOfPeopleWhoseSourceHasNone(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "") + p.Login("mapped", "map {\nid `int(token.employee)`\n}")})
	number := func(b *gatewaytest.Browser) int64 {
		return b.Do(http.MethodGet, "/auth/session", "").Want(b.T, 200).Session(b.T).ID
	}
	one, other := s.SignedInAt(t, p, "ada", "sid-1"), s.SignedInAt(t, p, "grace", "sid-2")
	adas := number(one)
	t.Run("are different ones, and nobody's of the users file", func(t *testing.T) {
		graces := number(other)
		if adas == graces || adas <= leastNumber || graces <= leastNumber {
			t.Errorf("they are %d and %d", adas, graces)
		}
	})
	t.Run("are the same at the next sign-in", func(t *testing.T) {
		if again := number(s.SignedInAt(t, p, "ada", "sid-3")); again != adas {
			t.Errorf("first %d, then %d", adas, again)
		}
	})
	t.Run("are the same after the address has changed", func(t *testing.T) {
		p.But(t, map[string]any{"sub": "ada", "email": "lovelace@example.com"})
		b := s.Browser(t)
		b.SignInAt(p, "sso")
		if again := number(b); again != adas {
			t.Errorf("first %d, then %d", adas, again)
		}
	})
	t.Run("are the same after the session was built anew", func(t *testing.T) {
		one.Do(http.MethodPost, "/auth/refresh", "").Want(t, http.StatusOK)
		if again := number(one); again != adas {
			t.Errorf("first %d, then %d", adas, again)
		}
	})
	t.Run("are the same after a restart", func(t *testing.T) {
		s.Replace(t, gatewaytest.Site{Options: p.Login("sso", "") + "lifetime 11h"})
		if again := number(s.SignedInAt(t, p, "ada", "sid-4")); again != adas {
			t.Errorf("first %d, then %d", adas, again)
		}
	})
	t.Run("are not asked for where the mapping gives one", func(t *testing.T) {
		s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("mapped", "map {\nid `int(token.employee)`\n}")})
		p.But(t, map[string]any{"employee": "42"})
		b := s.Browser(t)
		b.SignInAt(p, "mapped")
		if got := number(b); got != 42 {
			t.Errorf("got %d", got)
		}
	})
}

// A map that looks for the roles in the wrong place gives nobody any, and nobody
// complains of it but people whom an app refuses.
func TestAMapThatGivesNobodyARoleIsTold(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	g := gatewaytest.StartProcess(t, gatewaytest.Site{Options: p.Login("sso", "map {\nroles `token.?groups.orValue([])`\n}"), Bare: true})
	for range 100 {
		b := g.Browser(t)
		b.Open(b.Begin(p, "sso", "")).Want(t, http.StatusSeeOther)
	}
	g.AwaitLog("nobody who signs in has a role", `"login":"sso"`, `"sign_ins":100`)
}
