package caddymodule_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/sessionstore/redis/redistest"
)

// ofState begins a well-formed state that nobody has given out.
const ofState = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

func TestSignInThroughAProvider(t *testing.T) {
	p, up := newIDP(t), newRecorder(t)
	s := start(t, site{options: p.login("sso", "map {\nroles `[\"admin\"]`\n}"), upstream: up.address()})
	b := s.surfer(t)
	location := b.open("/auth/login/sso?return_to=%2Forders%3Fpage%3D2").want(t, http.StatusSeeOther).Header.Get("Location")
	query, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"response_type": "code", "client_id": "sidegate", "code_challenge_method": "S256",
		"redirect_uri": s.url + "/auth/callback/sso", "scope": "openid email profile",
	} {
		if got := query.Query()[name]; !slices.Equal(got, []string{want}) {
			t.Errorf("the provider is asked with %s %q; want %q", name, got, want)
		}
	}
	got := b.open(p.consent(t, location)).want(t, http.StatusSeeOther)
	got.wantHeader(t, "Location", "/orders?page=2")
	got.wantHeader(t, "Cache-Control", "no-store")
	u := b.do(http.MethodGet, "/auth/session", "").want(t, http.StatusOK).session(t)
	if u.Email != ada || !slices.Contains(u.FlatPermissionsList, "users:write") {
		t.Errorf("the session is %+v", u)
	}
	if n := len(b.attempts()); n != 0 {
		t.Errorf("%d attempts are left in the browser", n)
	}
	b.begin(p, "sso", "") // its cookie is there from now on
	b.jar = append(b.jar, "theme=dark")
	b.open("/orders").want(t, http.StatusOK)
	if cookies := up.last().Header.Values("Cookie"); !slices.Equal(cookies, []string{"theme=dark"}) {
		t.Errorf("the app was sent the cookies %q", cookies)
	}
	if got := up.last().Header.Get("X-Session-Email"); got != ada {
		t.Errorf("the app heard of %q", got)
	}
	b.do(http.MethodPost, "/auth/refresh", "").want(t, http.StatusOK)
}

func TestAttemptCookies(t *testing.T) {
	p := newIDP(t)
	for _, c := range []struct{ name, cookie, prefix, attributes string }{
		{"in the secure form", "same_site strict", "__Host-Http-sidegate-attempt-", "; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax"},
		{"of a whole domain are one host's all the same", "domain example.com", "__Host-Http-sidegate-attempt-", "; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax"},
		{"over plain HTTP", "insecure", "sidegate-attempt-", "; Path=/; Max-Age=600; HttpOnly; SameSite=Lax"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t, site{options: p.login("sso", ""), cookie: c.cookie}).surfer(t)
			a := b.open("/auth/login/sso").want(t, http.StatusSeeOther)
			set := strings.Replace(a.Header.Get("Set-Cookie"), "Max-Age=599", "Max-Age=600", 1)
			name, rest, _ := strings.Cut(set, "=")
			value, attributes, _ := strings.Cut(rest, ";")
			state, _ := url.Parse(a.Header.Get("Location"))
			if len(a.Header.Values("Set-Cookie")) != 1 || name != c.prefix+state.Query().Get("state")[:16] || "; "+strings.TrimSpace(attributes) != c.attributes {
				t.Errorf("the attempt is kept as %s", set)
			}
			if len(value) < 100 || len(set) > 4096 || strings.Contains(value, state.Query().Get("nonce")) {
				t.Errorf("its value is %s", value)
			}
			done := b.open(p.consent(t, a.Header.Get("Location")))
			cleared := name + "=; Path=/; Max-Age=0; " + strings.TrimPrefix(c.attributes, "; Path=/; Max-Age=600; ")
			if !slices.Contains(done.Header.Values("Set-Cookie"), cleared) {
				t.Errorf("the callback sets %q; want among them %s", done.Header.Values("Set-Cookie"), cleared)
			}
		})
	}
}

func TestSeveralAttemptsOfOneBrowser(t *testing.T) {
	p := newIDP(t)
	s := start(t, site{options: p.login("sso", "")})
	t.Run("in two tabs do not disturb each other", func(t *testing.T) {
		b := s.surfer(t)
		one, two := b.begin(p, "sso", "/one"), b.begin(p, "sso", "/two")
		b.open(two).want(t, http.StatusSeeOther).wantHeader(t, "Location", "/two")
		if len(b.attempts()) != 1 {
			t.Errorf("the attempts %q are left", b.attempts())
		}
		b.open(one).want(t, http.StatusSeeOther).wantHeader(t, "Location", "/one")
		b.wantSignedIn(t, ada)
	})
	t.Run("are four at most: the oldest is forgotten", func(t *testing.T) {
		b := s.surfer(t)
		var callbacks []string
		for i := range 7 {
			callbacks = append(callbacks, b.begin(p, "sso", fmt.Sprintf("/%d", i)))
			if n := len(b.attempts()); n != min(i+1, 4) {
				t.Errorf("after %d attempts the browser has %d", i+1, n)
			}
		}
		b.open(callbacks[2]).want(t, http.StatusBadRequest)
		b.open(callbacks[3]).want(t, http.StatusSeeOther).wantHeader(t, "Location", "/3")
		b.open(callbacks[6]).want(t, http.StatusSeeOther).wantHeader(t, "Location", "/6")
	})
	t.Run("end with the first answer, a bad one too", func(t *testing.T) {
		b := s.surfer(t)
		callback := b.begin(p, "sso", "")
		state, _ := url.Parse(callback)
		b.open("/auth/callback/sso?error=access_denied&state="+state.Query().Get("state")).want(t, http.StatusUnauthorized)
		if len(b.attempts()) != 0 {
			t.Errorf("the attempts %q are left", b.attempts())
		}
		b.open(callback).want(t, http.StatusBadRequest)
	})
}

// Nothing is stored for strangers: what one gateway began, another finishes.
func TestSignInBegunAtOneGatewayIsFinishedAtAnother(t *testing.T) {
	t.Parallel()
	p, srv := newIDP(t), redistest.Start(t)
	shared := onRedis(srv, presentSecret)
	shared.options += "\npublic_url http://app.example.com\n" + p.login("sso", "")
	one, other := startProcess(t, shared), startProcess(t, shared)
	b := one.surfer(t)
	there := b.at(t, other.server)
	there.open(b.begin(p, "sso", "/orders")).want(t, http.StatusBadRequest) // without the cookie
	callback := b.begin(p, "sso", "/orders")
	there = b.at(t, other.server)
	there.open(callback).want(t, http.StatusSeeOther).wantHeader(t, "Location", "/orders")
	id := there.do(http.MethodGet, "/auth/session", "").want(t, http.StatusOK).session(t).ID
	there.at(t, one.server).wantSignedIn(t, ada)

	t.Run("and a person has the same number at both", func(t *testing.T) {
		b := one.surfer(t)
		b.signInAt(p, "sso")
		if again := b.do(http.MethodGet, "/auth/session", "").session(t).ID; again != id || id <= 1_000_000_000 {
			t.Errorf("number %d at one and %d at the other", again, id)
		}
	})
	t.Run("but not with another secret", func(t *testing.T) {
		stranger := onRedis(srv, formerSecret)
		stranger.options += "\npublic_url http://app.example.com\n" + p.login("sso", "")
		b := one.surfer(t)
		callback := b.begin(p, "sso", "")
		b.at(t, startProcess(t, stranger).server).open(callback).want(t, http.StatusBadRequest)
	})
}

func TestCallbacksThatBelongToNoAttemptOfThisBrowser(t *testing.T) {
	p := newIDP(t)
	s := start(t, site{options: p.login("sso", "") + p.login("other", "")})
	for _, c := range []struct {
		name string
		edit func(b *surfer, callback string) string
	}{
		{"without the cookie", func(b *surfer, callback string) string { b.jar = nil; return callback }},
		{"of somebody else's browser (login CSRF)", func(b *surfer, _ string) string { return s.surfer(b.t).begin(p, "sso", "") }},
		{"with somebody else's cookie under this one's name", func(b *surfer, callback string) string {
			other := s.surfer(b.t)
			other.begin(p, "sso", "")
			_, value, _ := strings.Cut(other.jar[0], "=")
			b.jar = []string{b.attempts()[0] + "=" + value}
			return callback
		}},
		{"with the cookie twice, one of them planted", func(b *surfer, callback string) string {
			b.jar = append(b.jar, b.attempts()[0]+"=planted")
			return callback
		}},
		{"with an empty cookie", func(b *surfer, callback string) string { b.jar = []string{b.attempts()[0] + "="}; return callback }},
		{"at another login's address", func(_ *surfer, callback string) string {
			return strings.Replace(callback, "/callback/sso", "/callback/other", 1)
		}},
		{"without a state", func(*surfer, string) string { return "/auth/callback/sso?code=c" }},
		{"with an empty state", func(*surfer, string) string { return "/auth/callback/sso?code=c&state=" }},
		{"with a short state", func(*surfer, string) string { return "/auth/callback/sso?code=c&state=short" }},
		{"with a state of nonsense", func(*surfer, string) string {
			return "/auth/callback/sso?code=c&state=%3Bscript%0d%0aSet-Cookie:x=1" + ofState
		}},
		{"with a state that nobody gave out", func(*surfer, string) string { return "/auth/callback/sso?code=c&state=" + ofState }},
		{"with a state that begins like this one's", func(_ *surfer, callback string) string {
			u, _ := url.Parse(callback)
			return "/auth/callback/sso?code=" + u.Query().Get("code") + "&state=" + u.Query().Get("state")[:16] + ofState[:27]
		}},
		{"with two states", func(_ *surfer, callback string) string { return callback + "&state=" + ofState }},
		{"with two codes", func(_ *surfer, callback string) string { return callback + "&code=another" }},
		{"with a code that nobody gave out", func(_ *surfer, callback string) string {
			u, _ := url.Parse(callback)
			return "/auth/callback/sso?code=made-up&state=" + u.Query().Get("state")
		}},
		{"with the iss of another provider", func(_ *surfer, callback string) string { return callback + "&iss=https%3A%2F%2Fevil.example.com" }},
		{"with a query that cannot be read", func(_ *surfer, callback string) string { return callback + "&x=%zz" }},
		{"with nothing", func(*surfer, string) string { return "/auth/callback/sso" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := s.surfer(t)
			callback := b.begin(p, "sso", "")
			before := p.count("/token")
			a := b.open(c.edit(b, callback)).want(t, http.StatusBadRequest)
			b.wantSignedOut(t)
			for _, cookie := range a.Cookies() {
				if !strings.Contains(cookie.Name, "attempt") || cookie.MaxAge >= 0 {
					t.Errorf("it sets the cookie %s", cookie)
				}
			}
			for _, sent := range []string{"evil", "script", "planted", "another", "made-up", ofState} {
				if strings.Contains(a.body, sent) {
					t.Errorf("the page repeats %q", sent)
				}
			}
			if asked := p.count("/token") - before; asked != 0 && !strings.Contains(c.name, "code that nobody") {
				t.Errorf("the provider was asked for tokens %d times", asked)
			}
		})
	}
}

func TestTheSameCallbackTwice(t *testing.T) {
	p := newIDP(t)
	s := start(t, site{options: p.login("sso", "")})
	b := s.surfer(t)
	callback := b.begin(p, "sso", "/orders")
	kept := slices.Clone(b.jar)
	b.open(callback).want(t, http.StatusSeeOther)
	t.Run("by a reload tells who is signed in that they are", func(t *testing.T) {
		a := b.at(t, s).open(callback).want(t, http.StatusOK)
		if !strings.Contains(a.body, "Already signed in") || !strings.Contains(a.body, ada) {
			t.Errorf("the page is\n%s", a.body)
		}
		b.wantSignedIn(t, ada)
	})
	t.Run("by a thief who has the cookie too meets a provider that refuses the code", func(t *testing.T) {
		thief := &surfer{client: s.client(t), jar: kept}
		thief.open(callback).want(t, http.StatusBadRequest)
		thief.wantSignedOut(t)
	})
}

// Session fixation: who planted a session on somebody gains nothing.
func TestSignInThroughAProviderEndsTheSessionThatWasPresented(t *testing.T) {
	p := newIDP(t)
	s := start(t, site{options: p.login("sso", "")})
	planted := s.browser(t, grace).cookie
	b := s.surfer(t)
	b.jar = []string{planted}
	b.signInAt(p, "sso")
	if slices.Contains(b.jar, planted) {
		t.Error("the session kept its id")
	}
	s.dead(t, planted, "")
	b.wantSignedIn(t, ada)
}

func TestProviderSignInLeadsBackWithinTheSite(t *testing.T) {
	p := newIDP(t)
	s := start(t, site{options: p.login("sso", "") + "return_to https://other.example.com"})
	for _, c := range []struct{ name, returnTo, want string }{
		{"to a path", "/orders?page=2&sort=%2Fup", "/orders?page=2&sort=%2Fup"},
		{"to a listed origin", "https://other.example.com/orders", "https://other.example.com/orders"},
		{"to the front page when none was asked for", "", "/"},
		{"not to another origin", "https://evil.example.com/", "/"},
		{"not to a host without a scheme", "//evil.example.com", "/"},
		{"not to a host behind a backslash", `/\evil.example.com`, "/"},
		{"not to a script", "javascript:alert(1)", "/"},
		{"not round in circles", "/auth/login/sso", "/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := s.surfer(t)
			b.open(b.begin(p, "sso", c.returnTo)).want(t, http.StatusSeeOther).wantHeader(t, "Location", c.want)
		})
	}
	t.Run("to the front page when the way back is too long for a cookie", func(t *testing.T) {
		b := s.surfer(t)
		long := "/" + strings.Repeat("x", 2000)
		b.open(b.begin(p, "sso", long)).want(t, http.StatusSeeOther).wantHeader(t, "Location", "/")
	})
}

// The browser holds a strict cookie back from a redirect that began at the
// provider: a page of this site leads on.
func TestStrictCookiesLeadOnByAPage(t *testing.T) {
	p := newIDP(t)
	b := start(t, site{options: p.login("sso", ""), cookie: "insecure\nsame_site strict"}).surfer(t)
	a := b.open(b.begin(p, "sso", "/orders?a=1&b=2")).want(t, http.StatusOK)
	if !strings.Contains(a.body, `<meta http-equiv="refresh" content="0; url=/orders?a=1&amp;b=2">`) {
		t.Errorf("the page is\n%s", a.body)
	}
	a.wantHeader(t, "Location", "")
	b.wantSignedIn(t, ada)
}

// What the client says of hosts is not where the provider sends the code.
func TestTheRedirectURI(t *testing.T) {
	p := newIDP(t)
	forwarded := []string{"X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil.example.com", "Forwarded", "host=evil.example.com;proto=https",
		"X-Original-Host", "evil.example.com", "X-Forwarded-Port", "1"}
	trusting := "servers {\ntrusted_proxies static 127.0.0.1/32\n}"
	for _, c := range []struct{ name, options, global, want string }{
		{"is of the address that was asked", "", "", "{url}"},
		{"is of public_url where there is one", "public_url https://app.example.com", "", "https://app.example.com"},
		{"believes a trusted proxy about TLS, and not about the host", "", trusting, "{https}"},
		{"is of public_url whatever a trusted proxy says", "public_url https://app.example.com", trusting, "https://app.example.com"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, site{options: p.login("sso", "") + c.options, global: c.global})
			a := s.surfer(t).open("/auth/login/sso", forwarded...).want(t, http.StatusSeeOther)
			u, err := url.Parse(a.Header.Get("Location"))
			if err != nil {
				t.Fatal(err)
			}
			want := strings.NewReplacer("{url}", s.url, "{https}", strings.Replace(s.url, "http:", "https:", 1)).Replace(c.want)
			if got := u.Query().Get("redirect_uri"); got != want+"/auth/callback/sso" {
				t.Errorf("got %s, want that of %s", got, want)
			}
		})
	}
}

func TestHEADOfAProvidersAddresses(t *testing.T) {
	p := newIDP(t)
	s := start(t, site{options: p.login("sso", "")})
	b := s.surfer(t)
	a := b.do(http.MethodHead, "/auth/login/sso", "").want(t, http.StatusSeeOther)
	if !strings.HasPrefix(a.Header.Get("Location"), p.URL+"/authorize?") {
		t.Errorf("it leads to %s", a.Header.Get("Location"))
	}
	b.do(http.MethodHead, "/auth/callback/sso", "").want(t, http.StatusBadRequest)
	for _, path := range []string{"/auth/login/sso", "/auth/callback/sso"} {
		b.do(http.MethodPost, path, "", "Content-Type", asForm).want(t, http.StatusMethodNotAllowed).wantHeader(t, "Allow", "GET, HEAD")
	}
	b.do(http.MethodGet, "/auth/backchannel-logout/sso", "").want(t, http.StatusMethodNotAllowed).wantHeader(t, "Allow", "POST")
	for _, path := range []string{"/auth/login/nobody", "/auth/callback/nobody", "/auth/login/users", "/auth/callback/users"} {
		b.do(http.MethodGet, path, "").want(t, http.StatusNotFound)
	}
}
