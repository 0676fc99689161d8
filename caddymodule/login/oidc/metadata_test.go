package oidc_test

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"example.com/sidegate/caddymodule/login/oidc"
)

// What nobody needs to sign in stops nobody who does.
func TestWhatIsWrongInADiscoveryDocumentAndNotNeeded(t *testing.T) {
	const iss, end = "authorization_response_iss_parameter_supported", "end_session_endpoint"
	const algorithms = "id_token_signing_alg_values_supported"
	noUserInfo := func(c *oidc.Config) { c.NoUserInfo = true }
	for _, c := range []struct {
		name   string
		member string
		value  any
		config func(*oidc.Config)
		told   string
		iss    bool // it is demanded
		ends   bool // at the provider, too
	}{
		{"a relative end of session", end, "/logout", nil, `end_session_endpoint, "/logout", is not an absolute URL, so nobody is signed out at the provider`, true, false},
		{"an end of session without TLS", end, "http://sso.example.com/end", nil, `"http://sso.example.com/end", is not https`, true, false},
		{"an end of session that is a script", end, "javascript:alert(1)", nil, "is not an absolute URL, so nobody", true, false},
		{"an end of session that is a list", end, []string{"https://sso.example.com"}, nil, "end_session_endpoint is a list and not a text, so nobody", true, false},
		{"an end of session that is empty", end, "", nil, "", true, false},
		{"an end of session where another is configured", end, 7, func(c *oidc.Config) { c.EndSession = "https://sso.example.com/bye" }, "", true, true},
		{"a relative userinfo endpoint that is not asked", "userinfo_endpoint", "/rel", noUserInfo, "", true, true},
		{"a userinfo endpoint without TLS that is not asked", "userinfo_endpoint", "http://sso.example.com", noUserInfo, "", true, true},
		{"a userinfo endpoint that is a number and not asked", "userinfo_endpoint", 7, noUserInfo, "", true, true},
		{"a userinfo endpoint that is empty", "userinfo_endpoint", "", nil, "", true, true},
		{"an iss that is sent, in a text", iss, "true", nil, iss + ` is the text "true", and is read as true`, true, true},
		{"an iss that is sent, in capitals", iss, " TRUE", nil, "is read as true", true, true},
		{"an iss that is sent, in a number", iss, 1, nil, "is the number 1, and is read as true", true, true},
		{"an iss that is sent, in a list", iss, []bool{true}, nil, "is a list, and is read as true", true, true},
		{"an iss that is not sent, in a text", iss, "False", nil, `is the text "False", and is read as false`, false, true},
		{"an iss that is not sent, in a number", iss, 0, nil, "is read as false", false, true},
		{"an iss of which nothing is said", iss, nil, nil, "", false, true},
		{"an iss that may be sent", iss, "maybe", nil, `is the text "maybe", neither true nor false, so iss is not demanded of its answers`, false, true},
		{"a lone algorithm", algorithms, "ES256", nil, algorithms + ` is the text "ES256" and not a list, and is read as a list of one`, true, true},
		{"algorithms with something else among them", algorithms, []any{7, "ES256"}, nil, algorithms + " has as number 1 the number 7 and not a text, which is left out", true, true},
		{"algorithms of client assertions that are none", "token_endpoint_auth_signing_alg_values_supported", object{}, nil, "is an object and not a list, and is as good as none", true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t)
			p.metadata[c.member] = c.value
			var told []string
			l := p.login(t, func(config *oidc.Config) {
				config.Notice = func(err error) { told = append(told, err.Error()) }
				if c.config != nil {
					c.config(config)
				}
			})
			p.mustSignIn(t, l)
			p.mustSignIn(t, l)
			if (c.told == "") != (len(told) == 0) || len(told) > 1 || len(told) == 1 && !strings.Contains(told[0], c.told) {
				t.Errorf("it is told %q, want %q", told, c.told)
			}
			if _, err := p.signIn(t, l, func(q url.Values) { q.Del("iss") }); (err != nil) != c.iss {
				t.Errorf("without iss: %v", err)
			}
			if _, ends := l.EndSession(context.Background(), nil, ""); ends != c.ends {
				t.Errorf("it ends the session there: %t", ends)
			}
		})
	}
}

// What nobody reads may be there as often as it likes, and behind a byte order mark.
func TestADocumentOfWhichAnotherPartIsOdd(t *testing.T) {
	p := newProvider(t)
	whole := string(must(json.Marshal(p.metadata)))
	p.on(discoveryPath, says(200, "\ufeff"+strings.Replace(whole, "{", `{"x":1,"x":{"y":1,"y":2},`, 1)))
	keys := string(must(json.Marshal(jose.JSONWebKeySet{Keys: p.published})))
	p.on("/keys", says(200, "\ufeff"+keys))
	p.on("/userinfo", says(200, "\ufeff"+`{"sub":"ada-1"}`))
	l := p.login(t, nil)
	p.mustSignIn(t, l)
	p.on(discoveryPath, says(200, strings.Replace(whole, "{", `{"token_endpoint":"https://evil.example.com",`, 1)))
	_, _, err := p.login(t, nil).Begin(context.Background(), newState(), redirectURI, "/")
	wantErr(t, err, oidc.ErrProvider, "has token_endpoint twice, of which nobody can tell which holds")
}

// The remedy is another one for each way in which two issuers differ.
func TestHowAnotherIssuerDiffers(t *testing.T) {
	for name, c := range map[string]struct {
		is   func(string) string
		says string
	}{
		"by a slash":    {func(is string) string { return is + "/" }, "with or without the slash at its end"},
		"by its host":   {func(string) string { return "https://keycloak:8443" }, "its host is another"},
		"by its path":   {func(is string) string { return is + "/realms/other" }, "its path is another, as of another realm or tenant"},
		"by its scheme": {func(is string) string { return "https" + strings.TrimPrefix(is, "http") }, "its scheme is another: behind a proxy"},
		"by its case":   {strings.ToUpper, "in capitals and small letters"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			p.metadata["issuer"] = c.is(p.URL)
			_, _, err := p.login(t, nil).Begin(context.Background(), newState(), redirectURI, "/")
			wantErr(t, err, oidc.ErrProvider, c.says)
			if name != "by a slash" && strings.Contains(err.Error(), "slash") {
				t.Errorf("it speaks of a slash: %v", err)
			}
		})
	}
}

// As good as none is RS256 alone, and no key of another kind.
func TestAlgorithmsThatCannotBeReadAllowNothingElse(t *testing.T) {
	p := newProvider(t)
	p.metadata["id_token_signing_alg_values_supported"] = object{"ES256": true}
	_, err := p.signIn(t, p.login(t, nil), nil)
	wantErr(t, err, oidc.ErrProvider, "lists no algorithm, which means RS256")
}
