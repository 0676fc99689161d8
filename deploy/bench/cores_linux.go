package main

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// maxProcessors is how many a set of the kernel's has room for.
const maxProcessors = 1024

// allowedProcessors are those that we may run on, which in a container are not all that there are.
func allowedProcessors() ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("asking which processors there are: %w", err)
	}
	var all []int
	for i := range maxProcessors {
		if set.IsSet(i) {
			all = append(all, i)
		}
	}
	return all, nil
}

// startBound binds the thread that forks, whose child inherits that, and frees it again. A Go program takes the number of its
// processors from there, too.
func startBound(processors []int, cmd *exec.Cmd) (err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, bound unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	for _, i := range processors {
		bound.Set(i)
	}
	if err := unix.SchedSetaffinity(0, &bound); err != nil {
		return fmt.Errorf("binding %s to processors %v: %w", cmd.Path, processors, err)
	}
	defer func() { err = errors.Join(err, unix.SchedSetaffinity(0, &before)) }()
	return cmd.Start()
}
