package providertest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/caddymodule/web"
	"example.com/sidegate/deploy/providertest/fault"
	"example.com/sidegate/deploy/providertest/provider"
	"example.com/sidegate/sessionstore/redis/redistest"
)

func TestWhoRefusesAtTheProviderIsToldSo(t *testing.T) {
	t.Parallel()
	s := openShop(t, provider.Config{})
	v := provider.NewVisitor("") // clicks on "refuse"
	page := mustVisit(t, v, s.URL+"/auth/login/keycloak")
	wantFailure(t, page, http.StatusUnauthorized, web.Denied)
	wantStranger(t, v, s.Process)
	if !strings.Contains(page.Body, `href="/auth/login/keycloak"`) {
		t.Error("the page shows no way to try again")
	}
	if h := page.Header; !strings.Contains(h.Get("Cache-Control"), "no-store") || h.Get("Content-Security-Policy") == "" || h.Get("Referrer-Policy") != "same-origin" {
		t.Errorf("the page's headers are %v", h)
	}
	t.Run("and may sign in then", func(t *testing.T) {
		v.Email = adaAddress
		mustVisit(t, v, s.URL+"/auth/login/keycloak")
		wantSession(t, v, s.Process, true)
	})
}

// Each trouble has its page, its status and, where it passes by itself, a
// Retry-After; and once it is over, sign-ins work without a restart.
func TestAProviderInTroubleAtTheSignIn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		at      provider.Endpoint
		fault   fault.Fault
		status  int
		failure web.Failure
	}{
		{"discovery answers 500", provider.Discovery, fault.Status(500), 503, web.ProviderAway},
		{"discovery answers 404", provider.Discovery, fault.Status(404), 503, web.Mismatched},
		{"discovery answers a page", provider.Discovery, fault.HTML(), 503, web.Mismatched},
		{"discovery is cut short", provider.Discovery, fault.Truncated(), 503, web.Mismatched},
		{"discovery breaks off", provider.Discovery, fault.Dropped(), 503, web.ProviderAway},
		{"discovery leads to where nobody is", provider.Discovery, fault.Redirected("http://127.0.0.1:1/"), 503, web.ProviderAway},
		{"discovery is endless", provider.Discovery, fault.Huge(2 << 20), 503, web.Mismatched},
		{"discovery is of another issuer", provider.Discovery,
			fault.JSON(func(m map[string]any) { m["issuer"] = "https://sso.example.com" }), 503, web.Mismatched},
		{"the token endpoint answers 502", provider.Token, fault.Status(502), 503, web.ProviderAway},
		{"the token endpoint is busy", provider.Token, fault.Status(429), 503, web.ProviderAway},
		{"the token endpoint answers a page", provider.Token, fault.HTML(), 401, web.Misconfigured},
		{"the token endpoint's answer is cut short", provider.Token, fault.Truncated(), 401, web.Misconfigured},
		{"the token endpoint's answer breaks off", provider.Token, fault.Dropped(), 503, web.ProviderAway},
		{"the token endpoint refuses the connection", provider.Token, fault.Refused(), 503, web.ProviderAway},
		{"the token endpoint leads elsewhere", provider.Token, fault.Redirected("http://127.0.0.1:1/"), 401, web.Misconfigured},
		{"the token endpoint's answer is endless", provider.Token, fault.Huge(2 << 20), 401, web.Misconfigured},
		{"the keys are a page", provider.Keys, fault.HTML(), 401, web.Misconfigured},
		{"userinfo is cut short", provider.UserInfo, fault.Truncated(), 401, web.Misconfigured},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t, provider.Config{})
			s.provider.At(c.at).Break(c.fault)
			v := provider.NewVisitor(adaAddress)
			page := mustVisit(t, v, s.URL+"/auth/login/keycloak")
			wantFailure(t, page, c.status, c.failure)
			if retry := page.Header.Get("Retry-After"); (retry != "") != (c.status == http.StatusServiceUnavailable) {
				t.Errorf("Retry-After is %q beside %d", retry, page.Status)
			}
			wantStranger(t, v, s.Process)
			s.provider.At(c.at).Mend()
			wantSignInSoon(t, v, s)
		})
	}
}

// wantSignInSoon waits until somebody can sign in: after a failure the
// provider is left alone for a moment.
func wantSignInSoon(t *testing.T, v *provider.Visitor, s *shop) {
	t.Helper()
	gatewaytest.Await(t, "sign-ins work again", func() bool {
		mustVisit(t, v, s.URL+"/auth/login/keycloak")
		status, _ := sessionAt(t, v, s.Process)
		return status == http.StatusOK
	})
}

// The gateway may start before its provider does.
func TestAProviderThatIsDownAtTheStartIsFoundLater(t *testing.T) {
	t.Parallel()
	s := newShop(t, provider.Config{}, gatewaytest.Site{})
	s.provider.Down()
	s.Start()
	v := provider.NewVisitor(adaAddress)
	wantFailure(t, mustVisit(t, v, s.URL+"/auth/login/keycloak"), http.StatusServiceUnavailable, web.ProviderAway)
	if err := s.provider.Up(); err != nil {
		t.Fatal(err)
	}
	wantSignInSoon(t, v, s)
	t.Run("and nobody is signed out when it goes down again", func(t *testing.T) {
		s.provider.Down()
		wantSession(t, v, s.Process, true)
	})
}

// A provider that hangs holds a browser for ten seconds, and nobody else.
func TestAProviderThatHangsIsGivenUp(t *testing.T) {
	t.Parallel()
	s := openShop(t, provider.Config{})
	stays := signedIn(t, s.Process, "keycloak", adaAddress)
	gate := make(chan struct{})
	defer close(gate)
	s.provider.At(provider.Token).Break(fault.HeldAnswer(gate))
	page := make(chan *provider.Page, 1)
	v := provider.NewVisitor(adaAddress)
	go func() {
		p, err := v.Visit(s.URL + "/auth/login/keycloak")
		if err != nil {
			t.Error(err)
		}
		page <- p
	}()
	gatewaytest.Await(t, "the code is redeemed", func() bool { return s.provider.At(provider.Token).Count() == 2 })
	wantSession(t, stays, s.Process, true)
	select {
	case p := <-page:
		if p != nil {
			wantFailure(t, p, http.StatusServiceUnavailable, web.ProviderAway)
		}
	case <-time.After(gatewaytest.Patience):
		t.Fatal("the browser waits for ever")
	}
	wantStranger(t, v, s.Process)
}

// A store that is down is trouble, at the very end of a sign-in too: no cookie
// is given that would open nothing, and no session is left behind.
func TestAStoreThatIsDownAtTheSignIn(t *testing.T) {
	t.Parallel()
	store := redistest.Start(t)
	s := newShop(t, provider.Config{}, gatewaytest.Site{}.OnRedis(store, gatewaytest.PresentSecret))
	s.Start()
	v := provider.NewVisitor(adaAddress)
	answer := answerOf(t, v, s.Process, "keycloak")
	store.Kill()
	page := mustOpen(t, v, answer.String())
	wantFailure(t, page, http.StatusServiceUnavailable, web.Unavailable)
	wantNoSessionCookie(t, page)
	store.Restart()
	wantSignInSoon(t, v, s)
}
