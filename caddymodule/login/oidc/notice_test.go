package oidc_test

import (
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/login/oidc"
)

// What is odd is told once for each kind: another fault is another thing to mend.
func TestASecondFaultOfAnotherKindIsToldToo(t *testing.T) {
	p := newProvider(t)
	var told []string
	l := p.login(t, func(c *oidc.Config) {
		c.Mapper, c.ReadsAccessToken, c.NoUserInfo = rolesOf{}, true, true
		c.Notice = func(err error) { told = append(told, err.Error()) }
	})
	for _, raw := range []string{
		"access-secret", "another", // no JWT
		p.accessToken(nil, object{"iss": "https://one.example.com"}), p.accessToken(nil, object{"iss": "https://two.example.com"}),
		p.accessToken(nil, nil), // nothing is wrong
		"access-secret", p.accessToken(nil, object{"iss": "https://one.example.com"}), p.accessToken(nil, object{"exp": 1}),
	} {
		p.tokens = func(answer map[string]any) { answer["access_token"] = raw }
		p.mustSignIn(t, l)
	}
	want := []string{"is no JWT", `of the issuer "https://one.example.com"`, "has expired"}
	if len(told) != len(want) {
		t.Fatalf("it is told %q", told)
	}
	for i, words := range want {
		if !strings.Contains(told[i], words) {
			t.Errorf("it is told %q, want %q", told[i], words)
		}
	}
}
