package demo_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"text/template"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp/caddyauth"
	"go.yaml.in/yaml/v3"
)

func TestTheDemoPeopleHaveTheDocumentedPassword(t *testing.T) {
	raw, err := os.ReadFile("users.yaml")
	if err != nil {
		t.Fatal(err)
	}
	documented := regexp.MustCompile(`have the password: (\S+)`).FindSubmatch(raw)
	if documented == nil {
		t.Fatal("no password is documented")
	}
	var file struct {
		Users []struct {
			Email, Password string
			Disabled        bool
		}
	}
	if err := yaml.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Users) != 3 {
		t.Fatalf("%d people", len(file.Users))
	}
	for _, u := range file.Users {
		t.Run(u.Email, func(t *testing.T) {
			ok, err := caddyauth.Argon2idHash{}.Compare([]byte(u.Password), documented[1])
			if err != nil || !ok {
				t.Errorf("the hash is of another password: %v", err)
			}
			if want := u.Email == "linus@example.com"; u.Disabled != want {
				t.Errorf("disabled: %v", u.Disabled)
			}
			if !strings.Contains(string(raw), "#   "+u.Email+" ") {
				t.Error("the top of the file does not present them")
			}
		})
	}
}

// page renders the demo's page as Caddy's templates handler does: text/template,
// with the one function of its own that the page uses.
func page(t *testing.T, headers http.Header) string {
	t.Helper()
	return pageAt(t, "/", headers)
}

func pageAt(t *testing.T, path string, headers http.Header) string {
	t.Helper()
	raw, err := os.ReadFile("upstream.html")
	if err != nil {
		t.Fatal(err)
	}
	tpl, err := template.New("").Funcs(template.FuncMap{
		"hasPrefix": func(prefix, s string) bool { return strings.HasPrefix(s, prefix) },
	}).Parse(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest(http.MethodGet, "/", nil)
	req.Header = headers
	var out bytes.Buffer
	if err := tpl.Execute(&out, struct{ Req, OriginalReq *http.Request }{req, httptest.NewRequest(http.MethodGet, path, nil)}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestTheDemoPage(t *testing.T) {
	signedIn := http.Header{
		"X-Session-Email":        {"ada@example.com"},
		"X-Session-Account-Name": {`<script>alert("1")</script>`},
		"X-Session-Accounts":     {"acme%2Cltd,globex"},
		"Cookie":                 {"sidegate=secret"},
		"Accept":                 {"text/html"},
	}
	t.Run("escapes what it is told", func(t *testing.T) {
		if out := page(t, signedIn); strings.Contains(out, "<script>alert") || !strings.Contains(out, "&lt;script&gt;") {
			t.Error("a header's value became a part of the page")
		}
	})
	t.Run("escapes the address it greets", func(t *testing.T) {
		if out := page(t, http.Header{"X-Session-Email": {"<script>x"}}); strings.Contains(out, "<script>x") {
			t.Error("the address became a part of the page")
		}
	})
	t.Run("shows values as received, in the order of their names", func(t *testing.T) {
		out := page(t, signedIn)
		name, list := strings.Index(out, "X-Session-Account-Name<"), strings.Index(out, "acme%2Cltd,globex")
		if name < 0 || list < name {
			t.Errorf("name at %d, list at %d", name, list)
		}
	})
	t.Run("shows no other header", func(t *testing.T) {
		if out := page(t, signedIn); strings.Contains(out, "secret") || strings.Contains(out, ">Accept<") {
			t.Error("it does")
		}
	})
	t.Run("signs out by a form, not by a link", func(t *testing.T) {
		out := page(t, signedIn)
		if !strings.Contains(out, `<form method="post" action="/auth/logout">`) || strings.Contains(out, `href="/auth/logout"`) {
			t.Error("no form, or a link")
		}
	})
	t.Run("has an admin page", func(t *testing.T) {
		if out := pageAt(t, "/admin/", signedIn); !strings.Contains(out, "<h1>Admin page</h1>") || !strings.Contains(page(t, signedIn), `href="/admin/"`) {
			t.Error("it has none, or leads to none")
		}
	})
	t.Run("offers to sign in when nobody is", func(t *testing.T) {
		out := page(t, http.Header{})
		if !strings.Contains(out, `href="/auth/login"`) || strings.Contains(out, "<table>") || strings.Contains(out, "/auth/logout") {
			t.Error("it does not, or shows a table or a way to sign out")
		}
	})
}

// The demo looks as the gateway's pages do, whose contrasts are computed.
func TestTheDemoPageHasTheColoursOfTheLoginPage(t *testing.T) {
	style, err := os.ReadFile("../../caddymodule/web/pages/style.css")
	if err != nil {
		t.Fatal(err)
	}
	app, err := os.ReadFile("spa/style.css")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`--[a-z-]+: #[0-9a-f]{6};`).FindAllString(page(t, http.Header{})+string(app), -1) {
		if !strings.HasPrefix(m, "--rule") && !bytes.Contains(style, []byte(m)) {
			t.Errorf("another colour: %s", m)
		}
	}
}
