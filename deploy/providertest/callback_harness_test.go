package providertest

import (
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/caddymodule/web"
	"example.com/sidegate/deploy/providertest/provider"
)

// market is a gateway with three logins: keycloak and twin are two clients of
// one provider, and other is at a second provider.
type market struct {
	*gatewaytest.Process
	one, other *provider.Provider
}

func openMarket(t *testing.T) *market {
	t.Helper()
	m := &market{
		one:   startProvider(t, provider.Config{Algorithm: "ES256"}),
		other: startProvider(t, provider.Config{Algorithm: "ES256"}),
	}
	shop, twin := provider.Client{ID: "shop", Secret: "secret-of-the-shop"}, provider.Client{ID: "twin", Secret: "secret-of-the-twin"}
	m.Process = newGateway(t, gatewaytest.Site{Upstream: "127.0.0.1:1", Options: oidcLogin(t, "keycloak", m.one, shop) +
		oidcLogin(t, "twin", m.one, twin) + oidcLogin(t, "other", m.other, shop)})
	register(m.one, shop, "keycloak", m.Process)
	register(m.one, twin, "twin", m.Process)
	register(m.other, shop, "other", m.Process)
	m.Start()
	return m
}

// asked is how often codes were redeemed, or tried to be.
func (m *market) asked() [2]int {
	return [2]int{m.one.At(provider.Token).Count(), m.other.At(provider.Token).Count()}
}

// wantRefused brings an answer to the gateway that must not be taken: it says
// so in fixed words, repeats nothing that came in, and signs nobody in.
func (m *market) wantRefused(t *testing.T, v *provider.Visitor, answer string, status int, failure web.Failure) {
	t.Helper()
	page := mustOpen(t, v, answer)
	wantFailure(t, page, status, failure)
	wantNoEcho(t, page, answer)
	for _, c := range (&http.Response{Header: page.Header}).Cookies() {
		if !strings.HasPrefix(c.Name, "sidegate-attempt-") || c.MaxAge >= 0 {
			t.Errorf("the answer sets the cookie %s", c)
		}
	}
	wantStranger(t, v, m.Process)
}

// wantBegunAgain brings an answer to the gateway that must not be taken, and whose
// sign-in begins once more by itself: as an attempt of that browser, in which
// neither the state nor the code of the answer is of any use. Nobody is signed in.
func (m *market) wantBegunAgain(t *testing.T, v *provider.Visitor, answer string) {
	t.Helper()
	v.Client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	page := mustOpen(t, v, answer)
	v.Client.CheckRedirect = nil
	m.wantToProvider(t, page)
	wantNoEcho(t, page, with(page.URL, del("iss"))) // that is where it leads
	wantStranger(t, v, m.Process)
}

// wantToProvider demands that the answer leads to the first provider, and gives
// the browser nothing but the attempt that begins so.
func (m *market) wantToProvider(t *testing.T, page *provider.Page) {
	t.Helper()
	if page.Status != http.StatusSeeOther || !strings.HasPrefix(page.Header.Get("Location"), m.one.Issuer()+"/authorize?") {
		t.Errorf("%d to %s, want 303 to the provider:\n%s", page.Status, page.Header.Get("Location"), page.Body)
	}
	for _, c := range (&http.Response{Header: page.Header}).Cookies() {
		if !strings.HasPrefix(c.Name, "sidegate-attempt-") {
			t.Errorf("the answer sets the cookie %s", c)
		}
	}
}

// wantStranger demands that the browser has got no session.
func wantStranger(t *testing.T, v *provider.Visitor, g *gatewaytest.Process) {
	t.Helper()
	wantSession(t, v, g, false)
	if slices.ContainsFunc(cookiesAt(t, v, g), func(c *http.Cookie) bool { return c.Name == "sidegate" }) {
		t.Error("the browser was given a session's cookie")
	}
}

// wantNoEcho demands that nothing of the query is in the page or its headers
// (CVE-2024-21496, CVE-2023-52430).
func wantNoEcho(t *testing.T, page *provider.Page, answer string) {
	t.Helper()
	_, raw, _ := strings.Cut(answer, "?")
	query, _ := url.ParseQuery(raw) // what could be read of it
	said := html.UnescapeString(page.Body)
	for _, values := range page.Header {
		said += strings.Join(values, "\n")
	}
	for name, values := range query {
		for _, value := range values {
			if len(value) > 8 && strings.Contains(said, value) {
				t.Errorf("the answer repeats %s", name)
			}
		}
	}
}

// set and del change one parameter of an answer.
func set(name string, values ...string) func(url.Values) {
	return func(query url.Values) { query[name] = values }
}

func del(name string) func(url.Values) {
	return func(query url.Values) { query.Del(name) }
}

// again repeats a parameter with the value that it has.
func again(name string) func(url.Values) {
	return func(query url.Values) { query[name] = append(query[name], query.Get(name)) }
}
