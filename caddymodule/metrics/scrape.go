package metrics

import (
	"runtime"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/sessionstore/nearcache"
)

// What is told at a scrape of what is counted anyway.
var (
	requests = describe("requests_total", "Requests that session_auth, or GET /auth/verify for another proxy, has decided on: allowed with a session, "+
		"public without one, anonymous where one is wanted, forbidden, or cannot_tell where neither could be said.", "decision")
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
	storeUp        = describe("store_up", "Whether the session store answers and takes writes, as far as is known: 1 or 0.")
	sessions       = describe("sessions", "Sessions that are live in this process's store, counted once a minute.")
)

// read are those of the gateway, which not every configuration has all of.
var read = []*prometheus.Desc{
	buildInfo, nearLookups, nearStale, nearEvicted, nearGaps, nearEntries, activityPending, backlogPending, reportOnly, openStreams, storeUp, sessions,
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prefix+name, help, labels, nil)
}

// Reading is what there is to tell at a scrape.
type Reading struct {
	// Set is what was counted.
	Set *Set
	// Version and Revision are those of the binary.
	Version, Revision string
	// Reports says that some demands are only reported.
	Reports bool
	// Gateway is nil as long as none is open.
	Gateway *Gateway
}

// Gateway is the state of one.
type Gateway struct {
	// ActivityPending, OpenStreams and Backlog are how many there are.
	ActivityPending, OpenStreams, Backlog int
	// StoreUp says that the store answers, as far as is known.
	StoreUp bool
	// Sessions is how many are live; nil where that is not counted, or not yet.
	Sessions *int64
	// Near is nil where there is no near cache.
	Near *nearcache.Stats
}

// Register has the registry of one configuration, which counts in own, answered
// with what tell returns at each scrape.
func Register(registry prometheus.Registerer, own *Set, tell func() Reading) error {
	return registry.Register(collector{own, tell})
}

// collector answers a scrape.
type collector struct {
	own  *Set
	tell func() Reading
}

// Describe implements prometheus.Collector.
func (c collector) Describe(ch chan<- *prometheus.Desc) {
	c.own.Describe(ch)
	for _, desc := range read {
		ch <- desc
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	now := c.tell()
	now.Set.Collect(ch)
	ch <- prometheus.MustNewConstMetric(buildInfo, prometheus.GaugeValue, 1, now.Version, now.Revision, runtime.Version())
	if now.Reports {
		for i, n := range now.Set.Reported.All() {
			ch <- prometheus.MustNewConstMetric(reportOnly, prometheus.CounterValue, float64(n), demand.Answers[i])
		}
	}
	if now.Gateway != nil {
		now.Gateway.collect(ch)
	}
}

func (g *Gateway) collect(ch chan<- prometheus.Metric) {
	gauge := func(what *prometheus.Desc, value float64) {
		ch <- prometheus.MustNewConstMetric(what, prometheus.GaugeValue, value)
	}
	gauge(activityPending, float64(g.ActivityPending))
	gauge(openStreams, float64(g.OpenStreams))
	gauge(backlogPending, float64(g.Backlog))
	up := 0.
	if g.StoreUp {
		up = 1
	}
	gauge(storeUp, up)
	if g.Sessions != nil {
		gauge(sessions, float64(*g.Sessions))
	}
	if g.Near != nil {
		collectNear(ch, g.Near)
		gauge(nearEntries, float64(g.Near.Entries))
	}
}

func collectNear(ch chan<- prometheus.Metric, s *nearcache.Stats) {
	counted := func(what *prometheus.Desc, value uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(what, prometheus.CounterValue, float64(value), labels...)
	}
	counted(nearLookups, s.Hits, "hit")
	counted(nearLookups, s.Unknown, "unknown")
	counted(nearLookups, s.Misses, "miss")
	counted(nearLookups, s.Joined, "joined")
	counted(nearStale, s.Stale)
	counted(nearEvicted, s.Evicted)
	counted(nearGaps, s.Gaps)
}

// Interface guards
var _ prometheus.Collector = collector{}
