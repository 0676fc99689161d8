package faults_test

import (
	"net/http"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// A store that cannot be asked is no reason to go on serving somebody of whom
// this gateway knows by itself that they are out.
func TestWhoIsDisabledWhileTheStoreIsAwayIsOut(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	app := gatewaytest.NewRecorder(t)
	p := gatewaytest.NewProcess(t, gatewaytest.Site{Upstream: app.Address(), Hasty: true, Options: "cache 1s 1000\nstale 10m"}.OnRedis(srv, gatewaytest.PresentSecret))
	gatewaytest.WriteFile(t, p.Users, usersBefore())
	p.Start()
	stays, changed := p.WithCookie(t, gatewaytest.Ada), p.WithCookie(t, gatewaytest.Grace)
	var gone []*gatewaytest.Client
	for _, l := range leavers {
		c := p.WithCookie(t, l.email())
		c.Get("/app").Want(t, http.StatusOK)
		gone = append(gone, c)
	}
	stays.Get("/app").Want(t, http.StatusOK)
	changed.Get("/app").Want(t, http.StatusOK)
	srv.Pause()
	t.Cleanup(srv.Resume)
	changeUsers(t, p, usersAfter())
	for i, c := range gone {
		gatewaytest.Await(t, "who "+leavers[i].why+" is out", func() bool { return c.Get("/app").StatusCode == http.StatusUnauthorized })
	}
	stays.Get("/app").Want(t, http.StatusOK)
	gatewaytest.Await(t, "who has another role by now has it", func() bool {
		changed.Get("/app").Want(t, http.StatusOK)
		return app.Last().Header.Get("X-Session-Roles") == "editor"
	})
}
