package caller_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"example.com/sidegate/caddymodule/caller"
)

// An app may take another method than that of the request, and would do unasked what it
// is told.
func TestWhatTellsOfAnotherMethodIsNoPreflight(t *testing.T) {
	for _, c := range []struct {
		name, method, path string
		header             [2]string
		is                 bool
	}{
		{"a browser's question", "OPTIONS", "/a?b=1", [2]string{}, true},
		{"one with the headers that the page wants to send", "OPTIONS", "/a", [2]string{"Access-Control-Request-Headers", "x-http-method-override"}, true},
		{"one that tells of another method", "OPTIONS", "/a", [2]string{"X-HTTP-Method-Override", "DELETE"}, false},
		{"one that does in another spelling", "OPTIONS", "/a", [2]string{"x_method", "DELETE"}, false},
		{"one that does in the query", "OPTIONS", "/a?%5fmethod=DELETE", [2]string{}, false},
		{"another method", "GET", "/a", [2]string{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, c.path, nil)
			r.Header = http.Header{"Origin": {"https://a.example"}, "Access-Control-Request-Method": {"PUT"}}
			if c.header[0] != "" {
				r.Header[c.header[0]] = []string{c.header[1]}
			}
			if got := caller.IsPreflight(r); got != c.is {
				t.Errorf("it is one: %t", got)
			}
		})
	}
}
