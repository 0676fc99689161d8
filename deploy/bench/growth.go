package main

import (
	"context"
	"fmt"
	"strings"
)

// cached is the most sessions that a near cache of the rig holds. Requests come
// from all of them in turns, so that each finds its session where no processor
// cache has it.
const cached = 1_000_000

// flat is what growth may cost, as the ratio of CPU per request: the noise of
// a quiet machine.
const flat = 1.08

const (
	armFew    = "growth-permissions-1"
	armMany   = "growth-permissions-500"
	armMemory = "memory"
)

// longCache keeps what was looked up once for the whole run.
func longCache(entries int) string { return fmt.Sprintf("cache 1h %d", entries) }

// growth is the same request with ever more sessions, and with ever more to
// say of a person. Each population has a Redis database of its own.
func (r *rig) growth() ([]*arm, []goal) {
	var (
		list     []*arm
		goals    []goal
		database int
	)
	add := func(name, about string, count int, who person) {
		database++
		list = append(list, &arm{
			name: name, about: about, routes: gate + plainProxy, check: bringsIdentity,
			people:  &population{database: database, count: count, person: who},
			options: longCache(max(min(count, cached), 1)),
		})
	}
	for i, count := range r.live {
		name := fmt.Sprintf("growth-sessions-%d", count)
		add(name, fmt.Sprintf("%d live sessions, requests from %d of them in turns", count, min(count, cached)), count, ordinary)
		if i > 0 {
			goals = append(goals, goal{what: "growth: CPU", arm: name, against: list[0].name, of: cpu, atMost: flat})
		}
	}
	add(armFew, "a person with 1 permission", 1, person{accounts: ordinary.accounts, roles: ordinary.roles, permissions: 1})
	add(armMany, "a person with 500 permissions (over the header's budget)", 1, person{accounts: ordinary.accounts, roles: ordinary.roles, permissions: 500})
	return list, append(goals, goal{what: "growth: CPU", arm: armMany, against: armFew, of: cpu, atMost: flat})
}

// populate signs in the people of arms that -only asks for, those who are not
// signed in yet.
func (r *rig) populate(ctx context.Context, list []*arm) error {
	for _, a := range list {
		if p := a.people; p != nil && p.cookies == nil && r.only.MatchString(strings.TrimSuffix(a.name, beside)) {
			if err := r.keys.signIn(ctx, r.redis.address, p); err != nil {
				return fmt.Errorf("signing in the people of %s: %w", a.name, err)
			}
		}
	}
	return nil
}

// visitAll has every person of a larger population make one request, so that
// all of them are in the near cache.
func (r *rig) visitAll(ctx context.Context, list []*running) error {
	for _, run := range list {
		if run.people == nil || run.people.count == 1 {
			continue
		}
		run.spread = min(run.people.count, cached)
		if err := run.visit(ctx, run.target()); err != nil {
			return fmt.Errorf("filling the near cache of %s: %w", run.name, err)
		}
	}
	return nil
}

// visit sends one request of each of the people.
func (run *running) visit(ctx context.Context, path string) error {
	j := run.job()
	j.Request, j.Requests = run.request(path), run.spread
	_, err := apply(ctx, j)
	return err
}
