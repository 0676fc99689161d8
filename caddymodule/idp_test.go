package caddymodule_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// idp is a small OpenID provider: enough for what the gateway does around a
// sign-in. A real one, and all that can be wrong with tokens, is tested
// elsewhere.
type idp struct {
	*httptest.Server
	key *ecdsa.PrivateKey

	mu     sync.Mutex
	claims map[string]any // of the ID token; nil leaves a claim out
	codes  map[string]url.Values
	status map[string]int // of endpoints that fail, by path
	form   url.Values     // what the token endpoint was last sent
	asked  map[string]int // requests, by path
	given  int            // codes
}

func newIDP(t testing.TB) *idp {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &idp{key: key, codes: make(map[string]url.Values), status: make(map[string]int), asked: make(map[string]int)}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	p.says(map[string]any{"sub": "ada-1", "sid": "sso-1", "name": "Ada", "email": ada, "email_verified": true})
	return p
}

// says is what the provider says of who signs in from now on.
func (p *idp) says(claims map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.claims = claims
}

// but is the provider saying so for the test's duration, with these changes.
func (p *idp) but(t testing.TB, changes map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.claims
	p.claims = maps.Clone(before)
	maps.Copy(p.claims, changes)
	t.Cleanup(func() { p.says(before) })
}

// fails has an endpoint answer with that status for the test's duration.
func (p *idp) fails(t testing.TB, path string, status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status[path] = status
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.status, path)
	})
}

func (p *idp) count(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[path]
}

func (p *idp) serve(w http.ResponseWriter, r *http.Request) {
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
	case "/keys":
		b64 := base64.RawURLEncoding
		point, _ := p.key.PublicKey.Bytes()
		answer["keys"] = []map[string]string{{"kty": "EC", "crv": "P-256", "kid": "k", "use": "sig",
			"x": b64.EncodeToString(point[1:33]), "y": b64.EncodeToString(point[33:])}}
	case "/token":
		if !p.serveToken(r, answer) {
			w.WriteHeader(http.StatusBadRequest)
		}
	default:
		w.WriteHeader(http.StatusNotFound)
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// serveToken answers a code, which is good for once, and any refresh token.
func (p *idp) serveToken(r *http.Request, answer map[string]any) bool {
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
	answer["id_token"] = p.sign("JWT", claims)
	return true
}

// sign makes a token of sensible claims, with changes.
func (p *idp) sign(typ string, changes map[string]any) string {
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

// logoutToken is the provider's word that a session has ended.
func (p *idp) logoutToken(changes map[string]any) string {
	claims := map[string]any{
		"jti": rand.Text(), "events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	maps.Copy(claims, changes)
	return p.sign("logout+jwt", claims)
}

// consent is the person's at the provider: it returns where the browser is
// sent back to, with path and query alone.
func (p *idp) consent(t testing.TB, location string) string {
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
	p.given++
	code := fmt.Sprintf("code-%d", p.given)
	p.codes[code] = u.Query()
	return back.Path + "?" + url.Values{"code": {code}, "state": {u.Query().Get("state")}}.Encode()
}

// login is the provider as a login of that name; lines are further options.
func (p *idp) login(name, lines string) string {
	return "login oidc " + name + " {\nissuer " + p.URL + "\nclient_id sidegate\nclient_secret hush\n" + lines + "\n}\n"
}

// startWithoutForm runs a gateway without the users file's login, and so
// without a form.
func startWithoutForm(t testing.TB, c site) *server {
	t.Helper()
	return startEdited(t, c, func(caddyfile string, _ int) string {
		before, after, _ := strings.Cut(caddyfile, "login users ")
		_, after, _ = strings.Cut(after, "\n")
		return before + after
	})
}

// surfer is a browser with a jar: it has any number of cookies, in the order
// in which they came, and shows no credential that it was not given.
type surfer struct {
	*client
	jar []string // name=value
}

func (s *server) surfer(t testing.TB) *surfer { return &surfer{client: s.client(t)} }

// at is the same browser at another server, or in another test.
func (b *surfer) at(t testing.TB, s *server) *surfer {
	return &surfer{client: &client{t: t, server: s}, jar: slices.Clone(b.jar)}
}

func (b *surfer) do(method, path, body string, header ...string) answer {
	b.t.Helper()
	b.cookie = strings.Join(b.jar, "; ")
	a := b.client.do(method, path, body, header...)
	for _, set := range a.Cookies() {
		b.jar = slices.DeleteFunc(b.jar, func(pair string) bool { return strings.HasPrefix(pair, set.Name+"=") })
		if set.MaxAge >= 0 {
			b.jar = append(b.jar, set.Name+"="+set.Value)
		}
	}
	return a
}

// open follows a link, as a person does.
func (b *surfer) open(path string, header ...string) answer {
	b.t.Helper()
	return b.do(http.MethodGet, path, "", append([]string{"Accept", "text/html", "Sec-Fetch-Mode", "navigate"}, header...)...)
}

// submit sends a page's form.
func (b *surfer) submit(path string, form url.Values) answer {
	b.t.Helper()
	return b.do(http.MethodPost, path, form.Encode(), "Content-Type", asForm, "Accept", "text/html",
		"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin")
}

// begin goes to the provider by that login, and comes back as far as the
// callback's address.
func (b *surfer) begin(p *idp, name, returnTo string) (callback string) {
	b.t.Helper()
	path := "/auth/login/" + name
	if returnTo != "" {
		path += "?return_to=" + url.QueryEscape(returnTo)
	}
	return p.consent(b.t, b.open(path).want(b.t, http.StatusSeeOther).Header.Get("Location"))
}

// signInAt goes the whole way.
func (b *surfer) signInAt(p *idp, name string) answer {
	b.t.Helper()
	return b.open(b.begin(p, name, "")).want(b.t, http.StatusSeeOther)
}

// attempts are the names of the attempts' cookies in the jar.
func (b *surfer) attempts() []string {
	var names []string
	for _, pair := range b.jar {
		if name, _, _ := strings.Cut(pair, "="); strings.Contains(name, "attempt") {
			names = append(names, name)
		}
	}
	return names
}

// session is who the browser is signed in as.
func (b *surfer) wantSignedIn(t testing.TB, email string) {
	t.Helper()
	a := b.do(http.MethodGet, "/auth/session", "").want(t, http.StatusOK)
	if got := a.session(t).Email; got != email {
		t.Errorf("signed in as %s; want %s", got, email)
	}
}

func (b *surfer) wantSignedOut(t testing.TB) {
	t.Helper()
	b.do(http.MethodGet, "/auth/session", "").want(t, http.StatusUnauthorized)
}

// portOf is where the server listens.
func portOf(t testing.TB, s *server) int {
	t.Helper()
	u, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
