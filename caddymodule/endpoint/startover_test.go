package endpoint_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// offer is the form of the page for sessions that cannot be read.
const offer = `<form method="post" action="/auth/start-over">`

// startOver presses the page's button.
func startOver(b *gatewaytest.Browser, returnTo string) gatewaytest.Answer {
	b.T.Helper()
	return b.Submit("/auth/start-over", url.Values{"return_to": {returnTo}})
}

// byForm signs in with a browser.
func byForm(b *gatewaytest.Browser, email, returnTo string) gatewaytest.Answer {
	b.T.Helper()
	return b.Submit("/auth/login", url.Values{"email": {email}, "password": {gatewaytest.Password}, "return_to": {returnTo}})
}

// unread are browsers whose sessions the gateway cannot read any more.
func unread(t *testing.T, g *gatewaytest.Process, emails ...string) (browsers []*gatewaytest.Browser) {
	t.Helper()
	for _, email := range emails {
		b := g.Browser(t)
		byForm(b, email, "").Want(t, http.StatusSeeOther)
		browsers = append(browsers, b)
	}
	giveSecrets(g, gatewaytest.PresentSecret)
	return browsers
}

// wantOffer demands the page, and that the cookie is left alone by it.
func wantOffer(b *gatewaytest.Browser, path, returnTo string) {
	b.T.Helper()
	a := b.Open(path).Want(b.T, http.StatusServiceUnavailable)
	a.WantHeader(b.T, "Set-Cookie", "")
	hidden := fmt.Sprintf(`name="return_to" value="%s"`, returnTo)
	if !strings.Contains(a.Body, offer) || strings.Contains(a.Body, `name="return_to"`) != (returnTo != "") || !strings.Contains(a.Body, hidden) && returnTo != "" {
		b.T.Errorf("the page at %s does not lead back to %q:\n%s", path, returnTo, a.Body)
	}
}

// lives demands that the sessions go on, now that the former secret is named.
func lives(t *testing.T, g *gatewaytest.Process, cookies ...string) {
	t.Helper()
	for _, cookie := range cookies {
		g.With(t, cookie, "").Get("/auth/session").Want(t, http.StatusOK)
	}
}

func TestWhoseSessionCannotBeReadMaySignInAgain(t *testing.T) {
	for _, store := range []string{"embedded", "redis"} {
		t.Run(store, func(t *testing.T) {
			g := startWithFormer(t, store)
			browsers := unread(t, g, gatewaytest.Ada, gatewaytest.Grace)
			b, theirs := browsers[0], browsers[1]
			was := b.Jar[0]

			g.With(t, was, "").WantCannotTell(t)
			for path, status := range map[string]int{"/auth/session": 500, "/auth/sessions": 503, "/app": 503, "/auth/login": 503} {
				b.Do(http.MethodGet, path, "").WantError(t, status, "unreadable")
			}
			wantOffer(b, "/orders?page=2", "/orders?page=2")
			wantOffer(b, "/auth/login?return_to=%2Forders", "/orders")
			wantOffer(b, "/auth/login", "")
			wantOffer(b, "/auth/login?return_to=https%3A%2F%2Fevil.example", "")

			a := startOver(b, "/orders?page=2").Want(t, http.StatusSeeOther)
			a.WantHeader(t, "Location", "/auth/login?return_to=%2Forders%3Fpage%3D2")
			if len(b.Jar) != 0 {
				t.Errorf("the browser keeps %d cookies", len(b.Jar))
			}
			if page := b.Open(a.Header.Get("Location")).Want(t, http.StatusOK); !strings.Contains(page.Body, `value="/orders?page=2"`) {
				t.Errorf("the login page does not lead back:\n%s", page.Body)
			}
			byForm(b, gatewaytest.Ada, "/orders?page=2").Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/orders?page=2")
			b.WantSignedIn(t, gatewaytest.Ada)

			giveSecrets(g, gatewaytest.PresentSecret, gatewaytest.FormerSecret)
			g.WantDead(t, was, "")
			if list := listedOf(g.With(t, b.Jar[0], "")); len(list.Sessions) != 1 || len(list.Unreadable) != 0 {
				t.Errorf("the store has %+v of ada", list)
			}
			lives(t, g, theirs.Jar[0])
		})
	}
}

// What can be read is for its person to end, by a sign-out.
func TestStartingOverEndsNothingThatCanBeRead(t *testing.T) {
	for name, site := range gatewaytest.Stores(t) {
		t.Run(name, func(t *testing.T) {
			s := gatewaytest.Start(t, site)
			b := s.Browser(t)
			byForm(b, gatewaytest.Ada, "").Want(t, http.StatusSeeOther)
			startOver(b, "/orders").Want(t, http.StatusSeeOther).WantHeader(t, "Set-Cookie", "")
			b.Do(http.MethodPost, "/auth/start-over", "").Want(t, http.StatusNoContent).WantHeader(t, "Set-Cookie", "")
			b.WantSignedIn(t, gatewaytest.Ada)
			if page := b.Open("/auth/login").Want(t, http.StatusOK); strings.Contains(page.Body, offer) {
				t.Errorf("the page is\n%s", page.Body)
			}
			token := s.WithToken(t, gatewaytest.Ada)
			token.Post("/auth/start-over").Want(t, http.StatusNoContent)
			token.Get("/auth/session").Want(t, http.StatusOK)
			token.Post("/auth/logout").Want(t, http.StatusNoContent)
			token.Post("/auth/start-over", "Authorization", "Bearer nobody-can-tell-whose-it-is").Want(t, http.StatusUnauthorized)
			b.Do(http.MethodPost, "/auth/logout", "").Want(t, http.StatusNoContent)
		})
	}
	t.Run("the memory store seals nothing, so another secret leaves everything to be read", func(t *testing.T) {
		g := gatewaytest.StartProcess(t, gatewaytest.Site{Options: fmt.Sprintf("store memory\nsecret %q\n", gatewaytest.FormerSecret)})
		b := g.Browser(t)
		byForm(b, gatewaytest.Ada, "").Want(t, http.StatusSeeOther)
		giveSecrets(g, gatewaytest.PresentSecret)
		b.WantSignedIn(t, gatewaytest.Ada)
	})
}

// While the store is away nobody can say what can be read: the page is another,
// and its button, pressed in an old tab, ends nothing.
func TestAStoreThatIsAwayOffersNoSignInAndEndsNothing(t *testing.T) {
	r := redistest.Start(t, redistest.AppendOnly())
	g := gatewaytest.StartProcess(t, gatewaytest.Site{}.OnRedis(r, gatewaytest.FormerSecret))
	b := unread(t, g, gatewaytest.Ada)[0]
	wantOffer(b, "/orders", "/orders")
	r.Kill()
	for path, text := range map[string]string{"/orders": "cannot be looked up", "/auth/login": "Sign in"} {
		page := b.Open(path)
		page.WantHeader(t, "Set-Cookie", "")
		if strings.Contains(page.Body, offer) || !strings.Contains(page.Body, text) {
			t.Errorf("while the store is away the page at %s is %s\n%s", path, page.Status, page.Body)
		}
	}
	b.Do(http.MethodGet, "/app", "").WantError(t, http.StatusServiceUnavailable, "unavailable")
	startOver(b, "/orders").Want(t, http.StatusServiceUnavailable).WantHeader(t, "Set-Cookie", "")
	b.Do(http.MethodPost, "/auth/start-over", "").WantError(t, http.StatusServiceUnavailable, "unavailable")
	r.Restart()
	gatewaytest.Await(t, "the store is back", func() bool {
		return strings.Contains(b.Open("/orders").Body, offer)
	})
	giveSecrets(g, gatewaytest.PresentSecret, gatewaytest.FormerSecret)
	lives(t, g, b.Jar[0])
}

func TestStartingOverEndsEveryCredentialThatCannotBeRead(t *testing.T) {
	for _, store := range []string{"embedded", "redis"} {
		t.Run(store, func(t *testing.T) {
			g := startWithFormer(t, store)
			browsers := unread(t, g, gatewaytest.Ada, gatewaytest.Grace, gatewaytest.Ada)
			left := g.WithCookie(t, gatewaytest.Ada).Cookie
			name, _, _ := strings.Cut(left, "=")
			var cookies, all []string
			for _, b := range browsers {
				cookies = append(cookies, b.Jar[0])
				all = append(all, b.Jar[0], name+"="+sessionstore.NewSecret(1).Encode(), name+"=x")
			}
			c := g.With(t, strings.Join(append(all, left), "; "), "")
			c.Post("/auth/start-over").Want(t, http.StatusNoContent).WantHeader(t, "Set-Cookie", "")
			giveSecrets(g, gatewaytest.PresentSecret, gatewaytest.FormerSecret)
			for _, cookie := range cookies {
				g.WantDead(t, cookie, "")
			}
			lives(t, g, left)
		})
	}
	t.Run("or says that it is not done", func(t *testing.T) {
		r, w := prepared(http.MethodPost, "/auth/start-over"), httptest.NewRecorder()
		for range caller.MaxPresented + 1 {
			r.Header.Set("Cookie", r.Header.Get("Cookie")+"; "+cookieName+"="+sessionstore.NewSecret(1).Encode())
		}
		wholeSite(t).ServeHTTP(w, r)
		if w.Code != http.StatusBadRequest || w.Header().Get("Set-Cookie") != "" || !strings.Contains(w.Body.String(), "not all of them were") {
			t.Errorf("it is %d: %s", w.Code, w.Body)
		}
	})
}

// A page of another site must not have people sign in again.
func TestStartingOverFromAnotherSiteIsRefused(t *testing.T) {
	g := startWithFormer(t, "embedded")
	b := unread(t, g, gatewaytest.Ada)[0]
	for name, header := range map[string][]string{
		"another site": {"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, "a sibling host": {"Sec-Fetch-Site", "same-site"},
		"another site, an older browser": {"Origin", "https://evil.example"},
	} {
		t.Run(name, func(t *testing.T) {
			a := b.At(t, g.Server).Do(http.MethodPost, "/auth/start-over", "return_to=%2F", append(header, "Content-Type", gatewaytest.AsForm)...)
			a.Want(t, http.StatusForbidden).WantHeader(t, "Set-Cookie", "")
		})
	}
	b.Open("/auth/start-over").Want(t, http.StatusMethodNotAllowed)
	giveSecrets(g, gatewaytest.PresentSecret, gatewaytest.FormerSecret)
	lives(t, g, b.Jar[0])
}

// Of two gateways on one Redis only one has the secret: who presses the button
// at the other is out at both, and who does not stays in where they can be read.
func TestWhoStartsOverAtOneGatewayIsOutAtTheOther(t *testing.T) {
	r := redistest.Start(t)
	former := gatewaytest.StartProcess(t, gatewaytest.Site{}.OnRedis(r, gatewaytest.FormerSecret))
	present := gatewaytest.StartProcess(t, gatewaytest.Site{}.OnRedis(r, gatewaytest.PresentSecret))
	b, stays := former.Browser(t), former.Browser(t)
	byForm(b, gatewaytest.Ada, "").Want(t, http.StatusSeeOther)
	byForm(stays, gatewaytest.Ada, "").Want(t, http.StatusSeeOther)
	b.WantSignedIn(t, gatewaytest.Ada) // it is in the near cache there
	was := b.Jar[0]
	for _, at := range []*gatewaytest.Browser{b.At(t, present.Server), stays.At(t, present.Server)} {
		wantOffer(at, "/orders", "/orders")
	}
	startOver(b.At(t, present.Server), "/orders").Want(t, http.StatusSeeOther)
	gatewaytest.Await(t, "the other gateway has heard of it", func() bool {
		return former.With(t, was, "").Get("/auth/session").StatusCode == http.StatusUnauthorized
	})
	stays.WantSignedIn(t, gatewaytest.Ada)
}

// Browsers hold the policy of the form's page against every redirect that
// follows, and the login page would lead straight on to the provider.
func TestStartingOverLeadsToTheOnlyProviderByAPageOfItsOwn(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	g := gatewaytest.StartProcess(t, gatewaytest.Site{Bare: true, Options: p.Login("sso", "") + fmt.Sprintf("secret %q\n", gatewaytest.FormerSecret)})
	b := g.Browser(t)
	b.SignInAt(p, "sso")
	giveSecrets(g, gatewaytest.PresentSecret)
	wantOffer(b, "/orders", "/orders")
	wantOffer(b, "/auth/login?return_to=%2Forders", "/orders")
	page := startOver(b, "/orders").Want(t, http.StatusOK)
	if len(b.Jar) != 0 || !strings.Contains(page.Body, `content="0; url=/auth/login?return_to=%2Forders"`) {
		t.Errorf("with the jar %d the page is\n%s", len(b.Jar), page.Body)
	}
	straight := b.Open("/auth/login?return_to=%2Forders").Want(t, http.StatusSeeOther).Header.Get("Location")
	away := b.Open(straight).Want(t, http.StatusSeeOther).Header.Get("Location")
	b.Open(p.Consent(t, away)).Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/orders")
	b.WantSignedIn(t, gatewaytest.Ada)
}

// Where keys of one's own sign the tokens they outlive the secret, and name
// sessions that cannot be read.
func TestAProgramWhoseSessionCannotBeReadIsToldSo(t *testing.T) {
	key := writeSigningKey(t)
	g := gatewaytest.StartProcess(t, gatewaytest.Site{Options: fmt.Sprintf("token {\nalgorithm EdDSA\nsigning_key %s\n}\nsecret %q\n", key, gatewaytest.FormerSecret)})
	c := g.WithToken(t, gatewaytest.Ada)
	giveSecrets(g, gatewaytest.PresentSecret)
	c.Get("/app").WantError(t, http.StatusServiceUnavailable, "unreadable")
	c.Post("/auth/start-over").Want(t, http.StatusNoContent).WantHeader(t, "Set-Cookie", "")
	c.Get("/app").WantError(t, http.StatusUnauthorized, "unauthorized")
	c.SignIn(gatewaytest.Ada)
}

// writeSigningKey makes a key for tokens and returns its file.
func writeSigningKey(t *testing.T) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	file := filepath.Join(t.TempDir(), "key.pem")
	gatewaytest.WriteFile(t, file, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	return file
}

// A sign-out needs nothing opened either, and what it ended is known to be gone.
func TestASignOutOfWhatCannotBeReadClearsTheCookie(t *testing.T) {
	g := startWithFormer(t, "embedded")
	b := unread(t, g, gatewaytest.Ada)[0]
	was := b.Jar[0]
	b.Submit("/auth/logout", nil).Want(t, http.StatusSeeOther)
	if len(b.Jar) != 0 {
		t.Error("the cookie stays")
	}
	giveSecrets(g, gatewaytest.PresentSecret, gatewaytest.FormerSecret)
	g.WantDead(t, was, "")
}
