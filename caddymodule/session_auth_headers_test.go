package caddymodule_test

import (
	"encoding/json"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

func TestDefaultIdentityHeaders(t *testing.T) {
	up := gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address()})
	c := s.WithCookie(t, gatewaytest.Ada)
	other := s.WithCookie(t, gatewaytest.Grace)
	c.Get("/app", "Cookie", "theme=dark; "+other.Cookie+"; lang=en").Want(t, http.StatusUnauthorized) // two people's
	cookie := c.Cookie
	c.Cookie = "theme=dark; " + cookie + "; lang=en"
	c.Get("/app").Want(t, http.StatusOK)
	got := up.Last().Header
	for name, want := range map[string]string{
		"X-Session-User-Id":       "1",
		"X-Session-Email":         "ada@example.com",
		"X-Session-Account-Id":    "acme",
		"X-Session-Account-Name":  "Acme Ltd",
		"X-Session-Account-Admin": "true",
		"X-Session-Accounts":      "acme,globex",
		"X-Session-Roles":         "admin,editor",
		"X-Session-Permissions":   "reports:run,users:write,orders:read,orders:write",
		"X-Session-Id":            gatewaytest.IDOf(t, c),
		"X-Session-Assertion":     "",
		"X-Session-Truncated":     "",
		"Cookie":                  "theme=dark; lang=en",
		"Authorization":           "",
	} {
		if value := strings.Join(got.Values(name), " | "); value != want {
			t.Errorf("%s is %q, want %q", name, value, want)
		}
	}
}

// hostile is a person whose every text asks to be expanded or to break out.
var hostile = strings.NewReplacer(
	"email: grace@example.com", "email: '{env.HOME}@example.com'",
	"roles: [viewer]", `roles: ["{env.HOME}", "a,b", "{http.request.header.X-Evil}"]
    accounts:
      - { accountId: "{env.HOME}", accountName: "{file./etc/hostname} é, 100% {http.auth.user.email}" }`,
).Replace(gatewaytest.UsersFile)

// User data is never read as a template (CVE-2026-30852).
func TestUserDataIsNeverExpanded(t *testing.T) {
	if os.Getenv("HOME") == "" {
		t.Setenv("HOME", "/home/ada")
	}
	dir := t.TempDir()
	gatewaytest.WriteFile(t, dir+"/users.yaml", hostile)
	up := gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Dir: dir, Upstream: up.Address(), Routes: `
	session_endpoints
	session_auth {
		headers native remote-user
		header X-Who "{http.auth.user.id} <{http.auth.user.email}> {http.auth.user.account_id}"
		header X-Lists "{http.auth.user.roles};{http.auth.user.permissions}"
		header X-Site "{http.request.method} constant"
		header X-Constant fixed
	}
	respond /echo "{http.auth.user.id} {http.auth.user.email} {http.auth.user.account_id}"
	reverse_proxy {upstream}
`})
	c := s.WithCookie(t, "{env.HOME}@example.com")
	c.Get("/app", "X-Evil", "owner", "X-Who", "somebody", "x_who", "somebody").Want(t, http.StatusOK)
	for name, want := range map[string]string{
		"X-Who":                  "2 <{env.home}@example.com> {env.HOME}",
		"X-Lists":                "%7Benv.HOME%7D,a%2Cb,%7Bhttp.request.header.X-Evil%7D;",
		"X-Site":                 "GET constant",
		"X-Constant":             "fixed",
		"X-Session-Email":        "%7Benv.home%7D@example.com",
		"X-Session-Account-Id":   "%7Benv.HOME%7D",
		"X-Session-Account-Name": "%7Bfile./etc/hostname%7D %C3%A9%2C 100%25 %7Bhttp.auth.user.email%7D",
		"X-Session-Roles":        "%7Benv.HOME%7D,a%2Cb,%7Bhttp.request.header.X-Evil%7D",
		"Remote-User":            "{env.home}@example.com",
	} {
		if got := strings.Join(up.Last().Header.Values(name), " | "); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for name, values := range up.Last().Header {
		if strings.Contains(strings.Join(values, " "), os.Getenv("HOME")) {
			t.Errorf("%s holds the environment: %q", name, values)
		}
	}
	if _, aliased := up.Last().Header["X_who"]; aliased {
		t.Error("the client's alias of a header of ours arrived")
	}
	t.Run("nor in an answer", func(t *testing.T) {
		if got := c.In(t).Get("/echo").Want(t, http.StatusOK).Body; got != "2 {env.home}@example.com {env.HOME}" {
			t.Errorf("answered %q", got)
		}
	})
	t.Run("the session has it as it is", func(t *testing.T) {
		var u struct{ Email, Token string }
		if err := json.Unmarshal([]byte(c.In(t).Get("/auth/session").Body), &u); err != nil || u.Email != "{env.home}@example.com" {
			t.Errorf("%+v, %v", u, err)
		}
	})
}

// Whose roles are too many for a header has none there, and the operator is told
// once, with what to choose; what is chosen arrives.
func TestRolesThatAreTooManyAreToldOf(t *testing.T) {
	dir, up := t.TempDir(), gatewaytest.NewRecorder(t)
	groups := make([]string, 300)
	for i := range groups {
		groups[i] = "directory-group-" + strconv.Itoa(i)
	}
	gatewaytest.WriteFile(t, dir+"/users.yaml", strings.Replace(gatewaytest.UsersFile, "roles: [viewer]", "roles: ["+strings.Join(groups, ", ")+", app-viewer]", 1))
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Dir: dir, Upstream: up.Address(), Options: "cache off", Routes: `
	session_endpoints
	handle /all/* {
		session_auth {
			header X-Role-List {http.auth.user.roles}
		}
		reverse_proxy {upstream}
	}
	handle /some/* {
		session_auth {
			header_roles app-*
		}
		reverse_proxy {upstream}
	}`})
	c := p.WithCookie(t, "grace@example.com")
	for range 3 {
		c.Get("/all/a").Want(t, http.StatusOK)
		if h := up.Last().Header; h.Get("X-Session-Roles") != "" || h.Get("X-Session-Truncated") != "Roles" || h.Get("X-Role-List") != "" {
			t.Fatalf("arrived: %v", h)
		}
		c.Get("/some/a").Want(t, http.StatusOK)
		if h := up.Last().Header; h.Get("X-Session-Roles") != "app-viewer" || h.Get("X-Session-Truncated") != "" {
			t.Fatalf("arrived: %v", h)
		}
	}
	const told = "identity headers would have been too large"
	p.AwaitLog(told, `"left_out":"Roles"`, `"roles":301`, "header_roles <prefix>*")
	p.AwaitSample("identity_headers_left_out_total", 1)
	if n := strings.Count(p.Log.String(), told); n != 1 {
		t.Errorf("told %d times of one session", n)
	}
}

// TestWhatALaterHandlerWritesIntoAHeaderIsOfItsRequestAlone: a replacement that has
// a client's text in it would else be told of everybody.
func TestWhatALaterHandlerWritesIntoAHeaderIsOfItsRequestAlone(t *testing.T) {
	up := gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address(), Routes: `
	route {
		session_endpoints
		session_auth {
			header X-Env production
			header X-Of {http.auth.user.email}
		}
		request_header /a* X-Env ^.*$ {query.env}
		request_header /a* X-Of ^.*$ {query.env}
		request_header /a* X-Session-Email ^.*$ {query.env}
		reverse_proxy {upstream}
	}`})
	c := s.Client(t)
	c.SignIn(gatewaytest.Ada)
	for _, path := range []string{"/b", "/a?env=staging", "/b"} {
		c.Get(path).Want(t, http.StatusOK)
		env, email := "production", gatewaytest.Ada
		if path != "/b" {
			env, email = "staging", "staging"
		}
		if h := up.Last().Header; h.Get("X-Env") != env || h.Get("X-Of") != email || h.Get("X-Session-Email") != email {
			t.Errorf("%s arrived with %v", path, h)
		}
	}
}
