package migrating_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// folder is where the pairs are.
const folder = "../../deploy/migration"

// app is the host that the worked files are about.
const app = "app.example.com"

func worked(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// edited is the file with each of the replacements, old and new by turns. What is no
// longer in the file is an error: the test would be about another one.
func edited(t testing.TB, text string, replacements ...string) string {
	t.Helper()
	for i := 0; i < len(replacements); i += 2 {
		if !strings.Contains(text, replacements[i]) {
			t.Fatalf("there is no %q in\n%s", replacements[i], text)
		}
		text = strings.ReplaceAll(text, replacements[i], replacements[i+1])
	}
	return text
}

// start runs a Caddyfile, theirs or ours, at a port of its own, over plain HTTP.
func start(t testing.TB, file string, replacements ...string) *gatewaytest.Server {
	t.Helper()
	dir, port := t.TempDir(), gatewaytest.FreePort(t)
	t.Setenv("XDG_DATA_HOME", dir)
	t.Setenv("OIDC_CLIENT_SECRET", "hush")
	t.Setenv("SIDEGATE_SECRET", gatewaytest.PresentSecret)
	options := "\tadmin off\n\tauto_https off\n\tpersist_config off\n\tstorage file_system " + dir + "\n"
	text := edited(t, worked(t, file), replacements...)
	if ours := strings.Contains(text, "\tsidegate {\n"); ours {
		text = strings.Replace(text, "\tsidegate {\n", options+"\tsidegate {\n\t\tcookie {\n\t\t\tinsecure\n\t\t}\n", 1)
	} else {
		text = "{\n" + options + "}\n" + text
	}
	site := fmt.Sprintf("\nhttp://127.0.0.1:%[1]d, http://%[2]s:%[1]d {\n\tbind 127.0.0.1\n", port, app)
	login := fmt.Sprintf("\nhttp://auth.example.com:%d {\n\tbind 127.0.0.1\n", port)
	gatewaytest.Load(t, strings.NewReplacer("\n"+app+" {\n", site, "\nhttp://:8080 {\n", site, "\nauth.example.com {\n", login).Replace(text))
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	return &gatewaytest.Server{URL: fmt.Sprintf("http://127.0.0.1:%d", port), Port: port, Dir: dir}
}

// get asks as somebody's browser does; header holds pairs of names and values.
func get(t testing.TB, address string, header ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	resp, err := gatewaytest.NoRedirects.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp
}

// want is get that checks the status.
func want(t testing.TB, status int, address string, header ...string) *http.Response {
	t.Helper()
	resp := get(t, address, header...)
	if resp.StatusCode != status {
		t.Fatalf("GET %s with %q: %s, want %d (%v)", address, header, resp.Status, status, resp.Header)
	}
	return resp
}

// navigates are headers of a page that a person opens.
var navigates = []string{"Sec-Fetch-Mode", "navigate", "Accept", "text/html"}

// ours is our session cookie that an answer sets, name=value; empty: it sets none.
func ours(resp *http.Response) string {
	for _, set := range resp.Cookies() {
		if set.Name == "sidegate" && set.MaxAge >= 0 {
			return set.Name + "=" + set.Value
		}
	}
	return ""
}

// sent are those of the headers that the app got with its newest request; a text
// for each name.
func sent(up *gatewaytest.Recorder, names ...string) map[string]string {
	got := make(map[string]string, len(names))
	for _, name := range names {
		got[name] = strings.Join(up.Last().Header.Values(name), " | ")
	}
	return got
}

// stays checks that somebody with the other gateway's cookie is signed in at ours with
// the very request, and stays so by our cookie; it returns that one.
func stays(t testing.TB, s *gatewaytest.Server, up *gatewaytest.Recorder, old string) (cookie string) {
	t.Helper()
	n := up.Count()
	resp := want(t, http.StatusOK, s.URL+"/", "Cookie", old+"; theme=dark")
	if cookie = ours(resp); cookie == "" {
		t.Fatalf("no session began: %q", resp.Header["Set-Cookie"])
	}
	if up.Count() != n+1 || up.Last().Header.Get("Cookie") != "theme=dark" {
		t.Errorf("%d requests reached the app, the last with the cookies %q", up.Count()-n, up.Last().Header.Get("Cookie"))
	}
	want(t, http.StatusOK, s.URL+"/", "Cookie", cookie)
	return cookie
}
