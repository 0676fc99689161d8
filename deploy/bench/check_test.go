package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// armAt is an arm whose server answers every path like that.
func armAt(t *testing.T, who person, h http.HandlerFunc) *running {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	people := &population{count: 1, person: who, cookies: []string{"secret"}, bearers: []string{"token"}}
	return &running{
		arm: &arm{name: "test", people: people}, spread: 1, address: strings.TrimPrefix(server.URL, "http://"),
		rig: &rig{people: people, session: `{"id":1,"token":"x"}`},
	}
}

// identified is a header as the gateway sends it to the app.
func identified() http.Header {
	h := make(http.Header)
	for _, name := range nine {
		h.Set(name, "x")
	}
	h.Set("X-Session-User-Id", "1")
	h.Set("X-Session-Email", "person-1@example.com")
	return h
}

func TestAnArmThatSkipsItsWorkIsFound(t *testing.T) {
	for _, c := range []struct {
		name   string
		who    person
		change func(http.Header)
		check  func(*running) error
		fail   string
	}{
		{"all nine headers of the right person are good", ordinary, func(http.Header) {}, bringsIdentity, ""},
		{"no headers", ordinary, func(h http.Header) { clear(h) }, bringsIdentity, "0 headers"},
		{"one header too few", ordinary, func(h http.Header) { h.Del("X-Session-Roles") }, bringsIdentity, "X-Session-Roles"},
		{"a header twice", ordinary, func(h http.Header) { h.Add("X-Session-Id", "y") }, bringsIdentity, "2 headers"},
		{"somebody else", ordinary, func(h http.Header) { h.Set("X-Session-User-Id", "2") }, bringsIdentity, "somebody else"},
		{"the cookie passed on", ordinary, func(h http.Header) { h.Set("Cookie", "sidegate=secret") }, bringsIdentity, "credential"},
		{"the token passed on", ordinary, func(h http.Header) { h.Set("Authorization", "Bearer token") }, bringsIdentity, "credential"},
		{"too many permissions for a header are to be left out, and said so", person{permissions: 500}, func(h http.Header) {
			h.Del("X-Session-Permissions")
			h.Set("X-Session-Truncated", "Permissions")
		}, bringsIdentity, ""},
		{"and not silently", person{permissions: 500}, func(h http.Header) { h.Del("X-Session-Permissions") }, bringsIdentity, "X-Session-Truncated"},
		{"static headers that arrive are good", ordinary, func(http.Header) {}, bringsStatic, ""},
		{"static headers that do not arrive", ordinary, func(h http.Header) { h.Del("X-Session-Email") }, bringsStatic, "X-Session-Email"},
		{"a proxy alone is good", ordinary, func(h http.Header) { clear(h) }, bringsNothing, ""},
		{"a proxy alone that is none", ordinary, func(http.Header) {}, bringsNothing, "identity headers"},
		{"a peer that says who it is is good", ordinary, func(h http.Header) { h.Set("X-Forwarded-User", "person-1@example.com") }, bringsEmail("X-Forwarded-User"), ""},
		{"a peer that does not", ordinary, func(http.Header) {}, bringsEmail("X-Forwarded-User"), "not told"},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := armAt(t, c.who, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Cookie") != "sidegate=secret" || r.URL.Path != echoPath {
					t.Errorf("asked for %s as %q", r.URL.Path, r.Header.Get("Cookie"))
				}
				r.Header = identified()
				c.change(r.Header)
				upstream().ServeHTTP(w, r)
			})
			expect(t, c.check(run), c.fail)
		})
	}
}

func TestAnswersAreChecked(t *testing.T) {
	for _, c := range []struct {
		name, body string
		status     int
		check      func(*running) error
		fail       string
	}{
		{"the same bytes are good", `{"id":1,"token":"y"}`, 200, answersSession, ""},
		{"fewer bytes", `{"id":1,"token":""}`, 200, answersSession, "19 bytes"},
		{"somebody else's session", `{"id":2,"token":"y"}`, 200, answersSession, "somebody else"},
		{"what is no JSON", `{"id":1,"token":"y"]`, 200, answersSession, "invalid"},
		{"a refusal is no session", `{"id":1,"token":"y"}`, 401, answersSession, "401"},
		{"a refusal is no answer", ``, 503, isAnswered, "503"},
		{"a refusal tells nothing of headers", `{}`, 403, bringsNothing, "403"},
		{"any 200 is an answer", ``, 200, isAnswered, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := armAt(t, ordinary, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			})
			expect(t, c.check(run), c.fail)
		})
	}
}

func expect(t *testing.T, err error, fail string) {
	t.Helper()
	if (err != nil) != (fail != "") || err != nil && !strings.Contains(err.Error(), fail) {
		t.Errorf("got %v, want %q", err, fail)
	}
}

func TestBearersGoIntoTheirHeader(t *testing.T) {
	run := armAt(t, ordinary, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer token" || r.Header.Get("Cookie") != "" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	run.credential = byBearer
	expect(t, isAnswered(run), "")
}

func TestStaticLines(t *testing.T) {
	h := identified()
	h.Set("X-Session-Account-Name", `Ada "and" Co`)
	lines := staticLines(h)
	if strings.Count(lines, "request_header ") != len(nine) || !strings.Contains(lines, `request_header X-Session-Account-Name "Ada \"and\" Co"`+"\n") {
		t.Errorf("got\n%s", lines)
	}
}
