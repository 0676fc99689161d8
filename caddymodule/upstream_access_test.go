package caddymodule_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// ended is an expires_in that is over when the answer has come.
const ended = 0.001

// giving is what a provider gives that numbers its access tokens, of which the
// first live so long; refresh says whether it gives refresh tokens.
func giving(short int, life float64, refresh bool) func(n int) map[string]any {
	return func(n int) map[string]any {
		given := map[string]any{"access_token": fmt.Sprintf("access-%d", n), "expires_in": 3600}
		if refresh {
			given["refresh_token"] = fmt.Sprintf("refresh-%d", n)
		}
		if n <= short {
			given["expires_in"] = life
		}
		return given
	}
}

// tokenRoutes send the access token below /app and /public, and nowhere else.
const tokenRoutes = "session_endpoints\nsession_auth /app/* {\nupstream_token sso\n}\nsession_auth /elsewhere/*\n" +
	"session_auth /open/* {\nupstream_token sso\npublic /open/*\n}\n" +
	"session_auth /public/* {\nupstream_token sso\noptional\n}\nsession_auth /watched/* {\nupstream_token sso\nreport_only\n}\nreverse_proxy {upstream}"

// startTokens runs a gateway that does so, before an app that remembers.
func startTokens(t *testing.T, p *gatewaytest.IDP) (*gatewaytest.Server, *gatewaytest.Recorder) {
	t.Helper()
	up := gatewaytest.NewRecorder(t)
	return gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", ""), Upstream: up.Address(), Routes: tokenRoutes}), up
}

// wantSent wants the app to have got that Authorization last.
func wantSent(t *testing.T, up *gatewaytest.Recorder, want string) {
	t.Helper()
	if got := strings.Join(up.Last().Header.Values("Authorization"), " | "); got != want {
		t.Errorf("the app got the Authorization %q, want %q", got, want)
	}
}

func TestAProvidersAccessTokenGoesToTheAppThatIsToHaveIt(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	p.Gives(giving(0, 0, true))
	s, up := startTokens(t, p)
	member, other := s.SignedInAt(t, p, "ada", "sid-1").Client, s.WithCookie(t, gatewaytest.Grace)
	for _, c := range []struct {
		name       string
		who        *gatewaytest.Client
		path, sent string
		want       string
	}{
		{"of who signed in there", member, "/app/x", "", "Bearer access-1"},
		{"in place of what the client sent", member, "/app/x", "Basic bWFsbG9yeQ==", "Bearer access-1"},
		{"also where signing in is optional", member, "/public/x", "", "Bearer access-1"},
		{"also where demands are only reported", member, "/watched/x", "", "Bearer access-1"},
		{"also where a path is open to all", member, "/open/x", "", "Bearer access-1"},
		{"not on a route that does not say so", member, "/elsewhere/x", "", ""},
		{"and what the client sent passes there", member, "/elsewhere/x", "Basic YWRh", "Basic YWRh"},
		{"not for who came in another way", other, "/app/x", "", ""},
		{"whose own Authorization passes", other, "/app/x", "Basic YWRh", "Basic YWRh"},
		{"not for who is not signed in", s.Client(t), "/public/x", "Basic YWRh", "Basic YWRh"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var header []string
			if c.sent != "" {
				header = []string{"Authorization", c.sent}
			}
			c.who.In(t).Get(c.path, header...).Want(t, http.StatusOK)
			wantSent(t, up, c.want)
		})
	}
	t.Run("and it is the next one after the session was built anew", func(t *testing.T) {
		member.In(t).Post("/auth/refresh").Want(t, http.StatusOK)
		member.In(t).Get("/app/x").Want(t, http.StatusOK)
		wantSent(t, up, "Bearer access-2")
	})
	t.Run("and none after the sign-out", func(t *testing.T) {
		cookie := member.Cookie
		member.In(t).Post("/auth/logout").Want(t, http.StatusNoContent)
		s.With(t, cookie, "").Get("/public/x").Want(t, http.StatusOK)
		wantSent(t, up, "")
	})
}

// Two providers, each with an app of its own: what the one gave out is nothing for
// the other's, nor for a third.
func TestAnAccessTokenDoesNotGoToAnotherApp(t *testing.T) {
	p, q := gatewaytest.NewIDP(t), gatewaytest.NewIDP(t)
	p.Gives(giving(0, 0, true))
	q.Gives(func(int) map[string]any { return map[string]any{"access_token": "of-the-partner", "expires_in": 3600} })
	ours, theirs, third := gatewaytest.NewRecorder(t), gatewaytest.NewRecorder(t), gatewaytest.NewRecorder(t)
	to := func(path, token string, up *gatewaytest.Recorder) string {
		return "handle /" + path + "/* {\nsession_auth {\n" + token + "\n}\nreverse_proxy " + up.Address() + "\n}\n"
	}
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "") + q.Login("partner", ""),
		Routes: "session_endpoints\n" + to("ours", "upstream_token sso", ours) + to("theirs", "upstream_token partner", theirs) + to("third", "no_redirect", third)})
	one, other := s.SignedInAt(t, p, "ada", "sid-1"), s.Browser(t)
	other.SignInAt(q, "partner")
	for who, c := range map[string]struct {
		b                *gatewaytest.Browser
		atOurs, atTheirs string
	}{
		"who came from the one":   {one, "Bearer access-1", ""},
		"who came from the other": {other, "", "Bearer of-the-partner"},
	} {
		t.Run(who, func(t *testing.T) {
			for path, got := range map[string]struct {
				up   *gatewaytest.Recorder
				want string
			}{"/ours/x": {ours, c.atOurs}, "/theirs/x": {theirs, c.atTheirs}, "/third/x": {third, ""}} {
				c.b.In(t).Get(path).Want(t, http.StatusOK)
				wantSent(t, got.up, got.want)
			}
		})
	}
}

// A credential of the provider's API is nobody's but the app's: no answer of ours
// holds it, no line of the log, and no file.
func TestAnAccessTokenIsToldNobodyElse(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	p.Gives(func(n int) map[string]any {
		return map[string]any{"access_token": "canary-access", "refresh_token": "canary-refresh", "expires_in": 3600}
	})
	dir := t.TempDir()
	log := filepath.Join(dir, "debug.log")
	up := gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Dir: dir, Options: p.Login("sso", ""), Upstream: up.Address(),
		Routes: "session_endpoints\nsession_auth {\nupstream_token sso\nassertion host\n}\nlog\nreverse_proxy {upstream}",
		Global: "debug\nlog default {\noutput file " + log + "\nformat json\n}"})
	b := s.SignedInAt(t, p, "ada", "sid-1")
	b.Get("/app").Want(t, http.StatusOK)
	wantSent(t, up, "Bearer canary-access")
	told := fmt.Sprint(up.Last().Header["X-Session-Assertion"])
	for _, path := range []string{"/auth/session", "/auth/sessions", "/auth/login", "/auth/verify"} {
		a := b.Get(path)
		told += a.Body + fmt.Sprint(a.Header)
	}
	for _, file := range []string{log, filepath.Join(dir, "sessions.db")} {
		text, err := os.ReadFile(file)
		if err != nil || len(text) == 0 {
			t.Fatalf("%s is empty: %v", file, err)
		}
		told += string(text)
	}
	if strings.Contains(told, "canary") {
		t.Error("it is told")
	}
}

func TestNoAccessTokenIsKeptThatNoRouteSends(t *testing.T) {
	for name, c := range map[string]struct {
		routes string
		kept   bool
	}{
		"no route sends one": {"", false},
		"one route does":     {tokenRoutes, true},
	} {
		t.Run(name, func(t *testing.T) {
			p, srv := gatewaytest.NewIDP(t), redistest.Start(t)
			p.Gives(giving(0, 0, true))
			s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "map {\nid `7`\n}"), Routes: c.routes}.OnRedis(srv, gatewaytest.PresentSecret))
			s.SignedInAt(t, p, "ada", "sid-1")
			records := gatewaytest.Records(t, srv, 7, gatewaytest.PresentSecret)
			if len(records) != 1 || strings.Contains(records[0].Kept, "access-1") != c.kept || !strings.Contains(records[0].Kept, "refresh-1") {
				t.Errorf("the session keeps something else")
			}
		})
	}
}

// Who was signed in before the route had upstream_token has a token too, from the
// first request on.
func TestASessionOfBeforeIsGivenAnAccessToken(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	p.Gives(giving(0, 0, true))
	up := gatewaytest.NewRecorder(t)
	site := gatewaytest.Site{Options: p.Login("sso", ""), Upstream: up.Address()}
	s := gatewaytest.Start(t, site)
	b := s.SignedInAt(t, p, "ada", "sid-1")
	site.Routes = tokenRoutes
	s.Replace(t, site)
	for range 3 {
		b.Get("/app/x").Want(t, http.StatusOK)
		wantSent(t, up, "Bearer access-2")
	}
}

func TestAnExpiredAccessTokenIsNeverSent(t *testing.T) {
	start := func(t *testing.T, gives func(int) map[string]any) (*gatewaytest.IDP, *gatewaytest.Browser, *gatewaytest.Recorder) {
		p := gatewaytest.NewIDP(t)
		p.Gives(gives)
		s, up := startTokens(t, p)
		return p, s.SignedInAt(t, p, "ada", "sid-1"), up
	}
	t.Run("50 requests wait for one refresh", func(t *testing.T) {
		p, b, up := start(t, giving(1, ended, true))
		var asking sync.WaitGroup
		for range 50 {
			asking.Go(func() { b.Get("/app/x").Want(t, http.StatusOK) })
		}
		asking.Wait()
		for _, r := range up.Since(0) {
			if got := r.Header.Get("Authorization"); got != "Bearer access-2" {
				t.Errorf("the app got the Authorization %q", got)
			}
		}
		if up.Count() != 50 || p.Count("/token") != 2 {
			t.Errorf("the app got %d requests, and the token endpoint %d", up.Count(), p.Count("/token"))
		}
	})
	t.Run("a provider that is down is an answer of 503, until it is up", func(t *testing.T) {
		p, b, up := start(t, giving(1, ended, true))
		t.Run("down", func(t *testing.T) {
			p.Fails(t, "/token", http.StatusBadGateway)
			for range 3 {
				a := b.In(t).Get("/app/x")
				a.WantError(t, http.StatusServiceUnavailable, "source_unavailable")
				a.WantHeader(t, "Retry-After", "2")
			}
			if up.Count() != 0 {
				t.Errorf("the app got %d requests", up.Count())
			}
			b.In(t).Get("/elsewhere/x").Want(t, http.StatusOK)
			b.In(t).Get("/open/x").Want(t, http.StatusOK)
			wantSent(t, up, "")
			b.In(t).Get("/watched/x").Want(t, http.StatusOK)
			wantSent(t, up, "")
		})
		gatewaytest.Await(t, "the app is asked again", func() bool { return b.Get("/app/x").StatusCode == http.StatusOK })
		wantSent(t, up, "Bearer access-"+fmt.Sprint(p.Count("/token")))
	})
	t.Run("a refresh that is refused ends the session", func(t *testing.T) {
		p, b, up := start(t, giving(1, ended, true))
		p.Gives(func(int) map[string]any { return map[string]any{"error": "invalid_grant"} })
		b.Get("/app/x").WantError(t, http.StatusUnauthorized, "unauthorized")
		b.WantSignedOut(t)
		if up.Count() != 0 {
			t.Error("the app was asked")
		}
	})
	t.Run("without a refresh token the app is sent none", func(t *testing.T) {
		_, b, up := start(t, giving(1, ended, false))
		b.Get("/app/x").Want(t, http.StatusOK)
		wantSent(t, up, "")
	})
	t.Run("a path that is open to all does not wait, and has the next one soon", func(t *testing.T) {
		p, b, up := start(t, giving(1, ended, true))
		b.Get("/open/x").Want(t, http.StatusOK)
		wantSent(t, up, "")
		gatewaytest.Await(t, "it is sent", func() bool {
			b.Get("/open/x").Want(t, http.StatusOK)
			return up.Last().Header.Get("Authorization") == "Bearer access-2"
		})
		if p.Count("/token") != 2 {
			t.Errorf("the token endpoint was asked %d times", p.Count("/token"))
		}
	})
	t.Run("of another person, which the provider slipped in, nothing is sent", func(t *testing.T) {
		p, b, up := start(t, giving(1, ended, true))
		p.But(t, map[string]any{"sub": "mallory", "sid": "sid-1", "email": "ada@example.com"})
		b.Get("/app/x").Want(t, http.StatusOK)
		wantSent(t, up, "")
	})
}

func TestAnAccessTokenThatIsDueIsRenewedBehindTheRequest(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	p.Gives(giving(1, 1, true))
	s, up := startTokens(t, p)
	b := s.SignedInAt(t, p, "ada", "sid-1")
	gatewaytest.Await(t, "the next token is sent", func() bool {
		b.Get("/app/x").Want(t, http.StatusOK)
		got := up.Last().Header.Get("Authorization")
		if got != "Bearer access-1" && got != "Bearer access-2" {
			t.Fatalf("the app got the Authorization %q", got)
		}
		return got == "Bearer access-2"
	})
}

func TestWhoHasNoAccessTokenIsToldOnceASession(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	p.Gives(giving(1, ended, false))
	g := gatewaytest.StartProcess(t, gatewaytest.Site{Options: p.Login("sso", ""), Routes: tokenRoutes})
	b := g.SignedInAt(t, p, "ada", "sid-1")
	for range 3 {
		b.Get("/app/x").Want(t, http.StatusOK)
	}
	g.AwaitLog("an app is sent no access token of a person", "it has expired", "offline_access")
	if n := strings.Count(g.Log.String(), "is sent no access token"); n != 1 {
		t.Errorf("it is told %d times", n)
	}
}

// A provider's refresh token is good for once: two gateways must not both ask.
func TestTwoGatewaysRenewAnAccessTokenOnce(t *testing.T) {
	p, up := gatewaytest.NewIDP(t), gatewaytest.NewRecorder(t)
	p.Gives(giving(1, ended, true))
	site := gatewaytest.Site{Options: p.Login("sso", ""), Upstream: up.Address(), Routes: tokenRoutes}.OnRedis(redistest.Start(t), gatewaytest.PresentSecret)
	one, other := gatewaytest.StartProcess(t, site), gatewaytest.StartProcess(t, site)
	there := one.SignedInAt(t, p, "ada", "sid-1").Client
	at := []*gatewaytest.Client{there, other.With(t, there.Cookie, "")}
	for _, c := range at { // both have the session in their near caches
		c.Get("/elsewhere/x").Want(t, http.StatusOK)
	}
	var asking sync.WaitGroup
	for i := range 50 {
		asking.Go(func() { at[i%2].Get("/app/x").Want(t, http.StatusOK) })
	}
	asking.Wait()
	for _, r := range up.Since(2) {
		if got := r.Header.Get("Authorization"); got != "Bearer access-2" {
			t.Errorf("the app got the Authorization %q", got)
		}
	}
	if got := p.Count("/token"); got != 2 {
		t.Errorf("the token endpoint was asked %d times", got)
	}
}

// A route that answers for an app that failed may lead to another one.
func TestAnAccessTokenDoesNotGoToAnErrorRoute(t *testing.T) {
	p, up, other := gatewaytest.NewIDP(t), gatewaytest.NewRecorder(t), gatewaytest.NewRecorder(t)
	p.Gives(giving(0, 0, true))
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", ""), Upstream: up.Address(),
		Routes: "session_endpoints\nsession_auth {\nupstream_token sso\n}\nerror /broken 502\nreverse_proxy {upstream}\nhandle_errors {\nreverse_proxy " + other.Address() + "\n}"})
	b := s.SignedInAt(t, p, "ada", "sid-1")
	for name, sent := range map[string]string{"nothing of the client's own": "", "but what the client has sent": "Basic YWRh"} {
		t.Run(name, func(t *testing.T) {
			var header []string
			if sent != "" {
				header = []string{"Authorization", sent}
			}
			b.In(t).Get("/broken", header...).Want(t, http.StatusOK)
			wantSent(t, other, sent)
		})
	}
	b.Get("/app").Want(t, http.StatusOK)
	wantSent(t, up, "Bearer access-1")
}
