package faults_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// movedIn are two gateways with one store that take people over from two others.
type movedIn struct {
	gateways [2]*gatewaytest.Process
	old      [2]*gatewaytest.OldGateway

	wrong, signIns atomic.Int64
}

func moveIn(t *testing.T) *movedIn {
	t.Helper()
	m := &movedIn{old: [2]*gatewaytest.OldGateway{gatewaytest.NewOldGateway(t, gatewaytest.OAuth2Proxy), gatewaytest.NewOldGateway(t, gatewaytest.Authelia)}}
	site := gatewaytest.Site{Options: m.old[0].Login("one", "timeout 10s") +
		m.old[1].Login("two", "timeout 10s")}.OnRedis(redistest.Start(t), gatewaytest.PresentSecret)
	for i := range m.gateways {
		m.gateways[i] = gatewaytest.StartProcess(t, site)
	}
	return m
}

// comes has somebody come to both gateways at once, from the other gateway, and go on
// with the cookie that they were given.
func (m *movedIn) comes(t *testing.T, person int) {
	email := fmt.Sprintf("person-%d@example.com", person)
	cookie := m.old[person%2].SignIn(email)
	if person%4 < 2 { // half of them with one that is like others'
		cookie = m.old[person%2].Knows(email, fmt.Sprintf("user-%d", person))
	}
	given := make([]string, 4)
	var wait sync.WaitGroup
	for i := range given {
		wait.Go(func() {
			c := m.gateways[i%2].With(t, cookie, "")
			m.isWho(t, c.Get("/auth/session"), email)
			if c.Cookie != cookie {
				given[i] = c.Cookie
			}
		})
	}
	wait.Wait()
	handed := 0
	for i, own := range given {
		if own != "" {
			handed++
			m.isWho(t, m.gateways[(i+1)%2].With(t, own, "").Get("/auth/session"), email)
		}
	}
	if handed == 0 {
		t.Errorf("%s was given no cookie", email)
	}
}

func (m *movedIn) isWho(t *testing.T, a gatewaytest.Answer, email string) {
	switch {
	case a.StatusCode != http.StatusOK:
		if m.signIns.Add(1) == 1 {
			t.Errorf("%s is answered %s: %s", email, a.Status, a.Body)
		}
	case a.Session(t).Email != email:
		m.wrong.Add(1)
	}
}

// Ten thousand people move in, 300 in the short form: nobody signs in again, nobody is
// somebody else, and each has one session, though they come to two gateways at once.
func TestPeopleMoveInAndNobodySignsInAgain(t *testing.T) {
	m, people := moveIn(t), gatewaytest.Rounds(300, 10_000)
	next := atomic.Int64{}
	var wait sync.WaitGroup
	for range 16 {
		wait.Go(func() {
			for person := int(next.Add(1)); person <= people; person = int(next.Add(1)) {
				m.comes(t, person)
			}
		})
	}
	wait.Wait()
	asked := len(m.old[0].Asked()) + len(m.old[1].Asked())
	began := 0.0
	for _, g := range m.gateways {
		for _, login := range []string{"one", "two"} {
			began += g.Scrape().Samples[fmt.Sprintf(`sign_ins_total{login=%q,result="signed_in"}`, login)]
		}
	}
	t.Logf("%d people adopted: %d sign-ins, %d wrong identities; the other gateways were asked %d times, and %.0f sessions began",
		people, m.signIns.Load(), m.wrong.Load(), asked, began)
	if m.signIns.Load() != 0 || m.wrong.Load() != 0 || asked != people || int(began) != people {
		t.Fail()
	}
}

// A store that is away is no sign-out, also for who is to be adopted: nobody is asked
// about, and nobody is adopted whom it could not be marked that they were.
func TestNobodyIsAdoptedWhileTheStoreIsAway(t *testing.T) {
	srv, old := redistest.Start(t), gatewaytest.NewOldGateway(t, gatewaytest.OAuth2Proxy)
	s := gatewaytest.Start(t, gatewaytest.Site{Hasty: true, Options: old.Login("old", "timeout 10s")}.OnRedis(srv, gatewaytest.PresentSecret))
	cookie := old.SignIn("zoe@example.com")
	srv.Kill()
	s.With(t, cookie, "").Get("/app").Want(t, http.StatusServiceUnavailable)
	s.With(t, cookie, "").Get("/auth/session").Want(t, http.StatusInternalServerError)
	s.With(t, cookie, "").Post("/auth/logout").Want(t, http.StatusServiceUnavailable)
	if n := len(old.Asked()); n != 0 {
		t.Errorf("the other gateway was asked %d times", n)
	}
	srv.Restart()
	gatewaytest.Await(t, "who comes is adopted", func() bool { return s.With(t, cookie, "").Get("/app").StatusCode == http.StatusOK })
}
