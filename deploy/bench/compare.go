package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// compare measures everything and prints it.
func (r *rig) compare(ctx context.Context) error {
	r.describe()
	list := append(arms(r.people), r.peers()...)
	growing, growth := r.growth()
	if err := r.anyMatches(append(list, growing...)); err != nil {
		return err
	}
	list, more := r.twin(list)
	growing, grew := r.twin(growing)
	all := make(results)
	measured, err := r.section(ctx, "The way of a request", list, append(more, goals...), true, all)
	if err != nil {
		return err
	}
	grown, err := r.section(ctx, "Growth", growing, append(grew, growth...), false, all)
	if err != nil {
		return err
	}
	if r.only.MatchString(armMemory) {
		if err := r.printMemory(ctx); err != nil {
			return err
		}
	}
	return r.saveCSV(append(measured, grown...), all)
}

// section measures some arms and prints their figures and ratios. What it has
// measured it adds to all.
func (r *rig) section(ctx context.Context, title string, list []*arm, goals []goal, latency bool, all results) ([]*running, error) {
	defer r.stopArms()
	if err := r.populate(ctx, list); err != nil {
		return nil, err
	}
	started, err := r.startAll(ctx, list)
	if err != nil || len(started) == 0 {
		return nil, err
	}
	r.say("\n%s: %d arms, %d rounds", title, len(started), r.config.rounds)
	if err := r.visitAll(ctx, started); err != nil {
		return nil, err
	}
	rs, err := r.rounds(ctx, started, latency)
	if err != nil {
		return nil, err
	}
	r.say("")
	if err := printArms(r.out, started, rs); err != nil {
		return nil, err
	}
	r.say("")
	for name, samples := range rs {
		all[name] = samples
	}
	return started, printGoals(r.out, goals, rs)
}

// anyMatches refuses an -only that measures nothing.
func (r *rig) anyMatches(list []*arm) error {
	names := []string{armMemory}
	for _, a := range list {
		names = append(names, a.name)
	}
	for _, name := range names {
		if r.only.MatchString(name) {
			return nil
		}
	}
	return fmt.Errorf("-only %s matches no arm: there are %s", r.only, strings.Join(names, ", "))
}

// describe says what the figures are of: they hold for this machine alone.
func (r *rig) describe() {
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		load = []byte("unknown")
	}
	r.say("%s, %d CPUs, GOMAXPROCS=%s; load average before: %s", runtime.Version(), runtime.NumCPU(),
		orDefault(os.Getenv("GOMAXPROCS")), strings.TrimSpace(string(load)))
	r.say("%d rounds of %g s, %d connections; each cell is the median (least..most)", r.config.rounds, r.seconds, r.connections)
	if r.oauth2Proxy == "" {
		r.say("oauth2-proxy: not given (set OAUTH2_PROXY=/path/to/oauth2-proxy)")
	}
	if !r.apache {
		r.say(apacheHint)
	}
}

func orDefault(value string) string {
	if value == "" {
		return "not set"
	}
	return value
}
