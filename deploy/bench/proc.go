package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"
)

// tickLength is that of the clock of /proc/<pid>/stat, which Linux has fixed
// at 100 a second for programs.
const tickLength = 10 * time.Millisecond

// cpuTime is what a process has used of the CPU so far, in the program and in
// the kernel for it. Threads that have ended are not in it; those of a Go
// program stay, and so do those of an Apache httpd.
func cpuTime(proc fs.FS, pid int) (time.Duration, error) {
	threads, err := fs.Glob(proc, fmt.Sprintf("%d/task/*/schedstat", pid))
	if err != nil || len(threads) == 0 {
		return cpuTicks(proc, pid)
	}
	var sum time.Duration
	for _, thread := range threads {
		text, err := fs.ReadFile(proc, thread)
		if hasEnded(err) {
			continue
		}
		if err != nil {
			return 0, err
		}
		spent, err := parseSchedstat(text)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", thread, err)
		}
		sum += spent
	}
	return sum, nil
}

// parseSchedstat reads the first of the three numbers: nanoseconds on a CPU.
func parseSchedstat(text []byte) (time.Duration, error) {
	fields := bytes.Fields(text)
	if len(fields) != 3 {
		return 0, fmt.Errorf("%q is no schedstat", text)
	}
	n, err := strconv.ParseInt(string(fields[0]), 10, 64)
	return time.Duration(n), err
}

// cpuTicks is cpuTime for a kernel without scheduler statistics: coarser.
func cpuTicks(proc fs.FS, pid int) (time.Duration, error) {
	text, err := fs.ReadFile(proc, fmt.Sprintf("%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseStat(text)
}

// parseStat reads utime and stime, fields 14 and 15.
func parseStat(text []byte) (time.Duration, error) {
	fields, err := afterName(text)
	if err != nil {
		return 0, err
	}
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * tickLength, nil
}

// resident is how much memory a process has, in bytes.
func resident(proc fs.FS, pid int) (float64, error) {
	text, err := fs.ReadFile(proc, fmt.Sprintf("%d/status", pid))
	if err != nil {
		return 0, err
	}
	return parseResident(text)
}

func parseResident(text []byte) (float64, error) {
	for line := range bytes.Lines(text) {
		fields := bytes.Fields(line)
		if len(fields) == 3 && string(fields[0]) == "VmRSS:" && string(fields[2]) == "kB" {
			n, err := strconv.ParseFloat(string(fields[1]), 64)
			return n * 1024, err
		}
	}
	return 0, errors.New("the status of the process has no VmRSS: has it exited?")
}
