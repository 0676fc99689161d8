package caddymodule_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// endpointCase is a route and a method that it takes.
type endpointCase struct{ method, path string }

// endpointsForCallers are the routes that need a session.
var endpointsForCallers = []endpointCase{
	{"GET", "/auth/session"}, {"HEAD", "/auth/session"}, {"POST", "/auth/refresh"}, {"PUT", "/auth/session/primary-account"},
	{"GET", "/auth/sessions"}, {"DELETE", "/auth/sessions"}, {"DELETE", "/auth/sessions/abc"},
}

// wantProblem checks that a refusal is a clear one: of that status, and an
// Error in JSON that names it.
func (a answer) wantProblem(t testing.TB, status int) {
	t.Helper()
	a.want(t, status)
	if a.Request.Method == http.MethodHead {
		return
	}
	var problem struct {
		Error, Message string
		Status         int
	}
	a.decode(t, &problem)
	if problem.Error == "" || problem.Status != status || problem.Message == "" {
		t.Errorf("the answer says %+v", problem)
	}
}

func TestAMalformedCredentialIsNobody(t *testing.T) {
	s := start(t, site{})
	c := s.client(t)
	token := c.signIn(ada).Token
	_, secret, _ := strings.Cut(c.cookie, "=")
	headers := map[string][]string{}
	for name, value := range map[string]string{
		"empty": "", "short": secret[:45], "long": secret + "A", "padded": secret + "==", "in quotes that do not match": `"` + secret,
		"with another letter": "A" + secret[1:] + "x", "not base64": strings.Repeat("!", 46), "base64 of the other alphabet": strings.Repeat("+", 46),
		"all zero": strings.Repeat("A", 46), "percent-encoded": "%41" + secret[1:], "of spaces": "   ", "of letters beyond ASCII": "ü" + secret[2:],
		"very long": strings.Repeat("A", 8_000), "a token": token, "JSON": `{"a":1}`,
	} {
		headers["a cookie that is "+name] = []string{"Cookie", "sidegate=" + value}
	}
	headers["a cookie that comes twice"] = []string{"Cookie", c.cookie + "; " + c.cookie}
	headers["a cookie that comes twice in two lines"] = []string{"Cookie", c.cookie, "Cookie", "sidegate=x"}
	for name, value := range map[string]string{
		"empty": "", "a dot": ".", "two dots": "..", "cut off": token[:len(token)/2], "longer": token + "A", "of four parts": token + ".e30",
		"unsigned": "eyJhbGciOiJub25lIn0.e30.", "the cookie's secret": secret, "very long": strings.Repeat("A", 8_000), "padded": token + "==",
		"in quotes": `"` + token + `"`, "two tokens": token + " " + token, "of letters beyond ASCII": "ü.ü.ü", "signed by somebody else": token[:strings.LastIndex(token, ".")+1] + strings.Repeat("A", 86),
	} {
		headers["a token that is "+name] = []string{"Authorization", "Bearer " + value, "Cookie", c.cookie}
	}
	headers["a token in two headers"] = []string{"Authorization", "Bearer " + token, "Authorization", "Bearer " + token}
	for name, header := range headers {
		for _, e := range endpointsForCallers {
			t.Run(name+": "+e.method+" "+e.path, func(t *testing.T) {
				a := s.client(t).do(e.method, e.path, "", header...)
				a.wantProblem(t, http.StatusUnauthorized)
				if a.Header.Get("WWW-Authenticate") == "" {
					t.Error("a 401 without a challenge")
				}
			})
		}
	}
	t.Run("and whom it was tried on is still signed in", func(t *testing.T) {
		c.get("/auth/session").want(t, http.StatusOK)
		c.get("/app").want(t, http.StatusOK)
	})
}

const (
	asJSON = "application/json"
	asForm = "application/x-www-form-urlencoded"
)

func TestMalformedBodies(t *testing.T) {
	s := start(t, site{})
	c := s.client(t)
	c.signIn(ada)
	huge := `{"email":"` + strings.Repeat("a", 64<<10) + `"}`
	for name, b := range map[string]struct {
		contentType, body string
		login, primary    int
	}{
		"no content type":                   {"", `{}`, 415, 415},
		"text":                              {"text/plain", `{}`, 415, 415},
		"JSON that says it is text":         {"text/plain", `{"email":"ada@example.com","accountId":"acme"}`, 415, 415},
		"a content type that is none":       {"application/json;;=", `{}`, 415, 415},
		"multipart":                         {"multipart/form-data; boundary=x", "--x--", 415, 415},
		"nothing":                           {asJSON, ``, 400, 400},
		"half an object":                    {asJSON, `{"email":"a@b.c"`, 400, 400},
		"no JSON":                           {asJSON, `email=a`, 400, 400},
		"an array":                          {asJSON, `[]`, 400, 400},
		"a string":                          {asJSON, `"x"`, 400, 400},
		"a number for a string":             {asJSON, `{"email":1,"password":1,"accountId":1}`, 400, 400},
		"an object for a string":            {asJSON, `{"email":{},"accountId":{}}`, 400, 400},
		"two objects":                       {asJSON, `{}{}`, 400, 400},
		"an object and a rest":              {asJSON, `{} x`, 400, 400},
		"an empty object":                   {asJSON, `{}`, 401, 403},
		"null":                              {asJSON, `null`, 401, 403},
		"null for a string":                 {asJSON, `{"email":null,"password":null,"accountId":null}`, 401, 403},
		"NUL in a string":                   {asJSON, `{"email":"a\u0000@b.c","password":"x","accountId":"acme\u0000"}`, 401, 403},
		"half a surrogate":                  {asJSON, `{"email":"\ud800@b.c","password":"x","accountId":"\ud800"}`, 401, 403},
		"bytes that are not UTF-8":          {asJSON, "{\"email\":\"\xff@b.c\",\"password\":\"x\",\"accountId\":\"\xff\"}", 401, 403},
		"very deep":                         {asJSON, strings.Repeat(`{"a":`, 12_000), 400, 400},
		"a password of two kilobytes":       {asJSON, `{"email":"ada@example.com","password":"` + strings.Repeat("x", 2048) + `","accountId":"x"}`, 401, 403},
		"a form with a broken escape":       {asForm, "email=%zz&password=x", 400, 415},
		"a form without fields":             {asForm, "", 401, 415},
		"a form with a semicolon":           {asForm, "email=a;password=b", 400, 415},
		"one byte over the limit":           {asJSON, huge[:10] + strings.Repeat("a", 64<<10+1-12) + `"}`, 413, 413},
		"much over the limit":               {asJSON, strings.Repeat(" ", 200<<10), 413, 413},
		"a form over the limit":             {asForm, "email=" + strings.Repeat("a", 64<<10), 413, 413},
		"something over the limit as text":  {"text/plain", strings.Repeat("a", 64<<10+1), 413, 413},
		"an object and a rest of one limit": {asJSON, `{}` + strings.Repeat(" ", 64<<10), 413, 413},
	} {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, chunked %t", name, chunked), func(t *testing.T) {
				login, primary := b.login, b.primary
				if chunked && b.contentType == "text/plain" {
					login, primary = 415, 415 // its length is not known, and it is not read
				}
				if chunked && b.contentType == asForm && primary == 413 {
					primary = 415
				}
				s.client(t).sendBody("POST", "/auth/login", b.contentType, b.body, chunked).wantRefused(t, login)
				c.sendBody("PUT", "/auth/session/primary-account", b.contentType, b.body, chunked).wantProblem(t, primary)
			})
		}
	}
	t.Run("and everything still works", func(t *testing.T) {
		c.get("/auth/session").want(t, http.StatusOK)
		s.client(t).signIn(ada)
	})
}

// wantRefused is wantProblem where a form may have been answered with a page.
func (a answer) wantRefused(t testing.TB, status int) {
	t.Helper()
	if strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		a.want(t, status)
		return
	}
	a.wantProblem(t, status)
}

// sendBody sends a body with a length or, chunked, without.
func (c *client) sendBody(method, path, contentType, body string, chunked bool) answer {
	c.t.Helper()
	req, err := http.NewRequest(method, c.server.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if chunked {
		req.ContentLength = -1
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if c.cookie != "" {
		req.Header.Set("Cookie", c.cookie)
	}
	return c.send(req)
}

func TestUnknownRoutesAndMethods(t *testing.T) {
	s := start(t, site{})
	c := s.client(t)
	c.signIn(ada)
	for _, path := range []string{"/auth/", "/auth/nothing", "/auth/session/", "/auth/session/x", "/auth/sessions/", "/auth/sessions/a/b",
		"/auth/login/", "/auth/callback/x", "/auth/.well-known/", "/auth/.git/config", "/auth/session.json", "/auth/Session", "/auth/session%00"} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "X"} {
			t.Run(method+" "+path, func(t *testing.T) {
				c.do(method, path, "").wantProblem(t, http.StatusNotFound)
			})
		}
	}
	for path, allow := range map[string]string{
		"/auth/session": "GET, HEAD", "/auth/session/swagger.yaml": "GET, HEAD", "/auth/session/primary-account": "PUT",
		"/auth/login": "GET, HEAD, POST", "/auth/logout": "GET, HEAD, POST", "/auth/refresh": "POST", "/auth/sessions": "DELETE, GET, HEAD",
		"/auth/sessions/abc": "DELETE", "/auth/.well-known/jwks.json": "GET, HEAD",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get"} {
			if strings.Contains(", "+allow+",", ", "+method+",") {
				continue
			}
			t.Run(method+" "+path, func(t *testing.T) {
				a := c.do(method, path, "")
				a.wantProblem(t, http.StatusMethodNotAllowed)
				if got := a.Header.Get("Allow"); got != allow {
					t.Errorf("Allow is %q, want %q", got, allow)
				}
			})
		}
	}
	for _, id := range []string{"abc", "AAAAAAAAAAAAAAAA", "..%2f..", "%00", "%ff", "*", strings.Repeat("a", 8000), "0", "-1", "null"} {
		t.Run("no session has the id "+id[:min(len(id), 20)], func(t *testing.T) {
			c.do("DELETE", "/auth/sessions/"+id, "").want(t, http.StatusNotFound)
		})
	}
	t.Run("a person is told on a page", func(t *testing.T) {
		a := c.get("/auth/nothing", "Accept", "text/html").want(t, http.StatusNotFound)
		if !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
			t.Errorf("answered as %s", a.Header.Get("Content-Type"))
		}
	})
}

// TestPathTricks sends targets that clients tidy up before they send them.
// Whatever the gateway takes them for, it is not a crash, and nobody without a
// session is served.
func TestPathTricks(t *testing.T) {
	up := newWire(t)
	s := start(t, site{upstream: up.address()})
	c := s.client(t)
	c.signIn(ada)
	for target, want := range map[string]int{
		"/auth//session": 404, "//auth/session": 401, "/auth/./session": 404, "/auth/x/../session": 404, "/auth/..": 404, "/auth/../app": 404,
		"/auth/%73ession": 401, "/%61uth/session": 401, "/auth%2fsession": 401, "/auth/session%2f": 404, "/auth/session%2fswagger.yaml": 200,
		"/auth/session;x": 404, "/auth/session%3fx": 404, "/auth/session%23": 404, "/auth\\session": 401, "/auth/%5csession": 404, "/AUTH/session": 401,
		"/auth/session?": 401, "/auth/session??x": 401, "/auth/session?a=%zz": 401, "/auth": 401, "/authx/session": 401, "/auth/session%00": 404,
		"/auth/%ff": 404, "/auth/%zz": 400, "*": 401, "auth/session": 400, "http://127.0.0.1/auth/session": 401, "/auth/%2e%2e/session": 404,
		"/" + strings.Repeat("a/", 2_000): 401, "/auth/" + strings.Repeat("../", 2_000): 404,
	} {
		t.Run(target[:min(len(target), 40)], func(t *testing.T) {
			a := s.exchange(t, "GET "+target+" HTTP/1.1\nHost: 127.0.0.1\n\n")
			a.want(t, want)
			up.none(t)
			a = s.exchange(t, "GET "+target+" HTTP/1.1\nHost: 127.0.0.1\nCookie: "+c.cookie+"\n\n")
			if a.StatusCode >= 500 {
				t.Errorf("with a session: %s", a.Status)
			}
			up.take()
		})
	}
}
