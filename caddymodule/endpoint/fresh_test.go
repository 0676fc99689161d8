package endpoint_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore"
)

// departs asks for a page, and goes as far as the browser is sent by us.
func departs(b *gatewaytest.Browser) gatewaytest.Answer {
	b.T.Helper()
	a := b.Open("/orders")
	for range 2 {
		a = b.Open(a.Want(b.T, http.StatusSeeOther).Header.Get("Location"))
	}
	return a
}

// lose has the browser drop its session cookies, and have another in their place.
func lose(b *gatewaytest.Browser, name, other string) {
	b.Jar = slices.DeleteFunc(b.Jar, func(pair string) bool { return strings.HasPrefix(pair, name+"=") })
	if other != "" {
		b.Jar = append(b.Jar, name+"="+other)
	}
}

// Single sign-on answers at once, so the browser went round without end.
func TestASignInAtAProviderThatIsNotKeptEndsOnAPageThatSaysWhy(t *testing.T) {
	other := sessionstore.NewSecret(1).Encode()
	for _, c := range []struct{ name, options, cookie, sent, page, log string }{
		{"where the cookie does not come back", "", "insecure", "", "did not send the cookie of it back", "it takes none, or a proxy in front drops"},
		{"where it is of another domain", "public_url https://app.example.com", "name sidegate\ndomain example.org", "",
			"did not know you again", "the `domain` of `cookie` is example.org, and people come to app.example.com"},
		{"where it is of a domain that many share", "public_url https://app.co.uk", "name sidegate\ndomain co.uk", "",
			"did not send the cookie of it back", "the `domain` of `cookie`, co.uk, is one that many share"},
		{"where another gateway has another store", "", "insecure", other, "did not know you again", "neither a store nor a secret"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := gatewaytest.NewIDP(t)
			s := gatewaytest.StartProcess(t, gatewaytest.Site{Bare: true, Options: p.Login("sso", "") + c.options, Cookie: c.cookie})
			b := s.Browser(t)
			for range 2 { // the first loss may have another reason
				b.Open(p.Consent(t, departs(b).Want(t, http.StatusSeeOther).Header.Get("Location"))).Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/orders")
				lose(b, "sidegate", c.sent)
			}
			if a := departs(b).Want(t, http.StatusOK); !strings.Contains(a.Body, c.page) || !strings.Contains(a.Body, "return_to=%2Forders") {
				t.Errorf("the page is\n%s", a.Body)
			}
			s.AwaitLog(`"level":"warn"`, "a sign-in succeeded and is not kept", c.log)
			t.Run("and whoever begins again then is sent on", func(t *testing.T) {
				b := b.At(t, s.Server)
				b.Open(p.Consent(t, departs(b).Want(t, http.StatusSeeOther).Header.Get("Location"))).Want(t, http.StatusSeeOther)
				b.WantSignedIn(t, gatewaytest.Ada)
			})
		})
	}
}

func TestWhereThereIsAChoiceALostSignInIsToldOfAtOnceAndOnce(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	b := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "")}).Browser(t)
	b.SignInAt(p, "sso")
	lose(b, "sidegate", "")
	const says = "did not send the cookie of it back"
	if a := b.Open("/auth/login").Want(t, http.StatusOK); !strings.Contains(a.Body, says) {
		t.Errorf("the page is\n%s", a.Body)
	}
	if a := b.Open("/auth/login").Want(t, http.StatusOK); strings.Contains(a.Body, says) {
		t.Errorf("the page says so again\n%s", a.Body)
	}
}

// Nobody is told that their browser keeps nothing whose session has ended.
func TestWhoseSessionHasEndedIsNotTakenForOneWhoKeepsNone(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	for _, c := range []struct {
		name string
		then func(t *testing.T, s *gatewaytest.Server, b *gatewaytest.Browser)
	}{
		{"by a sign-out", func(t *testing.T, _ *gatewaytest.Server, b *gatewaytest.Browser) {
			b.Do(http.MethodPost, "/auth/logout", "").Want(t, http.StatusNoContent)
		}},
		{"from the list of devices", func(t *testing.T, s *gatewaytest.Server, b *gatewaytest.Browser) {
			c := s.Client(t)
			c.Cookie = strings.Join(b.Jar, "; ")
			b.Do(http.MethodDelete, "/auth/sessions/"+gatewaytest.IDOf(t, c), "").Want(t, http.StatusNoContent)
		}},
		{"by nothing: they are signed in, and begin another", func(t *testing.T, _ *gatewaytest.Server, b *gatewaytest.Browser) {
			b.WantSignedIn(t, gatewaytest.Ada)
		}},
	} {
		for site, options := range map[string]gatewaytest.Site{
			"with one provider": {Bare: true, Options: p.Login("sso", "")}, "with a choice": {Options: p.Login("sso", "")},
		} {
			t.Run(c.name+", "+site, func(t *testing.T) {
				s := gatewaytest.Start(t, options)
				b := s.Browser(t)
				for range 4 {
					b.SignInAt(p, "sso")
					c.then(t, s, b)
					if a := b.Open("/auth/login"); strings.Contains(a.Body, "You have signed in, but") {
						t.Fatalf("the page is\n%s", a.Body)
					}
				}
			})
		}
	}
	t.Run("elsewhere, once", func(t *testing.T) {
		s := gatewaytest.Start(t, gatewaytest.Site{Bare: true, Options: p.Login("sso", "")})
		b := s.Browser(t)
		b.SignInAt(p, "sso")
		b.At(t, s).Do(http.MethodPost, "/auth/logout", "").Want(t, http.StatusNoContent) // with the same cookie
		b.Open(p.Consent(t, departs(b).Want(t, http.StatusSeeOther).Header.Get("Location"))).Want(t, http.StatusSeeOther)
		b.WantSignedIn(t, gatewaytest.Ada)
	})
}

// The page accused gateways that share no store, and the log warned of them.
func TestWhoseSignInWasSeenToBeKeptIsNotToldThatItWasNot(t *testing.T) {
	for name, c := range map[string]struct {
		reads func(b *gatewaytest.Browser)
		told  bool
	}{
		"who has read a page":                     {func(b *gatewaytest.Browser) { b.Open("/orders").Want(b.T, http.StatusOK) }, false},
		"whose page has asked who they are":       {func(b *gatewaytest.Browser) { b.Do(http.MethodGet, "/auth/session", "").Want(b.T, http.StatusOK) }, false},
		"who has looked where they are signed in": {func(b *gatewaytest.Browser) { b.Open("/auth/sessions").Want(b.T, http.StatusOK) }, false},
		"but who has read nothing yet is":         {func(*gatewaytest.Browser) {}, true},
		"and so is whose page has but asked an app": {func(b *gatewaytest.Browser) {
			b.Do(http.MethodGet, "/orders", "", "Accept", "application/json").Want(b.T, http.StatusOK)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := gatewaytest.Start(t, gatewaytest.Site{})
			b := s.Browser(t)
			b.Submit("/auth/login", url.Values{"email": {gatewaytest.Ada}, "password": {gatewaytest.Password}}).Want(t, http.StatusSeeOther)
			c.reads(b)
			s.WithCookie(t, gatewaytest.Ada).Do(http.MethodDelete, "/auth/sessions", "").Want(t, http.StatusNoContent) // at another device
			to := b.Open("/orders").Want(t, http.StatusSeeOther).Header.Get("Location")
			page := b.Open(to).Want(t, http.StatusOK).Body
			if told := strings.Contains(page, "did not know you again"); told != c.told || strings.Contains(to, "came=1") != c.told {
				t.Errorf("it is led to %s, and the page is\n%s", to, page)
			}
		})
	}
}

// The word is of the host that was signed in at, and the session of all below the domain.
func TestWhoSignsOutAtAnotherHostOfTheCookieIsNotTakenForOneWhoKeepsNone(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	for name, cookie := range map[string]string{"over https": "name sidegate\ndomain example.com", "over plain http": "insecure\ndomain example.com"} {
		t.Run(name, func(t *testing.T) {
			s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", ""), Cookie: cookie})
			here := s.Browser(t)
			here.SignInAt(p, "sso")
			there := here.At(t, s)
			there.Note = ""
			ended := there.Do(http.MethodPost, "/auth/logout", "").Want(t, http.StatusNoContent)
			here.Jar = slices.Clone(there.Jar)
			if a := here.Open("/auth/login").Want(t, http.StatusOK); here.Note == "" || strings.Contains(a.Body, "You have signed in, but") {
				t.Errorf("with %v and %s, the page is\n%s", here.Jar, here.Note, a.Body)
			}
			for _, set := range ended.Cookies() {
				if strings.HasSuffix(set.Name, "-ended") && (set.Domain != "example.com" || set.MaxAge != 30 || !set.HttpOnly) {
					t.Errorf("the word of the end is %v", set)
				}
			}
			t.Run("and the next sign-in takes that back", func(t *testing.T) {
				here.SignInAt(p, "sso")
				lose(here, "sidegate", "")
				if a := here.Open("/auth/login").Want(t, http.StatusOK); !strings.Contains(a.Body, "You have signed in, but") {
					t.Errorf("the page is\n%s", a.Body)
				}
			})
		})
	}
}

// A proxy that passes on one Set-Cookie of an answer passes on the first, or none at
// all on the way back from the provider, whose address is the longest.
func TestAProxyThatDropsCookiesOnTheWayBackFromTheProviderEndsOnAPageThatSaysWhy(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Bare: true, Options: p.Login("sso", "")})
	t.Run("the first is the session", func(t *testing.T) {
		b := s.Browser(t)
		a := b.SignInAt(p, "sso")
		if first := a.Header.Values("Set-Cookie")[0]; !strings.HasPrefix(first, "sidegate=") {
			t.Errorf("the first is %s", first)
		}
	})
	b := s.Browser(t)
	for range 2 {
		callback := p.Consent(t, departs(b).Want(t, http.StatusSeeOther).Header.Get("Location"))
		jar := slices.Clone(b.Jar)
		a := b.Open(callback).Want(t, http.StatusSeeOther)
		b.Jar, b.Note = jar, ""
		if to := a.Header.Get("Location"); to != "/orders" {
			if a = b.Open(to).Want(t, http.StatusOK); !strings.Contains(a.Body, "did not send the cookie of it back") {
				t.Errorf("the page is\n%s", a.Body)
			}
			return
		}
	}
	t.Error("the browser goes round")
}
