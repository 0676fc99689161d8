package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// sample is what was measured of one arm in one round. What could not be had
// is NaN.
type sample struct {
	RequestsPerSecond float64 // closed loop
	P50, P99          float64 // microseconds, open loop at half load
	CPU               float64 // microseconds of the arm's processes a request
	Allocations       float64 // on the heap, a request
	Resident          float64 // bytes, after the load
	Redis             float64 // how often Redis had something to read, a request
}

// metric is one figure of a sample.
type metric func(sample) float64

func throughput(s sample) float64  { return s.RequestsPerSecond }
func p50(s sample) float64         { return s.P50 }
func p99(s sample) float64         { return s.P99 }
func cpu(s sample) float64         { return s.CPU }
func allocations(s sample) float64 { return s.Allocations }
func memory(s sample) float64      { return s.Resident }
func redisReads(s sample) float64  { return s.Redis }

// results are the samples of each arm by its name, one a round, in order.
type results map[string][]sample

// spread is one figure of an arm over all rounds.
func (rs results) spread(name string, of metric) spread {
	var values []float64
	for _, s := range rs[name] {
		values = append(values, of(s))
	}
	return spreadOf(values)
}

// goal is how one arm should compare with another.
type goal struct {
	what         string
	arm, against string // without against it is of the arm by itself
	of           metric
	// atMost is the bound; 0 for what is only worth knowing.
	atMost float64
	// difference says that it bounds arm minus against, and not their ratio.
	difference bool
}

// compare takes the ratio within each round, where both arms had the same
// machine, and only then looks across the rounds.
func (g goal) compare(rs results) spread {
	arm, against := rs[g.arm], rs[cmp.Or(g.against, g.arm)]
	var values []float64
	for i := range min(len(arm), len(against)) {
		a, b := g.of(arm[i]), g.of(against[i])
		switch {
		case g.against == "":
			values = append(values, a)
		case g.difference:
			values = append(values, a-b)
		default:
			values = append(values, ratio(a, b))
		}
	}
	return spreadOf(values)
}

// belongs reports whether the goal belongs into a table of these results.
func (g goal) belongs(rs results) bool {
	return rs[g.arm] != nil && (g.against == "" || rs[g.against] != nil || slices.Contains(peerNames, g.against))
}

// ratio is NaN when there is nothing to compare with.
func ratio(a, b float64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return a / b
}

// verdict says whether the bound is kept. While the interval of the median has the bound within it, or the rounds were too
// few for one, that is a toss, and more rounds are wanted, or a machine that does nothing else.
func (g goal) verdict(measured spread) string {
	switch {
	case math.IsNaN(measured.Median):
		return "not measured"
	case g.atMost == 0:
		return ""
	case measured.Values < enough:
		return "toss"
	case measured.High <= g.atMost:
		return "met"
	case measured.Low > g.atMost:
		return "not met"
	}
	return "toss"
}

// bound is the goal as it is printed.
func (g goal) bound() string {
	switch {
	case g.atMost == 0:
		return "-"
	case g.difference:
		return fmt.Sprintf("at most +%.0f", g.atMost)
	}
	return fmt.Sprintf("at most %.2f", g.atMost)
}
