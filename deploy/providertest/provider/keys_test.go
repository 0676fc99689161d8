package provider_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"example.com/sidegate/deploy/providertest/fault"
	"example.com/sidegate/deploy/providertest/provider"
)

func TestKeysRotateInMidFlight(t *testing.T) {
	t.Parallel()
	p := start(t, provider.Config{Algorithm: "ES256"})
	a := register(t, p, provider.Client{ID: "shop", Secret: "1"})
	before := a.signIn(provider.NewVisitor(ada))
	first := p.KeyIDs()[0]
	second, err := p.RotateKey(true)
	if err != nil || !slices.Equal(p.KeyIDs(), []string{second, first}) {
		t.Fatalf("keys %v, %v", p.KeyIDs(), err)
	}
	asked := p.At(provider.Keys).Count()
	after, err := a.refresh(before.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	a.claims(after) // fetches the keys anew: the kid is one that it does not know
	if got := p.At(provider.Keys).Count(); got != asked+1 {
		t.Errorf("the keys were asked for %d times", got-asked)
	}
	a.claims(before) // the key before is still there
	third, err := p.RotateKey(false)
	if err != nil || !slices.Equal(p.KeyIDs(), []string{third}) {
		t.Fatalf("keys %v, %v", p.KeyIDs(), err)
	}
	a.discover() // a client that has kept nothing
	if _, err := a.verify(before); err == nil {
		t.Error("a key that was dropped still verifies")
	}
}

func TestNoKeysOfAnUnknownAlgorithm(t *testing.T) {
	if p, err := provider.Start(provider.Config{Algorithm: "HS256"}); err == nil {
		p.Close()
		t.Error("it started")
	}
}

func TestForgedIDTokens(t *testing.T) {
	t.Parallel()
	p := start(t, provider.Config{})
	a := register(t, p, provider.Client{ID: "shop", Secret: "1"})
	public, err := p.PublicKeyPEM()
	if err != nil || !strings.Contains(string(public), "PUBLIC KEY") {
		t.Fatal(err)
	}
	header := func(name string, value, key any) fault.Fault {
		return p.ForgedIDToken(func(t *provider.JWT) {
			t.Header[name] = value
			if key != nil {
				t.Key = key
			}
		})
	}
	hour := time.Now().Add(time.Hour).Unix()
	for _, c := range []struct {
		name  string
		fault fault.Fault
		taken bool // by go-oidc, which leaves some of it to its callers
	}{
		{"nothing changed is taken", p.ForgedIDToken(func(*provider.JWT) {}), true},
		{"a wrong iss is refused", p.WrongClaim("iss", "https://evil.example.com"), false},
		{"a wrong aud is refused", p.WrongClaim("aud", "desk"), false},
		{"an expired one is refused", p.WrongClaim("exp", 1), false},
		{"no exp is refused", p.WrongClaim("exp", nil), false},
		{"alg none is refused", header("alg", "none", nil), false},
		{"HS256 with the public key is refused", header("alg", "HS256", public), false},
		{"an unknown kid is refused", header("kid", "x", nil), false},
		{"an iat to come passes here", p.WrongClaim("iat", hour), true},
		{"another nonce passes here", p.WrongClaim("nonce", "x"), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.At(provider.Token).Break(c.fault)
			defer p.At(provider.Token).Mend()
			at := a.begin()
			token, err := a.oauth.Exchange(a.ctx, a.visit(provider.NewVisitor(ada), at).Get("code"), oauth2.VerifierOption(at.verifier))
			if err != nil {
				t.Fatal(err)
			}
			id, err := a.verify(token)
			if taken := err == nil; taken != c.taken {
				t.Errorf("%v", err)
			}
			if c.taken && strings.Contains(c.name, "nonce") && id.Nonce != "x" {
				t.Errorf("the nonce is %q", id.Nonce)
			}
		})
	}
}
