package apps_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// The people of these tests: Jürgen's name is not to be had in ASCII.
const (
	jürgen = "jürgen@example.com"
	people = `users:
  - { id: 1, email: ada@example.com, username: ada, name: Ada Lovelace, roles: [admin, "night,shift", Größe], password: "` + gatewaytest.PasswordHash + `" }
  - { id: 2, email: ` + jürgen + `, username: jürgen, name: Jürgen Groß, roles: [viewer], password: "` + gatewaytest.PasswordHash + `" }
`
)

// An app is a program of others that takes who somebody is from the gateway.
type app struct {
	name string
	// start runs it on a port of loopback, or below a folder, and returns the
	// handler that leads to it.
	start func(t *testing.T, dir string) string
	// auth are the lines of session_auth that it needs.
	auth string
	// forged are headers by which a client may try to be somebody.
	forged []string
	// who asks the app whom it takes a request for; nobody is "".
	who func(b *gatewaytest.Browser, header ...string) string
	// ada and jürgen are what it calls them.
	ada, jürgen string
	// more is what else it knows by that; with is a browser of each.
	more func(t *testing.T, with standing)
}

// standing is who is there: two who are signed in, and nobody, where the app
// itself decides about nobody.
type standing struct{ ada, jürgen, nobody *gatewaytest.Browser }

// apps are those that come with Debian. What comes from npm is in npm_test.go.
var apps = []app{radicale, django, mercurial, fossil}

func TestAppsKnowWhoSomebodyIs(t *testing.T) {
	for _, a := range apps {
		t.Run(a.name, func(t *testing.T) { a.prove(t) })
	}
}

// prove shows that an app behind the gateway knows who somebody is, and nobody
// else.
func (a app) prove(t *testing.T) {
	dir := gatewaytest.BusyFolder(t)
	gatewaytest.WriteFile(t, filepath.Join(dir, "users.yaml"), people)
	handler := a.start(t, dir)
	closed := gatewaytest.Start(t, gatewaytest.Site{Dir: dir, Localhost: true, Upstream: "-", Routes: a.routes(handler)})
	open := &gatewaytest.Server{URL: fmt.Sprintf("http://localhost:%d", closed.Port)}
	signedIn := func(t *testing.T, email string) *gatewaytest.Browser {
		b := closed.Browser(t)
		b.Do(http.MethodPost, "/auth/login", fmt.Sprintf(`{"email":%q,"password":%q}`, email, gatewaytest.Password), "Content-Type", gatewaytest.AsJSON).Want(t, http.StatusOK)
		return b
	}
	ada, jürgen := signedIn(t, gatewaytest.Ada), signedIn(t, jürgen)
	for _, c := range []struct {
		name, want string
		who        *gatewaytest.Browser
		header     []string
	}{
		{"who is signed in is known", a.ada, ada, nil},
		{"so is somebody whose name is beyond ASCII", a.jürgen, jürgen, nil},
		{"who is signed in is nobody else, whatever the client says", a.jürgen, jürgen, a.claims("ada@example.com", "ada", "1")},
		{"so it is where the app decides about who is not signed in", a.ada, ada.At(t, open), nil},
		{"who is not signed in is nobody", "", open.Browser(t), nil},
		{"nobody is anybody by what the client says", "", open.Browser(t), a.claims("ada@example.com", "ada", "1")},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := a.who(c.who.At(t, c.who.Server), c.header...); got != c.want {
				t.Errorf("the app takes it for %q; want %q", got, c.want)
			}
		})
	}
	if a.more != nil {
		a.more(t, standing{ada, jürgen, open.Browser(t)})
	}
	t.Run("who has signed out is nobody, with all the cookies that the app has set", func(t *testing.T) {
		ada := ada.At(t, closed)
		if a.who(ada) != a.ada {
			t.Fatal("she is not known any more")
		}
		ada.Do(http.MethodPost, "/auth/logout", "", "Sec-Fetch-Site", "same-origin").Want(t, http.StatusNoContent)
		if got := a.who(ada.At(t, open)); got != "" {
			t.Errorf("the app takes it for %q", got)
		}
	})
	if address, ok := strings.CutPrefix(handler, "reverse_proxy 127."); ok {
		t.Run("past the gateway the app would believe anybody", func(t *testing.T) {
			past := &gatewaytest.Server{URL: "http://127." + address}
			if got := a.who(past.Browser(t), a.forged[0], a.ada); got != a.ada {
				t.Errorf("it takes it for %q: the headers of this test forge nothing", got)
			}
		})
	}
	t.Run("where the gateway demands a session, the app is not asked", func(t *testing.T) {
		closed.Client(t).Get("/", a.claims("ada@example.com")...).Want(t, http.StatusUnauthorized)
	})
}

// routes are those of a site that demands a session, and of one, at localhost,
// that leaves it to the app what becomes of nobody.
func (a app) routes(handler string) string {
	return fmt.Sprintf(`session_endpoints
	@open host localhost
	@closed not host localhost
	session_auth @open {
		optional
		%[1]s
	}
	session_auth @closed {
		%[1]s
	}
	%[2]s`, a.auth, handler)
}

// claims are the headers by which a client says to be one of those, in each
// spelling that some server takes for the name.
func (a app) claims(names ...string) (header []string) {
	for _, name := range a.forged {
		for _, spelling := range []string{name, strings.ToUpper(name), strings.ReplaceAll(name, "-", "_"), strings.ReplaceAll(name, "-", ".")} {
			for _, claim := range names {
				header = append(header, spelling, claim)
			}
		}
	}
	return header
}

// misread is what a program makes of UTF-8 that takes headers for Latin-1, as
// WSGI says (PEP 3333) and Node does.
func misread(text string) string {
	runes := make([]rune, 0, len(text))
	for _, b := range []byte(text) {
		runes = append(runes, rune(b))
	}
	return string(runes)
}
