package caddymodule_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// groups maps what a stand-in says of groups.
const groups = "map {\nroles `login.header[?\"remote-groups\"].or(login.header[?\"x-auth-request-groups\"]).orValue(\"\").split(\",\")`\n}"

// asked is the answer to who asks without a client's checks of it, as other proxies do.
func asked(t testing.TB, s *gatewaytest.Server, path string, header ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	resp, err := gatewaytest.NoRedirects.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp
}

// ours is the session cookie of an answer, name=value; empty: it sets none.
func ours(resp *http.Response) string {
	for _, set := range resp.Cookies() {
		if set.Name == "sidegate" && set.MaxAge >= 0 {
			return set.Name + "=" + set.Value
		}
	}
	return ""
}

func TestWhoComesFromAnotherGatewayIsSignedInWithTheVeryRequest(t *testing.T) {
	for _, kind := range []string{gatewaytest.OAuth2Proxy, gatewaytest.Authelia} {
		old, up := gatewaytest.NewOldGateway(t, kind), gatewaytest.NewRecorder(t)
		s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address(), Options: old.Login("old", groups)})
		for i, c := range []struct {
			name, path string
			header     []string
			status     int
		}{
			{"a page", "/app", []string{"Accept", "text/html", "Sec-Fetch-Mode", "navigate"}, http.StatusOK},
			{"what a script asks for", "/app/data", nil, http.StatusOK},
			{"who is signed in", "/auth/session", nil, http.StatusOK},
			{"a question of another proxy", "/auth/verify", nil, http.StatusNoContent},
			{"the page of devices", "/auth/sessions", nil, http.StatusOK},
		} {
			t.Run(kind+", "+c.name, func(t *testing.T) {
				email := fmt.Sprintf("Zoe%d@Example.com", i)
				resp := asked(t, s, c.path, append(c.header, "Cookie", old.SignIn(email)+"; theme=dark")...)
				if resp.StatusCode != c.status || ours(resp) == "" {
					t.Fatalf("%s, and the cookies are %q", resp.Status, resp.Header["Set-Cookie"])
				}
				if strings.HasPrefix(c.path, "/app") {
					sent := up.Last().Header
					if sent.Get("X-Session-Email") != strings.ToLower(email) || sent.Get("Cookie") != "theme=dark" {
						t.Errorf("the app was told %v", sent)
					}
					if got := resp.Header.Get("Cache-Control"); got != "private, no-store" {
						t.Errorf("a cache may keep the cookie: %q", got)
					}
				}
				who := s.With(t, ours(resp), "").Get("/auth/session").Want(t, http.StatusOK).Session(t)
				if who.Email != strings.ToLower(email) || strings.Join(who.FlatRolesList, " ") != "admins staff" || who.ID < 1_000_000_000 {
					t.Errorf("signed in as %+v", who)
				}
				if n := len(old.Asked()); n != i+1 {
					t.Errorf("the other gateway was asked %d times", n)
				}
			})
		}
	}
}

// Who signs in as somebody else while the other gateway is asked is not made the person
// of the old cookie after that.
func TestASignInMeanwhileCountsMoreThanTheOldCookie(t *testing.T) {
	old := gatewaytest.NewOldGateway(t, gatewaytest.OAuth2Proxy)
	release := make(chan struct{})
	s := gatewaytest.Start(t, gatewaytest.Site{Options: old.Login("old")})
	cookie := old.SignIn("zoe@example.com")
	old.Answers(func(w http.ResponseWriter, r *http.Request) {
		gatewaytest.Hold(r, release)
		w.Header().Set("X-Auth-Request-Email", "zoe@example.com")
		w.WriteHeader(http.StatusAccepted)
	})
	answered := make(chan *http.Response, 1)
	go func() { answered <- asked(t, s, "/app", "Cookie", cookie) }()
	gatewaytest.Await(t, "the other gateway is asked", func() bool { return len(old.Asked()) > 0 })
	s.Client(t).Do(http.MethodPost, "/auth/login", `{"email":"`+gatewaytest.Ada+`","password":"`+gatewaytest.Password+`"}`,
		"Content-Type", "application/json", "Cookie", cookie).Want(t, http.StatusOK)
	close(release)
	if resp := <-answered; resp.StatusCode != http.StatusUnauthorized || ours(resp) != "" {
		t.Errorf("%s, and the cookie is %q", resp.Status, ours(resp))
	}
}

// Behind a proxy that passes no Set-Cookie on, every request has the old cookie alone.
func TestOneCookieIsOneSession(t *testing.T) {
	old := gatewaytest.NewOldGateway(t, gatewaytest.OAuth2Proxy)
	release := make(chan struct{})
	s := gatewaytest.Start(t, gatewaytest.Site{Options: old.Login("old")})
	cookie := old.SignIn("zoe@example.com")
	old.Answers(func(w http.ResponseWriter, r *http.Request) {
		gatewaytest.Hold(r, release)
		w.Header().Set("X-Auth-Request-Email", "zoe@example.com")
		w.WriteHeader(http.StatusAccepted)
	})
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			if resp := asked(t, s, "/auth/verify", "Cookie", cookie); resp.StatusCode != http.StatusNoContent {
				t.Errorf("answered with %s", resp.Status)
			}
		})
	}
	gatewaytest.Await(t, "the other gateway is asked", func() bool { return len(old.Asked()) > 0 })
	close(release)
	wait.Wait()
	resp := asked(t, s, "/auth/verify", "Cookie", cookie)
	if resp.StatusCode != http.StatusNoContent || ours(resp) != "" {
		t.Errorf("later it is %s, with %q", resp.Status, resp.Header["Set-Cookie"])
	}
	if n := len(old.Asked()); n != 1 {
		t.Errorf("the other gateway was asked %d times", n)
	}
	c := s.Client(t)
	c.Cookie = cookie
	if devices := gatewaytest.DevicesOf(c); len(devices) != 1 {
		t.Errorf("there are %d sessions", len(devices))
	}
}

func TestWhatEndsEndsForGood(t *testing.T) {
	for name, site := range gatewaytest.Stores(t) {
		for _, c := range []struct {
			name string
			end  func(t *testing.T, s *gatewaytest.Server, old, ours string)
		}{
			{"by a sign-out with both cookies", func(t *testing.T, s *gatewaytest.Server, old, ours string) {
				s.With(t, ours+"; "+old, "").Post("/auth/logout").Want(t, http.StatusNoContent)
			}},
			{"by a sign-out with the old cookie alone", func(t *testing.T, s *gatewaytest.Server, old, _ string) {
				s.With(t, old, "").Post("/auth/logout").Want(t, http.StatusNoContent)
			}},
			{"by a revocation elsewhere", func(t *testing.T, s *gatewaytest.Server, _, ours string) {
				b := s.With(t, ours, "")
				b.Do(http.MethodDelete, "/auth/sessions/"+gatewaytest.IDOf(t, b), "").Want(t, http.StatusNoContent)
			}},
		} {
			t.Run(name+", "+c.name, func(t *testing.T) {
				old := gatewaytest.NewOldGateway(t, gatewaytest.Authelia)
				site := site
				site.Options += "\n" + old.Login("old")
				s := gatewaytest.Start(t, site)
				cookie := old.SignIn("zoe@example.com")
				first := asked(t, s, "/app", "Cookie", cookie)
				if first.StatusCode != http.StatusOK || ours(first) == "" {
					t.Fatalf("not adopted: %s", first.Status)
				}
				c.end(t, s, cookie, ours(first))
				for _, sent := range []string{cookie, ours(first), ours(first) + "; " + cookie, cookie + "; other=1", cookie + "; authelia_session_0=1"} {
					if resp := asked(t, s, "/app", "Cookie", sent); resp.StatusCode != http.StatusUnauthorized {
						t.Errorf("%q opens it again: %s", sent, resp.Status)
					}
				}
				if n := len(old.Asked()); n != 1 {
					t.Errorf("the other gateway was asked %d times", n)
				}
			})
		}
	}
}

// The cookie that a browser still has from before is of whoever sat there then.
func TestWhoHasSignedInHereIsNotSomebodyElseAfterwards(t *testing.T) {
	for _, c := range []struct {
		name string
		path string
	}{{"by a sign-in", "/auth/login"}, {"by a sign-out", "/auth/logout"}} {
		t.Run(c.name, func(t *testing.T) {
			old := gatewaytest.NewOldGateway(t, gatewaytest.OAuth2Proxy)
			s := gatewaytest.Start(t, gatewaytest.Site{Options: old.Login("old")})
			cookie := old.SignIn("zoe@example.com")
			ada := s.Client(t)
			if c.path == "/auth/login" {
				ada.Cookie = cookie
			}
			ada.SignIn("ada@example.com")
			own := ada.Cookie
			if c.path == "/auth/logout" {
				ada.Cookie = own + "; " + cookie
				a := ada.Post("/auth/logout").Want(t, http.StatusNoContent)
				for _, want := range []string{"_oauth2_proxy=; Path=/; Max-Age=0; HttpOnly"} {
					if !slices.Contains(a.Header["Set-Cookie"], want) {
						t.Errorf("%q is not expired among %q", want, a.Header["Set-Cookie"])
					}
				}
			}
			if resp := asked(t, s, "/app", "Cookie", cookie); resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("the cookie of before is good: %s", resp.Status)
			}
			if n := len(old.Asked()); n != 0 {
				t.Errorf("the other gateway was asked %d times", n)
			}
		})
	}
}

func TestWhoseCredentialsOfOursDecide(t *testing.T) {
	old := gatewaytest.NewOldGateway(t, gatewaytest.OAuth2Proxy)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: old.Login("old")})
	ada, token := s.WithCookie(t, "ada@example.com"), s.WithToken(t, "ada@example.com")
	gone := s.WithCookie(t, "grace@example.com")
	gone.In(t).Post("/auth/logout").Want(t, http.StatusNoContent)
	for i, c := range []struct {
		name, cookie, bearer string
		status, asked        int
	}{
		{"a good session", ada.Cookie, "", http.StatusOK, 0},
		{"a good token", "", token.Bearer, http.StatusOK, 0},
		{"a bad token", "", "x.y.z", http.StatusUnauthorized, 0},
		{"two sessions", ada.Cookie + "; " + s.WithCookie(t, "grace@example.com").Cookie, "", http.StatusUnauthorized, 0},
		{"a cookie that is none", "sidegate=x", "", http.StatusOK, 1},
		{"a session that has ended", gone.Cookie, "", http.StatusOK, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			header := []string{"Cookie", strings.TrimPrefix(c.cookie+"; ", "; ") + old.SignIn(fmt.Sprintf("p%d@example.com", i))}
			if c.bearer != "" {
				header = append(header, "Authorization", "Bearer "+c.bearer)
			}
			resp := asked(t, s, "/app", header...)
			if resp.StatusCode != c.status || len(old.Asked()) != c.asked {
				t.Errorf("%s, and the other gateway was asked %d times", resp.Status, len(old.Asked()))
			}
		})
	}
}

// An outage of the other gateway is no sign-out, and what it lets nobody in with is
// for the login page.
func TestWhatTheOtherGatewayAnswers(t *testing.T) {
	says := func(status int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
		}
	}
	const email = "X-Auth-Request-Email"
	slow := make(chan struct{})
	defer close(slow)
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		status int
	}{
		{"202 with an address", says(http.StatusAccepted, email, "zoe@example.com"), http.StatusOK},
		{"401", says(http.StatusUnauthorized, email, "zoe@example.com"), http.StatusUnauthorized},
		{"403", says(http.StatusForbidden, email, "zoe@example.com"), http.StatusUnauthorized},
		{"a redirect, which is not followed", says(http.StatusFound, email, "zoe@example.com", "Location", "/elsewhere"), http.StatusUnauthorized},
		{"200 without anybody", says(http.StatusOK), http.StatusUnauthorized},
		{"200 with what is no address", says(http.StatusOK, email, "zoe"), http.StatusUnauthorized},
		{"500", says(http.StatusInternalServerError, email, "zoe@example.com"), http.StatusServiceUnavailable},
		{"404, as of a wrong address", says(http.StatusNotFound), http.StatusServiceUnavailable},
		{"429", says(http.StatusTooManyRequests), http.StatusServiceUnavailable},
		{"a huge body", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(email, "zoe@example.com")
			_, _ = w.Write(make([]byte, 8<<20))
		}, http.StatusServiceUnavailable},
		{"a broken connection", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, http.StatusServiceUnavailable},
		{"nothing in time", func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-slow:
			case <-r.Context().Done():
			}
		}, http.StatusServiceUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			old := gatewaytest.NewOldGateway(t, gatewaytest.OAuth2Proxy)
			timeout := "timeout 10s"
			if c.name == "nothing in time" {
				timeout = "timeout 100ms"
			}
			s := gatewaytest.Start(t, gatewaytest.Site{Options: old.Login("old", timeout)})
			old.Answers(c.answer)
			cookie := old.SignIn("zoe@example.com")
			for _, path := range []string{"/app", "/auth/session"} {
				resp := asked(t, s, path, "Cookie", cookie)
				if resp.StatusCode != c.status {
					t.Errorf("%s is answered with %s", path, resp.Status)
				}
				if c.status == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") == "" {
					t.Error("it is not said when to ask again")
				}
			}
			if n := len(old.Asked()); n > 2 || c.status != http.StatusServiceUnavailable && n != 1 {
				t.Errorf("the other gateway was asked %d times", n)
			}
		})
	}
}

// People are another login's where the configuration says so: theirs are the number,
// the roles, and the word whether they are known at all.
func TestPeopleOfAnotherLogin(t *testing.T) {
	t.Run("of a users file", func(t *testing.T) {
		old := gatewaytest.NewOldGateway(t, gatewaytest.OAuth2Proxy)
		s := gatewaytest.Start(t, gatewaytest.Site{Options: old.Login("old", "as users")})
		want := s.WithCookie(t, "ada@example.com").Get("/auth/session").Session(t)
		resp := asked(t, s, "/app", "Cookie", old.SignIn("Ada@example.com"))
		got := s.With(t, ours(resp), "").Get("/auth/session").Want(t, http.StatusOK).Session(t)
		if got.ID != want.ID || !slices.Equal(got.FlatRolesList, want.FlatRolesList) {
			t.Errorf("%+v; want %+v", got, want)
		}
		if resp := asked(t, s, "/app", "Cookie", old.SignIn("stranger@example.com")); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("a stranger to the users file: %s", resp.Status)
		}
		c := s.With(t, ours(resp), "")
		c.Post("/auth/refresh").Want(t, http.StatusOK)
	})
	t.Run("of a users file that has no password of theirs", func(t *testing.T) {
		old := gatewaytest.NewOldGateway(t, gatewaytest.Authelia)
		users := func(password string) string {
			return "users:\n  - { id: 1, email: " + gatewaytest.Ada + ", password: " + password + " }\n"
		}
		dir := t.TempDir()
		gatewaytest.WriteFile(t, filepath.Join(dir, "users.yaml"), users("none"))
		s := gatewaytest.Start(t, gatewaytest.Site{Dir: dir, Options: old.Login("old", "as users")})
		if got := s.Client(t).TrySignIn(gatewaytest.Ada, "none").StatusCode; got != http.StatusUnauthorized {
			t.Errorf("a password is answered %d", got)
		}
		c := s.With(t, ours(asked(t, s, "/app", "Cookie", old.SignIn(gatewaytest.Ada))), "")
		if got := c.Get("/auth/session").Want(t, http.StatusOK).Session(t); got.ID != 1 {
			t.Errorf("number %d", got.ID)
		}
		gatewaytest.WriteFile(t, s.Users, users("'"+gatewaytest.PasswordHash+"', roles: [admin]"))
		gatewaytest.Await(t, "the file is read anew", func() bool {
			return len(c.Get("/auth/session").Want(t, http.StatusOK).Session(t).FlatRolesList) > 0
		})
		if got := s.Client(t).TrySignIn(gatewaytest.Ada, gatewaytest.Password).StatusCode; got != http.StatusOK {
			t.Errorf("the new password is answered %d", got)
		}
		c.Post("/auth/refresh").Want(t, http.StatusOK)
	})
	t.Run("of an OpenID provider", func(t *testing.T) {
		old, idp := gatewaytest.NewOldGateway(t, gatewaytest.OAuth2Proxy), gatewaytest.NewIDP(t)
		idp.But(t, map[string]any{"sub": "sub-of-zoe", "email": "zoe@example.com"})
		s := gatewaytest.Start(t, gatewaytest.Site{Options: old.Login("old", "as sso\nmap {\nsubject `login.header[\"x-auth-request-user\"]`\n"+
			"roles `login.header[\"x-auth-request-groups\"].split(\",\")`\n}") + idp.Login("sso", "map {\nroles `token.?groups.orValue([])`\n}")})
		resp := asked(t, s, "/app", "Cookie", old.SignIn("zoe@example.com"))
		adopted := s.With(t, ours(resp), "")
		got := adopted.Get("/auth/session").Want(t, http.StatusOK).Session(t)
		b := s.Browser(t)
		b.SignInAt(idp, "sso")
		if want := b.Do(http.MethodGet, "/auth/session", "").Want(t, http.StatusOK).Session(t); got.ID != want.ID {
			t.Errorf("number %d; at the provider %d", got.ID, want.ID)
		}
		again := adopted.Post("/auth/refresh").Want(t, http.StatusOK).Session(t)
		if strings.Join(got.FlatRolesList, " ") != "admins staff" || !slices.Equal(got.FlatRolesList, again.FlatRolesList) {
			t.Errorf("roles %q, and after a refresh %q", got.FlatRolesList, again.FlatRolesList)
		}
	})
}

func TestAnAdoptedSessionEndsWithUntil(t *testing.T) {
	old := gatewaytest.NewOldGateway(t, gatewaytest.OAuth2Proxy)
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	options := strings.Replace(old.Login("old")+old.Login("other", "as users"), "2099-12-31", until.Format(time.RFC3339), 1)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: options})
	resp := asked(t, s, "/app", "Cookie", old.SignIn("zoe@example.com"))
	a := s.With(t, ours(resp), "").Get("/auth/session").Want(t, http.StatusOK)
	if got, err := time.Parse(time.RFC3339, a.Header.Get("X-Session-Expires-At")); err != nil || got.After(until) {
		t.Errorf("it ends %v (%v); until is %v", got, err, until)
	}
}

func TestNobodyIsAdoptedWhenItIsOver(t *testing.T) {
	old := gatewaytest.NewOldGateway(t, gatewaytest.OAuth2Proxy)
	until := time.Now().Add(2 * time.Second).UTC().Truncate(time.Second)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: strings.Replace(old.Login("old"), "2099-12-31", until.Format(time.RFC3339), 1)})
	last := 0
	gatewaytest.Await(t, "it is over", func() bool {
		last = asked(t, s, "/app", "Cookie", old.SignIn("zoe@example.com")).StatusCode
		return last == http.StatusUnauthorized
	}, func() string { return fmt.Sprint(last) })
	if time.Now().Before(until) {
		t.Error("it is over before")
	}
	before := len(old.Asked())
	if asked(t, s, "/app", "Cookie", old.SignIn("zoe@example.com")); len(old.Asked()) != before {
		t.Error("the other gateway is asked still")
	}
}

// A gateway whose people nobody can sign in beside is warned of, and works.
func TestAdoptedPeopleAreCounted(t *testing.T) {
	old := gatewaytest.NewOldGateway(t, gatewaytest.OAuth2Proxy)
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Bare: true, Options: old.Login("old", "require `login.header[\"x-auth-request-email\"] != \"mia@example.com\"`")})
	asked(t, p.Server, "/app", "Cookie", old.SignIn("zoe@example.com"))
	for _, refused := range []string{old.SignIn("mia@example.com"), "_oauth2_proxy=unknown"} {
		if resp := asked(t, p.Server, "/app", "Cookie", refused); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("answered %s", resp.Status)
		}
	}
	p.AwaitSample(`sign_ins_total{login="old",result="signed_in"}`, 1)
	p.AwaitSample(`sign_ins_total{login="old",result="refused"}`, 2)
	p.AwaitLog(`"signed in","login":"old"`)
	p.AwaitLog(`"sign-in refused by the configuration","login":"old"`)
	p.AwaitLog(`"sign-in refused","login":"old"`)
	p.AwaitLog("and nobody can sign in: there is no other login")
}

// Who is kept out is known to whoever reads the log, as it is of a sign-in: as a digest,
// or by log_names as it is.
func TestWhoIsNotAdoptedIsNamed(t *testing.T) {
	for _, c := range []struct{ name, options, lines, email, says string }{
		{"by email_domains", "log_names", "email_domains example.com", "mia@elsewhere.example",
			`"sign-in refused by the configuration","login":"old","account":"mia@elsewhere.example","why":"email_domains`},
		{"by require", "log_names", "require `false`", "mia@example.com", `"sign-in refused by the configuration","login":"old","account":"mia@example.com","why"`},
		{"by a users file that does not have them", "log_names", "as users", "mia@example.com", `"account":"mia@example.com"`},
		{"by a map that cannot be followed", "log_names", "map {\nroles `login.body.roles`\n}", "mia@example.com", `"login":"old","account":"mia@example.com","error"`},
		{"without log_names", "", "email_domains example.com", "mia@elsewhere.example", `"login":"old","account":"hmac:`},
	} {
		t.Run(c.name, func(t *testing.T) {
			old := gatewaytest.NewOldGateway(t, gatewaytest.OAuth2Proxy)
			p := gatewaytest.StartProcess(t, gatewaytest.Site{Options: c.options + "\n" + old.Login("old", c.lines)})
			cookie := old.SignIn(c.email)
			if resp := asked(t, p.Server, "/app", "Cookie", cookie); resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("answered %s", resp.Status)
			}
			p.AwaitLog(c.says)
			_, value, _ := strings.Cut(cookie, "=")
			if said := p.Log.String(); strings.Contains(said, value) || c.options == "" && strings.Contains(said, c.email) {
				t.Errorf("the log says %s", said)
			}
		})
	}
}

// Who was adopted without `as` is not adopted again with it: a sign-out would be none.
func TestWhoWasAdoptedWithoutAsIsNotAdoptedAgainWithIt(t *testing.T) {
	old := gatewaytest.NewOldGateway(t, gatewaytest.OAuth2Proxy)
	dir := t.TempDir()
	site := func(lines string) gatewaytest.Site {
		return gatewaytest.Site{Dir: dir, Options: "store embedded sessions.db\n" + old.Login("old", lines)}
	}
	p := gatewaytest.StartProcess(t, site(""))
	p.AwaitLog("who is adopted is a person of this login alone", `"login":"old","other_login":"users","option":"as"`)
	gone, stays := old.SignIn(gatewaytest.Ada), old.SignIn(gatewaytest.Ada)
	first := asked(t, p.Server, "/app", "Cookie", gone)
	p.With(t, ours(first), "").Post("/auth/logout").Want(t, http.StatusNoContent)
	second := asked(t, p.Server, "/app", "Cookie", stays)
	before := p.With(t, ours(second), "").Get("/auth/session").Want(t, http.StatusOK).Session(t)
	p.Terminate()
	p.AwaitEnd()

	p = gatewaytest.StartProcess(t, site("as users"))
	if strings.Contains(p.Log.String(), `"other_login"`) {
		t.Error("it is still said that `as` is missing")
	}
	if resp := asked(t, p.Server, "/app", "Cookie", gone); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a cookie that was signed out of: %s", resp.Status)
	}
	for name, c := range map[string]*gatewaytest.Client{"by our cookie": p.With(t, ours(second), ""), "by the old one": p.With(t, stays, "")} {
		if now := c.Get("/auth/session").Want(t, http.StatusOK).Session(t); now.ID != before.ID {
			t.Errorf("%s number %d has become %d", name, before.ID, now.ID)
		}
	}
	resp := asked(t, p.Server, "/app", "Cookie", old.SignIn(gatewaytest.Ada))
	if now := p.With(t, ours(resp), "").Get("/auth/session").Want(t, http.StatusOK).Session(t); now.ID != 1 {
		t.Errorf("a cookie that was not adopted makes number %d", now.ID)
	}
}

// The warning is about people of several logins who may have one username.
func TestWhoIsAdoptedAsAnotherLoginsPersonIsOfNoFurtherLogin(t *testing.T) {
	for _, c := range []struct {
		name, lines string
		warns       bool
	}{
		{"people of the users file", "as users", false},
		{"people of the other gateway alone", "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			old := gatewaytest.NewOldGateway(t, gatewaytest.Authelia)
			p := gatewaytest.NewProcess(t, gatewaytest.Site{Options: "user_header username\n" + old.Login("old", c.lines), Auth: "headers remote-user"})
			p.Start()
			const line = "an app takes people of several logins"
			if c.warns {
				p.AwaitLog(line, "old")
			} else if strings.Contains(p.Log.String(), line) {
				t.Errorf("the log says %s", line)
			}
		})
	}
}

// A token of the provider comes with a sign-in there: the log does not say that it has
// expired, or that the provider has to be set up otherwise.
func TestAnAppIsSentNoAccessTokenOfWhoIsAdopted(t *testing.T) {
	old, idp, up := gatewaytest.NewOldGateway(t, gatewaytest.OAuth2Proxy), gatewaytest.NewIDP(t), gatewaytest.NewRecorder(t)
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Upstream: up.Address(), Auth: "upstream_token sso",
		Options: idp.Login("sso", "") + old.Login("old", "as sso\nmap {\nsubject `login.header[\"x-auth-request-user\"]`\n}")})
	if resp := asked(t, p.Server, "/app", "Cookie", old.SignIn("zoe@example.com")); resp.StatusCode != http.StatusOK || up.Last().Header.Get("Authorization") != "" {
		t.Errorf("%s, and the app was sent %q", resp.Status, up.Last().Header.Get("Authorization"))
	}
	p.AwaitLog("an app is sent no access token of a person", `"why":"the person was adopted from another gateway, which hands none over: it comes with their next sign-in here"`)
}
