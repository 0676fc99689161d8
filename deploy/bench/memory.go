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
	json   int // of that person, without its token
	atMost float64
}

// verdict is of one figure that does not vary.
func (m memoryGoal) verdict() string {
	switch {
	case m.atMost == 0:
		return ""
	case ratio(m.bytes, float64(m.json)) <= m.atMost:
		return "met"
	}
	return "not met"
}

// printMemory measures what a session of the heavy person takes and prints it
// against the size of its JSON.
func (r *rig) printMemory(ctx context.Context) error {
	rows, err := r.measureMemory(ctx)
	if err != nil {
		return fmt.Errorf("measuring memory: %w", err)
	}
	r.say("\nMemory per session, of %d: %d accounts, %d roles, %d permissions; JSON without its token\n",
		r.heavy, heavy.accounts, heavy.roles, heavy.permissions)
	t := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "what\tbytes\tJSON\tratio\tgoal\tverdict")
	for _, row := range rows {
		measured := ratio(row.bytes, float64(row.json))
		g := goal{atMost: row.atMost}
		_, _ = fmt.Fprintf(t, "%s\t%.0f\t%d\t%.2f\t%s\t%s\n", row.what, row.bytes, row.json, measured, g.bound(), row.verdict())
	}
	return t.Flush()
}

// measureMemory measures people whose roles and permissions others have too,
// as is common, and then the same number of loners.
func (r *rig) measureMemory(ctx context.Context) ([]memoryGoal, error) {
	common, err := r.footprint(ctx, "", &population{database: memoryDatabase, count: r.heavy, person: heavy})
	if err != nil {
		return nil, err
	}
	alone, err := r.footprint(ctx, "; roles and permissions that nobody shares", &population{database: memoryDatabase - 1, count: r.heavy, person: loner})
	for i := range alone {
		alone[i].atMost = 0 // worth knowing
	}
	return append(common, alone...), err
}

// footprint takes what is held before and after the sessions of some people come.
func (r *rig) footprint(ctx context.Context, who string, people *population) ([]memoryGoal, error) {
	size, err := people.person.jsonSize()
	if err != nil {
		return nil, err
	}
	inRedis, err := r.redisGrowth(ctx, people)
	if err != nil {
		return nil, err
	}
	live, err := r.heapGrowth(ctx, people)
	if err != nil {
		return nil, err
	}
	each := func(what string, bytes, atMost float64) memoryGoal {
		return memoryGoal{what + who, ratio(bytes, float64(people.count)), size, atMost}
	}
	return []memoryGoal{
		each("in Redis, its place in the index included", inRedis, 1.6),
		each("in the near cache, with its headers", live[0], 3),
		each("in the near cache, with its headers, JSON and token", live[1], 3),
	}, nil
}

// heapGrowth is by how much a gateway's heap has grown after each of the people
// has made a request to the app, and then one for their session.
func (r *rig) heapGrowth(ctx context.Context, people *population) (grown [2]float64, err error) {
	defer r.stopArms()
	run, err := r.start(ctx, &arm{
		name: armMemory, routes: gate + plainProxy, people: people, check: bringsIdentity, options: longCache(r.heavy),
	})
	if err != nil {
		return grown, err
	}
	run.spread = people.count
	before, err := run.heap(ctx, true)
	if err != nil {
		return grown, err
	}
	for i, path := range []string{appPath, sessionPath} {
		if err := run.visit(ctx, path); err != nil {
			return grown, err
		}
		h, err := run.heap(ctx, true)
		if err != nil {
			return grown, err
		}
		grown[i] = h.live - before.live
	}
	return grown, nil
}

// memoryDatabase is the last that Redis has by default; loners are in the one
// before.
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
