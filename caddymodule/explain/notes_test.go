package explain_test

import (
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// moving is a site without a name, whose directives are routes of their own, beside
// another gateway that people move from.
const moving = `{
	sidegate {
		login users users.yaml
		login adopt old http://127.0.0.1:4180/oauth2/auth {
			cookie _oauth2_proxy
			until 2099-12-31
		}
	}
}
http://:8080 {
	session_endpoints
	handle /a/* {
		session_auth {
			public /a/open
			account_admin
			permission reports:run
		}
		respond a
	}
	handle {
		session_auth
		respond b
	}
}
`

func TestASiteWithoutANameIsExplainedByPathAlone(t *testing.T) {
	dir := written(t)
	gatewaytest.WriteFile(t, filepath.Join(dir, "Caddyfile"), moving)
	const note, hash = "note: login adopt old asks nobody here", "note: #x is left out, as browsers keep it for themselves"
	for _, c := range []struct {
		name  string
		args  []string
		wants []string
		not   string
	}{
		{"by path", []string{"GET", "/b"}, []string{"request: GET http://localhost:8080/b\n", "answer: 401"}, note},
		{"with the cookie of the other gateway", []string{"GET", "/b", "--header", "Cookie: _oauth2_proxy=a"}, []string{note}, hash},
		{"with another cookie", []string{"GET", "/b", "--header", "Cookie: theme=dark"}, []string{"answer: 401"}, note},
		{"with what a browser keeps", []string{"GET", "/b#x"}, []string{"request: GET http://localhost:8080/b\n", hash}, note},
		{"with what a browser keeps, at a whole address", []string{"GET", "http://localhost:8080/b#x"}, []string{hash}, note},
		{"the line of what is not met first", []string{"GET", "/a/x", "--as", gatewaytest.Ada, "--account", "globex"}, []string{"403 forbidden: account_admin (Caddyfile:15)"}, "permission reports"},
		{"the line of what opens", []string{"GET", "/a/open"}, []string{"let pass by public /a/open (Caddyfile:14)"}, note},
		{"the lines of what is met", []string{"GET", "/a/x", "--as", gatewaytest.Ada}, []string{"permission reports:run (Caddyfile:16), account_admin (Caddyfile:15)"}, note},
		{"the line of the block where it has none", []string{"GET", "/b", "--as", gatewaytest.Ada}, []string{"let pass by a session (Caddyfile:21)"}, note},
	} {
		t.Run(c.name, func(t *testing.T) {
			said, _ := gatewaytest.RunCaddy(t, dir, append([]string{"sidegate-explain"}, c.args...)...)
			for _, want := range c.wants {
				if !strings.Contains(said, want) {
					t.Errorf("it does not say %q:\n%s", want, said)
				}
			}
			if strings.Contains(said, c.not) {
				t.Errorf("it says %q:\n%s", c.not, said)
			}
		})
	}
}
