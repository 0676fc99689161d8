package caddymodule_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// startLegacy runs a gateway in front of an app whose own login it uses, and
// gives the app's credentials back under /app alone.
func startLegacy(t *testing.T, l *legacy, more string) *gatewaytest.Server {
	t.Helper()
	return gatewaytest.Start(t, gatewaytest.Site{
		Options:  l.login("legacy", "keep_cookies\n"+legacyMap) + more,
		Upstream: strings.TrimPrefix(l.URL, "http://"),
		Routes: "session_endpoints\nsession_auth /app/* {\nupstream_token legacy\n}\nsession_auth /elsewhere/*\n" +
			"session_auth /public/* {\nupstream_token legacy\noptional\n}\nreverse_proxy {upstream}",
	})
}

// member is a browser that has signed in through the app.
func member(t testing.TB, s *gatewaytest.Server) *gatewaytest.Client {
	t.Helper()
	c := s.Client(t)
	c.SignInByForm("mary@example.com", legacyPassword, "/").Want(t, http.StatusSeeOther)
	return c
}

func TestCredentialsOfAnAppGoBackToIt(t *testing.T) {
	l := newLegacy(t)
	s := startLegacy(t, l, "")
	member, other := member(t, s), s.WithCookie(t, gatewaytest.Grace)
	for _, c := range []struct {
		name                string
		who                 *gatewaytest.Client
		path, authorization string
		cookie              string
		wantAuthorization   string
		wantCookie          string
	}{
		{"in each request of who signed in there", member, "/app/x", "", "", "Bearer token-of-the-app", "SID=of-the-app"},
		{"in place of what the client sent", member, "/app/x", "Basic bWFsbG9yeQ==", "SID=of-mallory; theme=dark", "Bearer token-of-the-app", "SID=of-the-app; theme=dark"},
		{"in place of what the client sent in another case, and twice", member, "/app/x", "", "sid=of-mallory; SID=a; SID=b", "Bearer token-of-the-app", "SID=of-the-app"},
		{"also on a route that is open to all", member, "/public/x", "", "", "Bearer token-of-the-app", "SID=of-the-app"},
		{"not on a route that does not say so", member, "/elsewhere/x", "", "theme=dark", "", "theme=dark"},
		{"not for who came in another way", other, "/app/x", "", "theme=dark", "", "theme=dark"},
		{"not for who is not signed in", s.Client(t), "/public/x", "", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var header []string
			if c.authorization != "" {
				header = append(header, "Authorization", c.authorization)
			}
			own := c.who.In(t)
			if c.cookie != "" {
				own.Cookie = strings.TrimPrefix(own.Cookie+"; "+c.cookie, "; ")
			}
			own.Get(c.path, header...).Want(t, http.StatusOK)
			_, r := l.asked()
			if got := strings.Join(r.Header.Values("Authorization"), " | "); got != c.wantAuthorization {
				t.Errorf("the app got the Authorization %q", got)
			}
			if got := strings.Join(r.Header.Values("Cookie"), " | "); got != c.wantCookie {
				t.Errorf("the app got the Cookie %q", got)
			}
		})
	}
	t.Run("after the session was built anew", func(t *testing.T) {
		member.Post("/auth/refresh").Want(t, http.StatusOK)
		member.Get("/app/x").Want(t, http.StatusOK)
		if _, r := l.asked(); r.Header.Get("Authorization") != "Bearer token-of-the-app" || r.Header.Get("Cookie") != "SID=of-the-app" {
			t.Errorf("the app got %v", r.Header)
		}
	})
	t.Run("and to nobody else: no answer of ours holds them", func(t *testing.T) {
		for _, path := range []string{"/auth/session", "/auth/sessions", "/auth/login", "/auth/logout"} {
			if a := member.Get(path); strings.Contains(a.Body+fmt.Sprint(a.Header), "of-the-app") {
				t.Errorf("%s tells them: %s", path, a.Body)
			}
		}
	})
}

// What an app gives out is the app's word alone: it ends no header line.
func TestCredentialsThatCannotStandInAHeaderNeverLeave(t *testing.T) {
	for _, c := range []struct{ name, token, cookie string }{
		{"a line break in the token", `t\r\nX-Admin: yes`, "ok=1"},
		{"NUL in the token", `t\u0000`, "ok=1"},
		{"DEL in the token", `t\u007f`, "ok=1"},
		{"a line break in a cookie", "", "bad=1\r\nX-Admin: yes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLegacy(t)
			l.answer = func(w http.ResponseWriter, email string) {
				w.Header()["Set-Cookie"] = []string{c.cookie + "; HttpOnly", "good=2; HttpOnly"}
				fmt.Fprintf(w, `{"user":{"mail":%q,"roles":[],"nr":7},"jwt":"%s"}`, email, c.token)
			}
			s := startLegacy(t, l, "")
			member(t, s).Get("/app/x").Want(t, http.StatusOK)
			_, r := l.asked()
			if got := r.Header.Values("Authorization"); len(got) != 0 {
				t.Errorf("the app got the Authorization %q", got)
			}
			if r.Header.Get("X-Admin") != "" || !strings.Contains(r.Header.Get("Cookie"), "good=2") {
				t.Errorf("the app got %v", r.Header)
			}
		})
	}
}

// The password goes to the app and nowhere else.
func TestThePasswordIsInNoLogAndInNoRecord(t *testing.T) {
	l := newLegacy(t)
	l.answer = func(w http.ResponseWriter, email string) { // an app that repeats the question
		fmt.Fprintf(w, `{"user":{"mail":%q,"roles":[],"nr":7},"jwt":"token-of-the-app","echo":{"password":%q,"said":"you typed %s"}}`,
			email, legacyPassword, legacyPassword)
	}
	dir := t.TempDir()
	log := filepath.Join(dir, "debug.log")
	s := gatewaytest.Start(t, gatewaytest.Site{Dir: dir, Options: l.login("legacy", legacyMap),
		Global: "debug\nlog default {\noutput file " + log + "\nformat json\n}"})
	member(t, s).Get("/app").Want(t, http.StatusOK)
	s.Client(t).TrySignIn("mary@example.com", "mistyped "+legacyPassword).Want(t, http.StatusUnauthorized)
	l.fails(t, http.StatusInternalServerError)
	s.Client(t).TrySignIn("mary@example.com", legacyPassword).Want(t, http.StatusServiceUnavailable)
	for _, file := range []string{log, filepath.Join(dir, "sessions.db")} {
		text, err := os.ReadFile(file)
		if err != nil || len(text) == 0 {
			t.Fatalf("%s is empty: %v", file, err)
		}
		for _, secret := range []string{legacyPassword, "token-of-the-app", "you typed"} {
			if strings.Contains(string(text), secret) {
				t.Errorf("%s holds %q", filepath.Base(file), secret)
			}
		}
	}
}

// Two apps behind one gateway: what the one gave out is nothing for the other.
func TestCredentialsOfAnAppDoNotGoToAnotherApp(t *testing.T) {
	l, other := newLegacy(t), newLegacy(t)
	l.fails(t, http.StatusUnauthorized)
	s := startLegacy(t, l, other.login("other", "keep_cookies\n"+legacyMap))
	member := member(t, s) // whom the other app let in
	l.asked()
	member.Get("/app/x").Want(t, http.StatusOK)
	if _, r := l.asked(); len(r.Header.Values("Authorization"))+len(r.Header.Values("Cookie")) != 0 {
		t.Errorf("the app got %v", r.Header)
	}
}

// A route that answers for an app that failed may lead to another one.
func TestCredentialsOfAnAppDoNotGoToAnErrorRoute(t *testing.T) {
	l, other := newLegacy(t), gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{
		Options:  l.login("legacy", "keep_cookies\n"+legacyMap),
		Upstream: other.Address(),
		Routes: "session_endpoints\nsession_auth {\nupstream_token legacy\n}\nerror /broken 502\n" +
			"reverse_proxy " + strings.TrimPrefix(l.URL, "http://") + "\nhandle_errors {\nreverse_proxy {upstream}\n}",
	})
	member := member(t, s)
	for name, tt := range map[string]struct{ sent, authorization, cookie string }{
		"nothing of the client's own":  {"", "", ""},
		"but what the client has sent": {"; theme=dark; SID=of-the-client", "Basic bWFyeQ==", "theme=dark; SID=of-the-client"},
	} {
		t.Run(name, func(t *testing.T) {
			own := member.In(t)
			own.Cookie += tt.sent
			var header []string
			if tt.authorization != "" {
				header = []string{"Authorization", tt.authorization}
			}
			own.Get("/broken", header...).Want(t, http.StatusOK)
			h := other.Last().Header
			if h.Get("Authorization") != tt.authorization || h.Get("Cookie") != tt.cookie {
				t.Errorf("the other app got the Authorization %q and the Cookie %q", h.Get("Authorization"), h.Get("Cookie"))
			}
			if h.Get("X-Session-User-Id") == "" {
				t.Error("the other app is not told who it is, as it was before")
			}
		})
	}
	t.Run("and still to the app", func(t *testing.T) {
		member.Get("/app").Want(t, http.StatusOK)
		if _, r := l.asked(); r.Header.Get("Authorization") != "Bearer token-of-the-app" {
			t.Errorf("the app got %v", r.Header)
		}
	})
}

// Keys of an app's API lie in the environment, wherever they stand.
func TestReferencesInAddressesAndBodiesAreResolved(t *testing.T) {
	t.Setenv("SIDEGATE_TEST_KEY", "of-the-environment")
	l, d := newLegacy(t), newCRM(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: l.login("legacy", "body json {\nemail {login.username}\npassword {login.password}\nkey {env.SIDEGATE_TEST_KEY}\n}\n"+legacyMap) +
		"directory http crm " + d.URL + "/{env.SIDEGATE_TEST_KEY}?e={identity.email}\n"})
	s.Client(t).TrySignIn("mary@example.com", legacyPassword).Want(t, http.StatusOK)
	if path := d.last.Load().URL.Path; path != "/of-the-environment" {
		t.Errorf("the directory was asked for %s", path)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if body := l.bodies[0]; !strings.Contains(body, `"key":"of-the-environment"`) {
		t.Error("the app was not sent the key")
	}
}
