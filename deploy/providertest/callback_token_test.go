package providertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"example.com/sidegate/caddymodule/web"
	"example.com/sidegate/deploy/providertest/fault"
	"example.com/sidegate/deploy/providertest/provider"
)

// forgery is an answer of the token or userinfo endpoint that must not be
// taken.
type forgery struct {
	name    string
	fault   fault.Fault
	status  int
	failure web.Failure
}

// wantNoneTaken signs in with each forgery in the provider's way.
func wantNoneTaken(t *testing.T, s *shop, at provider.Endpoint, forgeries []forgery) {
	t.Helper()
	for _, f := range forgeries {
		t.Run(f.name, func(t *testing.T) {
			s.provider.At(at).Break(f.fault)
			defer s.provider.At(at).Mend()
			v := provider.NewVisitor(adaAddress)
			wantFailure(t, mustVisit(t, v, s.URL+"/auth/login/keycloak"), f.status, f.failure)
			wantStranger(t, v, s.Process)
		})
	}
}

// Each case is signed with the provider's own key.
func TestIDTokensWithWrongClaimsAreRefused(t *testing.T) {
	t.Parallel()
	s := openShop(t, provider.Config{})
	p, now := s.provider, time.Now()
	past, future := now.Add(-time.Hour).Unix(), now.Add(time.Hour).Unix()
	wantNoneTaken(t, s, provider.Token, []forgery{
		{"nonce of another attempt", p.WrongClaim("nonce", "another-attempt"), 400, web.Forged},
		{"nonce missing", p.WrongClaim("nonce", nil), 401, web.Misconfigured},
		{"nonce empty", p.WrongClaim("nonce", ""), 400, web.Forged},
		{"iss of another provider", p.WrongClaim("iss", "https://other.example.com"), 401, web.Misconfigured},
		{"iss with a slash at its end", p.WrongClaim("iss", p.Issuer()+"/"), 401, web.Misconfigured},
		{"iss missing", p.WrongClaim("iss", nil), 401, web.Misconfigured},
		{"aud of another client", p.WrongClaim("aud", "other"), 401, web.Misconfigured},
		{"aud of other clients", p.WrongClaim("aud", []string{"other", "third"}), 401, web.Misconfigured},
		{"aud missing", p.WrongClaim("aud", nil), 401, web.Misconfigured},
		{"aud of ours among others, without azp", p.ForgedIDToken(func(f *provider.JWT) {
			f.Claims["aud"] = []string{"shop", "other"}
			delete(f.Claims, "azp")
		}), 401, web.Misconfigured},
		{"azp of another client", p.WrongClaim("azp", "other"), 401, web.Misconfigured},
		{"expired", p.WrongClaim("exp", past), 401, web.Clock},
		{"exp missing", p.WrongClaim("exp", nil), 401, web.Misconfigured},
		{"exp that is no date", p.WrongClaim("exp", "tomorrow"), 401, web.Misconfigured},
		{"iat in the future", p.WrongClaim("iat", future), 401, web.Clock},
		{"iat missing", p.WrongClaim("iat", nil), 401, web.Misconfigured},
		{"nbf in the future", p.WrongClaim("nbf", future), 401, web.Clock},
		{"sub missing", p.WrongClaim("sub", nil), 401, web.Misconfigured},
		{"sub that is a number", p.WrongClaim("sub", 1), 401, web.Misconfigured},
		{"at_hash of another access token", p.WrongClaim("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), 401, web.Misconfigured},
		{"at_hash that is no text", p.WrongClaim("at_hash", 1), 401, web.Misconfigured},
	})
	t.Run("but the same token, signed anew, is taken", func(t *testing.T) {
		p.At(provider.Token).Break(p.ForgedIDToken(func(*provider.JWT) {}))
		signedIn(t, s.Process, "keycloak", adaAddress)
	})
}

// Each case is a token that somebody made who is not the provider, or of
// another kind (RFC 8725 sections 2 and 3).
func TestIDTokensThatTheProviderDidNotSignAreRefused(t *testing.T) {
	t.Parallel()
	s := openShop(t, provider.Config{})
	p := s.provider
	signedIn(t, s.Process, "keycloak", adaAddress) // its keys are known by now
	var fetched atomic.Int64
	evil := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { fetched.Add(1) }))
	t.Cleanup(evil.Close)
	pem, err := p.PublicKeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ownRSA, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	header := func(key any, more map[string]any) fault.Fault {
		return p.ForgedIDToken(func(f *provider.JWT) {
			f.Key = key
			for name, value := range more {
				f.Header[name] = value
			}
		})
	}
	jwk := jose.JSONWebKey{Key: own.Public(), KeyID: "mine", Algorithm: "ES256", Use: "sig"}
	forgeries := []forgery{
		{"alg none", header(nil, map[string]any{"alg": "none"}), 0, 0},
		{"HS256 with the public key as its secret", header(pem, map[string]any{"alg": "HS256"}), 0, 0},
		{"HS256 with the client secret", header([]byte(s.client.Secret), map[string]any{"alg": "HS256"}), 0, 0},
		{"a key of another kind under the name of the provider's", header(ownRSA, map[string]any{"alg": "RS256"}), 0, 0},
		{"a key in its header", header(own, map[string]any{"kid": "mine", "jwk": jwk}), 0, 0},
		{"a kid that is no text", header(own, map[string]any{"kid": 1}), 0, 0},
		{"an extension that must be understood", p.ForgedIDToken(func(f *provider.JWT) { f.Header["crit"], f.Header["exp"] = []string{"exp"}, 1 }), 0, 0},
		{"the type of a logout token", p.ForgedIDToken(func(f *provider.JWT) { f.Header["typ"] = "logout+jwt" }), 0, 0},
		{"the type of an access token", p.ForgedIDToken(func(f *provider.JWT) { f.Header["typ"] = "at+jwt" }), 0, 0},
		{"no signature", fault.JSON(func(answer map[string]any) {
			id := answer["id_token"].(string)
			answer["id_token"] = id[:strings.LastIndex(id, ".")+1]
		}), 0, 0},
		{"nothing at all", fault.JSON(func(answer map[string]any) { delete(answer, "id_token") }), 0, 0},
		{"a token endpoint's answer of another type", fault.JSON(func(answer map[string]any) { answer["token_type"] = "DPoP" }), 0, 0},
	}
	for i := range forgeries {
		forgeries[i].status, forgeries[i].failure = http.StatusUnauthorized, web.Misconfigured
	}
	wantNoneTaken(t, s, provider.Token, forgeries)
	// Each makes the gateway ask for the keys again, which it does once in ten
	// seconds; in between nobody can tell.
	for name, more := range map[string]map[string]any{
		"another key under the name of the provider's": nil,
		"the address of a key in its header":           {"jku": evil.URL, "x5u": evil.URL},
		"a kid that nobody knows":                      {"kid": "mine"},
	} {
		s := openShop(t, provider.Config{})
		forged := s.provider.ForgedIDToken(func(f *provider.JWT) {
			f.Key = own
			maps.Copy(f.Header, more)
		})
		wantNoneTaken(t, s, provider.Token, []forgery{{name, forged, http.StatusUnauthorized, web.Misconfigured}})
	}
	if n := fetched.Load(); n != 0 {
		t.Errorf("%d addresses of the token's were asked", n)
	}
}

// What the userinfo endpoint says is about the ID token's subject, or nobody.
func TestUserInfoOfSomebodyElseIsRefused(t *testing.T) {
	t.Parallel()
	s := openShop(t, provider.Config{})
	wantNoneTaken(t, s, provider.UserInfo, []forgery{
		{"another subject", fault.JSON(func(info map[string]any) { info["sub"] = "f3a1c0de-0002" }), 401, web.Misconfigured},
		{"no subject", fault.JSON(func(info map[string]any) { delete(info, "sub") }), 401, web.Misconfigured},
		{"a page", fault.HTML(), 401, web.Misconfigured},
		{"401", fault.Status(401), 401, web.Misconfigured},
		{"503", fault.Status(503), 503, web.ProviderAway},
	})
}
