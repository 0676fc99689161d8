package endpoint_test

import (
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

func TestWhatIsAskedAboutIsReadAsARequestLine(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "why", Routes: "session_endpoints\nsession_auth {\npath /boss/* {\nrole admin\n}\n}\nrespond 418"})
	c := s.WithCookie(t, gatewaytest.Grace)
	for _, a := range []struct {
		name, query string
		status      int
		decision    string
	}{
		{"nothing", "", 200, ""},
		{"what it does not know", "path=/x&c=d", 400, ""},
		{"a path", "path=/x", 200, "pass"},
		{"a path, escaped", "path=%2Fboss%2Fx", 200, "refused"},
		{"an escaped slash, which stays one", "path=/x/..%252fboss/x", 200, "refused"},
		{"a path with a query", "path=/x%3Fa%3Db%26path%3D/y", 200, "pass"},
		{"a path that begins with two slashes, which is no host", "path=//boss/x", 200, "refused"},
		{"letters beyond ASCII", "path=/%C3%BC", 200, "pass"},
		{"another method", "path=/x&method=DELETE", 200, "pass"},
		{"a method of one's own", "path=/x&method=M-SEARCH", 200, "pass"},
		{"a method that never passes", "path=/x&method=TRACE", 200, "refused"},
		{"a tunnel", "path=/x&method=CONNECT", 200, "refused"},
		{"an empty path", "path=", 400, ""},
		{"no path but an address", "path=http://evil.example/x", 400, ""},
		{"no slash", "path=boss/x", 400, ""},
		{"a star", "path=*", 400, ""},
		{"a blank", "path=/a%20b", 400, ""},
		{"a line break", "path=/a%0d%0aHost:%20evil.example", 400, ""},
		{"a NUL", "path=/a%00", 400, ""},
		{"a DEL", "path=/a%7f", 400, ""},
		{"a broken escape", "path=/a%25zz", 400, ""},
		{"a broken escape of the question", "path=/a%zz", 400, ""},
		{"a semicolon", "path=/a;method=POST", 400, ""},
		{"two paths", "path=/x&path=/boss/x", 400, ""},
		{"two methods", "path=/x&method=GET&method=POST", 400, ""},
		{"another spelling", "path=/x&Path=/boss/x", 400, ""},
		{"a list", "path[]=/x", 400, ""},
		{"an empty method", "path=/x&method=", 400, ""},
		{"a method with a blank", "path=/x&method=GET%20/", 400, ""},
		{"a method of letters beyond ASCII", "path=/x&method=G%C3%89T", 400, ""},
		{"a method that is too long", "path=/x&method=" + strings.Repeat("A", 33), 400, ""},
		{"a method without a path", "method=GET", 400, ""},
		{"a path that is too long", "path=/" + strings.Repeat("a", 8<<10), 400, ""},
		{"a path that is just not", "path=/" + strings.Repeat("a", 8<<10-1), 200, "pass"},
		{"another host", "path=/x&host=other.example", 400, ""},
		{"this host", "path=/x&host=" + s.Address(), 400, ""},
	} {
		t.Run(a.name, func(t *testing.T) {
			answer := c.In(t).Get("/auth/why?" + a.query)
			if a.status != http.StatusOK {
				answer.WantError(t, a.status, "bad_request")
				return
			}
			var said why
			answer.Want(t, a.status).Decode(t, &said)
			if (said.Path == nil) != (a.decision == "") || said.Path != nil && said.Path.Decision != a.decision {
				t.Errorf("it is said %+v", said.Path)
			}
			s.Client(t).Get("/auth/why?"+a.query).Want(t, a.status) // whoever asks
		})
	}
}

// Who has mistyped a word is told which, and not that all is well.
func TestWhatIsWrongInAQuestionIsNamed(t *testing.T) {
	c := gatewaytest.Start(t, gatewaytest.Site{Options: "why"}).WithCookie(t, gatewaytest.Ada)
	for query, want := range map[string]string{
		"path=/x&methd=POST":                     `There is no parameter \"methd\": path and method are taken here.`,
		"b=1&a=2":                                `no parameter \"a\"`,
		"%E2%80%AE%1b=1":                         `no parameter \"\\u202e\\x1b\"`,
		"path=/a;b":                              "raw semicolon (;)",
		"path=/a;method=POST":                    "write it as %3B",
		"path=/a%zz":                             "broken escapes",
		"Path=/a":                                "",
		strings.Repeat("a", 5000) + "=1&path=/x": `no parameter \"` + strings.Repeat("a", 32) + `\"`,
	} {
		if answer := c.Get("/auth/why?" + query); answer.StatusCode != http.StatusBadRequest || !strings.Contains(answer.Body, want) {
			t.Errorf("%.40s: %d %s; want %s", query, answer.StatusCode, answer.Body, want)
		}
	}
	c.Get("/auth/why?path=/a%3Bb").Want(t, http.StatusOK)
}

func TestOnlyReadingItIsAnswered(t *testing.T) {
	c := gatewaytest.Start(t, gatewaytest.Site{Options: "why"}).WithCookie(t, gatewaytest.Ada)
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"} {
		answer := c.Do(method, "/auth/why?path=/x", "")
		answer.WantError(t, http.StatusMethodNotAllowed, "method_not_allowed")
		answer.WantHeader(t, "Allow", "GET, HEAD")
	}
}
