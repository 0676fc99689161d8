package attacks_test

import (
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

const preflight = "Origin: https://app.example\nAccess-Control-Request-Method: PUT\nAccess-Control-Request-Headers: content-type\n"

// preflights are what comes with OPTIONS. {in} stands for the credentials of somebody.
var preflights = []struct {
	name, target, lines string
	passes              bool
}{
	{"what a browser asks", "/orders/7", preflight, true},
	{"what it asks of a path that demands a role", "/admin/x?y=1", preflight, true},
	{"with credentials, which go no further", "/orders/7", preflight + "{in}", true},
	{"with an identity that the client has made up", "/orders/7", preflight + "X-Session-User-Id: 1\nX_Session_Email: ada@example.com\nRemote-User: ada\nX-Account-Id: acme\n", true},
	{"without Origin", "/orders/7", "Access-Control-Request-Method: PUT\n", false},
	{"without a method that is asked for", "/orders/7", "Origin: https://app.example\n", false},
	{"with a body", "/orders/7", preflight + "Content-Length: 3\n\nabc", false},
	{"with a chunked body", "/orders/7", preflight + "Transfer-Encoding: chunked\n\n3\nabc\n0\n", false},
	{"with another method for the app", "/orders/7", preflight + "X-HTTP-Method-Override: DELETE\n", false},
	{"with another method for the app, in the query", "/orders/7?_method=DELETE", preflight, false},
	{"with an upgrade", "/orders/7", preflight + "Connection: Upgrade\nUpgrade: websocket\n", false},
}

// A preflight reaches the app as nobody's, and nothing else does by it.
func TestAPreflightPassesAsNobodys(t *testing.T) {
	up := gatewaytest.NewWire(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Auth: "preflight pass\npath /admin/* {\nrole admin\n}", Upstream: up.Address()})
	in := "Cookie: " + s.WithCookie(t, gatewaytest.Ada).Cookie + "; theme=dark\nAuthorization: Bearer " + s.WithToken(t, gatewaytest.Ada).Bearer + "\n"
	for _, c := range preflights {
		t.Run(c.name, func(t *testing.T) {
			lines := strings.ReplaceAll(c.lines, "{in}", in)
			got := s.Exchange(t, "OPTIONS "+c.target+" HTTP/1.1\nHost: "+s.Address()+"\nConnection: close\n"+lines+"\n").StatusCode
			if !c.passes {
				if got != http.StatusUnauthorized {
					t.Errorf("answered %d", got)
				}
				up.None(t)
				return
			}
			if got != http.StatusOK {
				t.Fatalf("answered %d", got)
			}
			arrived := up.One(t)
			for _, name := range []string{"X-Session-User-Id", "X_Session_Email", "X-Session-Email", "X-Session-Roles", "Remote-User", "X-Account-Id", "Authorization"} {
				arrived.Want(t, name)
			}
			arrived.Want(t, "Origin", "https://app.example")
			arrived.Want(t, "Access-Control-Request-Method", "PUT")
			if strings.Contains(arrived.Raw, "sidegate") || strings.Contains(c.lines, "{in}") && !strings.Contains(arrived.Raw, "theme=dark") {
				t.Errorf("arrived: %q", arrived.Raw)
			}
		})
	}
	t.Run("other methods need a session", func(t *testing.T) {
		for _, method := range []string{"GET", "PUT", "POST", "options"} {
			if got := s.Exchange(t, method+" /orders/7 HTTP/1.1\nHost: "+s.Address()+"\nConnection: close\n"+preflight+"\n").StatusCode; got != http.StatusUnauthorized {
				t.Errorf("%s: answered %d", method, got)
			}
		}
		up.None(t)
	})
}

func TestWithoutTheOptionAPreflightIsRefused(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	if got := s.Exchange(t, "OPTIONS /orders/7 HTTP/1.1\nHost: "+s.Address()+"\n"+preflight+"\n").StatusCode; got != http.StatusUnauthorized {
		t.Errorf("answered %d", got)
	}
}

// What one session_auth has told an app of a person, another that lets preflights pass
// takes away again; and one that does not let them pass refuses them.
func TestAPreflightPassesEachOfSeveral(t *testing.T) {
	up := gatewaytest.NewRecorder(t)
	for name, c := range map[string]struct {
		routes string
		status int
	}{
		"the second lets it pass": {"session_auth {\noptional\n}\nsession_auth /x/* {\npreflight pass\n}", http.StatusOK},
		"the first does alone":    {"session_auth {\npreflight pass\n}\nsession_auth /x/* {\nrole nobody\n}", http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			s := gatewaytest.Start(t, gatewaytest.Site{Routes: "session_endpoints\nroute {\n" + c.routes + "\nreverse_proxy {upstream}\n}", Upstream: up.Address()})
			a := s.WithCookie(t, gatewaytest.Ada).Do("OPTIONS", "/x/y", "", "Origin", "https://app.example", "Access-Control-Request-Method", "PUT").Want(t, c.status)
			if a.StatusCode == http.StatusOK && (up.Last().Header.Get("X-Session-User-Id") != "" || up.Last().Header.Get("Cookie") != "") {
				t.Errorf("arrived: %v", up.Last().Header)
			}
		})
	}
}

func TestAnotherProxyIsToldThatAPreflightMayPass(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Global: "servers {\ntrusted_proxies static 127.0.0.1/32\n}", Options: "policy api {\npreflight pass\npath /admin/* {\nrole admin\n}\n}", Routes: "session_endpoints"})
	ada := s.WithCookie(t, gatewaytest.Ada)
	ask := []string{"Origin", "https://app.example", "Access-Control-Request-Method", "PUT"}
	told := append([]string{"X-Forwarded-Uri", "/admin/x", "X-Forwarded-Method", "OPTIONS"}, ask...)
	for name, c := range map[string]struct {
		path, method string
		header       []string
		status       int
	}{
		"as Traefik asks":                  {"/auth/verify/api", "GET", told, http.StatusNoContent},
		"as Envoy asks":                    {"/auth/verify/api/admin/x", "OPTIONS", ask, http.StatusOK},
		"one that tells of another method": {"/auth/verify/api", "GET", append([]string{"X-HTTP-Method-Override", "DELETE"}, told...), http.StatusUnauthorized},
		"by another policy":                {"/auth/verify", "GET", told, http.StatusUnauthorized},
		"of which the method is not told":  {"/auth/verify/api", "GET", append([]string{"X-Forwarded-Uri", "/x"}, ask...), http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			s.Client(t).Do(c.method, c.path, "", c.header...).Want(t, c.status)
			if c.status >= 400 {
				return
			}
			a := ada.In(t).Do(c.method, c.path, "", c.header...).Want(t, c.status)
			for header := range a.Header {
				if strings.HasPrefix(header, "X-Session-") {
					t.Errorf("it is told %s", header)
				}
			}
		})
	}
}
