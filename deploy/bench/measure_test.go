package main

import (
	"errors"
	"io"
	"math"
	"testing"
	"testing/fstest"
	"time"
)

func TestASampleIsPerRequest(t *testing.T) {
	s := sampleOf(outcome{Requests: 200, Seconds: 2}, 20*time.Millisecond, 9, 600)
	if s.RequestsPerSecond != 100 || s.CPU != 100 || s.Allocations != 3 || s.Resident != 9 {
		t.Errorf("got %+v", s)
	}
	if !math.IsNaN(s.P50) || !math.IsNaN(s.P99) {
		t.Error("a load at full speed tells a latency")
	}
	if none := sampleOf(outcome{}, 0, 0, math.NaN()); !math.IsNaN(none.CPU) || !math.IsNaN(none.Allocations) {
		t.Errorf("of no requests there is %+v", none)
	}
}

func TestAFailedLoadGivesNoSample(t *testing.T) {
	run := &running{arm: &arm{name: "test"}, rig: &rig{proc: fstest.MapFS{}}}
	cause := errors.New("request 3: the answer is 401")
	if _, err := run.observe(t.Context(), func() (outcome, error) { return outcome{Requests: 2}, cause }); !errors.Is(err, cause) {
		t.Errorf("error %v", err)
	}
}

func TestHalfLoadIsOfTheSlowestOfOurs(t *testing.T) {
	list := []*running{{arm: &arm{name: "fast"}}, {arm: &arm{name: "slow"}}, {arm: &arm{name: "peer", peer: true}}}
	rs := results{"fast": {{RequestsPerSecond: 900}}, "slow": {{RequestsPerSecond: 500}}, "peer": {{RequestsPerSecond: 10}}}
	if got := halfLoad(list, rs); got != 250 {
		t.Errorf("got %v", got)
	}
}

// One round that fails is an error of the whole run, whatever came before.
func TestARoundFailsLoudly(t *testing.T) {
	r := &rig{config: config{rounds: 2, seconds: 0.01, connections: 1}, proc: fstest.MapFS{}, people: &population{}, out: io.Discard}
	run := &running{arm: &arm{name: "gone"}, rig: r, address: "127.0.0.1:1"}
	rs, err := r.rounds(t.Context(), []*running{run}, true)
	if err == nil || rs != nil {
		t.Errorf("got %v, %v", rs, err)
	}
}
