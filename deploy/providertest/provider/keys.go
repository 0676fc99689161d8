package provider

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// ring are the signing keys. Only the first signs.
type ring []*key

type key struct {
	id        string
	algorithm jose.SignatureAlgorithm
	private   crypto.Signer
}

// rotate makes a new key the one that signs.
func (r *ring) rotate(algorithm string, keep bool) error {
	k := &key{id: random()[:8], algorithm: jose.SignatureAlgorithm(algorithm)}
	var err error
	switch k.algorithm {
	case jose.RS256:
		k.private, err = rsa.GenerateKey(rand.Reader, 2048)
	case jose.ES256:
		k.private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.EdDSA:
		_, k.private, err = ed25519.GenerateKey(rand.Reader)
	default:
		err = fmt.Errorf("no keys for %q: use RS256, ES256 or EdDSA", algorithm)
	}
	if err != nil {
		return err
	}
	former := *r
	*r = ring{k}
	if keep {
		*r = append(*r, former...)
	}
	return nil
}

// RotateKey signs with a new key from now on and returns its kid. The keys
// before stay among the public ones if they are kept.
func (p *Provider) RotateKey(keep bool) (kid string, err error) {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	err = p.store.ring.rotate(p.config.Algorithm, keep)
	return p.store.ring[0].id, err
}

// KeyIDs are the kids of the public keys, that of the signing key first.
func (p *Provider) KeyIDs() []string {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	var ids []string
	for _, k := range p.store.ring {
		ids = append(ids, k.id)
	}
	return ids
}

func (s *store) signingKey() *key {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ring[0]
}

// SigningKey is the key that signs.
func (s *store) SigningKey(context.Context) (op.SigningKey, error) {
	return privateKey{s.signingKey()}, nil
}

// SignatureAlgorithms is what discovery tells.
func (s *store) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{s.signingKey().algorithm}, nil
}

// KeySet are the public keys.
func (s *store) KeySet(context.Context) ([]op.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []op.Key
	for _, k := range s.ring {
		keys = append(keys, publicKey{k})
	}
	return keys, nil
}

type privateKey struct{ *key }

func (k privateKey) ID() string                                  { return k.id }
func (k privateKey) SignatureAlgorithm() jose.SignatureAlgorithm { return k.algorithm }
func (k privateKey) Key() any                                    { return k.private }

type publicKey struct{ *key }

func (k publicKey) ID() string                         { return k.id }
func (k publicKey) Algorithm() jose.SignatureAlgorithm { return k.algorithm }
func (k publicKey) Use() string                        { return "sig" }
func (k publicKey) Key() any                           { return k.private.Public() }
