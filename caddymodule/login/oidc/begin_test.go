package oidc_test

import (
	"context"
	"crypto/sha256"
	"net/url"
	"slices"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/login/oidc"
)

func TestTheAuthorizationRequest(t *testing.T) {
	p := newProvider(t)
	p.metadata["authorization_endpoint"] = p.URL + "/authorize?tenant=acme&state=theirs"
	hour := time.Hour
	l := p.login(t, func(c *oidc.Config) {
		c.Scopes = []string{"email", "groups"}
		c.AuthParams = [][2]string{{"prompt", "consent"}, {"resource", "a"}, {"resource", "b"}}
		c.ACRValues, c.MaxAge = []string{"gold", "silver"}, &hour
	})
	location, attempt := begin(t, l)
	u, err := url.Parse(location)
	if err != nil || u.Scheme+"://"+u.Host != p.URL || u.Path != "/authorize" {
		t.Fatalf("location is %s, %v", location, err)
	}
	challenge := sha256.Sum256([]byte(attempt.Verifier))
	want := url.Values{
		"tenant": {"acme"}, "response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {redirectURI},
		"scope": {"openid email groups"}, "state": {attempt.State}, "nonce": {attempt.Nonce},
		"code_challenge": {b64.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
		"prompt": {"consent"}, "resource": {"a", "b"}, "acr_values": {"gold silver"}, "max_age": {"3600"},
	}
	if got := u.Query(); got.Encode() != want.Encode() {
		t.Fatalf("got  %s\nwant %s", got.Encode(), want.Encode())
	}
	if attempt.Login != "keycloak" || attempt.RedirectURI != redirectURI || attempt.ReturnTo != "/orders" ||
		!attempt.Expires.Equal(p.clock.Now().Add(oidc.AttemptLifetime)) {
		t.Fatal("the attempt does not say what it is of")
	}
}

func TestEveryAttemptHasSecretsOfItsOwn(t *testing.T) {
	l := newProvider(t).login(t, nil)
	var seen []string
	for range 20 {
		_, a := begin(t, l)
		for secret, size := range map[string]int{a.Nonce: 16, a.Verifier: 32} {
			if raw, err := b64.DecodeString(secret); err != nil || len(raw) != size || slices.Contains(seen, secret) {
				t.Fatalf("%d bytes, %v, or used before", len(raw), err)
			}
			seen = append(seen, secret)
		}
	}
}

func TestNewTouchesNoNetwork(t *testing.T) {
	p := newProvider(t)
	l := p.login(t, nil)
	if l.Name() != "keycloak" || p.count(discoveryPath) != 0 {
		t.Fatalf("%s asked %d times", l.Name(), p.count(discoveryPath))
	}
}

func TestBeginWithoutTheProvider(t *testing.T) {
	p := newProvider(t)
	l := p.login(t, nil)
	p.Close()
	_, _, err := l.Begin(context.Background(), newState(), redirectURI, "/")
	wantErr(t, err, oidc.ErrUnavailable, "is the provider up?")
}
