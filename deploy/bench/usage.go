package main

import (
	"fmt"
	"slices"
	"time"
)

// usage is what an arm has used up so far.
type usage struct {
	cpu      time.Duration
	resident float64
	// pids are the processes that it is of.
	pids []int
}

// usage sums over the arm's processes and their children; Redis, the upstream
// and the provider that a peer signs in at are none of them. Memory that a
// family shares counts for each of its members.
func (run *running) usage() (usage, error) {
	var u usage
	for _, p := range run.procs {
		pids, err := family(run.rig.proc, p.pid())
		if err != nil {
			return u, err
		}
		for _, pid := range pids {
			if err := u.add(run.rig, pid); err != nil {
				return u, err
			}
		}
	}
	return u, nil
}

func (u *usage) add(r *rig, pid int) error {
	spent, err := cpuTime(r.proc, pid)
	if err != nil {
		return err
	}
	held, err := resident(r.proc, pid)
	if err != nil {
		return err
	}
	u.cpu += spent
	u.resident += held
	u.pids = append(u.pids, pid)
	return nil
}

// since is what was used up since before. A process that has ended took its
// share of the CPU with it: the arm would look cheaper than it is. One that is
// new counts whole.
func (u usage) since(before usage) (time.Duration, error) {
	for _, pid := range before.pids {
		if !slices.Contains(u.pids, pid) {
			return 0, fmt.Errorf("process %d of the arm ended under load, and what it used is lost: have the server keep its processes", pid)
		}
	}
	return u.cpu - before.cpu, nil
}
