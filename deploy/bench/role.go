package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// roleVariable makes this binary one of the rig's other processes: what sends
// the requests and what answers them must not share a process with the rig,
// whose garbage and clock would show in the figures.
const roleVariable = "SIDEGATE_BENCH_ROLE"

const (
	roleLoad     = "load"
	roleUpstream = "upstream"
	// roleCaddy is played by a test binary that has Caddy in it; a Caddy
	// proper does not look at the variable.
	roleCaddy = "caddy"
)

func as(role string) string { return roleVariable + "=" + role }

// playsRole does the work of another process, if that is what this one is.
func playsRole() bool {
	var err error
	switch os.Getenv(roleVariable) {
	case roleLoad:
		err = playLoad()
	case roleUpstream:
		err = serveUpstream(os.Args[1], os.Args[2])
	default:
		return false
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	return true
}

// playLoad reads a job, does it, and writes what came of it.
func playLoad() error {
	var j job
	if err := json.NewDecoder(os.Stdin).Decode(&j); err != nil {
		return fmt.Errorf("reading the job: %w", err)
	}
	o, err := j.do()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(o)
}
