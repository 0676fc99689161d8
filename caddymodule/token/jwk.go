package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
)

// jwk is a public key as RFC 7517 writes it. It has no member for anything
// private, so nothing private can be published by mistake.
type jwk struct {
	Type      string `json:"kty"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	ID        string `json:"kid"`
	Curve     string `json:"crv,omitempty"`
	X         string `json:"x,omitempty"`
	Y         string `json:"y,omitempty"`
	N         string `json:"n,omitempty"`
	E         string `json:"e,omitempty"`
}

// publicJWK describes the key, with its RFC 7638 thumbprint as its id: all
// replicas call a key by the same name, and no two keys share one.
func publicJWK(public crypto.PublicKey, alg string) (jwk, error) {
	j := jwk{Use: "sig", Algorithm: alg}
	switch k := public.(type) {
	case *ecdsa.PublicKey:
		point, err := k.Bytes() // 0x04, then x and y at full length (RFC 7518 section 6.2.1)
		if err != nil {
			return jwk{}, fmt.Errorf("encoding a public key: %v", err)
		}
		half := len(point) / 2
		j.Type, j.Curve = "EC", k.Curve.Params().Name
		j.X, j.Y = encoding.EncodeToString(point[1:1+half]), encoding.EncodeToString(point[1+half:])
	case ed25519.PublicKey:
		j.Type, j.Curve, j.X = "OKP", "Ed25519", encoding.EncodeToString(k)
	case *rsa.PublicKey:
		j.Type = "RSA"
		j.N = encoding.EncodeToString(k.N.Bytes())
		j.E = encoding.EncodeToString(big.NewInt(int64(k.E)).Bytes())
	default:
		return jwk{}, errors.New("public key is of a kind that cannot be published")
	}
	j.ID = j.thumbprint()
	return j, nil
}

// thumbprint is RFC 7638: SHA-256 of the required members, in order of name.
// None of them holds a character that JSON would escape.
func (j jwk) thumbprint() string {
	var text string
	switch j.Type {
	case "EC":
		text = fmt.Sprintf(`{"crv":%q,"kty":"EC","x":%q,"y":%q}`, j.Curve, j.X, j.Y)
	case "OKP": // RFC 8037 section 2
		text = fmt.Sprintf(`{"crv":%q,"kty":"OKP","x":%q}`, j.Curve, j.X)
	case "RSA":
		text = fmt.Sprintf(`{"e":%q,"kty":"RSA","n":%q}`, j.E, j.N)
	}
	sum := sha256.Sum256([]byte(text))
	return encoding.EncodeToString(sum[:])
}
