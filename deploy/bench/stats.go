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
type spread struct {
	Median, Min, Max float64
	// Low and High hold the median of all that might have been measured, 19 times of 20. Below six values nothing is as sure
	// as that, and they are Min and Max.
	Low, High float64
	// Values is how many there were.
	Values int
}

// enough is of how many values on the interval says what it is to say.
const enough = 6

// spreadOf leaves values out that could not be had (NaN). Of none it is NaN
// throughout.
func spreadOf(values []float64) spread {
	known := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	if len(known) == 0 {
		nan := math.NaN()
		return spread{Median: nan, Min: nan, Max: nan, Low: nan, High: nan}
	}
	slices.Sort(known)
	last := len(known) - 1
	in := inwards(len(known))
	return spread{median(known), known[0], known[last], known[in], known[last-in], len(known)}
}

func median(sorted []float64) float64 {
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

// doubt is how often an interval may miss the median.
const doubt = 0.05

// inwards is how many of n sorted values lie outside of the median's interval, at either end. Each value is above the median
// as often as not, so that k values on one side of it are as rare as k heads of n coins (the sign test's interval, which
// asks nothing of how the values are distributed).
func inwards(n int) int {
	rare, k := math.Pow(0.5, float64(n)), 0 // of no head at all
	for below := rare; ; k++ {
		rare *= float64(n-k) / float64(k+1)
		if below += rare; 2*below > doubt || 2*(k+1) >= n {
			return k
		}
	}
}
