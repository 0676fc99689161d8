package caddymodule_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func TestDefaultIdentityHeaders(t *testing.T) {
	up := newRecorder(t)
	s := start(t, site{upstream: up.address()})
	c := s.browser(t, ada)
	c.get("/app", "Cookie", "theme=dark; "+c.cookie+"; lang=en").want(t, http.StatusUnauthorized) // twice ours
	cookie := c.cookie
	c.cookie = "theme=dark; " + cookie + "; lang=en"
	c.get("/app").want(t, http.StatusOK)
	got := up.last().Header
	for name, want := range map[string]string{
		"X-Session-User-Id":       "1",
		"X-Session-Email":         "ada@example.com",
		"X-Session-Account-Id":    "acme",
		"X-Session-Account-Name":  "Acme Ltd",
		"X-Session-Account-Admin": "true",
		"X-Session-Accounts":      "acme,globex",
		"X-Session-Roles":         "admin,editor",
		"X-Session-Permissions":   "reports:run,users:write,orders:read,orders:write",
		"X-Session-Id":            idOf(t, c),
		"X-Session-Assertion":     "",
		"X-Session-Truncated":     "",
		"Cookie":                  "theme=dark; lang=en",
		"Authorization":           "",
	} {
		if value := strings.Join(got.Values(name), " | "); value != want {
			t.Errorf("%s is %q, want %q", name, value, want)
		}
	}
}

const signedSite = `
	session_endpoints
	@orders path /orders/*
	session_auth @orders {
		assertion orders
		headers none
	}
	@other path /other/*
	session_auth @other {
		assertion
	}
	@twice path /twice/*
	session_auth @twice
	session_auth @twice {
		headers remote-user
		assertion orders
	}
	reverse_proxy {upstream}
`

// assertionClaims is what an upstream reads in an assertion.
type assertionClaims struct {
	jwt.RegisteredClaims
	Email        string   `json:"email"`
	SessionID    string   `json:"sid"`
	AccountID    string   `json:"account_id"`
	AccountName  string   `json:"account_name"`
	AccountAdmin bool     `json:"account_admin"`
	Accounts     []string `json:"accounts"`
	Roles        []string `json:"roles"`
	Permissions  []string `json:"permissions"`
}

// keysOf fetches the public keys as an upstream does.
func (s *server) keysOf(t testing.TB) map[string]*ecdsa.PublicKey {
	t.Helper()
	var set struct {
		Keys []struct{ Kid, Kty, Crv, Alg, Use, X, Y, D string }
	}
	s.client(t).get("/auth/.well-known/jwks.json").want(t, http.StatusOK).decode(t, &set)
	keys := make(map[string]*ecdsa.PublicKey)
	for _, k := range set.Keys {
		if k.Kty != "EC" || k.Crv != "P-256" || k.Alg != "ES256" || k.Use != "sig" || k.D != "" {
			t.Fatalf("published is %+v", k)
		}
		point := slices.Concat([]byte{4}, coordinate(t, k.X), coordinate(t, k.Y)) // uncompressed
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		if err != nil {
			t.Fatal(err)
		}
		keys[k.Kid] = key
	}
	return keys
}

func coordinate(t testing.TB, text string) []byte {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) != 32 {
		t.Fatalf("coordinate of %d bytes: %v", len(raw), err)
	}
	return raw
}

// verify is what the README tells an upstream to do.
func verify(keys map[string]*ecdsa.PublicKey, raw, audience string) (assertionClaims, error) {
	var claims assertionClaims
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"ES256"}), jwt.WithAudience(audience),
		jwt.WithIssuer("sidegate"), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithStrictDecoding())
	_, err := parser.ParseWithClaims(raw, &claims, func(token *jwt.Token) (any, error) {
		if token.Header["typ"] != "identity+jwt" {
			return nil, jwt.ErrTokenMalformed
		}
		return keys[token.Header["kid"].(string)], nil
	})
	return claims, err
}

func TestAssertionIsVerifiedByTheUpstream(t *testing.T) {
	up := newRecorder(t)
	s := start(t, site{routes: signedSite, upstream: up.address()})
	keys := s.keysOf(t)
	c := s.browser(t, ada)
	assertion := func(path string, header ...string) string {
		c.get(path, header...).want(t, http.StatusOK)
		return up.last().Header.Get("X-Session-Assertion")
	}
	first := assertion("/orders/")
	if email := up.last().Header.Get("X-Session-Email"); email != "" {
		t.Errorf("headers none, yet the app is told %q", email)
	}
	claims, err := verify(keys, first, "orders")
	if err != nil {
		t.Fatal(err)
	}
	if life := claims.ExpiresAt.Sub(claims.IssuedAt.Time); life != 5*time.Minute {
		t.Errorf("lives %v", life)
	}
	if claims.Subject != "1" || claims.Email != ada || claims.SessionID != idOf(t, c) || claims.ID == "" ||
		claims.AccountID != "acme" || claims.AccountName != "Acme Ltd" || !claims.AccountAdmin ||
		!slices.Equal(claims.Accounts, []string{"acme", "globex"}) || !slices.Equal(claims.Roles, []string{"admin", "editor"}) ||
		!slices.Equal(claims.Permissions, []string{"reports:run", "users:write", "orders:read", "orders:write"}) {
		t.Errorf("says %+v", claims)
	}
	t.Run("one goes with several requests", func(t *testing.T) {
		if assertion("/orders/again") != first {
			t.Error("another one was signed")
		}
	})
	t.Run("another account has another one", func(t *testing.T) {
		claims, err := verify(keys, assertion("/orders/", "X-Account-Id", "globex"), "orders")
		if err != nil || claims.AccountID != "globex" || claims.AccountAdmin {
			t.Errorf("says %+v, %v", claims, err)
		}
	})
	t.Run("a changed session has another one", func(t *testing.T) {
		before := assertion("/orders/")
		c.in(t).post("/auth/refresh").want(t, http.StatusOK)
		if assertion("/orders/") == before {
			t.Error("the old one goes on")
		}
		c.in(t).choose("globex").wantAccount(t, "globex")
		if claims, err := verify(keys, assertion("/orders/"), "orders"); err != nil || claims.AccountID != "globex" {
			t.Errorf("says %+v, %v", claims, err)
		}
	})
	t.Run("the audience is upstream unless told", func(t *testing.T) {
		raw := assertion("/other/")
		if _, err := verify(keys, raw, "upstream"); err != nil {
			t.Error(err)
		}
		if _, err := verify(keys, raw, "orders"); err == nil {
			t.Error("an assertion of one app is good at another")
		}
	})
	t.Run("a client's own does not arrive", func(t *testing.T) {
		if got := assertion("/orders/", "X-Session-Assertion", "forged"); got == "forged" || up.last().Header.Values("X-Session-Assertion")[0] != got {
			t.Errorf("the app got %q", got)
		}
	})
	t.Run("it is no session token, nor the other way round", func(t *testing.T) {
		thief := s.client(t)
		thief.bearer = assertion("/other/")
		thief.get("/auth/session").want(t, http.StatusUnauthorized)
		if _, err := verify(keys, s.program(t, ada).bearer, "upstream"); err == nil {
			t.Error("a session token is good as an assertion")
		}
	})
	t.Run("a second session_auth names its own headers", func(t *testing.T) {
		raw := assertion("/twice/")
		if _, err := verify(keys, raw, "orders"); err != nil {
			t.Error(err)
		}
		if h := up.last().Header; h.Get("Remote-User") != ada || h.Get("X-Session-Email") != "" {
			t.Errorf("the app is told %v", h)
		}
	})
}

// hostile is a person whose every text asks to be expanded or to break out.
var hostile = strings.NewReplacer(
	"email: grace@example.com", "email: '{env.HOME}@example.com'",
	"roles: [viewer]", `roles: ["{env.HOME}", "a,b", "{http.request.header.X-Evil}"]
    accounts:
      - { accountId: "{env.HOME}", accountName: "{file./etc/hostname} é, 100% {http.auth.user.email}" }`,
).Replace(usersFile)

// User data is never read as a template (CVE-2026-30852).
func TestUserDataIsNeverExpanded(t *testing.T) {
	if os.Getenv("HOME") == "" {
		t.Setenv("HOME", "/home/ada")
	}
	dir := t.TempDir()
	write(t, dir+"/users.yaml", hostile)
	up := newRecorder(t)
	s := start(t, site{dir: dir, upstream: up.address(), routes: `
	session_endpoints
	session_auth {
		headers native remote-user
		header X-Who "{http.auth.user.id} <{http.auth.user.email}> {http.auth.user.account_id}"
		header X-Lists "{http.auth.user.roles};{http.auth.user.permissions}"
		header X-Site "{http.request.method} constant"
		header X-Constant fixed
	}
	respond /echo "{http.auth.user.id} {http.auth.user.email} {http.auth.user.account_id}"
	reverse_proxy {upstream}
`})
	c := s.browser(t, "{env.HOME}@example.com")
	c.get("/app", "X-Evil", "owner", "X-Who", "somebody", "x_who", "somebody").want(t, http.StatusOK)
	for name, want := range map[string]string{
		"X-Who":                  "2 <{env.home}@example.com> {env.HOME}",
		"X-Lists":                "%7Benv.HOME%7D,a%2Cb,%7Bhttp.request.header.X-Evil%7D;",
		"X-Site":                 "GET constant",
		"X-Constant":             "fixed",
		"X-Session-Email":        "%7Benv.home%7D@example.com",
		"X-Session-Account-Id":   "%7Benv.HOME%7D",
		"X-Session-Account-Name": "%7Bfile./etc/hostname%7D %C3%A9%2C 100%25 %7Bhttp.auth.user.email%7D",
		"X-Session-Roles":        "%7Benv.HOME%7D,a%2Cb,%7Bhttp.request.header.X-Evil%7D",
		"Remote-User":            "{env.home}@example.com",
	} {
		if got := strings.Join(up.last().Header.Values(name), " | "); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for name, values := range up.last().Header {
		if strings.Contains(strings.Join(values, " "), os.Getenv("HOME")) {
			t.Errorf("%s holds the environment: %q", name, values)
		}
	}
	if _, aliased := up.last().Header["X_who"]; aliased {
		t.Error("the client's alias of a header of ours arrived")
	}
	t.Run("nor in an answer", func(t *testing.T) {
		if got := c.in(t).get("/echo").want(t, http.StatusOK).body; got != "2 {env.home}@example.com {env.HOME}" {
			t.Errorf("answered %q", got)
		}
	})
	t.Run("the session has it as it is", func(t *testing.T) {
		var u struct{ Email, Token string }
		if err := json.Unmarshal([]byte(c.in(t).get("/auth/session").body), &u); err != nil || u.Email != "{env.home}@example.com" {
			t.Errorf("%+v, %v", u, err)
		}
	})
}
