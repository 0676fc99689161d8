package oidc

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

const maxKeys = 100

func (l *Login) fetchKeys(ctx context.Context) ([]publicKey, error) {
	m, err := l.discover(ctx)
	if err != nil {
		return nil, err
	}
	a, err := l.document(ctx, "the provider's key set", m.Keys)
	if err != nil {
		return nil, err
	}
	keys, leftOut, err := parseKeys(a.body)
	l.notice.of("keys", leftOut)
	return keys, err
}

// parseKeys reads a JWK set. Keys that are not for signatures are left out
// without a word, for a provider may publish what others need; leftOut tells of
// those that could have been (RFC 7517 section 5), and is nil when there are none.
func parseKeys(body []byte) (keys []publicKey, leftOut, err error) {
	var set []json.RawMessage
	if err := readMembers(body, map[string]any{"keys": &set}); err != nil {
		return nil, nil, because(ErrProvider, "the provider's key set is not JSON")
	}
	if len(set) > maxKeys {
		return nil, nil, because(ErrProvider, "the provider's key set has more than %d keys", maxKeys)
	}
	var why []string
	for i, raw := range set {
		key, err := parseKey(raw)
		if err != nil {
			why = append(why, fmt.Sprintf("key %d %v", i+1, err))
		}
		if key.key != nil {
			keys = append(keys, key)
		}
	}
	if why != nil {
		leftOut = errors.New("of the provider's key set, " + strings.Join(why, "; "))
	}
	if len(keys) == 0 { // an empty answer must not replace keys that work
		err = because(ErrProvider, "the provider's key set has no key for signatures")
	}
	return keys, leftOut, err
}

// parseKey reads one key. There is none, and no error, where it is for something
// else. What a certificate would say of it (x5c and its kin, RFC 7517 section
// 4.7) is not looked at: no chain is checked here, and many a provider gets
// those wrong whose keys are sound.
func parseKey(raw json.RawMessage) (publicKey, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return publicKey{}, errors.New("is no JSON object")
	}
	var use string
	if _ = json.Unmarshal(members["use"], &use); use != "" && use != "sig" {
		return publicKey{}, nil
	}
	for _, name := range []string{"x5u", "x5c", "x5t", "x5t#S256"} {
		delete(members, name)
	}
	plain, err := json.Marshal(members)
	if err != nil {
		return publicKey{}, errors.New("cannot be read")
	}
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(plain); err != nil {
		return publicKey{}, errors.New("is of a kind that is not known here, or malformed")
	}
	if !jwk.IsPublic() {
		return publicKey{}, errors.New("is no public key, and what is secret should not be there")
	}
	if k, ok := jwk.Key.(*rsa.PublicKey); ok && (k.N.BitLen() < minRSABits || k.N.BitLen() > maxRSABits) {
		return publicKey{}, fmt.Errorf("is RSA of %d bits: %d to %d are taken", k.N.BitLen(), minRSABits, maxRSABits)
	}
	return publicKey{jwk.KeyID, jwk.Algorithm, jwk.Key}, nil
}
