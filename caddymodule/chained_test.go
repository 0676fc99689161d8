package caddymodule_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// chained are the Caddyfiles of the reference: of the outer and the inner gateway.
func chained(t *testing.T) (outer, inner string) {
	t.Helper()
	text, err := os.ReadFile("../deploy/REFERENCE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## A gateway behind a gateway\n")
	section, _, _ = strings.Cut(section, "\n## ")
	parts := strings.Split(section, "```")
	if len(parts) != 5 {
		t.Fatalf("the section has %d parts", len(parts))
	}
	return strings.TrimPrefix(parts[1], "caddyfile\n"), strings.TrimPrefix(parts[3], "caddyfile\n")
}

// runChained runs a Caddyfile in a process of its own, in front of the app, with
// its addresses on this machine.
func runChained(t *testing.T, text, app string) *gatewaytest.Process {
	t.Helper()
	p := gatewaytest.NewProcess(t, gatewaytest.Site{})
	gatewaytest.WriteFile(t, filepath.Join(p.Dir, "people.yaml"), gatewaytest.UsersFile)
	insecure := "cookie {\ninsecure\n}\n"
	if strings.Contains(text, "cookie {") {
		text, insecure = strings.Replace(text, "cookie {", "cookie {\ninsecure", 1), ""
	}
	site := fmt.Sprintf("http://127.0.0.1:%d {\nbind 127.0.0.1", p.Port)
	file := filepath.Join(p.Dir, "Caddyfile")
	gatewaytest.WriteFile(t, file, strings.NewReplacer(
		"sidegate {", "admin "+p.Site.Admin+"\npersist_config off\nstorage file_system storage\nsidegate {\nrole admin\nrole editor\nstore memory\n"+insecure,
		"app.example.com {", site, "http://:8080 {", site, "10.0.0.1", "127.0.0.1", "10.0.0.2:8080", app, "127.0.0.1:3000", app,
	).Replace(text))
	p.Run(gatewaytest.CaddyCommand(context.Background(), p.Dir, "run", "--adapter", "caddyfile", "--config", file))
	return p
}

// jar is a person's browser at one host.
type jar struct {
	t       *testing.T
	base    string
	cookies map[string]string
}

func (j *jar) do(method, path string, form url.Values) *http.Response {
	j.t.Helper()
	r, err := http.NewRequest(method, j.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		j.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Origin", j.base)
	if form != nil {
		r.Header.Set("Content-Type", gatewaytest.AsForm)
	}
	for name, value := range j.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	resp, err := gatewaytest.NoRedirects.Do(r)
	if err != nil {
		j.t.Fatal(err)
	}
	j.t.Cleanup(func() { _ = resp.Body.Close() })
	for _, c := range resp.Cookies() {
		if j.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(j.cookies, c.Name)
		}
	}
	return resp
}

func (j *jar) led(to string, from *http.Response) {
	j.t.Helper()
	if at := from.Header.Get("Location"); from.StatusCode != http.StatusSeeOther || at != to {
		j.t.Fatalf("got %s %s; want to be led to %s", from.Status, at, to)
	}
}

func (j *jar) signIn(at, email, returnTo string) {
	j.t.Helper()
	form := url.Values{"username": {email}, "password": {gatewaytest.Password}, "return_to": {returnTo}}
	j.led(returnTo, j.do(http.MethodPost, at, form))
}

func TestAGatewayBehindAGateway(t *testing.T) {
	outerText, innerText := chained(t)
	up := gatewaytest.NewRecorder(t)
	t.Run("as the reference has it, people sign in at both and get to the app", func(t *testing.T) {
		inner := runChained(t, innerText, up.Address())
		outer := runChained(t, outerText, inner.Address())
		j := &jar{t, outer.URL, make(map[string]string)}
		j.led("/auth/login?return_to=%2Fpage", j.do(http.MethodGet, "/page", nil))
		j.signIn("/auth/login", gatewaytest.Ada, "/page")
		j.led("/inner/login?return_to=%2Fpage", j.do(http.MethodGet, "/page", nil))
		j.signIn("/inner/login", gatewaytest.Grace, "/page")
		if got := j.do(http.MethodGet, "/page", nil); got.StatusCode != http.StatusOK {
			t.Fatalf("got %s", got.Status)
		}
		if h := up.Last().Header; h.Get("X-Session-Email") != gatewaytest.Grace || h.Get("Cookie") != "" {
			t.Errorf("the app was told %v", h)
		}
		if said := outer.Log.String(); strings.Contains(said, "own login page") || strings.Contains(said, "sets a cookie") {
			t.Error("the outer gateway warns")
		}
	})
	t.Run("with the defaults the log says what to do, once", func(t *testing.T) {
		inner := runChained(t, strings.NewReplacer("base_path /inner\n", "", "name inner\n", "").Replace(innerText), up.Address())
		outer := runChained(t, outerText, inner.Address())
		j := &jar{t, outer.URL, make(map[string]string)}
		j.signIn("/auth/login", gatewaytest.Ada, "/page")
		for range 3 {
			j.led("/auth/login?return_to=%2Fpage", j.do(http.MethodGet, "/page", nil))
		}
		outer.AwaitLog("the gateway's own login page", "`name` in its block `cookie` and a base_path of its own")
		if n := strings.Count(outer.Log.String(), "own login page"); n != 1 {
			t.Errorf("the log says it %d times", n)
		}
	})
	t.Run("with a path of its own alone, the log tells of the cookie", func(t *testing.T) {
		inner := runChained(t, strings.Replace(innerText, "name inner\n", "", 1), up.Address())
		outer := runChained(t, outerText, inner.Address())
		j := &jar{t, outer.URL, make(map[string]string)}
		j.signIn("/auth/login", gatewaytest.Ada, "/page")
		j.signIn("/inner/login", gatewaytest.Ada, "/page")
		outer.AwaitLog("sets a cookie by the name of the gateway's", "another Sidegate behind this one")
	})
}
