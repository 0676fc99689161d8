package main

import (
	"os/exec"
	"syscall"
)

// ownGroup puts a program, before it starts, and its children into a process
// group of their own.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killGroup kills the program with its children, which would outlive it.
func killGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// errNoProcess is what reading a file of a process that has just ended gives.
const errNoProcess = syscall.ESRCH
