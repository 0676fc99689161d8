package main

import (
	"math"
	"slices"
)

// percentile is the smallest of the sorted values that p percent of them do
// not exceed (nearest rank); NaN of none.
func percentile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// spread is the median of some values and how far they lie apart.
type spread struct{ Median, Min, Max float64 }

// spreadOf leaves values out that could not be had (NaN). Of none it is NaN
// throughout.
func spreadOf(values []float64) spread {
	known := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	if len(known) == 0 {
		return spread{math.NaN(), math.NaN(), math.NaN()}
	}
	slices.Sort(known)
	return spread{median(known), known[0], known[len(known)-1]}
}

func median(sorted []float64) float64 {
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}
