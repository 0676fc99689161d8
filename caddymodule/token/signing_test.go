package token_test

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/token"
)

// rsaKey is made once: it is slow.
func rsaKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	k, err := rsaOnce()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var rsaOnce = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func ecKey(t testing.TB, c elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func edKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, k, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// x25519 is a key that PKCS#8 can hold and that cannot sign.
func x25519(t testing.TB) *ecdh.PrivateKey {
	t.Helper()
	k, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sec1(t testing.TB, k *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return block("EC PRIVATE KEY", der)
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func TestSigningKeyFiles(t *testing.T) {
	ec := ecKey(t, elliptic.P256())
	for _, c := range []struct {
		name, alg string
		file      []byte
	}{
		{"ES256 from PKCS#8", "", pkcs8(t, ec)},
		{"ES256 from SEC 1", "ES256", sec1(t, ec)},
		{"ES256 as openssl ecparam writes it", "ES256", append(block("EC PARAMETERS", []byte{6, 0}), sec1(t, ec)...)},
		{"EdDSA from PKCS#8", "EdDSA", pkcs8(t, edKey(t))},
		{"RS256 from PKCS#8", "RS256", pkcs8(t, rsaKey(t))},
		{"RS256 from PKCS#1", "RS256", block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey(t)))},
		{"a file with a comment above the key", "ES256", append([]byte("made for the tests\n"), pkcs8(t, ec)...)},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRing(t, token.Config{Algorithm: c.alg, SigningKeys: [][]byte{c.file}})
			if _, err := r.VerifySession(mustMint(t, r, 7, time.Hour)); err != nil {
				t.Fatal(err)
			}
			keys := published(t, r)
			if len(keys) != 1 || c.alg != "" && keys[0]["alg"] != c.alg {
				t.Fatalf("published %v", keys)
			}
		})
	}
}

func TestSigningKeyFilesRefused(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(ecKey(t, elliptic.P256()).Public())
	if err != nil {
		t.Fatal(err)
	}
	ec := pkcs8(t, ecKey(t, elliptic.P256()))
	for _, c := range []struct {
		name, alg string
		files     [][]byte
		want      string
	}{
		{"an RSA key of 1024 bits", "RS256", [][]byte{pkcs8(t, small)}, "at least 2048 bits"},
		{"an RSA key for ES256", "ES256", [][]byte{pkcs8(t, rsaKey(t))}, "ES256 needs a P-256 key"},
		{"a P-384 key for ES256", "ES256", [][]byte{pkcs8(t, ecKey(t, elliptic.P384()))}, "ES256 needs a P-256 key"},
		{"a P-256 key for EdDSA", "EdDSA", [][]byte{ec}, "EdDSA needs an Ed25519 key"},
		{"an Ed25519 key for RS256", "RS256", [][]byte{pkcs8(t, edKey(t))}, "RS256 needs an RSA key"},
		{"a wrong second key", "ES256", [][]byte{ec, pkcs8(t, edKey(t))}, "signing key 2 does not fit"},
		{"the same key twice", "ES256", [][]byte{ec, ec}, "signing key 2 is the same"},
		{"a public key", "ES256", [][]byte{block("PUBLIC KEY", public)}, "not a private key"},
		{"a key with a passphrase", "ES256", [][]byte{block("ENCRYPTED PRIVATE KEY", []byte{1})}, "take it off"},
		{"two keys in one file", "ES256", [][]byte{append(ec, ec...)}, "more than one key"},
		{"no PEM at all", "ES256", [][]byte{[]byte("hunter2")}, "not a PEM file"},
		{"an empty file", "ES256", [][]byte{nil}, "not a PEM file"},
		{"only the parameters of a key", "ES256", [][]byte{block("EC PARAMETERS", []byte{6, 0})}, "not a PEM file"},
		{"damaged PKCS#8", "ES256", [][]byte{block("PRIVATE KEY", []byte("hunter2"))}, "cannot be read"},
		{"damaged SEC 1", "ES256", [][]byte{block("EC PRIVATE KEY", []byte("hunter2"))}, "cannot be read"},
		{"a key that can only agree on keys", "ES256", [][]byte{pkcs8(t, x25519(t))}, "cannot sign"},
		{"a huge file", "ES256", [][]byte{make([]byte, 64*1024+1)}, "larger than 65536 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := token.NewRing(token.Config{Secrets: []string{secretA}, Algorithm: c.alg, SigningKeys: c.files})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want an error that says %q", err, c.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Fatalf("the error holds the file: %v", err)
			}
		})
	}
}

func TestSigningKeysReplaceTheDerivedOnes(t *testing.T) {
	first, second := pkcs8(t, ecKey(t, elliptic.P256())), pkcs8(t, ecKey(t, elliptic.P256()))
	both := newRing(t, token.Config{SigningKeys: [][]byte{first, second}})
	if keys := published(t, both); len(keys) != 2 {
		t.Fatalf("published %d keys, want the two of the files", len(keys))
	}
	raw := mustMint(t, newRing(t, token.Config{SigningKeys: [][]byte{second}}), 7, time.Hour)
	if _, err := both.VerifySession(raw); err != nil {
		t.Errorf("the second key does not verify: %v", err)
	}
	raw = mustMint(t, both, 7, time.Hour)
	if _, err := newRing(t, token.Config{SigningKeys: [][]byte{first}}).VerifySession(raw); err != nil {
		t.Errorf("the first key does not sign: %v", err)
	}
	raw = mustMint(t, newRing(t, token.Config{}), 7, time.Hour)
	_, err := both.VerifySession(raw)
	mustRefuse(t, raw, err, "its key is not in the ring")
}

// An app has nothing but the JWKS and its own crypto library.
func TestAnAppVerifiesWithTheJWKSAlone(t *testing.T) {
	for _, c := range []token.Config{
		{}, {Algorithm: "EdDSA"}, {Algorithm: "RS256", SigningKeys: [][]byte{pkcs8(t, rsaKey(t))}},
	} {
		r := newRing(t, c)
		raw := mustMint(t, r, 7, time.Hour)
		at := strings.LastIndexByte(raw, '.')
		input, sig := []byte(raw[:at]), unb64(t, raw[at+1:])
		k := published(t, r)[0]
		if !verifies(t, k, input, sig) {
			t.Errorf("%v: signature does not match the published key", k["alg"])
		}
		input[5] ^= 1
		if verifies(t, k, input, sig) {
			t.Errorf("%v: signature matches another text", k["alg"])
		}
	}
}

func verifies(t *testing.T, k map[string]any, input, sig []byte) bool {
	t.Helper()
	sum := sha256.Sum256(input)
	member := func(name string) []byte { return unb64(t, k[name].(string)) }
	switch k["alg"] {
	case "ES256":
		point := append(append([]byte{4}, member("x")...), member("y")...)
		public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		if err != nil || len(sig) != 64 {
			t.Fatal(err, len(sig))
		}
		return ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]))
	case "EdDSA":
		return ed25519.Verify(member("x"), input, sig)
	default:
		e := new(big.Int).SetBytes(member("e"))
		public := &rsa.PublicKey{N: new(big.Int).SetBytes(member("n")), E: int(e.Int64())}
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], sig) == nil
	}
}
