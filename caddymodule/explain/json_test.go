package explain_test

import (
	"encoding/json"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// many is a site of routes within routes, of which one refuses.
const many = `{
	sidegate {
		login users users.yaml
	}
}
app.example.com {
	handle /a/* {
		route {
			session_endpoints
			session_auth /a/b/* {
				role admin
			}
			reverse_proxy 127.0.0.1:1
		}
	}
	handle {
		session_endpoints
		session_auth {
			role nobody
			handle_errors
		}
		invoke named
	}
	handle_errors {
		respond "no" 403
	}
}
&(named) {
	reverse_proxy 127.0.0.1:2
}
`

// TestInJSONARouteIsNamed: a JSON configuration has no lines, and the route that is
// named is the one that it has there.
func TestInJSONARouteIsNamed(t *testing.T) {
	dir := written(t)
	gatewaytest.WriteFile(t, filepath.Join(dir, "Caddyfile"), many)
	adapted, code := gatewaytest.RunCaddy(t, dir, "adapt", "--config", "Caddyfile")
	if code != 0 {
		t.Fatal(adapted)
	}
	_, adapted, _ = strings.Cut(adapted, "{")
	gatewaytest.WriteFile(t, filepath.Join(dir, "a.json"), "{"+adapted)
	var config any
	if err := json.Unmarshal([]byte("{"+adapted), &config); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ target, as, answers, at string }{
		{"/a/b/c", gatewaytest.Ada, "http://127.0.0.1:1", "reverse_proxy"},
		{"/a/b/c", gatewaytest.Grace, "session_auth", "session_auth"},
		{"/x", gatewaytest.Ada, "static_response", "static_response"},
	} {
		t.Run(c.target+" "+c.as, func(t *testing.T) {
			r := reportOf(t, dir, "GET", c.target, "--as", c.as, "--config", "a.json")
			if r.Answer.Of != c.answers || handlerAt(t, config, r.Answer.At) != c.at {
				t.Errorf("the answer is of %s at %s", r.Answer.Of, r.Answer.At)
			}
			for _, s := range r.Steps {
				if s.At != "" || s.Handler != "ambiguous paths" && handlerAt(t, config, s.Route) != s.Handler {
					t.Errorf("%s is at %s %s", s.Handler, s.At, s.Route)
				}
			}
		})
	}
}

// handlerAt is the name of the handler that the path leads to.
func handlerAt(t *testing.T, config any, path string) string {
	t.Helper()
	for step := range strings.SplitSeq(path, "/") {
		switch of := config.(type) {
		case map[string]any:
			config = of[step]
		case []any:
			n, err := strconv.Atoi(step)
			if err != nil || n >= len(of) {
				t.Errorf("%s leads nowhere", path)
				return ""
			}
			config = of[n]
		}
	}
	of, _ := config.(map[string]any)
	name, _ := of["handler"].(string)
	return name
}

// TestTheLinesOfACaddyfileAreNoPartOfItsJSON: adapted otherwise than for the
// command, a Caddyfile says what it said before there were positions.
func TestTheLinesOfACaddyfileAreNoPartOfItsJSON(t *testing.T) {
	dir := written(t)
	if adapted, _ := gatewaytest.RunCaddy(t, dir, "adapt", "--config", "Caddyfile"); strings.Contains(adapted, `"at"`) {
		t.Error(adapted)
	}
}

// strange is a configuration with modules that this build may not have.
const strange = `{"apps":{"other":{"a":1},"sidegate":{"logins":[{"method": "adopt", "name": "old", "url": "https://old.example.com/auth", "cookies": ["sid"], "until": "2099-12-31"}, {"method":"users","file":"users.yaml"},{"method":"oidc","name":"keycloak"},
{"method":"app","name":"legacy","url":"{env.NOT_AT_HAND}","success":"login.status == 200","header":[{"name":"X-Key","value":"{env.NOT_AT_HAND}"}]}]},
"http":{"servers":{"web":{"listen":[":443"],"listener_wrappers":[{"wrapper":"strange"}],"trusted_proxies":{"source":"cloudflare"},
"tls_connection_policies":[{"client_authentication":{"mode":"require"}}],"routes":[{"match":[{"host":["shop.example.com"]}],"handle":[{"handler":"subroute","routes":[
{"match":[{"geoip":{"country":"XX"}}],"handle":[{"handler":"static_response","status_code":451}]},
{"handle":[{"handler":"tracing","span":"a"},{"handler":"rate_limit","zone":"a"},{"handler":"session_endpoints"},
{"handler":"session_auth","upstream_token":"legacy"},{"handler":"session_auth","upstream_token":"keycloak"},{"handler":"reverse_proxy","transport":{"protocol":"fastcgi"},
"health_checks":{"active":{"uri":"/up"}},"upstreams":[{"dial":"127.0.0.1:1"},{"dial":"127.0.0.1:2"}]}]}]}]}]}}}}}`

func TestTheAppIsAskedAsItsTransportAsks(t *testing.T) {
	dir := written(t)
	for transport, packed := range map[string]string{
		`{"protocol":"http"}`:                         "gzip",
		`{"protocol":"http","compression":false}`:     "",
		`{"protocol":"sidegate","dial_timeout":"1s"}`: "",
	} {
		gatewaytest.WriteFile(t, filepath.Join(dir, "near.json"), strings.Replace(strange, `{"protocol":"fastcgi"}`, transport, 1))
		r := reportOf(t, dir, "GET", "/x", "--as", gatewaytest.Ada, "--config", "near.json")
		if len(r.Forwarded) != 1 || r.Forwarded[0].To != "http://127.0.0.1:1" || r.Forwarded[0].Headers.Get("Accept-Encoding") != packed {
			t.Errorf("%s: %+v", transport, r.Forwarded)
		}
	}
}

func TestWhatIsNotKnownIsNotRunAndSaid(t *testing.T) {
	dir := written(t)
	gatewaytest.WriteFile(t, filepath.Join(dir, "strange.json"), strange)
	r := reportOf(t, dir, "GET", "/x", "--as", gatewaytest.Ada, "--header", "Cookie: sid=a", "--config", "strange.json")
	if !r.Passes || len(r.Forwarded) != 1 || r.Forwarded[0].To != "fastcgi://127.0.0.1:1" || r.Request.URL != "https://shop.example.com/x" {
		t.Errorf("it is %+v", r)
	}
	var said []string
	for _, s := range r.Steps {
		said = append(said, s.Handler+" "+s.Does)
	}
	for _, want := range []string{
		"rate_limit passes on: is not run, and taken for one that passes the request on", "the matcher geoip is not run, and taken for one that does not match",
		"trusted_proxies cloudflare of server web is not asked", "server web asks for certificates of clients", "upstream_token legacy: what was given out",
		"upstream_token keycloak: what was given out", "login adopt old asks nobody here",
	} {
		if all := strings.Join(append(said, r.Notes...), "\n"); !strings.Contains(all, want) {
			t.Errorf("it does not say %q:\n%s", want, all)
		}
	}
}

// TestAServerBehindAProxyIsFound: the address that people know is that of the proxy,
// and the server may have a socket, or any host.
func TestAServerBehindAProxyIsFound(t *testing.T) {
	for name, site := range map[string]string{
		"a port of its own": "http://shop.example.com:8080", "any host": "http://:8080", "a socket": "http://shop.example.com {\nbind unix//tmp/a.sock",
	} {
		t.Run(name, func(t *testing.T) {
			dir := written(t)
			if !strings.Contains(site, "{") {
				site += " {"
			}
			gatewaytest.WriteFile(t, filepath.Join(dir, "Caddyfile"), "{\nsidegate {\nlogin users users.yaml\npublic_url https://shop.example.com\n}\n}\n"+
				site+"\nsession_endpoints\nsession_auth\nreverse_proxy 127.0.0.1:1\n}\n")
			r := reportOf(t, dir, "GET", "https://shop.example.com/x", "--as", gatewaytest.Ada)
			if !r.Passes || len(r.Notes) != 1 || !strings.HasPrefix(r.Notes[0], "no server listens at https://shop.example.com") {
				t.Errorf("it is %+v", r)
			}
			if r = reportOf(t, dir, "GET", "/x", "--as", gatewaytest.Ada); !r.Passes {
				t.Errorf("by its path it is %+v", r)
			}
		})
	}
}
