//go:build !linux

package main

import "os/exec"

// These let the package compile; the rig needs Linux for its /proc.

func allowedProcessors() ([]int, error) { return nil, nil }

func startBound(_ []int, cmd *exec.Cmd) error { return cmd.Start() }
