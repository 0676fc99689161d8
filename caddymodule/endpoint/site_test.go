package endpoint_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"go.yaml.in/yaml/v3"

	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/web"
	"example.com/sidegate/sessionstore/memory"
)

// wholeSite has every kind of route.
func wholeSite(t *testing.T) *endpoint.Site {
	t.Helper()
	c := configOf(t, memory.New(nil), endpoint.Logins{
		Passwords: []login.PasswordMethod{turnstile{new(atomic.Int64)}},
		Providers: []endpoint.Provider{{ProviderMethod: gate{new(atomic.Int64)}, PostsBack: true}},
	})
	c.Why = new(endpoint.Why)
	return endpoint.New(c)
}

// A route that the document does not describe is known to nobody, and one that
// it describes and nobody answers is a promise that is not kept.
func TestTheRoutesAreThoseOfTheDocument(t *testing.T) {
	var document struct {
		Paths map[string]map[string]yaml.Node `yaml:"paths"`
	}
	if err := yaml.Unmarshal(web.Swagger("/auth", ""), &document); err != nil {
		t.Fatal(err)
	}
	want := make(map[string][]string)
	for path, operations := range document.Paths {
		for method := range operations {
			if method = strings.ToUpper(method); slices.Contains([]string{"GET", "PUT", "POST", "DELETE"}, method) {
				want[path] = append(want[path], method)
			}
		}
		slices.Sort(want[path])
	}
	got := make(map[string][]string)
	for _, r := range wholeSite(t).Routes() {
		path := strings.Replace(r.Path, "/gate", "/{name}", 1)
		switch {
		case path == "/verify/*":
			path = "/verify/{policy}/{path}"
		case path == "/verify/":
			path += "{policy}"
		case strings.HasSuffix(path, "/"):
			path += "{id}"
		}
		got[path] = slices.Sorted(maps.Keys(r.Answers))
		if r.All != nil {
			got[path] = []string{http.MethodGet}
		}
	}
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("the routes are\n%v\nthe document has\n%v", got, want)
	}
}

func TestWhatNoRouteTakes(t *testing.T) {
	site := wholeSite(t)
	for _, c := range []struct {
		name, method, path string
		status             int
		allow              string
	}{
		{"a path that is no route's", "GET", "/auth/nothing", http.StatusNotFound, ""},
		{"the base path itself", "GET", "/auth/", http.StatusNotFound, ""},
		{"a device without its id", "DELETE", "/auth/sessions/", http.StatusNotFound, ""},
		{"a path below a device", "DELETE", "/auth/sessions/a/b", http.StatusNotFound, ""},
		{"a login that is not configured", "GET", "/auth/login/other", http.StatusNotFound, ""},
		{"a method that the route does not take", "PUT", "/auth/session", http.StatusMethodNotAllowed, "GET, HEAD"},
		{"a GET where there is none", "GET", "/auth/refresh", http.StatusMethodNotAllowed, "POST"},
		{"any device that is read", "GET", "/auth/sessions/a", http.StatusMethodNotAllowed, "DELETE, POST"},
		{"a HEAD where a GET signs in", "HEAD", "/auth/callback/gate", http.StatusMethodNotAllowed, "GET, POST"},
		{"a HEAD where a GET begins a sign-in", "HEAD", "/auth/login/gate", http.StatusMethodNotAllowed, "GET"},
		{"TRACE", "TRACE", "/auth/login", http.StatusMethodNotAllowed, "GET, HEAD, POST"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			site.ServeHTTP(w, prepared(c.method, c.path))
			if w.Code != c.status || w.Header().Get("Allow") != c.allow {
				t.Errorf("%d, Allow %q", w.Code, w.Header().Get("Allow"))
			}
		})
	}
}
