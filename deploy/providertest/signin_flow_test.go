package providertest

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/web"
	"example.com/sidegate/deploy/providertest/legacy"
	"example.com/sidegate/deploy/providertest/provider"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// keycloakMapping are Ada's claims as the gateway knows them.
func keycloakMapping() string {
	return mapping(
		"id", "token.uid",
		"roles", `token.realm_access.roles.filter(r, r != "offline_access")`,
		"permissions", `["orders:read"]`,
		"accounts", `token.organization.map(k, {"accountId": k, "accountName": token.organization[k].?name[0].orValue(k), "accountAdmin": k == "acme"})`,
		"primary_account", `"globex"`,
		"created_by", "token.name",
	)
}

func TestASignInLeadsBackToWhereItBeganAndMapsTheSession(t *testing.T) {
	t.Parallel()
	app := startLegacy(t)
	s := newShop(t, provider.Config{TLS: true}, site{upstream: app.URL()}, keycloakMapping())
	s.start()
	v := provider.NewVisitor(adaAddress)
	v.Client.Transport = trusting(t, s.provider)

	// The only way to sign in is the provider: straight to it, and back.
	wanted := s.origin + legacy.PublicPath + "?page=2&q=%C3%A9"
	page := mustVisit(t, v, wanted)
	if page.Status != http.StatusOK || page.URL.String() != wanted {
		t.Fatalf("%d at %s, want 200 at %s", page.Status, page.URL, wanted)
	}
	_, user := sessionAt(t, v, s.gateway)
	user.Token = ""
	globex := sessionstore.Account{AccountID: "globex", AccountName: "globex", UsersPrimaryAccount: true}
	want := sessionstore.UserSession{
		ID: 1001, Email: adaAddress, CreatedBy: "Ada", PrimaryAccount: &globex,
		Accounts:      []sessionstore.Account{{AccountID: "acme", AccountName: "Acme Ltd", AccountAdmin: true}, globex},
		FlatRolesList: []string{"admin"}, FlatPermissionsList: []string{"orders:read"},
	}
	if !reflect.DeepEqual(user, want) {
		t.Errorf("the session is\n%+v, want\n%+v", user, want)
	}
	if names := attemptCookies(t, v, s.gateway); len(names) != 0 {
		t.Errorf("attempts are left over: %v", names)
	}
	t.Run("and the provider is asked no more than it takes", func(t *testing.T) {
		mustVisit(t, v, wanted)
		for e, want := range map[provider.Endpoint]int{
			provider.Discovery: 1, provider.Keys: 1, provider.Authorization: 1, provider.Token: 1, provider.UserInfo: 1, provider.Refresh: 0,
		} {
			if n := s.provider.At(e).Count(); n != want {
				t.Errorf("%s was asked %d times, want %d", e, n, want)
			}
		}
	})
}

func TestWhereASignInLeadsIsNeverAnotherSite(t *testing.T) {
	t.Parallel()
	app := startLegacy(t)
	s := newShop(t, provider.Config{}, site{upstream: app.URL()})
	s.start()
	for _, to := range []string{"https://evil.example.com/", "//evil.example.com", `/\evil.example.com`, "/%09/evil.example.com", "/auth/logout"} {
		v := provider.NewVisitor(adaAddress)
		page := mustVisit(t, v, s.origin+"/auth/login/keycloak?return_to="+url.QueryEscape(to))
		if page.URL.String() != s.origin+"/" {
			t.Errorf("return_to %q leads to %s", to, page.URL)
		}
		wantSession(t, v, s.gateway, true)
	}
}

// require is the operator's word on who may come in, with words of their own.
func TestWhoIsRequiredToBeSomebodyElseIsToldSo(t *testing.T) {
	t.Parallel()
	const message = "Only <staff> of Acme may come in."
	s := openShop(t, provider.Config{}, "trust_unverified_email", keycloakRoles(),
		"require `\"admin\" in identity.roles` `"+message+"`")
	signedIn(t, s.gateway, "keycloak", adaAddress)
	v := provider.NewVisitor(graceAddress)
	page := mustVisit(t, v, s.origin+"/auth/login/keycloak")
	if page.Status != http.StatusForbidden || !strings.Contains(page.Body, "Only &lt;staff&gt; of Acme may come in.") {
		t.Errorf("%d %s", page.Status, page.Body)
	}
	wantSession(t, v, s.gateway, false)
}

func keycloakRoles() string { return mapping("roles", "token.?realm_access.roles.orValue([])") }

func TestAnAddressMustBeVerifiedUnlessTheProviderIsTrusted(t *testing.T) {
	t.Parallel()
	p := startProvider(t, provider.Config{Algorithm: "ES256"})
	strict, trusting := provider.Client{ID: "strict", Secret: "one"}, provider.Client{ID: "trusting", Secret: "two"}
	g := newGateway(t, site{upstream: "127.0.0.1:1", options: oidcLogin(t, "strict", p, strict) +
		oidcLogin(t, "trusting", p, trusting, "trust_unverified_email")})
	register(p, strict, "strict", g)
	register(p, trusting, "trusting", g)
	g.start()
	v := provider.NewVisitor(graceAddress)
	wantFailure(t, mustVisit(t, v, g.origin+"/auth/login/strict"), http.StatusForbidden, web.Unverified)
	wantSession(t, v, g, false)
	mustVisit(t, v, g.origin+"/auth/login/trusting")
	if _, user := sessionAt(t, v, g); user.Email != graceAddress {
		t.Errorf("signed in as %q", user.Email)
	}
}

func TestTheProviderIsAskedWhatTheCaddyfileSays(t *testing.T) {
	t.Parallel()
	s := openShop(t, provider.Config{}, "scopes openid email offline_access", "auth_param prompt login", "auth_param resource a",
		"auth_param resource b", "acr_values gold silver", "max_age 5m")
	v := signedIn(t, s.gateway, "keycloak", adaAddress)
	asked := s.provider.Asked()
	got := asked[len(asked)-1]
	for name, want := range map[string][]string{
		"scope": {"openid email offline_access"}, "prompt": {"login"}, "resource": {"a", "b"}, "acr_values": {"gold silver"},
		"max_age": {"300"}, "response_type": {"code"}, "client_id": {"shop"}, "code_challenge_method": {"S256"},
		"redirect_uri": {s.origin + "/auth/callback/keycloak"},
	} {
		if !reflect.DeepEqual(got[name], want) {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	t.Run("and state, nonce and challenge are new each time", func(t *testing.T) {
		mustVisit(t, v, s.origin+"/auth/login/keycloak")
		asked := s.provider.Asked()
		again := asked[len(asked)-1]
		for _, name := range []string{"state", "nonce", "code_challenge"} {
			if len(got.Get(name)) != 43 || got.Get(name) == again.Get(name) {
				t.Errorf("%s is %q and then %q", name, got.Get(name), again.Get(name))
			}
		}
	})
}

func TestTwoTabsSignInSideBySide(t *testing.T) {
	t.Parallel()
	s := openShop(t, provider.Config{})
	v := provider.NewVisitor(adaAddress)
	one, other := answerOf(t, v, s.gateway, "keycloak"), answerOf(t, v, s.gateway, "keycloak")
	if n := len(attemptCookies(t, v, s.gateway)); n != 2 {
		t.Errorf("%d attempts are remembered, want 2", n)
	}
	mustOpen(t, v, other.String())
	wantSession(t, v, s.gateway, true)
	mustOpen(t, v, one.String())
	wantSession(t, v, s.gateway, true)
	if names := attemptCookies(t, v, s.gateway); len(names) != 0 {
		t.Errorf("attempts are left over: %v", names)
	}
}

// Cookies come with every request: a browser that begins again and again must
// not end up with headers that no server takes.
func TestManyAttemptsLeaveFewCookies(t *testing.T) {
	t.Parallel()
	s := openShop(t, provider.Config{})
	v := provider.NewVisitor(adaAddress)
	for range 12 {
		mustOpen(t, v, s.origin+"/auth/login/keycloak?return_to=/"+strings.Repeat("x", 500))
	}
	if n := len(attemptCookies(t, v, s.gateway)); n != 4 {
		t.Errorf("%d attempts are remembered, want 4", n)
	}
	mustVisit(t, v, s.origin+"/auth/login/keycloak")
	wantSession(t, v, s.gateway, true)
}

func TestASignInBegunAtOneGatewayEndsAtAnother(t *testing.T) {
	t.Parallel()
	one, other, _ := pairOfShops(t)
	v := provider.NewVisitor(adaAddress)
	answer := answerOf(t, v, one.gateway, "keycloak")
	answer.Host = strings.TrimPrefix(other.origin, "http://")
	mustOpen(t, v, answer.String())
	for _, g := range []*gateway{one.gateway, other} {
		wantSession(t, v, g, true)
	}
}

// pairOfShops are two gateways on one Redis; the provider's logout tokens go
// to the first.
func pairOfShops(t *testing.T) (one *shop, other *gateway, store *redistest.Server) {
	t.Helper()
	store = redistest.Start(t)
	one = newShop(t, provider.Config{}, site{}.onRedis(store), signInOptions)
	other = newGateway(t, one.site)
	register(one.provider, one.client, "keycloak", one.gateway, other)
	one.start()
	other.start()
	return one, other, store
}
