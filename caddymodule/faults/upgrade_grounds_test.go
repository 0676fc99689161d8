package faults_test

import (
	"net/http"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// wantMarkedLater checks what becomes of sessions that do not say what they were
// vouched by: they go by login and person, end for no want of the rest, and have
// it from when they are built anew.
func wantMarkedLater(t *testing.T, earlier, this binary) {
	t.Helper()
	sso, srv := gatewaytest.NewIDP(t), redistest.Start(t)
	login := sso.Login("sso", "map {\nid `9`\n}")
	p := gatewaytest.NewProcess(t, gatewaytest.Site{Hasty: true, Options: login}.OnRedis(srv, gatewaytest.PresentSecret))
	gatewaytest.WriteFile(t, p.Users, usersBefore())
	earlier.run(p)
	gone := make(map[string]*gatewaytest.Client)
	for _, l := range leavers {
		gone[l.why] = p.WithCookie(t, l.email())
	}
	ada, linked := p.WithCookie(t, gatewaytest.Ada), p.SignedInAt(t, sso, "ada-1", "sso-1")
	p.Terminate()
	gatewaytest.WriteFile(t, p.Users, usersAfter())
	this.run(p)
	for _, l := range leavers {
		want := http.StatusUnauthorized
		if l.why == "has another password" {
			want = http.StatusOK // of which the record says nothing
		}
		gone[l.why].Get("/auth/session").Want(t, want)
	}
	stay := map[int64]func(method, path string) gatewaytest.Answer{
		1: func(method, path string) gatewaytest.Answer { return ada.Do(method, path, "") },
		9: func(method, path string) gatewaytest.Answer { return linked.Do(method, path, "") },
	}
	for id, do := range stay {
		do(http.MethodGet, "/app").Want(t, http.StatusOK)
		if g := gatewaytest.Records(t, srv, id)[0].Grounds; g != nil {
			t.Errorf("the record of %d says already that it was vouched by %+v", id, g)
		}
		do(http.MethodPost, "/auth/refresh").Want(t, http.StatusOK)
		if g := gatewaytest.Records(t, srv, id)[0].Grounds; g.BuiltUnder() == "" || (g.Password != "") != (id == 1) {
			t.Errorf("built anew, the record of %d says that it was vouched by %+v", id, g)
		}
	}
}
