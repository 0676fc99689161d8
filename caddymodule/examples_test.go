package caddymodule_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

const demoPassword = "sidegate-demo"

// runExample runs a shipped Caddyfile on a port of its own, with an upstream
// in the place of its app.
func runExample(t *testing.T, file string, up *recorder) *server {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../deploy/caddyfiles", file))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("..")
	dir, port := t.TempDir(), strconv.Itoa(freePort(t))
	t.Setenv("XDG_DATA_HOME", dir)
	load(t, strings.NewReplacer(
		"{\n\tsidegate {", "{\n\tadmin off\n\tpersist_config off\n\tstorage file_system "+dir+"\n\tsidegate {",
		"\tservers {", "\tadmin off\n\tpersist_config off\n\tstorage file_system "+dir+"\n\tservers {",
		":8080 {", ":"+port+" {",
		"127.0.0.1:8000", up.address(), "127.0.0.1:3000", up.address(),
	).Replace(withoutComments(string(text))))
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	return &server{url: "http://localhost:" + port, dir: dir}
}

func withoutComments(text string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// demoClient is a client that has a token of the demo's person.
func (s *server) demoClient(t *testing.T, email string) *client {
	t.Helper()
	c := s.client(t)
	c.bearer = c.trySignIn(email, demoPassword).want(t, 200).session(t).Token
	c.cookie = ""
	return c
}

func TestTheMinimalExample(t *testing.T) {
	up := newRecorder(t)
	s := runExample(t, "minimal.Caddyfile", up)
	c := s.client(t)
	t.Run("leads people to the login page", func(t *testing.T) {
		a := c.get("/", "Sec-Fetch-Mode", "navigate").want(t, http.StatusSeeOther)
		if got := a.Header.Get("Location"); got != "/auth/login" {
			t.Errorf("it leads to %s", got)
		}
	})
	t.Run("and, signed in, on to the app", func(t *testing.T) {
		c.signInByForm(ada, demoPassword, "/").want(t, http.StatusSeeOther)
		c.get("/").want(t, 200)
		if got := up.last().Header.Get("X-Session-Email"); got != ada {
			t.Errorf("the app was told %q", got)
		}
	})
}

func TestTheExampleOfAPIs(t *testing.T) {
	s := runExample(t, "apis.Caddyfile", newRecorder(t))
	anybody, admin, viewer := s.client(t), s.demoClient(t, ada), s.demoClient(t, grace)
	foreign := s.client(t)
	foreign.bearer = "of-another-issuer"
	for _, c := range []struct {
		name         string
		client       *client
		method, path string
		status       int
		body         string
	}{
		{"a program without a token gets 401, not a redirect", anybody, "GET", "/api/orders", 401, `"error":"unauthorized"`},
		{"an admin may read", admin, "GET", "/api/orders", 200, "Hello " + ada},
		{"an admin may change", admin, "POST", "/api/orders", 200, "Hello " + ada},
		{"a viewer may read", viewer, "GET", "/api/orders", 200, "Hello " + grace},
		{"a viewer may not change", viewer, "POST", "/api/orders", 403, `"error":"forbidden"`},
		{"a token of another issuer is bad for our API", foreign, "GET", "/api/orders", 401, `"error":"unauthorized"`},
		{"a token of another issuer is left to the partners' app", foreign, "GET", "/partners/x", 200, "Hello "},
		{"an admin is told from others", admin, "GET", "/whoami", 200, "an administrator"},
		{"and others from an admin", viewer, "GET", "/whoami", 200, "somebody else"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := c.client.do(c.method, c.path, "", "Sec-Fetch-Mode", "navigate").want(t, c.status)
			if c.status == 200 && !strings.HasPrefix(a.body, c.body) {
				t.Errorf("got %s", a.body)
			}
			a = c.client.do(c.method, c.path, "").want(t, c.status)
			if !strings.Contains(a.body, c.body) {
				t.Errorf("got %s", a.body)
			}
		})
	}
}

func TestTheExampleOfGrafana(t *testing.T) {
	up := newRecorder(t)
	s := runExample(t, "grafana.Caddyfile", up)
	for email, role := range map[string]string{ada: "Admin", grace: "Viewer"} {
		t.Run(email+" gets the role "+role, func(t *testing.T) {
			s.demoClient(t, email).get("/", "X-Webauth-Role", "Admin").want(t, 200)
			h := up.last().Header
			if h.Get("X-Webauth-User") != email || h.Get("X-Webauth-Role") != role || h.Get("X-Session-Email") != "" {
				t.Errorf("Grafana was told %v", h)
			}
		})
	}
	t.Run("a probe needs nobody, and is nobody", func(t *testing.T) {
		s.client(t).get("/api/health", "X-WEBAUTH-USER", "admin").want(t, 200)
		if got := up.last().Header.Get("X-Webauth-User"); got != "" {
			t.Errorf("Grafana was told %s", got)
		}
	})
}

func TestTheExampleOfTLSInFront(t *testing.T) {
	s := runExample(t, "tls-in-front.Caddyfile", newRecorder(t))
	ask := func(method, path, body, cookie string) (*http.Response, string) {
		t.Helper()
		req, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "app.example.com"
		req.Header = http.Header{
			"Content-Type": {"application/json"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-For": {"203.0.113.7"},
			"Origin": {"https://app.example.com"}, "Cookie": {cookie},
		}
		a := s.client(t).send(req)
		return a.Response, a.body
	}
	resp, body := ask("POST", "/auth/login", `{"email":"`+ada+`","password":"`+demoPassword+`"}`, "")
	if resp.StatusCode != 200 || len(resp.Cookies()) != 1 {
		t.Fatalf("got %s %s", resp.Status, body)
	}
	cookie := resp.Cookies()[0]
	t.Run("the cookie is Secure although we speak HTTP", func(t *testing.T) {
		if !cookie.Secure || cookie.Name != "__Host-Http-sidegate" {
			t.Errorf("got %s", cookie)
		}
	})
	t.Run("devices show people's addresses", func(t *testing.T) {
		_, body := ask("GET", "/auth/sessions", "", cookie.Name+"="+cookie.Value)
		var list struct{ Sessions []struct{ Address string } }
		if err := json.Unmarshal([]byte(body), &list); err != nil || len(list.Sessions) != 1 || list.Sessions[0].Address != "203.0.113.7" {
			t.Errorf("got %s", body)
		}
	})
}
