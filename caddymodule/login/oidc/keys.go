package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"slices"
	"strings"

	// The token room signs with golang-jwt, which cannot do what is needed
	// here: it reads no JWK sets, and signs with an RSA or ECDSA key only if
	// that is in memory, not in a vault (clientauth.go).
	"github.com/go-jose/go-jose/v4"
)

// Bounds of an RSA key: RFC 7518 section 3.3, and what one verification may cost.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

// algorithms are those that an ID token may be signed with. All are asymmetric:
// with HMAC a public key could be taken for a secret, or the client secret for
// the provider (RFC 8725 sections 3.1 and 3.2).
var algorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
	jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

// ed25519Name is the name that RFC 9864 gives what most providers call EdDSA.
const ed25519Name = "Ed25519"

// algorithmNamed is the one of that name; RFC 9864's is the same algorithm here,
// where no other curve is taken.
func algorithmNamed(name string) jose.SignatureAlgorithm {
	if name == ed25519Name {
		return jose.EdDSA
	}
	return jose.SignatureAlgorithm(name)
}

// allows reports whether the provider may sign with the algorithm: it is one
// of ours, and the provider says that it uses it. One that says nothing may
// use RS256 only, which every provider must have.
func (m *metadata) allows(name string) bool {
	if len(m.Algorithms) == 0 {
		return name == string(jose.RS256)
	}
	alg := algorithmNamed(name)
	return slices.Contains(algorithms, alg) &&
		slices.ContainsFunc(m.Algorithms, func(listed string) bool { return algorithmNamed(listed) == alg })
}

// refuses says why the algorithm is not allowed, and what to do.
func (m *metadata) refuses(name string) string {
	switch {
	case strings.HasPrefix(name, "HS"):
		return "is signed with the algorithm " + shown(name) + ", by the client secret: choose an RSA or EC key for this client at the provider"
	case !slices.Contains(algorithms, algorithmNamed(name)):
		return "is signed with the algorithm " + shown(name) + ", which is never taken: choose an RSA or EC key for this client at the provider"
	case len(m.Algorithms) == 0:
		return "is signed with the algorithm " + shown(name) + ", and the provider's discovery document lists no algorithm, which means RS256"
	}
	return "is signed with the algorithm " + shown(name) + ", an algorithm that the provider's discovery document does not list"
}

// publicKey is one key of the provider, with what it says of its use.
type publicKey struct {
	id, algorithm string
	key           any
}

// fits reports whether the key is one for that algorithm: its type and curve,
// not the token, decide what it verifies.
func (k publicKey) fits(alg jose.SignatureAlgorithm) bool {
	if k.algorithm != "" && algorithmNamed(k.algorithm) != alg {
		return false
	}
	switch key := k.key.(type) {
	case *rsa.PublicKey:
		return slices.Contains(algorithms[:6], alg) && key.N.BitLen() >= minRSABits && key.N.BitLen() <= maxRSABits
	case *ecdsa.PublicKey:
		return alg == curveAlgorithms[key.Curve.Params().Name]
	case ed25519.PublicKey:
		return alg == jose.EdDSA
	}
	return false
}

// curveAlgorithms is RFC 7518 section 3.4: one algorithm for each curve.
var curveAlgorithms = map[string]jose.SignatureAlgorithm{"P-256": jose.ES256, "P-384": jose.ES384, "P-521": jose.ES512}

// verify finds the key that made the signature. When none of those known has,
// the key set is fetched anew: keys rotate, some under the name of the one
// before, and so is the place where they are. The error is a flaw only if the newest
// keys were looked through.
func (l *Login) verify(ctx context.Context, m *metadata, by signature, kid string) error {
	keys, err := l.keys.within(ctx, keysAge)
	if err != nil {
		return err
	}
	if tryKeys(keys, by, kid).made {
		return nil
	}
	keys, err = l.keys.again(ctx)
	tried := tryKeys(keys, by, kid)
	if err == nil && !tried.made {
		if now, _ := l.newest(ctx); now != nil && keysOf(now) != keysOf(m) {
			l.keys.mayBeAsked()
			keys, err = l.keys.again(ctx)
			tried = tryKeys(keys, by, kid)
		}
	}
	switch {
	case tried.made:
		return nil
	case errors.Is(err, errTooSoon): // not "there is none", but "cannot tell"
		return because(ErrNotYet, "the token's signature fits no key of the provider, whose key set, at %s, was %w", shownURL(withoutQuery(m.Keys)), err)
	case err != nil:
		return err
	}
	return flawed(tried.why(kid, by.alg))
}

// tried is what came of trying keys.
type tried struct {
	made  bool       // one of them made the signature
	named *publicKey // the one of the name that the token gives
	fits  bool       // that one is for the algorithm
}

// why says why none of them made it.
func (t tried) why(kid string, alg jose.SignatureAlgorithm) string {
	switch {
	case t.named == nil:
		return "is signed by a key that is not in the provider's key set, kid " + shown(kid) + ", alg " + string(alg)
	case !t.fits:
		return "is signed with " + string(alg) + ", and the provider's key of that name, kid " + shown(kid) + ", " + t.named.isFor()
	}
	return "has a signature that its key did not make, kid " + shown(kid)
}

// isFor says what a key is for.
func (k publicKey) isFor() string {
	if k.algorithm != "" {
		return "is for " + shown(k.algorithm) + " alone, as its alg says"
	}
	switch key := k.key.(type) {
	case *rsa.PublicKey:
		return "is an RSA key"
	case *ecdsa.PublicKey:
		return "is an EC key of " + key.Curve.Params().Name
	}
	return "is an Ed25519 key"
}

// tryKeys looks for the key that made the signature. A key without a name may be
// that of any token.
func tryKeys(keys []publicKey, by signature, kid string) (t tried) {
	for _, k := range keys {
		if kid != "" && k.id != "" && k.id != kid {
			continue
		}
		fits := k.fits(by.alg)
		if kid != "" && k.id == kid && !t.fits { // of several of a name, one that fits
			t.named, t.fits = &k, fits
		}
		if !fits {
			continue
		}
		if by.isBy(k.key) {
			t.made = true
			return t
		}
	}
	return t
}
