package endpoint_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// claimsOf reads a token without a look at its signature.
func claimsOf(t testing.TB, raw string) jwt.RegisteredClaims {
	t.Helper()
	var claims jwt.RegisteredClaims
	if _, _, err := jwt.NewParser().ParseUnverified(raw, &claims); err != nil {
		t.Fatalf("not a token: %v", err)
	}
	return claims
}

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

// A page that only said no was a dead end for who is signed in as the wrong person.
func TestWhoLacksARoleReadsWhoTheyAreAndCanComeBackAsSomebodyElse(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Auth: "role nobody"})
	a := s.WithCookie(t, gatewaytest.Ada).Get("/admin?a=1", "Accept", "text/html", "Sec-Fetch-Mode", "navigate").Want(t, http.StatusForbidden)
	for _, part := range []string{"No access", "You are signed in as <strong>" + gatewaytest.Ada, `href="/auth/logout?return_to=%2Fadmin%3Fa%3D1"`, `href="/"`} {
		if !strings.Contains(a.Body, part) {
			t.Errorf("there is no %s in\n%s", part, a.Body)
		}
	}
}

func TestSessionBodyIsTheContract(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	for name, tt := range map[string]struct {
		client *gatewaytest.Client
		want   string
	}{
		"a person with accounts, by cookie":          {s.WithCookie(t, gatewaytest.Ada), adaSession},
		"a person with accounts, by Bearer token":    {s.WithToken(t, gatewaytest.Ada), adaSession},
		"a person without accounts, by cookie":       {s.WithCookie(t, gatewaytest.Grace), graceSession},
		"a person without accounts, by Bearer token": {s.WithToken(t, gatewaytest.Grace), graceSession},
	} {
		t.Run(name, func(t *testing.T) {
			got := tt.client.In(t).Get("/auth/session").Want(t, http.StatusOK)
			if body := strings.Replace(got.Body, got.Session(t).Token, "TOKEN", 1); body != tt.want {
				t.Errorf("got  %s\nwant %s", body, tt.want)
			}
		})
	}
}

func TestSessionHeaders(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "lifetime 2h\nidle_timeout 30m"})
	c := s.WithCookie(t, gatewaytest.Ada)
	device := gatewaytest.DevicesOf(c)[0]
	get := c.Get("/auth/session").Want(t, http.StatusOK)
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
		get.WantHeader(t, name, want)
	}
	t.Run("HEAD has the headers of GET and no body", func(t *testing.T) {
		head := c.In(t).Do(http.MethodHead, "/auth/session", "").Want(t, http.StatusOK)
		get.Header.Del("Date")
		for name := range get.Header {
			head.WantHeader(t, name, get.Header.Get(name))
		}
	})
}

func TestSessionRevalidation(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	c := s.WithCookie(t, gatewaytest.Ada)
	etag := c.Get("/auth/session").Header.Get("ETag")
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
				got := c.In(t).Do(method, "/auth/session", "", tt.header...).Want(t, tt.want)
				if tt.want == http.StatusNotModified {
					got.WantHeader(t, "ETag", etag)
					got.WantHeader(t, "Cache-Control", "private, no-store")
				}
			}
		})
	}
	t.Run("a change shows in the tag", func(t *testing.T) {
		c.In(t).Do(http.MethodPut, "/auth/session/primary-account", `{"accountId":"globex"}`,
			"Content-Type", "application/json").Want(t, http.StatusOK)
		c.In(t).Get("/auth/session", "If-None-Match", etag).Want(t, http.StatusOK)
	})
	t.Run("nobody revalidates without a session", func(t *testing.T) {
		s.Client(t).Get("/auth/session", "If-None-Match", "*").Want(t, http.StatusUnauthorized)
	})
}

func TestSessionWithoutAGoodCredentialIs401(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	c := s.WithCookie(t, gatewaytest.Ada)
	other := s.WithCookie(t, gatewaytest.Grace)
	ended := s.WithCookie(t, gatewaytest.Ada)
	gone := ended.Cookie
	ended.Post("/auth/logout").Want(t, http.StatusNoContent)
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
		"two session cookies":                  {[]string{"Cookie", c.Cookie + "; " + other.Cookie}, nobody, false},
		"two session cookies on two lines":     {[]string{"Cookie", c.Cookie, "Cookie", other.Cookie}, nobody, false},
		"a bad token":                          {[]string{"Authorization", "Bearer x"}, invalid, false},
		"an empty token":                       {[]string{"Authorization", "Bearer"}, invalid, false},
		"a bad token beside a good cookie":     {[]string{"Authorization", "Bearer x", "Cookie", c.Cookie}, invalid, false},
		"an empty token beside a good cookie":  {[]string{"Authorization", "bearer ", "Cookie", c.Cookie}, invalid, false},
		"a bad token beside two cookies":       {[]string{"Authorization", "Bearer x", "Cookie", c.Cookie + "; " + other.Cookie}, invalid, false},
		"the cookie's secret as a token":       {[]string{"Authorization", "Bearer " + strings.TrimPrefix(c.Cookie, "sidegate=")}, invalid, false},
		"two Authorization headers, one Basic": {[]string{"Authorization", "Basic YTpi", "Authorization", "Bearer x"}, invalid, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, look := range [][]string{nil, {"Accept", "text/html", "Sec-Fetch-Mode", "navigate"}} {
				got := s.Client(t).Get("/auth/session", append(look, tt.header...)...)
				got.WantError(t, http.StatusUnauthorized, "unauthorized")
				got.WantHeader(t, "WWW-Authenticate", tt.challenge)
				got.WantHeader(t, "Cache-Control", "private, no-store")
				got.WantHeader(t, "Location", "") // never a redirect, navigation or not
				if cleared := got.Header.Get("Set-Cookie") != ""; cleared != tt.clears {
					t.Errorf("cookie cleared: %v, want %v", cleared, tt.clears)
				}
			}
		})
	}
	c.Get("/auth/session").Want(t, http.StatusOK)
	other.Get("/auth/session").Want(t, http.StatusOK)
}

func TestBearerWinsOverTheCookie(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	c := s.WithCookie(t, gatewaytest.Grace)
	c.Bearer = s.WithToken(t, gatewaytest.Ada).Bearer
	if u := c.Get("/auth/session").Session(t); u.Email != gatewaytest.Ada {
		t.Errorf("ada's token beside grace's cookie is %s", u.Email)
	}
}

func TestTokensOfSessions(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "lifetime 3h\ntoken {\n ttl 5m\n}"})
	browser := s.WithCookie(t, gatewaytest.Ada)
	short := browser.Get("/auth/session").Session(t).Token

	t.Run("a cookie caller's token lives as long as token.ttl", func(t *testing.T) {
		claims := claimsOf(t, short)
		if life := claims.ExpiresAt.Sub(claims.IssuedAt.Time); life != 5*time.Minute {
			t.Errorf("lives %v", life)
		}
	})
	t.Run("a cookie caller gets the same token again", func(t *testing.T) {
		if again := browser.In(t).Get("/auth/session").Session(t).Token; again != short {
			t.Error("got another one")
		}
	})
	t.Run("a cookie caller's token is good as a Bearer token", func(t *testing.T) {
		c := s.Client(t)
		c.Bearer = short
		if u := c.Get("/auth/session").Want(t, http.StatusOK).Session(t); u.Email != gatewaytest.Ada || u.Token != short {
			t.Errorf("answered as %s, its own token back: %v", u.Email, u.Token == short)
		}
	})
	t.Run("who signs in by JSON gets a token that lives as long as the session", func(t *testing.T) {
		c := s.WithToken(t, gatewaytest.Ada)
		got := c.Get("/auth/session").Want(t, http.StatusOK)
		if got.Session(t).Token != c.Bearer {
			t.Error("a Bearer caller did not get its own token back")
		}
		got.WantHeader(t, "X-Session-Expires-At", claimsOf(t, c.Bearer).ExpiresAt.UTC().Format(time.RFC3339))
	})
	t.Run("a token is dead with its session, whatever its exp says", func(t *testing.T) {
		c := s.Client(t)
		c.Bearer = short
		browser.In(t).Post("/auth/logout").Want(t, http.StatusNoContent)
		c.Get("/auth/session").WantError(t, http.StatusUnauthorized, "unauthorized")
	})
}

func TestReadingIsNotActivity(t *testing.T) {
	c := gatewaytest.Start(t, gatewaytest.Site{Options: "idle_timeout 5s"}).WithCookie(t, gatewaytest.Ada)
	before := c.Get("/auth/session").Want(t, http.StatusOK).Header.Get("X-Session-Idle-Expires-At")
	gatewaytest.Await(t, "the session that is only read has ended", func() bool {
		got := c.Get("/auth/session")
		if got.StatusCode == http.StatusOK {
			got.WantHeader(t, "X-Session-Idle-Expires-At", before)
		}
		return got.StatusCode == http.StatusUnauthorized
	})
}

func TestActivityPutsTheIdleEndOff(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "idle_timeout 20s"})
	for name, act := range map[string]func(*gatewaytest.Client){
		"a proxied request": func(c *gatewaytest.Client) { c.Get("/app").Want(c.T, http.StatusOK) },
		"a refresh":         func(c *gatewaytest.Client) { c.Post("/auth/refresh").Want(c.T, http.StatusOK) },
	} {
		t.Run(name, func(t *testing.T) {
			c := s.WithCookie(t, gatewaytest.Ada)
			before := gatewaytest.IdleEnd(c)
			gatewaytest.Await(t, "the idle end has moved", func() bool {
				act(c)
				return gatewaytest.IdleEnd(c).After(before)
			})
		})
	}
}
