package migrating_test

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// program is a real oauth2-proxy, of the version that the tables are of: go builds it
// once and keeps it.
var program = sync.OnceValues(func() (string, error) {
	cmd := exec.Command("go", "tool", "-n", "github.com/oauth2-proxy/oauth2-proxy/v7")
	cmd.Dir = filepath.Join(folder, "oldproxy")
	said := new(gatewaytest.Output)
	cmd.Stderr = said
	path, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("building oauth2-proxy: %w\n%s", err, said)
	}
	return strings.TrimSpace(string(path)), nil
})

func oauth2Proxy(t testing.TB) string {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// oldProxy is a running oauth2-proxy with the worked configuration.
type oldProxy struct{ url string }

// staff has the provider say what the worked files ask for.
func staff(t testing.TB) *gatewaytest.IDP {
	t.Helper()
	idp := gatewaytest.NewIDP(t)
	idp.But(t, map[string]any{"aud": "app", "groups": []string{"staff", "admins"}})
	return idp
}

// startOldProxy runs it until the test ends, before that app.
func startOldProxy(t testing.TB, idp *gatewaytest.IDP, upstream string) *oldProxy {
	t.Helper()
	dir, port := t.TempDir(), gatewaytest.FreePort(t)
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	for name, secret := range map[string]string{"client-secret": "hush", "cookie-secret": gatewaytest.PresentSecret[:32]} {
		gatewaytest.WriteFile(t, filepath.Join(dir, name), secret)
	}
	config := filepath.Join(dir, "oauth2-proxy.cfg")
	gatewaytest.WriteFile(t, config, edited(t, worked(t, "oauth2-proxy.cfg"),
		"127.0.0.1:4180", address, "http://127.0.0.1:8000/", upstream+"/",
		"https://sso.example.com/realms/acme", idp.URL, "/etc/oauth2-proxy", dir))
	said := new(gatewaytest.Output)
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, oauth2Proxy(t), "--config", config)
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		stop()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait()
	})
	gatewaytest.Await(t, "oauth2-proxy listens", func() bool {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, said.String)
	return &oldProxy{"http://" + address}
}

// public are headers by which it knows where people come to.
var public = []string{"Host", app, "X-Forwarded-Proto", "https", "X-Forwarded-Host", app}

// signIn goes the way by the provider, and returns the cookie, name=value.
func (o *oldProxy) signIn(t testing.TB, idp *gatewaytest.IDP) string {
	t.Helper()
	begun := want(t, http.StatusFound, o.url+"/oauth2/start?rd=/", public...)
	var attempt []string
	for _, c := range begun.Cookies() {
		attempt = append(attempt, c.Name+"="+c.Value)
	}
	back := idp.Consent(t, begun.Header.Get("Location"))
	done := want(t, http.StatusFound, o.url+back, append([]string{"Cookie", strings.Join(attempt, "; ")}, public...)...)
	for _, c := range done.Cookies() {
		if c.Name == "_oauth2_proxy" && c.Value != "" {
			return c.Name + "=" + c.Value
		}
	}
	t.Fatalf("oauth2-proxy signs nobody in: %s %v", done.Status, done.Header)
	return ""
}

// ourOAuth2Proxy runs what has become of it.
func ourOAuth2Proxy(t testing.TB, idp *gatewaytest.IDP, old *oldProxy, upstream string, more ...string) *gatewaytest.Server {
	t.Helper()
	return start(t, "oauth2-proxy.Caddyfile", append([]string{
		"https://sso.example.com/realms/acme", idp.URL, "http://127.0.0.1:4180", old.url,
		"reverse_proxy 127.0.0.1:8000", "reverse_proxy " + upstream,
	}, more...)...)
}

// told are headers that the app of the worked files reads.
var told = []string{"X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups"}

func TestOAuth2ProxyAnswersAsItsTableSays(t *testing.T) {
	idp, up := staff(t), gatewaytest.NewRecorder(t)
	old := startOldProxy(t, idp, up.URL)
	cookie := old.signIn(t, idp)
	t.Run("the app is told", func(t *testing.T) {
		want(t, http.StatusOK, old.url+"/", append([]string{"Cookie", cookie}, public...)...)
		if got := sent(up, told...); !maps.Equal(got, map[string]string{"X-Forwarded-User": "ada-1", "X-Forwarded-Email": gatewaytest.Ada, "X-Forwarded-Groups": "staff,admins"}) {
			t.Errorf("it was told %q", got)
		}
	})
	t.Run("and another proxy", func(t *testing.T) {
		h := want(t, http.StatusAccepted, old.url+"/oauth2/auth", append([]string{"Cookie", cookie}, public...)...).Header
		if h.Get("X-Auth-Request-User") != "ada-1" || h.Get("X-Auth-Request-Email") != gatewaytest.Ada || h.Get("X-Auth-Request-Groups") != "staff,admins" {
			t.Errorf("it says %v", h)
		}
		want(t, http.StatusUnauthorized, old.url+"/oauth2/auth", public...)
	})
	t.Run("what is skipped needs nobody", func(t *testing.T) {
		want(t, http.StatusOK, old.url+"/healthz", public...)
		want(t, http.StatusOK, old.url+"/assets/logo.svg", public...)
		want(t, http.StatusUnauthorized, old.url+"/api/orders", public...)
		want(t, http.StatusFound, old.url+"/", append(slices.Clone(navigates), public...)...)
	})
}

func TestWhoIsSignedInAtOAuth2ProxyStaysSignedIn(t *testing.T) {
	idp, up := staff(t), gatewaytest.NewRecorder(t)
	old := startOldProxy(t, idp, up.URL)
	cookie := old.signIn(t, idp)
	want(t, http.StatusOK, old.url+"/", append([]string{"Cookie", cookie}, public...)...)
	before, asked := sent(up, told...), idp.Count("/token")
	s := ourOAuth2Proxy(t, idp, old, up.URL)
	adopted := stays(t, s, up, cookie)
	t.Run("the app is told the same", func(t *testing.T) {
		if after := sent(up, told...); !maps.Equal(after, before) {
			t.Errorf("it was told %q before, and now %q", before, after)
		}
	})
	t.Run("nobody was asked to sign in", func(t *testing.T) {
		if n := idp.Count("/token") - asked; n != 0 {
			t.Errorf("the provider was asked for %d tokens", n)
		}
	})
	t.Run("what was skipped needs nobody, and what was not does", func(t *testing.T) {
		want(t, http.StatusOK, s.URL+"/healthz")
		want(t, http.StatusOK, s.URL+"/assets/logo.svg")
		want(t, http.StatusUnauthorized, s.URL+"/api/orders")
		want(t, http.StatusSeeOther, s.URL+"/", navigates...)
	})
	t.Run("a later sign-in at the provider is the same person", func(t *testing.T) {
		b := s.Browser(t)
		b.SignInAt(idp, "sso")
		later := b.Do(http.MethodGet, "/auth/session", "").Want(t, http.StatusOK).Session(t)
		if now := s.With(t, adopted, "").Get("/auth/session").Want(t, http.StatusOK).Session(t); now.ID != later.ID {
			t.Errorf("the number is %d now and %d later", now.ID, later.ID)
		}
		b.Do(http.MethodGet, "/", "").Want(t, http.StatusOK)
		if after := sent(up, told...); !maps.Equal(after, before) {
			t.Errorf("the app was told %q before, and now %q", before, after)
		}
	})
	t.Run("the way back: the cookie is still good there", func(t *testing.T) {
		want(t, http.StatusOK, old.url+"/", append([]string{"Cookie", cookie}, public...)...)
	})
	t.Run("after a sign-out the old cookie opens nothing here", func(t *testing.T) {
		s.With(t, adopted+"; "+cookie, "").Post("/auth/logout").Want(t, http.StatusNoContent)
		want(t, http.StatusUnauthorized, s.URL+"/", "Cookie", cookie)
	})
}

// The first step of the move: the old gateway decides, and ours, behind it, says in
// its log what it would have answered.
func TestBothBesideEachOther(t *testing.T) {
	idp, up := staff(t), gatewaytest.NewRecorder(t)
	port := gatewaytest.FreePort(t) // what oauth2-proxy leads to, before ours is there
	old := startOldProxy(t, idp, fmt.Sprintf("http://127.0.0.1:%d", port))
	s := ourOAuth2Proxy(t, idp, old, up.URL,
		"{\n\tsidegate {\n", "{\n\tservers {\n\t\ttrusted_proxies static 127.0.0.1/32\n\t}\n\tsidegate {\n\t\treport_only\n",
		"\n"+app+" {\n", fmt.Sprintf("\nhttp://:%d {\n\tbind 127.0.0.1\n", port))
	s.Port, s.URL = port, fmt.Sprintf("http://127.0.0.1:%d", port)
	t.Run("who has the old cookie has our session with the answer", func(t *testing.T) {
		cookie := old.signIn(t, idp)
		resp := want(t, http.StatusOK, old.url+"/", append([]string{"Cookie", cookie}, public...)...)
		if ours(resp) == "" {
			t.Errorf("the cookies are %q", resp.Header["Set-Cookie"])
		}
		if got := sent(up, told...); got["X-Forwarded-User"] != "ada-1" || got["X-Forwarded-Email"] != gatewaytest.Ada {
			t.Errorf("the app was told %q", got)
		}
	})
	t.Run("the old one still refuses", func(t *testing.T) {
		n := up.Count()
		want(t, http.StatusUnauthorized, old.url+"/api/orders", public...)
		if up.Count() != n {
			t.Error("the request reached the app")
		}
	})
	t.Run("and what ours would refuse passes", func(t *testing.T) {
		want(t, http.StatusOK, s.URL+"/api/orders", "X-Forwarded-User", "mallory")
		if got := up.Last().Header.Get("X-Forwarded-User"); got != "" {
			t.Errorf("the app was told %q", got)
		}
	})
}

// The table is of this version, and of all that it takes.
func TestEveryOptionOfOAuth2ProxyHasARow(t *testing.T) {
	version, err := exec.CommandContext(t.Context(), "go", "list", "-C", filepath.Join(folder, "oldproxy"), "-m", "-f", "{{.Version}}", "github.com/oauth2-proxy/oauth2-proxy/v7").Output()
	if err != nil {
		t.Fatal(err)
	}
	if of := strings.TrimSpace(string(version)); !strings.Contains(worked(t, "oauth2-proxy.md"), of) {
		t.Errorf("oauth2-proxy.md is of another version than %s", of)
	}
	help, err := exec.CommandContext(t.Context(), oauth2Proxy(t), "--help").CombinedOutput()
	if flags := regexp.MustCompile(`(?m)^ +--([a-z0-9-]+)`).FindAllStringSubmatch(string(help), -1); len(flags) > 100 {
		rows := named(tables(t, "oauth2-proxy.md"))
		for _, flag := range flags {
			word := strings.ReplaceAll(flag[1], "-", "_")
			if !slices.Contains(rows, word) && !slices.Contains(rows, word+"s") && !slices.Contains(rows, "--"+flag[1]) {
				t.Errorf("there is no row for --%s", flag[1])
			}
		}
	} else {
		t.Errorf("%d options: %v\n%s", len(flags), err, help)
	}
}

// A redirect URI, for who reads the file: it is registered at the provider.
func TestOurRedirectURIIsThatOfTheNotes(t *testing.T) {
	idp, up := staff(t), gatewaytest.NewRecorder(t)
	s := start(t, "oauth2-proxy.Caddyfile", "https://sso.example.com/realms/acme", idp.URL, "127.0.0.1:8000", up.Address())
	asked := want(t, http.StatusSeeOther, s.URL+"/auth/login/sso", navigates...).Header.Get("Location")
	u, err := url.Parse(asked)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimPrefix(u.Query().Get("redirect_uri"), s.URL); got != "/auth/callback/sso" {
		t.Errorf("it is %q", got)
	}
}
