package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
)

// profileSeconds is the least that a profile is worth looking at.
const profileSeconds = 1

// profile loads one arm at full speed and prints where its CPU goes.
func (r *rig) profile(ctx context.Context) error {
	growing, _ := r.growth()
	r.only = regexp.MustCompile("^" + regexp.QuoteMeta(r.config.profile) + "$")
	list := append(append(arms(r.people), r.peers()...), growing...)
	if err := r.populate(ctx, list); err != nil {
		return err
	}
	started, err := r.startAll(ctx, list)
	if err != nil {
		return err
	}
	if len(started) != 1 || started[0].admin == "" {
		return fmt.Errorf("-profile %s: it has no admin endpoint to ask", r.config.profile)
	}
	if err := r.visitAll(ctx, started); err != nil {
		return err
	}
	file := filepath.Join(r.dir, "cpu.pprof")
	if err := r.record(ctx, started[0], file); err != nil {
		return err
	}
	return r.top(ctx, file)
}

// record takes a profile while the arm is under load.
func (r *rig) record(ctx context.Context, run *running, file string) error {
	length := max(int(r.seconds), profileSeconds)
	j := run.job()
	j.Seconds = float64(length) + 1 // to be sure that it outlasts the profile
	loaded := make(chan error, 1)
	go func() {
		_, err := apply(ctx, j)
		loaded <- err
	}()
	text, err := run.ofAdmin(ctx, fmt.Sprintf("/debug/pprof/profile?seconds=%d", length))
	if err = errors.Join(err, <-loaded); err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600) // #nosec G703 -- below a folder of our own
}

// top prints the 25 functions that take the most, and those that lead there.
func (r *rig) top(ctx context.Context, file string) error {
	for _, order := range []string{"-flat", "-cum"} {
		said, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-top", "-nodecount=25", order, file).CombinedOutput() // #nosec G204 G702 -- our own file
		if err != nil {
			return fmt.Errorf("reading the profile: %w\n%s", err, said)
		}
		r.say("%s", said)
	}
	return nil
}
