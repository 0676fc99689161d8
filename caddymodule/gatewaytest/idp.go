package gatewaytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// IDP is a small OpenID provider: enough for what the gateway does around a
// sign-in. A real one, and all that can be wrong with tokens, is tested
// elsewhere.
type IDP struct {
	*httptest.Server
	key *ecdsa.PrivateKey

	mu     sync.Mutex
	claims map[string]any // of the ID token; nil leaves a claim out
	codes  map[string]url.Values
	status map[string]int // of endpoints that fail, by path
	form   url.Values     // what the token endpoint was last sent
	asked  map[string]int // requests, by path
	given  int            // codes
	gives  func(n int) map[string]any
	stays  bool // it has no sign-out
}

// NoEndSession is the provider without a sign-out of its own.
func (p *IDP) NoEndSession() *IDP {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stays = true
	return p
}

// NewIDP runs one until the test ends. Who signs in there is Ada.
func NewIDP(t testing.TB) *IDP {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &IDP{key: key, codes: make(map[string]url.Values), status: make(map[string]int), asked: make(map[string]int)}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	p.says(map[string]any{"sub": "ada-1", "sid": "sso-1", "name": "Ada", "email": Ada, "email_verified": true})
	return p
}

// says is what the provider says of who signs in from now on.
func (p *IDP) says(claims map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.claims = claims
}

// But is the provider saying so for the test's duration, with these changes.
func (p *IDP) But(t testing.TB, changes map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.claims
	p.claims = maps.Clone(before)
	maps.Copy(p.claims, changes)
	t.Cleanup(func() { p.says(before) })
}

// Fails has an endpoint answer with that status for the test's duration.
func (p *IDP) Fails(t testing.TB, path string, status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status[path] = status
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.status, path)
	})
}

// Gives has the token endpoint's n-th answer, counted from 1, say that too; nil
// leaves a member out. An "error" refuses what was asked.
func (p *IDP) Gives(more func(n int) map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gives = more
}

// Count is how many requests there were to that path.
func (p *IDP) Count(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[path]
}

func (p *IDP) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked[r.URL.Path]++
	w.Header().Set("Content-Type", "application/json")
	if status := p.status[r.URL.Path]; status != 0 {
		w.WriteHeader(status)
		fmt.Fprint(w, `{"error":"invalid_client","error_description":"<script>canary</script>"}`)
		return
	}
	answer := map[string]any{}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		answer = map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
			"jwks_uri": p.URL + "/keys", "end_session_endpoint": p.URL + "/end",
			"id_token_signing_alg_values_supported": []string{"ES256"},
		}
		if p.stays {
			delete(answer, "end_session_endpoint")
		}
	case "/keys":
		b64 := base64.RawURLEncoding
		point, _ := p.key.PublicKey.Bytes()
		answer["keys"] = []map[string]string{{"kty": "EC", "crv": "P-256", "kid": "k", "use": "sig",
			"x": b64.EncodeToString(point[1:33]), "y": b64.EncodeToString(point[33:])}}
	case "/token":
		if !p.serveToken(r, answer) {
			w.WriteHeader(http.StatusBadRequest)
		}
	case "/authorize", "/end":
		p.show(w, r.URL.Query())
		return
	default:
		w.WriteHeader(http.StatusNotFound)
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// serveToken answers a code, which is good for once, and any refresh token.
func (p *IDP) serveToken(r *http.Request, answer map[string]any) bool {
	_ = r.ParseForm()
	p.form = r.PostForm
	claims := maps.Clone(p.claims)
	if code := r.PostForm.Get("code"); r.PostForm.Get("grant_type") == "authorization_code" {
		request, good := p.codes[code]
		delete(p.codes, code)
		if !good || request.Get("redirect_uri") != r.PostForm.Get("redirect_uri") {
			answer["error"] = "invalid_grant"
			return false
		}
		claims["nonce"] = request.Get("nonce")
	}
	maps.Copy(answer, map[string]any{"access_token": "access-secret", "token_type": "Bearer", "expires_in": 300})
	answer["id_token"] = p.Sign("JWT", claims)
	if p.gives != nil {
		maps.Copy(answer, p.gives(p.asked[r.URL.Path]))
		maps.DeleteFunc(answer, func(_ string, value any) bool { return value == nil })
	}
	return answer["error"] == nil
}

// Sign makes a token of sensible claims, with changes.
func (p *IDP) Sign(typ string, changes map[string]any) string {
	claims := jwt.MapClaims{"iss": p.URL, "aud": "sidegate", "iat": time.Now().Unix(), "exp": time.Now().Unix() + 300}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	token := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	token.Header["kid"], token.Header["typ"] = "k", typ
	raw, err := token.SignedString(p.key)
	if err != nil {
		panic(err)
	}
	return raw
}

// LogoutToken is the provider's word that a session has ended.
func (p *IDP) LogoutToken(changes map[string]any) string {
	claims := map[string]any{
		"jti": rand.Text(), "events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	maps.Copy(claims, changes)
	return p.Sign("logout+jwt", claims)
}

// Consent is the person's at the provider: it returns where the browser is
// sent back to, with path and query alone.
func (p *IDP) Consent(t testing.TB, location string) string {
	t.Helper()
	u, err := url.Parse(location)
	if err != nil || !strings.HasPrefix(location, p.URL+"/authorize?") {
		t.Fatalf("that is not the way to the provider: %q", location)
	}
	back, err := url.Parse(u.Query().Get("redirect_uri"))
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return back.Path + "?" + p.answer(u.Query())
}

// answer is the query that who has asked so is sent back with.
func (p *IDP) answer(asked url.Values) string {
	p.given++
	code := fmt.Sprintf("code-%d", p.given)
	p.codes[code] = asked
	return url.Values{"code": {code}, "state": {asked.Get("state")}}.Encode()
}

// show is what a browser sees there: a page with a link that leads back.
func (p *IDP) show(w http.ResponseWriter, asked url.Values) {
	back := asked.Get("post_logout_redirect_uri")
	if to := asked.Get("redirect_uri"); to != "" {
		back = to + "?" + p.answer(asked)
	}
	w.Header().Set("Content-Type", "text/html")
	fmt.Fprintf(w, `<!doctype html><title>Provider</title><link rel="icon" href="data:,"><h1>The provider</h1><a id="back" href="%s">Go on</a>`, html.EscapeString(back))
}

// Login is the provider as a login of that name; lines are further options.
func (p *IDP) Login(name, lines string) string {
	return "login oidc " + name + " {\nissuer " + p.URL + "\nclient_id sidegate\nclient_secret hush\n" + lines + "\n}\n"
}
