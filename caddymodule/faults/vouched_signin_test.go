package faults_test

import (
	"net/http"
	"path/filepath"
	"sync"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// Whoever may no longer sign in must not get in by having begun before. What a
// change of the users file ends are sessions that there are; theirs is not yet.
func TestWhoMayNoLongerWhileTheySignInIsRefused(t *testing.T) {
	t.Parallel()
	for name, s := range gatewaytest.Stores(t) {
		t.Run("with the store "+name, func(t *testing.T) {
			t.Parallel()
			w := startSignIns(t, s, 1)
			w.wantRefused(t, func(p *gatewaytest.Process) { changeUsers(t, p, usersAfter()) })
			w.wantNoneLeft(t)
		})
	}
	t.Run("with two gateways on one Redis, each of which reads the change", func(t *testing.T) {
		t.Parallel()
		srv := redistest.Start(t)
		w := startSignIns(t, gatewaytest.Site{}.OnRedis(srv, gatewaytest.PresentSecret), 2)
		w.wantRefused(t, func(p *gatewaytest.Process) { changeUsers(t, p, usersAfter()) })
		for _, l := range leavers {
			if left := gatewaytest.Records(t, srv, int64(l.id)); len(left) > 0 {
				t.Errorf("of the person who %s %d sessions are left", l.why, len(left))
			}
		}
	})
}

// signIns are those of the leavers, at each of the gateways, under way.
type signIns struct {
	gateways []*gatewaytest.Process
	crm      *directory
}

func startSignIns(t *testing.T, s gatewaytest.Site, gateways int) *signIns {
	t.Helper()
	w := &signIns{crm: newDirectory(t)}
	s.Options += "\n" + w.crm.options()
	for range gateways {
		s.Dir = t.TempDir()
		gatewaytest.WriteFile(t, filepath.Join(s.Dir, "users.yaml"), usersBefore())
		w.gateways = append(w.gateways, gatewaytest.StartProcess(t, s))
	}
	return w
}

// wantRefused begins the sign-ins, makes the change at each gateway, lets them go
// on, and checks that they are refused as a wrong password is.
func (w *signIns) wantRefused(t *testing.T, change func(p *gatewaytest.Process)) {
	t.Helper()
	var signing sync.WaitGroup
	for _, p := range w.gateways {
		wrong := p.Client(t).TrySignIn(gatewaytest.Ada, "wrong").Want(t, http.StatusUnauthorized).Body
		for _, l := range leavers {
			c := p.Client(t)
			signing.Go(func() {
				a, err := program(c, l.email())
				if err != nil || a.StatusCode != http.StatusUnauthorized || a.Body != wrong || c.Cookie != "" {
					t.Errorf("who %s meanwhile is answered %v %v with the cookie %q; want %s", l.why, err, a, c.Cookie, wrong)
				}
			})
		}
	}
	want := int64(len(w.gateways) * len(leavers))
	gatewaytest.Await(t, "the sign-ins are under way", func() bool { return w.crm.asked.Load() == want }, w.crm.said)
	for _, p := range w.gateways {
		change(p)
	}
	close(w.crm.gate)
	signing.Wait()
}

// wantNoneLeft has the people be as they were, sign in, and see where they are
// signed in.
func (w *signIns) wantNoneLeft(t *testing.T) {
	t.Helper()
	p := w.gateways[0]
	changeUsers(t, p, usersBefore())
	for _, l := range leavers {
		c := p.Client(t)
		c.SignIn(l.email())
		if n := len(gatewaytest.DevicesOf(c)); n != 1 {
			t.Errorf("of the person who %s %d sessions were left", l.why, n-1)
		}
	}
}
