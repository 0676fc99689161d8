package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"slices"

	// The token room signs with golang-jwt, which cannot do what is needed
	// here: it reads no JWK sets, and signs with an RSA or ECDSA key only if
	// that is in memory, not in a vault (clientauth.go). Since go-jose has to be
	// here for that, it verifies as well.
	"github.com/go-jose/go-jose/v4"
)

const (
	maxKeys    = 100
	minRSABits = 2048 // RFC 7518 section 3.3
)

// algorithms are those that an ID token may be signed with. All are asymmetric:
// with HMAC a public key could be taken for a secret, or the client secret for
// the provider (RFC 8725 sections 3.1 and 3.2).
var algorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
	jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

// allows reports whether the provider may sign with the algorithm: it is one
// of ours, and the provider says that it uses it. One that says nothing may
// use RS256 only, which every provider must have.
func (m *metadata) allows(alg string) bool {
	if len(m.Algorithms) == 0 {
		return alg == string(jose.RS256)
	}
	return slices.Contains(algorithms, jose.SignatureAlgorithm(alg)) && slices.Contains(m.Algorithms, alg)
}

// publicKey is one key of the provider, with what it says of its use.
type publicKey struct {
	id, algorithm string
	key           any
}

// fits reports whether the key is one for that algorithm: its type and curve,
// not the token, decide what it verifies.
func (k publicKey) fits(alg jose.SignatureAlgorithm) bool {
	if k.algorithm != "" && k.algorithm != string(alg) {
		return false
	}
	switch key := k.key.(type) {
	case *rsa.PublicKey:
		return slices.Contains(algorithms[:6], alg) && key.N.BitLen() >= minRSABits
	case *ecdsa.PublicKey:
		return alg == curveAlgorithms[key.Curve.Params().Name]
	case ed25519.PublicKey:
		return alg == jose.EdDSA
	}
	return false
}

// curveAlgorithms is RFC 7518 section 3.4: one algorithm for each curve.
var curveAlgorithms = map[string]jose.SignatureAlgorithm{"P-256": jose.ES256, "P-384": jose.ES384, "P-521": jose.ES512}

func (l *Login) fetchKeys(ctx context.Context) ([]publicKey, error) {
	m, err := l.discover(ctx)
	if err != nil {
		return nil, err
	}
	a, err := l.get(ctx, "the provider's key set", m.Keys, "")
	if err != nil {
		return nil, err
	}
	return parseKeys(a.body)
}

// parseKeys reads a JWK set. Keys of a kind that we do not know, that are not
// for signatures, or not public, are left out (RFC 7517 section 5): a provider
// may publish what others need.
func parseKeys(body []byte) ([]publicKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, because(ErrProvider, "the provider's key set is not JSON")
	}
	if len(set.Keys) > maxKeys {
		return nil, because(ErrProvider, "the provider's key set has more than %d keys", maxKeys)
	}
	var keys []publicKey
	for _, raw := range set.Keys {
		var jwk jose.JSONWebKey
		if err := jwk.UnmarshalJSON(raw); err != nil || !jwk.IsPublic() || jwk.Use != "" && jwk.Use != "sig" {
			continue
		}
		keys = append(keys, publicKey{jwk.KeyID, jwk.Algorithm, jwk.Key})
	}
	if len(keys) == 0 { // an empty answer must not replace keys that work
		return nil, because(ErrProvider, "the provider's key set has no key for signatures")
	}
	return keys, nil
}

// verify finds the key that made the signature. When none of those known has,
// the key set is fetched anew: keys rotate. The error is a flaw only if the
// newest keys were looked through.
func (l *Login) verify(ctx context.Context, jws *jose.JSONWebSignature, kid string, alg jose.SignatureAlgorithm) error {
	keys, err := l.keys.within(ctx, keysAge)
	if err != nil {
		return err
	}
	if done, err := tryKeys(keys, jws, kid, alg); done {
		return err
	}
	keys, err = l.keys.again(ctx)
	if done, err := tryKeys(keys, jws, kid, alg); done {
		return err
	}
	switch {
	case errors.Is(err, errTooSoon): // not "there is none", but "cannot tell"
		return because(ErrUnavailable, "the token's key is not among those of the provider, whose key set was %w", err)
	case err != nil:
		return err
	}
	return flawed("is signed by a key that is not in the provider's key set")
}

// tryKeys reports whether the keys settle the matter: a signature holds, or
// the very key that the token names did not make it.
func tryKeys(keys []publicKey, jws *jose.JSONWebSignature, kid string, alg jose.SignatureAlgorithm) (done bool, err error) {
	named := false
	for _, k := range keys {
		if kid != "" && k.id != kid {
			continue
		}
		named = named || kid != ""
		if !k.fits(alg) {
			continue
		}
		if _, err := jws.Verify(k.key); err == nil {
			return true, nil
		}
	}
	if named {
		return true, flawed("has a signature that its key did not make")
	}
	return false, nil
}
