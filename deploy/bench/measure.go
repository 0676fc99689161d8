package main

import (
	"context"
	"fmt"
	"math"
	"time"
)

// warmUp is how much of a load's length goes before each, and maxWarmUp the
// most of it, in seconds.
const (
	warmUp    = 0.2
	maxWarmUp = 0.5
)

// rounds measures all arms in turns, so that a slow minute of the machine
// falls on all of them alike.
func (r *rig) rounds(ctx context.Context, list []*running, latency bool) (results, error) {
	rs := make(results)
	var rate float64
	for round := range r.config.rounds {
		for _, run := range list {
			s, err := r.fullSpeed(ctx, run)
			if err != nil {
				return nil, fmt.Errorf("round %d of %s: %w", round+1, run.name, err)
			}
			rs[run.name] = append(rs[run.name], s)
		}
		if round == 0 {
			rate = halfLoad(list, rs)
		}
		for _, run := range list {
			if !latency {
				break
			}
			s := &rs[run.name][round]
			if err := r.halfSpeed(ctx, run, min(rate, s.RequestsPerSecond/2), s); err != nil {
				return nil, fmt.Errorf("round %d of %s at half load: %w", round+1, run.name, err)
			}
		}
		r.say("round %d of %d", round+1, r.config.rounds)
	}
	return rs, nil
}

// halfLoad is half of what the slowest of our own arms can do, by the first
// round: the same load for all of them, which none is kept busy by.
func halfLoad(list []*running, rs results) float64 {
	slowest := math.Inf(1)
	for _, run := range list {
		if !run.peer {
			slowest = min(slowest, rs[run.name][0].RequestsPerSecond)
		}
	}
	return slowest / 2
}

// fullSpeed sends requests as fast as they are answered.
func (r *rig) fullSpeed(ctx context.Context, run *running) (sample, error) {
	j := run.job()
	j.Seconds = min(r.seconds*warmUp, maxWarmUp)
	if _, err := apply(ctx, j); err != nil {
		return sample{}, err
	}
	j.Seconds = r.seconds
	return run.observe(ctx, func() (outcome, error) { return apply(ctx, j) })
}

// observe takes what the arm uses up during a load. Asking Caddy for its
// allocations costs CPU, so that is done outside of what CPU is taken of.
func (run *running) observe(ctx context.Context, load func() (outcome, error)) (sample, error) {
	mallocsBefore, err := run.mallocs(ctx)
	if err != nil {
		return sample{}, err
	}
	readsBefore, err := run.rig.redis.reads(ctx)
	if err != nil {
		return sample{}, err
	}
	before, err := run.usage()
	if err != nil {
		return sample{}, err
	}
	o, err := load()
	if err != nil {
		return sample{}, err
	}
	after, err := run.usage()
	if err != nil {
		return sample{}, err
	}
	reads, err := run.rig.redis.reads(ctx)
	if err != nil {
		return sample{}, err
	}
	spent, err := after.since(before)
	if err != nil {
		return sample{}, err
	}
	mallocsAfter, err := run.mallocs(ctx)
	s := sampleOf(o, spent, after.resident, mallocsAfter-mallocsBefore)
	s.Redis = ratio(reads-readsBefore, float64(o.Requests))
	return s, err
}

// halfSpeed fills in what latency the arm has at that rate.
func (r *rig) halfSpeed(ctx context.Context, run *running, rate float64, s *sample) error {
	j := run.job()
	j.Seconds, j.Rate = r.seconds, max(rate, 1)
	o, err := apply(ctx, j)
	s.P50, s.P99 = o.P50, o.P99
	return err
}

// mallocs is how many objects the arm has allocated so far; NaN for an arm
// that is not one Caddy alone.
func (run *running) mallocs(ctx context.Context) (float64, error) {
	if len(run.procs) != 1 || run.admin == "" {
		return math.NaN(), nil
	}
	h, err := run.heap(ctx, false)
	return h.mallocs, err
}

func sampleOf(o outcome, spent time.Duration, resident, mallocs float64) sample {
	requests := float64(o.Requests)
	return sample{
		RequestsPerSecond: ratio(requests, o.Seconds),
		P50:               math.NaN(), P99: math.NaN(),
		CPU:         ratio(float64(spent)/float64(time.Microsecond), requests),
		Allocations: ratio(mallocs, requests),
		Resident:    resident,
	}
}
