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
		{"to a browser at plain http", "public_url http://app.example.com", "same_site lax\nname sidegate", "", "If this address begins with http://", "on a test network only, `cookie { insecure }`"},
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

// Each link of another site ended on the form, for somebody who was signed in.
func TestALinkOfAnotherSiteLeadsWhoIsSignedInToThePage(t *testing.T) {
	from := func(site, dest string) []string { return []string{"Sec-Fetch-Site", site, "Sec-Fetch-Dest", dest} }
	const strict, lax = "insecure\nsame_site strict", "insecure"
	for _, c := range []struct {
		name   string
		cookie string
		sent   []string
		onward bool
	}{
		{"by a link of another site", strict, from("cross-site", "document"), true},
		{"by the page that leads on, to the form", strict, from("same-origin", "document"), false},
		{"by an address that was typed", strict, from("none", "document"), false},
		{"in a frame of another site", strict, from("cross-site", "iframe"), false},
		{"with a cookie that is no good", strict, append(from("cross-site", "document"), "Cookie", "sidegate=x"), false},
		{"where the cookie comes with links", lax, from("cross-site", "document"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := gatewaytest.Start(t, gatewaytest.Site{Cookie: c.cookie}).Browser(t)
			if len(c.sent) > 4 {
				b.Jar = []string{c.sent[5]}
			}
			a := b.Open("/orders?a=1&b=2", c.sent[:4]...)
			if !c.onward {
				a.Want(t, http.StatusSeeOther)
				return
			}
			if a.Want(t, http.StatusOK); !strings.Contains(a.Body, `content="0; url=/orders?a=1&amp;b=2"`) || len(b.Jar) != 0 {
				t.Errorf("the page is\n%s", a.Body)
			}
		})
	}
}
