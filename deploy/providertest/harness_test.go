package providertest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/deploy/providertest/legacy"
	"example.com/sidegate/deploy/providertest/provider"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// usersFile has one person, whose hash is cheap on purpose: argon2id of the
// password with m=64,t=1,p=1.
const usersFile = `users:
  - id: 1
    email: ada@example.com
    password: $argon2id$v=19$m=64,t=1,p=1$c2lkZWdhdGUtdGVzdC1zYWx0$oTLkXkLUVwxfonMQa7fFoDmldh0ucNpBPQbDhn//lUc
`

const usersPassword = "correct horse battery staple"

func usersLogin(t *testing.T) string {
	t.Helper()
	return "login users " + writeFile(t, "users.yaml", []byte(usersFile)) + "\n"
}

// signInByForm signs a browser in with the gateway's own form.
func signInByForm(t *testing.T, v *provider.Visitor, g *gatewaytest.Process, email, password string) *provider.Page {
	t.Helper()
	resp, err := v.Client.PostForm(g.URL+"/auth/login", url.Values{"email": {email}, "password": {password}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return &provider.Page{URL: resp.Request.URL, Status: resp.StatusCode, Header: resp.Header}
}

// appPage goes to the app behind the gateway, by way of signing in if need be.
func appPage(t *testing.T, v *provider.Visitor, address string) (int, legacy.Page) {
	t.Helper()
	page, err := v.Visit(address)
	if err != nil {
		t.Fatal(err)
	}
	var shown legacy.Page
	if err := json.Unmarshal([]byte(page.Body), &shown); err != nil {
		t.Fatalf("%d, no page of the app at %s: %s", page.Status, page.URL, page.Body)
	}
	return page.Status, shown
}

// The harness itself: two real gateways in front of a real app.
func TestTheGatewaysRun(t *testing.T) {
	t.Parallel()
	app := startLegacy(t)
	s := gatewaytest.Site{Options: usersLogin(t), Upstream: app.URL()}.OnRedis(redistest.Start(t), gatewaytest.PresentSecret)
	one, other := startGateway(t, s), startGateway(t, s)
	v := provider.NewVisitor("")
	signInByForm(t, v, one, "ada@example.com", usersPassword)
	for _, g := range []*gatewaytest.Process{one, other} {
		status, shown := appPage(t, v, g.URL+legacy.PublicPath)
		if status != http.StatusOK || shown.Header.Get("X-Session-Email") != "ada@example.com" {
			t.Errorf("%d %+v", status, shown)
		}
		// The app believes its own credentials only, and got none.
		if status, shown := appPage(t, v, g.URL+"/orders"); status != http.StatusUnauthorized || shown.User != "" {
			t.Errorf("%d %+v", status, shown)
		}
	}
	other.Terminate()
	other.Start()
	if status, _ := appPage(t, v, other.URL+legacy.PublicPath); status != http.StatusOK {
		t.Errorf("after a restart: %d", status)
	}
}

// The lines that configure the parts are what the gateway takes, whatever is
// put into them.
func TestSnippetsAreValid(t *testing.T) {
	t.Parallel()
	p := startProvider(t, provider.Config{TLS: true, Algorithm: "ES256"})
	said, code := validate(t, newGateway(t, gatewaytest.Site{Upstream: "127.0.0.1:1", Options: oidcLogin(t, "keycloak", p,
		provider.Client{ID: "shop", Secret: `with "quotes" and spaces`}, signInOptions,
		mapping("id", "token.uid", "roles", `token.realm_access.roles.filter(r, r != "offline_access")`)) +
		legacyLogin("legacy", startLegacy(t), "keep_cookies", mapping("email", "login.body.user.email")) +
		crmDirectory("crm", startCRM(t), "timeout 2s", "optional", mapping("roles", "identity.roles + directory.crm.roles")),
	}))
	if code != 0 {
		t.Errorf("%d %s", code, said)
	}
}

// All parts at once: the provider, the directory, the gateway and the app.
func TestThePartsWorkTogether(t *testing.T) {
	t.Parallel()
	p, d, app := startProvider(t, provider.Config{TLS: true, Algorithm: "ES256"}), startCRM(t), startLegacy(t)
	client := provider.Client{ID: "shop", Secret: `with "quotes" and spaces`}
	g := newGateway(t, gatewaytest.Site{
		Options: oidcLogin(t, "keycloak", p, client, signInOptions, mapping("id", "token.uid")) +
			crmDirectory("crm", d, mapping("roles", "directory.crm.roles")),
		Upstream: app.URL(),
	})
	register(p, client, "keycloak", g)
	g.Start()
	v := provider.NewVisitor("ada@example.com")
	v.Client.Transport = trusting(t, p)
	status, shown := appPage(t, v, g.URL+legacy.PublicPath)
	if status != http.StatusOK || shown.Header.Get("X-Session-User-Id") != "1001" || shown.Header.Get("X-Session-Roles") != "admin,on-call" {
		t.Errorf("%d %+v", status, shown)
	}
	if p.At(provider.Token).Count() != 1 || d.ByEmail.Count() != 1 {
		t.Errorf("%d codes redeemed, the directory asked %d times", p.At(provider.Token).Count(), d.ByEmail.Count())
	}
}

// What the provider is told of a gateway is what the gateway's addresses are.
func TestRegisteringGateways(t *testing.T) {
	t.Parallel()
	p := startProvider(t, provider.Config{Algorithm: "ES256"})
	one, other := newGateway(t, gatewaytest.Site{}), newGateway(t, gatewaytest.Site{})
	register(p, provider.Client{ID: "shop"}, "keycloak", one, other)
	for _, g := range []*gatewaytest.Process{one, other} {
		query := url.Values{
			"client_id": {"shop"}, "redirect_uri": {g.URL + "/auth/callback/keycloak"}, "response_type": {"code"}, "scope": {"openid"},
			"code_challenge": {strings.Repeat("c", 43)}, "code_challenge_method": {"S256"},
		}
		page, err := provider.NewVisitor("").Open(p.Issuer() + "/authorize?" + query.Encode())
		if err != nil || !page.AsksWho() {
			t.Errorf("%v %v", page, err)
		}
	}
}
