package caddymodule_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore"
)

// edit changes the users file in place, as an editor does.
func edit(t testing.TB, s *gatewaytest.Server, old, replacement string) {
	t.Helper()
	text, err := os.ReadFile(s.Users)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("the users file has no %q", old)
	}
	gatewaytest.WriteFile(t, s.Users, strings.Replace(string(text), old, replacement, 1))
}

// newHash is argon2id of another password, as cheap as the first.
const newHash = "$argon2id$v=19$m=64,t=1,p=1$YW5vdGhlci1zYWx0LTEyMw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

func TestRefreshRebuildsFromTheUsersFile(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	c := s.WithCookie(t, gatewaytest.Ada)
	c.Choose("globex").WantAccount(t, "globex")
	edit(t, s, "roles: [admin]", "roles: [viewer]")
	edit(t, s, "accountName: Globex", "accountName: Globex Corp")
	gatewaytest.Await(t, "a refresh shows the new roles", func() bool {
		u := c.Post("/auth/refresh").Want(t, http.StatusOK).Session(t)
		return slices.Equal(u.FlatRolesList, []string{"viewer"})
	})
	u := c.Get("/auth/session").Session(t)
	if !slices.Equal(u.FlatPermissionsList, []string{"reports:run"}) || u.PrimaryAccount.AccountName != "Globex Corp" {
		t.Errorf("the session is %+v", u)
	}
}

func TestPeopleWhoAreAddedMaySignIn(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	c := s.WithCookie(t, gatewaytest.Ada)
	s.Client(t).TrySignIn("hopper@example.com", gatewaytest.Password).Want(t, http.StatusUnauthorized)
	// One look at the file takes up both changes, and guesses are throttled.
	gatewaytest.WriteFile(t, s.Users, strings.Replace(gatewaytest.UsersFile, "roles: [admin]", "roles: [editor]", 1)+userEntry(4, "hopper@example.com", gatewaytest.PasswordHash, ""))
	gatewaytest.Await(t, "the file is read again", func() bool {
		u := c.Get("/auth/session").Want(t, http.StatusOK).Session(t)
		return slices.Equal(u.FlatRolesList, []string{"editor"})
	})
	s.Client(t).SignIn("hopper@example.com")
}

func TestChangedRolesShowInOpenSessions(t *testing.T) {
	up := gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address()})
	c, other := s.WithCookie(t, gatewaytest.Grace), s.WithCookie(t, gatewaytest.Ada)
	before := other.Get("/auth/session").Header.Get("ETag")
	edit(t, s, "roles: [viewer]", "roles: [viewer, editor]")
	gatewaytest.Await(t, "the new role is in the session", func() bool {
		u := c.Get("/auth/session").Want(t, http.StatusOK).Session(t)
		return slices.Equal(u.FlatRolesList, []string{"viewer", "editor"})
	})
	c.Get("/app").Want(t, http.StatusOK)
	if roles := up.Last().Header.Get("X-Session-Roles"); roles != "viewer,editor" {
		t.Errorf("the app is told %q", roles)
	}
	other.Get("/auth/session").Want(t, http.StatusOK).WantHeader(t, "ETag", before)
}

// userEntry is an entry for the users file.
func userEntry(id int, email, hash, more string) string {
	return fmt.Sprintf("  - id: %d\n    email: %s\n    password: %s\n%s", id, email, hash, more)
}

// Whoever may no longer sign in must not stay in.
func TestPeopleWhoMayNoLongerAreSignedOut(t *testing.T) {
	dir := t.TempDir()
	leavers := map[string]struct {
		email, before, after string
	}{
		"was removed": {"removed@example.com", userEntry(11, "removed@example.com", gatewaytest.PasswordHash, ""), ""},
		"was disabled": {"disabled@example.com", userEntry(12, "disabled@example.com", gatewaytest.PasswordHash, ""),
			userEntry(12, "disabled@example.com", gatewaytest.PasswordHash, "    disabled: true\n")},
		"has a new password": {"password@example.com", userEntry(13, "password@example.com", gatewaytest.PasswordHash, ""),
			userEntry(13, "password@example.com", newHash, "")},
		"gave the id to somebody": {"before@example.com", userEntry(14, "before@example.com", gatewaytest.PasswordHash, ""),
			userEntry(14, "after@example.com", gatewaytest.PasswordHash, "")},
	}
	before, after := gatewaytest.UsersFile, gatewaytest.UsersFile
	for _, l := range leavers {
		before += l.before
		after += l.after
	}
	gatewaytest.WriteFile(t, filepath.Join(dir, "users.yaml"), before)
	s := gatewaytest.Start(t, gatewaytest.Site{Dir: dir})
	browsers, programs := map[string]*gatewaytest.Client{}, map[string]*gatewaytest.Client{}
	for name, l := range leavers {
		browsers[name], programs[name] = s.WithCookie(t, l.email), s.WithToken(t, l.email)
	}
	stays := s.WithCookie(t, gatewaytest.Ada)
	gatewaytest.WriteFile(t, s.Users, after)
	for name, l := range leavers {
		t.Run("a person who "+name, func(t *testing.T) {
			c, cookie := browsers[name].In(t), browsers[name].Cookie
			gatewaytest.Await(t, "the person is signed out", func() bool {
				return c.Get("/auth/session").StatusCode == http.StatusUnauthorized
			})
			s.WantDead(t, cookie, "")
			s.WantDead(t, "", programs[name].Bearer)
			s.Client(t).TrySignIn(l.email, gatewaytest.Password).Want(t, http.StatusUnauthorized)
		})
	}
	stays.Get("/auth/session").Want(t, http.StatusOK)
}

func TestUsersFileWithAMistakeChangesNothing(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "caddy.log")
	s := gatewaytest.Start(t, gatewaytest.Site{Dir: dir, Global: "log {\n output file " + log + "\n format json\n}"})
	a, g := s.WithCookie(t, gatewaytest.Ada), s.WithCookie(t, gatewaytest.Grace)
	// Valid YAML up to the last line, which has a key that there is not; in
	// between grace lost her entry.
	edit(t, s, "id: 2", "id: 5")
	edit(t, s, "    disabled: true", "    disabledd: true")
	gatewaytest.Await(t, "the log names the line", func() bool {
		text, err := os.ReadFile(log)
		return err == nil && strings.Contains(string(text), "the users file has a mistake") &&
			strings.Contains(string(text), "line 20")
	})
	for _, c := range []*gatewaytest.Client{a, g} {
		c.Get("/auth/session").Want(t, http.StatusOK)
		c.Post("/auth/refresh").Want(t, http.StatusOK)
	}
	s.Client(t).SignIn(gatewaytest.Grace)
	s.Client(t).TrySignIn(gatewaytest.Linus, gatewaytest.Password).Want(t, http.StatusUnauthorized)
	t.Run("and is taken up when it is mended", func(t *testing.T) {
		edit(t, s, "    disabledd: true", "    disabled: true")
		gatewaytest.Await(t, "the entry that changed hands is signed out", func() bool {
			return g.In(t).Get("/auth/session").StatusCode == http.StatusUnauthorized
		})
		a.In(t).Get("/auth/session").Want(t, http.StatusOK)
		if text, err := os.ReadFile(log); err != nil || strings.Count(string(text), "the users file is good again") != 1 {
			t.Errorf("the log does not say once that it is mended: %v", err)
		}
	})
}

// Who was disabled while no gateway ran is signed out when one starts.
func TestPeopleDisabledWhileNothingRanAreSignedOut(t *testing.T) {
	dir := t.TempDir()
	var was sessionstore.UserSession
	var cookie string
	t.Run("before", func(t *testing.T) {
		c := gatewaytest.Start(t, gatewaytest.Site{Dir: dir}).Client(t)
		was = c.SignIn(gatewaytest.Grace)
		cookie = c.Cookie
	})
	gatewaytest.WriteFile(t, filepath.Join(dir, "users.yaml"), strings.Replace(gatewaytest.UsersFile, "roles: [viewer]", "roles: [viewer]\n    disabled: true", 1))
	s := gatewaytest.Start(t, gatewaytest.Site{Dir: dir})
	c := s.Client(t)
	gatewaytest.Await(t, "the person is signed out", func() bool {
		c.Cookie = cookie
		return c.Get("/auth/session").StatusCode == http.StatusUnauthorized
	})
	s.WantDead(t, "", was.Token)
}
