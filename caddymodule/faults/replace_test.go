package faults_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// way is what a load is measured through.
type way struct {
	name, routes string
	plain        bool
}

// ways are our modules and, where it is figures that are asked for, the same
// Caddy without them, to tell what is its own.
func ways() []way {
	if gatewaytest.Long() {
		return allWays
	}
	return allWays[:1]
}

var allWays = []way{
	{"the gateway", "session_endpoints\nsession_auth {\nheader X-Round %s\n}\nreverse_proxy {upstream}", false},
	{"Caddy alone", "respond /auth/.well-known/jwks.json 200\nreverse_proxy {upstream} {\nheader_up X-Round %s\n}", true},
}

// replaceable starts as many gateways, and a load that is not yet begun. What
// becomes of a connection that ends before there is any answer is the caller's
// to repair, who repeats the request (RFC 9112 section 9.3.1); an answer that
// was begun must come whole.
func replaceable(t *testing.T, store, routes string, plain bool, count int) *faultLoad {
	t.Helper()
	s := loadSite(t, faultOptions(store, ""))
	s.Routes = routes
	gateways := make([]*gatewaytest.Process, count)
	for i := range gateways {
		s.Dir = loadSite(t, "").Dir
		gateways[i] = gatewaytest.StartProcess(t, s)
	}
	if !plain {
		l := newLoad(t, gateways...)
		l.repeats = repeats
		return l
	}
	l := &faultLoad{t: t, gateways: gateways, pace: 4 * time.Millisecond, tally: newTally(), plain: true, repeats: repeats}
	for id := range crowd {
		l.people = append(l.people, &loadCaller{id: int64(id + 1)})
	}
	return l
}

// One of two gateways behind a load balancer is asked to end, again and again.
func TestFaultGatewayEndsUnderLoad(t *testing.T) {
	for _, way := range ways() {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			routes := roundOf(way.routes, 0)
			l := replaceable(t, redistest.Start(t).URL(), routes, way.plain, 2)
			l.start()
			l.recovers()
			count := gatewaytest.Rounds(2, 20)
			for range count {
				for _, gateway := range l.gateways {
					gateway.Terminate()
					l.passes(100 * time.Millisecond) // the other one has all of it
					gateway.Start()
					l.recovers()
				}
			}
			l.end()
			l.wantNoTrouble()
			figure(t, "SIGTERM under load, "+way.name, "each of two gateways ended and started "+times(count),
				"dropped: %d; asked elsewhere since nobody listened: %d, and since the connection ended before any answer: %d; %s",
				l.lost(), l.tally.repeated[unreached].Load(), l.tally.repeated[unanswered].Load(), l.tally)
		})
	}
}

func TestFaultReloadsUnderSteadyLoad(t *testing.T) {
	for _, way := range ways() {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			l := replaceable(t, redistest.Start(t).URL(), roundOf(way.routes, 0), way.plain, 1)
			l.pace = 2 * time.Millisecond // 500 a second
			l.start()
			l.recovers()
			gateway, count := l.gateways[0], gatewaytest.Rounds(10, 50)
			l.tally.watch()
			for n := range count {
				gateway.Site.Routes = roundOf(way.routes, n+1)
				gateway.Reload()
				l.recovers()
			}
			took := l.tally.latencies()
			l.end()
			l.wantNoTrouble()
			figure(t, "reloads at 500 requests/s, "+way.name, times(count),
				"failed: %d; asked again since the connection ended before any answer: %d; answers: %v; %s",
				l.lost()+l.tally.count(unavailable), l.tally.repeated[unanswered].Load(), took, l.tally)
		})
	}
}

// lost is how many requests had no whole answer in the end.
func (l *faultLoad) lost() int {
	return l.tally.count(unreached) + l.tally.count(unanswered) + l.tally.count(torn)
}

// wantNoTrouble demands that the store was there all the time. A machine that
// tests much at once may be late now and then; a store that was given back
// while requests were under way says that it is closed.
func (l *faultLoad) wantNoTrouble() {
	l.t.Helper()
	l.tally.wantMostServed(l.t, 50)
	for _, gateway := range l.gateways {
		if strings.Contains(gateway.Log.String(), "is closed") {
			l.t.Error("a request met a store that was closed")
		}
	}
}

// roundOf is the routes of one round, which differ so that Caddy reloads.
func roundOf(routes string, n int) string {
	return strings.ReplaceAll(routes, "%s", strconv.Itoa(n))
}
