package providertest

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/deploy/providertest/legacy"
	"example.com/sidegate/deploy/providertest/provider"
)

// The app is as it always was, and is opened by nothing but what it gave out
// itself.
func TestAnAppWithALoginOfItsOwnWorksUnchangedBehindTheGateway(t *testing.T) {
	t.Parallel()
	form := "body form {\n\t\tusername {login.username}\n\t\tpassword {login.password}\n\t}"
	for _, c := range []struct {
		name  string
		lines []string
		by    string
	}{
		{"by its token", []string{mapping(withToken...)}, "token"},
		{"by its token, asked with a form", []string{form, mapping(withToken...)}, "token"},
		{"by its cookies", []string{"keep_cookies", mapping(legacyMap...)}, "cookie"},
		{"by its token beside its cookies", []string{"keep_cookies", mapping(withToken...)}, "token"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := startLegacy(t)
			g := startGateway(t, legacySite(a, legacyLogin("legacy", a, c.lines...)))
			b := mustType(t, g, adaAddress, legacy.DemoPassword)
			_, _, s := b.session(g)
			if s.Email != adaAddress || !slices.Equal(s.FlatRolesList, []string{"admin", "editor"}) || s.PrimaryAccount == nil || s.PrimaryAccount.AccountID != "GLOBEX" {
				t.Errorf("the session is %+v", s)
			}
			status, page := b.open(g.URL + "/orders")
			if status != http.StatusOK || page.User != adaAddress || page.By != c.by || page.Header.Get("X-Session-Email") != adaAddress {
				t.Errorf("%d, for %q by %q", status, page.User, page.By)
			}
			cookies := strings.Join(page.Header["Cookie"], "; ")
			if got, want := strings.Count(cookies, legacy.CookieName+"="), strings.Count(strings.Join(c.lines, " "), "keep_cookies"); got != want {
				t.Errorf("the app's cookie came %d times, want %d", got, want)
			}
			if strings.Contains(cookies, "sidegate") {
				t.Error("the app got the gateway's cookie")
			}
			if status, page := b.open(g.URL + "/plain/orders"); status != http.StatusUnauthorized || page.By != "" || holds(page.Header, "LEGACYSESSID") || page.Header.Get("Authorization") != "" {
				t.Errorf("without upstream_token: %d by %q with %v", status, page.By, page.Header)
			}
		})
	}
}

// What a client sends under the same names does not come through: the app sees
// the person whom the headers name.
func TestAClientsOwnCredentialsDoNotComeThrough(t *testing.T) {
	t.Parallel()
	a := startLegacy(t)
	graceToken, graceCookie := credentialsOf(t, a, graceAddress)
	tokens := startGateway(t, legacySite(a, legacyLogin("legacy", a, "keep_cookies", mapping(withToken...))))
	cookies := startGateway(t, legacySite(a, legacyLogin("legacy", a, "keep_cookies", mapping(legacyMap...))))
	for _, c := range []struct {
		name, path string
		header     []string
		status     int
	}{
		{"a cookie of the app", "/orders", []string{"Cookie", legacy.CookieName + "=" + graceCookie}, 200},
		{"a cookie of the app twice", "/orders", []string{"Cookie", legacy.CookieName + "=" + graceCookie + "; " + legacy.CookieName + "=" + graceCookie}, 200},
		{"basic credentials", "/orders", []string{"Authorization", "Basic Z3JhY2U6eA=="}, 200},
		{"a token of the app is a bad token to the gateway", "/orders", []string{"Authorization", "Bearer " + graceToken}, 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			for by, g := range map[string]*gatewaytest.Process{"token": tokens, "cookie": cookies} {
				b := mustType(t, g, adaAddress, legacy.DemoPassword)
				status, page := b.open(g.URL+c.path, c.header...)
				if status != c.status || status == 200 && (page.User != adaAddress || page.By != by) {
					t.Errorf("%d for %q by %q; want %d for Ada by %s", status, page.User, page.By, c.status, by)
				}
				if holds(page.Header, graceCookie) || holds(page.Header, graceToken) {
					t.Error("the app got what the client sent")
				}
			}
		})
	}
	t.Run("a token of the app, where foreign tokens are left to the app", func(t *testing.T) {
		b := mustType(t, tokens, adaAddress, legacy.DemoPassword)
		status, page := b.open(tokens.URL+"/foreign/orders", "Authorization", "Bearer "+graceToken)
		if status != http.StatusOK || page.User != adaAddress || len(page.Header["Authorization"]) != 1 {
			t.Errorf("%d for %q", status, page.User)
		}
	})
	t.Run("other cookies do", func(t *testing.T) {
		b := mustType(t, tokens, adaAddress, legacy.DemoPassword)
		_, page := b.open(tokens.URL+"/orders", "Cookie", "language=en")
		if got := page.Header.Get("Cookie"); len(page.Header["Cookie"]) != 1 || !strings.Contains(got, "language=en") || !strings.Contains(got, "theme=dark") {
			t.Errorf("the app got the cookies %q", page.Header["Cookie"])
		}
	})
}

// Whoever came in another way has nothing that the app gave out, and what
// another app gave out is not for this one.
func TestOnlyWhoSignedInThroughTheAppHasItsCredentials(t *testing.T) {
	t.Parallel()
	a, other := startLegacy(t), startLegacy(t)
	a.RemoveUser(graceAddress)
	g := startGateway(t, legacySite(a, legacyLogin("legacy", a, "keep_cookies", mapping(withToken...))+
		legacyLogin("other", other, "keep_cookies", mapping(withToken...))+usersLogin(t)))
	for _, c := range []struct{ name, email, password string }{
		{"by the users file", adaAddress, usersPassword},
		{"through another app", graceAddress, legacy.DemoPassword},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := mustType(t, g, c.email, c.password)
			status, page := b.open(g.URL + "/orders")
			if status != http.StatusUnauthorized || page.Header.Get("X-Session-Email") != c.email {
				t.Errorf("%d with %v", status, page.Header)
			}
			if page.Header.Get("Authorization") != "" || holds(page.Header, legacy.CookieName) {
				t.Error("the app got credentials")
			}
		})
	}
}

// A program's Bearer token is the gateway's; the app gets its own in its place.
func TestAProgramsTokenIsExchangedForTheApps(t *testing.T) {
	t.Parallel()
	a := startLegacy(t)
	g := startGateway(t, legacySite(a, legacyLogin("legacy", a, mapping(withToken...))))
	status, body := sendLogin(t, g, adaAddress, legacy.DemoPassword)
	_, token, found := strings.Cut(body, `"token":"`)
	if token = strings.TrimSuffix(strings.TrimSpace(token), `"}`); status != http.StatusOK || !found {
		t.Fatalf("%d %s", status, body)
	}
	program := callerOf(t, provider.NewVisitor(""))
	status, page := program.open(g.URL+"/orders", "Authorization", "Bearer "+token)
	if status != http.StatusOK || page.User != adaAddress || page.By != "token" || holds(page.Header, token) {
		t.Errorf("%d for %q by %q", status, page.User, page.By)
	}
}

// The app forgets its sessions, as in a restart: it refuses by itself, and the
// gateway's session goes on, so that somebody can sign in anew.
func TestAnAppThatForgetsItsSessionsRefusesByItself(t *testing.T) {
	t.Parallel()
	a := startLegacy(t)
	g := startGateway(t, legacySite(a, legacyLogin("legacy", a, "keep_cookies", mapping(legacyMap...))))
	b := mustType(t, g, adaAddress, legacy.DemoPassword)
	a.EndSessions()
	if status, page := b.open(g.URL + "/orders"); status != http.StatusUnauthorized || page.Header.Get("X-Session-Email") != adaAddress {
		t.Errorf("%d with %v", status, page.Header)
	}
	if status := b.status(g); status != http.StatusOK {
		t.Errorf("the gateway's session is %d", status)
	}
	signInByForm(t, visitorOf(b), g, adaAddress, legacy.DemoPassword)
	if status, page := b.open(g.URL + "/orders"); status != http.StatusOK || page.By != "cookie" {
		t.Errorf("signed in anew: %d by %q", status, page.By)
	}
}
