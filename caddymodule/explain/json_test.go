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
