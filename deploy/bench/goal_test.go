package main

import (
	"cmp"
	"math"
	"testing"
)

// alone stands for no other arm.
const alone = "no other"

// figures are samples with that CPU, one a round.
func figures(values ...float64) []sample {
	all := make([]sample, len(values))
	for i, v := range values {
		all[i] = sample{CPU: v, Allocations: v, P50: math.NaN(), P99: math.NaN()}
	}
	return all
}

// of is what few rounds give: all that was measured is the median's interval.
func of(middle, low, high float64) spread { return spread{middle, low, high, low, high, 0} }

func TestGoals(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name         string
		goal         goal
		arm, against []sample
		want         spread
		verdict      string
	}{
		{"a ratio below its bound is met", goal{atMost: 1.08}, figures(105), figures(100), of(1.05, 1.05, 1.05), "met"},
		{"a ratio at its bound is met", goal{atMost: 1.5}, figures(150), figures(100), of(1.5, 1.5, 1.5), "met"},
		{"a ratio above its bound is not met", goal{atMost: 1}, figures(150), figures(100), of(1.5, 1.5, 1.5), "not met"},
		{
			"ratios are taken within a round: a slow round of both changes nothing",
			goal{atMost: 1.5},
			figures(150, 1500, 150), figures(100, 1000, 100), of(1.5, 1.5, 1.5), "met",
		},
		{"a bound within the interval is a toss", goal{atMost: 1}, figures(100, 100, 900), figures(200, 100, 100), of(1, 0.5, 9), "toss"},
		{
			"of nine rounds one may lie on the other side",
			goal{atMost: 1.08},
			figures(105, 104, 103, 105, 150, 104, 104, 103, 105), figures(100, 100, 100, 100, 100, 100, 100, 100, 100), spread{1.04, 1.03, 1.5, 1.03, 1.05, 0}, "met",
		},
		{
			"and so when it is not met",
			goal{atMost: 1.02},
			figures(105, 104, 103, 105, 90, 104, 104, 103, 105), figures(100, 100, 100, 100, 100, 100, 100, 100, 100), spread{1.04, 0.9, 1.05, 1.03, 1.05, 0}, "not met",
		},
		{"a difference has a bound too", goal{atMost: 4, difference: true}, figures(14), figures(10), of(4, 4, 4), "met"},
		{"a difference above it is not met", goal{atMost: 4, difference: true}, figures(15), figures(10), of(5, 5, 5), "not met"},
		{"without a bound there is no verdict", goal{}, figures(15), figures(10), of(1.5, 1.5, 1.5), ""},
		{"an arm that was not there is neither met nor missed", goal{atMost: 1}, figures(15), nil, of(nan, nan, nan), "not measured"},
		{"nor is a figure that could not be had", goal{atMost: 1}, figures(nan), figures(1), of(nan, nan, nan), "not measured"},
		{"what is of an arm by itself is no ratio", goal{atMost: 0.3, against: alone}, figures(0.2), figures(2), of(0.2, 0.2, 0.2), "met"},
		{"nor is a ratio to nothing", goal{atMost: 1}, figures(1), figures(0), of(nan, nan, nan), "not measured"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := c.goal
			g.arm, g.against, g.of = "a", cmp.Or(g.against, "b"), cpu
			if g.against == alone {
				g.against = ""
			}
			got := g.compare(results{"a": c.arm, "b": c.against})
			got.Values = 0
			if got != c.want && !(math.IsNaN(got.Median) && math.IsNaN(c.want.Median)) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			got.Values = enough
			if v := g.verdict(got); v != c.verdict {
				t.Errorf("verdict %q, want %q", v, c.verdict)
			}
			if got.Values--; c.verdict == "met" && g.verdict(got) != "toss" {
				t.Errorf("of too few rounds it is %s", g.verdict(got))
			}
		})
	}
}

func TestEveryGoalIsOfArmsThatExist(t *testing.T) {
	r := &rig{config: config{live: []int{10, 100}, oauth2Proxy: "oauth2-proxy", apache: true}}
	growing, growth := r.growth()
	names := make(map[string]bool)
	for _, a := range append(append(arms(nil), r.peers()...), growing...) {
		if names[a.name] {
			t.Errorf("two arms are named %s", a.name)
		}
		names[a.name] = true
	}
	for _, g := range append(growth, goals...) {
		if !names[g.arm] || g.against != "" && !names[g.against] {
			t.Errorf("%s: %s against %s", g.what, g.arm, g.against)
		}
	}
}

func TestGoalsThatAreShown(t *testing.T) {
	rs := results{"a": figures(1), "b": figures(1)}
	for _, c := range []struct {
		name string
		goal goal
		want bool
	}{
		{"both arms were measured", goal{arm: "a", against: "b"}, true},
		{"a figure of the arm by itself", goal{arm: "a"}, true},
		{"the other was left out by -only", goal{arm: "a", against: "c"}, false},
		{"the one was left out by -only", goal{arm: "c", against: "a"}, false},
		{"a peer that is not given is named all the same", goal{arm: "a", against: armOAuth2Proxy}, true},
		{"a peer is not named without the arm", goal{arm: "c", against: armOAuth2Proxy}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.goal.belongs(rs); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
