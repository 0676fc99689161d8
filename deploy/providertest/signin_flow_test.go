package providertest

import (
	"net/http"
	"reflect"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
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
	s := newShop(t, provider.Config{TLS: true}, gatewaytest.Site{Upstream: app.URL()}, keycloakMapping())
	s.Start()
	v := provider.NewVisitor(adaAddress)
	v.Client.Transport = trusting(t, s.provider)

	// The only way to sign in is the provider: straight to it, and back.
	wanted := s.URL + legacy.PublicPath + "?page=2&q=%C3%A9"
	page := mustVisit(t, v, wanted)
	if page.Status != http.StatusOK || page.URL.String() != wanted {
		t.Fatalf("%d at %s, want 200 at %s", page.Status, page.URL, wanted)
	}
	_, user := sessionAt(t, v, s.Process)
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
	if names := attemptCookies(t, v, s.Process); len(names) != 0 {
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

func TestAnAddressMustBeVerifiedUnlessTheProviderIsTrusted(t *testing.T) {
	t.Parallel()
	p := startProvider(t, provider.Config{Algorithm: "ES256"})
	strict, trusting := provider.Client{ID: "strict", Secret: "one"}, provider.Client{ID: "trusting", Secret: "two"}
	g := newGateway(t, gatewaytest.Site{Upstream: "127.0.0.1:1", Options: oidcLogin(t, "strict", p, strict) +
		oidcLogin(t, "trusting", p, trusting, "trust_unverified_email")})
	register(p, strict, "strict", g)
	register(p, trusting, "trusting", g)
	g.Start()
	v := provider.NewVisitor(graceAddress)
	wantFailure(t, mustVisit(t, v, g.URL+"/auth/login/strict"), http.StatusForbidden, web.Unverified)
	wantSession(t, v, g, false)
	mustVisit(t, v, g.URL+"/auth/login/trusting")
	if _, user := sessionAt(t, v, g); user.Email != graceAddress {
		t.Errorf("signed in as %q", user.Email)
	}
}

func TestTheProviderIsAskedWhatTheCaddyfileSays(t *testing.T) {
	t.Parallel()
	s := openShop(t, provider.Config{}, "scopes openid email offline_access", "auth_param prompt login", "auth_param resource a",
		"auth_param resource b", "acr_values gold silver", "max_age 5m")
	v := signedIn(t, s.Process, "keycloak", adaAddress)
	asked := s.provider.Asked()
	got := asked[len(asked)-1]
	for name, want := range map[string][]string{
		"scope": {"openid email offline_access"}, "prompt": {"login"}, "resource": {"a", "b"}, "acr_values": {"gold silver"},
		"max_age": {"300"}, "response_type": {"code"}, "client_id": {"shop"}, "code_challenge_method": {"S256"},
		"redirect_uri": {s.URL + "/auth/callback/keycloak"},
	} {
		if !reflect.DeepEqual(got[name], want) {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	t.Run("and state, nonce and challenge are new each time", func(t *testing.T) {
		mustVisit(t, v, s.URL+"/auth/login/keycloak")
		asked := s.provider.Asked()
		again := asked[len(asked)-1]
		// 128 bits of each cannot be guessed; of the state, 32 bytes, 16 are random.
		for name, length := range map[string]int{"state": 43, "nonce": 22, "code_challenge": 43} {
			if len(got.Get(name)) != length || got.Get(name) == again.Get(name) {
				t.Errorf("%s is %q and then %q", name, got.Get(name), again.Get(name))
			}
		}
	})
}

// pairOfShops are two gateways on one Redis; the provider's logout tokens go
// to the first.
func pairOfShops(t *testing.T, s gatewaytest.Site) (one *shop, other *gatewaytest.Process, store *redistest.Server) {
	t.Helper()
	store = redistest.Start(t)
	one = newShop(t, provider.Config{}, s.OnRedis(store, gatewaytest.PresentSecret), signInOptions)
	of := one.Site
	of.Dir = "" // it shares nothing but the store
	other = newGateway(t, of)
	register(one.provider, one.client, "keycloak", one.Process, other)
	one.Start()
	other.Start()
	return one, other, store
}
