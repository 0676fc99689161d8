package caddymodule_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"example.com/sidegate/caddymodule/gatewaytest"
)

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
	@host path /host/*
	session_auth @host {
		assertion host
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
func keysOf(t testing.TB, s *gatewaytest.Server) map[string]*ecdsa.PublicKey {
	t.Helper()
	var set struct {
		Keys []struct{ Kid, Kty, Crv, Alg, Use, X, Y, D string }
	}
	s.Client(t).Get("/auth/.well-known/jwks.json").Want(t, http.StatusOK).Decode(t, &set)
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
	up := gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Routes: signedSite, Upstream: up.Address(), Localhost: true})
	keys := keysOf(t, s)
	c := s.WithCookie(t, gatewaytest.Ada)
	assertion := func(path string, header ...string) string {
		c.Get(path, header...).Want(t, http.StatusOK)
		return up.Last().Header.Get("X-Session-Assertion")
	}
	first := assertion("/orders/")
	if email := up.Last().Header.Get("X-Session-Email"); email != "" {
		t.Errorf("headers none, yet the app is told %q", email)
	}
	claims, err := verify(keys, first, "orders")
	if err != nil {
		t.Fatal(err)
	}
	if life := claims.ExpiresAt.Sub(claims.IssuedAt.Time); life != 5*time.Minute {
		t.Errorf("lives %v", life)
	}
	if claims.Subject != "1" || claims.Email != gatewaytest.Ada || claims.SessionID != gatewaytest.IDOf(t, c) || claims.ID == "" ||
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
		c.In(t).Post("/auth/refresh").Want(t, http.StatusOK)
		if assertion("/orders/") == before {
			t.Error("the old one goes on")
		}
		c.In(t).Choose("globex").WantAccount(t, "globex")
		if claims, err := verify(keys, assertion("/orders/"), "orders"); err != nil || claims.AccountID != "globex" {
			t.Errorf("says %+v, %v", claims, err)
		}
	})
	t.Run("the audience is the site's host and upstream unless told", func(t *testing.T) {
		raw := assertion("/other/")
		for _, audience := range []string{"upstream", "127.0.0.1"} {
			if claims, err := verify(keys, raw, audience); err != nil || !slices.Equal(claims.Audience, []string{"127.0.0.1", "upstream"}) {
				t.Errorf("for %s: %v, %v", audience, claims.Audience, err)
			}
		}
		if _, err := verify(keys, raw, "orders"); err == nil {
			t.Error("an assertion of one app is good at another")
		}
	})
	t.Run("the audience is the site's host alone", func(t *testing.T) {
		raw := assertion("/host/")
		if claims, err := verify(keys, raw, "127.0.0.1"); err != nil || len(claims.Audience) != 1 {
			t.Errorf("for %v, %v", claims.Audience, err)
		}
		if _, err := verify(keys, raw, "upstream"); err == nil {
			t.Error("it is good at every app")
		}
	})
	t.Run("another host has another audience", func(t *testing.T) {
		there, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/host/", s.Port), nil)
		if err != nil {
			t.Fatal(err)
		}
		there.Host = fmt.Sprintf("localhost:%d", s.Port)
		there.Header.Set("Cookie", c.Cookie)
		c.In(t).Send(there).Want(t, http.StatusOK)
		if _, err := verify(keys, up.Last().Header.Get("X-Session-Assertion"), "localhost"); err != nil {
			t.Error(err)
		}
	})
	t.Run("a client's own does not arrive", func(t *testing.T) {
		if got := assertion("/orders/", "X-Session-Assertion", "forged"); got == "forged" || up.Last().Header.Values("X-Session-Assertion")[0] != got {
			t.Errorf("the app got %q", got)
		}
	})
	t.Run("it is no session token, nor the other way round", func(t *testing.T) {
		thief := s.Client(t)
		thief.Bearer = assertion("/other/")
		thief.Get("/auth/session").Want(t, http.StatusUnauthorized)
		if _, err := verify(keys, s.WithToken(t, gatewaytest.Ada).Bearer, "upstream"); err == nil {
			t.Error("a session token is good as an assertion")
		}
	})
	t.Run("a second session_auth names its own headers", func(t *testing.T) {
		raw := assertion("/twice/")
		if _, err := verify(keys, raw, "orders"); err != nil {
			t.Error(err)
		}
		if h := up.Last().Header; h.Get("Remote-User") != gatewaytest.Ada || h.Get("X-Session-Email") != "" {
			t.Errorf("the app is told %v", h)
		}
	})
}
