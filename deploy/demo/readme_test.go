package demo_test

import (
	"crypto/ecdsa"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"example.com/sidegate/caddymodule/refusal"
)

// block returns the first code block of the README in that language.
func block(t *testing.T, language string) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\n```"+language+"\n")
	code, _, closed := strings.Cut(rest, "```\n")
	if !found || !closed {
		t.Fatalf("the README has no block of %s", language)
	}
	return code
}

func TestTheSessionInTheREADMEIsThatOfTheDemo(t *testing.T) {
	demo, err := os.ReadFile("../../Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	config := strings.NewReplacer("deploy/demo/users.yaml", "users.yaml", ":8081", ":"+freePort(t),
		"storage file_system .demo", "", "store embedded .demo/sessions.db", "").Replace(string(demo))
	told, got := decode(t, block(t, "json")), signIn(t, start(t, config, "http://localhost:8080, http://127.0.0.1:8080"))
	head, _, _ := strings.Cut(told["token"].(string), "...")
	if token, _ := got["token"].(string); !strings.HasPrefix(token, head) {
		t.Errorf("the token begins otherwise: %.32s", token)
	}
	delete(told, "token")
	delete(got, "token")
	if !reflect.DeepEqual(told, got) {
		t.Errorf("the README has\n%v\nthe demo answers\n%v", told, got)
	}
}

// Each verifier of the README takes the assertion that the gateway of the
// README brings to an app behind it, and refuses what only looks like it.
func TestTheVerifiersInTheREADME(t *testing.T) {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Header.Get("X-Session-Assertion"))
	}))
	t.Cleanup(app.Close)
	key := newKey(t)
	origin := start(t, strings.NewReplacer(
		"users.yaml\n", "users.yaml\ncookie {\ninsecure\n}\ntoken {\nsigning_key "+writeKey(t, key)+"\n}\n",
		"session_auth {\n", "session_auth {\nassertion host\n",
		"127.0.0.1:8000", strings.TrimPrefix(app.URL, "http://"),
	).Replace(block(t, "caddyfile")), "app.example.com")
	token := signIn(t, origin)["token"].(string)
	// A busy machine takes longer for all of it than an assertion lives.
	fresh := func() string { return ask(t, http.MethodGet, origin+"/", token, "") }
	for language, build := range verifiers {
		t.Run(language, func(t *testing.T) {
			who, own := build(t, at(t, language, origin)), fresh()
			for name, assertion := range good(t, key, own) {
				t.Run(name, func(t *testing.T) { who.takes(t, assertion) })
			}
			for name, assertion := range bad(t, key, own, token) {
				t.Run(name, func(t *testing.T) { who.refuses(t, assertion) })
			}
			t.Run("does without keys until they can be had", func(t *testing.T) {
				keys := newKeyServer(t, origin, 1)
				who, own := build(t, at(t, language, keys.URL)), fresh()
				printed := who.run(t, own, aMinuteLater, own)
				if len(printed) != 2 || !strings.HasPrefix(printed[0], unknown) || printed[1] != taken {
					t.Errorf("it printed %q", printed)
				}
			})
			t.Run("tells an outage from a refusal", func(t *testing.T) {
				keys := newKeyServer(t, origin, 0)
				keys.Close()
				own := fresh()
				other := parse(t, own).headed("kid", "another").sign(t, jwt.SigningMethodES256, key)
				for _, line := range build(t, at(t, language, keys.URL)).run(t, own, aMinuteLater, other) {
					if !strings.HasPrefix(line, unknown) {
						t.Errorf("it printed %q", line)
					}
				}
			})
			t.Run("asks for keys as often as the README says", func(t *testing.T) {
				keys := newKeyServer(t, origin, 0)
				who := build(t, at(t, language, keys.URL))
				want := map[string]int64{"go": 5, "python": 5, "js": 2}[language]
				var asked int64
				// Go's library lets who comes at the same moment share an answer, and on a busy
				// machine that moment lasts: it may ask less often, and never more.
				for tries := 0; tries < 20 && (tries == 0 || asked < want); tries++ {
					own := fresh()
					other := parse(t, own).headed("kid", "another").sign(t, jwt.SigningMethodES256, key)
					before := keys.asked.Load()
					printed := who.run(t, own, other, other, other, aMinuteLater, other, own)
					if len(printed) != 6 || printed[0] != taken || printed[5] != taken {
						t.Errorf("it printed %q", printed)
					}
					asked = keys.asked.Load() - before
				}
				if asked != want {
					t.Errorf("it asked %d times; want %d", asked, want)
				}
			})
		})
	}
}

// at is the README's verifier, with the gateway at that origin.
func at(t *testing.T, language, origin string) string {
	t.Helper()
	gateway, err := url.Parse(origin)
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer("https://app.example.com", origin, "app.example.com", gateway.Hostname()).Replace(block(t, language))
}

// keyServer answers as the gateway does, but for the first questions.
type keyServer struct {
	*httptest.Server
	asked atomic.Int64
}

// newKeyServer has the gateway at that origin, which cannot tell so often first.
func newKeyServer(t *testing.T, origin string, failures int64) *keyServer {
	t.Helper()
	s := new(keyServer)
	gateway, err := url.Parse(origin)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(gateway)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.asked.Add(1) <= failures {
			refusal.Unavailable.WriteJSON(w)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// good are the gateway's own assertion, and one that was signed here in the
// same way: so what is refused is refused for what is changed in it.
func good(t *testing.T, key *ecdsa.PrivateKey, own string) map[string]string {
	return map[string]string{
		"takes the gateway's":                  own,
		"takes one signed as the gateway does": parse(t, own).sign(t, jwt.SigningMethodES256, key),
	}
}

// bad are others, each of which differs from the gateway's in one thing.
func bad(t *testing.T, key *ecdsa.PrivateKey, own, sessionToken string) map[string]string {
	a := parse(t, own)
	es256 := func(a assertion) string { return a.sign(t, jwt.SigningMethodES256, key) }
	parts, forged := strings.Split(own, "."), strings.Split(es256(a.with("email", "grace@example.com")), ".")
	return map[string]string{
		"refuses one that was altered":              parts[0] + "." + forged[1] + "." + parts[2],
		"refuses one that has expired":              es256(a.with("exp", time.Now().Add(-2*time.Minute).Unix())),
		"refuses one without an end":                es256(a.with("exp", nil)),
		"refuses one for another audience":          es256(a.with("aud", "orders")),
		"refuses one of another issuer":             es256(a.with("iss", "https://elsewhere.example.com")),
		"refuses a session token":                   sessionToken,
		"refuses another type of token":             es256(a.headed("typ", "JWT")),
		"refuses a key that nobody published":       es256(a.headed("kid", "another")),
		"refuses one signed with another key":       a.sign(t, jwt.SigningMethodES256, newKey(t)),
		"refuses one signed with the public key":    a.sign(t, jwt.SigningMethodHS256, publicPEM(t, key)),
		"refuses one that is not signed":            a.sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType),
		"refuses what is no JWT":                    "ada@example.com",
		"refuses one without its signature":         parts[0] + "." + parts[1],
		"refuses one that is cut short":             parts[0],
		"refuses one of nothing but dots":           "..",
		"refuses one whose header is null":          "bnVsbA." + parts[1] + "." + parts[2],
		"refuses nothing, as without the assertion": "",
	}
}

// assertion is one taken apart, to be changed and signed anew.
type assertion struct {
	header map[string]any
	claims jwt.MapClaims
}

func parse(t *testing.T, raw string) assertion {
	t.Helper()
	a := assertion{claims: jwt.MapClaims{}}
	token, _, err := jwt.NewParser().ParseUnverified(raw, a.claims)
	if err != nil {
		t.Fatalf("the app was brought %q: %v", raw, err)
	}
	a.header = token.Header
	return a
}

// with exchanges a claim, or leaves it out for nil.
func (a assertion) with(claim string, value any) assertion {
	a.claims = maps.Clone(a.claims)
	if a.claims[claim] = value; value == nil {
		delete(a.claims, claim)
	}
	return a
}

// headed exchanges a member of the header.
func (a assertion) headed(member string, value any) assertion {
	a.header = maps.Clone(a.header)
	a.header[member] = value
	return a
}

func (a assertion) sign(t *testing.T, method jwt.SigningMethod, key any) string {
	t.Helper()
	token := jwt.NewWithClaims(method, a.claims)
	token.Header["typ"], token.Header["kid"] = a.header["typ"], a.header["kid"]
	signed, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}
