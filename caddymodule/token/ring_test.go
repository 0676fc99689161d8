package token_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/token"
)

func TestNewRingRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		config token.Config
		want   string
	}{
		{"no secret", token.Config{}, "openssl rand -base64 32"},
		{"a short secret, and says how short", token.Config{Secrets: []string{"hunter2-hunter2-hunter2-hunter2"}}, "secret 1 has 31 bytes, it needs at least 32: make one with `openssl rand -base64 32`"},
		{"a short second secret", token.Config{Secrets: []string{secretA, "hunter2"}}, "secret 2 has 7 bytes"},
		{"a secret that is long by white space only", token.Config{Secrets: []string{"hunter2" + strings.Repeat(" ", 40)}}, "secret 1 has 7 bytes"},
		{"the same secret twice", token.Config{Secrets: []string{secretA, secretB, secretA + "\n"}}, "secret 3 is the same"},
		{"an unknown algorithm", token.Config{Secrets: []string{secretA}, Algorithm: "HS256"}, "use ES256, EdDSA or RS256"},
		{"algorithm none", token.Config{Secrets: []string{secretA}, Algorithm: "none"}, "use ES256, EdDSA or RS256"},
		{"RS256 without a key, and says how to make one", token.Config{Secrets: []string{secretA}, Algorithm: "RS256"}, "needs a signing_key: make one with `openssl genpkey"},
		{"an issuer without end", token.Config{Secrets: []string{secretA}, Issuer: strings.Repeat("x", 513)}, "512 at most"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := token.NewRing(c.config)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want an error that says %q", err, c.want)
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "test-secret") {
				t.Fatalf("the error holds a secret: %v", err)
			}
		})
	}
}

// The keys of a fixed secret, as they were when they were first made. If this
// fails the derivation has changed: everybody would be signed out by the
// upgrade, and replicas of two versions would not agree.
func TestTheDerivationNeverChanges(t *testing.T) {
	sum := func(keys [][]byte) string {
		h := sha256.Sum256(bytes.Join(keys, nil))
		return hex.EncodeToString(h[:8])
	}
	es := newRing(t, token.Config{Secrets: []string{secretA, secretB}})
	ed := newRing(t, token.Config{Secrets: []string{secretA}, Algorithm: "EdDSA"})
	for _, c := range []struct{ name, got, want string }{
		{"the ES256 key", published(t, es)[0]["kid"].(string), goldenES256},
		{"the EdDSA key", published(t, ed)[0]["kid"].(string), goldenEdDSA},
		{"the sealing keys", sum(es.SealingKeys()), goldenSealing},
		{"the cookie keys", sum(es.CookieKeys()), goldenCookies},
	} {
		t.Run(c.name+" is what it was", func(t *testing.T) {
			if c.got != c.want {
				t.Fatalf("got %s, want %s", c.got, c.want)
			}
		})
	}
}

func TestATokenOfAnEarlierBuildStillVerifies(t *testing.T) {
	for name, raw := range goldenTokens {
		t.Run(name, func(t *testing.T) {
			got, err := newRing(t, token.Config{Algorithm: name}).VerifySession(raw)
			want := token.SessionClaims{Key: someKey(7), UserID: 7, IssuedAt: start, ExpiresAt: start.Add(12 * time.Hour)}
			if err != nil || got != want {
				t.Fatalf("got %+v, %v", got, err)
			}
		})
	}
}

func TestReplicasOfOneSecretAgree(t *testing.T) {
	for _, alg := range []string{"ES256", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			one := newRing(t, token.Config{Secrets: []string{secretA}, Algorithm: alg})
			two := newRing(t, token.Config{Secrets: []string{secretA + "\r\n"}, Algorithm: alg}) // read from a file
			if !bytes.Equal(one.JWKS(), two.JWKS()) || !slices.EqualFunc(one.SealingKeys(), two.SealingKeys(), bytes.Equal) {
				t.Fatal("two rings of one secret differ")
			}
			if _, err := two.VerifySession(mustMint(t, one, 7, time.Hour)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestEveryKeyHasOnePurpose(t *testing.T) {
	r := newRing(t, token.Config{Secrets: []string{secretA, secretB}})
	all := append(r.SealingKeys(), r.CookieKeys()...)
	if len(all) != 4 {
		t.Fatalf("two secrets made %d keys", len(all))
	}
	for i, k := range all {
		if len(k) != 32 {
			t.Errorf("key %d has %d bytes", i, len(k))
		}
		for _, other := range all[i+1:] {
			if bytes.Equal(k, other) {
				t.Error("one key serves two purposes")
			}
		}
	}
}

func TestAKeyHandedOutIsTheCallersOwn(t *testing.T) {
	r := newRing(t, token.Config{})
	for name, get := range map[string]func() []byte{
		"sealing key": func() []byte { return r.SealingKeys()[0] },
		"cookie key":  func() []byte { return r.CookieKeys()[0] },
		"JWKS":        r.JWKS,
	} {
		t.Run(name, func(t *testing.T) {
			want := string(get())
			clear(get())
			if string(get()) != want {
				t.Fatal("a caller changed the ring")
			}
		})
	}
}

func TestASecretIsRotatedWithoutASignOut(t *testing.T) {
	before := newRing(t, token.Config{Secrets: []string{secretA}})
	during := newRing(t, token.Config{Secrets: []string{secretB, secretA}})
	after := newRing(t, token.Config{Secrets: []string{secretB}})

	old, fresh := mustMint(t, before, 7, time.Hour), mustMint(t, during, 7, time.Hour)
	for _, raw := range []string{old, fresh} {
		if _, err := during.VerifySession(raw); err != nil {
			t.Errorf("while both secrets are there: %v", err)
		}
	}
	if _, err := after.VerifySession(fresh); err != nil {
		t.Errorf("the first secret does not sign: %v", err)
	}
	_, err := after.VerifySession(old)
	mustRefuse(t, old, err, "its key is not in the ring")
	if !bytes.Equal(during.SealingKeys()[1], before.SealingKeys()[0]) {
		t.Error("what the old secret sealed cannot be opened")
	}
}

func TestPrintingGivesNothingAway(t *testing.T) {
	c := token.Config{Secrets: []string{secretA}, SigningKeys: [][]byte{[]byte(secretB)}}
	r := newRing(t, token.Config{})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		for _, v := range []any{c, &c, r} {
			got := fmt.Sprintf(verb, v)
			if got != "[token config]" && got != "[key ring]" {
				t.Errorf("%s of %T is %s", verb, v, got)
			}
		}
	}
}

func TestJWKSHoldsPublicMembersOnly(t *testing.T) {
	allowed := map[string][]string{
		"EC":  {"alg", "crv", "kid", "kty", "use", "x", "y"},
		"OKP": {"alg", "crv", "kid", "kty", "use", "x"},
		"RSA": {"alg", "e", "kid", "kty", "n", "use"},
	}
	for _, c := range []token.Config{
		{Secrets: []string{secretA, secretB}},
		{Algorithm: "EdDSA"},
		{Algorithm: "RS256", SigningKeys: [][]byte{pkcs8(t, rsaKey(t))}},
	} {
		for _, k := range published(t, newRing(t, c)) {
			var names []string
			for name := range k {
				names = append(names, name)
			}
			slices.Sort(names)
			if want := allowed[k["kty"].(string)]; !slices.Equal(names, want) {
				t.Errorf("%v key has %v, want %v", k["kty"], names, want)
			}
			if k["use"] != "sig" {
				t.Errorf("use is %v", k["use"])
			}
			for _, name := range []string{"x", "y", "n", "e"} {
				if s, ok := k[name].(string); ok {
					if _, err := base64.RawURLEncoding.Strict().DecodeString(s); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
			}
		}
	}
}

func TestPublicKeysAreThoseOfTheJWKS(t *testing.T) {
	r, err := token.NewRing(token.Config{Secrets: []string{strings.Repeat("a", 40), strings.Repeat("b", 40)}, Algorithm: "EdDSA"})
	if err != nil {
		t.Fatal(err)
	}
	var set struct {
		Keys []struct{ Kid, Alg string }
	}
	if err := json.Unmarshal(r.JWKS(), &set); err != nil {
		t.Fatal(err)
	}
	named := r.PublicKeys()
	if len(named) != 2 || len(set.Keys) != 2 {
		t.Fatalf("%v of %v", named, set.Keys)
	}
	for i, k := range named {
		if k.ID != set.Keys[i].Kid || k.Algorithm != set.Keys[i].Alg {
			t.Errorf("%+v; want %+v", k, set.Keys[i])
		}
	}
}
