package standin

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const keyID = "key-1"

// keys are one of each kind.
type keys struct {
	ec *ecdsa.PrivateKey
	ed ed25519.PrivateKey
}

func newKeys() keys {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil { // there is no randomness, so nothing can be tried
		panic(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return keys{ec, ed}
}

func (p *Provider) algorithm() string { return cmp.Or(p.quirks.Algorithm, "ES256") }

// signer is how and with what tokens are signed.
func (p *Provider) signer() (jwt.SigningMethod, any) {
	switch p.algorithm() {
	case "EdDSA", "Ed25519":
		return jwt.SigningMethodEdDSA, p.keys.ed
	case "HS256":
		return jwt.SigningMethodHS256, []byte(ClientSecret)
	}
	return jwt.SigningMethodES256, p.keys.ec
}

func (p *Provider) keySet(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := map[string]any{"kid": keyID, "use": "sig"}
	if method, _ := p.signer(); method == jwt.SigningMethodEdDSA {
		key["kty"], key["crv"], key["x"] = "OKP", "Ed25519", encode(p.keys.ed.Public().(ed25519.PublicKey))
	} else if point, err := p.keys.ec.PublicKey.Bytes(); err == nil { // one byte that says what it is, then x and y
		key["kty"], key["crv"], key["x"], key["y"] = "EC", "P-256", encode(point[1:33]), encode(point[33:])
	}
	reply(w, http.StatusOK, map[string]any{"keys": []any{with(key, p.quirks.Key)}})
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// tokens are the answer for a code.
func (p *Provider) tokens(nonce string) map[string]any {
	now := time.Now()
	common := map[string]any{"iss": p.Issuer(), "sub": subject, "aud": ClientID, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix()}
	id := with(common, map[string]any{"nonce": nonce, "name": "Ada", "email": Email, "email_verified": true})
	access := p.keep(rand.Text())
	if p.quirks.Access != nil {
		access = p.sign(nil, with(with(common, map[string]any{"aud": "account", "azp": ClientID}), p.quirks.Access))
	}
	return with(map[string]any{
		"access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": p.sign(p.quirks.Header, with(id, p.quirks.Claims)),
	}, p.quirks.Tokens)
}

func (p *Provider) sign(header, claims map[string]any) string {
	method, key := p.signer()
	token := jwt.NewWithClaims(method, jwt.MapClaims(claims))
	token.Header = with(with(token.Header, map[string]any{"alg": p.algorithm(), "kid": keyID}), header)
	signed, err := token.SignedString(key)
	if err != nil { // a claim that is no JSON: a mistake in the table
		panic(err)
	}
	return p.keep(signed)
}
