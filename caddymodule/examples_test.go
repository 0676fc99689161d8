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

	"example.com/sidegate/caddymodule/gatewaytest"
)

const demoPassword = "sidegate-demo"

// runExample runs a shipped Caddyfile on a port of its own, with an upstream
// in the place of its app, and with the people of the demo.
func runExample(t *testing.T, file string, up *gatewaytest.Recorder) *gatewaytest.Server {
	t.Helper()
	return runExampleOf(t, file, "deploy/demo/users.yaml", up)
}

func runExampleOf(t *testing.T, file, users string, up *gatewaytest.Recorder) *gatewaytest.Server {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../deploy/caddyfiles", file))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("..")
	dir, port := t.TempDir(), strconv.Itoa(gatewaytest.FreePort(t))
	t.Setenv("XDG_DATA_HOME", dir)
	gatewaytest.Load(t, strings.NewReplacer(
		"{\n\tsidegate {", "{\n\tadmin off\n\tpersist_config off\n\tstorage file_system "+dir+"\n\tsidegate {",
		"\tservers {", "\tadmin off\n\tpersist_config off\n\tstorage file_system "+dir+"\n\tservers {",
		":8080 {", ":"+port+" {",
		"127.0.0.1:8000", up.Address(), "127.0.0.1:3000", up.Address(),
		"login users users.yaml", "login users "+users, "login users ../demo/users.yaml", "login users deploy/demo/users.yaml",
	).Replace(withoutComments(string(text))))
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	return &gatewaytest.Server{URL: "http://localhost:" + port, Dir: dir}
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
func demoClient(t *testing.T, s *gatewaytest.Server, email string) *gatewaytest.Client {
	t.Helper()
	c := s.Client(t)
	c.Bearer = c.TrySignIn(email, demoPassword).Want(t, 200).Session(t).Token
	c.Cookie = ""
	return c
}

func TestTheMinimalExample(t *testing.T) {
	up := gatewaytest.NewRecorder(t)
	s := runExample(t, "minimal.Caddyfile", up)
	c := s.Client(t)
	t.Run("leads people to the login page", func(t *testing.T) {
		a := c.Get("/", "Sec-Fetch-Mode", "navigate").Want(t, http.StatusSeeOther)
		if got := a.Header.Get("Location"); got != "/auth/login" {
			t.Errorf("it leads to %s", got)
		}
	})
	t.Run("and, signed in, on to the app", func(t *testing.T) {
		c.SignInByForm(gatewaytest.Ada, demoPassword, "/").Want(t, http.StatusSeeOther)
		c.Get("/").Want(t, 200)
		if got := up.Last().Header.Get("X-Session-Email"); got != gatewaytest.Ada {
			t.Errorf("the app was told %q", got)
		}
	})
}

func TestTheExampleOfAPIs(t *testing.T) {
	s := runExample(t, "apis.Caddyfile", gatewaytest.NewRecorder(t))
	anybody, admin, viewer := s.Client(t), demoClient(t, s, gatewaytest.Ada), demoClient(t, s, gatewaytest.Grace)
	foreign := s.Client(t)
	foreign.Bearer = "of-another-issuer"
	for _, c := range []struct {
		name         string
		client       *gatewaytest.Client
		method, path string
		status       int
		body         string
	}{
		{"a program without a token gets 401, not a redirect", anybody, "GET", "/api/orders", 401, `"error":"unauthorized"`},
		{"an admin may read", admin, "GET", "/api/orders", 200, "Hello " + gatewaytest.Ada},
		{"an admin may change", admin, "POST", "/api/orders", 200, "Hello " + gatewaytest.Ada},
		{"a viewer may read", viewer, "GET", "/api/orders", 200, "Hello " + gatewaytest.Grace},
		{"a viewer may not change", viewer, "POST", "/api/orders", 403, `"error":"forbidden"`},
		{"a token of another issuer is bad for our API", foreign, "GET", "/api/orders", 401, `"error":"unauthorized"`},
		{"a token of another issuer is left to the partners' app", foreign, "GET", "/partners/x", 200, "Hello, whom another issuer knows"},
		{"who has our session is known to the partners' app", viewer, "GET", "/partners/x", 200, "Hello " + gatewaytest.Grace},
		{"a demand holds however the path is spelt", viewer, "POST", "/x/..;/api/orders", 403, `"error":"forbidden"`},
		{"what is public is", anybody, "GET", "/api/status", 200, "The API is up"},
		{"and nothing else that looks like it", anybody, "GET", "/api/status;x/../orders", 401, `"error":"unauthorized"`},
		{"an admin is told from others", admin, "GET", "/whoami", 200, "an administrator"},
		{"and others from an admin", viewer, "GET", "/whoami", 200, "somebody else"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := c.client.Do(c.method, c.path, "", "Sec-Fetch-Mode", "navigate").Want(t, c.status)
			if c.status == 200 && !strings.HasPrefix(a.Body, c.body) {
				t.Errorf("got %s", a.Body)
			}
			a = c.client.Do(c.method, c.path, "").Want(t, c.status)
			if !strings.Contains(a.Body, c.body) {
				t.Errorf("got %s", a.Body)
			}
		})
	}
}

func TestTheExampleOfASinglePageApp(t *testing.T) {
	s := runExample(t, "spa.Caddyfile", gatewaytest.NewRecorder(t))
	anybody, admin, viewer := s.Client(t), demoClient(t, s, gatewaytest.Ada), demoClient(t, s, gatewaytest.Grace)
	for _, c := range []struct {
		name         string
		client       *gatewaytest.Client
		method, path string
		account      string
		status       int
		body         string
	}{
		{"anybody gets the page", anybody, "GET", "/", "", 200, `src="/app.js"`},
		{"anybody gets its script", anybody, "GET", "/app.js", "", 200, `"/auth/client.js"`},
		{"anybody gets the client", anybody, "GET", "/auth/client.js", "", 200, "createClient"},
		{"nobody gets orders who is not signed in", anybody, "GET", "/api/orders", "", 401, `"error":"unauthorized"`},
		{"a viewer may read them", viewer, "GET", "/api/orders", "", 200, `"account": "acme"`},
		{"a viewer may not order", viewer, "POST", "/api/orders", "", 403, `"error":"forbidden"`},
		{"an admin may order", admin, "POST", "/api/orders", "", 200, `"account": "acme"`},
		{"a tab acts for its account", admin, "GET", "/api/orders", "globex", 200, `"account": "globex"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			header := []string{"X-Session-Account-Id", "forged"}
			if c.account != "" {
				header = append(header, "X-Account-Id", c.account)
			}
			if a := c.client.Do(c.method, c.path, "", header...).Want(t, c.status); !strings.Contains(a.Body, c.body) {
				t.Errorf("got %s", a.Body)
			}
		})
	}
}

func TestTheExampleOfGrafana(t *testing.T) {
	up := gatewaytest.NewRecorder(t)
	s := runExample(t, "grafana.Caddyfile", up)
	for email, role := range map[string]string{gatewaytest.Ada: "Admin", gatewaytest.Grace: "Viewer"} {
		t.Run(email+" gets the role "+role, func(t *testing.T) {
			demoClient(t, s, email).Get("/", "X-Webauth-Role", "Admin").Want(t, 200)
			h := up.Last().Header
			if h.Get("X-Webauth-User") != email || h.Get("X-Webauth-Role") != role || h.Get("X-Session-Email") != "" {
				t.Errorf("Grafana was told %v", h)
			}
		})
	}
	t.Run("a probe needs nobody, and is nobody", func(t *testing.T) {
		s.Client(t).Get("/api/health", "X-WEBAUTH-USER", "admin").Want(t, 200)
		if got := up.Last().Header.Get("X-Webauth-User"); got != "" {
			t.Errorf("Grafana was told %s", got)
		}
	})
}

func TestTheExampleOfTLSInFront(t *testing.T) {
	file := filepath.Join(t.TempDir(), "users.yaml")
	gatewaytest.WriteFile(t, file, gatewaytest.UsersFile)
	s := runExampleOf(t, "tls-in-front.Caddyfile", file, gatewaytest.NewRecorder(t))
	ask := func(method, path, body, cookie string) (*http.Response, string) {
		t.Helper()
		req, err := http.NewRequest(method, s.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "app.example.com"
		req.Header = http.Header{
			"Content-Type": {"application/json"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-For": {"203.0.113.7"},
			"Origin": {"https://app.example.com"}, "Cookie": {cookie},
		}
		a := s.Client(t).Send(req)
		return a.Response, a.Body
	}
	resp, body := ask("POST", "/auth/login", `{"email":"`+gatewaytest.Ada+`","password":"`+gatewaytest.Password+`"}`, "")
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
