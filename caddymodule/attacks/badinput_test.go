package attacks_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
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
func wantProblem(t testing.TB, a gatewaytest.Answer, status int) {
	t.Helper()
	a.Want(t, status)
	if a.Request.Method == http.MethodHead {
		return
	}
	var problem struct {
		Error, Message string
		Status         int
	}
	a.Decode(t, &problem)
	if problem.Error == "" || problem.Status != status || problem.Message == "" {
		t.Errorf("the answer says %+v", problem)
	}
}

func TestAMalformedCredentialIsNobody(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	c := s.Client(t)
	token := c.SignIn(gatewaytest.Ada).Token
	_, secret, _ := strings.Cut(c.Cookie, "=")
	headers := map[string][]string{}
	for name, value := range map[string]string{
		"empty": "", "short": secret[:45], "long": secret + "A", "padded": secret + "==", "in quotes that do not match": `"` + secret,
		"with another letter": "A" + secret[1:] + "x", "not base64": strings.Repeat("!", 46), "base64 of the other alphabet": strings.Repeat("+", 46),
		"all zero": strings.Repeat("A", 46), "percent-encoded": "%41" + secret[1:], "of spaces": "   ", "of letters beyond ASCII": "ü" + secret[2:],
		"very long": strings.Repeat("A", 8_000), "a token": token, "JSON": `{"a":1}`,
	} {
		headers["a cookie that is "+name] = []string{"Cookie", "sidegate=" + value}
	}
	other := s.Client(t)
	other.SignIn(gatewaytest.Grace)
	headers["a cookie of one session beside that of another"] = []string{"Cookie", c.Cookie + "; " + other.Cookie}
	headers["a cookie of one session, and that of another in a line of its own"] = []string{"Cookie", c.Cookie, "Cookie", other.Cookie}
	for name, value := range map[string]string{
		"empty": "", "a dot": ".", "two dots": "..", "cut off": token[:len(token)/2], "longer": token + "A", "of four parts": token + ".e30",
		"unsigned": "eyJhbGciOiJub25lIn0.e30.", "the cookie's secret": secret, "very long": strings.Repeat("A", 8_000), "padded": token + "==",
		"in quotes": `"` + token + `"`, "two tokens": token + " " + token, "of letters beyond ASCII": "ü.ü.ü", "signed by somebody else": token[:strings.LastIndex(token, ".")+1] + strings.Repeat("A", 86),
	} {
		headers["a token that is "+name] = []string{"Authorization", "Bearer " + value, "Cookie", c.Cookie}
	}
	headers["a token in two headers"] = []string{"Authorization", "Bearer " + token, "Authorization", "Bearer " + token}
	for name, header := range headers {
		for _, e := range endpointsForCallers {
			t.Run(name+": "+e.method+" "+e.path, func(t *testing.T) {
				a := s.Client(t).Do(e.method, e.path, "", header...)
				wantProblem(t, a, http.StatusUnauthorized)
				if a.Header.Get("WWW-Authenticate") == "" {
					t.Error("a 401 without a challenge")
				}
			})
		}
	}
	t.Run("and whom it was tried on is still signed in", func(t *testing.T) {
		c.Get("/auth/session").Want(t, http.StatusOK)
		c.Get("/app").Want(t, http.StatusOK)
	})
}

func TestMalformedBodies(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	c := s.Client(t)
	c.SignIn(gatewaytest.Ada)
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
		"nothing":                           {gatewaytest.AsJSON, ``, 400, 400},
		"half an object":                    {gatewaytest.AsJSON, `{"email":"a@b.c"`, 400, 400},
		"no JSON":                           {gatewaytest.AsJSON, `email=a`, 400, 400},
		"an array":                          {gatewaytest.AsJSON, `[]`, 400, 400},
		"a string":                          {gatewaytest.AsJSON, `"x"`, 400, 400},
		"a number for a string":             {gatewaytest.AsJSON, `{"email":1,"password":1,"accountId":1}`, 400, 400},
		"an object for a string":            {gatewaytest.AsJSON, `{"email":{},"accountId":{}}`, 400, 400},
		"two objects":                       {gatewaytest.AsJSON, `{}{}`, 400, 400},
		"an object and a rest":              {gatewaytest.AsJSON, `{} x`, 400, 400},
		"an empty object":                   {gatewaytest.AsJSON, `{}`, 401, 403},
		"null":                              {gatewaytest.AsJSON, `null`, 400, 400},
		"null for a string":                 {gatewaytest.AsJSON, `{"email":null,"password":null,"accountId":null}`, 401, 403},
		"NUL in a string":                   {gatewaytest.AsJSON, `{"email":"a\u0000@b.c","password":"x","accountId":"acme\u0000"}`, 401, 403},
		"half a surrogate":                  {gatewaytest.AsJSON, `{"email":"\ud800@b.c","password":"x","accountId":"\ud800"}`, 401, 403},
		"bytes that are not UTF-8":          {gatewaytest.AsJSON, "{\"email\":\"\xff@b.c\",\"password\":\"x\",\"accountId\":\"\xff\"}", 400, 400},
		"very deep":                         {gatewaytest.AsJSON, strings.Repeat(`{"a":`, 12_000), 400, 400},
		"a password of two kilobytes":       {gatewaytest.AsJSON, `{"email":"ada@example.com","password":"` + strings.Repeat("x", 2048) + `","accountId":"x"}`, 401, 403},
		"a form with a broken escape":       {gatewaytest.AsForm, "email=%zz&password=x", 400, 415},
		"a form without fields":             {gatewaytest.AsForm, "", 401, 415},
		"a form with a semicolon":           {gatewaytest.AsForm, "email=a;password=b", 400, 415},
		"one byte over the limit":           {gatewaytest.AsJSON, huge[:10] + strings.Repeat("a", 64<<10+1-12) + `"}`, 413, 413},
		"much over the limit":               {gatewaytest.AsJSON, strings.Repeat(" ", 200<<10), 413, 413},
		"a form over the limit":             {gatewaytest.AsForm, "email=" + strings.Repeat("a", 64<<10), 413, 413},
		"something over the limit as text":  {"text/plain", strings.Repeat("a", 64<<10+1), 413, 413},
		"an object and a rest of one limit": {gatewaytest.AsJSON, `{}` + strings.Repeat(" ", 64<<10), 413, 413},
	} {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, chunked %t", name, chunked), func(t *testing.T) {
				login, primary := b.login, b.primary
				if chunked && b.contentType == "text/plain" {
					login, primary = 415, 415 // its length is not known, and it is not read
				}
				if chunked && b.contentType == gatewaytest.AsForm && primary == 413 {
					primary = 415
				}
				wantRefused(t, sendBody(s.Client(t), "POST", "/auth/login", b.contentType, b.body, chunked), login)
				wantProblem(t, sendBody(c, "PUT", "/auth/session/primary-account", b.contentType, b.body, chunked), primary)
			})
		}
	}
	t.Run("and everything still works", func(t *testing.T) {
		c.Get("/auth/session").Want(t, http.StatusOK)
		s.Client(t).SignIn(gatewaytest.Ada)
	})
}

// wantRefused is wantProblem where a form may have been answered with a page.
func wantRefused(t testing.TB, a gatewaytest.Answer, status int) {
	t.Helper()
	if strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		a.Want(t, status)
		return
	}
	wantProblem(t, a, status)
}

// sendBody sends a body with a length or, chunked, without.
func sendBody(c *gatewaytest.Client, method, path, contentType, body string, chunked bool) gatewaytest.Answer {
	c.T.Helper()
	req, err := http.NewRequest(method, c.Server.URL+path, strings.NewReader(body))
	if err != nil {
		c.T.Fatal(err)
	}
	if chunked {
		req.ContentLength = -1
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if c.Cookie != "" {
		req.Header.Set("Cookie", c.Cookie)
	}
	return c.Send(req)
}

func TestUnknownRoutesAndMethods(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "why"})
	c := s.Client(t)
	c.SignIn(gatewaytest.Ada)
	for _, path := range []string{"/auth/", "/auth/nothing", "/auth/session/", "/auth/session/x", "/auth/sessions/", "/auth/sessions/a/b",
		"/auth/login/", "/auth/callback/x", "/auth/why/", "/auth/why/x", "/auth/Why", "/auth/.well-known/", "/auth/.git/config", "/auth/session.json", "/auth/mock.js", "/auth/npm/client.js", "/auth/client.js/", "/auth/Session", "/auth/session%00"} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "X"} {
			t.Run(method+" "+path, func(t *testing.T) {
				wantProblem(t, c.Do(method, path, ""), http.StatusNotFound)
			})
		}
	}
	for path, allow := range map[string]string{
		"/auth/session": "GET, HEAD", "/auth/events": "GET, HEAD", "/auth/session/swagger.yaml": "GET, HEAD", "/auth/session/primary-account": "PUT",
		"/auth/login": "GET, HEAD, POST", "/auth/logout": "GET, HEAD, POST", "/auth/refresh": "POST", "/auth/sessions": "DELETE, GET, HEAD, POST",
		"/auth/sessions/abc": "DELETE, POST", "/auth/account": "GET, HEAD, POST", "/auth/.well-known/jwks.json": "GET, HEAD", "/auth/why": "GET, HEAD",
		"/auth/client.js": "GET, HEAD", "/auth/react.d.ts": "GET, HEAD", "/auth/docs": "GET, HEAD", "/auth/docs.js": "GET, HEAD",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get"} {
			if strings.Contains(", "+allow+",", ", "+method+",") {
				continue
			}
			t.Run(method+" "+path, func(t *testing.T) {
				a := c.Do(method, path, "")
				wantProblem(t, a, http.StatusMethodNotAllowed)
				if got := a.Header.Get("Allow"); got != allow {
					t.Errorf("Allow is %q, want %q", got, allow)
				}
			})
		}
	}
	for _, id := range []string{"abc", "AAAAAAAAAAAAAAAA", "..%2f..", "%00", "%ff", "*", strings.Repeat("a", 8000), "0", "-1", "null"} {
		t.Run("no session has the id "+id[:min(len(id), 20)], func(t *testing.T) {
			c.Do("DELETE", "/auth/sessions/"+id, "").Want(t, http.StatusNotFound)
		})
	}
	t.Run("a person is told on a page", func(t *testing.T) {
		a := c.Get("/auth/nothing", "Accept", "text/html").Want(t, http.StatusNotFound)
		if !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
			t.Errorf("answered as %s", a.Header.Get("Content-Type"))
		}
	})
}

// TestPathTricks sends targets that clients tidy up before they send them.
// Whatever the gateway takes them for, it is not a crash, and nobody without a
// session is served.
func TestPathTricks(t *testing.T) {
	up := gatewaytest.NewWire(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address()})
	c := s.Client(t)
	c.SignIn(gatewaytest.Ada)
	for target, want := range map[string]int{
		"/auth//session": 404, "//auth/session": 401, "/auth/./session": 404, "/auth/x/../session": 404, "/auth/..": 404, "/auth/../app": 404,
		"/auth/%73ession": 401, "/%61uth/session": 401, "/auth%2fsession": 401, "/auth/session%2f": 404, "/auth/session%2fswagger.yaml": 200,
		"/auth/session;x": 404, "/auth/session%3fx": 404, "/auth/session%23": 404, "/auth\\session": 401, "/auth/%5csession": 404, "/AUTH/session": 401,
		"/auth/session?": 401, "/auth/session??x": 401, "/auth/session?a=%zz": 401, "/auth": 401, "/authx/session": 401, "/auth/session%00": 404,
		"/auth/%ff": 404, "/auth/%zz": 400, "*": 401, "auth/session": 400, "http://127.0.0.1/auth/session": 401, "/auth/%2e%2e/session": 404,
		"/" + strings.Repeat("a/", 2_000): 401, "/auth/" + strings.Repeat("../", 2_000): 404,
	} {
		t.Run(target[:min(len(target), 40)], func(t *testing.T) {
			a := s.Exchange(t, "GET "+target+" HTTP/1.1\nHost: 127.0.0.1\n\n")
			a.Want(t, want)
			up.None(t)
			a = s.Exchange(t, "GET "+target+" HTTP/1.1\nHost: 127.0.0.1\nCookie: "+c.Cookie+"\n\n")
			if a.StatusCode >= 500 {
				t.Errorf("with a session: %s", a.Status)
			}
			up.Take()
		})
	}
}
