package webtest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/web/webtest"
)

const (
	ada = `{"id":1,"email":"ada@example.com","accounts":[{"accountId":"acme","accountName":"Acme","usersPrimaryAccount":true,"accountAdmin":false}],` +
		`"flatRolesList":["admin"],"flatPermissionsList":[],"token":"t"}`
	unauthorized = `{"error":"unauthorized","status":401,"message":"Sign in first."}`
	laptop       = `{"sessions":[{"id":"a","current":true,"method":"users","createdAt":"2026-03-02T08:15:00Z",` +
		`"lastSeenAt":"2026-03-02T08:15:00Z","expiresAt":"2026-03-02T20:15:00Z","idleExpiresAt":"2026-03-02T09:15:00Z"}]}`
	unreadable = `{"sessions":[],"unreadable":["0pLrkGO5bV8mCB3a"]}`
	publicKey  = `{"keys":[{"kty":"EC","use":"sig","alg":"ES256","kid":"k","crv":"P-256","x":"AA","y":"AA"}]}`
)

const invalidToken = `{"error":"invalid_request","error_description":"The logout token is not valid."}`

// answer is one exchange; its headers are added to those of base.
type answer struct {
	method, path string
	status       int
	header       map[string]string
	body         string
}

func TestAPreflightIsForOneOriginAndHasNoBody(t *testing.T) {
	for _, c := range []struct {
		name, origin, credentials, body string
		right                           bool
	}{
		{"one origin", "https://a.example", "true", "", true},
		{"any origin", "*", "true", "", false},
		{"sandboxed frames", "null", "true", "", false},
		{"none", "-", "true", "", false},
		{"no credentials", "https://a.example", "-", "", false},
		{"a body", "https://a.example", "true", "{}", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := answer{http.MethodOptions, "/auth/session", http.StatusNoContent, map[string]string{
				"Access-Control-Allow-Methods": "GET", "Access-Control-Allow-Origin": c.origin, "Access-Control-Allow-Credentials": c.credentials,
			}, c.body}
			if err := a.verify(t); (err == nil) != c.right {
				t.Errorf("it is found %v", err)
			}
		})
	}
}

func jsonHeader(more ...string) map[string]string {
	h := map[string]string{"Content-Type": "application/json", "Cache-Control": "private, no-store"}
	for i := 0; i < len(more); i += 2 {
		h[more[i]] = more[i+1]
	}
	return h
}

func redirect(more ...string) map[string]string {
	h := map[string]string{"Location": "/x", "Cache-Control": "no-store"}
	for i := 0; i < len(more); i += 2 {
		h[more[i]] = more[i+1]
	}
	return h
}

func sessionHeader(more ...string) map[string]string {
	return jsonHeader(append([]string{"Vary", "Cookie, Authorization, X-Account-Id", "ETag", `"abc"`,
		"X-Session-Expires-At", "2026-03-02T20:15:00Z", "X-Session-Idle-Expires-At", "2026-03-02T09:15:00Z"}, more...)...)
}

func (a answer) verify(t *testing.T) error {
	t.Helper()
	resp := &http.Response{StatusCode: a.status, Header: http.Header{}}
	for name, value := range a.header {
		for _, v := range strings.Split(value, "\n") {
			if v != "-" {
				resp.Header.Add(name, v)
			}
		}
	}
	return webtest.Validator(t).Verify(httptest.NewRequest(a.method, a.path, nil), resp, []byte(a.body))
}

func TestRightAnswersPass(t *testing.T) {
	page := map[string]string{"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
	for name, a := range map[string]answer{
		"a session":                      {"GET", "/auth/session", 200, sessionHeader(), ada},
		"a session asked by HEAD":        {"HEAD", "/auth/session", 200, sessionHeader(), ""},
		"a session that has not changed": {"GET", "/auth/session", 304, sessionHeader(), ""},
		"nobody signed in":               {"GET", "/auth/session", 401, jsonHeader("WWW-Authenticate", "Bearer"), unauthorized},
		"the login page":                 {"GET", "/auth/login?return_to=/x", 200, page, "<!doctype html>"},
		"the login page asked by HEAD":   {"HEAD", "/auth/login", 200, page, ""},
		"a form that signed in": {"POST", "/auth/login", 303,
			map[string]string{"Location": "/x", "Set-Cookie": "a=1", "Cache-Control": "no-store"}, ""},
		"on to the one provider there is": {"GET", "/auth/login", 303, redirect(), ""},
		"on to the provider":              {"GET", "/auth/login/keycloak?return_to=/x", 303, redirect("Set-Cookie", "attempt=1"), ""},
		"back from the provider, with a session and its attempt cleared": {"GET", "/auth/callback/keycloak?code=c&state=s", 303,
			redirect("Set-Cookie", "session=1\nattempt=; Max-Age=0"), ""},
		"a callback that a program is refused": {"GET", "/auth/callback/keycloak", 401, jsonHeader("WWW-Authenticate", "Bearer"), unauthorized},
		"a callback that is refused":           {"GET", "/auth/callback/keycloak", 400, page, "<!doctype html>"},
		"on to the provider's sign-out": {"POST", "/auth/logout", 303,
			redirect("Location", "https://sso.example.com/logout?id_token_hint=e30", "Set-Cookie", "session="), ""},
		"sessions that the provider ended": {"POST", "/auth/backchannel-logout/keycloak", 200, map[string]string{"Cache-Control": "no-store"}, ""},
		"a logout token that is not valid": {"POST", "/auth/backchannel-logout/keycloak", 400, jsonHeader(), invalidToken},
		"a logout token that must be sent again": {"POST", "/auth/backchannel-logout/keycloak", 503,
			jsonHeader("Retry-After", "2"), `{"error":"unavailable","status":503}`},
		"a refresh that a source said no to": {"POST", "/auth/refresh", 401,
			jsonHeader("WWW-Authenticate", "Bearer", "Set-Cookie", "session="), unauthorized},
		"a refresh whose sources are down": {"POST", "/auth/refresh", 503, jsonHeader("Retry-After", "2"), `{"error":"unavailable"}`},
		"a throttled sign-in":              {"POST", "/auth/login", 429, jsonHeader("Retry-After", "60"), unauthorized},
		"signed out, two cookies":          {"POST", "/auth/logout", 204, map[string]string{"Set-Cookie": "a=1\nb=2"}, ""},
		"one's own devices":                {"GET", "/auth/sessions", 200, jsonHeader("Vary", "Cookie"), laptop},
		"a device that cannot be read":     {"GET", "/auth/sessions", 200, jsonHeader("Vary", "Cookie"), unreadable},
		"one device signed out":            {"DELETE", "/auth/sessions/0pLrkGO5bV8mCB3a", 204, nil, ""},
		"the public keys": {"GET", "/auth/.well-known/jwks.json", 200,
			map[string]string{"Content-Type": "application/jwk-set+json"}, publicKey},
		"a method that is not allowed":     {"PUT", "/auth/session", 405, jsonHeader("Allow", "GET, HEAD"), unauthorized},
		"a route that does not exist":      {"GET", "/auth/nothing", 404, jsonHeader(), unauthorized},
		"an error with its one field only": {"GET", "/auth/session", 500, jsonHeader(), `{"error":"unavailable"}`},
	} {
		t.Run(name, func(t *testing.T) {
			if err := a.verify(t); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWrongAnswersAreTold(t *testing.T) {
	get := func(h map[string]string, body string) answer { return answer{"GET", "/auth/session", 200, h, body} }
	for name, c := range map[string]struct {
		answer answer
		want   string // in the error
	}{
		"a required field is missing":        {get(sessionHeader(), strings.Replace(ada, `"token":"t"`, `"createdBy":"x"`, 1)), "token"},
		"a field is of the wrong type":       {get(sessionHeader(), strings.Replace(ada, `"id":1`, `"id":"1"`, 1)), "integer"},
		"a number is no integer":             {get(sessionHeader(), strings.Replace(ada, `"id":1`, `"id":1.5`, 1)), "integer"},
		"a list is null":                     {get(sessionHeader(), strings.Replace(ada, `["admin"]`, `null`, 1)), "array"},
		"a field is not documented":          {get(sessionHeader(), strings.Replace(ada, `"id":1`, `"id":1,"password":"x"`, 1)), "password"},
		"a nested field is not documented":   {get(sessionHeader(), strings.Replace(ada, `"accountId"`, `"secret":1,"accountId"`, 1)), "secret"},
		"a date is none":                     {get(sessionHeader(), strings.Replace(ada, `"id":1`, `"id":1,"createdAt":"yesterday"`, 1)), "date-time"},
		"a date is not in UTC":               {get(sessionHeader(), strings.Replace(ada, `"id":1`, `"id":1,"createdAt":"2026-01-05T09:00:00+01:00"`, 1)), "date-time"},
		"an email address is none":           {get(sessionHeader(), strings.Replace(ada, "ada@example.com", "ada", 1)), "email"},
		"the body is not JSON":               {get(sessionHeader(), "<html>"), "no JSON"},
		"the body holds two values":          {get(sessionHeader(), ada+ada), "no JSON"},
		"the body is empty":                  {get(sessionHeader(), ""), "empty"},
		"the content type is another":        {get(sessionHeader("Content-Type", "text/html; charset=utf-8"), ada), "text/html"},
		"the content type is missing":        {get(sessionHeader("Content-Type", "-"), ada), "content type"},
		"a required header is missing":       {get(sessionHeader("ETag", "-"), ada), "ETag"},
		"a header comes twice":               {get(sessionHeader("ETag", "\"a\"\n\"b\""), ada), "2 times"},
		"a header is not of its form":        {get(sessionHeader("ETag", "abc"), ada), "ETag"},
		"a header's date is none":            {get(sessionHeader("X-Session-Expires-At", "1767225600"), ada), "X-Session-Expires-At"},
		"an answer may be stored":            {get(sessionHeader("Cache-Control", "private"), ada), "Cache-Control"},
		"the status is not documented":       {answer{"GET", "/auth/session", 302, nil, ""}, "302"},
		"a source in trouble is no 502 here": {answer{"GET", "/auth/session", 502, jsonHeader("Retry-After", "1"), unauthorized}, "502"},
		"a 401 without a challenge":          {answer{"GET", "/auth/session", 401, jsonHeader(), unauthorized}, "WWW-Authenticate"},
		"a 401 that browsers ask Basic for":  {answer{"GET", "/auth/session", 401, jsonHeader("WWW-Authenticate", "Basic"), unauthorized}, "WWW-Authenticate"},
		"a body where none may be":           {answer{"POST", "/auth/logout", 204, nil, "done"}, "body"},
		"a body in answer to HEAD":           {answer{"HEAD", "/auth/session", 200, sessionHeader(), ada}, "HEAD"},
		"a wait that is no number":           {answer{"POST", "/auth/login", 429, jsonHeader("Retry-After", "soon"), unauthorized}, "integer"},
		"a wait of no time":                  {answer{"POST", "/auth/login", 429, jsonHeader("Retry-After", "0"), unauthorized}, "Retry-After"},
		"an undocumented method is answered": {answer{"PATCH", "/auth/session", 200, sessionHeader(), ada}, "method"},
		"a 405 does not say what is allowed": {answer{"PUT", "/auth/session", 405, jsonHeader(), unauthorized}, "Allow"},
		"an undocumented route is answered":  {answer{"GET", "/auth/debug", 200, jsonHeader(), ada}, "route"},
		"a route outside the base path":      {answer{"GET", "/session", 200, sessionHeader(), ada}, "route"},
		"an empty id is no id":               {answer{"DELETE", "/auth/sessions/", 204, nil, ""}, "route"},
		"a page without its character set":   {answer{"GET", "/auth/login", 200, jsonHeader("Content-Type", "text/html"), "x"}, "charset"},
		"a device that cannot be read, but by number": {answer{"GET", "/auth/sessions", 200, jsonHeader("Vary", "Cookie"),
			strings.Replace(unreadable, `"0pLrkGO5bV8mCB3a"`, "1", 1)}, "unreadable"},
		"a session is nobody's":                {answer{"GET", "/auth/sessions", 200, jsonHeader("Vary", "Cookie"), `{"sessions":[{"id":"a"}]}`}, "current"},
		"a redirect that sends a form on":      {answer{"GET", "/auth/callback/keycloak", 307, redirect("Set-Cookie", "a=1"), ""}, "307"},
		"an attempt without its cookie":        {answer{"GET", "/auth/login/keycloak", 303, redirect(), ""}, "Set-Cookie"},
		"a redirect to nowhere":                {answer{"GET", "/auth/login/keycloak", 303, redirect("Location", "-", "Set-Cookie", "a=1"), ""}, "Location"},
		"a callback that signs nobody in":      {answer{"GET", "/auth/callback/keycloak", 303, redirect(), ""}, "Set-Cookie"},
		"a callback that answers in a text":    {answer{"GET", "/auth/callback/keycloak", 401, jsonHeader("WWW-Authenticate", "Bearer", "Content-Type", "text/plain; charset=utf-8"), "no"}, "text/plain"},
		"an error of a code that there is not": {answer{"GET", "/auth/session", 500, jsonHeader(), `{"error":"store"}`}, "error"},
		"a provider without a name":            {answer{"GET", "/auth/login/", 303, redirect("Set-Cookie", "a=1"), ""}, "route"},
		"a sign-out by the provider, kept":     {answer{"POST", "/auth/backchannel-logout/keycloak", 200, nil, ""}, "Cache-Control"},
		"a sign-out by the provider, by GET":   {answer{"GET", "/auth/backchannel-logout/keycloak", 200, jsonHeader(), ""}, "method"},
		"a refused logout token, kept":         {answer{"POST", "/auth/backchannel-logout/keycloak", 400, jsonHeader("Cache-Control", "-"), invalidToken}, "Cache-Control"},
		"a refused logout token, and its sub":  {answer{"POST", "/auth/backchannel-logout/keycloak", 400, jsonHeader(), strings.Replace(invalidToken, "{", `{"sub":"1",`, 1)}, "sub"},
		"a failing store called a bad token":   {answer{"POST", "/auth/backchannel-logout/keycloak", 400, jsonHeader(), `{"error":"unavailable"}`}, "error"},
		"a failing store without a wait":       {answer{"POST", "/auth/backchannel-logout/keycloak", 503, jsonHeader(), `{"error":"unavailable"}`}, "Retry-After"},
		"a private key is published": {answer{"GET", "/auth/.well-known/jwks.json", 200, jsonHeader(),
			strings.Replace(publicKey, `"x":"AA"`, `"x":"AA","d":"AA"`, 1)}, "'d'"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.answer.verify(t)
			if err == nil {
				t.Fatal("passed")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error does not speak of %q: %v", c.want, err)
			}
		})
	}
}

func TestBasePathIsTheConfiguredOne(t *testing.T) {
	c, err := webtest.New("/-/gate")
	if err != nil {
		t.Fatal(err)
	}
	resp := &http.Response{StatusCode: 204, Header: http.Header{}}
	if err := c.Verify(httptest.NewRequest("POST", "/-/gate/logout", nil), resp, nil); err != nil {
		t.Error(err)
	}
	if err := c.Verify(httptest.NewRequest("POST", "/auth/logout", nil), resp, nil); err == nil {
		t.Error("the default base path is still answered")
	}
}

// recorder is a testing.TB that remembers whether it was failed.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }

func TestCheckFailsTheTestOfAWrongAnswer(t *testing.T) {
	req := httptest.NewRequest("POST", "/auth/logout", nil)
	for name, c := range map[string]struct {
		status int
		fails  bool
	}{
		"a right answer lets the test pass": {http.StatusNoContent, false},
		"a wrong answer fails the test":     {http.StatusTeapot, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{TB: t}
			webtest.Check(r, req, &http.Response{StatusCode: c.status, Header: http.Header{}}, nil)
			if r.failed != c.fails {
				t.Errorf("failed: %v", r.failed)
			}
		})
	}
}
