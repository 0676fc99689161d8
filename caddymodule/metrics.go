package caddymodule

import (
	"runtime"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"

	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/streams"
)

// metrics are what the gateway counts by itself, none of it on the way of a
// request that goes well; the rest is read off the gateway when it is asked
// for. No label names a person, a host, a path or a session: those are as
// many as there are, and nobody's who reads metrics.
type metrics struct {
	signIns         *prometheus.CounterVec // by login and result
	signOuts        prometheus.Counter
	endedByLogin    prometheus.Counter
	unmapped        prometheus.Counter
	endedForRoom    prometheus.Counter
	refreshes       *prometheus.CounterVec // by result
	storeFailures   prometheus.Counter
	ambiguousPaths  prometheus.Counter
	headersLeftOut  prometheus.Counter
	streamsClosed   *prometheus.CounterVec // by why
	revocationDelay prometheus.Histogram
	reported        demand.Counts
}

// What is read off the binary, and off the gateway.
var (
	buildInfo   = describe("build_info", "What this binary is built of; the value is always 1.", "version", "revision", "goversion")
	nearLookups = describe("near_cache_lookups_total", "Look-ups of sessions, by how they were answered: hit and unknown "+
		"from memory, miss by the store, joined by the store together with a miss.", "result")
	nearStale       = describe("near_cache_stale_total", "Sessions served past their time because the store could not tell.")
	nearEvicted     = describe("near_cache_evicted_total", "Sessions that left the near cache for want of room.")
	nearGaps        = describe("near_cache_gaps_total", "Times that messages of other gateways may have been missed, each new subscription included.")
	nearEntries     = describe("near_cache_entries", "Sessions in the near cache.")
	openStreams     = describe("open_streams", "Websockets, event streams and answers under way that are watched for the end of their session.")
	activityPending = describe("activity_pending", "Sessions whose activity is yet to be written to the store.")
	reportOnly      = describe("report_only_total", "Requests that passed because demands are only reported, by the answer that they would have had: "+
		"pass, 303 to the login page, or the status of a refusal.", "would")
	backlogPending = describe("backlog_pending", "People whose sessions are yet to be ended or built anew because their login has changed.")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("caddy_sidegate_"+name, help, labels, nil)
}

func newMetrics() *metrics {
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Name: "caddy_sidegate_" + name, Help: help}
	}
	m := &metrics{
		signIns: prometheus.NewCounterVec(counter("sign_ins_total",
			"Attempts to sign in, by result and by the login that decided; no login where none did."), []string{"login", "result"}),
		signOuts: prometheus.NewCounter(counter("sign_outs_total",
			"Sign-outs that people asked for and got: at the logout endpoint, of one device, or of all others.")),
		endedByLogin: prometheus.NewCounter(counter("sessions_ended_by_login_total",
			"Sessions ended because their login no longer vouches for the person.")),
		unmapped: prometheus.NewCounter(counter("unmapped_sessions_total",
			"Times that a session went on without roles and permissions because what a source says of its person cannot be mapped.")),
		endedForRoom: prometheus.NewCounter(counter("sessions_ended_by_limit_total",
			"Sessions ended because their person signed in once more than max_sessions allows.")),
		refreshes: prometheus.NewCounterVec(counter("refreshes_total",
			"Sessions that were due to be built anew, by what came of it: built, built elsewhere by another gateway, ended because "+
				"a source said no, unmapped because a source's answer cannot be mapped, or failed, to be tried again."), []string{"result"}),
		storeFailures: prometheus.NewCounter(counter("store_failures_total",
			"Questions of requests to which the store gave no answer. Nobody is signed out by one, and nobody let in.")),
		ambiguousPaths: prometheus.NewCounter(counter("ambiguous_paths_refused_total",
			"Requests refused because their path can be read in several ways, on servers where a demand depends on a matcher.")),
		headersLeftOut: prometheus.NewCounter(counter("identity_headers_left_out_total",
			"Sessions of which identity headers leave something out, because they would have been too large for apps.")),
		streamsClosed: prometheus.NewCounterVec(counter("streams_closed_total",
			"Websockets, event streams and answers under way that were closed with their session: revoked, expired, or unmet where it no longer "+
				"meets what the route demands."), []string{"why"}),
		revocationDelay: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "caddy_sidegate_revocation_delay_seconds",
			Help: "From the moment this gateway asks the store to end a session to the moment it hears its own message " +
				"of that and has dropped the session: a round trip through the store, by one clock.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
	}
	for _, result := range []string{lifecycle.RefreshBuilt, lifecycle.RefreshElsewhere, lifecycle.RefreshEnded, lifecycle.RefreshUnmapped, lifecycle.RefreshFailed} {
		m.refreshes.WithLabelValues(result)
	}
	for _, why := range streams.Reasons {
		m.streamsClosed.WithLabelValues(why)
	}
	return m
}

// provisionMetrics registers what is measured. It comes before all that may
// fail: see inForce.
func (a *App) provisionMetrics(ctx caddy.Context) error {
	a.metrics = newMetrics()
	return ctx.GetMetricsRegistry().Register(collector{a})
}

// expect has the sign-ins of a login counted from 0, so that the first of them
// shows as an increase. No name stands for where no login decided.
func (m *metrics) expect(login string) {
	for _, result := range refusal.Results {
		m.signIns.WithLabelValues(login, result)
	}
}

// count counts what an event is worth.
func (m *metrics) count(e lifecycle.Event) {
	switch e.Kind {
	case endpoint.Attempted:
		m.signIns.WithLabelValues(e.Login, e.Result).Inc()
	case endpoint.SignedOut, endpoint.DeviceSignedOut:
		m.signOuts.Inc()
	case lifecycle.Ended, lifecycle.EndedAtSource:
		m.endedByLogin.Add(float64(e.Count))
	case lifecycle.EndedForRoom:
		m.endedForRoom.Add(float64(e.Count))
	case lifecycle.Unmapped:
		m.unmapped.Inc()
	case demand.Reported:
		m.reported.Add(e.Count)
	case streams.Closed:
		m.streamsClosed.WithLabelValues(e.Result).Add(float64(e.Count))
	case lifecycle.Refreshed:
		m.refreshes.WithLabelValues(e.Result).Inc()
	}
}

// collector answers a scrape in the registry of one configuration.
type collector struct{ app *App }

// Describe implements prometheus.Collector.
func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, counted := range c.app.metrics.all() {
		counted.Describe(ch)
	}
	for _, read := range []*prometheus.Desc{
		buildInfo, nearLookups, nearStale, nearEvicted, nearGaps, nearEntries, activityPending, backlogPending, reportOnly, openStreams,
	} {
		ch <- read
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	app := c.app.inForce()
	for _, counted := range app.metrics.all() {
		counted.Collect(ch)
	}
	ch <- prometheus.MustNewConstMetric(buildInfo, prometheus.GaugeValue, 1, Version, builtOf(), runtime.Version())
	if app.reports {
		for i, n := range app.metrics.reported.All() {
			ch <- prometheus.MustNewConstMetric(reportOnly, prometheus.CounterValue, float64(n), demand.Answers[i])
		}
	}
	if g := app.opened.Load(); g != nil {
		g.collect(ch)
	}
}

// inForce is the app of the configuration that runs. After a reload that was
// refused, Caddy's admin endpoint keeps the registry of that configuration,
// and would tell of a gateway that never was.
func (a *App) inForce() *App {
	if app, err := caddy.ActiveContext().AppIfConfigured("sidegate"); err == nil {
		return app.(*App)
	}
	return a
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.signIns, m.signOuts, m.endedByLogin, m.endedForRoom, m.refreshes, m.unmapped, m.storeFailures, m.ambiguousPaths, m.headersLeftOut, m.streamsClosed, m.revocationDelay}
}

// collect reads what the parts of the gateway count anyway.
func (g *gateway) collect(ch chan<- prometheus.Metric) {
	tell := func(what *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(what, kind, value, labels...)
	}
	tell(activityPending, prometheus.GaugeValue, float64(g.activity.Pending()))
	tell(openStreams, prometheus.GaugeValue, float64(g.streams.Open()))
	tell(backlogPending, prometheus.GaugeValue, float64(g.sessions.Backlog()))
	if g.near == nil {
		return
	}
	s := g.near.Stats()
	tell(nearLookups, prometheus.CounterValue, float64(s.Hits), "hit")
	tell(nearLookups, prometheus.CounterValue, float64(s.Unknown), "unknown")
	tell(nearLookups, prometheus.CounterValue, float64(s.Misses), "miss")
	tell(nearLookups, prometheus.CounterValue, float64(s.Joined), "joined")
	tell(nearStale, prometheus.CounterValue, float64(s.Stale))
	tell(nearEvicted, prometheus.CounterValue, float64(s.Evicted))
	tell(nearGaps, prometheus.CounterValue, float64(s.Gaps))
	tell(nearEntries, prometheus.GaugeValue, float64(s.Entries))
}

// Interface guards
var _ prometheus.Collector = collector{}
