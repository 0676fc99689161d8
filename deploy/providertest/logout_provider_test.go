package providertest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/deploy/providertest/provider"
)

// RP-Initiated Logout 1.0: the session ends here and there, and the browser
// comes back to be told so.
func TestSigningOutEndsTheProvidersSessionToo(t *testing.T) {
	t.Parallel()
	s := openShop(t, provider.Config{})
	v := signedIn(t, s.Process, "keycloak", adaAddress)
	var asked url.Values
	v.Client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/end_session" {
			asked = r.URL.Query()
		}
		return nil
	}
	page := signOut(t, v, s.Process)
	if page.Status != http.StatusOK || page.URL.String() != s.URL+"/auth/logout" || !strings.Contains(page.Body, "You are signed out") {
		t.Errorf("%d at %s: %s", page.Status, page.URL, page.Body)
	}
	if !strings.HasPrefix(asked.Get("id_token_hint"), "ey") || asked.Get("client_id") != "shop" ||
		asked.Get("post_logout_redirect_uri") != s.URL+"/auth/logout" {
		t.Errorf("the provider was asked %v", asked)
	}
	wantStranger(t, v, s.Process)
	if n := len(s.provider.Sessions(adaSubject)); n != 0 {
		t.Errorf("%d sessions are left at the provider", n)
	}
	for _, call := range s.provider.LogoutCalls() {
		if call.Status != http.StatusOK {
			t.Errorf("the provider's own word of it is answered with %d %v", call.Status, call.Err)
		}
	}
	t.Run("and signing in again asks who it is", func(t *testing.T) {
		if page := mustOpen(t, v, s.URL+"/auth/login/keycloak"); !page.AsksWho() {
			t.Errorf("%d at %s", page.Status, page.URL)
		}
	})
}

// Back-Channel Logout 1.0: the provider says which session is over, and every
// gateway of a pair knows.
func TestTheProviderEndsASession(t *testing.T) {
	t.Parallel()
	one, other, _ := pairOfShops(t, gatewaytest.Site{})
	t.Run("one, by its sid", func(t *testing.T) {
		ended := signedIn(t, one.Process, "keycloak", adaAddress)
		sid := one.provider.Sessions(adaSubject)[0]
		stays := signedIn(t, other, "keycloak", adaAddress)
		wantEverywhere(t, ended, true, one.Process, other)
		wantTold(t, one.provider.SignOut(t.Context(), sid))
		wantEverywhere(t, ended, false, one.Process, other)
		wantEverywhere(t, stays, true, one.Process, other)
	})
	t.Run("all of a person, by their sub", func(t *testing.T) {
		first, second := signedIn(t, one.Process, "keycloak", adaAddress), signedIn(t, other, "keycloak", adaAddress)
		stays := signedIn(t, one.Process, "keycloak", linusAddress)
		wantEverywhere(t, first, true, one.Process, other)
		wantTold(t, one.provider.SignOutEverywhere(t.Context(), adaSubject))
		wantEverywhere(t, first, false, one.Process, other)
		wantEverywhere(t, second, false, one.Process, other)
		wantEverywhere(t, stays, true, one.Process, other)
	})
	t.Run("whichever gateway hears of it", func(t *testing.T) {
		v := signedIn(t, one.Process, "keycloak", adaAddress)
		wantEverywhere(t, v, true, one.Process, other)
		wantLogout(t, other, signed(t, one.provider.LogoutToken("shop", adaSubject, "")), http.StatusOK)
		wantEverywhere(t, v, false, one.Process, other)
	})
	t.Run("and who signs in anew stays in", func(t *testing.T) {
		wantEverywhere(t, signedIn(t, other, "keycloak", adaAddress), true, one.Process, other)
	})
}

func wantTold(t *testing.T, calls []provider.LogoutCall) {
	t.Helper()
	if len(calls) != 1 || calls[0].Status != http.StatusOK || calls[0].Err != nil {
		t.Errorf("the gateway answers %+v", calls)
	}
}

// wantEverywhere waits until all gateways agree: one may hear of an end from
// another, a moment later.
func wantEverywhere(t *testing.T, v *provider.Visitor, want bool, gateways ...*gatewaytest.Process) {
	t.Helper()
	for _, g := range gateways {
		if want {
			wantSession(t, v, g, true)
			continue
		}
		gatewaytest.Await(t, "the session has ended at "+g.URL, func() bool {
			status, _ := sessionAt(t, v, g)
			return status == http.StatusUnauthorized
		})
	}
}

// The logout token that comes twice was stolen, or is sent in error.
func TestALogoutTokenIsGoodOnce(t *testing.T) {
	t.Parallel()
	one, other, _ := pairOfShops(t, gatewaytest.Site{})
	signedIn(t, one.Process, "keycloak", adaAddress)
	raw := signed(t, one.provider.LogoutToken("shop", adaSubject, ""))
	wantLogout(t, one.Process, raw, http.StatusOK)
	v := signedIn(t, one.Process, "keycloak", adaAddress)
	for _, g := range []*gatewaytest.Process{one.Process, other, one.Process} {
		wantLogout(t, g, raw, http.StatusBadRequest)
	}
	wantEverywhere(t, v, true, one.Process, other)
}

func signed(t *testing.T, token *provider.JWT) string {
	t.Helper()
	raw, err := token.Sign()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// wantLogout sends a logout token as a provider does.
func wantLogout(t *testing.T, g *gatewaytest.Process, raw string, status int) {
	t.Helper()
	resp, err := http.PostForm(g.URL+"/auth/backchannel-logout/keycloak", url.Values{"logout_token": {raw}})
	if err != nil {
		t.Fatal(err)
	}
	page := pageOf(t, resp)
	if page.Status != status || page.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the logout token is answered with %d (%s), want %d: %s", page.Status, page.Header.Get("Cache-Control"), status, page.Body)
	}
	if retry := page.Header.Get("Retry-After"); (retry != "") != (status == http.StatusServiceUnavailable) {
		t.Errorf("Retry-After is %q beside %d", retry, page.Status)
	}
	if len(raw) > 8 && strings.Contains(page.Body, raw) {
		t.Error("the answer repeats the token")
	}
}

func TestForgedLogoutTokensAreRefused(t *testing.T) {
	t.Parallel()
	m := openMarket(t)
	v := signedIn(t, m.Process, "keycloak", adaAddress)
	pem, err := m.one.PublicKeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	past := time.Now().Add(-time.Hour).Unix()
	claim := func(name string, value any) func(*provider.JWT) {
		return func(f *provider.JWT) {
			f.Claims[name] = value
			if value == nil {
				delete(f.Claims, name)
			}
		}
	}
	for name, change := range map[string]func(*provider.JWT){
		"for another client":          claim("aud", "twin"),
		"for nobody":                  claim("aud", nil),
		"of another issuer":           claim("iss", m.other.Issuer()),
		"with a nonce":                claim("nonce", "a"),
		"with a nonce that is null":   func(f *provider.JWT) { f.Claims["nonce"] = nil },
		"without events":              claim("events", nil),
		"with other events":           claim("events", map[string]any{"http://example.com/event": map[string]any{}}),
		"with events that is a list":  claim("events", []string{"http://schemas.openid.net/event/backchannel-logout"}),
		"expired":                     claim("exp", past),
		"without exp":                 claim("exp", nil),
		"without iat":                 claim("iat", nil),
		"of the future":               claim("iat", time.Now().Add(time.Hour).Unix()),
		"without jti":                 claim("jti", nil),
		"of nobody":                   claim("sub", nil),
		"of alg none":                 func(f *provider.JWT) { f.Header["alg"] = "none" },
		"signed with the public key":  func(f *provider.JWT) { f.Header["alg"], f.Key = "HS256", pem },
		"of another type":             func(f *provider.JWT) { f.Header["typ"] = "at+jwt" },
		"that must be understood":     func(f *provider.JWT) { f.Header["crit"] = []string{"exp"} },
		"signed by another provider":  func(f *provider.JWT) { f.Key = m.other.NewJWT("JWT", nil).Key },
		"for the login of that other": func(f *provider.JWT) { f.Claims = m.other.LogoutToken("shop", adaSubject, "").Claims },
	} {
		t.Run(name, func(t *testing.T) {
			token := m.one.LogoutToken("shop", adaSubject, "")
			change(token)
			wantLogout(t, m.Process, signed(t, token), http.StatusBadRequest)
		})
	}
	for name, raw := range map[string]string{"nothing": "", "no token": "a.b.c", "a token of megabytes": strings.Repeat("a", 60<<10)} {
		t.Run(name, func(t *testing.T) { wantLogout(t, m.Process, raw, http.StatusBadRequest) })
	}
	t.Run("an ID token", func(t *testing.T) {
		w := newWitness(m.one)
		signedIn(t, m.Process, "keycloak", adaAddress)
		wantLogout(t, m.Process, w.lastIDToken(), http.StatusBadRequest)
	})
	wantSession(t, v, m.Process, true)
	t.Run("but a genuine one is taken", func(t *testing.T) {
		wantLogout(t, m.Process, signed(t, m.one.LogoutToken("shop", adaSubject, "")), http.StatusOK)
		wantSession(t, v, m.Process, false)
	})
}

// A login's word ends the sessions of that login and of no other.
func TestAProviderEndsOnlySessionsOfItsOwnLogin(t *testing.T) {
	t.Parallel()
	m := openMarket(t)
	ofTwin, ofOther := signedIn(t, m.Process, "twin", adaAddress), signedIn(t, m.Process, "other", adaAddress)
	wantLogout(t, m.Process, signed(t, m.one.LogoutToken("shop", adaSubject, "")), http.StatusOK)
	wantSession(t, ofTwin, m.Process, true)
	wantSession(t, ofOther, m.Process, true)
}

// Nobody is told of a success that is none: the provider may send the token
// again, and then it must still be good.
func TestALogoutTokenIsGoodAgainWhenTheStoreHadFailed(t *testing.T) {
	t.Parallel()
	one, other, store := pairOfShops(t, gatewaytest.Site{Hasty: true}) // the store will hang
	v := signedIn(t, one.Process, "keycloak", adaAddress)
	wantEverywhere(t, v, true, one.Process, other)
	raw := signed(t, one.provider.LogoutToken("shop", adaSubject, one.provider.Sessions(adaSubject)[0]))
	// The server knows all scripts by then: what it is asked while it hangs it
	// does when it goes on, though nobody waits for it any longer.
	wantLogout(t, one.Process, signed(t, one.provider.LogoutToken("shop", "nobody", "")), http.StatusOK)
	store.Pause()
	wantLogout(t, one.Process, raw, http.StatusServiceUnavailable)
	store.Resume()
	gatewaytest.Await(t, "the store is back", func() bool {
		status, _ := sessionAt(t, v, one.Process)
		return status != http.StatusInternalServerError
	})
	wantLogout(t, one.Process, raw, http.StatusOK)
	wantEverywhere(t, v, false, one.Process, other)
	wantLogout(t, one.Process, raw, http.StatusBadRequest)
}

// A token whose keys cannot be fetched may be good: that is no "no".
func TestALogoutTokenWaitsForAProviderThatIsDown(t *testing.T) {
	t.Parallel()
	s := openShop(t, provider.Config{})
	v := signedIn(t, s.Process, "keycloak", adaAddress)
	rotate(t, s.provider, false)
	raw := signed(t, s.provider.LogoutToken("shop", adaSubject, ""))
	s.provider.Down()
	wantLogout(t, s.Process, raw, http.StatusServiceUnavailable)
	wantSession(t, v, s.Process, true)
	if err := s.provider.Up(); err != nil {
		t.Fatal(err)
	}
	gatewaytest.Await(t, "the token is taken", func() bool {
		status, _, err := s.provider.SendLogout(t.Context(), "shop", raw)
		return err == nil && status == http.StatusOK
	})
	wantSession(t, v, s.Process, false)
}
