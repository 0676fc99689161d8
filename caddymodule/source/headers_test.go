package source_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/source"
)

func TestConfiguredHeaders(t *testing.T) {
	const canary = "hunter2hunter2"
	for _, c := range []struct {
		name    string
		headers http.Header
		want    string // empty: they are fine
	}{
		{"none", nil, ""},
		{"a key", http.Header{"X-Api-Key": {canary}}, ""},
		{"a value with a tab and letters beyond ASCII", http.Header{"X-Team": {"a\tö"}}, ""},
		{"a secret with a line break at its end", http.Header{"Authorization": {canary + "\n"}}, "is there a line break at the end"},
		{"a value with NUL", http.Header{"X-A": {canary + "\x00"}}, "control character"},
		{"a name with a space", http.Header{"X " + canary: {""}}, "not a token"},
		{"a name with a line break", http.Header{"X\r\nY" + canary: {""}}, "not a token"},
		{"a name that is not ASCII", http.Header{"Xö" + canary: {""}}, "not a token"},
		{"no name", http.Header{"": {canary}}, "not a token"},
		{"a length, which would split the request", http.Header{"content-length": {canary}}, "Content-Length is set by the gateway"},
		{"another framing, which would split the request", http.Header{"Transfer-Encoding": {"chunked"}}, "is set by the gateway"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := source.CleanHeaders(c.headers)
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), canary) {
				t.Fatalf("got %v, want an error that says %q and shows nothing", err, c.want)
			}
		})
	}
}

func TestSetHeaders(t *testing.T) {
	configured := http.Header{"host": {"people.example.com"}, "accept": {"application/vnd.api+json"}, "X-Key": {"a", "b"}}
	headers, err := source.CleanHeaders(configured)
	if err != nil {
		t.Fatal(err)
	}
	configured["X-Key"][1] = "changed"
	r, err := http.NewRequest(http.MethodGet, "http://127.0.0.1/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	source.SetHeaders(r, headers)
	if r.Host != "people.example.com" || r.Header.Get("Accept") != "application/vnd.api+json" || !slices.Equal(r.Header["X-Key"], []string{"a", "b"}) {
		t.Fatalf("got host %q and %v", r.Host, r.Header)
	}
	r.Header["X-Key"][0] = "changed"
	if headers["X-Key"][0] != "a" {
		t.Fatal("a request shares its headers with the configuration")
	}
}
