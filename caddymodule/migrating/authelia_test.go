package migrating_test

import (
	"maps"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// people are those of the worked files whose people are in a file, with Authelia's
// groups as roles.
const people = `users:
  - { id: 1, email: ada@example.com, username: ada, name: The ada, password: "` + gatewaytest.PasswordHash + `", roles: [admins, staff] }
  - { id: 2, email: grace@example.com, username: grace, name: The grace, password: "` + gatewaytest.PasswordHash + `", roles: [staff] }
`

func usersFile(t testing.TB, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "users.yaml")
	gatewaytest.WriteFile(t, file, text)
	return file
}

// remote are headers that an app behind Authelia reads.
var remote = []string{"Remote-User", "Remote-Email", "Remote-Name", "Remote-Groups"}

// forwardAuth answers as /api/authz/forward-auth of Authelia does, by the cookies of
// the stand-in; its other endpoint is the stand-in's own.
func forwardAuth(t testing.TB, old *gatewaytest.OldGateway, emails map[string]string) {
	t.Helper()
	old.Answers(func(w http.ResponseWriter, r *http.Request) {
		is := r.URL.Path == "/api/authz/forward-auth"
		told := "X-Original-Url X-Original-Method"
		if url := r.Header.Get("X-Original-Url"); !is && !strings.HasPrefix(url, "https://"+app+"/") {
			http.Error(w, "400 Bad Request", http.StatusBadRequest) // by plain http, or of another domain
			return
		}
		if is {
			told = "X-Forwarded-Method X-Forwarded-Proto X-Forwarded-Host X-Forwarded-Uri"
		}
		for name := range strings.FieldsSeq(told) {
			if r.Header.Get(name) == "" {
				http.Error(w, "400 Bad Request", http.StatusBadRequest)
				return
			}
		}
		email := ""
		if c, err := r.Cookie(old.CookieName()); err == nil {
			email = emails[c.Value]
		}
		switch {
		case email == "" && r.Header.Get("X-Forwarded-Uri") == "/healthz":
			w.WriteHeader(http.StatusOK)
		case email == "" && is:
			w.Header().Set("Location", "https://auth.example.com/?rd=https%3A%2F%2Fapp.example.com%2F&rm=GET")
			w.WriteHeader(http.StatusFound)
		case email == "":
			w.WriteHeader(http.StatusUnauthorized)
		default:
			name, _, _ := strings.Cut(email, "@")
			h := w.Header()
			h.Set("Remote-User", name)
			h.Set("Remote-Email", email)
			h.Set("Remote-Name", "The "+name)
			h.Set("Remote-Groups", "admins,staff")
			w.WriteHeader(http.StatusOK)
		}
	})
}

func TestWhoIsSignedInAtAutheliaStaysSignedIn(t *testing.T) {
	old, up := gatewaytest.NewOldGateway(t, gatewaytest.Authelia), gatewaytest.NewRecorder(t)
	cookie := old.SignIn(gatewaytest.Ada)
	_, value, _ := strings.Cut(cookie, "=")
	forwardAuth(t, old, map[string]string{value: gatewaytest.Ada, "of-grace": gatewaytest.Grace})
	place := strings.TrimPrefix(old.URL, "http://")
	theirs := start(t, "authelia.front.caddy", "127.0.0.1:9091", place, "127.0.0.1:8000", up.Address())
	want(t, http.StatusOK, theirs.URL+"/", "Cookie", cookie)
	before := sent(up, remote...)
	want(t, http.StatusFound, theirs.URL+"/", navigates...)

	asked := len(old.Asked())
	s := start(t, "authelia.Caddyfile", "127.0.0.1:9091", place, "127.0.0.1:8000", up.Address(), "../caddyfiles/users.yaml", usersFile(t, people), "lifetime 12h", "lifetime 12h\n\t\tpublic_url https://"+app)
	adopted := stays(t, s, up, cookie)
	t.Run("the app is told the same", func(t *testing.T) {
		if after := sent(up, remote...); !maps.Equal(after, before) || after["Remote-User"] != "ada" {
			t.Errorf("it was told %q before, and now %q", before, after)
		}
	})
	t.Run("Authelia was asked once, of this site", func(t *testing.T) {
		all := old.Asked()
		if len(all) != asked+1 {
			t.Fatalf("%d times", len(all)-asked)
		}
		if got := all[asked].Header.Get("X-Original-Url"); got != "https://"+app+"/" {
			t.Errorf("about %s", got)
		}
	})
	t.Run("the rules are those of access_control", func(t *testing.T) {
		want(t, http.StatusOK, s.URL+"/healthz")
		want(t, http.StatusOK, s.URL+"/admin/", "Cookie", adopted)
		grace := ours(want(t, http.StatusOK, s.URL+"/", "Cookie", "authelia_session=of-grace"))
		want(t, http.StatusForbidden, s.URL+"/admin", "Cookie", grace)
		want(t, http.StatusUnauthorized, s.URL+"/admin")
	})
	t.Run("a sign-in with the password is the same person", func(t *testing.T) {
		c := s.Client(t)
		c.SignIn("ada")
		later := c.Get("/auth/session").Want(t, http.StatusOK).Session(t)
		if now := s.With(t, adopted, "").Get("/auth/session").Want(t, http.StatusOK).Session(t); now.ID != later.ID || now.ID != 1 {
			t.Errorf("the number is %d now and %d later", now.ID, later.ID)
		}
	})
}
