package oidc_test

import (
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/caddymodule/profile"
)

// rolesOf fills roles from the access token, as an operator's mapping does.
type rolesOf struct{}

func (rolesOf) Apply(p *profile.Person, facts profile.Facts) error {
	access, _ := facts["access_token"].(map[string]any)
	roles, _ := access["roles"].([]any)
	for _, r := range roles {
		p.Roles = append(p.Roles, r.(string))
	}
	return nil
}

// Keycloak writes roles into the access token alone, unless told otherwise.
func TestTheClaimsOfAnAccessToken(t *testing.T) {
	for _, c := range []struct {
		name   string
		token  func(p *provider) string
		roles  string
		notice string
	}{
		{"a JWT of this issuer", func(p *provider) string { return p.accessToken(nil, nil) }, "admin", ""},
		{"of the type at+jwt", func(p *provider) string { return p.accessToken(object{"typ": "at+jwt"}, nil) }, "admin", ""},
		{"issued to us", func(p *provider) string { return p.accessToken(nil, object{"azp": clientID}) }, "admin", ""},
		{"for whatever API", func(p *provider) string { return p.accessToken(nil, object{"aud": "account"}) }, "admin", ""},
		{"no JWT", func(*provider) string { return "access-secret" }, "", "is no JWT"},
		{"of another issuer", func(p *provider) string { return p.accessToken(nil, object{"iss": "https://evil.example.com"}) }, "", `of the issuer "https://evil.example.com", and the configured one is "http`},
		{"issued to another client", func(p *provider) string { return p.accessToken(nil, object{"azp": "grafana"}) }, "", "another client, its azp"},
		{"issued to another client_id", func(p *provider) string { return p.accessToken(nil, object{"client_id": 7}) }, "", "another client, its client_id"},
		{"that has expired", func(p *provider) string { return p.accessToken(nil, object{"exp": 1}) }, "", "has expired"},
		{"of somebody else", func(p *provider) string { return p.accessToken(nil, object{"sub": "grace-1"}) }, "", "another sub"},
		{"of nobody", func(p *provider) string { return p.accessToken(nil, object{"sub": absent}) }, "", "another sub"},
		{"of tomorrow", func(p *provider) string { return p.accessToken(nil, object{"nbf": p.clock.Now().Unix() + 86400}) }, "", "of the future"},
		{"that says no date", func(p *provider) string { return p.accessToken(nil, object{"nbf": "soon"}) }, "", "an nbf that is a text and no date"},
		{"of always, in a text", func(p *provider) string { return p.accessToken(nil, object{"nbf": "0"}) }, "admin", ""},
		{"a logout token by another name", func(p *provider) string { return p.accessToken(nil, object{"events": object{}}) }, "", "is a logout token"},
		{"without an end", func(p *provider) string { return p.accessToken(nil, object{"exp": absent}) }, "", "no exp"},
		{"signed by somebody else", func(p *provider) string {
			key := p.key
			defer func() { p.key = key }()
			p.key = otherKey()
			return p.accessToken(nil, nil)
		}, "", "key did not make"},
		{"a logout token", func(p *provider) string { return p.accessToken(object{"typ": "logout+jwt"}, nil) }, "", "another type"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t)
			raw := c.token(p)
			p.tokens = func(answer map[string]any) { answer["access_token"] = raw }
			var told []string
			l := p.login(t, func(config *oidc.Config) {
				config.Mapper, config.ReadsAccessToken, config.NoUserInfo = rolesOf{}, true, true
				config.Notice = func(err error) { leaksNothing(t, err); told = append(told, err.Error()) }
			})
			person := p.mustSignIn(t, l)
			if got := strings.Join(person.Roles, " "); got != c.roles {
				t.Errorf("the roles are %q; want %q", got, c.roles)
			}
			if (c.notice == "") != (told == nil) || told != nil && !strings.Contains(told[0], c.notice) {
				t.Errorf("it is told %q; want %q", told, c.notice)
			}
			if got := p.mustSignIn(t, l).Roles; !slices.Equal(got, person.Roles) || len(told) > 1 {
				t.Errorf("the second time the roles are %q, and it is told %q", got, told)
			}
		})
	}
}

// accessToken is one of sensible claims, with changes.
func (p *provider) accessToken(header, claims map[string]any) string {
	now := p.clock.Now().Unix()
	return p.sign(with(p.header, header), with(object{"iss": p.URL, "sub": "ada-1", "aud": "account", "exp": now + 300, "roles": []string{"admin"}}, claims))
}

func TestAnAccessTokenThatNobodyAsksForIsNotKept(t *testing.T) {
	p := newProvider(t)
	raw := p.accessToken(nil, nil)
	p.tokens = func(answer map[string]any) { answer["access_token"] = raw }
	l := p.login(t, func(c *oidc.Config) { c.NoUserInfo = true })
	if _, there := p.mustSignIn(t, l).Kept.Facts["access_token"]; there {
		t.Error("it is kept")
	}
}

func TestWithoutUserInfoItIsNotAsked(t *testing.T) {
	p := newProvider(t)
	p.on("/userinfo", says(500, ""))
	p.mustSignIn(t, p.login(t, func(c *oidc.Config) { c.NoUserInfo = true }))
	if p.count("/userinfo") != 0 {
		t.Error("it was asked")
	}
}

// Some providers fail on code_verifier.
func TestWithoutPKCENothingOfItIsSent(t *testing.T) {
	p := newProvider(t)
	l := p.login(t, func(c *oidc.Config) { c.NoPKCE = true })
	location, _ := begin(t, l)
	if strings.Contains(location, "code_challenge") {
		t.Errorf("sent to %s", location)
	}
	p.withoutPKCE = true
	p.mustSignIn(t, l)
	if p.form.Has("code_verifier") {
		t.Error("the verifier is sent")
	}
}
