package endpoint_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

func TestSignInThroughAProvider(t *testing.T) {
	p, up := gatewaytest.NewIDP(t), gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "map {\nroles `[\"admin\"]`\n}"), Upstream: up.Address()})
	b := s.Browser(t)
	location := b.Open("/auth/login/sso?return_to=%2Forders%3Fpage%3D2").Want(t, http.StatusSeeOther).Header.Get("Location")
	query, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"response_type": "code", "client_id": "sidegate", "code_challenge_method": "S256",
		"redirect_uri": s.URL + "/auth/callback/sso", "scope": "openid email profile",
	} {
		if got := query.Query()[name]; !slices.Equal(got, []string{want}) {
			t.Errorf("the provider is asked with %s %q; want %q", name, got, want)
		}
	}
	got := b.Open(p.Consent(t, location)).Want(t, http.StatusSeeOther)
	got.WantHeader(t, "Location", "/orders?page=2")
	got.WantHeader(t, "Cache-Control", "no-store")
	u := b.Do(http.MethodGet, "/auth/session", "").Want(t, http.StatusOK).Session(t)
	if u.Email != gatewaytest.Ada || !slices.Contains(u.FlatPermissionsList, "users:write") {
		t.Errorf("the session is %+v", u)
	}
	if n := len(b.Attempts()); n != 0 {
		t.Errorf("%d attempts are left in the browser", n)
	}
	b.Begin(p, "sso", "") // its cookie is there from now on
	b.Jar = append(b.Jar, "theme=dark")
	b.Open("/orders").Want(t, http.StatusOK)
	if cookies := up.Last().Header.Values("Cookie"); !slices.Equal(cookies, []string{"theme=dark"}) {
		t.Errorf("the app was sent the cookies %q", cookies)
	}
	if got := up.Last().Header.Get("X-Session-Email"); got != gatewaytest.Ada {
		t.Errorf("the app heard of %q", got)
	}
	b.Do(http.MethodPost, "/auth/refresh", "").Want(t, http.StatusOK)
}

func TestAttemptCookies(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	for _, c := range []struct{ name, cookie, prefix, attributes string }{
		{"in the secure form", "same_site strict", "__Host-Http-sidegate-attempt-", "; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax"},
		{"of a whole domain are one host's all the same", "domain example.com", "__Host-Http-sidegate-attempt-", "; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax"},
		{"over plain HTTP", "insecure", "sidegate-attempt-", "; Path=/; Max-Age=600; HttpOnly; SameSite=Lax"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", ""), Cookie: c.cookie}).Browser(t)
			a := b.Open("/auth/login/sso").Want(t, http.StatusSeeOther)
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
			done := b.Open(p.Consent(t, a.Header.Get("Location")))
			cleared := name + "=; Path=/; Max-Age=0; " + strings.TrimPrefix(c.attributes, "; Path=/; Max-Age=600; ")
			if !slices.Contains(done.Header.Values("Set-Cookie"), cleared) {
				t.Errorf("the callback sets %q; want among them %s", done.Header.Values("Set-Cookie"), cleared)
			}
		})
	}
}

func TestSeveralAttemptsOfOneBrowser(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "")})
	t.Run("in two tabs do not disturb each other", func(t *testing.T) {
		b := s.Browser(t)
		one, two := b.Begin(p, "sso", "/one"), b.Begin(p, "sso", "/two")
		b.Return(two).Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/two")
		if len(b.Attempts()) != 1 {
			t.Errorf("the attempts %q are left", b.Attempts())
		}
		b.Open(one).Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/one")
		if len(b.Attempts()) != 0 {
			t.Errorf("the attempts %q are left", b.Attempts())
		}
		b.WantSignedIn(t, gatewaytest.Ada)
	})
	t.Run("end with the first answer, a bad one too", func(t *testing.T) {
		b := s.Browser(t)
		callback := b.Begin(p, "sso", "")
		state, _ := url.Parse(callback)
		b.Open("/auth/callback/sso?error=access_denied&state="+state.Query().Get("state")).Want(t, http.StatusUnauthorized)
		if len(b.Attempts()) != 0 {
			t.Errorf("the attempts %q are left", b.Attempts())
		}
		p.Consent(t, b.Open(callback).Want(t, http.StatusSeeOther).Header.Get("Location")) // it begins anew
	})
}

// Nothing is stored for strangers: what one gateway began, another finishes.
func TestSignInBegunAtOneGatewayIsFinishedAtAnother(t *testing.T) {
	t.Parallel()
	p, srv := gatewaytest.NewIDP(t), redistest.Start(t)
	shared := gatewaytest.Site{}.OnRedis(srv, gatewaytest.PresentSecret)
	shared.Options += "\npublic_url http://app.example.com\n" + p.Login("sso", "")
	one, other := gatewaytest.StartProcess(t, shared), gatewaytest.StartProcess(t, shared)
	b := one.Browser(t)
	there := b.At(t, other.Server)
	anew := there.Open(b.Begin(p, "sso", "/orders")).Want(t, http.StatusSeeOther) // without the cookie
	there.Open(p.Consent(t, anew.Header.Get("Location"))).Want(t, http.StatusOK)
	there.WantSignedIn(t, gatewaytest.Ada)
	callback := b.Begin(p, "sso", "/orders")
	there = b.At(t, other.Server)
	there.Return(callback).Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/orders")
	id := there.Do(http.MethodGet, "/auth/session", "").Want(t, http.StatusOK).Session(t).ID
	there.At(t, one.Server).WantSignedIn(t, gatewaytest.Ada)

	t.Run("and a person has the same number at both", func(t *testing.T) {
		b := one.Browser(t)
		b.SignInAt(p, "sso")
		if again := b.Do(http.MethodGet, "/auth/session", "").Session(t).ID; again != id || id <= 1_000_000_000 {
			t.Errorf("number %d at one and %d at the other", again, id)
		}
	})
	t.Run("but not with another secret", func(t *testing.T) {
		stranger := gatewaytest.Site{}.OnRedis(srv, gatewaytest.FormerSecret)
		stranger.Options += "\npublic_url http://app.example.com\n" + p.Login("sso", "")
		b := one.Browser(t)
		callback := b.Begin(p, "sso", "")
		b.At(t, gatewaytest.StartProcess(t, stranger).Server).Open(callback).Want(t, http.StatusBadRequest)
	})
}

// Session fixation: who planted a session on somebody gains nothing.
func TestSignInThroughAProviderEndsTheSessionThatWasPresented(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "")})
	planted := s.WithCookie(t, gatewaytest.Grace).Cookie
	b := s.Browser(t)
	b.Jar = []string{planted}
	b.SignInAt(p, "sso")
	if slices.Contains(b.Jar, planted) {
		t.Error("the session kept its id")
	}
	s.WantDead(t, planted, "")
	b.WantSignedIn(t, gatewaytest.Ada)
}

// What the client says of hosts is not where the provider sends the code.
func TestTheRedirectURI(t *testing.T) {
	p := gatewaytest.NewIDP(t)
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
			s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "") + c.options, Global: c.global})
			a := s.Browser(t).Open("/auth/login/sso", forwarded...).Want(t, http.StatusSeeOther)
			u, err := url.Parse(a.Header.Get("Location"))
			if err != nil {
				t.Fatal(err)
			}
			want := strings.NewReplacer("{url}", s.URL, "{https}", strings.Replace(s.URL, "http:", "https:", 1)).Replace(c.want)
			if got := u.Query().Get("redirect_uri"); got != want+"/auth/callback/sso" {
				t.Errorf("got %s, want that of %s", got, want)
			}
		})
	}
}

// A HEAD is what link checkers send, and mail scanners with the reader's cookies:
// it must not use up the attempt of somebody who is about to come back.
func TestAHEADNeitherBeginsNorEndsASignIn(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "")})
	b := s.Browser(t)
	callback := b.Begin(p, "sso", "/orders")
	for _, address := range []string{"/auth/login/sso", callback} {
		a := b.Do(http.MethodHead, address, "").Want(t, http.StatusMethodNotAllowed)
		a.WantHeader(t, "Set-Cookie", "")
		a.WantHeader(t, "Allow", "GET")
	}
	b.Open(callback).Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/orders")
	b.WantSignedIn(t, gatewaytest.Ada)
}

func TestTheMethodsOfAProvidersAddresses(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	b := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "")}).Browser(t)
	for _, path := range []string{"/auth/login/sso", "/auth/callback/sso"} {
		b.Do(http.MethodPost, path, "", "Content-Type", gatewaytest.AsForm).Want(t, http.StatusMethodNotAllowed).WantHeader(t, "Allow", "GET")
	}
	b.Do(http.MethodGet, "/auth/backchannel-logout/sso", "").Want(t, http.StatusMethodNotAllowed).WantHeader(t, "Allow", "POST")
	for _, path := range []string{"/auth/login/nobody", "/auth/callback/nobody", "/auth/login/users", "/auth/callback/users"} {
		b.Do(http.MethodGet, path, "").Want(t, http.StatusNotFound)
	}
}
