package faults_test

import (
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// The sessions that a change of the file ends are those of before. Who was given
// another password, and signs in with it at once, stays.
func TestWhoSignsInWithTheirNewPasswordAtOnceStays(t *testing.T) {
	t.Parallel()
	for name, s := range gatewaytest.Stores(t) {
		t.Run("with the store "+name, func(t *testing.T) {
			t.Parallel()
			p := gatewaytest.NewProcess(t, s)
			gatewaytest.WriteFile(t, p.Users, usersBefore())
			p.Start()
			old := p.WithCookie(t, leavers[2].email())
			changeUsers(t, p, usersAfter())
			c := p.WithCookie(t, leavers[2].email())
			awaitEnded(t, p)
			old.Get("/auth/session").Want(t, http.StatusUnauthorized)
			c.Get("/auth/session").Want(t, http.StatusOK)
			c.Get("/app").Want(t, http.StatusOK)
		})
	}
}

// Two gateways read one file each, and one of them sooner. Who signs in there by
// what is new stays when the other reads it too.
func TestWhoSignsInAtAGatewayThatKnowsSoonerStays(t *testing.T) {
	t.Parallel()
	s := gatewaytest.Site{}.OnRedis(redistest.Start(t), gatewaytest.PresentSecret)
	sooner, later := gatewaytest.NewProcess(t, s), gatewaytest.NewProcess(t, s)
	for _, p := range []*gatewaytest.Process{sooner, later} {
		gatewaytest.WriteFile(t, p.Users, usersBefore())
		p.Start()
	}
	goes, _ := later.WithCookie(t, leavers[2].email()), later.WithCookie(t, gatewaytest.Ada)
	changeUsers(t, sooner, usersAfter())
	people := []*gatewaytest.Client{sooner.WithCookie(t, leavers[2].email()), sooner.WithCookie(t, "heir@example.com")}
	for _, c := range people {
		wantUntouched(t, later.With(t, c.Cookie, "").Get("/app"))
	}
	changeUsers(t, later, usersAfter())
	// What it does of that is done when it has acted on the next change, of which
	// the other does not know.
	changeUsers(t, later, strings.Replace(usersAfter(), "roles: [admin]", "disabled: true", 1))
	awaitEnded(t, later)
	goes.Get("/auth/session").Want(t, http.StatusUnauthorized)
	for _, c := range people {
		for _, p := range []*gatewaytest.Process{sooner, later} {
			gatewaytest.Await(t, "they are signed in at "+p.URL, func() bool {
				return p.With(t, c.Cookie, "").Get("/auth/session").StatusCode == http.StatusOK
			})
		}
	}
}

// awaitEnded waits until the gateway has ended whom it has to.
func awaitEnded(t *testing.T, p *gatewaytest.Process) {
	t.Helper()
	gatewaytest.Await(t, "a session of before has ended", func() bool { return p.Scrape().Samples["sessions_ended_by_login_total"] > 0 })
	p.AwaitSample("backlog_pending", 0) // one scrape may show the first before the other
}
