package migrating_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// portal answers at /auth/whoami as caddy-security v1.1.64 does to who asks for JSON:
// the claims of the token in the cookie, or 401. It stands in for the program.
func portal(t testing.TB) *httptest.Server {
	t.Helper()
	claims := map[string]string{
		"token-of-ada":   `{"sub":"ada","name":"The ada","email":"ada@example.com","roles":["authp/user"],"origin":"local","realm":"local","iss":"https://app.example.com/auth/","exp":4070908800}`,
		"token-of-grace": `{"sub":"grace","name":"The grace","email":"grace@example.com","roles":["authp/guest"],"origin":"local","realm":"local","iss":"https://app.example.com/auth/","exp":4070908800}`,
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said := ""
		if c, err := r.Cookie("AUTHP_ACCESS_TOKEN"); err == nil {
			said = claims[c.Value]
		}
		switch {
		case r.URL.Path != "/auth/whoami" || r.Header.Get("Accept") != "application/json":
			http.Redirect(w, r, "/auth/login", http.StatusFound)
		case said == "":
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":true,"message":"Access denied"}`)
		default:
			fmt.Fprint(w, said)
		}
	}))
	t.Cleanup(srv.Close)
	return srv
}

// tokenHeaders are those of `inject headers with claims`.
var tokenHeaders = []string{"X-Token-Subject", "X-Token-User-Email", "X-Token-User-Name"}

func TestWhoIsSignedInAtCaddySecurityStaysSignedIn(t *testing.T) {
	old, up := portal(t), gatewaytest.NewRecorder(t)
	s := start(t, "caddy-security.Caddyfile", "http://127.0.0.1:9080", old.URL, "127.0.0.1:8000", up.Address(), "../caddyfiles/users.yaml", usersFile(t, strings.NewReplacer("[admins, staff]", "[authp/user]", "[staff]", "[authp/guest]").Replace(people)))
	adopted := stays(t, s, up, "AUTHP_ACCESS_TOKEN=token-of-ada")
	t.Run("the app is told the same", func(t *testing.T) {
		if got := sent(up, tokenHeaders...); !maps.Equal(got, map[string]string{"X-Token-Subject": "ada", "X-Token-User-Email": gatewaytest.Ada, "X-Token-User-Name": "The ada"}) {
			t.Errorf("it was told %q", got)
		}
	})
	t.Run("the rules are those of the policy", func(t *testing.T) {
		want(t, http.StatusOK, s.URL+"/healthz", "X-Token-User-Email", "mallory@example.com")
		if got := up.Last().Header.Get("X-Token-User-Email"); got != "" {
			t.Errorf("the app was told %q", got)
		}
		want(t, http.StatusForbidden, s.URL+"/", "Cookie", "AUTHP_ACCESS_TOKEN=token-of-grace")
		want(t, http.StatusUnauthorized, s.URL+"/", "Cookie", "AUTHP_ACCESS_TOKEN=another")
		want(t, http.StatusSeeOther, s.URL+"/", navigates...)
	})
	t.Run("a sign-in with the password is the same person", func(t *testing.T) {
		c := s.Client(t)
		c.SignIn(gatewaytest.Ada)
		later := c.Get("/auth/session").Want(t, http.StatusOK).Session(t)
		if now := s.With(t, adopted, "").Get("/auth/session").Want(t, http.StatusOK).Session(t); now.ID != later.ID {
			t.Errorf("the number is %d now and %d later", now.ID, later.ID)
		}
	})
}
