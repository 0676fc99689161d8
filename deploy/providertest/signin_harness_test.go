package providertest

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/caddymodule/web"
	"example.com/sidegate/deploy/providertest/provider"
	"example.com/sidegate/sessionstore"
)

// The demo's people by address, and Ada as the provider calls her.
const (
	adaAddress   = "ada@example.com"
	graceAddress = "grace@example.com"
	linusAddress = "linus@example.com"
	adaSubject   = "f3a1c0de-0001"
)

// shop is a gateway with one login, keycloak, at one provider.
type shop struct {
	*gatewaytest.Process
	provider *provider.Provider
	client   provider.Client
}

// openShop runs the two; lines are further ones of the login.
func openShop(t *testing.T, c provider.Config, lines ...string) *shop {
	t.Helper()
	s := newShop(t, c, gatewaytest.Site{}, lines...)
	s.Start()
	return s
}

// newShop is openShop without a start, for a site of its own.
func newShop(t *testing.T, c provider.Config, of gatewaytest.Site, lines ...string) *shop {
	t.Helper()
	if c.Algorithm == "" {
		c.Algorithm = "ES256" // RSA keys take their time to be made
	}
	p := startProvider(t, c)
	client := provider.Client{ID: "shop", Secret: "the-secret-of-the-shop"}
	of.Options += oidcLogin(t, "keycloak", p, client, lines...)
	if of.Upstream == "" {
		of.Upstream = "127.0.0.1:1"
	}
	s := &shop{newGateway(t, of), p, client}
	register(p, client, "keycloak", s.Process)
	return s
}

// mustVisit goes to a page and signs in where it is asked to.
func mustVisit(t *testing.T, v *provider.Visitor, address string) *provider.Page {
	t.Helper()
	page, err := v.Visit(address)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// mustOpen goes to a page.
func mustOpen(t *testing.T, v *provider.Visitor, address string) *provider.Page {
	t.Helper()
	page, err := v.Open(address)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// signedIn is somebody who has signed in by that login.
func signedIn(t *testing.T, g *gatewaytest.Process, login, email string) *provider.Visitor {
	t.Helper()
	v := provider.NewVisitor(email)
	mustVisit(t, v, g.URL+"/auth/login/"+login)
	if status, _ := sessionAt(t, v, g); status != http.StatusOK {
		t.Fatalf("%s is not signed in: %d", email, status)
	}
	return v
}

// sessionAt is what GET /auth/session answers to that browser.
func sessionAt(t *testing.T, v *provider.Visitor, g *gatewaytest.Process) (status int, user sessionstore.UserSession) {
	t.Helper()
	resp, err := v.Client.Get(g.URL + "/auth/session")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		err = json.NewDecoder(resp.Body).Decode(&user)
	}
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, user
}

// wantSession demands that the browser is signed in, or is not.
func wantSession(t *testing.T, v *provider.Visitor, g *gatewaytest.Process, want bool) {
	t.Helper()
	expected := http.StatusUnauthorized
	if want {
		expected = http.StatusOK
	}
	if status, _ := sessionAt(t, v, g); status != expected {
		t.Errorf("/auth/session answers %d, want %d", status, expected)
	}
}

// wantFailure demands the login page with the words of that failure.
func wantFailure(t *testing.T, page *provider.Page, status int, failure web.Failure) {
	t.Helper()
	text := (web.Login{Failure: failure, At: "\x00"}).Message(web.View{})
	if failure == web.Unavailable || failure == web.ProviderAway {
		text, _, _ = strings.Cut(text, ":") // the rest says how long to wait
	}
	if _, rest, named := strings.Cut(text, "\x00"); named { // whatever the provider is called
		text, _, _ = strings.Cut(rest, "\x00")
	}
	if page.Status != status || !strings.Contains(html.UnescapeString(page.Body), text) {
		t.Errorf("%d at %s, want %d with %q:\n%s", page.Status, page.URL.Path, status, text, page.Body)
	}
}

// answerOf signs in at the provider by that login and stops there: the answer
// that the browser would bring back is returned and not delivered.
func answerOf(t *testing.T, v *provider.Visitor, g *gatewaytest.Process, login string) *url.URL {
	t.Helper()
	v.Client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.Path, "/auth/callback/") {
			return http.ErrUseLastResponse
		}
		return nil
	}
	defer func() { v.Client.CheckRedirect = nil }()
	page := mustVisit(t, v, g.URL+"/auth/login/"+login)
	answer, err := url.Parse(page.Header.Get("Location"))
	if err != nil || !strings.HasPrefix(answer.Path, "/auth/callback/") {
		t.Fatalf("the provider's answer is %d at %s: %v", page.Status, page.URL, err)
	}
	return answer
}

// with is the answer with its parameters changed.
func with(answer *url.URL, change func(url.Values)) string {
	changed, query := *answer, answer.Query()
	change(query)
	changed.RawQuery = query.Encode()
	return changed.String()
}

// signOut presses the button of the sign-out page, and follows where it leads.
func signOut(t *testing.T, v *provider.Visitor, g *gatewaytest.Process) *provider.Page {
	t.Helper()
	return post(t, v, g.URL+"/auth/logout", url.Values{})
}

// post sends a form and follows where that leads.
func post(t *testing.T, v *provider.Visitor, address string, form url.Values) *provider.Page {
	t.Helper()
	resp, err := v.Client.PostForm(address, form)
	if err != nil {
		t.Fatal(err)
	}
	return pageOf(t, resp)
}
