package oidc_test

import (
	"context"
	"crypto"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"example.com/sidegate/caddymodule/login/oidc"
)

func TestClientAuthentication(t *testing.T) {
	for _, c := range []struct {
		method, secret string
		header         bool
		form           url.Values // beside those of the grant
	}{
		{"", clientSecret, true, nil},
		{oidc.AuthBasic, clientSecret, true, nil},
		{oidc.AuthPost, clientSecret, false, url.Values{"client_id": {clientID}, "client_secret": {clientSecret}}},
		{oidc.AuthNone, "", false, url.Values{"client_id": {clientID}}},
	} {
		t.Run(c.method, func(t *testing.T) {
			p := newProvider(t)
			l := p.login(t, func(o *oidc.Config) { o.AuthMethod, o.ClientSecret = c.method, c.secret })
			location, attempt := begin(t, l)
			query := p.authorize(t, location)
			if _, err := l.Finish(context.Background(), attempt, query); err != nil {
				t.Fatal(err)
			}
			want := url.Values{
				"grant_type": {"authorization_code"}, "code": query["code"], "redirect_uri": {redirectURI}, "code_verifier": {attempt.Verifier},
			}
			for name, values := range c.form {
				want[name] = values
			}
			if p.form.Encode() != want.Encode() {
				t.Fatalf("got  %s\nwant %s", p.form.Encode(), want.Encode())
			}
			r := http.Request{Header: p.headers}
			id, secret, ok := r.BasicAuth()
			if ok != c.header || ok && (id != url.QueryEscape(clientID) || secret != url.QueryEscape(clientSecret)) {
				t.Fatalf("got basic authentication %v", ok)
			}
		})
	}
}

// Of the two ways to send a secret, the one is taken that the provider takes, where
// none is configured.
func TestClientAuthenticationFollowsTheDocument(t *testing.T) {
	const methods = "token_endpoint_auth_methods_supported"
	p := newProvider(t)
	p.metadata[methods] = []string{"client_secret_post", "private_key_jwt"}
	p.mustSignIn(t, p.login(t, nil))
	if p.form.Get("client_secret") != clientSecret || p.headers.Get("Authorization") != "" {
		t.Error("the secret is not in the form")
	}
	p.mustSignIn(t, p.login(t, func(c *oidc.Config) { c.AuthMethod = oidc.AuthBasic }))
	if p.form.Has("client_secret") {
		t.Error("what is configured does not count")
	}
	p.on("/token", says(401, `{"error":"invalid_client"}`))
	_, err := p.signIn(t, p.login(t, func(c *oidc.Config) { c.AuthMethod = oidc.AuthBasic }), nil)
	wantErr(t, err, oidc.ErrProvider, "the provider takes client_secret_post: say `client_auth client_secret_post`")
}

func TestPrivateKeyJWT(t *testing.T) {
	for _, c := range []struct {
		name      string
		key       crypto.Signer
		keyID     string
		supported []string
		alg       jose.SignatureAlgorithm
	}{
		{"an RSA key signs with RS256", rsaKey(), "k", nil, jose.RS256},
		{"an RSA key signs with PS256 where the provider wants that", rsaKey(), "k", []string{"PS256", "ES256"}, jose.PS256},
		{"a P-256 key signs with ES256, and needs no name", ecKey(), "", nil, jose.ES256},
		{"a P-384 key signs with ES384", bigKey(), "k", nil, jose.ES384},
		{"an Ed25519 key signs with EdDSA", edKey(), "k", nil, jose.EdDSA},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t)
			p.metadata["token_endpoint_auth_signing_alg_values_supported"] = c.supported
			l := p.login(t, func(o *oidc.Config) {
				o.AuthMethod, o.ClientSecret, o.PrivateKey, o.KeyID = oidc.AuthPrivateKeyJWT, "", c.key, c.keyID
			})
			p.mustSignIn(t, l)
			first := p.form.Get("client_assertion")
			jws, err := jose.ParseSignedCompact(first, []jose.SignatureAlgorithm{c.alg})
			if err != nil {
				t.Fatal(err)
			}
			payload, err := jws.Verify(c.key.Public())
			if err != nil || jws.Signatures[0].Header.KeyID != c.keyID {
				t.Fatalf("%v, kid %q", err, jws.Signatures[0].Header.KeyID)
			}
			var claims struct {
				Iss, Sub, Aud, Jti string
				Iat, Exp           int64
			}
			if err := json.Unmarshal(payload, &claims); err != nil {
				t.Fatal(err)
			}
			now := p.clock.Now().Unix()
			if claims.Iss != clientID || claims.Sub != clientID || claims.Aud != p.URL || claims.Iat != now || claims.Exp != now+60 || len(claims.Jti) != 43 {
				t.Fatalf("got %+v", claims)
			}
			if p.form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" || p.headers.Get("Authorization") != "" {
				t.Fatal("the assertion is not sent as RFC 7521 section 4.2 says")
			}
			if p.mustSignIn(t, l); p.form.Get("client_assertion") == first {
				t.Fatal("an assertion is used twice")
			}
		})
	}
}

func TestWhatTheTokenEndpointMaySay(t *testing.T) {
	without := func(name string) func(map[string]any) { return func(m map[string]any) { delete(m, name) } }
	for _, c := range []struct {
		name   string
		edit   func(map[string]any)
		answer http.HandlerFunc
		want   error
		says   string
	}{
		{"no access token", without("access_token"), nil, oidc.ErrProvider, "no access token"},
		{"no ID token", without("id_token"), nil, oidc.ErrProvider, "no ID token"},
		{"no type of token", without("token_type"), nil, oidc.ErrProvider, "without a token_type"},
		{"a token of another type", func(m map[string]any) { m["token_type"] = "DPoP" }, nil, oidc.ErrProvider, `of type "DPoP", not Bearer`},
		{"an ID token that is a number", func(m map[string]any) { m["id_token"] = 7 }, nil, oidc.ErrProvider, "an id_token that is a number and not a text"},
		{"a type of token that is a list", func(m map[string]any) { m["token_type"] = []string{"Bearer"} }, nil, oidc.ErrProvider, "a token_type that is a list and not a text"},
		{"an access token that is a number", func(m map[string]any) { m["access_token"] = 7 }, nil, oidc.ErrProvider, "an access_token that is a number and not a text"},
		{"trouble that passes", nil, says(400, `{"error":"temporarily_unavailable"}`), oidc.ErrPassing, "the token endpoint answers temporarily_unavailable"},
		{"an error there", nil, says(400, `{"error":"server_error","error_description":"Busy"}`), oidc.ErrPassing, `answers server_error (it says "Busy")`},
		{"an error of no list", nil, says(400, `{"error":"slow_down"}`), oidc.ErrProvider, `the error code "slow_down", which no standard lists`},
		{"a redirect_uri that is another", nil, says(400, `{"error":"invalid_request","error_description":"Mismatching redirect_uri"}`), oidc.ErrProvider, "see which redirect URIs the client has there"},
		{"a description that is long", nil, says(401, `{"error":"invalid_client","error_description":"`+strings.Repeat("x", 300)+`"}`), oidc.ErrProvider, `(it says "` + strings.Repeat("x", 200) + `"...)`},
		{"a description that repeats our secret", nil, says(401, `{"error":"invalid_client","error_description":"not `+clientSecret+`"}`), oidc.ErrProvider, "invalid_client: check"},
		{"a page", nil, says(200, "<html>access-secret"), oidc.ErrProvider, "not JSON"},
		{"nothing", nil, says(204, ""), oidc.ErrProvider, "status 204"},
		{"too much", nil, says(200, strings.Repeat("a", 1<<20+1)), oidc.ErrProvider, "more than"},
		{"our secret is wrong", nil, says(401, `{"error":"invalid_client","error_description":"Wrong\nsecret"}`), oidc.ErrProvider, `invalid_client (it says "Wrong\nsecret"): check client_id, client_secret and client_auth`},
		{"an error that is a script", nil, says(400, `{"error":"<script>"}`), oidc.ErrProvider, "no error of the standard"},
		{"an error that is a number", nil, says(400, `{"error":7}`), oidc.ErrProvider, "no error of the standard"},
		{"the code is refused", nil, says(400, `{"error":"invalid_grant"}`), oidc.ErrSpent, "refuses the code"},
		{"trouble that calls itself a refusal", nil, says(500, `{"error":"invalid_grant"}`), oidc.ErrUnavailable, "status 500"},
		{"a connection that breaks", nil, breaks, oidc.ErrUnavailable, "connection failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t)
			p.tokens = c.edit
			p.on("/token", c.answer)
			_, err := p.signIn(t, p.login(t, nil), nil)
			wantErr(t, err, c.want, c.says)
			if got := p.count("/token"); got != 1 {
				t.Fatalf("it was asked %d times", got)
			}
		})
	}
}

// Nobody needs a refresh token to sign in.
func TestARefreshTokenThatIsNoneIsLeftOut(t *testing.T) {
	p := newProvider(t)
	p.tokens = func(answer map[string]any) { answer["refresh_token"] = 7 }
	var told []string
	l := p.login(t, func(c *oidc.Config) { c.Notice = func(err error) { told = append(told, err.Error()) } })
	person := p.mustSignIn(t, l)
	p.mustSignIn(t, l)
	if person.Kept.RefreshToken != "" || len(told) != 1 || !strings.Contains(told[0], "a refresh token that is a number and not a text, which is left out") {
		t.Errorf("it keeps %q, and is told %q", person.Kept.RefreshToken, told)
	}
}

// A server that never answers is given up by the client's clock, which a test
// cannot put forward: so the transport says what the clock would say.
func TestAProviderThatIsTooSlowIsUnavailable(t *testing.T) {
	p := newProvider(t)
	l := p.login(t, func(c *oidc.Config) {
		c.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			deadline, bounded := r.Context().Deadline()
			if left := time.Until(deadline); !bounded || left > 10*time.Second {
				t.Errorf("a request may take %v, bounded: %v", left, bounded)
			}
			return nil, context.DeadlineExceeded
		})
	})
	_, _, err := l.Begin(context.Background(), newState(), redirectURI, "/")
	wantErr(t, err, oidc.ErrUnavailable, "no answer in time")
}
