package caddymodule_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The bodies of GET /auth/session, with TOKEN for the token.
const (
	adaSession = `{"id":1,"email":"ada@example.com","createdBy":"ops@example.com","createdAt":"2024-01-02T03:04:05Z",` +
		`"primaryAccount":{"accountId":"acme","accountName":"Acme Ltd","usersPrimaryAccount":true,"accountAdmin":true},` +
		`"accounts":[{"accountId":"acme","accountName":"Acme Ltd","usersPrimaryAccount":true,"accountAdmin":true},` +
		`{"accountId":"globex","accountName":"Globex","usersPrimaryAccount":false,"accountAdmin":false}],` +
		`"flatRolesList":["admin","editor"],` +
		`"flatPermissionsList":["reports:run","users:write","orders:read","orders:write"],"token":"TOKEN"}`
	graceSession = `{"id":2,"email":"grace@example.com","accounts":[],"flatRolesList":["viewer"],` +
		`"flatPermissionsList":[],"token":"TOKEN"}`
)

func TestSessionBodyIsTheContract(t *testing.T) {
	s := start(t, site{})
	for name, tt := range map[string]struct {
		client *client
		want   string
	}{
		"a person with accounts, by cookie":          {s.browser(t, ada), adaSession},
		"a person with accounts, by Bearer token":    {s.program(t, ada), adaSession},
		"a person without accounts, by cookie":       {s.browser(t, grace), graceSession},
		"a person without accounts, by Bearer token": {s.program(t, grace), graceSession},
	} {
		t.Run(name, func(t *testing.T) {
			got := tt.client.in(t).get("/auth/session").want(t, http.StatusOK)
			if body := strings.Replace(got.body, got.session(t).Token, "TOKEN", 1); body != tt.want {
				t.Errorf("got  %s\nwant %s", body, tt.want)
			}
		})
	}
}

func TestSessionHeaders(t *testing.T) {
	s := start(t, site{options: "lifetime 2h\nidle_timeout 30m"})
	c := s.browser(t, ada)
	device := devicesOf(c)[0]
	get := c.get("/auth/session").want(t, http.StatusOK)
	for name, want := range map[string]string{
		"Content-Type":                 "application/json",
		"Cache-Control":                "private, no-store",
		"Vary":                         "Cookie, Authorization, X-Account-Id",
		"X-Content-Type-Options":       "nosniff",
		"Cross-Origin-Resource-Policy": "same-origin",
		"X-Session-Expires-At":         device.CreatedAt.Add(2 * time.Hour).Format(time.RFC3339),
		"X-Session-Idle-Expires-At":    device.LastSeenAt.Add(30 * time.Minute).Format(time.RFC3339),
		"Set-Cookie":                   "",
		"WWW-Authenticate":             "",
	} {
		get.wantHeader(t, name, want)
	}
	t.Run("HEAD has the headers of GET and no body", func(t *testing.T) {
		head := c.in(t).do(http.MethodHead, "/auth/session", "").want(t, http.StatusOK)
		get.Header.Del("Date")
		for name := range get.Header {
			head.wantHeader(t, name, get.Header.Get(name))
		}
	})
}

func TestSessionRevalidation(t *testing.T) {
	s := start(t, site{})
	c := s.browser(t, ada)
	etag := c.get("/auth/session").Header.Get("ETag")
	if len(etag) < 10 || etag[0] != '"' {
		t.Fatalf("ETag is %q", etag)
	}
	for name, tt := range map[string]struct {
		header []string
		want   int
	}{
		"the same tag":               {[]string{"If-None-Match", etag}, 304},
		"the same tag, weak":         {[]string{"If-None-Match", "W/" + etag}, 304},
		"a list with the tag":        {[]string{"If-None-Match", `"a", W/"b" , ` + etag + `,"c"`}, 304},
		"a list on two lines":        {[]string{"If-None-Match", `"a"`, "If-None-Match", etag}, 304},
		"anything":                   {[]string{"If-None-Match", "*"}, 304},
		"another tag":                {[]string{"If-None-Match", `"another"`}, 200},
		"the tag without its quotes": {[]string{"If-None-Match", strings.Trim(etag, `"`)}, 200},
		"the tag, another account":   {[]string{"If-None-Match", etag, "X-Account-Id", "globex"}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				got := c.in(t).do(method, "/auth/session", "", tt.header...).want(t, tt.want)
				if tt.want == http.StatusNotModified {
					got.wantHeader(t, "ETag", etag)
					got.wantHeader(t, "Cache-Control", "private, no-store")
				}
			}
		})
	}
	t.Run("a change shows in the tag", func(t *testing.T) {
		c.in(t).do(http.MethodPut, "/auth/session/primary-account", `{"accountId":"globex"}`,
			"Content-Type", "application/json").want(t, http.StatusOK)
		c.in(t).get("/auth/session", "If-None-Match", etag).want(t, http.StatusOK)
	})
	t.Run("nobody revalidates without a session", func(t *testing.T) {
		s.client(t).get("/auth/session", "If-None-Match", "*").want(t, http.StatusUnauthorized)
	})
}

func TestSessionWithoutAGoodCredentialIs401(t *testing.T) {
	s := start(t, site{})
	c := s.browser(t, ada)
	other := s.browser(t, grace)
	ended := s.browser(t, ada)
	gone := ended.cookie
	ended.post("/auth/logout").want(t, http.StatusNoContent)
	const nobody, invalid = "Bearer", `Bearer error="invalid_token"`
	for name, tt := range map[string]struct {
		header    []string
		challenge string
		clears    bool
	}{
		// RFC 6750 section 3.1: no error code when no token was presented.
		"nothing presented":                    {nil, nobody, false},
		"another site's cookies":               {[]string{"Cookie", "theme=dark; sid=1"}, nobody, false},
		"another scheme":                       {[]string{"Authorization", "Basic YTpi"}, nobody, false},
		"a cookie that is no secret":           {[]string{"Cookie", "sidegate=x"}, nobody, true},
		"the cookie of a session that ended":   {[]string{"Cookie", gone}, nobody, true},
		"two session cookies":                  {[]string{"Cookie", c.cookie + "; " + other.cookie}, nobody, false},
		"the same session cookie twice":        {[]string{"Cookie", c.cookie + "; " + c.cookie}, nobody, false},
		"two session cookies on two lines":     {[]string{"Cookie", c.cookie, "Cookie", other.cookie}, nobody, false},
		"a bad token":                          {[]string{"Authorization", "Bearer x"}, invalid, false},
		"an empty token":                       {[]string{"Authorization", "Bearer"}, invalid, false},
		"a bad token beside a good cookie":     {[]string{"Authorization", "Bearer x", "Cookie", c.cookie}, invalid, false},
		"an empty token beside a good cookie":  {[]string{"Authorization", "bearer ", "Cookie", c.cookie}, invalid, false},
		"a bad token beside two cookies":       {[]string{"Authorization", "Bearer x", "Cookie", c.cookie + "; " + other.cookie}, invalid, false},
		"the cookie's secret as a token":       {[]string{"Authorization", "Bearer " + strings.TrimPrefix(c.cookie, "sidegate=")}, invalid, false},
		"two Authorization headers, one Basic": {[]string{"Authorization", "Basic YTpi", "Authorization", "Bearer x"}, invalid, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, look := range [][]string{nil, {"Accept", "text/html", "Sec-Fetch-Mode", "navigate"}} {
				got := s.client(t).get("/auth/session", append(look, tt.header...)...)
				got.wantError(t, http.StatusUnauthorized, "unauthorized")
				got.wantHeader(t, "WWW-Authenticate", tt.challenge)
				got.wantHeader(t, "Cache-Control", "private, no-store")
				got.wantHeader(t, "Location", "") // never a redirect, navigation or not
				if cleared := got.Header.Get("Set-Cookie") != ""; cleared != tt.clears {
					t.Errorf("cookie cleared: %v, want %v", cleared, tt.clears)
				}
			}
		})
	}
	c.get("/auth/session").want(t, http.StatusOK)
	other.get("/auth/session").want(t, http.StatusOK)
}

func TestBearerWinsOverTheCookie(t *testing.T) {
	s := start(t, site{})
	c := s.browser(t, grace)
	c.bearer = s.program(t, ada).bearer
	if u := c.get("/auth/session").session(t); u.Email != ada {
		t.Errorf("ada's token beside grace's cookie is %s", u.Email)
	}
}

func TestTokensOfSessions(t *testing.T) {
	s := start(t, site{options: "lifetime 3h\ntoken {\n ttl 5m\n}"})
	browser := s.browser(t, ada)
	short := browser.get("/auth/session").session(t).Token

	t.Run("a cookie caller's token lives as long as token.ttl", func(t *testing.T) {
		claims := claimsOf(t, short)
		if life := claims.ExpiresAt.Sub(claims.IssuedAt.Time); life != 5*time.Minute {
			t.Errorf("lives %v", life)
		}
	})
	t.Run("a cookie caller gets the same token again", func(t *testing.T) {
		if again := browser.in(t).get("/auth/session").session(t).Token; again != short {
			t.Error("got another one")
		}
	})
	t.Run("a cookie caller's token is good as a Bearer token", func(t *testing.T) {
		c := s.client(t)
		c.bearer = short
		if u := c.get("/auth/session").want(t, http.StatusOK).session(t); u.Email != ada || u.Token != short {
			t.Errorf("answered as %s, its own token back: %v", u.Email, u.Token == short)
		}
	})
	t.Run("who signs in by JSON gets a token that lives as long as the session", func(t *testing.T) {
		c := s.program(t, ada)
		got := c.get("/auth/session").want(t, http.StatusOK)
		if got.session(t).Token != c.bearer {
			t.Error("a Bearer caller did not get its own token back")
		}
		got.wantHeader(t, "X-Session-Expires-At", claimsOf(t, c.bearer).ExpiresAt.UTC().Format(time.RFC3339))
	})
	t.Run("a token is dead with its session, whatever its exp says", func(t *testing.T) {
		c := s.client(t)
		c.bearer = short
		browser.in(t).post("/auth/logout").want(t, http.StatusNoContent)
		c.get("/auth/session").wantError(t, http.StatusUnauthorized, "unauthorized")
	})
}

func TestReadingIsNotActivity(t *testing.T) {
	c := start(t, site{options: "idle_timeout 2s"}).browser(t, ada)
	before := c.get("/auth/session").want(t, http.StatusOK).Header.Get("X-Session-Idle-Expires-At")
	soon(t, "the session that is only read has ended", func() bool {
		got := c.get("/auth/session")
		if got.StatusCode == http.StatusOK {
			got.wantHeader(t, "X-Session-Idle-Expires-At", before)
		}
		return got.StatusCode == http.StatusUnauthorized
	})
}

func TestActivityPutsTheIdleEndOff(t *testing.T) {
	s := start(t, site{options: "idle_timeout 20s"})
	for name, act := range map[string]func(*client){
		"a proxied request": func(c *client) { c.get("/app").want(c.t, http.StatusOK) },
		"a refresh":         func(c *client) { c.post("/auth/refresh").want(c.t, http.StatusOK) },
	} {
		t.Run(name, func(t *testing.T) {
			c := s.browser(t, ada)
			before := idleEnd(c)
			soon(t, "the idle end has moved", func() bool {
				act(c)
				return idleEnd(c).After(before)
			})
		})
	}
}

func idleEnd(c *client) time.Time {
	c.t.Helper()
	got := c.get("/auth/session").want(c.t, http.StatusOK)
	end, err := time.Parse(time.RFC3339, got.Header.Get("X-Session-Idle-Expires-At"))
	if err != nil {
		c.t.Fatal(err)
	}
	return end
}

// listed is an entry of GET /auth/sessions.
type listed struct {
	ID         string    `json:"id"`
	Current    bool      `json:"current"`
	Method     string    `json:"method"`
	CreatedAt  time.Time `json:"createdAt"`
	LastSeenAt time.Time `json:"lastSeenAt"`
	ExpiresAt  time.Time `json:"expiresAt"`
	Address    string    `json:"address"`
	UserAgent  string    `json:"userAgent"`
}

func devicesOf(c *client) []listed {
	c.t.Helper()
	var list struct {
		Sessions []listed `json:"sessions"`
	}
	body := c.get("/auth/sessions").want(c.t, http.StatusOK).body
	if err := json.Unmarshal([]byte(body), &list); err != nil || len(list.Sessions) == 0 {
		c.t.Fatalf("devices: %v %s", err, body)
	}
	return list.Sessions
}
