package endpoint_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// What is in these goes through the browser, where anybody can put anything
// (CVE-2024-21496, CVE-2023-52430).
const echoed = "&error_description=canary%3Cscript%3E&error_uri=https%3A%2F%2Fcanary.example.com"

// What a provider in trouble leads to is shown with a real one.
func TestEveryWayToFailAtAProviderHasItsPage(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "label Acme\nrequire `token.sub != 'mallory'` \"Ask the <front> desk\"")})
	claims := func(changes map[string]any) func(testing.TB, string) string {
		return func(t testing.TB, callback string) string { p.But(t, changes); return callback }
	}
	instead := func(answer string) func(testing.TB, string) string {
		return func(_ testing.TB, callback string) string {
			u, _ := url.Parse(callback)
			return u.Path + "?" + answer + "&state=" + u.Query().Get("state")
		}
	}
	ago := time.Now().Add(-time.Hour).Unix()
	for _, c := range []struct {
		name   string
		edit   func(testing.TB, string) string
		status int
		says   string
	}{
		{"the person declined", instead("error=access_denied"), 401, "signing in at Acme was cancelled or not allowed"},
		{"the provider could not ask them", instead("error=login_required"), 401, "signing in at Acme was cancelled or not allowed"},
		{"the provider is not configured for it", instead("error=invalid_scope"), 401, "cannot accept the answer"},
		{"the provider answers with an error that nobody knows", instead("error=canary"), 401, "cannot accept the answer"},
		{"the provider's standard has a word for it", instead("error=request_not_supported"), 401, "cannot accept the answer"},
		{"the answer has no code", instead("x=y"), 401, "cannot accept the answer"},
		{"the attempt's cookie is gone", func(_ testing.TB, _ string) string {
			return "/auth/callback/sso?code=c&state=" + strings.Repeat("A", 43)
		}, 400, "Signing in took too long"},
		{"the answer is forged", instead("code=c&code=d"), 400, "does not belong to a sign-in begun in this browser"},
		{"the code was used before", instead("code=used"), 400, "used already, or came too late. Please sign in again."},
		{"the clocks disagree", claims(map[string]any{"iat": ago, "exp": ago + 60}), 401, "do not agree"},
		{"the token is for another client", claims(map[string]any{"aud": "canary"}), 401, "cannot accept the answer"},
		{"the token is of another issuer", claims(map[string]any{"iss": "https://canary.example.com"}), 401, "cannot accept the answer"},
		{"the address is not verified", claims(map[string]any{"email_verified": false}), 403, "not verified at Acme. If you can, verify it at Acme"},
		{"nobody said that the address is verified", claims(map[string]any{"email_verified": nil}), 403, "does not say whether your email address is verified"},
		{"there is no address", claims(map[string]any{"email": nil}), 403, "No email address came from Acme. Add one to your account at Acme"},
		{"the address is none", claims(map[string]any{"email": "canary"}), 403, "Your entry is not complete"},
		{"the configuration refuses the person", claims(map[string]any{"sub": "mallory"}), 403, "Ask the &lt;front&gt; desk"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := s.Browser(t)
			callback := b.Begin(p, "sso", "/orders")
			a := b.Open(c.edit(t, callback)+echoed).Want(t, c.status)
			if !strings.Contains(a.Body, c.says) {
				t.Errorf("the page does not say %q:\n%s", c.says, a.Body)
			}
			for _, what := range []string{"canary", "<script ", "alert(", "<front>", "mallory", "ada-1"} {
				if strings.Contains(a.Body, what) {
					t.Errorf("the page repeats %q", what)
				}
			}
			if !strings.Contains(a.Body, "Continue with Acme") {
				t.Error("there is no way to begin again")
			}
			a.WantHeader(t, "Cache-Control", "no-store")
			a.WantHeader(t, "Retry-After", "")
			if n := len(b.Attempts()); n != 0 && !strings.Contains(c.name, "cookie is gone") {
				t.Error("the attempt can be used again")
			}
			b.WantSignedOut(t)
		})
	}
}

// A provider that is down is not the person's fault, and nobody else's: the
// login page, the other logins and those who are signed in do not notice.
func TestAProviderThatIsDown(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "label \"Acme & Sons\"")})
	p.Close()
	b := s.Browser(t)
	a := b.Open("/auth/login/sso?return_to=%2Forders").Want(t, http.StatusServiceUnavailable)
	for _, part := range []string{"Acme &amp; Sons cannot be reached at the moment, so nobody can sign in there.", `name="password"`, `value="/orders"`} {
		if !strings.Contains(a.Body, part) {
			t.Errorf("the page has no %s:\n%s", part, a.Body)
		}
	}
	if len(b.Jar) != 0 || a.Header.Get("Retry-After") == "" {
		t.Errorf("cookies %q, Retry-After %q", b.Jar, a.Header.Get("Retry-After"))
	}
	s.WithCookie(t, gatewaytest.Ada).Get("/auth/session").Want(t, http.StatusOK)
}

// Nobody was there yet, so "the one you signed in at" would be none.
func TestAProviderThatIsNotWhatIsConfiguredIsToldBeforeAnybodyIsSentThere(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	g := gatewaytest.StartProcess(t, gatewaytest.Site{Options: strings.Replace(p.Login("sso", "discovery "+p.URL+"/.well-known/openid-configuration"), "issuer "+p.URL, "issuer "+p.URL+"/realms/main", 1)})
	a := g.Browser(t).Open("/auth/login/sso").Want(t, http.StatusServiceUnavailable)
	if !strings.Contains(a.Body, "This service and sso are not set up for each other") || strings.Contains(a.Body, "you signed in at") {
		t.Errorf("the page is\n%s", a.Body)
	}
	g.AwaitLog("nobody can be sent to the provider", p.URL+"/realms/main")
}

// A browser sends the same answer twice, and shows the second page: the first has
// signed in.
func TestASecondClickSaysThatTheSignInIsFinished(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "")})
	b := s.Browser(t)
	callback := b.Begin(p, "sso", "/orders")
	second := b.At(t, s)
	b.Open(callback).Want(t, http.StatusSeeOther)
	a := second.Open(callback).Want(t, http.StatusOK)
	for _, part := range []string{"This sign-in is finished", `href="/orders"`} {
		if !strings.Contains(a.Body, part) {
			t.Errorf("the page has no %s:\n%s", part, a.Body)
		}
	}
	second.WantSignedOut(t)
	b.WantSignedIn(t, gatewaytest.Ada)
}

// A program that asks for JSON is told in JSON what a person reads on a page.
func TestWhoAsksForJSONIsToldOfAFailureAtAProviderInJSON(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "")})
	for name, c := range map[string]struct {
		accept, says string
	}{
		"JSON":               {"application/json", `{"error":"attempt_unknown","status":400,"message":"The answer belongs to no sign-in that this client has begun."}`},
		"JSON or a page":     {"text/html, application/json", "<!doctype html>"},
		"a page":             {"text/html", "<!doctype html>"},
		"whatever there may": {"*/*", "<!doctype html>"},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.Client(t).Get("/auth/callback/sso?code=c&state=forged", "Accept", c.accept).Want(t, http.StatusBadRequest)
			if !strings.HasPrefix(a.Body, c.says) {
				t.Errorf("it is told\n%s", a.Body)
			}
		})
	}
}
