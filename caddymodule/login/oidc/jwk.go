package oidc

import (
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// parseKey reads one key. There is none, and no error, where it is for something
// else. What a certificate would say of it (x5c and its kin, RFC 7517 section
// 4.7) is not looked at: no chain is checked here, and many a provider gets
// those wrong whose keys are sound. odd tells of other members that were not
// looked at, or are read as they are meant.
func parseKey(raw json.RawMessage) (key publicKey, odd []string, err error) {
	var k jwk
	if err := json.Unmarshal(raw, &k.members); err != nil || k.members == nil {
		return publicKey{}, nil, errors.New("is no JSON object")
	}
	if wanted, err := k.forSignatures(); !wanted {
		return publicKey{}, nil, err
	}
	if err := k.mayVerify(); err != nil {
		return publicKey{}, nil, err
	}
	for _, name := range []string{"use", "key_ops", "x5u", "x5c", "x5t", "x5t#S256"} {
		delete(k.members, name)
	}
	k.tidyNames()
	k.tidyNumbers()
	plain, err := json.Marshal(k.members)
	if err != nil {
		return publicKey{}, nil, errors.New("cannot be read")
	}
	key, err = readKey(plain)
	return key, k.odd, err
}

func readKey(plain []byte) (publicKey, error) {
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

// jwk is a key that is being read.
type jwk struct {
	members map[string]json.RawMessage
	odd     []string
}

// value is a member; nil when it is null or not there.
func (k *jwk) value(name string) (value any) {
	_ = json.Unmarshal(k.members[name], &value)
	return value
}

// forSignatures reads use. One that says nothing is for anything, and so is one that
// nobody can read. The error tells of a use that is neither of those that there are,
// sig and enc (RFC 7517 section 4.2).
func (k *jwk) forSignatures() (bool, error) {
	uses, list := k.value("use").([]any)
	if !list {
		uses = []any{k.value("use")}
	}
	var others []string
	for _, use := range uses {
		text, ok := use.(string)
		switch {
		case strings.EqualFold(text, "sig"), text == "":
			if use != nil && !ok {
				k.odd = append(k.odd, "has a use that is "+found(use)+", which is not looked at")
			}
			return true, nil
		case !strings.EqualFold(text, "enc"):
			others = append(others, shown(text))
		}
	}
	if others != nil {
		return false, errors.New("has the use " + strings.Join(others, ", ") + ", which is not sig, so it is left out")
	}
	return len(uses) == 0, nil
}

// tidyNames reads kid and alg. A number is a name, too; what is no name at all is
// not looked at, for a key without them is one for any token.
func (k *jwk) tidyNames() {
	for _, name := range []string{"kid", "alg"} {
		switch value := k.value(name).(type) {
		case nil:
			continue
		case string:
			if name == "alg" {
				k.tidyAlgorithm(value)
			}
			continue
		case float64:
			if name == "kid" {
				k.members[name] = json.RawMessage(`"` + string(k.members[name]) + `"`)
				continue
			}
			k.drop(name, value)
		default:
			k.drop(name, value)
		}
	}
}

// tidyAlgorithm takes one in other letters for what it means.
func (k *jwk) tidyAlgorithm(written string) {
	for _, alg := range append(slices.Clone(algorithms), ed25519Name) {
		if strings.EqualFold(written, string(alg)) && written != string(alg) {
			k.members["alg"] = json.RawMessage(`"` + string(alg) + `"`)
		}
	}
}

// mayVerify is the error of a key whose key_ops tell that it is for something else
// (RFC 7517 section 4.3). Where use says so, that counts.
func (k *jwk) mayVerify() error {
	ops, list := k.value("key_ops").([]any)
	if text, lone := k.value("key_ops").(string); lone && text != "" {
		ops, list = []any{text}, true
	}
	if !list || k.says("use") {
		return nil
	}
	if !slices.ContainsFunc(ops, func(op any) bool { text, _ := op.(string); return strings.EqualFold(text, "verify") }) {
		return errors.New("has key_ops without verify, so it is left out")
	}
	return nil
}

// says reports whether a member is there and says something.
func (k *jwk) says(name string) bool {
	value := k.value(name)
	return value != nil && value != any("")
}

func (k *jwk) drop(name string, value any) {
	k.odd = append(k.odd, "has the "+name+" "+found(value)+", which is not looked at")
	delete(k.members, name)
}

// toURLAlphabet takes the alphabet of base64 for that of base64url.
var toURLAlphabet = strings.NewReplacer("+", "-", "/", "_")

// tidyNumbers takes numbers in base64 with its padding for base64url without, as
// they should be (RFC 7518 section 2): there is one number that either can mean.
func (k *jwk) tidyNumbers() {
	for _, name := range []string{"n", "e", "x", "y"} {
		text, ok := k.value(name).(string)
		if !ok {
			continue
		}
		if tidy, err := json.Marshal(toURLAlphabet.Replace(strings.TrimRight(text, "="))); err == nil {
			k.members[name] = tidy
		}
	}
}
