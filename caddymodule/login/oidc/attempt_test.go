package oidc_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
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
	verifier := strings.Repeat("v", 42) + "s"
	sum := sha256.Sum256([]byte("sidegate oidc nonce " + verifier))
	return oidc.Attempt{
		Login: "keycloak", State: strings.Repeat("s", 43), Nonce: b64.EncodeToString(sum[:16]), Verifier: verifier,
		RedirectURI: redirectURI, ReturnTo: "/orders?a=b&c=d", Expires: clock.Now().Add(oidc.AttemptLifetime),
	}
}

// share is the room for each of twelve attempts, with their names.
const share = 4000/12 - len("__Host-Http-sidegate-attempt-") - 16 - len("=; ")

func seal(t testing.TB, a *oidc.AttemptSealer, attempt oidc.Attempt) string {
	t.Helper()
	value, _, err := a.Seal(attempt, share)
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

func TestASealedAttemptFitsIntoItsShareOfACookie(t *testing.T) {
	clock := newClock()
	a := sealer(t, clock.Now, 1)
	query := "/grafana/d/000000012/servers?orgId=1&refresh=10s&from=now-6h&to=now&var-host=web-01&var-host=web-02&viewPanel=4"
	secret := make([]byte, 150)
	_, _ = rand.Read(secret)
	noise := b64.EncodeToString(secret)
	for _, c := range []struct {
		name, returnTo, want string
	}{
		{"a place to return to is kept", "/orders?page=2&sort=up", "/orders?page=2&sort=up"},
		{"one with a query of a hundred bytes, too", query, query},
		{"one that does not fit is cut to its path", "/orders?token=" + noise, "/orders"},
		{"one that does not fit is cut to its path before the fragment", "/orders#" + noise, "/orders"},
		{"a path that does not fit is left out", "/" + noise, ""},
		{"each & is one byte", "/?" + strings.Repeat("&", 18), "/?" + strings.Repeat("&", 18)},
		{"what is no UTF-8 comes back", "/\xff\xfe", "/\xff\xfe"},
	} {
		t.Run(c.name, func(t *testing.T) {
			long := attempt(clock)
			long.ReturnTo = c.returnTo
			value, sealed, err := a.Seal(long, share)
			wantErr(t, err, nil, "")
			got, err := a.Open("keycloak", long.State, value)
			wantErr(t, err, nil, "")
			if len(value) > share || got != sealed || got.ReturnTo != c.want || got.Cut != (c.want != c.returnTo) {
				t.Fatalf("%d bytes of %d, returns to %q, cut: %v", len(value), share, got.ReturnTo, got.Cut)
			}
			if got.Nonce != long.Nonce || got.Verifier != long.Verifier || got.RedirectURI != long.RedirectURI || !got.Expires.Equal(long.Expires) {
				t.Fatal("the rest of it does not come back")
			}
		})
	}
	t.Run("one of a long URL takes more, rather than that nobody can sign in", func(t *testing.T) {
		long := attempt(clock)
		long.RedirectURI = "https://" + noise + noise
		value, _, err := a.Seal(long, share)
		wantErr(t, err, nil, "")
		got, err := a.Open("keycloak", long.State, value)
		wantErr(t, err, nil, "")
		if got.RedirectURI != long.RedirectURI || len(value) < share {
			t.Fatalf("%d bytes", len(value))
		}
	})
	t.Run("a redirect URI of kilobytes is an error", func(t *testing.T) {
		long := attempt(clock)
		long.RedirectURI = "https://" + rands(3000)
		if _, _, err := a.Seal(long, share); err == nil || !strings.Contains(err.Error(), "does not fit") {
			t.Fatalf("got %v", err)
		}
	})
}

// A browser that opens twelve tabs at once has twelve of them beside one long way
// back: where there is one, they are small.
func TestAnAttemptWhoseWayBackIsElsewhereTakesHalfOfItsShare(t *testing.T) {
	p := newProvider(t)
	_, want := begin(t, p.login(t, nil))
	want.ReturnTo = "/dashboards/d/12/servers?ticket=" + rands(1000)
	a := sealer(t, p.clock.Now, 1)
	value, sealed, err := a.Seal(want, share)
	wantErr(t, err, nil, "")
	got, err := a.Open("keycloak", want.State, value)
	wantErr(t, err, nil, "")
	if len(value) > share/2 || got != sealed || got.Verifier != want.Verifier || got.Nonce != want.Nonce ||
		got.RedirectURI != want.RedirectURI || !got.Cut || got.ReturnTo != "/dashboards/d/12/servers" {
		t.Errorf("%d bytes of %d, returns to %q", len(value), share, got.ReturnTo)
	}
}

// The version before reads attempts as JSON: see openForm.
func TestAnAttemptOfAnotherVersionIsOpened(t *testing.T) {
	clock := newClock()
	t.Run("one that the version before sealed", func(t *testing.T) {
		want := attempt(clock)
		want.Nonce, want.Verifier = strings.Repeat("n", 43), strings.Repeat("v", 43)
		got, err := sealer(t, clock.Now, 1).Open("keycloak", want.State, goldenAttempt)
		if err != nil || got != want {
			t.Fatalf("%v: returns to %q", err, got.ReturnTo)
		}
	})
	t.Run("one with a short way back opens in the version before", func(t *testing.T) {
		want := attempt(clock)
		block, _ := aes.NewCipher(key(1))
		aead, _ := cipher.NewGCMWithRandomNonce(block)
		sealed, err := b64.DecodeString(seal(t, sealer(t, clock.Now, 1), want))
		if err != nil {
			t.Fatal(err)
		}
		plain, err := aead.Open(nil, nil, sealed, fmt.Appendf(nil, "sidegate oidc attempt %q %q", want.Login, want.State))
		got := map[string]string{}
		if err == nil {
			err = json.Unmarshal(plain, &got)
		}
		if err != nil || got["n"] != want.Nonce || got["v"] != want.Verifier || got["u"] != want.RedirectURI || got["r"] != want.ReturnTo {
			t.Fatalf("%v: it is %s", err, plain)
		}
	})
	t.Run("one that a later version sealed is none, and no panic", func(t *testing.T) {
		a, good := sealer(t, clock.Now, 1), attempt(clock)
		block, _ := aes.NewCipher(key(1))
		aead, _ := cipher.NewGCMWithRandomNonce(block)
		for _, plain := range []string{"", "\x02", "\x02\x02" + strings.Repeat("v", 20), "\x03\x02" + strings.Repeat("v", 40), "\x05\x02" + strings.Repeat("v", 12), "\x06what comes one day", "[]"} {
			sealed := aead.Seal(nil, nil, []byte(plain), fmt.Appendf(nil, "sidegate oidc attempt %q %q", good.Login, good.State))
			_, err := a.Open(good.Login, good.State, b64.EncodeToString(sealed))
			wantErr(t, err, oidc.ErrForged, "another version")
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
