package endpoint_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// why is the answer of GET /auth/why.
type why struct {
	SignedIn bool
	Why      *struct{ Code, Message string }
	Via      string
	Session  *struct {
		IdleExpiresAt                            time.Time
		ID, Login, CreatedAt, ExpiresAt, BuiltAt string
		Sources                                  []string
		Unmapped                                 bool
	}
	User *struct {
		ID                                        int64
		Email, Username, Account, AccountChosenBy string
		Accounts                                  []struct{ AccountID string }
		Roles, Permissions                        []string
	}
	Request struct {
		Scheme, Host, Site, Address string
		Forwarded                   []string
		ForwardedBelieved           bool
	}
	Path *struct {
		Method, Path, Decision, Error, By, At string
		Status                                int
		Demands                               []struct {
			Rule, At        string
			Met, ReportOnly bool
		}
		Notes []string
	}
}

// asks asks about a path, or about none.
func asks(c *gatewaytest.Client, path string, header ...string) (said why, answer gatewaytest.Answer) {
	c.T.Helper()
	target := "/auth/why"
	if path != "" {
		target += "?path=" + url.QueryEscape(path)
	}
	answer = c.Get(target, header...).Want(c.T, http.StatusOK)
	answer.Decode(c.T, &said)
	return said, answer
}

func TestWhoIsSignedInReadsWhatIsKnownOfThem(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "why"})
	browser, program, grace := s.WithCookie(t, gatewaytest.Ada), s.WithToken(t, gatewaytest.Ada), s.WithCookie(t, gatewaytest.Grace)
	t.Run("by cookie", func(t *testing.T) {
		said, answer := asks(browser.In(t), "")
		device := gatewaytest.DevicesOf(browser.In(t))
		if !said.SignedIn || said.Why != nil || said.Via != "cookie" || said.Path != nil || !slices.ContainsFunc(device, func(d gatewaytest.Device) bool { return d.ID == said.Session.ID && d.Current }) {
			t.Errorf("it is said %+v", said)
		}
		u := said.User
		if u.ID != 1 || u.Email != gatewaytest.Ada || u.Account != "acme" || u.AccountChosenBy != "entry" || len(u.Accounts) != 2 ||
			!slices.Contains(u.Roles, "editor") || !slices.Contains(u.Permissions, "orders:read") {
			t.Errorf("of the person it is said %+v", u)
		}
		if said.Session.Login != "users" || !slices.Equal(said.Session.Sources, []string{"login users"}) || said.Session.Unmapped || said.Session.BuiltAt == "" {
			t.Errorf("of the session it is said %+v", said.Session)
		}
		if r := said.Request; r.Scheme != "http" || r.Host != s.Address() || r.Site != s.URL || r.Address != "127.0.0.1" || len(r.Forwarded) > 0 || r.ForwardedBelieved {
			t.Errorf("of the request it is said %+v", r)
		}
		answer.WantHeader(t, "Cache-Control", "private, no-store")
		if _, secret, _ := strings.Cut(browser.Cookie, "="); strings.Contains(answer.Body, secret) || strings.Contains(answer.Body, "eyJ") {
			t.Errorf("a credential is told: %s", answer.Body)
		}
		answer.WantHeader(t, "Vary", "Cookie, Authorization, X-Account-Id")
		answer.WantHeader(t, "Cross-Origin-Resource-Policy", "same-origin")
	})
	t.Run("by token, for another account", func(t *testing.T) {
		said, _ := asks(program.In(t), "", "X-Account-Id", "globex")
		if said.Via != "bearer" || said.User.Account != "globex" || said.User.AccountChosenBy != "request" {
			t.Errorf("it is said %+v, %+v", said, said.User)
		}
	})
	t.Run("who has chosen an account before", func(t *testing.T) {
		program.In(t).Choose("globex").Want(t, http.StatusOK)
		if said, _ := asks(program.In(t), ""); said.User.Account != "globex" || said.User.AccountChosenBy != "person" {
			t.Errorf("it is said %+v", said.User)
		}
	})
	t.Run("who has no accounts", func(t *testing.T) {
		if said, _ := asks(grace.In(t), ""); said.User.Account != "" || said.User.AccountChosenBy != "" {
			t.Errorf("it is said %+v", said.User)
		}
	})
	t.Run("for an account of somebody else nothing is said", func(t *testing.T) {
		browser.In(t).Get("/auth/why", "X-Account-Id", "initech").WantError(t, http.StatusForbidden, "forbidden")
		browser.In(t).Get("/auth/why", "X-Account-Id", "acme", "X-Account-Id", "globex").WantError(t, http.StatusBadRequest, "bad_request")
	})
	t.Run("a HEAD has no body", func(t *testing.T) { browser.In(t).Do("HEAD", "/auth/why?path=/x", "").Want(t, http.StatusOK) })
}

// Roles and lines of the configuration are told by nothing else: an operator says that
// people may read them.
func TestWithoutTheOptionThereIsNoSuchRoute(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	s.WithCookie(t, gatewaytest.Ada).Get("/auth/why?path=/x").WantError(t, http.StatusNotFound, "not_found")
}

func TestOfAPathIsToldWhatHoldsForWhoAsks(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "why", Auth: "path /boss/* {\nrole admin\npermission orders:read none\naccount_admin\n}\npath /try/* {\nrole nobody\nreport_only\n}\npublic /open"})
	ada, grace := s.WithCookie(t, gatewaytest.Ada), s.WithCookie(t, gatewaytest.Grace)
	for _, c := range []struct {
		name, path, account string
		client              *gatewaytest.Client
		decision            string
		unmet, met          []string
	}{
		{"who meets all", "/boss/x", "acme", ada, "pass", nil, []string{"path /boss/*: role admin", "path /boss/*: permission orders:read none", "path /boss/*: account_admin"}},
		{"who meets some", "/boss/x", "globex", ada, "refused", []string{"path /boss/*: account_admin"}, []string{"path /boss/*: role admin", "path /boss/*: permission orders:read none"}},
		{"who meets none", "/boss/x", "", grace, "refused", []string{"path /boss/*: role admin", "path /boss/*: permission orders:read none", "path /boss/*: account_admin"}, nil},
		{"where a session will do", "/x", "", grace, "pass", nil, []string{"a session"}},
		{"where nothing is asked", "/open", "", grace, "public", nil, []string{"public /open"}},
		{"what is only reported", "/try/x", "", grace, "pass", []string{"path /try/*: role nobody"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var header []string
			if c.account != "" {
				header = []string{"X-Account-Id", c.account}
			}
			said, _ := asks(c.client.In(t), c.path, header...)
			var unmet, met []string
			for _, d := range said.Path.Demands {
				if d.Met {
					met = append(met, d.Rule)
				} else {
					unmet = append(unmet, d.Rule)
				}
				if !strings.HasPrefix(d.At, "Caddyfile:") || d.ReportOnly != strings.Contains(d.Rule, "/try/") {
					t.Errorf("of a rule it is said %+v", d)
				}
			}
			if said.Path.Decision != c.decision || !slices.Equal(unmet, c.unmet) || !slices.Equal(met, c.met) {
				t.Errorf("it is said %+v", said.Path)
			}
			if refused := said.Path; c.decision == "refused" && (refused.Status != 403 || refused.Error != "forbidden" || refused.By != "session_auth" || !strings.HasPrefix(refused.At, "Caddyfile:")) {
				t.Errorf("the refusal is said to be %+v", refused)
			}
		})
	}
}

// Whoever is not signed in would learn here what is worth trying, without a refusal
// that is counted.
func TestAStrangerIsToldNothingOfPaths(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "why", Auth: "public /open\npath /boss/* {\nrole admin\n}"})
	gone := s.WithCookie(t, gatewaytest.Ada)
	s.With(t, gone.Cookie, "").Post("/auth/logout").Want(t, http.StatusNoContent)
	for name, c := range map[string]*gatewaytest.Client{"nobody": s.Client(t), "who was signed in": gone, "who has a bad token": s.With(t, "", "x")} {
		t.Run(name, func(t *testing.T) {
			_, about := asks(c.In(t), "")
			for _, path := range []string{"/open", "/boss/x", "/x", "/auth/session", "/boss/..;/x"} {
				if said, answer := asks(c.In(t), path); said.SignedIn || said.Path != nil || said.User != nil || said.Session != nil || answer.Body != about.Body {
					t.Errorf("of %s it is said %s", path, answer.Body)
				}
			}
		})
	}
}

func TestWhyNobodyIsSignedInIsTold(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "why", Cookie: "insecure\nsame_site strict"})
	gone := s.WithCookie(t, gatewaytest.Ada)
	s.With(t, gone.Cookie, "").Post("/auth/logout").Want(t, http.StatusNoContent)
	led := []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "document", "Sec-Fetch-Mode", "navigate"}
	for _, c := range []struct {
		name   string
		client *gatewaytest.Client
		header []string
		code   string
	}{
		{"nothing came", s.Client(t), nil, "nothing_sent"},
		{"a link of another site led here", s.Client(t), led, "cookie_held_back"},
		{"a link led here, and the cookie came", gone, led, "session_ended"},
		{"the session has ended", gone, nil, "session_ended"},
		{"the token is none", s.With(t, "", "x"), nil, "token_foreign"},
	} {
		t.Run(c.name, func(t *testing.T) {
			said, answer := asks(c.client.In(t), "/x", c.header...)
			if said.Why == nil || said.Why.Code != c.code || said.Why.Message == "" {
				t.Errorf("it is said %s", answer.Body)
			}
		})
	}
}

// A cookie that is cleared by the first look would have the second one say that none
// came, and to look must not keep a session alive.
func TestLookingChangesNothing(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "why\nidle_timeout 5s"})
	c := s.WithCookie(t, gatewaytest.Ada)
	before := gatewaytest.IdleEnd(c) // in whole seconds
	gatewaytest.Await(t, "the session that is only looked at has ended", func() bool {
		said, answer := asks(c, "/app")
		answer.WantHeader(t, "Set-Cookie", "")
		if said.SignedIn && !said.Session.IdleExpiresAt.Before(before.Add(time.Second)) {
			t.Fatal("it has been put off")
		}
		return !said.SignedIn && said.Why.Code == "session_ended"
	})
}

func TestWhatTheGatewaySeesOfARequestIsTold(t *testing.T) {
	sent := []string{"X-Forwarded-For", "203.0.113.7", "X-Forwarded-Proto", "https", "Forwarded", "for=198.51.100.9"}
	for _, c := range []struct {
		name, global, scheme, address string
		believed                      bool
	}{
		{"from who is no proxy", "", "http", "127.0.0.1", false},
		{"from a proxy that is trusted", "servers {\ntrusted_proxies static 127.0.0.1/32\n}", "https", "203.0.113.7", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := gatewaytest.Start(t, gatewaytest.Site{Options: "why", Global: c.global})
			said, answer := asks(s.Client(t), "", sent...)
			r := said.Request
			if r.Scheme != c.scheme || r.Address != c.address || r.ForwardedBelieved != c.believed || !slices.Equal(r.Forwarded, []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Proto"}) {
				t.Errorf("it is said %+v", r)
			}
			if strings.Contains(answer.Body, "198.51.100.9") {
				t.Errorf("the value of a header is told: %s", answer.Body)
			}
		})
	}
}

// Nobody can ask about a preflight by a request that is none.
func TestWhyTellsThatAPreflightPasses(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "why", Auth: "preflight pass\nrole nobody"})
	ada := s.WithCookie(t, gatewaytest.Ada)
	for method, want := range map[string]bool{"OPTIONS": true, "GET": false} {
		var said why
		ada.Get("/auth/why?path=/x&method="+method, "Origin", s.URL, "Access-Control-Request-Method", "PUT").Want(t, http.StatusOK).Decode(t, &said)
		if told := strings.Contains(strings.Join(said.Path.Notes, " "), "preflight pass"); told != want || said.Path.Decision != "refused" {
			t.Errorf("%s: %+v", method, said.Path)
		}
	}
}

// Who is taken over from another gateway has their session begin here, wherever they
// come first: that is when the answer sets a cookie, and the only time.
func TestWhySetsACookieForWhomIsTakenOverAndForNobodyElse(t *testing.T) {
	old := gatewaytest.NewOldGateway(t, gatewaytest.OAuth2Proxy)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "why\n" + old.Login("old")})
	taken := []string{"Cookie", old.SignIn("zoe@example.com")}
	for _, c := range []struct {
		name   string
		who    *gatewaytest.Client
		header []string
		sets   bool
	}{
		{"nobody", s.Client(t), nil, false},
		{"who has an invalid cookie", s.With(t, "sidegate=x", ""), nil, false},
		{"who is signed in", s.WithCookie(t, gatewaytest.Ada), nil, false},
		{"who is taken over", s.Client(t), taken, true},
	} {
		if a := c.who.Get("/auth/why", c.header...).Want(t, http.StatusOK); (len(a.Header["Set-Cookie"]) > 0) != c.sets {
			t.Errorf("%s: Set-Cookie is %q, for %s", c.name, a.Header["Set-Cookie"], a.Body)
		}
	}
}
