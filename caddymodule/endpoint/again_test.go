package endpoint_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// rounds follows a browser that keeps no cookie between here and a provider that
// answers at once, until it is shown a page.
func rounds(t *testing.T, p *gatewaytest.IDP, s *gatewaytest.Server, answer func(location string) string) (n int, page gatewaytest.Answer) {
	t.Helper()
	a := s.Browser(t).Open("/auth/login/sso?return_to=%2Forders")
	for a.StatusCode == http.StatusSeeOther && n < 10 {
		n++
		a = s.Browser(t).Open(answer(a.Header.Get("Location")))
	}
	return n, a
}

func TestABrowserWithoutCookiesIsToldSoInTheSecondRound(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	for _, c := range []struct{ name, cookie, options, says string }{
		{"", "", "", "Your browser sent no cookie for this attempt, so it cannot be known whose it is."},
		{"over https", "same_site lax", "public_url https://app.example.com\n", "Your browser sent no cookie for this attempt, so"},
		{"on the person's own machine", "same_site lax", "public_url http://localhost\n", "Your browser sent no cookie for this attempt, so"},
		{"over plain http, and why", "same_site lax", "public_url http://app.example.com\n", "If this address begins with http://, that is why"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := gatewaytest.Start(t, gatewaytest.Site{Options: c.options + p.Login("sso", ""), Cookie: c.cookie})
			n, a := rounds(t, p, s, func(location string) string { return p.Consent(t, location) })
			if n != 2 || !strings.Contains(a.Want(t, http.StatusBadRequest).Body, c.says) {
				t.Errorf("after %d rounds the page is\n%s", n, a.Body)
			}
			if p.Count("/token") != 0 {
				t.Error("the code was used")
			}
		})
	}
}

// Nobody sees in a browser which word of the configuration it is.
func TestTheLogSaysWhatToConfigureWhereBrowsersKeepNoCookie(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.StartProcess(t, gatewaytest.Site{Cookie: "same_site lax", Options: "public_url http://app.example.com\n" + p.Login("sso", "")})
	s.Browser(t).Open(s.Browser(t).Begin(p, "sso", "")).Want(t, http.StatusSeeOther)
	s.AwaitLog(`"level":"warn"`, "over plain http, because it is Secure: serve the site over TLS", "`public_url https://...` and `trusted_proxies`", "`insecure` in the block `cookie`")
}

// A cookie of one host does not come to another.
func TestTheLogSaysThatPeopleComeToAnotherHostThanThatOfPublicURL(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.StartProcess(t, gatewaytest.Site{Options: "public_url https://www.example.com\n" + p.Login("sso", "")})
	callback := p.Consent(t, s.Browser(t).Open("/auth/login/sso").Want(t, http.StatusSeeOther).Header.Get("Location"))
	s.Browser(t).Open(callback).Want(t, http.StatusSeeOther) // begins again
	s.AwaitLog(`"level":"warn"`, "the sign-in began at another host than that of `public_url`, https://www.example.com")
}

// stateOf is the state that a browser is sent to the provider with.
func stateOf(t *testing.T, location string) string {
	t.Helper()
	u, err := url.Parse(location)
	if err != nil || u.Query().Get("state") == "" {
		t.Fatalf("it leads to %q", location)
	}
	return u.Query().Get("state")
}

func TestAnAttemptWhoseCookieIsLostBeginsAgainByItself(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "")})
	for _, c := range []struct{ name, returnTo, wants string }{
		{"and the person is signed in, and told what is lost", "/orders", "/orders"},
		{"and the person is signed in, where nothing is lost", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := s.Browser(t)
			callback := b.Begin(p, "sso", c.returnTo)
			b.Jar = nil
			a := b.Open(p.Consent(t, b.Open(callback).Want(t, http.StatusSeeOther).Header.Get("Location")))
			if c.wants == "" {
				a.Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/")
			} else {
				wantLost(t, a, "/")
			}
			b.WantSignedIn(t, gatewaytest.Ada)
		})
	}
	t.Run("also where the cookie is one that this gateway cannot read", func(t *testing.T) {
		b := s.Browser(t)
		callback := b.Begin(p, "sso", "/orders")
		name, _, _ := strings.Cut(b.Jar[0], "=")
		b.Jar = []string{name + "=" + strings.Repeat("A", 200)}
		p.Consent(t, b.Open(callback).Want(t, http.StatusSeeOther).Header.Get("Location"))
	})
	t.Run("but not for whom is signed in", func(t *testing.T) {
		b := s.Browser(t)
		b.SignInAt(p, "sso")
		callback := b.Begin(p, "sso", "")
		b.Open(callback).Want(t, http.StatusSeeOther)
		if a := b.Open(callback).Want(t, http.StatusOK); !strings.Contains(a.Body, "Already signed in") {
			t.Errorf("the page is\n%s", a.Body)
		}
	})
}

// A state of somebody else's begins nothing, and one of ours a sign-in of this
// browser alone: the other's state and code are of no use in it.
func TestNobodyIsSignedInAsSomebodyElseByAnAttemptThatBeginsAgain(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "") + p.Login("other", "")})
	mallory, victim := s.Browser(t), s.Browser(t)
	callback := mallory.Begin(p, "sso", "/orders")
	a := victim.Open(callback).Want(t, http.StatusSeeOther)
	if got := stateOf(t, a.Header.Get("Location")); strings.Contains(callback, got) {
		t.Error("the state is used again")
	}
	if p.Count("/token") != 0 {
		t.Error("the code was used")
	}
	victim.WantSignedOut(t)
	state := stateOf(t, callback)
	for name, address := range map[string]string{
		"a state that nobody made":         "/auth/callback/sso?code=c&state=" + strings.Repeat("A", 43),
		"a state that is changed":          "/auth/callback/sso?code=c&state=" + strings.ToLower(state),
		"a state of another login":         "/auth/callback/other?code=c&state=" + state,
		"two states":                       "/auth/callback/sso?code=c&state=" + state + "&state=" + state,
		"no state":                         "/auth/callback/sso?error=server_error",
		"an error, of nobody's attempt":    "/auth/callback/sso?error=server_error&state=" + strings.Repeat("A", 43),
		"a state that is longer than ours": "/auth/callback/sso?code=c&state=" + state + "AAAA",
	} {
		a := s.Browser(t).Open(address).Want(t, http.StatusBadRequest)
		if len(a.Header.Values("Set-Cookie")) != 0 {
			t.Errorf("%s begins a sign-in", name)
		}
	}
}

func TestAProviderInTroubleIsAskedOnceMore(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "")})
	for _, code := range []string{"server_error", "temporarily_unavailable"} {
		in := func(location string) string {
			return "/auth/callback/sso?error=" + code + echoed + "&state=" + stateOf(t, location)
		}
		t.Run(code+" passes", func(t *testing.T) {
			b := s.Browser(t)
			long := deep(1000)
			first := b.Open("/auth/login/sso?return_to="+url.QueryEscape(long)).Want(t, http.StatusSeeOther)
			again := b.Open(in(first.Header.Get("Location"))).Want(t, http.StatusSeeOther)
			b.Open(p.Consent(t, again.Header.Get("Location"))).Want(t, http.StatusSeeOther).WantHeader(t, "Location", long)
			b.WantSignedIn(t, gatewaytest.Ada)
			if len(b.Jar) != 1 {
				t.Errorf("the browser keeps %q", b.Jar)
			}
		})
		t.Run(code+" does not pass", func(t *testing.T) {
			b := s.Browser(t)
			a := b.Open("/auth/login/sso?return_to=%2Forders").Want(t, http.StatusSeeOther)
			a = b.Open(in(a.Header.Get("Location"))).Want(t, http.StatusSeeOther)
			a = b.Open(in(a.Header.Get("Location"))).Want(t, http.StatusServiceUnavailable)
			a.WantHeader(t, "Retry-After", "30")
			if !strings.Contains(a.Body, "says that it is in trouble for the moment") || strings.Contains(a.Body, "canary") ||
				!strings.Contains(a.Body, "/auth/login/sso?return_to=%2Forders") || len(b.Attempts()) != 0 {
				t.Errorf("the page is\n%s", a.Body)
			}
		})
		t.Run(code+" and no cookie are two rounds together", func(t *testing.T) {
			if n, a := rounds(t, p, s, in); n != 2 || a.StatusCode != http.StatusBadRequest {
				t.Errorf("%d rounds, then %d", n, a.StatusCode)
			}
		})
	}
}

func TestTheLogSaysWhatAProviderAnswered(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.StartProcess(t, gatewaytest.Site{Options: p.Login("sso", "")})
	for code, says := range map[string]string{
		"server_error":               "the answer is server_error, of",
		"invalid_scope":              "the answer to the authorization request is invalid_scope: check",
		"registration_not_supported": "is registration_not_supported: check",
		"AADSTS50105":                `is an error code \"AADSTS50105\", which no standard lists: check`,
	} {
		b := s.Browser(t)
		state := stateOf(t, b.Begin(p, "sso", ""))
		b.Open("/auth/callback/sso?error=" + code + echoed + "&state=" + state)
		s.AwaitLog(`"level":"warn"`, "sign-in not finished", says)
	}
	s.Browser(t).Open(s.Browser(t).Begin(p, "sso", "")).Want(t, http.StatusSeeOther)
	s.AwaitLog(`"level":"info"`, "the browser sent no cookie for this sign-in attempt; it begins again by itself")
	if strings.Contains(s.Log.String(), "canary") {
		t.Error("the log repeats what came")
	}
}
