package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
)

// compare measures everything and prints it.
func (r *rig) compare(ctx context.Context) error {
	r.describe()
	list := append(arms(r.people), r.peers()...)
	growing, growth := r.growth()
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
	r.say("\nload average after: %s", loadAverage())
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
	return started, printGoals(r.out, goals, rs, r.only.MatchString)
}

// matchesAny refuses what measures nothing, before anything is built.
func (c config) matchesAny() error {
	r := &rig{config: c}
	growing, _ := r.growth()
	names := []string{armMemory}
	for _, a := range append(append(arms(nil), r.peers()...), growing...) {
		names = append(names, a.name)
	}
	there := "there are " + strings.Join(names, ", ")
	switch {
	case c.profile != "" && !slices.Contains(names[1:], c.profile):
		return fmt.Errorf("-profile %s: %s", c.profile, there)
	case !slices.ContainsFunc(names, c.only.MatchString):
		return fmt.Errorf("-only %s matches no arm: %s", c.only, there)
	}
	return nil
}

// describe says what the figures are of: they hold for this machine alone.
func (r *rig) describe() {
	r.say("%s, %d CPUs, GOMAXPROCS=%s; load average before: %s", runtime.Version(), runtime.NumCPU(),
		orDefault(os.Getenv("GOMAXPROCS")), loadAverage())
	r.say("%d rounds of %g s, %d connections; %s", r.config.rounds, r.seconds, r.connections, r.cores)
	r.say("figures are medians (least..most), ratios medians (%s)", r.intervals())
	if r.oauth2Proxy == "" {
		r.say("oauth2-proxy: not given (set OAUTH2_PROXY=/path/to/oauth2-proxy)")
	}
	if !r.apache {
		r.say(apacheHint)
	}
}

// loadAverage is how many programs the machine runs or would run, over the last 1, 5 and 15 minutes, with ours among them.
func loadAverage() string {
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(load))[:3], " ")
}

// intervals says what stands behind a ratio.
func (r *rig) intervals() string {
	if r.config.rounds < enough {
		return fmt.Sprintf("least..most; from %d rounds on an interval, and a verdict", enough)
	}
	return "the interval that holds the true one, 19 times of 20"
}

func orDefault(value string) string {
	if value == "" {
		return "not set"
	}
	return value
}
