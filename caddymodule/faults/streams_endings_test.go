package faults_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// An ending is what becomes of a session that has streams open, and of which of
// them: those whose path begins with one of the areas end, the others go on.
type ending struct {
	name  string
	ends  []string
	stays []string
	// happens is what is done to who is signed in at both clients. It returns what
	// the file of people has of them then, where that is something else.
	happens func(own, elsewhere *gatewaytest.Client) (entry string)
}

// areas are the first parts of all paths whose streams end with their session.
var areas = []string{"app", "public", "admin", "account"}

var endings = []ending{
	{
		"signing out", areas, []string{"kept"},
		func(own, _ *gatewaytest.Client) string {
			own.Post("/auth/logout").Want(own.T, http.StatusNoContent)
			return ""
		},
	},
	{
		"signing out everywhere from another device", areas, []string{"kept"},
		func(own, elsewhere *gatewaytest.Client) string {
			elsewhere.Do(http.MethodDelete, "/auth/sessions", "").Want(own.T, http.StatusNoContent)
			return ""
		},
	},
	{
		"signing out that device from another one", areas, []string{"kept"},
		func(own, elsewhere *gatewaytest.Client) string {
			elsewhere.Do(http.MethodDelete, "/auth/sessions/"+gatewaytest.IDOf(own.T, own), "").Want(own.T, http.StatusNoContent)
			return ""
		},
	},
	{
		"being disabled", areas, []string{"kept"},
		func(_, _ *gatewaytest.Client) string { return "    roles: [admin]\n    disabled: true\n" },
	},
	{
		"being removed", areas, []string{"kept"},
		func(_, _ *gatewaytest.Client) string { return removed },
	},
	{
		"losing a role", []string{"admin"}, []string{"app", "public", "account", "kept"},
		func(_, _ *gatewaytest.Client) string { return "    roles: [editor]\n" + accounts },
	},
	{
		"losing an account", areas, []string{"kept"}, // the apps were told of it
		func(_, _ *gatewaytest.Client) string {
			return "    roles: [admin]\n    accounts:\n      - { accountId: globex, accountName: Globex }\n"
		},
	},
	{
		"another account", []string{"account"}, []string{"app", "public", "admin", "kept"},
		func(own, _ *gatewaytest.Client) string {
			own.Choose("globex").Want(own.T, http.StatusOK)
			return ""
		},
	},
	{
		"a refresh that changes nothing", nil, append([]string{"kept"}, areas...),
		func(own, _ *gatewaytest.Client) string {
			own.Post("/auth/refresh").Want(own.T, http.StatusOK)
			return ""
		},
	},
}

const (
	removed  = "removed"
	accounts = `    accounts:
      - { accountId: acme, accountName: Acme Ltd, accountAdmin: true }
      - { accountId: globex, accountName: Globex }
    primaryAccount: acme
`
)

// endingPeople is a file of one person for each ending. Changed are what it has of
// some of them by now.
func endingPeople(changed map[int]string) string {
	file := "users:\n"
	for id := 1; id <= len(endings); id++ {
		entry := "    roles: [admin]\n" + accounts
		if e := changed[id]; e != "" {
			entry = e
		}
		if entry != removed {
			file += fmt.Sprintf("  - id: %d\n    email: %s\n    password: %q\n%s", id, gatewaytest.EmailOf(id), gatewaytest.PasswordHash, entry)
		}
	}
	return file
}

// TestWhatIsOpenEndsWithItsSession: every kind of stream by a real client, under
// each ending of a session.
func TestWhatIsOpenEndsWithItsSession(t *testing.T) {
	a := newStreamApp(t)
	site := a.site("")
	site.Dir = t.TempDir()
	gatewaytest.WriteFile(t, filepath.Join(site.Dir, "users.yaml"), endingPeople(nil))
	s := gatewaytest.Start(t, site)

	open, changed := make(map[int][]*opened), make(map[int]string)
	anonymous := a.openAll(t, s, "public", "")
	for i, e := range endings {
		own, elsewhere := s.Client(t), s.Client(t)
		own.SignIn(gatewaytest.EmailOf(i + 1))
		elsewhere.SignIn(gatewaytest.EmailOf(i + 1))
		for _, area := range append(e.ends[:len(e.ends):len(e.ends)], e.stays...) {
			open[i] = append(open[i], a.openAll(t, s, area, own.Cookie)...)
		}
		if entry := e.happens(own, elsewhere); entry != "" {
			changed[i+1] = entry
		}
	}
	replaceUsers(t, s, endingPeople(changed))

	for i, e := range endings {
		for _, area := range e.ends {
			t.Run(e.name+" ends what is below "+area, func(t *testing.T) {
				for _, o := range below(area, open[i]) {
					o.wantEnd(t)
				}
			})
		}
	}
	for i, e := range endings {
		for _, area := range e.stays {
			t.Run(e.name+" leaves what is below "+area, func(t *testing.T) {
				for _, o := range below(area, open[i]) {
					o.wantOpen(t)
				}
			})
		}
	}
	t.Run("who was never signed in goes on", func(t *testing.T) {
		for _, o := range anonymous {
			o.wantOpen(t)
		}
	})
}

func below(area string, all []*opened) (some []*opened) {
	for _, o := range all {
		if strings.HasPrefix(o.path, "/"+area+"/") {
			some = append(some, o)
		}
	}
	return some
}

// replaceUsers puts another file in the place of the people's, as editors do.
func replaceUsers(t testing.TB, s *gatewaytest.Server, text string) {
	t.Helper()
	next := s.Users + ".next"
	gatewaytest.WriteFile(t, next, text)
	if err := os.Rename(next, s.Users); err != nil {
		t.Fatal(err)
	}
}
