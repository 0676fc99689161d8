package endpoint_test

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

const vary = "Cookie, Authorization, X-Account-Id"

func TestThePagesOfAGatewayAreItsOwnInTheLanguageOfWhoAsks(t *testing.T) {
	dir, pages := t.TempDir(), t.TempDir()
	gatewaytest.WriteFile(t, filepath.Join(dir, "logo.svg"), `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8v8z"/></svg>`)
	gatewaytest.WriteFile(t, filepath.Join(pages, "fr.json"), `{"login.submit": "Se connecter", "refusal.role": "Vos rôles ne le permettent pas."}`)
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{
		Options: "appearance {\nname Acme\nhelp \"Room 4\"\naccent b8005c\nlogo " + filepath.Join(dir, "logo.svg") + "\ntemplates " + pages + "\n}\n" +
			p.Login("sso", "icon "+filepath.Join(dir, "logo.svg")),
		Routes: "session_endpoints\nsession_auth /admin/* {\nrole admin\n}\nsession_auth\nrespond OK",
	})
	for name, c := range map[string]struct {
		path, language string
		status         int
		says           []string
	}{
		"the login page in English":      {"/auth/login", "en-GB", 200, []string{"<h1>Sign in to Acme</h1>", `<html lang="en"`, "--accent: #b8005c;", `<img class="icon"`, `<img class="logo"`}},
		"the login page in German":       {"/auth/login", "de-AT, en;q=0.5", 200, []string{"<h1>Anmelden bei Acme</h1>", `<html lang="de"`, "Weiter mit sso"}},
		"the login page in French":       {"/auth/login", "fr", 200, []string{">Se connecter</button>", `<html lang="fr"`, ">Password<"}},
		"a page that is not there":       {"/auth/nothing", "de", 404, []string{"<h1>Hier ist nichts</h1>"}},
		"who is signed out":              {"/auth/logout", "de", 200, []string{"<h1>Sie sind abgemeldet</h1>"}},
		"a callback of nobody's attempt": {"/auth/callback/sso", "de", 400, []string{"Fehler: Anmelden", "Beginnen Sie hier noch einmal.", "Room 4"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.Browser(t).Open(c.path, "Accept-Language", c.language).Want(t, c.status)
			for _, part := range c.says {
				if !strings.Contains(a.Body, part) {
					t.Errorf("there is no %s in\n%s", part, a.Body)
				}
			}
			if !strings.HasSuffix(a.Header.Get("Vary"), "Accept-Language") || a.Header.Get("Content-Language") == "" {
				t.Errorf("Vary is %q, Content-Language %q", a.Header.Get("Vary"), a.Header.Get("Content-Language"))
			}
		})
	}
	t.Run("who may not go there", func(t *testing.T) {
		b := s.Browser(t)
		b.SignInAt(p, "sso")
		for language, says := range map[string]string{"fr": "Vos rôles ne le permettent pas.", "de": "Ihre Rollen und Berechtigungen erlauben das nicht."} {
			if a := b.Open("/admin/", "Accept-Language", language).Want(t, http.StatusForbidden); !strings.Contains(a.Body, says) || !strings.Contains(a.Body, "Room 4") {
				t.Errorf("%s: the page is\n%s", language, a.Body)
			}
		}
	})
	// Programs, and what the contract says of the session, know no languages.
	t.Run("and nothing of it is for programs", func(t *testing.T) {
		for path, status := range map[string]int{"/auth/session": 401, "/auth/sessions": 401, "/orders": 401} {
			a := s.Client(t).Do(http.MethodGet, path, "", "Accept-Language", "de").Want(t, status)
			a.WantHeader(t, "Vary", vary)
			a.WantHeader(t, "Content-Language", "")
			if !strings.Contains(a.Body, "Sign in first.") {
				t.Errorf("%s says %s", path, a.Body)
			}
		}
	})
}

// OpenID Connect Core 1.0 section 3.1.2.1. What came in goes to somebody else: no more
// than a few well-formed tags.
func TestAProviderIsToldWhatThePersonReads(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Bare: true, Options: p.Login("sso", "") + p.Login("fixed", "auth_param ui_locales nl")})
	for name, c := range map[string]struct{ login, accept, want string }{
		"in the order that they want":    {"sso", "en;q=0.5, de-at, zh-hant-tw;q=0.7", "de-AT zh-Hant-TW en"},
		"and no more than five":          {"sso", "aa,bb,cc,dd,ee,ff,gg", "aa bb cc dd ee"},
		"each once":                      {"sso", "de, de;q=0.5, DE", "de"},
		"and nothing that is no tag":     {"sso", "de&prompt=none, <fr>, en_GB, *;q=0.1, it;q=0", ""},
		"and nothing where they say so":  {"sso", "", ""},
		"and as it is configured before": {"fixed", "de", "nl"},
	} {
		t.Run(name, func(t *testing.T) {
			location := s.Browser(t).Open("/auth/login/"+c.login, "Accept-Language", c.accept).Want(t, http.StatusSeeOther).Header.Get("Location")
			u, err := url.Parse(location)
			if err != nil {
				t.Fatal(err)
			}
			if got := u.Query().Get("ui_locales"); got != c.want || len(u.Query()["ui_locales"]) > 1 || u.Query().Has("ui_locales") != (c.want != "") {
				t.Errorf("it is told %q", u.Query()["ui_locales"])
			}
		})
	}
}
