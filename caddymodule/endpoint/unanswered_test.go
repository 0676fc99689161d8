package endpoint_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// askedAt is the status of a GET with the host, lines of the header in pairs.
func askedAt(t *testing.T, s *gatewaytest.Server, host, path string, header ...string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = strings.Replace(s.Address(), "127.0.0.1", host, 1)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := gatewaytest.NoRedirects.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// Caddy answers 200 and nothing where nobody answers, and proxies take every 2xx for a
// yes: a word of the address that is wrong must let nobody pass.
func TestABlankPageIsNotTakenForAYes(t *testing.T) {
	const blank, refused = http.StatusOK, http.StatusMisdirectedRequest
	tells := []string{"X-Forwarded-Uri", "/orders", "X-Forwarded-Method", "GET"}
	for name, site := range map[string]gatewaytest.Site{
		"session_endpoints for every path":          {Routes: "session_endpoints"},
		"session_endpoints for their own paths":     {Routes: "handle /auth/* {\nsession_endpoints\n}\nhandle /app/* {\nrespond app\n}"},
		"a site without them beside another":        {Localhost: true, Routes: "@app host 127.0.0.1\nhandle @app {\nsession_endpoints\n}\nhandle /app/* {\nrespond app\n}"},
		"paths that are guarded":                    {Routes: "session_endpoints\n@x path /x/*\nroute @x {\nsession_auth\nrespond app\n}\nhandle /app/* {\nrespond app\n}"},
		"error routes that answer 200":              {Routes: "session_endpoints\nhandle_errors {\nrespond oops 200\n}"},
		"error routes that answer 200, and a route": {Routes: "handle /auth/* {\nsession_endpoints\n}\nhandle_errors {\nrespond oops 200\n}"},
		"what wraps the answer":                     {Routes: "encode\ntemplates\nheader X-A b\nsession_endpoints"},
	} {
		for from, global := range map[string]string{"a trusted proxy": trusting, "another": ""} {
			t.Run(name+", asked by "+from, func(t *testing.T) {
				site.Options, site.Global = policies, global
				s := gatewaytest.Start(t, site)
				for _, c := range []struct {
					name, host, path string
					header           []string
					want             int
				}{
					{"another base_path", "127.0.0.1", "/auths/verify", tells, refused},
					{"another base_path, and a policy", "127.0.0.1", "/sso/verify/site", []string{"X-Original-Uri", "/orders"}, refused},
					{"another word", "127.0.0.1", "/check", []string{"X-Original-Url", "http://app.example/orders"}, refused},
					{"the root", "127.0.0.1", "/", []string{"X-Original-Method", "GET"}, refused},
					{"below a policy, by who tells nothing", "127.0.0.1", "/auths/verify/site/orders", nil, refused},
					{"where oauth2-proxy is asked, by who tells nothing", "127.0.0.1", "/oauth2/auth", []string{"X-Real-Ip", "192.0.2.7", "X-Scheme", "https"}, refused},
					{"where Authelia is asked", "127.0.0.1", "/api/authz/auth-request", nil, refused},
					{"where Authelia is asked, with a host alone", "127.0.0.1", "/api/authz/forward-auth", []string{"X-Forwarded-Host", "app.example"}, refused},
					{"where Authelia was asked before", "127.0.0.1", "/api/verify", nil, refused},
					{"where authentik is asked", "127.0.0.1", "/outpost.goauthentik.io/auth/nginx", nil, refused},
					{"where Vouch is asked", "127.0.0.1", "/validate", nil, refused},
					{"by oauth2-proxy's own header", "127.0.0.1", "/check", []string{"X-Auth-Request-Redirect", "/orders"}, refused},
					{"what only begins like that", "127.0.0.1", "/oauth2/authorize", nil, blank},
					{"a host of no site", "other.example", "/check", tells, refused},
					{"no question", "127.0.0.1", "/check", nil, blank},
				} {
					if got := askedAt(t, s, c.host, c.path, c.header...); got != c.want {
						t.Errorf("%s: got %d, want %d", c.name, got, c.want)
					}
				}
				if site.Localhost {
					if got := askedAt(t, s, "localhost", "/auths/verify", tells...); got != refused {
						t.Errorf("the site without them: got %d", got)
					}
				}
			})
		}
	}
}

// The proxy's own log says no more than that nobody is let in.
func TestAQuestionThatNobodyAnswersIsTold(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Options: policies, Global: trusting, Routes: "session_endpoints\nrewrite /oauth2/* /gone"})
	if got := askedAt(t, p.Server, "127.0.0.1", "/oauth2/auth?a=b"); got != http.StatusMisdirectedRequest {
		t.Errorf("it is answered %d", got)
	}
	p.AwaitLog(`"level":"warn"`, "a proxy asks where nobody answers questions", `"client":"127.0.0.1"`, `"asked":"`+p.Address()+`/oauth2/auth"`,
		`"remedy":"a proxy asks at an address where nothing answers`)
}

// An app may be sent what proxies tell of requests, and may have such addresses: what
// it answers is its own, also with nothing.
func TestAppsThatAreToldOfRequestsAnswerThem(t *testing.T) {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/none/verify" {
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	defer app.Close()
	s := gatewaytest.Start(t, gatewaytest.Site{Options: policies, Global: trusting, Upstream: strings.TrimPrefix(app.URL, "http://"),
		Routes: "handle /auth/* {\nsession_endpoints\n}\nhandle /said {\nrespond 200\n}\nhandle {\nsession_auth {\noptional\n}\nreverse_proxy {upstream}\n}"})
	for path, want := range map[string]int{"/app": http.StatusOK, "/app/verify/x": http.StatusOK, "/none/verify": http.StatusNoContent, "/said": http.StatusOK, "/auth/verify/admin": http.StatusUnauthorized} {
		if got := askedAt(t, s, "127.0.0.1", path, "X-Forwarded-Uri", "/app", "X-Forwarded-Method", "GET", "X-Original-Uri", "/app"); got != want {
			t.Errorf("%s is answered %d", path, got)
		}
	}
}
