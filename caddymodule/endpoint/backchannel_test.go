package endpoint_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// logOut is what a provider sends.
func logOut(t testing.TB, s *gatewaytest.Server, token string) gatewaytest.Answer {
	t.Helper()
	return s.Client(t).Do(http.MethodPost, "/auth/backchannel-logout/sso", url.Values{"logout_token": {token}}.Encode(), "Content-Type", gatewaytest.AsForm)
}

func TestSignOutFromTheProvider(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "")})
	t.Run("by sid ends that session and no other", func(t *testing.T) {
		one, two := s.SignedInAt(t, p, "ada", "sid-1"), s.SignedInAt(t, p, "ada", "sid-2")
		got := logOut(t, s, p.LogoutToken(map[string]any{"sub": "ada", "sid": "sid-1"})).Want(t, http.StatusOK)
		got.WantHeader(t, "Cache-Control", "no-store")
		if got.Body != "" {
			t.Errorf("the answer is %s", got.Body)
		}
		one.WantSignedOut(t)
		two.WantSignedIn(t, "ada@example.com")
	})
	t.Run("by sid alone, without a sub", func(t *testing.T) {
		b := s.SignedInAt(t, p, "ada", "sid-3")
		logOut(t, s, p.LogoutToken(map[string]any{"sid": "sid-3"})).Want(t, http.StatusOK)
		b.WantSignedOut(t)
	})
	t.Run("by sub ends all of the person's and nobody else's", func(t *testing.T) {
		one, two, none := s.SignedInAt(t, p, "ada", "sid-4"), s.SignedInAt(t, p, "ada", "sid-5"), s.SignedInAt(t, p, "grace", "sid-6")
		byPassword := s.WithCookie(t, gatewaytest.Ada)
		logOut(t, s, p.LogoutToken(map[string]any{"sub": "ada"})).Want(t, http.StatusOK)
		one.WantSignedOut(t)
		two.WantSignedOut(t)
		none.WantSignedIn(t, "grace@example.com")
		byPassword.Get("/auth/session").Want(t, http.StatusOK)
		s.SignedInAt(t, p, "ada", "sid-7").WantSignedIn(t, "ada@example.com") // anew
	})
	t.Run("of a session that is not there is a success", func(t *testing.T) {
		logOut(t, s, p.LogoutToken(map[string]any{"sid": "nobody's"})).Want(t, http.StatusOK)
	})
	t.Run("of a name that looks like another kind of name", func(t *testing.T) {
		b := s.SignedInAt(t, p, "grace", "ada")
		logOut(t, s, p.LogoutToken(map[string]any{"sub": "ada"})).Want(t, http.StatusOK)
		b.WantSignedIn(t, "grace@example.com")
	})
}

// What may be wrong with a token itself is shown with a real provider.
func TestLogoutTokensThatDoNotComeAsTheyShould(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "")})
	b := s.SignedInAt(t, p, "ada", "sid-1")
	good := p.LogoutToken(map[string]any{"sid": "sid-1"})
	form := func(values ...string) string { return url.Values{"logout_token": values}.Encode() }
	for _, c := range []struct{ name, contentType, body string }{
		{"that are none", gatewaytest.AsForm, form("canary")},
		{"that are not there", gatewaytest.AsForm, ""},
		{"that come twice", gatewaytest.AsForm, form(good, good)},
		{"as JSON", gatewaytest.AsJSON, `{"logout_token":"` + good + `"}`},
		{"as text", "text/plain", form(good)},
		{"without a content type", "", form(good)},
		{"in a body that cannot be read", gatewaytest.AsForm, "logout_token=%zz"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := s.Client(t).Do(http.MethodPost, "/auth/backchannel-logout/sso", c.body, "Content-Type", c.contentType).Want(t, http.StatusBadRequest)
			a.WantHeader(t, "Cache-Control", "no-store")
			var said struct{ Error string }
			if a.Decode(t, &said); said.Error != "invalid_request" || strings.Contains(a.Body, "canary") {
				t.Errorf("the answer is %s", a.Body)
			}
			b.WantSignedIn(t, "ada@example.com")
		})
	}
	t.Run("in the query", func(t *testing.T) {
		s.Client(t).Do(http.MethodPost, "/auth/backchannel-logout/sso?"+form(good), "", "Content-Type", gatewaytest.AsForm).Want(t, http.StatusBadRequest)
		b.WantSignedIn(t, "ada@example.com")
	})
	t.Run("from a page of another site", func(t *testing.T) {
		s.Client(t).Do(http.MethodPost, "/auth/backchannel-logout/sso", form(good), "Content-Type", gatewaytest.AsForm,
			"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example.com").Want(t, http.StatusForbidden)
	})
	logOut(t, s, good).Want(t, http.StatusOK)
	b.WantSignedOut(t)
}

// A key may be new: who sends a token that no known key has signed hears to send it
// again, and not that the provider is away.
func TestALogoutTokenThatCannotBeJudgedYetIsToBeSentAgain(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.StartProcess(t, gatewaytest.Site{Options: p.Login("sso", "")})
	unknown := gatewaytest.NewIDP(t).LogoutToken(map[string]any{"iss": p.URL, "sid": "sid-1"})
	logOut(t, s.Server, unknown).Want(t, http.StatusBadRequest)
	a := logOut(t, s.Server, unknown).Want(t, http.StatusServiceUnavailable)
	a.WantHeader(t, "Retry-After", "10")
	if !strings.Contains(a.Body, "is not verified yet") || strings.Contains(a.Body, "cannot be") {
		t.Errorf("it says %s", a.Body)
	}
	s.AwaitLog("the provider was asked for its keys and settings a moment ago")
	if strings.Contains(s.Log.String(), `"level":"error"`) {
		t.Error("it is told as an error")
	}
}
