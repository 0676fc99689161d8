package endpoint_test

import (
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

const partner = "https://partner.example"

// wantShared checks that an answer is readable for pages of that origin; empty: none.
func wantShared(t *testing.T, a gatewaytest.Answer, with string) {
	t.Helper()
	if got := a.Header.Get("Access-Control-Allow-Origin"); got != with || !strings.HasSuffix(a.Header.Get("Vary"), "Origin") {
		t.Errorf("%s %s: it is shared with %q, and varies on %q", a.Request.Method, a.Request.URL.Path, got, a.Header["Vary"])
	}
	a.WantHeader(t, "Access-Control-Allow-Credentials", map[bool]string{true: "true"}[with != ""])
	if exposes := a.Header.Get("Access-Control-Expose-Headers"); (with != "") != strings.Contains(exposes, "ETag") {
		t.Errorf("%s: exposed are %q", a.Request.URL.Path, exposes)
	}
}

func TestListedOriginsReadTheEndpoints(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "cors " + partner + " http://localhost:5173\nwhy"})
	ada, nobody := s.WithCookie(t, gatewaytest.Ada), s.Client(t)
	etag := ada.Get("/auth/session").Header.Get("ETag")
	for _, c := range []struct {
		name         string
		who          *gatewaytest.Client
		method, path string
		header       []string
		status       int
		readable     bool
	}{
		{"the session", ada, "GET", "/auth/session", nil, 200, true},
		{"the session that has not changed", ada, "GET", "/auth/session", []string{"If-None-Match", etag}, 304, true},
		{"no session", nobody, "GET", "/auth/session", nil, 401, true},
		{"another's account", ada, "GET", "/auth/session", []string{"X-Account-Id", "initech"}, 403, true},
		{"two accounts", ada, "GET", "/auth/session", []string{"X-Account-Id", "acme", "X-Account-Id", "globex"}, 400, true},
		{"a refresh", ada, "POST", "/auth/refresh", nil, 200, true},
		{"the devices", ada, "GET", "/auth/sessions", nil, 200, true},
		{"why", ada, "GET", "/auth/why", nil, 200, true},
		{"the client", nobody, "GET", "/auth/client.js", nil, 200, true},
		{"the document", nobody, "GET", "/auth/session/swagger.yaml", nil, 200, true},
		{"the keys", nobody, "GET", "/auth/.well-known/jwks.json", nil, 200, true},
		{"another method", nobody, "DELETE", "/auth/session", nil, 405, true},
		{"no route", nobody, "GET", "/auth/nothing", nil, 404, true},
		{"the login page", nobody, "GET", "/auth/login", []string{"Accept", "text/html"}, 200, false},
		{"a sign-in", nobody, "POST", "/auth/login", []string{"Content-Type", "application/json"}, 400, false},
		{"what other proxies ask", nobody, "GET", "/auth/verify", nil, 401, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for from, shared := range map[string]bool{partner: c.readable, "http://localhost:5173": c.readable, "": false, "null": false, "https://evil.example": false} {
				if from != partner && from != "http://localhost:5173" && from != "" && c.method != "GET" {
					continue // another site's, and refused as such: below
				}
				header := c.header
				if from != "" {
					header = append([]string{"Origin", from}, header...)
				}
				wantShared(t, c.who.In(t).Do(c.method, c.path, "", header...).Want(t, c.status), map[bool]string{true: from}[shared])
			}
		})
	}
	refused := ada.Post("/auth/refresh", "Origin", "https://evil.example").Want(t, http.StatusForbidden)
	wantShared(t, refused, "")
	left := s.WithCookie(t, gatewaytest.Ada).Post("/auth/logout", "Origin", partner, "Sec-Fetch-Site", "same-site").Want(t, http.StatusNoContent)
	wantShared(t, left, partner)
}

// What a page may not read it may not ask for either.
func TestListedOriginsAskFirst(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "cors " + partner})
	ask := func(path, from string) gatewaytest.Answer {
		return s.Client(t).Do("OPTIONS", path, "", "Origin", from, "Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "content-type,x-account-id")
	}
	for path, methods := range map[string]string{
		"/auth/session": "GET, HEAD", "/auth/session/primary-account": "PUT", "/auth/refresh": "POST", "/auth/logout": "GET, HEAD, POST",
		"/auth/sessions": "DELETE, GET, HEAD, POST", "/auth/sessions/abc": "DELETE, POST", "/auth/events": "GET, HEAD", "/auth/client.js": "GET, HEAD",
	} {
		a := ask(path, partner).Want(t, http.StatusNoContent)
		wantShared(t, a, partner)
		a.WantHeader(t, "Access-Control-Allow-Methods", methods)
		a.WantHeader(t, "Access-Control-Allow-Headers", "Authorization, Cache-Control, Content-Type, If-None-Match, Last-Event-ID, X-Account-Id, X-Requested-With")
		a.WantHeader(t, "Access-Control-Max-Age", "600")
		for _, from := range []string{"https://evil.example", "null"} {
			refused := ask(path, from).Want(t, http.StatusMethodNotAllowed)
			wantShared(t, refused, "")
			refused.WantHeader(t, "Access-Control-Allow-Methods", "")
			refused.WantHeader(t, "Allow", methods)
		}
	}
	for _, path := range []string{"/auth/login", "/auth/verify", "/auth/start-over"} {
		refused := ask(path, partner).Want(t, http.StatusMethodNotAllowed)
		wantShared(t, refused, "")
		refused.WantHeader(t, "Access-Control-Allow-Methods", "")
	}
	wantShared(t, ask("/auth/nothing", partner).Want(t, http.StatusNotFound), partner)
	plain := s.Client(t).Do("OPTIONS", "/auth/session", "", "Origin", partner).Want(t, http.StatusMethodNotAllowed)
	plain.WantHeader(t, "Access-Control-Allow-Methods", "")
}

func TestWithoutListedOriginsNothingIsShared(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	a := s.WithCookie(t, gatewaytest.Ada).Get("/auth/session", "Origin", partner).Want(t, http.StatusOK)
	a.WantHeader(t, "Access-Control-Allow-Origin", "")
	a.WantHeader(t, "Vary", "Cookie, Authorization, X-Account-Id")
	s.Client(t).Do("OPTIONS", "/auth/session", "", "Origin", partner, "Access-Control-Request-Method", "GET").Want(t, http.StatusMethodNotAllowed)
}

// Of what an app answers it says itself who reads it; of what the gateway refuses in its
// place, the gateway does.
func TestAPageOfAListedOriginReadsThatItWasRefused(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "cors " + partner, Auth: "path /admin/* {\nrole nobody\n}"})
	ada, nobody := s.WithCookie(t, gatewaytest.Ada), s.Client(t)
	wantShared(t, nobody.Get("/app", "Origin", partner).Want(t, http.StatusUnauthorized), partner)
	wantShared(t, ada.Get("/admin/x", "Origin", partner).Want(t, http.StatusForbidden), partner)
	wantShared(t, nobody.Get("/app", "Origin", "https://evil.example").Want(t, http.StatusUnauthorized), "")
	wantShared(t, nobody.Get("/app").Want(t, http.StatusUnauthorized), "")
	passed := ada.Get("/app", "Origin", partner).Want(t, http.StatusOK)
	passed.WantHeader(t, "Access-Control-Allow-Origin", "")
	if strings.Contains(passed.Header.Get("Vary"), "Origin") {
		t.Error("the app's answer is written into")
	}
}

// As another proxy is told.
func TestProgramsAreToldWherePeopleSignIn(t *testing.T) {
	for auth, want := range map[string]string{"": "/auth/login?return_to=%2Fapi%2Forders%3Fof%3D7", "no_redirect": "/auth/login?return_to=%2Fapi%2Forders%3Fof%3D7", "handle_errors": ""} {
		s := gatewaytest.Start(t, gatewaytest.Site{Auth: auth})
		s.Client(t).Get("/api/orders?of=7").Want(t, http.StatusUnauthorized).WantHeader(t, "X-Login-Url", want)
	}
	s := gatewaytest.Start(t, gatewaytest.Site{})
	nobody := s.Client(t)
	nobody.Get("/").Want(t, http.StatusUnauthorized).WantHeader(t, "X-Login-Url", "/auth/login")
	nobody.Get("/page", "Accept", "text/html").Want(t, http.StatusSeeOther).WantHeader(t, "X-Login-Url", "")
	nobody.Get("/auth/session").Want(t, http.StatusUnauthorized).WantHeader(t, "X-Login-Url", "")
	s.With(t, "", "nonsense").Get("/api").Want(t, http.StatusUnauthorized).WantHeader(t, "X-Login-Url", "/auth/login?return_to=%2Fapi")
}

// A path would lead to the page's own site.
func TestPagesOfListedOriginsAreToldTheWholeAddress(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "cors " + partner})
	for from, want := range map[string]string{
		partner: s.URL + "/auth/login?return_to=%2Fapi", "https://evil.example": "/auth/login?return_to=%2Fapi", "": "/auth/login?return_to=%2Fapi",
	} {
		header := []string{"Origin", from}
		if from == "" {
			header = nil
		}
		s.Client(t).Get("/api", header...).Want(t, http.StatusUnauthorized).WantHeader(t, "X-Login-Url", want)
	}
}

func TestProgramsAreToldTheWholeAddressWhereThereIsAPublicOne(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "public_url https://www.example"})
	s.Client(t).Get("/api").Want(t, http.StatusUnauthorized).WantHeader(t, "X-Login-Url", "https://www.example/auth/login")
}
