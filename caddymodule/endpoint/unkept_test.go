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
		{"to a browser at plain http", "public_url http://app.example.com", "same_site lax\nname sidegate", "", "If this address begins with http://", "on a test network only, `insecure` in the block `cookie`"},
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
			b.Jar = nil
			if c.sent != "" {
				b.Jar = strings.Split(c.sent, "; ")
			}
			a = b.Open("/orders").Want(t, http.StatusSeeOther)
			if a = b.Open(a.Header.Get("Location")).Want(t, http.StatusOK); !strings.Contains(a.Body, c.page) || !strings.Contains(a.Body, `value="/orders"`) {
				t.Errorf("the page is\n%s", a.Body)
			}
			s.AwaitLog(`"level":"warn"`, "a sign-in succeeded and is not kept", c.log)
		})
	}
}

// TLS ends in front, and what listens on port 80 there redirects nobody: it passes
// on what comes.
func TestASignInOverPlainHTTPInFrontOfAProxyThatIsTrustedSaysWhy(t *testing.T) {
	s := gatewaytest.StartProcess(t, gatewaytest.Site{Global: "servers {\ntrusted_proxies static 127.0.0.1/32 ::1/128\n}",
		Options: "public_url https://app.example.com", Cookie: "name sidegate"})
	for name, cookie := range map[string]string{"with no cookie": "", "with a cookie of the app": "theme=dark"} {
		b := s.Browser(t)
		if cookie != "" {
			b.Jar = []string{cookie}
		}
		form := url.Values{"email": {gatewaytest.Ada}, "password": {gatewaytest.Password}, "return_to": {"/orders"}}
		a := b.Do(http.MethodPost, "/auth/login", form.Encode(), "Content-Type", gatewaytest.AsForm, "Accept", "text/html",
			"X-Forwarded-Proto", "http", "Origin", s.URL, "Referer", s.URL+"/auth/login").Want(t, http.StatusSeeOther)
		for _, set := range a.Cookies() {
			if set.Secure && !strings.HasSuffix(set.Name, "-succeeded") {
				b.Jar = strings.Fields(cookie) // browsers keep none that is Secure there
			} else if set.Secure {
				b.Note = ""
			}
		}
		to := a.Header.Get("Location")
		for a.StatusCode == http.StatusSeeOther {
			a = b.Open(to, "X-Forwarded-Proto", "http")
			to = a.Header.Get("Location")
		}
		if !strings.Contains(a.Want(t, http.StatusOK).Body, "Open the same address with https://") {
			t.Errorf("%s: the page is\n%s", name, a.Body)
		}
		s.AwaitLog("a sign-in succeeded and is not kept", "listens on port 80 redirect to https")
	}
}

// Where nothing says that TLS ended in front, the word has no prefix, and is ours.
func TestTheWordOfASignInReachesNoApp(t *testing.T) {
	for _, cookie := range []string{"name sidegate", "insecure"} {
		app := gatewaytest.NewRecorder(t)
		s := gatewaytest.Start(t, gatewaytest.Site{Upstream: app.Address(), Options: "public_url http://app.example.com", Cookie: cookie})
		b := s.Browser(t)
		form := url.Values{"email": {gatewaytest.Ada}, "password": {gatewaytest.Password}}
		b.Submit("/auth/login", form).Want(t, http.StatusSeeOther)
		if !strings.HasPrefix(b.Note, "sidegate-attempt-succeeded=") {
			t.Errorf("the word is %q", b.Note)
		}
		b.Jar = append(b.Jar, "theme=dark")
		b.Do(http.MethodGet, "/", "").Want(t, http.StatusOK)
		if sent := app.Last().Header.Get("Cookie"); sent != "theme=dark" {
			t.Errorf("the app gets %q", sent)
		}
	}
}

// It stays refused: who stands on the way to the page has written it.
func TestAFormOfThisSiteOverPlainHTTPIsToldOfHTTPS(t *testing.T) {
	s := gatewaytest.StartProcess(t, gatewaytest.Site{Options: "public_url https://app.example.com"})
	form := url.Values{"email": {gatewaytest.Ada}, "password": {gatewaytest.Password}}
	a := s.Browser(t).Do(http.MethodPost, "/auth/login", form.Encode(), "Content-Type", gatewaytest.AsForm, "Accept", "text/html",
		"Sec-Fetch-Mode", "navigate", "Origin", "http://app.example.com").Want(t, http.StatusForbidden)
	if !strings.Contains(a.Body, "Open the same address with https://") || len(a.Cookies()) > 0 {
		t.Errorf("the page is\n%s", a.Body)
	}
	s.AwaitLog("it comes from a page of another site", "port 80 redirect to https")
}

// A reload repeats the Referer of a page, hours later, and anybody can write one.
func TestNobodyIsToldThatTheirBrowserKeepsNothingWithoutAProof(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	for name, path := range map[string]string{
		"the Referer of the login page": "/orders", "an address of old": "/auth/login?unkept=1",
		"a word that is made up": "/auth/login?succeeded=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "a cookie that came": "/auth/login?came=1",
	} {
		b := s.Browser(t)
		b.Note = "sidegate-attempt-succeeded=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		a := b.Open(path, "Referer", s.URL+"/auth/login")
		if a.StatusCode == http.StatusSeeOther {
			a = b.Open(a.Header.Get("Location"))
		}
		if a.Want(t, http.StatusOK); strings.Contains(a.Body, "You have signed in, but") {
			t.Errorf("%s: the page is\n%s", name, a.Body)
		}
	}
}

// A form of the page that brings no cookie at all may be of a browser that takes
// none, to which no cookie can say later what has happened.
func TestABrowserThatTakesNoCookieAtAllIsToldSo(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	post := func(b *gatewaytest.Browser) (to string) {
		form := url.Values{"email": {gatewaytest.Ada}, "password": {gatewaytest.Password}, "return_to": {"/orders?a=1"}}
		a := b.Do(http.MethodPost, "/auth/login", form.Encode(), "Content-Type", gatewaytest.AsForm, "Referer", s.URL+"/auth/login?return_to=%2Forders")
		return a.Want(t, http.StatusSeeOther).Header.Get("Location")
	}
	b := s.Browser(t)
	to := post(b)
	b.Open(to).Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/orders?a=1")
	b.Jar, b.Note = nil, ""
	if a := b.Open(to).Want(t, http.StatusOK); !strings.Contains(a.Body, "did not send the cookie of it back") || !strings.Contains(a.Body, `value="/orders?a=1"`) {
		t.Errorf("the page is\n%s", a.Body)
	}
	t.Run("and one that has a cookie is led there at once", func(t *testing.T) {
		b := s.Browser(t)
		b.Jar = []string{"a=b"}
		if to := post(b); to != "/orders?a=1" {
			t.Errorf("it is led to %s", to)
		}
	})
}

// The gateway itself had the browser forget the cookie.
func TestWhoseCookieCameIsNotToldThatItDidNot(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	for name, options := range map[string]string{"by password": "", "at a provider": p.Login("sso", "")} {
		t.Run(name, func(t *testing.T) {
			s := gatewaytest.StartProcess(t, gatewaytest.Site{Options: options})
			b := s.Browser(t)
			if options == "" {
				b.Submit("/auth/login", url.Values{"email": {gatewaytest.Ada}, "password": {gatewaytest.Password}}).Want(t, http.StatusSeeOther)
			} else {
				b.SignInAt(p, "sso")
			}
			b.At(t, s.Server).Do(http.MethodPost, "/auth/logout", "").Want(t, http.StatusNoContent) // as from another device
			to := b.Open("/orders").Want(t, http.StatusSeeOther).Header.Get("Location")
			if a := b.Open(to).Want(t, http.StatusOK); !strings.Contains(a.Body, "several of its gateways may share no store") {
				t.Errorf("the page is\n%s", a.Body)
			}
			s.AwaitLog("are there gateways that share no store at one address")
		})
	}
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
