package faults_test

import (
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

const loginUnknown = "sessions of a login that is not configured here, or asks somebody else by now, are refused"

// Nobody vouches any more for whoever came through a login that was taken away;
// the session is kept, for another gateway may know the login, and this one may
// know it again.
func TestASessionOfALoginThatIsNotConfiguredIsRefusedAndKept(t *testing.T) {
	t.Parallel()
	for name, s := range gatewaytest.Stores(t) {
		t.Run("with the store "+name, func(t *testing.T) {
			t.Parallel()
			idp := gatewaytest.NewIDP(t)
			login := idp.Login("sso", "")
			s.Options = login + s.Options
			p := gatewaytest.StartProcess(t, s)
			b, other := p.SignedInAt(t, idp, "ada-1", "sso-1"), p.WithCookie(t, gatewaytest.Grace)
			with := p.Site.Options
			p.Site.Options = strings.Replace(with, login, "", 1)
			p.Reload()
			wantRefusedHere(t, p, b, loginUnknown)
			other.Get("/app").Want(t, http.StatusOK)
			p.Site.Options = with
			p.Reload()
			b.WantSignedIn(t, "ada-1@example.com")
			b.Do(http.MethodGet, "/app", "").Want(t, http.StatusOK)
			b.Do(http.MethodPost, "/auth/refresh", "").Want(t, http.StatusOK)
		})
	}
}

func TestASessionOfALoginThatOneOfTwoGatewaysKnowsIsGoodThere(t *testing.T) {
	t.Parallel()
	idp, srv := gatewaytest.NewIDP(t), redistest.Start(t)
	knows := gatewaytest.StartProcess(t, gatewaytest.Site{Options: idp.Login("sso", "")}.OnRedis(srv, gatewaytest.PresentSecret))
	not := gatewaytest.StartProcess(t, gatewaytest.Site{}.OnRedis(srv, gatewaytest.PresentSecret))
	b := knows.SignedInAt(t, idp, "ada-1", "sso-1")
	wantRefusedHere(t, not, b, loginUnknown)
	b.WantSignedIn(t, "ada-1@example.com")
	b.Do(http.MethodGet, "/app", "").Want(t, http.StatusOK)
	t.Run("and a sign-out at the one that does not know it ends it all the same", func(t *testing.T) {
		gone := b.At(t, not.Server)
		gone.Do(http.MethodPost, "/auth/logout", "").Want(t, http.StatusNoContent)
		gatewaytest.Await(t, "the other gateway has heard of it", func() bool {
			return b.At(t, knows.Server).Do(http.MethodGet, "/auth/session", "").StatusCode == http.StatusUnauthorized
		})
	})
}

// A login that is another provider's by now, under the same name, knows nobody
// whom the one before has signed in.
func TestASessionOfAnotherProviderOfThatNameIsRefusedAndKept(t *testing.T) {
	t.Parallel()
	idp, other := gatewaytest.NewIDP(t), gatewaytest.NewIDP(t)
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Options: idp.Login("sso", "")})
	b, as := p.SignedInAt(t, idp, "ada-1", "sso-1"), p.Site.Options
	p.Site.Options = strings.Replace(as, idp.Login("sso", ""), other.Login("sso", ""), 1)
	p.Reload()
	wantRefusedHere(t, p, b, loginUnknown)
	p.Site.Options = as
	p.Reload()
	b.WantSignedIn(t, "ada-1@example.com")
}

// wantRefusedHere asks again and again, of which the log speaks once.
func wantRefusedHere(t *testing.T, at *gatewaytest.Process, b *gatewaytest.Browser, said string) {
	t.Helper()
	here := b.At(t, at.Server)
	for range 20 {
		wantUntouched(t, here.Do(http.MethodGet, "/auth/session", ""))
		wantUntouched(t, here.Do(http.MethodGet, "/app", ""))
		wantUntouched(t, here.Do(http.MethodPost, "/auth/refresh", ""))
	}
	at.AwaitLog(said)
	if n := strings.Count(at.Log.String(), said); n != 1 {
		t.Errorf("the log says so %d times", n)
	}
}
