package main

import (
	"context"
	"fmt"
	"text/tabwriter"
)

// memoryGoal bounds what one session takes, as a multiple of its JSON.
type memoryGoal struct {
	what   string
	bytes  float64
	atMost float64
}

// printMemory measures what a session of the heavy person takes and prints it
// against the size of its JSON.
func (r *rig) printMemory(ctx context.Context) error {
	defer r.stopArms()
	size, err := heavy.jsonSize()
	if err != nil {
		return err
	}
	rows, err := r.measureMemory(ctx)
	if err != nil {
		return fmt.Errorf("measuring memory: %w", err)
	}
	r.say("\nMemory per session, of %d: %d accounts, %d roles, %d permissions, %d bytes of JSON without its token\n",
		r.heavy, heavy.accounts, heavy.roles, heavy.permissions, size)
	t := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "what\tbytes\tratio\tgoal\tverdict")
	for _, row := range rows {
		measured := ratio(row.bytes, float64(size))
		g := goal{atMost: row.atMost}
		_, _ = fmt.Fprintf(t, "%s\t%.0f\t%.2f\t%s\t%s\n", row.what, row.bytes, measured, g.bound(), g.verdict(spreadOf([]float64{measured})))
	}
	return t.Flush()
}

// measureMemory takes what is held before and after the sessions come.
func (r *rig) measureMemory(ctx context.Context) ([]memoryGoal, error) {
	people := &population{database: memoryDatabase, count: r.heavy, person: heavy}
	inRedis, err := r.redisGrowth(ctx, people)
	if err != nil {
		return nil, err
	}
	run, err := r.start(ctx, &arm{
		name: armMemory, routes: gate + plainProxy, people: people, check: bringsIdentity, options: longCache(r.heavy),
	})
	if err != nil {
		return nil, err
	}
	run.spread = people.count
	var live []float64
	// First what nobody but the gateway itself needs, so that it counts to neither.
	for _, path := range []string{"", appPath, sessionPath} {
		if path != "" {
			if err := run.visit(ctx, path); err != nil {
				return nil, err
			}
		}
		h, err := run.heap(ctx, true)
		if err != nil {
			return nil, err
		}
		live = append(live, h.live)
	}
	each := func(bytes float64) float64 { return ratio(bytes, float64(people.count)) }
	return []memoryGoal{
		{"in Redis, its place in the index included", each(inRedis), 1.6},
		{"in the near cache, with its headers", each(live[1] - live[0]), 3},
		{"in the near cache, with its headers, JSON and token", each(live[2] - live[0]), 3},
	}, nil
}

// memoryDatabase is the last that Redis has by default.
const memoryDatabase = 15

// redisGrowth is what Redis has taken up for a population, in bytes.
func (r *rig) redisGrowth(ctx context.Context, people *population) (float64, error) {
	before, err := r.redis.usedMemory(ctx)
	if err != nil {
		return 0, err
	}
	if err := r.keys.signIn(ctx, r.redis.address, people); err != nil {
		return 0, err
	}
	after, err := r.redis.usedMemory(ctx)
	return after - before, err
}
