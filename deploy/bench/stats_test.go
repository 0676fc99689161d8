package main

import (
	"math"
	"slices"
	"testing"
)

func TestPercentile(t *testing.T) {
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(i + 1)
	}
	for _, c := range []struct {
		name   string
		sorted []float64
		p      float64
		want   float64
	}{
		{"half of a hundred", hundred, 50, 50},
		{"all but one of a hundred", hundred, 99, 99},
		{"all of a hundred", hundred, 100, 100},
		{"none of a hundred is the least", hundred, 0, 1},
		{"of one it is that one", []float64{7}, 99, 7},
		{"of two the median is the lower", []float64{1, 2}, 50, 1},
		{"p99 of ten is the most", hundred[:10], 99, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := percentile(c.sorted, c.p); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	if !math.IsNaN(percentile(nil, 50)) {
		t.Error("of none there is a percentile")
	}
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		name   string
		values []float64
		want   spread
	}{
		{"an odd number has a middle", []float64{3, 1, 2}, spread{Median: 2, Min: 1, Max: 3}},
		{"an even number has two, and theirs", []float64{4, 1, 2, 3}, spread{Median: 2.5, Min: 1, Max: 4}},
		{"one is all three", []float64{5}, spread{Median: 5, Min: 5, Max: 5}},
		{"what could not be had is left out", []float64{math.NaN(), 1, math.NaN(), 3}, spread{Median: 2, Min: 1, Max: 3}},
		{"an outlier moves the range and not the median", []float64{1, 1, 1, 1, 900}, spread{Median: 1, Min: 1, Max: 900}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := slices.Clone(c.values)
			got := spreadOf(c.values)
			got.Low, got.High, got.Values = 0, 0, 0
			if got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
			// NaN is not even equal to itself, so the bits are compared.
			if !slices.EqualFunc(before, c.values, func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }) {
				t.Error("the values were put in another order")
			}
		})
	}
	if s := spreadOf([]float64{math.NaN()}); !math.IsNaN(s.Median) || s.format(1, 0) != "-" {
		t.Errorf("of none: %v", s)
	}
}

func TestTheIntervalOfAMedian(t *testing.T) {
	// From tables of the sign test: how many values of n lie outside at either end, at 95 %.
	for n, outside := range map[int]int{1: 0, 5: 0, 6: 0, 8: 0, 9: 1, 11: 1, 12: 2, 15: 3, 20: 5, 25: 7, 100: 39} {
		values := make([]float64, n)
		for i := range values {
			values[i] = float64(n - i)
		}
		if s := spreadOf(values); s.Low != float64(outside+1) || s.High != float64(n-outside) {
			t.Errorf("of %d: %v to %v", n, s.Low, s.High)
		}
	}
}
