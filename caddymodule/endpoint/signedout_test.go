package endpoint_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// Who signs out is told so by a page that asks for nothing: one that asked for a session
// would have another begin where that takes no more than arriving.
func TestEverySignOutEndsAtAPageThatSaysSo(t *testing.T) {
	p, old := gatewaytest.NewIDP(t), gatewaytest.NewOldGateway(t, gatewaytest.OAuth2Proxy)
	legacy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) }))
	t.Cleanup(legacy.Close)
	without := gatewaytest.NewIDP(t).NoEndSession()
	for _, c := range []struct {
		name, options string
		signIn        func(*gatewaytest.Browser)
		elsewhere     bool   // it leads over the provider
		still         string // where else they may be signed in still
	}{
		{"by password", "", func(b *gatewaytest.Browser) {
			b.Submit("/auth/login", url.Values{"email": {gatewaytest.Ada}, "password": {gatewaytest.Password}}).Want(b.T, http.StatusSeeOther)
		}, false, ""},
		{"by a provider with a sign-out", p.Login("sso", ""), func(b *gatewaytest.Browser) { b.SignInAt(p, "sso") }, true, ""},
		{"by a provider without", without.Login("sso", "label Acme"), func(b *gatewaytest.Browser) { b.SignInAt(without, "sso") }, false, "You may still be signed in at Acme."},
		{"by an app's own login", "login app legacy " + legacy.URL + "/login {\nsuccess `login.status == 200`\nmap {\nid `7`\n}\nlogout " + legacy.URL + "/out\n}\n", func(b *gatewaytest.Browser) {
			b.Submit("/auth/login", url.Values{"email": {"linda@example.com"}, "password": {"of the app"}}).Want(b.T, http.StatusSeeOther)
		}, false, ""},
		{"from another gateway", old.Login("old"), func(b *gatewaytest.Browser) { b.Jar = append(b.Jar, old.SignIn(gatewaytest.Ada)); b.Open("/app") }, false,
			"You may still be signed in at the service by which you came here."},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := gatewaytest.StartProcess(t, gatewaytest.Site{Options: c.options}).Browser(t)
			c.signIn(b)
			b.Do(http.MethodGet, "/auth/session", "").Want(t, http.StatusOK)
			to := b.Submit("/auth/logout", nil).Want(t, http.StatusSeeOther).Header.Get("Location")
			if elsewhere := strings.HasPrefix(to, p.URL+"/end"); elsewhere != c.elsewhere {
				t.Errorf("it leads to %s", to)
			}
			if c.elsewhere {
				to = "/auth/logout"
			}
			page := b.Open(to).Want(t, http.StatusOK).Body
			if !strings.Contains(page, "You are signed out") || strings.Contains(page, "still be signed in") != (c.still != "") || !strings.Contains(page, c.still) {
				t.Errorf("the page is\n%s", page)
			}
			b.WantSignedOut(t)
		})
	}
}

// What the page adds is one of two sentences about a login that there is.
func TestTheSignedOutPageSaysNothingThatTheAddressMakesUp(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	for _, still := range []string{"evil.example", "users", "%3Cb%3E", "", "%00"} {
		if page := s.Client(t).Get("/auth/logout?still="+still, "Accept", "text/html").Want(t, http.StatusOK).Body; strings.Contains(page, "still be signed in") {
			t.Errorf("%s: the page is\n%s", still, page)
		}
	}
}

func TestTheFormThatConfirmsASignOutKeepsWhereItLeads(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	for asked, want := range map[string]string{
		"?return_to=%2Forders%3Fa%3D1": `<input type="hidden" name="return_to" value="/orders?a=1">`, "?return_to=https%3A%2F%2Fevil.example": "", "": "",
	} {
		page := s.WithCookie(t, gatewaytest.Ada).Get("/auth/logout"+asked, "Accept", "text/html").Want(t, http.StatusOK).Body
		if got := strings.Contains(page, `name="return_to"`); got != (want != "") || !strings.Contains(page, want) {
			t.Errorf("%s: the page is\n%s", asked, page)
		}
	}
}
