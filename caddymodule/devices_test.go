package caddymodule_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

const agent = "Lynx/2.9 (Test)"

// signInAs signs in with a User-Agent, as another device.
func (s *server) signInAs(t testing.TB, email, userAgent string) *client {
	t.Helper()
	c := s.client(t)
	body := `{"email":"` + email + `","password":"` + password + `"}`
	c.do(http.MethodPost, "/auth/login", body, "Content-Type", "application/json", "User-Agent", userAgent).want(t, http.StatusOK)
	return c
}

func TestDevicesAreListed(t *testing.T) {
	s := start(t, site{options: "lifetime 2h\nidle_timeout 30m"})
	begun := time.Now().Add(-time.Second)
	phone := s.signInAs(t, ada, "Phone/1.0")
	laptop := s.signInAs(t, ada, agent)
	s.signInAs(t, grace, "Tablet/1.0")

	devices := devicesOf(laptop)
	if len(devices) != 2 {
		t.Fatalf("ada has two devices, listed are %+v", devices)
	}
	newest := devices[0]
	if !newest.Current || devices[1].Current || devices[1].UserAgent != "Phone/1.0" {
		t.Errorf("the newest is the current one: %+v", devices)
	}
	if newest.Method != "users" || newest.Address != "127.0.0.1" || newest.UserAgent != agent || len(newest.ID) != 16 {
		t.Errorf("listed as %+v", newest)
	}
	if newest.CreatedAt.Before(begun) || newest.LastSeenAt.Before(newest.CreatedAt) {
		t.Errorf("created %v, last seen %v, the test began %v", newest.CreatedAt, newest.LastSeenAt, begun)
	}
	if life := newest.ExpiresAt.Sub(newest.LastSeenAt); life != 30*time.Minute {
		t.Errorf("expires %v after it was seen", life)
	}
	t.Run("each device knows itself", func(t *testing.T) {
		for _, d := range devicesOf(phone.in(t)) {
			if d.Current != (d.UserAgent == "Phone/1.0") {
				t.Errorf("%+v", d)
			}
		}
	})
	t.Run("no secret is listed", func(t *testing.T) {
		body := laptop.in(t).get("/auth/sessions").body
		if strings.Contains(body, strings.TrimPrefix(laptop.cookie, "sidegate=")) {
			t.Error("the cookie's secret is in the list")
		}
	})
	t.Run("a User-Agent is cut, not trusted", func(t *testing.T) {
		long := s.signInAs(t, grace, strings.Repeat("é", 300))
		if ua := devicesOf(long)[0].UserAgent; ua != strings.Repeat("é", 128) {
			t.Errorf("kept as %d bytes", len(ua))
		}
	})
}

func idOf(t testing.TB, c *client) string {
	t.Helper()
	for _, d := range devicesOf(c) {
		if d.Current {
			return d.ID
		}
	}
	t.Fatal("no device is the current one")
	return ""
}

func TestOneDeviceIsSignedOut(t *testing.T) {
	s := start(t, site{})
	c, lost, other := s.browser(t, ada), s.browser(t, ada), s.browser(t, grace)

	t.Run("a device of one's own", func(t *testing.T) {
		got := c.in(t).do(http.MethodDelete, "/auth/sessions/"+idOf(t, lost), "").want(t, http.StatusNoContent)
		got.wantHeader(t, "Set-Cookie", "")
		lost.get("/auth/session").want(t, http.StatusUnauthorized)
		c.in(t).get("/auth/session").want(t, http.StatusOK)
	})
	for name, id := range map[string]string{
		"somebody else's device":      idOf(t, other),
		"a device that never was":     "AAAAAAAAAAAAAAAA",
		"a session's secret":          strings.TrimPrefix(c.cookie, "sidegate="),
		"an id with an encoded slash": idOf(t, c) + "%2f",
	} {
		t.Run(name+" is not found", func(t *testing.T) {
			c.in(t).do(http.MethodDelete, "/auth/sessions/"+id, "").wantError(t, http.StatusNotFound, "not_found")
		})
	}
	other.get("/auth/session").want(t, http.StatusOK)
	t.Run("the current device", func(t *testing.T) {
		gone := c.cookie
		got := c.in(t).do(http.MethodDelete, "/auth/sessions/"+idOf(t, c), "").want(t, http.StatusNoContent)
		if !strings.Contains(got.Header.Get("Set-Cookie"), "Max-Age=0") {
			t.Errorf("Set-Cookie is %q", got.Header.Get("Set-Cookie"))
		}
		s.dead(t, gone, "")
	})
	t.Run("nobody's without a session", func(t *testing.T) {
		s.client(t).do(http.MethodDelete, "/auth/sessions/"+idOf(t, other), "").want(t, http.StatusUnauthorized)
		s.client(t).do(http.MethodDelete, "/auth/sessions", "").want(t, http.StatusUnauthorized)
		s.client(t).get("/auth/sessions").want(t, http.StatusUnauthorized)
		other.in(t).get("/auth/session").want(t, http.StatusOK)
	})
}

func TestAllOtherDevicesAreSignedOut(t *testing.T) {
	s := start(t, site{})
	c, phone, script, other := s.browser(t, ada), s.browser(t, ada), s.program(t, ada), s.browser(t, grace)
	c.do(http.MethodDelete, "/auth/sessions", "").want(t, http.StatusNoContent).wantHeader(t, "Set-Cookie", "")
	if devices := devicesOf(c); len(devices) != 1 || !devices[0].Current {
		t.Errorf("left are %+v", devices)
	}
	s.dead(t, phone.cookie, "")
	s.dead(t, "", script.bearer)
	other.get("/auth/session").want(t, http.StatusOK)
}

func (c *client) choose(account string) answer {
	c.t.Helper()
	return c.do(http.MethodPut, "/auth/session/primary-account", `{"accountId":"`+account+`"}`, "Content-Type", "application/json")
}

func (a answer) wantAccount(t testing.TB, want string) {
	t.Helper()
	u := a.want(t, http.StatusOK).session(t)
	if u.PrimaryAccount == nil || u.PrimaryAccount.AccountID != want {
		t.Fatalf("primary account is %+v, want %s", u.PrimaryAccount, want)
	}
	for _, account := range u.Accounts {
		if account.UsersPrimaryAccount != (account.AccountID == want) {
			t.Errorf("flags are %+v, want %s alone", u.Accounts, want)
		}
	}
}

func TestPrimaryAccountIsChosen(t *testing.T) {
	up := newRecorder(t)
	s := start(t, site{upstream: up.address()})
	c, other := s.browser(t, ada), s.browser(t, ada)
	c.choose("globex").wantAccount(t, "globex")
	c.get("/auth/session").wantAccount(t, "globex")
	c.get("/app").want(t, http.StatusOK)
	if got := up.last().Header; got.Get("X-Session-Account-Id") != "globex" || got.Get("X-Session-Account-Admin") != "false" {
		t.Errorf("the app is told %v", got)
	}
	t.Run("the choice survives a refresh", func(t *testing.T) {
		c.in(t).post("/auth/refresh").wantAccount(t, "globex")
		c.in(t).get("/auth/session").wantAccount(t, "globex")
	})
	t.Run("other sessions keep theirs", func(t *testing.T) {
		other.in(t).get("/auth/session").wantAccount(t, "acme")
	})
	t.Run("it may be changed back", func(t *testing.T) {
		c.in(t).choose("acme").wantAccount(t, "acme")
		c.in(t).choose("globex").wantAccount(t, "globex")
	})
	for name, account := range map[string]string{
		"an account of somebody else": "initech", "an empty name": "", "another case": "ACME", "a placeholder": "{env.HOME}",
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			c.in(t).choose(account).wantError(t, http.StatusForbidden, "forbidden")
			c.in(t).get("/auth/session").wantAccount(t, "globex")
		})
	}
	t.Run("a person without accounts has none to choose", func(t *testing.T) {
		s.browser(t, grace).choose("acme").want(t, http.StatusForbidden)
		s.browser(t, grace).choose("").want(t, http.StatusForbidden)
	})
}

func TestAccountOfOneRequest(t *testing.T) {
	up := newRecorder(t)
	s := start(t, site{upstream: up.address()})
	c := s.browser(t, ada)
	c.get("/auth/session", "X-Account-Id", "globex").wantAccount(t, "globex")
	c.get("/app", "X-Account-Id", "globex").want(t, http.StatusOK)
	if got := up.last().Header; got.Get("X-Session-Account-Id") != "globex" || got.Get("X-Session-Account-Name") != "Globex" {
		t.Errorf("the app is told %v", got)
	}
	if got := up.last().Header.Values("X-Account-Id"); got != nil {
		t.Errorf("X-Account-Id went on to the app: %v", got)
	}
	t.Run("a refresh answers for it too", func(t *testing.T) {
		c.in(t).post("/auth/refresh", "X-Account-Id", "globex").wantAccount(t, "globex")
	})
	t.Run("the next request is without it", func(t *testing.T) {
		c.in(t).get("/auth/session").wantAccount(t, "acme")
	})
	before := up.count()
	for name, tt := range map[string]struct {
		values []string
		status int
	}{
		"one that is not one's own":  {[]string{"X-Account-Id", "initech"}, 403},
		"an empty one":               {[]string{"X-Account-Id", ""}, 403},
		"two of them":                {[]string{"X-Account-Id", "acme", "X-Account-Id", "globex"}, 400},
		"the same twice":             {[]string{"X-Account-Id", "acme", "X-Account-Id", "acme"}, 400},
		"two on one line":            {[]string{"X-Account-Id", "acme,globex"}, 403},
		"one's own in another case":  {[]string{"X-Account-Id", "ACME"}, 403},
		"the id with a space inside": {[]string{"X-Account-Id", "ac me"}, 403},
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			c.in(t).get("/auth/session", tt.values...).want(t, tt.status)
			c.in(t).get("/app", tt.values...).want(t, tt.status)
			c.in(t).post("/auth/refresh", tt.values...).want(t, tt.status)
			c.in(t).get("/auth/sessions", tt.values...).want(t, tt.status)
			c.in(t).do(http.MethodDelete, "/auth/sessions", "", tt.values...).want(t, tt.status)
		})
	}
	if up.count() != before {
		t.Error("a refused request reached the app")
	}
}
