package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/sidegate/caddymodule/observed"
)

// StoreOperations measure how long the session store takes. They are an
// observed.Meter.
type StoreOperations struct {
	durations *prometheus.HistogramVec
	failures  *prometheus.CounterVec
	// took and failed are those of each operation: looked up once.
	took   [len(observed.Names)]prometheus.Observer
	failed [len(observed.Names)]prometheus.Counter
}

// storeBuckets reach from a store in memory to one whose time-out is near.
var storeBuckets = []float64{.0001, .0003, .001, .003, .01, .03, .1, .3, 1, 5}

func newStoreOperations() *StoreOperations {
	o := &StoreOperations{
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: prefix + "store_operation_duration_seconds",
			Help: "How long operations of the session store take, those that fail included. The near cache's answers are none.", Buckets: storeBuckets,
		}, []string{"operation"}),
		failures: counters("store_operation_failures_total",
			"Operations of the session store that were not answered, in the background too: see store_failures_total for those that people met with.", "operation"),
	}
	for i, name := range observed.Names {
		o.took[i], o.failed[i] = o.durations.WithLabelValues(name), o.failures.WithLabelValues(name)
	}
	return o
}

// Took implements observed.Meter.
func (o *StoreOperations) Took(what observed.Operation, d time.Duration, failed bool) {
	o.took[what].Observe(d.Seconds())
	if failed {
		o.failed[what].Inc()
	}
}

// Describe implements prometheus.Collector.
func (o *StoreOperations) Describe(ch chan<- *prometheus.Desc) {
	o.durations.Describe(ch)
	o.failures.Describe(ch)
}

// Collect implements prometheus.Collector.
func (o *StoreOperations) Collect(ch chan<- prometheus.Metric) {
	o.durations.Collect(ch)
	o.failures.Collect(ch)
}

// Interface guards
var (
	_ observed.Meter       = (*StoreOperations)(nil)
	_ prometheus.Collector = (*StoreOperations)(nil)
)
