package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"math/big"
)

// One info string for each purpose, so that a key of one can never serve
// another (RFC 5869 section 3.2). They are part of what replicas agree on: a
// change of one orphans every session, cookie or token made before it.
const (
	infoSealing = "sidegate v1 sealing AES-256-GCM"
	infoCookies = "sidegate v1 cookies AES-256-GCM"
	infoMarks   = "sidegate v1 session cookie marks HMAC-SHA256"
	infoGrounds = "sidegate v1 password hashes in sessions HMAC-SHA256"
	infoOwners  = "sidegate v1 owners of numbers HMAC-SHA256"
	infoAdopted = "sidegate v1 cookies of other gateways HMAC-SHA256"
	infoES256   = "sidegate v1 signing ES256"
	infoEdDSA   = "sidegate v1 signing EdDSA"
)

const sealingKeySize = 32 // bytes: AES-256

// deriveAll makes one sealing key of every secret, in order.
func deriveAll(secrets []string, info string) ([][]byte, error) {
	keys := make([][]byte, len(secrets))
	for i, s := range secrets {
		k, err := derive(s, info, sealingKeySize)
		if err != nil {
			return nil, err
		}
		keys[i] = k
	}
	return keys, nil
}

// derive is HKDF-SHA256 without salt: all replicas must come to the same key.
func derive(secret, info string, size int) ([]byte, error) {
	k, err := hkdf.Key(sha256.New, []byte(secret), nil, info, size)
	if err != nil {
		return nil, fmt.Errorf("deriving a key: %v", err)
	}
	return k, nil
}

// deriveES256 makes a P-256 key by FIPS 186-5 A.2.1, from extra random bits:
// 128 more than the order has, so that the remainder is not biased.
func deriveES256(secret string) (crypto.Signer, error) {
	c, err := derive(secret, infoES256, 48)
	if err != nil {
		return nil, err
	}
	order := new(big.Int).Sub(elliptic.P256().Params().N, big.NewInt(1))
	d := new(big.Int).SetBytes(c)
	d.Mod(d, order).Add(d, big.NewInt(1))
	return ecdsa.ParseRawPrivateKey(elliptic.P256(), d.FillBytes(make([]byte, 32)))
}

// deriveEdDSA makes an Ed25519 key, whose seed may be any 32 bytes (RFC 8032
// section 5.1.5).
func deriveEdDSA(secret string) (crypto.Signer, error) {
	seed, err := derive(secret, infoEdDSA, ed25519.SeedSize)
	if err != nil {
		return nil, err
	}
	return ed25519.NewKeyFromSeed(seed), nil
}
