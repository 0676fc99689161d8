package oidc_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/sessionstore/storetest"
)

func key(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

func sealer(t testing.TB, now func() time.Time, keys ...byte) *oidc.AttemptSealer {
	t.Helper()
	var list [][]byte
	for _, b := range keys {
		list = append(list, key(b))
	}
	a, err := oidc.NewAttemptSealer(list, now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func attempt(clock *storetest.Clock) oidc.Attempt {
	return oidc.Attempt{
		Login: "keycloak", State: strings.Repeat("s", 43), Nonce: strings.Repeat("n", 43), Verifier: strings.Repeat("v", 43),
		RedirectURI: redirectURI, ReturnTo: "/orders?a=b&c=d", Expires: clock.Now().Add(oidc.AttemptLifetime),
	}
}

func seal(t testing.TB, a *oidc.AttemptSealer, attempt oidc.Attempt) string {
	t.Helper()
	value, err := a.Seal(attempt)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestASealedAttemptComesBackAsItWas(t *testing.T) {
	clock := newClock()
	want := attempt(clock)
	value := seal(t, sealer(t, clock.Now, 1), want)
	for _, secret := range []string{want.Nonce, want.Verifier, "orders", "keycloak"} {
		if strings.Contains(value, secret) {
			t.Fatal("the cookie tells what is in it")
		}
	}
	if strings.ContainsAny(value, `+/=;, "\`) {
		t.Fatal("it is no cookie value")
	}
	got, err := sealer(t, clock.Now, 2, 1).Open("keycloak", want.State, value)
	wantErr(t, err, nil, "")
	if got != want {
		t.Fatalf("nonce %v verifier %v expires %v", got.Nonce == want.Nonce, got.Verifier == want.Verifier, got.Expires)
	}
	if seal(t, sealer(t, clock.Now, 1), want) == value {
		t.Fatal("the same attempt has the same cookie")
	}
}

func TestSealedAttemptsThatAreRefused(t *testing.T) {
	clock := newClock()
	good := attempt(clock)
	a := sealer(t, clock.Now, 1)
	value := seal(t, a, good)
	quoted := good
	quoted.Login, quoted.State = `a" "b`, "c"
	for _, c := range []struct {
		name                string
		login, state, value string
	}{
		{"another login", "google", good.State, value},
		{"another state", "keycloak", strings.Repeat("t", 43), value},
		{"no state", "keycloak", "", value},
		{"an altered value", "keycloak", good.State, value[:40] + "A" + value[41:] + ""},
		{"a value cut short", "keycloak", good.State, value[:len(value)-2]},
		{"nothing", "keycloak", good.State, ""},
		{"a line break in it", "keycloak", good.State, value[:10] + "\n" + value[10:]},
		{"padding", "keycloak", good.State, value + "="},
		{"one sealed with another key", "keycloak", good.State, seal(t, sealer(t, clock.Now, 2), good)},
		{"a login and state that only look the same together", "a", `b" "c`, seal(t, a, quoted)},
		{"one of more than 2 KiB", "keycloak", good.State, strings.Repeat("A", 2048)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "an altered value" && c.value == value {
				c.value = value[:40] + "B" + value[41:]
			}
			_, err := a.Open(c.login, c.state, c.value)
			wantErr(t, err, oidc.ErrForged, "")
		})
	}
	t.Run("one that has expired", func(t *testing.T) {
		clock.Advance(oidc.AttemptLifetime - time.Nanosecond)
		_, err := a.Open("keycloak", good.State, value)
		wantErr(t, err, nil, "")
		clock.Advance(time.Nanosecond)
		_, err = a.Open("keycloak", good.State, value)
		wantErr(t, err, oidc.ErrExpired, "10m")
	})
}

func TestASealedAttemptFitsIntoACookie(t *testing.T) {
	clock := newClock()
	a := sealer(t, clock.Now, 1)
	for _, c := range []struct {
		name     string
		returnTo string
		kept     bool
	}{
		{"a place of a kilobyte to return to is kept", "/" + strings.Repeat("o", 1000), true},
		{"a longer one is left out", "/" + strings.Repeat("o", 2000), false},
		{"one that grows when it is written is left out", strings.Repeat("\x01", 500), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			long := attempt(clock)
			long.ReturnTo = c.returnTo
			value := seal(t, a, long)
			got, err := a.Open("keycloak", long.State, value)
			wantErr(t, err, nil, "")
			if len(value) >= 2048 || (got.ReturnTo == c.returnTo) != c.kept || !c.kept && got.ReturnTo != "" {
				t.Fatalf("%d bytes, returns to %q", len(value), got.ReturnTo)
			}
		})
	}
	t.Run("a redirect URI of kilobytes is an error", func(t *testing.T) {
		long := attempt(clock)
		long.RedirectURI = "https://" + strings.Repeat("a", 2000)
		if _, err := a.Seal(long); err == nil || !strings.Contains(err.Error(), "does not fit") {
			t.Fatalf("got %v", err)
		}
	})
}

func TestKeysThatDoNotSeal(t *testing.T) {
	for name, keys := range map[string][][]byte{
		"none": nil, "a short one": {key(1)[:31]}, "a short one behind a good one": {key(1), key(2)[:16]},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := oidc.NewAttemptSealer(keys, nil); err == nil {
				t.Fatal("they are taken")
			}
		})
	}
}
