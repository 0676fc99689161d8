package faults_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// wantNamesBorne says that a session with a user name is good at the earlier gateway,
// which knows of none, and that what it writes then is good here.
func wantNamesBorne(t *testing.T, earlier, this binary) {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"mail":"mary@example.com"}`)
	}))
	t.Cleanup(app.Close)
	up := gatewaytest.NewRecorder(t)
	site := gatewaytest.Site{
		Options: "login app legacy " + app.URL + " {\nmap {\nemail `login.body.mail`\n}\n}", Bare: true, Upstream: up.Address(),
		Auth: "headers native remote-user", Hasty: true,
	}.OnRedis(redistest.Start(t), gatewaytest.PresentSecret)
	one, other := gatewaytest.NewProcess(t, site), gatewaytest.NewProcess(t, site)
	earlier.run(one)
	this.run(other)
	c := other.Client(t)
	number := c.TrySignIn("mary", "whatever").Want(t, http.StatusOK).Session(t).ID
	for _, at := range []*gatewaytest.Process{one, other, one, other} {
		there := at.With(t, c.Cookie, "")
		if u := there.Post("/auth/refresh").Want(t, http.StatusOK).Session(t); u.ID != number || u.Email != "mary@example.com" {
			t.Errorf("the session is %+v", u)
		}
		there.Get("/app").Want(t, http.StatusOK)
		if got := up.Last().Header.Get("Remote-User"); got != "mary@example.com" {
			t.Errorf("the app is told of %s", got)
		}
	}
}
