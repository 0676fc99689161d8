package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/streams"
)

// prefix is what the name of each metric begins with.
const prefix = "caddy_sidegate_"

// Set is what one configuration counts by itself; the rest is read off the
// gateway when it is asked for. It is safe for concurrent use.
type Set struct {
	// Requests are those that were decided on.
	Requests demand.Outcomes
	// Reported are those that passed because demands are only reported.
	Reported demand.Counts
	// Store is what the session store takes for its operations.
	Store *StoreOperations

	signIns         *prometheus.CounterVec // by login and result
	signOuts        prometheus.Counter
	endedByLogin    prometheus.Counter
	unmapped        prometheus.Counter
	endedForRoom    prometheus.Counter
	refreshes       *prometheus.CounterVec // by result
	storeFailures   prometheus.Counter
	ambiguousPaths  prometheus.Counter
	headersLeftOut  prometheus.Counter
	auditLost       prometheus.Counter
	throttled       prometheus.Counter
	attacked        prometheus.Counter
	streamsClosed   *prometheus.CounterVec // by why
	revocationDelay prometheus.Histogram
}

// New returns a set in which nothing has been counted.
func New() *Set {
	m := &Set{
		Store: newStoreOperations(),
		signIns: counters("sign_ins_total",
			"Attempts to sign in, by result and by the login that decided; no login where none did.", "login", "result"),
		signOuts: counter("sign_outs_total",
			"Sign-outs that people asked for and got: at the logout endpoint, of one device, or of all others."),
		endedByLogin: counter("sessions_ended_by_login_total",
			"Sessions ended because their login no longer vouches for the person."),
		unmapped: counter("unmapped_sessions_total",
			"Times that a session went on without roles and permissions because what a source says of its person cannot be mapped."),
		endedForRoom: counter("sessions_ended_by_limit_total",
			"Sessions ended because their person signed in once more than max_sessions allows."),
		refreshes: counters("refreshes_total",
			"Sessions that were due to be built anew, by what came of it: built, built elsewhere by another gateway, ended because "+
				"a source said no, unmapped because a source's answer cannot be mapped, or failed, to be tried again.", "result"),
		storeFailures: counter("store_failures_total",
			"Questions of requests to which the store gave no answer. Nobody is signed out by one, and nobody let in."),
		ambiguousPaths: counter("ambiguous_paths_refused_total",
			"Requests refused because their path can be read in several ways, on servers where a demand depends on a matcher."),
		headersLeftOut: counter("identity_headers_left_out_total",
			"Sessions of which identity headers leave something out, because they would have been too large for apps."),
		auditLost: counter("audit_lines_lost_total",
			"Lines of the audit log that were lost because its output takes none, and too many waited."),
		throttled: counter("throttled_attempts_total",
			"Attempts that the throttle has stopped: to sign in, or with cookies of another gateway."),
		attacked: counter("attacked_accounts_total",
			"Times that so many sign-ins to one account had failed that each address has fewer attempts at it."),
		streamsClosed: counters("streams_closed_total",
			"Websockets, event streams and answers under way that were closed with their session: revoked, expired, or unmet where it no longer "+
				"meets what the route demands.", "why"),
		revocationDelay: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: prefix + "revocation_delay_seconds",
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

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: prefix + name, Help: help})
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + name, Help: help}, labels)
}

// Expect has the sign-ins of a login counted from 0, so that the first of them
// shows as an increase. No name stands for where no login decided.
func (m *Set) Expect(login string) {
	for _, result := range refusal.Results {
		m.signIns.WithLabelValues(login, result)
	}
}

// Count counts what an event is worth.
func (m *Set) Count(e lifecycle.Event) {
	switch e.Kind {
	case endpoint.Attempted:
		m.signIns.WithLabelValues(e.Login, e.Result).Inc()
	case endpoint.Throttled:
		m.throttled.Inc()
	case endpoint.Attacked:
		m.attacked.Inc()
	case endpoint.SignedOut, endpoint.DeviceSignedOut:
		m.signOuts.Inc()
	case lifecycle.Ended, lifecycle.EndedAtSource:
		m.endedByLogin.Add(float64(e.Count))
	case lifecycle.EndedForRoom:
		m.endedForRoom.Add(float64(e.Count))
	case lifecycle.Unmapped:
		m.unmapped.Inc()
	case demand.Reported:
		m.Reported.Add(e.Count)
	case streams.Closed:
		m.streamsClosed.WithLabelValues(e.Result).Add(float64(e.Count))
	case lifecycle.Refreshed:
		m.refreshes.WithLabelValues(e.Result).Inc()
	}
}

// StoreFailed counts a question of a request that the store has not answered.
func (m *Set) StoreFailed() { m.storeFailures.Inc() }

// PathRefused counts a path that was refused because it can be read in several ways.
func (m *Set) PathRefused() { m.ambiguousPaths.Inc() }

// HeadersLeftOut counts a session of which identity headers leave something out.
func (m *Set) HeadersLeftOut() { m.headersLeftOut.Inc() }

// AuditLinesLost counts lines that the audit log has lost.
func (m *Set) AuditLinesLost(lines int64) { m.auditLost.Add(float64(lines)) }

// RevocationTook measures how long the end of a session took to be heard of.
func (m *Set) RevocationTook(d time.Duration) { m.revocationDelay.Observe(d.Seconds()) }

// Describe implements prometheus.Collector.
func (m *Set) Describe(ch chan<- *prometheus.Desc) {
	for _, counted := range m.all() {
		counted.Describe(ch)
	}
	ch <- requests
}

// Collect implements prometheus.Collector.
func (m *Set) Collect(ch chan<- prometheus.Metric) {
	for _, counted := range m.all() {
		counted.Collect(ch)
	}
	for i, n := range m.Requests.All() {
		ch <- prometheus.MustNewConstMetric(requests, prometheus.CounterValue, float64(n), demand.OutcomeNames[i])
	}
}

func (m *Set) all() []prometheus.Collector {
	return []prometheus.Collector{m.Store, m.signIns, m.signOuts, m.endedByLogin, m.endedForRoom, m.refreshes, m.unmapped, m.storeFailures,
		m.ambiguousPaths, m.headersLeftOut, m.auditLost, m.throttled, m.attacked, m.streamsClosed, m.revocationDelay}
}

// Interface guards
var _ prometheus.Collector = (*Set)(nil)
