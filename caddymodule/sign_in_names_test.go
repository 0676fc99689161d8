package caddymodule_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// namedFile is the users file of the tests with a user name and a name for Ada.
var namedFile = strings.Replace(gatewaytest.UsersFile, "email: ada@example.com\n", "email: ada@example.com\n    username: ada\n    name: Ada Lovelace\n", 1)

// byName is a map for an app whose people have names.
const byName = "success `login.status == 200`\nmap {\nemail `login.username + \"@users.invalid\"`\n}"

func TestPeopleSignInByTheNamesTheyHave(t *testing.T) {
	app, up := newLegacy(t), gatewaytest.NewRecorder(t)
	people := filepath.Join(t.TempDir(), "people.yaml")
	gatewaytest.WriteFile(t, people, namedFile)
	s := gatewaytest.Start(t, gatewaytest.Site{
		Bare: true, Upstream: up.Address(),
		Options: "user_header username\nlogin users " + people + "\n" + app.login("legacy", byName),
		Auth:    "headers native remote-user\nheader X-Login {http.auth.user.username}",
	})
	t.Run("which the page asks for", func(t *testing.T) {
		page := s.Client(t).Get("/auth/login", "Accept", "text/html").Want(t, http.StatusOK).Body
		if !strings.Contains(page, `name="username"`) || !strings.Contains(page, "User name or email address") {
			t.Errorf("the page is\n%s", page)
		}
	})
	t.Run("of a users file, in any case, by JSON and by form", func(t *testing.T) {
		c := s.Client(t)
		if u := c.Do(http.MethodPost, "/auth/login", `{"username":" ADA ","password":"`+gatewaytest.Password+`"}`, "Content-Type", gatewaytest.AsJSON).
			Want(t, http.StatusOK).Session(t); u.Email != gatewaytest.Ada || u.ID != 1 {
			t.Errorf("the session is %+v", u)
		}
		c.Get("/app").Want(t, http.StatusOK)
		if h := up.Last().Header; h.Get("Remote-User") != "ada" || h.Get("X-Login") != "ada" || h.Get("Remote-Name") != "Ada Lovelace" || h.Get("Remote-Email") != gatewaytest.Ada {
			t.Errorf("the app is told %v", h)
		}
		s.Client(t).SignInByForm("ada", gatewaytest.Password, "/").Want(t, http.StatusSeeOther)
		page := c.Get("/auth/login", "Accept", "text/html").Want(t, http.StatusOK).Body
		if !strings.Contains(page, "You are signed in as <strong>ada</strong>") {
			t.Errorf("the page is\n%s", page)
		}
	})
	t.Run("of an app, as they are typed", func(t *testing.T) {
		c := s.Client(t)
		if u := c.TrySignIn(" Mary ", legacyPassword).Want(t, http.StatusOK).Session(t); u.Email != "mary@users.invalid" {
			t.Errorf("the session is %+v", u)
		}
		app.mu.Lock()
		asked := app.bodies[len(app.bodies)-1]
		app.mu.Unlock()
		if !strings.Contains(asked, `"Mary"`) {
			t.Errorf("the app was asked %s", asked)
		}
		if u := c.Post("/auth/refresh").Want(t, http.StatusOK).Session(t); u.Email != "mary@users.invalid" {
			t.Errorf("after a refresh it is %+v", u)
		}
	})
	t.Run("but by nobody's address that was made of a name", func(t *testing.T) {
		app.asked()
		s.Client(t).TrySignIn("root@users.invalid", legacyPassword).WantError(t, http.StatusUnauthorized, "unauthorized")
		if n, _ := app.asked(); n != 0 {
			t.Errorf("the app was asked %d times", n)
		}
	})
	t.Run("and guesses at a name are counted, in whatever spelling", func(t *testing.T) {
		app.asked()
		for i, name := range []string{"bob", "Bob", "BOB", "böb", "ｂob", "bob.", "b\u00f3b", "bo\u0300b", "ⓑob", "bøb"} {
			if got := s.Client(t).TrySignIn(name, "guess"); got.StatusCode != http.StatusUnauthorized {
				t.Fatalf("guess %d: %s", i, got.Status)
			}
		}
		s.Client(t).TrySignIn("bob", legacyPassword).Want(t, http.StatusTooManyRequests)
		if n, _ := app.asked(); n != 10 {
			t.Errorf("the app was asked %d times", n)
		}
	})
}

// Whom a name makes somebody else must not be decided by it.
func TestNothingIsDecidedByWhatIsMadeOfATypedName(t *testing.T) {
	const yes = "success `login.status == 200`\n"
	for name, c := range map[string]struct {
		lines, more string
		want        string // empty: it is loaded
	}{
		"an address that is made of it":                {lines: byName},
		"its domain":                                   {lines: "email_domains users.invalid\n" + byName, want: "would decide by what people type"},
		"its domain, where the operator says so":       {lines: "trust_typed_email\nemail_domains users.invalid\n" + byName},
		"its domain, by way of the subject":            {lines: yes + "email_domains x.example\nmap {\nemail `identity.subject`\n}", want: "would decide by what people type"},
		"a role, by the address":                       {lines: yes + "map {\nemail `login.username + \"@x.example\"`\nroles `[identity.email]`\n}", want: "would decide by what people type"},
		"a directory, by the address":                  {byName, "{identity.email}", "is asked by {identity.email}"},
		"a directory, by the name":                     {yes + "map {\nname `login.username`\n}", "{identity.name}", "is asked by {identity.name}"},
		"a directory, by a number":                     {yes + "map {\nid `stable_id(login.username)`\n}", "{identity.id}", "is asked by {identity.id}"},
		"a directory, by a number that the app says":   {legacyMap, "{identity.id}", ""},
		"a directory, by an address that the app says": {legacyMap, "{identity.email}", ""},
		"a directory, by a name that the app says":     {yes + "map {\nname `login.body.name`\n}", "{identity.name}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			options := "login app legacy http://127.0.0.1:1/api/login {\n" + c.lines + "\n}\n"
			if c.more != "" {
				options += "directory http crm http://127.0.0.1:1/people?e=" + c.more + "\n"
			}
			site := gatewaytest.Site{Options: options, Bare: true}
			if c.want != "" {
				wantRefused(t, site, c.want)
				return
			}
			_, config := adapted(t, site)
			if err := validate(t, config); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestUserHeaderThatSaysNothingIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ site gatewaytest.Site }{
		"beside headers that have no user": {gatewaytest.Site{Auth: "user_header id"}},
		"beside none":                      {gatewaytest.Site{Auth: "headers none\nuser_header id"}},
	} {
		t.Run(name, func(t *testing.T) {
			wantRefused(t, c.site, "user_header: no header of these presets says who the user is")
		})
	}
}

func TestUserHeaderIsOfTheAppAndOfItsRoute(t *testing.T) {
	for name, c := range map[string]struct{ options, auth, want string }{
		"without it, as the preset says":  {"", "headers remote-user", gatewaytest.Ada},
		"as the app says":                 {"user_header id", "headers remote-user", "1"},
		"as the route says":               {"user_header username", "headers remote-user\nuser_header id", "1"},
		"none where nobody has that name": {"user_header username", "headers remote-user", ""},
	} {
		t.Run(name, func(t *testing.T) {
			up := gatewaytest.NewRecorder(t)
			s := gatewaytest.Start(t, gatewaytest.Site{Options: c.options, Auth: c.auth, Upstream: up.Address()})
			s.WithCookie(t, gatewaytest.Ada).Get("/app", "Remote-User", "root").Want(t, http.StatusOK)
			if got := up.Last().Header.Get("Remote-User"); got != c.want {
				t.Errorf("Remote-User is %q, want %q", got, c.want)
			}
		})
	}
}

func TestUserNamesOfSeveralLoginsAreWarnedAbout(t *testing.T) {
	app := newLegacy(t)
	p := gatewaytest.NewProcess(t, gatewaytest.Site{Options: "user_header username\n" + app.login("legacy", byName), Auth: "headers remote-user"})
	p.Start()
	p.AwaitLog("who have one username for one person", "legacy", "users")
}

// A preset whose user is a username names nobody who has none: an app shows them
// its own login, and nothing says why.
func TestALoginThatTellsNoUserNameIsWarnedAbout(t *testing.T) {
	app := newLegacy(t)
	for name, c := range map[string]struct{ lines, named string }{
		"an app that tells none":                      {"map {\nemail `login.body.user.mail`\n}", `"logins":["users","legacy"]`},
		"not one that tells them":                     {"map {\nemail `login.body.user.mail`\nusername `login.body.user.mail`\n}", `"logins":["users"]`},
		"nor one whose people type them":              {byName, `"logins":["users"]`},
		"and a users file in which nobody has a name": {byName, `"logins":["users"]`},
	} {
		t.Run(name, func(t *testing.T) {
			p := gatewaytest.NewProcess(t, gatewaytest.Site{Options: "user_header username\n" + app.login("legacy", c.lines), Auth: "headers remote-user"})
			p.Start()
			p.AwaitLog("nobody of a login has a username", c.named)
		})
	}
}

func TestAUserHeaderThatNothingGoesByIsWarnedAbout(t *testing.T) {
	for name, c := range map[string]struct {
		auth  string
		warns bool
	}{
		"beside headers that have no user":     {"headers native", true},
		"beside none":                          {"headers none", true},
		"beside a route's own":                 {"headers remote-user\nuser_header username", true},
		"beside headers that tell of the user": {"headers native remote-user", false},
	} {
		t.Run(name, func(t *testing.T) {
			p := gatewaytest.NewProcess(t, gatewaytest.Site{Options: "user_header id", Auth: c.auth})
			p.Start()
			const line = "user_header does nothing"
			if c.warns {
				p.AwaitLog(line, "headers remote-user")
			} else if strings.Contains(p.Log.String(), line) {
				t.Errorf("the log says %s", line)
			}
		})
	}
}
