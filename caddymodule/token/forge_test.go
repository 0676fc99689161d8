package token_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/token"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/storetest"
)

// The secrets of the tests; no gateway has them.
const (
	secretA = "test-secret-A-0123456789abcdefghijkl"
	secretB = "test-secret-B-0123456789abcdefghijkl"
)

// start is when all tests begin.
var start = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// newRing makes a ring whose clock stands at start, unless c has one.
func newRing(t testing.TB, c token.Config) *token.Ring {
	t.Helper()
	if c.Secrets == nil {
		c.Secrets = []string{secretA}
	}
	if c.Now == nil {
		c.Now = storetest.ClockAt(start).Now
	}
	r, err := token.NewRing(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func someKey(n byte) sessionstore.Key {
	return sessionstore.Key{Shard: uint16(n), Hash: sha256.Sum256([]byte{n})}
}

func mustMint(t testing.TB, r *token.Ring, n byte, life time.Duration) string {
	t.Helper()
	raw, err := r.MintSession(someKey(n), int64(n), start.Add(life))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// forger has the ring's own signing key, and so can sign anything at all: what
// is refused of it is refused for what it says.
type forger struct {
	ring *token.Ring
	key  *ecdsa.PrivateKey
	kid  string
}

func newForger(t testing.TB) forger {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r := newRing(t, token.Config{SigningKeys: [][]byte{pkcs8(t, key)}})
	return forger{ring: r, key: key, kid: published(t, r)[0]["kid"].(string)}
}

// header is the header that the ring itself writes.
func (f forger) header() string {
	return fmt.Sprintf(`{"alg":"ES256","kid":"%s","typ":"session+jwt"}`, f.kid)
}

// sign makes a token of any header and payload.
func (f forger) sign(header, payload string) string {
	input := b64(header) + "." + b64(payload)
	return input + "." + b64(string(signES256(f.key, input)))
}

// with is a good payload with one piece of its text replaced.
func with(old, new string) string {
	payload := goodPayload()
	if !strings.Contains(payload, old) {
		panic("no such piece in the payload: " + old)
	}
	return strings.Replace(payload, old, new, 1)
}

func goodPayload() string {
	return fmt.Sprintf(`{"iss":"sidegate","aud":"sidegate:session","sub":"7","sid":"%s","jti":"J","iat":%d,"exp":%d}`,
		someKey(7).Encode(), start.Unix(), start.Add(time.Hour).Unix())
}

func signES256(key *ecdsa.PrivateKey, input string) []byte {
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		panic(err)
	}
	return rs(r, s)
}

func rs(r, s *big.Int) []byte {
	out := make([]byte, 64)
	r.FillBytes(out[:32])
	s.FillBytes(out[32:])
	return out
}

// mustRefuse checks that the error is ErrInvalid, gives the reason, and says
// nothing of the token.
func mustRefuse(t *testing.T, raw string, err error, reason string) {
	t.Helper()
	if !errors.Is(err, token.ErrInvalid) || !strings.Contains(err.Error(), reason) {
		t.Fatalf("got %v, want ErrInvalid that says %q", err, reason)
	}
	for segment := range strings.SplitSeq(raw, ".") {
		if len(segment) > 8 && strings.Contains(err.Error(), segment) {
			t.Fatalf("the reason repeats the token: %v", err)
		}
	}
}

// published are the keys of the JWKS.
func published(t testing.TB, r *token.Ring) []map[string]any {
	t.Helper()
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal(r.JWKS(), &set); err != nil {
		t.Fatal(err)
	}
	return set.Keys
}

func pkcs8(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func unb64(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
