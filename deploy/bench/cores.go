package main

import (
	"fmt"
	"os/exec"
	"runtime"
)

// cores says which processors the rig's processes run on: an arm has one to itself, and all that is not measured (app, load,
// Redis) has the others. What one arm costs then depends neither on what the scheduler moves where nor on the load.
// The zero value leaves everything to the scheduler.
type cores struct {
	arms, rest []int
}

// share takes the first of the processors that we may use for the arms. Of one alone there is nothing to share out.
func share(allowed []int) cores {
	if len(allowed) < 2 {
		return cores{}
	}
	return cores{arms: allowed[:1], rest: allowed[1:]}
}

// ofArm is how many processors an arm has.
func (c cores) ofArm() int {
	if len(c.arms) == 0 {
		return runtime.NumCPU()
	}
	return len(c.arms)
}

// String is what the report says of it.
func (c cores) String() string {
	if len(c.arms) == 0 {
		return "all processes on any processor"
	}
	return fmt.Sprintf("arms on processor %d, app and load and Redis on %v", c.arms[0], c.rest)
}

// startOn starts a program that, with its children, runs on these processors only. None means any.
func startOn(processors []int, cmd *exec.Cmd) error {
	if len(processors) == 0 {
		return cmd.Start()
	}
	return startBound(processors, cmd)
}
