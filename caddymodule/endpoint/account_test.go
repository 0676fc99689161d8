package endpoint_test

import (
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

func TestPrimaryAccountIsChosen(t *testing.T) {
	up := gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address()})
	c, other := s.WithCookie(t, gatewaytest.Ada), s.WithCookie(t, gatewaytest.Ada)
	c.Choose("globex").WantAccount(t, "globex")
	c.Get("/auth/session").WantAccount(t, "globex")
	c.Get("/app").Want(t, http.StatusOK)
	if got := up.Last().Header; got.Get("X-Session-Account-Id") != "globex" || got.Get("X-Session-Account-Admin") != "false" {
		t.Errorf("the app is told %v", got)
	}
	t.Run("the choice survives a refresh", func(t *testing.T) {
		c.In(t).Post("/auth/refresh").WantAccount(t, "globex")
		c.In(t).Get("/auth/session").WantAccount(t, "globex")
	})
	t.Run("other sessions keep theirs", func(t *testing.T) {
		other.In(t).Get("/auth/session").WantAccount(t, "acme")
	})
	t.Run("it may be changed back", func(t *testing.T) {
		c.In(t).Choose("acme").WantAccount(t, "acme")
		c.In(t).Choose("globex").WantAccount(t, "globex")
	})
	for name, account := range map[string]string{
		"an account of somebody else": "initech", "an empty name": "", "another case": "ACME", "a placeholder": "{env.HOME}",
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			c.In(t).Choose(account).WantError(t, http.StatusForbidden, "forbidden")
			c.In(t).Get("/auth/session").WantAccount(t, "globex")
		})
	}
	t.Run("a person without accounts has none to choose", func(t *testing.T) {
		s.WithCookie(t, gatewaytest.Grace).Choose("acme").Want(t, http.StatusForbidden)
		s.WithCookie(t, gatewaytest.Grace).Choose("").Want(t, http.StatusForbidden)
	})
}

func TestAccountOfOneRequest(t *testing.T) {
	up := gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address()})
	c := s.WithCookie(t, gatewaytest.Ada)
	c.Get("/auth/session", "X-Account-Id", "globex").WantAccount(t, "globex")
	c.Get("/auth/session", "X-Account-Id", "gl%6Fbex").WantAccount(t, "globex") // as a page writes what is not ASCII
	c.Get("/app", "X-Account-Id", "globex").Want(t, http.StatusOK)
	if got := up.Last().Header; got.Get("X-Session-Account-Id") != "globex" || got.Get("X-Session-Account-Name") != "Globex" {
		t.Errorf("the app is told %v", got)
	}
	if got := up.Last().Header.Values("X-Account-Id"); got != nil {
		t.Errorf("X-Account-Id went on to the app: %v", got)
	}
	t.Run("a refresh answers for it too", func(t *testing.T) {
		c.In(t).Post("/auth/refresh", "X-Account-Id", "globex").WantAccount(t, "globex")
	})
	t.Run("the next request is without it", func(t *testing.T) {
		c.In(t).Get("/auth/session").WantAccount(t, "acme")
	})
	before := up.Count()
	for name, tt := range map[string]struct {
		values []string
		status int
	}{
		"one that is not one's own":  {[]string{"X-Account-Id", "initech"}, 403},
		"one that is so encoded":     {[]string{"X-Account-Id", "in%69tech"}, 403},
		"a broken escape":            {[]string{"X-Account-Id", "acme%"}, 403},
		"an empty one":               {[]string{"X-Account-Id", ""}, 403},
		"two of them":                {[]string{"X-Account-Id", "acme", "X-Account-Id", "globex"}, 400},
		"the same twice":             {[]string{"X-Account-Id", "acme", "X-Account-Id", "acme"}, 400},
		"two on one line":            {[]string{"X-Account-Id", "acme,globex"}, 403},
		"one's own in another case":  {[]string{"X-Account-Id", "ACME"}, 403},
		"the id with a space inside": {[]string{"X-Account-Id", "ac me"}, 403},
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			c.In(t).Get("/auth/session", tt.values...).Want(t, tt.status)
			c.In(t).Get("/app", tt.values...).Want(t, tt.status)
			c.In(t).Post("/auth/refresh", tt.values...).Want(t, tt.status)
			c.In(t).Get("/auth/sessions", tt.values...).Want(t, tt.status)
			c.In(t).Do(http.MethodDelete, "/auth/sessions", "", tt.values...).Want(t, tt.status)
		})
	}
	if up.Count() != before {
		t.Error("a refused request reached the app")
	}
}

// accountsFile is a users file with somebody of so many accounts, with this word before the name of each.
func accountsFile(t *testing.T, count int, named string) string {
	t.Helper()
	var file strings.Builder
	file.WriteString("users:\n  - id: 1\n    email: ada@example.com\n    password: " + gatewaytest.PasswordHash + "\n    accounts:\n")
	for i := range count {
		fmt.Fprintf(&file, "      - { accountId: a%d, accountName: '%s %d' }\n", i, named, i)
	}
	path := filepath.Join(t.TempDir(), "people.yaml")
	gatewaytest.WriteFile(t, path, file.String())
	return path
}

func TestAnAccountIsChosenByAPress(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "return_to https://other.example.com"})
	b := browserAs(t, s, gatewaytest.Ada, firefox)
	page := b.Open("/auth/account?return_to=%2Forders").Want(t, http.StatusOK).Body
	for _, part := range []string{
		`<button type="submit" name="accountId" value="acme" aria-current="true">Acme Ltd`,
		`<button class="quiet" type="submit" name="accountId" value="globex">Globex`,
		`name="return_to" value="/orders"`, `href="/orders"`, "You administer it.",
	} {
		if !strings.Contains(page, part) {
			t.Errorf("the page has no %s:\n%s", part, page)
		}
	}
	for _, c := range []struct{ name, account, returnTo, leads, acts string }{
		{"and leads on", "globex", "/orders?a=1#x", "/orders?a=1#x", "globex"},
		{"and leads back to the page", "acme", "", "/auth/account", "acme"},
		{"and leads to a listed origin", "globex", "https://other.example.com/x", "https://other.example.com/x", "globex"},
		{"and leads nowhere else", "acme", "https://evil.example/", "/auth/account", "acme"},
		{"the same once more", "acme", "/auth/sessions", "/auth/sessions", "acme"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := b.At(t, s)
			b.Submit("/auth/account", url.Values{"accountId": {c.account}, "return_to": {c.returnTo}}).
				Want(t, http.StatusSeeOther).WantHeader(t, "Location", c.leads)
			s.With(t, b.Jar[0], "").Get("/auth/session").WantAccount(t, c.acts)
			if page := b.Open("/auth/account").Body; !strings.Contains(page, `value="`+c.acts+`" aria-current="true"`) {
				t.Errorf("the page is\n%s", page)
			}
		})
	}
	for name, c := range map[string]struct {
		form   url.Values
		status int
	}{
		"somebody else's":       {url.Values{"accountId": {"initech"}}, http.StatusForbidden},
		"none":                  {url.Values{}, http.StatusForbidden},
		"two at once":           {url.Values{"accountId": {"acme", "globex"}}, http.StatusBadRequest},
		"one of another field":  {url.Values{"AccountID": {"globex"}}, http.StatusBadRequest},
		"and two ways to go to": {url.Values{"accountId": {"globex"}, "return_to": {"/a", "/b"}}, http.StatusBadRequest},
	} {
		t.Run("not "+name, func(t *testing.T) {
			if a := b.At(t, s).Submit("/auth/account", c.form).Want(t, c.status); !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
				t.Errorf("it is answered with %s", a.Body)
			}
			s.With(t, b.Jar[0], "").Get("/auth/session").WantAccount(t, "acme")
		})
	}
	t.Run("not by a page of another site", func(t *testing.T) {
		b.At(t, s).Do(http.MethodPost, "/auth/account", "accountId=globex", "Content-Type", gatewaytest.AsForm, "Accept", "text/html",
			"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example").Want(t, http.StatusForbidden)
		s.With(t, b.Jar[0], "").Get("/auth/session").WantAccount(t, "acme")
	})
	t.Run("not as JSON, which has a route of its own", func(t *testing.T) {
		b.At(t, s).Do(http.MethodPost, "/auth/account", `{"accountId":"globex"}`, "Content-Type", gatewaytest.AsJSON).Want(t, http.StatusUnsupportedMediaType)
	})
}

// Who chose another account after a refusal was refused again, without end.
func TestChoosingAnAccountTakesTheOneOfTheAddressOutOfIt(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{
		Options: "account_param account_id\nreturn_to https://other.example.com", Auth: "path /boss/* {\naccount_admin\n}",
	})
	b := browserAs(t, s, gatewaytest.Ada, firefox)
	for name, asked := range map[string]string{
		"of which one is no administrator": "/boss/x?account_id=globex", "that is none of one's own": "/orders?account_id=nope",
		"in another spelling": "/orders?a=1&account%5fid=nope&b=2",
	} {
		t.Run(name, func(t *testing.T) {
			b := b.At(t, s)
			_, choose, _ := strings.Cut(b.Open(asked).Want(t, http.StatusForbidden).Body, `href="/auth/account?return_to=`)
			choose, _, _ = strings.Cut(choose, `"`)
			returnTo, _ := url.QueryUnescape(choose)
			if returnTo != asked {
				t.Fatalf("the page leads to choose and back to %q", returnTo)
			}
			to := b.Submit("/auth/account", url.Values{"accountId": {"acme"}, "return_to": {returnTo}}).Want(t, http.StatusSeeOther).Header.Get("Location")
			b.Open(to).Want(t, http.StatusOK)
		})
	}
	for _, c := range []struct{ name, returnTo, leads string }{
		{"and nothing else", "/orders?a=1&account_id=globex&b=%2f#account_id=x", "/orders?a=1&b=%2f#account_id=x"},
		{"nor anything where it is not", "/orders?#x", "/orders?#x"},
		{"also of a whole address of this site", s.URL + "/orders?account_id=globex", s.URL + "/orders"},
		{"but not of another's", "https://other.example.com/x?account_id=globex", "https://other.example.com/x?account_id=globex"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.At(t, s).Submit("/auth/account", url.Values{"accountId": {"acme"}, "return_to": {c.returnTo}}).
				Want(t, http.StatusSeeOther).WantHeader(t, "Location", c.leads)
		})
	}
}

func TestThePageToChooseAnAccountForWhoHasNone(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	if page := browserAs(t, s, gatewaytest.Grace, firefox).Open("/auth/account").Want(t, http.StatusOK).Body; !strings.Contains(page, "There is none for <strong>grace@example.com</strong>") || strings.Contains(page, "<form") {
		t.Errorf("the page is\n%s", page)
	}
	b := s.Browser(t)
	b.Open("/auth/account").Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/auth/login?return_to=%2Fauth%2Faccount")
	b.Open("/auth/account?return_to=%2Forders%3Fa%3D1").Want(t, http.StatusSeeOther).
		WantHeader(t, "Location", "/auth/login?return_to=%2Fauth%2Faccount%3Freturn_to%3D%252Forders%253Fa%253D1")
	b.Submit("/auth/account", url.Values{"accountId": {"acme"}}).Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/auth/login?return_to=%2Fauth%2Faccount")
	b.Do(http.MethodGet, "/auth/account", "").WantError(t, http.StatusUnauthorized, "unauthorized")
}

func TestAThousandAccountsAreOnePage(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Bare: true, Options: "login users " + accountsFile(t, 1000, "Branch & <Sons>") + "\n"})
	b := browserAs(t, s, gatewaytest.Ada, firefox)
	page := b.Open("/auth/account").Want(t, http.StatusOK).Body
	if n := strings.Count(page, `name="accountId"`); n != 1000 || !strings.Contains(page, "Branch &amp; &lt;Sons&gt; 999") {
		t.Errorf("%d accounts can be chosen", n)
	}
	b.Submit("/auth/account", url.Values{"accountId": {"a999"}}).Want(t, http.StatusSeeOther)
	s.With(t, b.Jar[0], "").Get("/auth/session").WantAccount(t, "a999")
}

func TestAnAccountWhileTheStoreIsAway(t *testing.T) {
	r := redistest.Start(t, redistest.AppendOnly())
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "store redis " + r.URL() + "\nsecret a-secret-that-is-long-enough-for-tests"})
	b := browserAs(t, s, gatewaytest.Ada, firefox)
	b.Open("/auth/account").Want(t, http.StatusOK)
	r.Kill()
	if a := b.Submit("/auth/account", url.Values{"accountId": {"globex"}}).Want(t, http.StatusServiceUnavailable); !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		t.Errorf("it is answered with %s", a.Body)
	}
}
