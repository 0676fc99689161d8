package faults_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// wantFirstKept checks that a number which two have at the upgrade is the first's,
// that neither is signed out for it, and that the way back is open. The earlier
// binary lets two have one.
func wantFirstKept(t *testing.T, earlier, this binary) {
	t.Helper()
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"nr":1}`)
	}))
	t.Cleanup(app.Close)
	legacy := "login app legacy " + app.URL + " {\nmap {\nid `login.body.nr`\n}\n}\n"
	for name, site := range map[string]gatewaytest.Site{
		"embedded": {Options: legacy},
		"redis":    gatewaytest.Site{Hasty: true, Options: legacy}.OnRedis(redistest.Start(t), gatewaytest.PresentSecret),
	} {
		t.Run(name, func(t *testing.T) {
			p := gatewaytest.NewProcess(t, site)
			earlier.run(p)
			ada, mallory := p.WithCookie(t, gatewaytest.Ada), p.WithCookie(t, "mallory@example.com")
			if both := gatewaytest.DevicesOf(mallory); len(both) != 2 {
				t.Fatalf("the earlier binary lists %+v", both)
			}
			p.Terminate()
			this.run(p)
			for _, c := range []*gatewaytest.Client{ada, mallory} {
				c.Get("/app").Want(t, http.StatusOK)
				if own := gatewaytest.DevicesOf(c); len(own) != 1 || !own[0].Current {
					t.Errorf("listed are %+v", own)
				}
			}
			mallory.Do(http.MethodDelete, "/auth/sessions", "").Want(t, http.StatusNoContent)
			p.Client(t).TrySignIn("mallory@example.com", "any").WantError(t, http.StatusForbidden, "number_taken")
			p.AwaitLog("same_people users legacy", `"belongs_to":"users"`) // what to do, and whose the number is
			p.WithCookie(t, gatewaytest.Ada)
			ada.Get("/app").Want(t, http.StatusOK)
			p.Terminate()
			earlier.run(p)
			ada.Get("/app").Want(t, http.StatusOK)
			mallory.Get("/app").Want(t, http.StatusOK)
		})
	}
}
