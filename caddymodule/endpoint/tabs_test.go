package endpoint_test

import (
	"net/http"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// A session of another tab goes on only where this sign-in would make the same
// once more: who planted a session on somebody gains nothing.
func TestWhichSessionOfAnotherTabGoesOn(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "") + p.Login("other", "")})
	for _, c := range []struct {
		name    string
		login   string
		changes map[string]any
		goesOn  bool
	}{
		{"the same person's", "sso", nil, true},
		{"not another person's", "sso", map[string]any{"sub": "grace-1", "email": gatewaytest.Grace}, false},
		{"not one of another session at the provider", "sso", map[string]any{"sid": "sso-2"}, false},
		{"not one of another login", "other", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, at := range []string{"in a tab that comes back later", "in a tab that comes back at once"} {
				t.Run(at, func(t *testing.T) {
					b := s.Browser(t)
					one, two := b.Begin(p, "sso", "/1"), b.Begin(p, c.login, "/2")
					late := b.At(t, s)
					b.Open(one).Want(t, http.StatusSeeOther)
					first := b.Jar[len(b.Jar)-1]
					if c.changes != nil {
						p.But(t, c.changes)
					}
					if at == "in a tab that comes back at once" {
						b = late
					}
					b.Return(two).Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/2")
					if last := b.Jar[len(b.Jar)-1]; (last == first) != c.goesOn {
						t.Errorf("the browser has the first tab's session: %v, want %v", last == first, c.goesOn)
					}
				})
			}
		})
	}
}

// A sign-in of somebody who was signed in when it began has a new id, as ever.
func TestASessionFromBeforeTheSignInDoesNotGoOn(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "")})
	b := s.Browser(t)
	b.SignInAt(p, "sso")
	first := b.At(t, s)
	began := time.Now().Truncate(time.Second)
	gatewaytest.Await(t, "another second begins", func() bool { return time.Now().Truncate(time.Second).After(began) })
	b.SignInAt(p, "sso")
	if b.Jar[0] == first.Jar[0] {
		t.Error("the session has its former id")
	}
	first.WantSignedOut(t)
}
