package caddymodule_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// What another site can make a browser send changes nothing (login CSRF, and
// the rest of CSRF).
func TestRequestsFromOtherSitesChangeNothing(t *testing.T) {
	s := start(t, site{})
	c := s.browser(t, ada)
	other := s.browser(t, ada)
	id := ""
	for _, d := range devicesOf(c) {
		if !d.Current {
			id = d.ID
		}
	}
	form := url.Values{"email": {grace}, "password": {password}}.Encode()
	const formType, jsonType = "application/x-www-form-urlencoded", "application/json"
	for action, a := range map[string]struct{ method, path, body, contentType string }{
		"sign-in by form": {http.MethodPost, "/auth/login", form, formType},
		"sign-in by JSON": {http.MethodPost, "/auth/login", `{"email":"grace@example.com","password":"` + password + `"}`, jsonType},
		"sign-out":        {http.MethodPost, "/auth/logout", "", formType},
		"refresh":         {http.MethodPost, "/auth/refresh", "", ""},
		"primary account": {http.MethodPut, "/auth/session/primary-account", `{"accountId":"globex"}`, jsonType},
		"one device out":  {http.MethodDelete, "/auth/sessions/" + id, "", ""},
		"all others out":  {http.MethodDelete, "/auth/sessions", "", ""},
		"sign-in by text": {http.MethodPost, "/auth/login", `{"email":"grace@example.com","password":"x"}`, "text/plain"},
	} {
		for sender, header := range map[string][]string{
			"another site":                    {"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"},
			"a sibling host":                  {"Sec-Fetch-Site", "same-site", "Origin", "https://blog.example.com"},
			"another site, an older browser":  {"Origin", "https://evil.example"},
			"another port, an older browser":  {"Origin", "http://127.0.0.1:1"},
			"a sandboxed frame":               {"Sec-Fetch-Site", "cross-site", "Origin", "null"},
			"a sandboxed frame, long ago":     {"Origin", "null"},
			"another site that says it is us": {"Sec-Fetch-Site", "cross-site", "Origin", s.url},
		} {
			t.Run(action+" by "+sender, func(t *testing.T) {
				page := []string{"Sec-Fetch-Mode", "no-cors", "Content-Type", a.contentType}
				got := c.in(t).do(a.method, a.path, a.body, append(page, header...)...)
				got.wantError(t, http.StatusForbidden, "forbidden")
				got.wantHeader(t, "Set-Cookie", "")
			})
		}
	}
	if u := c.get("/auth/session").session(t); u.Email != ada || u.PrimaryAccount.AccountID != "acme" {
		t.Errorf("the session is now %+v", u)
	}
	other.get("/auth/session").want(t, http.StatusOK)
	t.Run("this site's own pages may", func(t *testing.T) {
		own := c.in(t)
		own.post("/auth/refresh", "Sec-Fetch-Site", "same-origin", "Origin", s.url).want(t, http.StatusOK)
		own.post("/auth/refresh", "Origin", s.url).want(t, http.StatusOK)
	})
	t.Run("a person is told on a page", func(t *testing.T) {
		got := c.in(t).post("/auth/logout", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate").want(t, http.StatusForbidden)
		if !strings.Contains(got.body, "came from another site") {
			t.Errorf("the page is\n%s", got.body)
		}
	})
}

func TestSignInEndsTheSessionThatWasPresented(t *testing.T) {
	s := start(t, site{})
	for name, tt := range map[string]struct {
		email string
		again func(*client) answer
	}{
		"of the same person, by form": {ada, func(c *client) answer { return c.signInByForm(ada, password, "/") }},
		"of somebody else, by form":   {grace, func(c *client) answer { return c.signInByForm(ada, password, "/") }},
		"of the same person, by JSON": {ada, func(c *client) answer { return c.trySignIn(ada, password) }},
		"of somebody else, by JSON":   {grace, func(c *client) answer { return c.trySignIn(ada, password) }},
	} {
		t.Run(name, func(t *testing.T) {
			c := s.browser(t, tt.email)
			c.bearer = s.program(t, tt.email).bearer
			before := *c
			if got := tt.again(c); got.StatusCode >= 400 {
				t.Fatalf("sign-in: %s", got.Status)
			}
			if c.cookie == before.cookie {
				t.Error("the session kept its id")
			}
			before.bearer = ""
			before.get("/auth/session").want(t, http.StatusUnauthorized)
			before.bearer = c.bearer
			before.get("/auth/session").want(t, http.StatusUnauthorized)
			c.bearer = ""
			if u := c.get("/auth/session").want(t, http.StatusOK).session(t); u.Email != ada {
				t.Errorf("signed in as %s", u.Email)
			}
		})
	}
	t.Run("a sign-in that is refused ends nothing", func(t *testing.T) {
		c := s.browser(t, grace)
		c.trySignIn(ada, "wrong").want(t, http.StatusUnauthorized)
		c.get("/auth/session").want(t, http.StatusOK)
	})
}

// Session fixation: an id that somebody planted never becomes a session.
func TestPlantedCookieIsNotAdopted(t *testing.T) {
	s := start(t, site{})
	well := s.browser(t, grace)
	wellFormed := well.cookie
	well.post("/auth/logout").want(t, http.StatusNoContent)
	for name, planted := range map[string]string{
		"well-formed":    wellFormed,
		"malformed":      "sidegate=planted",
		"two of them":    wellFormed + "; sidegate=planted",
		"of a live one":  s.browser(t, grace).cookie,
		"many and empty": strings.Repeat("sidegate=; ", 50) + "sidegate=",
	} {
		t.Run(name, func(t *testing.T) {
			c := s.client(t)
			c.cookie = planted
			c.signInByForm(ada, password, "/").want(t, http.StatusSeeOther)
			if strings.Contains(planted, c.cookie) {
				t.Fatal("the planted id is the session's id now")
			}
			thief := s.client(t)
			thief.cookie = planted
			thief.get("/auth/session").want(t, http.StatusUnauthorized)
			c.get("/auth/session").want(t, http.StatusOK)
		})
	}
}

var variable = regexp.MustCompile(`=[A-Za-z0-9_-]{46};|Max-Age=4(3200|319[0-9]);`)

// normal is a Set-Cookie header without its secret, and with its life rounded.
func normal(a answer) string {
	return variable.ReplaceAllStringFunc(strings.Join(a.Header.Values("Set-Cookie"), " | "), func(found string) string {
		if strings.HasPrefix(found, "Max-Age") {
			return "Max-Age=43200;"
		}
		return "=SECRET;"
	})
}

func TestCookieAttributes(t *testing.T) {
	for name, tt := range map[string]struct{ cookie, set, cleared string }{
		"by default": {"same_site lax",
			"__Host-Http-sidegate=SECRET; Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=Lax",
			"__Host-Http-sidegate=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"},
		"with a domain": {"domain example.com",
			"__Secure-sidegate=SECRET; Path=/; Domain=example.com; Max-Age=43200; HttpOnly; Secure; SameSite=Lax",
			"__Secure-sidegate=; Path=/; Domain=example.com; Max-Age=0; HttpOnly; Secure; SameSite=Lax"},
		"insecure": {"insecure",
			"sidegate=SECRET; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax",
			"sidegate=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"},
		"strict": {"same_site strict",
			"__Host-Http-sidegate=SECRET; Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=Strict",
			"__Host-Http-sidegate=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict"},
		"with a name": {"name __Host-acme",
			"__Host-acme=SECRET; Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=Lax",
			"__Host-acme=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, site{cookie: tt.cookie})
			c := s.client(t)
			byForm := c.signInByForm(ada, password, "/").want(t, http.StatusSeeOther)
			if got := normal(byForm); got != tt.set {
				t.Errorf("sign-in by form sets %s\nwant %s", got, tt.set)
			}
			gone := c.cookie
			// A __Host- cookie cannot be deleted without Secure (CVE-2025-55162).
			if got := normal(c.post("/auth/logout").want(t, http.StatusNoContent)); got != tt.cleared {
				t.Errorf("sign-out sets %s\nwant %s", got, tt.cleared)
			}
			c.cookie = gone
			if got := normal(c.get("/auth/session").want(t, http.StatusUnauthorized)); got != tt.cleared {
				t.Errorf("the end of the session sets %s\nwant %s", got, tt.cleared)
			}
			if got := normal(c.trySignIn(ada, password).want(t, http.StatusOK)); got != tt.set {
				t.Errorf("sign-in by JSON sets %s\nwant %s", got, tt.set)
			}
		})
	}
}
