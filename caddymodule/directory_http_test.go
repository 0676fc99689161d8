package caddymodule_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// crm is a directory that answers with the status and the roles it is told.
type crm struct {
	*httptest.Server
	status atomic.Int64
	roles  atomic.Value // of string, as JSON
	asked  atomic.Int64
	last   atomic.Pointer[http.Request]
}

func newCRM(t testing.TB) *crm {
	d := new(crm)
	d.status.Store(200)
	d.roles.Store(`["editor"]`)
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.asked.Add(1)
		d.last.Store(r)
		w.WriteHeader(int(d.status.Load()))
		fmt.Fprintf(w, `{"email":%q,"roles":%s}`, r.URL.Query().Get("e"), d.roles.Load())
	}))
	t.Cleanup(d.Close)
	return d
}

// directory is it in the options, under that name.
func (d *crm) directory(name, lines string) string {
	return "directory http " + name + " " + d.URL + "/by?e={identity.email} {\nretries 0\nmap {\nroles `identity.roles + directory." +
		name + ".?roles.orValue([])`\n}\n" + lines + "\n}\n"
}

func wantRoles(t testing.TB, c *gatewaytest.Client, want ...string) {
	t.Helper()
	u := c.Get("/auth/session").Want(t, http.StatusOK).Session(t)
	if got := strings.Join(u.FlatRolesList, " "); got != strings.Join(want, " ") {
		t.Errorf("the roles are %q; want %q", got, want)
	}
}

func TestDirectoriesAreAskedAtSignIn(t *testing.T) {
	d := newCRM(t)
	t.Setenv("SIDEGATE_TEST_KEY", "of-the-crm")
	s := gatewaytest.Start(t, gatewaytest.Site{Options: d.directory("crm", "header X-Api-Key {env.SIDEGATE_TEST_KEY}")})
	c := s.WithCookie(t, gatewaytest.Grace)
	wantRoles(t, c, "viewer", "editor")
	if r := d.last.Load(); r.Header.Get("X-Api-Key") != "of-the-crm" || r.URL.Query().Get("e") != gatewaytest.Grace {
		t.Errorf("it was asked for %s with %v", r.URL, r.Header)
	}
	t.Run("and then no more", func(t *testing.T) {
		before := d.asked.Load()
		for range 20 {
			c.Get("/app").Want(t, http.StatusOK)
		}
		if n := d.asked.Load() - before; n != 0 {
			t.Errorf("it was asked %d times", n)
		}
	})
	t.Run("not about who mistyped the password", func(t *testing.T) {
		before := d.asked.Load()
		s.Client(t).TrySignIn(gatewaytest.Grace, "wrong").Want(t, http.StatusUnauthorized)
		if n := d.asked.Load() - before; n != 0 {
			t.Errorf("it was asked %d times", n)
		}
	})
}

func TestWhatADirectoryDoesToASignIn(t *testing.T) {
	d := newCRM(t)
	for _, c := range []struct {
		name   string
		lines  string
		status int
		want   int
	}{
		{"a required one that does not know the person refuses them", "required", 404, 403},
		{"a required one is what it is by default", "", 404, 403},
		{"a required one in trouble lets nobody in", "required", 500, 503},
		{"an optional one that does not know the person lets them in", "optional", 404, 200},
		{"an optional one in trouble lets them in", "optional", 500, 200},
		{"a rule of a directory refuses", "require `'auditor' in directory.crm.roles` \"Auditors only\"", 200, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := gatewaytest.Start(t, gatewaytest.Site{Options: d.directory("crm", c.lines), Global: quiet})
			d.status.Store(int64(c.status))
			defer d.status.Store(200)
			own := s.Client(t)
			switch a := own.TrySignIn(gatewaytest.Grace, gatewaytest.Password).Want(t, c.want); c.want {
			case 403:
				a.WantError(t, 403, "not_admitted")
			case 503:
				a.WantError(t, 503, "unavailable")
			default:
				wantRoles(t, own, "viewer")
			}
		})
	}
	t.Run("an answer about somebody else makes no session, of an optional one either", func(t *testing.T) {
		s := gatewaytest.Start(t, gatewaytest.Site{Options: strings.Replace(d.directory("crm", "optional"), "{identity.email}", "mallory@example.com", 1)})
		s.Client(t).TrySignIn(gatewaytest.Grace, gatewaytest.Password).WantError(t, 503, "unavailable")
	})
}

func TestWhatADirectoryDoesToARefresh(t *testing.T) {
	d := newCRM(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: d.directory("crm", "")})
	c := s.WithCookie(t, gatewaytest.Grace)
	wantRoles(t, c, "viewer", "editor")
	t.Run("roles that it changes show", func(t *testing.T) {
		d.roles.Store(`["auditor"]`)
		c.Post("/auth/refresh").Want(t, http.StatusOK)
		wantRoles(t, c, "viewer", "auditor")
	})
	t.Run("trouble changes nothing", func(t *testing.T) {
		d.status.Store(500)
		defer d.status.Store(200)
		c.In(t).Post("/auth/refresh").Want(t, http.StatusServiceUnavailable).WantHeader(t, "Set-Cookie", "")
		wantRoles(t, c, "viewer", "auditor")
	})
	t.Run("who is gone from it is signed out", func(t *testing.T) {
		d.status.Store(404)
		defer d.status.Store(200)
		gone := c.In(t)
		gone.Post("/auth/refresh").Want(t, http.StatusUnauthorized)
		s.WantDead(t, c.Cookie, "")
	})
	t.Run("in the background too, for who is active", func(t *testing.T) {
		s := gatewaytest.Start(t, gatewaytest.Site{Options: d.directory("crm", "") + "refresh_every 1s"})
		c := s.WithCookie(t, gatewaytest.Grace)
		d.roles.Store(`["editor"]`)
		gatewaytest.Await(t, "the new role shows", func() bool {
			c.Get("/app").Want(t, http.StatusOK)
			return strings.Contains(c.Get("/auth/session").Body, `"editor"`)
		})
		d.status.Store(404)
		gatewaytest.Await(t, "who is gone is signed out", func() bool { return c.Get("/app").StatusCode == http.StatusUnauthorized })
	})
}

// Who was refused for want of a role is asked for again too: they would be kept
// out until they sign in anew, though the source has long given it back.
func TestARoleThatIsGivenBackIsFoundWhereverTheSessionIsUsed(t *testing.T) {
	for name, site := range map[string]struct{ path, routes, in string }{
		"a session_auth that refuses": {"/app", "session_auth {\nrole editor\n}\nrespond let-through", "let-through"},
		"a rule by path that refuses": {"/app", "session_auth {\npath /app {\nrole editor\n}\n}\nrespond let-through", "let-through"},
		"the matcher":                 {"/app", "@in session role editor\nrespond @in let-through\nrespond out", "let-through"},
		"GET /auth/session":           {"/auth/session", "", `"editor"`},
	} {
		t.Run(name, func(t *testing.T) {
			d := newCRM(t)
			s := gatewaytest.Start(t, gatewaytest.Site{
				Options: d.directory("crm", "") + "refresh_every 1s", Routes: "session_endpoints /auth/*\n" + site.routes,
			})
			c := s.WithCookie(t, gatewaytest.Grace)
			has := func() bool { return strings.Contains(c.Get(site.path).Body, site.in) }
			for _, roles := range []string{`[]`, `["editor"]`, `"what cannot be mapped"`, `["editor"]`} {
				d.roles.Store(roles)
				gatewaytest.Await(t, "it is known that the directory says "+roles, func() bool { return has() == strings.HasPrefix(roles, `["`) })
			}
		})
	}
}
