package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// DefaultIssuer is the iss of tokens when none is configured.
	DefaultIssuer = "sidegate"
	// MinSecret is the least length of a secret, in bytes.
	MinSecret = 32

	maxIssuer = 512 // bytes; keeps every token well below MaxToken
)

// Config says what a Ring is made of. It holds secrets: printed, it says nothing.
type Config struct {
	// Secrets are what all keys come from: the first signs and seals, further
	// ones still verify and open. At least one, of at least MinSecret bytes;
	// white space around them is dropped, as files end in a line break.
	Secrets []string
	// Algorithm is ES256 (the default), EdDSA or RS256.
	Algorithm string
	// SigningKeys are PEM private keys (PKCS#8, SEC 1 or PKCS#1) that fit the
	// algorithm. The first signs, all verify, and they take the place of the
	// signing keys that come from Secrets. RS256 needs one.
	SigningKeys [][]byte
	// Issuer is the iss claim; DefaultIssuer when empty, 512 bytes at most.
	Issuer string
	// Now is the clock; time.Now when nil.
	Now func() time.Time
}

// Format answers every verb with the same words: a configuration that is
// logged by mistake gives no secret away.
func (Config) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[token config]")) }

// Ring holds the keys of one configuration. Replicas that share their secrets
// have the same ring, without sharing files. It is safe for concurrent use.
type Ring struct {
	issuer  string
	now     func() time.Time
	sealing [][]byte
	cookies [][]byte
	marks   [][]byte
	digests DigestKeys
	signing []*signingKey
	// verifiers finds the key of a token by the token's whole first segment,
	// for each typ: see open.
	verifiers map[string]map[string]*signingKey
	jwks      []byte
}

// DigestKeys are keys, 32 bytes each, of digests: the first of each writes, all are
// known.
type DigestKeys struct {
	// Grounds are for digests of password hashes, by which sessions know what they were
	// vouched by.
	Grounds [][]byte
	// Owners are for whom a number belongs to, as the store knows them.
	Owners [][]byte
	// Adopted are for cookies of other gateways that a session was made of, as the store
	// knows them.
	Adopted [][]byte
}

// NewRing makes the keys. Its errors say what to configure, and hold nothing
// of a secret or key.
func NewRing(c Config) (*Ring, error) {
	secrets, err := checkSecrets(c.Secrets)
	if err != nil {
		return nil, err
	}
	r := &Ring{issuer: c.Issuer, now: c.Now}
	if r.issuer == "" {
		r.issuer = DefaultIssuer
	}
	if len(r.issuer) > maxIssuer {
		return nil, fmt.Errorf("token issuer has %d bytes: %d at most", len(r.issuer), maxIssuer)
	}
	if r.now == nil {
		r.now = time.Now
	}
	if r.sealing, err = deriveAll(secrets, infoSealing); err != nil {
		return nil, err
	}
	if r.cookies, err = deriveAll(secrets, infoCookies); err != nil {
		return nil, err
	}
	if r.marks, err = deriveAll(secrets, infoMarks); err != nil {
		return nil, err
	}
	if r.digests.Grounds, err = deriveAll(secrets, infoGrounds); err != nil {
		return nil, err
	}
	if r.digests.Owners, err = deriveAll(secrets, infoOwners); err != nil {
		return nil, err
	}
	if r.digests.Adopted, err = deriveAll(secrets, infoAdopted); err != nil {
		return nil, err
	}
	if r.signing, err = signingKeys(c.Algorithm, c.SigningKeys, secrets); err != nil {
		return nil, err
	}
	if err := r.index(); err != nil {
		return nil, err
	}
	return r, nil
}

// Format is Config.Format for a ring.
func (*Ring) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[key ring]")) }

// SealingKeys are the AES-256 keys, 32 bytes each, that sessions at rest are
// sealed with: the first seals, all open. The caller may keep and change them.
func (r *Ring) SealingKeys() [][]byte { return cloneKeys(r.sealing) }

// CookieKeys are the AES-256 keys, 32 bytes each, of the short-lived cookies
// of a sign-in under way: the first seals, all open.
func (r *Ring) CookieKeys() [][]byte { return cloneKeys(r.cookies) }

// MarkKeys are the keys, 32 bytes each, that session cookies are marked with as
// made by gateways with these secrets: the first marks, all are known.
func (r *Ring) MarkKeys() [][]byte { return cloneKeys(r.marks) }

// DigestKeys are those of digests, which the caller may keep and change.
func (r *Ring) DigestKeys() DigestKeys {
	return DigestKeys{cloneKeys(r.digests.Grounds), cloneKeys(r.digests.Owners), cloneKeys(r.digests.Adopted)}
}

// JWKS is the RFC 7517 document of the public keys, the signing one first.
func (r *Ring) JWKS() []byte { return slices.Clone(r.jwks) }

// PublicKey is how a key that signs tokens is named.
type PublicKey struct {
	// ID is the kid, and Algorithm the alg, of its tokens and of its entry in JWKS.
	ID, Algorithm string
}

// PublicKeys names the keys of JWKS, the signing one first.
func (r *Ring) PublicKeys() []PublicKey {
	named := make([]PublicKey, len(r.signing))
	for i, k := range r.signing {
		named[i] = PublicKey{k.id, k.method.Alg()}
	}
	return named
}

// index prepares what is asked of the keys with every token.
func (r *Ring) index() error {
	r.verifiers = map[string]map[string]*signingKey{typeSession: {}, typeAssertion: {}}
	set := struct {
		Keys []jwk `json:"keys"`
	}{}
	seen := map[string]bool{}
	for i, k := range r.signing {
		if seen[k.id] {
			return fmt.Errorf("token signing key %d is the same as an earlier one: remove it", i+1)
		}
		seen[k.id] = true
		set.Keys = append(set.Keys, k.jwk)
		for typ, keys := range r.verifiers {
			keys[k.header(typ)] = k
		}
	}
	var err error
	r.jwks, err = json.Marshal(set)
	return err
}

// checkSecrets refuses what would make keys that can be guessed, and a list
// that somebody rotated only by half.
func checkSecrets(list []string) ([]string, error) {
	if len(list) == 0 {
		return nil, errors.New("no secret is configured: make one with `openssl rand -base64 32`")
	}
	secrets := make([]string, 0, len(list))
	for i, s := range list {
		s = strings.TrimSpace(s)
		if len(s) < MinSecret {
			return nil, fmt.Errorf("secret %d has %d bytes, it needs at least %d: make one with `openssl rand -base64 32`",
				i+1, len(s), MinSecret)
		}
		if slices.Contains(secrets, s) {
			return nil, fmt.Errorf("secret %d is the same as an earlier one: put the new secret first, then the old", i+1)
		}
		secrets = append(secrets, s)
	}
	return secrets, nil
}

func cloneKeys(keys [][]byte) [][]byte {
	out := make([][]byte, len(keys))
	for i, k := range keys {
		out[i] = slices.Clone(k)
	}
	return out
}
