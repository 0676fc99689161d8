package oidc_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/caddymodule/profile"
)

// direct leads to the provider without a network, and nowhere else: a document
// that is made up may name any host.
type direct struct{ p *provider }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	if "http://"+r.URL.Host != d.p.URL || r.URL.Scheme != "http" {
		return nil, errors.New("there is nobody")
	}
	w := httptest.NewRecorder()
	d.p.serve(w, r)
	answer := w.Result()
	answer.Request = r
	return answer, nil
}

// trial is one sign-in, with one document of the provider made up.
type trial struct {
	t      *testing.T
	p      *provider
	person *profile.Person
	// token is the ID token that is right for this attempt.
	token string
}

// placeholders stand for what is another in each process.
func (r *trial) placeholders() *strings.Replacer {
	key := ecKey().PublicKey
	point := must(key.Bytes())[1:] // x and y, behind a byte that says so
	return strings.NewReplacer("ISS", r.p.URL, "KEYX", b64.EncodeToString(point[:32]), "KEYY", b64.EncodeToString(point[32:]),
		"ACCESS", "access-secret", "GOODTOKEN", r.token, "GOODINFO", r.p.sign(map[string]any{}, map[string]any{"sub": "ada-1", "email": "ada@example.com", "email_verified": true}))
}

// signsIn goes the whole way at a new login, with text in the place of what the
// provider says at that path; it returns the text as the login has seen it.
// Whoever does not get in is told so by an error that holds no secret.
func (r *trial) signsIn(path, mediaType, text string) (said string) {
	r.t.Helper()
	r.p.on(path, func(w http.ResponseWriter, _ *http.Request) {
		said = r.placeholders().Replace(text)
		w.Header().Set("Content-Type", mediaType)
		_, _ = w.Write([]byte(said))
	})
	clear(r.p.codes)
	l := r.p.login(r.t, func(c *oidc.Config) { c.Transport = direct{r.p} })
	location, attempt, err := l.Begin(context.Background(), newState(), redirectURI, "/orders")
	if err == nil {
		wantSafe(r.t, location)
		r.token = r.p.idToken(map[string]any{"nonce": attempt.Nonce})
		r.person, err = l.Finish(context.Background(), attempt, r.p.authorize(r.t, location))
	}
	if (r.person == nil) != (err != nil) {
		r.t.Fatalf("got a person %v and the error %v", r.person, err)
	}
	if err != nil {
		told := slices.ContainsFunc(sentinels, func(one error) bool { return errors.Is(err, one) })
		for _, secret := range []string{attempt.State, attempt.Nonce, attempt.Verifier, clientSecret, "code-secret", "access-secret"} {
			if !told || secret != "" && strings.Contains(err.Error(), secret) {
				r.t.Errorf("the error is %v", err)
			}
		}
	}
	return said
}

// wantSafe demands that a browser is sent over TLS, or to its own machine.
func wantSafe(t *testing.T, location string) {
	t.Helper()
	u, err := url.Parse(location)
	if err != nil || u.Scheme != "https" && (u.Scheme != "http" || !loopbackHost(u.Hostname())) || u.Hostname() == "" || u.User != nil {
		t.Errorf("a browser is sent to %q: %v", location, err)
	}
}

func loopbackHost(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return strings.HasPrefix(host, "127.") || strings.Contains(host, ":") || host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// objectOf is a second reading of a document, by other means than the login's.
func objectOf(text string) map[string]any {
	var m map[string]any
	d := json.NewDecoder(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	d.UseNumber()
	if d.Decode(&m) != nil {
		return nil
	}
	return m
}

// isAda demands that whoever got in is the person of the ID token.
func (r *trial) isAda() {
	r.t.Helper()
	if p := r.person; p.Issuer != r.p.URL || p.Subject != "ada-1" || p.Email != "ada@example.com" {
		r.t.Errorf("in gets %+v", p)
	}
}

// FuzzDiscovery: nobody gets in by a discovery document that does not name the
// issuer to the letter and lead to its token endpoint, its keys and our algorithm.
func FuzzDiscovery(f *testing.F) {
	const whole = `"issuer":"ISS","authorization_endpoint":"ISS/authorize","token_endpoint":"ISS/token","jwks_uri":"ISS/keys","userinfo_endpoint":"ISS/userinfo","id_token_signing_alg_values_supported":["ES256"]`
	for _, seed := range []string{
		"{" + whole + "}", "\ufeff{" + whole + "}", "{" + whole + "} ", "{" + whole + "}{}", "[" + whole + "]", "{" + whole + `,"issuer":"ISS"}`,
		"{" + whole + `,"Issuer":"https://evil.example.com"}`, "{" + strings.Replace(whole, `"issuer"`, `"Issuer"`, 1) + "}",
		"{" + strings.Replace(whole, `"issuer":"ISS"`, `"issuer":"ISS/"`, 1) + "}", "{" + strings.Replace(whole, `"issuer":"ISS"`, `"issuer":null`, 1) + "}",
		"{" + strings.Replace(whole, `["ES256"]`, `"ES256"`, 1) + "}", "{" + strings.Replace(whole, `["ES256"]`, `[1,null,"ES256"]`, 1) + "}",
		"{" + strings.Replace(whole, `["ES256"]`, `null`, 1) + "}", "{" + strings.Replace(whole, "ISS/token", "http://evil.example.com/token", 1) + "}",
		"{" + strings.Replace(whole, "ISS/authorize", "javascript:alert(1)", 1) + "}", "{" + strings.Replace(whole, "ISS/authorize", "https://a@b/", 1) + "}",
		"{" + strings.Replace(whole, `"ISS/userinfo"`, "null", 1) + "}", "{" + whole + `,"x":1e400,"y":` + strings.Repeat("9", 400) + "}",
		"{" + whole + `,"end_session_endpoint":"","authorization_response_iss_parameter_supported":"true"}`,
		"{" + whole + `,"deep":` + strings.Repeat("[", 9999) + strings.Repeat("]", 9999) + "}", "{" + whole + `,"deep":` + strings.Repeat(`{"a":`, 20000), "", "null",
	} {
		f.Add(seed)
	}
	p := newProvider(f)
	at := func(address any, path string) bool {
		text, _ := address.(string)
		u, err := url.Parse(text)
		return err == nil && "http://"+u.Host == p.URL && u.Path == path
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := trial{t: t, p: p}
		m := objectOf(r.signsIn(discoveryPath, "application/json", text))
		if r.person == nil {
			return
		}
		list, many := m["id_token_signing_alg_values_supported"].([]any)
		if !many { // a lone text is a list of one
			list = []any{m["id_token_signing_alg_values_supported"]}
		}
		if m["issuer"] != p.URL || !at(m["token_endpoint"], "/token") || !at(m["jwks_uri"], "/keys") || !slices.Contains(list, any("ES256")) {
			t.Errorf("somebody gets in by %q", text)
		}
		r.isAda()
	})
}

// FuzzKeySet: nobody gets in by a key set without the key that made the signature,
// as one that may have made it.
func FuzzKeySet(f *testing.F) {
	const key = `"kty":"EC","crv":"P-256","x":"KEYX","y":"KEYY"`
	for _, seed := range []string{
		`{"keys":[{` + key + `,"kid":"ec","use":"sig"}]}`, `{"keys":[{` + key + `}]}`, `{"keys":[{` + key + `,"kid":"other"}]}`, `{"keys":[{` + key + `,"kid":7}]}`, `{"keys":[{` + key + `,"kid":[7],"alg":5,"use":["sig"]}]}`, `{"keys":[{` + key + `,"use":["enc"]}]}`, `{"keys":[{` + key + `,"use":"SIG"}]}`,
		`{"keys":[{` + key + `,"kid":null,"use":null,"alg":null}]}`, `{"keys":[{` + key + `,"alg":"ES384"}]}`, `{"keys":[{` + key + `,"use":"enc"}]}`, `{"keys":[{` + key + `,"d":"KEYX"}]}`,
		`{"keys":[{` + key + `,"x5t":"abc"}]}`, `{"keys":[{` + key + `,"x5c":["-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"],"x5t#S256":7}]}`,
		`{"keys":[{` + key + `,"x":"KEYY"}]}`, `{"keys":[{` + key + `}],"keys":[]}`, `{"KEYS":[{` + key + `}]}`, `{"keys":[],"Keys":[{` + key + `}]}`, `{"keys":null}`, `{"keys":{}}`,
		`{"keys":[null,7,"x",[],{` + key + `}]}`, `{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"},{` + key + `}]}`, `{"keys":[{"kty":"oct","k":"KEYX","kid":"ec"}]}`,
		`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"KEYX","kid":"ec"}]}`, `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA"}]}`, `{"keys":[{"kty":"EC","crv":"P-256","x":"","y":""}]}`,
		`{"keys":[{"kty":"EC","crv":"P-521","x":"KEYX","y":"KEYY"}]}`, `{"keys":[{"kty":"RSA","n":"","e":"AAAAAAAAAAAB"}]}`, "\ufeff" + `{"keys":[{` + key + `}]}`,
		`{"keys":[{"kty":"EC","crv":"P-256","x":"KEYX=","y":"KEYY\n"}]}`, `{"keys":[{` + key + `,"n":` + strings.Repeat("9", 400) + `,"z":1e999}]}`,
		`{"keys":[{` + key + `,"z":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}]}`, `{"keys":` + strings.Repeat(`[`, 20000), "[]", "",
	} {
		f.Add(seed)
	}
	p := newProvider(f)
	f.Fuzz(func(t *testing.T, text string) {
		r := trial{t: t, p: p}
		set := objectOf(r.signsIn("/keys", "application/json", text))
		if r.person == nil {
			return
		}
		list, _ := set["keys"].([]any)
		if !slices.ContainsFunc(list, isOurs) {
			t.Errorf("somebody gets in by %q", text)
		}
		r.isAda()
	})
}

// isOurs reports whether that key of a set is ecKey, and one that may have
// signed with ES256 under the name ec.
func isOurs(key any) bool {
	k, _ := key.(map[string]any)
	point := must(ecKey().PublicKey.Bytes())[1:]
	is := func(name string, want []byte) bool { // base64 of what is not secret may be padded
		text, _ := k[name].(string)
		return strings.TrimRight(strings.NewReplacer("\n", "", "\r", "", "+", "-", "/", "_").Replace(text), "=") == b64.EncodeToString(want)
	}
	among := func(name string, values ...string) bool { // what is no text says nothing
		text, is := k[name].(string)
		_, number := k[name].(json.Number)
		return !is && (name != "kid" || !number) || is && (text == "" || slices.Contains(values, text))
	}
	if use, is := k["use"].(string); is {
		k["use"] = strings.ToLower(use)
	} else if uses, _ := k["use"].([]any); len(uses) == 1 { // a list of one is that one
		k["use"] = uses[0]
	}
	return k["kty"] == "EC" && k["crv"] == "P-256" && is("x", point[:32]) && is("y", point[32:]) &&
		among("use", "sig") && among("kid", "ec") && among("alg", "ES256") && k["d"] == nil
}

// FuzzTokens: nobody gets in by an answer of the token endpoint without the ID
// token of this attempt and a Bearer token, each by its name to the letter.
func FuzzTokens(f *testing.F) {
	const whole = `"access_token":"ACCESS","token_type":"Bearer","id_token":"GOODTOKEN"`
	for _, seed := range []string{
		"{" + whole + "}", "{" + whole + `,"refresh_token":"r","expires_in":"3600"}`, "{" + whole + `,"refresh_token":7}`, "{" + whole + `,"refresh_token":null}`,
		"{" + strings.Replace(whole, "Bearer", "DPoP", 1) + "}", "{" + strings.Replace(whole, `"token_type":"Bearer",`, "", 1) + "}", "{" + strings.Replace(whole, `"Bearer"`, "null", 1) + "}",
		"{" + strings.Replace(whole, `"Bearer"`, "1", 1) + "}", "{" + strings.Replace(whole, `"token_type"`, `"Token_Type"`, 1) + "}", "{" + whole + `,"TOKEN_TYPE":"mac"}`,
		"{" + whole + `,"id_token":"GOODTOKEN"}`, "{" + whole + `,"id_token":"e30.e30.e30"}`, `{"id_token":"x",` + whole + "}", "{" + whole + `,"ID_TOKEN":"GOODTOKEN"}`,
		"{" + strings.Replace(whole, "GOODTOKEN", "GOODTOKEN=", 1) + "}", "{" + strings.Replace(whole, "GOODTOKEN", `GOODTOKEN\n`, 1) + "}", "{" + strings.Replace(whole, "GOODTOKEN", "GOODINFO", 1) + "}",
		"\ufeff{" + whole + "}", "{" + whole + "}{}", "[{" + whole + "}]", "access_token=ACCESS&token_type=bearer&id_token=GOODTOKEN", "{" + whole + `,"z":1e999,"y":` + strings.Repeat("9", 400) + "}",
		"{" + whole + `,"z":` + strings.Repeat("[", 9999) + strings.Repeat("]", 9999) + "}", strings.Repeat(`{"id_token":`, 20000), `{"error":"invalid_grant"}`, "null", "",
	} {
		f.Add(seed)
	}
	p := newProvider(f)
	f.Fuzz(func(t *testing.T, text string) {
		r := trial{t: t, p: p}
		m := objectOf(r.signsIn("/token", "application/json", text))
		if r.person == nil {
			return
		}
		kind, _ := m["token_type"].(string)
		refresh, _ := m["refresh_token"].(string)
		if m["id_token"] != r.token || !strings.EqualFold(kind, "bearer") || m["access_token"] != "access-secret" || r.person.Kept.RefreshToken != refresh {
			t.Errorf("somebody gets in by %q", text)
		}
		r.isAda()
	})
}

// FuzzUserInfo: nobody gets in by a userinfo that is not about the ID token's
// subject, or by an address that it does not vouch for.
func FuzzUserInfo(f *testing.F) {
	const whole = `"sub":"ada-1","email":"ada@example.com","email_verified":true`
	for _, seed := range []string{
		"{" + whole + "}", `{"email":"ada@example.com","email_verified":true}`, "{" + strings.Replace(whole, `"ada-1"`, `7`, 1) + "}", "{" + strings.Replace(whole, `"ada-1"`, `null`, 1) + "}",
		"{" + strings.Replace(whole, `"ada-1"`, `"eve-1"`, 1) + "}", "{" + strings.Replace(whole, `"ada-1"`, `["ada-1"]`, 1) + "}", "{" + whole + `,"sub":"ada-1"}`, "{" + whole + `,"SUB":"eve-1"}`,
		"{" + strings.Replace(whole, `"sub"`, `"Sub"`, 1) + "}", "{" + strings.Replace(whole, `true`, `"true"`, 1) + "}", "{" + strings.Replace(whole, `true`, `"false"`, 1) + "}",
		"{" + strings.Replace(whole, `true`, `1`, 1) + "}", "{" + strings.Replace(whole, `true`, `null`, 1) + "}", "{" + strings.Replace(whole, `true`, `"TRUE"`, 1) + "}",
		"{" + whole + `,"groups":"admins"}`, "{" + whole + `,"groups":[null,"a",7,{}]}`, "{" + whole + `,"z":1e999}`, "{" + whole + `,"z":` + strings.Repeat("9", 400) + "}",
		"{" + whole + `,"z":` + strings.Repeat("[", 9999) + strings.Repeat("]", 9999) + "}", "{" + whole + `,"z":` + strings.Repeat(`{"a":`, 20000), "\ufeff{" + whole + "}", "[{" + whole + "}]", "null", "",
	} {
		f.Add(seed, false)
	}
	for _, seed := range []string{"GOODINFO", "GOODINFO\n", "GOODTOKEN", "eyJhbGciOiJub25lIn0.e30.", "GOODINFO.", "{" + whole + "}"} {
		f.Add(seed, true)
	}
	p := newProvider(f)
	p.claims = map[string]any{}
	f.Fuzz(func(t *testing.T, text string, signed bool) {
		r := trial{t: t, p: p}
		mediaType := "application/json"
		if signed {
			mediaType = "application/jwt"
		}
		said := r.signsIn("/userinfo", mediaType, text)
		if r.person == nil {
			return
		}
		if signed {
			if strings.TrimSpace(text) != "GOODINFO" { // nobody else can sign
				t.Errorf("somebody gets in by %q", text)
			}
			r.isAda()
			return
		}
		m := objectOf(said)
		if m["sub"] != "ada-1" || m["email"] != r.person.Email || m["email_verified"] != true && m["email_verified"] != "true" || r.person.Subject != "ada-1" {
			t.Errorf("somebody gets in by %q, as %+v", text, r.person)
		}
	})
}
