package oidc_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"example.com/sidegate/sessionstore/storetest"
)

const (
	clientID     = "sidegate"
	clientSecret = "s3cr:t/with+odd characters"
)

var b64 = base64.RawURLEncoding

// provider is an OpenID provider that can be made to do everything wrong.
type provider struct {
	*httptest.Server
	clock *storetest.Clock

	mu sync.Mutex
	// metadata, keys, header and claims are what it answers with; a claim of
	// the value absent is left out. refreshClaims replaces claims at a refresh.
	metadata, header, claims, info, refreshClaims map[string]any
	published                                     []jose.JSONWebKey
	alg                                           string
	key                                           any
	// rawToken, when set, is the ID token, whatever else is set.
	rawToken string
	// tokens edits the token endpoint's answer.
	tokens func(map[string]any)
	// withoutPKCE takes a code without a verifier.
	withoutPKCE bool
	// handle, when set for a path, answers instead.
	handle map[string]http.HandlerFunc
	// asked counts requests; forms and headers are of the token endpoint's last.
	asked   map[string]int
	form    url.Values
	headers http.Header
	// codes and refresh are what is good: the codes by their request.
	codes   map[string]url.Values
	refresh string
}

// absent is a claim that is left out.
var absent = &struct{}{}

func newProvider(t testing.TB) *provider {
	t.Helper()
	p := &provider{clock: newClock(), alg: "ES256", key: ecKey(), header: map[string]any{"kid": "ec"}, asked: map[string]int{}, codes: map[string]url.Values{}, handle: map[string]http.HandlerFunc{}}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	p.metadata = map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
		"jwks_uri": p.URL + "/keys", "userinfo_endpoint": p.URL + "/userinfo", "end_session_endpoint": p.URL + "/end",
		"id_token_signing_alg_values_supported":          []string{"RS256", "PS256", "ES256", "ES384", "EdDSA", "HS256", "none"},
		"authorization_response_iss_parameter_supported": true,
	}
	p.claims = map[string]any{"name": "Ada", "email": "ada@example.com", "email_verified": true, "sid": "sso-1"}
	p.info = map[string]any{"sub": "ada-1", "groups": []string{"staff"}}
	p.published = []jose.JSONWebKey{{Key: ecKey().Public(), KeyID: "ec", Use: "sig"}}
	return p
}

func (p *provider) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked[r.URL.Path]++
	handle := p.handle[r.URL.Path]
	if r.URL.Path == "/token" {
		r.ParseForm()
		p.form, p.headers = r.PostForm, r.Header.Clone()
	}
	p.mu.Unlock()
	if handle != nil {
		handle(w, r)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		reply(w, 200, p.metadata)
	case "/keys":
		reply(w, 200, jose.JSONWebKeySet{Keys: p.published})
	case "/token":
		p.serveToken(w, r)
	case "/userinfo":
		if r.Header.Get("Authorization") != "Bearer access-secret" {
			reply(w, 401, nil)
			return
		}
		reply(w, 200, p.info)
	default:
		reply(w, 404, nil)
	}
}

func (p *provider) serveToken(w http.ResponseWriter, r *http.Request) {
	answer := map[string]any{"access_token": "access-secret", "token_type": "bearer", "expires_in": 300}
	claims := p.claims
	switch r.PostForm.Get("grant_type") {
	case "authorization_code":
		request := p.codes[r.PostForm.Get("code")]
		delete(p.codes, r.PostForm.Get("code"))
		challenge := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
		if request == nil || !p.withoutPKCE && request.Get("code_challenge") != b64.EncodeToString(challenge[:]) ||
			request.Get("redirect_uri") != r.PostForm.Get("redirect_uri") {
			reply(w, 400, map[string]any{"error": "invalid_grant", "error_description": "<script>code-secret</script>"})
			return
		}
		claims = maps.Clone(claims)
		if _, set := claims["nonce"]; !set {
			claims["nonce"] = request.Get("nonce")
		}
	case "refresh_token":
		if r.PostForm.Get("refresh_token") != p.refresh || p.refresh == "" {
			reply(w, 400, map[string]any{"error": "invalid_grant"})
			return
		}
		p.refresh += "'" // every refresh token is good for once
		if p.refreshClaims != nil {
			claims = p.refreshClaims
		}
	}
	if p.refresh != "" {
		answer["refresh_token"] = p.refresh
	}
	answer["id_token"] = p.idToken(claims)
	if p.tokens != nil {
		p.tokens(answer)
	}
	reply(w, 200, answer)
}

// idToken makes an ID token of sensible claims, with changes.
func (p *provider) idToken(changes map[string]any) string {
	if p.rawToken != "" {
		return p.rawToken
	}
	now := p.clock.Now().Unix()
	return p.sign(p.header, with(map[string]any{"iss": p.URL, "sub": "ada-1", "aud": clientID, "iat": now, "exp": now + 300}, changes))
}

func (p *provider) logoutToken(changes map[string]any) string {
	now := p.clock.Now().Unix()
	return p.sign(with(map[string]any{"typ": "logout+jwt"}, p.header), with(map[string]any{
		"iss": p.URL, "sub": "ada-1", "sid": "sso-1", "aud": clientID, "iat": now, "exp": now + 120, "jti": "jti-1",
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}, changes))
}

func (p *provider) sign(header, claims map[string]any) string {
	head, _ := json.Marshal(with(map[string]any{"alg": p.alg}, header))
	payload, _ := json.Marshal(claims)
	return compact(string(head), string(payload), p.alg, p.key)
}

// with is a copy of m with changes; absent takes a member out.
func with(m, changes map[string]any) map[string]any {
	m = maps.Clone(m)
	maps.Copy(m, changes)
	maps.DeleteFunc(m, func(_ string, value any) bool { return value == any(absent) })
	return m
}

// compact signs by hand, so that header and claims can be any text.
func compact(header, payload, alg string, key any) string {
	input := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString([]byte(payload))
	return input + "." + b64.EncodeToString(signature(input, alg, key))
}

var hashes = map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}

func signature(input, alg string, key any) []byte {
	hash := hashes[alg[max(0, len(alg)-3):]]
	var sum []byte
	if hash != 0 {
		h := hash.New()
		h.Write([]byte(input))
		sum = h.Sum(nil)
	}
	var s []byte
	var err error
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if strings.HasPrefix(alg, "PS") {
			s, err = rsa.SignPSS(rand.Reader, k, hash, sum, nil)
		} else {
			s, err = rsa.SignPKCS1v15(rand.Reader, k, hash, sum)
		}
	case *ecdsa.PrivateKey:
		r, q, e := ecdsa.Sign(rand.Reader, k, sum)
		size := (k.Curve.Params().BitSize + 7) / 8
		s, err = append(r.FillBytes(make([]byte, size)), q.FillBytes(make([]byte, size))...), e
	case ed25519.PrivateKey:
		s = ed25519.Sign(k, []byte(input))
	case []byte:
		mac := hmac.New(sha256.New, k)
		mac.Write([]byte(input))
		s = mac.Sum(nil)
	}
	if err != nil {
		panic(err)
	}
	return s
}

// authorize is the person's consent: what the browser brings to the callback.
func (p *provider) authorize(t testing.TB, location string) url.Values {
	t.Helper()
	u, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	code := fmt.Sprintf("code-secret-%d", len(p.codes))
	p.codes[code] = u.Query()
	return url.Values{"code": {code}, "state": {u.Query().Get("state")}, "iss": {p.URL}}
}

// on lets f answer requests for the path.
func (p *provider) on(path string, f http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handle[path] = f
}

func (p *provider) count(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[path]
}

const discoveryPath = "/.well-known/openid-configuration"

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

// says answers with a text.
func says(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, text)
	}
}

var (
	ecKey    = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	otherKey = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	bigKey   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) })
	rsaKey   = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	shortKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 1024)) })
	edKey    = sync.OnceValue(newEdKey)
)

func newEdKey() ed25519.PrivateKey {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return must(key, err)
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
