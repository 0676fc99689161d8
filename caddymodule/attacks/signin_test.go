package attacks_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// What another site can make a browser send changes nothing (login CSRF, and
// the rest of CSRF).
func TestRequestsFromOtherSitesChangeNothing(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	c := s.WithCookie(t, gatewaytest.Ada)
	other := s.WithCookie(t, gatewaytest.Ada)
	id := ""
	for _, d := range gatewaytest.DevicesOf(c) {
		if !d.Current {
			id = d.ID
		}
	}
	form := url.Values{"email": {gatewaytest.Grace}, "password": {gatewaytest.Password}}.Encode()
	const formType, jsonType = "application/x-www-form-urlencoded", "application/json"
	for action, a := range map[string]struct{ method, path, body, contentType string }{
		"sign-in by form":                    {http.MethodPost, "/auth/login", form, formType},
		"sign-in by JSON":                    {http.MethodPost, "/auth/login", `{"email":"grace@example.com","password":"` + gatewaytest.Password + `"}`, jsonType},
		"sign-out":                           {http.MethodPost, "/auth/logout", "", formType},
		"starting over":                      {http.MethodPost, "/auth/start-over", "return_to=%2F", formType},
		"refresh":                            {http.MethodPost, "/auth/refresh", "", ""},
		"primary account":                    {http.MethodPut, "/auth/session/primary-account", `{"accountId":"globex"}`, jsonType},
		"one device out":                     {http.MethodDelete, "/auth/sessions/" + id, "", ""},
		"all others out":                     {http.MethodDelete, "/auth/sessions", "", ""},
		"an account, by the page's form":     {http.MethodPost, "/auth/account", "accountId=globex", formType},
		"one device out, by the page's form": {http.MethodPost, "/auth/sessions/" + id, "", formType},
		"all others out, by the page's form": {http.MethodPost, "/auth/sessions", "", formType},
		"sign-in by text":                    {http.MethodPost, "/auth/login", `{"email":"grace@example.com","password":"x"}`, "text/plain"},
	} {
		for sender, header := range map[string][]string{
			"another site":                    {"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"},
			"a sibling host":                  {"Sec-Fetch-Site", "same-site", "Origin", "https://blog.example.com"},
			"another site, an older browser":  {"Origin", "https://evil.example"},
			"another port, an older browser":  {"Origin", "http://127.0.0.1:1"},
			"a sandboxed frame":               {"Sec-Fetch-Site", "cross-site", "Origin", "null"},
			"a sandboxed frame, long ago":     {"Origin", "null"},
			"another site that says it is us": {"Sec-Fetch-Site", "cross-site", "Origin", s.URL},
		} {
			t.Run(action+" by "+sender, func(t *testing.T) {
				page := []string{"Sec-Fetch-Mode", "no-cors", "Content-Type", a.contentType}
				got := c.In(t).Do(a.method, a.path, a.body, append(page, header...)...)
				got.WantError(t, http.StatusForbidden, "forbidden")
				got.WantHeader(t, "Set-Cookie", "")
			})
		}
	}
	if u := c.Get("/auth/session").Session(t); u.Email != gatewaytest.Ada || u.PrimaryAccount.AccountID != "acme" {
		t.Errorf("the session is now %+v", u)
	}
	other.Get("/auth/session").Want(t, http.StatusOK)
	t.Run("this site's own pages may", func(t *testing.T) {
		own := c.In(t)
		own.Post("/auth/refresh", "Sec-Fetch-Site", "same-origin", "Origin", s.URL).Want(t, http.StatusOK)
		own.Post("/auth/refresh", "Origin", s.URL).Want(t, http.StatusOK)
	})
	t.Run("a person is told on a page", func(t *testing.T) {
		got := c.In(t).Post("/auth/logout", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate").Want(t, http.StatusForbidden)
		if !strings.Contains(got.Body, "came from another site") {
			t.Errorf("the page is\n%s", got.Body)
		}
	})
}

func TestSignInEndsTheSessionThatWasPresented(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	for name, tt := range map[string]struct {
		email string
		again func(*gatewaytest.Client) gatewaytest.Answer
	}{
		"of the same person, by form": {gatewaytest.Ada, func(c *gatewaytest.Client) gatewaytest.Answer {
			return c.SignInByForm(gatewaytest.Ada, gatewaytest.Password, "/")
		}},
		"of somebody else, by form": {gatewaytest.Grace, func(c *gatewaytest.Client) gatewaytest.Answer {
			return c.SignInByForm(gatewaytest.Ada, gatewaytest.Password, "/")
		}},
		"of the same person, by JSON": {gatewaytest.Ada, func(c *gatewaytest.Client) gatewaytest.Answer {
			return c.TrySignIn(gatewaytest.Ada, gatewaytest.Password)
		}},
		"of somebody else, by JSON": {gatewaytest.Grace, func(c *gatewaytest.Client) gatewaytest.Answer {
			return c.TrySignIn(gatewaytest.Ada, gatewaytest.Password)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := s.WithCookie(t, tt.email)
			c.Bearer = s.WithToken(t, tt.email).Bearer
			before := *c
			if got := tt.again(c); got.StatusCode >= 400 {
				t.Fatalf("sign-in: %s", got.Status)
			}
			if c.Cookie == before.Cookie {
				t.Error("the session kept its id")
			}
			before.Bearer = ""
			before.Get("/auth/session").Want(t, http.StatusUnauthorized)
			before.Bearer = c.Bearer
			before.Get("/auth/session").Want(t, http.StatusUnauthorized)
			c.Bearer = ""
			if u := c.Get("/auth/session").Want(t, http.StatusOK).Session(t); u.Email != gatewaytest.Ada {
				t.Errorf("signed in as %s", u.Email)
			}
		})
	}
	t.Run("a sign-in that is refused ends nothing", func(t *testing.T) {
		c := s.WithCookie(t, gatewaytest.Grace)
		c.TrySignIn(gatewaytest.Ada, "wrong").Want(t, http.StatusUnauthorized)
		c.Get("/auth/session").Want(t, http.StatusOK)
	})
}

// Session fixation: an id that somebody planted never becomes a session.
func TestPlantedCookieIsNotAdopted(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	well := s.WithCookie(t, gatewaytest.Grace)
	wellFormed := well.Cookie
	well.Post("/auth/logout").Want(t, http.StatusNoContent)
	for name, planted := range map[string]string{
		"well-formed":    wellFormed,
		"malformed":      "sidegate=planted",
		"two of them":    wellFormed + "; sidegate=planted",
		"of a live one":  s.WithCookie(t, gatewaytest.Grace).Cookie,
		"many and empty": strings.Repeat("sidegate=; ", 50) + "sidegate=",
	} {
		t.Run(name, func(t *testing.T) {
			c := s.Client(t)
			c.Cookie = planted
			c.SignInByForm(gatewaytest.Ada, gatewaytest.Password, "/").Want(t, http.StatusSeeOther)
			if strings.Contains(planted, c.Cookie) {
				t.Fatal("the planted id is the session's id now")
			}
			thief := s.Client(t)
			thief.Cookie = planted
			thief.Get("/auth/session").Want(t, http.StatusUnauthorized)
			c.Get("/auth/session").Want(t, http.StatusOK)
		})
	}
}

var variable = regexp.MustCompile(`=[A-Za-z0-9_-]{46};|Max-Age=4(3200|319[0-9]);`)

// normal is a Set-Cookie header without its secret, and with its life rounded.
func normal(a gatewaytest.Answer) string {
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
			"__Secure-sidegate=; Path=/; Domain=example.com; Max-Age=0; HttpOnly; Secure; SameSite=Lax | " +
				"sidegate-attempt-ended=1; Path=/; Domain=example.com; Max-Age=30; HttpOnly; Secure; SameSite=Lax"},
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
			s := gatewaytest.Start(t, gatewaytest.Site{Cookie: tt.cookie})
			c := s.Client(t)
			byForm := c.SignInByForm(gatewaytest.Ada, gatewaytest.Password, "/").Want(t, http.StatusSeeOther)
			got, word, _ := strings.Cut(normal(byForm), " | ") // the word that it has succeeded comes after it
			if got != tt.set || !strings.Contains(word, "sidegate-attempt-succeeded=") || strings.Contains(word, " | ") {
				t.Errorf("sign-in by form sets %s and %s\nwant %s", got, word, tt.set)
			}
			gone := c.Cookie
			// A __Host- cookie cannot be deleted without Secure (CVE-2025-55162).
			if got := normal(c.Post("/auth/logout").Want(t, http.StatusNoContent)); got != tt.cleared {
				t.Errorf("sign-out sets %s\nwant %s", got, tt.cleared)
			}
			c.Cookie = gone
			if got := normal(c.Get("/auth/session").Want(t, http.StatusUnauthorized)); got != tt.cleared {
				t.Errorf("the end of the session sets %s\nwant %s", got, tt.cleared)
			}
			if got := normal(c.TrySignIn(gatewaytest.Ada, gatewaytest.Password).Want(t, http.StatusOK)); got != tt.set {
				t.Errorf("sign-in by JSON sets %s\nwant %s", got, tt.set)
			}
		})
	}
}
