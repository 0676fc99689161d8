package provider

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"example.com/sidegate/deploy/providertest/fault"
)

// JWT is a token that is not signed yet, for tests to forge.
type JWT struct {
	// Header holds alg, kid and typ; its alg chooses how Key signs.
	Header map[string]any
	Claims map[string]any
	// Key signs: a private key for its alg, a []byte for HS256, anything for
	// none. It begins as the provider's.
	Key any
}

// NewJWT is a token of that type and those claims, which the provider's key
// will sign.
func (p *Provider) NewJWT(typ string, claims map[string]any) *JWT {
	k := p.store.signingKey()
	return &JWT{
		Header: map[string]any{"alg": string(k.algorithm), "kid": k.id, "typ": typ},
		Claims: maps.Clone(claims),
		Key:    k.private,
	}
}

// Sign is the token in its compact form.
func (t *JWT) Sign() (string, error) {
	alg, _ := t.Header["alg"].(string)
	method := jwt.GetSigningMethod(alg)
	if method == nil {
		return "", fmt.Errorf("no way to sign with alg %q", alg)
	}
	with := t.Key
	if alg == "none" {
		with = jwt.UnsafeAllowNoneSignatureType
	}
	return (&jwt.Token{Header: t.Header, Claims: jwt.MapClaims(t.Claims), Method: method}).SignedString(with)
}

// PublicKeyPEM is the public half of the signing key, which a careless client
// takes for the secret of HS256 (RFC 8725 section 2.1).
func (p *Provider) PublicKeyPEM() ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(p.store.signingKey().private.Public())
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), err
}

// ForgedIDToken is a fault for Token and Refresh that changes the ID token of
// an answer and signs it anew.
func (p *Provider) ForgedIDToken(change func(*JWT)) fault.Fault {
	return fault.Rewrite(func(_ *http.Request, a *fault.Answer) {
		if err := p.forge(a, change); err != nil {
			a.Status, a.Body = http.StatusInternalServerError, []byte(err.Error())
		}
	})
}

// WrongClaim is a ForgedIDToken with one claim changed, and left out if the
// value is nil. Times are seconds since 1970.
func (p *Provider) WrongClaim(name string, value any) fault.Fault {
	return p.ForgedIDToken(func(t *JWT) {
		t.Claims[name] = value
		if value == nil {
			delete(t.Claims, name)
		}
	})
}

// forge leaves answers without an ID token, such as errors, as they are.
func (p *Provider) forge(a *fault.Answer, change func(*JWT)) error {
	var answer map[string]any
	if err := json.Unmarshal(a.Body, &answer); err != nil {
		return err
	}
	raw, ok := answer["id_token"].(string)
	if !ok {
		return nil
	}
	claims, err := claimsOf(raw)
	if err != nil {
		return err
	}
	t := p.NewJWT("JWT", claims)
	change(t)
	if answer["id_token"], err = t.Sign(); err != nil {
		return err
	}
	a.Body, err = json.Marshal(answer)
	return err
}

// claimsOf reads a token without a look at its signature.
func claimsOf(raw string) (map[string]any, error) {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return nil, errors.New("not a JWT")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, err
	}
	var claims map[string]any
	decoder := json.NewDecoder(strings.NewReader(string(payload)))
	decoder.UseNumber() // so that times stay whole
	err = decoder.Decode(&claims)
	return claims, err
}
