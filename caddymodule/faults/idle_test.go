package faults_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// idleTimeout is that of the gateways here: as short as it can be while a busy
// machine may hold them up.
const idleTimeout = 8 * time.Second

// clicker is somebody who is active at one gateway, and whom the other knows.
type clicker struct {
	t      *testing.T
	own    *gatewaytest.Client
	others []*gatewaytest.Client // who only look, which is no activity
	seen   map[int]int           // answers by their status
}

func newClicker(t *testing.T, at *gatewaytest.Process, others ...*gatewaytest.Process) *clicker {
	t.Helper()
	c := &clicker{t: t, own: at.Client(t), seen: make(map[int]int)}
	c.own.SignIn(gatewaytest.Ada)
	for _, p := range others {
		c.others = append(c.others, p.With(t, c.own.Cookie, ""))
	}
	c.click()
	return c
}

// click is a request at the person's gateway, after which all gateways are
// asked. Nobody is ever told that the session is gone.
func (c *clicker) click() (served bool) {
	c.t.Helper()
	served = c.ask(c.own, "/app")
	for _, other := range c.others {
		served = c.ask(other, "/auth/session") && served
	}
	return served
}

func (c *clicker) ask(at *gatewaytest.Client, path string) bool {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), clientPatience())
	defer cancel()
	a, err := at.Try(ctx, http.MethodGet, path, "")
	if err != nil {
		c.t.Fatalf("%s: %v", path, err)
	}
	c.seen[a.StatusCode]++
	if a.StatusCode == http.StatusUnauthorized || len(a.Header["Set-Cookie"]) > 0 {
		c.t.Fatalf("somebody who is active is answered with %s %v\n%s", a.Status, a.Header["Set-Cookie"], a.Body)
	}
	return a.StatusCode == http.StatusOK
}

// clicks goes on for so long, of others by turns, and says whether all was served.
func (c *clicker) clicks(d time.Duration, others ...*clicker) (all bool) {
	c.t.Helper()
	all = true
	enough := time.Now().Add(d)
	gatewaytest.Await(c.t, "somebody has been active for "+d.String(), func() bool {
		for _, each := range append(others, c) {
			all = each.click() && all
		}
		return time.Now().After(enough)
	})
	return all
}

// comesBack clicks until all gateways serve.
func (c *clicker) comesBack() {
	c.t.Helper()
	gatewaytest.Await(c.t, "all gateways serve somebody who was active before", c.click)
}

// moves has the person be active at the next gateway.
func (c *clicker) moves() {
	own := c.own
	c.own, c.others = c.others[0], append(c.others[1:], own)
}

// goesIdle does nothing until the session has ended everywhere.
func (c *clicker) goesIdle() {
	c.t.Helper()
	for _, at := range append([]*gatewaytest.Client{c.own}, c.others...) {
		c.goesIdleAt(at.Server)
	}
}

func (c *clicker) goesIdleAt(s *gatewaytest.Server) {
	c.t.Helper()
	looks := s.With(c.t, c.own.Cookie, "")
	gatewaytest.Await(c.t, "the session has ended idle", func() bool {
		return looks.Get("/auth/session").StatusCode == http.StatusUnauthorized
	})
}

// idleSite is a site whose sessions end idle soon, and that gives a store in
// trouble up as soon as it does outside of tests.
func idleSite(options string) gatewaytest.Site {
	return gatewaytest.Site{Hasty: true, Options: "idle_timeout " + idleTimeout.String() + "\n" + options + "\n"}
}

// away is longer than the idle timeout.
func away() time.Duration { return time.Duration(gatewaytest.Rounds(12, 40)) * time.Second }

// While Redis is full people are active all the time, at both of two gateways.
// What says so must be written with what a full Redis takes.
func TestFaultFullRedisKeepsActivePeopleIn(t *testing.T) {
	for _, mode := range cacheModes {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			srv := redistest.Start(t, redistest.Args("--maxmemory-policy", "noeviction"))
			s := idleSite(mode.options).OnRedis(srv, gatewaytest.PresentSecret)
			s.Hasty = false // Redis answers all the while
			one, two := gatewaytest.StartProcess(t, s), gatewaytest.StartProcess(t, s)
			atOne, atTwo := newClicker(t, one, two), newClicker(t, two, one)
			inside := srv.Client()
			if err := inside.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
				t.Fatal(err)
			}
			if !atOne.clicks(away(), atTwo) {
				t.Errorf("not all was served while Redis was full: %v", atOne.seen)
			}
			one.Client(t).TrySignIn(gatewaytest.Grace, gatewaytest.Password).Want(t, http.StatusServiceUnavailable)
			if err := inside.ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
				t.Fatal(err)
			}
			if !atOne.click() || !atTwo.click() {
				t.Errorf("not all was served when there was room again: %v", atOne.seen)
			}
			figure(t, "Redis full, "+mode.name, "for "+away().String()+", idle_timeout "+idleTimeout.String()+", active at both of two gateways",
				"answers by status: %v", atOne.seen)
			atOne.goesIdle()
			atTwo.goesIdle()
		})
	}
}

// Nobody can be seen to be active while Redis hangs, or is not there: that time
// is no idleness, at whichever gateway they then come.
func TestFaultOutageLongerThanTheIdleTimeoutSignsNobodyOut(t *testing.T) {
	for _, outage := range []struct {
		name       string
		begin, end func(*redistest.Server)
	}{
		{"Redis that hangs", (*redistest.Server).Pause, (*redistest.Server).Resume},
		{"Redis that is killed and started again", (*redistest.Server).Kill, (*redistest.Server).Restart},
	} {
		for _, mode := range cacheModes {
			t.Run(outage.name+", "+mode.name, func(t *testing.T) {
				t.Parallel()
				srv := redistest.Start(t, redistest.AppendOnly())
				s := idleSite(mode.options).OnRedis(srv, gatewaytest.PresentSecret)
				one, two := gatewaytest.StartProcess(t, s), gatewaytest.StartProcess(t, s)
				c := newClicker(t, one, two)
				outage.begin(srv)
				c.clicks(away())
				outage.end(srv)
				c.comesBack()
				if c.seen[http.StatusServiceUnavailable] == 0 {
					t.Errorf("the outage has not shown: %v", c.seen)
				}
				figure(t, outage.name+", "+mode.name, "for "+away().String()+", idle_timeout "+idleTimeout.String()+", two gateways",
					"answers by status: %v", c.seen)
				c.goesIdle()
			})
		}
	}
}

// The near cache is all that there is of people while the store is away, so
// that `stale` must hold for those who are active, too.
func TestFaultStaleHoldsForActivePeople(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t, redistest.AppendOnly())
	gateway := gatewaytest.StartProcess(t, idleSite("stale 10m").OnRedis(srv, gatewaytest.PresentSecret))
	c := newClicker(t, gateway)
	// Some of what is held has just been written, and is yet to be read anew.
	c.clicks(2 * time.Second)
	srv.Pause()
	all := c.clicks(away())
	srv.Resume()
	if !all {
		t.Errorf("not all was served while Redis hung: %v", c.seen)
	}
	if !c.clicks(2 * time.Second) {
		t.Errorf("not all was served when Redis went on: %v", c.seen)
	}
	figure(t, "Redis hangs, stale 10m", "for "+away().String()+", idle_timeout "+idleTimeout.String(), "answers by status: %v", c.seen)
	c.goesIdle()
}

// A gateway that does not run writes nothing either: who could not come is in
// afterwards, with what was left of their idle timeout.
func TestFaultTimeWithoutAGatewayIsNoIdleness(t *testing.T) {
	for name, s := range gatewaytest.Stores(t) {
		if name == "memory" {
			continue // does not survive a restart
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.Options += "\nidle_timeout " + idleTimeout.String()
			p := gatewaytest.StartProcess(t, s)
			c := newClicker(t, p)
			p.Kill()
			over := time.Now().Add(away())
			gatewaytest.Await(t, "there was no gateway for longer than the idle timeout", func() bool { return time.Now().After(over) })
			p.Start()
			c.comesBack()
			c.goesIdle()
		})
	}
}

// What is said of a store that cannot be written is said once, and that it can
// be again.
func TestFaultThatIdleSessionsDoNotEndIsLogged(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t, redistest.AppendOnly())
	p := gatewaytest.StartProcess(t, gatewaytest.Site{}.OnRedis(srv, gatewaytest.PresentSecret))
	says := func(line string) func() bool {
		return func() bool { return strings.Count(p.Log.String(), line) == 1 }
	}
	srv.Kill()
	gatewaytest.Await(t, "the log says that idle sessions do not end", says("no session ends for being idle meanwhile"))
	srv.Restart()
	gatewaytest.Await(t, "the log says that they do again", says("the session store answers, and takes writes"))
}
