package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"

	// Only its signing methods are used: form, header and claims are checked
	// here, byte for byte (open.go). What login/oidc has go-jose for, JWK sets
	// and keys out of reach, is not needed for keys of our own.
	"github.com/golang-jwt/jwt/v5"
)

const minRSA = 2048 // bits, RFC 7518 section 3.3

// signingKey is one private key, which signs by one algorithm only (RFC 8725
// section 3.1).
type signingKey struct {
	id      string
	method  jwt.SigningMethod
	private crypto.Signer
	public  crypto.PublicKey
	jwk     jwk
}

// algorithm is what the name of one stands for.
type algorithm struct {
	method jwt.SigningMethod
	derive func(secret string) (crypto.Signer, error) // nil: needs a signing key
	// fits says that the key is of the algorithm's kind; wants names that kind.
	fits  func(crypto.Signer) bool
	wants string
	howTo string // the command that makes one
}

var algorithms = map[string]algorithm{
	"ES256": {
		method: jwt.SigningMethodES256, derive: deriveES256, wants: "a P-256 key",
		howTo: "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out signing.pem",
		fits: func(s crypto.Signer) bool {
			k, ok := s.(*ecdsa.PrivateKey)
			return ok && k.Curve == elliptic.P256()
		},
	},
	"EdDSA": {
		method: jwt.SigningMethodEdDSA, derive: deriveEdDSA, wants: "an Ed25519 key",
		howTo: "openssl genpkey -algorithm ed25519 -out signing.pem",
		fits:  func(s crypto.Signer) bool { _, ok := s.(ed25519.PrivateKey); return ok },
	},
	"RS256": {
		method: jwt.SigningMethodRS256, wants: fmt.Sprintf("an RSA key of at least %d bits", minRSA),
		howTo: "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out signing.pem",
		fits: func(s crypto.Signer) bool {
			k, ok := s.(*rsa.PrivateKey)
			return ok && k.N.BitLen() >= minRSA
		},
	},
}

// signingKeys makes the keys of the PEM files, or else of the secrets.
func signingKeys(name string, files [][]byte, secrets []string) ([]*signingKey, error) {
	if name == "" {
		name = "ES256"
	}
	alg, ok := algorithms[name]
	if !ok {
		return nil, errors.New("token algorithm is not known: use ES256, EdDSA or RS256")
	}
	if len(files) > 0 {
		return keysOfFiles(name, alg, files)
	}
	if alg.derive == nil {
		return nil, fmt.Errorf("token algorithm %s needs a signing_key: make one with `%s`", name, alg.howTo)
	}
	keys := make([]*signingKey, len(secrets))
	for i, s := range secrets {
		private, err := alg.derive(s)
		if err != nil {
			return nil, err
		}
		if keys[i], err = newSigningKey(alg.method, private); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

func keysOfFiles(name string, alg algorithm, files [][]byte) ([]*signingKey, error) {
	keys := make([]*signingKey, len(files))
	for i, file := range files {
		private, err := ParsePrivateKey(file)
		if err != nil {
			return nil, fmt.Errorf("token signing key %d: %w", i+1, err)
		}
		if !alg.fits(private) {
			return nil, fmt.Errorf("token signing key %d does not fit the algorithm: %s needs %s, made with `%s`",
				i+1, name, alg.wants, alg.howTo)
		}
		if keys[i], err = newSigningKey(alg.method, private); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

func newSigningKey(method jwt.SigningMethod, private crypto.Signer) (*signingKey, error) {
	public := private.Public()
	j, err := publicJWK(public, method.Alg())
	if err != nil {
		return nil, err
	}
	return &signingKey{id: j.ID, method: method, private: private, public: public, jwk: j}, nil
}

// header is the first segment of every token of that typ by this key. Its
// bytes are fixed; see Ring.open.
func (k *signingKey) header(typ string) string {
	return encoding.EncodeToString(fmt.Appendf(nil, `{"alg":%q,"kid":%q,"typ":%q}`, k.method.Alg(), k.id, typ))
}

func (k *signingKey) sign(typ string, payload []byte) (string, error) {
	input := k.header(typ) + "." + encoding.EncodeToString(payload)
	sig, err := k.method.Sign(input, k.private)
	if err != nil {
		return "", fmt.Errorf("signing a token: %v", err)
	}
	return input + "." + encoding.EncodeToString(sig), nil
}

func (k *signingKey) verify(input string, signature []byte) bool {
	return k.method.Verify(input, signature, k.public) == nil
}

// size is how long the token of a payload of n bytes will be.
func (k *signingKey) size(typ string, n int) int {
	signature := 64 // ES256 (RFC 7518 section 3.4) and Ed25519 (RFC 8032 section 5.1.6)
	if public, ok := k.public.(*rsa.PublicKey); ok {
		signature = public.Size()
	}
	return len(k.header(typ)) + 1 + encoding.EncodedLen(n) + 1 + encoding.EncodedLen(signature)
}

// mint signs the claims with the first key.
func (r *Ring) mint(typ string, claims any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encoding a token: %v", err)
	}
	return r.signing[0].sign(typ, payload)
}
