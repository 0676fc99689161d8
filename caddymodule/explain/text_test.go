package explain_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// shop is a configuration of two sites that nothing runs.
const shop = `{
	servers {
		trusted_proxies static 127.0.0.1/32
	}
	sidegate {
		login users users.yaml
		login oidc keycloak {
			issuer https://idp.example.com
			client_id shop
			client_secret {env.NOT_AT_HAND}
		}
		directory http crm http://crm.internal/by-email?e={identity.email} {
			map {
				roles ` + "`directory.body.roles`" + `
			}
		}
		secret {env.NOT_AT_HAND}
		store redis redis://redis.internal
		role admin {
			includes editor
		}
		role editor {
			permissions orders:write
		}
		policy staff {
			path /desk/* {
				role admin
			}
		}
	}
}
(guarded) {
	session_auth {
		path /billing/* {
			account_admin
		}
	}
}
shop.example.com, www.example.com {
	session_health /healthz
	session_endpoints
	session_auth {
		header X-Phone {http.auth.user.attributes.phone}
		header X-Who {http.auth.user.name}
		public /assets/*
		path /orders/* {
			role editor
		}
		path /new/* {
			role nobody
			report_only
		}
	}
	@api path /api/*
	reverse_proxy @api api.internal:9000
	reverse_proxy shop.internal:8000 {
		header_up -Accept-Encoding
	}
}
pay.example.com {
	import guarded
	session_endpoints
	@odd path /odd/*
	session_auth @odd {
		role admin
	}
	reverse_proxy https://pay.internal
}
`

// written is a folder with the configuration and the people.
func written(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	gatewaytest.WriteFile(t, filepath.Join(dir, "users.yaml"), gatewaytest.UsersFile)
	gatewaytest.WriteFile(t, filepath.Join(dir, "Caddyfile"), shop)
	gatewaytest.WriteFile(t, filepath.Join(dir, "session.json"), `{"id":7,"email":"kim@example.com","accounts":[{"accountId":"acme","accountName":"Acme Ltd",
"usersPrimaryAccount":true,"accountAdmin":true}],"primaryAccount":{"accountId":"acme","accountName":"Acme Ltd","usersPrimaryAccount":true,"accountAdmin":true},
"flatRolesList":["editor"],"flatPermissionsList":["orders:write"],"token":"xyz","username":"kim","name":"Kim Doe","attributes":{"phone":"+1 555 0100"}}`)
	return dir
}

// anew is what is new each time.
var anew = regexp.MustCompile(`(X-Session-Id: |session: )[A-Za-z0-9_-]{16}`)

func TestWhatTheCommandPrints(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		code int
	}{
		{"passes", []string{"GET", "https://shop.example.com/orders/7", "--as", gatewaytest.Ada, "--account", "globex"}, 0},
		{"forbidden", []string{"GET", "https://shop.example.com/orders/7", "--as", gatewaytest.Grace}, 3},
		{"unauthorized", []string{"GET", "https://shop.example.com/orders/7"}, 3},
		{"login page", []string{"GET", "https://www.example.com/orders/7?a=b", "--header", "Accept: text/html"}, 3},
		{"public", []string{"GET", "https://shop.example.com/assets/x.css"}, 0},
		{"reported", []string{"GET", "https://shop.example.com/new/x", "--as", gatewaytest.Ada}, 0},
		{"matcher", []string{"GET", "https://shop.example.com/api/x", "--input", "session.json"}, 0},
		{"imported", []string{"GET", "https://pay.example.com/billing/x", "--as", gatewaytest.Grace}, 3},
		{"ambiguous", []string{"GET", "https://pay.example.com/x%252f..%252fodd", "--input", "session.json"}, 3},
		{"plain http", []string{"GET", "http://shop.example.com/orders/7"}, 0},
		{"health", []string{"GET", "https://shop.example.com/healthz"}, 0},
		{"provider", []string{"GET", "https://shop.example.com/auth/login/keycloak"}, 3},
		{"policy", []string{"GET", "https://shop.example.com/auth/verify", "--as", gatewaytest.Ada}, 0},
		{"policy in their words", []string{"GET", "https://shop.example.com/auth/verify/staff", "--input", "session.json", "--from", "127.0.0.1",
			"--header", "X-Original-URL: https://shop.example.com/x", "--header", "X-Original-Method: GET"}, 0},
		{"named policy", []string{"GET", "https://shop.example.com/auth/verify/staff", "--as", gatewaytest.Grace, "--from", "127.0.0.1",
			"--header", "X-Forwarded-Uri: /desk/1", "--header", "X-Forwarded-Method: GET"}, 3},
		{"in front", []string{"GET", "https://shop.example.com:8443/orders/7"}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			said, code := gatewaytest.RunCaddy(t, written(t), append([]string{"sidegate-explain"}, c.args...)...)
			if code != c.code {
				t.Errorf("status %d, want %d", code, c.code)
			}
			said = "$ caddy sidegate-explain " + strings.Join(c.args, " ") + "\n" + anew.ReplaceAllString(said, "${1}new")
			golden := filepath.Join("testdata", strings.ReplaceAll(c.name, " ", "-")+".txt")
			if os.Getenv("UPDATE_GOLDENS") != "" {
				gatewaytest.WriteFile(t, golden, said)
			}
			want, err := os.ReadFile(golden)
			if err != nil || string(want) != said {
				t.Errorf("%v\ngot\n%s\nwant\n%s", err, said, want)
			}
		})
	}
}

// reports is a configuration that the examples are asked of.
const reports = `{
	servers {
		trusted_proxies static 127.0.0.1/32
	}
	sidegate {
		login users users.yaml
		policy reports {
			path /reports/* {
				role admin
			}
		}
	}
}
app.example.com {
	session_endpoints
	session_auth
	reverse_proxy 127.0.0.1:8000
}
`

// example is a command in the reference, or in the command's own help.
var example = regexp.MustCompile(`(?m)^(?:\./|    )caddy sidegate-explain (.+)$`)

// word is one of a shell's.
var word = regexp.MustCompile(`'([^']*)'|[^' ]+`)

func TestTheExamplesOfTheDocumentsAreExplained(t *testing.T) {
	dir := written(t)
	gatewaytest.WriteFile(t, filepath.Join(dir, "Caddyfile"), reports)
	reference, err := os.ReadFile("../../deploy/REFERENCE.md")
	if err != nil {
		t.Fatal(err)
	}
	help, _ := gatewaytest.RunCaddy(t, dir, "sidegate-explain", "--help")
	for name, text := range map[string]string{"the reference": string(reference), "the help": help} {
		found := example.FindAllStringSubmatch(strings.ReplaceAll(text, "\\\n", ""), -1)
		policies := 0
		for _, line := range found {
			args := []string{"sidegate-explain"}
			for _, w := range word.FindAllStringSubmatch(line[1], -1) {
				args = append(args, strings.Trim(w[0], "'"))
			}
			said, code := gatewaytest.RunCaddy(t, dir, args...)
			if code != 0 {
				t.Errorf("%s, %s: status %d\n%s", name, line[1], code, said)
			}
			if strings.Contains(said, "let pass by path /reports/*: role admin (Caddyfile:9)\n\nthe proxy that asks gets:\n") && strings.Contains(said, "\n    X-Session-Email: ada@example.com\n") {
				policies++
			}
		}
		if len(found) < 2 || policies != 1 {
			t.Errorf("%s has %d examples, %d of them of a policy", name, len(found), policies)
		}
	}
}
