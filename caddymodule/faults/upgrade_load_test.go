package faults_test

import (
	"fmt"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// waiting is what Caddy alone does for requests that come while a gateway is
// replaced: an embedded store has one process, so nobody else could answer.
const waiting = `reverse_proxy %s {
	header_up Host {upstream_hostport}
	lb_try_duration 30s
	lb_try_interval 50ms
}`

// The time that Redis has: a busy machine may be late, which is no matter of
// binaries. The earlier one has no bound for all of it together.
const (
	patience        = " {\ndial_timeout 30s\nread_timeout 30s\nwrite_timeout 30s\n}"
	patienceOfThese = " {\ntimeout 30s\ndial_timeout 30s\nread_timeout 30s\nwrite_timeout 30s\n}"
)

// replacement is a binary, and the options of the gateways that it runs.
type replacement struct {
	binary
	options string
}

// underLoad takes gateways from the earlier binary to this one and back while
// people are at work: nobody is signed out, and no request fails.
func underLoad(t *testing.T, earlier, this binary) {
	t.Run("with the embedded store", func(t *testing.T) {
		p := gatewaytest.NewProcess(t, loadSite(t, ""))
		earlier.run(p)
		l := newLoad(t, p)
		front := loadSite(t, "")
		front.Routes = fmt.Sprintf(waiting, p.Address())
		l.gateways = []*gatewaytest.Process{gatewaytest.StartProcess(t, front)}
		l.replaces([]*gatewaytest.Process{p}, replacement{this, p.Site.Options}, replacement{earlier, p.Site.Options})
	})
	t.Run("with Redis, one of a fleet after the other", func(t *testing.T) {
		redis := redistest.Start(t).URL()
		before, after := faultOptions(redis+patience, ""), faultOptions(redis+patienceOfThese, "")
		site := loadSite(t, before)
		gateways := make([]*gatewaytest.Process, 2)
		for i := range gateways {
			site.Dir = loadSite(t, "").Dir
			gateways[i] = gatewaytest.NewProcess(t, site)
			earlier.run(gateways[i])
		}
		newLoad(t, gateways...).replaces(gateways, replacement{this, after}, replacement{earlier, before})
	})
}

// replaces puts each of those binaries in turn in the place of the one before,
// at one gateway after the other. Between, both are at work, and everybody has
// to be served by both.
func (l *faultLoad) replaces(gateways []*gatewaytest.Process, with ...replacement) {
	l.t.Helper()
	l.repeats = repeats
	l.start()
	l.recovers()
	for _, b := range with {
		for _, gateway := range gateways {
			gateway.Terminate()
			gateway.Site.Options = b.options
			b.run(gateway)
			l.recovers()
		}
	}
	l.end()
	if n := l.tally.count(unavailable); n > 0 {
		l.t.Errorf("%d requests were told to come again; want none", n)
	}
	figure(l.t, "the binary is replaced under load, and back", fmt.Sprintf("gateways: %d", len(gateways)), "%s", l.tally)
}
