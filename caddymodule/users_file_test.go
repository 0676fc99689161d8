package caddymodule_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/sessionstore"
)

// edit changes the users file in place, as an editor does.
func (s *server) edit(t testing.TB, old, replacement string) {
	t.Helper()
	text, err := os.ReadFile(s.users)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("the users file has no %q", old)
	}
	write(t, s.users, strings.Replace(string(text), old, replacement, 1))
}

// newHash is argon2id of another password, as cheap as the first.
const newHash = "$argon2id$v=19$m=64,t=1,p=1$YW5vdGhlci1zYWx0LTEyMw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

func TestRefreshRebuildsFromTheUsersFile(t *testing.T) {
	s := start(t, site{})
	c := s.browser(t, ada)
	c.choose("globex").wantAccount(t, "globex")
	s.edit(t, "roles: [admin]", "roles: [viewer]")
	s.edit(t, "accountName: Globex", "accountName: Globex Corp")
	soon(t, "a refresh shows the new roles", func() bool {
		u := c.post("/auth/refresh").want(t, http.StatusOK).session(t)
		return slices.Equal(u.FlatRolesList, []string{"viewer"})
	})
	u := c.get("/auth/session").session(t)
	if !slices.Equal(u.FlatPermissionsList, []string{"reports:run"}) || u.PrimaryAccount.AccountName != "Globex Corp" {
		t.Errorf("the session is %+v", u)
	}
}

func TestPeopleWhoAreAddedMaySignIn(t *testing.T) {
	s := start(t, site{})
	c := s.browser(t, ada)
	s.client(t).trySignIn("hopper@example.com", password).want(t, http.StatusUnauthorized)
	// One look at the file takes up both changes, and guesses are throttled.
	write(t, s.users, strings.Replace(usersFile, "roles: [admin]", "roles: [editor]", 1)+userEntry(4, "hopper@example.com", passwordHash, ""))
	soon(t, "the file is read again", func() bool {
		u := c.get("/auth/session").want(t, http.StatusOK).session(t)
		return slices.Equal(u.FlatRolesList, []string{"editor"})
	})
	s.client(t).signIn("hopper@example.com")
}

func TestChangedRolesShowInOpenSessions(t *testing.T) {
	up := newRecorder(t)
	s := start(t, site{upstream: up.address()})
	c, other := s.browser(t, grace), s.browser(t, ada)
	before := other.get("/auth/session").Header.Get("ETag")
	s.edit(t, "roles: [viewer]", "roles: [viewer, editor]")
	soon(t, "the new role is in the session", func() bool {
		u := c.get("/auth/session").want(t, http.StatusOK).session(t)
		return slices.Equal(u.FlatRolesList, []string{"viewer", "editor"})
	})
	c.get("/app").want(t, http.StatusOK)
	if roles := up.last().Header.Get("X-Session-Roles"); roles != "viewer,editor" {
		t.Errorf("the app is told %q", roles)
	}
	other.get("/auth/session").want(t, http.StatusOK).wantHeader(t, "ETag", before)
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
		"was removed": {"removed@example.com", userEntry(11, "removed@example.com", passwordHash, ""), ""},
		"was disabled": {"disabled@example.com", userEntry(12, "disabled@example.com", passwordHash, ""),
			userEntry(12, "disabled@example.com", passwordHash, "    disabled: true\n")},
		"has a new password": {"password@example.com", userEntry(13, "password@example.com", passwordHash, ""),
			userEntry(13, "password@example.com", newHash, "")},
		"gave the id to somebody": {"before@example.com", userEntry(14, "before@example.com", passwordHash, ""),
			userEntry(14, "after@example.com", passwordHash, "")},
	}
	before, after := usersFile, usersFile
	for _, l := range leavers {
		before += l.before
		after += l.after
	}
	write(t, filepath.Join(dir, "users.yaml"), before)
	s := start(t, site{dir: dir})
	browsers, programs := map[string]*client{}, map[string]*client{}
	for name, l := range leavers {
		browsers[name], programs[name] = s.browser(t, l.email), s.program(t, l.email)
	}
	stays := s.browser(t, ada)
	write(t, s.users, after)
	for name, l := range leavers {
		t.Run("a person who "+name, func(t *testing.T) {
			c, cookie := browsers[name].in(t), browsers[name].cookie
			soon(t, "the person is signed out", func() bool {
				return c.get("/auth/session").StatusCode == http.StatusUnauthorized
			})
			s.dead(t, cookie, "")
			s.dead(t, "", programs[name].bearer)
			s.client(t).trySignIn(l.email, password).want(t, http.StatusUnauthorized)
		})
	}
	stays.get("/auth/session").want(t, http.StatusOK)
}

func TestUsersFileWithAMistakeChangesNothing(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "caddy.log")
	s := start(t, site{dir: dir, global: "log {\n output file " + log + "\n format json\n}"})
	a, g := s.browser(t, ada), s.browser(t, grace)
	// Valid YAML up to the last line, which has a key that there is not; in
	// between grace lost her entry.
	s.edit(t, "id: 2", "id: 5")
	s.edit(t, "    disabled: true", "    disabledd: true")
	soon(t, "the log names the line", func() bool {
		text, err := os.ReadFile(log)
		return err == nil && strings.Contains(string(text), "the users file has a mistake") &&
			strings.Contains(string(text), "line 20")
	})
	for _, c := range []*client{a, g} {
		c.get("/auth/session").want(t, http.StatusOK)
		c.post("/auth/refresh").want(t, http.StatusOK)
	}
	s.client(t).signIn(grace)
	s.client(t).trySignIn(linus, password).want(t, http.StatusUnauthorized)
	t.Run("and is taken up when it is mended", func(t *testing.T) {
		s.edit(t, "    disabledd: true", "    disabled: true")
		soon(t, "the entry that changed hands is signed out", func() bool {
			return g.in(t).get("/auth/session").StatusCode == http.StatusUnauthorized
		})
		a.in(t).get("/auth/session").want(t, http.StatusOK)
	})
}

// Who was disabled while no gateway ran is signed out when one starts.
func TestPeopleDisabledWhileNothingRanAreSignedOut(t *testing.T) {
	dir := t.TempDir()
	var was sessionstore.UserSession
	var cookie string
	t.Run("before", func(t *testing.T) {
		c := start(t, site{dir: dir}).client(t)
		was = c.signIn(grace)
		cookie = c.cookie
	})
	write(t, filepath.Join(dir, "users.yaml"), strings.Replace(usersFile, "roles: [viewer]", "roles: [viewer]\n    disabled: true", 1))
	s := start(t, site{dir: dir})
	c := s.client(t)
	soon(t, "the person is signed out", func() bool {
		c.cookie = cookie
		return c.get("/auth/session").StatusCode == http.StatusUnauthorized
	})
	s.dead(t, "", was.Token)
}
