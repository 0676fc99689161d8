package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/cryptosigner"
)

// assertionLifetime is short: an assertion is used at once.
const assertionLifetime = time.Minute

// identify adds to a token request what shows who we are; the header of
// client_secret_basic comes later.
func (l *Login) identify(m *metadata, form url.Values) error {
	switch l.authMethod(m) {
	case AuthPost:
		form.Set("client_secret", l.config.ClientSecret)
		fallthrough
	case AuthNone:
		form.Set("client_id", l.config.ClientID)
	case AuthPrivateKeyJWT:
		assertion, err := l.assertion(m)
		if err != nil {
			return err
		}
		form.Set("client_id", l.config.ClientID)
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", assertion)
	}
	return nil
}

// authMethod is how this gateway shows who it is: as configured, else as the provider
// takes it of the two ways to send a secret.
func (l *Login) authMethod(m *metadata) string {
	method := l.config.AuthMethod
	if method == "" {
		method = AuthBasic
		if slices.Contains(m.AuthMethods, AuthPost) && !slices.Contains(m.AuthMethods, AuthBasic) {
			method = AuthPost
		}
	}
	return method
}

// assertion is a JWT of RFC 7523 section 3. Its audience is the issuer and
// nothing else: a token endpoint that a provider names as its own, but that is
// another's, cannot use it there.
func (l *Login) assertion(m *metadata) (string, error) {
	alg, err := signingAlgorithm(l.config.PrivateKey, m.AuthAlgorithms)
	if err != nil {
		return "", err
	}
	options := new(jose.SignerOptions).WithType("JWT")
	if l.config.KeyID != "" {
		options = options.WithHeader("kid", l.config.KeyID)
	}
	key := jose.SigningKey{Algorithm: alg, Key: cryptosigner.Opaque(l.config.PrivateKey)}
	signer, err := jose.NewSigner(key, options)
	if err != nil {
		return "", errors.New("the private key cannot sign: is it RSA, ECDSA or Ed25519?")
	}
	now := l.now()
	payload, err := json.Marshal(map[string]any{
		"iss": l.config.ClientID, "sub": l.config.ClientID, "aud": l.config.Issuer, "jti": random(),
		"iat": now.Unix(), "exp": now.Add(assertionLifetime).Unix(),
	})
	if err != nil {
		return "", err
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		return "", errors.New("the private key did not sign: is its token or vault there?")
	}
	return jws.CompactSerialize()
}

// signingAlgorithm is the one to sign assertions with: that of the key. An RSA
// key has two; the one that the provider takes is used, RS256 rather.
func signingAlgorithm(key crypto.Signer, supported []string) (jose.SignatureAlgorithm, error) {
	if key == nil {
		return "", errors.New("private_key_jwt needs a private key: give one in PEM")
	}
	switch public := key.Public().(type) {
	case *rsa.PublicKey:
		if public.N.BitLen() < minRSABits {
			return "", errors.New("the private key is RSA of less than 2048 bits: make a longer one")
		}
		if len(supported) > 0 && !slices.Contains(supported, string(jose.RS256)) && slices.Contains(supported, string(jose.PS256)) {
			return jose.PS256, nil
		}
		return jose.RS256, nil
	case *ecdsa.PublicKey:
		if alg, ok := curveAlgorithms[public.Curve.Params().Name]; ok {
			return alg, nil
		}
	case ed25519.PublicKey:
		return jose.EdDSA, nil
	}
	return "", errors.New("the private key is not RSA, ECDSA on P-256, P-384 or P-521, or Ed25519")
}
