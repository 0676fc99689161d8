package endpoint_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore"
)

func TestASignInThatIsNotKeptSaysWhy(t *testing.T) {
	other := "sidegate=" + sessionstore.NewSecret(1).Encode()
	many := make([]string, 5)
	for i := range many {
		many[i] = "sidegate=" + sessionstore.NewSecret(int64(i)).Encode()
	}
	for _, c := range []struct{ name, options, cookie, sent, page, log string }{
		{"to a browser that takes no cookies", "", "insecure", "", "did not send the cookie of it back", "it takes none, or a proxy in front drops"},
		{"to a browser at plain http", "public_url http://app.example.com", "same_site lax\nname sidegate", "", "If this address begins with http://", "say `insecure` in `cookie`"},
		{"where the cookie is of another domain", "public_url https://app.example.com", "name sidegate\ndomain example.org", "",
			"did not know you again", "the `domain` of `cookie` is example.org, and people come to app.example.com"},
		{"where a gateway has another store", "", "insecure", other, "did not know you again", "neither a store nor a secret"},
		{"where there are many cookies of that name", "", "insecure", strings.Join(many, "; "), "several sign-ins of this name", "a `name` of its own in `cookie`"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := gatewaytest.StartProcess(t, gatewaytest.Site{Options: c.options, Cookie: c.cookie})
			b := s.Browser(t)
			form := url.Values{"email": {gatewaytest.Ada}, "password": {gatewaytest.Password}, "return_to": {"/orders"}}
			a := b.Submit("/auth/login", form).Want(t, http.StatusSeeOther)
			a.WantHeader(t, "Location", "/orders")
			a.WantHeader(t, "Referrer-Policy", "same-origin")
			site := s.URL
			if _, named, ok := strings.Cut(c.options, "public_url "); ok {
				site = named
			}
			b.Jar = nil
			if c.sent != "" {
				b.Jar = strings.Split(c.sent, "; ")
			}
			a = b.Open("/orders", "Referer", site+"/auth/login?return_to=%2Forders").Want(t, http.StatusSeeOther)
			if a = b.Open(a.Header.Get("Location")).Want(t, http.StatusOK); !strings.Contains(a.Body, c.page) || !strings.Contains(a.Body, `value="/orders"`) {
				t.Errorf("the page is\n%s", a.Body)
			}
			s.AwaitLog(`"level":"warn"`, "a sign-in succeeded and is not kept", c.log)
		})
	}
}

// The word of another site, or of another page, is none of a sign-in.
func TestOnlyTheLoginPageSaysThatSomebodyHasSignedIn(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	for name, referer := range map[string]string{
		"nobody": "", "another site's page": "https://evil.example/auth/login", "another page of this site": s.URL + "/orders",
		"a page below it": s.URL + "/auth/login/sso", "what is no address": "%",
	} {
		a := s.Browser(t).Open("/orders", "Referer", referer).Want(t, http.StatusSeeOther)
		if strings.Contains(a.Header.Get("Location"), "unkept") {
			t.Errorf("%s says so", name)
		}
	}
	t.Run("and who is signed in is told nothing else", func(t *testing.T) {
		b := s.Browser(t)
		b.Submit("/auth/login", url.Values{"email": {gatewaytest.Ada}, "password": {gatewaytest.Password}}).Want(t, http.StatusSeeOther)
		if a := b.Open("/auth/login?unkept=1").Want(t, http.StatusOK); !strings.Contains(a.Body, "Already signed in") {
			t.Errorf("the page is\n%s", a.Body)
		}
	})
}
