package oidc_test

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"example.com/sidegate/caddymodule/login/oidc"
)

// publishGames publishes keys that are not what a token may take them for.
func (p *provider) publishGames() {
	p.published = append(p.published,
		jose.JSONWebKey{Key: rsaKey().Public(), KeyID: "rsa", Algorithm: "RS256"},
		jose.JSONWebKey{Key: shortKey().Public(), KeyID: "short"},
		jose.JSONWebKey{Key: ecKey().Public(), KeyID: "enc", Use: "enc"},
		jose.JSONWebKey{Key: []byte(clientSecret), KeyID: "shared"},
		jose.JSONWebKey{Key: otherKey(), KeyID: "private"},
	)
}

func TestEveryAlgorithm(t *testing.T) {
	for _, c := range []struct {
		alg string
		key crypto.Signer
	}{
		{"RS256", rsaKey()}, {"RS384", rsaKey()}, {"RS512", rsaKey()}, {"PS256", rsaKey()}, {"PS384", rsaKey()}, {"PS512", rsaKey()},
		{"ES256", ecKey()}, {"ES384", bigKey()}, {"EdDSA", edKey()}, {"Ed25519", edKey()},
	} {
		t.Run(c.alg, func(t *testing.T) {
			p := newProvider(t)
			p.alg, p.key, p.header = c.alg, c.key, map[string]any{"kid": "k"}
			p.metadata["id_token_signing_alg_values_supported"] = []string{c.alg}
			p.published = []jose.JSONWebKey{{Key: c.key.Public(), KeyID: "k"}}
			p.claims["at_hash"] = atHash(c.alg, "access-secret")
			p.mustSignIn(t, p.login(t, nil))
		})
	}
}

func TestAProviderThatListsNoAlgorithmsHasRS256Only(t *testing.T) {
	p := newProvider(t)
	delete(p.metadata, "id_token_signing_alg_values_supported")
	_, err := p.signIn(t, p.login(t, nil), nil)
	wantErr(t, err, oidc.ErrProvider, "algorithm")
	p.alg, p.key, p.header = "RS256", rsaKey(), map[string]any{"kid": "rsa"}
	p.publishGames()
	p.mustSignIn(t, p.login(t, nil))
}

func TestATokenWithoutKidIsTriedWithEveryKeyThatFits(t *testing.T) {
	p := newProvider(t)
	p.publishGames()
	p.published = append([]jose.JSONWebKey{{Key: otherKey().Public()}}, p.published...)
	p.header = nil
	p.mustSignIn(t, p.login(t, nil))
}

func TestKeysThatRotateAreFetchedAnew(t *testing.T) {
	p := newProvider(t)
	l := p.login(t, nil)
	p.mustSignIn(t, l)
	p.mustSignIn(t, l)
	if got := p.count("/keys"); got != 1 {
		t.Fatalf("two sign-ins fetched the keys %d times", got)
	}
	p.key, p.header = otherKey(), map[string]any{"kid": "new"}
	p.published = []jose.JSONWebKey{{Key: otherKey().Public(), KeyID: "new"}}
	p.mustSignIn(t, l)
	if got := p.count("/keys"); got != 2 {
		t.Fatalf("a rotation fetched the keys %d times", got-1)
	}
	t.Run("a key that was taken back is refused", func(t *testing.T) {
		p.key, p.header = ecKey(), map[string]any{"kid": "ec"}
		p.clock.Advance(10 * time.Second)
		_, err := p.signIn(t, l, nil)
		wantErr(t, err, oidc.ErrProvider, "not in the provider's key set")
	})
}

func TestAKeyThatWasTakenBackIsForgottenWithinAnHour(t *testing.T) {
	p := newProvider(t)
	l := p.login(t, nil)
	p.mustSignIn(t, l)
	p.published = []jose.JSONWebKey{{Key: otherKey().Public(), KeyID: "new"}}
	p.clock.Advance(time.Hour)
	_, err := p.signIn(t, l, nil)
	wantErr(t, err, oidc.ErrProvider, "not in the provider's key set")
}

func TestAFloodOfUnknownKidsIsNoFloodAtTheProvider(t *testing.T) {
	p := newProvider(t)
	l := p.login(t, nil)
	p.mustSignIn(t, l)
	before := p.count("/keys")
	var wait sync.WaitGroup
	for i := range 100 {
		wait.Go(func() {
			raw := p.sign(map[string]any{"kid": fmt.Sprint(i)}, map[string]any{})
			if _, err := l.VerifyLogoutToken(context.Background(), raw); err == nil {
				t.Error("a token without claims, of an unknown key, is good")
			}
		})
	}
	wait.Wait()
	if got := p.count("/keys") - before; got != 1 {
		t.Fatalf("100 unknown kids fetched the keys %d times", got)
	}
	t.Run("and within it, an unknown key is no definite no", func(t *testing.T) {
		_, err := l.VerifyLogoutToken(context.Background(), p.sign(map[string]any{"kid": "x"}, map[string]any{}))
		wantErr(t, err, oidc.ErrNotYet, "less than 10 s ago")
	})
	t.Run("and after ten seconds it is asked for again", func(t *testing.T) {
		p.clock.Advance(10 * time.Second)
		_, err := l.VerifyLogoutToken(context.Background(), p.sign(map[string]any{"kid": "x"}, map[string]any{}))
		wantErr(t, err, oidc.ErrInvalidLogoutToken, "not in the provider's key set")
		if got := p.count("/keys") - before; got != 2 {
			t.Fatalf("the keys were fetched %d times", got)
		}
	})
}

func TestKeysStayWhenTheyCannotBeFetched(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   error
	}{
		{"the provider is down", says(503, "down"), oidc.ErrUnavailable},
		{"the answer is not JSON", says(200, "<html>"), oidc.ErrProvider},
		{"the answer is empty", says(200, `{"keys":[]}`), oidc.ErrProvider},
		{"the answer holds secrets only", says(200, `{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`), oidc.ErrProvider},
		{"the answer holds too many keys", says(200, `{"keys":[`+repeat("{}", 101)+`]}`), oidc.ErrProvider},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t)
			l := p.login(t, nil)
			p.mustSignIn(t, l)
			p.on("/keys", c.answer)
			_, err := l.VerifyLogoutToken(context.Background(), p.sign(map[string]any{"kid": "x"}, map[string]any{}))
			wantErr(t, err, c.want, "")
			p.mustSignIn(t, l)
			p.clock.Advance(2 * time.Hour)
			p.mustSignIn(t, l)
			if errors.Is(err, oidc.ErrInvalidLogoutToken) {
				t.Fatal("trouble with the keys is blamed on the token")
			}
		})
	}
}

// A provider that was away for a moment, just when its keys had changed, keeps
// nobody out for longer than the pause after a failure.
func TestKeysThatCouldNotBeFetchedAreAskedForAgainSoon(t *testing.T) {
	p := newProvider(t)
	l := p.login(t, nil)
	p.mustSignIn(t, l)
	p.key, p.header = otherKey(), map[string]any{"kid": "new"}
	p.on("/keys", says(503, "down"))
	_, err := p.signIn(t, l, nil)
	wantErr(t, err, oidc.ErrUnavailable, "")
	asked := p.count("/keys")
	_, err = p.signIn(t, l, nil)
	wantErr(t, err, oidc.ErrUnavailable, "")
	if got := p.count("/keys"); got != asked {
		t.Errorf("at once after a failure the keys were fetched again, %d times", got-asked)
	}
	p.published = []jose.JSONWebKey{{Key: otherKey().Public(), KeyID: "new"}}
	p.on("/keys", nil)
	p.clock.Advance(time.Second)
	p.mustSignIn(t, l)
}

func repeat(s string, n int) string {
	all := s
	for range n - 1 {
		all += "," + s
	}
	return all
}

// RFC 9864 gives EdDSA another name; a provider may list the one and use the other.
func TestEd25519IsEdDSA(t *testing.T) {
	for listed, used := range map[string]string{"EdDSA": "Ed25519", "Ed25519": "EdDSA"} {
		p := newProvider(t)
		p.alg, p.key, p.header = used, edKey(), map[string]any{"kid": "k"}
		p.metadata["id_token_signing_alg_values_supported"] = []string{listed}
		p.published = []jose.JSONWebKey{{Key: edKey().Public(), KeyID: "k", Algorithm: listed}}
		p.mustSignIn(t, p.login(t, nil))
		p.key = newEdKey()
		_, err := p.signIn(t, p.login(t, nil), nil)
		wantErr(t, err, oidc.ErrProvider, "key did not make")
	}
}

func TestANewKeyUnderTheNameOfTheFormerIsFetched(t *testing.T) {
	p := newProvider(t)
	l := p.login(t, nil)
	p.mustSignIn(t, l)
	p.key = otherKey()
	p.published = []jose.JSONWebKey{{Key: otherKey().Public(), KeyID: "ec"}}
	p.mustSignIn(t, l)
	if got := p.count("/keys"); got != 2 {
		t.Fatalf("the keys were fetched %d times", got)
	}
	t.Run("and a signature that holds by none of them fetches no more than once in ten seconds", func(t *testing.T) {
		p.key = ecKey()
		for range 3 {
			_, err := p.signIn(t, l, nil)
			wantErr(t, err, oidc.ErrNotYet, "less than 10 s ago")
		}
		p.clock.Advance(10 * time.Second)
		_, err := p.signIn(t, l, nil)
		wantErr(t, err, oidc.ErrProvider, "key did not make")
		if got := p.count("/keys"); got != 3 {
			t.Fatalf("the keys were fetched %d times", got)
		}
	})
}

func TestATokenWithANameIsTriedWithTheKeyThatHasNone(t *testing.T) {
	p := newProvider(t)
	p.published = []jose.JSONWebKey{{Key: ecKey().Public()}}
	p.mustSignIn(t, p.login(t, nil))
	p.key = otherKey()
	_, err := p.signIn(t, p.login(t, nil), nil)
	wantErr(t, err, oidc.ErrProvider, "not in the provider's key set")
}

// What a key says of certificates is not looked at, and many a provider gets it
// wrong.
func TestASoundKeyIsNotThrownAwayForItsCertificates(t *testing.T) {
	ec := string(must((&jose.JSONWebKey{Key: ecKey().Public(), KeyID: "ec"}).MarshalJSON()))
	for name, members := range map[string]string{
		"a thumbprint of odd size": `"x5t":"YWI","x5t#S256":"YWI"`,
		"a chain that is none":     `"x5c":["AAAA"]`,
		"a chain in PEM":           `"x5c":["-----BEGIN CERTIFICATE-----"]`,
		"a chain that is no list":  `"x5c":"AAAA"`,
		"an address of a chain":    `"x5u":"://"`,
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			p.on("/keys", says(200, `{"keys":[`+ec[:len(ec)-1]+`,`+members+`}]}`))
			p.mustSignIn(t, p.login(t, nil))
		})
	}
}

func TestKeysOfOtherKindsAreLeftOut(t *testing.T) {
	p := newProvider(t)
	ec := must((&jose.JSONWebKey{Key: ecKey().Public(), KeyID: "ec"}).MarshalJSON())
	short := must((&jose.JSONWebKey{Key: shortKey().Public(), KeyID: "s"}).MarshalJSON())
	var told []string
	l := p.login(t, func(c *oidc.Config) { c.Notice = func(err error) { told = append(told, err.Error()) } })
	p.on("/keys", says(200, `{"keys":[{"kty":"OKP","crv":"X448","x":"AA"},{"kty":"XYZ","use":"enc"},7,null,{"kty":"EC","crv":"P-256","x":"AA","y":"AA"},`+
		`{"kty":"oct","k":"c2VjcmV0"},`+string(short)+`,`+string(ec)+`]}`))
	p.mustSignIn(t, l)
	p.clock.Advance(2 * time.Hour)
	p.mustSignIn(t, l)
	if len(told) != 1 {
		t.Fatalf("it was told %d times: %q", len(told), told)
	}
	for _, part := range []string{"key 1 is of a kind", "key 3 is no JSON object", "key 5 is of a kind", "key 6 is no public key", "key 7 is RSA of 1024 bits: 2048 to 8192"} {
		if !strings.Contains(told[0], part) {
			t.Errorf("%q does not say %q", told[0], part)
		}
	}
	if strings.Contains(told[0], "c2VjcmV0") || strings.Contains(told[0], "key 2 ") || strings.Contains(told[0], "key 8 ") {
		t.Errorf("it says %q", told[0])
	}
	p.on("/keys", nil)
	p.clock.Advance(2 * time.Hour)
	p.mustSignIn(t, l)
	if len(told) != 1 {
		t.Errorf("a set of which nothing was left out is told of: %q", told[1:])
	}
}
