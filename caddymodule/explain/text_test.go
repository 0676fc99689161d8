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
"flatRolesList":["editor"],"flatPermissionsList":["orders:write"],"token":"xyz"}`)
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
			want, err := os.ReadFile(golden)
			if err != nil || string(want) != said {
				t.Errorf("%v\ngot\n%s\nwant\n%s", err, said, want)
			}
		})
	}
}
