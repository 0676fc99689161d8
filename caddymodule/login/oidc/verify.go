package oidc

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"math/big"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// signature is what a token was signed over, and with.
type signature struct {
	alg         jose.SignatureAlgorithm
	input, made []byte
}

// isBy reports whether the key made the signature (RFC 7518 section 3). That the key
// is one for the algorithm has been looked at: see fits. The library would refuse a
// token for members of its header that have no bearing here, such as x5c.
func (s signature) isBy(key any) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if slices.Contains(pssAlgorithms, s.alg) {
			return rsa.VerifyPSS(key, digestOf(s.alg), s.digest(), s.made, nil) == nil
		}
		return rsa.VerifyPKCS1v15(key, digestOf(s.alg), s.digest(), s.made) == nil
	case *ecdsa.PublicKey:
		size := (key.Curve.Params().BitSize + 7) / 8
		if len(s.made) != 2*size { // another form would be a second spelling
			return false
		}
		return ecdsa.Verify(key, s.digest(), new(big.Int).SetBytes(s.made[:size]), new(big.Int).SetBytes(s.made[size:]))
	case ed25519.PublicKey:
		return ed25519.Verify(key, s.input, s.made)
	}
	return false
}

func (s signature) digest() []byte {
	hash := digestOf(s.alg).New()
	hash.Write(s.input)
	return hash.Sum(nil)
}

var pssAlgorithms = []jose.SignatureAlgorithm{jose.PS256, jose.PS384, jose.PS512}
