// Package metrics is what the gateway counts and measures, and how it is told to
// Prometheus.
//
// Nothing here is looked up on the way of a request that goes well: a counter of
// that way is resolved beforehand, and adding to it is one atomic addition. No
// label names a person, a host, a path or a session: those are as many as there
// are, and nobody's who reads metrics.
//
// It knows neither the configuration nor the gateway, which tells its own state
// at each scrape as a Reading. Begin with Set in set.go; scrape.go is what a
// scrape is answered with, store.go what the session store takes.
package metrics
